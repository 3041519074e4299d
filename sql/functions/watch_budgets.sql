-- Chore: fold the ledger, and tell once a span when a budget reaches its warning share and when it is used up: a row of
-- sms.activity and NOTIFY sms_budget with the budget's name. A budget that was raised may be told of again. Returns how many
-- budgets it told of.
create or replace function sms.watch_budgets(p_as_of timestamptz default null)
    returns int
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _now timestamptz := coalesce(sms.named_moment(p_as_of), clock_timestamp());
    _told int := 0;
    _b record;
begin
    with folded as (
        delete from sms.spend as s returning s.day, s.channel_id, s.campaign_id, s.amount
    )
    insert into sms.spend_day as d (day, channel_id, campaign_id, amount)
    select f.day, f.channel_id, coalesce(f.campaign_id, 0), sum(f.amount)
      from folded as f
     group by 1, 2, 3
        on conflict (day, channel_id, campaign_id) do update set amount = d.amount + excluded.amount;
    update sms.budget as b
       set warned_for = case when s.share >= s.warn_at then b.warned_for end,
           stopped_for = case when s.spent >= s.amount then b.stopped_for end
      from sms.budget_status(_now) as s
     where s.budget_id = b.budget_id
       and (b.warned_for is not null and s.share < s.warn_at or b.stopped_for is not null and s.spent < s.amount);
    for _b in
        select s.*, s.spent >= s.amount as is_used_up
          from sms.budget_status(_now) as s
          join sms.budget as b using (budget_id)
         where s.share >= s.warn_at
           and (b.warned_for is distinct from lower(s.span)
                or (s.spent >= s.amount and b.stopped_for is distinct from lower(s.span)))
    loop
        update sms.budget as b
           set warned_for = lower(_b.span), stopped_for = case when _b.is_used_up then lower(_b.span) end
         where b.budget_id = _b.budget_id;
        perform sms.log_activity(case when _b.is_used_up then 'used up' else 'warned' end, 'budget', _b.budget,
                                 jsonb_build_object('spent', round(_b.spent, 2), 'of', _b.amount, 'stops', _b.stops));
        perform pg_notify('sms_budget', _b.budget);
        _told := _told + 1;
    end loop;
    return _told;
end
$$;
comment on function sms.watch_budgets is 'Chore. Fold the ledger of money; tell of budgets that warn or are used up.';
revoke execute on function sms.watch_budgets from public;
