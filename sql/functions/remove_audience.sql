-- Take an audience out of use. Its versions stay, and saving the name again brings it back. SM030 for an unknown one.
create or replace function sms.remove_audience(p_audience text)
    returns void
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    update sms.audience as a set removed_at = clock_timestamp() where a.audience = p_audience and a.removed_at is null;
    if not found then
        raise exception 'there is no audience %', quote_literal(coalesce(p_audience, '')) using errcode = 'SM030';
    end if;
end
$$;
comment on function sms.remove_audience is 'Take an audience out of use; its history stays.';
revoke execute on function sms.remove_audience from public;
