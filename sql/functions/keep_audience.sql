-- Every version of an audience is kept and logged; the table itself shows the newest.
create or replace function sms.keep_audience()
    returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    insert into sms.audience_version (audience_id, version_no, title, query, columns, planned_cost, removed_at, changed_at, changed_by)
    values (new.audience_id, new.version_no, new.title, new.query, new.columns, new.planned_cost, new.removed_at,
            new.changed_at, new.changed_by);
    perform sms.log_activity(case when tg_op = 'INSERT' then 'created' when new.removed_at is not null then 'removed' else 'changed' end,
                             'audience', new.audience,
                             jsonb_build_object('version', new.version_no, 'planned_cost', round(new.planned_cost)));
    return null;
end
$$;
comment on function sms.keep_audience is 'Trigger: every version of an audience goes to sms.audience_version and to the log.';
revoke execute on function sms.keep_audience from public;

create or replace trigger keep_audience
    after insert or update on sms.audience
    for each row execute function sms.keep_audience();
comment on trigger keep_audience on sms.audience is 'History and log.';
