-- The requests a campaign would make, as rows of sms.outbox numbered from 1: of the recipients that wait where a run is under
-- way, else of its audience as a launch at p_as_of would freeze it; none after its last run has ended and no other is planned.
-- More than 250,000 are read in part, every n-th: factor is how many one stands for.
create or replace function sms.dry_run_plan(p_campaign_id bigint, p_as_of timestamptz)
    returns table (requests sms.outbox[], people bigint, factor numeric)
    language plpgsql stable
as $$
declare
    _validity interval;
    _campaign sms.campaign;
    _run sms.campaign_run;
    _start timestamptz;
begin
    select * into _campaign from sms.campaign as c where c.campaign_id = p_campaign_id;
    select * into _run
      from sms.campaign_run as r
     where r.campaign_id = p_campaign_id and r.state <> 'failed'
     order by case when r.state in ('finished', 'stopped') then 2 when r.begun_at is null then 1 else 0 end, r.run_id desc
     limit 1;
    if _campaign.template is null or _campaign.audience is null
       or _run.state in ('finished', 'stopped') then
        return query select null::sms.outbox[], 0::bigint, 1::numeric;
        return;
    end if;
    select c.validity into _validity from sms.channel as c where c.channel = coalesce(_run.channel, _campaign.channel);
    _start := greatest(p_as_of, case when _run.frozen_at is null then coalesce(_run.begins_at, _campaign.start_at) end,
                       _run.next_slot);
    return query
    with person as materialized (
        select k.*, greatest(_start, k.opens_at) + coalesce((k.n - 1) * interval '1 hour' / _campaign.per_hour, '0') as due_at
          from (select row_number() over () as n, r.client_id, r.phone, r.time_zone, r.vars, z.opens_at, r.zone_id
                  from sms.run_recipient as r
                  join sms.run_zone as z on z.run_id = r.run_id and z.zone_id = r.zone_id
                 where r.run_id = _run.run_id and _run.frozen_at is not null
                 union all
                select row_number() over () as n, a.client_id, a.phone, a.time_zone, a.vars,
                       case when z.zone_id is not null then sms.local_moment(z.members, _campaign.local_time, _start) end, a.zone_id
                  from sms.campaign_people(_campaign.audience, _campaign.channel, p_as_of) as a
                  left join sms.time_zone as z on z.zone_id = a.zone_id
                 where not a.is_repeat and _run.frozen_at is null) as k
    ), amount as (
        select count(*) as people, greatest(1, ceil(count(*) / 250000.0))::int as step from person as p
    )
    select array_agg((p.n, p_as_of, coalesce(_run.channel, _campaign.channel), p.phone, null,
                      coalesce(_run.template, _campaign.template), p.vars, null, p.client_id, null,
                      p.due_at, case when _campaign.ends_at < p.due_at + _validity then _campaign.ends_at end, p.time_zone, null, p_campaign_id)::sms.outbox)
               filter (where p.n is not null),
           a.people, a.people::numeric / greatest(count(p.n), 1)
      from amount as a
      left join person as p on p.n % a.step = 0
     group by a.people;
end
$$;
comment on function sms.dry_run_plan is 'Part of dry_run: the requests a campaign would make, or those its run has still to make.';
revoke execute on function sms.dry_run_plan from public;
