-- What everybody may do in this database although nobody should, with the statement by which a DBA ends it.
-- A migration does it by itself where it may: as the owner of the database for temporary objects, else as a superuser.
create or replace function sms.open_walls()
    returns table (wall text, remedy text)
    language sql stable
as $$
    select 'temporary objects', format('revoke temporary on database %I from public', current_database())
      from pg_catalog.pg_database as d
     where d.datname = current_database()
       and exists (select from aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) as a
                    where a.grantee = 0 and a.privilege_type = 'TEMPORARY')
     union all
    (select 'advisory locks and large objects',
            'revoke execute on function ' || string_agg(f.function::text, ', ') || ' from public; grant execute on function '
            || string_agg(f.function::text, ', ') || ' to ' || (select n.nspowner::regrole from pg_catalog.pg_namespace as n where n.nspname = 'sms')
       from sms.public_functions() as f having count(*) > 0)
$$;
comment on function sms.open_walls is 'What everybody may do in this database although nobody should, and the statement by which a DBA ends it.';
revoke execute on function sms.open_walls from public;
