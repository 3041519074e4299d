-- A stable number from 0 to 100 for a person in a campaign: by client where there is one, else by number.
create or replace function sms.holdout_draw(p_campaign_id bigint, p_client_id bigint, p_msisdn bigint)
    returns numeric
    language sql immutable parallel safe
as $$
    select (hashint8extended(coalesce(p_client_id, p_msisdn), p_campaign_id) & 1048575) * 100.0 / 1048576
$$;
comment on function sms.holdout_draw is 'Stable draw from 0 to 100 for a person in a campaign.';
revoke execute on function sms.holdout_draw from public;
