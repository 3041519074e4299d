-- Caps: suppress when a cap of this channel, category or of all is used up for this number.
-- Counts the contact log over the cap's period in the subscriber's zone. When only the rows before it in this batch would
-- use it up, wait for the next claim, which sees them in the log. A zone that is missing counts as unknown.
create or replace function sms.rule_cap(p_batch sms.candidate[], p_as_of timestamptz)
    returns setof sms.finding
    language sql stable
as $$
    with limits as materialized (
        select k.channel_id, k.zone_id, p.cap_id, p.max_messages, p.period, p.channel, p.category,
               sms.period_start(p.period, p.span, z.members, p_as_of) as since,
               case when p.channel is null and p.category is null then null
                    else (select array_agg(o.channel_id) from sms.channel as o
                           where o.channel = coalesce(p.channel, o.channel)
                             and o.category = coalesce(p.category, o.category)) end as counted
          from (select distinct c.channel_id, c.zone_id from unnest(p_batch) as c) as k
          left join sms.channel as ch on ch.channel_id = k.channel_id
          join sms.cap as p on (p.channel is null or p.channel is not distinct from ch.channel)
                           and (p.category is null or p.category is not distinct from ch.category)
          left join sms.time_zone as z on z.zone_id = k.zone_id
    ), horizon as materialized (
        select l.channel_id, l.zone_id, min(l.since) as since from limits as l group by l.channel_id, l.zone_id
    )
    select c.id, 60::smallint,
           case when bool_or(u.used >= l.max_messages) then 'suppress' else 'wait' end, 'cap',
           string_agg('cap ' || l.cap_id || ': ' || u.used || ' of ' || l.max_messages || ' this ' || l.period
                      || ' since ' || l.since, '; ' order by l.cap_id) filter (where u.used >= l.max_messages),
           null::timestamptz
      from unnest(p_batch) as c
      join horizon as h on h.channel_id = c.channel_id and h.zone_id = c.zone_id
      cross join lateral (
               select array_agg(x.at) as ats, array_agg(x.channel_id) as channels
                 from sms.contact_log as x
                where x.msisdn = c.msisdn
                  and x.at >= h.since
                  and x.at < p_as_of + interval '1 hour'
                  and x.message_id <> c.id
               offset 0
           ) as log
      join limits as l on l.channel_id = c.channel_id and l.zone_id = c.zone_id
      cross join lateral (
               select count(*) as used
                 from unnest(log.ats, log.channels) as g (at, channel_id)
                where g.at >= l.since and (l.counted is null or g.channel_id = any (l.counted))
           ) as u
     where u.used + c.nth >= l.max_messages
     group by c.id
$$;
comment on function sms.rule_cap is 'Rule: suppress when a daily, weekly, monthly or rolling cap of the number is used up.';
revoke execute on function sms.rule_cap from public;
