-- What is wrong with a cron expression as far as numbers go: the first that is beyond its field's bounds, or a span that runs
-- backwards; null where all fit. Names and the rarer signs (MON, L, 5#2) are judged by the program that works the moments out.
create or replace function sms.cron_problem(p_cron text)
    returns text
    language sql immutable
as $$
    select f.name || ' ' || t.span || case when t.lo > t.hi then ' runs backwards' else ' is beyond ' || f.lo || ' to ' || f.hi end
      from unnest(regexp_split_to_array(btrim(p_cron), '\s+'), '{minute,hour,day,month,weekday}'::text[],
                  '{0,0,1,1,0}'::int[], '{59,23,31,12,7}'::int[]) with ordinality as f (field, name, lo, hi, n)
     cross join unnest(string_to_array(f.field, ',')) with ordinality as p (part, m)
     cross join lateral (
               select s.span, split_part(s.span, '-', 1)::int as lo, reverse(split_part(reverse(s.span), '-', 1))::int as hi
                 from (select split_part(p.part, '/', 1) as span) as s
                where s.span ~ '^\d{1,5}(-\d{1,5})?$'
           ) as t
     where t.lo < f.lo or t.hi > f.hi or t.lo > t.hi
     order by f.n, p.m
     limit 1
$$;
comment on function sms.cron_problem is 'What number in a cron expression is beyond its bounds, in words; null where all fit.';
revoke execute on function sms.cron_problem from public;
