-- End the pins whose time is over, or those of these lanes; returns how many. Lanes with a route are its again; lanes without
-- go back to who served them before.
create or replace function sms.expire_pins(p_as_of timestamptz, p_lanes smallint[] default '{}')
    returns int
    language plpgsql volatile
as $$
declare
    _ended sms.lane_pin[];
    _causes jsonb;
begin
    with gone as (
        delete from sms.lane_pin as n where n.pinned_until <= p_as_of or n.lane_id = any (p_lanes) returning n
    )
    select array_agg(g.n) into _ended from gone as g;
    select jsonb_object_agg(l.lane_id, jsonb_build_object(
               'to', e.return_to, 'cause', 'pin_ended', 'is_automatic', e.lane_id <> all (p_lanes),
               'detail', format('pinned by %s%s', e.pinned_by, ': ' || e.reason)))
      into _causes
      from unnest(_ended) as e
      join sms.lane as l on l.lane_id = e.lane_id
     where l.provider_id is distinct from e.return_to
       and not exists (select from sms.route as r
                        where r.channel_id = l.channel_id and (r.operator_id = l.operator_id or r.operator_id is null));
    if _causes is not null then
        update sms.lane as l
           set provider_id = (e.value ->> 'to')::smallint, moved = e.value - 'to' || jsonb_build_object('at', clock_timestamp())
          from jsonb_each(_causes) as e
         where l.lane_id = e.key::smallint;
    end if;
    return coalesce(cardinality(_ended), 0);
end
$$;
comment on function sms.expire_pins is 'End pins: those whose time is over, or those of these lanes.';
revoke execute on function sms.expire_pins from public;
