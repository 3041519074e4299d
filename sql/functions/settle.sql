-- Close attempts of one claim. Arrays are parallel; results: accepted, rejected, retry, throttled (retry that costs no
-- attempt), uncertain, released (handed back, never submitted). Fenced by claim_id: rows that another claim holds by now
-- are left alone, and the number returned is how many were ours. Safe to repeat. Receipts that came early are applied,
-- those of other providers only counted.
-- What the provider billed is kept beside the expected cost (p_cost_ids, p_costs), which goes to the ledger sms.spend.
-- Names written with the mark become references; a provider without names pays one index probe a call for that.
-- Ids are distinct. Deletes go by ctid from fenced look-ups and the price once per lane: joined plainly, both were
-- quadratic in the batch (13.7 against 8.2 µs a message at 500).
create or replace function sms.settle(
    p_claim_id bigint, p_ids bigint[], p_results text[], p_segments smallint[], p_details text[], p_retry_after_s int[],
    p_ref_ids bigint[] default '{}', p_refs text[] default '{}', p_cost_ids bigint[] default '{}', p_costs numeric[] default '{}'
)
    returns int
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp set enable_seqscan = off set plan_cache_mode = force_generic_plan set jit = off
as $$
declare
    _now timestamptz := clock_timestamp();
    _settled int;
    _handed bigint[];
begin
    if exists (select from unnest(p_results) as r
                where r is null or r not in ('accepted', 'rejected', 'retry', 'throttled', 'uncertain', 'released')) then
        raise exception 'settle takes accepted, rejected, retry, throttled, uncertain or released' using errcode = 'SM004';
    end if;
    with answer as materialized (
        select * from unnest(p_ids, p_results, p_segments, p_details, p_retry_after_s)
                   as a (id, result, segments, detail, retry_after_s)
    ), mine as materialized (
        delete from sms.inflight as f
         where f.ctid = any (array(select x.tid
                                     from answer as a
                                     cross join lateral (select i.ctid as tid
                                                           from sms.inflight as i
                                                          where i.id = a.id and i.claim_id = p_claim_id
                                                         offset 0) as x))
     returning f.*
    ), terms as materialized (
        select l.lane_id, c.retry_base, c.max_attempts,
               sms.segment_price(x.provider_id, l.operator_id, c.category, _now) as price, c.channel_id
          from (select distinct m.lane_id, m.provider_id from mine as m) as x
          join sms.lane as l on l.lane_id = x.lane_id
          join sms.channel as c on c.channel_id = l.channel_id
    ), fate as materialized (
        select m.*, a.result, a.segments, a.detail, a.retry_after_s, t.retry_base, t.price,
               case when a.result = 'rejected' then 'rejected'
                    when a.result in ('accepted', 'uncertain') then a.result
                    when a.result = 'retry' and m.attempt >= t.max_attempts then 'failed'
                    else 'pending' end as state
          from mine as m
          join answer as a on a.id = m.id
          left join terms as t on t.lane_id = m.lane_id
    ), early as (
        delete from sms.unmatched_receipt as u
         where u.ctid = any (array(select x.tid
                                     from fate as f
                                     cross join lateral (select r.ctid as tid
                                                           from sms.unmatched_receipt as r
                                                          where r.message_id = f.id
                                                         offset 0) as x
                                    where f.state <> 'pending'))
     returning u.message_id, u.state, u.error, u.received_at, u.receipt_id, u.provider_id
    ), heard as materialized (
        select distinct on (e.message_id) e.message_id, e.state, e.error, e.received_at
          from early as e
          join fate as f on f.id = e.message_id
         where e.provider_id = f.provider_id or sms.counts_late(e.message_id, e.provider_id, e.state)
         order by e.message_id, sms.state_rank(e.state) desc
    ), foreigners as (
        insert into sms.foreign_receipt (receipt_id, message_id, provider_id, carrier_id)
        select e.receipt_id, e.message_id, e.provider_id, f.provider_id
          from early as e
          join fate as f on f.id = e.message_id
         where e.provider_id <> f.provider_id and not sms.counts_late(e.message_id, e.provider_id, e.state)
            on conflict do nothing
    ), carried as (   -- whoever asked for another try may have sent it all the same
        insert into sms.earlier_carrier (message_id, provider_id)
        select f.id, f.provider_id from fate as f where f.result = 'retry' and f.state = 'pending'
            on conflict do nothing
    ), closed as (
        insert into sms.outcome (id, msisdn, decided_at, submitted_at, final_at, client_id, campaign_id, cost,
                                 template_version_id, provider_id, lane_id, zone_id, segments, attempts, state, reason, detail,
                                 billed_cost)
        select f.id, f.msisdn, _now,
               case when f.state in ('accepted', 'uncertain') or h.state is not null then _now end,
               case when coalesce(h.state, f.state) not in ('accepted', 'uncertain') then _now end,
               f.client_id, f.campaign_id,
               case when f.state in ('accepted', 'uncertain') or h.state is not null then f.segments * f.price end,
               f.template_version_id, f.provider_id, f.lane_id, f.zone_id, f.segments, f.attempt,
               coalesce(h.state, f.state),
               case when h.state is null then
                   case f.state when 'failed' then 'attempts_exhausted' when 'rejected' then 'refused_by_provider' end end,
               coalesce(h.error, f.detail), b.cost
          from fate as f
          left join heard as h on h.message_id = f.id and sms.state_rank(h.state) > sms.state_rank(f.state)
          left join unnest(p_cost_ids, p_costs) as b (id, cost) on b.id = f.id
         where f.state <> 'pending'
     returning id, lane_id, campaign_id, submitted_at, cost
    ), spent as (
        insert into sms.spend (day, channel_id, campaign_id, amount)
        select (_now at time zone sms.statistics_zone())::date, t.channel_id, c.campaign_id, sum(c.cost)
          from closed as c
          join terms as t on t.lane_id = c.lane_id
         where c.submitted_at is not null and c.cost > 0
         group by t.channel_id, c.campaign_id
    ), doubted as (
        insert into sms.doubtful (id, since, provider_id, next_ask_at)
        select f.id, _now, f.provider_id, _now from fate as f where f.state = 'uncertain'
            on conflict (id) do update set since = excluded.since, provider_id = excluded.provider_id, ref = null, asks = 0,
                                           asked_at = null, next_ask_at = excluded.next_ask_at, absent_since = null
    ), back as (
        insert into sms.pending (id, msisdn, not_before, expires_at, dedup_key, ref_hash, client_id, campaign_id,
                                 template_version_id, lane_id, zone_id, priority, attempt)
        select f.id, f.msisdn,
               case when f.result = 'released' then f.claimed_at
                    else least(sms.retry_at(_now, f.retry_base, f.attempt, f.retry_after_s), f.expires_at) end,
               f.expires_at, f.dedup_key, f.ref_hash, f.client_id, f.campaign_id, f.template_version_id, f.lane_id,
               f.zone_id, f.priority, case when f.result = 'retry' then f.attempt else f.attempt - 1 end
          from fate as f
         where f.state = 'pending'
    ), taken_back as (
        delete from sms.contact_log as l
         using fate as f
         where f.state in ('pending', 'rejected', 'failed')
           and l.msisdn = f.msisdn and l.at = f.claimed_at and l.message_id = f.id
           and not exists (select from heard as h where h.message_id = f.id)
    ), referred as (
        insert into sms.provider_ref (id, provider_id, ref, part, parts)
        select f.id, f.provider_id, r.ref, row_number() over (partition by r.id order by r.n),
               count(*) over (partition by r.id)
          from unnest(p_ref_ids, p_refs) with ordinality as r (id, ref, n)
          join fate as f on f.id = r.id
    )
    select count(*), array_agg(f.id) filter (where f.state in ('accepted', 'uncertain')) into _settled, _handed from fate as f;
    if _handed is not null and exists (select from sms.submitting as s where s.claim_id = p_claim_id and s.keys is not null) then
        perform sms.name_messages(array[p_claim_id], _handed, _now);
    end if;
    if 'rejected' = any (p_results) then
        perform sms.note_troubles(p_ids, _now);
    end if;
    if 'released' = any (p_results) then
        perform sms.sweep_campaigns();
    end if;
    return _settled;
end
$$;
comment on function sms.settle is
    'Worker API. Close attempts of a claim; returns how many were still ours. The closing verb of every attempt.';
revoke execute on function sms.settle from public;
