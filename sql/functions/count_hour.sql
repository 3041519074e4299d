-- The sums of one hour, made anew from its outcomes: by everything, and by region. One pass over the ids of that hour.
-- Pinned to indexes: without statistics about the numbering plan it was read whole for every message.
create or replace function sms.count_hour(p_hour_no int)
    returns void
    language plpgsql volatile set enable_seqscan = off set enable_nestloop = on set jit = off
as $$
declare
    _hour timestamptz := sms.stat_hour_at(p_hour_no);
    _from bigint := (p_hour_no::bigint * 3600000) << 22;
    _until bigint := ((p_hour_no::bigint + 1) * 3600000) << 22;
begin
    delete from sms.stat_hour as s where s.hour = _hour;
    delete from sms.stat_region_hour as s where s.hour = _hour;
    with message as materialized (
        select coalesce(l.channel_id, c.channel_id) as channel_id, coalesce(o.provider_id, 0) as provider_id,
               coalesce(l.operator_id, -1) as operator_id, o.state, coalesce(o.reason, '') as reason,
               coalesce(o.campaign_id, 0) as campaign_id, coalesce(v.template_id, 0) as template_id,
               case when sms.is_handed_over(o.state, o.reason) then coalesce(o.segments, 0) else 0 end as segments, coalesce(o.cost, 0) as cost, o.billed_cost, o.msisdn,
               case when o.state = 'delivered' then sms.delivery_bucket(o.final_at - o.submitted_at) end as bucket
          from sms.outcome as o
          left join sms.lane as l on l.lane_id = o.lane_id
          left join sms.template_version as v on v.template_version_id = o.template_version_id
          left join lateral (
                   select x.channel_id from sms.outbox as r join sms.channel as x on x.channel = r.channel
                    where l.lane_id is null and r.id = o.id
                   offset 0
               ) as c on true
         where o.id >= _from and o.id < _until
    ), summed as (
        insert into sms.stat_hour (hour, channel_id, provider_id, operator_id, state, reason, campaign_id, template_id,
                                   messages, segments, cost, billed, billed_messages, billed_expected, delivery)
        select _hour, k.channel_id, k.provider_id, k.operator_id, k.state, k.reason, k.campaign_id, k.template_id,
               sum(k.messages), sum(k.segments), sum(k.cost), sum(k.billed), sum(k.billed_messages), sum(k.billed_expected),
               case when k.state = 'delivered' then sms.delivery_classes(array_agg(k.bucket), array_agg(k.messages)) end
          from (select m.channel_id, m.provider_id, m.operator_id, m.state, m.reason, m.campaign_id, m.template_id, m.bucket,
                       count(*)::int as messages, sum(m.segments) as segments, sum(m.cost) as cost,
                       coalesce(sum(m.billed_cost), 0) as billed, count(m.billed_cost)::int as billed_messages,
                       coalesce(sum(m.cost) filter (where m.billed_cost is not null), 0) as billed_expected
                  from message as m
                 group by 1, 2, 3, 4, 5, 6, 7, 8) as k
         group by k.channel_id, k.provider_id, k.operator_id, k.state, k.reason, k.campaign_id, k.template_id
    )
    insert into sms.stat_region_hour (hour, region, channel_id, state, messages, segments, cost)
    select _hour, coalesce(r.region, ''), m.channel_id, m.state, count(*), sum(m.segments), sum(m.cost)
      from message as m
      left join lateral (
               select n.region
                 from (select x.hi, x.region from sms.number_range as x where x.lo <= m.msisdn order by x.lo desc limit 1) as n
                where n.hi >= m.msisdn
               offset 0
           ) as r on true
     group by coalesce(r.region, ''), m.channel_id, m.state;
end
$$;
comment on function sms.count_hour is 'Make the sums of one hour anew from its outcomes.';
revoke execute on function sms.count_hour from public;
