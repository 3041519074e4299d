-- Trigger on outcome: note the hours in which something changed, so that they are counted again. Appends a row an hour and
-- statement: most statements touch one. It commits with the change, so a kill between the two cannot be.
create or replace function sms.note_statistics()
    returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    insert into sms.stat_dirty (hour_no) select distinct ((c.id >> 22) / 3600000)::int from changed_rows as c;
    return null;
end
$$;
comment on function sms.note_statistics is 'Trigger on outcome: note which hours to count again.';
revoke execute on function sms.note_statistics from public;

create or replace trigger note_statistics_insert after insert on sms.outcome
    referencing new table as changed_rows for each statement execute function sms.note_statistics();
comment on trigger note_statistics_insert on sms.outcome is 'Notes which hours to count again.';
create or replace trigger note_statistics_update after update on sms.outcome
    referencing new table as changed_rows for each statement execute function sms.note_statistics();
comment on trigger note_statistics_update on sms.outcome is 'Notes which hours to count again.';
create or replace trigger note_statistics_delete after delete on sms.outcome
    referencing old table as changed_rows for each statement execute function sms.note_statistics();
comment on trigger note_statistics_delete on sms.outcome is 'Notes which hours to count again.';
