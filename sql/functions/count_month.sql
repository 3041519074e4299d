-- The sums of one month, made anew from those of its days, so that a year is read from twelve of them.
-- Without nested loops: on sums that were never analysed they joined each day's row with every class of the month.
create or replace function sms.count_month(p_month date)
    returns void
    language plpgsql volatile set enable_nestloop = off set jit = off
as $$
begin
    delete from sms.stat_month as s where s.month = p_month;
    insert into sms.stat_month (month, channel_id, provider_id, operator_id, state, reason, campaign_id, template_id,
                                messages, segments, cost, delivery)
    select p_month, h.channel_id, h.provider_id, h.operator_id, h.state, h.reason, h.campaign_id, h.template_id,
           sum(h.messages), sum(h.segments), sum(h.cost), d.delivery
      from sms.stat_day as h
      left join (select k.channel_id, k.provider_id, k.operator_id, k.reason, k.campaign_id, k.template_id,
                        sms.delivery_classes(array_agg(k.bucket), array_agg(k.messages)) as delivery
                   from (select x.channel_id, x.provider_id, x.operator_id, x.reason, x.campaign_id, x.template_id,
                                c.bucket::int as bucket, sum(c.messages)::int as messages
                           from sms.stat_day as x
                          cross join unnest(x.delivery) with ordinality as c (messages, bucket)
                          where x.day >= p_month and x.day < p_month + interval '1 month' and x.state = 'delivered'
                            and c.messages > 0
                          group by 1, 2, 3, 4, 5, 6, 7) as k
                  group by 1, 2, 3, 4, 5, 6) as d
        on h.state = 'delivered'
       and (d.channel_id, d.provider_id, d.operator_id, d.reason, d.campaign_id, d.template_id)
         = (h.channel_id, h.provider_id, h.operator_id, h.reason, h.campaign_id, h.template_id)
     where h.day >= p_month and h.day < p_month + interval '1 month'
     group by h.channel_id, h.provider_id, h.operator_id, h.state, h.reason, h.campaign_id, h.template_id, d.delivery;
end
$$;
comment on function sms.count_month is 'Make the sums of one month anew from those of its days.';
revoke execute on function sms.count_month from public;
