-- Create or change a campaign: null leaves a value as it is, columns named in p_clear go back to their default.
-- Returns created, changed or unchanged. With the caller's own rights; a run under way keeps what it was launched with.
create or replace function sms.save_campaign(
    p_campaign text, p_template text default null, p_audience text default null, p_channel text default null,
    p_start_at timestamptz default null, p_local_time time default null, p_cron text default null, p_cron_zone text default null,
    p_missed_runs text default null, p_per_hour int default null, p_ends_at timestamptz default null,
    p_budget numeric default null, p_holdout_percent numeric default null, p_needs_release boolean default null,
    p_clear text[] default '{}'
)
    returns text
    language plpgsql volatile
as $$
declare
    _old sms.campaign;
    _new sms.campaign;
    _odd text;
begin
    select n into _odd
      from unnest(p_clear) as n
     where n not in ('start_at', 'local_time', 'cron', 'cron_zone', 'missed_runs', 'per_hour', 'ends_at', 'budget',
                     'holdout_percent', 'needs_release')
     limit 1;
    if found then
        raise exception 'cannot clear "%"', _odd
            using errcode = 'SM046',
                  hint = 'Can be cleared: start_at, local_time, cron, cron_zone, missed_runs, per_hour, ends_at, budget, '
                         'holdout_percent, needs_release.';
    end if;
    select * into _old from sms.campaign as c where c.campaign = p_campaign for update;
    if not found then
        insert into sms.campaign (campaign, template, audience, channel, start_at, local_time, cron, cron_zone, missed_runs,
                                  per_hour, ends_at, budget, holdout_percent, needs_release)
        values (p_campaign, p_template, p_audience, coalesce(p_channel, 'planned'), p_start_at, p_local_time, p_cron,
                p_cron_zone, coalesce(p_missed_runs, 'skip'), p_per_hour, p_ends_at, p_budget,
                coalesce(p_holdout_percent, 0), coalesce(p_needs_release, false));
        return 'created';
    end if;
    _new := _old;
    _new.template := coalesce(p_template, _old.template);
    _new.audience := coalesce(p_audience, _old.audience);
    _new.channel := coalesce(p_channel, _old.channel);
    _new.start_at := coalesce(p_start_at, case when not 'start_at' = any (p_clear) then _old.start_at end);
    _new.local_time := coalesce(p_local_time, case when not 'local_time' = any (p_clear) then _old.local_time end);
    _new.cron := coalesce(p_cron, case when not 'cron' = any (p_clear) then _old.cron end);
    _new.cron_zone := coalesce(p_cron_zone, case when not p_clear && array['cron', 'cron_zone'] then _old.cron_zone end);
    _new.missed_runs := coalesce(p_missed_runs, case when 'missed_runs' = any (p_clear) then 'skip' else _old.missed_runs end);
    _new.per_hour := coalesce(p_per_hour, case when not 'per_hour' = any (p_clear) then _old.per_hour end);
    _new.ends_at := coalesce(p_ends_at, case when not 'ends_at' = any (p_clear) then _old.ends_at end);
    _new.budget := coalesce(p_budget, case when not 'budget' = any (p_clear) then _old.budget end);
    _new.holdout_percent := coalesce(p_holdout_percent,
                                     case when 'holdout_percent' = any (p_clear) then 0 else _old.holdout_percent end);
    _new.needs_release := coalesce(p_needs_release, not 'needs_release' = any (p_clear) and _old.needs_release);
    if _new is not distinct from _old then
        return 'unchanged';
    end if;
    update sms.campaign as c
       set template = _new.template, audience = _new.audience, channel = _new.channel, start_at = _new.start_at,
           local_time = _new.local_time, cron = _new.cron, cron_zone = _new.cron_zone, missed_runs = _new.missed_runs,
           per_hour = _new.per_hour, ends_at = _new.ends_at, budget = _new.budget,
           holdout_percent = _new.holdout_percent, needs_release = _new.needs_release
     where c.campaign_id = _old.campaign_id;
    return 'changed';
end
$$;
comment on function sms.save_campaign is 'Create or change a campaign; null leaves a value alone, p_clear names those to take away.';
revoke execute on function sms.save_campaign from public;
