-- What became of the messages of some days, by whatever somebody asks: p_by names any of month, day, channel, category,
-- campaign, template, provider, operator, state, reason. Columns not asked for are null. accepted = handed to a provider;
-- delivery_share = delivered of those; p50, p95, p99 = from hand-over to delivery. From the sums of months that are
-- settled and of days else: a year is read at once.
-- Error SM070 names the words it knows.
create or replace function sms.statistics(p_from date, p_until date, p_by text[] default '{channel}')
    returns table (month date, day date, channel text, category text, campaign text, template text, provider text, operator text,
                   state text, reason text, messages bigint, segments bigint, cost numeric, accepted bigint, delivered bigint,
                   delivery_share numeric, p50 interval, p95 interval, p99 interval)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    _known constant text[] := array['month', 'day', 'channel', 'category', 'campaign', 'template', 'provider', 'operator',
                                    'state', 'reason'];
    _unknown text := (select b from unnest(p_by) as b where b <> all (_known) limit 1);
    _from date := greatest(p_from, (select coalesce(min(s.day), current_date) from sms.stat_day as s));
    _until date := least(p_until, (select coalesce(max(s.day) + 1, current_date) from sms.stat_day as s));
    _whole date[] := array(select distinct m.month from sms.stat_month as m
                            where m.month >= p_from and m.month + interval '1 month' <= p_until and not 'day' = any (p_by));
begin
    if _unknown is not null then
        raise exception 'statistics cannot be asked by "%"', _unknown using errcode = 'SM070',
            hint = 'By: ' || array_to_string(_known, ', ') || '.';
    end if;
    return query
    with source as not materialized (
        select s.month as day, s.channel_id, s.provider_id, s.operator_id, s.state, s.reason, s.campaign_id, s.template_id,
               s.messages, s.segments, s.cost, s.delivery
          from sms.stat_month as s
         where s.month = any (_whole)
         union all
        select d.*
          from generate_series(date_trunc('month', _from::timestamp), _until::timestamp, interval '1 month') as g (month)
         cross join lateral (
                   select s.day, s.channel_id, s.provider_id, s.operator_id, s.state, s.reason, s.campaign_id, s.template_id,
                          s.messages, s.segments, s.cost, s.delivery
                     from sms.stat_day as s
                    where s.day >= greatest(_from, g.month::date) and s.day < least(_until, (g.month + interval '1 month')::date)
               ) as d
         where g.month::date <> all (_whole)
    ), sum as materialized (
        select case when 'month' = any (p_by) then date_trunc('month', s.day)::date end as month,
               case when 'day' = any (p_by) then s.day end as day,
               case when p_by && '{channel,category}' then s.channel_id end as channel_id,
               case when 'campaign' = any (p_by) then s.campaign_id end as campaign_id,
               case when 'template' = any (p_by) then s.template_id end as template_id,
               case when 'provider' = any (p_by) then s.provider_id end as provider_id,
               case when 'operator' = any (p_by) then s.operator_id end as operator_id,
               s.state,
               case when 'reason' = any (p_by) then s.reason end as reason,
               sum(s.messages) as messages, sum(s.segments) as segments, sum(s.cost) as cost,
               sum(s.messages) filter (where sms.is_handed_over(s.state, s.reason)) as handed
          from source as s
         group by 1, 2, 3, 4, 5, 6, 7, 8, 9
    ), class as materialized (
        select case when 'month' = any (p_by) then date_trunc('month', s.day)::date end as month,
               case when 'day' = any (p_by) then s.day end as day,
               case when p_by && '{channel,category}' then s.channel_id end as channel_id,
               case when 'campaign' = any (p_by) then s.campaign_id end as campaign_id,
               case when 'template' = any (p_by) then s.template_id end as template_id,
               case when 'provider' = any (p_by) then s.provider_id end as provider_id,
               case when 'operator' = any (p_by) then s.operator_id end as operator_id,
               case when 'reason' = any (p_by) then s.reason end as reason,
               c.n, sum(c.messages) as messages
          from source as s
         cross join unnest(s.delivery) with ordinality as c (messages, n)
         where s.state = 'delivered' and c.messages > 0
         group by 1, 2, 3, 4, 5, 6, 7, 8, 9
    ), named as (
        select u.month, u.day, case when 'channel' = any (p_by) then ch.channel end as channel,
               case when 'category' = any (p_by) then ch.category end as category,
               k.campaign, t.template, v.provider, o.operator, case when 'state' = any (p_by) then u.state end as state,
               nullif(u.reason, '') as reason, u.state as fate, u.messages, u.segments, u.cost, u.handed, null::bigint as n, null::bigint as hits
          from sum as u
          left join sms.channel as ch using (channel_id)
          left join sms.campaign as k using (campaign_id)
          left join sms.template as t using (template_id)
          left join sms.provider as v using (provider_id)
          left join sms.operator as o using (operator_id)
         union all
        select x.month, x.day, case when 'channel' = any (p_by) then ch.channel end,
               case when 'category' = any (p_by) then ch.category end,
               k.campaign, t.template, v.provider, o.operator, case when 'state' = any (p_by) then 'delivered' end,
               nullif(x.reason, ''), null, 0, 0, 0, 0, x.n, x.messages
          from class as x
          left join sms.channel as ch using (channel_id)
          left join sms.campaign as k using (campaign_id)
          left join sms.template as t using (template_id)
          left join sms.provider as v using (provider_id)
          left join sms.operator as o using (operator_id)
    ), classed as (
        select d.key, sms.delivery_classes(array_agg(d.n::int), array_agg(d.hits::int))::bigint[] as delivery
          from (select (y.month, y.day, y.channel, y.category, y.campaign, y.template, y.provider, y.operator, y.state,
                        y.reason)::text as key, y.n, sum(y.hits)::bigint as hits
                  from named as y where y.n is not null group by 1, 2) as d
         group by d.key
    ), told as (
        select y.month, y.day, y.channel, y.category, y.campaign, y.template, y.provider, y.operator, y.state, y.reason,
               sum(y.messages)::bigint as messages, sum(y.segments)::bigint as segments, sum(y.cost) as cost,
               coalesce(sum(y.handed), 0)::bigint as accepted,
               coalesce(sum(y.messages) filter (where y.fate = 'delivered'), 0)::bigint as delivered
          from named as y
         where y.n is null
         group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
    )
    select t.month, t.day, t.channel, t.category, t.campaign, t.template, t.provider, t.operator, t.state, t.reason,
           t.messages, t.segments, t.cost, t.accepted, t.delivered, round(t.delivered::numeric / nullif(t.accepted, 0), 4),
           sms.delivery_percentile(c.delivery, 0.5), sms.delivery_percentile(c.delivery, 0.95),
           sms.delivery_percentile(c.delivery, 0.99)
      from told as t
      left join classed as c
        on c.key = (t.month, t.day, t.channel, t.category, t.campaign, t.template, t.provider, t.operator, t.state, t.reason)::text
     order by t.month, t.day, t.messages desc, t.channel, t.provider, t.operator, t.state;
end
$$;
comment on function sms.statistics is 'Counts, segments, money, delivery share and times to delivery of some days, by any of the dimensions.';
revoke execute on function sms.statistics from public;
