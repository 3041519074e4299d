-- Types of values in a SELECT, each with what speaks against it; problem is null where nothing does. PostgreSQL's by a list:
-- plain values and their arrays, no names of objects (regclass, but regconfig for full text), no numbers of objects (oid), no XML. Others: by a known author.
create or replace function sms.select_types(p_types oid[])
    returns table (oid oid, problem text)
    language sql stable
as $$
    select t.oid,
           case when n.nspname = 'pg_catalog' then
                    case when coalesce(e.typname, t.typname) <> all (string_to_array(
                             'bool int2 int4 int8 float4 float8 numeric money text varchar bpchar char name bytea unknown record '
                             'date time timetz timestamp timestamptz interval uuid json jsonb jsonpath bit varbit inet cidr macaddr macaddr8 '
                             'point line lseg box path polygon circle tsvector tsquery regconfig '
                             'int4range int8range numrange tsrange tstzrange daterange int4multirange int8multirange nummultirange '
                             'tsmultirange tstzmultirange datemultirange any anyelement anyarray anynonarray anyenum anyrange '
                             'anymultirange anycompatible anycompatiblearray anycompatiblenonarray anycompatiblerange '
                             'anycompatiblemultirange', ' ')::name[]) then 'which is not on the list of what audiences may use' end
                when not sms.is_trusted_author(t.typowner) then 'whose author is not known'
           end
      from pg_catalog.pg_type as t
      join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
      left join pg_catalog.pg_type as e on e.typarray = t.oid
     where t.oid = any (p_types)
$$;
comment on function sms.select_types is 'Part of saving an audience or a goal: what speaks against each type of a value; null where nothing does.';
revoke execute on function sms.select_types from public;
