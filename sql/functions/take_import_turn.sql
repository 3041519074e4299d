-- Wait until no other import of this kind goes on; held until the end of the transaction. Kinds: 'blacklist'.
create or replace function sms.take_import_turn(p_kind text)
    returns void
    language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$ select pg_advisory_xact_lock(74030, hashtext(p_kind)) $$;
comment on function sms.take_import_turn is 'Wait until no other import of this kind goes on; held until the end of the transaction.';
revoke execute on function sms.take_import_turn from public;
