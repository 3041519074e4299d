-- The requests that a SELECT of at least phone describes, numbered in its order, at most 250,001; read with the rights of
-- sms_audience. A column that the SELECT does not have is found one level further out, among the defaults.
create or replace function sms_audience.read_requests(p_query text)
    returns table (n bigint, phone text, body text, template text, vars jsonb, erp_ref text, client_id bigint,
                   priority smallint, not_before timestamptz, expires_at timestamptz, time_zone text, sender_id text)
    language plpgsql stable security definer rows 10000
    set search_path = pg_catalog, public, pg_temp set standard_conforming_strings = on set transaction_read_only = on set jit = off
as $$
-- To run the text of an analyst is what this is for:
-- @plpgsql_check_options: security_warnings = off, extra_warnings = off
begin
    if current_user operator(pg_catalog.<>) 'sms_audience'::name then
        raise exception 'texts of analysts are read as sms_audience only' using errcode = 'SM031';
    end if;
    begin
        execute 'with q as materialized (' || p_query || E'\n) select phone from q limit 0';
    exception when undefined_column then
        raise exception 'the SELECT has no column phone' using errcode = 'SM021',
            hint = 'Name the column with the number: select mobile as phone, …';
    end;
    return query execute
        'with q as materialized (' || p_query || E'\n), '
        || $sql$d (client_id, body, template, vars, time_zone, priority, not_before, expires_at, erp_ref, sender_id) as (
               values (null::bigint, null::text, null::text, null::jsonb, null::text, null::smallint, null::timestamptz,
                       null::timestamptz, null::text, null::text)
           )
           select row_number() over (), x.*
             from d
             cross join lateral (
                      select phone::text as phone, body::text as body, template::text as template, vars::jsonb as vars,
                             erp_ref::text as erp_ref, client_id::bigint as client_id, priority::smallint as priority,
                             not_before::timestamptz as not_before, expires_at::timestamptz as expires_at,
                             time_zone::text as time_zone, sender_id::text as sender_id
                        from q
                       limit 250001
                  ) as x
        $sql$;
    if current_setting('transaction_read_only') <> 'on' then
        raise exception 'the SELECT made its transaction writable' using errcode = 'SM031';
    end if;
end
$$;
comment on function sms_audience.read_requests is 'Part of sms.dry_run_audience: the requests that a SELECT describes, read with the rights of sms_audience.';
revoke execute on function sms_audience.read_requests from public;
