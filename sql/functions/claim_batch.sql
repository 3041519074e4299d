-- Lease up to p_limit due messages of one provider to one worker: choose, own their erp_refs, judge all, move all.
-- What may go is in sms.inflight under claim_id until lease_until; what may not is in sms.outcome with its reason, or
-- still in sms.pending for later. Always one row; judged tells how many were decided, so that "all suppressed" is not
-- taken for "nothing due". Three statements, because each needs a snapshot taken after the locks before it.
create or replace function sms.claim_batch(
    p_provider text, p_worker text, p_limit int default 500, p_from_priority int default 0, p_to_priority int default 3,
    p_lease interval default '60 seconds', p_as_of timestamptz default null
)
    returns table (
        claim_id bigint, judged int, lease_until timestamptz, ids bigint[], msisdns bigint[], sender_ids text[],
        bodies text[], priorities smallint[], attempts smallint[], expires_ats timestamptz[]
    )
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp set enable_seqscan = off set plan_cache_mode = force_generic_plan set jit = off
as $$
#variable_conflict use_column
declare
    _provider sms.provider;
    _batch sms.candidate[];
    _now timestamptz;
    _claim_id bigint := sms.next_id();
    _lease_until timestamptz;
begin
    select * into _provider from sms.provider as p where p.provider = p_provider;
    if not found then
        raise exception 'unknown provider "%"', p_provider using errcode = 'SM006';
    end if;
    if _provider.is_enabled then
        _batch := sms.choose_due(_provider.provider_id, least(greatest(p_limit, 1), _provider.max_batch), p_from_priority,
                                 p_to_priority, coalesce(sms.named_moment(p_as_of), clock_timestamp()),
                                 exists (select from sms.cap as k where k.per = 'client'));
        if _batch is null then
            _batch := sms.choose_probes(_provider.provider_id, p_limit, p_from_priority, p_to_priority,
                                        coalesce(sms.named_moment(p_as_of), clock_timestamp()));
        end if;
    end if;
    _now := coalesce(sms.named_moment(p_as_of), clock_timestamp());
    _lease_until := _now + p_lease;
    if _batch is null then
        return query select _claim_id, 0, _lease_until, null::bigint[], null::bigint[], null::text[], null::text[],
                            null::smallint[], null::smallint[], null::timestamptz[];
        return;
    end if;
    perform sms.claim_refs(_batch);

    return query
    with verdict as materialized (
        select c.*, j.verdict, j.reason, j.detail, j.not_before as again_at, j.reasons
          from unnest(_batch) as c
          join sms.judge_batch(_batch, _now) as j on j.id = c.id
    ), gone as (
        delete from sms.pending as p
         where p.ctid = any (array(select v.tid from verdict as v where v.verdict in ('send', 'suppress')))
    ), deferred as (
        update sms.pending as p
           set not_before = v.again_at
          from verdict as v
         where v.verdict = 'defer' and p.id = v.id
    ), leased as (
        insert into sms.inflight (id, claim_id, msisdn, claimed_at, lease_until, expires_at, dedup_key, ref_hash, client_id,
                                  campaign_id, template_version_id, provider_id, lane_id, zone_id, priority, attempt)
        select v.id, _claim_id, v.msisdn, _now, _lease_until, v.expires_at, v.dedup_key, v.ref_hash, v.client_id,
               v.campaign_id, v.template_version_id, _provider.provider_id, v.lane_id, v.zone_id, v.priority, v.attempt
          from verdict as v
         where v.verdict = 'send'
    ), taken as (
        insert into sms.claim (claim_id, worker, provider_id, claimed_at)
        select _claim_id, p_worker, _provider.provider_id, _now
         where exists (select from verdict as v where v.verdict = 'send')
    ), logged as (
        insert into sms.contact_log (msisdn, at, dedup_key, message_id, client_id, channel_id)
        select v.msisdn, _now, v.dedup_key, v.id, v.client_id, v.channel_id
          from verdict as v
         where v.verdict = 'send'
    ), suppressed as (
        insert into sms.outcome (id, msisdn, decided_at, final_at, client_id, campaign_id, template_version_id, lane_id,
                                 zone_id, attempts, state, reason, detail, reasons)
        select v.id, v.msisdn, _now, _now, v.client_id, v.campaign_id, v.template_version_id, v.lane_id,
               v.zone_id, v.attempt - 1, 'suppressed', v.reason, v.detail, v.reasons
          from verdict as v
         where v.verdict = 'suppress'
    ), payload as (
        select v.id, v.msisdn, coalesce(o.sender_id, ch.sender_id) as sender_id,
               case when ch.track_clicks and strpos(r.body, '://') > 0 then sms.shorten_links(v.id, r.body) else r.body end as body,
               v.priority, v.attempt, v.expires_at
          from verdict as v
          cross join lateral (select x.sender_id, x.body, x.vars from sms.outbox as x where x.id = v.id offset 0) as o
          left join sms.channel as ch on ch.channel_id = v.channel_id
          left join sms.template_version as t on t.template_version_id = v.template_version_id
          cross join lateral (
                   select case when v.template_version_id is null then o.body else sms.render(t.body, o.vars) end as body offset 0
               ) as r
         where v.verdict = 'send'
         order by v.priority, v.not_before, v.id
    )
    select _claim_id, (select count(*) filter (where v.verdict <> 'wait') from verdict as v)::int, _lease_until,
           array_agg(p.id), array_agg(p.msisdn), array_agg(p.sender_id), array_agg(p.body),
           array_agg(p.priority), array_agg(p.attempt), array_agg(p.expires_at)
      from payload as p;
end
$$;
comment on function sms.claim_batch is
    'Worker API. Lease due messages of a provider, most urgent first, after judging every rule; settle each with its claim_id.';
revoke execute on function sms.claim_batch from public;
