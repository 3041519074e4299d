-- Idempotency: suppress when another message, inserted less than the protected span before, owns this erp_ref. The claim takes ownership first, so exactly one owns it.
-- Keyed by a 64-bit hash; texts are compared only when a hash has another owner.
create or replace function sms.rule_duplicate_ref(p_batch sms.candidate[], p_as_of timestamptz)
    returns setof sms.finding
    language sql stable
as $$
    select c.id, 40::smallint, 'suppress', 'duplicate_ref', 'message ' || o.id || ' has the same erp_ref', null::timestamptz
      from unnest(p_batch) as c
      cross join lateral (
               select r.id
                 from sms.erp_ref as r
                where c.ref_hash is not null and r.ref_hash = c.ref_hash and r.id <> c.id
                  and r.id >= sms.id_at(sms.id_time(c.id) - (select sms.erp_ref_span()))
                  and (select a.erp_ref from sms.outbox as a where a.id = r.id)
                      is not distinct from (select b.erp_ref from sms.outbox as b where b.id = c.id)
               offset 0
           ) as o
$$;
comment on function sms.rule_duplicate_ref is 'Rule: suppress when another message owns the same erp_ref.';
revoke execute on function sms.rule_duplicate_ref from public;
