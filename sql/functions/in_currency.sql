-- An amount in the currency in which all money is counted (setting currency), by the rate of that day.
-- Null where no rate is known: a cost that cannot be told is unknown, not zero.
create or replace function sms.in_currency(p_amount numeric, p_currency text, p_as_of timestamptz)
    returns numeric
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select case when p_currency = coalesce((select s.value from sms.setting as s where s.setting = 'currency'), 'RUB') then p_amount
                else p_amount * (select r.rate from sms.exchange_rate as r
                                  where r.currency = p_currency and r.valid_from <= (p_as_of at time zone sms.statistics_zone())::date
                                  order by r.valid_from desc
                                  limit 1) end
$$;
comment on function sms.in_currency is 'An amount in the own currency by the rate of the day; null where none is known.';
revoke execute on function sms.in_currency from public;
