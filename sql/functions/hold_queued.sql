-- Put off what is queued of a campaign until it is resumed; returns how many messages. Waits for claims that have them
-- in hand, so that what such a claim defers is held too.
create or replace function sms.hold_queued(p_campaign_id bigint)
    returns int
    language plpgsql volatile set enable_seqscan = off
as $$
declare
    _held int;
begin
    update sms.pending as p
       set not_before = p.not_before + sms.hold_span()
     where p.campaign_id = p_campaign_id and p.not_before < timestamptz '3000-01-01 00:00Z';
    get diagnostics _held = row_count;
    return _held;
end
$$;
comment on function sms.hold_queued is 'Put off what is queued of a campaign until it is resumed; how many.';
revoke execute on function sms.hold_queued from public;
