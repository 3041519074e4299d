-- What a provider answered about the messages asked about at p_asked_at; arrays are parallel, verdicts: present, absent,
-- unknown. Present: accepted, under p_refs where that is new. Absent: said again p_absent_after later it counts, and the
-- message goes back to the queue; the first time it is only noted. Answers to an older question change nothing.
create or replace function sms.record_answers(
    p_provider text, p_asked_at timestamptz, p_ids bigint[], p_verdicts text[], p_refs text[], p_absent_after interval
)
    returns table (present int, absent int, noted int)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    _now timestamptz := clock_timestamp();
    _provider_id smallint := sms.known_provider(p_provider);
    _present bigint[];
    _absent bigint[];
    _first bigint[];
begin
    select array_agg(d.id) filter (where a.verdict = 'present'),
           array_agg(d.id) filter (where a.verdict = 'absent' and (p_absent_after <= '0' or d.absent_since + p_absent_after <= p_asked_at)),
           array_agg(d.id) filter (where a.verdict = 'absent' and d.absent_since is null and p_absent_after > '0')
      into _present, _absent, _first
      from unnest(p_ids, p_verdicts) as a (id, verdict)
      join sms.doubtful as d on d.id = a.id and d.provider_id = _provider_id and d.asked_at = p_asked_at;

    insert into sms.provider_ref (id, provider_id, ref)
    select distinct a.id, _provider_id, a.ref
      from unnest(p_ids, p_refs) as a (id, ref)
      left join lateral (select true as is_known from sms.provider_ref as r
                          where r.provider_id = _provider_id and r.ref = a.ref and r.id = a.id
                          limit 1) as k on true
     where a.id = any (_present) and a.ref is not null and k.is_known is null;
    update sms.doubtful as d set absent_since = _now, next_ask_at = _now + p_absent_after where d.id = any (_first);
    present := sms.resolve_uncertain(_present, 'accepted', 'found at the provider when it was asked', 'look-up');
    absent := sms.resolve_uncertain(_absent, 'absent', 'the provider does not have it', 'look-up');
    noted := coalesce(cardinality(_first), 0);
    perform sms.end_turn(p_provider, p_asked_at);
    return next;
end
$$;
comment on function sms.record_answers is 'Worker API. Resolve uncertain messages by what their provider answered.';
revoke execute on function sms.record_answers from public;
