-- Trigger on consent: who withdraws one may say in words how it came about; the login stands before them. Only the owner
-- writes it bare: our functions do, for replies.
create or replace function sms.stamp_withdrawal()
    returns trigger
    language plpgsql
as $$
begin
    if not sms.is_owner(current_user) then
        new.withdrawn_by := session_user || coalesce(': ' || nullif(nullif(new.withdrawn_by, ''), session_user), '');
    end if;
    return new;
end
$$;
comment on function sms.stamp_withdrawal is 'Trigger: the login that withdraws a consent stands before what it says.';
revoke execute on function sms.stamp_withdrawal from public;

create or replace trigger a_stamp_withdrawal before insert on sms.consent
    for each row when (new.withdrawn_at is not null or new.withdrawn_by is not null) execute function sms.stamp_withdrawal();
comment on trigger a_stamp_withdrawal on sms.consent is 'Nobody withdraws in another''s name.';
create or replace trigger a_stamp_withdrawal_later before update on sms.consent
    for each row when (old.withdrawn_at is null) execute function sms.stamp_withdrawal();
comment on trigger a_stamp_withdrawal_later on sms.consent is 'Nobody withdraws in another''s name.';
