-- Is this one statement, understood with the rights of sms_audience? Nothing is planned and nothing runs: a cursor on its
-- EXPLAIN is opened and never read, which PostgreSQL does only for a single statement, after looking up all it names.
create or replace function sms_audience.analyse_select(p_query text)
    returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, public, pg_temp set standard_conforming_strings = on set transaction_read_only = on
as $$
-- To look at the text of an analyst is what this is for:
-- @plpgsql_check_options: security_warnings = off
declare
    _cursor refcursor;
begin
    if current_user operator(pg_catalog.<>) 'sms_audience'::name then
        raise exception 'texts of analysts are read as sms_audience only' using errcode = 'SM031';
    end if;
    open _cursor for execute 'explain (costs off) ' || p_query;
    close _cursor;
end
$$;
comment on function sms_audience.analyse_select is 'Error where a text is not one statement that sms_audience understands. Plans nothing, runs nothing.';
revoke execute on function sms_audience.analyse_select from public;
