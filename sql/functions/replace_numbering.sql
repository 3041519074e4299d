-- Put the staged numbering file in place of the plan, all at once, and tell what that changes, in numbers.
-- Touches only rows that differ. Regions without a zone are loaded as unknown and named in the answer. Messages that
-- wait keep the operator and zone they were accepted with. An empty or overlapping file is refused: SM013, SM014.
create or replace function sms.replace_numbering(
    out ranges int, out numbers bigint, out added bigint, out removed bigint,
    out changed_operator bigint, out changed_zone bigint, out unchanged bigint, out unknown_regions text[]
)
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    lock table sms.number_range in share row exclusive mode;
    perform sms.check_staged_numbering();

    insert into sms.time_zone (name, members)
    select distinct array_to_string(p.zones, '+'), p.zones
      from (select sms.region_zones(s.region) as zones
              from (select distinct s.region from sms.number_range_staging as s) as s) as p
     where p.zones is not null
       and not exists (select from sms.time_zone as z where z.name = array_to_string(p.zones, '+'));

    select count(*), coalesce(array_agg(distinct s.region) filter (where sms.region_zones(s.region) is null), '{}')
      into ranges, unknown_regions
      from (select s.region, count(*) as n from sms.number_range_staging as s group by s.region) as s;
    select c.numbers, c.added, c.removed, c.changed_operator, c.changed_zone, c.unchanged
      into numbers, added, removed, changed_operator, changed_zone, unchanged
      from sms.numbering_changes() as c;

    delete from sms.number_range as r
     where not exists (select from sms.staged_ranges() as s where s = r);
    insert into sms.number_range
    select s.* from sms.staged_ranges() as s
     where not exists (select from sms.number_range as r where r.lo = s.lo);

    truncate sms.number_range_staging;
    analyze sms.number_range;
end
$$;
comment on function sms.replace_numbering is
    'Replace the numbering plan by the staged file in one step; counts of numbers added, removed and changed.';
revoke execute on function sms.replace_numbering from public;
