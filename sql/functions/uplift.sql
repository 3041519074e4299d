-- What a campaign caused: conversions of those who got it against those held out, with the confidence interval of the
-- difference and the group size that it takes to see a difference of this size.
-- A person counts once, however many messages of the campaign came; converted = did it within the goal's window after any
-- of the campaign's moments, which both sides have alike. Other campaigns reach both sides alike, as each draws its own
-- holdout. extra = conversions owed to the campaign; revenue likewise with its interval (Welch). Null intervals where a side
-- is empty. verdict says it in words. Errors: SM071 an unknown goal, SM073 an unknown campaign, SM072 no such confidence.
create or replace function sms.uplift(
    p_goal text, p_campaign text, p_from timestamptz default '-infinity', p_until timestamptz default 'infinity',
    p_confidence numeric default 0.95
)
    returns table (treated bigint, treated_converted bigint, held_out bigint, held_out_converted bigint, treated_rate numeric,
                   held_out_rate numeric, uplift numeric, low numeric, high numeric, extra numeric, needed bigint,
                   revenue_uplift numeric, revenue_low numeric, revenue_high numeric, verdict text)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp set enable_nestloop = off
as $$
#variable_conflict use_column
declare
    _goal_id int := sms.find_goal(p_goal);
    _window interval := (select g.attribution_window from sms.goal as g where g.goal_id = _goal_id);
    _campaign_id bigint;
    _since timestamptz;
    _z float8 := case p_confidence when 0.80 then 1.2815515655 when 0.90 then 1.6448536270
                                   when 0.95 then 1.9599639845 when 0.99 then 2.5758293035 end;
begin
    select k.campaign_id, k.created_at into _campaign_id, _since from sms.campaign as k where k.campaign = p_campaign;
    if _campaign_id is null then
        raise exception 'unknown campaign "%"', p_campaign using errcode = 'SM073';
    end if;
    return query
    with exposure as materialized (
        select e.client_id, e.at, e.is_held_out
          from sms.exposures(greatest(p_from, _since - interval '1 day'), least(p_until, timestamptz '2088-01-01 00:00Z')) as e
         where e.campaign_id = _campaign_id
    ), person as materialized (   -- whoever got one message is on the side of those who got it
        select e.client_id, bool_and(e.is_held_out) as is_held_out from exposure as e group by e.client_id
    ), done as materialized (
        select d.client_id, sum(d.amount) as amount
          from (select distinct c.conversion_id, c.client_id, coalesce(c.amount, 0) as amount
                  from exposure as e
                  join sms.conversion as c on c.goal_id = _goal_id and c.client_id = e.client_id
                   and c.occurred_at > e.at and c.occurred_at <= e.at + _window) as d
         group by d.client_id
    ), side as materialized (
        select count(*) filter (where not p.is_held_out) as n1, count(d.client_id) filter (where not p.is_held_out) as x1,
               count(*) filter (where p.is_held_out) as n2, count(d.client_id) filter (where p.is_held_out) as x2,
               avg(coalesce(d.amount, 0)) filter (where not p.is_held_out) as m1,
               avg(coalesce(d.amount, 0)) filter (where p.is_held_out) as m2,
               sqrt(var_samp(coalesce(d.amount, 0)) filter (where not p.is_held_out) / nullif(count(*) filter (where not p.is_held_out), 0)
                    + var_samp(coalesce(d.amount, 0)) filter (where p.is_held_out) / nullif(count(*) filter (where p.is_held_out), 0)) as se
          from person as p
          left join done as d on d.client_id = p.client_id
    )
    select s.n1, s.x1, s.n2, s.x2, round(s.x1::numeric / nullif(s.n1, 0), 6), round(s.x2::numeric / nullif(s.n2, 0), 6),
           round(i.uplift, 6), round(i.low, 6), round(i.high, 6), round(i.uplift * s.n1, 1), i.needed,
           round(s.m1 - s.m2, 4), round(s.m1 - s.m2 - _z::numeric * s.se, 4), round(s.m1 - s.m2 + _z::numeric * s.se, 4),
           case when s.n2 = 0 then 'nobody was held out: nothing to compare with'
                when s.n1 = 0 then 'nobody got it yet'
                when i.low > 0 then 'it works'
                when i.high < 0 then 'it does harm'
                else 'no effect can be told from chance' || coalesce(': one of this size takes ' || i.needed || ' people a side', '') end
      from side as s
     cross join lateral sms.uplift_interval(s.n1, s.x1, s.n2, s.x2, p_confidence) as i;
end
$$;
comment on function sms.uplift is 'What a campaign caused: those who got it against those held out, with the confidence interval.';
revoke execute on function sms.uplift from public;
