-- Clients who live within an area: GeoJSON or WKT, see geo.area. Those on the edge belong to it.
create or replace function geo.clients_in_area(p_area text)
    returns table (client_id bigint)
    language plpgsql stable rows 5000
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off  -- a plan made while the table was small would go on reading all of it
    set jit = off
as $$
declare
    _area public.geography := geo.area(p_area);
begin
    return query
    select l.client_id from geo.client_location as l where public.st_covers(_area, l.location);
end
$$;
comment on function geo.clients_in_area is 'Clients who live within a polygon given as GeoJSON or WKT.';
revoke execute on function geo.clients_in_area from public;
