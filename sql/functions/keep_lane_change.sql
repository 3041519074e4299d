-- Triggers on lane: every change of who serves a lane is a row of sms.lane_change, and one notice for those that share
-- from, to and cause. Functions say why in the row's own column moved, anew each time; an UPDATE that says nothing was made
-- by hand.
create or replace function sms.keep_lane_change()
    returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _notice jsonb;
begin
    for _notice in
        with changed as (
            insert into sms.lane_change (lane_id, channel, operator, from_provider, to_provider, cause, is_automatic, acted_as, detail)
            select n.lane_id, c.channel, o.operator, f.provider, t.provider, coalesce(w.why ->> 'cause', 'by_hand'),
                   coalesce((w.why ->> 'is_automatic')::boolean, false), sms.acting_role(), w.why ->> 'detail'
              from new_rows as n
              join old_rows as b on b.lane_id = n.lane_id
              join sms.channel as c on c.channel_id = n.channel_id
              join sms.operator as o on o.operator_id = n.operator_id
              left join sms.provider as f on f.provider_id = b.provider_id
              left join sms.provider as t on t.provider_id = n.provider_id
              cross join lateral (select case when n.moved is distinct from b.moved then n.moved end as why) as w
             where b.provider_id is distinct from n.provider_id
             order by c.priority, n.lane_id
         returning *
        )
        select jsonb_build_object('kind', 'lanes', 'at', min(c.at), 'from', c.from_provider, 'to', c.to_provider, 'cause', c.cause,
                                  'detail', c.detail, 'is_automatic', c.is_automatic, 'by', min(c.done_by), 'lanes', count(*),
                                  'channels', jsonb_agg(distinct c.channel), 'operators', jsonb_agg(distinct c.operator))
          from changed as c
         group by c.from_provider, c.to_provider, c.cause, c.detail, c.is_automatic
    loop
        perform sms.announce_route(_notice);
    end loop;
    return null;
end
$$;
comment on function sms.keep_lane_change is 'Trigger: who serves a lane changed; keep it with its cause, and tell.';
revoke execute on function sms.keep_lane_change from public;

create or replace trigger keep_lane_change after update on sms.lane
    referencing old table as old_rows new table as new_rows for each statement execute function sms.keep_lane_change();
comment on trigger keep_lane_change on sms.lane is 'History of who serves a lane.';
