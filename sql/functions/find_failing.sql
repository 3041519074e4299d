-- Which of these numbers meet which automatic rule at a moment: enough failures of the class, within the span, far enough
-- apart, and nothing delivered since the first of them. needs_life: only failures of alphanumeric senders count, and the
-- number must have answered, or taken a message from a numeric sender, within the span.
-- A failure without a known error counts as unreachable when the operator gave up (undelivered, expired), else as nothing.
create or replace function sms.find_failing(p_numbers bigint[], p_as_of timestamptz)
    returns table (auto_rule_id int, msisdn bigint, category text, channel text, lasts interval, reason text)
    language sql stable
as $$
    with failure as materialized (
        select t.msisdn, t.at,
               coalesce(e.class, case when t.state in ('undelivered', 'expired') then 'unreachable' end) as class,
               coalesce(o.sender_id, ch.sender_id, '') !~ '^\+?\d+$' as is_alphanumeric
          from unnest(p_numbers) as n (msisdn)
          join sms.number_trouble as t on t.msisdn = n.msisdn
          join sms.provider as p on p.provider_id = t.provider_id
          left join sms.receipt_error as e on e.adapter = p.adapter and e.error = t.error
          left join sms.outbox as o on o.id = t.message_id
          left join sms.channel as ch on ch.channel = o.channel
    ), delivery as materialized (
        select l.msisdn, o.final_at as at, coalesce(q.sender_id, ch.sender_id, '') ~ '^\+?\d+$' as is_numeric
          from unnest(p_numbers) as n (msisdn)
          join sms.contact_log as l on l.msisdn = n.msisdn
          join sms.outcome as o on o.id = l.message_id and o.state = 'delivered'
          join sms.outbox as q on q.id = o.id
          left join sms.channel as ch on ch.channel = q.channel
    ), counted as (
        select r.auto_rule_id, f.msisdn, count(*) as times, min(f.at) as first_at, max(f.at) as last_at
          from sms.auto_blacklist_rule as r
          join failure as f on f.class = r.class and f.at > p_as_of - r.span and f.at <= p_as_of
                           and (f.is_alphanumeric or not r.needs_life)
         where r.is_enabled
           and not exists (select from delivery as d
                            where d.msisdn = f.msisdn and d.at >= f.at and d.at <= p_as_of
                              and not (r.needs_life and d.is_numeric))
         group by r.auto_rule_id, f.msisdn
    )
    select r.auto_rule_id, c.msisdn, r.category, r.channel, r.lasts, r.reason
      from counted as c
      join sms.auto_blacklist_rule as r using (auto_rule_id)
     where c.times >= r.times and c.last_at - c.first_at >= r.min_gap
       and (not r.needs_life
            or exists (select from delivery as d where d.msisdn = c.msisdn and d.is_numeric and d.at > p_as_of - r.span)
            or exists (select from sms.inbound as i where i.msisdn = c.msisdn and i.received_at > p_as_of - r.span))
$$;
comment on function sms.find_failing is 'Numbers that meet an automatic blacklisting rule, and the rule.';
revoke execute on function sms.find_failing from public;
