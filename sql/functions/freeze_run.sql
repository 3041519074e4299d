-- The second half of a launch: collect the recipients, pin the text's version, let the run begin. One transaction: a killed
-- one leaves a freezing run without recipients, and the next call does it all. Returns how many there are; null when
-- somebody else is at it, or the run waits for nothing. Pause and stop need not wait for it: their word is heeded at the end.
create or replace function sms.freeze_run(p_run_id bigint)
    returns bigint
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
    set work_mem = '8MB'   -- a dozen sorts and stores, each of which spills to disk beyond that
as $$
declare
    _now timestamptz := clock_timestamp();
    _run sms.campaign_run;
    _campaign sms.campaign;
    _stamp text;
    _version text;
    _read bigint;
    _recipients bigint;
begin
    if not pg_try_advisory_xact_lock(74032, p_run_id::int) then
        return null;
    end if;
    select * into _run from sms.campaign_run as r
     where r.run_id = p_run_id and r.state in ('freezing', 'paused') and r.begun_at is not null and r.frozen_at is null;
    if not found then
        return null;
    end if;
    _stamp := sms.campaign_stamp(_run.campaign_id);
    select * into _campaign from sms.campaign as c where c.campaign_id = _run.campaign_id;
    perform sms.refuse_launch(_campaign, _now);
    perform sms.refuse_unknown_names(array[_run.channel], array[split_part(_campaign.template, '@', 1)]);
    select v.version_no::text into _version
      from sms.template as t
      join sms.template_version as v on v.template_id = t.template_id
     where t.template = split_part(_campaign.template, '@', 1)
       and (_campaign.template not like '%@%' or v.version_no::text = split_part(_campaign.template, '@', 2))
     order by v.template_version_id desc
     limit 1;

    with person as materialized (
        select * from sms.campaign_people(_campaign.audience, _run.channel, _now)
    ), kept as (
        insert into sms.run_recipient (run_id, recipient_id, client_id, zone_id, phone, time_zone, vars)
        select p_run_id, p.n, p.client_id, p.zone_id, p.phone, p.time_zone, p.vars from person as p where not p.is_repeat
    ), zoned as (
        insert into sms.run_zone (run_id, zone_id, waiting, opens_at)
        select p_run_id, k.zone_id, k.people,
               case when _campaign.local_time is null or z.zone_id is null then _now
                    else sms.local_moment(z.members, _campaign.local_time, greatest(_run.begins_at, _now)) end
          from (select p.zone_id, count(*) as people from person as p where not p.is_repeat group by p.zone_id) as k
          left join sms.time_zone as z on z.zone_id = k.zone_id
    )
    select count(*), count(*) filter (where not p.is_repeat) into _read, _recipients from person as p;

    if sms.needs_release(_campaign, _run.channel) and _stamp is distinct from sms.campaign_stamp(_run.campaign_id) then
        raise exception 'campaign "%" was changed while its recipients were collected', _campaign.campaign
            using errcode = 'SM044', hint = 'Launch it again once it is released.';
    end if;
    select * into _run from sms.campaign_run as r where r.run_id = p_run_id for no key update;
    update sms.campaign_run as r
       set state = case when _run.state = 'freezing' then 'running' else _run.state end,
           template = split_part(_campaign.template, '@', 1) || '@' || _version,
           frozen_at = clock_timestamp(), recipients = _recipients, repeated = _read - _recipients,
           waiting = case when _run.state = 'stopped' then 0 else _recipients end,
           unsent = case when _run.state = 'stopped' then _recipients else 0 end,
           unsent_reason = case when _run.state = 'stopped' then 'campaign_stopped' end
     where r.run_id = p_run_id;
    if _run.state = 'stopped' then
        delete from sms.run_zone as z where z.run_id = p_run_id;
    end if;
    perform sms.log_activity('frozen', 'run', p_run_id::text,
                             jsonb_build_object('campaign', _campaign.campaign, 'recipients', _recipients,
                                                'repeated', _read - _recipients, 'version', _version));
    perform pg_notify('sms_campaign', '');
    return _recipients;
end
$$;
comment on function sms.freeze_run is 'Second half of a launch: collect the recipients, pin the text, begin. One transaction; safe to repeat.';
revoke execute on function sms.freeze_run from public;
