-- A metro line as a path: its open stations joined by the shortest tree, which knows branches and needs no order of the
-- stations; a ring is closed where its ends are no farther apart than half as much again as its longest stretch.
-- 'Кольцевая' or, where several cities have it, 'Москва: Кольцевая'. SM039 says what to write. Straight between stations.
create or replace function geo.line_path(p_line text)
    returns public.geography
    language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    _city text := geo.fold_name(substring(p_line from '^(.*?):'));
    _line text := geo.fold_name(regexp_replace(p_line, '^.*?:', ''));
    _points public.geography[];
    _cities text[];
    _near int[];         -- for every station outside the tree, the station in it that is closest
    _far double precision[];
    _degree int[];
    _edges public.geometry[] := array[]::public.geometry[];
    _longest double precision := 0;
    _next int := 1;
    _ends int[];
begin
    select array_agg(s.location order by s.station_id), array_agg(distinct s.city || ': ' || s.line)
      into _points, _cities
      from geo.metro_station as s
     where geo.fold_name(s.line) = _line and (_city is null or geo.fold_name(s.city) = _city)
       and coalesce(s.closed_at > current_date, true);
    if _points is null then
        raise exception 'there is no metro line %', quote_literal(coalesce(p_line, '')) using errcode = 'SM039',
            hint = coalesce('Lines: ' || (select string_agg(distinct s.city || ': ' || s.line, ', ')
                                           from geo.metro_station as s where s.line <> '' and (_city is null or geo.fold_name(s.city) = _city)) || '.',
                            'Names are written as in geo.metro_station.');
    elsif cardinality(_cities) > 1 then
        raise exception 'metro line % is in several cities', quote_literal(p_line) using errcode = 'SM039',
            hint = 'Write one of: ' || array_to_string(_cities, ', ') || '.';
    elsif cardinality(_points) = 1 then
        return _points[1];
    end if;

    _near := array_fill(1, array[cardinality(_points)]);
    _degree := array_fill(0, array[cardinality(_points)]);
    _far := array(select public.st_distance(p.point, _points[1], true) from unnest(_points) with ordinality as p (point, n) order by p.n);
    for _edge in 2..cardinality(_points) loop
        _degree[_next] := _degree[_next] + 1000;   -- in the tree
        select p.n::int into _next
          from unnest(_far, _degree) with ordinality as p (far, degree, n)
         where p.degree < 1000 order by p.far, p.n limit 1;
        _edges := _edges || public.st_makeline(_points[_near[_next]]::public.geometry, _points[_next]::public.geometry);
        _longest := greatest(_longest, _far[_next]);
        _degree[_next] := _degree[_next] + 1;
        _degree[_near[_next]] := _degree[_near[_next]] + 1;
        for _i in 1..cardinality(_points) loop
            if _degree[_i] < 1000 and _i <> _next and public.st_distance(_points[_i], _points[_next], true) < _far[_i] then
                _far[_i] := public.st_distance(_points[_i], _points[_next], true);
                _near[_i] := _next;
            end if;
        end loop;
    end loop;

    _ends := array(select d.n::int from unnest(_degree) with ordinality as d (degree, n) where d.degree % 1000 = 1);
    if cardinality(_points) > 3 and cardinality(_ends) = 2
       and public.st_distance(_points[_ends[1]], _points[_ends[2]], true) <= 1.5 * _longest then
        _edges := _edges || public.st_makeline(_points[_ends[1]]::public.geometry, _points[_ends[2]]::public.geometry);
    end if;
    return public.st_collect(_edges)::public.geography;
end
$$;
comment on function geo.line_path is 'A metro line as a path through its stations; ''City: Line'' where several cities have it.';
revoke execute on function geo.line_path from public;
