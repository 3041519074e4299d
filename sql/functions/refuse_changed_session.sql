-- SM031 where the session is no longer as it was before a text of analysts was run; the error takes settings back.
create or replace function sms.refuse_changed_session(p_before text)
    returns void
    language plpgsql volatile
as $$
begin
    if sms.session_state() is distinct from p_before then
        raise exception 'the SELECT changed the settings of the session' using errcode = 'SM031', hint = 'It is to read and compute only.';
    end if;
end
$$;
comment on function sms.refuse_changed_session is 'Error SM031 where a text of analysts left something behind in the session.';
revoke execute on function sms.refuse_changed_session from public;
