-- What a SELECT yields and touches, as PostgreSQL's own parser understands it: columns with types, relations, functions,
-- types of all its values, and whether it locks rows. A temporary view is made of it and taken back; views take one SELECT that writes nothing.
-- Belongs to sms_audience like sms.run_audience, and looks names up as that does. Only for what plan_audience let pass.
create or replace function sms.parse_audience(p_query text)
    returns table (columns text[], types regtype[], relations oid[], functions oid[], kinds oid[], locks boolean)
    language plpgsql volatile security definer
    set search_path = pg_catalog, public, pg_temp
as $$
-- To run the text of an audience is what this is for:
-- @plpgsql_check_options: security_warnings = off
declare
    _view text := 'audience_' || md5(p_query || clock_timestamp());
    _tree text;
begin
    begin
        execute format('create temp view %I as %s', _view, p_query);
        select coalesce(array_agg(a.attname::text order by a.attnum), '{}'),
               coalesce(array_agg(a.atttypid::regtype order by a.attnum), '{}')
          into columns, types
          from pg_attribute as a
         where a.attrelid = ('pg_temp.' || quote_ident(_view))::regclass and a.attnum > 0;
        select r.ev_action::text into _tree
          from pg_rewrite as r
         where r.ev_class = ('pg_temp.' || quote_ident(_view))::regclass;
        raise exception using errcode = 'SM031', message = 'taken back';
    exception
        when sqlstate 'SM031' then null;
        when insufficient_privilege then
            raise exception 'the role sms_audience may not create temporary objects' using errcode = 'SM031',
                hint = 'A DBA runs: grant temporary on database … to sms_audience.';
        when feature_not_supported or syntax_error or invalid_table_definition or duplicate_column
             or syntax_error_or_access_rule_violation then
            raise exception 'the audience must be one SELECT with named columns: %', sqlerrm using errcode = 'SM031',
                hint = 'Like: select client_id, phone from erp.client where city = ''Москва''.';
    end;
    relations := array(select distinct m[1]::oid from regexp_matches(_tree, ':relid (\d+)', 'g') as m);
    functions := array(select distinct m[1]::oid
                         from regexp_matches(_tree, ':(?:funcid|opfuncid|aggfnoid|winfnoid|tsmhandler) (\d+)', 'g') as m
                        where m[1] <> '0');
    kinds := array(select distinct k::oid
                     from regexp_matches(_tree, ':\w*(?:type|typeid|types) (?:\(o )?([\d ]+)', 'g') as m
                    cross join lateral regexp_split_to_table(btrim(m[1]), ' +') as k
                    where k <> '');
    locks := _tree like '%:hasForUpdate true%';
    return next;
end
$$;
comment on function sms.parse_audience is 'Part of saving an audience: the columns, relations and functions a SELECT names.';
revoke execute on function sms.parse_audience from public;
