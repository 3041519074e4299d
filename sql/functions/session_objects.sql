-- Temporary objects of this session that a text could meet. name is null for those that matter whatever the text says:
-- functions, operators, domains and other types, views. Plain tables matter where they are named.
create or replace function sms.session_objects()
    returns table (name text, what text)
    language sql stable
as $$
    select null::text, 'the function ' || p.proname from pg_catalog.pg_proc as p where p.pronamespace = pg_my_temp_schema()
     union all
    select null, 'the operator ' || o.oprname from pg_catalog.pg_operator as o where o.oprnamespace = pg_my_temp_schema()
     union all
    select null, 'the type ' || t.typname
      from pg_catalog.pg_type as t
     where t.typnamespace = pg_my_temp_schema() and t.typtype <> 'c' and t.typelem = 0
     union all
    select case when c.relkind in ('r', 'p') then c.relname::text end,
           case c.relkind when 'r' then 'the table ' when 'p' then 'the table ' when 'c' then 'the type ' else 'the view ' end || c.relname
      from pg_catalog.pg_class as c
     where c.relnamespace = pg_my_temp_schema() and c.relkind in ('r', 'p', 'v', 'm', 'f', 'c')
$$;
comment on function sms.session_objects is 'Temporary objects of this session; name is null for those that matter whatever a text says.';
revoke execute on function sms.session_objects from public;
