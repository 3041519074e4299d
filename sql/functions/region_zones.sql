-- The time zones of a place as the numbering plan names it: a subject, two of them ("Город Москва, Московская
-- область", in either order), or a town within one ("г. Псков|г.о. город Псков|Псковская область"). «Город» may be
-- missing. Null when a part of it is not in sms.region_timezone or has no zone there: half-known is unknown.
create or replace function sms.region_zones(p_region text)
    returns text[]
    language sql stable strict
as $$
    select case when bool_and(u.zone is not null) then array_agg(u.zone order by u.region, u.place) end
      from (select z.zone, min(s.region) as region, min(z.place) as place
              from string_to_table(regexp_replace(p_region, '^.*\|', ''), ', ') as s (region)
              left join sms.region_timezone as r on r.region in (trim(s.region), 'Город ' || trim(s.region))
              left join lateral unnest(r.time_zone || r.other_time_zones) with ordinality as z (zone, place) on true
             group by z.zone) as u
$$;
comment on function sms.region_zones is
    'Time zones of a place as the numbering plan names it, main zone first; null when unknown.';
revoke execute on function sms.region_zones from public;
