-- The subscriber's zone and where it came from, the local time, and the silences: those that hold, else the next one.
create or replace function sms.explain_quiet_hours(p_fact sms.candidate, p_as_of timestamptz)
    returns jsonb
    language sql stable
as $$
    with place as (
        select ch.category, ch.opening_spread, coalesce(z.name, 'unknown') as zone, coalesce(z.members, u.members) as members,
               case when f.zone_id = p_fact.zone_id then f.zone_source
                    else 'as it was understood when it came in' end as zone_from
          from sms.outbox as o
          cross join lateral sms.interpret_request(
                   o.channel, o.phone, o.body, o.template, o.vars, o.erp_ref,
                   o.priority, o.not_before, o.expires_at, o.time_zone, o.client_id, o.created_at) as f
          left join sms.channel as ch on ch.channel_id = p_fact.channel_id
          left join sms.time_zone as z on z.zone_id = p_fact.zone_id
          left join sms.time_zone as u on u.zone_id = 0
         where o.id = p_fact.id
    ), silence as materialized (
        select z.name, w.quiet_hours_id, w.begins, w.ends, w.begins <= p_as_of as holds,
               min(w.begins) filter (where w.begins > p_as_of) over () as next_begin,
               bool_or(w.begins <= p_as_of) over () as silent
          from place as p
          cross join lateral unnest(p.members) as z (name)
          cross join lateral sms.quiet_windows(p.category, z.name, p_as_of) as w
         where w.ends > p_as_of and w.begins < w.ends
    )
    select jsonb_build_object(
               'told', case when not exists (select from sms.quiet_hours as q where q.category = p.category)
                            then 'no quiet hours for ' || coalesce(p.category, 'this channel')
                            else 'not silent in ' || p.zone end,
               'category', p.category, 'zone', p.zone, 'zone_from', p.zone_from,
               'local_time', (select jsonb_object_agg(m, to_char(p_as_of at time zone m, 'Dy YYYY-MM-DD HH24:MI'))
                                from unnest(p.members) as m),
               'opening_spread', nullif(p.opening_spread, '0'),
               'silences', (select jsonb_agg(jsonb_build_object(
                                       'zone', s.name, 'quiet_hours_id', s.quiet_hours_id, 'begins', s.begins, 'ends', s.ends,
                                       'holds', s.holds, 'reason', nullif(q.reason, ''),
                                       'rule', sms.rule_version('quiet_hours', s.quiet_hours_id::text, p_as_of) - 'row')
                                   order by s.ends desc, s.name)
                              from silence as s
                              join sms.quiet_hours as q on q.quiet_hours_id = s.quiet_hours_id
                             where case when s.silent then s.holds else s.begins = s.next_begin end),
               'holidays', (select jsonb_agg(jsonb_build_object('day', h.day, 'kind', h.kind, 'title', h.title))
                              from sms.holiday as h
                             where h.day in (select (p_as_of at time zone m)::date + d
                                               from unnest(p.members) as m, generate_series(-1, 1) as d)
                               and exists (select from sms.quiet_hours as q
                                            where q.category = p.category and q.day_kind is not null)))
      from place as p
$$;
comment on function sms.explain_quiet_hours is 'Part of explain: the facts behind rule_quiet_hours.';
revoke execute on function sms.explain_quiet_hours from public;
