-- End a run that has nothing left to do: all are queued and none waits or is in flight any more; or its ends_at has come;
-- or its budget is used up: then what is queued beyond it ends too. Returns 1 when it ended, else 0.
create or replace function sms.close_run(p_run_id bigint, p_now timestamptz)
    returns int
    language plpgsql volatile set enable_seqscan = off
as $$
declare
    _run sms.campaign_run;
    _budget numeric;
    _is_empty boolean;
    _reason text;
begin
    select * into _run from sms.campaign_run as r where r.run_id = p_run_id;
    if _run.state <> 'running' then
        return 0;
    end if;
    select c.budget into _budget from sms.campaign as c where c.campaign_id = _run.campaign_id;
    if _run.reserved > _budget then   -- it was lowered; null and a costly second condition would be asked all the same
        if sms.run_cost(p_run_id, p_now) > _budget then
            perform sms.suppress_queued(_run.campaign_id, 'budget', 'the budget of its campaign is ' || _budget);
        end if;
        update sms.campaign_run as r set reserved = sms.run_cost(p_run_id, p_now), counted_at = p_now where r.run_id = p_run_id;
    end if;
    if _run.ends_at <= p_now then
        perform sms.suppress_queued(_run.campaign_id, 'expired', 'its campaign ended at ' || _run.ends_at);
    elsif _run.waiting > 0 and (_budget is null or _run.counted_at is null) then
        return 0;
    end if;
    _is_empty := not exists (select from sms.pending as p
                               join sms.run_message as m on m.run_id = p_run_id and m.message_id = p.id
                              where p.campaign_id = _run.campaign_id)
             and not exists (select from sms.inflight as f
                               join sms.run_message as m on m.run_id = p_run_id and m.message_id = f.id
                              where f.campaign_id = _run.campaign_id);
    _reason := case when _run.waiting = 0 or not _is_empty then null
                    when _run.ends_at <= p_now then 'expired'
                    when sms.is_spent(p_run_id, p_now) then 'budget' end;
    if not _is_empty or (_run.waiting > 0 and _reason is null) then
        return 0;
    end if;
    perform sms.end_run(p_run_id, case when _reason = 'budget' then 'stopped' else 'finished' end, _reason,
                        case _reason when 'budget' then 'its budget is used up' when 'expired' then 'its ends_at came first' end);
    perform sms.log_activity(case when _reason = 'budget' then 'stopped' else 'finished' end, 'run', p_run_id::text,
                             jsonb_build_object('unsent', _run.waiting, 'reason', _reason));
    return 1;
end
$$;
comment on function sms.close_run is 'End a run that has nothing left to do, or whose time or budget is over; 1 when it ended.';
revoke execute on function sms.close_run from public;
