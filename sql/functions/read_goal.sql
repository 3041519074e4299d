-- The rows of a goal's query since a moment, read with the rights of sms_audience. The moment is a condition on
-- occurred_at around the query, so an index on the ERP's column is used where there is one.
create or replace function sms_audience.read_goal(p_query text, p_since timestamptz)
    returns table (client_id bigint, occurred_at timestamptz, amount numeric, ref text)
    language plpgsql stable security definer rows 10000
    set search_path = pg_catalog, public, pg_temp set standard_conforming_strings = on set transaction_read_only = on
as $$
-- To run the text of an analyst is what this is for:
-- @plpgsql_check_options: security_warnings = off, extra_warnings = off
begin
    if current_user operator(pg_catalog.<>) 'sms_audience'::name then
        raise exception 'texts of analysts are read as sms_audience only' using errcode = 'SM031';
    end if;
    return query execute
        'with q as (' || p_query || E'\n), d (amount, ref) as (values (null::numeric, ''''))
        select x.client_id::bigint, x.occurred_at::timestamptz, x.amount::numeric, coalesce(x.ref::text, '''')
          from d cross join lateral (select client_id, occurred_at, amount, ref from q where occurred_at >= $1) as x
         where x.client_id is not null and x.occurred_at is not null'
        using p_since;
    if current_setting('transaction_read_only') <> 'on' then
        raise exception 'the SELECT made its transaction writable' using errcode = 'SM031';
    end if;
end
$$;
comment on function sms_audience.read_goal is 'Part of sms.run_goal: what a checked query tells since a moment, read with the rights of sms_audience.';
revoke execute on function sms_audience.read_goal from public;
