-- A month of sums, made up by a hash: two providers, three channels, reasons, times to delivery, a bad night.
-- Its hours are still kept, whenever this runs.
update sms.setting set value = '1200' where setting = 'statistics_hours_months';
insert into sms.provider (provider, adapter) values ('cheap', 'fake'), ('dear', 'fake');
insert into sms.campaign (campaign) values ('<b>spring & "sale"</b>');

insert into sms.stat_hour (hour, channel_id, provider_id, operator_id, state, reason, campaign_id, template_id,
                           messages, segments, cost, delivery)
select h.hour, c.channel_id, case s.state when 'suppressed' then 0 else p.provider_id end, o.operator_id, s.state, s.reason, 0, 0,
       n.messages, n.messages * s.sent, n.messages * s.sent * 2.5,
       case s.state when 'delivered' then array[0, 0, 0, n.messages / 4, 0, 0, 0, 0, n.messages - n.messages / 4 - n.messages / 10, 0, 0,
                                                0, 0, 0, 0, 0, n.messages / 10] end
  from generate_series(timestamptz '2026-09-30 21:00Z', timestamptz '2026-10-31 20:00Z', interval '1 hour') as h (hour)
 cross join (select x.channel_id, x.channel from sms.channel as x where x.channel in ('single', 'mass', 'planned')) as c
 cross join (select x.operator_id from sms.operator as x where x.operator in ('mts', 'beeline', 't2')) as o
  join sms.provider as p on p.provider = case c.channel when 'single' then 'dear' else 'cheap' end
 cross join (values ('delivered', '', 1, 0.9), ('undelivered', '', 1, 0.06), ('suppressed', 'cap', 0, 0.03),
                    ('suppressed', 'blacklist', 0, 0.01)) as s (state, reason, sent, share)
 cross join lateral (
          select (400 * (1 + (hashint8(extract(epoch from h.hour)::bigint) & 63) / 64.0)
                  * case when s.state = 'delivered' and h.hour between '2026-10-13 00:00Z' and '2026-10-13 05:00Z' then 0.4 else 1 end
                  * s.share)::int as messages) as n;
select sms.count_day(d::date) from generate_series(date '2026-10-01', date '2026-10-31', interval '1 day') as d;

insert into sms.monthly_fee (provider_id, kind, subject, amount, valid_from)
select p.provider_id, 'sender', 'BANK', 5000, '2026-01-01' from sms.provider as p where p.provider = 'dear';
insert into sms.forecast (made_at, month, scenario, channel, provider, messages, low, high, segments, cost)
select '2026-09-25 10:00Z', '2026-10-01', 'as now', 'mass', p.provider, 1000, 900, 1100, 1000, 2000000
  from sms.provider as p where p.provider in ('cheap', 'dear');
insert into sms.goal (goal) values ('payment');
