-- What these events (all of one type) take back: plans and waiting messages of the same client, by rules that name the type
-- in cancelled_by, made by events before them. How many, by event. Rows that somebody else is just working on are not waited
-- for: the event is put down for the chore, which applies it again; so is one whose message a worker holds, as it may return.
create or replace function sms.cancel_by_events(p_event_ids bigint[], p_now timestamptz)
    returns table (event_id bigint, cancelled int)
    language plpgsql volatile
as $$
declare
    _type text;
    _again bigint[];
    _events bigint[];
    _rules int[];
    _messages bigint[];
    _causes bigint[];
    _matched int;
    _recalled bigint[];
    _tids tid[];
    _cancelled boolean[];
    _effect record;
begin
    select array_agg(m.event_id), array_agg(m.rule_id), array_agg(m.cause_id), max(m.event_type)
      into _events, _rules, _causes, _type
      from (select distinct on (p.event_id, p.rule_id) p.event_id, p.rule_id, c.event_id as cause_id, t.event_type
              from unnest(p_event_ids) as i (event_id)
              cross join lateral (
                       select x.event_id, x.client_id, x.vars, x.fired_at, x.event_type_id
                         from sms.event as x where x.event_id = i.event_id offset 0
                   ) as c
              cross join lateral (select x.event_id, x.rule_id from sms.event_plan as x where x.client_id = c.client_id offset 0) as p
              join sms.event_type as t on t.event_type_id = c.event_type_id
              join sms.event_rule as r on r.rule_id = p.rule_id and t.event_type = any (r.cancelled_by)
              cross join lateral (select x.vars, x.fired_at from sms.event as x where x.event_id = p.event_id offset 0) as e
             where (r.cancel_key is null or e.vars ->> r.cancel_key = c.vars ->> r.cancel_key)
               and (e.fired_at, p.event_id) < (c.fired_at, c.event_id)   -- those of one call share the time
             order by p.event_id, p.rule_id, c.fired_at, c.event_id) as m;
    if _events is null then
        return;
    end if;
    _matched := cardinality(_events);
    _again := _causes;
    select array_agg(h.event_id), array_agg(h.rule_id), array_agg(h.message_id), array_agg(h.cause_id), array_agg(h.tid)
      into _events, _rules, _messages, _causes, _tids
      from (select p.event_id, p.rule_id, p.message_id, m.cause_id, p.tid
              from unnest(_events, _rules, _causes) as m (event_id, rule_id, cause_id)
              cross join lateral (
                       select x.event_id, x.rule_id, x.message_id, x.ctid as tid
                         from sms.event_plan as x
                        where x.event_id = m.event_id and x.rule_id = m.rule_id
                          for update skip locked
                   ) as p) as h;
    if _matched = coalesce(cardinality(_events), 0) then
        _again := '{}';
    end if;

    _recalled := sms.cancel_waiting(array_remove(_messages, null), 'cancelled', 'by event ' || _type);
    -- Hashed once: a join of two lists is a nested loop, as nobody knows how long they are.
    select array_agg(h.is_cancelled), array_agg(h.tid) filter (where h.is_cancelled or not h.is_held),
           _again || array_agg(h.cause_id) filter (where h.is_held and not h.is_cancelled)
      into _cancelled, _tids, _again
      from (select i.cause_id, i.tid, f.id is not null as is_held,
                   i.message_id is null or i.message_id in (select r.id from unnest(_recalled) as r (id)) as is_cancelled
              from unnest(_messages, _causes, _tids) with ordinality as i (message_id, cause_id, tid, n)
              left join lateral (select x.id from sms.inflight as x where x.id = i.message_id limit 1) as f on true
             order by i.n) as h;

    delete from sms.event_plan as p where p.ctid = any (_tids);
    insert into sms.event_recheck (event_id, look_at)
    select distinct a.event_id, p_now + interval '5 seconds' from unnest(_again) as a (event_id)
        on conflict do nothing;
    insert into sms.event_effect (event_id, rule_id, decided_at, outcome, cancelled_by_event_id)
    select h.event_id, h.rule_id, p_now, 'cancelled', h.cause_id
      from unnest(_events, _rules, _messages, _causes) as h (event_id, rule_id, message_id, cause_id)
     where h.message_id is null;
    for _effect in
        select h.event_id, h.rule_id, h.cause_id
          from unnest(_events, _rules, _messages, _causes, _cancelled) as h (event_id, rule_id, message_id, cause_id, is_cancelled)
         where h.message_id is not null and h.is_cancelled
    loop   -- one by one, so that each is found by its key whatever the planner believes of the table
        update sms.event_effect as e
           set outcome = 'cancelled', decided_at = p_now, cancelled_by_event_id = _effect.cause_id
         where e.event_id = _effect.event_id and e.rule_id = _effect.rule_id;
    end loop;

    return query
    select h.cause_id, count(*)::int
      from unnest(_causes, _cancelled) as h (cause_id, is_cancelled)
     where h.is_cancelled
     group by h.cause_id;
end
$$;
comment on function sms.cancel_by_events is 'What these events take back: plans and waiting messages of the same client; how many, by event.';
revoke execute on function sms.cancel_by_events from public;
