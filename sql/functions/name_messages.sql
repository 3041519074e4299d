-- The names under which messages of these claims were handed over become references, so that a receipt or a look-up by name
-- finds them; receipts that were faster are applied. Called for providers that take names from us, after the move to outcome.
-- A reference the provider answered with is not doubled.
create or replace function sms.name_messages(p_claim_ids bigint[], p_ids bigint[], p_now timestamptz)
    returns void
    language plpgsql volatile set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
declare
    _early bigint[];
begin
    with named as materialized (
        select k.id, k.key, o.provider_id
          from sms.submitting as s
          cross join lateral unnest(s.ids, s.keys) as k (id, key)
          cross join lateral (select x.provider_id from sms.outcome as x where x.id = k.id offset 0) as o
         where s.claim_id = any (p_claim_ids) and s.keys is not null and k.key is not null and k.id = any (p_ids)
    ), referred as (
        insert into sms.provider_ref (id, provider_id, ref)
        select n.id, n.provider_id, n.key
          from named as n
          left join lateral (select true as is_known from sms.provider_ref as r
                              where r.provider_id = n.provider_id and r.ref = n.key and r.id = n.id
                              limit 1) as k on true
         where k.is_known is null
    ), doubted as (
        update sms.doubtful as d set ref = n.key from named as n where d.id = n.id
    )
    select array_agg(u.receipt_id) into _early
      from named as n
      cross join lateral (select x.receipt_id
                            from sms.unmatched_receipt as x
                           where x.provider_id = n.provider_id and x.provider_ref = n.key
                          offset 0) as u;
    if _early is not null then
        perform sms.apply_orphans(_early, p_now);
    end if;
end
$$;
comment on function sms.name_messages is 'Turn the names written with the mark into references, and apply receipts that came before.';
revoke execute on function sms.name_messages from public;
