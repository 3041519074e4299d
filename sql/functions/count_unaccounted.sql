-- How many requests are not in exactly one of pending, inflight, outcome. Zero = well.
create or replace function sms.count_unaccounted()
    returns bigint
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select count(*) from sms.unaccounted $$;
comment on function sms.count_unaccounted is 'Requests that are not in exactly one place; must be 0.';
revoke execute on function sms.count_unaccounted from public;
