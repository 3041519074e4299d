-- Bring back what a pause put off, each message to its own moment; wakes workers. Returns how many.
-- Only rows that hold_queued moved: nothing else waits past its own expiry.
create or replace function sms.release_queued(p_campaign_id bigint)
    returns int
    language plpgsql volatile set enable_seqscan = off
as $$
declare
    _back int;
    _urgent boolean;
    _bulk boolean;
begin
    with back as (
        update sms.pending as p
           set not_before = p.not_before - sms.hold_span()
         where p.campaign_id = p_campaign_id and p.not_before >= timestamptz '3000-01-01 00:00Z'
           and p.not_before > p.expires_at
     returning p.priority
    )
    select count(*), bool_or(b.priority = 0), bool_or(b.priority > 0) into _back, _urgent, _bulk from back as b;
    perform sms.wake(coalesce(_urgent, false), coalesce(_bulk, false));
    return _back;
end
$$;
comment on function sms.release_queued is 'Bring back what a pause put off, each message to its own moment; how many.';
revoke execute on function sms.release_queued from public;
