-- What an audience looks like now: total (people, in detail distinct numbers and clients), unusable (key: the reason), extent
-- (the box its homes lie in, degrees), segments (by operator and zone), sample (p_limit people). Writes nothing.
-- Segments are those of the template filled in for each person; without one, of a text that takes one. Phones are masked
-- unless somebody asks for them who may read them: sms_erp or sms_operator. Some 10 µs a person. It runs with the owner's
-- rights, so what strangers put into public must not be found: no public in its path, and PostGIS with its own types.
create or replace function sms.preview_audience(
    p_audience text, p_limit int default 10, p_template text default null, p_channel text default 'planned',
    p_show_phones boolean default false
)
    returns table (topic text, key text, people bigint, segments bigint, detail jsonb)
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp set standard_conforming_strings = on set enable_seqscan = off set jit = off
as $$
declare
    _now timestamptz := clock_timestamp();
begin
    perform sms.refuse_unknown_names(array[p_channel], case when p_template is null then '{}' else array[p_template] end);
    if p_show_phones and not (pg_has_role(sms.acting_role(), 'sms_erp', 'usage')
                              or pg_has_role(sms.acting_role(), 'sms_operator', 'usage')) then
        raise exception 'phones are shown to sms_erp and sms_operator only' using errcode = 'insufficient_privilege';
    end if;
    return query
    with person as materialized (
        select row_number() over () as n, r.client_id, r.phone, r.time_zone, r.vars from sms.run_audience(p_audience) as r
    ), told as materialized (
        select p.n, f.msisdn, f.reason, f.lane_id, f.zone_id,
               case when f.reason is not null then 0 when p_template is null then 1
                    else sms.segments(sms.sent_text(f.channel_id, sms.render(v.body, p.vars))) end as segments
          from person as p
          cross join lateral sms.interpret_request(
                   p_channel, p.phone, case when p_template is null then '-' end, p_template, p.vars, null, null, null, null,
                   p.time_zone, p.client_id, _now) as f
          left join sms.template_version as v on v.template_version_id = f.template_version_id
    ), box as (
        select count(*) as located, public.st_extent(l.location::public.geometry)::public.box3d as box
          from (select distinct p.client_id from person as p) as p
          join geo.client_location as l on l.client_id = p.client_id
    )
    select f.topic, f.key, f.people, f.segments, f.detail
      from (select 1 as part, 0::bigint as n, 'total' as topic, null as key, count(*) as people,
                   coalesce(sum(t.segments), 0)::bigint as segments,
                   jsonb_build_object('numbers', count(distinct t.msisdn),
                                      'clients', (select count(distinct p.client_id) from person as p)) as detail
              from told as t
            union all
            select 2, min(r.rank), 'unusable', t.reason, count(*), 0::bigint, jsonb_build_object('meaning', min(r.meaning))
              from told as t
              join sms.reason as r on r.reason = t.reason
             group by t.reason
            union all
            select 3, 0, 'extent', null, b.located, null,
                   jsonb_build_object('south', public.st_ymin(b.box), 'west', public.st_xmin(b.box),
                                      'north', public.st_ymax(b.box), 'east', public.st_xmax(b.box))
              from box as b where b.located > 0
            union all
            select 4, -count(*), 'segments', o.operator || ', ' || z.name, count(*), sum(t.segments)::bigint,
                   jsonb_build_object('operator', o.operator, 'zone', z.name)
              from told as t
              join sms.lane as l on l.lane_id = t.lane_id
              join sms.operator as o on o.operator_id = l.operator_id
              join sms.time_zone as z on z.zone_id = t.zone_id
             where t.reason is null
             group by o.operator, z.name
            union all
            select 5, p.n, 'sample', coalesce(p.client_id::text, ''), 1, t.segments,
                   jsonb_build_object(
                       'client_id', p.client_id::text,
                       'phone', case when p_show_phones then p.phone
                                     when t.msisdn is null then '***'
                                     else sms.mask_phones(t.msisdn::text) end,
                       'time_zone', p.time_zone, 'vars', p.vars, 'unusable', t.reason)
              from person as p
              join told as t on t.n = p.n
             where p.n <= greatest(p_limit, 0)) as f
     order by f.part, f.n, f.key;
end
$$;
comment on function sms.preview_audience is
    'What an audience looks like now: count, unusable, map extent, segments by operator and zone, a sample. Phones masked.';
revoke execute on function sms.preview_audience from public;
