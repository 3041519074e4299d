-- The place that somebody means by 'Киевская', 'Москва: Киевская' or 'Арбатская (Филёвская)': a point, or as many as
-- the station has lines. Never picks one of several places: SM011 lists what to write instead, SM010 what is alike.
create or replace function geo.find_station(p_station text)
    returns public.geography
    language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    _city text := geo.fold_name(substring(p_station from '^(.*?):'));
    _name text := geo.fold_name(regexp_replace(p_station, '^.*?:', ''));
    _points public.geography[];
    _cities text[];
    _closed_at date;
    _span_m double precision;
begin
    select array_agg(s.location) filter (where s.is_open), array_agg(distinct s.city || ': ' || s.name) filter (where s.is_open),
           max(s.closed_at)
      into _points, _cities, _closed_at
      from (select s.*, coalesce(s.closed_at > current_date, true) as is_open from geo.metro_station as s) as s
     where (geo.fold_name(s.name) = _name
            or p_station like '%(%' and geo.fold_name(s.name || ' (' || s.line || ')') = _name)
       and (_city is null or _city = geo.fold_name(s.city));

    if _points is null then
        raise exception 'there is no open metro station %', quote_literal(coalesce(p_station, '')) using errcode = 'SM010',
            hint = case
                when _closed_at is not null then 'It is closed since ' || _closed_at || '.'
                when not exists (select from geo.metro_station) then '"outbox import stations FILE" brings them.'
                else coalesce('Do you mean ' || (select string_agg(c.station, ', ') from geo.closest_stations(p_station) as c) || '?',
                              'Names are written as in geo.metro_station.') end;
    end if;
    if cardinality(_cities) > 1 then
        raise exception 'metro station % is in several cities', quote_literal(p_station) using errcode = 'SM011',
            hint = 'Write one of: ' || array_to_string(_cities, ', ') || '.';
    end if;
    -- Lines of one interchange stop at most some 600 m apart.
    select max(public.st_distance(a, b, true)) into _span_m from unnest(_points) as a, unnest(_points) as b;
    if _span_m > 2000 then
        raise exception 'metro stations called % lie up to % m apart', quote_literal(p_station), round(_span_m) using errcode = 'SM011',
            hint = 'Name the line: ' || (select string_agg(s.city || ': ' || s.name || ' (' || s.line || ')', ', ' order by s.line)
                                           from geo.metro_station as s where s.city || ': ' || s.name = _cities[1]) || '.';
    end if;
    if cardinality(_points) = 1 then
        return _points[1];
    end if;
    return public.st_collect(_points::public.geometry[])::public.geography;
end
$$;
comment on function geo.find_station is
    'The point or points of a metro station by name; ''City: Name'' and ''Name (Line)'' are understood.';
revoke execute on function geo.find_station from public;
