-- The window in which the same content goes once, what makes content the same, and the messages that had it before.
create or replace function sms.explain_duplicate(p_fact sms.candidate, p_as_of timestamptz, p_before timestamptz)
    returns jsonb
    language sql stable
as $$
    select jsonb_build_object(
               'told', case when coalesce(ch.dedup_window, '0') = '0' then 'the channel does not look for duplicates'
                            when p_fact.dedup_key is null and not sms.may_read_texts()
                                then 'told only to roles that may read texts'
                            else 'nothing the same went within ' || ch.dedup_window end,
               'window', ch.dedup_window,
               'same_by', ch.dedup_by,
               'rule', sms.rule_version('channel', ch.channel_id::text, p_as_of) - 'row',
               'objects', e.earlier is not null,
               'earlier', e.earlier)
      from sms.channel as ch
      cross join lateral (
               select jsonb_agg(jsonb_build_object('message_id', l.message_id::text, 'at', l.at, 'channel', o.channel)
                                order by l.at) as earlier
                 from sms.contact_log as l
                 left join sms.channel as o on o.channel_id = l.channel_id
                where l.msisdn = p_fact.msisdn and l.dedup_key = p_fact.dedup_key and l.message_id <> p_fact.id
                  and l.at > p_as_of - ch.dedup_window and l.at < p_before
           ) as e
     where ch.channel_id = p_fact.channel_id
$$;
comment on function sms.explain_duplicate is 'Part of explain: the facts behind rule_duplicate.';
revoke execute on function sms.explain_duplicate from public;
