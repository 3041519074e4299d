-- Raise SM045 where somebody may not waive the release that a campaign needs: its authors, and who changes more with it.
create or replace function sms.refuse_waiver(p_old sms.campaign, p_new sms.campaign)
    returns void
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if session_user = any (sms.campaign_authors(p_old)) then
        raise exception 'campaign "%", its text or its audience was written by you: somebody else must waive its release', p_old.campaign
            using errcode = 'SM045';
    end if;
    if to_jsonb(p_old) - array['needs_release', 'changed_at', 'changed_by']
       is distinct from to_jsonb(p_new) - array['needs_release', 'changed_at', 'changed_by'] then
        raise exception 'the release of campaign "%" is waived alone: change nothing else with it', p_old.campaign using errcode = 'SM045';
    end if;
end
$$;
comment on function sms.refuse_waiver is 'Error SM045 where somebody may not waive the release that a campaign needs.';
revoke execute on function sms.refuse_waiver from public;
