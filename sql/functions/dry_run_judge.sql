-- Every candidate judged as of its own not_before, each as if it were alone: sms.judge_batch, in batches as a claim has them.
-- rank is that of the reason that decided; not_before until when a deferred one waits. A moment costs 0.4 ms, a candidate
-- 20 µs; so more than 2,000 moments are judged by the minute, as of its begin.
create or replace function sms.dry_run_judge(p_batch sms.candidate[])
    returns setof sms.finding
    language plpgsql stable
    set enable_seqscan = off set plan_cache_mode = force_generic_plan set jit = off
as $$
declare
    _begin timestamptz;
    _many boolean;
    _moment timestamptz;
    _chunk sms.candidate[];
begin
    select min(c.not_before), count(distinct c.not_before) > 2000 into _begin, _many from unnest(p_batch) as c;
    for _moment, _chunk in
        select g.moment, array_agg(g.fact)
          from (select m.fact, m.moment, row_number() over (partition by m.moment) / 1000 as part
                  from (select c as fact,
                               case when _many then greatest(date_trunc('minute', c.not_before), _begin)
                                    else c.not_before end as moment
                          from unnest(p_batch) as c) as m) as g
         group by g.moment, g.part
    loop
        return query
        select j.id, r.rank, j.verdict, j.reason, null::text, j.not_before
          from sms.judge_batch(_chunk, _moment) as j
          left join sms.reason as r on r.reason = j.reason;
    end loop;
end
$$;
comment on function sms.dry_run_judge is 'Part of dry_run: the rules about candidates, each as of its own moment.';
revoke execute on function sms.dry_run_judge from public;
