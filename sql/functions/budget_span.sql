-- The days over which a budget counts at a moment: its month, this month, or for a campaign's without a month all its life.
create or replace function sms.budget_span(p_budget sms.budget, p_as_of timestamptz)
    returns daterange
    language sql stable
as $$
    select case when p_budget.month is not null then daterange(p_budget.month, (p_budget.month + interval '1 month')::date)
                when p_budget.campaign_id is not null then daterange('-infinity', 'infinity')
                else daterange(t.month, (t.month + interval '1 month')::date) end
      from (select date_trunc('month', p_as_of at time zone sms.statistics_zone())::date as month) as t
$$;
comment on function sms.budget_span is 'The days over which a budget counts.';
revoke execute on function sms.budget_span from public;
