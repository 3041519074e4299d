-- Receipts that overtook their message, or named a reference not known then: apply those whose message is here now.
-- Each call looks at those of the last minutes and goes a step of a round through the older ones, so that its price does not
-- grow with the orphans that nobody will ever claim (100 thousand waiting: 5 ms a call and a round in 100 calls, where
-- looking at all of them took 490 ms; by our own id 1.3 against 181).
-- After a week the rest stops being looked for; every report stays in sms.receipt. Returns how many found their message.
create or replace function sms.match_receipts(p_limit int default 1000, p_as_of timestamptz default null)
    returns int
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
declare
    _now timestamptz := coalesce(sms.named_moment(p_as_of), clock_timestamp());
    _fresh constant bigint := sms.id_at(clock_timestamp() - interval '5 minutes');
    _step constant int := greatest(p_limit, 1);
    _from bigint;
    _last bigint;
    _old int;
    _found bigint[];
begin
    delete from sms.unmatched_receipt as u where u.receipt_id < sms.id_at(_now - interval '7 days');
    select r.receipt_id into _from from sms.orphan_round as r;
    with newest as materialized (
        select u.receipt_id, u.message_id, u.provider_id, u.provider_ref
          from sms.unmatched_receipt as u
         where u.receipt_id >= _fresh
         order by u.receipt_id desc
         limit 2 * _step
    ), older as materialized (
        select u.receipt_id, u.message_id, u.provider_id, u.provider_ref
          from sms.unmatched_receipt as u
         where u.receipt_id > _from and u.receipt_id < coalesce((select min(n.receipt_id) from newest as n), _fresh)
         order by u.receipt_id
         limit _step
    ), found as materialized (
        select u.receipt_id
          from (select * from newest union all select * from older) as u
          left join lateral (
                   select y.id
                     from (select x.id from sms.provider_ref as x
                            where x.provider_id = u.provider_id and x.ref = u.provider_ref
                            order by x.id desc
                            limit 1) as y
                    where u.message_id is null
                   offset 0
               ) as r on true
          cross join lateral (select x.id from sms.outcome as x where x.id = coalesce(u.message_id, r.id) offset 0) as o
         limit p_limit
    )
    select (select array_agg(f.receipt_id) from found as f), (select max(o.receipt_id) from older as o),
           (select count(*) from older)
      into _found, _last, _old;
    _last := case when _old < _step then 0 else _last end;
    if _last <> _from then
        update sms.orphan_round as r set receipt_id = _last;
    end if;
    return sms.apply_orphans(_found, _now);
end
$$;
comment on function sms.match_receipts is 'Chore. Apply receipts that came before their message was settled or its reference was known.';
revoke execute on function sms.match_receipts from public;
