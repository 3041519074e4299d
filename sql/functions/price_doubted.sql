-- Give messages whose worker vanished the expected cost that nobody noted: segments of the text as it was to be sent, at the
-- price of now, on the ledger's day of their submission. Resolved later, they are like any other doubtful message.
create or replace function sms.price_doubted(p_ids bigint[], p_now timestamptz)
    returns void
    language plpgsql volatile set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
begin
    with doubted as materialized (
        select x.*
          from unnest(p_ids) as u (id)
         cross join lateral (select o.id, o.lane_id, o.provider_id, o.campaign_id, o.template_version_id, o.submitted_at
                               from sms.outcome as o where o.id = u.id offset 0) as x
    ), terms as materialized (
        select t.lane_id, t.provider_id, l.channel_id, sms.segment_price(t.provider_id, l.operator_id, c.category, p_now) as price
          from (select distinct d.lane_id, d.provider_id from doubted as d) as t
          join sms.lane as l on l.lane_id = t.lane_id
          join sms.channel as c on c.channel_id = l.channel_id
    ), text as materialized (
        select d.id, sms.segments(sms.sent_text(
                   t.channel_id, case when v.body is null then r.body else sms.render(v.body, r.vars) end))::smallint as segments
          from doubted as d
         cross join lateral (select q.body, q.vars from sms.outbox as q where q.id = d.id offset 0) as r
          left join terms as t on t.lane_id = d.lane_id and t.provider_id = d.provider_id
          left join sms.template_version as v on v.template_version_id = d.template_version_id
    ), priced as (
        update sms.outcome as o
           set segments = x.segments, cost = x.segments * t.price
          from doubted as d
          join text as x on x.id = d.id
          join terms as t on t.lane_id = d.lane_id and t.provider_id = d.provider_id
         where o.id = d.id
     returning o.submitted_at, t.channel_id, o.campaign_id, o.cost
    )
    insert into sms.spend (day, channel_id, campaign_id, amount)
    select (p.submitted_at at time zone sms.statistics_zone())::date, p.channel_id, p.campaign_id, sum(p.cost)
      from priced as p
     where p.cost > 0
     group by 1, 2, 3;
end
$$;
comment on function sms.price_doubted is 'Give messages whose worker vanished their expected cost.';
revoke execute on function sms.price_doubted from public;
