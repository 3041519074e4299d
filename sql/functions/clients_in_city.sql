-- Clients of a town, by the name people use: case, ё, «г.» do not count. No row for a town nobody lives in.
-- The towns there are come from the index, one probe each, so that a million clients need not be folded.
create or replace function geo.clients_in_city(p_city text)
    returns table (client_id bigint)
    language plpgsql stable rows 20000
    set enable_seqscan = off  -- a plan made while the table was small would go on reading all of it
    set jit = off
as $$
declare
    _names text[];
begin
    with recursive town as (
        (select l.city from geo.client_location as l where l.city is not null order by l.city limit 1)
        union all
        select (select l.city from geo.client_location as l where l.city > t.city order by l.city limit 1)
          from town as t
         where t.city is not null
    )
    select array_agg(t.city) into _names from town as t where geo.fold_name(t.city) = geo.fold_name(p_city);
    return query
    select l.client_id from geo.client_location as l where l.city = any (_names);
end
$$;
comment on function geo.clients_in_city is 'Clients of a town, by the name people use.';
revoke execute on function geo.clients_in_city from public;
