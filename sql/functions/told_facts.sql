-- Candidates as the acting role may have them judged: who may not read texts gets no verdict that compares their text or
-- erp_ref with those of other messages, for a verdict is an answer, and by asking often a code of four digits was read.
create or replace function sms.told_facts(p_batch sms.candidate[])
    returns sms.candidate[]
    language plpgsql stable
as $$
begin
    if p_batch is null or sms.may_read_texts() then
        return p_batch;
    end if;
    return array(select (c.id, c.msisdn, c.not_before, c.expires_at, null, null, c.client_id, c.campaign_id, c.template_version_id,
                         c.lane_id, c.channel_id, c.zone_id, c.priority, c.attempt, c.nth, 0, c.tid, c.nth_client)::sms.candidate
                   from unnest(p_batch) as c);
end
$$;
comment on function sms.told_facts is 'Candidates as the acting role may have them judged: without keys of texts for who may not read texts.';
revoke execute on function sms.told_facts from public;
