-- Messages that came back to the queue (a retry, a lease that ran out, a doubt resolved) after their campaign was paused or
-- stopped: hold them, or end them. Whoever brings back what may go at once calls this in the same transaction, lest it be
-- claimed before the chore looks; a retry has time. Looks only at campaigns that have something queued, by a loose scan of
-- their index.
create or replace function sms.sweep_campaigns()
    returns bigint
    language plpgsql volatile set enable_seqscan = off
as $$
declare
    _campaign_id bigint := 0;
    _run_id bigint;
    _state text;
    _swept bigint := 0;
begin
    loop
        select p.campaign_id into _campaign_id
          from sms.pending as p where p.campaign_id > _campaign_id order by p.campaign_id limit 1;
        exit when not found;
        select r.run_id into _run_id
          from sms.campaign_run as r
         where r.campaign_id = _campaign_id and r.begun_at is not null
         order by r.run_id desc
         limit 1;
        -- Locked: a resume that came between this look and the hold would find its messages held again.
        select r.state into _state from sms.campaign_run as r where r.run_id = _run_id for no key update skip locked;
        if _state = 'paused' then
            _swept := _swept + sms.hold_queued(_campaign_id);
        elsif _state = 'stopped' then
            _swept := _swept + sms.suppress_queued(_campaign_id, 'campaign_stopped', 'came back after its campaign was stopped');
        end if;
    end loop;
    return _swept;
end
$$;
comment on function sms.sweep_campaigns is 'Hold or end messages that came back to the queue of paused or stopped campaigns.';
revoke execute on function sms.sweep_campaigns from public;
