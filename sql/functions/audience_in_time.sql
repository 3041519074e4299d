-- Is it not yet this moment? SM034 when it is, so that a long SELECT ends. Volatile: it is asked for every row.
create or replace function sms.audience_in_time(p_until timestamptz)
    returns boolean
    language plpgsql volatile
as $$
begin
    if clock_timestamp() > p_until then
        raise exception 'the audience takes too long' using errcode = 'SM034';
    end if;
    return true;
end
$$;
comment on function sms.audience_in_time is 'Part of run_audience: SM034 once the time is over.';
revoke execute on function sms.audience_in_time from public;
