-- Remove the route of a channel ('*' = of every channel), or that of its lane to one operator. Its lanes follow the channel's
-- route where there still is one, else they stay where they are. Returns how many routes were removed; none is an error.
create or replace function sms.remove_route(p_channel text, p_operator text default null)
    returns int
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _lanes smallint[] := sms.lanes_of(p_channel, p_operator);
    _removed int;
begin
    delete from sms.route as r
     where r.channel_id in (select l.channel_id from sms.lane as l where l.lane_id = any (_lanes))
       and r.operator_id is not distinct from (select o.operator_id from sms.operator as o where o.operator = p_operator);
    get diagnostics _removed = row_count;
    if _removed = 0 then
        raise exception 'no such route: %', concat_ws(' to ', p_channel, p_operator)
            using errcode = 'SM060', hint = 'See them with sms.list_routes() or: outbox route list.';
    end if;
    perform sms.point_lanes(clock_timestamp(), _lanes);
    perform sms.log_activity('removed', 'route', p_channel, jsonb_strip_nulls(jsonb_build_object('operator', p_operator)));
    return _removed;
end
$$;
comment on function sms.remove_route is 'Remove a route; its lanes stay where they are.';
revoke execute on function sms.remove_route from public;
