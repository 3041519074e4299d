-- Trigger on blacklist: whoever removes an automatic row starts the number's count anew.
create or replace function sms.forget_trouble()
    returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    delete from sms.number_trouble as t
     using old_rows as o
     where o.source = 'auto' and t.msisdn = o.msisdn;
    return null;
end
$$;
comment on function sms.forget_trouble is 'Trigger: removing an automatic blacklist row clears what led to it.';
revoke execute on function sms.forget_trouble from public;

create or replace trigger forget_trouble after delete on sms.blacklist
    referencing old table as old_rows
    for each statement execute function sms.forget_trouble();
comment on trigger forget_trouble on sms.blacklist is 'Removing an automatic row clears the number''s count.';
