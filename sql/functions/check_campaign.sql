-- Trigger on sms.campaign: names that do not exist are refused with the known ones (SM001, SM002, SM046), and
-- values that no clock, sum or program can use; who changed what
-- when is set here and written to sms.activity.
create or replace function sms.check_campaign()
    returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _ours text[] := array['created_at', 'created_by', 'changed_at', 'changed_by', 'released_at', 'released_by', 'released_digest',
                          'writers', 'authors'];
    _before jsonb := case when tg_op = 'UPDATE' then to_jsonb(old) - _ours else '{}' end;
    _after jsonb := to_jsonb(new) - _ours;
    _odd text;
begin
    if tg_op = 'UPDATE' and _before = _after then
        new.created_at := old.created_at;
        new.created_by := old.created_by;
        new.changed_at := old.changed_at;
        new.changed_by := old.changed_by;
        return new;
    end if;
    _odd := case when new.campaign is null then 'a campaign needs a name'
                 when new.budget = 'NaN' then 'a budget is a number'
                 when new.local_time = '24:00' then 'local_time is 00:00 to 23:59'
                 when new.start_at not between timestamptz '2000-01-01 00:00Z' and timestamptz '9999-01-01 00:00Z'
                      or new.ends_at not between timestamptz '2000-01-01 00:00Z' and timestamptz '9999-01-01 00:00Z'
                 then 'start_at and ends_at are moments from 2000 to 9998; without one there is no limit'
                 else 'cron: ' || sms.cron_problem(new.cron) end;
    if _odd is not null then
        raise exception '%', _odd using errcode = 'check_violation';
    end if;
    perform sms.refuse_unknown_names(array[new.channel], array_remove(array[split_part(new.template, '@', 1)], null));
    if new.template like '%@%' and not exists (
           select from sms.template as t
             join sms.template_version as v on v.template_id = t.template_id
            where t.template = split_part(new.template, '@', 1) and v.version_no::text = split_part(new.template, '@', 2)) then
        raise exception 'template "%" has no version %', split_part(new.template, '@', 1), split_part(new.template, '@', 2)
            using errcode = 'SM002', hint = 'Without @ the newest version is taken at each launch.';
    end if;
    if new.audience is not null
       and not exists (select from sms.audience as a where a.audience = new.audience and a.removed_at is null) then
        raise exception 'unknown audience "%"', new.audience
            using errcode = 'SM046',
                  hint = coalesce('Audiences: ' || (select string_agg(a.audience, ', ' order by a.audience) from sms.audience as a where a.removed_at is null)
                                      || '.', 'There are no audiences yet.');
    end if;
    if new.cron_zone is not null and not exists (select from pg_timezone_names as z where z.name = new.cron_zone) then
        raise exception 'unknown time zone "%"', new.cron_zone
            using errcode = 'SM046', hint = 'Write an IANA name, like Europe/Moscow.';
    end if;
    if tg_op = 'INSERT' then
        new.released_at := null;
        new.released_by := null;
        new.released_digest := null;
    end if;
    if tg_op = 'UPDATE' and (new.start_at, new.cron, new.cron_zone) is distinct from (old.start_at, old.cron, old.cron_zone) then
        update sms.campaign_run as r   -- the next moment is another one
           set begins_at = case when new.cron is null then coalesce(new.start_at, clock_timestamp()) end
         where r.campaign_id = new.campaign_id and (r.state = 'planned' or (r.state = 'paused' and r.begun_at is null));
        perform pg_notify('sms_campaign', '');
    end if;
    new.writers := array(select session_user::text union select unnest(case when tg_op = 'UPDATE' then old.writers end));
    new.authors := case when tg_op = 'UPDATE' then old.authors else '{}' end
                   || (select jsonb_object_agg(n.key, session_user)
                         from jsonb_each(_after) as n
                        where n.value is distinct from coalesce(_before -> n.key, 'null'));
    new.created_at := case when tg_op = 'INSERT' then clock_timestamp() else old.created_at end;
    new.created_by := case when tg_op = 'INSERT' then session_user else old.created_by end;
    new.changed_at := clock_timestamp();
    new.changed_by := session_user;
    perform sms.log_activity(case tg_op when 'INSERT' then 'created' else 'changed' end, 'campaign', new.campaign,
                             (select coalesce(jsonb_object_agg(n.key, n.value), '{}')
                                from jsonb_each(_after) as n
                               where n.value is distinct from coalesce(_before -> n.key, 'null')));
    return new;
end
$$;
comment on function sms.check_campaign is 'Trigger: refuses unknown names, sets who changed a campaign, writes it to sms.activity.';
revoke execute on function sms.check_campaign from public;

create or replace trigger check_campaign
    before insert or update on sms.campaign
    for each row execute function sms.check_campaign();
comment on trigger check_campaign on sms.campaign is 'Refuses unknown names; keeps who changed what.';
