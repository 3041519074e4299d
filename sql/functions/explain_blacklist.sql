-- Every blacklist row in force at a moment that names the number, a prefix of it, or a group that it or its client is in:
-- who entered it when and why, the reply or the failures that led to it, and whether it covers this kind of message.
create or replace function sms.explain_blacklist(p_fact sms.candidate, p_as_of timestamptz)
    returns jsonb
    language sql stable
as $$
    with hit as (
        select b.*, 'the number' as names from sms.blacklist as b where b.msisdn = p_fact.msisdn
         union all
        select b.*, 'prefix ' || b.prefix
          from generate_series(1, 15) as n
          join sms.blacklist as b on length(b.prefix) = n and b.prefix = left(p_fact.msisdn::text, n)
         union all
        select b.*, 'group ' || g.recipient_group
                        || case when m.msisdn is null then ', of which the client is' else ', of which the number is' end
          from sms.recipient_group_member as m
          join sms.recipient_group as g on g.group_id = m.group_id
          join sms.blacklist as b on b.group_id = m.group_id
         where m.msisdn = p_fact.msisdn or m.client_id = p_fact.client_id
    ), told as (
        select h.blacklist_id,
               (h.category is null or h.category is not distinct from ch.category)
                   and (h.channel is null or h.channel is not distinct from ch.channel)
                   and not (h.source = 'opt_out' and coalesce(ch.ignores_opt_out, false)) as covers,
               jsonb_build_object(
                   'blacklist_id', h.blacklist_id, 'names', h.names, 'reason', h.reason, 'source', h.source,
                   'category', h.category, 'channel', h.channel, 'since', h.created_at, 'by', h.created_by,
                   'until', h.expires_at, 'rule', sms.rule_version('blacklist', h.blacklist_id::text, p_as_of) - 'row',
                   'inbound', sms.explain_inbound(h.created_by),
                   'failures', case when h.source = 'auto' then (
                       select jsonb_agg(jsonb_build_object('message_id', t.message_id::text, 'at', t.at, 'state', t.state,
                                                           'error', t.error) order by t.at)
                         from sms.number_trouble as t
                        where t.msisdn = p_fact.msisdn and t.at <= h.created_at) end) as line
          from hit as h
          left join sms.channel as ch on ch.channel_id = p_fact.channel_id
         where h.created_at <= p_as_of and (h.expires_at is null or h.expires_at > p_as_of)
    )
    select jsonb_build_object(
               'told', case when count(*) = 0 then 'no row names it'
                            else count(*) || ' row(s) name it, none for this kind of message' end,
               'rows', jsonb_agg(t.line || jsonb_build_object('covers_this', t.covers) order by not t.covers, t.blacklist_id))
      from told as t
$$;
comment on function sms.explain_blacklist is 'Part of explain: the facts behind rule_blacklist.';
revoke execute on function sms.explain_blacklist from public;
