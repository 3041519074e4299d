-- Overdue messages to ask this provider about now, at most p_limit; empty when none is due or somebody else is asking. The
-- turn is shared with look-ups (take_doubtful). Asked at p_pauses, the last one repeating, until p_until after submission.
create or replace function sms.take_overdue(
    p_provider text, p_limit int, p_every interval, p_hold interval, p_until interval, p_pauses interval[]
)
    returns table (id bigint, msisdn bigint, submitted_at timestamptz, ref text, asked_at timestamptz)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    _now timestamptz := clock_timestamp();
    _provider_id smallint := sms.known_provider(p_provider);
begin
    -- Those that got their receipt, or are too old by now: the next ones in the queue, so that a long one costs no more.
    delete from sms.overdue as v
     where v.id = any (array(select x.id
                               from (select y.id from sms.overdue as y
                                      where y.provider_id = _provider_id and y.next_poll_at <= _now
                                      order by y.next_poll_at
                                      limit greatest(1000, p_limit)) as x
                               left join lateral (select o.state, o.submitted_at from sms.outcome as o
                                                   where o.id = x.id offset 0) as o on true
                              where o.state is distinct from 'accepted' or o.submitted_at < _now - p_until));
    if not exists (select from sms.overdue as v where v.provider_id = _provider_id and v.next_poll_at <= _now)
       or not sms.take_turn(_provider_id, p_every, p_hold, _now) then
        return;
    end if;
    return query
    with due as materialized (
        select v.id
          from sms.overdue as v
         where v.provider_id = _provider_id and v.next_poll_at <= _now
         order by v.next_poll_at
         limit p_limit
           for update skip locked
    ), asked as (
        update sms.overdue as v
           set polls = v.polls + 1, next_poll_at = _now + p_pauses[least(v.polls + 1, cardinality(p_pauses))]
          from due as x
         where v.id = x.id
     returning v.id, v.ref
    )
    select a.id, o.msisdn, o.submitted_at, a.ref, _now
      from asked as a
      cross join lateral (select x.msisdn, x.submitted_at from sms.outcome as x where x.id = a.id offset 0) as o;
end
$$;
comment on function sms.take_overdue is 'Worker API. Take the turn to ask a provider, and the overdue messages to ask about.';
revoke execute on function sms.take_overdue from public;
