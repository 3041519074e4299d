-- Trigger on receipt_code: what people write there is theirs and survives migrations, which announce themselves by the
-- setting sms.seeding, as the owner alone may; each change of a meaning is a row of sms.activity. History follows by
-- sms.remap_receipts.
create or replace function sms.keep_code_change()
    returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if current_setting('sms.seeding', true) = 'on' and sms.is_owner(session_user) then
        if tg_op = 'UPDATE' and old.is_corrected then
            return null;
        end if;
        return new;
    end if;
    if tg_op = 'INSERT' then
        new.is_corrected := true;
        perform sms.log_activity('created', 'receipt_code', new.adapter || ' ' || new.code, jsonb_build_object('state', new.state));
    elsif new.state is distinct from old.state then
        new.is_corrected := new.is_corrected or not old.is_corrected;
        perform sms.log_activity('changed', 'receipt_code', new.adapter || ' ' || new.code,
                                 jsonb_build_object('old', old.state, 'new', new.state));
    end if;
    return new;
end
$$;
comment on function sms.keep_code_change is 'Trigger: corrected codes survive migrations, and each change is logged.';
revoke execute on function sms.keep_code_change from public;

create or replace trigger keep_code_change before insert or update on sms.receipt_code
    for each row execute function sms.keep_code_change();
comment on trigger keep_code_change on sms.receipt_code is 'Corrections survive migrations and are logged.';
