-- Which event and which rule a message comes from; no row for messages that come from none.
create or replace function sms.explain_origin(p_id bigint)
    returns table (topic text, verdict text, reason text, detail text, at timestamptz, facts jsonb)
    language sql stable
as $$
    select 'event', 'fired', null, t.event_type || ', rule ' || r.event_rule || coalesce('; ' || x.note, ''), e.fired_at,
           jsonb_build_object('event_id', e.event_id::text, 'client_id', e.client_id, 'event_key', e.event_key,
                              'cancelled_by_event_id', x.cancelled_by_event_id::text, 'problem', e.problem)
      from sms.event_effect as x
      join sms.event as e on e.event_id = x.event_id
      join sms.event_type as t on t.event_type_id = e.event_type_id
      join sms.event_rule as r on r.rule_id = x.rule_id
     where x.message_id = p_id
$$;
comment on function sms.explain_origin is 'Part of explain: the event and the rule that made a message.';
revoke execute on function sms.explain_origin from public;
