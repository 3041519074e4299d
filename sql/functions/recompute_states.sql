-- What the receipts of these messages say under the map as it is now, beside the state they are in: only those that differ.
-- A message whose state came from receipts goes to the highest state its receipts bring now, or back to accepted where they
-- bring none; any other is only moved forward, as a receipt would. Segments are folded as by fold_parts. Reports of providers
-- that do not have the message say nothing here either.
create or replace function sms.recompute_states(p_ids bigint[])
    returns table (id bigint, old_state text, new_state text, error text)
    language sql stable set enable_seqscan = off set enable_nestloop = off   -- else ids are compared one by one
as $$
    with report as materialized (
        select distinct on (u.id, u.receipt_id) u.id, u.receipt_id, u.provider_id, u.part, m.state, u.error
          from (select r.message_id as id, r.receipt_id, r.provider_id, x.part, r.code, r.error
                  from sms.receipt as r
                  left join lateral (
                           select y.part from sms.provider_ref as y
                            where y.provider_id = r.provider_id and y.ref = r.provider_ref and y.id = r.message_id and y.parts > 1
                            limit 1
                       ) as x on true
                 where r.message_id between (select min(i) from unnest(p_ids) as i) and (select max(i) from unnest(p_ids) as i)
                   and r.message_id in (select i from unnest(p_ids) as i)
                union all
                select g.message_id, g.receipt_id, g.provider_id, g.part, g.code, g.error
                  from sms.receipt_match as g
                 where g.message_id = any (p_ids)) as u
          join sms.provider as v using (provider_id)
          join sms.receipt_code as m on m.adapter = v.adapter and m.code = u.code and m.state is not null
         order by u.id, u.receipt_id, u.part
    ), part as (
        select distinct on (r.id, r.provider_id, r.part) r.id, r.provider_id, r.part, r.state, r.error
          from report as r
         where r.part is not null
         order by r.id, r.provider_id, r.part, sms.state_rank(r.state) desc, r.receipt_id
    ), parts as (
        select p.id, p.provider_id,
               (select max(y.parts) from sms.provider_ref as y where y.id = p.id and y.provider_id = p.provider_id and y.parts > 1) as parts,
               count(*) filter (where p.state = 'delivered') as delivered,
               min(p.state) filter (where p.state not in ('accepted', 'delivered')) as failed, min(p.error) as error
          from part as p
         group by p.id, p.provider_id
    ), said as (
        select r.id, r.provider_id, r.state, r.error, r.receipt_id from report as r where r.part is null
        union all
        select p.id, p.provider_id, case when p.delivered = p.parts then 'delivered' else p.failed end, p.error, 0
          from parts as p
         where p.delivered = p.parts or p.failed is not null
    ), best as (
        -- of equal rank the state the message has, else the first report: later ones would have changed nothing
        select distinct on (o.id) o.id, o.state as old_state, o.reason, o.attempts, s.state, s.error
          from sms.outcome as o
          left join said as s
            on s.id = o.id and (o.provider_id = s.provider_id or sms.counts_late(o.id, s.provider_id, s.state))
         where o.id = any (p_ids)
         order by o.id, sms.state_rank(s.state) desc nulls last, (s.state = o.state) desc, s.receipt_id
    ), verdict as (
        select b.id, b.old_state, b.error,
               case when b.reason is null and b.old_state in ('delivered', 'undelivered', 'expired', 'rejected')
                    then coalesce(b.state, 'accepted')
                    when b.attempts > 0 and sms.state_rank(b.state) > sms.state_rank(b.old_state)
                         and exists (select from sms.state_transition as t
                                      where t.from_state = b.old_state and t.to_state = b.state)
                    then b.state
                    else b.old_state end as new_state
          from best as b
    )
    select v.id, v.old_state, v.new_state, v.error from verdict as v where v.new_state <> v.old_state
$$;
comment on function sms.recompute_states is 'Messages whose receipts mean something else under the map as it is now.';
revoke execute on function sms.recompute_states from public;
