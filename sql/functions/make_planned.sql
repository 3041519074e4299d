-- Chore. What is planned and near becomes a message (phone, zone, template and rule as they are now), what was decided is
-- forgotten, cancelling events that met a busy row are applied again. How many of each; kept were looked at and wait on.
create or replace function sms.make_planned(p_limit int default 1000, p_as_of timestamptz default null)
    returns table (made int, forgotten int, cancelled int, kept int)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
declare
    _now timestamptz := coalesce(sms.named_moment(p_as_of), clock_timestamp());
    _again bigint;
    _events bigint[];
    _rules int[];
    _messages bigint[];
    _tids tid[];
    _waits timestamptz[];
begin
    cancelled := 0;
    for _again in delete from sms.event_recheck as x where x.look_at <= _now returning x.event_id loop
        cancelled := cancelled + coalesce((select sum(c.cancelled) from sms.cancel_by_events(array[_again], _now) as c), 0);
    end loop;

    with due as (
        select x.event_id, x.rule_id, x.message_id, x.ctid as tid
          from sms.event_plan as x
         where x.look_at <= _now
         order by x.look_at
         limit p_limit
           for update skip locked
    ), seen as (   -- one that waits, or may come back to waiting, can still be cancelled
        select d.event_id, d.rule_id, d.message_id, d.tid, w.waits_until
          from due as d
          left join lateral (
                   select q.not_before as waits_until from sms.pending as q where q.id = d.message_id
                    union all
                   select _now from sms.inflight as f where f.id = d.message_id
                    limit 1
               ) as w on true
    )
    select array_agg(s.event_id), array_agg(s.rule_id), array_agg(s.message_id), array_agg(s.tid), array_agg(s.waits_until)
      into _events, _rules, _messages, _tids, _waits
      from seen as s;

    update sms.event_plan as p
       set look_at = greatest(_now + interval '1 minute', (select q.not_before from sms.pending as q where q.id = p.message_id))
     where p.ctid = any (array(select s.tid from unnest(_tids, _waits) as s (tid, waits_until) where s.waits_until is not null));
    delete from sms.event_plan as p
     where p.ctid = any (array(select s.tid from unnest(_tids, _waits) as s (tid, waits_until) where s.waits_until is null));
    forgotten := (select count(*) from unnest(_messages, _waits) as s (message_id, waits_until)
                   where s.message_id is not null and s.waits_until is null);

    select count(*) filter (where a.fate = 'message') into made
      from (select array_agg(s.event_id) as event_ids, array_agg(s.rule_id) as rule_ids
              from unnest(_events, _rules, _messages) as s (event_id, rule_id, message_id)
             where s.message_id is null and s.event_id is not null) as plan
      cross join lateral sms.act_on_events(plan.event_ids, plan.rule_ids, false, _now) as a;
    kept := coalesce(cardinality(_events), 0) - made - forgotten;
    return next;
end
$$;
comment on function sms.make_planned is 'Chore. Make the planned messages that are near; forget those decided; apply cancellations again.';
revoke execute on function sms.make_planned from public;
