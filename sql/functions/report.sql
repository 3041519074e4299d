-- What became of the messages inserted in a span of time: counts, segments, money and times by state and reason.
-- accept = insert to hand-over, final = hand-over to final state; null where no message has both ends.
create or replace function sms.report(p_from timestamptz, p_until timestamptz)
    returns table (state text, reason text, messages bigint, segments bigint, cost numeric,
                   accept_p50 interval, accept_p95 interval, final_p50 interval, final_p95 interval)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select m.state, m.reason, count(*), coalesce(sum(m.segments), 0), sum(m.cost),
           percentile_cont(0.5) within group (order by m.submitted_at - m.created_at),
           percentile_cont(0.95) within group (order by m.submitted_at - m.created_at),
           percentile_cont(0.5) within group (order by m.final_at - m.submitted_at),
           percentile_cont(0.95) within group (order by m.final_at - m.submitted_at)
      from sms.message as m
     where m.id >= sms.id_at(p_from) and m.id < sms.id_at(p_until)
     group by m.state, m.reason
     order by count(*) desc, m.state, m.reason
$$;
comment on function sms.report is 'Messages of a span by state and reason: counts, segments, money, times to hand-over and to final state.';
revoke execute on function sms.report from public;
