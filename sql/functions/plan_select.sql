-- The planned cost of a SELECT, as PostgreSQL counts it with the rights of sms_audience; reads no row. Planning already
-- computes what is constant, so this comes after sms.refuse_unsafe_select has seen every function it calls.
create or replace function sms_audience.plan_select(p_query text)
    returns double precision
    language plpgsql volatile security definer
    set search_path = pg_catalog, public, pg_temp set standard_conforming_strings = on set transaction_read_only = on set jit = off
as $$
-- To run the text of an analyst is what this is for:
-- @plpgsql_check_options: security_warnings = off
declare
    _cursor refcursor;
    _plan json;
begin
    if current_user operator(pg_catalog.<>) 'sms_audience'::name then
        raise exception 'texts of analysts are read as sms_audience only' using errcode = 'SM031';
    end if;
    open _cursor for execute p_query;   -- only what reads opens as a cursor
    close _cursor;
    execute 'explain (format json) select from (' || p_query || E'\n) as a' into _plan;
    return (_plan -> 0 -> 'Plan' ->> 'Total Cost')::double precision;
end
$$;
comment on function sms_audience.plan_select is 'The planned cost of a checked SELECT, with the rights of sms_audience.';
revoke execute on function sms_audience.plan_select from public;
