-- Apply receipts that waited for their message, which is an outcome by now. Returns how many; one whose message is not
-- there, or that somebody else applies this moment, stays as it is.
create or replace function sms.apply_orphans(p_receipt_ids bigint[], p_now timestamptz)
    returns int
    language plpgsql volatile
as $$
declare
    _ids bigint[];
    _states text[];
    _errors text[];
    _parts smallint[];
begin
    with found as materialized (
        select u.receipt_id, o.id, case when r.parts > 1 then r.part end as part
          from unnest(p_receipt_ids) as g (receipt_id)
          cross join lateral (select x.* from sms.unmatched_receipt as x where x.receipt_id = g.receipt_id offset 0) as u
          left join lateral (
                   select x.id, x.part, x.parts from sms.provider_ref as x
                    where u.message_id is null and x.provider_id = u.provider_id and x.ref = u.provider_ref
                    order by x.id desc
                    limit 1
               ) as r on true
          cross join lateral (select x.id from sms.outcome as x where x.id = coalesce(u.message_id, r.id) offset 0) as o
    ), gone as (
        delete from sms.unmatched_receipt as u using found as f where u.receipt_id = f.receipt_id
     returning f.id, f.part, u.message_id, u.receipt_id, u.provider_id, u.code, u.state, u.error
    ), kept as (
        insert into sms.receipt_match (message_id, receipt_id, provider_id, part, code, error)
        select g.id, g.receipt_id, g.provider_id, g.part, g.code, g.error from gone as g where g.message_id is null
            on conflict do nothing
    )
    select array_agg(g.id), array_agg(g.state), array_agg(g.error), array_agg(g.part)
      into _ids, _states, _errors, _parts from gone as g;
    if _ids is null then
        return 0;
    end if;
    perform sms.advance(array_agg(g.id), array_agg(g.state), array_agg(g.error), p_now)
       from unnest(_ids, _states, _errors, _parts) as g (id, state, error, part) where g.part is null;
    perform sms.fold_parts(array_agg(g.id), array_agg(g.part), array_agg(g.state), array_agg(g.error), p_now)
       from unnest(_ids, _states, _errors, _parts) as g (id, state, error, part) where g.part is not null;
    return cardinality(_ids);
end
$$;
comment on function sms.apply_orphans is 'Move messages to what receipts say that came before they were settled or their reference was known.';
revoke execute on function sms.apply_orphans from public;
