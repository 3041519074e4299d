-- Holdout: suppress the share of a campaign's audience that deliberately gets nothing. Drawn by a stable hash of campaign
-- and person, so that the same people stay out however often it is asked.
create or replace function sms.rule_holdout(p_batch sms.candidate[], p_as_of timestamptz)
    returns setof sms.finding
    language sql stable
as $$
    select c.id, 70::smallint, 'suppress', 'holdout',
           'one of the ' || k.holdout_percent || ' % of campaign ' || k.campaign || ' that are held out', null::timestamptz
      from unnest(p_batch) as c
      join sms.campaign as k on k.campaign_id = c.campaign_id and k.holdout_percent > 0
     where sms.holdout_draw(c.campaign_id, c.client_id, c.msisdn) < k.holdout_percent
$$;
comment on function sms.rule_holdout is 'Rule: suppress the campaign''s control group.';
revoke execute on function sms.rule_holdout from public;
