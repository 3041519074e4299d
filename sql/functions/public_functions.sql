-- Functions of PostgreSQL by which any login could hold what is not its own, and that everybody may still call here:
-- advisory locks, which claims take on numbers, and large objects, which fill the disk.
create or replace function sms.public_functions()
    returns table (function regprocedure)
    language sql stable
as $$
    select p.oid::regprocedure
      from pg_catalog.pg_proc as p
     where p.pronamespace = 'pg_catalog'::regnamespace
       and p.proname ~ '^(pg_(try_)?advisory_|lo_|loread$|lowrite$)'
       and exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
                    where a.grantee = 0 and a.privilege_type = 'EXECUTE')
$$;
comment on function sms.public_functions is 'Functions for advisory locks and large objects that everybody may still call in this database.';
revoke execute on function sms.public_functions from public;
