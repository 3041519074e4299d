-- The sums of one day, made anew from the sums of its hours. Hours are kept for statistics_hours_months; a day older than
-- that has its hours counted from the outcomes first. Without nested loops, as sms.count_month.
create or replace function sms.count_day(p_day date)
    returns void
    language plpgsql volatile set enable_seqscan = off set enable_nestloop = off set jit = off
as $$
declare
    _from timestamptz := p_day::timestamp at time zone sms.statistics_zone();
    _until timestamptz := (p_day + 1)::timestamp at time zone sms.statistics_zone();
begin
    if _from < sms.statistics_hours_since() then
        perform sms.count_hour(n)
           from generate_series(sms.stat_hour_no(sms.id_at(_from)), sms.stat_hour_no(sms.id_at(_until) - 1)) as n;
    end if;
    delete from sms.stat_day as s where s.day = p_day;
    insert into sms.stat_day (day, channel_id, provider_id, operator_id, state, reason, campaign_id, template_id,
                              messages, segments, cost, billed, billed_messages, billed_expected, delivery)
    select p_day, h.channel_id, h.provider_id, h.operator_id, h.state, h.reason, h.campaign_id, h.template_id,
           sum(h.messages), sum(h.segments), sum(h.cost), sum(h.billed), sum(h.billed_messages),
           sum(h.billed_expected), d.delivery
      from sms.stat_hour as h
      left join (select k.channel_id, k.provider_id, k.operator_id, k.reason, k.campaign_id, k.template_id,
                        sms.delivery_classes(array_agg(k.bucket), array_agg(k.messages)) as delivery
                   from (select x.channel_id, x.provider_id, x.operator_id, x.reason, x.campaign_id, x.template_id,
                                c.bucket::int as bucket, sum(c.messages)::int as messages
                           from sms.stat_hour as x
                          cross join unnest(x.delivery) with ordinality as c (messages, bucket)
                          where x.hour >= _from and x.hour < _until and x.state = 'delivered' and c.messages > 0
                          group by 1, 2, 3, 4, 5, 6, 7) as k
                  group by 1, 2, 3, 4, 5, 6) as d
        on h.state = 'delivered'
       and (d.channel_id, d.provider_id, d.operator_id, d.reason, d.campaign_id, d.template_id)
         = (h.channel_id, h.provider_id, h.operator_id, h.reason, h.campaign_id, h.template_id)
     where h.hour >= _from and h.hour < _until
     group by h.channel_id, h.provider_id, h.operator_id, h.state, h.reason, h.campaign_id, h.template_id, d.delivery;
    delete from sms.stat_region_day as s where s.day = p_day;
    insert into sms.stat_region_day (day, region, channel_id, state, messages, segments, cost)
    select p_day, h.region, h.channel_id, h.state, sum(h.messages), sum(h.segments), sum(h.cost)
      from sms.stat_region_hour as h
     where h.hour >= _from and h.hour < _until
     group by h.region, h.channel_id, h.state;
end
$$;
comment on function sms.count_day is 'Make the sums of one day anew from those of its hours.';
revoke execute on function sms.count_day from public;
