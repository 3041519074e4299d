-- Leases that ran out, two seconds late to be sure: unmarked messages go back to pending as if never claimed,
-- messages marked as submitting become uncertain, known by the names written with the mark; receipts that are here already
-- decide them. Claims whose worker is marking right now are left for the next call.
create or replace function sms.expire_leases(p_limit int default 1000, p_as_of timestamptz default null)
    returns table (returned int, uncertain int)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan
as $$
declare
    _now timestamptz := coalesce(sms.named_moment(p_as_of), clock_timestamp());
    _claims bigint[];
    _doubted bigint[];
begin
    select array_agg(c.claim_id) into _claims
      from (select distinct f.claim_id from sms.inflight as f where f.lease_until < _now - interval '2 seconds') as c
     where pg_try_advisory_xact_lock(c.claim_id);

    with late as materialized (
        select f.id
          from sms.inflight as f
         where f.claim_id = any (_claims)
         order by f.id
         limit p_limit
           for update skip locked
    ), mine as materialized (
        delete from sms.inflight as f
         using late as t
         where f.id = t.id
     returning f.*, exists (select from sms.submitting as s where s.claim_id = f.claim_id and f.id = any (s.ids)) as is_marked
    ), back as (
        insert into sms.pending (id, msisdn, not_before, expires_at, dedup_key, ref_hash, client_id, campaign_id,
                                 template_version_id, lane_id, zone_id, priority, attempt)
        select m.id, m.msisdn, m.claimed_at, m.expires_at, m.dedup_key, m.ref_hash, m.client_id, m.campaign_id,
               m.template_version_id, m.lane_id, m.zone_id, m.priority, m.attempt - 1
          from mine as m
         where not m.is_marked
    ), taken_back as (
        delete from sms.contact_log as l
         using mine as m
         where not m.is_marked and l.msisdn = m.msisdn and l.at = m.claimed_at and l.message_id = m.id
    ), doubtful as (
        insert into sms.outcome (id, msisdn, decided_at, submitted_at, client_id, campaign_id, template_version_id,
                                 provider_id, lane_id, zone_id, attempts, state, detail)
        select m.id, m.msisdn, _now, m.claimed_at, m.client_id, m.campaign_id, m.template_version_id,
               m.provider_id, m.lane_id, m.zone_id, m.attempt, 'uncertain', 'the worker vanished after it began to submit'
          from mine as m
         where m.is_marked
    ), doubted as (
        insert into sms.doubtful (id, since, provider_id, next_ask_at)
        select m.id, _now, m.provider_id, _now from mine as m where m.is_marked
            on conflict (id) do update set since = excluded.since, provider_id = excluded.provider_id, ref = null, asks = 0,
                                           asked_at = null, next_ask_at = excluded.next_ask_at, absent_since = null
    )
    select count(*) filter (where not m.is_marked)::int, count(*) filter (where m.is_marked)::int,
           array_agg(m.id) filter (where m.is_marked)
      into returned, uncertain, _doubted
      from mine as m;
    return next;
    if returned > 0 then
        perform sms.sweep_campaigns();
    end if;
    if _doubted is not null then
        perform sms.price_doubted(_doubted, _now);
        perform sms.name_messages(_claims, _doubted, _now);
        perform sms.apply_orphans(array_agg(u.receipt_id), _now)
           from unnest(_doubted) as g (id)
           cross join lateral (select x.receipt_id from sms.unmatched_receipt as x where x.message_id = g.id offset 0) as u
          having count(*) > 0;
    end if;

    delete from sms.submitting as s
     where s.marked_at < _now - interval '1 hour'
       and not exists (select from sms.inflight as f where f.claim_id = s.claim_id);
    delete from sms.claim as c
     where c.claimed_at < _now - interval '1 hour'
       and not exists (select from sms.inflight as f where f.claim_id = c.claim_id);
end
$$;
comment on function sms.expire_leases is
    'Chore. Messages whose lease ran out: back to pending when never marked, uncertain when marked as submitting.';
revoke execute on function sms.expire_leases from public;
