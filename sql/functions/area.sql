-- The area somebody drew: GeoJSON, or WKT like 'POLYGON((37.6 55.7, 37.7 55.7, 37.7 55.8, 37.6 55.7))', longitude first,
-- degrees WGS 84. Polygons and sets of them; SM039 with the cause for anything else. Edges are great circles.
-- PostGIS is called here and below by schema and with the very types it declares: whoever may create in public could put a
-- function beside it that fits better, and it would run with the rights of whoever calls this.
create or replace function geo.area(p_area text)
    returns public.geography
    language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
declare
    _shape public.geometry;
    _box public.box3d;
begin
    begin
        _shape := case when p_area like '{%' then public.st_setsrid(public.st_geomfromgeojson(p_area), 4326)
                       else public.st_geomfromtext(p_area, 4326) end;
    exception when others then
        raise exception 'this is no area: %', sqlerrm using errcode = 'SM039',
            hint = 'Write GeoJSON, or WKT like POLYGON((37.6 55.7, 37.7 55.7, 37.7 55.8, 37.6 55.7)), longitude first.';
    end;
    if _shape is null or public.geometrytype(_shape) not in ('POLYGON', 'MULTIPOLYGON') or public.st_isempty(_shape) then
        raise exception 'this is no area but %', coalesce(public.geometrytype(_shape), 'nothing') using errcode = 'SM039', hint = 'Give a polygon.';
    end if;
    if not (public.st_isvaliddetail(_shape, 0)).valid then   -- st_isvalid would send a notice too
        raise exception 'the outline of the area is not sound: %', (public.st_isvaliddetail(_shape, 0)).reason using errcode = 'SM039';
    end if;
    _box := _shape::public.box3d;
    if public.st_xmin(_box) < -180 or public.st_xmax(_box) > 180 or public.st_ymin(_box) < -90 or public.st_ymax(_box) > 90 then
        raise exception 'the area lies outside the map' using errcode = 'SM039', hint = 'Longitude first, then latitude, in degrees.';
    end if;
    return _shape::public.geography;
end
$$;
comment on function geo.area is 'An area from GeoJSON or WKT (longitude first); SM039 says what is wrong with it.';
revoke execute on function geo.area from public;
