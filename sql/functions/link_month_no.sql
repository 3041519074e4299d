-- The number of a month (UTC) in a cycle of sixty-two, which the first letter of a code names.
create or replace function sms.link_month_no(p_at timestamptz)
    returns int
    language sql immutable
as $$
    select (extract(year from p_at at time zone 'UTC')::int * 12 + extract(month from p_at at time zone 'UTC')::int - 1) % 62
$$;
comment on function sms.link_month_no is 'The number of a month in a cycle of sixty-two.';
revoke execute on function sms.link_month_no from public;
