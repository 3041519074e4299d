-- What monitoring wants to know at this moment, a row a value: name as Prometheus writes it, labels, value.
-- Counts of the queue by lane, ages, doubts, receipts that wait, of strangers and how late they come, numbers held busy, providers as their breakers see
-- them, money of today, budgets, campaigns, statistics still to be counted, months made ahead. No numbers of people, no texts.
-- Reads all that waits: most of a second for a million messages, in one process, so that the caller can rest by it.
create or replace function sms.metric_values()
    returns table (metric text, labels jsonb, value float8)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp set enable_seqscan = on set max_parallel_workers_per_gather = 0 set jit = off
as $$
    with lane as materialized (
        select q.*, jsonb_build_object('channel', q.channel, 'operator', q.operator, 'provider', coalesce(q.provider, ''),
                                       'priority', c.priority) as labels
          from sms.queue_status() as q
          join sms.channel as c on c.channel = q.channel
    ), health as materialized (
        select h.provider, h.state, h.error_share, h.outstanding, h.lanes, jsonb_build_object('provider', h.provider) as labels
          from sms.provider_health as h
    ), budget as materialized (
        select b.share, b.warn_at, jsonb_build_object('budget', b.budget) as labels from sms.budget_status() as b
    )
    select 'outbox_queue_messages', l.labels || '{"state": "due"}', l.due::float8 from lane as l
    union all select 'outbox_queue_messages', l.labels || '{"state": "later"}', (l.pending - l.due)::float8 from lane as l
    union all select 'outbox_queue_messages', l.labels || '{"state": "inflight"}', l.inflight::float8 from lane as l
    union all
    select 'outbox_queue_oldest_due_seconds', l.labels,
           coalesce(extract(epoch from clock_timestamp() - l.oldest_due_at), 0)::float8
      from lane as l
    union all
    select 'outbox_uncertain_messages', jsonb_build_object('provider', p.provider), count(d.id)::float8
      from sms.provider as p
      left join sms.doubtful as d on d.provider_id = p.provider_id
       and exists (select from sms.outcome as o where o.id = d.id and o.state = 'uncertain')
     group by p.provider
    union all
    select 'outbox_receipts_waiting', jsonb_build_object('provider', p.provider), count(u.receipt_id)::float8
      from sms.provider as p
      left join sms.unmatched_receipt as u on u.provider_id = p.provider_id
     group by p.provider
    union all select 'outbox_busy_numbers', '{}', count(*)::float8 from sms.busy_numbers as b
    union all
    select 'outbox_receipts_foreign', jsonb_build_object('provider', p.provider), count(f.receipt_id)::float8
      from sms.provider as p
      left join sms.foreign_receipts as f
        on f.provider = p.provider and not f.had_it and f.receipt_id >= sms.id_at(clock_timestamp() - interval '1 hour')
     group by p.provider
    union all
    select 'outbox_receipt_lag_seconds', jsonb_build_object('provider', p.provider, 'quantile', k.quantile),
           extract(epoch from percentile_cont(k.share) within group (order by greatest(r.received_at - r.occurred_at, '0')))::float8
      from sms.receipt as r
      join sms.provider as p using (provider_id)
     cross join (values ('0.5', 0.5), ('0.95', 0.95)) as k (quantile, share)
     where r.receipt_id >= sms.id_at(clock_timestamp() - interval '1 minute') and r.occurred_at is not null
     group by p.provider, k.quantile, k.share
    union all select 'outbox_provider_breaker_open', h.labels, (h.state <> 'closed')::int::float8 from health as h
    union all select 'outbox_provider_error_ratio', h.labels, h.error_share::float8 from health as h
    union all select 'outbox_provider_outstanding_messages', h.labels, h.outstanding::float8 from health as h
    union all select 'outbox_provider_lanes', h.labels, h.lanes::float8 from health as h
    union all
    select 'outbox_provider_balance', jsonb_build_object('provider', p.provider, 'currency', coalesce(b.currency, '')), b.amount::float8
      from sms.provider_balance as b join sms.provider as p using (provider_id)
     where b.amount is not null
    union all
    select 'outbox_provider_balance_limit', jsonb_build_object('provider', p.provider, 'currency', coalesce(b.currency, '')), b.warn_below::float8
      from sms.provider_balance as b join sms.provider as p using (provider_id)
     where b.warn_below is not null
    union all
    select 'outbox_money_today', jsonb_build_object('channel', c.channel), coalesce(sum(s.amount), 0)::float8
      from sms.channel as c
      left join (select d.day, d.channel_id, d.amount from sms.spend_day as d
                  union all
                 select f.day, f.channel_id, f.amount from sms.spend as f) as s
        on s.channel_id = c.channel_id and s.day = (clock_timestamp() at time zone sms.statistics_zone())::date
     group by c.channel
    union all select 'outbox_budget_spent_ratio', b.labels, b.share::float8 from budget as b
    union all select 'outbox_budget_warn_ratio', b.labels, b.warn_at::float8 from budget as b
    union all
    select 'outbox_campaign_waiting_recipients', jsonb_build_object('campaign', k.campaign), sum(r.waiting)::float8
      from sms.campaign_run as r
      join sms.campaign as k using (campaign_id)
     where r.state in ('running', 'paused')
     group by k.campaign
    union all
    select 'outbox_statistics_stale_periods', '{}', count(distinct d.hour_no)::float8 from sms.stat_dirty as d
    union all
    select 'outbox_statistics_behind_seconds', '{}',
           coalesce(extract(epoch from clock_timestamp() - coalesce((select max(v.counted_at) from sms.month_volume as v),
                                                                    sms.stat_hour_at(min(d.hour_no)))), 0)::float8
             * (count(*) > 0)::int
      from sms.stat_dirty as d
    union all
    select 'outbox_partition_months_ahead', '{}', min(m.ahead)::float8
      from (select count(p.month) filter (where p.month > clock_timestamp()) as ahead
              from sms.monthly_tables() as t (name)
              left join lateral sms.partition_months(t.name) as p on true
             group by t.name) as m
$$;
comment on function sms.metric_values is 'What monitoring wants to know now: name, labels, value.';
revoke execute on function sms.metric_values from public;
