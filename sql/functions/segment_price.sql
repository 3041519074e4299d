-- Price of one segment for a provider, operator and category at a moment; null when no tariff covers it.
-- The most specific row wins: operator and category, operator alone, category alone, neither; of its steps the highest that
-- the month's volume has reached. Volume is only looked up where there are steps. In the currency of setting currency.
create or replace function sms.segment_price(p_provider_id smallint, p_operator_id smallint, p_category text, p_as_of timestamptz)
    returns numeric
    language plpgsql stable
as $$
begin
    return (
    select sms.in_currency(t.price, t.currency, p_as_of)
      from sms.tariff as t
     where t.provider_id = p_provider_id
       and (t.operator_id is null or t.operator_id = p_operator_id)
       and (t.category is null or t.category = p_category)
       and t.valid_from <= p_as_of and p_as_of < t.valid_until
       and (t.from_segments = 0
            or t.from_segments <= sms.month_segments(t.provider_id, t.operator_id, t.category, p_as_of))
     order by t.operator_id is null, t.category is null, t.from_segments desc
     limit 1
    );
end
$$;
comment on function sms.segment_price is
    'Price of one segment by sms.tariff, the most specific row and its highest reached step; null when none covers it.';
revoke execute on function sms.segment_price from public;
