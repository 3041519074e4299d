-- How many messages left the queue since a moment, by the state they are in now.
create or replace function sms.outcome_status(p_since timestamptz)
    returns table (state text, messages bigint)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select o.state, count(*) from sms.outcome as o where o.decided_at >= p_since group by o.state order by o.state
$$;
comment on function sms.outcome_status is 'Messages that left the queue since a moment, by state.';
revoke execute on function sms.outcome_status from public;
