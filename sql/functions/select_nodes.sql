-- Parts of a parsed SELECT that are not on the list of what audiences are made of, by PostgreSQL's name for them. A part that
-- a later version invents is refused until it is looked at here. Not there: XML, XMLTABLE, parameters.
create or replace function sms.select_nodes(p_nodes text[])
    returns text[]
    language sql immutable
as $$
    select coalesce(array_agg(n order by n), '{}')
      from unnest(p_nodes) as n
     where n <> all (string_to_array(
               'QUERY RTE RANGETBLENTRY RTEPERMISSIONINFO ALIAS VAR CONST AGGREF GROUPINGFUNC WINDOWFUNC SUBSCRIPTINGREF FUNCEXPR '
               'NAMEDARGEXPR OPEXPR DISTINCTEXPR NULLIFEXPR SCALARARRAYOPEXPR BOOLEXPR SUBLINK FIELDSELECT RELABELTYPE COERCEVIAIO '
               'ARRAYCOERCEEXPR CONVERTROWTYPEEXPR COLLATE COLLATEEXPR CASE CASEEXPR WHEN CASEWHEN CASETESTEXPR ARRAY ARRAYEXPR ROW '
               'ROWEXPR ROWCOMPARE ROWCOMPAREEXPR COALESCE COALESCEEXPR MINMAX MINMAXEXPR SQLVALUEFUNCTION NULLTEST BOOLEANTEST '
               'COERCETODOMAIN TARGETENTRY RANGETBLREF JOINEXPR FROMEXPR SORTGROUPCLAUSE GROUPINGSET WINDOWCLAUSE ROWMARKCLAUSE '
               'COMMONTABLEEXPR CTESEARCHCLAUSE CTECYCLECLAUSE SETOPERATIONSTMT RANGETBLFUNCTION TABLESAMPLECLAUSE', ' '))
$$;
comment on function sms.select_nodes is 'Part of saving an audience or a goal: what of a parsed SELECT is not on the list of its parts.';
revoke execute on function sms.select_nodes from public;
