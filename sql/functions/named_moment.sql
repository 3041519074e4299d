-- The moment that a caller names instead of now: only the owner of the schema may, for tests. Whoever says what the date is
-- passes quiet hours and drops months of history (SM090).
-- Strict, so that a call that names none costs nothing: coalesce(sms.named_moment(p_as_of), clock_timestamp()).
create or replace function sms.named_moment(p_as_of timestamptz)
    returns timestamptz
    language plpgsql stable strict
as $$
begin
    if not pg_has_role(sms.acting_role(),
                       (select n.nspowner from pg_catalog.pg_namespace as n where n.nspname = 'sms'), 'usage') then
        raise exception 'only the owner of the schema may say what the date is' using errcode = 'SM090',
            hint = 'Leave the moment out: it is now.';
    end if;
    return p_as_of;
end
$$;
comment on function sms.named_moment is 'The moment a caller names instead of now; SM090 unless it is the owner of the schema.';
revoke execute on function sms.named_moment from public;
