-- Receipts of single segments: note each, then move the message to what they say together. Delivered when every segment
-- is; failed as soon as one failed for good; otherwise nothing yet. Arrays are parallel. Returns how many messages moved.
-- The message's row is locked first, so that the receipts of two segments cannot miss each other. Segments of one provider:
-- a message that went on to another was cut anew there.
create or replace function sms.fold_parts(
    p_provider_id smallint, p_ids bigint[], p_parts smallint[], p_states text[], p_errors text[], p_now timestamptz
)
    returns int
    language plpgsql volatile
as $$
declare
    _ids bigint[];
    _states text[];
    _errors text[];
begin
    if p_ids is null then
        return 0;
    end if;
    perform from sms.outcome as o where o.id = any (p_ids) order by o.id for update;

    update sms.provider_ref as r
       set state = b.state
      from (select distinct on (g.id, g.part) g.id, g.part, g.state
              from unnest(p_ids, p_parts, p_states) as g (id, part, state)
             order by g.id, g.part, sms.state_rank(g.state) desc) as b
     where r.id = b.id and r.provider_id = p_provider_id and r.parts > 1 and r.part = b.part
       and coalesce(sms.state_rank(r.state), 0) < sms.state_rank(b.state);

    select array_agg(m.id), array_agg(m.state), array_agg((select min(g.error) from unnest(p_ids, p_errors) as g (id, error)
                                                            where g.id = m.id))
      into _ids, _states, _errors
      from (select r.id,
                   case when bool_and(coalesce(r.state = 'delivered', false)) then 'delivered'
                        else min(r.state) filter (where r.state not in ('accepted', 'delivered')) end as state
              from sms.provider_ref as r
             where r.id = any (p_ids) and r.provider_id = p_provider_id and r.parts > 1
             group by r.id) as m
     where m.state is not null;
    return cardinality(sms.advance(p_provider_id, _ids, _states, _errors, p_now));
end
$$;
comment on function sms.fold_parts is 'Receipts of single segments: a long message is delivered when all its segments are, failed when one is.';
revoke execute on function sms.fold_parts from public;
