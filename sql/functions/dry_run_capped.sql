-- Would the kept candidates, with the contact log, use up a cap of this one? As in sms.rule_cap, with them in the log.
-- p_cap_ids and p_sinces are the caps that apply to it (sms.cap_terms) and the begin of their periods.
create or replace function sms.dry_run_capped(
    p_fact sms.candidate, p_moment timestamptz, p_cap_ids int[], p_sinces timestamptz[], p_kept sms.candidate[]
)
    returns boolean
    language sql stable
as $$
    select coalesce(bool_or(v.used > 0 and v.used + case p.per when 'number' then n.used else c.used end >= p.max_messages),
                    false)
      from unnest(p_cap_ids, p_sinces) as t (cap_id, since)
      join sms.cap as p on p.cap_id = t.cap_id
      cross join lateral (
               select array_agg(o.channel_id) as counted
                 from sms.channel as o
                where o.channel = coalesce(p.channel, o.channel) and o.category = coalesce(p.category, o.category)
           ) as o
      cross join lateral (
               select count(*) as used
                 from unnest(p_kept) as k
                where case p.per when 'number' then k.msisdn = p_fact.msisdn else k.client_id = p_fact.client_id end
                  and k.not_before >= t.since and k.channel_id = any (o.counted)
           ) as v
      cross join lateral (
               select count(*) as used
                 from sms.contact_log as x
                where v.used > 0 and p.per = 'number' and x.msisdn = p_fact.msisdn
                  and x.at >= t.since and x.at < p_moment + interval '1 hour'
                  and x.channel_id = any (o.counted) and x.message_id <> p_fact.id
               offset 0
           ) as n
      cross join lateral (
               select count(*) as used
                 from sms.contact_log as x
                where v.used > 0 and p.per = 'client' and x.client_id = p_fact.client_id
                  and x.at >= t.since and x.at < p_moment + interval '1 hour'
                  and x.channel_id = any (o.counted) and x.message_id <> p_fact.id
               offset 0
           ) as c
$$;
comment on function sms.dry_run_capped is 'Part of dry_run: do the kept candidates use up a cap of this one?';
revoke execute on function sms.dry_run_capped from public;
