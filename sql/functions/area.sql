-- The area somebody drew: GeoJSON, or WKT like 'POLYGON((37.6 55.7, 37.7 55.7, 37.7 55.8, 37.6 55.7))', longitude first,
-- degrees WGS 84. Polygons and sets of them; SM039 with the cause for anything else. Edges are great circles.
create or replace function geo.area(p_area text)
    returns public.geography
    language plpgsql immutable set search_path = pg_catalog, public, pg_temp
as $$
declare
    _shape public.geometry;
begin
    begin
        _shape := case when p_area like '{%' then st_setsrid(st_geomfromgeojson(p_area), 4326) else st_geomfromtext(p_area, 4326) end;
    exception when others then
        raise exception 'this is no area: %', sqlerrm using errcode = 'SM039',
            hint = 'Write GeoJSON, or WKT like POLYGON((37.6 55.7, 37.7 55.7, 37.7 55.8, 37.6 55.7)), longitude first.';
    end;
    if _shape is null or geometrytype(_shape) not in ('POLYGON', 'MULTIPOLYGON') or st_isempty(_shape) then
        raise exception 'this is no area but %', coalesce(geometrytype(_shape), 'nothing') using errcode = 'SM039', hint = 'Give a polygon.';
    end if;
    if not (st_isvaliddetail(_shape)).valid then   -- st_isvalid would send a notice too
        raise exception 'the outline of the area is not sound: %', (st_isvaliddetail(_shape)).reason using errcode = 'SM039';
    end if;
    if st_xmin(_shape) < -180 or st_xmax(_shape) > 180 or st_ymin(_shape) < -90 or st_ymax(_shape) > 90 then
        raise exception 'the area lies outside the map' using errcode = 'SM039', hint = 'Longitude first, then latitude, in degrees.';
    end if;
    return _shape::public.geography;
end
$$;
comment on function geo.area is 'An area from GeoJSON or WKT (longitude first); SM039 says what is wrong with it.';
revoke execute on function geo.area from public;
