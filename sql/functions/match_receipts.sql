-- Receipts that overtook their message, or named a reference not known then: apply those whose message is here now.
-- After a week the rest stops being looked for; every report stays in sms.receipt. Returns how many found their message.
create or replace function sms.match_receipts(p_limit int default 1000, p_as_of timestamptz default null)
    returns int
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
declare
    _now timestamptz := coalesce(p_as_of, clock_timestamp());
    _ids bigint[];
    _states text[];
    _errors text[];
    _parts smallint[];
begin
    with found as materialized (
        select u.receipt_id, o.id, u.state, u.error, case when r.parts > 1 then r.part end as part
          from sms.unmatched_receipt as u
          left join lateral (
                   select x.id, x.part, x.parts from sms.provider_ref as x
                    where u.message_id is null and x.provider_id = u.provider_id and x.ref = u.provider_ref
                    order by x.id desc
                    limit 1
               ) as r on true
          cross join lateral (select x.id from sms.outcome as x where x.id = coalesce(u.message_id, r.id) offset 0) as o
         limit p_limit
    ), gone as (
        delete from sms.unmatched_receipt as u using found as f where u.receipt_id = f.receipt_id
     returning f.id, f.state, f.error, f.part
    )
    select array_agg(g.id), array_agg(g.state), array_agg(g.error), array_agg(g.part)
      into _ids, _states, _errors, _parts from gone as g;
    delete from sms.unmatched_receipt as u where u.received_at < _now - interval '7 days';
    if _ids is null then
        return 0;
    end if;
    perform sms.advance(array_agg(g.id), array_agg(g.state), array_agg(g.error), _now)
       from unnest(_ids, _states, _errors, _parts) as g (id, state, error, part) where g.part is null;
    perform sms.fold_parts(array_agg(g.id), array_agg(g.part), array_agg(g.state), array_agg(g.error), _now)
       from unnest(_ids, _states, _errors, _parts) as g (id, state, error, part) where g.part is not null;
    return cardinality(_ids);
end
$$;
comment on function sms.match_receipts is 'Chore. Apply receipts that came before their message was settled or its reference was known.';
revoke execute on function sms.match_receipts from public;
