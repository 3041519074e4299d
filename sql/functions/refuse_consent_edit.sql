-- Trigger on consent: a ledger. A row may be withdrawn, once; nothing else of it may change, and no row may go.
create or replace function sms.refuse_consent_edit()
    returns trigger
    language plpgsql
as $$
begin
    -- TRUNCATE, a trigger of the statement, knows no row.
    if tg_op = 'UPDATE' then
        if old.withdrawn_at is null and new.withdrawn_at is not null
           and (to_jsonb(new) - 'withdrawn_at' - 'withdrawn_by') = (to_jsonb(old) - 'withdrawn_at' - 'withdrawn_by') then
            return new;
        end if;
    end if;
    raise exception 'consents are a ledger: rows are added and withdrawn, never changed or deleted'
        using errcode = 'SM003', hint = 'Set withdrawn_at; for another consent insert another row.';
end
$$;
comment on function sms.refuse_consent_edit is 'Trigger: consents may only be withdrawn.';
revoke execute on function sms.refuse_consent_edit from public;

create or replace trigger refuse_consent_edit before update or delete on sms.consent
    for each row execute function sms.refuse_consent_edit();
comment on trigger refuse_consent_edit on sms.consent is 'A ledger is not edited.';

create or replace trigger refuse_consent_truncate before truncate on sms.consent
    for each statement execute function sms.refuse_consent_edit();
comment on trigger refuse_consent_truncate on sms.consent is 'A ledger is not emptied.';
