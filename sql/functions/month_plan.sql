-- Money of a month against what was foretold for it before it began: by provider, actual (segments and fees) and planned
-- (scenario "as now" of the last forecast made before the month). Planned is null where none was made.
create or replace function sms.month_plan(p_month date)
    returns table (provider text, messages bigint, segments bigint, segments_cost numeric, fees numeric, cost numeric,
                   billed numeric, planned_messages numeric, planned_cost numeric)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    with planned as (
        select f.provider, sum(f.messages) as messages, sum(f.cost) as cost
          from sms.forecast as f
         where f.month = p_month and f.scenario = 'as now'
           and f.made_at = (select max(x.made_at) from sms.forecast as x
                             where x.month = p_month and x.made_at < p_month::timestamp at time zone sms.statistics_zone())
         group by f.provider
    ), charged as (
        select p.provider, sum(s.billed) as billed
          from sms.stat_day as s
          join sms.provider as p using (provider_id)
         where s.day >= p_month and s.day < p_month + interval '1 month' and s.billed_messages > 0
         group by p.provider
    )
    select coalesce(m.provider, n.provider), coalesce(m.messages, 0), coalesce(m.segments, 0), coalesce(m.segments_cost, 0),
           coalesce(m.fees, 0), coalesce(m.cost, 0), c.billed, n.messages, n.cost
      from (select * from sms.month_money as x where x.month = p_month) as m
      full join planned as n on n.provider = m.provider
      left join charged as c on c.provider = coalesce(m.provider, n.provider)
     order by 6 desc, 1
$$;
comment on function sms.month_plan is 'Money of a month by provider, against the forecast made before it.';
revoke execute on function sms.month_plan from public;
