-- Worker API. Notices the webhook has not been told yet, oldest first, taken for half a minute: who does not tell of success
-- by then sees them again, so each is told at least once. Notices older than a day are not told any more.
create or replace function sms.take_route_notices(p_limit int default 100)
    returns table (notice_id bigint, payload jsonb)
    language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$
    with taken as (
        update sms.route_notice as n
           set tries = n.tries + 1,
               next_try_at = clock_timestamp() + least(interval '30 seconds' * power(2, least(n.tries, 10)), interval '10 minutes')
         where n.notice_id in (select x.notice_id
                                 from sms.route_notice as x
                                where x.told_at is null and x.next_try_at <= clock_timestamp() and x.at > clock_timestamp() - interval '1 day'
                                order by x.next_try_at
                                limit p_limit
                                  for update skip locked)
     returning n.notice_id, n.payload
    )
    select t.notice_id, t.payload from taken as t order by t.notice_id
$$;
comment on function sms.take_route_notices is 'Worker API. Take notices that the webhook was not told yet.';
revoke execute on function sms.take_route_notices from public;
