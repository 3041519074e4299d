-- The budgets that a message of this channel and campaign is paid from, and what is spent of each by now.
create or replace function sms.explain_budget(p_candidate sms.candidate, p_as_of timestamptz)
    returns jsonb
    language sql stable
as $$
    select jsonb_build_object(
               'told', coalesce(string_agg('budget "' || s.budget || '": ' || round(s.spent, 2) || ' of ' || s.amount
                                           || case when s.stops then '' else ', only warns' end, '; ' order by s.budget),
                                'no budget pays for it'),
               'budgets', jsonb_agg(jsonb_build_object('budget', s.budget, 'spent', round(s.spent, 2), 'of', s.amount,
                                                       'span', s.span, 'stops', s.stops) order by s.budget))
      from sms.budget_status(p_as_of) as s
      left join sms.channel as c on c.channel = s.channel
     where (c.channel_id is null or c.channel_id = p_candidate.channel_id)
       and (s.campaign_id is null or s.campaign_id = p_candidate.campaign_id)
$$;
comment on function sms.explain_budget is 'Part of explain: the budgets a message is paid from.';
revoke execute on function sms.explain_budget from public;
