-- The statement that reads an audience: its SELECT, wrapped so that the known columns get their types, the others become
-- one jsonb, and the clock is looked at for every row. $1 is the limit, $2 the moment after which it is given up.
create or replace function sms.audience_statement(p_query text, p_columns text[])
    returns text
    language sql immutable
as $$
    select 'select a.client_id::bigint, a.phone::text, '
           || case when 'time_zone' = any (p_columns) then 'a.time_zone::text, ' else 'null::text, ' end
           || 'jsonb_build_object('
           || coalesce((select string_agg(format('%L, a.%I', c.name, c.name), ', ' order by c.place)
                          from unnest(p_columns) with ordinality as c (name, place)
                         where c.name not in ('client_id', 'phone', 'time_zone')), '')
           || ') from (' || p_query || E'\n) as a where sms.audience_in_time($2) limit $1'
$$;
comment on function sms.audience_statement is 'Part of run_audience: the statement that reads an audience.';
revoke execute on function sms.audience_statement from public;
