-- The candidates of a claim for a provider on trial: at most as many as it has probes left, from the lanes it may probe.
-- Workers share the probes: who finds the breaker's row busy takes none this time. Null: it is not on trial, or nothing is due.
create or replace function sms.choose_probes(
    p_provider_id smallint, p_limit int, p_from_priority int, p_to_priority int, p_as_of timestamptz
)
    returns sms.candidate[]
    language plpgsql volatile
as $$
declare
    _left int;
    _batch sms.candidate[];
begin
    if not exists (select from sms.lane as l where l.probed_by = p_provider_id) then
        return null;
    end if;
    select b.probes_left into _left
      from sms.breaker as b
     where b.provider_id = p_provider_id and b.state = 'half_open' and b.probes_left > 0
       for update skip locked;
    if not found then
        return null;
    end if;
    _batch := sms.choose_due(p_provider_id, least(greatest(p_limit, 1), _left), p_from_priority, p_to_priority, p_as_of,
                             exists (select from sms.cap as k where k.per = 'client'), true);
    update sms.breaker as b
       set probes_left = _left - cardinality(_batch), probes_at = p_as_of
     where b.provider_id = p_provider_id and _batch is not null;
    return _batch;
end
$$;
comment on function sms.choose_probes is 'The few candidates that a provider on trial may have.';
revoke execute on function sms.choose_probes from public;
