insert into sms.provider (provider, adapter) values ('cheap', 'fake'), ('dear', 'fake');

insert into sms.stat_day (day, channel_id, provider_id, operator_id, state, reason, campaign_id, template_id,
                          messages, segments, cost)
select d.day::date, c.channel_id, p.provider_id, o.operator_id, s.state, '', 0, 0, n.messages, n.messages * 2,
       n.messages * 2 * 1.5
  from generate_series(current_date - 730, current_date - 1, interval '1 day') as d (day)
 cross join (select x.channel_id, x.channel from sms.channel as x where x.channel in ('single', 'mass')) as c
 cross join (select x.operator_id from sms.operator as x where x.operator in ('mts', 'beeline')) as o
  join sms.provider as p on p.provider = case c.channel when 'single' then 'dear' else 'cheap' end
 cross join (values ('delivered', 0.9), ('undelivered', 0.1)) as s (state, share)
 cross join lateral (
          -- grows, rests at weekends, and a little noise
          select (s.share * 1000 * (1 + 0.0005 * (d.day::date - current_date + 730))
                  * case when extract(isodow from d.day) > 5 then 0.5 else 1 end
                  * (1 + (hashint4(d.day::date - date '2020-01-01') & 63) / 640.0))::int as messages) as n;

insert into sms.tariff (provider_id, price)
select p.provider_id, case p.provider when 'cheap' then 1.5 else 4 end
  from sms.provider as p where p.provider in ('cheap', 'dear');
