-- Be the one process that does this chore until the end of the transaction; false where another one is at it.
create or replace function sms.lead_chore(p_chore int)
    returns boolean
    language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$ select pg_try_advisory_xact_lock(74020, p_chore) $$;
comment on function sms.lead_chore is 'Be the one process that does this chore until the end of the transaction.';
revoke execute on function sms.lead_chore from public;
