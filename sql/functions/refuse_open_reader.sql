-- SM031 where the wall around the texts of analysts has a hole: the role that reads them could create or alter something,
-- became a member of another role, or got a member; or analysts may create objects in the schema public, which the search
-- path of audiences needs for PostGIS. Asked before every text is looked at or run.
create or replace function sms.refuse_open_reader()
    returns void
    language plpgsql volatile
as $$
declare
    _found text;
begin
    if has_schema_privilege('sms_analyst', 'public', 'create') or has_schema_privilege('sms_audience', 'public', 'create') then
        raise exception 'analysts may create objects in the schema public, so no audience is safe' using errcode = 'SM031',
            hint = 'A DBA runs: revoke create on schema public from public.';
    end if;
    if has_database_privilege('sms_audience', current_database(), 'temporary')
       or has_database_privilege('sms_audience', current_database(), 'create') then
        raise exception 'the role that reads audiences may create objects, so no audience is safe' using errcode = 'SM031',
            hint = format('A DBA runs: revoke temporary, create on database %I from public; and grants temporary to the roles that need it.',
                          current_database());
    end if;
    select m.member::regrole::text into _found
      from pg_auth_members as m
      join pg_roles as g on g.oid = m.roleid and g.rolname = 'sms_analyst'
     where has_schema_privilege(m.member, 'public', 'create') and not sms.is_trusted_author(m.member)
     limit 1;
    if found then
        raise exception '% may create objects in the schema public, so no audience is safe', _found using errcode = 'SM031',
            hint = format('A DBA runs: revoke create on schema public from %s.', _found);
    end if;
    select n.nspname into _found
      from pg_namespace as n
     where has_schema_privilege('sms_audience', n.oid, 'create')
        or n.nspname <> 'sms_parser' and has_schema_privilege('sms_parser', n.oid, 'create')
     limit 1;
    if found then
        raise exception 'the roles that read audiences may create objects in the schema %, so no audience is safe', _found
            using errcode = 'SM031', hint = format('A DBA runs: revoke create on schema %I from public, sms_audience, sms_parser.', _found);
    end if;
    select m.member::regrole || ' is a member of ' || m.roleid::regrole into _found
      from (select 'sms_audience'::regrole::oid as reader, 'sms_parser'::regrole::oid as parser) as x
      join pg_auth_members as m on m.member in (x.reader, x.parser) or m.roleid in (x.reader, x.parser)
     where m.member in (x.reader, x.parser) or not sms.is_trusted_author(m.member)
     limit 1;
    if found then
        raise exception 'the role %, so no audience is safe', _found using errcode = 'SM031',
            hint = 'Nobody is to be a member of sms_audience or sms_parser, nor they of anybody: a DBA revokes it.';
    end if;
    if exists (select from pg_roles as r
                where r.rolname in ('sms_audience', 'sms_parser')
                  and (r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolreplication or r.rolbypassrls or r.rolcanlogin)) then
        raise exception 'the roles that read audiences may do more than read, so no audience is safe' using errcode = 'SM031',
            hint = 'A DBA runs: alter role sms_audience nosuperuser nocreaterole nocreatedb noreplication nobypassrls nologin; and the same for sms_parser.';
    end if;
end
$$;
comment on function sms.refuse_open_reader is 'Error SM031 where the role that reads audiences could do more than read.';
revoke execute on function sms.refuse_open_reader from public;
