-- What every enabled goal says of a month's campaigns: what followed, and against the held out what was caused.
-- Campaigns without holdout have no uplift (null), nor has what belongs to no campaign.
create or replace function sms.month_effect(p_month date)
    returns table (goal text, campaign text, clients bigint, messages bigint, converted bigint, conversion_rate numeric,
                   revenue numeric, cost numeric, revenue_per_unit numeric, uplift numeric, low numeric, high numeric,
                   verdict text)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _from timestamptz := p_month::timestamp at time zone sms.statistics_zone();
    _until timestamptz := (p_month + interval '1 month')::timestamp at time zone sms.statistics_zone();
begin
    return query
    select g.goal, e.campaign, e.clients, e.messages, e.converted, e.conversion_rate, e.revenue, e.cost, e.revenue_per_unit,
           case when u.held_out > 0 then u.uplift end, u.low, u.high, u.verdict
      from sms.goal as g
     cross join lateral sms.effect(g.goal, _from, _until, '{campaign}', 'last') as e
      left join lateral (   -- as a join's condition it would be asked after the call, which refuses a campaign that is none
               select x.* from sms.uplift(g.goal, e.campaign, _from, _until) as x where e.campaign is not null offset 0
           ) as u on true
     where g.is_enabled
     order by g.goal, e.messages desc;
end
$$;
comment on function sms.month_effect is 'What followed, and what was caused by, the campaigns of a month, for every goal.';
revoke execute on function sms.month_effect from public;
