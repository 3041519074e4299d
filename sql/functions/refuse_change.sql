-- The outbox is what was asked; history that can be edited is no history.
create or replace function sms.refuse_change()
    returns trigger
    language plpgsql
as $$
begin
    raise exception 'rows of %.% are never changed or deleted', tg_table_schema, tg_table_name
        using errcode = 'SM003', hint = 'To stop a message use sms.cancel(id); to ask for another, insert another row.';
end
$$;
comment on function sms.refuse_change is 'Trigger: this table is append-only.';
revoke execute on function sms.refuse_change from public;

create or replace trigger outbox_is_append_only
    before update or delete on sms.outbox
    for each statement execute function sms.refuse_change();
comment on trigger outbox_is_append_only on sms.outbox is 'What was asked is never edited.';
