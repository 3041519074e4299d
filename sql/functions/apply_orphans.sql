-- Apply receipts that waited for their message, which is an outcome by now. Returns how many; one whose message is not
-- there, or that somebody else applies this moment, stays as it is; one that another provider has is not moved, but counted.
create or replace function sms.apply_orphans(p_receipt_ids bigint[], p_now timestamptz)
    returns int
    language plpgsql volatile
as $$
declare
    _ids bigint[];
    _states text[];
    _errors text[];
    _parts smallint[];
    _providers smallint[];
    _provider_id smallint;
begin
    with found as materialized (
        select u.receipt_id, o.id, o.provider_id as carrier_id, case when r.parts > 1 then r.part end as part
          from unnest(p_receipt_ids) as g (receipt_id)
          cross join lateral (select x.* from sms.unmatched_receipt as x where x.receipt_id = g.receipt_id offset 0) as u
          left join lateral (
                   select x.id, x.part, x.parts from sms.provider_ref as x
                    where u.message_id is null and x.provider_id = u.provider_id and x.ref = u.provider_ref
                    order by x.id desc
                    limit 1
               ) as r on true
          cross join lateral (select x.id, x.provider_id from sms.outcome as x where x.id = coalesce(u.message_id, r.id) offset 0) as o
    ), gone as (
        delete from sms.unmatched_receipt as u using found as f where u.receipt_id = f.receipt_id
     returning f.id, f.carrier_id, f.part, u.message_id, u.receipt_id, u.provider_id, u.code, u.state, u.error
    ), kept as (
        insert into sms.receipt_match (message_id, receipt_id, provider_id, part, code, error)
        select g.id, g.receipt_id, g.provider_id, g.part, g.code, g.error from gone as g where g.message_id is null
            on conflict do nothing
    ), foreigners as (
        insert into sms.foreign_receipt (receipt_id, message_id, provider_id, carrier_id)
        select g.receipt_id, g.id, g.provider_id, g.carrier_id
          from gone as g
         where g.carrier_id is distinct from g.provider_id and not sms.counts_late(g.id, g.provider_id, g.state)
            on conflict do nothing
    )
    select array_agg(g.id), array_agg(g.state), array_agg(g.error), array_agg(g.part), array_agg(g.provider_id)
      into _ids, _states, _errors, _parts, _providers from gone as g;
    if _ids is null then
        return 0;
    end if;
    for _provider_id in select distinct p from unnest(_providers) as p loop
        perform sms.advance(_provider_id, array_agg(g.id), array_agg(g.state), array_agg(g.error), p_now)
           from unnest(_ids, _states, _errors, _parts, _providers) as g (id, state, error, part, provider_id)
          where g.part is null and g.provider_id = _provider_id;
        perform sms.fold_parts(_provider_id, array_agg(g.id), array_agg(g.part), array_agg(g.state), array_agg(g.error), p_now)
           from unnest(_ids, _states, _errors, _parts, _providers) as g (id, state, error, part, provider_id)
          where g.part is not null and g.provider_id = _provider_id;
    end loop;
    return cardinality(_ids);
end
$$;
comment on function sms.apply_orphans is 'Move messages to what receipts say that came before they were settled or their reference was known.';
revoke execute on function sms.apply_orphans from public;
