-- A candidate on its way through a dry run: due at this moment, with nobody before it. Its erp_ref is dealt with apart.
create or replace function sms.dry_run_again(p_fact sms.candidate, p_moment timestamptz)
    returns sms.candidate
    language sql immutable
as $$
    select (p_fact.id, p_fact.msisdn, p_moment, p_fact.expires_at, p_fact.dedup_key, null, p_fact.client_id,
            p_fact.campaign_id, p_fact.template_version_id, p_fact.lane_id, p_fact.channel_id, p_fact.zone_id,
            p_fact.priority, p_fact.attempt, 0, 0, null, 0)::sms.candidate
$$;
comment on function sms.dry_run_again is 'Part of dry_run: a candidate, due at another moment.';
revoke execute on function sms.dry_run_again from public;
