-- Look through the messages accepted up to p_after ago, a minute of them at most, and put those into sms.overdue whose final
-- receipt has not come. Each outcome row is read once in its life, by its time of decision (BRIN), and only for providers that
-- are polled: sending and receipts pay nothing. Begins p_until ago. True when there is more to look through at once.
create or replace function sms.collect_overdue(p_provider text, p_after interval, p_until interval)
    returns boolean
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_nestloop = off set plan_cache_mode = force_generic_plan
as $$
declare
    _now timestamptz := clock_timestamp();
    _provider_id smallint := sms.known_provider(p_provider);
    _from timestamptz;
    _to timestamptz;
    _ids bigint[];
begin
    select coalesce(a.collected_until, _now - p_until) into _from
      from sms.provider_asking as a where a.provider_id = _provider_id for update skip locked;
    if not found then
        if exists (select from sms.provider_asking as a where a.provider_id = _provider_id) then
            return false;  -- another worker is looking
        end if;
        insert into sms.provider_asking (provider_id) values (_provider_id) on conflict do nothing;
    end if;
    _from := greatest(_from, _now - p_until);
    _to := least(_from + interval '1 minute', _now - p_after);
    if _to <= _from then
        return false;
    end if;
    -- some seconds twice, for commits that came late
    select array_agg(o.id) into _ids
      from sms.outcome as o
     where o.decided_at > _from - interval '10 seconds' and o.decided_at <= _to
       and o.provider_id = _provider_id and o.state = 'accepted';
    insert into sms.overdue (id, provider_id, ref, next_poll_at)
    select g.id, _provider_id, r.ref, _now
      from unnest(_ids) as g (id)
      left join (select distinct on (x.id) x.id, x.ref
                   from sms.provider_ref as x
                  where x.id between (select min(i) from unnest(_ids) as i) and (select max(i) from unnest(_ids) as i)
                    and x.id in (select i from unnest(_ids) as i) and x.provider_id = _provider_id
                  order by x.id, x.parts, x.part, age(x.xmin)) as r on r.id = g.id
        on conflict (id) do nothing;
    update sms.provider_asking as a set collected_until = _to where a.provider_id = _provider_id;
    return _to < _now - p_after;
end
$$;
comment on function sms.collect_overdue is 'Worker API. Find accepted messages of a provider whose final receipt is overdue.';
revoke execute on function sms.collect_overdue from public;
