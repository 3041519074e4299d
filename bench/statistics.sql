-- A day of 300,000 messages and an hour of a million, in the month after this one, whose partitions are there: 20 templates,
-- 10 campaigns, two providers, every lane of five channels; 90 % delivered, within seconds to hours. The day's sums are then
-- counted, and stand, each a little larger or smaller, for 364 days before it.

insert into sms.provider (provider, adapter, tps) values ('other', 'fake', 1000);
insert into sms.campaign (campaign) select 'bench ' || n from generate_series(1, 10) as n;
insert into sms.template (template) select 'bench_' || n from generate_series(1, 20) as n;
insert into sms.template_version (template_id, body)
select t.template_id, 'Text' from sms.template as t where t.template like 'bench\_%' and t.template <> 'bench_late';

create function bench.outcomes(p_from timestamptz, p_span interval, p_count int) returns void
    language sql
as $$
    insert into sms.outcome (id, msisdn, decided_at, submitted_at, final_at, client_id, campaign_id, cost, template_version_id,
                             provider_id, lane_id, zone_id, segments, attempts, state, reason)
    select sms.id_at(p_from + p_span * (n / p_count::float8)) + n % 1000, bench.number(d.dice % 1000000), p_from,
           case when s.state <> 'suppressed' then p_from end,
           p_from + make_interval(secs => 2 + power(2, d.dice % 13)),
           d.dice % 1000000, case when d.dice % 3 = 0 then c.first + d.dice % 10 end,
           case when s.state <> 'suppressed' then 2.5 end, t.first + d.dice % 20,
           case when s.state <> 'suppressed' then case when d.dice % 4 = 0 then p.other else p.fake end end,
           l.ids[1 + (d.dice / 7) % cardinality(l.ids)], 0, 1 + d.dice % 2, 1, s.state,
           case when s.state = 'suppressed' then 'cap' end
      from generate_series(0, p_count - 1) as n
     cross join lateral (select hashint8extended(n, p_count) & 4294967295 as dice) as d
     cross join lateral (select case when d.dice % 20 = 0 then 'undelivered' when d.dice % 20 = 1 then 'suppressed'
                                     else 'delivered' end as state) as s
     cross join (select min(k.campaign_id) as first from sms.campaign as k where k.campaign like 'bench %') as c
     cross join (select min(v.template_version_id) as first
                   from sms.template_version as v join sms.template as m using (template_id) where m.template = 'bench_1') as t
     cross join (select min(x.provider_id) filter (where x.provider = 'fake') as fake,
                        min(x.provider_id) filter (where x.provider = 'other') as other from sms.provider as x) as p
     cross join (select array_agg(y.lane_id order by y.lane_id) as ids from sms.lane as y
                   join sms.channel as h using (channel_id) where h.channel in ('otp', 'single', 'collection', 'mass', 'planned')) as l
$$;

select bench.outcomes(s.day, interval '1 day', 300000)
  from (select (date_trunc('month', now() at time zone 'Europe/Moscow') + interval '1 month 2 days') at time zone 'Europe/Moscow') as s (day);
select bench.outcomes(s.day, interval '1 hour', 1000000)
  from (select (date_trunc('month', now() at time zone 'Europe/Moscow') + interval '1 month 5 days') at time zone 'Europe/Moscow') as s (day);
analyze sms.outcome;
