-- After sms.receipt_code was corrected: look through stored receipts whose code means something else now, oldest first, and
-- move their messages to what all their receipts say together, also back. Each move is a row of sms.receipt_remap, each call
-- that moved something a row of sms.activity. Without p_apply nothing is written: it tells what would happen.
-- One call is one bounded batch: at most p_limit receipts and an hour of them. Go on with p_after => last_receipt_id until
-- that is null. changes: {"undelivered → delivered": 12}. Receipts that still wait for their message are mapped anew as well.
create or replace function sms.remap_receipts(
    p_since timestamptz, p_apply boolean default false, p_adapter text default null, p_until timestamptz default null,
    p_after bigint default null, p_limit int default 5000
)
    returns table (receipts int, messages int, changes jsonb, last_receipt_id bigint)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    _now timestamptz := clock_timestamp();
    _from bigint := greatest(sms.id_at(p_since) - 1, p_after);
    _end bigint := sms.id_at(coalesce(p_until, _now));
    _to bigint := least(_from + (3600000::bigint << 22), _end);
    _receipts bigint[];
    _tids tid[];
    _states text[];
    _ids bigint[];
    _moved bigint[];
    _new text[];
    _errors text[];
begin
    if p_adapter is not null and not exists (select from sms.receipt_code as m where m.adapter = p_adapter) then
        raise exception 'unknown adapter "%"', p_adapter
            using errcode = 'SM055',
                  hint = 'Adapters with codes: ' || (select string_agg(distinct m.adapter, ', ') from sms.receipt_code as m) || '.';
    end if;
    select array_agg(r.receipt_id), array_agg(r.tid), array_agg(r.state), array_agg(distinct r.id) filter (where r.id is not null)
      into _receipts, _tids, _states, _ids
      from (select x.receipt_id, x.ctid as tid, m.state, coalesce(x.message_id, g.message_id) as id
              from sms.receipt as x
              join sms.provider as v on v.provider_id = x.provider_id and (p_adapter is null or v.adapter = p_adapter)
              left join sms.receipt_code as m on m.adapter = v.adapter and m.code = x.code
              left join lateral (select y.message_id from sms.receipt_match as y
                                  where x.message_id is null and y.receipt_id = x.receipt_id limit 1) as g on true
             where x.receipt_id > _from and x.receipt_id <= _to and m.state is distinct from x.state
             order by x.receipt_id
             limit p_limit) as r;
    receipts := coalesce(cardinality(_receipts), 0);
    last_receipt_id := case when receipts = p_limit then (select max(i) from unnest(_receipts) as i) when _to < _end then _to end;

    perform from sms.outcome as o where p_apply and o.id = any (_ids) order by o.id for update;
    select array_agg(c.id order by c.id), array_agg(c.new_state order by c.id), array_agg(c.error order by c.id)
      into _moved, _new, _errors from sms.recompute_states(_ids) as c;
    messages := coalesce(cardinality(_moved), 0);
    select jsonb_object_agg(c.move, c.n) into changes
      from (select o.state || ' → ' || g.state as move, count(*) as n
              from unnest(_moved, _new) as g (id, state)
              join sms.outcome as o on o.id = g.id
             group by 1) as c;
    if p_apply then
        perform sms.move_remapped(_moved, _new, _errors, _now);
        perform sms.recompute_parts(_ids);
        delete from sms.unmatched_receipt as u where u.receipt_id = any (_receipts);
        insert into sms.unmatched_receipt (receipt_id, received_at, message_id, provider_id, provider_ref, code, state, error)
        select r.receipt_id, r.received_at, r.message_id, r.provider_id, r.provider_ref, r.code, g.state, r.error
          from unnest(_receipts, _tids, _states) as g (receipt_id, tid, state)
          join sms.receipt as r on r.ctid = g.tid and r.receipt_id = g.receipt_id
         where g.state is not null and num_nonnulls(r.message_id, r.provider_ref) > 0
           and not exists (select from sms.outcome as o where o.id = r.message_id)
           and not exists (select from sms.receipt_match as m where m.receipt_id = r.receipt_id);
        update sms.receipt as r
           set state = g.state
          from unnest(_receipts, _tids, _states) as g (receipt_id, tid, state)
         where r.ctid = g.tid and r.receipt_id = g.receipt_id;
        if messages > 0 then
            perform sms.log_activity('remapped', 'receipt', coalesce(p_adapter, 'all'),
                                     jsonb_build_object('messages', messages, 'receipts', receipts, 'changes', changes));
        end if;
    end if;
    return next;
end
$$;
comment on function sms.remap_receipts is
    'Recompute history after sms.receipt_code was corrected, a bounded batch a call; p_apply => false only tells.';
revoke execute on function sms.remap_receipts from public;
