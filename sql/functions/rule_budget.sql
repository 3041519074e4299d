-- Budgets: suppress what would be paid from a budget that is used up. The ledger is asked once a batch, and only where
-- there are budgets that stop; messages that other claims hold at this moment may still be spent beyond it.
create or replace function sms.rule_budget(p_batch sms.candidate[], p_as_of timestamptz)
    returns setof sms.finding
    language sql stable
as $$
    with spent as materialized (
        select s.budget, s.campaign_id, c.channel_id, s.spent, s.amount
          from sms.budget_status(p_as_of) as s
          left join sms.channel as c on c.channel = s.channel
         where s.stops and s.spent >= s.amount and exists (select from sms.budget as b where b.stops)
    )
    select distinct on (c.id) c.id, 65::smallint, 'suppress', 'budget',
           'budget "' || s.budget || '" is used up: ' || round(s.spent, 2) || ' of ' || s.amount, null::timestamptz
      from spent as s
      join unnest(p_batch) as c
        on (s.channel_id is null or s.channel_id = c.channel_id)
       and (s.campaign_id is null or s.campaign_id = c.campaign_id)
     order by c.id, s.budget
$$;
comment on function sms.rule_budget is 'Rule: suppress what a used-up budget would have to pay.';
revoke execute on function sms.rule_budget from public;
