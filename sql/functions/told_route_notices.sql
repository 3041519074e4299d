-- Worker API. The webhook took these notices: never tell them again. Returns how many were not yet told.
create or replace function sms.told_route_notices(p_ids bigint[])
    returns int
    language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$
    with told as (
        update sms.route_notice as n set told_at = clock_timestamp() where n.notice_id = any (p_ids) and n.told_at is null returning 1
    )
    select count(*)::int from told
$$;
comment on function sms.told_route_notices is 'Worker API. Note that the webhook took these notices.';
revoke execute on function sms.told_route_notices from public;
