-- Every tariff of enabled providers in the own currency, with the days it holds (null = open). Where no exchange rate is
-- known there is no price, and the row is left out.
create or replace function sms.price_list()
    returns table (provider text, operator text, category text, from_segments bigint, price numeric, since date, until date)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select p.provider, o.operator, t.category, t.from_segments, k.price,
           case when t.valid_from > '-infinity' then (t.valid_from at time zone sms.statistics_zone())::date end,
           case when t.valid_until < 'infinity' then (t.valid_until at time zone sms.statistics_zone())::date end
      from sms.tariff as t
      join sms.provider as p using (provider_id)
      left join sms.operator as o using (operator_id)
     cross join lateral sms.in_currency(t.price, t.currency, now()) as k (price)
     where p.is_enabled and k.price is not null
     order by p.provider, o.operator, t.category, t.from_segments, t.valid_from
$$;
comment on function sms.price_list is 'Tariffs of enabled providers in the own currency.';
revoke execute on function sms.price_list from public;
