-- SM031 where a text names a catalog, or a function none of whose signatures is allowed, as far as words tell. For dry runs,
-- which may not write (PostgreSQL tells it for certain only by making a view), and for what was saved before there was a list.
-- A call is a word before a bracket, or after a dot: (1.0).pg_sleep. A comment, or the end of one, may stand between. Words
-- there are mostly columns and aliases, so only what the reader of audiences could call counts.
create or replace function sms.refuse_unlisted_words(p_query text)
    returns void
    language plpgsql volatile
as $$
declare
    _name text;
begin
    select c.relname into _name
      from (select distinct lower(m[1]) as word from regexp_matches(p_query, '([\w$]+)', 'g') as m) as w
      join pg_catalog.pg_class as c on c.relname = w.word and c.relkind in ('r', 'v') and c.relname ~ '^pg_'
     where c.relnamespace = 'pg_catalog'::regnamespace
     limit 1;
    if found or p_query ~* '\minformation_schema\M' then
        raise exception 'audiences may not read %', coalesce(_name, 'information_schema') using errcode = 'SM031',
            hint = 'They read erp.client, erp.action, geo.…, sms.message and what a DBA adds. No system catalogs.';
    end if;
    select p.proname into _name
      from (select lower(m[1]) as word, 'call' as is from regexp_matches(p_query, '([\w$]+)"?\s*\(', 'g') as m
             union
            select lower(m[1]), 'call?' from regexp_matches(p_query, '([\w$]+)"?\s*(?=/\*|--)', 'g') as m
             union
            select lower(m[1]), 'field?' from regexp_matches(p_query, '(?:\.|\*/|[\n\r])\s*"?([\w$]+)', 'g') as m) as w
      join pg_catalog.pg_proc as p
        on p.proname = w.word and (w.is = 'call' or has_function_privilege('sms_audience', p.oid, 'execute'))
       and (w.is <> 'field?' or p.pronargs - p.pronargdefaults <= 1 and p.pronargs > 0)
     where has_schema_privilege('sms_audience', p.pronamespace, 'usage')
     group by p.proname
    having not exists (select from sms.select_functions(array_agg(p.oid)) as f where f.problem is null)
     limit 1;
    if found then
        raise exception 'audiences may not call %', _name using errcode = 'SM031', hint = 'They only compute: the list is sms.audience_function.';
    end if;
end
$$;
comment on function sms.refuse_unlisted_words is 'Error SM031 where a text names a catalog, or calls by name what no audience may.';
revoke execute on function sms.refuse_unlisted_words from public;
