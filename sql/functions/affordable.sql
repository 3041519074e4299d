-- How many of the next p_count recipients of a zone the budget of the run's campaign still covers, by the tariffs of now;
-- all where there is no budget. What they will cost is reserved. Where it covers none, what really happened is counted:
-- messages that were never handed over give their share back. Without a tariff nobody can tell: the run pauses and says so.
create or replace function sms.affordable(
    p_run sms.campaign_run, p_zone_id smallint, p_fed_up_to bigint, p_count int, p_now timestamptz
)
    returns int
    language plpgsql volatile set enable_seqscan = off
as $$
declare
    _budget numeric := (select c.budget from sms.campaign as c where c.campaign_id = p_run.campaign_id);
    _reserved numeric;
    _count int;
    _cost numeric;
    _unpriced boolean;
begin
    if _budget is null then
        return p_count;
    end if;
    select r.reserved into _reserved from sms.campaign_run as r where r.run_id = p_run.run_id;
    for _round in 1..2 loop
        select count(*) filter (where k.total <= _budget - _reserved), max(k.total) filter (where k.total <= _budget - _reserved),
               bool_or(k.is_unpriced)
          into _count, _cost, _unpriced
          from (select sum(x.cost) over (order by x.recipient_id) as total, x.is_unpriced
                  from sms.price_recipients(p_run, p_zone_id, p_fed_up_to, p_count, p_now) as x) as k;
        exit when _count > 0 or _round = 2 or p_run.counted_at > p_now - interval '2 seconds';
        _reserved := sms.run_cost(p_run.run_id, p_now);
        update sms.campaign_run as r set reserved = _reserved, counted_at = p_now where r.run_id = p_run.run_id;
    end loop;
    if _unpriced then
        update sms.campaign_run as r
           set state = 'paused', problem = 'it has a budget, but no tariff says what a message of some of its lanes costs'
         where r.run_id = p_run.run_id;
        return 0;
    end if;
    update sms.campaign_run as r set reserved = _reserved + coalesce(_cost, 0) where r.run_id = p_run.run_id and _count > 0;
    return _count;
end
$$;
comment on function sms.affordable is 'How many of the next recipients the budget still covers; reserves their cost.';
revoke execute on function sms.affordable from public;
