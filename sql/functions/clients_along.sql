-- Clients within p_reach_m metres (at most 50 km) of a metro line, nearest first: of the path through its stations, see
-- geo.line_path. Stretch by stretch, for the box around a whole line holds half a city.
create or replace function geo.clients_along(p_line text, p_reach_m double precision default 1000)
    returns table (client_id bigint, distance_m double precision)
    language plpgsql stable rows 20000
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off  -- a plan made while the table was small would go on reading all of it
    set jit = off
as $$
declare
    _stretches public.geography[] := array(select d.geom::public.geography from public.st_dump(geo.line_path(p_line)::public.geometry) as d);
begin
    if (p_reach_m > 0 and p_reach_m <= 50000) is not true then
        raise exception 'radius % m is not between 0 and 50,000 m', coalesce(p_reach_m::text, 'null') using errcode = 'SM012';
    end if;
    return query
    select l.client_id, min(l.distance_m)
      from unnest(_stretches) as s (stretch)
      cross join lateral (
               select c.client_id, public.st_distance(c.location, s.stretch, false) as distance_m
                 from geo.client_location as c
                where public.st_dwithin(c.location, s.stretch, p_reach_m, false)
               offset 0
           ) as l
     group by l.client_id
     order by 2, 1;
end
$$;
comment on function geo.clients_along is 'Clients within reach (metres) of a metro line: client_id, distance_m, nearest first.';
revoke execute on function geo.clients_along from public;
