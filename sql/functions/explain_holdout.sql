-- The campaign of a message, the share of it that is held out, and the person's draw; below the share means held out.
create or replace function sms.explain_holdout(p_fact sms.candidate, p_as_of timestamptz)
    returns jsonb
    language sql stable
as $$
    select jsonb_build_object(
               'told', case when k.campaign_id is null then 'it belongs to no known campaign'
                            when k.holdout_percent = 0 then 'campaign ' || k.campaign || ' holds nobody out'
                            else 'not one of the ' || k.holdout_percent || ' % of campaign ' || k.campaign end,
               'campaign', k.campaign,
               'holdout_percent', k.holdout_percent,
               'draw', case when k.holdout_percent > 0
                            then round(sms.holdout_draw(p_fact.campaign_id, p_fact.client_id, p_fact.msisdn), 3) end,
               'rule', sms.rule_version('campaign', k.campaign_id::text, p_as_of) - 'row')
      from (values (1)) as one
      left join sms.campaign as k on k.campaign_id = p_fact.campaign_id
$$;
comment on function sms.explain_holdout is 'Part of explain: the facts behind rule_holdout.';
revoke execute on function sms.explain_holdout from public;
