-- What these rules would make of these events now: to which phone, in which zone, when, and whether at all.
-- Phone and zone are the event's own (vars phone, time_zone), else those of the ERP's client as of now.
create or replace function sms.weigh_events(p_event_ids bigint[], p_rule_ids int[])
    returns table (event_id bigint, rule_id int, applies boolean, phone text, time_zone text, due_at timestamptz, note text)
    language plpgsql stable
as $$
declare
    _client_ids bigint[];
begin
    select array_agg(distinct e.client_id) into _client_ids
      from unnest(p_event_ids) as i (event_id)
      cross join lateral (select x.client_id from sms.event as x where x.event_id = i.event_id offset 0) as e;

    return query
    with client as materialized (
        select c.client_id, c.phone, c.time_zone from sms.read_clients(_client_ids) as c
    ), fact as (
        select e.event_id, e.client_id, e.fired_at, e.vars, r.rule_id, r.channel, r.date_variable, r.shift, r.at_local,
               r.condition is null or coalesce(jsonb_path_match(e.vars, r.condition, '{}', true), false) as applies,
               coalesce(e.vars ->> 'phone', c.phone) as phone,
               coalesce((select z.name from sms.time_zone as z
                          where e.vars ? 'time_zone' and z.name = e.vars ->> 'time_zone' and z.zone_id <> 0), c.time_zone) as time_zone,
               case when e.vars ->> 'time_zone' is not null
                         and not exists (select from sms.time_zone as z where z.name = e.vars ->> 'time_zone' and z.zone_id <> 0)
                    then 'time_zone is no IANA zone, so the client''s counts' end as zone_note,
               case when e.vars ->> 'phone' is not null or c.phone is not null then null
                    when e.client_id is null then 'neither a client nor a phone was given'
                    when c.client_id is null then 'client ' || e.client_id || ' is not in erp.client'
                    else 'client ' || e.client_id || ' has no phone in erp.client' end as phone_note
          from unnest(p_event_ids, p_rule_ids) as i (event_id, rule_id)
          cross join lateral (
                   select x.event_id, x.client_id, x.fired_at, x.vars from sms.event as x where x.event_id = i.event_id offset 0
               ) as e
          join sms.event_rule as r on r.rule_id = i.rule_id
          left join client as c on c.client_id = e.client_id
    )
    select f.event_id, f.rule_id, f.applies, f.phone, f.time_zone, d.due_at,
           nullif(concat_ws('; ', coalesce(f.phone_note,
                                           case when d.due_at is null
                                                then f.date_variable || case when f.vars ->> f.date_variable is null then ' is missing'
                                                                             else ' is no date' end end),
                            f.zone_note), '')
      from fact as f
      left join lateral (
               -- Only a rule that asks for the local calendar pays for finding the zone.
               select case when f.time_zone is not null then array[f.time_zone]
                           else sms.possible_zones(f.channel, f.phone, f.client_id) end as zones
                where f.applies and (f.at_local is not null or f.date_variable is not null)
               offset 0
           ) as z on true
      cross join lateral (
               select case when z.zones is null then f.fired_at + f.shift
                           when f.date_variable is not null and f.vars ->> f.date_variable is null then null
                           else sms.event_moment(f.vars ->> f.date_variable, f.fired_at, f.shift, f.at_local, z.zones) end as due_at
           ) as d;
end
$$;
comment on function sms.weigh_events is 'What rules would make of events now: phone, zone, moment, whether the condition holds.';
revoke execute on function sms.weigh_events from public;
