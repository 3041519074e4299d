-- Let each statement of this transaction that follows take p_times what audience_timeout_s says: a program asks this before it
-- reads an audience, for PostgreSQL arms statement_timeout only before a statement begins. A preview does more than read.
create or replace function sms.limit_audience(p_times double precision default 1)
    returns void
    language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$
    select set_config('statement_timeout', greatest(1, round(s.value::double precision * 1000 * p_times))::text, true)
      from sms.setting as s
     where s.setting = 'audience_timeout_s'
$$;
comment on function sms.limit_audience is 'statement_timeout for the rest of the transaction, by the setting audience_timeout_s.';
revoke execute on function sms.limit_audience from public;
