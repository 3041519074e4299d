-- The findings of a dry run: of these requests, and of what is queued of a campaign; null leaves out either. Writes nothing.
-- p_factor is by how much the requests are fewer than what they stand for: a part of a large audience is scaled up.
-- Money by the tariff of the moment each message goes. The end assumes the providers' segments per second of today, one
-- worker process, and nothing else in the queue; null where a lane is parked or its provider disabled.
-- Who may not read texts is not told which repeat earlier messages; not_judged tells of how many of the kept a message of the
-- same template went to the number within the window, which may be another text.
create or replace function sms.dry_run_report(
    p_rows sms.outbox[], p_campaign_id bigint, p_as_of timestamptz, p_factor numeric default 1
)
    returns table (topic text, key text, messages bigint, segments bigint, cost numeric, at timestamptz)
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    _bounds timestamptz[] := array(select t.valid_from from sms.tariff as t union select t.valid_until from sms.tariff as t
                                    order by 1);
    _is_blind boolean := not sms.may_read_texts();
begin
    perform sms.refuse_unfit_rows(p_rows);
    return query
    with request as materialized (
        select 1::numeric as weight, w.* from sms.dry_run_waiting(p_campaign_id) as w
         union all
        select p_factor, q.* from sms.dry_run_requests(p_rows, p_as_of) as q
    ), fate as materialized (
        select f.* from sms.dry_run_fates(array(select r.fact from request as r where r.reason is null), p_as_of) as f
    ), told as materialized (
        select r.weight, coalesce(r.reason, f.reason) as reason, f.at, coalesce(f.is_deferred, false) as is_deferred,
               r.weight * coalesce(r.segments, 0) as segments, coalesce(r.is_ucs2, false) as is_ucs2,
               r.fact, (r.fact).lane_id, width_bucket(f.at, _bounds) as tariffs
          from request as r
          left join fate as f on f.id = (r.fact).id and r.reason is null
    ), price as materialized (
        select k.lane_id, k.tariffs, sms.segment_price(l.provider_id, l.operator_id, c.category, k.at) as price
          from (select t.lane_id, t.tariffs, min(t.at) as at from told as t where t.reason is null group by 1, 2) as k
          join sms.lane as l on l.lane_id = k.lane_id
          join sms.channel as c on c.channel_id = l.channel_id
    ), kept as materialized (
        select t.weight, t.at, t.is_deferred, t.segments, t.is_ucs2, t.segments * p.price as cost,
               coalesce(v.provider, '(parked)') as provider, case when v.is_enabled then v.tps end as tps
          from told as t
          join sms.lane as l on l.lane_id = t.lane_id
          left join sms.provider as v on v.provider_id = l.provider_id
          left join price as p on p.lane_id = t.lane_id and p.tariffs = t.tariffs
         where t.reason is null
    ), finish as materialized (   -- the queue of a provider is never empty before what comes later is done
        select k.provider, sum(k.weight) as messages, sum(k.segments) as segments, sum(k.cost) as cost,
               max(k.at + make_interval(secs => (k.later / k.tps)::float8)) as at, bool_and(k.tps is not null) as ends
          from (select x.*, sum(x.segments) over (partition by x.provider order by x.at desc) as later from kept as x) as k
         group by k.provider
    ), repeated as (
        select t.weight, t.segments
          from told as t
          join sms.template_version as v on v.template_version_id = (t.fact).template_version_id
          join sms.template as m on m.template_id = v.template_id
          join sms.channel as c on c.channel_id = (t.fact).channel_id and c.dedup_window > '0'
         where _is_blind and t.reason is null
           and exists (select from sms.contact_log as l
                         join sms.outbox as o on o.id = l.message_id and split_part(o.template, '@', 1) = m.template
                        where l.msisdn = (t.fact).msisdn and l.at > t.at - c.dedup_window and l.message_id <> (t.fact).id)
    )
    select f.topic, f.key, round(f.messages)::bigint, round(f.segments)::bigint, f.cost, f.at
      from (select 1 as part, 0 as n, 'total' as topic, null as key, coalesce(sum(t.weight), 0) as messages,
                   coalesce(sum(t.segments), 0) as segments, null::numeric as cost, p_as_of as at
              from told as t
            union all
            select 2, 0, 'kept', null, coalesce(sum(k.weight), 0), coalesce(sum(k.segments), 0), sum(k.cost), min(k.at) from kept as k
            union all
            select 3, min(r.rank), 'suppressed', t.reason, sum(t.weight), sum(t.segments), null, null
              from told as t
              left join sms.reason as r on r.reason = t.reason
             where t.reason is not null group by t.reason
            union all
            select 4, 0, 'deferred', to_char(date_trunc('hour', k.at), 'YYYY-MM-DD HH24:MI'), sum(k.weight),
                   sum(k.segments), sum(k.cost), date_trunc('hour', k.at)
              from kept as k where k.is_deferred group by date_trunc('hour', k.at)
            union all
            select 5, 0, 'encoding', case when k.is_ucs2 then 'ucs2' else 'gsm7' end, sum(k.weight), sum(k.segments),
                   sum(k.cost), null
              from kept as k group by k.is_ucs2
            union all
            select 6, 0, 'cost', p.provider, p.messages, p.segments, p.cost, case when p.ends then p.at end from finish as p
            union all
            select 7, 0, 'ends', null, sum(p.messages), sum(p.segments), sum(p.cost),
                   case when bool_and(p.ends) then max(p.at) end
              from finish as p having count(*) > 0
            union all
            select 8, 0, 'not_judged', 'duplicate', coalesce(sum(r.weight), 0), coalesce(sum(r.segments), 0), null, null
              from repeated as r having _is_blind) as f
     order by f.part, f.at, f.n, f.key;
end
$$;
comment on function sms.dry_run_report is 'Part of dry_run: the findings about requests and about what is queued of a campaign.';
revoke execute on function sms.dry_run_report from public;
