-- Quiet hours: defer to the first moment at which the subscriber's zone allows this category, spread over the channel's
-- opening_spread by a stable hash, so that 09:00 is no stampede. What would expire before the opening is suppressed.
-- A zone that is missing counts as unknown, and then every Russian zone must allow it.
-- The clock is asked once per category and zone in the batch, not per message.
create or replace function sms.rule_quiet_hours(p_batch sms.candidate[], p_as_of timestamptz)
    returns setof sms.finding
    language sql stable
as $$
    with silent as materialized (
        select k.channel_id, k.zone_id, coalesce(z.name, 'unknown') as zone, ch.opening_spread,
               sms.quiet_until(ch.category, coalesce(z.members, u.members), p_as_of) as until
          from (select distinct c.channel_id, c.zone_id from unnest(p_batch) as c) as k
          left join sms.channel as ch on ch.channel_id = k.channel_id
          left join sms.time_zone as z on z.zone_id = k.zone_id
          left join sms.time_zone as u on u.zone_id = 0
         where exists (select from sms.quiet_hours as q where q.category = ch.category)
    )
    select c.id,
           case when s.until >= c.expires_at then 11 else 80 end::smallint,
           case when s.until >= c.expires_at then 'suppress' else 'defer' end,
           case when s.until >= c.expires_at then 'expired' else 'quiet_hours' end,
           'quiet hours in ' || s.zone || ' until ' || s.until
               || case when s.until >= c.expires_at then ', valid only until ' || c.expires_at else '' end,
           case when s.until >= c.expires_at then null
                when s.until + o.later >= c.expires_at then s.until
                else s.until + o.later end
      from unnest(p_batch) as c
      join silent as s on s.channel_id = c.channel_id and s.zone_id = c.zone_id
      cross join lateral (select s.opening_spread * ((hashint8(c.id) & 1023) / 1024.0) as later) as o
     where s.until is not null
$$;
comment on function sms.rule_quiet_hours is 'Rule: defer to the first allowed local moment; suppress what would expire before it.';
revoke execute on function sms.rule_quiet_hours from public;
