-- Expected against billed, by month: only messages for which the provider said what it charged.
create or replace view sms.billing_difference as
    select date_trunc('month', s.day)::date as month, p.provider, o.operator, c.category,
           sum(s.messages) as messages, sum(s.billed_messages) as billed_messages,
           sum(s.billed_expected) as expected, sum(s.billed) as billed,
           sum(s.billed) - sum(s.billed_expected) as difference
      from sms.stat_day as s
      join sms.channel as c using (channel_id)
      join sms.provider as p using (provider_id)
      left join sms.operator as o using (operator_id)
     group by 1, 2, 3, 4
    having sum(s.billed_messages) > 0;
comment on view sms.billing_difference is 'What was expected to be charged and what providers said they charged, by month, provider, operator and category.';
comment on column sms.billing_difference.month is 'First day of the month.';
comment on column sms.billing_difference.provider is 'Provider.';
comment on column sms.billing_difference.operator is 'Operator.';
comment on column sms.billing_difference.category is 'Category.';
comment on column sms.billing_difference.messages is 'Messages.';
comment on column sms.billing_difference.billed_messages is 'Messages whose charge is known.';
comment on column sms.billing_difference.expected is 'What just these were expected to cost.';
comment on column sms.billing_difference.billed is 'Charged.';
comment on column sms.billing_difference.difference is 'Charged less expected.';

-- Money by month: segments by tariff, and the fees of the months they touch.
create or replace view sms.month_money as
    select m.month, p.provider, sum(m.messages)::bigint as messages, sum(m.segments)::bigint as segments,
           sum(m.segments_cost) as segments_cost, sum(m.fees) as fees, sum(m.segments_cost) + sum(m.fees) as cost
      from (select date_trunc('month', s.day)::date as month, s.provider_id,
                   sum(s.messages) filter (where sms.is_handed_over(s.state, s.reason)) as messages,
                   sum(s.segments) as segments, sum(s.cost) as segments_cost, 0::numeric as fees
              from sms.stat_day as s
             where s.provider_id <> 0
             group by 1, 2
            union all
            select f.month, f.provider_id, 0, 0, 0, f.amount from sms.month_fees() as f) as m
      join sms.provider as p using (provider_id)
     group by m.month, p.provider;
comment on view sms.month_money is 'Money by month and provider: segments by tariff and monthly fees.';
comment on column sms.month_money.month is 'First day of the month.';
comment on column sms.month_money.provider is 'Provider.';
comment on column sms.month_money.messages is 'Messages handed over.';
comment on column sms.month_money.segments is 'Segments.';
comment on column sms.month_money.segments_cost is 'Segments by tariff.';
comment on column sms.month_money.fees is 'Monthly fees.';
comment on column sms.month_money.cost is 'Both together.';
