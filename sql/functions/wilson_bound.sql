-- One end of Wilson's score interval for a share of p_n (Journal of the American Statistical Association 22 (1927)):
-- the lower for a negative z, the upper for a positive one; null for an empty group.
create or replace function sms.wilson_bound(p_share float8, p_n bigint, p_z float8)
    returns float8
    language sql immutable parallel safe
as $$
    select (p_share + p_z * p_z / (2 * n) + p_z * sqrt(greatest(p_share * (1 - p_share) / n + p_z * p_z / (4 * n * n), 0)))
           / (1 + p_z * p_z / n)
      from (select nullif(p_n, 0)::float8 as n) as k
$$;
comment on function sms.wilson_bound is 'An end of Wilson''s interval for a share.';
revoke execute on function sms.wilson_bound from public;
