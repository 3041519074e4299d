-- Put the staged numbering file in place of the plan, all at once, and tell what that changes, in numbers.
-- Touches only rows that differ. Regions without a zone are loaded as unknown and named in the answer. Messages that
-- wait keep the operator and zone they were accepted with. Refused: nothing staged (SM013), overlapping ranges (SM014).
create or replace function sms.replace_numbering(
    out ranges int, out numbers bigint, out added bigint, out removed bigint,
    out changed_operator bigint, out changed_zone bigint, out unchanged bigint, out unknown_regions text[]
)
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _lines int[];
begin
    lock table sms.number_range in share row exclusive mode;
    if not exists (select from sms.number_range_staging) then
        raise exception 'there is no numbering file to put in place' using errcode = 'SM013',
            hint = 'Copy it into sms.number_range_staging first, as "outbox import numbering FILE" does.';
    end if;
    select array[o.line_no, o.earlier] into _lines
      from (select s.line_no, s.lo, max(s.hi) over w as reached, lag(s.line_no) over w as earlier
              from sms.number_range_staging as s
            window w as (order by s.lo, s.hi rows between unbounded preceding and 1 preceding)) as o
     where o.lo <= o.reached
     limit 1;
    if found then
        raise exception 'the ranges of lines % and % overlap', _lines[2], _lines[1] using errcode = 'SM014';
    end if;

    -- Regions of several zones get a row that stands for all of them. A zone that sms.time_zone does not know would break
    -- every later look at the clock, so its regions count as unknown.
    insert into sms.time_zone (name, members)
    select distinct array_to_string(p.zones, '+'), p.zones
      from (select sms.region_zones(s.region) as zones
              from (select distinct s.region from sms.number_range_staging as s) as s) as p
     where cardinality(p.zones) > 1
       and p.zones <@ (select array_agg(z.name) from sms.time_zone as z)
       and not exists (select from sms.time_zone as z where z.name = array_to_string(p.zones, '+'));

    select count(*), coalesce(array_agg(distinct s.region) filter (where s.zone_id = 0), '{}')
      into ranges, unknown_regions
      from sms.staged_ranges() as s;
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
