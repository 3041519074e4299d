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
    select array_agg(h.event_id), array_agg(h.rule_id), array_agg(h.message_id), array_agg(h.cause_id)
      into _events, _rules, _messages, _causes
      from (select p.event_id, p.rule_id, p.message_id, m.cause_id
              from unnest(_events, _rules, _causes) as m (event_id, rule_id, cause_id)
              join sms.event_plan as p on p.event_id = m.event_id and p.rule_id = m.rule_id
               for update of p skip locked) as h;
    if _matched = coalesce(cardinality(_events), 0) then
        _again := '{}';
    end if;

    _recalled := sms.cancel_waiting(array_remove(_messages, null), 'cancelled', 'by event ' || _type);
    insert into sms.event_recheck (event_id, look_at)
    select c.event_id, p_now + interval '5 seconds'
      from (select h.cause_id as event_id
              from unnest(_messages, _causes) as h (message_id, cause_id)
             where exists (select from sms.inflight as f where f.id = h.message_id)
            union
            select a.event_id from unnest(_again) as a (event_id)) as c
        on conflict do nothing;

    return query
    with plan as materialized (
        select h.event_id, h.rule_id, h.message_id, h.cause_id,
               -- hashed once; a join of two lists is a nested loop, as nobody knows how long they are
               h.message_id is null or h.message_id in (select r.id from unnest(_recalled) as r (id)) as is_cancelled
          from unnest(_events, _rules, _messages, _causes) as h (event_id, rule_id, message_id, cause_id)
    ), gone as (
        delete from sms.event_plan as p
         using plan as h
         where p.event_id = h.event_id and p.rule_id = h.rule_id
           and (h.is_cancelled or not exists (select from sms.inflight as f where f.id = h.message_id))
    ), dropped as (
        insert into sms.event_effect (event_id, rule_id, decided_at, outcome, cancelled_by_event_id)
        select h.event_id, h.rule_id, p_now, 'cancelled', h.cause_id from plan as h where h.message_id is null
    ), marked as (
        update sms.event_effect as e
           set outcome = 'cancelled', decided_at = p_now, cancelled_by_event_id = h.cause_id
          from plan as h
         where e.event_id = h.event_id and e.rule_id = h.rule_id and h.message_id is not null and h.is_cancelled
    )
    select h.cause_id, count(*)::int from plan as h where h.is_cancelled group by h.cause_id;
end
$$;
comment on function sms.cancel_by_events is 'What these events take back: plans and waiting messages of the same client; how many, by event.';
revoke execute on function sms.cancel_by_events from public;
