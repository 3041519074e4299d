-- Take ownership of the idempotency keys of these candidates where nobody owns them yet, or the owner is older than the
-- span for which keys protect (setting erp_ref_days).
-- Keys are inserted in order, so two claims cannot deadlock on them.
create or replace function sms.claim_refs(p_batch sms.candidate[])
    returns void
    language plpgsql volatile
as $$
begin
    insert into sms.erp_ref as r (ref_hash, id)
    select c.ref_hash, min(c.id)
      from unnest(p_batch) as c
     where c.ref_hash is not null
     group by c.ref_hash
     order by c.ref_hash
        on conflict (ref_hash) do update set id = excluded.id where r.id < sms.id_at(sms.id_time(excluded.id) - sms.erp_ref_span());
end
$$;
comment on function sms.claim_refs is 'Own the erp_ref keys of a batch where they are free.';
revoke execute on function sms.claim_refs from public;
