-- Remove recipients that ended runs left behind, at most p_limit rows; they are counted in the run as unsent.
create or replace function sms.sweep_recipients(p_limit int)
    returns bigint
    language plpgsql volatile set enable_seqscan = off
as $$
declare
    _run_id bigint;
    _gone bigint;
begin
    select r.run_id into _run_id
      from sms.campaign_run as r
     where not r.is_swept and r.state in ('finished', 'stopped', 'failed')
     order by r.run_id
     limit 1
       for no key update skip locked;
    if not found then
        return 0;
    end if;
    delete from sms.run_recipient as r
     where r.ctid = any (array(select x.ctid from sms.run_recipient as x where x.run_id = _run_id limit p_limit));
    get diagnostics _gone = row_count;
    update sms.campaign_run as r set is_swept = true where r.run_id = _run_id and _gone < p_limit;
    return _gone;
end
$$;
comment on function sms.sweep_recipients is 'Remove recipients that ended runs left behind.';
revoke execute on function sms.sweep_recipients from public;
