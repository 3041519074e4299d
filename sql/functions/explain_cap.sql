-- Every cap that applies to a message: how much of it was used up in its period, and by which messages when (the newest 50).
create or replace function sms.explain_cap(p_fact sms.candidate, p_as_of timestamptz, p_before timestamptz)
    returns jsonb
    language sql stable
as $$
    with counted as (
        select t.cap_id, t.per, t.period, t.since, t.max_messages, u.used, u.messages
          from sms.cap_terms(array[p_fact], p_as_of) as t
          cross join lateral (
                   select count(*) as used,
                          jsonb_agg(jsonb_build_object('message_id', g.message_id::text, 'at', g.at, 'channel', o.channel)
                                    order by g.at) filter (where g.n <= 50) as messages
                     from (select l.message_id, l.at, l.channel_id, row_number() over (order by l.at desc) as n
                             from (select * from sms.contact_log as x
                                    where t.per = 'number' and x.msisdn = p_fact.msisdn and x.at >= t.since and x.at < p_before
                                    union all
                                   select * from sms.contact_log as x
                                    where t.per = 'client' and x.client_id = p_fact.client_id and x.at >= t.since
                                      and x.at < p_before) as l
                            where l.message_id <> p_fact.id
                              and (t.counted is null or l.channel_id = any (t.counted))) as g
                     left join sms.channel as o on o.channel_id = g.channel_id
               ) as u
         where t.per = 'number' or p_fact.client_id is not null
    )
    select jsonb_build_object(
               'told', coalesce(string_agg('cap ' || c.cap_id || ': ' || c.used || ' of ' || c.max_messages || ' a ' || c.per
                                           || case c.period when 'rolling' then ' in its span' else ' this ' || c.period end,
                                           '; ' order by c.cap_id), 'no cap applies'),
               'objects', coalesce(bool_or(c.used >= c.max_messages), false),
               'caps', jsonb_agg(jsonb_build_object(
                           'cap_id', c.cap_id, 'per', c.per, 'period', c.period,
                           'since', case when isfinite(c.since) then c.since end, 'used', c.used, 'max', c.max_messages,
                           'used_up', c.used >= c.max_messages, 'span', k.span, 'reason', k.reason,
                           'rule', sms.rule_version('cap', c.cap_id::text, p_as_of) - 'row',
                           'messages', c.messages) order by c.cap_id))
      from counted as c
      join sms.cap as k on k.cap_id = c.cap_id
$$;
comment on function sms.explain_cap is 'Part of explain: the facts behind rule_cap.';
revoke execute on function sms.explain_cap from public;
