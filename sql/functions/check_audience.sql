-- An audience is written: check its SELECT, note its columns and cost, keep the version, log who did it.
-- Holds for a plain INSERT or UPDATE as for sms.save_audience; what stays the same makes no version.
create or replace function sms.check_audience()
    returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp set standard_conforming_strings = on
as $$
begin
    new.query := regexp_replace(new.query, '[;\s]+$', '');
    if tg_op = 'UPDATE' then
        if (new.audience_id, new.audience) is distinct from (old.audience_id, old.audience) then
            raise exception 'an audience keeps its name' using errcode = 'SM035', hint = 'Save it under the new name and remove this one.';
        end if;
        new.version_no := old.version_no + 1;
        new.created_at := old.created_at;
        new.created_by := old.created_by;
    else
        new.version_no := 1;
        new.created_at := clock_timestamp();
        new.created_by := session_user;
    end if;
    new.changed_at := clock_timestamp();
    new.changed_by := session_user;
    if new.removed_at is null then
        select f.columns, f.planned_cost into new.columns, new.planned_cost from sms.refuse_unfit_audience(new.query) as f;
    end if;
    return new;
end
$$;
comment on function sms.check_audience is 'Trigger: the SELECT of an audience is checked whenever it is written.';
revoke execute on function sms.check_audience from public;

create or replace trigger check_audience
    before insert or update on sms.audience
    for each row execute function sms.check_audience();
comment on trigger check_audience on sms.audience is 'Nothing is saved that is not one harmless SELECT.';
