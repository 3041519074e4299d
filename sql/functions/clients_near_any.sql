-- Clients within p_radius_m metres of any of several metro stations, each once, with the nearest (of equals the first named).
-- Names as in geo.clients_near. Stations drive the index: all 75 of Saint Petersburg took 0.4 s among a million clients,
-- where asking for each client took 6.6 s.
create or replace function geo.clients_near_any(p_stations text[], p_radius_m double precision default 1000)
    returns table (client_id bigint, station text, distance_m double precision)
    language plpgsql stable rows 20000
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off  -- a plan made while the table was small would go on reading all of it
    set jit = off
as $$
declare
    _places public.geography[] := array(select geo.find_station(s.name)
                                          from unnest(p_stations) with ordinality as s (name, place) order by s.place);
begin
    if (p_radius_m > 0 and p_radius_m <= 50000) is not true then
        raise exception 'radius % m is not between 0 and 50,000 m', coalesce(p_radius_m::text, 'null') using errcode = 'SM012';
    end if;
    return query
    select distinct on (l.client_id) l.client_id, p_stations[s.n], l.distance_m
      from generate_subscripts(_places, 1) as s (n)
      cross join lateral (
               select c.client_id, public.st_distance(c.location, _places[s.n], false) as distance_m
                 from geo.client_location as c
                where public.st_dwithin(c.location, _places[s.n], p_radius_m, false)
               offset 0
           ) as l
     order by l.client_id, l.distance_m, s.n;
end
$$;
comment on function geo.clients_near_any is
    'Clients within a radius (metres) of any of several metro stations: client_id, the nearest station, distance_m.';
revoke execute on function geo.clients_near_any from public;
