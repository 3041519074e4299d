-- What the staged file would change, counted in numbers, so that a range merely cut in two counts for nothing.
-- Both sets of ranges are cut at all their ends; every piece then lies in one range or none, before and after.
create or replace function sms.numbering_changes(
    out numbers bigint, out added bigint, out removed bigint,
    out changed_operator bigint, out changed_zone bigint, out unchanged bigint
)
    language sql stable
as $$
    with staged as materialized (
        select * from sms.staged_ranges()
    ), cut as (
        select r.lo as point from sms.number_range as r union select r.hi + 1 from sms.number_range as r
        union select s.lo from staged as s union select s.hi + 1 from staged as s
    ), piece as (
        select c.point, lead(c.point) over w - c.point as size, max(r.lo) over w as old_lo, max(s.lo) over w as new_lo
          from cut as c
          left join sms.number_range as r on r.lo = c.point
          left join staged as s on s.lo = c.point
        window w as (order by c.point)
    ), change as (
        select p.size, r.lo is not null as was, s.lo is not null as is_now,
               r.operator_id is distinct from s.operator_id or r.inn is distinct from s.inn as other_operator,
               r.zone_id is distinct from s.zone_id as other_zone
          from piece as p
          left join sms.number_range as r on r.lo = p.old_lo and r.hi >= p.point
          left join staged as s on s.lo = p.new_lo and s.hi >= p.point
    )
    select coalesce(sum(c.size) filter (where c.is_now), 0),
           coalesce(sum(c.size) filter (where c.is_now and not c.was), 0),
           coalesce(sum(c.size) filter (where c.was and not c.is_now), 0),
           coalesce(sum(c.size) filter (where c.was and c.is_now and c.other_operator), 0),
           coalesce(sum(c.size) filter (where c.was and c.is_now and c.other_zone), 0),
           coalesce(sum(c.size) filter (where c.was and c.is_now and not c.other_operator and not c.other_zone), 0)
      from change as c
$$;
comment on function sms.numbering_changes is
    'How many numbers the staged file adds, removes, gives another operator or zone, or leaves alone.';
revoke execute on function sms.numbering_changes from public;
