-- This run, where the caller launched it himself and its people are not collected yet; else error SM043.
create or replace function sms.own_launch(p_run_id bigint)
    returns bigint
    language plpgsql stable
as $$
begin
    if not exists (select from sms.campaign_run as r
                    where r.run_id = p_run_id and r.created_by = session_user and r.frozen_at is null) then
        raise exception 'run % is no launch of yours that is still going on', coalesce(p_run_id::text, 'null')
            using errcode = 'SM043', hint = 'Stop a campaign with sms.stop_campaign.';
    end if;
    return p_run_id;
end
$$;
comment on function sms.own_launch is 'This run, where the caller launched it and its people are not collected yet; else error SM043.';
revoke execute on function sms.own_launch from public;
