-- What providers charge by the month, in the own currency, for every month up to this one that a fee touches; charged whole.
-- An amount without a rate is null.
create or replace function sms.month_fees()
    returns table (month date, provider_id smallint, amount numeric)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select g.month::date, f.provider_id, sms.in_currency(f.amount, f.currency, g.month at time zone sms.statistics_zone())
      from sms.monthly_fee as f
     cross join lateral generate_series(
               date_trunc('month', f.valid_from::timestamp),
               least(f.valid_until - 1, date_trunc('month', now() at time zone sms.statistics_zone())::date)::timestamp,
               interval '1 month') as g (month)
$$;
comment on function sms.month_fees is 'Monthly fees by month and provider, in the own currency.';
revoke execute on function sms.month_fees from public;
