-- Urgent messages of these lanes that wait out the pause of a provider that turned them away need not wait for another one:
-- they are due now, unless their request named a later moment; the claim judges them anew. Wakes whoever sleeps.
create or replace function sms.hurry_urgent(p_lanes smallint[], p_as_of timestamptz)
    returns void
    language plpgsql volatile set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
begin
    update sms.pending as p
       set not_before = p_as_of
     where p.ctid = any (array(
               select w.ctid
                 from unnest(p_lanes) as l (lane_id)
                 cross join lateral (select x.ctid, x.id
                                       from sms.pending as x
                                      where x.lane_id = l.lane_id and x.priority = 0
                                        and x.not_before > p_as_of and x.not_before <= p_as_of + interval '10 minutes'
                                      limit 1000
                                        for update skip locked) as w
                 cross join lateral (select coalesce(o.not_before, '-infinity') <= p_as_of as may_go
                                       from sms.outbox as o where o.id = w.id offset 0) as o
                where o.may_go));
    perform sms.wake(true, true);
end
$$;
comment on function sms.hurry_urgent is 'Urgent retries of these lanes are due now: another provider serves them.';
revoke execute on function sms.hurry_urgent from public;
