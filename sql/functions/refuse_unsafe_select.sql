-- SM031 with a sentence where a SELECT of people is not safe to run; else its columns with types, and its planned cost.
-- Four steps, each before the next may happen: is the wall whole, does the text meet strangers, is it one statement and
-- made only of what is on the lists, what does PostgreSQL think it costs. For audiences and goals.
-- A backslash is a backslash here and in all that runs texts: else a session could make \d in our own patterns mean d.
create or replace function sms.refuse_unsafe_select(p_query text)
    returns table (columns text[], types regtype[], planned_cost double precision)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set standard_conforming_strings = on
as $$
declare
    _before text := sms.session_state();
    _parsed record;
begin
    perform sms.refuse_open_reader();
    perform sms.refuse_strangers(p_query);
    begin
        perform sms_audience.analyse_select(p_query);
        select p.* into _parsed from sms_audience.parse_select(p_query) as p;
        perform sms.refuse_unlisted(_parsed.relations, _parsed.functions, _parsed.kinds, _parsed.nodes, _parsed.other, _parsed.locks);
        perform sms.refuse_unlisted_words(p_query);   -- as when it is run: nothing is saved that will not run
        planned_cost := sms_audience.plan_select(p_query);
    exception
        when insufficient_privilege then
            raise exception 'the SELECT reads what audiences may not: %', sqlerrm using errcode = 'SM031',
                hint = 'Audiences read what is granted to sms_audience (and for its schema to sms_parser too).';
        when read_only_sql_transaction then
            if current_setting('transaction_read_only') = 'on' then
                raise exception 'saving needs a transaction that may write' using errcode = 'SM031', hint = 'Begin it with: begin read write.';
            end if;
            raise exception 'the audience must be one SELECT: %', sqlerrm using errcode = 'SM031';
        when invalid_cursor_definition or feature_not_supported or syntax_error or invalid_table_definition or duplicate_column then
            raise exception 'the audience must be one SELECT with named columns: %', sqlerrm using errcode = 'SM031',
                hint = 'Like: select client_id, phone from erp.client where city = ''Москва''.';
        when syntax_error_or_access_rule_violation or invalid_schema_name then
            raise exception 'the SELECT cannot be run: %', sqlerrm using errcode = 'SM031';
        when others then
            if sqlstate like 'SM%' then
                raise;
            end if;
            raise exception 'the SELECT cannot be run: % (%)', sqlerrm, sqlstate using errcode = 'SM031';
    end;
    perform sms.refuse_changed_session(_before);
    columns := _parsed.columns;
    types := _parsed.types;
    return next;
end
$$;
comment on function sms.refuse_unsafe_select is 'Error SM031 where a SELECT is not safe to run; else its columns and planned cost.';
revoke execute on function sms.refuse_unsafe_select from public;
