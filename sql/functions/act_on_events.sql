-- Let these rules act on these events: make messages that are due within ten minutes, plan those that are later, note
-- why there is none. p_is_new: the event has just been fired, so a moment that is over counts as past; for what was
-- planned before it does not, a late message goes and its validity decides. Appends only: no lock another session waits for.
create or replace function sms.act_on_events(p_event_ids bigint[], p_rule_ids int[], p_is_new boolean, p_now timestamptz)
    returns table (event_id bigint, rule_id int, fate text, message_id bigint, due_at timestamptz, note text)
    language plpgsql volatile
as $$
begin
    return query
    with weighed as materialized (
        select w.event_id, w.rule_id, w.phone, w.time_zone, w.due_at, r.template, r.channel, coalesce(r.validity, c.validity) as validity, r.event_rule,
               r.cancelled_by <> '{}' as may_be_cancelled, r.at_local is not null or r.date_variable is not null as is_local,
               case when not w.applies then case when p_is_new then 'nothing' else 'none' end
                    when not r.is_enabled or r.removed_at is not null or w.due_at is null then 'none'
                    when w.due_at > p_now + interval '10 minutes' then 'planned'
                    when w.due_at < p_now and p_is_new and r.if_past = 'skip' then 'none'
                    else 'message' end as fate,
               case when not w.applies then 'its condition holds no longer'
                    when r.removed_at is not null then 'the rule was removed'
                    when not r.is_enabled then 'the rule is switched off'
                    when w.due_at < p_now and p_is_new and r.if_past = 'skip'
                    then 'its moment, ' || to_char(w.due_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"') || ', was over when the event came'
                    else w.note end as note
          from sms.weigh_events(p_event_ids, p_rule_ids) as w
          join sms.event_rule as r on r.rule_id = w.rule_id
          join sms.channel as c on c.channel = r.channel
    ), decided as materialized (
        select w.*, case when w.fate = 'message' then sms.next_id() end as message_id,
               case when w.fate = 'message' then greatest(w.due_at, case when p_is_new then p_now end) end as send_at
          from weighed as w
    ), asked as (
        insert into sms.outbox (id, channel, phone, template, vars, erp_ref, client_id, not_before, expires_at, time_zone)
        select d.message_id, d.channel, d.phone, d.template, e.vars,
               case when e.event_key is not null
                    then 'event:' || coalesce(e.client_id::text, '') || ':' || d.rule_id || ':'
                         || case when char_length(e.event_key) > 150 then md5(e.event_key) else e.event_key end end,
               e.client_id, d.send_at, d.send_at + d.validity, d.time_zone
          from decided as d
          cross join lateral (
                   select x.vars, x.event_key, x.client_id from sms.event as x where x.event_id = d.event_id offset 0
               ) as e
         where d.message_id is not null
    ), told as (
        insert into sms.event_effect (event_id, rule_id, decided_at, outcome, message_id, note)
        select d.event_id, d.rule_id, p_now, d.fate, d.message_id, d.note from decided as d where d.fate in ('message', 'none')
    ), waits as (
        -- Looked at twelve hours before its moment once more, for the client may have moved to another zone.
        insert into sms.event_plan (event_id, rule_id, client_id, due_at, look_at, message_id)
        select d.event_id, d.rule_id, e.client_id, d.due_at,
               case when d.fate = 'message' then greatest(d.send_at, p_now) + interval '1 minute'
                    when d.is_local and d.due_at > p_now + interval '13 hours' then d.due_at - interval '12 hours'
                    else d.due_at - interval '10 minutes' end, d.message_id
          from decided as d
          cross join lateral (select x.client_id from sms.event as x where x.event_id = d.event_id offset 0) as e
         where d.fate = 'planned' or d.fate = 'message' and d.may_be_cancelled and e.client_id is not null
    )
    select d.event_id, d.rule_id, d.fate, d.message_id, d.due_at,
           case when d.fate <> 'nothing' and d.note is not null then 'rule ' || d.event_rule || ': ' || d.note end
      from decided as d;
end
$$;
comment on function sms.act_on_events is 'Let rules act on events: messages, plans, or a note why there is none.';
revoke execute on function sms.act_on_events from public;
