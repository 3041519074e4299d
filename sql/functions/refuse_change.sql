-- The outbox is what was asked; history that can be edited is no history.
create or replace function sms.refuse_change()
    returns trigger
    language plpgsql
as $$
begin
    raise exception 'rows of %.% are never changed or deleted', tg_table_schema, tg_table_name
        using errcode = 'SM003',
              hint = case when tg_table_name = 'outbox'
                          then 'To stop a message use sms.cancel(id); to ask for another, insert another row.'
                          else 'It is history; to change something, insert a new version.' end;
end
$$;
comment on function sms.refuse_change is 'Trigger: this table is append-only.';
revoke execute on function sms.refuse_change from public;

create or replace trigger outbox_is_append_only
    before update or delete on sms.outbox
    for each statement execute function sms.refuse_change();
comment on trigger outbox_is_append_only on sms.outbox is 'What was asked is never edited.';

create or replace trigger audience_version_is_append_only
    before update or delete on sms.audience_version
    for each statement execute function sms.refuse_change();
comment on trigger audience_version_is_append_only on sms.audience_version is 'What an audience was is never edited.';

create or replace trigger template_version_is_append_only
    before update or delete on sms.template_version
    for each statement execute function sms.refuse_change();
comment on trigger template_version_is_append_only on sms.template_version is 'A message keeps the version it was made from.';
