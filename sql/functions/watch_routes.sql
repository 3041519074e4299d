-- Chore, every second by one leader: end pins, move breakers, point lanes, forget old tallies. All of it as of one moment, so
-- that a test can play through a night. Decisions are in judge_providers and choose_providers, which write nothing.
create or replace function sms.watch_routes(p_as_of timestamptz default null)
    returns table (opened int, tried int, closed int, lanes int, unpinned int)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan set jit = off
as $$
declare
    _now timestamptz := coalesce(sms.named_moment(p_as_of), clock_timestamp());
    _moved smallint[];
begin
    unpinned := sms.expire_pins(_now);
    perform sms.count_delivered(_now);
    select m.opened, m.tried, m.closed into opened, tried, closed from sms.move_breakers(_now) as m;
    lanes := sms.point_lanes(_now);
    -- What was on its way when lanes moved comes back, turned away, a little later.
    _moved := array(select distinct c.lane_id
                      from sms.lane_change as c
                     where c.change_id >= sms.id_at(clock_timestamp() - interval '10 seconds') and c.cause = 'failover');
    if cardinality(_moved) > 0 then
        perform sms.hurry_urgent(_moved, _now);
    end if;
    delete from sms.provider_tally as t where t.bucket_at < _now - interval '10 minutes';
    delete from sms.route_notice as n where n.notice_id < sms.id_at(clock_timestamp() - interval '7 days');
    return next;
end
$$;
comment on function sms.watch_routes is 'Chore. Breakers, pins and lanes: who is used, who serves what. Returns what moved.';
revoke execute on function sms.watch_routes from public;
