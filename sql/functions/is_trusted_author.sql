-- May what this role made be used in audiences? Superusers, and the owners of the schemas sms, geo and erp.
create or replace function sms.is_trusted_author(p_role oid)
    returns boolean
    language sql stable
as $$
    select r.rolsuper or r.rolname in ('sms_audience', 'sms_parser', 'sms_window')
           or exists (select from pg_catalog.pg_namespace as o
                       where o.nspname in ('sms', 'geo', 'erp') and o.nspowner = r.oid)
      from pg_catalog.pg_roles as r
     where r.oid = p_role
$$;
comment on function sms.is_trusted_author is 'May what this role made be used in audiences?';
revoke execute on function sms.is_trusted_author from public;
