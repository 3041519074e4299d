-- What a goal's query tells since a moment: client_id, occurred_at, amount, ref. Runs read-only with the rights of
-- sms_analyst, as sms.run_audience does and for the same reason belongs to sms_audience.
-- The moment is a condition on occurred_at around the query, so an index on the ERP's column is used where there is one.
create or replace function sms.run_goal(p_goal_id int, p_since timestamptz)
    returns table (client_id bigint, occurred_at timestamptz, amount numeric, ref text)
    language plpgsql stable security definer rows 10000
    set search_path = pg_catalog, public, pg_temp set transaction_read_only = on
as $$
-- To run the text of a goal is what this is for:
-- @plpgsql_check_options: security_warnings = off, extra_warnings = off
declare
    _query text;
begin
    perform sms.refuse_open_schema();
    select g.query into _query from sms.goal as g where g.goal_id = p_goal_id;
    return query execute
        'with q as (' || _query || E'\n), d (amount, ref) as (values (null::numeric, ''''))
        select x.client_id::bigint, x.occurred_at::timestamptz, x.amount::numeric, coalesce(x.ref::text, '''')
          from d cross join lateral (select client_id, occurred_at, amount, ref from q where occurred_at >= $1) as x
         where x.client_id is not null and x.occurred_at is not null'
        using p_since;
end
$$;
comment on function sms.run_goal is 'What a goal''s query tells since a moment, read with the rights of sms_analyst.';
revoke execute on function sms.run_goal from public;
