-- Point the lanes at who should serve them; returns how many changed. Away from a provider that may not go on: all at once,
-- urgent lanes first. Back to a preferred one: ramp_lanes every ramp_every, the least urgent first, and only while it is
-- clean; lanes of p_at_once do not wait, as a person just changed their route.
create or replace function sms.point_lanes(p_as_of timestamptz, p_at_once smallint[] default '{}')
    returns int
    language plpgsql volatile
as $$
declare
    _moves jsonb;
    _moved int;
begin
    with choice as (
        select c.*, c.chosen is distinct from c.serving as is_move,
               row_number() over (partition by c.chosen, c.is_forced, c.chosen is distinct from c.serving
                                  order by c.priority desc, c.lane_id) as turn
          from sms.choose_providers(p_as_of) as c
    ), allowed as (
        select c.*, c.is_move and (c.is_forced or c.lane_id = any (p_at_once)
                                   or (c.turn <= k.ramp_lanes and coalesce(b.returned_at + k.ramp_every <= p_as_of, true)
                                       and w.error_share <= k.recover_share)) as moves
          from choice as c
          join sms.breaker as b on b.provider_id = c.chosen
          join sms.breaker_policy as k on k.provider_id = c.chosen
          join sms.provider_window(p_as_of) as w on w.provider_id = c.chosen
    )
    select jsonb_object_agg(a.lane_id, jsonb_build_object(
               'to', case when a.moves then a.chosen else a.serving end, 'is_held', a.is_held, 'probed_by', a.probed_by,
               'is_return', a.moves and not a.is_forced, 'cause', a.cause, 'detail', a.detail,
               'is_automatic', a.lane_id <> all (p_at_once)) order by a.priority, a.lane_id)
      into _moves
      from allowed as a
      join sms.lane as l on l.lane_id = a.lane_id
     where a.moves or l.is_held is distinct from a.is_held or l.probed_by is distinct from a.probed_by;
    if exists (select from sms.lane as l where l.is_held or l.probed_by is not null) then
        update sms.lane as l  -- the route of these lanes went away, or they were pinned
           set is_held = false, probed_by = null
         where (l.is_held or l.probed_by is not null)
           and not exists (select from sms.lane_candidates(p_as_of) as c where c.lane_id = l.lane_id);
    end if;
    if _moves is null then  -- an update of nothing would still tell the workers
        return 0;
    end if;
    with done as (
        update sms.lane as l
           set provider_id = m.to, is_held = m.is_held, probed_by = m.probed_by,
               moved = jsonb_build_object('cause', m.cause, 'detail', m.detail, 'is_automatic', m.is_automatic, 'at', clock_timestamp())
          from jsonb_each(_moves) as e (key, value)
          cross join lateral jsonb_to_record(e.value) as m ("to" smallint, is_held boolean, probed_by smallint, cause text,
                                                         detail text, is_automatic boolean)
         where l.lane_id = e.key::smallint
     returning l.lane_id
    )
    select count(*) into _moved from done;
    update sms.breaker as b
       set returned_at = p_as_of
     where b.provider_id in (select (e.value ->> 'to')::smallint from jsonb_each(_moves) as e where (e.value ->> 'is_return')::boolean);
    perform sms.hurry_urgent(array(select e.key::smallint from jsonb_each(_moves) as e where not (e.value ->> 'is_held')::boolean), p_as_of);
    return _moved;
end
$$;
comment on function sms.point_lanes is 'Point routed lanes at who should serve them; away at once, back gradually.';
revoke execute on function sms.point_lanes from public;
