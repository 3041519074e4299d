-- Candidates whose erp_ref another message owns, or an earlier one among them would own: the claim takes the key for the
-- first that is due, of equals for the smallest id. Who may not read texts is told only of the latter. Compared by hash; two references share one in 10^19.
create or replace function sms.dry_run_refs(p_batch sms.candidate[], p_as_of timestamptz)
    returns setof bigint
    language sql stable
as $$
    select c.id
      from (select x.id, x.ref_hash,
                   row_number() over (partition by x.ref_hash order by greatest(x.not_before, p_as_of), x.id) as n
              from unnest(p_batch) as x
             where x.ref_hash is not null) as c
      left join sms.erp_ref as r on (select sms.may_read_texts()) and r.ref_hash = c.ref_hash and r.id >= sms.id_at(p_as_of - sms.erp_ref_span())
     where case when r.id is null then c.n > 1 else r.id <> c.id end
$$;
comment on function sms.dry_run_refs is 'Part of dry_run: candidates that would end as duplicate_ref.';
revoke execute on function sms.dry_run_refs from public;
