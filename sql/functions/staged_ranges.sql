-- The staged numbering file with operators by tax id and zones by region; what is unknown gets 0 for each.
-- The zones of a region have their row in sms.time_zone; sms.replace_numbering adds it.
create or replace function sms.staged_ranges()
    returns setof sms.number_range
    language sql stable
as $$
    with place as materialized (
        select s.region, array_to_string(sms.region_zones(s.region), '+') as zone
          from (select distinct s.region from sms.number_range_staging as s) as s
    )
    select s.lo, s.hi, coalesce(o.operator_id, 0::smallint), coalesce(z.zone_id, 0::smallint),
           s.operator_title, s.region, s.inn
      from sms.number_range_staging as s
      join place as p on p.region = s.region
      left join sms.operator_tax_id as o on o.inn = s.inn
      left join sms.time_zone as z on z.name = p.zone
$$;
comment on function sms.staged_ranges is 'The staged numbering file as rows of sms.number_range.';
revoke execute on function sms.staged_ranges from public;
