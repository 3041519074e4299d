-- The answer time, in ms, within which this share of the answers came; times counts those within 1, 2, 4, … ms. Null: none.
create or replace function sms.answer_percentile(p_times bigint[], p_share numeric)
    returns int
    language sql immutable
as $$
    select min(1 << (x.n::int - 1))
      from (select t.n, sum(t.count) over (order by t.n) as within, sum(t.count) over () as total
              from unnest(p_times) with ordinality as t (count, n)) as x
     where x.total > 0 and x.within >= x.total * p_share
$$;
comment on function sms.answer_percentile is 'The answer time in ms within which a share of the answers came, to the next power of two.';
revoke execute on function sms.answer_percentile from public;
