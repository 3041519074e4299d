-- Uncertain messages to ask this provider about now, at most p_limit; empty when none is due or somebody else is asking.
-- The turn is taken before anybody asks: the next one may be taken p_every later, and not while this one may still be
-- under way (p_hold). Each message is not asked about sooner than p_after from its doubt, and then at p_pauses, the last one
-- for ever. asked_at is the token with which record_answers takes the answers. All workers share this; a killed one loses only its turn.
create or replace function sms.take_doubtful(
    p_provider text, p_limit int, p_every interval, p_hold interval, p_after interval, p_pauses interval[]
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
    -- From now on a drain waits for its answers.
    if not exists (select from sms.provider_asking as a where a.provider_id = _provider_id and a.answers_doubts) then
        insert into sms.provider_asking as a (provider_id, answers_doubts) values (_provider_id, true)
            on conflict (provider_id) do update set answers_doubts = true;
    end if;
    -- What a receipt has decided meanwhile shall not stand in the way; a chore deletes it later.
    update sms.doubtful as d
       set next_ask_at = 'infinity'
      from (select x.id from sms.doubtful as x
             where x.provider_id = _provider_id and x.next_ask_at <= _now
             order by x.next_ask_at
             limit greatest(1000, p_limit)) as s
     where d.id = s.id
       and not exists (select from sms.outcome as o where o.id = s.id and o.state = 'uncertain');
    if not exists (select from sms.doubtful as d
                    where d.provider_id = _provider_id and d.next_ask_at <= _now and d.since <= _now - p_after)
       or not sms.take_turn(_provider_id, p_every, p_hold, _now) then
        return;
    end if;
    return query
    with due as materialized (
        select d.id
          from sms.doubtful as d
         where d.provider_id = _provider_id and d.next_ask_at <= _now and d.since <= _now - p_after
         order by d.next_ask_at
         limit p_limit
           for update skip locked
    ), asked as (
        update sms.doubtful as d
           set asked_at = _now, asks = d.asks + 1, next_ask_at = _now + p_pauses[least(d.asks + 1, cardinality(p_pauses))]
          from due as x
         where d.id = x.id
     returning d.id, d.ref
    )
    select a.id, o.msisdn, o.submitted_at, a.ref, _now
      from asked as a
      cross join lateral (select x.msisdn, x.submitted_at from sms.outcome as x
                           where x.id = a.id and x.state = 'uncertain' offset 0) as o;
end
$$;
comment on function sms.take_doubtful is 'Worker API. Take the turn to ask a provider, and the uncertain messages to ask about.';
revoke execute on function sms.take_doubtful from public;
