-- What becomes of candidates that share a number or client: their judgements in the order in which claims would make them,
-- each also against what the kept ones before it used up. reason null: kept, at its moment. One row a candidate.
-- p_steps comes from dry_run_steps, where each was judged as if it were alone.
create or replace function sms.dry_run_rivals(p_batch sms.candidate[], p_steps sms.finding[], p_as_of timestamptz)
    returns table (id bigint, reason text, at timestamptz)
    language plpgsql stable
    set enable_seqscan = off set plan_cache_mode = force_generic_plan set jit = off
as $$
#variable_conflict use_column
declare
    _s record;
    _label bigint;
    _kept sms.candidate[];   -- of this group, so far; not_before is when it went
    _decided bigint[];
    _rank int;
begin
    for _s in
        with step as materialized (
            select g.label, c as fact, s.rank, s.verdict, s.reason, s.not_before as moment
              from sms.dry_run_groups(p_batch) as g
              join unnest(p_batch) as c on c.id = g.id
              join unnest(p_steps) as s on s.id = g.id
        ), term as materialized (
            select k.channel_id, k.zone_id, k.moment, array_agg(t.cap_id) as cap_ids, array_agg(t.since) as sinces
              from (select (x.fact).channel_id, (x.fact).zone_id, x.moment, (array_agg(x.fact))[1] as fact
                      from step as x
                     group by 1, 2, 3) as k
              cross join lateral sms.cap_terms(array[k.fact], k.moment) as t
             group by k.channel_id, k.zone_id, k.moment
        )
        select x.*, ch.dedup_window, t.cap_ids, t.sinces
          from step as x
          left join sms.channel as ch on ch.channel_id = (x.fact).channel_id
          left join term as t
            on t.channel_id = (x.fact).channel_id and t.zone_id = (x.fact).zone_id and t.moment = x.moment
         order by x.label, x.moment, (x.fact).priority,
                  case when x.moment = p_as_of then (x.fact).not_before end,   -- once deferred, all are due at the moment
                  (x.fact).id
    loop
        if _s.label is distinct from _label then
            _label := _s.label;
            _kept := '{}';
            _decided := '{}';
        end if;
        continue when (_s.fact).id = any (_decided);
        _rank := case when _s.verdict = 'suppress' then _s.rank end;
        if cardinality(_kept) > 0 and coalesce(_rank, 99) > 50
           and sms.dry_run_repeats(_s.fact, _s.moment, _s.dedup_window, _kept) then
            _rank := 50;
        elsif cardinality(_kept) > 0 and coalesce(_rank, 99) > 60
              and sms.dry_run_capped(_s.fact, _s.moment, _s.cap_ids, _s.sinces, _kept) then
            _rank := 60;
        end if;
        continue when _rank is null and _s.verdict = 'defer';
        id := (_s.fact).id;
        at := _s.moment;
        reason := case when _rank = _s.rank then _s.reason when _rank = 50 then 'duplicate' when _rank = 60 then 'cap' end;
        return next;
        _decided := _decided || id;
        if _rank is null then
            _kept := _kept || sms.dry_run_again(_s.fact, _s.moment);
        end if;
    end loop;
end
$$;
comment on function sms.dry_run_rivals is 'Part of dry_run: candidates of one number or client, decided one after the other.';
revoke execute on function sms.dry_run_rivals from public;
