-- Let the statements of this transaction that follow take as long as audience_timeout_s says: a program asks this before it
-- reads an audience, for PostgreSQL arms statement_timeout only before a statement begins.
create or replace function sms.limit_audience()
    returns void
    language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$
    select set_config('statement_timeout', s.value || 's', true) from sms.setting as s where s.setting = 'audience_timeout_s'
$$;
comment on function sms.limit_audience is 'statement_timeout for the rest of the transaction, by the setting audience_timeout_s.';
revoke execute on function sms.limit_audience from public;
