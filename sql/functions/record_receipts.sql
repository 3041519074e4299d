-- Store delivery reports as received and move their messages forward. Arrays are parallel; a report names our id
-- (p_message_ids) or the provider's own (p_refs), codes are mapped by sms.receipt_code. Commit before answering the provider.
-- The look-up by reference is gated, so that receipts which name our id pay nothing for it; outcome is probed again only for
-- what advance did not move (9.8 against 14.5 µs a receipt). stored = all; applied = messages moved; waiting = kept until their
-- message is known; unmapped = codes nobody mapped; strangers = about messages that this provider never had: they move nothing.
create or replace function sms.record_receipts(
    p_provider text, p_message_ids bigint[], p_refs text[], p_codes text[], p_errors text[],
    p_occurred_ats timestamptz[], p_raws text[]
)
    returns table (stored int, applied int, waiting int, unmapped int, strangers int)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp set enable_seqscan = off set plan_cache_mode = force_generic_plan set jit = off
as $$
#variable_conflict use_column
declare
    _now timestamptz := clock_timestamp();
    _provider_id smallint;
    _adapter text;
begin
    select p.provider_id, p.adapter into _provider_id, _adapter from sms.provider as p where p.provider = p_provider;
    if not found then
        raise exception 'unknown provider "%"', p_provider using errcode = 'SM006';
    end if;
    return query
    with report as materialized (
        select sms.next_id() as receipt_id, coalesce(g.message_id, r.id) as message_id, g.ref, g.code, g.error, g.occurred_at,
               g.raw, m.state, m.code is not null as is_mapped, r.part, r.parts
          from unnest(p_message_ids, p_refs, p_codes, p_errors, p_occurred_ats, p_raws)
                 as g (message_id, ref, code, error, occurred_at, raw)
          left join sms.receipt_code as m on m.adapter = _adapter and m.code = g.code
          left join lateral (
                   select y.id, y.part, y.parts
                     from (select x.id, x.part, x.parts from sms.provider_ref as x
                            where x.provider_id = _provider_id and x.ref = g.ref
                            order by x.id desc
                            limit 1) as y
                    where g.message_id is null
                   offset 0
               ) as r on true
    ), kept as (
        insert into sms.receipt (receipt_id, received_at, occurred_at, message_id, provider_id, code, error, state,
                                 provider_ref, raw)
        select p.receipt_id, _now, p.occurred_at, p.message_id, _provider_id, p.code, p.error, p.state, p.ref, p.raw
          from report as p
    ), moved as materialized (
        select unnest(m.ids) as id
          from (select sms.advance(_provider_id, array_agg(p.message_id), array_agg(p.state), array_agg(p.error), _now) as ids
                  from report as p
                 where p.state is not null and p.message_id is not null and coalesce(p.parts, 1) = 1) as m
    ), known as materialized (
        select p.*, o.id as outcome_id, o.provider_id as carrier_id
          from report as p
          left join moved as m on m.id = p.message_id
          left join lateral (select x.id, x.provider_id from sms.outcome as x where x.id = p.message_id offset 0) as o on true
         where p.state is not null and m.id is null
    ), foreigners as (
        insert into sms.foreign_receipt (receipt_id, message_id, provider_id, carrier_id)
        select k.receipt_id, k.message_id, _provider_id, k.carrier_id
          from known as k
         where k.outcome_id is not null and k.carrier_id is distinct from _provider_id
           and not sms.counts_late(k.message_id, _provider_id, k.state)
     returning message_id
    ), folded as (
        select sms.fold_parts(_provider_id, array_agg(k.message_id), array_agg(k.part), array_agg(k.state), array_agg(k.error), _now) as n
          from known as k
         where k.outcome_id is not null and k.parts > 1
    ), parked as (
        insert into sms.unmatched_receipt (receipt_id, received_at, message_id, provider_id, provider_ref, code, state, error)
        -- a segment waits by its reference: by our id it would speak for the whole message
        select k.receipt_id, _now, case when coalesce(k.parts, 1) = 1 then k.message_id end, _provider_id, k.ref, k.code, k.state, k.error
          from known as k
         where k.outcome_id is null and num_nonnulls(k.message_id, k.ref) > 0
     returning 1
    )
    select (select count(*) from report)::int, (select count(*) from moved)::int + coalesce((select f.n from folded as f), 0),
           (select count(*) from parked)::int, (select count(*) from report as p where not p.is_mapped)::int,
           (select count(*) from foreigners as f
             where not exists (select from sms.earlier_carrier as e where e.message_id = f.message_id and e.provider_id = _provider_id))::int;
end
$$;
comment on function sms.record_receipts is
    'Receipt API. Store reports as received, map their codes, move messages of this provider forward; early and unknown ones wait.';
revoke execute on function sms.record_receipts from public;
