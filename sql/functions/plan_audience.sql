-- The planned cost of a SELECT, as PostgreSQL counts it. Proves on the way that it is one statement that reads: a cursor
-- opens for nothing else. Belongs to sms_audience like sms.run_audience; reads no row.
create or replace function sms.plan_audience(p_query text)
    returns double precision
    language plpgsql volatile security definer
    set search_path = pg_catalog, public, pg_temp set transaction_read_only = on set jit = off
as $$
-- To run the text of an audience is what this is for:
-- @plpgsql_check_options: security_warnings = off
declare
    _cursor refcursor;
    _plan json;
begin
    begin
        open _cursor for execute p_query;
        close _cursor;
        execute 'explain (format json) select from (' || p_query || E'\n) as a' into _plan;
    exception
        when insufficient_privilege then
            raise exception 'the SELECT reads what audiences may not: %', sqlerrm using errcode = 'SM031',
                hint = 'Audiences have the rights of sms_analyst.';
        when read_only_sql_transaction or invalid_cursor_definition or feature_not_supported or syntax_error then
            raise exception 'the audience must be one SELECT: %', sqlerrm using errcode = 'SM031',
                hint = 'Like: select client_id, phone from erp.client where city = ''Москва''.';
        when syntax_error_or_access_rule_violation or invalid_schema_name then
            raise exception 'the SELECT cannot be run: %', sqlerrm using errcode = 'SM031';
        when others then
            if sqlstate like 'SM%' then
                raise;
            end if;
            raise exception 'the SELECT cannot be run: % (%)', sqlerrm, sqlstate using errcode = 'SM031';
    end;
    return (_plan -> 0 -> 'Plan' ->> 'Total Cost')::double precision;
end
$$;
comment on function sms.plan_audience is 'Part of saving an audience: is it one reading statement, and what does the planner think it costs?';
revoke execute on function sms.plan_audience from public;
