-- Caps: suppress when a cap of this channel, category or of all is used up for this number.
-- Counts the contact log over the cap's period in the subscriber's zone. When only the rows before it in this batch would
-- use it up, wait for the next claim, which sees them in the log. A zone that is missing counts as unknown.
-- One count a message against the smallest cap; which cap and how many only for the few that reach it.
create or replace function sms.rule_cap(p_batch sms.candidate[], p_as_of timestamptz)
    returns setof sms.finding
    language sql stable
as $$
    with term as materialized (
        select k.channel_id, k.zone_id, p.cap_id, p.max_messages, p.period, s.since,
               case when p.channel is null and p.category is null then null
                    else (select array_agg(o.channel_id) from sms.channel as o
                           where o.channel = coalesce(p.channel, o.channel)
                             and o.category = coalesce(p.category, o.category)) end as counted
          from (select distinct c.channel_id, c.zone_id from unnest(p_batch) as c) as k
          left join sms.channel as ch on ch.channel_id = k.channel_id
          join sms.cap as p on (p.channel is null or p.channel is not distinct from ch.channel)
                           and (p.category is null or p.category is not distinct from ch.category)
          left join sms.time_zone as z on z.zone_id = k.zone_id
          cross join lateral sms.period_start(p.period, p.span, z.members, p_as_of) as s
    ), horizon as materialized (
        select t.channel_id, t.zone_id, min(t.since) as since, min(t.max_messages) as least_allowed
          from term as t
         group by t.channel_id, t.zone_id
    ), suspect as materialized (
        select c.id, c.msisdn, c.nth, c.channel_id, c.zone_id, h.since
          from unnest(p_batch) as c
          join horizon as h on h.channel_id = c.channel_id and h.zone_id = c.zone_id
          cross join lateral (
                   select count(*) as contacts
                     from sms.contact_log as x
                    where x.msisdn = c.msisdn and x.at >= h.since and x.at < p_as_of + interval '1 hour'
                   offset 0
               ) as l
         where l.contacts + c.nth >= h.least_allowed
    )
    select c.id, 60::smallint,
           case when bool_or(u.used >= t.max_messages) then 'suppress' else 'wait' end, 'cap',
           string_agg('cap ' || t.cap_id || ': ' || u.used || ' of ' || t.max_messages || ' this ' || t.period
                      || ' since ' || t.since, '; ' order by t.cap_id) filter (where u.used >= t.max_messages),
           null::timestamptz
      from suspect as c
      cross join lateral (
               select array_agg(x.at) as ats, array_agg(x.channel_id) as channels
                 from sms.contact_log as x
                where x.msisdn = c.msisdn and x.at >= c.since and x.at < p_as_of + interval '1 hour'
                  and x.message_id <> c.id
               offset 0
           ) as log
      join term as t on t.channel_id = c.channel_id and t.zone_id = c.zone_id
      cross join lateral (
               select count(*) as used
                 from unnest(log.ats, log.channels) as g (at, channel_id)
                where g.at >= t.since and (t.counted is null or g.channel_id = any (t.counted))
           ) as u
     where u.used + c.nth >= t.max_messages
     group by c.id
$$;
comment on function sms.rule_cap is 'Rule: suppress when a daily, weekly, monthly or rolling cap of the number is used up.';
revoke execute on function sms.rule_cap from public;
