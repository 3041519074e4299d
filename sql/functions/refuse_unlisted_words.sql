-- SM031 where a word before a bracket is the name of functions none of which is allowed: what a text may call, as far as words
-- tell. For dry runs, which may not write: PostgreSQL tells it for certain only by making a view.
create or replace function sms.refuse_unlisted_words(p_query text)
    returns void
    language plpgsql stable
as $$
declare
    _name text;
begin
    select p.proname into _name
      from (select distinct lower(m[1]) as word from regexp_matches(p_query, '([\w$]+)"?\s*\(', 'g') as m) as w
      join pg_catalog.pg_proc as p on p.proname = w.word
     where p.pronamespace not in (select n.oid from pg_catalog.pg_namespace as n where not has_schema_privilege('sms_audience', n.oid, 'usage'))
     group by p.proname
    having not exists (select from sms.select_functions(array_agg(p.oid)) as f where f.problem is null)
     limit 1;
    if found then
        raise exception 'audiences may not call %', _name using errcode = 'SM031', hint = 'They only compute: the list is sms.audience_function.';
    end if;
end
$$;
comment on function sms.refuse_unlisted_words is 'Error SM031 where a text calls by name what no audience may; for dry runs, which write nothing.';
revoke execute on function sms.refuse_unlisted_words from public;
