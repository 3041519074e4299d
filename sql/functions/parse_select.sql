-- What a SELECT yields and touches, as PostgreSQL's own parser understands it: columns with types, relations, functions,
-- types of all its values, kinds of nodes, and whether it locks rows. A view is made of it and taken back; views take one
-- SELECT that writes nothing. Runs as sms_parser, who may make that view and read nothing at all. Nothing of the text runs:
-- at most the input functions of types it names, and those of strangers sms.refuse_strangers has refused before.
create or replace function sms_audience.parse_select(p_query text)
    returns table (columns text[], types regtype[], relations oid[], functions oid[], kinds oid[], nodes text[], other text[], locks boolean)
    language plpgsql volatile security definer
    set search_path = pg_catalog, public, pg_temp set standard_conforming_strings = on
as $$
-- To look at the text of an analyst is what this is for:
-- @plpgsql_check_options: security_warnings = off
declare
    _view text := 'select_' || md5(p_query || clock_timestamp());
    _oid oid;
    _tree text;
begin
    if current_user operator(pg_catalog.<>) 'sms_parser'::name then
        raise exception 'texts of analysts are parsed as sms_parser only' using errcode = 'SM031';
    end if;
    begin
        execute format('create view sms_parser.%I as %s', _view, p_query);
        _oid := ('sms_parser.' || quote_ident(_view))::regclass;
        select coalesce(array_agg(a.attname::text order by a.attnum), '{}'),
               coalesce(array_agg(a.atttypid::regtype order by a.attnum), '{}')
          into columns, types
          from pg_attribute as a
         where a.attrelid = _oid and a.attnum > 0;
        select r.ev_action::text into _tree from pg_rewrite as r where r.ev_class = _oid;
        -- What PostgreSQL itself says the view depends on; built-in objects are not among it, so both are taken.
        -- Collations and configurations for full text are PostgreSQL's own or refused.
        select coalesce(array_agg(distinct d.refobjid) filter (where k.relname = 'pg_class'), '{}'),
               coalesce(array_agg(distinct d.refobjid) filter (where k.relname = 'pg_proc'), '{}'),
               coalesce(array_agg(distinct d.refobjid) filter (where k.relname = 'pg_type'), '{}'),
               coalesce(array_agg(distinct k.relname::text)
                            filter (where k.relname not in ('pg_class', 'pg_proc', 'pg_type', 'pg_operator')
                                      and 'pg_catalog'::regnamespace
                                          is distinct from case k.relname
                                              when 'pg_ts_config' then (select t.cfgnamespace from pg_ts_config as t where t.oid = d.refobjid)
                                              when 'pg_collation' then (select c.collnamespace from pg_collation as c where c.oid = d.refobjid)
                                          end), '{}')
          into relations, functions, kinds, other
          from pg_depend as d
          join pg_class as k on k.oid = d.refclassid
          join pg_rewrite as r on r.oid = d.objid and r.ev_class = _oid
         where d.classid = 'pg_rewrite'::regclass and d.refobjid <> _oid;
        raise exception using errcode = 'SM031', message = 'taken back';
    exception when sqlstate 'SM031' then null;
    end;
    -- A brace or a blank within a name is written with a backslash before it, so these fields are the parser's own.
    relations := relations || array(select distinct m[1]::oid from regexp_matches(_tree, ':relid (\d+)', 'g') as m);
    functions := functions
        || array(select distinct m[1]::oid
                   from regexp_matches(_tree, ':(?:funcid|opfuncid|aggfnoid|winfnoid|tsmhandler|startInRangeFunc|endInRangeFunc) (\d+)', 'g') as m
                  where m[1] <> '0')
        || array(select distinct o.oprcode::oid
                   from regexp_matches(_tree, ':(?:opno|opnos|eqop|sortop|cycle_mark_neop) (?:\(o )?([\d ]+)', 'g') as m
                  cross join lateral regexp_split_to_table(btrim(m[1]), ' +') as k
                   join pg_operator as o on o.oid::text = k);
    kinds := kinds || array(select distinct k::oid
                              from regexp_matches(_tree, ':\w*[tT]ype(?:id|s)? (?:\(o )?([\d ]+)', 'g') as m
                             cross join lateral regexp_split_to_table(btrim(m[1]), ' +') as k
                             where k not in ('', '0'));
    nodes := array(select distinct m[1] from regexp_matches(_tree, '(?<!\\)\{(\w+)', 'g') as m);
    locks := _tree like '%:hasForUpdate true%';
    return next;
end
$$;
comment on function sms_audience.parse_select is 'Part of saving an audience or a goal: the columns, relations, functions and types a SELECT names.';
revoke execute on function sms_audience.parse_select from public;
