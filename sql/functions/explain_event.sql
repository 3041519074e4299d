-- The story of one event: what happened, what each rule of its type made of it, what is planned, what it took back.
-- A rule without a trace is asked anew, as it is today.
create or replace function sms.explain_event(p_event_id bigint)
    returns table (step int, topic text, verdict text, rule text, message_id bigint, at timestamptz, detail text)
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp set enable_seqscan = off
as $$
begin
    if not exists (select from sms.event as e
                    where e.event_id = p_event_id and coalesce(e.event_type_id = any (sms.my_event_types()), sms.my_event_types() is null)) then
        raise exception 'no event %', p_event_id using errcode = 'SM054';
    end if;
    return query
    select row_number() over (order by s.part, s.at, s.rule)::int, s.topic, s.verdict, s.rule, s.message_id, s.at, s.detail
      from (select 1 as part, 'event' as topic, 'fired' as verdict, null::text as rule, null::bigint as message_id, e.fired_at as at,
                   t.event_type || coalesce(' of client ' || e.client_id, '') || coalesce(', key ' || e.event_key, '')
                       || coalesce('; ' || e.problem, '') as detail
              from sms.event as e
              join sms.event_type as t on t.event_type_id = e.event_type_id
             where e.event_id = p_event_id
            union all
            select 2, 'rule', x.outcome, r.event_rule, x.message_id, x.decided_at,
                   coalesce(x.note, case x.outcome when 'message' then 'template ' || r.template || ', channel ' || r.channel end,
                            'by event ' || x.cancelled_by_event_id)
              from sms.event_effect as x
              join sms.event_rule as r on r.rule_id = x.rule_id
             where x.event_id = p_event_id
            union all
            select 2, 'rule', 'planned', r.event_rule, null, p.due_at,
                   'template ' || r.template || ', channel ' || r.channel
                       || coalesce('; taken back by ' || nullif(array_to_string(r.cancelled_by, ', '), ''), '')
                       || case when r.is_enabled then '' else '; the rule is switched off' end
              from sms.event_plan as p
              join sms.event_rule as r on r.rule_id = p.rule_id
             where p.event_id = p_event_id and p.message_id is null
            union all
            select 2, 'rule', 'nothing', r.event_rule, null, null,
                   case when r.created_at > e.fired_at then 'the rule is younger than the event'
                        when not r.is_enabled then 'the rule is switched off'
                        when not w.applies then 'its condition does not hold: ' || r.condition
                        else 'the rule was changed since' end
              from sms.event as e
              join sms.event_rule as r on r.event_type_id = e.event_type_id and r.removed_at is null
              cross join lateral sms.weigh_events(array[e.event_id], array[r.rule_id]) as w
             where e.event_id = p_event_id
               and not exists (select from sms.event_effect as x where x.event_id = p_event_id and x.rule_id = r.rule_id)
               and not exists (select from sms.event_plan as p where p.event_id = p_event_id and p.rule_id = r.rule_id)
            union all
            select 3, 'took back', x.outcome, r.event_rule, x.message_id, x.decided_at, 'of event ' || x.event_id
              from sms.event as e
              cross join lateral (select y.event_id from sms.event as y where y.client_id = e.client_id offset 0) as o
              join sms.event_effect as x on x.event_id = o.event_id and x.cancelled_by_event_id = e.event_id
              join sms.event_rule as r on r.rule_id = x.rule_id
             where e.event_id = p_event_id) as s
     order by 1;
end
$$;
comment on function sms.explain_event is 'What became of an event: each rule''s message, plan or reason for none, and what the event took back.';
revoke execute on function sms.explain_event from public;
