-- What the receipts of single segments mean under the map as it is now, kept with each segment, so that the next receipt of
-- another one is folded with it.
create or replace function sms.recompute_parts(p_ids bigint[])
    returns void
    language sql volatile set enable_seqscan = off
as $$
    update sms.provider_ref as r
       set state = b.state
      from (select y.id, y.provider_id, y.ref, y.part,
                   (select m.state
                      from (select x.code, x.receipt_id from sms.receipt as x
                             where x.message_id = y.id and x.provider_id = y.provider_id and x.provider_ref = y.ref
                            union
                            select x.code, x.receipt_id from sms.receipt_match as x
                             where x.message_id = y.id and x.provider_id = y.provider_id and x.part = y.part) as s
                      join sms.provider as v on v.provider_id = y.provider_id
                      join sms.receipt_code as m on m.adapter = v.adapter and m.code = s.code and m.state is not null
                     order by sms.state_rank(m.state) desc, s.receipt_id
                     limit 1) as state
              from sms.provider_ref as y
             where y.id = any (p_ids) and y.parts > 1) as b
     where r.id = b.id and r.parts > 1 and r.provider_id = b.provider_id and r.ref = b.ref and r.part = b.part
       and r.state is distinct from b.state
$$;
comment on function sms.recompute_parts is 'Keep with each segment what its receipts mean now.';
revoke execute on function sms.recompute_parts from public;
