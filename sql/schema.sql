-- Written by 'python -m migrations.dump' with PostgreSQL 15; do not edit.

-- SCHEMA erp

CREATE SCHEMA erp;

COMMENT ON SCHEMA erp IS 'What the outbox may see of the ERP.';

-- SCHEMA geo

CREATE SCHEMA geo;

COMMENT ON SCHEMA geo IS 'Points on the map: metro stations and where clients live.';

-- SCHEMA sms

CREATE SCHEMA sms;

COMMENT ON SCHEMA sms IS 'The SMS outbox: what was asked, what waits, what happened, and the rules in between.';

-- SCHEMA sms_audience

CREATE SCHEMA sms_audience;

COMMENT ON SCHEMA sms_audience IS 'Functions that run the texts of analysts. They belong to the roles sms_audience and sms_parser, which have no right to this schema, so they can name none of them.';

-- SCHEMA sms_parser

CREATE SCHEMA sms_parser;

COMMENT ON SCHEMA sms_parser IS 'Where the role sms_parser makes a view of a SELECT, to see what it calls, and takes it back.';

-- TYPE candidate

CREATE TYPE sms.candidate AS (
	id bigint,
	msisdn bigint,
	not_before timestamp with time zone,
	expires_at timestamp with time zone,
	dedup_key bigint,
	ref_hash bigint,
	client_id bigint,
	campaign_id bigint,
	template_version_id integer,
	lane_id smallint,
	channel_id smallint,
	zone_id smallint,
	priority smallint,
	attempt smallint,
	nth integer,
	nth_key integer,
	tid tid,
	nth_client integer
);

COMMENT ON TYPE sms.candidate IS 'The facts of one message, as rules take them: arrays of these, half the price of fetching by id. nth, nth_key, nth_client: earlier rows of the same number, number and text, client in this batch.';

-- TYPE finding

CREATE TYPE sms.finding AS (
	id bigint,
	rank smallint,
	verdict text,
	reason text,
	detail text,
	not_before timestamp with time zone
);

COMMENT ON TYPE sms.finding IS 'A rule''s objection to one message; no row = no objection. verdict: suppress, defer (until not_before) or wait (ask again at the next claim).';

-- FUNCTION area(text)

CREATE FUNCTION geo.area(p_area text) RETURNS public.geography
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

COMMENT ON FUNCTION geo.area(p_area text) IS 'An area from GeoJSON or WKT (longitude first); SM039 says what is wrong with it.';

-- FUNCTION clients_along(text, double precision)

CREATE FUNCTION geo.clients_along(p_line text, p_reach_m double precision DEFAULT 1000) RETURNS TABLE(client_id bigint, distance_m double precision)
    LANGUAGE plpgsql STABLE ROWS 20000
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
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

COMMENT ON FUNCTION geo.clients_along(p_line text, p_reach_m double precision) IS 'Clients within reach (metres) of a metro line: client_id, distance_m, nearest first.';

-- FUNCTION clients_in_area(text)

CREATE FUNCTION geo.clients_in_area(p_area text) RETURNS TABLE(client_id bigint)
    LANGUAGE plpgsql STABLE ROWS 5000
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
declare
    _area public.geography := geo.area(p_area);
begin
    return query
    select l.client_id from geo.client_location as l where public.st_covers(_area, l.location);
end
$$;

COMMENT ON FUNCTION geo.clients_in_area(p_area text) IS 'Clients who live within a polygon given as GeoJSON or WKT.';

-- FUNCTION clients_in_city(text)

CREATE FUNCTION geo.clients_in_city(p_city text) RETURNS TABLE(client_id bigint)
    LANGUAGE plpgsql STABLE ROWS 20000
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
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

COMMENT ON FUNCTION geo.clients_in_city(p_city text) IS 'Clients of a town, by the name people use.';

-- FUNCTION clients_near(text, double precision)

CREATE FUNCTION geo.clients_near(p_station text, p_radius_m double precision DEFAULT 1000) RETURNS TABLE(client_id bigint, distance_m double precision)
    LANGUAGE plpgsql STABLE ROWS 5000
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
declare
    _place public.geography := geo.find_station(p_station);
begin
    -- Written so that null and NaN are refused too: NaN is greater than any number here.
    if (p_radius_m > 0 and p_radius_m <= 50000) is not true then
        raise exception 'radius % m is not between 0 and 50,000 m', coalesce(p_radius_m::text, 'null') using errcode = 'SM012';
    end if;
    -- One place of several points: a third of the time of joining with each point and taking the least distance.
    return query
    select l.client_id, public.st_distance(l.location, _place, false)
      from geo.client_location as l
     where public.st_dwithin(l.location, _place, p_radius_m, false)
     order by 2, 1;
end
$$;

COMMENT ON FUNCTION geo.clients_near(p_station text, p_radius_m double precision) IS 'Clients within a radius (metres) of a metro station: client_id, distance_m, nearest first.';

-- FUNCTION clients_near_any(text[], double precision)

CREATE FUNCTION geo.clients_near_any(p_stations text[], p_radius_m double precision DEFAULT 1000) RETURNS TABLE(client_id bigint, station text, distance_m double precision)
    LANGUAGE plpgsql STABLE ROWS 20000
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
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

COMMENT ON FUNCTION geo.clients_near_any(p_stations text[], p_radius_m double precision) IS 'Clients within a radius (metres) of any of several metro stations: client_id, the nearest station, distance_m.';

-- FUNCTION closest_stations(text, integer)

CREATE FUNCTION geo.closest_stations(p_name text, p_limit integer DEFAULT 5) RETURNS TABLE(station text)
    LANGUAGE sql STABLE
    AS $$
    with pairs as (
        select n.name, n.folded, array(select distinct substr(' ' || n.folded || ' ', i, 2)
                                         from generate_series(1, length(n.folded) + 1) as i) as pair
          from (select null as name, geo.fold_name(regexp_replace(p_name, '^.*:', '')) as folded
                 union
                select s.city || ': ' || s.name, geo.fold_name(s.name) from geo.metro_station as s) as n
    )
    select s.name
      from pairs as s
      join pairs as q on q.name is null
     cross join lateral (
               select 2.0 * count(*) / (cardinality(s.pair) + cardinality(q.pair)) as score
                 from unnest(s.pair) as p
                where p = any (q.pair)
           ) as l
     where s.name is not null and l.score > 0.4
     order by l.score desc, s.name
     limit p_limit
$$;

COMMENT ON FUNCTION geo.closest_stations(p_name text, p_limit integer) IS 'Stations with names most like this one, as ''City: Name''.';

-- FUNCTION find_station(text)

CREATE FUNCTION geo.find_station(p_station text) RETURNS public.geography
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

COMMENT ON FUNCTION geo.find_station(p_station text) IS 'The point or points of a metro station by name; ''City: Name'' and ''Name (Line)'' are understood.';

-- FUNCTION fold_name(text)

CREATE FUNCTION geo.fold_name(p_name text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    select trim(regexp_replace(regexp_replace(regexp_replace(
               translate(lower(p_name),
                   'АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯё–—‑«»"',
                   'абвгдеежзийклмнопрстуфхцчшщъыьэюяе---'),
               '^\s*(станция метро\s|станция\s|ст\.\s*м\.|метро\s|м\.|город\s|г\.)', ''),
               '\sим\.\s*', ' имени '),
               '\s+', ' ', 'g'))
$$;

COMMENT ON FUNCTION geo.fold_name(p_name text) IS 'A place name folded for comparison: case, ё, quotes, dashes, «метро», «им.».';

-- FUNCTION line_path(text)

CREATE FUNCTION geo.line_path(p_line text) RETURNS public.geography
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

COMMENT ON FUNCTION geo.line_path(p_line text) IS 'A metro line as a path through its stations; ''City: Line'' where several cities have it.';

-- FUNCTION accept_outbox()

CREATE FUNCTION sms.accept_outbox() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
declare
    _now timestamptz := clock_timestamp();
    _urgent boolean;
    _bulk boolean;
    _is_understood boolean;
begin
    with fact as materialized (
        select r.id, r.client_id, r.campaign_id, r.template, f.*
          from new_rows as r
          cross join lateral sms.interpret_request(
                   r.channel, r.phone, r.body, r.template, r.vars, r.erp_ref,
                   r.priority, r.not_before, r.expires_at, r.time_zone, r.client_id, _now) as f
    ), waiting as (
        insert into sms.pending (id, msisdn, not_before, expires_at, dedup_key, ref_hash, client_id, campaign_id,
                                 template_version_id, lane_id, zone_id, priority)
        select f.id, f.msisdn, f.not_before, f.expires_at, f.dedup_key, f.ref_hash, f.client_id, f.campaign_id,
               f.template_version_id, f.lane_id, f.zone_id, f.priority
          from fact as f
         where f.reason is null
    ), refused as (
        insert into sms.outcome (id, msisdn, decided_at, final_at, client_id, campaign_id, template_version_id,
                                 lane_id, zone_id, state, reason)
        select f.id, f.msisdn, _now, _now, f.client_id, f.campaign_id, f.template_version_id,
               f.lane_id, f.zone_id, 'suppressed', f.reason
          from fact as f
         where f.reason is not null
    )
    select bool_or(f.priority = 0) filter (where f.reason is null and f.not_before <= _now),
           bool_or(f.priority > 0) filter (where f.reason is null and f.not_before <= _now),
           count(*) = (select count(*) from new_rows)
               and not coalesce(bool_or(f.template_version_id is null) filter (where f.template is not null), false)
      into _urgent, _bulk, _is_understood
      from fact as f;

    -- A row with an unknown channel or template is missing above: say which, and keep nothing of the statement.
    if not _is_understood then
        perform sms.refuse_unknown_names(array(select distinct r.channel from new_rows as r),
                                         array(select distinct r.template from new_rows as r where r.template is not null));
    end if;

    perform sms.wake(coalesce(_urgent, false), coalesce(_bulk, false));
    return null;
end
$$;

COMMENT ON FUNCTION sms.accept_outbox() IS 'Statement trigger on sms.outbox: normalise, choose the lane, append to pending or outcome, wake a sleeping worker.';

-- FUNCTION act_on_events(bigint[], integer[], boolean, timestamp with time zone)

CREATE FUNCTION sms.act_on_events(p_event_ids bigint[], p_rule_ids integer[], p_is_new boolean, p_now timestamp with time zone) RETURNS TABLE(event_id bigint, rule_id integer, fate text, message_id bigint, due_at timestamp with time zone, note text)
    LANGUAGE plpgsql
    AS $$
begin
    return query
    with weighed as materialized (
        select w.event_id, w.rule_id, w.phone, w.time_zone, w.due_at, r.template, r.channel, coalesce(r.validity, c.validity) as validity, r.event_rule,
               r.cancelled_by <> '{}' as may_be_cancelled, r.at_local is not null or r.date_variable is not null as is_local,
               case when not w.applies then case when p_is_new then 'nothing' else 'none' end
                    when not r.is_enabled or r.removed_at is not null or w.due_at is null then 'none'
                    when w.due_at > p_now + interval '10 minutes' then 'planned'
                    when w.due_at < p_now and p_is_new and r.if_past = 'skip' then 'none'
                    else 'message' end as fate,
               case when not w.applies then 'its condition holds no longer'
                    when r.removed_at is not null then 'the rule was removed'
                    when not r.is_enabled then 'the rule is switched off'
                    when w.due_at < p_now and p_is_new and r.if_past = 'skip'
                    then 'its moment, ' || to_char(w.due_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"') || ', was over when the event came'
                    else w.note end as note
          from sms.weigh_events(p_event_ids, p_rule_ids) as w
          join sms.event_rule as r on r.rule_id = w.rule_id
          join sms.channel as c on c.channel = r.channel
    ), decided as materialized (
        select w.*, case when w.fate = 'message' then sms.next_id() end as message_id,
               case when w.fate = 'message' then greatest(w.due_at, case when p_is_new then p_now end) end as send_at
          from weighed as w
    ), asked as (
        insert into sms.outbox (id, channel, phone, template, vars, erp_ref, client_id, not_before, expires_at, time_zone)
        select d.message_id, d.channel, d.phone, d.template, e.vars,
               case when e.event_key is not null
                    then 'event:' || coalesce(e.client_id::text, '') || ':' || d.rule_id || ':'
                         || case when char_length(e.event_key) > 150 then md5(e.event_key) else e.event_key end end,
               e.client_id, d.send_at, d.send_at + d.validity, d.time_zone
          from decided as d
          cross join lateral (
                   select x.vars, x.event_key, x.client_id from sms.event as x where x.event_id = d.event_id offset 0
               ) as e
         where d.message_id is not null
    ), told as (
        insert into sms.event_effect (event_id, rule_id, decided_at, outcome, message_id, note)
        select d.event_id, d.rule_id, p_now, d.fate, d.message_id, d.note from decided as d where d.fate in ('message', 'none')
    ), waits as (
        -- Looked at twelve hours before its moment once more, for the client may have moved to another zone.
        insert into sms.event_plan (event_id, rule_id, client_id, due_at, look_at, message_id)
        select d.event_id, d.rule_id, e.client_id, d.due_at,
               case when d.fate = 'message' then greatest(d.send_at, p_now) + interval '1 minute'
                    when d.is_local and d.due_at > p_now + interval '13 hours' then d.due_at - interval '12 hours'
                    else d.due_at - interval '10 minutes' end, d.message_id
          from decided as d
          cross join lateral (select x.client_id from sms.event as x where x.event_id = d.event_id offset 0) as e
         where d.fate = 'planned' or d.fate = 'message' and d.may_be_cancelled and e.client_id is not null
    )
    select d.event_id, d.rule_id, d.fate, d.message_id, d.due_at,
           case when d.fate <> 'nothing' and d.note is not null then 'rule ' || d.event_rule || ': ' || d.note end
      from decided as d;
end
$$;

COMMENT ON FUNCTION sms.act_on_events(p_event_ids bigint[], p_rule_ids integer[], p_is_new boolean, p_now timestamp with time zone) IS 'Let rules act on events: messages, plans, or a note why there is none.';

-- FUNCTION acting_role()

CREATE FUNCTION sms.acting_role() RETURNS text
    LANGUAGE sql STABLE
    AS $$
    select case current_setting('role') when 'none' then session_user::text else current_setting('role') end
$$;

COMMENT ON FUNCTION sms.acting_role() IS 'The role the session acts as, also inside security definer functions.';

-- FUNCTION advance(smallint, bigint[], text[], text[], timestamp with time zone)

CREATE FUNCTION sms.advance(p_provider_id smallint, p_ids bigint[], p_states text[], p_errors text[], p_now timestamp with time zone) RETURNS bigint[]
    LANGUAGE plpgsql
    AS $$
declare
    _moved bigint[];
    _failed bigint[];
begin
    with best as materialized (
        select distinct on (g.id) g.id, g.state, g.error
          from unnest(p_ids, p_states, p_errors) as g (id, state, error)
         order by g.id, sms.state_rank(g.state) desc
    ), legal as materialized (
        select t.to_state, array_agg(t.from_state) as from_states
          from sms.state_transition as t
         where sms.state_rank(t.from_state) < sms.state_rank(t.to_state)
         group by t.to_state
    ), move as materialized (
        -- in order of id, so that overlapping batches lock rows in one order and cannot deadlock
        select b.id, b.state, b.error, l.from_states
          from best as b
          join legal as l on l.to_state = b.state
         order by b.id
    ), moved as (
        update sms.outcome as o
           set state = b.state,
               submitted_at = coalesce(o.submitted_at, p_now),
               final_at = case when b.state <> 'accepted' then p_now end,
               reason = null,
               detail = case when b.state = 'delivered' then null else b.error end
          from move as b
         where o.id = b.id and o.attempts > 0 and o.state = any (b.from_states)
           and (o.provider_id = p_provider_id or sms.counts_late(o.id, p_provider_id, b.state))
     returning o.id, o.state
    )
    select coalesce(array_agg(m.id), '{}'), array_agg(m.id) filter (where m.state in ('undelivered', 'expired', 'rejected'))
      into _moved, _failed
      from moved as m;
    if _failed is not null then
        perform sms.note_troubles(_failed, p_now);
    end if;
    return _moved;
end
$$;

COMMENT ON FUNCTION sms.advance(p_provider_id smallint, p_ids bigint[], p_states text[], p_errors text[], p_now timestamp with time zone) IS 'Move messages forward to what the receipts of their provider say; never back.';

-- TABLE campaign_run

CREATE TABLE sms.campaign_run (
    run_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    state text NOT NULL,
    template text,
    channel text NOT NULL,
    per_hour integer,
    ends_at timestamp with time zone,
    begins_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    created_by text DEFAULT SESSION_USER NOT NULL,
    begun_at timestamp with time zone,
    frozen_at timestamp with time zone,
    finished_at timestamp with time zone,
    recipients bigint DEFAULT 0 NOT NULL,
    repeated bigint DEFAULT 0 NOT NULL,
    waiting bigint DEFAULT 0 NOT NULL,
    unsent bigint DEFAULT 0 NOT NULL,
    unsent_reason text,
    reserved numeric DEFAULT 0 NOT NULL,
    counted_at timestamp with time zone,
    next_slot timestamp with time zone,
    fed_at timestamp with time zone,
    first_id bigint,
    last_id bigint,
    is_swept boolean DEFAULT false NOT NULL,
    problem text,
    awaits_release boolean DEFAULT false NOT NULL,
    CONSTRAINT campaign_run_frozen CHECK (((state <> ALL (ARRAY['running'::text, 'finished'::text])) OR (frozen_at IS NOT NULL))),
    CONSTRAINT campaign_run_state_check CHECK ((state = ANY (ARRAY['planned'::text, 'freezing'::text, 'running'::text, 'paused'::text, 'finished'::text, 'stopped'::text, 'failed'::text]))),
    CONSTRAINT campaign_run_unsent CHECK (((unsent = 0) OR (unsent_reason IS NOT NULL)))
);

COMMENT ON TABLE sms.campaign_run IS 'One launch of a campaign, as it was at that moment. Progress: sms.campaign_progress.';

COMMENT ON COLUMN sms.campaign_run.run_id IS 'Key.';

COMMENT ON COLUMN sms.campaign_run.campaign_id IS 'The campaign.';

COMMENT ON COLUMN sms.campaign_run.state IS 'planned (waits for its moment), freezing (its recipients are being collected), running, paused, finished, stopped, failed (see problem).';

COMMENT ON COLUMN sms.campaign_run.template IS 'The text, pinned as name@version when the recipients were frozen.';

COMMENT ON COLUMN sms.campaign_run.channel IS 'The channel, as it was at the launch.';

COMMENT ON COLUMN sms.campaign_run.per_hour IS 'Messages an hour, as at the launch.';

COMMENT ON COLUMN sms.campaign_run.ends_at IS 'When it ends, as at the launch.';

COMMENT ON COLUMN sms.campaign_run.begins_at IS 'The moment it is, or was, to begin; null = the next cron moment, being worked out.';

COMMENT ON COLUMN sms.campaign_run.created_at IS 'When it was launched or planned.';

COMMENT ON COLUMN sms.campaign_run.created_by IS 'By whom; the worker''s login where the schedule did.';

COMMENT ON COLUMN sms.campaign_run.begun_at IS 'When its moment had come and its recipients began to be collected.';

COMMENT ON COLUMN sms.campaign_run.frozen_at IS 'When its recipients were frozen.';

COMMENT ON COLUMN sms.campaign_run.finished_at IS 'When its last message left the queue, or it was stopped.';

COMMENT ON COLUMN sms.campaign_run.recipients IS 'People frozen: one row each, unusable phones included.';

COMMENT ON COLUMN sms.campaign_run.repeated IS 'Further rows of the audience for the same client or number, dropped.';

COMMENT ON COLUMN sms.campaign_run.waiting IS 'Recipients not queued yet.';

COMMENT ON COLUMN sms.campaign_run.unsent IS 'Recipients that were never queued, because the run ended before.';

COMMENT ON COLUMN sms.campaign_run.unsent_reason IS 'Why: campaign_stopped, budget, or expired (ends_at came first).';

COMMENT ON COLUMN sms.campaign_run.reserved IS 'Expected cost so far; kept only with a budget.';

COMMENT ON COLUMN sms.campaign_run.counted_at IS 'When reserved was last counted anew from what really happened.';

COMMENT ON COLUMN sms.campaign_run.next_slot IS 'With per_hour: the moment of the next message.';

COMMENT ON COLUMN sms.campaign_run.fed_at IS 'When messages were last queued.';

COMMENT ON COLUMN sms.campaign_run.first_id IS 'Smallest message id.';

COMMENT ON COLUMN sms.campaign_run.last_id IS 'Largest message id so far.';

COMMENT ON COLUMN sms.campaign_run.is_swept IS 'True when the recipients it left unsent are removed.';

COMMENT ON COLUMN sms.campaign_run.problem IS 'Why it failed or paused by itself, for people.';

COMMENT ON COLUMN sms.campaign_run.awaits_release IS 'True: paused by itself, because its campaign changed after its release; the next release lets it go on.';

-- FUNCTION affordable(sms.campaign_run, smallint, bigint, integer, timestamp with time zone)

CREATE FUNCTION sms.affordable(p_run sms.campaign_run, p_zone_id smallint, p_fed_up_to bigint, p_count integer, p_now timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    AS $$
declare
    _budget numeric := (select c.budget from sms.campaign as c where c.campaign_id = p_run.campaign_id);
    _reserved numeric;
    _count int;
    _cost numeric;
    _unpriced boolean;
begin
    if _budget is null then
        return p_count;
    end if;
    select r.reserved into _reserved from sms.campaign_run as r where r.run_id = p_run.run_id;
    for _round in 1..2 loop
        select count(*) filter (where k.total <= _budget - _reserved), max(k.total) filter (where k.total <= _budget - _reserved),
               bool_or(k.is_unpriced)
          into _count, _cost, _unpriced
          from (select sum(x.cost) over (order by x.recipient_id) as total, x.is_unpriced
                  from sms.price_recipients(p_run, p_zone_id, p_fed_up_to, p_count, p_now) as x) as k;
        exit when _count > 0 or _round = 2 or p_run.counted_at > p_now - interval '2 seconds';
        _reserved := sms.run_cost(p_run.run_id, p_now);
        update sms.campaign_run as r set reserved = _reserved, counted_at = p_now where r.run_id = p_run.run_id;
    end loop;
    if _unpriced then
        update sms.campaign_run as r
           set state = 'paused', problem = 'it has a budget, but no tariff says what a message of some of its lanes costs'
         where r.run_id = p_run.run_id;
        return 0;
    end if;
    update sms.campaign_run as r set reserved = _reserved + coalesce(_cost, 0) where r.run_id = p_run.run_id and _count > 0;
    return _count;
end
$$;

COMMENT ON FUNCTION sms.affordable(p_run sms.campaign_run, p_zone_id smallint, p_fed_up_to bigint, p_count integer, p_now timestamp with time zone) IS 'How many of the next recipients the budget still covers; reserves their cost.';

-- FUNCTION announce_config()

CREATE FUNCTION sms.announce_config() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform pg_notify('sms_config', '');
    return null;
end
$$;

COMMENT ON FUNCTION sms.announce_config() IS 'Trigger: NOTIFY sms_config, workers read providers and lanes again.';

-- FUNCTION announce_route(jsonb, boolean)

CREATE FUNCTION sms.announce_route(p_payload jsonb, p_for_people boolean DEFAULT true) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    insert into sms.route_notice (payload) select p_payload where p_for_people;
    perform pg_notify('sms_route', left(p_payload::text, 7900));
end
$$;

COMMENT ON FUNCTION sms.announce_route(p_payload jsonb, p_for_people boolean) IS 'NOTIFY sms_route, and keep the payload for the webhook.';

-- FUNCTION answer_percentile(bigint[], numeric)

CREATE FUNCTION sms.answer_percentile(p_times bigint[], p_share numeric) RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $$
    select min(1 << (x.n::int - 1))
      from (select t.n, sum(t.count) over (order by t.n) as within, sum(t.count) over () as total
              from unnest(p_times) with ordinality as t (count, n)) as x
     where x.total > 0 and x.within >= x.total * p_share
$$;

COMMENT ON FUNCTION sms.answer_percentile(p_times bigint[], p_share numeric) IS 'The answer time in ms within which a share of the answers came, to the next power of two.';

-- FUNCTION apply_orphans(bigint[], timestamp with time zone)

CREATE FUNCTION sms.apply_orphans(p_receipt_ids bigint[], p_now timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql
    AS $$
declare
    _ids bigint[];
    _states text[];
    _errors text[];
    _parts smallint[];
    _providers smallint[];
    _provider_id smallint;
begin
    with found as materialized (
        select u.receipt_id, o.id, o.provider_id as carrier_id, case when r.parts > 1 then r.part end as part
          from unnest(p_receipt_ids) as g (receipt_id)
          cross join lateral (select x.* from sms.unmatched_receipt as x where x.receipt_id = g.receipt_id offset 0) as u
          left join lateral (
                   select x.id, x.part, x.parts from sms.provider_ref as x
                    where u.message_id is null and x.provider_id = u.provider_id and x.ref = u.provider_ref
                    order by x.id desc
                    limit 1
               ) as r on true
          cross join lateral (select x.id, x.provider_id from sms.outcome as x where x.id = coalesce(u.message_id, r.id) offset 0) as o
    ), gone as (
        delete from sms.unmatched_receipt as u using found as f where u.receipt_id = f.receipt_id
     returning f.id, f.carrier_id, f.part, u.message_id, u.receipt_id, u.provider_id, u.code, u.state, u.error
    ), kept as (
        insert into sms.receipt_match (message_id, receipt_id, provider_id, part, code, error)
        select g.id, g.receipt_id, g.provider_id, g.part, g.code, g.error from gone as g where g.message_id is null
            on conflict do nothing
    ), foreigners as (
        insert into sms.foreign_receipt (receipt_id, message_id, provider_id, carrier_id)
        select g.receipt_id, g.id, g.provider_id, g.carrier_id
          from gone as g
         where g.carrier_id is distinct from g.provider_id and not sms.counts_late(g.id, g.provider_id, g.state)
            on conflict do nothing
    )
    select array_agg(g.id), array_agg(g.state), array_agg(g.error), array_agg(g.part), array_agg(g.provider_id)
      into _ids, _states, _errors, _parts, _providers from gone as g;
    if _ids is null then
        return 0;
    end if;
    for _provider_id in select distinct p from unnest(_providers) as p loop
        perform sms.advance(_provider_id, array_agg(g.id), array_agg(g.state), array_agg(g.error), p_now)
           from unnest(_ids, _states, _errors, _parts, _providers) as g (id, state, error, part, provider_id)
          where g.part is null and g.provider_id = _provider_id;
        perform sms.fold_parts(_provider_id, array_agg(g.id), array_agg(g.part), array_agg(g.state), array_agg(g.error), p_now)
           from unnest(_ids, _states, _errors, _parts, _providers) as g (id, state, error, part, provider_id)
          where g.part is not null and g.provider_id = _provider_id;
    end loop;
    return cardinality(_ids);
end
$$;

COMMENT ON FUNCTION sms.apply_orphans(p_receipt_ids bigint[], p_now timestamp with time zone) IS 'Move messages to what receipts say that came before they were settled or their reference was known.';

-- FUNCTION apply_uncertain_policy(integer, timestamp with time zone)

CREATE FUNCTION sms.apply_uncertain_policy(p_limit integer DEFAULT 1000, p_as_of timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(resent integer, given_up integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
declare
    _now timestamptz := coalesce(sms.named_moment(p_as_of), clock_timestamp());
    _resend bigint[];
    _give_up bigint[];
begin
    -- Not the youngest: a settle under way may be doubting the message again, unseen by the look-up in this snapshot.
    delete from sms.doubtful as d
     where d.since < _now - interval '10 minutes'
       and not exists (select from sms.outcome as o where o.id = d.id and o.state = 'uncertain');
    select array_agg(d.id) filter (where d.on_uncertain = 'resend'), array_agg(d.id) filter (where d.on_uncertain = 'give_up')
      into _resend, _give_up
      from (select x.id, c.on_uncertain
              from sms.doubtful as x
              join sms.outcome as o on o.id = x.id
              join sms.lane as l using (lane_id)
              join sms.channel as c using (channel_id)
             where o.state = 'uncertain' and c.on_uncertain <> 'hold' and o.decided_at < _now - c.uncertain_after
             limit p_limit) as d;
    return query select coalesce(sms.resolve_uncertain(_resend, 'resend', null, 'the channel''s on_uncertain'), 0),
                        coalesce(sms.resolve_uncertain(_give_up, 'give_up', 'no answer within the channel''s uncertain_after', 'the channel''s on_uncertain'), 0);
end
$$;

COMMENT ON FUNCTION sms.apply_uncertain_policy(p_limit integer, p_as_of timestamp with time zone) IS 'Chore. Apply each channel''s on_uncertain to messages that stayed uncertain too long.';

-- FUNCTION attributions(integer, timestamp with time zone, timestamp with time zone, text)

CREATE FUNCTION sms.attributions(p_goal_id integer, p_from timestamp with time zone, p_until timestamp with time zone, p_touch text) RETURNS TABLE(conversion_id bigint, message_id bigint, took interval, amount numeric)
    LANGUAGE plpgsql STABLE
    SET enable_nestloop TO 'off'
    AS $$
#variable_conflict use_column
declare
    _window interval := (select g.attribution_window from sms.goal as g where g.goal_id = p_goal_id);
begin
    return query
    select f.conversion_id, f.message_id, f.took, f.amount
      from (select c.conversion_id, e.message_id, e.at, c.occurred_at - e.at as took, c.amount,
                   row_number() over (partition by c.conversion_id order by e.at desc, e.message_id desc) as n
              from sms.exposures(p_from, p_until + _window) as e
              join sms.conversion as c on c.goal_id = p_goal_id and c.client_id = e.client_id
               and c.occurred_at >= p_from and c.occurred_at < p_until + _window
               and c.occurred_at > e.at and c.occurred_at <= e.at + _window
             where e.is_handed_over) as f
     where f.at < p_until and (p_touch = 'any' or f.n = 1);
end
$$;

COMMENT ON FUNCTION sms.attributions(p_goal_id integer, p_from timestamp with time zone, p_until timestamp with time zone, p_touch text) IS 'Which conversions of a goal are owed to which messages, by last touch or any.';

-- FUNCTION audience_in_time(timestamp with time zone)

CREATE FUNCTION sms.audience_in_time(p_until timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
begin
    if clock_timestamp() > p_until then
        raise exception 'the audience takes too long' using errcode = 'SM034';
    end if;
    return true;
end
$$;

COMMENT ON FUNCTION sms.audience_in_time(p_until timestamp with time zone) IS 'Part of run_audience: SM034 once the time is over.';

-- FUNCTION audience_statement(text, text[])

CREATE FUNCTION sms.audience_statement(p_query text, p_columns text[]) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $_$
    select 'select a.client_id::bigint, a.phone::text, '
           || case when 'time_zone' = any (p_columns) then 'a.time_zone::text, ' else 'null::text, ' end
           || 'jsonb_build_object('
           || coalesce((select string_agg(format('%L, a.%I', c.name, c.name), ', ' order by c.place)
                          from unnest(p_columns) with ordinality as c (name, place)
                         where c.name not in ('client_id', 'phone', 'time_zone')), '')
           || ') from (' || p_query || E'\n) as a where sms.audience_in_time($2) limit $1'
$_$;

COMMENT ON FUNCTION sms.audience_statement(p_query text, p_columns text[]) IS 'Part of run_audience: the statement that reads an audience.';

-- FUNCTION audience_texts(text)

CREATE FUNCTION sms.audience_texts(p_audience text) RETURNS TABLE(audience text, query text)
    LANGUAGE sql STABLE
    AS $_$
    with recursive used as (
        select a.audience, a.query from sms.audience as a where a.audience = p_audience and a.removed_at is null
        union
        select b.audience, b.query
          from used as u
          join sms.audience as b
            on b.removed_at is null
           and (strpos(u.query, '''' || b.audience || '''') > 0 or strpos(u.query, '$' || b.audience || '$') > 0)
    )
    select u.audience, u.query from used as u order by u.audience <> p_audience, u.audience
$_$;

COMMENT ON FUNCTION sms.audience_texts(p_audience text) IS 'The SELECT of an audience and of those it names, itself first.';

-- FUNCTION audit_rule()

CREATE FUNCTION sms.audit_rule() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    _noted constant text[] := array['collected_until', 'warned_for', 'stopped_for'];
begin
    if tg_op = 'INSERT' then
        insert into sms.rule_change (acted_as, rule_table, rule_key, action, new)
        select sms.acting_role(), tg_table_name, sms.rule_key(to_jsonb(n), tg_argv), 'insert', to_jsonb(n) from new_rows as n;
    elsif tg_op = 'DELETE' then
        insert into sms.rule_change (acted_as, rule_table, rule_key, action, old)
        select sms.acting_role(), tg_table_name, sms.rule_key(to_jsonb(o), tg_argv), 'delete', to_jsonb(o) from old_rows as o;
    elsif tg_op = 'TRUNCATE' then
        execute format('insert into sms.rule_change (acted_as, rule_table, rule_key, action, old) '
                       'select sms.acting_role(), %L, sms.rule_key(to_jsonb(o), $1), ''delete'', to_jsonb(o) from sms.%I as o',
                       tg_table_name, tg_table_name) using tg_argv;
    else
        -- A changed key reads as a row that went and a row that came.
        insert into sms.rule_change (acted_as, rule_table, rule_key, action, old, new)
        select sms.acting_role(), tg_table_name, coalesce(n.key, o.key),
               case when o.key is null then 'insert' when n.key is null then 'delete' else 'update' end, o.line, n.line
          from (select to_jsonb(x) as line, sms.rule_key(to_jsonb(x), tg_argv) as key from old_rows as x) as o
          full join (select to_jsonb(x) as line, sms.rule_key(to_jsonb(x), tg_argv) as key from new_rows as x) as n on n.key = o.key
         where o.line - _noted is distinct from n.line - _noted;
    end if;
    return null;
end
$_$;

COMMENT ON FUNCTION sms.audit_rule() IS 'Trigger: every change of a rule goes to sms.rule_change.';

-- FUNCTION begin_launch(bigint)

CREATE FUNCTION sms.begin_launch(p_campaign_id bigint) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ select sms.begin_run(p_campaign_id) $$;

COMMENT ON FUNCTION sms.begin_launch(p_campaign_id bigint) IS 'Launch in two steps, the first: write down the run; returns it.';

-- FUNCTION begin_run(bigint)

CREATE FUNCTION sms.begin_run(p_campaign_id bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _now timestamptz := clock_timestamp();
    _campaign sms.campaign;
    _open sms.campaign_run;
    _state text;
    _run_id bigint;
begin
    select * into _campaign from sms.campaign as c where c.campaign_id = sms.known_campaign(p_campaign_id);
    if not pg_try_advisory_xact_lock(74031, p_campaign_id::int) then
        raise exception 'campaign "%" is being launched right now', _campaign.campaign
            using errcode = 'SM042', hint = 'Watch it, or try again when that has ended.';
    end if;
    select * into _open
      from sms.campaign_run as r
     where r.campaign_id = p_campaign_id and r.state in ('planned', 'freezing', 'running', 'paused')
     order by r.run_id
     limit 1;
    if found then
        raise exception 'campaign "%" is % already (run %)', _campaign.campaign, _open.state, _open.run_id
            using errcode = 'SM042', hint = 'Stop it first, or wait until it has finished.';
    end if;
    perform sms.refuse_launch(_campaign, _now);
    _state := case when _campaign.cron is not null or _campaign.start_at > _now then 'planned' else 'freezing' end;
    insert into sms.campaign_run (campaign_id, state, channel, per_hour, ends_at, begins_at, begun_at)
    values (p_campaign_id, _state, _campaign.channel, _campaign.per_hour, _campaign.ends_at,
            case when _campaign.cron is null then greatest(_campaign.start_at, _now) end,
            case when _state = 'freezing' then _now end)
    returning run_id into _run_id;
    perform sms.log_activity('launched', 'campaign', _campaign.campaign, jsonb_build_object('run_id', _run_id, 'state', _state));
    perform pg_notify('sms_campaign', '');
    return _run_id;
end
$$;

COMMENT ON FUNCTION sms.begin_run(p_campaign_id bigint) IS 'First half of a launch: check the campaign, write down its run, planned or freezing.';

-- TABLE budget

CREATE TABLE sms.budget (
    budget_id integer NOT NULL,
    budget text NOT NULL,
    channel text,
    campaign_id bigint,
    month date,
    amount numeric(14,2) NOT NULL,
    warn_at numeric(3,2) DEFAULT 0.8 NOT NULL,
    stops boolean DEFAULT true NOT NULL,
    warned_for date,
    stopped_for date,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by text DEFAULT SESSION_USER NOT NULL,
    CONSTRAINT "a budget has a name" CHECK ((btrim(budget) <> ''::text)),
    CONSTRAINT "a budget is not negative" CHECK ((amount >= (0)::numeric)),
    CONSTRAINT "a month is named by its first day" CHECK ((EXTRACT(day FROM month) = (1)::numeric)),
    CONSTRAINT "warn_at is a share between 0 and 1" CHECK (((warn_at >= (0)::numeric) AND (warn_at <= (1)::numeric)))
);

COMMENT ON TABLE sms.budget IS 'How much may be spent: by a channel, by a campaign, or by all, in one month or in each. Used up, messages end as suppressed (budget).';

COMMENT ON COLUMN sms.budget.budget_id IS 'Key.';

COMMENT ON COLUMN sms.budget.budget IS 'Name, for messages and logs.';

COMMENT ON COLUMN sms.budget.channel IS 'Only this channel; null = every.';

COMMENT ON COLUMN sms.budget.campaign_id IS 'Only this campaign; null = every and none.';

COMMENT ON COLUMN sms.budget.month IS 'Only this month; null = each month anew, for a campaign all its life.';

COMMENT ON COLUMN sms.budget.amount IS 'Amount, in the own currency.';

COMMENT ON COLUMN sms.budget.warn_at IS 'Share at which to warn.';

COMMENT ON COLUMN sms.budget.stops IS 'Whether it stops messages when used up, or only warns.';

COMMENT ON COLUMN sms.budget.warned_for IS 'Begin of the span for which it warned already.';

COMMENT ON COLUMN sms.budget.stopped_for IS 'Begin of the span for which it told that it is used up.';

COMMENT ON COLUMN sms.budget.created_at IS 'When.';

COMMENT ON COLUMN sms.budget.created_by IS 'Who.';

-- FUNCTION budget_span(sms.budget, timestamp with time zone)

CREATE FUNCTION sms.budget_span(p_budget sms.budget, p_as_of timestamp with time zone) RETURNS daterange
    LANGUAGE sql STABLE
    AS $$
    select case when p_budget.month is not null then daterange(p_budget.month, (p_budget.month + interval '1 month')::date)
                when p_budget.campaign_id is not null then daterange('-infinity', 'infinity')
                else daterange(t.month, (t.month + interval '1 month')::date) end
      from (select date_trunc('month', p_as_of at time zone sms.statistics_zone())::date as month) as t
$$;

COMMENT ON FUNCTION sms.budget_span(p_budget sms.budget, p_as_of timestamp with time zone) IS 'The days over which a budget counts.';

-- FUNCTION budget_status(timestamp with time zone)

CREATE FUNCTION sms.budget_status(p_as_of timestamp with time zone DEFAULT clock_timestamp()) RETURNS TABLE(budget_id integer, budget text, channel text, campaign_id bigint, span daterange, amount numeric, spent numeric, share numeric, warn_at numeric, stops boolean)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select b.budget_id, b.budget, b.channel, b.campaign_id, p.span, b.amount, s.spent,
           case when b.amount = 0 then 1 else round(s.spent / b.amount, 4) end, b.warn_at, b.stops
      from sms.budget as b
      left join sms.channel as c on c.channel = b.channel
     cross join lateral sms.budget_span(b, p_as_of) as p (span)
     cross join lateral (
               select coalesce(sum(x.amount), 0) as spent
                 from (select d.amount, d.day, d.channel_id, nullif(d.campaign_id, 0) as campaign_id from sms.spend_day as d
                        where d.day >= coalesce(nullif(lower(p.span), '-infinity'), date '2020-01-01') and d.day < upper(p.span)
                        union all
                       select f.amount, f.day, f.channel_id, f.campaign_id from sms.spend as f) as x
                where x.day <@ p.span
                  and (b.channel is null or x.channel_id = c.channel_id)
                  and (b.campaign_id is null or x.campaign_id = b.campaign_id)
           ) as s
     where p.span @> (p_as_of at time zone sms.statistics_zone())::date
$$;

COMMENT ON FUNCTION sms.budget_status(p_as_of timestamp with time zone) IS 'Every budget that counts now, with what is spent of it.';

-- TABLE campaign

CREATE TABLE sms.campaign (
    campaign_id bigint NOT NULL,
    campaign text NOT NULL,
    holdout_percent numeric(5,2) DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by text DEFAULT SESSION_USER NOT NULL,
    template text,
    audience text,
    channel text DEFAULT 'planned'::text NOT NULL,
    start_at timestamp with time zone,
    local_time time without time zone,
    cron text,
    cron_zone text,
    missed_runs text DEFAULT 'skip'::text NOT NULL,
    per_hour integer,
    ends_at timestamp with time zone,
    budget numeric(14,2),
    needs_release boolean DEFAULT false NOT NULL,
    released_at timestamp with time zone,
    released_by text,
    released_digest text,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    changed_by text DEFAULT SESSION_USER NOT NULL,
    writers text[] DEFAULT '{}'::text[] NOT NULL,
    authors jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT "a budget is more than nothing" CHECK ((budget > (0)::numeric)),
    CONSTRAINT "a campaign name is 1 to 200 characters" CHECK (((char_length(campaign) >= 1) AND (char_length(campaign) <= 200))),
    CONSTRAINT "a campaign names a template as name or name@version" CHECK ((template ~ '^[a-z][a-z0-9_.-]{0,79}(@[1-9][0-9]{0,5})?$'::text)),
    CONSTRAINT "a campaign sends 1 to 10,000,000 messages an hour" CHECK (((per_hour >= 1) AND (per_hour <= 10000000))),
    CONSTRAINT "a campaign starts at a moment or by cron, not both" CHECK ((num_nonnulls(start_at, cron) < 2)),
    CONSTRAINT "a campaign starts before it ends" CHECK ((start_at < ends_at)),
    CONSTRAINT "a cron expression needs its time zone" CHECK (((cron IS NULL) = (cron_zone IS NULL))),
    CONSTRAINT "a release says who, when and what" CHECK ((num_nonnulls(released_at, released_by, released_digest) = ANY (ARRAY[0, 3]))),
    CONSTRAINT "cron has five fields: minute hour day month weekday" CHECK ((cron ~ '^[0-9A-Za-z*/,#-]+( +[0-9A-Za-z*/,#-]+){4}$'::text)),
    CONSTRAINT "holdout is 0 to 50 percent" CHECK (((holdout_percent >= (0)::numeric) AND (holdout_percent <= (50)::numeric))),
    CONSTRAINT "missed runs are dealt with by skip, once or all" CHECK ((missed_runs = ANY (ARRAY['skip'::text, 'once'::text, 'all'::text])))
);

COMMENT ON TABLE sms.campaign IS 'Template, audience, channel and schedule. Each launch is a run; rows of sms.outbox name the campaign in campaign_id.';

COMMENT ON COLUMN sms.campaign.campaign_id IS 'What sms.outbox.campaign_id holds.';

COMMENT ON COLUMN sms.campaign.campaign IS 'Its name.';

COMMENT ON COLUMN sms.campaign.holdout_percent IS 'Share of the audience that deliberately gets nothing, drawn by a stable hash.';

COMMENT ON COLUMN sms.campaign.created_at IS 'When it was made.';

COMMENT ON COLUMN sms.campaign.created_by IS 'By whom.';

COMMENT ON COLUMN sms.campaign.template IS 'What is sent: a template''s name (its newest version at each launch) or name@version.';

COMMENT ON COLUMN sms.campaign.audience IS 'Who gets it: sms.audience.audience.';

COMMENT ON COLUMN sms.campaign.channel IS 'How it is sent, see sms.channel.';

COMMENT ON COLUMN sms.campaign.start_at IS 'A launch before this moment waits for it; null = at once.';

COMMENT ON COLUMN sms.campaign.local_time IS 'Each recipient''s own clock must come to this time of day first; null = no waiting.';

COMMENT ON COLUMN sms.campaign.cron IS 'Runs again and again: minute hour day month weekday, in cron_zone; null = one run a launch.';

COMMENT ON COLUMN sms.campaign.cron_zone IS 'IANA zone whose clock cron means.';

COMMENT ON COLUMN sms.campaign.missed_runs IS 'Moments that passed while nobody could run them: skip, one run for all of them (once), or a run for each (all).';

COMMENT ON COLUMN sms.campaign.per_hour IS 'At most so many messages an hour; null = as fast as providers allow.';

COMMENT ON COLUMN sms.campaign.ends_at IS 'Nothing is sent from this moment on, and no run begins.';

COMMENT ON COLUMN sms.campaign.budget IS 'Expected cost of one run at most; null = no limit.';

COMMENT ON COLUMN sms.campaign.needs_release IS 'Four eyes: launched only after sms.release_campaign by somebody else than who wrote it.';

COMMENT ON COLUMN sms.campaign.released_at IS 'When it was released.';

COMMENT ON COLUMN sms.campaign.released_by IS 'By whom.';

COMMENT ON COLUMN sms.campaign.released_digest IS 'What was released; changed contents need another release.';

COMMENT ON COLUMN sms.campaign.changed_at IS 'When it was last changed.';

COMMENT ON COLUMN sms.campaign.changed_by IS 'By whom.';

COMMENT ON COLUMN sms.campaign.writers IS 'Who changed it since its last release; none of them may release it. Written by a trigger.';

COMMENT ON COLUMN sms.campaign.authors IS 'Who gave each column the value it has: {"budget": "anna"}; none of them may release it. Written by a trigger.';

-- FUNCTION campaign_authors(sms.campaign)

CREATE FUNCTION sms.campaign_authors(p_campaign sms.campaign) RETURNS text[]
    LANGUAGE sql STABLE
    AS $$
    select coalesce(array_agg(distinct w.login), '{}')
      from (select unnest(p_campaign.writers) as login
            union all select a.value from jsonb_each_text(p_campaign.authors) as a
            union all select v.created_by
                        from sms.template as t
                        join sms.template_version as v on v.template_id = t.template_id
                       where t.template = split_part(p_campaign.template, '@', 1)
                         and case when p_campaign.template like '%@%'
                                  then v.version_no::text = split_part(p_campaign.template, '@', 2)
                                  else v.created_at > coalesce(p_campaign.released_at, p_campaign.created_at)
                                       or v.version_no = (select max(x.version_no) from sms.template_version as x
                                                           where x.template_id = t.template_id) end
            union all select v.changed_by
                        from sms.audience_texts(p_campaign.audience) as q
                        join sms.audience as a on a.audience = q.audience
                        join sms.audience_version as v on v.audience_id = a.audience_id
                       where v.version_no = a.version_no
                          or v.changed_at > coalesce(p_campaign.released_at, p_campaign.created_at)) as w
$$;

COMMENT ON FUNCTION sms.campaign_authors(p_campaign sms.campaign) IS 'Who wrote a campaign, its text or its audience: who may not release it.';

-- FUNCTION campaign_digest(sms.campaign)

CREATE FUNCTION sms.campaign_digest(p_campaign sms.campaign) RETURNS text
    LANGUAGE plpgsql STABLE
    AS $$
declare
    _version int;
    _query text;
begin
    select max(v.template_version_id) into _version
      from sms.template as t
      join sms.template_version as v on v.template_id = t.template_id
     where t.template = split_part(p_campaign.template, '@', 1)
       and (p_campaign.template not like '%@%' or v.version_no::text = split_part(p_campaign.template, '@', 2));
    select string_agg(a.query, E'\x1e') into _query from sms.audience_texts(p_campaign.audience) as a;
    return md5(concat_ws(E'\x1f', _version, _query,
                         to_jsonb(p_campaign) - array['created_at', 'created_by', 'changed_at', 'changed_by', 'released_at',
                                                      'released_by', 'released_digest', 'writers', 'authors']));
end
$$;

COMMENT ON FUNCTION sms.campaign_digest(p_campaign sms.campaign) IS 'Fingerprint of what a campaign would send, to whom and when: what a release is for.';

-- FUNCTION campaign_people(text, text, timestamp with time zone)

CREATE FUNCTION sms.campaign_people(p_audience text, p_channel text, p_as_of timestamp with time zone) RETURNS TABLE(n bigint, client_id bigint, phone text, time_zone text, vars jsonb, zone_id smallint, is_repeat boolean)
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
#variable_conflict use_column
begin
    return query
    with read as (
        select row_number() over () as n, a.client_id, a.phone, a.time_zone, a.vars
          from sms.run_audience(p_audience) as a
    ), understood as (
        select r.*, f.msisdn, case when f.reason is null then f.zone_id else -1::smallint end as zone_id
          from read as r
          cross join lateral sms.interpret_request(
                   p_channel, r.phone, 'x', null, null, null, null, null, null, r.time_zone, r.client_id, p_as_of) as f
    ), by_client as (
        select u.*, case when u.client_id is null then 1
                         else row_number() over (partition by u.client_id order by u.zone_id = -1, u.n) end as nth
          from understood as u
    )
    select b.n, b.client_id, b.phone, b.time_zone, b.vars, b.zone_id,
           b.nth > 1 or (b.msisdn is not null and row_number() over (partition by b.msisdn, b.nth > 1 order by b.n) > 1)
      from by_client as b;
end
$$;

COMMENT ON FUNCTION sms.campaign_people(p_audience text, p_channel text, p_as_of timestamp with time zone) IS 'The people of an audience, one row a client and a number; repeats are marked.';

-- FUNCTION campaign_stamp(bigint)

CREATE FUNCTION sms.campaign_stamp(p_campaign_id bigint) RETURNS text
    LANGUAGE sql STABLE
    AS $$
    select concat_ws(' ', c.changed_at, (select string_agg(q.audience || '@' || a.version_no, ' ' order by q.audience)
                                           from sms.audience_texts(c.audience) as q
                                           join sms.audience as a on a.audience = q.audience))
      from sms.campaign as c where c.campaign_id = p_campaign_id
$$;

COMMENT ON FUNCTION sms.campaign_stamp(p_campaign_id bigint) IS 'Which version of a campaign and its audiences stands there; never the same again after a change.';

-- FUNCTION cancel(bigint[])

CREATE FUNCTION sms.cancel(p_ids bigint[]) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _cancelled bigint[] := sms.cancel_waiting(sms.my_messages(p_ids), 'cancelled', 'by ' || session_user);
begin
    if _cancelled <> '{}' then
        perform sms.log_activity('cancelled', 'message',
                                 case cardinality(_cancelled) when 1 then _cancelled[1]::text else cardinality(_cancelled) || ' messages' end,
                                 jsonb_build_object('messages', cardinality(_cancelled), 'ids', to_jsonb(_cancelled[1:20])));
    end if;
    return cardinality(_cancelled);
end
$$;

COMMENT ON FUNCTION sms.cancel(p_ids bigint[]) IS 'Cancel these messages where they still wait; returns how many were.';

-- FUNCTION cancel(bigint)

CREATE FUNCTION sms.cancel(p_id bigint) RETURNS integer
    LANGUAGE sql
    AS $$ select sms.cancel(array[p_id]) $$;

COMMENT ON FUNCTION sms.cancel(p_id bigint) IS 'Cancel one message if it still waits: 1, else 0.';

-- FUNCTION cancel(text)

CREATE FUNCTION sms.cancel(p_erp_ref text) RETURNS integer
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select sms.cancel(array(
        select p.id
          from sms.pending as p
          join sms.outbox as o on o.id = p.id
         where p.ref_hash = hashtextextended(p_erp_ref, 0) and o.erp_ref = p_erp_ref))
$$;

COMMENT ON FUNCTION sms.cancel(p_erp_ref text) IS 'Cancel every waiting message with this erp_ref; returns how many.';

-- FUNCTION cancel_by_events(bigint[], timestamp with time zone)

CREATE FUNCTION sms.cancel_by_events(p_event_ids bigint[], p_now timestamp with time zone) RETURNS TABLE(event_id bigint, cancelled integer)
    LANGUAGE plpgsql
    AS $$
declare
    _type text;
    _again bigint[];
    _events bigint[];
    _rules int[];
    _messages bigint[];
    _causes bigint[];
    _matched int;
    _recalled bigint[];
    _tids tid[];
    _cancelled boolean[];
    _effect record;
begin
    select array_agg(m.event_id), array_agg(m.rule_id), array_agg(m.cause_id), max(m.event_type)
      into _events, _rules, _causes, _type
      from (select distinct on (p.event_id, p.rule_id) p.event_id, p.rule_id, c.event_id as cause_id, t.event_type
              from unnest(p_event_ids) as i (event_id)
              cross join lateral (
                       select x.event_id, x.client_id, x.vars, x.fired_at, x.event_type_id
                         from sms.event as x where x.event_id = i.event_id offset 0
                   ) as c
              cross join lateral (select x.event_id, x.rule_id from sms.event_plan as x where x.client_id = c.client_id offset 0) as p
              join sms.event_type as t on t.event_type_id = c.event_type_id
              join sms.event_rule as r on r.rule_id = p.rule_id and t.event_type = any (r.cancelled_by)
              cross join lateral (select x.vars, x.fired_at from sms.event as x where x.event_id = p.event_id offset 0) as e
             where (r.cancel_key is null or e.vars ->> r.cancel_key = c.vars ->> r.cancel_key)
               and (e.fired_at, p.event_id) < (c.fired_at, c.event_id)   -- those of one call share the time
             order by p.event_id, p.rule_id, c.fired_at, c.event_id) as m;
    if _events is null then
        return;
    end if;
    _matched := cardinality(_events);
    _again := _causes;
    select array_agg(h.event_id), array_agg(h.rule_id), array_agg(h.message_id), array_agg(h.cause_id), array_agg(h.tid)
      into _events, _rules, _messages, _causes, _tids
      from (select p.event_id, p.rule_id, p.message_id, m.cause_id, p.tid
              from unnest(_events, _rules, _causes) as m (event_id, rule_id, cause_id)
              cross join lateral (
                       select x.event_id, x.rule_id, x.message_id, x.ctid as tid
                         from sms.event_plan as x
                        where x.event_id = m.event_id and x.rule_id = m.rule_id
                          for update skip locked
                   ) as p) as h;
    if _matched = coalesce(cardinality(_events), 0) then
        _again := '{}';
    end if;

    _recalled := sms.cancel_waiting(array_remove(_messages, null), 'cancelled', 'by event ' || _type);
    -- Hashed once: a join of two lists is a nested loop, as nobody knows how long they are.
    select array_agg(h.is_cancelled), array_agg(h.tid) filter (where h.is_cancelled or not h.is_held),
           _again || array_agg(h.cause_id) filter (where h.is_held and not h.is_cancelled)
      into _cancelled, _tids, _again
      from (select i.cause_id, i.tid, f.id is not null as is_held,
                   i.message_id is null or i.message_id in (select r.id from unnest(_recalled) as r (id)) as is_cancelled
              from unnest(_messages, _causes, _tids) with ordinality as i (message_id, cause_id, tid, n)
              left join lateral (select x.id from sms.inflight as x where x.id = i.message_id limit 1) as f on true
             order by i.n) as h;

    delete from sms.event_plan as p where p.ctid = any (_tids);
    insert into sms.event_recheck (event_id, look_at)
    select distinct a.event_id, p_now + interval '5 seconds' from unnest(_again) as a (event_id)
        on conflict do nothing;
    insert into sms.event_effect (event_id, rule_id, decided_at, outcome, cancelled_by_event_id)
    select h.event_id, h.rule_id, p_now, 'cancelled', h.cause_id
      from unnest(_events, _rules, _messages, _causes) as h (event_id, rule_id, message_id, cause_id)
     where h.message_id is null;
    for _effect in
        select h.event_id, h.rule_id, h.cause_id
          from unnest(_events, _rules, _messages, _causes, _cancelled) as h (event_id, rule_id, message_id, cause_id, is_cancelled)
         where h.message_id is not null and h.is_cancelled
    loop   -- one by one, so that each is found by its key whatever the planner believes of the table
        update sms.event_effect as e
           set outcome = 'cancelled', decided_at = p_now, cancelled_by_event_id = _effect.cause_id
         where e.event_id = _effect.event_id and e.rule_id = _effect.rule_id;
    end loop;

    return query
    select h.cause_id, count(*)::int
      from unnest(_causes, _cancelled) as h (cause_id, is_cancelled)
     where h.is_cancelled
     group by h.cause_id;
end
$$;

COMMENT ON FUNCTION sms.cancel_by_events(p_event_ids bigint[], p_now timestamp with time zone) IS 'What these events take back: plans and waiting messages of the same client; how many, by event.';

-- FUNCTION cancel_waiting(bigint[], text, text)

CREATE FUNCTION sms.cancel_waiting(p_ids bigint[], p_reason text, p_detail text) RETURNS bigint[]
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    AS $$
declare
    _now timestamptz := clock_timestamp();
    _cancelled bigint[];
begin
    with gone as materialized (
        delete from sms.pending as p where p.id = any (p_ids) returning p.*
    ), closed as (
        insert into sms.outcome (id, msisdn, decided_at, final_at, client_id, campaign_id, template_version_id, lane_id,
                                 zone_id, attempts, state, reason, detail)
        select g.id, g.msisdn, _now, _now, g.client_id, g.campaign_id, g.template_version_id, g.lane_id,
               g.zone_id, g.attempt, 'cancelled', p_reason, p_detail
          from gone as g
    )
    select coalesce(array_agg(g.id), '{}') into _cancelled from gone as g;
    return _cancelled;
end
$$;

COMMENT ON FUNCTION sms.cancel_waiting(p_ids bigint[], p_reason text, p_detail text) IS 'Take messages back where they still wait, with a reason; which ones it could.';

-- FUNCTION candidates(bigint[])

CREATE FUNCTION sms.candidates(p_ids bigint[]) RETURNS sms.candidate[]
    LANGUAGE sql STABLE
    AS $$
    select array_agg((o.id, coalesce(p.msisdn, i.msisdn, r.msisdn, f.msisdn), coalesce(p.not_before, f.not_before),
                      coalesce(p.expires_at, i.expires_at, f.expires_at),
                      f.dedup_key, f.ref_hash, o.client_id, o.campaign_id,
                      coalesce(p.template_version_id, i.template_version_id, r.template_version_id, f.template_version_id),
                      coalesce(p.lane_id, i.lane_id, r.lane_id, f.lane_id), ch.channel_id,
                      coalesce(p.zone_id, i.zone_id, r.zone_id, f.zone_id), f.priority,
                      coalesce(p.attempt, i.attempt, r.attempts), 0, 0, null::tid, 0)::sms.candidate)
      from sms.outbox as o
      join sms.channel as ch on ch.channel = o.channel
      cross join lateral sms.interpret_request(
               o.channel, o.phone, o.body, o.template, o.vars, o.erp_ref,
               o.priority, o.not_before, o.expires_at, o.time_zone, o.client_id, o.created_at) as f
      left join sms.pending as p on p.id = o.id
      left join sms.inflight as i on i.id = o.id
      left join sms.outcome as r on r.id = o.id
     where o.id = any (p_ids) and coalesce(p.msisdn, i.msisdn, r.msisdn, f.msisdn) is not null
$$;

COMMENT ON FUNCTION sms.candidates(p_ids bigint[]) IS 'The facts rules ask for, of these messages, in any state.';

-- FUNCTION cap_terms(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.cap_terms(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS TABLE(channel_id smallint, zone_id smallint, cap_id integer, max_messages integer, period text, per text, since timestamp with time zone, counted smallint[])
    LANGUAGE sql STABLE
    AS $$
    select k.channel_id, k.zone_id, p.cap_id, p.max_messages, p.period, p.per, s.since,
           case when p.channel is null and p.category is null then null
                else (select array_agg(o.channel_id) from sms.channel as o
                       where o.channel = coalesce(p.channel, o.channel)
                         and o.category = coalesce(p.category, o.category)) end
      from (select distinct c.channel_id, c.zone_id from unnest(p_batch) as c) as k
      left join sms.channel as ch on ch.channel_id = k.channel_id
      join sms.cap as p on (p.channel is null or p.channel is not distinct from ch.channel)
                       and (p.category is null or p.category is not distinct from ch.category)
      left join sms.time_zone as z on z.zone_id = k.zone_id
      cross join lateral sms.period_start(p.period, p.span, z.members, p_as_of) as s
$$;

COMMENT ON FUNCTION sms.cap_terms(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'The caps that apply to a batch, with the begin of their periods.';

-- FUNCTION cheaper_spellings(text)

CREATE FUNCTION sms.cheaper_spellings(p_text text) RETURNS TABLE(how text, body text, segments integer, changes text)
    LANGUAGE plpgsql STABLE
    AS $$
declare
    _pictures constant text := '[\U0001F000-\U0001FAFF\U0001F1E6-\U0001F1FF☀-➿⬀-⯿️‍]';
    _tidy text := regexp_replace(regexp_replace(btrim(sms.respell(p_text, 'space'), E' \n\r'), ' {2,}', ' ', 'g'), ' +(\n)', '\1', 'g');
    _plain text := _tidy;   -- as much of it in the GSM alphabet as can be
    _steps text[];
    _best int := sms.segments(p_text);
    _kind text;
    _next text;
begin
    how := '';
    changes := '';
    foreach _kind in array array['typographic', 'lookalike', 'symbol'] loop
        _plain := sms.respell(_plain, _kind);
    end loop;
    _steps := case when not sms.needs_ucs2(_tidy) then array['space']
                   when sms.needs_ucs2(regexp_replace(_plain, _pictures, '', 'g'))
                       then array['space', 'shorter', 'pictures', 'restart', 'typographic', 'symbol', 'pictures', 'transliteration']
                   else array['space', 'typographic', 'lookalike', 'symbol', 'pictures'] end;
    body := p_text;
    foreach _kind in array _steps loop
        if _kind = 'restart' then   -- what shortened the Cyrillic text is of no use to the Latin one
            body := _tidy;
            how := case when _tidy <> p_text then 'space' else '' end;
            changes := '';
            continue;
        end if;
        _next := case _kind when 'space' then _tidy
                            when 'shorter' then replace(body, '...', '…')
                            when 'pictures' then regexp_replace(body, ' ?' || _pictures || '+', '', 'g')
                            else sms.respell(body, _kind) end;
        continue when _next = body;
        how := concat_ws(' + ', nullif(how, ''), _kind);
        changes := concat_ws(', ', nullif(changes, ''),
                             case _kind when 'space' then coalesce(sms.respelled(body, 'space'), 'needless spaces dropped')
                                        when 'shorter' then 'three dots → one ellipsis'
                                        when 'pictures' then 'pictures dropped'
                                        else sms.respelled(body, _kind) end);
        body := _next;
        segments := sms.segments(body);
        if segments between 1 and _best - 1 then
            _best := segments;
            return next;
        end if;
    end loop;
end
$$;

COMMENT ON FUNCTION sms.cheaper_spellings(p_text text) IS 'Other spellings of a text that take fewer segments, with what each changes.';

-- FUNCTION check_audience()

CREATE FUNCTION sms.check_audience() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET standard_conforming_strings TO 'on'
    AS $_$
begin
    new.query := regexp_replace(new.query, '[;\s]+$', '');
    if tg_op = 'UPDATE' then
        if (new.audience_id, new.audience) is distinct from (old.audience_id, old.audience) then
            raise exception 'an audience keeps its name' using errcode = 'SM035', hint = 'Save it under the new name and remove this one.';
        end if;
        new.version_no := old.version_no + 1;
        new.created_at := old.created_at;
        new.created_by := old.created_by;
    else
        new.version_no := 1;
        new.created_at := clock_timestamp();
        new.created_by := session_user;
    end if;
    new.changed_at := clock_timestamp();
    new.changed_by := session_user;
    if new.removed_at is null then
        select f.columns, f.planned_cost into new.columns, new.planned_cost from sms.refuse_unfit_audience(new.query) as f;
    end if;
    return new;
end
$_$;

COMMENT ON FUNCTION sms.check_audience() IS 'Trigger: the SELECT of an audience is checked whenever it is written.';

-- FUNCTION check_campaign()

CREATE FUNCTION sms.check_campaign() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _ours text[] := array['created_at', 'created_by', 'changed_at', 'changed_by', 'released_at', 'released_by', 'released_digest',
                          'writers', 'authors'];
    _before jsonb := case when tg_op = 'UPDATE' then to_jsonb(old) - _ours else '{}' end;
    _after jsonb := to_jsonb(new) - _ours;
    _odd text;
begin
    if tg_op = 'UPDATE' and _before = _after then
        new.created_at := old.created_at;
        new.created_by := old.created_by;
        new.changed_at := old.changed_at;
        new.changed_by := old.changed_by;
        return new;
    end if;
    _odd := case when new.campaign is null then 'a campaign needs a name'
                 when new.budget = 'NaN' then 'a budget is a number'
                 when new.local_time = '24:00' then 'local_time is 00:00 to 23:59'
                 when new.start_at not between timestamptz '2000-01-01 00:00Z' and timestamptz '9999-01-01 00:00Z'
                      or new.ends_at not between timestamptz '2000-01-01 00:00Z' and timestamptz '9999-01-01 00:00Z'
                 then 'start_at and ends_at are moments from 2000 to 9998; without one there is no limit'
                 else 'cron: ' || sms.cron_problem(new.cron) end;
    if _odd is not null then
        raise exception '%', _odd using errcode = 'check_violation';
    end if;
    perform sms.refuse_unknown_names(array[new.channel], array_remove(array[split_part(new.template, '@', 1)], null));
    if new.template like '%@%' and not exists (
           select from sms.template as t
             join sms.template_version as v on v.template_id = t.template_id
            where t.template = split_part(new.template, '@', 1) and v.version_no::text = split_part(new.template, '@', 2)) then
        raise exception 'template "%" has no version %', split_part(new.template, '@', 1), split_part(new.template, '@', 2)
            using errcode = 'SM002', hint = 'Without @ the newest version is taken at each launch.';
    end if;
    if new.audience is not null
       and not exists (select from sms.audience as a where a.audience = new.audience and a.removed_at is null) then
        raise exception 'unknown audience "%"', new.audience
            using errcode = 'SM046',
                  hint = coalesce('Audiences: ' || (select string_agg(a.audience, ', ' order by a.audience) from sms.audience as a where a.removed_at is null)
                                      || '.', 'There are no audiences yet.');
    end if;
    if new.cron_zone is not null and not exists (select from pg_timezone_names as z where z.name = new.cron_zone) then
        raise exception 'unknown time zone "%"', new.cron_zone
            using errcode = 'SM046', hint = 'Write an IANA name, like Europe/Moscow.';
    end if;
    if tg_op = 'INSERT' then
        new.released_at := null;
        new.released_by := null;
        new.released_digest := null;
    end if;
    if tg_op = 'UPDATE' and (new.start_at, new.cron, new.cron_zone) is distinct from (old.start_at, old.cron, old.cron_zone) then
        update sms.campaign_run as r   -- the next moment is another one
           set begins_at = case when new.cron is null then coalesce(new.start_at, clock_timestamp()) end
         where r.campaign_id = new.campaign_id and (r.state = 'planned' or (r.state = 'paused' and r.begun_at is null));
        perform pg_notify('sms_campaign', '');
    end if;
    new.writers := array(select session_user::text union select unnest(case when tg_op = 'UPDATE' then old.writers end));
    new.authors := case when tg_op = 'UPDATE' then old.authors else '{}' end
                   || (select jsonb_object_agg(n.key, session_user)
                         from jsonb_each(_after) as n
                        where n.value is distinct from coalesce(_before -> n.key, 'null'));
    new.created_at := case when tg_op = 'INSERT' then clock_timestamp() else old.created_at end;
    new.created_by := case when tg_op = 'INSERT' then session_user else old.created_by end;
    new.changed_at := clock_timestamp();
    new.changed_by := session_user;
    perform sms.log_activity(case tg_op when 'INSERT' then 'created' else 'changed' end, 'campaign', new.campaign,
                             (select coalesce(jsonb_object_agg(n.key, n.value), '{}')
                                from jsonb_each(_after) as n
                               where n.value is distinct from coalesce(_before -> n.key, 'null')));
    return new;
end
$$;

COMMENT ON FUNCTION sms.check_campaign() IS 'Trigger: refuses unknown names, sets who changed a campaign, writes it to sms.activity.';

-- FUNCTION check_event_rule()

CREATE FUNCTION sms.check_event_rule() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    _type sms.event_type;
    _known text;
    _what text;
begin
    if new.removed_at is not null then
        return new;
    end if;
    select * into _type from sms.event_type as t where t.event_type_id = new.event_type_id;
    _known := coalesce((select string_agg(k, ', ' order by k) from jsonb_object_keys(_type.variables) as k), 'none');
    if not exists (select from sms.channel as c where c.channel = new.channel) then
        perform sms.refuse_unknown_names(array[new.channel], null);
    end if;
    perform sms.refuse_unknown_names(null, array[new.template]);

    if new.condition is not null then
        begin
            perform jsonb_path_match('{}', new.condition);
        exception when others then
            raise exception 'the condition of rule "%" is no yes-or-no question: %', new.event_rule, new.condition
                using errcode = 'SM051', hint = 'Compare something, as in $.amount > 1000 or $.is_vip == true.';
        end;
    end if;
    select 'rule "' || new.event_rule || '" uses ' || string_agg(u.name, ', ' order by u.name) || ', which event type "'
               || _type.event_type || '" does not declare'
      into _what
      from (select m[1] as name from regexp_matches(new.condition::text, '\$\."((?:[^"\\]|\\.)*)"', 'g') as m
            union select new.date_variable
            union select new.cancel_key
            union select v.name from sms.template_needs(new.template) as v (name)) as u
     where u.name is not null and not _type.variables ? u.name;
    if _what is not null then
        raise exception '%', _what using errcode = 'SM051', hint = 'Declared: ' || _known || '.';
    end if;
    if new.date_variable is not null and rtrim(_type.variables ->> new.date_variable, '?') not in ('date', 'moment') then
        raise exception 'rule "%" counts from %, which is no date but %', new.event_rule, new.date_variable, _type.variables ->> new.date_variable
            using errcode = 'SM051', hint = 'Declare it as date or moment.';
    end if;
    if new.at_local is null and rtrim(_type.variables ->> new.date_variable, '?') = 'date' then
        raise exception 'rule "%" counts from %, a date without a time of day', new.event_rule, new.date_variable
            using errcode = 'SM051', hint = 'Say at which time where the client lives: at_local.';
    end if;
    if new.at_local = '24:00' then
        raise exception 'rule "%": at_local is 00:00 to 23:59', new.event_rule using errcode = 'SM051',
            hint = 'Midnight is 00:00.';
    end if;
    select string_agg(c.name, ', ') into _what
      from unnest(new.cancelled_by) as c (name)
     where not exists (select from sms.event_type as t where t.event_type = c.name);
    if _what is not null then
        raise exception 'rule "%" is cancelled by unknown event type "%"', new.event_rule, _what
            using errcode = 'SM051',
                  hint = 'Event types: ' || (select string_agg(t.event_type, ', ' order by t.event_type) from sms.event_type as t) || '.';
    end if;
    select string_agg(t.event_type, ', ') into _what
      from sms.event_type as t
     where t.event_type = any (new.cancelled_by) and new.cancel_key is not null and not t.variables ? new.cancel_key;
    if _what is not null then
        raise exception 'rule "%" compares %, which event type "%" does not declare', new.event_rule, new.cancel_key, _what
            using errcode = 'SM051', hint = 'Both events must declare it.';
    end if;
    return new;
end
$_$;

COMMENT ON FUNCTION sms.check_event_rule() IS 'Trigger: an event rule that could not work is refused with a sentence.';

-- FUNCTION check_goal()

CREATE FUNCTION sms.check_goal() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET standard_conforming_strings TO 'on'
    AS $_$
declare
    _columns text[];
begin
    if new.query is null or (tg_op = 'UPDATE' and new.query is not distinct from old.query) then
        return new;
    end if;
    new.query := regexp_replace(new.query, '[;\s]+$', '');
    select p.columns into _columns from sms.refuse_unsafe_select(new.query) as p;
    if not _columns @> '{client_id,occurred_at}' then
        raise exception 'the SELECT of goal "%" has no column %', new.goal,
            (select c from unnest(array['client_id', 'occurred_at']) as c where c <> all (_columns) limit 1)
            using errcode = 'SM074', hint = 'Like: select client_id, paid_at as occurred_at, amount from erp.payment.';
    end if;
    return new;
end
$_$;

COMMENT ON FUNCTION sms.check_goal() IS 'Trigger on goal: is its query one that may be collected?';

-- FUNCTION check_template(text, jsonb)

CREATE FUNCTION sms.check_template(p_template text, p_vars jsonb) RETURNS TABLE(template_version_id integer, problem text)
    LANGUAGE sql STABLE ROWS 1
    AS $_$
    select v.template_version_id,
           case when r.body is null then 'missing_variable'
                when r.body = '' then 'empty_text'
                when char_length(r.body) > 1000 then 'text_too_long' end
      from (select case when strpos(p_template, '@') = 0 then p_template else split_part(p_template, '@', 1) end as template,
                   case when strpos(p_template, '@') = 0 then null
                        when p_template ~ '^[^@]+@[1-9][0-9]{0,8}$' then split_part(p_template, '@', 2)::int
                        else 0 end as version_no) as n
      cross join lateral (select x.template_id from sms.template as x where x.template = n.template limit 1) as t
      cross join lateral (
               select x.template_version_id, x.body
                 from sms.template_version as x
                where x.template_id = t.template_id and (n.version_no is null or x.version_no = n.version_no)
                order by x.version_no desc
                limit 1
           ) as v
      cross join lateral (select sms.render(v.body, p_vars) as body offset 0) as r
$_$;

COMMENT ON FUNCTION sms.check_template(p_template text, p_vars jsonb) IS 'A version of a template (name, or name@3), and missing_variable or text_too_long when these values do not make a message.';

-- FUNCTION check_template_version()

CREATE FUNCTION sms.check_template_version() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform from sms.template as t where t.template_id = new.template_id for no key update;
    select coalesce(max(v.version_no), 0) + 1 into new.version_no
      from sms.template_version as v where v.template_id = new.template_id;
    if new.variables is null then
        select v.variables into new.variables
          from sms.template_version as v
         where v.template_id = new.template_id and v.version_no = new.version_no - 1;
    end if;
    perform sms.refuse_unfit_template(new.body, new.variables);
    new.body := sms.with_declared_defaults(new.body, new.variables);
    perform sms.log_activity(case new.version_no when 1 then 'created' else 'changed' end, 'template', t.template,
                             jsonb_build_object('version', new.version_no, 'note', new.note))
       from sms.template as t
      where t.template_id = new.template_id;
    return new;
end
$$;

COMMENT ON FUNCTION sms.check_template_version() IS 'Trigger: number a template''s new version, check its body and variables, log it.';

-- FUNCTION choose_due(smallint, integer, integer, integer, timestamp with time zone, boolean, boolean)

CREATE FUNCTION sms.choose_due(p_provider_id smallint, p_limit integer, p_from_priority integer, p_to_priority integer, p_as_of timestamp with time zone, p_caps_clients boolean, p_probes boolean DEFAULT false) RETURNS sms.candidate[]
    LANGUAGE plpgsql
    AS $$
begin
    return (
    with probe as materialized (
        select l.lane_id, l.channel_id, q.priority::smallint as priority,
               p_as_of - case when l.probed_by is null or p_probes or q.priority = 0 then interval '0' else interval '1.5 seconds' end as due_at
          from sms.lane as l
          cross join generate_series(p_from_priority, p_to_priority) as q (priority)
         where case when p_probes then l.probed_by = p_provider_id else l.provider_id = p_provider_id and not l.is_held end
         order by q.priority, random()
    ), due as materialized (
        select d.*, p.channel_id
          from probe as p
          cross join lateral (
                   select w.ctid as tid, w.*
                     from sms.pending as w
                    where w.lane_id = p.lane_id and w.priority = p.priority and w.not_before <= p.due_at
                    order by w.not_before, w.id
                    limit p_limit
                      for update skip locked
               ) as d
         limit p_limit
    ), mine as materialized (
        select d.*
          from due as d
         where pg_try_advisory_xact_lock(d.msisdn)
           and case when p_caps_clients and d.client_id is not null then pg_try_advisory_xact_lock(-1 - d.client_id) else true end
    )
    select array_agg((m.id, m.msisdn, m.not_before, m.expires_at, m.dedup_key, m.ref_hash, m.client_id, m.campaign_id,
                      m.template_version_id, m.lane_id, m.channel_id, m.zone_id, m.priority, m.attempt + 1,
                      m.nth, m.nth_key, m.tid, m.nth_client)::sms.candidate)
      from (select x.*,
                   row_number() over (partition by x.msisdn order by x.priority, x.not_before, x.id) - 1 as nth,
                   row_number() over (partition by x.msisdn, x.dedup_key order by x.priority, x.not_before, x.id) - 1 as nth_key,
                   row_number() over (partition by x.client_id order by x.priority, x.not_before, x.id) - 1 as nth_client
              from mine as x) as m
    );
end
$$;

COMMENT ON FUNCTION sms.choose_due(p_provider_id smallint, p_limit integer, p_from_priority integer, p_to_priority integer, p_as_of timestamp with time zone, p_caps_clients boolean, p_probes boolean) IS 'Lock the due rows of a provider, most urgent first, and their numbers; the candidates of one claim.';

-- FUNCTION choose_probes(smallint, integer, integer, integer, timestamp with time zone)

CREATE FUNCTION sms.choose_probes(p_provider_id smallint, p_limit integer, p_from_priority integer, p_to_priority integer, p_as_of timestamp with time zone) RETURNS sms.candidate[]
    LANGUAGE plpgsql
    AS $$
declare
    _left int;
    _batch sms.candidate[];
begin
    if not exists (select from sms.lane as l where l.probed_by = p_provider_id) then
        return null;
    end if;
    select b.probes_left into _left
      from sms.breaker as b
     where b.provider_id = p_provider_id and b.state = 'half_open' and b.probes_left > 0
       for update skip locked;
    if not found then
        return null;
    end if;
    _batch := sms.choose_due(p_provider_id, least(greatest(p_limit, 1), _left), p_from_priority, p_to_priority, p_as_of,
                             exists (select from sms.cap as k where k.per = 'client'), true);
    update sms.breaker as b
       set probes_left = _left - cardinality(_batch), probes_at = p_as_of
     where b.provider_id = p_provider_id and _batch is not null;
    return _batch;
end
$$;

COMMENT ON FUNCTION sms.choose_probes(p_provider_id smallint, p_limit integer, p_from_priority integer, p_to_priority integer, p_as_of timestamp with time zone) IS 'The few candidates that a provider on trial may have.';

-- FUNCTION choose_providers(timestamp with time zone)

CREATE FUNCTION sms.choose_providers(p_as_of timestamp with time zone) RETURNS TABLE(lane_id smallint, priority smallint, serving smallint, chosen smallint, is_held boolean, is_forced boolean, probed_by smallint, cause text, detail text)
    LANGUAGE plpgsql STABLE
    AS $$
#variable_conflict use_column
begin
    return query
    with offer as materialized (
        select c.*, b.state, b.retry_at, b.probes_left = k.probes and b.probes_at + k.slow_answer <= p_as_of as finds_none, b.figures as trouble, b.cause as illness
          from sms.lane_candidates(p_as_of) as c
          join sms.breaker as b on b.provider_id = c.provider_id
          join sms.breaker_policy as k on k.provider_id = c.provider_id
    ), best as (
        select distinct on (o.lane_id) o.*
          from offer as o
         where o.is_enabled
         order by o.lane_id, (o.state = 'closed') desc, case when o.state = 'closed' then o.place end, (o.state = 'half_open') desc,
                  o.retry_at, o.place
    ), lane as (
        select l.lane_id, b.priority, l.provider_id as serving, s.provider_id as serves_well, s.state as serving_state,
               coalesce(s.is_enabled, false) as serving_enabled, s.place as serving_place,
               b.provider_id as best_id, b.state = 'closed' as is_well, b.worth, b.policy,
               s.trouble, s.illness, p.is_enabled as was_enabled
          from sms.lane as l
          join best as b on b.lane_id = l.lane_id
          left join offer as s on s.lane_id = l.lane_id and s.provider_id = l.provider_id
          left join sms.provider as p on p.provider_id = l.provider_id
    )
    select l.lane_id, l.priority, l.serving,
           -- Nobody is well: moving from one ill provider to another would only be flapping.
           case when not l.is_well and l.serving_enabled then l.serving else l.best_id end,
           not l.is_well,
           l.serving is null or not l.serving_enabled or l.serving_state <> 'closed',
           (select o.provider_id
              from offer as o
             where o.lane_id = l.lane_id and o.is_enabled and o.state = 'half_open'
               and (o.priority > 0 or not l.is_well or o.finds_none)
             order by o.place
             limit 1),
           case when not coalesce(l.was_enabled, true) then 'disabled'
                when l.serving is null or l.serves_well is null then 'route'
                when l.serving_state <> 'closed' then 'failover'
                else 'return' end,
           case when not coalesce(l.was_enabled, true) then 'the provider is disabled'
                when l.serving is null or l.serves_well is null then format('%s: %s', l.policy, l.worth)
                when l.serving_state <> 'closed' then coalesce(l.illness || ': ' || l.trouble, l.serving_state)
                else format('%s: %s', l.policy, l.worth) end
      from lane as l;
end
$$;

COMMENT ON FUNCTION sms.choose_providers(p_as_of timestamp with time zone) IS 'Who should serve each routed lane now, given who is well, and why.';

-- FUNCTION claim_batch(text, text, integer, integer, integer, interval, timestamp with time zone)

CREATE FUNCTION sms.claim_batch(p_provider text, p_worker text, p_limit integer DEFAULT 500, p_from_priority integer DEFAULT 0, p_to_priority integer DEFAULT 3, p_lease interval DEFAULT '00:01:00'::interval, p_as_of timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(claim_id bigint, judged integer, lease_until timestamp with time zone, ids bigint[], msisdns bigint[], sender_ids text[], bodies text[], priorities smallint[], attempts smallint[], expires_ats timestamp with time zone[])
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET jit TO 'off'
    AS $$
#variable_conflict use_column
declare
    _provider sms.provider;
    _batch sms.candidate[];
    _now timestamptz;
    _claim_id bigint := sms.next_id();
    _lease_until timestamptz;
begin
    select * into _provider from sms.provider as p where p.provider = p_provider;
    if not found then
        raise exception 'unknown provider "%"', p_provider using errcode = 'SM006';
    end if;
    if _provider.is_enabled then
        _batch := sms.choose_due(_provider.provider_id, least(greatest(p_limit, 1), _provider.max_batch), p_from_priority,
                                 p_to_priority, coalesce(sms.named_moment(p_as_of), clock_timestamp()),
                                 exists (select from sms.cap as k where k.per = 'client'));
        if _batch is null then
            _batch := sms.choose_probes(_provider.provider_id, p_limit, p_from_priority, p_to_priority,
                                        coalesce(sms.named_moment(p_as_of), clock_timestamp()));
        end if;
    end if;
    _now := coalesce(sms.named_moment(p_as_of), clock_timestamp());
    _lease_until := _now + p_lease;
    if _batch is null then
        return query select _claim_id, 0, _lease_until, null::bigint[], null::bigint[], null::text[], null::text[],
                            null::smallint[], null::smallint[], null::timestamptz[];
        return;
    end if;
    perform sms.claim_refs(_batch);

    return query
    with verdict as materialized (
        select c.*, j.verdict, j.reason, j.detail, j.not_before as again_at, j.reasons
          from unnest(_batch) as c
          join sms.judge_batch(_batch, _now) as j on j.id = c.id
    ), gone as (
        delete from sms.pending as p
         where p.ctid = any (array(select v.tid from verdict as v where v.verdict in ('send', 'suppress')))
    ), deferred as (
        update sms.pending as p
           set not_before = v.again_at
          from verdict as v
         where v.verdict = 'defer' and p.id = v.id
    ), leased as (
        insert into sms.inflight (id, claim_id, msisdn, claimed_at, lease_until, expires_at, dedup_key, ref_hash, client_id,
                                  campaign_id, template_version_id, provider_id, lane_id, zone_id, priority, attempt)
        select v.id, _claim_id, v.msisdn, _now, _lease_until, v.expires_at, v.dedup_key, v.ref_hash, v.client_id,
               v.campaign_id, v.template_version_id, _provider.provider_id, v.lane_id, v.zone_id, v.priority, v.attempt
          from verdict as v
         where v.verdict = 'send'
    ), taken as (
        insert into sms.claim (claim_id, worker, provider_id, claimed_at)
        select _claim_id, p_worker, _provider.provider_id, _now
         where exists (select from verdict as v where v.verdict = 'send')
    ), logged as (
        insert into sms.contact_log (msisdn, at, dedup_key, message_id, client_id, channel_id)
        select v.msisdn, _now, v.dedup_key, v.id, v.client_id, v.channel_id
          from verdict as v
         where v.verdict = 'send'
    ), suppressed as (
        insert into sms.outcome (id, msisdn, decided_at, final_at, client_id, campaign_id, template_version_id, lane_id,
                                 zone_id, attempts, state, reason, detail, reasons)
        select v.id, v.msisdn, _now, _now, v.client_id, v.campaign_id, v.template_version_id, v.lane_id,
               v.zone_id, v.attempt - 1, 'suppressed', v.reason, v.detail, v.reasons
          from verdict as v
         where v.verdict = 'suppress'
    ), payload as (
        select v.id, v.msisdn, coalesce(o.sender_id, ch.sender_id) as sender_id,
               case when ch.track_clicks and strpos(r.body, '://') > 0 then sms.shorten_links(v.id, r.body) else r.body end as body,
               v.priority, v.attempt, v.expires_at
          from verdict as v
          cross join lateral (select x.sender_id, x.body, x.vars from sms.outbox as x where x.id = v.id offset 0) as o
          left join sms.channel as ch on ch.channel_id = v.channel_id
          left join sms.template_version as t on t.template_version_id = v.template_version_id
          cross join lateral (
                   select case when v.template_version_id is null then o.body else sms.render(t.body, o.vars) end as body offset 0
               ) as r
         where v.verdict = 'send'
         order by v.priority, v.not_before, v.id
    )
    select _claim_id, (select count(*) filter (where v.verdict <> 'wait') from verdict as v)::int, _lease_until,
           array_agg(p.id), array_agg(p.msisdn), array_agg(p.sender_id), array_agg(p.body),
           array_agg(p.priority), array_agg(p.attempt), array_agg(p.expires_at)
      from payload as p;
end
$$;

COMMENT ON FUNCTION sms.claim_batch(p_provider text, p_worker text, p_limit integer, p_from_priority integer, p_to_priority integer, p_lease interval, p_as_of timestamp with time zone) IS 'Worker API. Lease due messages of a provider, most urgent first, after judging every rule; settle each with its claim_id.';

-- FUNCTION claim_refs(sms.candidate[])

CREATE FUNCTION sms.claim_refs(p_batch sms.candidate[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    insert into sms.erp_ref as r (ref_hash, id)
    select c.ref_hash, min(c.id)
      from unnest(p_batch) as c
     where c.ref_hash is not null
     group by c.ref_hash
     order by c.ref_hash
        on conflict (ref_hash) do update set id = excluded.id where r.id < sms.id_at(sms.id_time(excluded.id) - sms.erp_ref_span());
end
$$;

COMMENT ON FUNCTION sms.claim_refs(p_batch sms.candidate[]) IS 'Own the erp_ref keys of a batch where they are free.';

-- FUNCTION clicks(timestamp with time zone, timestamp with time zone, text[])

CREATE FUNCTION sms.clicks(p_from timestamp with time zone, p_until timestamp with time zone, p_by text[] DEFAULT '{campaign}'::text[]) RETURNS TABLE(campaign text, template text, channel text, link smallint, messages bigint, clicked bigint, click_rate numeric, clicks bigint, robots bigint, took_p50 interval)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS $$
#variable_conflict use_column
begin
    if not p_by <@ '{campaign,template,channel,link}' then
        raise exception 'clicks cannot be asked so' using errcode = 'SM072', hint = 'By: campaign, template, channel, link.';
    end if;
    return query
    with sent as materialized (
        select o.id, coalesce(o.submitted_at, o.decided_at) as at,
               case when 'link' = any (p_by) then s.link_no end as link_no,
               case when 'campaign' = any (p_by) then o.campaign_id end as campaign_id,
               case when 'template' = any (p_by) then v.template_id end as template_id,
               case when 'channel' = any (p_by) then l.channel_id end as channel_id
          from sms.short_link as s
          join sms.outcome as o on o.id = s.message_id
          left join sms.template_version as v on v.template_version_id = o.template_version_id
          left join sms.lane as l on l.lane_id = o.lane_id
         where s.message_id >= sms.id_at(p_from - interval '35 days') and s.message_id < sms.id_at(p_until)
           and o.id >= sms.id_at(p_from - interval '35 days') and o.id < sms.id_at(p_until)
           and coalesce(o.submitted_at, o.decided_at) >= p_from and coalesce(o.submitted_at, o.decided_at) < p_until
           and sms.is_handed_over(o.state, o.reason)
           and (s.link_no = 1 or 'link' = any (p_by))
    ), opened as materialized (
        select c.message_id, case when 'link' = any (p_by) then c.link_no end as link_no,
               count(*) filter (where not c.is_robot) as clicks, count(*) filter (where c.is_robot) as robots,
               min(c.at) filter (where not c.is_robot) as first_at
          from sms.click as c
         where c.click_id >= sms.id_at(p_from - interval '1 day')
         group by 1, 2
    )
    select k.campaign, t.template, h.channel, g.link_no, g.messages, g.clicked, round(g.clicked::numeric / g.messages, 6),
           g.clicks, g.robots, g.took_p50
      from (select s.campaign_id, s.template_id, s.channel_id, s.link_no, count(*) as messages,
                   count(*) filter (where p.clicks > 0) as clicked, coalesce(sum(p.clicks), 0)::bigint as clicks,
                   coalesce(sum(p.robots), 0)::bigint as robots,
                   percentile_cont(0.5) within group (order by p.first_at - s.at) as took_p50
              from sent as s
              left join opened as p on p.message_id = s.id and p.link_no is not distinct from s.link_no
             group by s.campaign_id, s.template_id, s.channel_id, s.link_no) as g
      left join sms.campaign as k on k.campaign_id = g.campaign_id
      left join sms.template as t on t.template_id = g.template_id
      left join sms.channel as h on h.channel_id = g.channel_id
     order by g.messages desc, k.campaign, t.template, h.channel, g.link_no;
end
$$;

COMMENT ON FUNCTION sms.clicks(p_from timestamp with time zone, p_until timestamp with time zone, p_by text[]) IS 'Who opened the links of messages of a span: messages, clicked, rate, median time.';

-- FUNCTION clients_contacted(numeric, text)

CREATE FUNCTION sms.clients_contacted(p_days numeric, p_channel text DEFAULT NULL::text) RETURNS TABLE(client_id bigint, last_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10000
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return query
    select c.client_id, max(c.at)
      from sms.contact_log as c
     where c.at >= now() - make_interval(secs => (p_days * 86400)::double precision) and c.client_id is not null
       and (p_channel is null or c.channel_id = (select x.channel_id from sms.channel as x where x.channel = p_channel))
     group by c.client_id;
end
$$;

COMMENT ON FUNCTION sms.clients_contacted(p_days numeric, p_channel text) IS 'Clients whom a message went out to within the last days, and when the last did.';

-- FUNCTION clients_who_received(text, numeric)

CREATE FUNCTION sms.clients_who_received(p_what text, p_days numeric DEFAULT 30) RETURNS TABLE(client_id bigint, last_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10000
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _campaign_id bigint := (select c.campaign_id from sms.campaign as c where c.campaign = p_what);
    _versions int[] := array(select v.template_version_id from sms.template as t join sms.template_version as v using (template_id)
                              where t.template = p_what);
    _since timestamptz := now() - make_interval(secs => (p_days * 86400)::double precision);
begin
    if p_what is not null and _campaign_id is null and cardinality(_versions) = 0 then
        raise exception 'there is no campaign or template %', quote_literal(p_what) using errcode = 'SM039';
    end if;
    return query
    select r.client_id, max(coalesce(r.submitted_at, r.decided_at))
      from sms.outcome as r
     where r.decided_at >= _since and r.client_id is not null and r.state in ('accepted', 'delivered')
       and (p_what is null or r.campaign_id = _campaign_id or r.template_version_id = any (_versions))
     group by r.client_id;
end
$$;

COMMENT ON FUNCTION sms.clients_who_received(p_what text, p_days numeric) IS 'Clients who got a message of a campaign or template within the last days.';

-- FUNCTION close_quiet_zones(sms.campaign_run, timestamp with time zone)

CREATE FUNCTION sms.close_quiet_zones(p_run sms.campaign_run, p_now timestamp with time zone) RETURNS void
    LANGUAGE sql
    AS $$
    update sms.run_zone as z
       set opens_at = p_now + interval '1 minute'
      from sms.time_zone as t, sms.channel as c
     where z.run_id = p_run.run_id and z.waiting > 0 and z.opens_at <= p_now and t.zone_id = z.zone_id
       and c.channel = p_run.channel and exists (select from sms.quiet_hours as q where q.category = c.category)
       and sms.quiet_until(c.category, t.members, p_now + interval '1 minute') is not null
$$;

COMMENT ON FUNCTION sms.close_quiet_zones(p_run sms.campaign_run, p_now timestamp with time zone) IS 'Zones of a run where it is quiet time are looked at again in a minute.';

-- FUNCTION close_run(bigint, timestamp with time zone)

CREATE FUNCTION sms.close_run(p_run_id bigint, p_now timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    AS $$
declare
    _run sms.campaign_run;
    _budget numeric;
    _is_empty boolean;
    _reason text;
begin
    select * into _run from sms.campaign_run as r where r.run_id = p_run_id;
    if _run.state <> 'running' then
        return 0;
    end if;
    select c.budget into _budget from sms.campaign as c where c.campaign_id = _run.campaign_id;
    if _run.reserved > _budget then   -- it was lowered; null and a costly second condition would be asked all the same
        if sms.run_cost(p_run_id, p_now) > _budget then
            perform sms.suppress_queued(_run.campaign_id, 'budget', 'the budget of its campaign is ' || _budget);
        end if;
        update sms.campaign_run as r set reserved = sms.run_cost(p_run_id, p_now), counted_at = p_now where r.run_id = p_run_id;
    end if;
    if _run.ends_at <= p_now then
        perform sms.suppress_queued(_run.campaign_id, 'expired', 'its campaign ended at ' || _run.ends_at);
    elsif _run.waiting > 0 and (_budget is null or _run.counted_at is null) then
        return 0;
    end if;
    _is_empty := not exists (select from sms.pending as p
                               join sms.run_message as m on m.run_id = p_run_id and m.message_id = p.id
                              where p.campaign_id = _run.campaign_id)
             and not exists (select from sms.inflight as f
                               join sms.run_message as m on m.run_id = p_run_id and m.message_id = f.id
                              where f.campaign_id = _run.campaign_id);
    _reason := case when _run.waiting = 0 or not _is_empty then null
                    when _run.ends_at <= p_now then 'expired'
                    when sms.is_spent(p_run_id, p_now) then 'budget' end;
    if not _is_empty or (_run.waiting > 0 and _reason is null) then
        return 0;
    end if;
    perform sms.end_run(p_run_id, case when _reason = 'budget' then 'stopped' else 'finished' end, _reason,
                        case _reason when 'budget' then 'its budget is used up' when 'expired' then 'its ends_at came first' end);
    perform sms.log_activity(case when _reason = 'budget' then 'stopped' else 'finished' end, 'run', p_run_id::text,
                             jsonb_build_object('unsent', _run.waiting, 'reason', _reason));
    return 1;
end
$$;

COMMENT ON FUNCTION sms.close_run(p_run_id bigint, p_now timestamp with time zone) IS 'End a run that has nothing left to do, or whose time or budget is over; 1 when it ended.';

-- FUNCTION collect_conversions(timestamp with time zone)

CREATE FUNCTION sms.collect_conversions(p_as_of timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _now timestamptz := coalesce(sms.named_moment(p_as_of), clock_timestamp());
    _g sms.goal;
    _new int;
    _kept int := 0;
begin
    for _g in select * from sms.goal as g where g.is_enabled and g.query is not null loop
        begin
            insert into sms.conversion (goal_id, client_id, occurred_at, amount, ref)
            select _g.goal_id, r.client_id, r.occurred_at, r.amount, r.ref
              from sms.run_goal(_g.goal_id, coalesce(_g.collected_until - interval '2 days', _now - interval '90 days')) as r
             where r.occurred_at <= _now
                on conflict do nothing;
            get diagnostics _new = row_count;
            _kept := _kept + _new;
            update sms.goal as g set collected_until = _now where g.goal_id = _g.goal_id;
        exception when others then
            if not exists (select from sms.activity as a
                            where a.kind = 'goal' and a.name = _g.goal and a.action = 'failed' and a.at > _now - interval '1 day') then
                perform sms.log_activity('failed', 'goal', _g.goal, jsonb_build_object('sqlstate', sqlstate));
            end if;
        end;
    end loop;
    return _kept;
end
$$;

COMMENT ON FUNCTION sms.collect_conversions(p_as_of timestamp with time zone) IS 'Chore. Keep what the goals'' queries tell of; returns how many are new.';

-- FUNCTION collect_overdue(text, interval, interval)

CREATE FUNCTION sms.collect_overdue(p_provider text, p_after interval, p_until interval) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_nestloop TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    _now timestamptz := clock_timestamp();
    _provider_id smallint := sms.known_provider(p_provider);
    _from timestamptz;
    _to timestamptz;
    _ids bigint[];
begin
    select coalesce(a.collected_until, _now - p_until) into _from
      from sms.provider_asking as a where a.provider_id = _provider_id for update skip locked;
    if not found then
        if exists (select from sms.provider_asking as a where a.provider_id = _provider_id) then
            return false;  -- another worker is looking
        end if;
        insert into sms.provider_asking (provider_id) values (_provider_id) on conflict do nothing;
    end if;
    _from := greatest(_from, _now - p_until);
    _to := least(_from + interval '1 minute', _now - p_after);
    if _to <= _from then
        return false;
    end if;
    -- some seconds twice, for commits that came late
    select array_agg(o.id) into _ids
      from sms.outcome as o
     where o.decided_at > _from - interval '10 seconds' and o.decided_at <= _to
       and o.provider_id = _provider_id and o.state = 'accepted';
    insert into sms.overdue (id, provider_id, ref, next_poll_at)
    select g.id, _provider_id, r.ref, _now
      from unnest(_ids) as g (id)
      left join (select distinct on (x.id) x.id, x.ref
                   from sms.provider_ref as x
                  where x.id between (select min(i) from unnest(_ids) as i) and (select max(i) from unnest(_ids) as i)
                    and x.id in (select i from unnest(_ids) as i) and x.provider_id = _provider_id
                  order by x.id, x.parts, x.part, age(x.xmin)) as r on r.id = g.id
        on conflict (id) do nothing;
    update sms.provider_asking as a set collected_until = _to where a.provider_id = _provider_id;
    return _to < _now - p_after;
end
$$;

COMMENT ON FUNCTION sms.collect_overdue(p_provider text, p_after interval, p_until interval) IS 'Worker API. Find accepted messages of a provider whose final receipt is overdue.';

-- FUNCTION complete_breakers()

CREATE FUNCTION sms.complete_breakers() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    insert into sms.breaker_policy (provider_id) select n.provider_id from new_rows as n on conflict do nothing;
    insert into sms.breaker (provider_id) select n.provider_id from new_rows as n on conflict do nothing;
    return null;
end
$$;

COMMENT ON FUNCTION sms.complete_breakers() IS 'Trigger: a breaker and its policy for every provider.';

-- FUNCTION complete_lanes()

CREATE FUNCTION sms.complete_lanes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    insert into sms.lane (channel_id, operator_id, provider_id)
    select c.channel_id, o.operator_id,
           (select l.provider_id from sms.lane as l where l.channel_id = c.channel_id and l.operator_id = 0)
      from sms.channel as c
      cross join sms.operator as o
        on conflict (channel_id, operator_id) do nothing;
    return null;
end
$$;

COMMENT ON FUNCTION sms.complete_lanes() IS 'Trigger: a lane for every channel × operator.';

-- FUNCTION confine_login(text, text[])

CREATE FUNCTION sms.confine_login(p_login text, p_channels text[]) RETURNS void
    LANGUAGE plpgsql
    SET lock_timeout TO '5s'
    AS $$
declare
    _table text;
begin
    perform sms.refuse_unknown_names(coalesce(p_channels, '{}'), '{}');
    if not exists (select from pg_catalog.pg_roles as r where r.rolname = p_login) then
        raise exception 'there is no login "%"', p_login using errcode = 'undefined_object';
    end if;
    delete from sms.login_channel as l where l.login = p_login;
    insert into sms.login_channel (login, channel) select distinct p_login, c from unnest(p_channels) as c;
    foreach _table in array array['outbox', 'pending', 'inflight', 'outcome', 'campaign', 'event', 'event_effect', 'event_plan',
                                  'click', 'inbound'] loop
        execute format('alter table sms.%I %s row level security', _table,
                       case when exists (select from sms.login_channel) then 'enable' else 'disable' end);
    end loop;
    perform sms.log_activity(case when cardinality(p_channels) > 0 then 'confined' else 'freed' end, 'login', p_login,
                             jsonb_build_object('channels', to_jsonb(p_channels)));
end
$$;

COMMENT ON FUNCTION sms.confine_login(p_login text, p_channels text[]) IS 'Confine a login to the messages of these channels; none frees it. For the owner.';

-- FUNCTION count_day(date)

CREATE FUNCTION sms.count_day(p_day date) RETURNS void
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS $$
declare
    _from timestamptz := p_day::timestamp at time zone sms.statistics_zone();
    _until timestamptz := (p_day + 1)::timestamp at time zone sms.statistics_zone();
begin
    if _from < sms.statistics_hours_since() then
        perform sms.count_hour(n)
           from generate_series(sms.stat_hour_no(sms.id_at(_from)), sms.stat_hour_no(sms.id_at(_until) - 1)) as n;
    end if;
    delete from sms.stat_day as s where s.day = p_day;
    insert into sms.stat_day (day, channel_id, provider_id, operator_id, state, reason, campaign_id, template_id,
                              messages, segments, cost, billed, billed_messages, billed_expected, delivery)
    select p_day, h.channel_id, h.provider_id, h.operator_id, h.state, h.reason, h.campaign_id, h.template_id,
           sum(h.messages), sum(h.segments), sum(h.cost), sum(h.billed), sum(h.billed_messages),
           sum(h.billed_expected), d.delivery
      from sms.stat_hour as h
      left join (select k.channel_id, k.provider_id, k.operator_id, k.reason, k.campaign_id, k.template_id,
                        sms.delivery_classes(array_agg(k.bucket), array_agg(k.messages)) as delivery
                   from (select x.channel_id, x.provider_id, x.operator_id, x.reason, x.campaign_id, x.template_id,
                                c.bucket::int as bucket, sum(c.messages)::int as messages
                           from sms.stat_hour as x
                          cross join unnest(x.delivery) with ordinality as c (messages, bucket)
                          where x.hour >= _from and x.hour < _until and x.state = 'delivered' and c.messages > 0
                          group by 1, 2, 3, 4, 5, 6, 7) as k
                  group by 1, 2, 3, 4, 5, 6) as d
        on h.state = 'delivered'
       and (d.channel_id, d.provider_id, d.operator_id, d.reason, d.campaign_id, d.template_id)
         = (h.channel_id, h.provider_id, h.operator_id, h.reason, h.campaign_id, h.template_id)
     where h.hour >= _from and h.hour < _until
     group by h.channel_id, h.provider_id, h.operator_id, h.state, h.reason, h.campaign_id, h.template_id, d.delivery;
    delete from sms.stat_region_day as s where s.day = p_day;
    insert into sms.stat_region_day (day, region, channel_id, state, messages, segments, cost)
    select p_day, h.region, h.channel_id, h.state, sum(h.messages), sum(h.segments), sum(h.cost)
      from sms.stat_region_hour as h
     where h.hour >= _from and h.hour < _until
     group by h.region, h.channel_id, h.state;
end
$$;

COMMENT ON FUNCTION sms.count_day(p_day date) IS 'Make the sums of one day anew from those of its hours.';

-- FUNCTION count_delivered(timestamp with time zone)

CREATE FUNCTION sms.count_delivered(p_as_of timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    if not exists (select from sms.route as r where r.policy = 'best_delivered')
       or exists (select from sms.delivered_share as d where d.counted_at > p_as_of - interval '5 minutes') then
        return;
    end if;
    insert into sms.delivered_share as d (provider_id, operator_id, counted_at, submitted, delivered)
    select p.provider_id, o.operator_id, p_as_of, coalesce(n.submitted, 0), coalesce(n.delivered, 0)
      from sms.provider as p
      cross join sms.operator as o
      left join (select x.provider_id, l.operator_id, count(*) as submitted, count(*) filter (where x.state = 'delivered') as delivered
                   from (select y.*
                           from sms.outcome as y
                          where y.id >= sms.id_at(p_as_of - (select max(r.look_back) from sms.route as r where r.policy = 'best_delivered'))
                            and y.id < sms.id_at(p_as_of - interval '10 minutes')
                          order by y.id desc
                          limit 100000) as x
                   join sms.lane as l on l.lane_id = x.lane_id
                  where x.submitted_at < p_as_of - interval '10 minutes' and x.provider_id is not null
                    and x.state in ('accepted', 'delivered', 'undelivered', 'expired', 'rejected')
                  group by x.provider_id, l.operator_id) as n on n.provider_id = p.provider_id and n.operator_id = o.operator_id
        on conflict (provider_id, operator_id) do update
       set counted_at = excluded.counted_at, submitted = excluded.submitted, delivered = excluded.delivered;
end
$$;

COMMENT ON FUNCTION sms.count_delivered(p_as_of timestamp with time zone) IS 'Refresh sms.delivered_share while a best_delivered route needs it.';

-- FUNCTION count_hour(integer)

CREATE FUNCTION sms.count_hour(p_hour_no integer) RETURNS void
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_nestloop TO 'on'
    SET jit TO 'off'
    AS $$
declare
    _hour timestamptz := sms.stat_hour_at(p_hour_no);
    _from bigint := (p_hour_no::bigint * 3600000) << 22;
    _until bigint := ((p_hour_no::bigint + 1) * 3600000) << 22;
begin
    delete from sms.stat_hour as s where s.hour = _hour;
    delete from sms.stat_region_hour as s where s.hour = _hour;
    with message as materialized (
        select coalesce(l.channel_id, c.channel_id) as channel_id, coalesce(o.provider_id, 0) as provider_id,
               coalesce(l.operator_id, -1) as operator_id, o.state, coalesce(o.reason, '') as reason,
               coalesce(o.campaign_id, 0) as campaign_id, coalesce(v.template_id, 0) as template_id,
               case when sms.is_handed_over(o.state, o.reason) then coalesce(o.segments, 0) else 0 end as segments, coalesce(o.cost, 0) as cost, o.billed_cost, o.msisdn,
               case when o.state = 'delivered' then sms.delivery_bucket(o.final_at - o.submitted_at) end as bucket
          from sms.outcome as o
          left join sms.lane as l on l.lane_id = o.lane_id
          left join sms.template_version as v on v.template_version_id = o.template_version_id
          left join lateral (
                   select x.channel_id from sms.outbox as r join sms.channel as x on x.channel = r.channel
                    where l.lane_id is null and r.id = o.id
                   offset 0
               ) as c on true
         where o.id >= _from and o.id < _until
    ), summed as (
        insert into sms.stat_hour (hour, channel_id, provider_id, operator_id, state, reason, campaign_id, template_id,
                                   messages, segments, cost, billed, billed_messages, billed_expected, delivery)
        select _hour, k.channel_id, k.provider_id, k.operator_id, k.state, k.reason, k.campaign_id, k.template_id,
               sum(k.messages), sum(k.segments), sum(k.cost), sum(k.billed), sum(k.billed_messages), sum(k.billed_expected),
               case when k.state = 'delivered' then sms.delivery_classes(array_agg(k.bucket), array_agg(k.messages)) end
          from (select m.channel_id, m.provider_id, m.operator_id, m.state, m.reason, m.campaign_id, m.template_id, m.bucket,
                       count(*)::int as messages, sum(m.segments) as segments, sum(m.cost) as cost,
                       coalesce(sum(m.billed_cost), 0) as billed, count(m.billed_cost)::int as billed_messages,
                       coalesce(sum(m.cost) filter (where m.billed_cost is not null), 0) as billed_expected
                  from message as m
                 group by 1, 2, 3, 4, 5, 6, 7, 8) as k
         group by k.channel_id, k.provider_id, k.operator_id, k.state, k.reason, k.campaign_id, k.template_id
    )
    insert into sms.stat_region_hour (hour, region, channel_id, state, messages, segments, cost)
    select _hour, coalesce(r.region, ''), m.channel_id, m.state, count(*), sum(m.segments), sum(m.cost)
      from message as m
      left join lateral (
               select n.region
                 from (select x.hi, x.region from sms.number_range as x where x.lo <= m.msisdn order by x.lo desc limit 1) as n
                where n.hi >= m.msisdn
               offset 0
           ) as r on true
     group by coalesce(r.region, ''), m.channel_id, m.state;
end
$$;

COMMENT ON FUNCTION sms.count_hour(p_hour_no integer) IS 'Make the sums of one hour anew from its outcomes.';

-- FUNCTION count_month(date)

CREATE FUNCTION sms.count_month(p_month date) RETURNS void
    LANGUAGE plpgsql
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS $$
begin
    delete from sms.stat_month as s where s.month = p_month;
    insert into sms.stat_month (month, channel_id, provider_id, operator_id, state, reason, campaign_id, template_id,
                                messages, segments, cost, delivery)
    select p_month, h.channel_id, h.provider_id, h.operator_id, h.state, h.reason, h.campaign_id, h.template_id,
           sum(h.messages), sum(h.segments), sum(h.cost), d.delivery
      from sms.stat_day as h
      left join (select k.channel_id, k.provider_id, k.operator_id, k.reason, k.campaign_id, k.template_id,
                        sms.delivery_classes(array_agg(k.bucket), array_agg(k.messages)) as delivery
                   from (select x.channel_id, x.provider_id, x.operator_id, x.reason, x.campaign_id, x.template_id,
                                c.bucket::int as bucket, sum(c.messages)::int as messages
                           from sms.stat_day as x
                          cross join unnest(x.delivery) with ordinality as c (messages, bucket)
                          where x.day >= p_month and x.day < p_month + interval '1 month' and x.state = 'delivered'
                            and c.messages > 0
                          group by 1, 2, 3, 4, 5, 6, 7) as k
                  group by 1, 2, 3, 4, 5, 6) as d
        on h.state = 'delivered'
       and (d.channel_id, d.provider_id, d.operator_id, d.reason, d.campaign_id, d.template_id)
         = (h.channel_id, h.provider_id, h.operator_id, h.reason, h.campaign_id, h.template_id)
     where h.day >= p_month and h.day < p_month + interval '1 month'
     group by h.channel_id, h.provider_id, h.operator_id, h.state, h.reason, h.campaign_id, h.template_id, d.delivery;
end
$$;

COMMENT ON FUNCTION sms.count_month(p_month date) IS 'Make the sums of one month anew from those of its days.';

-- FUNCTION count_unaccounted()

CREATE FUNCTION sms.count_unaccounted() RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ select count(*) from sms.unaccounted $$;

COMMENT ON FUNCTION sms.count_unaccounted() IS 'Requests that are not in exactly one place; must be 0.';

-- FUNCTION count_volume(date)

CREATE FUNCTION sms.count_volume(p_month date) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    delete from sms.month_volume as v where v.month = p_month;
    insert into sms.month_volume (month, provider_id, operator_id, category, segments, counted_at)
    select p_month, s.provider_id, s.operator_id, c.category, sum(s.segments), clock_timestamp()
      from sms.stat_day as s
      join sms.channel as c using (channel_id)
     where s.day >= p_month and s.day < p_month + interval '1 month' and s.provider_id <> 0 and s.segments > 0
     group by s.provider_id, s.operator_id, c.category;
end
$$;

COMMENT ON FUNCTION sms.count_volume(p_month date) IS 'Make the volumes of a month anew.';

-- FUNCTION counts_late(bigint, smallint, text)

CREATE FUNCTION sms.counts_late(p_message_id bigint, p_provider_id smallint, p_state text) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    select p_state = 'delivered'
       and exists (select from sms.earlier_carrier as e where e.message_id = p_message_id and e.provider_id = p_provider_id)
$$;

COMMENT ON FUNCTION sms.counts_late(p_message_id bigint, p_provider_id smallint, p_state text) IS 'Does the report of a provider count that does not have the message now?';

-- FUNCTION create_partition(text, timestamp with time zone)

CREATE FUNCTION sms.create_partition(p_table text, p_month timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql
    SET "TimeZone" TO 'UTC'
    AS $$
declare
    _from timestamptz := date_trunc('month', p_month, 'UTC');
    _until timestamptz := date_trunc('month', p_month, 'UTC') + interval '1 month';
    _name text := p_table || to_char(p_month at time zone 'UTC', '"_y"YYYY"m"MM');
begin
    if to_regclass('sms.' || _name) is not null then
        return 0;
    end if;
    if _from < '1960-01-01 00:00Z' or _until > '2089-01-01 00:00Z' then
        raise exception 'there are no ids of %, so there is no such month', to_char(_from, 'YYYY-MM') using errcode = 'SM081',
            hint = 'Ids tell moments from 1960 to the end of 2088.';
    end if;
    execute format('create table sms.%I (like sms.%I including all) %s', _name, p_table,
                   -- the receipt's update stays on its page (HOT) when there is room
                   case p_table when 'outcome' then 'with (fillfactor = 60)' else '' end);
    if p_table = 'short_link' then   -- which cannot be said of the whole table: unique in one month is enough
        execute format('create unique index %I on sms.%I (code)', _name || '_code', _name);
    end if;
    execute format('alter table sms.%I attach partition sms.%I for values from (%L) to (%L)', p_table, _name,
                   case p_table when 'contact_log' then _from::text else sms.id_at(_from)::text end,
                   case p_table when 'contact_log' then _until::text else sms.id_at(_until)::text end);
    execute format('comment on table sms.%I is %L', _name, 'One month of sms.' || p_table || ', UTC.');
    return 1;
end
$$;

COMMENT ON FUNCTION sms.create_partition(p_table text, p_month timestamp with time zone) IS 'Make one monthly partition of one table; 0 when it is there already.';

-- FUNCTION cron_problem(text)

CREATE FUNCTION sms.cron_problem(p_cron text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $_$
    select f.name || ' ' || t.span || case when t.lo > t.hi then ' runs backwards' else ' is beyond ' || f.lo || ' to ' || f.hi end
      from unnest(regexp_split_to_array(btrim(p_cron), '\s+'), '{minute,hour,day,month,weekday}'::text[],
                  '{0,0,1,1,0}'::int[], '{59,23,31,12,7}'::int[]) with ordinality as f (field, name, lo, hi, n)
     cross join unnest(string_to_array(f.field, ',')) with ordinality as p (part, m)
     cross join lateral (
               select s.span, split_part(s.span, '-', 1)::int as lo, reverse(split_part(reverse(s.span), '-', 1))::int as hi
                 from (select split_part(p.part, '/', 1) as span) as s
                where s.span ~ '^\d{1,5}(-\d{1,5})?$'
           ) as t
     where t.lo < f.lo or t.hi > f.hi or t.lo > t.hi
     order by f.n, p.m
     limit 1
$_$;

COMMENT ON FUNCTION sms.cron_problem(p_cron text) IS 'What number in a cron expression is beyond its bounds, in words; null where all fit.';

-- FUNCTION daily_volumes(date, date)

CREATE FUNCTION sms.daily_volumes(p_from date, p_until date) RETURNS TABLE(day date, channel text, category text, priority smallint, operator text, provider text, messages bigint, segments bigint, cost numeric)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select s.day, c.channel, c.category, c.priority, coalesce(o.operator, 'other'), p.provider,
           sum(s.messages)::bigint, sum(s.segments)::bigint, sum(s.cost)
      from sms.stat_day as s
      join sms.channel as c using (channel_id)
      join sms.provider as p using (provider_id)
      left join sms.operator as o using (operator_id)
     where s.day >= p_from and s.day < p_until
       and sms.is_handed_over(s.state, s.reason)
     group by s.day, c.channel, c.category, c.priority, o.operator, p.provider
     order by s.day, c.channel, o.operator, p.provider
$$;

COMMENT ON FUNCTION sms.daily_volumes(p_from date, p_until date) IS 'Messages, segments and money handed to providers, by day, channel and operator.';

-- FUNCTION declare_adapter(text, text[])

CREATE FUNCTION sms.declare_adapter(p_adapter text, p_settings text[]) RETURNS integer
    LANGUAGE plpgsql
    AS $_$
begin
    delete from sms.adapter_setting as a
     where a.adapter = p_adapter and a.setting <> all (select regexp_replace(s, '\.\*$', '') from unnest(p_settings) as s);
    insert into sms.adapter_setting (adapter, setting, is_open)
    select p_adapter, regexp_replace(s, '\.\*$', ''), s like '%.*' from unnest(p_settings) as s
        on conflict (adapter, setting) do update set is_open = excluded.is_open;
    return cardinality(p_settings);
end
$_$;

COMMENT ON FUNCTION sms.declare_adapter(p_adapter text, p_settings text[]) IS 'Say which settings an adapter has; the owner''s, called by every migration.';

-- FUNCTION delivery_bucket(interval)

CREATE FUNCTION sms.delivery_bucket(p_took interval) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select case when p_took is not null
                then least(greatest(ceil(4 * ln(greatest(date_part('epoch', p_took), 0.25)) / ln(2::float8) - 1e-9), 0), 79)::int + 1 end
$$;

COMMENT ON FUNCTION sms.delivery_bucket(p_took interval) IS 'Which of 80 classes a time to delivery falls in: class n ends at 2^((n - 1) / 4) seconds, 1 s to ten days, each 19 % wider than the one before.';

-- FUNCTION delivery_bucket_ends(integer)

CREATE FUNCTION sms.delivery_bucket_ends(p_bucket integer) RETURNS interval
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ select make_interval(secs => power(2, (p_bucket - 1) / 4.0)::float8) $$;

COMMENT ON FUNCTION sms.delivery_bucket_ends(p_bucket integer) IS 'The longest time of a class of sms.delivery_bucket.';

-- FUNCTION delivery_classes(integer[], integer[])

CREATE FUNCTION sms.delivery_classes(p_buckets integer[], p_messages integer[]) RETURNS integer[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select array_agg(coalesce(k.messages, 0) order by n)
      from generate_series(1, (select max(b) from unnest(p_buckets) as b)) as n
      left join (select g.bucket, sum(g.messages)::int as messages
                   from unnest(p_buckets, p_messages) as g (bucket, messages)
                  where g.bucket is not null
                  group by g.bucket) as k on k.bucket = n
$$;

COMMENT ON FUNCTION sms.delivery_classes(p_buckets integer[], p_messages integer[]) IS 'Counts by delivery class as one array.';

-- FUNCTION delivery_percentile(bigint[], double precision)

CREATE FUNCTION sms.delivery_percentile(p_delivery bigint[], p_share double precision) RETURNS interval
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select make_interval(secs => extract(epoch from case when k.n = 1 then interval '0' else sms.delivery_bucket_ends(k.n::int - 1) end)::float8
               + (p_share * k.total - k.before) / k.messages
               * extract(epoch from sms.delivery_bucket_ends(k.n::int)
                         - case when k.n = 1 then interval '0' else sms.delivery_bucket_ends(k.n::int - 1) end)::float8)
      from (select c.n, c.messages, sum(c.messages) over () as total,
                   sum(c.messages) over (order by c.n) - c.messages as before
              from unnest(p_delivery) with ordinality as c (messages, n)) as k
     where k.messages > 0 and k.before + k.messages >= p_share * k.total
     order by k.n
     limit 1
$$;

COMMENT ON FUNCTION sms.delivery_percentile(p_delivery bigint[], p_share double precision) IS 'A percentile of the time to delivery from counts by class; at most one class (19 %) off.';

-- FUNCTION drop_partition(text, timestamp with time zone)

CREATE FUNCTION sms.drop_partition(p_table text, p_month timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql
    SET "TimeZone" TO 'UTC'
    AS $$
declare
    _lo bigint := sms.id_at(p_month);
    _hi bigint := sms.id_at(p_month + interval '1 month');
begin
    if p_table in ('event', 'event_effect') then
        if exists (select from sms.event_plan as p where p.event_id >= _lo and p.event_id < _hi) then
            return 0;
        end if;
    elsif p_table <> 'contact_log'
       and (exists (select from sms.pending as p where p.id >= _lo and p.id < _hi)
            or exists (select from sms.inflight as f where f.id >= _lo and f.id < _hi)) then
        return 0;
    end if;
    execute format('drop table sms.%I', p_table || to_char(p_month at time zone 'UTC', '"_y"YYYY"m"MM'));
    if p_table = 'receipt' then
        delete from sms.receipt_match as m where m.receipt_id >= _lo and m.receipt_id < _hi;
    end if;
    return 1;
end
$$;

COMMENT ON FUNCTION sms.drop_partition(p_table text, p_month timestamp with time zone) IS 'Drop a month of a table that nothing waiting points into.';

-- FUNCTION dry_run(bigint, timestamp with time zone)

CREATE FUNCTION sms.dry_run(p_campaign_id bigint, p_as_of timestamp with time zone DEFAULT clock_timestamp()) RETURNS TABLE(topic text, key text, messages bigint, segments bigint, cost numeric, at timestamp with time zone)
    LANGUAGE plpgsql STABLE
    SET transaction_read_only TO 'on'
    SET standard_conforming_strings TO 'on'
    AS $$
begin
    return query select r.* from sms.dry_run_campaign(p_campaign_id, coalesce(p_as_of, clock_timestamp())) as r;
end
$$;

COMMENT ON FUNCTION sms.dry_run(p_campaign_id bigint, p_as_of timestamp with time zone) IS 'Preview of a campaign''s launch, or of what is left of it: kept, suppressed by reason, deferred by hour, segments, cost, end. Writes nothing.';

-- FUNCTION dry_run(text, text, text, bigint, timestamp with time zone)

CREATE FUNCTION sms.dry_run(p_select text, p_channel text DEFAULT 'planned'::text, p_body text DEFAULT NULL::text, p_campaign_id bigint DEFAULT NULL::bigint, p_as_of timestamp with time zone DEFAULT clock_timestamp()) RETURNS TABLE(topic text, key text, messages bigint, segments bigint, cost numeric, at timestamp with time zone)
    LANGUAGE plpgsql STABLE
    SET transaction_read_only TO 'on'
    SET standard_conforming_strings TO 'on'
    AS $$
declare
    _as_of timestamptz := coalesce(p_as_of, clock_timestamp());
begin
    if exists (select from sms.campaign as c where c.campaign = p_select) then
        return query select r.* from sms.dry_run_campaign(sms.find_campaign(p_select), _as_of) as r;
        return;
    end if;
    return query
    select r.*
      from sms.dry_run_report(sms.dry_run_audience(p_select, p_channel, p_body, p_campaign_id, _as_of), null, _as_of) as r;
end
$$;

COMMENT ON FUNCTION sms.dry_run(p_select text, p_channel text, p_body text, p_campaign_id bigint, p_as_of timestamp with time zone) IS 'Preview of sending to a SELECT of (phone, …), or of the campaign with this name: kept, suppressed by reason, deferred by hour, segments, cost, end. Writes nothing.';

-- FUNCTION dry_run_again(sms.candidate, timestamp with time zone)

CREATE FUNCTION sms.dry_run_again(p_fact sms.candidate, p_moment timestamp with time zone) RETURNS sms.candidate
    LANGUAGE sql IMMUTABLE
    AS $$
    select (p_fact.id, p_fact.msisdn, p_moment, p_fact.expires_at, p_fact.dedup_key, null, p_fact.client_id,
            p_fact.campaign_id, p_fact.template_version_id, p_fact.lane_id, p_fact.channel_id, p_fact.zone_id,
            p_fact.priority, p_fact.attempt, 0, 0, null, 0)::sms.candidate
$$;

COMMENT ON FUNCTION sms.dry_run_again(p_fact sms.candidate, p_moment timestamp with time zone) IS 'Part of dry_run: a candidate, due at another moment.';

-- FUNCTION next_id()

CREATE FUNCTION sms.next_id() RETURNS bigint
    LANGUAGE sql
    AS $$
    select case when clock_timestamp() < '2089-01-01 00:00Z'
                then (((date_part('epoch', clock_timestamp()) * 1000)::bigint - 1577836800000) << 22) | nextval('sms.id_seq')
                else sms.refuse_id() end
$$;

COMMENT ON FUNCTION sms.next_id() IS 'A new time-ordered id, until the end of 2088. Exceeds 2^53: in JSON and HTML it is a string.';

-- TABLE outbox

CREATE TABLE sms.outbox (
    id bigint DEFAULT sms.next_id() NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    channel text DEFAULT 'single'::text NOT NULL,
    phone text,
    body text,
    template text,
    vars jsonb,
    erp_ref text,
    client_id bigint,
    priority smallint,
    not_before timestamp with time zone,
    expires_at timestamp with time zone,
    time_zone text,
    sender_id text,
    campaign_id bigint,
    CONSTRAINT outbox_erp_ref_check CHECK (((char_length(erp_ref) >= 1) AND (char_length(erp_ref) <= 200))),
    CONSTRAINT outbox_priority_check CHECK (((priority >= 0) AND (priority <= 3))),
    CONSTRAINT outbox_sender_id_check CHECK (((char_length(sender_id) >= 1) AND (char_length(sender_id) <= 15)))
)
PARTITION BY RANGE (id);

COMMENT ON TABLE sms.outbox IS 'One row is one request by the ERP. INSERT is the hand-over: committed = sent once, or suppressed with a reason in sms.message. Never updated.';

COMMENT ON COLUMN sms.outbox.id IS 'Time-ordered id, given by default.';

COMMENT ON COLUMN sms.outbox.created_at IS 'When the row was inserted.';

COMMENT ON COLUMN sms.outbox.channel IS 'Traffic class, see sms.channel. An unknown one is an error that lists the known.';

COMMENT ON COLUMN sms.outbox.phone IS 'The phone as the ERP has it; dirty spellings are understood, unusable ones end suppressed with a reason.';

COMMENT ON COLUMN sms.outbox.body IS 'The text, up to 1,000 characters. Or give template and vars.';

COMMENT ON COLUMN sms.outbox.template IS 'Name of a template; its current version is used, or with name@3 its third.';

COMMENT ON COLUMN sms.outbox.vars IS 'Values for the template''s {{variables}}, a flat JSON object.';

COMMENT ON COLUMN sms.outbox.erp_ref IS 'Idempotency key: of several rows with one key at most one is sent, the others end suppressed(duplicate_ref).';

COMMENT ON COLUMN sms.outbox.client_id IS 'The ERP''s client, for caps, campaigns and reports.';

COMMENT ON COLUMN sms.outbox.priority IS 'Lowers the channel''s priority for this row (larger = later); cannot raise it.';

COMMENT ON COLUMN sms.outbox.not_before IS 'Earliest moment to send; null = now.';

COMMENT ON COLUMN sms.outbox.expires_at IS 'After this it is not sent; null = the channel''s validity.';

COMMENT ON COLUMN sms.outbox.time_zone IS 'IANA zone of the subscriber; wins over what the number tells.';

COMMENT ON COLUMN sms.outbox.sender_id IS 'What the handset shows; null = the channel''s.';

COMMENT ON COLUMN sms.outbox.campaign_id IS 'The campaign this row belongs to.';

-- FUNCTION dry_run_audience(text, text, text, bigint, timestamp with time zone)

CREATE FUNCTION sms.dry_run_audience(p_select text, p_channel text, p_body text, p_campaign_id bigint, p_as_of timestamp with time zone) RETURNS sms.outbox[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET standard_conforming_strings TO 'on'
    AS $_$
declare
    _select text := regexp_replace(coalesce(p_select, ''), '[;\s]+$', '');
    _before text := sms.session_state();
    _rows sms.outbox[];
begin
    perform sms.refuse_open_reader();
    perform sms.refuse_strangers(_select);
    begin
        perform sms.refuse_unlisted_words(_select);
        perform sms_audience.analyse_select(_select);
        select array_agg((r.n, p_as_of, p_channel, r.phone, case when r.template is null then coalesce(r.body, p_body) else r.body end,
                          r.template, r.vars, r.erp_ref, r.client_id, r.priority, r.not_before, r.expires_at, r.time_zone,
                          r.sender_id, p_campaign_id)::sms.outbox)
          into _rows
          from sms_audience.read_requests(_select) as r;
    exception
        when insufficient_privilege or sqlstate 'SM021' then
            raise;
        when syntax_error or feature_not_supported or invalid_cursor_definition then
            raise exception 'the audience must be one SELECT: %', sqlerrm using errcode = 'SM020',
                hint = 'Like: select phone, client_id from clients where …';
        when syntax_error_or_access_rule_violation then
            raise exception 'the SELECT cannot be run: %', sqlerrm using errcode = 'SM020';
        when sqlstate 'SM031' then
            raise exception '%', sqlerrm using errcode = 'SM020';
    end;
    perform sms.refuse_changed_session(_before);
    if cardinality(_rows) > 250000 then
        raise exception 'the SELECT yields more than 250,000 rows' using errcode = 'SM022',
            hint = 'Preview a part of it, like: … where client_id % 10 = 0. Or save it as an audience of a campaign, whose dry run reads a part by itself.';
    end if;
    return coalesce(_rows, '{}');
end
$_$;

COMMENT ON FUNCTION sms.dry_run_audience(p_select text, p_channel text, p_body text, p_campaign_id bigint, p_as_of timestamp with time zone) IS 'Part of dry_run: the requests that a SELECT of (phone, …) describes; read with the rights of sms_audience.';

-- FUNCTION dry_run_campaign(bigint, timestamp with time zone)

CREATE FUNCTION sms.dry_run_campaign(p_campaign_id bigint, p_as_of timestamp with time zone) RETURNS TABLE(topic text, key text, messages bigint, segments bigint, cost numeric, at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    _plan record;
begin
    if not exists (select from sms.pending as p where p.campaign_id = p_campaign_id) then
        perform sms.known_campaign(p_campaign_id);
    end if;
    select * into _plan from sms.dry_run_plan(p_campaign_id, p_as_of);
    if _plan.factor > 1 then
        return query select 'sampled', '1 in ' || round(_plan.factor, 1), cardinality(_plan.requests)::bigint, null::bigint, null::numeric, p_as_of;
    end if;
    return query
    select r.topic, r.key, r.messages, r.segments, r.cost, r.at
      from sms.dry_run_report(_plan.requests, p_campaign_id, p_as_of, _plan.factor) as r;
end
$$;

COMMENT ON FUNCTION sms.dry_run_campaign(p_campaign_id bigint, p_as_of timestamp with time zone) IS 'Part of dry_run: a campaign, before its launch or under way.';

-- FUNCTION dry_run_capped(sms.candidate, timestamp with time zone, integer[], timestamp with time zone[], sms.candidate[])

CREATE FUNCTION sms.dry_run_capped(p_fact sms.candidate, p_moment timestamp with time zone, p_cap_ids integer[], p_sinces timestamp with time zone[], p_kept sms.candidate[]) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    select coalesce(bool_or(v.used > 0 and v.used + case p.per when 'number' then n.used else c.used end >= p.max_messages),
                    false)
      from unnest(p_cap_ids, p_sinces) as t (cap_id, since)
      join sms.cap as p on p.cap_id = t.cap_id
      cross join lateral (
               select array_agg(o.channel_id) as counted
                 from sms.channel as o
                where o.channel = coalesce(p.channel, o.channel) and o.category = coalesce(p.category, o.category)
           ) as o
      cross join lateral (
               select count(*) as used
                 from unnest(p_kept) as k
                where case p.per when 'number' then k.msisdn = p_fact.msisdn else k.client_id = p_fact.client_id end
                  and k.not_before >= t.since and k.channel_id = any (o.counted)
           ) as v
      cross join lateral (
               select count(*) as used
                 from sms.contact_log as x
                where v.used > 0 and p.per = 'number' and x.msisdn = p_fact.msisdn
                  and x.at >= t.since and x.at < p_moment + interval '1 hour'
                  and x.channel_id = any (o.counted) and x.message_id <> p_fact.id
               offset 0
           ) as n
      cross join lateral (
               select count(*) as used
                 from sms.contact_log as x
                where v.used > 0 and p.per = 'client' and x.client_id = p_fact.client_id
                  and x.at >= t.since and x.at < p_moment + interval '1 hour'
                  and x.channel_id = any (o.counted) and x.message_id <> p_fact.id
               offset 0
           ) as c
$$;

COMMENT ON FUNCTION sms.dry_run_capped(p_fact sms.candidate, p_moment timestamp with time zone, p_cap_ids integer[], p_sinces timestamp with time zone[], p_kept sms.candidate[]) IS 'Part of dry_run: do the kept candidates use up a cap of this one?';

-- FUNCTION dry_run_fates(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.dry_run_fates(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS TABLE(id bigint, reason text, at timestamp with time zone, is_deferred boolean)
    LANGUAGE plpgsql STABLE
    AS $$
#variable_conflict use_column
declare
    _steps sms.finding[] := array(select s from sms.dry_run_steps(sms.told_facts(p_batch), p_as_of) as s);
    _doubles bigint[] := array(select d from sms.dry_run_refs(p_batch, p_as_of) as d);
    _rivals sms.candidate[];
begin
    _rivals := array(select c from unnest(p_batch) as c
                      where not exists (select from unnest(_doubles) as d (id) where d.id = c.id));
    return query
    with step as materialized (
        select s.id, s.rank, s.verdict, s.reason, s.not_before as moment from unnest(_steps) as s
    ), alone as (
        select distinct on (s.id) s.id, case when s.verdict = 'suppress' then s.reason end as reason, s.moment as at
          from step as s
         order by s.id, s.moment desc
    ), first as (
        select distinct on (s.id) s.id, s.rank, s.verdict, s.reason, s.moment
          from step as s
         order by s.id, s.moment
    ), rival as materialized (
        select r.id, r.reason, r.at from sms.dry_run_rivals(_rivals, _steps, p_as_of) as r
    )
    select f.id,
           case when d.id is null then case when r.id is null then a.reason else r.reason end
                when f.verdict = 'suppress' and f.rank < 40 then f.reason
                else 'duplicate_ref' end,
           case when d.id is null then coalesce(r.at, a.at) else f.moment end,
           d.id is null and coalesce(r.at, a.at) > f.moment
      from first as f
      join alone as a on a.id = f.id
      left join rival as r on r.id = f.id
      left join unnest(_doubles) as d (id) on d.id = f.id;
end
$$;

COMMENT ON FUNCTION sms.dry_run_fates(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'Part of dry_run: what would become of every candidate, and when.';

-- FUNCTION dry_run_groups(sms.candidate[])

CREATE FUNCTION sms.dry_run_groups(p_batch sms.candidate[]) RETURNS TABLE(id bigint, label bigint)
    LANGUAGE plpgsql STABLE
    AS $$
declare
    _ids bigint[];
    _msisdns bigint[];
    _clients bigint[];
    _labels bigint[];
    _spread bigint[];
begin
    select array_agg(c.id), array_agg(c.msisdn), array_agg(c.client_id) into _ids, _msisdns, _clients
      from unnest(p_batch) as c;
    _labels := _msisdns;
    while exists (select from sms.cap as k where k.per = 'client') and _spread is distinct from _labels loop
        _labels := coalesce(_spread, _labels);
        _spread := array(
            select min(s.label) over (partition by s.msisdn)
              from (select g.n, g.msisdn,
                           min(g.label) over (partition by g.client_id, case when g.client_id is null then g.n end) as label
                      from unnest(_msisdns, _clients, _labels) with ordinality as g (msisdn, client_id, label, n)) as s
             order by s.n);
    end loop;
    return query
    select s.id, s.label
      from (select g.id, g.label, count(*) over (partition by g.label) as members
              from unnest(_ids, _labels) as g (id, label)) as s
     where s.members > 1;
end
$$;

COMMENT ON FUNCTION sms.dry_run_groups(p_batch sms.candidate[]) IS 'Part of dry_run: candidates of the same number or client, which compete.';

-- FUNCTION dry_run_judge(sms.candidate[])

CREATE FUNCTION sms.dry_run_judge(p_batch sms.candidate[]) RETURNS SETOF sms.finding
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET jit TO 'off'
    AS $$
declare
    _begin timestamptz;
    _many boolean;
    _moment timestamptz;
    _chunk sms.candidate[];
begin
    select min(c.not_before), count(distinct c.not_before) > 2000 into _begin, _many from unnest(p_batch) as c;
    for _moment, _chunk in
        select g.moment, array_agg(g.fact)
          from (select m.fact, m.moment, row_number() over (partition by m.moment) / 1000 as part
                  from (select c as fact,
                               case when _many then greatest(date_trunc('minute', c.not_before), _begin)
                                    else c.not_before end as moment
                          from unnest(p_batch) as c) as m) as g
         group by g.moment, g.part
    loop
        return query
        select j.id, r.rank, j.verdict, j.reason, null::text, j.not_before
          from sms.judge_batch(_chunk, _moment) as j
          left join sms.reason as r on r.reason = j.reason;
    end loop;
end
$$;

COMMENT ON FUNCTION sms.dry_run_judge(p_batch sms.candidate[]) IS 'Part of dry_run: the rules about candidates, each as of its own moment.';

-- FUNCTION dry_run_plan(bigint, timestamp with time zone)

CREATE FUNCTION sms.dry_run_plan(p_campaign_id bigint, p_as_of timestamp with time zone) RETURNS TABLE(requests sms.outbox[], people bigint, factor numeric)
    LANGUAGE plpgsql STABLE
    AS $$
declare
    _validity interval;
    _campaign sms.campaign;
    _run sms.campaign_run;
    _start timestamptz;
begin
    select * into _campaign from sms.campaign as c where c.campaign_id = p_campaign_id;
    select * into _run
      from sms.campaign_run as r
     where r.campaign_id = p_campaign_id and r.state <> 'failed'
     order by case when r.state in ('finished', 'stopped') then 2 when r.begun_at is null then 1 else 0 end, r.run_id desc
     limit 1;
    if _campaign.template is null or _campaign.audience is null
       or _run.state in ('finished', 'stopped') then
        return query select null::sms.outbox[], 0::bigint, 1::numeric;
        return;
    end if;
    select c.validity into _validity from sms.channel as c where c.channel = coalesce(_run.channel, _campaign.channel);
    _start := greatest(p_as_of, case when _run.frozen_at is null then coalesce(_run.begins_at, _campaign.start_at) end,
                       _run.next_slot);
    return query
    with person as materialized (
        select k.*, greatest(_start, k.opens_at) + coalesce((k.n - 1) * interval '1 hour' / _campaign.per_hour, '0') as due_at
          from (select row_number() over () as n, r.client_id, r.phone, r.time_zone, r.vars, z.opens_at, r.zone_id
                  from sms.run_recipient as r
                  join sms.run_zone as z on z.run_id = r.run_id and z.zone_id = r.zone_id
                 where r.run_id = _run.run_id and _run.frozen_at is not null
                 union all
                select row_number() over () as n, a.client_id, a.phone, a.time_zone, a.vars,
                       case when z.zone_id is not null then sms.local_moment(z.members, _campaign.local_time, _start) end, a.zone_id
                  from sms.campaign_people(_campaign.audience, _campaign.channel, p_as_of) as a
                  left join sms.time_zone as z on z.zone_id = a.zone_id
                 where not a.is_repeat and _run.frozen_at is null) as k
    ), amount as (
        select count(*) as people, greatest(1, ceil(count(*) / 250000.0))::int as step from person as p
    )
    select array_agg((p.n, p_as_of, coalesce(_run.channel, _campaign.channel), p.phone, null,
                      coalesce(_run.template, _campaign.template), p.vars, null, p.client_id, null,
                      p.due_at, case when _campaign.ends_at < p.due_at + _validity then _campaign.ends_at end, p.time_zone, null, p_campaign_id)::sms.outbox)
               filter (where p.n is not null),
           a.people, a.people::numeric / greatest(count(p.n), 1)
      from amount as a
      left join person as p on p.n % a.step = 0
     group by a.people;
end
$$;

COMMENT ON FUNCTION sms.dry_run_plan(p_campaign_id bigint, p_as_of timestamp with time zone) IS 'Part of dry_run: the requests a campaign would make, or those its run has still to make.';

-- FUNCTION dry_run_refs(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.dry_run_refs(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS SETOF bigint
    LANGUAGE sql STABLE
    AS $$
    select c.id
      from (select x.id, x.ref_hash,
                   row_number() over (partition by x.ref_hash order by greatest(x.not_before, p_as_of), x.id) as n
              from unnest(p_batch) as x
             where x.ref_hash is not null) as c
      left join sms.erp_ref as r on (select sms.may_read_texts()) and r.ref_hash = c.ref_hash and r.id >= sms.id_at(p_as_of - sms.erp_ref_span())
     where case when r.id is null then c.n > 1 else r.id <> c.id end
$$;

COMMENT ON FUNCTION sms.dry_run_refs(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'Part of dry_run: candidates that would end as duplicate_ref.';

-- FUNCTION dry_run_repeats(sms.candidate, timestamp with time zone, interval, sms.candidate[])

CREATE FUNCTION sms.dry_run_repeats(p_fact sms.candidate, p_moment timestamp with time zone, p_window interval, p_kept sms.candidate[]) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    select p_window > '0'
       and exists (select from unnest(p_kept) as k
                    where k.msisdn = p_fact.msisdn and k.dedup_key = p_fact.dedup_key and k.not_before > p_moment - p_window)
$$;

COMMENT ON FUNCTION sms.dry_run_repeats(p_fact sms.candidate, p_moment timestamp with time zone, p_window interval, p_kept sms.candidate[]) IS 'Part of dry_run: does a kept candidate make this one a duplicate?';

-- FUNCTION dry_run_report(sms.outbox[], bigint, timestamp with time zone, numeric)

CREATE FUNCTION sms.dry_run_report(p_rows sms.outbox[], p_campaign_id bigint, p_as_of timestamp with time zone, p_factor numeric DEFAULT 1) RETURNS TABLE(topic text, key text, messages bigint, segments bigint, cost numeric, at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    _bounds timestamptz[] := array(select t.valid_from from sms.tariff as t union select t.valid_until from sms.tariff as t
                                    order by 1);
    _is_blind boolean := not sms.may_read_texts();
begin
    perform sms.refuse_unfit_rows(p_rows);
    return query
    with request as materialized (
        select 1::numeric as weight, w.* from sms.dry_run_waiting(p_campaign_id) as w
         union all
        select p_factor, q.* from sms.dry_run_requests(p_rows, p_as_of) as q
    ), fate as materialized (
        select f.* from sms.dry_run_fates(array(select r.fact from request as r where r.reason is null), p_as_of) as f
    ), told as materialized (
        select r.weight, coalesce(r.reason, f.reason) as reason, f.at, coalesce(f.is_deferred, false) as is_deferred,
               r.weight * coalesce(r.segments, 0) as segments, coalesce(r.is_ucs2, false) as is_ucs2,
               r.fact, (r.fact).lane_id, width_bucket(f.at, _bounds) as tariffs
          from request as r
          left join fate as f on f.id = (r.fact).id and r.reason is null
    ), price as materialized (
        select k.lane_id, k.tariffs, sms.segment_price(l.provider_id, l.operator_id, c.category, k.at) as price
          from (select t.lane_id, t.tariffs, min(t.at) as at from told as t where t.reason is null group by 1, 2) as k
          join sms.lane as l on l.lane_id = k.lane_id
          join sms.channel as c on c.channel_id = l.channel_id
    ), kept as materialized (
        select t.weight, t.at, t.is_deferred, t.segments, t.is_ucs2, t.segments * p.price as cost,
               coalesce(v.provider, '(parked)') as provider, case when v.is_enabled then v.tps end as tps
          from told as t
          join sms.lane as l on l.lane_id = t.lane_id
          left join sms.provider as v on v.provider_id = l.provider_id
          left join price as p on p.lane_id = t.lane_id and p.tariffs = t.tariffs
         where t.reason is null
    ), finish as materialized (   -- the queue of a provider is never empty before what comes later is done
        select k.provider, sum(k.weight) as messages, sum(k.segments) as segments, sum(k.cost) as cost,
               max(k.at + make_interval(secs => (k.later / k.tps)::float8)) as at, bool_and(k.tps is not null) as ends
          from (select x.*, sum(x.segments) over (partition by x.provider order by x.at desc) as later from kept as x) as k
         group by k.provider
    ), repeated as (
        select t.weight, t.segments
          from told as t
          join sms.template_version as v on v.template_version_id = (t.fact).template_version_id
          join sms.template as m on m.template_id = v.template_id
          join sms.channel as c on c.channel_id = (t.fact).channel_id and c.dedup_window > '0'
         where _is_blind and t.reason is null
           and exists (select from sms.contact_log as l
                         join sms.outbox as o on o.id = l.message_id and split_part(o.template, '@', 1) = m.template
                        where l.msisdn = (t.fact).msisdn and l.at > t.at - c.dedup_window and l.message_id <> (t.fact).id)
    )
    select f.topic, f.key, round(f.messages)::bigint, round(f.segments)::bigint, f.cost, f.at
      from (select 1 as part, 0 as n, 'total' as topic, null as key, coalesce(sum(t.weight), 0) as messages,
                   coalesce(sum(t.segments), 0) as segments, null::numeric as cost, p_as_of as at
              from told as t
            union all
            select 2, 0, 'kept', null, coalesce(sum(k.weight), 0), coalesce(sum(k.segments), 0), sum(k.cost), min(k.at) from kept as k
            union all
            select 3, min(r.rank), 'suppressed', t.reason, sum(t.weight), sum(t.segments), null, null
              from told as t
              left join sms.reason as r on r.reason = t.reason
             where t.reason is not null group by t.reason
            union all
            select 4, 0, 'deferred', to_char(date_trunc('hour', k.at), 'YYYY-MM-DD HH24:MI'), sum(k.weight),
                   sum(k.segments), sum(k.cost), date_trunc('hour', k.at)
              from kept as k where k.is_deferred group by date_trunc('hour', k.at)
            union all
            select 5, 0, 'encoding', case when k.is_ucs2 then 'ucs2' else 'gsm7' end, sum(k.weight), sum(k.segments),
                   sum(k.cost), null
              from kept as k group by k.is_ucs2
            union all
            select 6, 0, 'cost', p.provider, p.messages, p.segments, p.cost, case when p.ends then p.at end from finish as p
            union all
            select 7, 0, 'ends', null, sum(p.messages), sum(p.segments), sum(p.cost),
                   case when bool_and(p.ends) then max(p.at) end
              from finish as p having count(*) > 0
            union all
            select 8, 0, 'not_judged', 'duplicate', coalesce(sum(r.weight), 0), coalesce(sum(r.segments), 0), null, null
              from repeated as r having _is_blind) as f
     order by f.part, f.at, f.n, f.key;
end
$$;

COMMENT ON FUNCTION sms.dry_run_report(p_rows sms.outbox[], p_campaign_id bigint, p_as_of timestamp with time zone, p_factor numeric) IS 'Part of dry_run: the findings about requests and about what is queued of a campaign.';

-- FUNCTION dry_run_requests(sms.outbox[], timestamp with time zone)

CREATE FUNCTION sms.dry_run_requests(p_rows sms.outbox[], p_as_of timestamp with time zone) RETURNS TABLE(fact sms.candidate, reason text, segments integer, is_ucs2 boolean)
    LANGUAGE sql STABLE
    AS $$
    select (r.id, f.msisdn, f.not_before, f.expires_at, f.dedup_key, f.ref_hash, r.client_id, r.campaign_id,
            f.template_version_id, f.lane_id, f.channel_id, f.zone_id, f.priority, 1, 0, 0, null, 0)::sms.candidate,
           f.reason, sms.segments(t.body), sms.needs_ucs2(t.body)
      from unnest(p_rows) as r
      cross join lateral sms.interpret_request(
               r.channel, r.phone, r.body, r.template, r.vars, r.erp_ref,
               r.priority, r.not_before, r.expires_at, r.time_zone, r.client_id, p_as_of) as f
      left join sms.template_version as v on v.template_version_id = f.template_version_id
      cross join lateral (
               select sms.sent_text(f.channel_id, case when v.body is null then r.body else sms.render(v.body, r.vars) end) as body
               offset 0
           ) as t
$$;

COMMENT ON FUNCTION sms.dry_run_requests(p_rows sms.outbox[], p_as_of timestamp with time zone) IS 'Part of dry_run: how rows would be understood if they were inserted.';

-- FUNCTION dry_run_rivals(sms.candidate[], sms.finding[], timestamp with time zone)

CREATE FUNCTION sms.dry_run_rivals(p_batch sms.candidate[], p_steps sms.finding[], p_as_of timestamp with time zone) RETURNS TABLE(id bigint, reason text, at timestamp with time zone)
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET jit TO 'off'
    AS $$
#variable_conflict use_column
declare
    _s record;
    _label bigint;
    _kept sms.candidate[];   -- of this group, so far; not_before is when it went
    _decided bigint[];
    _rank int;
begin
    for _s in
        with step as materialized (
            select g.label, c as fact, s.rank, s.verdict, s.reason, s.not_before as moment
              from sms.dry_run_groups(p_batch) as g
              join unnest(p_batch) as c on c.id = g.id
              join unnest(p_steps) as s on s.id = g.id
        ), term as materialized (
            select k.channel_id, k.zone_id, k.moment, array_agg(t.cap_id) as cap_ids, array_agg(t.since) as sinces
              from (select (x.fact).channel_id, (x.fact).zone_id, x.moment, (array_agg(x.fact))[1] as fact
                      from step as x
                     group by 1, 2, 3) as k
              cross join lateral sms.cap_terms(array[k.fact], k.moment) as t
             group by k.channel_id, k.zone_id, k.moment
        )
        select x.*, ch.dedup_window, t.cap_ids, t.sinces
          from step as x
          left join sms.channel as ch on ch.channel_id = (x.fact).channel_id
          left join term as t
            on t.channel_id = (x.fact).channel_id and t.zone_id = (x.fact).zone_id and t.moment = x.moment
         order by x.label, x.moment, (x.fact).priority,
                  case when x.moment = p_as_of then (x.fact).not_before end,   -- once deferred, all are due at the moment
                  (x.fact).id
    loop
        if _s.label is distinct from _label then
            _label := _s.label;
            _kept := '{}';
            _decided := '{}';
        end if;
        continue when (_s.fact).id = any (_decided);
        _rank := case when _s.verdict = 'suppress' then _s.rank end;
        if cardinality(_kept) > 0 and coalesce(_rank, 99) > 50
           and sms.dry_run_repeats(_s.fact, _s.moment, _s.dedup_window, _kept) then
            _rank := 50;
        elsif cardinality(_kept) > 0 and coalesce(_rank, 99) > 60
              and sms.dry_run_capped(_s.fact, _s.moment, _s.cap_ids, _s.sinces, _kept) then
            _rank := 60;
        end if;
        continue when _rank is null and _s.verdict = 'defer';
        id := (_s.fact).id;
        at := _s.moment;
        reason := case when _rank = _s.rank then _s.reason when _rank = 50 then 'duplicate' when _rank = 60 then 'cap' end;
        return next;
        _decided := _decided || id;
        if _rank is null then
            _kept := _kept || sms.dry_run_again(_s.fact, _s.moment);
        end if;
    end loop;
end
$$;

COMMENT ON FUNCTION sms.dry_run_rivals(p_batch sms.candidate[], p_steps sms.finding[], p_as_of timestamp with time zone) IS 'Part of dry_run: candidates of one number or client, decided one after the other.';

-- FUNCTION dry_run_steps(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.dry_run_steps(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS SETOF sms.finding
    LANGUAGE plpgsql STABLE
    AS $$
declare
    _todo sms.candidate[] := array(select sms.dry_run_again(c, greatest(c.not_before, p_as_of)) from unnest(p_batch) as c);
    _found sms.finding[];
begin
    for _round in 1..100 loop
        exit when cardinality(_todo) = 0;
        _found := array(select f from sms.dry_run_judge(_todo) as f);
        return query
        select f.id, f.rank, f.verdict, f.reason, null::text, c.not_before
          from unnest(_found) as f
          join unnest(_todo) as c on c.id = f.id;
        _todo := array(select sms.dry_run_again(c, f.not_before)
                         from unnest(_found) as f
                         join unnest(_todo) as c on c.id = f.id
                        where f.verdict = 'defer');
    end loop;
end
$$;

COMMENT ON FUNCTION sms.dry_run_steps(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'Part of dry_run: every judgement on the way of every candidate, deferrals followed.';

-- FUNCTION dry_run_waiting(bigint)

CREATE FUNCTION sms.dry_run_waiting(p_campaign_id bigint) RETURNS TABLE(fact sms.candidate, reason text, segments integer, is_ucs2 boolean)
    LANGUAGE sql STABLE
    AS $$
    select case when c.not_before > c.expires_at and c.not_before >= timestamptz '3000-01-01 00:00Z'
                then sms.dry_run_again(c, c.not_before - sms.hold_span()) else c end,
           null, sms.segments(t.body), sms.needs_ucs2(t.body)
      from unnest(sms.told_facts(sms.candidates(array(select p.id from sms.pending as p where p.campaign_id = p_campaign_id)))) as c
      join sms.outbox as o on o.id = c.id
      left join sms.template_version as v on v.template_version_id = c.template_version_id
      cross join lateral (
               select sms.sent_text(c.channel_id, case when v.body is null then o.body else sms.render(v.body, o.vars) end) as body
               offset 0
           ) as t
$$;

COMMENT ON FUNCTION sms.dry_run_waiting(p_campaign_id bigint) IS 'Part of dry_run: the messages of a campaign that still wait.';

-- FUNCTION due_runs(timestamp with time zone)

CREATE FUNCTION sms.due_runs(p_as_of timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(run_id bigint, campaign text, cron text, cron_zone text, missed_runs text, begins_at timestamp with time zone, is_busy boolean)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select r.run_id, c.campaign, c.cron, c.cron_zone, c.missed_runs, r.begins_at,
           exists (select from sms.campaign_run as x
                    where x.campaign_id = r.campaign_id
                      and (x.state in ('freezing', 'running') or (x.state = 'paused' and x.begun_at is not null)))
      from sms.campaign_run as r
      join sms.campaign as c on c.campaign_id = r.campaign_id
     where r.state = 'planned' and (r.begins_at is null or r.begins_at <= coalesce(p_as_of, clock_timestamp()))
     order by r.begins_at nulls first, r.run_id
$$;

COMMENT ON FUNCTION sms.due_runs(p_as_of timestamp with time zone) IS 'Chore. Planned runs whose moment has come or has to be worked out.';

-- FUNCTION effect(text, timestamp with time zone, timestamp with time zone, text[], text)

CREATE FUNCTION sms.effect(p_goal text, p_from timestamp with time zone, p_until timestamp with time zone, p_by text[] DEFAULT '{campaign}'::text[], p_touch text DEFAULT 'last'::text) RETURNS TABLE(campaign text, audience text, template text, channel text, clients bigint, messages bigint, converted bigint, conversion_rate numeric, conversions bigint, revenue numeric, cost numeric, revenue_per_unit numeric, took_p50 interval)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    _goal_id int := sms.find_goal(p_goal);
begin
    if not p_by <@ '{campaign,audience,template,channel}' or p_touch not in ('last', 'any') then
        raise exception 'effect cannot be asked so' using errcode = 'SM072',
            hint = 'By: campaign, audience, template, channel. Touch: last, any.';
    end if;
    return query
    with exposure as materialized (
        select e.message_id, e.client_id, e.cost,
               case when 'campaign' = any (p_by) then e.campaign_id end as campaign_id,
               case when 'audience' = any (p_by) then k.audience end as audience,
               case when 'template' = any (p_by) then e.template_id end as template_id,
               case when 'channel' = any (p_by) then e.channel_id end as channel_id
          from sms.exposures(p_from, p_until) as e
          left join sms.campaign as k on k.campaign_id = e.campaign_id
         where e.is_handed_over
    ), owed as materialized (
        select a.message_id, count(*) as conversions, sum(a.amount) as amount, min(a.took) as took
          from sms.attributions(_goal_id, p_from, p_until, p_touch) as a
         group by a.message_id
    )
    select k.campaign, s.audience, t.template, h.channel, s.clients, s.messages, s.converted,
           round(s.converted::numeric / s.clients, 6), s.conversions, s.revenue, s.cost,
           round(s.revenue / nullif(s.cost, 0), 4), s.took_p50
      from (select e.campaign_id, e.audience, e.template_id, e.channel_id, count(distinct e.client_id) as clients, count(*) as messages,
                   count(distinct e.client_id) filter (where w.message_id is not null) as converted,
                   coalesce(sum(w.conversions), 0)::bigint as conversions, coalesce(sum(w.amount), 0) as revenue,
                   coalesce(sum(e.cost), 0) as cost, percentile_cont(0.5) within group (order by w.took) as took_p50
              from exposure as e
              left join owed as w on w.message_id = e.message_id
             group by e.campaign_id, e.audience, e.template_id, e.channel_id) as s
      left join sms.campaign as k on k.campaign_id = s.campaign_id
      left join sms.template as t on t.template_id = s.template_id
      left join sms.channel as h on h.channel_id = s.channel_id
     order by s.messages desc, k.campaign, s.audience, t.template, h.channel;
end
$$;

COMMENT ON FUNCTION sms.effect(p_goal text, p_from timestamp with time zone, p_until timestamp with time zone, p_by text[], p_touch text) IS 'What followed the messages of a span: conversions, revenue per unit of money spent, time taken.';

-- FUNCTION end_run(bigint, text, text, text)

CREATE FUNCTION sms.end_run(p_run_id bigint, p_state text, p_reason text, p_problem text DEFAULT NULL::text) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    update sms.campaign_run as r
       set state = p_state, finished_at = clock_timestamp(), unsent = r.waiting, waiting = 0,
           unsent_reason = case when r.waiting > 0 then p_reason end, problem = p_problem
     where r.run_id = p_run_id;
    delete from sms.run_zone as z where z.run_id = p_run_id;
end
$$;

COMMENT ON FUNCTION sms.end_run(p_run_id bigint, p_state text, p_reason text, p_problem text) IS 'End a run: finished, stopped or failed; whoever still waits is unsent for this reason.';

-- FUNCTION end_turn(text, timestamp with time zone)

CREATE FUNCTION sms.end_turn(p_provider text, p_asked_at timestamp with time zone) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    update sms.provider_asking as a
       set busy_until = '-infinity'
     where a.provider_id = sms.known_provider(p_provider) and a.asked_at = p_asked_at
$$;

COMMENT ON FUNCTION sms.end_turn(p_provider text, p_asked_at timestamp with time zone) IS 'Worker API. The question is answered; give the turn back.';

-- FUNCTION erp_ref_span()

CREATE FUNCTION sms.erp_ref_span() RETURNS interval
    LANGUAGE sql STABLE
    AS $$
    select case when coalesce(max(s.value::int), 0) <= 0 then interval '50 years' else make_interval(days => max(s.value::int)) end
      from sms.setting as s
     where s.setting = 'erp_ref_days'
$$;

COMMENT ON FUNCTION sms.erp_ref_span() IS 'How long an idempotency key protects.';

-- FUNCTION event_moment(text, timestamp with time zone, interval, time without time zone, text[])

CREATE FUNCTION sms.event_moment(p_value text, p_instant timestamp with time zone, p_shift interval, p_at_local time without time zone, p_zones text[]) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    AS $_$
declare
    _days interval := date_trunc('day', p_shift);
    _zone text;
    _local timestamp;
    _latest timestamptz;
begin
    if p_value is not null and p_value !~ '^\d{4}-\d\d-\d\d([T ]|$)' then
        return null;
    end if;
    foreach _zone in array p_zones loop
        _local := case when p_value is null then p_instant at time zone _zone
                       when p_value ~ '[T ].*(Z|[+-]\d\d(:?\d\d)?)$' then p_value::timestamptz at time zone _zone
                       else p_value::timestamp end;
        _latest := greatest(_latest, case when p_at_local is null then (_local + _days) at time zone _zone + (p_shift - _days)
                                          else ((_local + _days)::date + p_at_local) at time zone _zone end);
    end loop;
    if _latest > timestamptz '9999-01-01 00:00Z' then   -- "never", which not every client can read
        _latest := timestamptz '9999-01-01 00:00Z';
    end if;
    return _latest;
exception when data_exception then
    return null;
end
$_$;

COMMENT ON FUNCTION sms.event_moment(p_value text, p_instant timestamp with time zone, p_shift interval, p_at_local time without time zone, p_zones text[]) IS 'The moment a shift away from a date, at a time of day where the subscriber lives.';

-- FUNCTION event_problem(jsonb, jsonb)

CREATE FUNCTION sms.event_problem(p_variables jsonb, p_vars jsonb) RETURNS text
    LANGUAGE plpgsql STABLE
    AS $_$
declare
    _name text;
    _kind text;
    _value text;
    _problem text;
begin
    for _name, _kind in select d.key, d.value from jsonb_each_text(p_variables) as d order by d.key loop
        _value := nullif(p_vars ->> _name, '');
        if _value is null then
            if _kind not like '%?' then
                _problem := concat_ws('; ', _problem, _name || ' is missing');
            end if;
        elsif (case rtrim(_kind, '?') when 'number' then _value !~ '^[+-]?\d+([.,]\d+)?$'
                                     when 'boolean' then _value not in ('true', 'false')
                                     when 'text' then false
                                     else sms.event_moment(_value, null, '0', null, array['UTC']) is null end) then
            _problem := concat_ws('; ', _problem, _name || ' is no ' || rtrim(_kind, '?'));
        end if;
    end loop;
    return _problem;
end
$_$;

COMMENT ON FUNCTION sms.event_problem(p_variables jsonb, p_vars jsonb) IS 'Declared variables of an event that are missing or unreadable, as a sentence; null = none.';

-- FUNCTION expire_leases(integer, timestamp with time zone)

CREATE FUNCTION sms.expire_leases(p_limit integer DEFAULT 1000, p_as_of timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(returned integer, uncertain integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    _now timestamptz := coalesce(sms.named_moment(p_as_of), clock_timestamp());
    _claims bigint[];
    _doubted bigint[];
begin
    select array_agg(c.claim_id) into _claims
      from (select distinct f.claim_id from sms.inflight as f where f.lease_until < _now - interval '2 seconds') as c
     where pg_try_advisory_xact_lock(c.claim_id);

    with late as materialized (
        select f.id
          from sms.inflight as f
         where f.claim_id = any (_claims)
         order by f.id
         limit p_limit
           for update skip locked
    ), mine as materialized (
        delete from sms.inflight as f
         using late as t
         where f.id = t.id
     returning f.*, exists (select from sms.submitting as s where s.claim_id = f.claim_id and f.id = any (s.ids)) as is_marked
    ), back as (
        insert into sms.pending (id, msisdn, not_before, expires_at, dedup_key, ref_hash, client_id, campaign_id,
                                 template_version_id, lane_id, zone_id, priority, attempt)
        select m.id, m.msisdn, m.claimed_at, m.expires_at, m.dedup_key, m.ref_hash, m.client_id, m.campaign_id,
               m.template_version_id, m.lane_id, m.zone_id, m.priority, m.attempt - 1
          from mine as m
         where not m.is_marked
    ), taken_back as (
        delete from sms.contact_log as l
         using mine as m
         where not m.is_marked and l.msisdn = m.msisdn and l.at = m.claimed_at and l.message_id = m.id
    ), doubtful as (
        insert into sms.outcome (id, msisdn, decided_at, submitted_at, client_id, campaign_id, template_version_id,
                                 provider_id, lane_id, zone_id, attempts, state, detail)
        select m.id, m.msisdn, _now, m.claimed_at, m.client_id, m.campaign_id, m.template_version_id,
               m.provider_id, m.lane_id, m.zone_id, m.attempt, 'uncertain', 'the worker vanished after it began to submit'
          from mine as m
         where m.is_marked
    ), doubted as (
        insert into sms.doubtful (id, since, provider_id, next_ask_at)
        select m.id, _now, m.provider_id, _now from mine as m where m.is_marked
            on conflict (id) do update set since = excluded.since, provider_id = excluded.provider_id, ref = null, asks = 0,
                                           asked_at = null, next_ask_at = excluded.next_ask_at, absent_since = null
    )
    select count(*) filter (where not m.is_marked)::int, count(*) filter (where m.is_marked)::int,
           array_agg(m.id) filter (where m.is_marked)
      into returned, uncertain, _doubted
      from mine as m;
    return next;
    if returned > 0 then
        perform sms.sweep_campaigns();
    end if;
    if _doubted is not null then
        perform sms.price_doubted(_doubted, _now);
        perform sms.name_messages(_claims, _doubted, _now);
        perform sms.apply_orphans(array_agg(u.receipt_id), _now)
           from unnest(_doubted) as g (id)
           cross join lateral (select x.receipt_id from sms.unmatched_receipt as x where x.message_id = g.id offset 0) as u
          having count(*) > 0;
    end if;

    delete from sms.submitting as s
     where s.marked_at < _now - interval '1 hour'
       and not exists (select from sms.inflight as f where f.claim_id = s.claim_id);
    delete from sms.claim as c
     where c.claimed_at < _now - interval '1 hour'
       and not exists (select from sms.inflight as f where f.claim_id = c.claim_id);
end
$$;

COMMENT ON FUNCTION sms.expire_leases(p_limit integer, p_as_of timestamp with time zone) IS 'Chore. Messages whose lease ran out: back to pending when never marked, uncertain when marked as submitting.';

-- FUNCTION expire_pins(timestamp with time zone, smallint[])

CREATE FUNCTION sms.expire_pins(p_as_of timestamp with time zone, p_lanes smallint[] DEFAULT '{}'::smallint[]) RETURNS integer
    LANGUAGE plpgsql
    AS $$
declare
    _ended sms.lane_pin[];
    _causes jsonb;
begin
    with gone as (
        delete from sms.lane_pin as n where n.pinned_until <= p_as_of or n.lane_id = any (p_lanes) returning n
    )
    select array_agg(g.n) into _ended from gone as g;
    select jsonb_object_agg(l.lane_id, jsonb_build_object(
               'to', e.return_to, 'cause', 'pin_ended', 'is_automatic', e.lane_id <> all (p_lanes),
               'detail', format('pinned by %s%s', e.pinned_by, ': ' || e.reason)))
      into _causes
      from unnest(_ended) as e
      join sms.lane as l on l.lane_id = e.lane_id
     where l.provider_id is distinct from e.return_to
       and not exists (select from sms.route as r
                        where r.channel_id = l.channel_id and (r.operator_id = l.operator_id or r.operator_id is null));
    if _causes is not null then
        update sms.lane as l
           set provider_id = (e.value ->> 'to')::smallint, moved = e.value - 'to' || jsonb_build_object('at', clock_timestamp())
          from jsonb_each(_causes) as e
         where l.lane_id = e.key::smallint;
    end if;
    return coalesce(cardinality(_ended), 0);
end
$$;

COMMENT ON FUNCTION sms.expire_pins(p_as_of timestamp with time zone, p_lanes smallint[]) IS 'End pins: those whose time is over, or those of these lanes.';

-- FUNCTION explain(bigint)

CREATE FUNCTION sms.explain(p_id bigint) RETURNS TABLE(step integer, topic text, verdict text, reason text, detail text, at timestamp with time zone, facts jsonb)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
declare
    _judged_at timestamptz;
begin
    select coalesce(f.claimed_at, max(l.at), r.decided_at, clock_timestamp()) into _judged_at
      from sms.message as m
      left join sms.inflight as f on f.id = m.id
      left join sms.outcome as r on r.id = m.id
      left join sms.contact_log as l
        on l.msisdn = r.msisdn and l.message_id = r.id and l.at > sms.id_time(p_id) - interval '1 day'
     where m.id = p_id
     group by f.claimed_at, r.decided_at;
    if not found then
        raise exception 'no message %', p_id using errcode = 'SM008';
    end if;
    return query
    select row_number() over (order by s.part, s.at, s.n)::int, s.topic, s.verdict, s.reason, s.detail, s.at, s.facts
      from (select 1 as part, 0 as n, r.* from sms.explain_request(p_id) as r
            union all select 1, 0, g.* from sms.explain_origin(p_id) as g
            union all select 2, u.n::int, u.topic, u.verdict, u.reason, u.detail, u.at, u.facts
                        from sms.explain_rules(p_id, _judged_at) with ordinality as u (topic, verdict, reason, detail, at, facts, n)
            union all select 3, 0, f.* from sms.explain_fate(p_id) as f
            union all select 4, 0, a.* from sms.explain_attempts(p_id) as a
            union all select 5, 0, c.* from sms.explain_receipts(p_id) as c
            union all select 6, 0, k.* from sms.explain_clicks(p_id) as k) as s
     order by 1;
end
$$;

COMMENT ON FUNCTION sms.explain(p_id bigint) IS 'Why a message was or was not sent: the request, every rule''s verdict with its facts, the decision, attempts, receipts, clicks.';

-- FUNCTION explain_attempts(bigint)

CREATE FUNCTION sms.explain_attempts(p_id bigint) RETURNS TABLE(topic text, verdict text, reason text, detail text, at timestamp with time zone, facts jsonb)
    LANGUAGE sql STABLE
    AS $$
    select 'attempt', 'submitting', null, coalesce(c.worker, 'a worker') || ' was about to hand it over', s.marked_at,
           jsonb_build_object('claim_id', s.claim_id::text, 'provider', v.provider)
      from sms.submitting as s
      left join sms.claim as c on c.claim_id = s.claim_id
      left join sms.provider as v on v.provider_id = c.provider_id
     where p_id = any (s.ids)
    union all
    select 'attempt', case when o.state = 'uncertain' then 'uncertain' else 'submitted' end, null,
           'attempt ' || o.attempts || ', provider ' || coalesce(v.provider, '?'), o.submitted_at,
           jsonb_build_object('attempt', o.attempts, 'provider', v.provider, 'segments', o.segments, 'cost', o.cost)
      from sms.outcome as o
      left join sms.provider as v on v.provider_id = o.provider_id
     where o.id = p_id and o.submitted_at is not null
$$;

COMMENT ON FUNCTION sms.explain_attempts(p_id bigint) IS 'Part of explain: attempts to submit a message.';

-- FUNCTION explain_blacklist(sms.candidate, timestamp with time zone)

CREATE FUNCTION sms.explain_blacklist(p_fact sms.candidate, p_as_of timestamp with time zone) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    with hit as (
        select b.*, 'the number' as names from sms.blacklist as b where b.msisdn = p_fact.msisdn
         union all
        select b.*, 'prefix ' || b.prefix
          from generate_series(1, 15) as n
          join sms.blacklist as b on length(b.prefix) = n and b.prefix = left(p_fact.msisdn::text, n)
         union all
        select b.*, 'group ' || g.recipient_group
                        || case when m.msisdn is null then ', of which the client is' else ', of which the number is' end
          from sms.recipient_group_member as m
          join sms.recipient_group as g on g.group_id = m.group_id
          join sms.blacklist as b on b.group_id = m.group_id
         where m.msisdn = p_fact.msisdn or m.client_id = p_fact.client_id
    ), told as (
        select h.blacklist_id,
               (h.category is null or h.category is not distinct from ch.category)
                   and (h.channel is null or h.channel is not distinct from ch.channel)
                   and not (h.source = 'opt_out' and coalesce(ch.ignores_opt_out, false)) as covers,
               jsonb_build_object(
                   'blacklist_id', h.blacklist_id, 'names', h.names, 'reason', h.reason, 'source', h.source,
                   'category', h.category, 'channel', h.channel, 'since', h.created_at, 'by', h.created_by,
                   'until', h.expires_at, 'rule', sms.rule_version('blacklist', h.blacklist_id::text, p_as_of) - 'row',
                   'inbound', sms.explain_inbound(h.created_by),
                   'failures', case when h.source = 'auto' then (
                       select jsonb_agg(jsonb_build_object('message_id', t.message_id::text, 'at', t.at, 'state', t.state,
                                                           'error', t.error) order by t.at)
                         from sms.number_trouble as t
                        where t.msisdn = p_fact.msisdn and t.at <= h.created_at) end) as line
          from hit as h
          left join sms.channel as ch on ch.channel_id = p_fact.channel_id
         where h.created_at <= p_as_of and (h.expires_at is null or h.expires_at > p_as_of)
    )
    select jsonb_build_object(
               'told', case when count(*) = 0 then 'no row names it'
                            else count(*) || ' row(s) name it, none for this kind of message' end,
               'rows', jsonb_agg(t.line || jsonb_build_object('covers_this', t.covers) order by not t.covers, t.blacklist_id))
      from told as t
$$;

COMMENT ON FUNCTION sms.explain_blacklist(p_fact sms.candidate, p_as_of timestamp with time zone) IS 'Part of explain: the facts behind rule_blacklist.';

-- FUNCTION explain_budget(sms.candidate, timestamp with time zone)

CREATE FUNCTION sms.explain_budget(p_candidate sms.candidate, p_as_of timestamp with time zone) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    select jsonb_build_object(
               'told', coalesce(string_agg('budget "' || s.budget || '": ' || round(s.spent, 2) || ' of ' || s.amount
                                           || case when s.stops then '' else ', only warns' end, '; ' order by s.budget),
                                'no budget pays for it'),
               'budgets', jsonb_agg(jsonb_build_object('budget', s.budget, 'spent', round(s.spent, 2), 'of', s.amount,
                                                       'span', s.span, 'stops', s.stops) order by s.budget))
      from sms.budget_status(p_as_of) as s
      left join sms.channel as c on c.channel = s.channel
     where (c.channel_id is null or c.channel_id = p_candidate.channel_id)
       and (s.campaign_id is null or s.campaign_id = p_candidate.campaign_id)
$$;

COMMENT ON FUNCTION sms.explain_budget(p_candidate sms.candidate, p_as_of timestamp with time zone) IS 'Part of explain: the budgets a message is paid from.';

-- FUNCTION explain_cap(sms.candidate, timestamp with time zone, timestamp with time zone)

CREATE FUNCTION sms.explain_cap(p_fact sms.candidate, p_as_of timestamp with time zone, p_before timestamp with time zone) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    with counted as (
        select t.cap_id, t.per, t.period, t.since, t.max_messages, u.used, u.messages
          from sms.cap_terms(array[p_fact], p_as_of) as t
          cross join lateral (
                   select count(*) as used,
                          jsonb_agg(jsonb_build_object('message_id', g.message_id::text, 'at', g.at, 'channel', o.channel)
                                    order by g.at) filter (where g.n <= 50) as messages
                     from (select l.message_id, l.at, l.channel_id, row_number() over (order by l.at desc) as n
                             from (select * from sms.contact_log as x
                                    where t.per = 'number' and x.msisdn = p_fact.msisdn and x.at >= t.since and x.at < p_before
                                    union all
                                   select * from sms.contact_log as x
                                    where t.per = 'client' and x.client_id = p_fact.client_id and x.at >= t.since
                                      and x.at < p_before) as l
                            where l.message_id <> p_fact.id
                              and (t.counted is null or l.channel_id = any (t.counted))) as g
                     left join sms.channel as o on o.channel_id = g.channel_id
               ) as u
         where t.per = 'number' or p_fact.client_id is not null
    )
    select jsonb_build_object(
               'told', coalesce(string_agg('cap ' || c.cap_id || ': ' || c.used || ' of ' || c.max_messages || ' a ' || c.per
                                           || case c.period when 'rolling' then ' in its span' else ' this ' || c.period end,
                                           '; ' order by c.cap_id), 'no cap applies'),
               'objects', coalesce(bool_or(c.used >= c.max_messages), false),
               'caps', jsonb_agg(jsonb_build_object(
                           'cap_id', c.cap_id, 'per', c.per, 'period', c.period,
                           'since', case when isfinite(c.since) then c.since end, 'used', c.used, 'max', c.max_messages,
                           'used_up', c.used >= c.max_messages, 'span', k.span, 'reason', k.reason,
                           'rule', sms.rule_version('cap', c.cap_id::text, p_as_of) - 'row',
                           'messages', c.messages) order by c.cap_id))
      from counted as c
      join sms.cap as k on k.cap_id = c.cap_id
$$;

COMMENT ON FUNCTION sms.explain_cap(p_fact sms.candidate, p_as_of timestamp with time zone, p_before timestamp with time zone) IS 'Part of explain: the facts behind rule_cap.';

-- FUNCTION explain_clicks(bigint)

CREATE FUNCTION sms.explain_clicks(p_id bigint) RETURNS TABLE(topic text, verdict text, reason text, detail text, at timestamp with time zone, facts jsonb)
    LANGUAGE sql STABLE
    AS $$
    select 'click', case when c.is_robot then 'robot' else 'person' end, null,
           'link ' || c.link_no || coalesce(' to ' || sms.link_host(l.url), ''), c.at,
           jsonb_build_object('link_no', c.link_no, 'is_robot', c.is_robot)
      from sms.click as c
      left join sms.short_link as l on l.message_id = c.message_id and l.link_no = c.link_no
     where c.message_id = p_id and c.click_id >= p_id
$$;

COMMENT ON FUNCTION sms.explain_clicks(p_id bigint) IS 'Part of explain: who opened a message''s short links, and when.';

-- FUNCTION explain_consent(sms.candidate, timestamp with time zone)

CREATE FUNCTION sms.explain_consent(p_fact sms.candidate, p_as_of timestamp with time zone) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    with known as (
        select k.consent_id,
               k.valid_from <= p_as_of and coalesce(k.valid_until > p_as_of, true)
                   and coalesce(k.withdrawn_at > p_as_of, true) as holds,
               jsonb_build_object(
                   'consent_id', k.consent_id, 'of', case when k.msisdn is null then 'the client' else 'the number' end,
                   'proof', k.proof, 'valid_from', k.valid_from, 'valid_until', k.valid_until,
                   'withdrawn_at', k.withdrawn_at, 'withdrawn_by', k.withdrawn_by,
                   'inbound', sms.explain_inbound(k.withdrawn_by),
                   'rule', sms.rule_version('consent', k.consent_id::text, p_as_of) - 'row') as line
          from sms.channel as ch
          join sms.consent as k
            on k.category = ch.category and (k.msisdn = p_fact.msisdn or k.client_id = p_fact.client_id)
         where ch.channel_id = p_fact.channel_id
         order by k.consent_id desc
         limit 20
    )
    select jsonb_build_object(
               'told', case when coalesce(ch.needs_consent, true) then 'a consent holds' else 'the channel needs none' end,
               'needs_consent', coalesce(ch.needs_consent, true),
               'category', ch.category,
               'rule', sms.rule_version('channel', ch.channel_id::text, p_as_of) - 'row',
               'consents', (select jsonb_agg(k.line || jsonb_build_object('holds', k.holds) order by k.holds desc, k.consent_id)
                              from known as k))
      from (values (1)) as one
      left join sms.channel as ch on ch.channel_id = p_fact.channel_id
$$;

COMMENT ON FUNCTION sms.explain_consent(p_fact sms.candidate, p_as_of timestamp with time zone) IS 'Part of explain: the facts behind rule_consent.';

-- FUNCTION explain_decision(bigint)

CREATE FUNCTION sms.explain_decision(p_id bigint) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    select jsonb_agg(c.version || jsonb_build_object('changed_since', c.changed_since) order by k.rule_table, k.rule_key)
      from sms.outcome as r
      join sms.outbox as o on o.id = r.id
      left join sms.channel as ch on ch.channel = o.channel
      cross join lateral (
               select 'blacklist' as rule_table, m[1] as rule_key
                 from regexp_matches(r.detail, '^blacklist row (\d+)') as m where r.reason = 'blacklist'
               union all
               select 'cap', m[1] from regexp_matches(r.detail, '(?:^|; )cap (\d+):', 'g') as m where r.reason = 'cap'
               union all
               select 'campaign', o.campaign_id::text where r.reason = 'holdout'
               union all
               select 'channel', ch.channel_id::text where r.reason in ('no_consent', 'duplicate')
               union all
               select 'setting', 'erp_ref_days' where r.reason = 'duplicate_ref'
           ) as k
      cross join lateral (
               select sms.rule_version(k.rule_table, k.rule_key, r.decided_at) as version,
                      (select min(x.action || ' at ' || x.changed_at || ' by ' || x.changed_by)
                         from sms.rule_change as x
                        where x.rule_table = k.rule_table and x.rule_key = k.rule_key and x.changed_at > r.decided_at)
                          as changed_since
           ) as c
     where r.id = p_id and r.state = 'suppressed' and c.version is not null
$$;

COMMENT ON FUNCTION sms.explain_decision(p_id bigint) IS 'Part of explain: the rule rows that suppressed a message, as they were then.';

-- FUNCTION explain_duplicate(sms.candidate, timestamp with time zone, timestamp with time zone)

CREATE FUNCTION sms.explain_duplicate(p_fact sms.candidate, p_as_of timestamp with time zone, p_before timestamp with time zone) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    select jsonb_build_object(
               'told', case when coalesce(ch.dedup_window, '0') = '0' then 'the channel does not look for duplicates'
                            when p_fact.dedup_key is null and not sms.may_read_texts()
                                then 'told only to roles that may read texts'
                            else 'nothing the same went within ' || ch.dedup_window end,
               'window', ch.dedup_window,
               'same_by', ch.dedup_by,
               'rule', sms.rule_version('channel', ch.channel_id::text, p_as_of) - 'row',
               'objects', e.earlier is not null,
               'earlier', e.earlier)
      from sms.channel as ch
      cross join lateral (
               select jsonb_agg(jsonb_build_object('message_id', l.message_id::text, 'at', l.at, 'channel', o.channel)
                                order by l.at) as earlier
                 from sms.contact_log as l
                 left join sms.channel as o on o.channel_id = l.channel_id
                where l.msisdn = p_fact.msisdn and l.dedup_key = p_fact.dedup_key and l.message_id <> p_fact.id
                  and l.at > p_as_of - ch.dedup_window and l.at < p_before
           ) as e
     where ch.channel_id = p_fact.channel_id
$$;

COMMENT ON FUNCTION sms.explain_duplicate(p_fact sms.candidate, p_as_of timestamp with time zone, p_before timestamp with time zone) IS 'Part of explain: the facts behind rule_duplicate.';

-- FUNCTION explain_duplicate_ref(sms.candidate, timestamp with time zone)

CREATE FUNCTION sms.explain_duplicate_ref(p_fact sms.candidate, p_as_of timestamp with time zone) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    select jsonb_build_object(
               'told', case when p_fact.ref_hash is null and a.erp_ref is not null and not sms.may_read_texts()
                                then 'told only to roles that may read texts'
                            when p_fact.ref_hash is null then 'it has no erp_ref'
                            when w.id is null then 'nobody owns its erp_ref yet'
                            else 'it owns its erp_ref' end,
               'erp_ref', a.erp_ref,
               'owner', case when w.id is not null then jsonb_build_object(
                            'message_id', w.id::text, 'created_at', w.created_at,
                            'state', (select m.state from sms.message as m where m.id = w.id)) end,
               'protects_days', s.value,
               'rule', case when p_fact.ref_hash is not null
                            then sms.rule_version('setting', 'erp_ref_days', p_as_of) - 'row' end)
      from sms.outbox as a
      left join sms.setting as s on s.setting = 'erp_ref_days' and p_fact.ref_hash is not null
      left join lateral (
               select b.id, b.created_at
                 from sms.erp_ref as r
                 join sms.outbox as b on b.id = r.id
                where r.ref_hash = p_fact.ref_hash and b.erp_ref = a.erp_ref
           ) as w on true
     where a.id = p_fact.id
$$;

COMMENT ON FUNCTION sms.explain_duplicate_ref(p_fact sms.candidate, p_as_of timestamp with time zone) IS 'Part of explain: the facts behind rule_duplicate_ref.';

-- FUNCTION explain_event(bigint)

CREATE FUNCTION sms.explain_event(p_event_id bigint) RETURNS TABLE(step integer, topic text, verdict text, rule text, message_id bigint, at timestamp with time zone, detail text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
begin
    if not exists (select from sms.event as e
                    where e.event_id = p_event_id and coalesce(e.event_type_id = any (sms.my_event_types()), sms.my_event_types() is null)) then
        raise exception 'no event %', p_event_id using errcode = 'SM054';
    end if;
    return query
    select row_number() over (order by s.part, s.at, s.rule)::int, s.topic, s.verdict, s.rule, s.message_id, s.at, s.detail
      from (select 1 as part, 'event' as topic, 'fired' as verdict, null::text as rule, null::bigint as message_id, e.fired_at as at,
                   t.event_type || coalesce(' of client ' || e.client_id, '') || coalesce(', key ' || e.event_key, '')
                       || coalesce('; ' || e.problem, '') as detail
              from sms.event as e
              join sms.event_type as t on t.event_type_id = e.event_type_id
             where e.event_id = p_event_id
            union all
            select 2, 'rule', x.outcome, r.event_rule, x.message_id, x.decided_at,
                   coalesce(x.note, case x.outcome when 'message' then 'template ' || r.template || ', channel ' || r.channel end,
                            'by event ' || x.cancelled_by_event_id)
              from sms.event_effect as x
              join sms.event_rule as r on r.rule_id = x.rule_id
             where x.event_id = p_event_id
            union all
            select 2, 'rule', 'planned', r.event_rule, null, p.due_at,
                   'template ' || r.template || ', channel ' || r.channel
                       || coalesce('; taken back by ' || nullif(array_to_string(r.cancelled_by, ', '), ''), '')
                       || case when r.is_enabled then '' else '; the rule is switched off' end
              from sms.event_plan as p
              join sms.event_rule as r on r.rule_id = p.rule_id
             where p.event_id = p_event_id and p.message_id is null
            union all
            select 2, 'rule', 'nothing', r.event_rule, null, null,
                   case when r.created_at > e.fired_at then 'the rule is younger than the event'
                        when not r.is_enabled then 'the rule is switched off'
                        when not w.applies then 'its condition does not hold: ' || r.condition
                        else 'the rule was changed since' end
              from sms.event as e
              join sms.event_rule as r on r.event_type_id = e.event_type_id and r.removed_at is null
              cross join lateral sms.weigh_events(array[e.event_id], array[r.rule_id]) as w
             where e.event_id = p_event_id
               and not exists (select from sms.event_effect as x where x.event_id = p_event_id and x.rule_id = r.rule_id)
               and not exists (select from sms.event_plan as p where p.event_id = p_event_id and p.rule_id = r.rule_id)
            union all
            select 3, 'took back', x.outcome, r.event_rule, x.message_id, x.decided_at, 'of event ' || x.event_id
              from sms.event as e
              cross join lateral (select y.event_id from sms.event as y where y.client_id = e.client_id offset 0) as o
              join sms.event_effect as x on x.event_id = o.event_id and x.cancelled_by_event_id = e.event_id
              join sms.event_rule as r on r.rule_id = x.rule_id
             where e.event_id = p_event_id) as s
     order by 1;
end
$$;

COMMENT ON FUNCTION sms.explain_event(p_event_id bigint) IS 'What became of an event: each rule''s message, plan or reason for none, and what the event took back.';

-- FUNCTION explain_expired(sms.candidate, timestamp with time zone)

CREATE FUNCTION sms.explain_expired(p_fact sms.candidate, p_as_of timestamp with time zone) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    select jsonb_build_object(
               'told', 'valid until ' || p_fact.expires_at,
               'expires_at', p_fact.expires_at,
               'from', case when o.expires_at is not null then 'the row' else 'the channel' end,
               'validity', case when o.expires_at is null then ch.validity end,
               'rule', case when o.expires_at is null then sms.rule_version('channel', ch.channel_id::text, p_as_of) - 'row' end)
      from sms.outbox as o
      left join sms.channel as ch on ch.channel_id = p_fact.channel_id
     where o.id = p_fact.id
$$;

COMMENT ON FUNCTION sms.explain_expired(p_fact sms.candidate, p_as_of timestamp with time zone) IS 'Part of explain: the facts behind rule_expired.';

-- FUNCTION explain_fate(bigint)

CREATE FUNCTION sms.explain_fate(p_id bigint) RETURNS TABLE(topic text, verdict text, reason text, detail text, at timestamp with time zone, facts jsonb)
    LANGUAGE sql STABLE
    AS $$
    select 'now', 'pending', null,
           case when p.not_before > p.expires_at and p.not_before >= timestamptz '3000-01-01 00:00Z'
                then 'its campaign is paused'
                     || coalesce((select ': ' || r.problem from sms.campaign_run as r
                                   where r.campaign_id = p.campaign_id and r.state = 'paused' and r.begun_at is not null), '')
                when p.not_before > clock_timestamp() then 'waits until ' || p.not_before else 'is due' end
               || case when v.provider is null then '; its lane is parked, no provider serves it'
                       when l.is_held then '; its lane is on hold, no provider of its route is well'
                       when not v.is_enabled then '; provider ' || v.provider || ' is disabled' else '' end
               || case when b.key > 0 then '; its number is busy' when b.key < 0 then '; its client is busy' else '' end
               || coalesce(': session ' || b.pid || ' has held the lock since ' || b.since || ', and claims pass it over', ''),
           clock_timestamp(), jsonb_build_object('attempts', p.attempt, 'provider', v.provider, 'priority', p.priority)
      from sms.pending as p
      left join sms.lane as l using (lane_id)
      left join sms.provider as v using (provider_id)
      left join sms.busy_number as b
        on b.key in (p.msisdn, -1 - p.client_id) and b.messages > 0 and b.seen_at > clock_timestamp() - interval '2 minutes'
     where p.id = p_id
    union all
    select 'now', 'inflight', null, coalesce((select c.worker from sms.claim as c where c.claim_id = f.claim_id), 'a worker')
               || ' holds it until ' || f.lease_until, f.claimed_at,
           jsonb_build_object('claim_id', f.claim_id::text, 'attempt', f.attempt, 'provider', v.provider)
      from sms.inflight as f
      left join sms.provider as v using (provider_id)
     where f.id = p_id
    union all
    select 'left the queue', o.state, o.reason, o.detail, o.decided_at,
           jsonb_build_object('attempts', o.attempts, 'provider', v.provider, 'segments', o.segments, 'cost', o.cost,
                              'submitted_at', o.submitted_at, 'final_at', o.final_at,
                              'reasons', case when sms.may_read_texts() then o.reasons else case when cardinality(k.told) > 1 then k.told end end,
                              'provider_refs', (select jsonb_agg(r.ref order by r.part)
                                                  from sms.provider_ref as r where r.id = o.id),
                              'decided_by', sms.explain_decision(p_id))
      from sms.outcome as o
      left join sms.provider as v using (provider_id)
      cross join lateral (   -- that it would also have been a duplicate tells something of texts
               select array(select r from unnest(o.reasons) as r where r not in ('duplicate', 'duplicate_ref') or r = o.reason) as told
           ) as k
     where o.id = p_id
$$;

COMMENT ON FUNCTION sms.explain_fate(p_id bigint) IS 'Part of explain: where a message is, or how it left the queue.';

-- FUNCTION explain_holdout(sms.candidate, timestamp with time zone)

CREATE FUNCTION sms.explain_holdout(p_fact sms.candidate, p_as_of timestamp with time zone) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    select jsonb_build_object(
               'told', case when k.campaign_id is null then 'it belongs to no known campaign'
                            when k.holdout_percent = 0 then 'campaign ' || k.campaign || ' holds nobody out'
                            else 'not one of the ' || k.holdout_percent || ' % of campaign ' || k.campaign end,
               'campaign', k.campaign,
               'holdout_percent', k.holdout_percent,
               'draw', case when k.holdout_percent > 0
                            then round(sms.holdout_draw(p_fact.campaign_id, p_fact.client_id, p_fact.msisdn), 3) end,
               'rule', sms.rule_version('campaign', k.campaign_id::text, p_as_of) - 'row')
      from (values (1)) as one
      left join sms.campaign as k on k.campaign_id = p_fact.campaign_id
$$;

COMMENT ON FUNCTION sms.explain_holdout(p_fact sms.candidate, p_as_of timestamp with time zone) IS 'Part of explain: the facts behind rule_holdout.';

-- FUNCTION explain_inbound(text)

CREATE FUNCTION sms.explain_inbound(p_author text) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $_$
    select jsonb_build_object('inbound_id', i.inbound_id::text, 'received_at', i.received_at,
                              'asked', i.action, 'provider', v.provider)
      from (select lpad(substring(p_author from '^(?:.*: )?inbound ([0-9]{1,19})$'), 19, '0') as id) as a
      join sms.inbound as i on i.inbound_id = case when a.id collate "C" <= '9223372036854775807' then a.id::bigint end
      join sms.provider as v on v.provider_id = i.provider_id
$_$;

COMMENT ON FUNCTION sms.explain_inbound(p_author text) IS 'Part of explain: the subscriber''s reply behind a blacklist row or a withdrawn consent.';

-- FUNCTION explain_origin(bigint)

CREATE FUNCTION sms.explain_origin(p_id bigint) RETURNS TABLE(topic text, verdict text, reason text, detail text, at timestamp with time zone, facts jsonb)
    LANGUAGE sql STABLE
    AS $$
    select 'event', 'fired', null, t.event_type || ', rule ' || r.event_rule || coalesce('; ' || x.note, ''), e.fired_at,
           jsonb_build_object('event_id', e.event_id::text, 'client_id', e.client_id, 'event_key', e.event_key,
                              'cancelled_by_event_id', x.cancelled_by_event_id::text, 'problem', e.problem)
      from sms.event_effect as x
      join sms.event as e on e.event_id = x.event_id
      join sms.event_type as t on t.event_type_id = e.event_type_id
      join sms.event_rule as r on r.rule_id = x.rule_id
     where x.message_id = p_id
$$;

COMMENT ON FUNCTION sms.explain_origin(p_id bigint) IS 'Part of explain: the event and the rule that made a message.';

-- FUNCTION explain_quiet_hours(sms.candidate, timestamp with time zone)

CREATE FUNCTION sms.explain_quiet_hours(p_fact sms.candidate, p_as_of timestamp with time zone) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    with place as (
        select ch.category, ch.opening_spread, coalesce(z.name, 'unknown') as zone, coalesce(z.members, u.members) as members,
               case when f.zone_id = p_fact.zone_id then f.zone_source
                    else 'as it was understood when it came in' end as zone_from
          from sms.outbox as o
          cross join lateral sms.interpret_request(
                   o.channel, o.phone, o.body, o.template, o.vars, o.erp_ref,
                   o.priority, o.not_before, o.expires_at, o.time_zone, o.client_id, o.created_at) as f
          left join sms.channel as ch on ch.channel_id = p_fact.channel_id
          left join sms.time_zone as z on z.zone_id = p_fact.zone_id
          left join sms.time_zone as u on u.zone_id = 0
         where o.id = p_fact.id
    ), silence as materialized (
        select z.name, w.quiet_hours_id, w.begins, w.ends, w.begins <= p_as_of as holds,
               min(w.begins) filter (where w.begins > p_as_of) over () as next_begin,
               bool_or(w.begins <= p_as_of) over () as silent
          from place as p
          cross join lateral unnest(p.members) as z (name)
          cross join lateral sms.quiet_windows(p.category, z.name, p_as_of) as w
         where w.ends > p_as_of and w.begins < w.ends
    )
    select jsonb_build_object(
               'told', case when not exists (select from sms.quiet_hours as q where q.category = p.category)
                            then 'no quiet hours for ' || coalesce(p.category, 'this channel')
                            else 'not silent in ' || p.zone end,
               'category', p.category, 'zone', p.zone, 'zone_from', p.zone_from,
               'local_time', (select jsonb_object_agg(m, to_char(p_as_of at time zone m, 'Dy YYYY-MM-DD HH24:MI'))
                                from unnest(p.members) as m),
               'opening_spread', nullif(p.opening_spread, '0'),
               'silences', (select jsonb_agg(jsonb_build_object(
                                       'zone', s.name, 'quiet_hours_id', s.quiet_hours_id, 'begins', s.begins, 'ends', s.ends,
                                       'holds', s.holds, 'reason', nullif(q.reason, ''),
                                       'rule', sms.rule_version('quiet_hours', s.quiet_hours_id::text, p_as_of) - 'row')
                                   order by s.ends desc, s.name)
                              from silence as s
                              join sms.quiet_hours as q on q.quiet_hours_id = s.quiet_hours_id
                             where case when s.silent then s.holds else s.begins = s.next_begin end),
               'holidays', (select jsonb_agg(jsonb_build_object('day', h.day, 'kind', h.kind, 'title', h.title))
                              from sms.holiday as h
                             where h.day in (select (p_as_of at time zone m)::date + d
                                               from unnest(p.members) as m, generate_series(-1, 1) as d)
                               and exists (select from sms.quiet_hours as q
                                            where q.category = p.category and q.day_kind is not null)))
      from place as p
$$;

COMMENT ON FUNCTION sms.explain_quiet_hours(p_fact sms.candidate, p_as_of timestamp with time zone) IS 'Part of explain: the facts behind rule_quiet_hours.';

-- FUNCTION explain_receipts(bigint)

CREATE FUNCTION sms.explain_receipts(p_id bigint) RETURNS TABLE(topic text, verdict text, reason text, detail text, at timestamp with time zone, facts jsonb)
    LANGUAGE sql STABLE
    AS $$
    select 'receipt', case when f.receipt_id is null then coalesce(r.state, 'progress') else 'ignored' end, null,
           'code ' || r.code || coalesce(', ' || r.error, '') || coalesce(' (' || c.meaning || ')', '')
               || case when f.receipt_id is null then ''
                       when e.message_id is null then '; it never had this message'
                       else '; it had the message before, of which only a delivery counts' end, r.received_at,
           jsonb_build_object('provider', v.provider, 'occurred_at', r.occurred_at, 'provider_ref', r.provider_ref)
      from sms.receipt as r
      left join sms.provider as v on v.provider_id = r.provider_id
      left join sms.foreign_receipt as f on f.receipt_id = r.receipt_id
      left join sms.earlier_carrier as e on e.message_id = f.message_id and e.provider_id = f.provider_id
      left join sms.receipt_code as c on c.adapter = v.adapter and c.code = r.code
     where r.receipt_id >= p_id
       and (r.message_id = p_id
            or r.provider_ref in (select x.ref from sms.provider_ref as x where x.id = p_id and x.provider_id = r.provider_id))
$$;

COMMENT ON FUNCTION sms.explain_receipts(p_id bigint) IS 'Part of explain: the delivery reports about a message.';

-- FUNCTION explain_refusal(bigint, text)

CREATE FUNCTION sms.explain_refusal(p_id bigint, p_reason text) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    select case p_reason
               when 'missing_variable' then jsonb_build_object(
                   'template', o.template,
                   'missing', (select jsonb_agg(distinct btrim(m[1]))
                                 from sms.template as t
                                 join sms.template_version as v using (template_id)
                                 cross join lateral regexp_matches(v.body, '\{\{([^}|]*)\}\}', 'g') as m
                                where t.template = split_part(o.template, '@', 1) and o.vars ->> btrim(m[1]) is null
                                  and v.template_version_id = coalesce(r.template_version_id, v.template_version_id)))
               when 'text_too_long' then jsonb_build_object(
                   'characters', char_length(coalesce((select sms.render(v.body, o.vars)
                                                         from sms.template_version as v
                                                        where v.template_version_id = r.template_version_id), o.body)),
                   'most', 1000)
               when 'bad_time_zone' then jsonb_build_object('time_zone', o.time_zone)
               when 'expired' then jsonb_build_object('asked_expires_at', o.expires_at, 'asked_not_before', o.not_before)
               when 'empty_text' then jsonb_build_object('template', o.template)
               else jsonb_build_object('phone_characters', char_length(o.phone),
                                       'phone_digits', char_length(regexp_replace(o.phone, '[^0-9]', '', 'g')))
           end
      from sms.outbox as o
      left join sms.outcome as r on r.id = o.id
     where o.id = p_id and p_reason is not null
$$;

COMMENT ON FUNCTION sms.explain_refusal(p_id bigint, p_reason text) IS 'Part of explain: what is wrong with a refused request.';

-- FUNCTION explain_request(bigint)

CREATE FUNCTION sms.explain_request(p_id bigint) RETURNS TABLE(topic text, verdict text, reason text, detail text, at timestamp with time zone, facts jsonb)
    LANGUAGE sql STABLE
    AS $$
    select 'request', case when x.reason is null then 'understood' else 'refused' end, x.reason,
           'channel ' || o.channel || ', operator ' || coalesce(op.operator, '?') || ', zone ' || coalesce(z.name, 'unknown')
               || ' (' || case when k.zone_id is not null and k.zone_id <> f.zone_id then 'as it was understood when it came in'
                               when f.zone_source like 'nothing%' then f.zone_source
                               else 'from ' || f.zone_source end || ')',
           o.created_at,
           jsonb_build_object('erp_ref', o.erp_ref, 'client_id', o.client_id, 'campaign_id', o.campaign_id,
                              'priority', f.priority, 'not_before', f.not_before, 'expires_at', f.expires_at,
                              'msisdn', k.msisdn, 'region', g.region,
                              'segments', sms.segments(sms.sent_text(f.channel_id, coalesce(sms.render(v.body, o.vars), o.body, ''))))
               || coalesce(sms.explain_refusal(p_id, x.reason), '{}')
      from sms.outbox as o
      cross join lateral sms.interpret_request(
               o.channel, o.phone, o.body, o.template, o.vars, o.erp_ref,
               o.priority, o.not_before, o.expires_at, o.time_zone, o.client_id, o.created_at) as f
      left join sms.pending as p on p.id = o.id
      left join sms.inflight as i on i.id = o.id
      left join sms.outcome as r on r.id = o.id
      cross join lateral (
               select coalesce(p.msisdn, i.msisdn, r.msisdn) as msisdn, coalesce(p.zone_id, i.zone_id, r.zone_id) as zone_id,
                      coalesce(p.lane_id, i.lane_id, r.lane_id) as lane_id,
                      coalesce(p.template_version_id, i.template_version_id, r.template_version_id) as template_version_id
           ) as k
      left join lateral (   -- refused when it came in: no rule was asked, so there is no detail
               select r.reason
                 from sms.reason as e
                where e.reason = r.reason and r.state = 'suppressed' and r.attempts = 0
                  and (e.rank <= 3 or e.reason = 'expired' and r.detail is null)
           ) as x on true
      left join sms.template_version as v on v.template_version_id = k.template_version_id
      left join sms.lane as l on l.lane_id = k.lane_id
      left join sms.operator as op on op.operator_id = l.operator_id
      left join sms.time_zone as z on z.zone_id = coalesce(k.zone_id, f.zone_id)
      left join lateral (
               select r.lo, r.hi, r.region from sms.number_range as r where r.lo <= k.msisdn order by r.lo desc limit 1
           ) as g on g.hi >= k.msisdn
     where o.id = p_id
$$;

COMMENT ON FUNCTION sms.explain_request(p_id bigint) IS 'Part of explain: what was asked and how it was understood.';

-- FUNCTION explain_rules(bigint, timestamp with time zone)

CREATE FUNCTION sms.explain_rules(p_id bigint, p_as_of timestamp with time zone) RETURNS TABLE(topic text, verdict text, reason text, detail text, at timestamp with time zone, facts jsonb)
    LANGUAGE sql STABLE
    AS $$
    with asked as materialized (
        select b.batch, b.batch[1] as fact, c.is_claim,
               case when c.is_claim then p_as_of else p_as_of + interval '1 hour' end as before
          from (select case when exists (select from sms.outcome as o
                                          where o.id = p_id and o.reason in ('duplicate', 'duplicate_ref'))
                            then sms.candidates(array[p_id])
                            else sms.told_facts(sms.candidates(array[p_id])) end as batch offset 0) as b
          cross join lateral (
                   select exists (select from sms.contact_log as l
                                   where l.msisdn = b.batch[1].msisdn and l.at = p_as_of and l.message_id = p_id) as is_claim
               ) as c
         where b.batch is not null
    )
    select 'rules', null, null,
           'asked as of ' || p_as_of || case when exists (select from sms.pending as p where p.id = p_id) then ', now'
                                             when asked.is_claim then ', when it was claimed'
                                             else ', when it left the queue' end
               || '; lists and rules as they are known today', p_as_of, null
      from asked
    union all
    (select 'rule ' || r.rule,
            case when x.objects then f.verdict else 'pass' end,
            case when x.objects then f.reason end,
            case when x.objects then f.detail else t.facts ->> 'told' end,
            p_as_of,
            jsonb_strip_nulls(t.facts - 'told' - 'objects'
                              || case when x.objects and f.not_before is not null
                                      then jsonb_build_object('not_before', f.not_before) else '{}' end)
       from asked as a
       cross join (values (10, 'expired'), (20, 'blacklist'), (30, 'consent'), (40, 'duplicate_ref'), (50, 'duplicate'),
                          (60, 'cap'), (65, 'budget'), (70, 'holdout'), (80, 'quiet_hours')) as r (rank, rule)
       left join lateral (
                select x.* from sms.rule_expired(a.batch, p_as_of) as x where r.rank = 10
                union all select x.* from sms.rule_blacklist(a.batch, p_as_of) as x where r.rank = 20
                union all select x.* from sms.rule_consent(a.batch, p_as_of) as x where r.rank = 30
                union all select x.* from sms.rule_duplicate_ref(a.batch, p_as_of) as x where r.rank = 40
                union all select x.* from sms.rule_duplicate(a.batch, p_as_of) as x where r.rank = 50
                union all select x.* from sms.rule_cap(a.batch, p_as_of) as x where r.rank = 60
                union all select x.* from sms.rule_budget(a.batch, p_as_of) as x where r.rank = 65
                union all select x.* from sms.rule_holdout(a.batch, p_as_of) as x where r.rank = 70
                union all select x.* from sms.rule_quiet_hours(a.batch, p_as_of) as x where r.rank = 80
            ) as f on true
       cross join lateral (
                select case r.rank when 10 then sms.explain_expired(a.fact, p_as_of)
                                   when 20 then sms.explain_blacklist(a.fact, p_as_of)
                                   when 30 then sms.explain_consent(a.fact, p_as_of)
                                   when 40 then sms.explain_duplicate_ref(a.fact, p_as_of)
                                   when 50 then sms.explain_duplicate(a.fact, p_as_of, a.before)
                                   when 60 then sms.explain_cap(a.fact, p_as_of, a.before)
                                   when 65 then sms.explain_budget(a.fact, p_as_of)
                                   when 70 then sms.explain_holdout(a.fact, p_as_of)
                                   when 80 then sms.explain_quiet_hours(a.fact, p_as_of) end as facts
            ) as t
       cross join lateral (
                select f.verdict is not null and coalesce((t.facts ->> 'objects')::boolean, true) as objects
            ) as x
      order by r.rank)
$$;

COMMENT ON FUNCTION sms.explain_rules(p_id bigint, p_as_of timestamp with time zone) IS 'Part of explain: every rule''s verdict on one message at a moment, with the facts.';

-- FUNCTION exposures(timestamp with time zone, timestamp with time zone)

CREATE FUNCTION sms.exposures(p_from timestamp with time zone, p_until timestamp with time zone) RETURNS TABLE(message_id bigint, client_id bigint, campaign_id bigint, template_id integer, channel_id smallint, at timestamp with time zone, cost numeric, is_held_out boolean, is_handed_over boolean)
    LANGUAGE sql STABLE
    AS $$
    select o.id, o.client_id, o.campaign_id, v.template_id, l.channel_id, coalesce(o.submitted_at, o.decided_at), o.cost,
           o.state = 'suppressed', sms.is_handed_over(o.state, o.reason)
      from sms.outcome as o
      left join sms.template_version as v on v.template_version_id = o.template_version_id
      left join sms.lane as l on l.lane_id = o.lane_id
     where o.id >= sms.id_at(p_from - interval '35 days') and o.id < sms.id_at(p_until)
       and coalesce(o.submitted_at, o.decided_at) >= p_from and coalesce(o.submitted_at, o.decided_at) < p_until
       and o.client_id is not null
       and (sms.is_handed_over(o.state, o.reason) or o.state in ('rejected', 'failed')
            or (o.state = 'suppressed' and o.reason = 'holdout'))
$$;

COMMENT ON FUNCTION sms.exposures(p_from timestamp with time zone, p_until timestamp with time zone) IS 'Messages of a span let go by the rules, or held out, by client: the two sides of a comparison.';

-- FUNCTION fail_run(bigint, text)

CREATE FUNCTION sms.fail_run(p_run_id bigint, p_problem text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform from sms.campaign_run as r
     where r.run_id = p_run_id and r.state in ('planned', 'freezing', 'paused') and r.frozen_at is null
       for no key update;
    if not found then
        return false;
    end if;
    perform sms.end_run(p_run_id, 'failed', null, p_problem);
    perform sms.log_activity('failed', 'run', p_run_id::text, jsonb_build_object('problem', p_problem));
    return true;
end
$$;

COMMENT ON FUNCTION sms.fail_run(p_run_id bigint, p_problem text) IS 'A run that could not begin ends failed; keeps why.';

-- FUNCTION feed_campaigns(integer, timestamp with time zone)

CREATE FUNCTION sms.feed_campaigns(p_limit integer DEFAULT 2500, p_as_of timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(fed bigint, held bigint, ended bigint, swept bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET jit TO 'off'
    AS $$
declare
    _now timestamptz := coalesce(sms.named_moment(p_as_of), clock_timestamp());
    _run sms.campaign_run;
begin
    fed := 0;
    ended := 0;
    held := sms.hold_unreleased() + sms.sweep_campaigns();
    for _run in
        select r.* from sms.campaign_run as r
         where r.state = 'running'
         order by r.fed_at nulls first, r.run_id
           for no key update skip locked
    loop
        continue when not sms.may_feed(_run);
        fed := fed + sms.feed_run(_run, (p_limit - fed)::int, _now);
        ended := ended + sms.close_run(_run.run_id, _now);
        exit when fed >= p_limit;
    end loop;
    swept := sms.sweep_recipients(p_limit);
    return next;
end
$$;

COMMENT ON FUNCTION sms.feed_campaigns(p_limit integer, p_as_of timestamp with time zone) IS 'Chore. Queue more of each running campaign run; hold, end and close what is to be held, ended and closed.';

-- FUNCTION feed_room(bigint, timestamp with time zone)

CREATE FUNCTION sms.feed_room(p_campaign_id bigint, p_now timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'off'
    AS $$
begin
    return (
    select greatest(0, least(s.size - count(p.id) filter (where p.not_before <= p_now + interval '1 minute'), 3 * s.size - count(p.id)))
      from (select max(x.value::int) as size from sms.setting as x where x.setting = 'campaign_queue') as s
      left join sms.pending as p on p.campaign_id = p_campaign_id
     group by s.size
    );
end
$$;

COMMENT ON FUNCTION sms.feed_room(p_campaign_id bigint, p_now timestamp with time zone) IS 'How many more messages of a campaign may be queued now.';

-- FUNCTION feed_run(sms.campaign_run, integer, timestamp with time zone)

CREATE FUNCTION sms.feed_run(p_run sms.campaign_run, p_limit integer, p_now timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET jit TO 'off'
    AS $$
declare
    _room int;
    _pause interval := interval '1 hour' / p_run.per_hour;
    _slot timestamptz := case when p_run.per_hour is not null then greatest(p_run.next_slot, p_now) end;
    _open bigint;
    _zone record;
    _fed int := 0;
    _now_fed int;
begin
    if p_run.waiting = 0 or p_run.ends_at <= p_now then
        return 0;
    end if;
    _room := least(sms.feed_room(p_run.campaign_id, p_now), p_limit);
    if _slot is not null then   -- five seconds ahead, so that a pause has little to hold
        _room := least(_room, floor(extract(epoch from p_now + interval '5 seconds' - _slot) / extract(epoch from _pause))::int + 1);
    end if;
    if _room <= 0 then
        return 0;
    end if;
    perform sms.close_quiet_zones(p_run, p_now);
    select sum(z.waiting) into _open from sms.run_zone as z where z.run_id = p_run.run_id and z.waiting > 0 and z.opens_at <= p_now;
    for _zone in
        select z.zone_id, z.waiting, z.fed_up_to from sms.run_zone as z
         where z.run_id = p_run.run_id and z.waiting > 0 and z.opens_at <= p_now
         order by z.opens_at, z.zone_id
    loop
        exit when _fed >= _room;
        _now_fed := sms.feed_zone(p_run, _zone.zone_id, _zone.fed_up_to,
                                  least(_room - _fed, ceil(_room::numeric * _zone.waiting / _open)::int),
                                  _slot + _fed * _pause, _pause, p_now);
        _fed := _fed + _now_fed;
    end loop;
    if _fed > 0 then
        update sms.campaign_run as r
           set waiting = r.waiting - _fed, fed_at = p_now, next_slot = _slot + _fed * _pause
         where r.run_id = p_run.run_id;
    end if;
    return _fed;
end
$$;

COMMENT ON FUNCTION sms.feed_run(p_run sms.campaign_run, p_limit integer, p_now timestamp with time zone) IS 'Queue more recipients of one run, as far as queue, pace, budget and the clock allow; how many.';

-- FUNCTION feed_zone(sms.campaign_run, smallint, bigint, integer, timestamp with time zone, interval, timestamp with time zone)

CREATE FUNCTION sms.feed_zone(p_run sms.campaign_run, p_zone_id smallint, p_fed_up_to bigint, p_count integer, p_slot timestamp with time zone, p_pause interval, p_now timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET jit TO 'off'
    AS $$
declare
    _count int := sms.affordable(p_run, p_zone_id, p_fed_up_to, p_count, p_now);
    _validity interval := (select c.validity from sms.channel as c where c.channel = p_run.channel);
    _fed int;
    _last bigint;
    _first_id bigint;
    _last_id bigint;
begin
    with taken as materialized (
        delete from sms.run_recipient as r
         where r.ctid = any (array(select x.ctid from sms.run_recipient as x
                                    where x.run_id = p_run.run_id and x.zone_id = p_zone_id and x.recipient_id > p_fed_up_to
                                    order by x.recipient_id
                                    limit _count))
     returning r.*
    ), request as materialized (
        select sms.next_id() as id, t.*, p_slot + (t.n - 1) * p_pause as due_at
          from (select x.*, row_number() over (order by x.recipient_id) as n from taken as x) as t
    ), noted as (
        insert into sms.run_message (run_id, message_id) select p_run.run_id, q.id from request as q
    ), asked as (
        insert into sms.outbox (id, channel, phone, template, vars, client_id, not_before, expires_at, time_zone, campaign_id)
        select q.id, p_run.channel, q.phone, p_run.template, q.vars, q.client_id, q.due_at,
               case when p_run.ends_at < coalesce(q.due_at, p_now) + _validity then p_run.ends_at end,
               q.time_zone, p_run.campaign_id
          from request as q
         order by q.id
    )
    select count(*), max(q.recipient_id), min(q.id), max(q.id) into _fed, _last, _first_id, _last_id from request as q;
    if _fed > 0 then
        update sms.run_zone as z
           set waiting = z.waiting - _fed, fed_up_to = _last
         where z.run_id = p_run.run_id and z.zone_id = p_zone_id;
        update sms.campaign_run as r
           set first_id = least(r.first_id, _first_id), last_id = greatest(r.last_id, _last_id)
         where r.run_id = p_run.run_id;
    end if;
    return _fed;
end
$$;

COMMENT ON FUNCTION sms.feed_zone(p_run sms.campaign_run, p_zone_id smallint, p_fed_up_to bigint, p_count integer, p_slot timestamp with time zone, p_pause interval, p_now timestamp with time zone) IS 'Queue the next recipients of one zone of a run: rows leave, messages come; how many.';

-- FUNCTION find_campaign(text)

CREATE FUNCTION sms.find_campaign(p_campaign text) RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    _campaign_id bigint;
    _channels text[] := sms.my_channels();
begin
    select c.campaign_id into _campaign_id from sms.campaign as c
     where c.campaign = p_campaign and coalesce(c.channel = any (_channels), true);
    if not found and p_campaign ~ '^[0-9]{1,18}$' then
        select c.campaign_id into _campaign_id from sms.campaign as c
         where c.campaign_id = p_campaign::bigint and coalesce(c.channel = any (_channels), true);
    end if;
    if _campaign_id is null then
        raise exception 'unknown campaign "%"', coalesce(p_campaign, 'null')
            using errcode = 'SM040',
                  hint = coalesce('The latest are: '
                             || (select string_agg(k.campaign, ', ')
                                   from (select c.campaign from sms.campaign as c where coalesce(c.channel = any (_channels), true) order by c.campaign_id desc limit 10) as k)
                             || '.', 'There are no campaigns yet.');
    end if;
    return _campaign_id;
end
$_$;

COMMENT ON FUNCTION sms.find_campaign(p_campaign text) IS 'The id of the campaign with this name, or this id as text; error SM040 when there is none.';

-- FUNCTION find_event_keys(integer, bigint[], text[])

CREATE FUNCTION sms.find_event_keys(p_event_type_id integer, p_client_ids bigint[], p_event_keys text[]) RETURNS TABLE(n bigint, event_id bigint, is_new boolean, key_hash bigint)
    LANGUAGE plpgsql
    AS $$
begin
    return query
    with given as materialized (
        select i.n, i.client_id, i.event_key, sms.next_id() as new_id,
               hashtextextended(p_event_type_id || ' ' || coalesce(i.client_id::text, '') || ' ' || i.event_key, 0) as key_hash
          from unnest(p_client_ids, p_event_keys) with ordinality as i (client_id, event_key, n)
    )
    select g.n, coalesce(k.event_id, first_value(g.new_id) over same),
           k.event_id is null and (g.event_key is null or row_number() over same = 1), g.key_hash
      from given as g
      left join lateral (
               select min(e.event_id) as event_id
                 from sms.event_key as x
                cross join lateral (
                         select y.event_id
                           from sms.event as y
                          where y.event_id = x.event_id and y.event_type_id = p_event_type_id
                            and y.client_id is not distinct from g.client_id and y.event_key = g.event_key
                         offset 0
                      ) as e
                where x.key_hash = g.key_hash
           ) as k on g.event_key is not null
    window same as (partition by case when g.event_key is null then g.n end, g.client_id, g.event_key order by g.n);
end
$$;

COMMENT ON FUNCTION sms.find_event_keys(p_event_type_id integer, p_client_ids bigint[], p_event_keys text[]) IS 'Ids of events about to be kept; those whose key is known get that event''s.';

-- FUNCTION find_failing(bigint[], timestamp with time zone)

CREATE FUNCTION sms.find_failing(p_numbers bigint[], p_as_of timestamp with time zone) RETURNS TABLE(auto_rule_id integer, msisdn bigint, category text, channel text, lasts interval, reason text)
    LANGUAGE sql STABLE
    AS $_$
    with failure as materialized (
        select t.msisdn, t.at,
               coalesce(e.class, case when t.state in ('undelivered', 'expired') then 'unreachable' end) as class,
               coalesce(o.sender_id, ch.sender_id, '') !~ '^\+?\d+$' as is_alphanumeric
          from unnest(p_numbers) as n (msisdn)
          join sms.number_trouble as t on t.msisdn = n.msisdn
          join sms.provider as p on p.provider_id = t.provider_id
          left join sms.receipt_error as e on e.adapter = p.adapter and e.error = t.error
          left join sms.outbox as o on o.id = t.message_id
          left join sms.channel as ch on ch.channel = o.channel
    ), delivery as materialized (
        select l.msisdn, o.final_at as at, coalesce(q.sender_id, ch.sender_id, '') ~ '^\+?\d+$' as is_numeric
          from unnest(p_numbers) as n (msisdn)
          join sms.contact_log as l on l.msisdn = n.msisdn
          join sms.outcome as o on o.id = l.message_id and o.state = 'delivered'
          join sms.outbox as q on q.id = o.id
          left join sms.channel as ch on ch.channel = q.channel
    ), counted as (
        select r.auto_rule_id, f.msisdn, count(*) as times, min(f.at) as first_at, max(f.at) as last_at
          from sms.auto_blacklist_rule as r
          join failure as f on f.class = r.class and f.at > p_as_of - r.span and f.at <= p_as_of
                           and (f.is_alphanumeric or not r.needs_life)
         where r.is_enabled
           and not exists (select from delivery as d
                            where d.msisdn = f.msisdn and d.at >= f.at and d.at <= p_as_of
                              and not (r.needs_life and d.is_numeric))
         group by r.auto_rule_id, f.msisdn
    )
    select r.auto_rule_id, c.msisdn, r.category, r.channel, r.lasts, r.reason
      from counted as c
      join sms.auto_blacklist_rule as r using (auto_rule_id)
     where c.times >= r.times and c.last_at - c.first_at >= r.min_gap
       and (not r.needs_life
            or exists (select from delivery as d where d.msisdn = c.msisdn and d.is_numeric and d.at > p_as_of - r.span)
            or exists (select from sms.inbound as i where i.msisdn = c.msisdn and i.received_at > p_as_of - r.span))
$_$;

COMMENT ON FUNCTION sms.find_failing(p_numbers bigint[], p_as_of timestamp with time zone) IS 'Numbers that meet an automatic blacklisting rule, and the rule.';

-- FUNCTION find_goal(text)

CREATE FUNCTION sms.find_goal(p_goal text) RETURNS integer
    LANGUAGE plpgsql STABLE
    AS $$
declare
    _goal_id int;
begin
    select g.goal_id into _goal_id from sms.goal as g where g.goal = p_goal;
    if not found then
        raise exception 'unknown goal "%"', p_goal using errcode = 'SM071',
            hint = 'Goals: ' || coalesce((select string_agg(g.goal, ', ' order by g.goal) from sms.goal as g), 'none yet') || '.';
    end if;
    return _goal_id;
end
$$;

COMMENT ON FUNCTION sms.find_goal(p_goal text) IS 'Key of a goal; an error that lists the known.';

-- FUNCTION finish_launch(bigint)

CREATE FUNCTION sms.finish_launch(p_run_id bigint) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ select sms.freeze_run(sms.own_launch(p_run_id)) $$;

COMMENT ON FUNCTION sms.finish_launch(p_run_id bigint) IS 'Launch in two steps, the second: collect the people of a run of one''s own; how many.';

-- FUNCTION fire_event(text, bigint, jsonb, text)

CREATE FUNCTION sms.fire_event(p_type text, p_client_id bigint, p_vars jsonb DEFAULT '{}'::jsonb, p_event_key text DEFAULT NULL::text, OUT event_id bigint, OUT is_new boolean, OUT message_ids bigint[], OUT planned integer, OUT cancelled integer, OUT note text) RETURNS record
    LANGUAGE sql
    AS $$
    select f.event_id, f.is_new, f.message_ids, f.planned, f.cancelled, f.note
      from sms.fire_events(p_type, array[p_client_id], array[p_vars],
                           case when p_event_key is not null then array[p_event_key] end) as f
$$;

COMMENT ON FUNCTION sms.fire_event(p_type text, p_client_id bigint, p_vars jsonb, p_event_key text, OUT event_id bigint, OUT is_new boolean, OUT message_ids bigint[], OUT planned integer, OUT cancelled integer, OUT note text) IS 'Contract. Tell that something happened to a client: its rules make, plan and take back messages, in this transaction.';

-- FUNCTION fire_events(text, bigint[], jsonb[], text[])

CREATE FUNCTION sms.fire_events(p_type text, p_client_ids bigint[], p_vars jsonb[] DEFAULT NULL::jsonb[], p_event_keys text[] DEFAULT NULL::text[]) RETURNS TABLE(event_id bigint, is_new boolean, message_ids bigint[], planned integer, cancelled integer, note text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    _type sms.event_type;
    _now timestamptz := clock_timestamp();
    _ids bigint[];
    _new boolean[];
    _hashes bigint[];
    _noted bigint[];
    _notes text[];
    _rule_ids int[];
    _acted bigint[];
    _messages bigint[];
    _plans int[];
    _causes bigint[];
    _cancels int[];
begin
    select * into _type from sms.event_type as t where t.event_type = p_type;
    if not found or _type.event_type_id <> all (sms.my_event_types()) then
        raise exception 'unknown event type "%"', p_type
            using errcode = 'SM050',
                  hint = 'Event types: ' || coalesce((select string_agg(t.event_type, ', ' order by t.event_type) from sms.event_type as t),
                                                     'none yet') || '.';
    end if;
    if p_client_ids is null and coalesce(cardinality(p_vars), 0) = 0 and coalesce(cardinality(p_event_keys), 0) = 0 then
        return;   -- array_agg over no rows
    end if;
    if p_client_ids is null or cardinality(p_vars) <> cardinality(p_client_ids) or cardinality(p_event_keys) <> cardinality(p_client_ids) then
        raise exception 'the arrays of events differ in length'
            using errcode = 'SM052', hint = 'Give as many variables and keys as clients, null where there is nothing.';
    end if;
    if exists (select from unnest(p_vars) as v where jsonb_typeof(v) <> 'object') then
        raise exception 'the variables of an event are a JSON object'
            using errcode = 'SM052', hint = 'Write them as {"amount": 1500, "due_date": "2026-12-31"}.';
    end if;

    if p_event_keys is null then
        _ids := array(select sms.next_id() from unnest(p_client_ids));
        _new := array_fill(true, array[cardinality(p_client_ids)]);
    else
        select array_agg(k.event_id order by k.n), array_agg(k.is_new order by k.n), array_agg(k.key_hash order by k.n)
          into _ids, _new, _hashes
          from sms.find_event_keys(_type.event_type_id, p_client_ids, p_event_keys) as k;
    end if;
    with given as materialized (
        select i.event_id, i.client_id, i.event_key, coalesce(i.vars, '{}') as vars, i.key_hash,
               sms.event_problem(_type.variables, coalesce(i.vars, '{}')) as problem
          from unnest(_ids, _new, p_client_ids, p_vars, p_event_keys, _hashes) as i (event_id, is_new, client_id, vars, event_key, key_hash)
         where i.is_new
    ), told as (
        insert into sms.event (event_id, fired_at, event_type_id, client_id, event_key, vars, problem)
        select g.event_id, _now, _type.event_type_id, g.client_id, g.event_key, g.vars, g.problem from given as g
    ), keyed as (
        insert into sms.event_key (key_hash, event_id) select g.key_hash, g.event_id from given as g where g.event_key is not null
    )
    select array_agg(g.event_id), array_agg(g.problem) into _noted, _notes from given as g where g.problem is not null;

    _rule_ids := array(select r.rule_id from sms.event_rule as r
                        where r.event_type_id = _type.event_type_id and r.is_enabled and r.removed_at is null);
    if _rule_ids <> '{}' then
        select array_agg(a.event_id), array_agg(a.message_id), array_agg((a.fate = 'planned')::int),
               _noted || array_agg(a.event_id) filter (where a.note is not null), _notes || array_agg(a.note) filter (where a.note is not null)
          into _acted, _messages, _plans, _noted, _notes
          from (select array_agg(i.event_id) as event_ids, array_agg(r.rule_id) as rule_ids
                  from unnest(_ids, _new) as i (event_id, is_new), unnest(_rule_ids) as r (rule_id)
                 where i.is_new) as pair
         cross join lateral sms.act_on_events(pair.event_ids, pair.rule_ids, true, _now) as a
         where a.fate <> 'nothing';
    end if;
    if exists (select from sms.event_rule as r where p_type = any (r.cancelled_by)) then
        select array_agg(c.event_id), array_agg(c.cancelled) into _causes, _cancels
          from sms.cancel_by_events(array(select i.event_id from unnest(_ids, _new) as i (event_id, is_new) where i.is_new), _now) as c;
    end if;

    return query
    select i.event_id, i.is_new, coalesce(a.message_ids, '{}'), coalesce(a.planned, 0), coalesce(c.cancelled, 0),
           case when i.is_new then n.note
                else 'fired before, at ' || to_char(sms.id_time(i.event_id) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') || ': nothing was done' end
      from unnest(_ids, _new) with ordinality as i (event_id, is_new, n)
      left join (select x.event_id, array_agg(x.message_id) filter (where x.message_id is not null) as message_ids,
                        sum(x.planned)::int as planned
                   from unnest(_acted, _messages, _plans) as x (event_id, message_id, planned)
                  group by x.event_id) as a on a.event_id = i.event_id and i.is_new
      left join (select x.event_id, sum(x.cancelled)::int as cancelled from unnest(_causes, _cancels) as x (event_id, cancelled)
                  group by x.event_id) as c on c.event_id = i.event_id and i.is_new
      left join (select x.event_id, string_agg(x.note, '; ') as note from unnest(_noted, _notes) as x (event_id, note)
                  group by x.event_id) as n on n.event_id = i.event_id
     order by i.n;
end
$$;

COMMENT ON FUNCTION sms.fire_events(p_type text, p_client_ids bigint[], p_vars jsonb[], p_event_keys text[]) IS 'Contract. Tell that events of one type happened to these clients: rules make, plan and take back messages, in this transaction.';

-- FUNCTION fold_parts(smallint, bigint[], smallint[], text[], text[], timestamp with time zone)

CREATE FUNCTION sms.fold_parts(p_provider_id smallint, p_ids bigint[], p_parts smallint[], p_states text[], p_errors text[], p_now timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql
    AS $$
declare
    _ids bigint[];
    _states text[];
    _errors text[];
begin
    if p_ids is null then
        return 0;
    end if;
    perform from sms.outcome as o where o.id = any (p_ids) order by o.id for update;

    update sms.provider_ref as r
       set state = b.state
      from (select distinct on (g.id, g.part) g.id, g.part, g.state
              from unnest(p_ids, p_parts, p_states) as g (id, part, state)
             order by g.id, g.part, sms.state_rank(g.state) desc) as b
     where r.id = b.id and r.provider_id = p_provider_id and r.parts > 1 and r.part = b.part
       and coalesce(sms.state_rank(r.state), 0) < sms.state_rank(b.state);

    select array_agg(m.id), array_agg(m.state), array_agg((select min(g.error) from unnest(p_ids, p_errors) as g (id, error)
                                                            where g.id = m.id))
      into _ids, _states, _errors
      from (select r.id,
                   case when bool_and(coalesce(r.state = 'delivered', false)) then 'delivered'
                        else min(r.state) filter (where r.state not in ('accepted', 'delivered')) end as state
              from sms.provider_ref as r
             where r.id = any (p_ids) and r.provider_id = p_provider_id and r.parts > 1
             group by r.id) as m
     where m.state is not null;
    return cardinality(sms.advance(p_provider_id, _ids, _states, _errors, p_now));
end
$$;

COMMENT ON FUNCTION sms.fold_parts(p_provider_id smallint, p_ids bigint[], p_parts smallint[], p_states text[], p_errors text[], p_now timestamp with time zone) IS 'Receipts of single segments: a long message is delivered when all its segments are, failed when one is.';

-- FUNCTION fold_word(text)

CREATE FUNCTION sms.fold_word(p_word text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    select translate(regexp_replace(upper(p_word), '[^[:alnum:]]', '', 'g'), 'ABCEHKMOPTXYЁ', 'АВСЕНКМОРТХУЕ')
$$;

COMMENT ON FUNCTION sms.fold_word(p_word text) IS 'Case and Latin look-alikes folded away, for comparing stop words.';

-- FUNCTION follow_link(text, text, boolean)

CREATE FUNCTION sms.follow_link(p_code text, p_user_agent text DEFAULT NULL::text, p_is_counted boolean DEFAULT true) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $_$
declare
    _now timestamptz := clock_timestamp();
    _month timestamptz;
    _link sms.short_link;
begin
    if p_code is null or p_code !~ '^[0-9A-Za-z]{9}$' then
        return null;
    end if;
    _month := date_trunc('month', _now, 'UTC')
              - make_interval(months => (sms.link_month_no(_now) - strpos(sms.link_letters(), left(p_code, 1)) + 1 + 62) % 62);
    select l.* into _link
      from sms.short_link as l
     where l.code = p_code and l.message_id >= sms.id_at(_month) and l.message_id < sms.id_at(_month + interval '1 month');
    if found and p_is_counted then
        insert into sms.click (message_id, link_no, at, is_robot)
        values (_link.message_id, _link.link_no, _now,
                coalesce(p_user_agent, '') = ''
                or p_user_agent ~* (select nullif(s.value, '') from sms.setting as s where s.setting = 'short_link_robots') is true);
    end if;
    return _link.url;
end
$_$;

COMMENT ON FUNCTION sms.follow_link(p_code text, p_user_agent text, p_is_counted boolean) IS 'Receiver API. Where a short link leads, noting the click; null for one that leads nowhere.';

-- FUNCTION foreign_logins()

CREATE FUNCTION sms.foreign_logins() RETURNS TABLE(role text)
    LANGUAGE sql STABLE
    AS $$
    select r.rolname::text
      from pg_catalog.pg_roles as r
     where r.rolcanlogin and not r.rolsuper and has_database_privilege(r.oid, current_database(), 'connect')
       and not exists (select from pg_catalog.pg_roles as o
                        where o.rolname in ('sms_erp', 'sms_analyst', 'sms_operator', 'sms_monitor', 'sms_worker', 'sms_dlr')
                          and pg_has_role(r.oid, o.oid, 'member'))
$$;

COMMENT ON FUNCTION sms.foreign_logins() IS 'Logins that are no superusers and belong to none of our roles.';

-- FUNCTION forget_trouble()

CREATE FUNCTION sms.forget_trouble() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    delete from sms.number_trouble as t
     using old_rows as o
     where o.source = 'auto' and t.msisdn = o.msisdn;
    return null;
end
$$;

COMMENT ON FUNCTION sms.forget_trouble() IS 'Trigger: removing an automatic blacklist row clears what led to it.';

-- FUNCTION freeze_run(bigint)

CREATE FUNCTION sms.freeze_run(p_run_id bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET work_mem TO '8MB'
    AS $$
declare
    _now timestamptz := clock_timestamp();
    _run sms.campaign_run;
    _campaign sms.campaign;
    _stamp text;
    _version text;
    _read bigint;
    _recipients bigint;
begin
    if not pg_try_advisory_xact_lock(74032, p_run_id::int) then
        return null;
    end if;
    select * into _run from sms.campaign_run as r
     where r.run_id = p_run_id and r.state in ('freezing', 'paused') and r.begun_at is not null and r.frozen_at is null;
    if not found then
        return null;
    end if;
    _stamp := sms.campaign_stamp(_run.campaign_id);
    select * into _campaign from sms.campaign as c where c.campaign_id = _run.campaign_id;
    perform sms.refuse_launch(_campaign, _now);
    perform sms.refuse_unknown_names(array[_run.channel], array[split_part(_campaign.template, '@', 1)]);
    select v.version_no::text into _version
      from sms.template as t
      join sms.template_version as v on v.template_id = t.template_id
     where t.template = split_part(_campaign.template, '@', 1)
       and (_campaign.template not like '%@%' or v.version_no::text = split_part(_campaign.template, '@', 2))
     order by v.template_version_id desc
     limit 1;

    with person as materialized (
        select * from sms.campaign_people(_campaign.audience, _run.channel, _now)
    ), kept as (
        insert into sms.run_recipient (run_id, recipient_id, client_id, zone_id, phone, time_zone, vars)
        select p_run_id, p.n, p.client_id, p.zone_id, p.phone, p.time_zone, p.vars from person as p where not p.is_repeat
    ), zoned as (
        insert into sms.run_zone (run_id, zone_id, waiting, opens_at)
        select p_run_id, k.zone_id, k.people,
               case when _campaign.local_time is null or z.zone_id is null then _now
                    else sms.local_moment(z.members, _campaign.local_time, greatest(_run.begins_at, _now)) end
          from (select p.zone_id, count(*) as people from person as p where not p.is_repeat group by p.zone_id) as k
          left join sms.time_zone as z on z.zone_id = k.zone_id
    )
    select count(*), count(*) filter (where not p.is_repeat) into _read, _recipients from person as p;

    if sms.needs_release(_campaign, _run.channel) and _stamp is distinct from sms.campaign_stamp(_run.campaign_id) then
        raise exception 'campaign "%" was changed while its recipients were collected', _campaign.campaign
            using errcode = 'SM044', hint = 'Launch it again once it is released.';
    end if;
    select * into _run from sms.campaign_run as r where r.run_id = p_run_id for no key update;
    update sms.campaign_run as r
       set state = case when _run.state = 'freezing' then 'running' else _run.state end,
           template = split_part(_campaign.template, '@', 1) || '@' || _version,
           frozen_at = clock_timestamp(), recipients = _recipients, repeated = _read - _recipients,
           waiting = case when _run.state = 'stopped' then 0 else _recipients end,
           unsent = case when _run.state = 'stopped' then _recipients else 0 end,
           unsent_reason = case when _run.state = 'stopped' then 'campaign_stopped' end
     where r.run_id = p_run_id;
    if _run.state = 'stopped' then
        delete from sms.run_zone as z where z.run_id = p_run_id;
    end if;
    perform sms.log_activity('frozen', 'run', p_run_id::text,
                             jsonb_build_object('campaign', _campaign.campaign, 'recipients', _recipients,
                                                'repeated', _read - _recipients, 'version', _version));
    perform pg_notify('sms_campaign', '');
    return _recipients;
end
$$;

COMMENT ON FUNCTION sms.freeze_run(p_run_id bigint) IS 'Second half of a launch: collect the recipients, pin the text, begin. One transaction; safe to repeat.';

-- FUNCTION give_up_launch(bigint, text)

CREATE FUNCTION sms.give_up_launch(p_run_id bigint, p_problem text) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select coalesce((select sms.fail_run(r.run_id, p_problem)
                       from sms.campaign_run as r where r.run_id = p_run_id and r.created_by = session_user), false)
$$;

COMMENT ON FUNCTION sms.give_up_launch(p_run_id bigint, p_problem text) IS 'A launch of one''s own that could not be finished ends failed; keeps why.';

-- FUNCTION guard_channel()

CREATE FUNCTION sms.guard_channel() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if sms.is_owner(current_user) then
        return new;
    end if;
    if tg_op = 'INSERT' then
        new.needs_release := new.needs_release or exists (select from sms.channel as c where c.needs_release);
    elsif old.needs_release and not new.needs_release then
        raise exception 'channel "%" asks for releases: only the owner of the database ends that', old.channel using errcode = 'SM045';
    end if;
    return new;
end
$$;

COMMENT ON FUNCTION sms.guard_channel() IS 'Trigger: only the owner ends what a channel demands of its campaigns.';

-- FUNCTION guard_goal()

CREATE FUNCTION sms.guard_goal() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if old.created_by <> session_user and not sms.is_owner(current_user) and not pg_has_role(current_user, 'sms_operator', 'member') then
        raise exception 'goal "%" belongs to "%": ask them or an operator', old.goal, old.created_by
            using errcode = 'insufficient_privilege', hint = 'Or write one of your own under another name.';
    end if;
    return new;
end
$$;

COMMENT ON FUNCTION sms.guard_goal() IS 'Trigger: analysts change only goals of their own.';

-- FUNCTION guard_release()

CREATE FUNCTION sms.guard_release() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if sms.is_owner(current_user) then
        return new;
    end if;
    new.writers := old.writers;
    new.authors := old.authors;
    if (new.released_at, new.released_by, new.released_digest)
       is distinct from (old.released_at, old.released_by, old.released_digest) then
        raise exception 'a release is made by sms.release_campaign' using errcode = 'SM045';
    end if;
    if old.needs_release and not new.needs_release then
        perform sms.refuse_waiver(old, new);
    end if;
    return new;
end
$$;

COMMENT ON FUNCTION sms.guard_release() IS 'Trigger: releases come from sms.release_campaign alone, and authors do not waive them.';

-- FUNCTION guard_trail()

CREATE FUNCTION sms.guard_trail() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    _trail constant text[] := array['retention_months.activity', 'retention_months.rule_change'];
    _touched text[] := array_remove(array[case when tg_op <> 'INSERT' then old.setting end, case when tg_op <> 'DELETE' then new.setting end], null);
begin
    if not sms.is_owner(current_user)
       and (_touched && _trail
            or ('retention_months' = any (_touched)
                and (select count(*) from sms.setting as s where s.setting = any (_trail) and s.value <> '') < cardinality(_trail))) then
        raise exception 'how long the trail of who did what is kept is for the owner of the database to say'
            using errcode = 'insufficient_privilege',
                  hint = 'It is in ' || array_to_string(_trail, ' and ') || '; where one of these is empty it follows retention_months.';
    end if;
    return case when tg_op = 'DELETE' then old else new end;
end
$$;

COMMENT ON FUNCTION sms.guard_trail() IS 'Trigger: only the owner says how long the trail of who did what is kept.';

-- FUNCTION hide_setting_values()

CREATE FUNCTION sms.hide_setting_values() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _old jsonb := coalesce(new.old -> 'settings', '{}');
    _new jsonb := coalesce(new.new -> 'settings', '{}');
begin
    if new.old is not null then
        new.old := jsonb_set(new.old, '{settings}', (select coalesce(jsonb_object_agg(k.key, '…'), '{}') from jsonb_object_keys(_old) as k (key)));
    end if;
    if new.new is not null then
        new.new := jsonb_set(new.new, '{settings}',
                             (select coalesce(jsonb_object_agg(e.key, case when new.old is null or _old -> e.key = e.value then '…'
                                                                           when _old ? e.key then 'changed' else 'set' end), '{}')
                                from jsonb_each(_new) as e));
    end if;
    return new;
end
$$;

COMMENT ON FUNCTION sms.hide_setting_values() IS 'Trigger: of a provider''s settings the history keeps names, never values.';

-- FUNCTION hold_changed()

CREATE FUNCTION sms.hold_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform sms.hold_unreleased();
    return null;
end
$$;

COMMENT ON FUNCTION sms.hold_changed() IS 'Trigger: runs of what changed after its release wait for the next one.';

-- FUNCTION hold_queued(bigint)

CREATE FUNCTION sms.hold_queued(p_campaign_id bigint) RETURNS integer
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    AS $$
declare
    _held int;
begin
    update sms.pending as p
       set not_before = p.not_before + sms.hold_span()
     where p.campaign_id = p_campaign_id and p.not_before < timestamptz '3000-01-01 00:00Z';
    get diagnostics _held = row_count;
    return _held;
end
$$;

COMMENT ON FUNCTION sms.hold_queued(p_campaign_id bigint) IS 'Put off what is queued of a campaign until it is resumed; how many.';

-- FUNCTION hold_span()

CREATE FUNCTION sms.hold_span() RETURNS interval
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ select interval '8766000 hours' $$;

COMMENT ON FUNCTION sms.hold_span() IS 'By how much not_before of a held message is put off: a thousand years.';

-- FUNCTION hold_unreleased()

CREATE FUNCTION sms.hold_unreleased() RETURNS bigint
    LANGUAGE plpgsql
    AS $$
declare
    _run sms.campaign_run;
    _campaign sms.campaign;
    _held bigint := 0;
begin
    for _run in
        select r.*
          from sms.campaign_run as r
          join sms.campaign as c on c.campaign_id = r.campaign_id
         where r.state in ('planned', 'freezing', 'running') and not sms.is_released(c, r.channel)
         order by r.run_id
           for no key update of r skip locked
    loop
        select * into _campaign from sms.campaign as c where c.campaign_id = _run.campaign_id;
        update sms.campaign_run as r
           set state = 'paused', awaits_release = true,
               problem = 'awaits a release: ' || case when _campaign.released_at is null then 'it has none'
                                                      else 'it, its text or its audience changed since the last one' end
         where r.run_id = _run.run_id;
        _held := _held + sms.hold_queued(_run.campaign_id);
        perform sms.log_activity('held', 'campaign', _campaign.campaign,
                                 jsonb_build_object('run_id', _run.run_id, 'awaits', 'a release'));
    end loop;
    return _held;
end
$$;

COMMENT ON FUNCTION sms.hold_unreleased() IS 'Runs whose campaign changed after its release wait for the next one; how many queued messages are held.';

-- FUNCTION holdout_draw(bigint, bigint, bigint)

CREATE FUNCTION sms.holdout_draw(p_campaign_id bigint, p_client_id bigint, p_msisdn bigint) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select (hashint8extended(coalesce(p_client_id, p_msisdn), p_campaign_id) & 1048575) * 100.0 / 1048576
$$;

COMMENT ON FUNCTION sms.holdout_draw(p_campaign_id bigint, p_client_id bigint, p_msisdn bigint) IS 'Stable draw from 0 to 100 for a person in a campaign.';

-- FUNCTION hourly_delivery(date, date)

CREATE FUNCTION sms.hourly_delivery(p_from date, p_until date) RETURNS TABLE(day date, hour integer, accepted bigint, delivered bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select (s.hour at time zone sms.statistics_zone())::date, extract(hour from s.hour at time zone sms.statistics_zone())::int,
           coalesce(sum(s.messages) filter (where sms.is_handed_over(s.state, s.reason)), 0)::bigint,
           coalesce(sum(s.messages) filter (where s.state = 'delivered'), 0)::bigint
      from sms.stat_hour as s
     where s.hour >= p_from::timestamp at time zone sms.statistics_zone()
       and s.hour < p_until::timestamp at time zone sms.statistics_zone()
     group by 1, 2
     order by 1, 2
$$;

COMMENT ON FUNCTION sms.hourly_delivery(p_from date, p_until date) IS 'Handed over and arrived, by the hour.';

-- FUNCTION hurry_urgent(smallint[], timestamp with time zone)

CREATE FUNCTION sms.hurry_urgent(p_lanes smallint[], p_as_of timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
begin
    update sms.pending as p
       set not_before = p_as_of
     where p.ctid = any (array(
               select w.ctid
                 from unnest(p_lanes) as l (lane_id)
                 cross join lateral (select x.ctid, x.id
                                       from sms.pending as x
                                      where x.lane_id = l.lane_id and x.priority = 0
                                        and x.not_before > p_as_of and x.not_before <= p_as_of + interval '10 minutes'
                                      limit 1000
                                        for update skip locked) as w
                 cross join lateral (select coalesce(o.not_before, '-infinity') <= p_as_of as may_go
                                       from sms.outbox as o where o.id = w.id offset 0) as o
                where o.may_go));
    perform sms.wake(true, true);
end
$$;

COMMENT ON FUNCTION sms.hurry_urgent(p_lanes smallint[], p_as_of timestamp with time zone) IS 'Urgent retries of these lanes are due now: another provider serves them.';

-- FUNCTION id_at(timestamp with time zone)

CREATE FUNCTION sms.id_at(p_at timestamp with time zone) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    -- clamped, so that infinity gives the smallest and the largest id there can be
    select ((date_part('epoch', least(greatest(p_at, timestamptz '1960-01-01 00:00Z'), timestamptz '2089-01-01 00:00Z')) * 1000)::bigint
            - 1577836800000) << 22
$$;

COMMENT ON FUNCTION sms.id_at(p_at timestamp with time zone) IS 'The smallest id of a moment: milliseconds since 2020-01-01 UTC, shifted left 22 bits.';

-- FUNCTION id_time(bigint)

CREATE FUNCTION sms.id_time(p_id bigint) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ select to_timestamp(((p_id >> 22) + 1577836800000) / 1000.0) $$;

COMMENT ON FUNCTION sms.id_time(p_id bigint) IS 'The moment an id was drawn, to the millisecond.';

-- FUNCTION in_currency(numeric, text, timestamp with time zone)

CREATE FUNCTION sms.in_currency(p_amount numeric, p_currency text, p_as_of timestamp with time zone) RETURNS numeric
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select case when p_currency = coalesce((select s.value from sms.setting as s where s.setting = 'currency'), 'RUB') then p_amount
                else p_amount * (select r.rate from sms.exchange_rate as r
                                  where r.currency = p_currency and r.valid_from <= (p_as_of at time zone sms.statistics_zone())::date
                                  order by r.valid_from desc
                                  limit 1) end
$$;

COMMENT ON FUNCTION sms.in_currency(p_amount numeric, p_currency text, p_as_of timestamp with time zone) IS 'An amount in the own currency by the rate of the day; null where none is known.';

-- FUNCTION interpret_request(text, text, text, text, jsonb, text, smallint, timestamp with time zone, timestamp with time zone, text, bigint, timestamp with time zone)

CREATE FUNCTION sms.interpret_request(p_channel text, p_phone text, p_body text, p_template text, p_vars jsonb, p_erp_ref text, p_priority smallint, p_not_before timestamp with time zone, p_expires_at timestamp with time zone, p_time_zone text, p_client_id bigint, p_now timestamp with time zone) RETURNS TABLE(msisdn bigint, reason text, channel_id smallint, lane_id smallint, zone_id smallint, priority smallint, not_before timestamp with time zone, expires_at timestamp with time zone, dedup_key bigint, ref_hash bigint, template_version_id integer, zone_source text)
    LANGUAGE sql STABLE
    AS $$
    select n.msisdn,
           case when n.msisdn is null then sms.phone_problem(p_phone)
                when p_template is not null and v.problem is not null then v.problem
                when p_template is null and coalesce(p_body, '') = '' then 'empty_text'
                when char_length(p_body) > 1000 then 'text_too_long'
                when p_time_zone is not null and z.zone_id is null then 'bad_time_zone'
                when p_expires_at <= n.not_before then 'expired'
           end,
           c.channel_id, l.lane_id,
           case when p_time_zone is null
                then coalesce(cc.zone_id, cp.zone_id, nullif(g.zone_id, 0), cz.zone_id, 0::smallint)
                else coalesce(z.zone_id, 0::smallint) end,
           greatest(c.priority, p_priority),
           n.not_before,
           least(coalesce(p_expires_at, n.not_before + c.validity), timestamptz '9999-12-31 00:00Z'),
           hashtextextended(case when p_template is null then coalesce(p_body, '')
                                 when c.dedup_by = 'template' then split_part(p_template, '@', 1)
                                 else concat(split_part(p_template, '@', 1), p_vars) end,
                            case when c.dedup_by = 'text_in_channel' then c.channel_id else 0 end),
           hashtextextended(p_erp_ref, 0),
           v.template_version_id,
           case when p_time_zone is not null then 'the row'
                when cc.zone_id is not null then 'the client'
                when cp.zone_id is not null then 'where the client lives'
                when g.zone_id <> 0 then 'the number'
                when cz.zone_id is not null then 'the channel'
                else 'nothing tells it' end
      from (select sms.normalize_msisdn(p_phone) as msisdn,
                   least(greatest(p_not_before, p_now), timestamptz '9999-01-01 00:00Z') as not_before offset 0) as n
      cross join lateral (
               select x.channel_id, x.priority, x.validity, x.time_zone, x.dedup_by
                 from sms.channel as x where x.channel = p_channel limit 1
           ) as c
      left join lateral (
               select y.zone_id
                 from (select x.zone_id from sms.time_zone as x where x.name = c.time_zone limit 1) as y
                where c.time_zone is not null
               offset 0
           ) as cz on true
      left join lateral (
               select y.zone_id
                 from (select x.zone_id from sms.client_zone as x where x.client_id = p_client_id limit 1) as y
                where p_client_id is not null
               offset 0
           ) as cc on true
      left join lateral (
               select y.zone_id
                 from (select x.zone_id from geo.client_location as x where x.client_id = p_client_id limit 1) as y
                where p_client_id is not null and cc.zone_id is null
               offset 0
           ) as cp on true
      left join lateral (
               select r.operator_id, r.zone_id
                 from (select x.hi, x.operator_id, x.zone_id
                         from sms.number_range as x
                        where x.lo <= n.msisdn
                        order by x.lo desc
                        limit 1) as r
                where r.hi >= n.msisdn
           ) as g on true
      left join lateral (
               select x.lane_id from sms.lane as x
                where x.channel_id = c.channel_id and x.operator_id = coalesce(g.operator_id, 0::smallint) limit 1
           ) as l on true
      left join lateral (
               select y.zone_id
                 from (select x.zone_id from sms.time_zone as x where x.name = p_time_zone and x.zone_id <> 0 limit 1) as y
                where p_time_zone is not null
               offset 0
           ) as z on true
      left join lateral (
               select y.template_version_id, y.problem
                 from (select x.template_version_id, x.problem from sms.check_template(p_template, p_vars) as x limit 1) as y
                where p_template is not null
               offset 0
           ) as v on true
$$;

COMMENT ON FUNCTION sms.interpret_request(p_channel text, p_phone text, p_body text, p_template text, p_vars jsonb, p_erp_ref text, p_priority smallint, p_not_before timestamp with time zone, p_expires_at timestamp with time zone, p_time_zone text, p_client_id bigint, p_now timestamp with time zone) IS 'What a request means: number, lane, zone, times, hashes; reason when it cannot be used. Shared by the insert trigger and explain.';

-- FUNCTION is_handed_over(text, text)

CREATE FUNCTION sms.is_handed_over(p_state text, p_reason text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select p_state in ('accepted', 'delivered', 'undelivered', 'expired', 'uncertain')
           or p_state = 'rejected' and coalesce(p_reason, '') = ''
           or p_state = 'failed' and coalesce(p_reason, '') = 'gave_up'
$$;

COMMENT ON FUNCTION sms.is_handed_over(p_state text, p_reason text) IS 'Did a provider take a message of this state and reason?';

-- FUNCTION is_owner(name)

CREATE FUNCTION sms.is_owner(p_role name) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$ select pg_has_role(p_role, n.nspowner, 'member') from pg_catalog.pg_namespace as n where n.nspname = 'sms' $$;

COMMENT ON FUNCTION sms.is_owner(p_role name) IS 'Does this role own the schema sms, or belong to who does?';

-- FUNCTION is_released(sms.campaign, text)

CREATE FUNCTION sms.is_released(p_campaign sms.campaign, p_run_channel text DEFAULT NULL::text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select not sms.needs_release(p_campaign, p_run_channel)
           or p_campaign.released_digest is not distinct from sms.campaign_digest(p_campaign)
$$;

COMMENT ON FUNCTION sms.is_released(p_campaign sms.campaign, p_run_channel text) IS 'True where a campaign needs no release, or has one for its present contents.';

-- FUNCTION is_spent(bigint, timestamp with time zone)

CREATE FUNCTION sms.is_spent(p_run_id bigint, p_now timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql STABLE
    AS $$
declare
    _run sms.campaign_run;
    _left numeric;
begin
    select * into _run from sms.campaign_run as r where r.run_id = p_run_id;
    select c.budget - sms.run_cost(p_run_id, p_now) into _left from sms.campaign as c where c.campaign_id = _run.campaign_id;
    return (
    select coalesce(bool_and(k.cost > _left), false)
      from sms.run_zone as z
      cross join lateral sms.price_recipients(_run, z.zone_id, z.fed_up_to, 1, p_now) as k
     where z.run_id = p_run_id and z.waiting > 0 and z.opens_at <= p_now
    );
end
$$;

COMMENT ON FUNCTION sms.is_spent(p_run_id bigint, p_now timestamp with time zone) IS 'Does the budget of a run cover not even one more recipient?';

-- FUNCTION is_trusted_author(oid)

CREATE FUNCTION sms.is_trusted_author(p_role oid) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    select r.rolsuper or r.rolname in ('sms_audience', 'sms_parser', 'sms_window')
           or exists (select from pg_catalog.pg_namespace as o
                       where o.nspname in ('sms', 'geo', 'erp') and o.nspowner = r.oid)
      from pg_catalog.pg_roles as r
     where r.oid = p_role
$$;

COMMENT ON FUNCTION sms.is_trusted_author(p_role oid) IS 'May what this role made be used in audiences?';

-- FUNCTION is_word_of(text, text[])

CREATE FUNCTION sms.is_word_of(p_name text, p_words text[]) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $_$
    select lower(p_name) = any (p_words) or p_name !~ '^[\w$]+$'
           or (octet_length(p_name) > 56 and exists (select from unnest(p_words) as w where left(w, 14) = left(lower(p_name), 14)))
$_$;

COMMENT ON FUNCTION sms.is_word_of(p_name text, p_words text[]) IS 'Does a name stand among the words of a text, or could it be meant by them?';

-- FUNCTION judge(bigint[], timestamp with time zone)

CREATE FUNCTION sms.judge(ids bigint[], as_of timestamp with time zone DEFAULT clock_timestamp()) RETURNS TABLE(id bigint, verdict text, reason text, detail text, not_before timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
    select o.id,
           case when r.id is null then j.verdict else 'suppress' end,
           coalesce(r.reason, j.reason),
           case when r.id is null then j.detail end,
           case when r.id is null then j.not_before end
      from sms.outbox as o
      cross join lateral sms.interpret_request(
               o.channel, o.phone, o.body, o.template, o.vars, o.erp_ref,
               o.priority, o.not_before, o.expires_at, o.time_zone, o.client_id, o.created_at) as f
      left join sms.outcome as r on r.id = o.id and r.state = 'suppressed' and r.attempts = 0 and r.reason = f.reason
      left join sms.judge_batch(sms.told_facts(sms.candidates(ids)), as_of) as j on j.id = o.id
     where o.id = any (sms.my_messages(ids))
$$;

COMMENT ON FUNCTION sms.judge(ids bigint[], as_of timestamp with time zone) IS 'Verdict of all rules on these messages at a moment: send, defer (until not_before) or suppress, with the reason.';

-- FUNCTION judge_batch(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.judge_batch(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS TABLE(id bigint, verdict text, reason text, detail text, not_before timestamp with time zone, reasons text[])
    LANGUAGE sql STABLE
    AS $$
    with finding as materialized (
        select * from sms.rule_expired(p_batch, p_as_of)
        union all select * from sms.rule_blacklist(p_batch, p_as_of)
        union all select * from sms.rule_consent(p_batch, p_as_of)
        union all select * from sms.rule_duplicate_ref(p_batch, p_as_of)
        union all select * from sms.rule_duplicate(p_batch, p_as_of)
        union all select * from sms.rule_cap(p_batch, p_as_of)
        union all select * from sms.rule_budget(p_batch, p_as_of)
        union all select * from sms.rule_holdout(p_batch, p_as_of)
        union all select * from sms.rule_quiet_hours(p_batch, p_as_of)
    ), first as (
        select distinct on (f.id) f.id, f.verdict, f.reason, f.detail, f.not_before,
               array_agg(f.reason) filter (where f.verdict <> 'wait') over (partition by f.id order by f.rank
                                         rows between unbounded preceding and unbounded following) as reasons
          from finding as f
         order by f.id, f.rank
    )
    select c.id, coalesce(f.verdict, 'send'), f.reason, f.detail, f.not_before,
           case when cardinality(f.reasons) > 1 then f.reasons end
      from unnest(p_batch) as c
      left join first as f on f.id = c.id
$$;

COMMENT ON FUNCTION sms.judge_batch(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'Every rule about every candidate; the lowest rank decides. The only home of the rules.';

-- FUNCTION judge_providers(timestamp with time zone)

CREATE FUNCTION sms.judge_providers(p_as_of timestamp with time zone) RETURNS TABLE(provider_id smallint, from_state text, to_state text, cause text, figures text)
    LANGUAGE plpgsql STABLE
    AS $$
#variable_conflict use_column
begin
    return query
    with seen as (
        select b.provider_id, b.state, b.since, b.retry_at, k.cool_down, k.min_samples, k.error_share as limit_share, k.slow_answer,
               k.throttle_share as limit_throttled, k.throttle_for, k.probes, k.recover_share, w.*,
               w.ill_votes > w.well_votes as is_agreed,
               exists (select from sms.lane as l where l.provider_id = b.provider_id and l.is_held) as is_last_hope
          from sms.breaker as b
          join sms.breaker_policy as k on k.provider_id = b.provider_id
          join sms.provider_window(p_as_of) as w (id) on w.id = b.provider_id
    ), illness as (
        select s.*,
               case when s.is_agreed and s.is_silent then 'silent'
                    when s.is_agreed and s.is_refusing then 'refusing'
                    when s.is_agreed and s.judged >= s.min_samples and s.error_share >= s.limit_share
                        then case when s.slow * 2 > s.bad then 'slow' else 'errors' end
                    when s.rejected >= s.min_samples and s.rejected = s.judged then 'rejects_all'
                    when s.sent >= s.min_samples and s.throttled_share >= s.limit_throttled
                         and s.throttled_for >= s.throttle_for then 'throttled'
               end as illness,
               format('%s of %s failed, %s turned away, %s rejected, %s slow; silent for %s s, refusing for %s s; %s of %s workers agree',
                      s.failed + s.unanswered + s.overdue + s.troubles, s.judged, s.throttled, s.rejected, s.slow,
                      round(extract(epoch from s.silence), 1), round(extract(epoch from s.failing_for), 1),
                      s.ill_votes, s.workers) as figures
          from seen as s
    ), trial as (
        -- Turned away is no proof of health either; a rejection is an answer, but not if there is nothing else.
        select i.*, i.bad + i.throttled + case when i.accepted = 0 then i.rejected else 0 end as missed,
               case when i.accepted > 0 then i.accepted + i.rejected - i.slow else 0 end as hit
          from illness as i
    )
    select t.provider_id, t.state, n.to_state, n.cause,
           case when n.cause = 'cool_down_over' then format('%s probes', t.probes) else t.figures end
      from trial as t
      cross join lateral (
               select 'open' as to_state, t.illness as cause where t.state = 'closed' and t.illness is not null
                union all
               select 'half_open', 'cool_down_over'
                where t.state = 'open' and (t.retry_at <= p_as_of or t.is_last_hope and t.since + t.cool_down <= p_as_of)
                union all
               select 'open', 'probes_failed'
                where t.state = 'half_open' and (t.is_silent or t.is_refusing or t.missed > t.probes * t.recover_share)
                union all
               select 'closed', 'probes_well'
                where t.state = 'half_open' and not t.is_silent and not t.is_refusing and t.hit + t.missed >= t.probes and t.hit > 0
                  and t.missed <= t.probes * t.recover_share
           ) as n;
end
$$;

COMMENT ON FUNCTION sms.judge_providers(p_as_of timestamp with time zone) IS 'Which breakers should move now, and why.';

-- FUNCTION keep_audience()

CREATE FUNCTION sms.keep_audience() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    insert into sms.audience_version (audience_id, version_no, title, query, columns, planned_cost, removed_at, changed_at, changed_by)
    values (new.audience_id, new.version_no, new.title, new.query, new.columns, new.planned_cost, new.removed_at,
            new.changed_at, new.changed_by);
    perform sms.log_activity(case when tg_op = 'INSERT' then 'created' when new.removed_at is not null then 'removed' else 'changed' end,
                             'audience', new.audience,
                             jsonb_build_object('version', new.version_no, 'planned_cost', round(new.planned_cost)));
    return null;
end
$$;

COMMENT ON FUNCTION sms.keep_audience() IS 'Trigger: every version of an audience goes to sms.audience_version and to the log.';

-- FUNCTION keep_breaker_change()

CREATE FUNCTION sms.keep_breaker_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _provider text := (select p.provider from sms.provider as p where p.provider_id = new.provider_id);
begin
    insert into sms.breaker_change (at, provider, from_state, to_state, cause, figures, retry_at)
    values (new.since, _provider, old.state, new.state, new.cause, new.figures, new.retry_at);
    -- A provider that is tried and fails again is no news for the on-call: they know that it is ill.
    perform sms.announce_route(p_for_people => not (old.state = 'open' or old.state = 'half_open' and new.state = 'open'),
                               p_payload => jsonb_build_object(
        'kind', 'breaker', 'at', new.since, 'provider', _provider, 'from', old.state, 'to', new.state, 'cause', new.cause,
        'figures', new.figures, 'retry_at', new.retry_at));
    perform pg_notify('sms_config', '');
    return null;
end
$$;

COMMENT ON FUNCTION sms.keep_breaker_change() IS 'Trigger: a breaker moved; keep it with its cause, and tell.';

-- FUNCTION keep_code_change()

CREATE FUNCTION sms.keep_code_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if current_setting('sms.seeding', true) = 'on' and sms.is_owner(session_user) then
        if tg_op = 'UPDATE' and old.is_corrected then
            return null;
        end if;
        return new;
    end if;
    if tg_op = 'INSERT' then
        new.is_corrected := true;
        perform sms.log_activity('created', 'receipt_code', new.adapter || ' ' || new.code, jsonb_build_object('state', new.state));
    elsif new.state is distinct from old.state then
        new.is_corrected := new.is_corrected or not old.is_corrected;
        perform sms.log_activity('changed', 'receipt_code', new.adapter || ' ' || new.code,
                                 jsonb_build_object('old', old.state, 'new', new.state));
    end if;
    return new;
end
$$;

COMMENT ON FUNCTION sms.keep_code_change() IS 'Trigger: corrected codes survive migrations, and each change is logged.';

-- FUNCTION keep_lane_change()

CREATE FUNCTION sms.keep_lane_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _notice jsonb;
begin
    for _notice in
        with changed as (
            insert into sms.lane_change (lane_id, channel, operator, from_provider, to_provider, cause, is_automatic, acted_as, detail)
            select n.lane_id, c.channel, o.operator, f.provider, t.provider, coalesce(w.why ->> 'cause', 'by_hand'),
                   coalesce((w.why ->> 'is_automatic')::boolean, false), sms.acting_role(), w.why ->> 'detail'
              from new_rows as n
              join old_rows as b on b.lane_id = n.lane_id
              join sms.channel as c on c.channel_id = n.channel_id
              join sms.operator as o on o.operator_id = n.operator_id
              left join sms.provider as f on f.provider_id = b.provider_id
              left join sms.provider as t on t.provider_id = n.provider_id
              cross join lateral (select case when n.moved is distinct from b.moved then n.moved end as why) as w
             where b.provider_id is distinct from n.provider_id
             order by c.priority, n.lane_id
         returning *
        )
        select jsonb_build_object('kind', 'lanes', 'at', min(c.at), 'from', c.from_provider, 'to', c.to_provider, 'cause', c.cause,
                                  'detail', c.detail, 'is_automatic', c.is_automatic, 'by', min(c.done_by), 'lanes', count(*),
                                  'channels', jsonb_agg(distinct c.channel), 'operators', jsonb_agg(distinct c.operator))
          from changed as c
         group by c.from_provider, c.to_provider, c.cause, c.detail, c.is_automatic
    loop
        perform sms.announce_route(_notice);
    end loop;
    return null;
end
$$;

COMMENT ON FUNCTION sms.keep_lane_change() IS 'Trigger: who serves a lane changed; keep it with its cause, and tell.';

-- FUNCTION known_campaign(bigint)

CREATE FUNCTION sms.known_campaign(p_campaign_id bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE
    AS $$
begin
    if not exists (select from sms.campaign as c
                    where c.campaign_id = p_campaign_id and coalesce(c.channel = any (sms.my_channels()), true)) then
        raise exception 'unknown campaign "%"', coalesce(p_campaign_id::text, 'null')
            using errcode = 'SM040', hint = 'Give an id of sms.campaign, or a name as text.';
    end if;
    return p_campaign_id;
end
$$;

COMMENT ON FUNCTION sms.known_campaign(p_campaign_id bigint) IS 'This id, where there is a campaign with it; else error SM040.';

-- FUNCTION known_provider(text)

CREATE FUNCTION sms.known_provider(p_provider text) RETURNS smallint
    LANGUAGE plpgsql STABLE
    AS $$
declare
    _provider_id smallint;
begin
    select p.provider_id into _provider_id from sms.provider as p where p.provider = p_provider;
    if not found then
        raise exception 'unknown provider "%"', p_provider
            using errcode = 'SM006',
                  hint = 'Providers: ' || coalesce((select string_agg(p.provider, ', ' order by p.provider)
                                                      from sms.provider as p), 'none yet') || '.';
    end if;
    return _provider_id;
end
$$;

COMMENT ON FUNCTION sms.known_provider(p_provider text) IS 'A provider''s key, or an error that lists the known names.';

-- FUNCTION lane_candidates(timestamp with time zone)

CREATE FUNCTION sms.lane_candidates(p_as_of timestamp with time zone) RETURNS TABLE(lane_id smallint, priority smallint, policy text, provider_id smallint, place bigint, is_enabled boolean, worth text)
    LANGUAGE plpgsql STABLE
    AS $$
#variable_conflict use_column
begin
    return query
    with routed as (
        select l.lane_id, l.operator_id as to_operator_id, l.provider_id as serving, c.priority, c.category, r.*
          from sms.lane as l
          join sms.channel as c on c.channel_id = l.channel_id
          cross join lateral (select x.*
                                from sms.route as x
                               where x.channel_id = l.channel_id and (x.operator_id = l.operator_id or x.operator_id is null)
                               order by x.operator_id is null
                               limit 1) as r
         where not exists (select from sms.lane_pin as n where n.lane_id = l.lane_id)
    ), offer as (
        select d.lane_id, d.priority, d.policy, v.provider_id, v.rank, p.is_enabled,
               case when d.policy = 'cheapest' then sms.segment_price(v.provider_id, d.to_operator_id, d.category, p_as_of) end as price,
               case when d.policy = 'best_delivered'
                    then (coalesce(h.delivered, 0) + d.prior_share * d.prior_samples) / (coalesce(h.submitted, 0) + d.prior_samples)
               end as share,
               case when v.provider_id = d.serving then d.margin else 0 end as bonus
          from routed as d
          join sms.route_provider as v on v.route_id = d.route_id
          join sms.provider as p on p.provider_id = v.provider_id
          left join sms.delivered_share as h on h.provider_id = v.provider_id and h.operator_id = d.to_operator_id
    )
    select o.lane_id, o.priority, o.policy, o.provider_id,
           row_number() over (partition by o.lane_id order by o.price nulls last, o.share + o.bonus desc nulls last, o.rank),
           o.is_enabled,
           case o.policy when 'cheapest' then coalesce('costs ' || o.price, 'price unknown')
                         when 'best_delivered' then format('delivers %s %%', round(100 * o.share, 1))
                         else format('rank %s', o.rank) end
      from offer as o;
end
$$;

COMMENT ON FUNCTION sms.lane_candidates(p_as_of timestamp with time zone) IS 'The providers that may serve each routed lane, best first.';

-- FUNCTION lanes_of(text, text)

CREATE FUNCTION sms.lanes_of(p_channel text, p_operator text DEFAULT NULL::text) RETURNS smallint[]
    LANGUAGE plpgsql STABLE
    AS $$
begin
    if p_channel is distinct from '*' then
        perform sms.refuse_unknown_names(array[p_channel], null);
    end if;
    if p_operator is not null and not exists (select from sms.operator as o where o.operator = p_operator) then
        raise exception 'unknown operator "%"', p_operator
            using errcode = 'SM009',
                  hint = 'Operators: ' || (select string_agg(o.operator, ', ' order by o.operator) from sms.operator as o) || '.';
    end if;
    return array(select l.lane_id
                   from sms.lane as l
                   join sms.channel as c on c.channel_id = l.channel_id
                   join sms.operator as o on o.operator_id = l.operator_id
                  where (p_channel = '*' or c.channel = p_channel) and (p_operator is null or o.operator = p_operator)
                  order by l.lane_id);
end
$$;

COMMENT ON FUNCTION sms.lanes_of(p_channel text, p_operator text) IS 'The lanes of a channel, or of all; unknown names are errors.';

-- FUNCTION launch_campaign(bigint)

CREATE FUNCTION sms.launch_campaign(p_campaign_id bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _run_id bigint := sms.begin_run(p_campaign_id);
begin
    perform sms.freeze_run(_run_id);   -- a planned run is left as it is
    return _run_id;
end
$$;

COMMENT ON FUNCTION sms.launch_campaign(p_campaign_id bigint) IS 'Launch a campaign: freeze its recipients and begin, or plan its run; returns the run.';

-- FUNCTION launch_campaign(text)

CREATE FUNCTION sms.launch_campaign(p_campaign text) RETURNS bigint
    LANGUAGE sql
    AS $$ select sms.launch_campaign(sms.find_campaign(p_campaign)) $$;

COMMENT ON FUNCTION sms.launch_campaign(p_campaign text) IS 'Launch a campaign: freeze its recipients and begin, or plan its run; returns the run.';

-- FUNCTION lead_chore(integer)

CREATE FUNCTION sms.lead_chore(p_chore integer) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ select pg_try_advisory_xact_lock(74020, p_chore) $$;

COMMENT ON FUNCTION sms.lead_chore(p_chore integer) IS 'Be the one process that does this chore until the end of the transaction.';

-- FUNCTION learn_numbers(integer, timestamp with time zone)

CREATE FUNCTION sms.learn_numbers(p_limit integer DEFAULT 1000, p_as_of timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(blacklisted integer, lifted integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
declare
    _now timestamptz := coalesce(sms.named_moment(p_as_of), clock_timestamp());
    _numbers bigint[];
begin
    with fresh as (
        select t.message_id from sms.number_trouble as t
         where t.learned_at is null order by t.at limit p_limit for update skip locked
    ), seen as (
        update sms.number_trouble as t set learned_at = _now from fresh as f where t.message_id = f.message_id returning t.msisdn
    )
    select array_agg(distinct s.msisdn) into _numbers from seen as s;

    insert into sms.blacklist (msisdn, category, channel, reason, source, expires_at, created_at, created_by)
    select f.msisdn, f.category, f.channel, f.reason, 'auto', _now + f.lasts, _now, 'auto rule ' || f.auto_rule_id
      from sms.find_failing(_numbers, _now) as f
     where not exists (select from sms.blacklist as b
                        where b.msisdn = f.msisdn and b.category is not distinct from f.category
                          and b.channel is not distinct from f.channel
                          and (b.expires_at is null or b.expires_at > _now));
    get diagnostics blacklisted = row_count;

    delete from sms.blacklist as b
     where b.source = 'auto' and b.msisdn is not null
       and exists (select from sms.contact_log as l
                     join sms.outcome as o on o.id = l.message_id
                    where l.msisdn = b.msisdn and l.at > b.created_at - interval '3 days' and l.at < _now + interval '1 hour'
                      and o.state = 'delivered' and o.final_at > b.created_at
                      and (b.category is null
                           or b.category = (select c.category from sms.channel as c where c.channel_id = l.channel_id)));
    get diagnostics lifted = row_count;
    return next;
end
$$;

COMMENT ON FUNCTION sms.learn_numbers(p_limit integer, p_as_of timestamp with time zone) IS 'Chore. Blacklist numbers that keep failing by sms.auto_blacklist_rule; lift what was delivered to since.';

-- FUNCTION let_go_on(bigint, boolean)

CREATE FUNCTION sms.let_go_on(p_campaign_id bigint, p_only_awaiting boolean) RETURNS integer
    LANGUAGE plpgsql
    AS $$
begin
    update sms.campaign_run as r
       set state = case when r.begun_at is null then 'planned' when r.frozen_at is null then 'freezing' else 'running' end,
           awaits_release = false, problem = null
     where r.campaign_id = p_campaign_id and r.state = 'paused' and (r.awaits_release or not p_only_awaiting);
    if not found then
        return 0;
    end if;
    perform pg_notify('sms_campaign', '');
    return sms.release_queued(p_campaign_id);
end
$$;

COMMENT ON FUNCTION sms.let_go_on(p_campaign_id bigint, p_only_awaiting boolean) IS 'Let paused runs of a campaign go on, all or those that wait for a release; how many messages were held.';

-- FUNCTION limit_audience(double precision)

CREATE FUNCTION sms.limit_audience(p_times double precision DEFAULT 1) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
      from sms.setting as s
     where s.setting = 'audience_timeout_s'
$$;

COMMENT ON FUNCTION sms.limit_audience(p_times double precision) IS 'statement_timeout for the rest of the transaction, by the setting audience_timeout_s.';

-- FUNCTION link_code(bigint)

CREATE FUNCTION sms.link_code(p_message_id bigint) RETURNS text
    LANGUAGE sql
    AS $$
    select substr(a.letters, sms.link_month_no(sms.id_time(p_message_id)) + 1, 1)
           || string_agg(substr(a.letters, get_byte(u.bytes, n) % 62 + 1, 1), '')
      from (select sms.link_letters() as letters) as a
     cross join (select uuid_send(gen_random_uuid()) as bytes) as u
     cross join unnest('{0,1,2,3,4,5,9,10}'::int[]) as n
     group by a.letters
$$;

COMMENT ON FUNCTION sms.link_code(p_message_id bigint) IS 'A code for a short link of a message: a letter for its month, and eight random ones.';

-- FUNCTION link_host(text)

CREATE FUNCTION sms.link_host(p_url text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$ select lower(substring(p_url from '^[a-zA-Z]+://(?:[^/?#@]*@)?([^/?#:]+)')) $$;

COMMENT ON FUNCTION sms.link_host(p_url text) IS 'The host of a link.';

-- FUNCTION link_letters()

CREATE FUNCTION sms.link_letters() RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$ select '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz' $$;

COMMENT ON FUNCTION sms.link_letters() IS 'The letters of which codes of short links are made.';

-- FUNCTION link_month_no(timestamp with time zone)

CREATE FUNCTION sms.link_month_no(p_at timestamp with time zone) RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $$
    select (extract(year from p_at at time zone 'UTC')::int * 12 + extract(month from p_at at time zone 'UTC')::int - 1) % 62
$$;

COMMENT ON FUNCTION sms.link_month_no(p_at timestamp with time zone) IS 'The number of a month in a cycle of sixty-two.';

-- FUNCTION link_pattern()

CREATE FUNCTION sms.link_pattern() RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$
    select replace('https?://(?:\([^@()]*\)|[^@])*(?:\([^@()]*\)|[^@.,;:!?)\]}''’…–—])', '@',
                   '\s\u0001-\u0020\u007f-\u00a0\u2000-\u200f\u2028-\u202f\u205f-\u2064\ufeff<>"«»“”„')
$$;

COMMENT ON FUNCTION sms.link_pattern() IS 'The pattern of a link in a text.';

-- FUNCTION list_holidays(date, date)

CREATE FUNCTION sms.list_holidays(p_from date, p_until date) RETURNS TABLE(day date, kind text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select h.day, h.kind from sms.holiday as h where h.day >= p_from and h.day < p_until order by h.day
$$;

COMMENT ON FUNCTION sms.list_holidays(p_from date, p_until date) IS 'Days of a span that are not as their weekday.';

-- FUNCTION list_providers()

CREATE FUNCTION sms.list_providers() RETURNS TABLE(provider text, adapter text, settings jsonb, secret_env text, tps numeric, max_batch integer, is_enabled boolean, lanes integer, probed_lanes integer, breaker text, epoch integer, slow_answer interval, has_backup boolean)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select p.provider, p.adapter, p.settings, p.secret_env, p.tps, p.max_batch, p.is_enabled,
           (select count(*) from sms.lane as l where l.provider_id = p.provider_id)::int,
           (select count(*) from sms.lane as l where l.probed_by = p.provider_id)::int,
           b.state, b.epoch, k.slow_answer,
           exists (select
                     from sms.lane as l
                     join sms.route as r on r.channel_id = l.channel_id and (r.operator_id = l.operator_id or r.operator_id is null)
                     join sms.route_provider as v on v.route_id = r.route_id and v.provider_id <> l.provider_id
                    where l.provider_id = p.provider_id
                      and not exists (select from sms.lane_pin as n where n.lane_id = l.lane_id))
      from sms.provider as p
      join sms.breaker as b on b.provider_id = p.provider_id
      join sms.breaker_policy as k on k.provider_id = p.provider_id
     order by p.provider
$$;

COMMENT ON FUNCTION sms.list_providers() IS 'Accounts with their settings, the lanes each serves now, and its breaker.';

-- FUNCTION list_routes()

CREATE FUNCTION sms.list_routes() RETURNS TABLE(channel text, operator text, policy text, providers text[], serving text[], lanes integer, pinned integer, held integer)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select c.channel, o.operator, r.policy,
           array(select p.provider from sms.route_provider as v join sms.provider as p on p.provider_id = v.provider_id
                  where v.route_id = r.route_id order by v.rank),
           coalesce(array_agg(distinct coalesce(p.provider, '(parked)')) filter (where l.lane_id is not null), '{}'),
           count(l.lane_id)::int, count(n.lane_id)::int, count(*) filter (where l.is_held)::int
      from sms.route as r
      join sms.channel as c on c.channel_id = r.channel_id
      left join sms.operator as o on o.operator_id = r.operator_id
      left join sms.lane as l
        on l.channel_id = r.channel_id
       and case when r.operator_id is null
                then not exists (select from sms.route as x where x.channel_id = l.channel_id and x.operator_id = l.operator_id)
                else l.operator_id = r.operator_id end
      left join sms.provider as p on p.provider_id = l.provider_id
      left join sms.lane_pin as n on n.lane_id = l.lane_id
     group by c.channel, o.operator, r.policy, r.route_id
     order by c.channel, o.operator nulls first
$$;

COMMENT ON FUNCTION sms.list_routes() IS 'Routes with their providers and who serves their lanes now.';

-- FUNCTION local_moment(text[], time without time zone, timestamp with time zone)

CREATE FUNCTION sms.local_moment(p_zones text[], p_time time without time zone, p_after timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    AS $$
    select min(k.moment)
      from (select max((d.day + p_time) at time zone z) as moment
              from generate_series(-2, 3) as n
              cross join lateral (select (p_after at time zone 'UTC')::date + n as day) as d
              cross join unnest(p_zones) as z
             group by n) as k
     where k.moment >= p_after
$$;

COMMENT ON FUNCTION sms.local_moment(p_zones text[], p_time time without time zone, p_after timestamp with time zone) IS 'The first moment at which all of these zones have reached a time of day.';

-- FUNCTION log_activity(text, text, text, jsonb)

CREATE FUNCTION sms.log_activity(p_action text, p_kind text, p_name text, p_detail jsonb DEFAULT '{}'::jsonb) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    insert into sms.activity (acted_as, action, kind, name, detail)
    values (sms.acting_role(), p_action, p_kind, p_name, coalesce(p_detail, '{}'))
$$;

COMMENT ON FUNCTION sms.log_activity(p_action text, p_kind text, p_name text, p_detail jsonb) IS 'Append to sms.activity: who did what, when.';

-- FUNCTION looks_secret(text, text)

CREATE FUNCTION sms.looks_secret(p_name text, p_value text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $_$
    with terms as (
        select lower(regexp_replace(p_name, '([a-z0-9])([A-Z])', '\1_\2', 'g')) as name,
               regexp_replace(p_value, '\{[a-z_]+(\|number)?\}', '', 'g') as said,
               '(pass(w|phrase|code)|passwd|pwd|secret|token|credential|authori[sz]|(api|access|private|auth)[_-]?key'
                   || '|(^|[^a-z])(pass|psw|auth|login|key|pin|cookie)($|[^a-z]))' as telling
    )
    select case when t.name ~ '(_env|_file)$' then false
                when t.name ~ t.telling
                then regexp_replace(t.said, '^\s*(basic|bearer|token|key|apikey|app|oauth|accesskey)(\s+|$)', '', 'i') ~ '\S'
                else t.said ~ '^[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s]*@|^[^/?#\s@]+:[^/?#\s@]+@'
                     or exists (select from regexp_matches(t.said, '[?&]([A-Za-z0-9_.-]+)=([^=&\s][^&\s]*)', 'g') as q (pair)
                                 where lower(q.pair[1]) ~ t.telling)
                     or t.said ~ '-----BEGIN|\meyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}'
                     or t.said ~* '\m(basic|bearer)\s+(?=\S*[0-9])[A-Za-z0-9+/_=.-]{8,}'
                     or t.name not in ('username', 'system_id', 'log', 'note', 'tls_server_name')
                        and t.said ~ '\m([0-9a-f]{32,}|[0-9A-F]{32,}|(?=[A-Za-z_-]*[0-9])(?=[a-z0-9_-]*[A-Z])(?=[A-Z0-9_-]*[a-z])[A-Za-z0-9_-]{24,})' end
      from terms as t
$_$;

COMMENT ON FUNCTION sms.looks_secret(p_name text, p_value text) IS 'Whether a value of a provider''s settings looks like a secret.';

-- FUNCTION maintain_partitions(timestamp with time zone)

CREATE FUNCTION sms.maintain_partitions(p_as_of timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(created integer, dropped integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET lock_timeout TO '2s'
    AS $$
declare
    _now timestamptz := coalesce(sms.named_moment(p_as_of), clock_timestamp());
    _this_month timestamptz := date_trunc('month', _now, 'UTC');
    _table text;
    _month timestamptz;
begin
    created := 0;
    dropped := 0;
    for _table in select t.name from sms.monthly_tables() as t (name) loop
        for _ahead in -1..3 loop
            _month := _this_month + make_interval(months => _ahead);
            if _month < '2089-01-01 00:00Z' then   -- where ids end
                created := created + sms.create_partition(_table, _month);
            end if;
        end loop;
        for _month in select m.month from sms.partition_months(_table) as m
                       where m.month < _this_month - sms.retention(_table) loop
            dropped := dropped + sms.drop_partition(_table, _month);
        end loop;
    end loop;
    -- A message that waited for months gets its links when it goes.
    for _month in select m.month from sms.partition_months('outbox') as m loop
        created := created + sms.create_partition('short_link', _month);
    end loop;
    if dropped > 0 then
        -- A key whose owner's request is gone would protect nothing and could never be owned again.
        delete from sms.erp_ref as r
         where r.id < (select min(sms.id_at(m.month)) from sms.partition_months('outbox') as m);
        delete from sms.event_key as k
         where k.event_id < (select min(sms.id_at(m.month)) from sms.partition_months('event') as m);
        delete from sms.earlier_carrier as c
         where c.message_id < (select min(sms.id_at(m.month)) from sms.partition_months('outcome') as m);
        delete from sms.foreign_receipt as f
         where f.receipt_id < (select min(sms.id_at(m.month)) from sms.partition_months('receipt') as m);
    end if;
    perform sms.prune_history(_now);
    -- What waited to be polled at a provider that nobody polls any more.
    delete from sms.overdue as v where v.next_poll_at < _now - interval '3 days';
    return next;
end
$$;

COMMENT ON FUNCTION sms.maintain_partitions(p_as_of timestamp with time zone) IS 'Chore. Partitions three months ahead; those past retention_months dropped.';

-- FUNCTION make_months(timestamp with time zone, timestamp with time zone, text[])

CREATE FUNCTION sms.make_months(p_from timestamp with time zone, p_until timestamp with time zone DEFAULT NULL::timestamp with time zone, p_tables text[] DEFAULT NULL::text[]) RETURNS integer
    LANGUAGE plpgsql
    SET "TimeZone" TO 'UTC'
    SET lock_timeout TO '2s'
    AS $$
declare
    _made int := 0;
    _table text;
    _month timestamptz;
begin
    for _table in select t.name from sms.monthly_tables() as t (name)
                   where p_tables is null or t.name = any (p_tables) loop
        for _month in select m.month from generate_series(date_trunc('month', p_from), coalesce(p_until, clock_timestamp()),
                                                          interval '1 month') as m (month) loop
            _made := _made + sms.create_partition(_table, _month);
        end loop;
    end loop;
    return _made;
end
$$;

COMMENT ON FUNCTION sms.make_months(p_from timestamp with time zone, p_until timestamp with time zone, p_tables text[]) IS 'Make months of the past, for rows that are brought; returns how many partitions.';

-- FUNCTION make_planned(integer, timestamp with time zone)

CREATE FUNCTION sms.make_planned(p_limit integer DEFAULT 1000, p_as_of timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(made integer, forgotten integer, cancelled integer, kept integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    _now timestamptz := coalesce(sms.named_moment(p_as_of), clock_timestamp());
    _again bigint;
    _events bigint[];
    _rules int[];
    _messages bigint[];
    _tids tid[];
    _waits timestamptz[];
begin
    cancelled := 0;
    for _again in delete from sms.event_recheck as x where x.look_at <= _now returning x.event_id loop
        cancelled := cancelled + coalesce((select sum(c.cancelled) from sms.cancel_by_events(array[_again], _now) as c), 0);
    end loop;

    with due as (
        select x.event_id, x.rule_id, x.message_id, x.ctid as tid
          from sms.event_plan as x
         where x.look_at <= _now
         order by x.look_at
         limit p_limit
           for update skip locked
    ), seen as (   -- one that waits, or may come back to waiting, can still be cancelled
        select d.event_id, d.rule_id, d.message_id, d.tid, w.waits_until
          from due as d
          left join lateral (
                   select q.not_before as waits_until from sms.pending as q where q.id = d.message_id
                    union all
                   select _now from sms.inflight as f where f.id = d.message_id
                    limit 1
               ) as w on true
    )
    select array_agg(s.event_id), array_agg(s.rule_id), array_agg(s.message_id), array_agg(s.tid), array_agg(s.waits_until)
      into _events, _rules, _messages, _tids, _waits
      from seen as s;

    update sms.event_plan as p
       set look_at = greatest(_now + interval '1 minute', (select q.not_before from sms.pending as q where q.id = p.message_id))
     where p.ctid = any (array(select s.tid from unnest(_tids, _waits) as s (tid, waits_until) where s.waits_until is not null));
    delete from sms.event_plan as p
     where p.ctid = any (array(select s.tid from unnest(_tids, _waits) as s (tid, waits_until) where s.waits_until is null));
    forgotten := (select count(*) from unnest(_messages, _waits) as s (message_id, waits_until)
                   where s.message_id is not null and s.waits_until is null);

    select count(*) filter (where a.fate = 'message') into made
      from (select array_agg(s.event_id) as event_ids, array_agg(s.rule_id) as rule_ids
              from unnest(_events, _rules, _messages) as s (event_id, rule_id, message_id)
             where s.message_id is null and s.event_id is not null) as plan
      cross join lateral sms.act_on_events(plan.event_ids, plan.rule_ids, false, _now) as a;
    kept := coalesce(cardinality(_events), 0) - made - forgotten;
    return next;
end
$$;

COMMENT ON FUNCTION sms.make_planned(p_limit integer, p_as_of timestamp with time zone) IS 'Chore. Make the planned messages that are near; forget those decided; apply cancellations again.';

-- FUNCTION mark_submitting(bigint, bigint[], text[])

CREATE FUNCTION sms.mark_submitting(p_claim_id bigint, p_ids bigint[], p_keys text[] DEFAULT NULL::text[]) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
begin
    if not pg_try_advisory_xact_lock_shared(p_claim_id) then
        return false;
    end if;
    insert into sms.submitting (claim_id, marked_at, ids, keys)
    select p_claim_id, clock_timestamp(), p_ids, p_keys
      from sms.inflight as f
     where f.id = p_ids[1] and f.claim_id = p_claim_id and f.lease_until > clock_timestamp();
    return found;
end
$$;

COMMENT ON FUNCTION sms.mark_submitting(p_claim_id bigint, p_ids bigint[], p_keys text[]) IS 'Worker API. Record durably that these messages of the claim are about to be handed over; false = lease lost, do not send.';

-- FUNCTION mask_phones(text)

CREATE FUNCTION sms.mask_phones(p_text text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$
declare
    _digit constant text := '[0-9０-９]';
    -- What stands between the digits of one number; no comma, colon or line end.
    _looks constant text := '\t .()\[\]/_+·•⁃・\-\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f-\u00a0\u00ad\u034f\u061c'
        '\u1680\u180e\u2000-\u2015\u202a-\u202f\u205f-\u206f\u2212\u3000\ufe58\ufe63\ufeff（）－．／＋';
    _between text;  -- the same also as a URL, JSON, Python or HTML spells it
    _end text := '(?!' || _digit || ')';
    _begin text;    -- no number begins inside a run of digits, behind a decimal point, or is an address or an amount
    _rest text;     -- two digits shown, three hidden, four shown
    _text text := p_text;
begin
    if p_text ~ '^79[0-9]{9}$' then  -- a number that we send to
        return left(p_text, 4) || '***' || right(p_text, 4);
    elsif p_text !~ '(?:[0-9０-９][^0-9０-９]*){10}' then
        return p_text;
    end if;
    _between := '(?:[' || _looks || ']|%[0-9A-Fa-f][0-9A-Fa-f]|\\+(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[tnr])'
        || '|&(?:[a-z]+|#x?[0-9A-Fa-f]+);){0,4}';
    _begin := '(?:(?<!' || _digit || ')|(?<=%[0-9A-Fa-f][0-9A-Fa-f])|(?<=\\u[0-9A-Fa-f]{4})|(?<=\\x[0-9A-Fa-f]{2}))(?<![0-9][.])'
        || replace(replace('(?!@(?:[.]@){3}(?![0-9.]))(?![0-9]{5,9}[.][0-9]{1,6}~)(?![0-9]{1,3}(?:[ \u00a0\u202f][0-9]{3})+[.][0-9]{1,4}~)',
                           '@', '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])'),
                   '~', '(?!' || _digit || '|[' || _looks || ']' || _digit || ')');
    _rest := replace(replace('~(#)~(#)~#~#~#~(#)~(#)~(#)~(#)', '#', _digit), '~', _between) || _end;
    _text := regexp_replace(
        _text,
        _begin || '(?:(?:00|8[~ -]?10)' || _between || ')?(?:[7７]' || _between || '[8８]|[7７]|[8８])' || _between || '([3-9３-９])' || _rest,
        '7\1\2\3***\4\5\6\7', 'g');
    _text := regexp_replace(_text, _begin || '([9９])' || _rest, '7\1\2\3***\4\5\6\7', 'g');
    _text := regexp_replace(
        _text,
        '(?:[+＋]|%2[Bb]|\\+u002[Bb]|&#43;|(?<![0-9])00)([1-9])'
            || replace(replace('~(#)~(#)~(#)~(?:#~){3,7}(#)~(#)~(#)~(#)', '#', _digit), '~', _between) || _end,
        '+\1\2\3\4***\5\6\7\8', 'g');
    return regexp_replace(_text, '(?<!' || _digit || ')(?:[78]?9[0-9]{9}){2,}' || _end, '***', 'g');
end
$_$;

COMMENT ON FUNCTION sms.mask_phones(p_text text) IS 'A text with the middle of every phone number hidden, however it is spelled.';

-- FUNCTION match_receipts(integer, timestamp with time zone)

CREATE FUNCTION sms.match_receipts(p_limit integer DEFAULT 1000, p_as_of timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    _now timestamptz := coalesce(sms.named_moment(p_as_of), clock_timestamp());
    _fresh constant bigint := sms.id_at(clock_timestamp() - interval '5 minutes');
    _step constant int := greatest(p_limit, 1);
    _from bigint;
    _last bigint;
    _old int;
    _found bigint[];
begin
    delete from sms.unmatched_receipt as u where u.receipt_id < sms.id_at(_now - interval '7 days');
    select r.receipt_id into _from from sms.orphan_round as r;
    with newest as materialized (
        select u.receipt_id, u.message_id, u.provider_id, u.provider_ref
          from sms.unmatched_receipt as u
         where u.receipt_id >= _fresh
         order by u.receipt_id desc
         limit 2 * _step
    ), older as materialized (
        select u.receipt_id, u.message_id, u.provider_id, u.provider_ref
          from sms.unmatched_receipt as u
         where u.receipt_id > _from and u.receipt_id < coalesce((select min(n.receipt_id) from newest as n), _fresh)
         order by u.receipt_id
         limit _step
    ), found as materialized (
        select u.receipt_id
          from (select * from newest union all select * from older) as u
          left join lateral (
                   select y.id
                     from (select x.id from sms.provider_ref as x
                            where x.provider_id = u.provider_id and x.ref = u.provider_ref
                            order by x.id desc
                            limit 1) as y
                    where u.message_id is null
                   offset 0
               ) as r on true
          cross join lateral (select x.id from sms.outcome as x where x.id = coalesce(u.message_id, r.id) offset 0) as o
         limit p_limit
    )
    select (select array_agg(f.receipt_id) from found as f), (select max(o.receipt_id) from older as o),
           (select count(*) from older)
      into _found, _last, _old;
    _last := case when _old < _step then 0 else _last end;
    if _last <> _from then
        update sms.orphan_round as r set receipt_id = _last;
    end if;
    return sms.apply_orphans(_found, _now);
end
$$;

COMMENT ON FUNCTION sms.match_receipts(p_limit integer, p_as_of timestamp with time zone) IS 'Chore. Apply receipts that came before their message was settled or its reference was known.';

-- FUNCTION may_feed(sms.campaign_run)

CREATE FUNCTION sms.may_feed(p_run sms.campaign_run) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
declare
    _campaign sms.campaign;
begin
    select * into _campaign from sms.campaign as c where c.campaign_id = p_run.campaign_id;
    if not sms.needs_release(_campaign, p_run.channel) then
        return true;
    end if;
    select * into _campaign from sms.campaign as c where c.campaign_id = p_run.campaign_id for share skip locked;
    if found then
        perform from sms.template as t where t.template = split_part(p_run.template, '@', 1) for share skip locked;
    end if;
    return found and sms.is_released(_campaign, p_run.channel);
end
$$;

COMMENT ON FUNCTION sms.may_feed(p_run sms.campaign_run) IS 'Is what a run would queue released, and will it stay so until this transaction ends?';

-- FUNCTION may_read_texts()

CREATE FUNCTION sms.may_read_texts() RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    select has_column_privilege(sms.acting_role(), 'sms.outbox', 'body', 'select')
$$;

COMMENT ON FUNCTION sms.may_read_texts() IS 'May the acting role read the texts of messages?';

-- FUNCTION metric_values()

CREATE FUNCTION sms.metric_values() RETURNS TABLE(metric text, labels jsonb, value double precision)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'on'
    SET max_parallel_workers_per_gather TO '0'
    SET jit TO 'off'
    AS $$
    with lane as materialized (
        select q.*, jsonb_build_object('channel', q.channel, 'operator', q.operator, 'provider', coalesce(q.provider, ''),
                                       'priority', c.priority) as labels
          from sms.queue_status() as q
          join sms.channel as c on c.channel = q.channel
    ), health as materialized (
        select h.provider, h.state, h.error_share, h.outstanding, h.lanes, jsonb_build_object('provider', h.provider) as labels
          from sms.provider_health as h
    ), budget as materialized (
        select b.share, b.warn_at, jsonb_build_object('budget', b.budget) as labels from sms.budget_status() as b
    )
    select 'outbox_queue_messages', l.labels || '{"state": "due"}', l.due::float8 from lane as l
    union all select 'outbox_queue_messages', l.labels || '{"state": "later"}', (l.pending - l.due)::float8 from lane as l
    union all select 'outbox_queue_messages', l.labels || '{"state": "inflight"}', l.inflight::float8 from lane as l
    union all
    select 'outbox_queue_oldest_due_seconds', l.labels,
           coalesce(extract(epoch from clock_timestamp() - l.oldest_due_at), 0)::float8
      from lane as l
    union all
    select 'outbox_uncertain_messages', jsonb_build_object('provider', p.provider), count(d.id)::float8
      from sms.provider as p
      left join sms.doubtful as d on d.provider_id = p.provider_id
       and exists (select from sms.outcome as o where o.id = d.id and o.state = 'uncertain')
     group by p.provider
    union all
    select 'outbox_receipts_waiting', jsonb_build_object('provider', p.provider), count(u.receipt_id)::float8
      from sms.provider as p
      left join sms.unmatched_receipt as u on u.provider_id = p.provider_id
     group by p.provider
    union all select 'outbox_busy_numbers', '{}', count(*)::float8 from sms.busy_numbers as b
    union all
    select 'outbox_receipts_foreign', jsonb_build_object('provider', p.provider), count(f.receipt_id)::float8
      from sms.provider as p
      left join sms.foreign_receipts as f
        on f.provider = p.provider and not f.had_it and f.receipt_id >= sms.id_at(clock_timestamp() - interval '1 hour')
     group by p.provider
    union all
    select 'outbox_receipt_lag_seconds', jsonb_build_object('provider', p.provider, 'quantile', k.quantile),
           extract(epoch from percentile_cont(k.share) within group (order by greatest(r.received_at - r.occurred_at, '0')))::float8
      from sms.receipt as r
      join sms.provider as p using (provider_id)
     cross join (values ('0.5', 0.5), ('0.95', 0.95)) as k (quantile, share)
     where r.receipt_id >= sms.id_at(clock_timestamp() - interval '1 minute') and r.occurred_at is not null
     group by p.provider, k.quantile, k.share
    union all select 'outbox_provider_breaker_open', h.labels, (h.state <> 'closed')::int::float8 from health as h
    union all select 'outbox_provider_error_ratio', h.labels, h.error_share::float8 from health as h
    union all select 'outbox_provider_outstanding_messages', h.labels, h.outstanding::float8 from health as h
    union all select 'outbox_provider_lanes', h.labels, h.lanes::float8 from health as h
    union all
    select 'outbox_provider_balance', jsonb_build_object('provider', p.provider, 'currency', coalesce(b.currency, '')), b.amount::float8
      from sms.provider_balance as b join sms.provider as p using (provider_id)
     where b.amount is not null
    union all
    select 'outbox_provider_balance_limit', jsonb_build_object('provider', p.provider, 'currency', coalesce(b.currency, '')), b.warn_below::float8
      from sms.provider_balance as b join sms.provider as p using (provider_id)
     where b.warn_below is not null
    union all
    select 'outbox_money_today', jsonb_build_object('channel', c.channel), coalesce(sum(s.amount), 0)::float8
      from sms.channel as c
      left join (select d.day, d.channel_id, d.amount from sms.spend_day as d
                  union all
                 select f.day, f.channel_id, f.amount from sms.spend as f) as s
        on s.channel_id = c.channel_id and s.day = (clock_timestamp() at time zone sms.statistics_zone())::date
     group by c.channel
    union all select 'outbox_budget_spent_ratio', b.labels, b.share::float8 from budget as b
    union all select 'outbox_budget_warn_ratio', b.labels, b.warn_at::float8 from budget as b
    union all
    select 'outbox_campaign_waiting_recipients', jsonb_build_object('campaign', k.campaign), sum(r.waiting)::float8
      from sms.campaign_run as r
      join sms.campaign as k using (campaign_id)
     where r.state in ('running', 'paused')
     group by k.campaign
    union all
    select 'outbox_statistics_stale_periods', '{}', count(distinct d.hour_no)::float8 from sms.stat_dirty as d
    union all
    select 'outbox_statistics_behind_seconds', '{}',
           coalesce(extract(epoch from clock_timestamp() - coalesce((select max(v.counted_at) from sms.month_volume as v),
                                                                    sms.stat_hour_at(min(d.hour_no)))), 0)::float8
             * (count(*) > 0)::int
      from sms.stat_dirty as d
    union all
    select 'outbox_partition_months_ahead', '{}', min(m.ahead)::float8
      from (select count(p.month) filter (where p.month > clock_timestamp()) as ahead
              from sms.monthly_tables() as t (name)
              left join lateral sms.partition_months(t.name) as p on true
             group by t.name) as m
$$;

COMMENT ON FUNCTION sms.metric_values() IS 'What monitoring wants to know now: name, labels, value.';

-- FUNCTION month_effect(date)

CREATE FUNCTION sms.month_effect(p_month date) RETURNS TABLE(goal text, campaign text, clients bigint, messages bigint, converted bigint, conversion_rate numeric, revenue numeric, cost numeric, revenue_per_unit numeric, uplift numeric, low numeric, high numeric, verdict text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _from timestamptz := p_month::timestamp at time zone sms.statistics_zone();
    _until timestamptz := (p_month + interval '1 month')::timestamp at time zone sms.statistics_zone();
begin
    return query
    select g.goal, e.campaign, e.clients, e.messages, e.converted, e.conversion_rate, e.revenue, e.cost, e.revenue_per_unit,
           case when u.held_out > 0 then u.uplift end, u.low, u.high, u.verdict
      from sms.goal as g
     cross join lateral sms.effect(g.goal, _from, _until, '{campaign}', 'last') as e
      left join lateral (   -- as a join's condition it would be asked after the call, which refuses a campaign that is none
               select x.* from sms.uplift(g.goal, e.campaign, _from, _until) as x where e.campaign is not null offset 0
           ) as u on true
     where g.is_enabled
     order by g.goal, e.messages desc;
end
$$;

COMMENT ON FUNCTION sms.month_effect(p_month date) IS 'What followed, and what was caused by, the campaigns of a month, for every goal.';

-- FUNCTION month_fees()

CREATE FUNCTION sms.month_fees() RETURNS TABLE(month date, provider_id smallint, amount numeric)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select g.month::date, f.provider_id, sms.in_currency(f.amount, f.currency, g.month at time zone sms.statistics_zone())
      from sms.monthly_fee as f
     cross join lateral generate_series(
               date_trunc('month', f.valid_from::timestamp),
               least(f.valid_until - 1, date_trunc('month', now() at time zone sms.statistics_zone())::date)::timestamp,
               interval '1 month') as g (month)
$$;

COMMENT ON FUNCTION sms.month_fees() IS 'Monthly fees by month and provider, in the own currency.';

-- FUNCTION month_plan(date)

CREATE FUNCTION sms.month_plan(p_month date) RETURNS TABLE(provider text, messages bigint, segments bigint, segments_cost numeric, fees numeric, cost numeric, billed numeric, planned_messages numeric, planned_cost numeric)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    with planned as (
        select f.provider, sum(f.messages) as messages, sum(f.cost) as cost
          from sms.forecast as f
         where f.month = p_month and f.scenario = 'as now'
           and f.made_at = (select max(x.made_at) from sms.forecast as x
                             where x.month = p_month and x.made_at < p_month::timestamp at time zone sms.statistics_zone())
         group by f.provider
    ), charged as (
        select p.provider, sum(s.billed) as billed
          from sms.stat_day as s
          join sms.provider as p using (provider_id)
         where s.day >= p_month and s.day < p_month + interval '1 month' and s.billed_messages > 0
         group by p.provider
    )
    select coalesce(m.provider, n.provider), coalesce(m.messages, 0), coalesce(m.segments, 0), coalesce(m.segments_cost, 0),
           coalesce(m.fees, 0), coalesce(m.cost, 0), c.billed, n.messages, n.cost
      from (select * from sms.month_money as x where x.month = p_month) as m
      full join planned as n on n.provider = m.provider
      left join charged as c on c.provider = coalesce(m.provider, n.provider)
     order by 6 desc, 1
$$;

COMMENT ON FUNCTION sms.month_plan(p_month date) IS 'Money of a month by provider, against the forecast made before it.';

-- FUNCTION month_segments(smallint, smallint, text, timestamp with time zone)

CREATE FUNCTION sms.month_segments(p_provider_id smallint, p_operator_id smallint, p_category text, p_as_of timestamp with time zone) RETURNS bigint
    LANGUAGE sql STABLE
    AS $$
    select coalesce(sum(v.segments), 0)::bigint
      from sms.month_volume as v
     where v.month = date_trunc('month', p_as_of at time zone sms.statistics_zone())::date
       and v.provider_id = p_provider_id
       and (p_operator_id is null or v.operator_id = p_operator_id)
       and (p_category is null or v.category = p_category)
$$;

COMMENT ON FUNCTION sms.month_segments(p_provider_id smallint, p_operator_id smallint, p_category text, p_as_of timestamp with time zone) IS 'Segments of a provider in a month, for the steps of tariffs.';

-- FUNCTION monthly_tables()

CREATE FUNCTION sms.monthly_tables() RETURNS SETOF text
    LANGUAGE sql STABLE
    AS $$
    select c.relname::text
      from pg_catalog.pg_partitioned_table as p
      join pg_catalog.pg_class as c on c.oid = p.partrelid
     where c.relnamespace = 'sms'::regnamespace
     order by c.relname
$$;

COMMENT ON FUNCTION sms.monthly_tables() IS 'The tables that are cut into months.';

-- FUNCTION move_breakers(timestamp with time zone)

CREATE FUNCTION sms.move_breakers(p_as_of timestamp with time zone) RETURNS TABLE(opened integer, tried integer, closed integer)
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
begin
    return query
    with turn as materialized (
        select * from sms.judge_providers(p_as_of)
    ), moved as (
        update sms.breaker as b
           set state = t.to_state, since = p_as_of, epoch = b.epoch + 1, cause = t.cause, figures = t.figures,
               openings = n.openings,
               retry_at = case when t.to_state = 'open'
                               then p_as_of + least(k.cool_down * power(2, least(n.openings - 1, 20)), k.max_cool_down) end,
               probes_left = case when t.to_state = 'half_open' then k.probes else 0 end,
               probes_at = case when t.to_state = 'half_open' then p_as_of end,
               returned_at = p_as_of
          from turn as t
          join sms.breaker as o on o.provider_id = t.provider_id
          join sms.breaker_policy as k on k.provider_id = t.provider_id
          cross join lateral (select case when t.to_state <> 'open' then o.openings
                                          when o.state = 'closed' and o.since + k.calm <= p_as_of then 1
                                          else o.openings + 1 end as openings) as n
         where b.provider_id = t.provider_id
     returning b.state
    ), again as (
        update sms.breaker as b
           set probes_left = k.probes, probes_at = p_as_of
          from sms.breaker_policy as k, sms.provider_window(p_as_of) as w
         where k.provider_id = b.provider_id and w.provider_id = b.provider_id and b.state = 'half_open'
           and b.probes_left < k.probes and w.outstanding = 0 and b.probes_at + k.slow_answer * 2 <= p_as_of
           and b.provider_id not in (select t.provider_id from turn as t)
    )
    select count(*) filter (where m.state = 'open')::int, count(*) filter (where m.state = 'half_open')::int,
           count(*) filter (where m.state = 'closed')::int
      from moved as m;
end
$$;

COMMENT ON FUNCTION sms.move_breakers(p_as_of timestamp with time zone) IS 'Open, try and close breakers as sms.judge_providers says.';

-- FUNCTION move_remapped(bigint[], text[], text[], timestamp with time zone)

CREATE FUNCTION sms.move_remapped(p_ids bigint[], p_states text[], p_errors text[], p_now timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    AS $$
begin
    insert into sms.receipt_remap (at, done_by, message_id, old_state, new_state)
    select p_now, session_user, o.id, o.state, g.state
      from unnest(p_ids, p_states) as g (id, state)
      join sms.outcome as o on o.id = g.id;
    update sms.outcome as o
       set state = g.state,
           reason = null,
           submitted_at = coalesce(o.submitted_at, p_now),
           final_at = case when g.state <> 'accepted' then coalesce(o.final_at, p_now) end,
           detail = case when g.state <> 'delivered' then g.error end
      from unnest(p_ids, p_states, p_errors) as g (id, state, error)
     where o.id = g.id;
    delete from sms.number_trouble as t
     where t.message_id in (select g.id from unnest(p_ids, p_states) as g (id, state)
                             where g.state not in ('undelivered', 'expired', 'rejected'));
    perform sms.note_troubles(p_ids, p_now);
    insert into sms.overdue (id, provider_id, next_poll_at)
    select o.id, o.provider_id, p_now
      from unnest(p_ids, p_states) as g (id, state)
      join sms.outcome as o on o.id = g.id
      join sms.provider_asking as a on a.provider_id = o.provider_id and a.collected_until is not null
     where g.state = 'accepted'
        on conflict (id) do nothing;
end
$$;

COMMENT ON FUNCTION sms.move_remapped(p_ids bigint[], p_states text[], p_errors text[], p_now timestamp with time zone) IS 'Move messages to what a corrected map makes of their receipts, and log each.';

-- FUNCTION my_channels()

CREATE FUNCTION sms.my_channels() RETURNS text[]
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ select array_agg(l.channel) from sms.login_channel as l where l.login = session_user $$;

COMMENT ON FUNCTION sms.my_channels() IS 'The channels this login is confined to; null: it sees all.';

-- FUNCTION my_event_types()

CREATE FUNCTION sms.my_event_types() RETURNS integer[]
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select case when sms.my_rules() is not null
                then array(select distinct r.event_type_id::int from sms.event_rule as r where r.rule_id = any (sms.my_rules())) end
$$;

COMMENT ON FUNCTION sms.my_event_types() IS 'The event types of the channels this login is confined to; null: it sees all.';

-- FUNCTION my_lanes()

CREATE FUNCTION sms.my_lanes() RETURNS smallint[]
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select case when sms.my_channels() is not null
                then array(select n.lane_id
                             from sms.channel as c
                             join sms.lane as n on n.channel_id = c.channel_id
                            where c.channel = any (sms.my_channels())) end
$$;

COMMENT ON FUNCTION sms.my_lanes() IS 'The lanes of the channels this login is confined to; null: it sees all.';

-- FUNCTION my_messages(bigint[])

CREATE FUNCTION sms.my_messages(p_ids bigint[]) RETURNS bigint[]
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'off'
    AS $$
declare
    _channels text[] := sms.my_channels();
begin
    if _channels is null then
        return p_ids;
    end if;
    return array(select o.id from sms.outbox as o where o.id = any (p_ids) and o.channel = any (_channels));
end
$$;

COMMENT ON FUNCTION sms.my_messages(p_ids bigint[]) IS 'Those of these messages that this login may see.';

-- FUNCTION my_rules()

CREATE FUNCTION sms.my_rules() RETURNS integer[]
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select case when sms.my_channels() is not null
                then array(select r.rule_id::int from sms.event_rule as r where r.channel = any (sms.my_channels())) end
$$;

COMMENT ON FUNCTION sms.my_rules() IS 'The event rules of the channels this login is confined to; null: it sees all.';

-- FUNCTION name_messages(bigint[], bigint[], timestamp with time zone)

CREATE FUNCTION sms.name_messages(p_claim_ids bigint[], p_ids bigint[], p_now timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    _early bigint[];
begin
    with named as materialized (
        select k.id, k.key, o.provider_id
          from sms.submitting as s
          cross join lateral unnest(s.ids, s.keys) as k (id, key)
          cross join lateral (select x.provider_id from sms.outcome as x where x.id = k.id offset 0) as o
         where s.claim_id = any (p_claim_ids) and s.keys is not null and k.key is not null and k.id = any (p_ids)
    ), referred as (
        insert into sms.provider_ref (id, provider_id, ref)
        select n.id, n.provider_id, n.key
          from named as n
          left join lateral (select true as is_known from sms.provider_ref as r
                              where r.provider_id = n.provider_id and r.ref = n.key and r.id = n.id
                              limit 1) as k on true
         where k.is_known is null
    ), doubted as (
        update sms.doubtful as d set ref = n.key from named as n where d.id = n.id
    )
    select array_agg(u.receipt_id) into _early
      from named as n
      cross join lateral (select x.receipt_id
                            from sms.unmatched_receipt as x
                           where x.provider_id = n.provider_id and x.provider_ref = n.key
                          offset 0) as u;
    if _early is not null then
        perform sms.apply_orphans(_early, p_now);
    end if;
end
$$;

COMMENT ON FUNCTION sms.name_messages(p_claim_ids bigint[], p_ids bigint[], p_now timestamp with time zone) IS 'Turn the names written with the mark into references, and apply receipts that came before.';

-- FUNCTION named_moment(timestamp with time zone)

CREATE FUNCTION sms.named_moment(p_as_of timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE STRICT
    AS $$
begin
    if not pg_has_role(sms.acting_role(),
                       (select n.nspowner from pg_catalog.pg_namespace as n where n.nspname = 'sms'), 'usage') then
        raise exception 'only the owner of the schema may say what the date is' using errcode = 'SM090',
            hint = 'Leave the moment out: it is now.';
    end if;
    return p_as_of;
end
$$;

COMMENT ON FUNCTION sms.named_moment(p_as_of timestamp with time zone) IS 'The moment a caller names instead of now; SM090 unless it is the owner of the schema.';

-- FUNCTION needs_release(sms.campaign, text)

CREATE FUNCTION sms.needs_release(p_campaign sms.campaign, p_run_channel text DEFAULT NULL::text) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    select p_campaign.needs_release
           or exists (select from sms.channel as c where c.channel in (p_campaign.channel, p_run_channel) and c.needs_release)
$$;

COMMENT ON FUNCTION sms.needs_release(p_campaign sms.campaign, p_run_channel text) IS 'Does this campaign, its channel or that of its run ask for a release?';

-- FUNCTION needs_ucs2(text)

CREATE FUNCTION sms.needs_ucs2(p_text text) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$
    select p_text ~ '[^@£$¥èéùìòÇ\n\x0cØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&''()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà^{}\\\[~\]|€]'
$_$;

COMMENT ON FUNCTION sms.needs_ucs2(p_text text) IS 'Does one character of the text lie outside the GSM alphabet?';

-- FUNCTION normalize_msisdn(text)

CREATE FUNCTION sms.normalize_msisdn(p_phone text) RETURNS bigint
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$
declare
    _digits text := translate(p_phone, ' -()', '');
begin
    -- 9 followed by nine equal digits is a placeholder: those ten numbers, and only they, leave 9 here.
    if _digits ~ '^(?:\+?7|8)?9[0-9]{9}$' and right(_digits, 10)::bigint % 111111111 <> 9 then
        return right(_digits, 10)::bigint + 70000000000;
    end if;
    return (sms.read_phone(p_phone)).msisdn;
end
$_$;

COMMENT ON FUNCTION sms.normalize_msisdn(p_phone text) IS 'A phone as typed to bigint 79161234567, or null when it is no Russian mobile number; sms.phone_problem says why.';

-- FUNCTION not_contacted(bigint, numeric, text)

CREATE FUNCTION sms.not_contacted(p_client_id bigint, p_days numeric, p_channel text DEFAULT NULL::text) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
begin
    return not exists (
        select from sms.contact_log as c
         where c.client_id = p_client_id
           and c.at >= now() - make_interval(secs => (p_days * 86400)::double precision)
           and (p_channel is null or c.channel_id = (select x.channel_id from sms.channel as x where x.channel = p_channel)));
end
$$;

COMMENT ON FUNCTION sms.not_contacted(p_client_id bigint, p_days numeric, p_channel text) IS 'Has no message gone out to this client within the last days?';

-- FUNCTION note_statistics()

CREATE FUNCTION sms.note_statistics() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    insert into sms.stat_dirty (hour_no) select distinct ((c.id >> 22) / 3600000)::int from changed_rows as c;
    return null;
end
$$;

COMMENT ON FUNCTION sms.note_statistics() IS 'Trigger on outcome: note which hours to count again.';

-- FUNCTION note_troubles(bigint[], timestamp with time zone)

CREATE FUNCTION sms.note_troubles(p_ids bigint[], p_now timestamp with time zone) RETURNS void
    LANGUAGE sql
    AS $$
    insert into sms.number_trouble (message_id, msisdn, at, provider_id, state, error)
    select o.id, o.msisdn, p_now, o.provider_id, o.state, o.detail
      from sms.outcome as o
     where o.id = any (p_ids) and o.state in ('undelivered', 'expired', 'rejected')
       and o.msisdn is not null and o.provider_id is not null
        on conflict (message_id) do nothing
$$;

COMMENT ON FUNCTION sms.note_troubles(p_ids bigint[], p_now timestamp with time zone) IS 'Remember failed messages by number.';

-- FUNCTION numbering_changes()

CREATE FUNCTION sms.numbering_changes(OUT numbers bigint, OUT added bigint, OUT removed bigint, OUT changed_operator bigint, OUT changed_zone bigint, OUT unchanged bigint) RETURNS record
    LANGUAGE sql STABLE
    AS $$
    with staged as materialized (
        select * from sms.staged_ranges()
    ), cut as (
        select r.lo as point from sms.number_range as r union select r.hi + 1 from sms.number_range as r
        union select s.lo from staged as s union select s.hi + 1 from staged as s
    ), piece as (
        select c.point, lead(c.point) over w - c.point as size, max(r.lo) over w as old_lo, max(s.lo) over w as new_lo
          from cut as c
          left join sms.number_range as r on r.lo = c.point
          left join staged as s on s.lo = c.point
        window w as (order by c.point)
    ), change as (
        select p.size, r.lo is not null as was, s.lo is not null as is_now,
               r.operator_id is distinct from s.operator_id or r.inn is distinct from s.inn as other_operator,
               r.zone_id is distinct from s.zone_id as other_zone
          from piece as p
          left join sms.number_range as r on r.lo = p.old_lo and r.hi >= p.point
          left join staged as s on s.lo = p.new_lo and s.hi >= p.point
    )
    select coalesce(sum(c.size) filter (where c.is_now), 0),
           coalesce(sum(c.size) filter (where c.is_now and not c.was), 0),
           coalesce(sum(c.size) filter (where c.was and not c.is_now), 0),
           coalesce(sum(c.size) filter (where c.was and c.is_now and c.other_operator), 0),
           coalesce(sum(c.size) filter (where c.was and c.is_now and c.other_zone), 0),
           coalesce(sum(c.size) filter (where c.was and c.is_now and not c.other_operator and not c.other_zone), 0)
      from change as c
$$;

COMMENT ON FUNCTION sms.numbering_changes(OUT numbers bigint, OUT added bigint, OUT removed bigint, OUT changed_operator bigint, OUT changed_zone bigint, OUT unchanged bigint) IS 'How many numbers the staged file adds, removes, gives another operator or zone, or leaves alone.';

-- FUNCTION obey_replies(bigint[])

CREATE FUNCTION sms.obey_replies(p_inbound_ids bigint[]) RETURNS integer
    LANGUAGE plpgsql
    AS $$
declare
    _stops int;
    _answer text := (select nullif(s.value, '') from sms.setting as s where s.setting = 'opt_out_answer');
begin
    delete from sms.blacklist as b
     using sms.inbound as i
     where i.inbound_id = any (p_inbound_ids) and i.action = 'start' and b.msisdn = i.msisdn and b.source = 'opt_out';

    insert into sms.blacklist (msisdn, category, reason, source, created_at, created_by)
    select distinct on (i.msisdn) i.msisdn, case i.action when 'stop_advertising' then 'advertising' end,
           'asked by message ' || i.inbound_id, 'opt_out', clock_timestamp(), 'inbound ' || i.inbound_id
      from sms.inbound as i
     where i.inbound_id = any (p_inbound_ids) and i.action like 'stop%'
       and not exists (select from sms.blacklist as b
                        where b.msisdn = i.msisdn and b.source = 'opt_out' and b.channel is null and b.expires_at is null
                          and (b.category is null or (i.action = 'stop_advertising' and b.category = 'advertising')))
     order by i.msisdn, i.action = 'stop_all' desc;

    update sms.consent as c
       set withdrawn_at = clock_timestamp(), withdrawn_by = 'inbound ' || i.inbound_id
      from sms.inbound as i
     where i.inbound_id = any (p_inbound_ids) and i.action like 'stop%' and c.msisdn = i.msisdn and c.withdrawn_at is null
       and (i.action = 'stop_all' or c.category = 'advertising');

    insert into sms.outbox (channel, phone, body, erp_ref)
    select 'reply', i.msisdn::text, _answer, 'inbound ' || i.inbound_id
      from sms.inbound as i
     where i.inbound_id = any (p_inbound_ids) and i.action like 'stop%' and _answer is not null;

    select count(*) into _stops from sms.inbound as i where i.inbound_id = any (p_inbound_ids) and i.action like 'stop%';
    return _stops;
end
$$;

COMMENT ON FUNCTION sms.obey_replies(p_inbound_ids bigint[]) IS 'Blacklist, withdraw consents and answer for opt-outs; lift opt-outs for those who come back.';

-- FUNCTION open_runs(bigint, text[], text)

CREATE FUNCTION sms.open_runs(p_campaign_id bigint, p_states text[], p_wish text) RETURNS SETOF sms.campaign_run
    LANGUAGE plpgsql
    AS $$
declare
    _campaign text;
    _last text;
begin
    select c.campaign into _campaign from sms.campaign as c where c.campaign_id = sms.known_campaign(p_campaign_id);
    return query
    select r.* from sms.campaign_run as r
     where r.campaign_id = p_campaign_id and r.state = any (p_states)
     order by r.run_id
       for no key update;
    if not found then
        select r.state into _last from sms.campaign_run as r where r.campaign_id = p_campaign_id order by r.run_id desc limit 1;
        raise exception 'campaign "%" cannot be %: %', _campaign, p_wish,
              coalesce('its last run is ' || _last, 'it was never launched')
            using errcode = 'SM043';
    end if;
end
$$;

COMMENT ON FUNCTION sms.open_runs(p_campaign_id bigint, p_states text[], p_wish text) IS 'Lock the runs of a campaign in these states; error SM043 when there is none.';

-- FUNCTION open_walls()

CREATE FUNCTION sms.open_walls() RETURNS TABLE(wall text, remedy text)
    LANGUAGE sql STABLE
    AS $$
    select 'temporary objects', format('revoke temporary on database %I from public', current_database())
      from pg_catalog.pg_database as d
     where d.datname = current_database()
       and exists (select from aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) as a
                    where a.grantee = 0 and a.privilege_type = 'TEMPORARY')
     union all
    (select 'advisory locks and large objects',
            'revoke execute on function ' || string_agg(f.function::text, ', ') || ' from public; grant execute on function '
            || string_agg(f.function::text, ', ') || ' to ' || (select n.nspowner::regrole from pg_catalog.pg_namespace as n where n.nspname = 'sms')
       from sms.public_functions() as f having count(*) > 0)
$$;

COMMENT ON FUNCTION sms.open_walls() IS 'What everybody may do in this database although nobody should, and the statement by which a DBA ends it.';

-- FUNCTION outcome_status(timestamp with time zone)

CREATE FUNCTION sms.outcome_status(p_since timestamp with time zone) RETURNS TABLE(state text, messages bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select o.state, count(*) from sms.outcome as o where o.decided_at >= p_since group by o.state order by o.state
$$;

COMMENT ON FUNCTION sms.outcome_status(p_since timestamp with time zone) IS 'Messages that left the queue since a moment, by state.';

-- FUNCTION own_launch(bigint)

CREATE FUNCTION sms.own_launch(p_run_id bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE
    AS $$
begin
    if not exists (select from sms.campaign_run as r
                    where r.run_id = p_run_id and r.created_by = session_user and r.frozen_at is null) then
        raise exception 'run % is no launch of yours that is still going on', coalesce(p_run_id::text, 'null')
            using errcode = 'SM043', hint = 'Stop a campaign with sms.stop_campaign.';
    end if;
    return p_run_id;
end
$$;

COMMENT ON FUNCTION sms.own_launch(p_run_id bigint) IS 'This run, where the caller launched it and its people are not collected yet; else error SM043.';

-- FUNCTION partition_months(text)

CREATE FUNCTION sms.partition_months(p_table text) RETURNS TABLE(month timestamp with time zone, partition regclass)
    LANGUAGE sql STABLE
    SET "TimeZone" TO 'UTC'
    AS $_$
    select to_timestamp(substring(c.relname from '_y(\d{4}m\d{2})$'), 'YYYY"m"MM')::timestamp at time zone 'UTC', c.oid::regclass
      from pg_catalog.pg_inherits as i
      join pg_catalog.pg_class as c on c.oid = i.inhrelid
     where i.inhparent = ('sms.' || p_table)::regclass
$_$;

COMMENT ON FUNCTION sms.partition_months(p_table text) IS 'Months that a partitioned table covers.';

-- FUNCTION pause_campaign(bigint)

CREATE FUNCTION sms.pause_campaign(p_campaign_id bigint) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _held int;
begin
    update sms.campaign_run as r
       set awaits_release = false
     where r.campaign_id = p_campaign_id and r.state = 'paused' and r.awaits_release;
    if not found then
        perform from sms.open_runs(p_campaign_id, array['planned', 'freezing', 'running'], 'paused');
    end if;
    update sms.campaign_run as r
       set state = 'paused'
     where r.campaign_id = p_campaign_id and r.state in ('planned', 'freezing', 'running');
    _held := sms.hold_queued(p_campaign_id);
    perform sms.log_activity('paused', 'campaign', (select c.campaign from sms.campaign as c where c.campaign_id = p_campaign_id),
                             jsonb_build_object('held', _held));
    return _held;
end
$$;

COMMENT ON FUNCTION sms.pause_campaign(p_campaign_id bigint) IS 'Pause a campaign: feed nothing more, hold what is queued; how many messages are held.';

-- FUNCTION pause_campaign(text)

CREATE FUNCTION sms.pause_campaign(p_campaign text) RETURNS integer
    LANGUAGE sql
    AS $$ select sms.pause_campaign(sms.find_campaign(p_campaign)) $$;

COMMENT ON FUNCTION sms.pause_campaign(p_campaign text) IS 'Pause a campaign: feed nothing more, hold what is queued; how many messages are held.';

-- FUNCTION period_start(text, interval, text[], timestamp with time zone)

CREATE FUNCTION sms.period_start(p_period text, p_span interval, p_zones text[], p_as_of timestamp with time zone) RETURNS TABLE(since timestamp with time zone)
    LANGUAGE sql STABLE
    AS $$
    select coalesce(
        case when p_period = 'rolling' then p_as_of - p_span
             else (select min(date_trunc(p_period, p_as_of at time zone z) at time zone z) from unnest(p_zones) as z) end,
        '-infinity')
$$;

COMMENT ON FUNCTION sms.period_start(p_period text, p_span interval, p_zones text[], p_as_of timestamp with time zone) IS 'Start of the day, ISO week, month or rolling span that a cap counts over.';

-- FUNCTION phone_problem(text)

CREATE FUNCTION sms.phone_problem(p_phone text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ select (sms.read_phone(p_phone)).problem $$;

COMMENT ON FUNCTION sms.phone_problem(p_phone text) IS 'Why a phone cannot be sent to: invalid_number, not_mobile, foreign_number, several_numbers; null when it can.';

-- FUNCTION plan_run(bigint, timestamp with time zone, integer)

CREATE FUNCTION sms.plan_run(p_run_id bigint, p_moment timestamp with time zone, p_skipped integer DEFAULT 0) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _campaign sms.campaign;
begin
    select c.* into _campaign
      from sms.campaign_run as r
      join sms.campaign as c on c.campaign_id = r.campaign_id
     where r.run_id = p_run_id and r.state = 'planned' and coalesce(r.begins_at, '-infinity') <= clock_timestamp()
       for no key update of r;
    if not found then
        return;
    end if;
    if p_skipped > 0 then
        perform sms.log_activity('skipped', 'campaign', _campaign.campaign, jsonb_build_object('missed', p_skipped, 'next', p_moment));
    end if;
    if p_moment is null or p_moment >= _campaign.ends_at then
        perform sms.end_run(p_run_id, 'stopped', null, 'no further moment before the campaign''s ends_at');
        return;
    end if;
    update sms.campaign_run as r set begins_at = p_moment where r.run_id = p_run_id;
end
$$;

COMMENT ON FUNCTION sms.plan_run(p_run_id bigint, p_moment timestamp with time zone, p_skipped integer) IS 'Chore. Give a planned run its moment, or drop it where none is left.';

-- FUNCTION point_lanes(timestamp with time zone, smallint[])

CREATE FUNCTION sms.point_lanes(p_as_of timestamp with time zone, p_at_once smallint[] DEFAULT '{}'::smallint[]) RETURNS integer
    LANGUAGE plpgsql
    AS $$
declare
    _moves jsonb;
    _moved int;
begin
    with choice as (
        select c.*, c.chosen is distinct from c.serving as is_move,
               row_number() over (partition by c.chosen, c.is_forced, c.chosen is distinct from c.serving
                                  order by c.priority desc, c.lane_id) as turn
          from sms.choose_providers(p_as_of) as c
    ), allowed as (
        select c.*, c.is_move and (c.is_forced or c.lane_id = any (p_at_once)
                                   or (c.turn <= k.ramp_lanes and coalesce(b.returned_at + k.ramp_every <= p_as_of, true)
                                       and w.error_share <= k.recover_share)) as moves
          from choice as c
          join sms.breaker as b on b.provider_id = c.chosen
          join sms.breaker_policy as k on k.provider_id = c.chosen
          join sms.provider_window(p_as_of) as w on w.provider_id = c.chosen
    )
    select jsonb_object_agg(a.lane_id, jsonb_build_object(
               'to', case when a.moves then a.chosen else a.serving end, 'is_held', a.is_held, 'probed_by', a.probed_by,
               'is_return', a.moves and not a.is_forced, 'cause', a.cause, 'detail', a.detail,
               'is_automatic', a.lane_id <> all (p_at_once)) order by a.priority, a.lane_id)
      into _moves
      from allowed as a
      join sms.lane as l on l.lane_id = a.lane_id
     where a.moves or l.is_held is distinct from a.is_held or l.probed_by is distinct from a.probed_by;
    if exists (select from sms.lane as l where l.is_held or l.probed_by is not null) then
        update sms.lane as l  -- the route of these lanes went away, or they were pinned
           set is_held = false, probed_by = null
         where (l.is_held or l.probed_by is not null)
           and not exists (select from sms.lane_candidates(p_as_of) as c where c.lane_id = l.lane_id);
    end if;
    if _moves is null then  -- an update of nothing would still tell the workers
        return 0;
    end if;
    with done as (
        update sms.lane as l
           set provider_id = m.to, is_held = m.is_held, probed_by = m.probed_by,
               moved = jsonb_build_object('cause', m.cause, 'detail', m.detail, 'is_automatic', m.is_automatic, 'at', clock_timestamp())
          from jsonb_each(_moves) as e (key, value)
          cross join lateral jsonb_to_record(e.value) as m ("to" smallint, is_held boolean, probed_by smallint, cause text,
                                                         detail text, is_automatic boolean)
         where l.lane_id = e.key::smallint
     returning l.lane_id
    )
    select count(*) into _moved from done;
    update sms.breaker as b
       set returned_at = p_as_of
     where b.provider_id in (select (e.value ->> 'to')::smallint from jsonb_each(_moves) as e where (e.value ->> 'is_return')::boolean);
    perform sms.hurry_urgent(array(select e.key::smallint from jsonb_each(_moves) as e where not (e.value ->> 'is_held')::boolean), p_as_of);
    return _moved;
end
$$;

COMMENT ON FUNCTION sms.point_lanes(p_as_of timestamp with time zone, p_at_once smallint[]) IS 'Point routed lanes at who should serve them; away at once, back gradually.';

-- FUNCTION possible_zones(text, text, bigint)

CREATE FUNCTION sms.possible_zones(p_channel text, p_phone text, p_client_id bigint) RETURNS text[]
    LANGUAGE plpgsql STABLE
    AS $$
begin
    return (select z.members
              from sms.interpret_request(p_channel, p_phone, 'x', null, null, null, null, null, null, null, p_client_id, now()) as q
              join sms.time_zone as z on z.zone_id = q.zone_id);
end
$$;

COMMENT ON FUNCTION sms.possible_zones(p_channel text, p_phone text, p_client_id bigint) IS 'The zones a recipient may be in: by client, place, number or channel.';

-- FUNCTION preview_audience(text, integer, text, text, boolean)

CREATE FUNCTION sms.preview_audience(p_audience text, p_limit integer DEFAULT 10, p_template text DEFAULT NULL::text, p_channel text DEFAULT 'planned'::text, p_show_phones boolean DEFAULT false) RETURNS TABLE(topic text, key text, people bigint, segments bigint, detail jsonb)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET standard_conforming_strings TO 'on'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
declare
    _now timestamptz := clock_timestamp();
begin
    perform sms.refuse_unknown_names(array[p_channel], case when p_template is null then '{}' else array[p_template] end);
    if p_show_phones and not (pg_has_role(sms.acting_role(), 'sms_erp', 'usage')
                              or pg_has_role(sms.acting_role(), 'sms_operator', 'usage')) then
        raise exception 'phones are shown to sms_erp and sms_operator only' using errcode = 'insufficient_privilege';
    end if;
    return query
    with person as materialized (
        select row_number() over () as n, r.client_id, r.phone, r.time_zone, r.vars from sms.run_audience(p_audience) as r
    ), told as materialized (
        select p.n, f.msisdn, f.reason, f.lane_id, f.zone_id,
               case when f.reason is not null then 0 when p_template is null then 1
                    else sms.segments(sms.sent_text(f.channel_id, sms.render(v.body, p.vars))) end as segments
          from person as p
          cross join lateral sms.interpret_request(
                   p_channel, p.phone, case when p_template is null then '-' end, p_template, p.vars, null, null, null, null,
                   p.time_zone, p.client_id, _now) as f
          left join sms.template_version as v on v.template_version_id = f.template_version_id
    ), box as (
        select count(*) as located, public.st_extent(l.location::public.geometry)::public.box3d as box
          from (select distinct p.client_id from person as p) as p
          join geo.client_location as l on l.client_id = p.client_id
    )
    select f.topic, f.key, f.people, f.segments, f.detail
      from (select 1 as part, 0::bigint as n, 'total' as topic, null as key, count(*) as people,
                   coalesce(sum(t.segments), 0)::bigint as segments,
                   jsonb_build_object('numbers', count(distinct t.msisdn),
                                      'clients', (select count(distinct p.client_id) from person as p)) as detail
              from told as t
            union all
            select 2, min(r.rank), 'unusable', t.reason, count(*), 0::bigint, jsonb_build_object('meaning', min(r.meaning))
              from told as t
              join sms.reason as r on r.reason = t.reason
             group by t.reason
            union all
            select 3, 0, 'extent', null, b.located, null,
                   jsonb_build_object('south', public.st_ymin(b.box), 'west', public.st_xmin(b.box),
                                      'north', public.st_ymax(b.box), 'east', public.st_xmax(b.box))
              from box as b where b.located > 0
            union all
            select 4, -count(*), 'segments', o.operator || ', ' || z.name, count(*), sum(t.segments)::bigint,
                   jsonb_build_object('operator', o.operator, 'zone', z.name)
              from told as t
              join sms.lane as l on l.lane_id = t.lane_id
              join sms.operator as o on o.operator_id = l.operator_id
              join sms.time_zone as z on z.zone_id = t.zone_id
             where t.reason is null
             group by o.operator, z.name
            union all
            select 5, p.n, 'sample', coalesce(p.client_id::text, ''), 1, t.segments,
                   jsonb_build_object(
                       'client_id', p.client_id::text,
                       'phone', case when p_show_phones then p.phone
                                     when t.msisdn is null then '***'
                                     else sms.mask_phones(t.msisdn::text) end,
                       'time_zone', p.time_zone, 'vars', p.vars, 'unusable', t.reason)
              from person as p
              join told as t on t.n = p.n
             where p.n <= greatest(p_limit, 0)) as f
     order by f.part, f.n, f.key;
end
$$;

COMMENT ON FUNCTION sms.preview_audience(p_audience text, p_limit integer, p_template text, p_channel text, p_show_phones boolean) IS 'What an audience looks like now: count, unusable, map extent, segments by operator and zone, a sample. Phones masked.';

-- FUNCTION preview_body(text, jsonb, jsonb, text, timestamp with time zone)

CREATE FUNCTION sms.preview_body(p_body text, p_variables jsonb DEFAULT NULL::jsonb, p_vars jsonb DEFAULT NULL::jsonb, p_channel text DEFAULT 'planned'::text, p_as_of timestamp with time zone DEFAULT now()) RETURNS TABLE(topic text, key text, text text, units integer, segments integer, cost numeric)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _samples jsonb;
    _text text;
    _problem text;
begin
    perform sms.refuse_unfit_template(p_body, p_variables);
    -- Values win over samples, a null too: it shows what happens where the value is missing. Where no values are given at
    -- all, a variable without a sample shows its name.
    select coalesce(jsonb_object_agg(v.name, coalesce(v.sample, v.default_value, v.name)) filter (where v.is_used), '{}')
      into _samples
      from sms.template_variables(p_body, p_variables) as v
     where p_vars is null or v.sample is not null or v.default_value is not null;
    _samples := _samples || coalesce(p_vars, '{}');
    _text := sms.render(p_body, _samples);
    return query
    select 'variable', v.name,
           case when not v.is_used then '(not in the text)' else coalesce(_samples ->> v.name, '(missing)') end,
           null::int, null::int, null::numeric
      from sms.template_variables(p_body, p_variables) as v;
    _problem := case when _text is null then 'missing_variable' when _text = '' then 'empty_text'
                     when char_length(_text) > 1000 then 'text_too_long' end;
    if _problem is not null then
        return query select 'problem', _problem, r.meaning, char_length(_text), null::int, null::numeric
                       from sms.reason as r where r.reason = _problem;
    end if;
    if _text <> '' then
        return query select p.* from sms.preview_text(_text, p_channel, p_as_of) as p;
    end if;
end
$$;

COMMENT ON FUNCTION sms.preview_body(p_body text, p_variables jsonb, p_vars jsonb, p_channel text, p_as_of timestamp with time zone) IS 'What sms.preview_template shows, of a body that need not be saved.';

-- FUNCTION preview_template(text, jsonb, text, timestamp with time zone)

CREATE FUNCTION sms.preview_template(p_template text, p_vars jsonb DEFAULT NULL::jsonb, p_channel text DEFAULT 'planned'::text, p_as_of timestamp with time zone DEFAULT now()) RETURNS TABLE(topic text, key text, text text, units integer, segments integer, cost numeric)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _version sms.template_version;
begin
    perform sms.refuse_unknown_names(array[p_channel], array[coalesce(p_template, '')]);
    select v.* into _version
      from sms.check_template(p_template, null) as c
      join sms.template_version as v on v.template_version_id = c.template_version_id;
    return query select p.* from sms.preview_body(_version.body, _version.variables, p_vars, p_channel, p_as_of) as p;
end
$$;

COMMENT ON FUNCTION sms.preview_template(p_template text, p_vars jsonb, p_channel text, p_as_of timestamp with time zone) IS 'A template filled in with values or samples: text, encoding, segments, price, what forces UCS-2, cheaper spellings.';

-- FUNCTION preview_text(text, text, timestamp with time zone)

CREATE FUNCTION sms.preview_text(p_body text, p_channel text DEFAULT 'planned'::text, p_as_of timestamp with time zone DEFAULT now()) RETURNS TABLE(topic text, key text, text text, units integer, segments integer, cost numeric)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _ucs2 boolean;
    _segments int;
    _length int;
    _n int := 1;
    _written text := p_body;
begin
    perform sms.refuse_unknown_names(array[p_channel], '{}');
    p_body := sms.sent_text((select c.channel_id from sms.channel as c where c.channel = p_channel), p_body);
    _ucs2 := sms.needs_ucs2(p_body);
    _segments := sms.segments(p_body);
    _length := char_length(p_body);
    return query select 'text', null::text, p_body, _length, _segments, null::numeric;
    if p_body <> _written then
        return query
        select 'link', x.n::text, x.m[1], char_length(x.m[1]), null::int, null::numeric
          from regexp_matches(_written, '(' || sms.link_pattern() || ')', 'gi') with ordinality as x (m, n);
    end if;
    return query select 'encoding', case when _ucs2 then 'ucs2' else 'gsm7' end,
                        case when _ucs2 then '70 in one segment, 67 in each of several' else '160 in one segment, 153 in each of several' end,
                        _length + length(regexp_replace(p_body, case when _ucs2 then '[^\U00010000-\U0010FFFF]' else '[^\x0c^{}\\\[~\]|€]' end, '', 'g')),
                        _segments, null::numeric;
    if _ucs2 then
        return query
        select 'forces_ucs2', case when c.is_cyrillic then 'Cyrillic' else c.character end,
               case when c.is_cyrillic
                    then (select string_agg(distinct m[1], ' ')
                            from (select m from regexp_matches(p_body, '([A-Za-z]*[А-Яа-яЁё][A-Za-zА-Яа-яЁё]*)', 'g') as m limit 8) as w)
                    else coalesce(min(s.title), 'U+' || regexp_replace(upper(lpad(to_hex(ascii(c.character)), 8, '0')), '^0{1,4}', '')) end,
               count(*)::int, null::int, null::numeric
          from (select k as character, k ~ '[А-Яа-яЁё]' as is_cyrillic
                  from regexp_split_to_table(p_body, '') as k where sms.needs_ucs2(k)) as x
          cross join lateral (select case when not x.is_cyrillic then x.character end as character, x.is_cyrillic) as c
          left join sms.spelling as s on s.character = c.character and s.title <> ''
         group by c.character, c.is_cyrillic
         order by count(*) desc, 2;
    else
        return query
        select 'double', k, 'takes two units', count(*)::int, null::int, null::numeric
          from regexp_split_to_table(p_body, '') as k
         where k ~ '[\x0c^{}\\\[~\]|€]' group by k order by k;
    end if;

    while _n < 160 and sms.segments(p_body || repeat('a', _n)) = _segments loop
        _n := _n + 1;
    end loop;
    return query select 'room', null::text, 'more units fit into the last segment', _n - 1, _segments, null::numeric;
    if _segments > 1 then
        _n := 1;
        while sms.segments(left(p_body, -_n)) = _segments loop
            _n := _n + 1;
        end loop;
        return query select 'over', null::text, right(p_body, _n), _n, _segments - 1, null::numeric;
    end if;

    return query
    select 'price', o.operator, coalesce(v.provider, '(parked)'), null::int, _segments,
           _segments * sms.segment_price(l.provider_id, l.operator_id, c.category, p_as_of)
      from sms.channel as c
      join sms.lane as l on l.channel_id = c.channel_id
      join sms.operator as o on o.operator_id = l.operator_id
      left join sms.provider as v on v.provider_id = l.provider_id
     where c.channel = p_channel
     order by o.operator;
    return query
    select f.topic, s.how, f.text, f.units, s.segments, null::numeric
      from sms.cheaper_spellings(p_body) with ordinality as s (how, body, segments, changes, n)
      cross join lateral (values ('cheaper', s.body, _segments - s.segments, 1), ('changes', s.changes, null, 2)) as f (topic, text, units, n)
     order by s.n, f.n;
end
$$;

COMMENT ON FUNCTION sms.preview_text(p_body text, p_channel text, p_as_of timestamp with time zone) IS 'What a text costs and why: encoding, segments, what forces UCS-2 or the next segment, price, cheaper spellings.';

-- FUNCTION price_doubted(bigint[], timestamp with time zone)

CREATE FUNCTION sms.price_doubted(p_ids bigint[], p_now timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
begin
    with doubted as materialized (
        select x.*
          from unnest(p_ids) as u (id)
         cross join lateral (select o.id, o.lane_id, o.provider_id, o.campaign_id, o.template_version_id, o.submitted_at
                               from sms.outcome as o where o.id = u.id offset 0) as x
    ), terms as materialized (
        select t.lane_id, t.provider_id, l.channel_id, sms.segment_price(t.provider_id, l.operator_id, c.category, p_now) as price
          from (select distinct d.lane_id, d.provider_id from doubted as d) as t
          join sms.lane as l on l.lane_id = t.lane_id
          join sms.channel as c on c.channel_id = l.channel_id
    ), text as materialized (
        select d.id, sms.segments(sms.sent_text(
                   t.channel_id, case when v.body is null then r.body else sms.render(v.body, r.vars) end))::smallint as segments
          from doubted as d
         cross join lateral (select q.body, q.vars from sms.outbox as q where q.id = d.id offset 0) as r
          left join terms as t on t.lane_id = d.lane_id and t.provider_id = d.provider_id
          left join sms.template_version as v on v.template_version_id = d.template_version_id
    ), priced as (
        update sms.outcome as o
           set segments = x.segments, cost = x.segments * t.price
          from doubted as d
          join text as x on x.id = d.id
          join terms as t on t.lane_id = d.lane_id and t.provider_id = d.provider_id
         where o.id = d.id
     returning o.submitted_at, t.channel_id, o.campaign_id, o.cost
    )
    insert into sms.spend (day, channel_id, campaign_id, amount)
    select (p.submitted_at at time zone sms.statistics_zone())::date, p.channel_id, p.campaign_id, sum(p.cost)
      from priced as p
     where p.cost > 0
     group by 1, 2, 3;
end
$$;

COMMENT ON FUNCTION sms.price_doubted(p_ids bigint[], p_now timestamp with time zone) IS 'Give messages whose worker vanished their expected cost.';

-- FUNCTION price_list()

CREATE FUNCTION sms.price_list() RETURNS TABLE(provider text, operator text, category text, from_segments bigint, price numeric, since date, until date)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select p.provider, o.operator, t.category, t.from_segments, k.price,
           case when t.valid_from > '-infinity' then (t.valid_from at time zone sms.statistics_zone())::date end,
           case when t.valid_until < 'infinity' then (t.valid_until at time zone sms.statistics_zone())::date end
      from sms.tariff as t
      join sms.provider as p using (provider_id)
      left join sms.operator as o using (operator_id)
     cross join lateral sms.in_currency(t.price, t.currency, now()) as k (price)
     where p.is_enabled and k.price is not null
     order by p.provider, o.operator, t.category, t.from_segments, t.valid_from
$$;

COMMENT ON FUNCTION sms.price_list() IS 'Tariffs of enabled providers in the own currency.';

-- FUNCTION price_recipients(sms.campaign_run, smallint, bigint, integer, timestamp with time zone)

CREATE FUNCTION sms.price_recipients(p_run sms.campaign_run, p_zone_id smallint, p_fed_up_to bigint, p_count integer, p_now timestamp with time zone) RETURNS TABLE(recipient_id bigint, cost numeric, is_unpriced boolean)
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'off'
    AS $$
#variable_conflict use_column
begin
    return query
    with waits as materialized (
        select x.* from sms.run_recipient as x
         where x.run_id = p_run.run_id and x.zone_id = p_zone_id and x.recipient_id > p_fed_up_to
         order by x.recipient_id
         limit p_count
    ), request as materialized (
        select w.recipient_id, f.lane_id, f.reason, sms.segments(sms.sent_text(f.channel_id, sms.render(v.body, w.vars))) as segments
          from waits as w
          cross join lateral sms.interpret_request(
                   p_run.channel, w.phone, null, p_run.template, w.vars, null, null, null, null, w.time_zone, w.client_id, p_now) as f
          left join sms.template_version as v on v.template_version_id = f.template_version_id
    ), price as materialized (
        select l.lane_id, sms.segment_price(l.provider_id, l.operator_id, c.category, p_now) as price
          from (select distinct q.lane_id from request as q) as k
          join sms.lane as l on l.lane_id = k.lane_id
          join sms.channel as c on c.channel_id = l.channel_id
    )
    select q.recipient_id, case when q.reason is null then coalesce(q.segments * p.price, 0) else 0 end,
           q.reason is null and p.price is null
      from request as q
      left join price as p on p.lane_id = q.lane_id;
end
$$;

COMMENT ON FUNCTION sms.price_recipients(p_run sms.campaign_run, p_zone_id smallint, p_fed_up_to bigint, p_count integer, p_now timestamp with time zone) IS 'What messages to the next recipients of a run are expected to cost.';

-- FUNCTION provider_named(text)

CREATE FUNCTION sms.provider_named(p_provider text) RETURNS smallint
    LANGUAGE plpgsql STABLE
    AS $$
declare
    _provider_id smallint;
begin
    select p.provider_id into _provider_id from sms.provider as p where p.provider = p_provider;
    if not found then
        raise exception 'unknown provider "%"', p_provider
            using errcode = 'SM006',
                  hint = 'Providers: ' || coalesce((select string_agg(p.provider, ', ' order by p.provider)
                                                      from sms.provider as p), 'none yet') || '.';
    end if;
    return _provider_id;
end
$$;

COMMENT ON FUNCTION sms.provider_named(p_provider text) IS 'The key of a provider; an unknown name is an error that lists the known.';

-- FUNCTION provider_window(timestamp with time zone, boolean)

CREATE FUNCTION sms.provider_window(p_as_of timestamp with time zone, p_every_epoch boolean DEFAULT false) RETURNS TABLE(provider_id smallint, workers integer, ill_votes integer, well_votes integer, sent bigint, accepted bigint, rejected bigint, failed bigint, throttled bigint, unanswered bigint, slow bigint, troubles bigint, outstanding bigint, overdue bigint, bad bigint, judged bigint, error_share numeric, silence interval, failing bigint, failing_for interval, is_silent boolean, is_refusing boolean, throttled_share numeric, throttled_for interval, times bigint[], max_ms integer)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
begin
    return query
    with terms as (
        select b.provider_id, b.epoch, k.watch_window, k.error_share, k.slow_answer, k.refuse_for, k.throttle_for
          from sms.breaker as b
          join sms.breaker_policy as k on k.provider_id = b.provider_id
    ), recent as materialized (
        select t.*, k.error_share, k.slow_answer, k.refuse_for, k.throttle_for, t.bucket_at > p_as_of - k.watch_window as is_in_window
          from terms as k
          join sms.provider_tally as t on t.provider_id = k.provider_id and (t.epoch = k.epoch or p_every_epoch)
         where t.bucket_at > p_as_of - greatest(k.watch_window, k.throttle_for + interval '2 seconds') and t.bucket_at <= p_as_of
    ), gauge as (
        select distinct on (r.provider_id, r.worker) r.*
          from recent as r
         where r.reported_at > p_as_of - interval '5 seconds'
         order by r.provider_id, r.worker, r.epoch desc, r.bucket_at desc
    ), met as (
        select r.provider_id, r.worker, sum(r.accepted) as accepted, sum(r.rejected) as rejected, sum(r.failed) as failed,
               sum(r.throttled) as throttled, sum(r.unanswered) as unanswered, sum(r.slow) as slow, sum(r.troubles) as troubles,
               max(r.max_ms) as max_ms
          from recent as r
         where r.is_in_window
         group by r.provider_id, r.worker
    ), worker as materialized (
        select m.*, coalesce(g.outstanding, 0) as outstanding, coalesce(g.overdue, 0) as overdue,
               coalesce(g.silence, '0') as silence, coalesce(g.failing, 0) as failing, coalesce(g.failing_for, '0') as failing_for,
               m.failed + m.unanswered + m.slow + m.troubles + coalesce(g.overdue, 0) as bad,
               m.accepted + m.rejected + m.failed + m.unanswered + m.troubles + coalesce(g.overdue, 0) as judged,
               coalesce(g.outstanding > 0 and g.silence >= g.slow_answer, false) as is_silent,
               coalesce(g.failing >= 3 and g.failing_for >= g.refuse_for or g.failing >= 2 and g.failing_for >= g.slow_answer,
                        false) as is_refusing
          from met as m
          left join gauge as g on g.provider_id = m.provider_id and g.worker = m.worker
    ), heard as (
        select w.*, w.accepted + w.rejected + w.failed + w.throttled + w.unanswered + w.outstanding > 0 as has_traffic,
               max(w.accepted) over (partition by w.provider_id) > 0 as serves_somebody
          from worker as w
    ), vote as (
        select w.*, w.is_silent or w.is_refusing or (w.bad > 0 and w.bad >= w.judged * k.error_share) as is_ill
          from heard as w
          join terms as k on k.provider_id = w.provider_id
         where w.has_traffic or (w.judged > 0 or w.is_refusing) and not w.serves_somebody
    ), total as (
        select v.provider_id, count(*)::int as workers, count(*) filter (where v.is_ill)::int as ill,
               sum(v.accepted)::bigint as accepted, sum(v.rejected)::bigint as rejected, sum(v.failed)::bigint as failed,
               sum(v.throttled)::bigint as throttled, sum(v.unanswered)::bigint as unanswered, sum(v.slow)::bigint as slow,
               sum(v.troubles)::bigint as troubles, sum(v.outstanding)::bigint as outstanding, sum(v.overdue)::bigint as overdue,
               sum(v.bad)::bigint as bad, sum(v.judged)::bigint as judged, max(v.silence) as silence,
               sum(v.failing)::bigint as failing, max(v.failing_for) as failing_for, bool_or(v.is_silent) as is_silent,
               bool_or(v.is_refusing) as is_refusing, max(v.max_ms) as max_ms
          from vote as v
         group by v.provider_id
    ), throttling as (
        select r.provider_id,
               sum(r.throttled)::numeric
                   / nullif(sum(r.accepted + r.rejected + r.failed + r.throttled + r.unanswered), 0) as share,
               p_as_of - min(r.bucket_at) filter (where r.throttled > 0) as lasting
          from recent as r
         where r.bucket_at > p_as_of - r.throttle_for - interval '2 seconds'
         group by r.provider_id
    ), answer as (
        select x.provider_id, array_agg(x.count order by x.n) as times
          from (select r.provider_id, t.n, sum(t.count)::bigint as count
                  from recent as r
                  cross join lateral unnest(r.times) with ordinality as t (count, n)
                 where r.is_in_window
                 group by r.provider_id, t.n) as x
         group by x.provider_id
    )
    select k.provider_id, coalesce(t.workers, 0), coalesce(t.ill, 0), coalesce(t.workers - t.ill, 0),
           coalesce(t.accepted + t.rejected + t.failed + t.throttled + t.unanswered, 0), coalesce(t.accepted, 0), coalesce(t.rejected, 0),
           coalesce(t.failed, 0), coalesce(t.throttled, 0), coalesce(t.unanswered, 0), coalesce(t.slow, 0), coalesce(t.troubles, 0),
           coalesce(t.outstanding, 0), coalesce(t.overdue, 0), coalesce(t.bad, 0), coalesce(t.judged, 0),
           coalesce(round(t.bad::numeric / nullif(greatest(t.judged, t.bad), 0), 3), 0), coalesce(t.silence, '0'), coalesce(t.failing, 0),
           coalesce(t.failing_for, '0'), coalesce(t.is_silent, false), coalesce(t.is_refusing, false),
           coalesce(round(h.share, 3), 0), coalesce(h.lasting, '0'), coalesce(a.times, '{}'), coalesce(t.max_ms, 0)
      from terms as k
      left join total as t on t.provider_id = k.provider_id
      left join throttling as h on h.provider_id = k.provider_id
      left join answer as a on a.provider_id = k.provider_id;
end
$$;

COMMENT ON FUNCTION sms.provider_window(p_as_of timestamp with time zone, p_every_epoch boolean) IS 'What the workers met at each provider of late: counts, gauges, votes.';

-- FUNCTION prune_history(timestamp with time zone, integer)

CREATE FUNCTION sms.prune_history(p_as_of timestamp with time zone, p_limit integer DEFAULT 20000) RETURNS integer
    LANGUAGE plpgsql
    AS $$
declare
    _deleted int := 0;
    _count int;
begin
    delete from sms.activity as a
     where a.activity_id in (select x.activity_id from sms.activity as x
                              where x.activity_id < sms.id_at(p_as_of - sms.retention('activity')) order by x.activity_id limit p_limit);
    get diagnostics _count = row_count;
    _deleted := _deleted + _count;
    delete from sms.inbound as i
     where i.inbound_id in (select x.inbound_id from sms.inbound as x
                             where x.inbound_id < sms.id_at(p_as_of - sms.retention('inbound')) order by x.inbound_id limit p_limit);
    get diagnostics _count = row_count;
    _deleted := _deleted + _count;
    delete from sms.number_trouble as t
     where t.message_id in (select x.message_id from sms.number_trouble as x
                             where x.message_id < sms.id_at(p_as_of - sms.retention('number_trouble')) order by x.message_id limit p_limit);
    get diagnostics _count = row_count;
    _deleted := _deleted + _count;
    delete from sms.rule_change as c
     where c.change_id in (select x.change_id
                             from sms.rule_change as x
                            where x.change_id < sms.id_at(p_as_of - sms.retention('rule_change'))
                              and exists (select from sms.rule_change as n
                                           where n.rule_table = x.rule_table and n.rule_key = x.rule_key and n.change_id > x.change_id
                                             and n.change_id < sms.id_at(p_as_of - sms.retention('rule_change')))
                            order by x.change_id
                            limit p_limit);
    get diagnostics _count = row_count;
    _deleted := _deleted + _count;
    delete from sms.run_message as m   -- a campaign may have a million, so more of these at a time
     where m.ctid = any (array(select x.ctid
                                 from sms.campaign_run as r
                                 join sms.run_message as x on x.run_id = r.run_id
                                where r.last_id < sms.id_at(p_as_of - sms.retention('outbox'))
                                limit 10 * p_limit));
    get diagnostics _count = row_count;
    return _deleted + _count;
end
$$;

COMMENT ON FUNCTION sms.prune_history(p_as_of timestamp with time zone, p_limit integer) IS 'Delete what is past its retention from activity, inbound, number_trouble, rule_change and run_message.';

-- FUNCTION public_functions()

CREATE FUNCTION sms.public_functions() RETURNS TABLE(function regprocedure)
    LANGUAGE sql STABLE
    AS $_$
    select p.oid::regprocedure
      from pg_catalog.pg_proc as p
     where p.pronamespace = 'pg_catalog'::regnamespace
       and p.proname ~ '^(pg_(try_)?advisory_|lo_|loread$|lowrite$)'
       and exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
                    where a.grantee = 0 and a.privilege_type = 'EXECUTE')
$_$;

COMMENT ON FUNCTION sms.public_functions() IS 'Functions for advisory locks and large objects that everybody may still call in this database.';

-- FUNCTION queue_status()

CREATE FUNCTION sms.queue_status() RETURNS TABLE(channel text, operator text, provider text, pending bigint, due bigint, inflight bigint, oldest_due_at timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select s.channel, s.operator, s.provider, coalesce(s.due + s.later, 0), coalesce(s.due, 0), coalesce(f.n, 0), s.oldest_due_at
      from sms.lane_status as s
      left join (select l.lane_id, c.channel, o.operator
                   from sms.lane as l join sms.channel as c using (channel_id) join sms.operator as o using (operator_id)) as k
        on k.channel = s.channel and k.operator = s.operator
      left join (select i.lane_id, count(*) as n from sms.inflight as i group by i.lane_id) as f on f.lane_id = k.lane_id
$$;

COMMENT ON FUNCTION sms.queue_status() IS 'Each lane: pending, due, in flight, oldest due.';

-- FUNCTION quiet_until(text, text[], timestamp with time zone)

CREATE FUNCTION sms.quiet_until(p_category text, p_zones text[], p_as_of timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    AS $$
declare
    _at timestamptz := p_as_of;
    _end timestamptz;
begin
    loop
        select max(w.ends) into _end
          from unnest(p_zones) as z
          cross join lateral sms.quiet_windows(p_category, z, _at) as w
         where w.begins <= _at and _at < w.ends;
        exit when _end is null;
        _at := _end;
        if _at > p_as_of + interval '14 days' then
            return timestamptz 'infinity';
        end if;
    end loop;
    return nullif(_at, p_as_of);
end
$$;

COMMENT ON FUNCTION sms.quiet_until(p_category text, p_zones text[], p_as_of timestamp with time zone) IS 'The first moment after as_of at which this category may be sent in all of these zones; null = now.';

-- FUNCTION quiet_windows(text, text, timestamp with time zone)

CREATE FUNCTION sms.quiet_windows(p_category text, p_zone text, p_as_of timestamp with time zone) RETURNS TABLE(quiet_hours_id integer, begins timestamp with time zone, ends timestamp with time zone)
    LANGUAGE sql STABLE
    AS $$
    select q.quiet_hours_id,
           (d.day + q.quiet_from) at time zone p_zone,
           (d.day + q.quiet_until + case when q.quiet_until < q.quiet_from then interval '1 day' else interval '0' end)
               at time zone p_zone
      from (select (p_as_of at time zone p_zone)::date + n as day from generate_series(-1, 1) as n) as d
      left join sms.holiday as h on h.day = d.day
      cross join lateral (
               select extract(isodow from d.day)::int as iso_weekday,
                      coalesce(h.kind, case when extract(isodow from d.day) > 5 then 'off' else 'working' end) as kind
           ) as k
      join sms.quiet_hours as q
        on q.category = p_category
       and (q.iso_weekday is null or q.iso_weekday = k.iso_weekday)
       and (q.day_kind is null or q.day_kind = k.kind)
$$;

COMMENT ON FUNCTION sms.quiet_windows(p_category text, p_zone text, p_as_of timestamp with time zone) IS 'Silences of a category near a moment in one zone, with their begin and end.';

-- FUNCTION read_clients(bigint[])

CREATE FUNCTION sms.read_clients(p_client_ids bigint[]) RETURNS TABLE(client_id bigint, phone text, time_zone text)
    LANGUAGE plpgsql STABLE
    AS $$
begin
    return query
    select c.client_id::bigint, c.phone::text, z.name
      from erp.client as c
      left join sms.time_zone as z on z.name = c.time_zone::text and z.zone_id <> 0
     where c.client_id = any (p_client_ids);
end
$$;

COMMENT ON FUNCTION sms.read_clients(p_client_ids bigint[]) IS 'Phone and time zone of clients, from the ERP''s view erp.client.';

-- FUNCTION read_phone(text)

CREATE FUNCTION sms.read_phone(p_phone text, OUT msisdn bigint, OUT problem text) RETURNS record
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $_$
declare
    _text text;
    _part text[];
    _rest text;
    _digits text;
begin
    problem := 'invalid_number';
    if p_phone is null or length(translate(p_phone, ' -()', '')) > 200 then
        return;
    end if;

    -- Full-width characters, and the dashes, spaces and quotes of word processors, become ASCII; invisible ones go.
    _text := translate(p_phone,
        U&'\FF10\FF11\FF12\FF13\FF14\FF15\FF16\FF17\FF18\FF19\FF0B\FF08\FF09\FF0E\2010\2011\2012\2013\2014\2015\2212\FF0D'
        '\00A0\2002\2003\2007\2009\202F\3000\00AB\00BB\201C\201D\201E\2019\00AD\200B\200E\200F\202A\202C\2060\FEFF',
        '0123456789+().--------       """"""');
    -- A spreadsheet turned the number into a fraction: 79123456789.0
    _text := regexp_replace(_text, '^[ \t]*(\+?[0-9]+)[.,]0+[ \t]*$', '\1');

    -- {plus, the first number, what follows it}; words before the number are notes.
    _part := regexp_match(_text, '^[^0-9+]*(\+*)[ ().-]*([0-9][0-9 ().-]*)(.*)$');
    if _part is null then
        return;
    end if;
    _digits := translate(_part[2], ' ().-', '');
    _rest := _part[3];

    -- Another number follows; "67-89, 90" is a second phone as well; so are two of them run together.
    if length(_digits) >= 6 and _rest ~ '[0-9]([ ().-]*[0-9]){5}|^[ \t\r\n;,/|+]*[0-9]'
       or _digits ~ '^([78]?9[0-9]{9}|[78][0-9]{10})[0-9]{7,}$' then
        problem := 'several_numbers';
        return;
    end if;
    -- A letter touching the number may stand for a digit, unless it opens an extension: 89123456789доб.12
    if _part[2] ~ '[0-9]$' and _rest ~ '^([A-Za-z]|[^\x01-\x7f])'
       and _rest !~ '^(доб|Доб|ДОБ|вн|Вн|ВН|ext|Ext|EXT|x|X|х|Х)[^0-9]{0,10}[0-9]{1,5}[^0-9]*$' then
        return;
    end if;

    -- 8~10 is how one dials out of Russia.
    if _part[1] = '' and _digits ~ '^810[0-9]{9,}$' then
        _part[1] := '+';
        _digits := substr(_digits, 4);
    end if;
    -- +8 for 8 and +7 8 for +7 are slips of the hand; +9… has lost its 7 and would be India.
    if _digits ~ '^(7|8|78)9[0-9]{9}$' or _part[1] = '' and _digits ~ '^9[0-9]{9}$' then
        msisdn := right(_digits, 10)::bigint + 70000000000;
        if right(_digits, 9) ~ '^([0-9])\1{8}$' then
            msisdn := null;
        else
            problem := null;
        end if;
    elsif _part[1] = '' then
        problem := case
            when _digits ~ '^[78][348][0-9]{9}$|^([34][0-9]|8[0-8])[0-9]{8}$' then 'not_mobile'
            -- +7 6xx and +7 7xx are Kazakhstan; neighbours are often written without a plus.
            when _digits ~ '^[78][67][0-9]{9}$|^7(0[0-8]|47|6[0-4]|7[15-8]|85)[0-9]{7}$' then 'foreign_number'
            when _digits ~ '^(37[0-4][0-9]{8}|(375|380|99[2-68])[0-9]{9})$' then 'foreign_number'
            else 'invalid_number' end;
    else
        problem := case
            when _digits ~ '^7[348][0-9]{9}$|^8800[0-9]{7}$' then 'not_mobile'
            when _digits ~ '^7[67][0-9]{9}$' then 'foreign_number'
            when _digits ~ '^[1-69][0-9]{7,14}$|^8[1-8][0-9]{6,13}$' and _digits !~ '^9[0-9]{9}$' then 'foreign_number'
            else 'invalid_number' end;
    end if;
end
$_$;

COMMENT ON FUNCTION sms.read_phone(p_phone text, OUT msisdn bigint, OUT problem text) IS 'What a phone field holds: msisdn, or the problem that leaves none. Behind normalize_msisdn and phone_problem.';

-- FUNCTION received_but_did_not(text, text, numeric)

CREATE FUNCTION sms.received_but_did_not(p_what text, p_action text, p_days numeric DEFAULT 30) RETURNS TABLE(client_id bigint, received_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10000
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return query
    select r.client_id, r.last_at
      from sms.clients_who_received(p_what, p_days) as r
     where not exists (select from erp.action as a
                        where a.client_id = r.client_id and a.action = p_action and a.at >= r.last_at);
end
$$;

COMMENT ON FUNCTION sms.received_but_did_not(p_what text, p_action text, p_days numeric) IS 'Clients who got a message of a campaign or template and have not done an action since.';

-- FUNCTION recompute_parts(bigint[])

CREATE FUNCTION sms.recompute_parts(p_ids bigint[]) RETURNS void
    LANGUAGE sql
    SET enable_seqscan TO 'off'
    AS $$
    update sms.provider_ref as r
       set state = b.state
      from (select y.id, y.provider_id, y.ref, y.part,
                   (select m.state
                      from (select x.code, x.receipt_id from sms.receipt as x
                             where x.message_id = y.id and x.provider_id = y.provider_id and x.provider_ref = y.ref
                            union
                            select x.code, x.receipt_id from sms.receipt_match as x
                             where x.message_id = y.id and x.provider_id = y.provider_id and x.part = y.part) as s
                      join sms.provider as v on v.provider_id = y.provider_id
                      join sms.receipt_code as m on m.adapter = v.adapter and m.code = s.code and m.state is not null
                     order by sms.state_rank(m.state) desc, s.receipt_id
                     limit 1) as state
              from sms.provider_ref as y
             where y.id = any (p_ids) and y.parts > 1) as b
     where r.id = b.id and r.parts > 1 and r.provider_id = b.provider_id and r.ref = b.ref and r.part = b.part
       and r.state is distinct from b.state
$$;

COMMENT ON FUNCTION sms.recompute_parts(p_ids bigint[]) IS 'Keep with each segment what its receipts mean now.';

-- FUNCTION recompute_states(bigint[])

CREATE FUNCTION sms.recompute_states(p_ids bigint[]) RETURNS TABLE(id bigint, old_state text, new_state text, error text)
    LANGUAGE sql STABLE
    SET enable_seqscan TO 'off'
    SET enable_nestloop TO 'off'
    AS $$
    with report as materialized (
        select distinct on (u.id, u.receipt_id) u.id, u.receipt_id, u.provider_id, u.part, m.state, u.error
          from (select r.message_id as id, r.receipt_id, r.provider_id, x.part, r.code, r.error
                  from sms.receipt as r
                  left join lateral (
                           select y.part from sms.provider_ref as y
                            where y.provider_id = r.provider_id and y.ref = r.provider_ref and y.id = r.message_id and y.parts > 1
                            limit 1
                       ) as x on true
                 where r.message_id between (select min(i) from unnest(p_ids) as i) and (select max(i) from unnest(p_ids) as i)
                   and r.message_id in (select i from unnest(p_ids) as i)
                union all
                select g.message_id, g.receipt_id, g.provider_id, g.part, g.code, g.error
                  from sms.receipt_match as g
                 where g.message_id = any (p_ids)) as u
          join sms.provider as v using (provider_id)
          join sms.receipt_code as m on m.adapter = v.adapter and m.code = u.code and m.state is not null
         order by u.id, u.receipt_id, u.part
    ), part as (
        select distinct on (r.id, r.provider_id, r.part) r.id, r.provider_id, r.part, r.state, r.error
          from report as r
         where r.part is not null
         order by r.id, r.provider_id, r.part, sms.state_rank(r.state) desc, r.receipt_id
    ), parts as (
        select p.id, p.provider_id,
               (select max(y.parts) from sms.provider_ref as y where y.id = p.id and y.provider_id = p.provider_id and y.parts > 1) as parts,
               count(*) filter (where p.state = 'delivered') as delivered,
               min(p.state) filter (where p.state not in ('accepted', 'delivered')) as failed, min(p.error) as error
          from part as p
         group by p.id, p.provider_id
    ), said as (
        select r.id, r.provider_id, r.state, r.error, r.receipt_id from report as r where r.part is null
        union all
        select p.id, p.provider_id, case when p.delivered = p.parts then 'delivered' else p.failed end, p.error, 0
          from parts as p
         where p.delivered = p.parts or p.failed is not null
    ), best as (
        -- of equal rank the state the message has, else the first report: later ones would have changed nothing
        select distinct on (o.id) o.id, o.state as old_state, o.reason, o.attempts, s.state, s.error
          from sms.outcome as o
          left join said as s
            on s.id = o.id and (o.provider_id = s.provider_id or sms.counts_late(o.id, s.provider_id, s.state))
         where o.id = any (p_ids)
         order by o.id, sms.state_rank(s.state) desc nulls last, (s.state = o.state) desc, s.receipt_id
    ), verdict as (
        select b.id, b.old_state, b.error,
               case when b.reason is null and b.old_state in ('delivered', 'undelivered', 'expired', 'rejected')
                    then coalesce(b.state, 'accepted')
                    when b.attempts > 0 and sms.state_rank(b.state) > sms.state_rank(b.old_state)
                         and exists (select from sms.state_transition as t
                                      where t.from_state = b.old_state and t.to_state = b.state)
                    then b.state
                    else b.old_state end as new_state
          from best as b
    )
    select v.id, v.old_state, v.new_state, v.error from verdict as v where v.new_state <> v.old_state
$$;

COMMENT ON FUNCTION sms.recompute_states(p_ids bigint[]) IS 'Messages whose receipts mean something else under the map as it is now.';

-- FUNCTION record_answers(text, timestamp with time zone, bigint[], text[], text[], interval)

CREATE FUNCTION sms.record_answers(p_provider text, p_asked_at timestamp with time zone, p_ids bigint[], p_verdicts text[], p_refs text[], p_absent_after interval) RETURNS TABLE(present integer, absent integer, noted integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
#variable_conflict use_column
declare
    _now timestamptz := clock_timestamp();
    _provider_id smallint := sms.known_provider(p_provider);
    _present bigint[];
    _absent bigint[];
    _first bigint[];
begin
    select array_agg(d.id) filter (where a.verdict = 'present'),
           array_agg(d.id) filter (where a.verdict = 'absent' and (p_absent_after <= '0' or d.absent_since + p_absent_after <= p_asked_at)),
           array_agg(d.id) filter (where a.verdict = 'absent' and d.absent_since is null and p_absent_after > '0')
      into _present, _absent, _first
      from unnest(p_ids, p_verdicts) as a (id, verdict)
      join sms.doubtful as d on d.id = a.id and d.provider_id = _provider_id and d.asked_at = p_asked_at;

    insert into sms.provider_ref (id, provider_id, ref)
    select distinct a.id, _provider_id, a.ref
      from unnest(p_ids, p_refs) as a (id, ref)
      left join lateral (select true as is_known from sms.provider_ref as r
                          where r.provider_id = _provider_id and r.ref = a.ref and r.id = a.id
                          limit 1) as k on true
     where a.id = any (_present) and a.ref is not null and k.is_known is null;
    update sms.doubtful as d set absent_since = _now, next_ask_at = _now + p_absent_after where d.id = any (_first);
    present := sms.resolve_uncertain(_present, 'accepted', 'found at the provider when it was asked', 'look-up');
    absent := sms.resolve_uncertain(_absent, 'absent', 'the provider does not have it', 'look-up');
    noted := coalesce(cardinality(_first), 0);
    perform sms.end_turn(p_provider, p_asked_at);
    return next;
end
$$;

COMMENT ON FUNCTION sms.record_answers(p_provider text, p_asked_at timestamp with time zone, p_ids bigint[], p_verdicts text[], p_refs text[], p_absent_after interval) IS 'Worker API. Resolve uncertain messages by what their provider answered.';

-- FUNCTION record_balance(text, numeric, text)

CREATE FUNCTION sms.record_balance(p_provider text, p_amount numeric, p_currency text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _now timestamptz := clock_timestamp();
    _old sms.provider_balance;
    _new sms.provider_balance;
    _facts jsonb;
begin
    insert into sms.provider_balance (provider_id) values (sms.known_provider(p_provider)) on conflict do nothing;
    select * into _old from sms.provider_balance as b where b.provider_id = sms.known_provider(p_provider) for update;
    update sms.provider_balance as b
       set at = _now, amount = p_amount, currency = p_currency,
           is_low = coalesce(p_amount < b.warn_below, false),
           low_since = case when p_amount < b.warn_below then coalesce(b.low_since, _now) end
     where b.provider_id = _old.provider_id
 returning * into _new;
    if _new.is_low = _old.is_low then
        return null;
    end if;
    _facts := jsonb_build_object('amount', p_amount, 'currency', p_currency, 'warn_below', _new.warn_below);
    perform sms.log_activity(case when _new.is_low then 'balance low' else 'balance back' end, 'provider', p_provider, _facts);
    perform sms.announce_route(_facts || jsonb_build_object('kind', case when _new.is_low then 'balance_low' else 'balance_back' end,
                                                            'provider', p_provider, 'at', _now));
    return case when _new.is_low then 'fell' else 'back' end;
end
$$;

COMMENT ON FUNCTION sms.record_balance(p_provider text, p_amount numeric, p_currency text) IS 'Worker API. Keep the balance a provider tells; say so when it falls below its limit.';

-- FUNCTION record_inbound(text, text[], text[], text[], text[])

CREATE FUNCTION sms.record_inbound(p_provider text, p_refs text[], p_senders text[], p_sent_tos text[], p_bodies text[]) RETURNS TABLE(stored integer, opted_out integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _provider_id smallint;
    _ids bigint[];
begin
    select p.provider_id into _provider_id from sms.provider as p where p.provider = p_provider;
    if not found then
        raise exception 'unknown provider "%"', p_provider using errcode = 'SM006';
    end if;
    with kept as (
        insert into sms.inbound (provider_id, provider_ref, msisdn, sender, sent_to, body, action)
        select _provider_id, g.ref, sms.normalize_msisdn(g.sender), g.sender, g.sent_to, g.body,
               case when sms.normalize_msisdn(g.sender) is not null then sms.understand_reply(g.body) end
          from unnest(p_refs, p_senders, p_sent_tos, p_bodies) as g (ref, sender, sent_to, body)
            on conflict (provider_id, provider_ref) do nothing
     returning inbound_id
    )
    select array_agg(k.inbound_id) into _ids from kept as k;
    stored := coalesce(cardinality(_ids), 0);
    opted_out := case when stored > 0 then sms.obey_replies(_ids) else 0 end;
    if stored > 0 then
        perform pg_notify('sms_inbound', '');
    end if;
    return next;
end
$$;

COMMENT ON FUNCTION sms.record_inbound(p_provider text, p_refs text[], p_senders text[], p_sent_tos text[], p_bodies text[]) IS 'Receipt API. Keep messages from subscribers, obey opt-outs, tell the ERP.';

-- FUNCTION record_receipts(text, bigint[], text[], text[], text[], timestamp with time zone[], text[])

CREATE FUNCTION sms.record_receipts(p_provider text, p_message_ids bigint[], p_refs text[], p_codes text[], p_errors text[], p_occurred_ats timestamp with time zone[], p_raws text[]) RETURNS TABLE(stored integer, applied integer, waiting integer, unmapped integer, strangers integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET jit TO 'off'
    AS $$
#variable_conflict use_column
declare
    _now timestamptz := clock_timestamp();
    _provider_id smallint;
    _adapter text;
begin
    select p.provider_id, p.adapter into _provider_id, _adapter from sms.provider as p where p.provider = p_provider;
    if not found then
        raise exception 'unknown provider "%"', p_provider using errcode = 'SM006';
    end if;
    return query
    with report as materialized (
        select sms.next_id() as receipt_id, coalesce(g.message_id, r.id) as message_id, g.ref, g.code, g.error, g.occurred_at,
               g.raw, m.state, m.code is not null as is_mapped, r.part, r.parts
          from unnest(p_message_ids, p_refs, p_codes, p_errors, p_occurred_ats, p_raws)
                 as g (message_id, ref, code, error, occurred_at, raw)
          left join sms.receipt_code as m on m.adapter = _adapter and m.code = g.code
          left join lateral (
                   select y.id, y.part, y.parts
                     from (select x.id, x.part, x.parts from sms.provider_ref as x
                            where x.provider_id = _provider_id and x.ref = g.ref
                            order by x.id desc
                            limit 1) as y
                    where g.message_id is null
                   offset 0
               ) as r on true
    ), kept as (
        insert into sms.receipt (receipt_id, received_at, occurred_at, message_id, provider_id, code, error, state,
                                 provider_ref, raw)
        select p.receipt_id, _now, p.occurred_at, p.message_id, _provider_id, p.code, p.error, p.state, p.ref, p.raw
          from report as p
    ), moved as materialized (
        select unnest(m.ids) as id
          from (select sms.advance(_provider_id, array_agg(p.message_id), array_agg(p.state), array_agg(p.error), _now) as ids
                  from report as p
                 where p.state is not null and p.message_id is not null and coalesce(p.parts, 1) = 1) as m
    ), known as materialized (
        select p.*, o.id as outcome_id, o.provider_id as carrier_id
          from report as p
          left join moved as m on m.id = p.message_id
          left join lateral (select x.id, x.provider_id from sms.outcome as x where x.id = p.message_id offset 0) as o on true
         where p.state is not null and m.id is null
    ), foreigners as (
        insert into sms.foreign_receipt (receipt_id, message_id, provider_id, carrier_id)
        select k.receipt_id, k.message_id, _provider_id, k.carrier_id
          from known as k
         where k.outcome_id is not null and k.carrier_id is distinct from _provider_id
           and not sms.counts_late(k.message_id, _provider_id, k.state)
     returning message_id
    ), folded as (
        select sms.fold_parts(_provider_id, array_agg(k.message_id), array_agg(k.part), array_agg(k.state), array_agg(k.error), _now) as n
          from known as k
         where k.outcome_id is not null and k.parts > 1
    ), parked as (
        insert into sms.unmatched_receipt (receipt_id, received_at, message_id, provider_id, provider_ref, code, state, error)
        -- a segment waits by its reference: by our id it would speak for the whole message
        select k.receipt_id, _now, case when coalesce(k.parts, 1) = 1 then k.message_id end, _provider_id, k.ref, k.code, k.state, k.error
          from known as k
         where k.outcome_id is null and num_nonnulls(k.message_id, k.ref) > 0
     returning 1
    )
    select (select count(*) from report)::int, (select count(*) from moved)::int + coalesce((select f.n from folded as f), 0),
           (select count(*) from parked)::int, (select count(*) from report as p where not p.is_mapped)::int,
           (select count(*) from foreigners as f
             where not exists (select from sms.earlier_carrier as e where e.message_id = f.message_id and e.provider_id = _provider_id))::int;
end
$$;

COMMENT ON FUNCTION sms.record_receipts(p_provider text, p_message_ids bigint[], p_refs text[], p_codes text[], p_errors text[], p_occurred_ats timestamp with time zone[], p_raws text[]) IS 'Receipt API. Store reports as received, map their codes, move messages of this provider forward; early and unknown ones wait.';

-- FUNCTION refuse_change()

CREATE FUNCTION sms.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception 'rows of %.% are never changed or deleted', tg_table_schema, tg_table_name
        using errcode = 'SM003',
              hint = case when tg_table_name = 'outbox'
                          then 'To stop a message use sms.cancel(id); to ask for another, insert another row.'
                          else 'It is history; to change something, insert a new version.' end;
end
$$;

COMMENT ON FUNCTION sms.refuse_change() IS 'Trigger: this table is append-only.';

-- FUNCTION refuse_changed_session(text)

CREATE FUNCTION sms.refuse_changed_session(p_before text) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    if sms.session_state() is distinct from p_before then
        raise exception 'the SELECT changed the settings of the session' using errcode = 'SM031', hint = 'It is to read and compute only.';
    end if;
end
$$;

COMMENT ON FUNCTION sms.refuse_changed_session(p_before text) IS 'Error SM031 where a text of analysts left something behind in the session.';

-- FUNCTION refuse_consent_edit()

CREATE FUNCTION sms.refuse_consent_edit() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    -- TRUNCATE, a trigger of the statement, knows no row.
    if tg_op = 'UPDATE' then
        if old.withdrawn_at is null and new.withdrawn_at is not null
           and (to_jsonb(new) - 'withdrawn_at' - 'withdrawn_by') = (to_jsonb(old) - 'withdrawn_at' - 'withdrawn_by') then
            return new;
        end if;
    end if;
    raise exception 'consents are a ledger: rows are added and withdrawn, never changed or deleted'
        using errcode = 'SM003', hint = 'Set withdrawn_at; for another consent insert another row.';
end
$$;

COMMENT ON FUNCTION sms.refuse_consent_edit() IS 'Trigger: consents may only be withdrawn.';

-- FUNCTION refuse_id()

CREATE FUNCTION sms.refuse_id() RETURNS bigint
    LANGUAGE plpgsql
    AS $$
begin
    raise exception 'the range of ids ended with the year 2088' using errcode = 'SM081',
        hint = 'If that year is far off, set the server''s clock. Else it is time for wider ids: see docs/design.md, "Ids".';
end
$$;

COMMENT ON FUNCTION sms.refuse_id() IS 'Ids begin with milliseconds since 2020 in 41 bits: says that they are used up (SM081).';

-- FUNCTION refuse_illegal_move()

CREATE FUNCTION sms.refuse_illegal_move() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_nestloop TO 'off'
    AS $$
declare
    _move record;
begin
    select b.state as from_state, a.state as to_state into _move
      from before_rows as b
      join after_rows as a on a.id = b.id
     where a.state <> b.state
       and not exists (select from sms.state_transition as t where t.from_state = b.state and t.to_state = a.state)
     limit 1;
    if found then
        select b.state as from_state, a.state as to_state into _move
          from before_rows as b
          join after_rows as a on a.id = b.id
         where a.state <> b.state
           and not exists (select from sms.state_transition as t where t.from_state = b.state and t.to_state = a.state)
           and not exists (select from sms.receipt_remap as r
                            where r.transaction_id = pg_current_xact_id() and r.message_id = a.id
                              and r.old_state = b.state and r.new_state = a.state)
         limit 1;
    end if;
    if found then
        raise exception 'a message cannot go from % to %', _move.from_state, _move.to_state
            using errcode = 'SM007', hint = 'The moves are in sms.state_transition.';
    end if;
    return null;
end
$$;

COMMENT ON FUNCTION sms.refuse_illegal_move() IS 'Trigger: only moves in sms.state_transition.';

-- FUNCTION refuse_launch(sms.campaign, timestamp with time zone)

CREATE FUNCTION sms.refuse_launch(p_campaign sms.campaign, p_now timestamp with time zone) RETURNS void
    LANGUAGE plpgsql STABLE
    AS $$
declare
    _lacking text;
begin
    if p_campaign.template is null or p_campaign.audience is null then
        raise exception 'campaign "%" has no % yet', p_campaign.campaign,
              case when p_campaign.template is null then 'template' else 'audience' end
            using errcode = 'SM041', hint = 'Name both with sms.save_campaign.';
    end if;
    select string_agg(v.name, ', ' order by v.name) into _lacking
      from sms.audience as a
     cross join sms.template_needs(p_campaign.template) as v (name)
     where a.audience = p_campaign.audience
       and v.name not in (select c.name from unnest(a.columns) as c (name) where c.name not in ('client_id', 'phone', 'time_zone'));
    if _lacking is not null then
        raise exception 'audience "%" does not select what template "%" needs: %', p_campaign.audience, p_campaign.template, _lacking
            using errcode = 'SM048', hint = 'Add the columns to its SELECT, or give the variables a default: {{variable|default}}.';
    end if;
    if p_campaign.ends_at <= p_now then
        raise exception 'campaign "%" ended at %', p_campaign.campaign, p_campaign.ends_at
            using errcode = 'SM047', hint = 'Move its ends_at.';
    end if;
    perform sms.refuse_unreleased(p_campaign);
end
$$;

COMMENT ON FUNCTION sms.refuse_launch(p_campaign sms.campaign, p_now timestamp with time zone) IS 'Error SM041, SM044, SM047 or SM048 where a campaign cannot be launched as it is.';

-- FUNCTION refuse_missing_month()

CREATE FUNCTION sms.refuse_missing_month() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if to_regclass('sms.' || tg_table_name || to_char(clock_timestamp() at time zone 'UTC', '"_y"YYYY"m"MM')) is not null then
        return null;
    end if;
    if clock_timestamp() >= '2089-01-01 00:00Z' then
        perform sms.refuse_id();
    end if;
    raise exception 'sms.% has no partition for %, so nothing can be stored', tg_table_name, to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM')
        using errcode = 'SM080',
              hint = 'A running worker makes the months ahead, every hour. Start one, or let the database''s owner run: '
                     'select * from sms.maintain_partitions();';
end
$$;

COMMENT ON FUNCTION sms.refuse_missing_month() IS 'Trigger: a month without a partition is told with a sentence (SM080).';

-- FUNCTION refuse_nonsense_route(text[], text)

CREATE FUNCTION sms.refuse_nonsense_route(p_providers text[], p_policy text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    AS $$
begin
    if coalesce(cardinality(p_providers), 0) = 0 then
        raise exception 'a route needs at least one provider'
            using errcode = 'SM061', hint = 'Name them in their order, or remove the route: then lanes stay where they are.';
    end if;
    if cardinality(p_providers) > 100 then
        raise exception 'a route has at most 100 providers' using errcode = 'SM061', hint = 'Name fewer.';
    end if;
    if exists (select from unnest(p_providers) as v (name) group by v.name having count(*) > 1) then
        raise exception 'a provider stands twice in the route' using errcode = 'SM061', hint = 'Name each provider once.';
    end if;
    if p_policy is null or p_policy not in ('ranked', 'cheapest', 'best_delivered') then
        raise exception 'unknown policy "%"', coalesce(p_policy, 'null')
            using errcode = 'SM061', hint = 'Policies: ranked, cheapest, best_delivered.';
    end if;
end
$$;

COMMENT ON FUNCTION sms.refuse_nonsense_route(p_providers text[], p_policy text) IS 'Raise SM061 for a route that means nothing.';

-- FUNCTION refuse_open_reader()

CREATE FUNCTION sms.refuse_open_reader() RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    _found text;
begin
    if has_schema_privilege('sms_analyst', 'public', 'create') or has_schema_privilege('sms_audience', 'public', 'create') then
        raise exception 'analysts may create objects in the schema public, so no audience is safe' using errcode = 'SM031',
            hint = 'A DBA runs: revoke create on schema public from public.';
    end if;
    if has_database_privilege('sms_audience', current_database(), 'temporary')
       or has_database_privilege('sms_audience', current_database(), 'create') then
        raise exception 'the role that reads audiences may create objects, so no audience is safe' using errcode = 'SM031',
            hint = format('A DBA runs: revoke temporary, create on database %I from public; and grants temporary to the roles that need it.',
                          current_database());
    end if;
    select m.member::regrole::text into _found
      from pg_auth_members as m
      join pg_roles as g on g.oid = m.roleid and g.rolname = 'sms_analyst'
     where has_schema_privilege(m.member, 'public', 'create') and not sms.is_trusted_author(m.member)
     limit 1;
    if found then
        raise exception '% may create objects in the schema public, so no audience is safe', _found using errcode = 'SM031',
            hint = format('A DBA runs: revoke create on schema public from %s.', _found);
    end if;
    select n.nspname into _found
      from pg_namespace as n
     where has_schema_privilege('sms_audience', n.oid, 'create')
        or n.nspname <> 'sms_parser' and has_schema_privilege('sms_parser', n.oid, 'create')
     limit 1;
    if found then
        raise exception 'the roles that read audiences may create objects in the schema %, so no audience is safe', _found
            using errcode = 'SM031', hint = format('A DBA runs: revoke create on schema %I from public, sms_audience, sms_parser.', _found);
    end if;
    select m.member::regrole || ' is a member of ' || m.roleid::regrole into _found
      from (select 'sms_audience'::regrole::oid as reader, 'sms_parser'::regrole::oid as parser) as x
      join pg_auth_members as m on m.member in (x.reader, x.parser) or m.roleid in (x.reader, x.parser)
     where m.member in (x.reader, x.parser) or not sms.is_trusted_author(m.member)
     limit 1;
    if found then
        raise exception 'the role %, so no audience is safe', _found using errcode = 'SM031',
            hint = 'Nobody is to be a member of sms_audience or sms_parser, nor they of anybody: a DBA revokes it.';
    end if;
    if exists (select from pg_roles as r
                where r.rolname in ('sms_audience', 'sms_parser')
                  and (r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolreplication or r.rolbypassrls or r.rolcanlogin)) then
        raise exception 'the roles that read audiences may do more than read, so no audience is safe' using errcode = 'SM031',
            hint = 'A DBA runs: alter role sms_audience nosuperuser nocreaterole nocreatedb noreplication nobypassrls nologin; and the same for sms_parser.';
    end if;
end
$$;

COMMENT ON FUNCTION sms.refuse_open_reader() IS 'Error SM031 where the role that reads audiences could do more than read.';

-- FUNCTION refuse_strangers(text)

CREATE FUNCTION sms.refuse_strangers(p_query text) RETURNS void
    LANGUAGE plpgsql
    AS $_$
declare
    _words text[] := array(select distinct lower(m[1]) from regexp_matches(p_query, '([\w$]+)', 'g') as m);
    _what text;
begin
    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        raise exception 'the transaction may not see what was made since it began, so no audience is safe in it' using errcode = 'SM031',
            hint = 'Begin it with: begin isolation level read committed.';
    end if;
    if p_query ~* '\mu&["'']' then
        raise exception 'names and texts written as U&"…" are not read' using errcode = 'SM031', hint = 'Write the letters themselves.';
    end if;
    select s.what into _what from sms.session_objects() as s where s.name is null or sms.is_word_of(s.name, _words) limit 1;
    if found then
        raise exception 'the connection holds temporary objects of its own: %', _what using errcode = 'SM031',
            hint = 'Take them away with: discard temp. Or use another connection.';
    end if;
    select s.what into _what
      from sms.strangers_objects() as s
     where (s.name is null or sms.is_word_of(s.name, _words)) and (s.place is null or sms.is_word_of(s.place, _words))
     limit 1;
    if found then
        raise exception 'the SELECT could meet %, whose author is not known', _what using errcode = 'SM031',
            hint = 'It may use what PostgreSQL, PostGIS, a superuser or the owner of the schema sms made.';
    end if;
end
$_$;

COMMENT ON FUNCTION sms.refuse_strangers(p_query text) IS 'Error SM031 where a text names what strangers or the session itself made; asked before it is parsed.';

-- FUNCTION refuse_unfit_audience(text)

CREATE FUNCTION sms.refuse_unfit_audience(p_query text) RETURNS TABLE(columns text[], planned_cost double precision)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET standard_conforming_strings TO 'on'
    AS $$
declare
    _parsed record;
    _most double precision := (select s.value::double precision from sms.setting as s where s.setting = 'audience_max_cost');
    _name text;
begin
    select p.* into _parsed from sms.refuse_unsafe_select(p_query) as p;
    planned_cost := _parsed.planned_cost;
    select c.name into _name from unnest(array['client_id', 'phone']) as c (name) where c.name <> all (_parsed.columns);
    if found then
        raise exception 'the SELECT has no column %', _name using errcode = 'SM032',
            hint = 'It yields client_id and phone, optionally time_zone, and columns that templates use as variables.';
    end if;
    select c.name || ' is of type ' || c.type into _name
      from unnest(_parsed.columns, _parsed.types) as c (name, type)
     where c.name = 'client_id' and c.type <> all ('{int2,int4,int8}'::regtype[])
        or c.name = 'phone' and c.type <> all ('{text,varchar,int8,numeric}'::regtype[])
        or c.name = 'time_zone' and c.type <> all ('{text,varchar,name}'::regtype[]);
    if found then
        raise exception 'the column %', _name using errcode = 'SM032',
            hint = 'client_id is a whole number, phone a text or a number, time_zone a text.';
    end if;
    if cardinality(_parsed.columns) > 50 then
        raise exception 'the SELECT has % columns, more than 50', cardinality(_parsed.columns) using errcode = 'SM032',
            hint = 'Yield only what templates use.';
    end if;
    if planned_cost > _most then
        raise exception 'the SELECT would cost % by the plan, more than %', round(planned_cost), round(_most)
            using errcode = 'SM033',
                  hint = 'Narrow it or look at its EXPLAIN; an operator may raise the setting audience_max_cost.';
    end if;
    columns := _parsed.columns;
    return next;
end
$$;

COMMENT ON FUNCTION sms.refuse_unfit_audience(p_query text) IS 'Error SM031 to SM033 where a SELECT is no audience; else its columns and planned cost.';

-- FUNCTION refuse_unfit_declaration(jsonb)

CREATE FUNCTION sms.refuse_unfit_declaration(p_variables jsonb) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    AS $_$
declare
    _problem text;
begin
    if jsonb_typeof(p_variables) <> 'object' then
        raise exception 'variables are not a JSON object' using errcode = 'SM037',
            hint = 'Like: {"name": {"required": true, "sample": "Анна", "meaning": "first name"}}.';
    end if;
    select case when d.name !~ '^[^{}|\s]([^{}|]{0,78}[^{}|\s])?$' then 'its name has braces, bars or outer spaces, or is longer than 80'
                when jsonb_typeof(d.said) <> 'object' then 'it is not an object'
                when k.key not in ('required', 'default', 'sample', 'meaning') then 'it has an unknown key ' || quote_literal(k.key)
                when k.key = 'required' then 'required is neither true nor false'
                else k.key || ' is no text or number, or has braces' end || ': ' || quote_literal(d.name)
      into _problem
      from jsonb_each(p_variables) as d (name, said)
      left join lateral jsonb_each(case when jsonb_typeof(d.said) = 'object' then d.said else '{}' end) as k on true
     where d.name !~ '^[^{}|\s]([^{}|]{0,78}[^{}|\s])?$'
        or jsonb_typeof(d.said) <> 'object'
        or k.key not in ('required', 'default', 'sample', 'meaning')
        or k.key = 'required' and jsonb_typeof(k.value) <> 'boolean'
        or k.key <> 'required' and jsonb_typeof(k.value) not in ('string', 'number', 'null')
        or k.key = 'default' and k.value #>> '{}' ~ '[{}]'
     limit 1;
    if found then
        raise exception 'a declared variable cannot be used, %', _problem using errcode = 'SM037',
            hint = 'Like: {"name": {"required": true, "sample": "Анна", "meaning": "first name"}}.';
    end if;
end
$_$;

COMMENT ON FUNCTION sms.refuse_unfit_declaration(p_variables jsonb) IS 'Error SM037 where declared variables are not written as they should be.';

-- FUNCTION refuse_unfit_provider()

CREATE FUNCTION sms.refuse_unfit_provider() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    _never constant text := '^(OUTBOX_(?!SECRET_).*|OUTBOX_SECRET_(NAMES)?|PG[A-Z]+)$';   -- as in outbox/secret_names.py
    _wrong text;
begin
    if tg_op = 'UPDATE' and (new.adapter, new.settings, new.secret_env) is not distinct from (old.adapter, old.settings, old.secret_env) then
        return new;
    end if;
    select p.path into _wrong
      from sms.setting_paths(new.settings) as p
     where jsonb_typeof(p.value) in ('string', 'number') and sms.looks_secret(p.name, p.value #>> '{}')
     order by p.path limit 1;
    if found then
        raise exception 'setting "%" of provider "%" looks like a secret', _wrong, new.provider
            using errcode = 'SM065', hint = 'Settings are read by many. Put the value into a variable of the worker, OUTBOX_SECRET_…, and '
                                            'give the name of that: as secret_env, or in a request as {secret}.';
    end if;
    select v.name into _wrong
      from (select new.secret_env as name
             union all
            select p.value #>> '{}' from sms.setting_paths(new.settings) as p where p.name like '%secret\_env' and p.value <> 'null') as v
     where v.name !~ '^[A-Z][A-Z0-9_]*$' or v.name ~ _never limit 1;
    if found then
        raise exception 'provider "%" cannot have its secret in the variable %', new.provider,
                        case when _wrong ~ '^[A-Z][A-Z0-9_]*$' then _wrong else 'it names: that is no name in capitals' end
            using errcode = 'SM065', hint = 'Name it OUTBOX_SECRET_…; what this program reads itself is no provider''s secret.';
    end if;
    if not exists (select from sms.adapter_setting as a where a.adapter = new.adapter) then
        return new;
    end if;
    select p.path into _wrong
      from sms.setting_paths(new.settings) as p
     where not exists (select from sms.adapter_setting as a
                        where a.adapter = new.adapter
                          and (a.setting = p.path or a.is_open and starts_with(p.path, a.setting || '.')))
     order by p.path limit 1;
    if found then
        raise exception 'provider "%": the adapter % has no setting "%"', new.provider, new.adapter, _wrong
            using errcode = 'SM064', hint = 'It has: ' || (select string_agg(a.setting, ', ' order by a.setting)
                                                             from sms.adapter_setting as a
                                                            where a.adapter = new.adapter and a.setting !~ '\.') || '.';
    end if;
    return new;
end
$_$;

COMMENT ON FUNCTION sms.refuse_unfit_provider() IS 'Trigger: no unknown settings, no secrets among them, no variable that is none of a provider''s.';

-- FUNCTION refuse_unfit_rows(sms.outbox[])

CREATE FUNCTION sms.refuse_unfit_rows(p_rows sms.outbox[]) RETURNS void
    LANGUAGE plpgsql STABLE
    AS $$
declare
    _n bigint;
    _problem text;
begin
    perform sms.refuse_unknown_names(array(select distinct r.channel from unnest(p_rows) as r),
                                     array(select distinct r.template from unnest(p_rows) as r where r.template is not null));
    select r.id, case when r.priority not between 0 and 3 then 'priority is 0 to 3'
                      when char_length(r.erp_ref) not between 1 and 200 then 'erp_ref has 1 to 200 characters'
                      else 'sender_id has 1 to 15 characters' end
      into _n, _problem
      from unnest(p_rows) as r
     where r.priority not between 0 and 3 or char_length(r.erp_ref) not between 1 and 200
        or char_length(r.sender_id) not between 1 and 15
     order by r.id
     limit 1;
    if found then
        raise exception 'row % could not be inserted: %', _n, _problem using errcode = 'SM023';
    end if;
end
$$;

COMMENT ON FUNCTION sms.refuse_unfit_rows(p_rows sms.outbox[]) IS 'Error SM001, SM002 or SM023 where an INSERT of these requests would fail.';

-- FUNCTION refuse_unfit_template(text, jsonb)

CREATE FUNCTION sms.refuse_unfit_template(p_body text, p_variables jsonb) RETURNS void
    LANGUAGE plpgsql STABLE
    AS $$
declare
    _plain text := regexp_replace(p_body, '\{\{[^{}]*\}\}', '', 'g');
    _v record;
begin
    if coalesce(p_body, '') = '' then
        raise exception 'a template needs a body' using errcode = 'SM036';
    end if;
    if _plain ~ '\{\{|\}\}' then
        raise exception 'the braces do not match near %',
                        quote_literal(substr(_plain, greatest(strpos(_plain, case when _plain ~ '\{\{' then '{{' else '}}' end) - 10, 1), 30))
            using errcode = 'SM036', hint = 'Write {{variable}} or {{variable|default}}, without braces inside.';
    end if;
    if p_body ~ '\{\{\s*(\|[^{}]*)?\}\}' then
        raise exception 'a variable has no name' using errcode = 'SM036', hint = 'Write {{variable}} or {{variable|default}}.';
    end if;
    if char_length(_plain) > 1000 then
        raise exception 'the text has % characters without its variables, more than 1,000', char_length(_plain)
            using errcode = 'SM036', hint = 'Texts have up to 1,000 characters after substitution.';
    end if;
    if p_variables is null then
        return;
    end if;
    perform sms.refuse_unfit_declaration(p_variables);
    for _v in select v.* from sms.template_variables(p_body, p_variables) as v loop
        if not _v.is_declared then
            raise exception 'the variable % is not declared', quote_literal(_v.name) using errcode = 'SM037',
                hint = coalesce('Declared: ' || (select string_agg(k, ', ' order by k) from jsonb_object_keys(p_variables) as k) || '. ', '')
                       || 'Declare it in variables, or correct its name.';
        elsif _v.is_used and not _v.is_required and _v.default_value is null then
            raise exception 'the variable % may be missing but has no default', quote_literal(_v.name) using errcode = 'SM037',
                hint = 'Write {{' || _v.name || '|default}} or declare one; an empty default is one too.';
        elsif _v.is_required and _v.default_value is not null then
            raise exception 'the variable % is required, so a default for it would never be used', quote_literal(_v.name)
                using errcode = 'SM037', hint = 'Take the default away, or declare "required": false.';
        end if;
    end loop;
end
$$;

COMMENT ON FUNCTION sms.refuse_unfit_template(p_body text, p_variables jsonb) IS 'Error SM036 or SM037 where a body and its declared variables make no template.';

-- FUNCTION refuse_unknown_names(text[], text[])

CREATE FUNCTION sms.refuse_unknown_names(p_channels text[], p_templates text[]) RETURNS void
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _name text;
begin
    select n into _name
      from unnest(p_channels) as n
     where not exists (select from sms.channel as c where c.channel = n)
     limit 1;
    if found then
        raise exception 'unknown channel "%"', coalesce(_name, 'null')
            using errcode = 'SM001',
                  hint = 'Channels: ' || (select string_agg(c.channel, ', ' order by c.channel) from sms.channel as c) || '.';
    end if;
    if p_templates is null then
        return;
    end if;
    select n into _name
      from unnest(p_templates) as n
     where not exists (select from sms.check_template(n, null))
     limit 1;
    if found then
        raise exception 'unknown template "%"', _name
            using errcode = 'SM002',
                  hint = case when exists (select from sms.check_template(split_part(_name, '@', 1), null))
                              then 'A version is pinned as name@3; this one has '
                                   || (select count(*) || ' versions' from sms.template as t join sms.template_version as v using (template_id)
                                        where t.template = split_part(_name, '@', 1)) || '. ' else '' end
                         || coalesce('Templates: ' || (select string_agg(t.template, ', ' order by t.template)
                                                      from sms.template as t) || '.', 'There are no templates yet.');
    end if;
end
$$;

COMMENT ON FUNCTION sms.refuse_unknown_names(p_channels text[], p_templates text[]) IS 'Error SM001/SM002 with the known names when a channel or template does not exist.';

-- FUNCTION refuse_unlisted(oid[], oid[], oid[], text[], text[], boolean)

CREATE FUNCTION sms.refuse_unlisted(p_relations oid[], p_functions oid[], p_types oid[], p_nodes text[], p_other text[], p_locks boolean) RETURNS void
    LANGUAGE plpgsql STABLE
    AS $_$
declare
    _what text;
begin
    if p_locks then
        raise exception 'the SELECT locks rows' using errcode = 'SM031', hint = 'Leave out FOR UPDATE and FOR SHARE.';
    end if;
    select r.oid::regclass::text into _what
      from pg_class as r
      join pg_namespace as n on n.oid = r.relnamespace
     where r.oid = any (p_relations)
       and (n.nspname ~ '^(pg_|information_schema$)' or not has_any_column_privilege('sms_audience', r.oid, 'select')
            or not sms.is_trusted_author(r.relowner))
     limit 1;
    if found then
        raise exception 'audiences may not read %', _what using errcode = 'SM031',
            hint = format('They read erp.client, erp.action, geo.…, sms.message and what a DBA adds: grant select on %s to sms_audience. No system catalogs, no tables of one''s own.', _what);
    end if;
    select f.oid::regprocedure::text || ', ' || f.problem into _what
      from sms.select_functions(p_functions) as f where f.problem is not null limit 1;
    if found then
        raise exception 'audiences may not call %', _what using errcode = 'SM031',
            hint = 'They only compute: the list is sms.audience_function; functions of your own need a grant to sms_audience by a DBA.';
    end if;
    select t.oid::regtype::text || ', ' || t.problem into _what from sms.select_types(p_types) as t where t.problem is not null limit 1;
    if found then
        raise exception 'audiences may not use the type %', _what using errcode = 'SM031';
    end if;
    _what := array_to_string(sms.select_nodes(p_nodes) || p_other, ', ');
    if _what <> '' then
        raise exception 'audiences may not use %', lower(_what) using errcode = 'SM031',
            hint = 'They are made of plain SELECTs: joins, conditions, groups, windows, WITH.';
    end if;
end
$_$;

COMMENT ON FUNCTION sms.refuse_unlisted(p_relations oid[], p_functions oid[], p_types oid[], p_nodes text[], p_other text[], p_locks boolean) IS 'Error SM031 where a parsed SELECT is made of anything that is not on the lists.';

-- FUNCTION refuse_unlisted_words(text)

CREATE FUNCTION sms.refuse_unlisted_words(p_query text) RETURNS void
    LANGUAGE plpgsql
    AS $_$
declare
    _name text;
begin
    select c.relname into _name
      from (select distinct lower(m[1]) as word from regexp_matches(p_query, '([\w$]+)', 'g') as m) as w
      join pg_catalog.pg_class as c on c.relname = w.word and c.relkind in ('r', 'v') and c.relname ~ '^pg_'
     where c.relnamespace = 'pg_catalog'::regnamespace
     limit 1;
    if found or p_query ~* '\minformation_schema\M' then
        raise exception 'audiences may not read %', coalesce(_name, 'information_schema') using errcode = 'SM031',
            hint = 'They read erp.client, erp.action, geo.…, sms.message and what a DBA adds. No system catalogs.';
    end if;
    select p.proname into _name
      from (select lower(m[1]) as word, 'call' as is from regexp_matches(p_query, '([\w$]+)"?\s*\(', 'g') as m
             union
            select lower(m[1]), 'call?' from regexp_matches(p_query, '([\w$]+)"?\s*(?=/\*|--)', 'g') as m
             union
            select lower(m[1]), 'field?' from regexp_matches(p_query, '(?:\.|\*/|[\n\r])\s*"?([\w$]+)', 'g') as m) as w
      join pg_catalog.pg_proc as p
        on p.proname = w.word and (w.is = 'call' or has_function_privilege('sms_audience', p.oid, 'execute'))
       and (w.is <> 'field?' or p.pronargs - p.pronargdefaults <= 1 and p.pronargs > 0)
     where has_schema_privilege('sms_audience', p.pronamespace, 'usage')
     group by p.proname
    having not exists (select from sms.select_functions(array_agg(p.oid)) as f where f.problem is null)
     limit 1;
    if found then
        raise exception 'audiences may not call %', _name using errcode = 'SM031', hint = 'They only compute: the list is sms.audience_function.';
    end if;
end
$_$;

COMMENT ON FUNCTION sms.refuse_unlisted_words(p_query text) IS 'Error SM031 where a text names a catalog, or calls by name what no audience may.';

-- FUNCTION refuse_unreleased(sms.campaign, text)

CREATE FUNCTION sms.refuse_unreleased(p_campaign sms.campaign, p_run_channel text DEFAULT NULL::text) RETURNS void
    LANGUAGE plpgsql STABLE
    AS $$
begin
    if not sms.is_released(p_campaign, p_run_channel) then
        raise exception 'campaign "%" needs a release%', p_campaign.campaign,
              case when p_campaign.released_at is null then '' else ': it, its text or its audience changed since the last one' end
            using errcode = 'SM044',
                  hint = 'Somebody else than its authors calls sms.release_campaign. They are: '
                         || array_to_string(sms.campaign_authors(p_campaign), ', ') || '.';
    end if;
end
$$;

COMMENT ON FUNCTION sms.refuse_unreleased(p_campaign sms.campaign, p_run_channel text) IS 'Error SM044 where a campaign needs a release that its present contents do not have.';

-- FUNCTION refuse_unsafe_select(text)

CREATE FUNCTION sms.refuse_unsafe_select(p_query text) RETURNS TABLE(columns text[], types regtype[], planned_cost double precision)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET standard_conforming_strings TO 'on'
    AS $$
declare
    _before text := sms.session_state();
    _parsed record;
begin
    perform sms.refuse_open_reader();
    perform sms.refuse_strangers(p_query);
    begin
        perform sms_audience.analyse_select(p_query);
        select p.* into _parsed from sms_audience.parse_select(p_query) as p;
        perform sms.refuse_unlisted(_parsed.relations, _parsed.functions, _parsed.kinds, _parsed.nodes, _parsed.other, _parsed.locks);
        perform sms.refuse_unlisted_words(p_query);   -- as when it is run: nothing is saved that will not run
        planned_cost := sms_audience.plan_select(p_query);
    exception
        when insufficient_privilege then
            raise exception 'the SELECT reads what audiences may not: %', sqlerrm using errcode = 'SM031',
                hint = 'Audiences read what is granted to sms_audience (and for its schema to sms_parser too).';
        when read_only_sql_transaction then
            if current_setting('transaction_read_only') = 'on' then
                raise exception 'saving needs a transaction that may write' using errcode = 'SM031', hint = 'Begin it with: begin read write.';
            end if;
            raise exception 'the audience must be one SELECT: %', sqlerrm using errcode = 'SM031';
        when invalid_cursor_definition or feature_not_supported or syntax_error or invalid_table_definition or duplicate_column then
            raise exception 'the audience must be one SELECT with named columns: %', sqlerrm using errcode = 'SM031',
                hint = 'Like: select client_id, phone from erp.client where city = ''Москва''.';
        when syntax_error_or_access_rule_violation or invalid_schema_name then
            raise exception 'the SELECT cannot be run: %', sqlerrm using errcode = 'SM031';
        when others then
            if sqlstate like 'SM%' then
                raise;
            end if;
            raise exception 'the SELECT cannot be run: % (%)', sqlerrm, sqlstate using errcode = 'SM031';
    end;
    perform sms.refuse_changed_session(_before);
    columns := _parsed.columns;
    types := _parsed.types;
    return next;
end
$$;

COMMENT ON FUNCTION sms.refuse_unsafe_select(p_query text) IS 'Error SM031 where a SELECT is not safe to run; else its columns and planned cost.';

-- FUNCTION refuse_waiver(sms.campaign, sms.campaign)

CREATE FUNCTION sms.refuse_waiver(p_old sms.campaign, p_new sms.campaign) RETURNS void
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if session_user = any (sms.campaign_authors(p_old)) then
        raise exception 'campaign "%", its text or its audience was written by you: somebody else must waive its release', p_old.campaign
            using errcode = 'SM045';
    end if;
    if to_jsonb(p_old) - array['needs_release', 'changed_at', 'changed_by']
       is distinct from to_jsonb(p_new) - array['needs_release', 'changed_at', 'changed_by'] then
        raise exception 'the release of campaign "%" is waived alone: change nothing else with it', p_old.campaign using errcode = 'SM045';
    end if;
end
$$;

COMMENT ON FUNCTION sms.refuse_waiver(p_old sms.campaign, p_new sms.campaign) IS 'Error SM045 where somebody may not waive the release that a campaign needs.';

-- FUNCTION region_zones(text)

CREATE FUNCTION sms.region_zones(p_region text) RETURNS text[]
    LANGUAGE sql STABLE STRICT
    AS $$
    select case when bool_and(u.zone is not null) then array_agg(u.zone order by u.region, u.place) end
      from (select z.zone, min(s.region) as region, min(z.place) as place
              from string_to_table(regexp_replace(p_region, '^.*\|', ''), ', ') as s (region)
              left join sms.region_timezone as r on r.region in (trim(s.region), 'Город ' || trim(s.region))
              left join lateral unnest(r.time_zone || r.other_time_zones) with ordinality as z (zone, place) on true
             group by z.zone) as u
$$;

COMMENT ON FUNCTION sms.region_zones(p_region text) IS 'Time zones of a place as the numbering plan names it, main zone first; null when unknown.';

-- FUNCTION release_campaign(bigint)

CREATE FUNCTION sms.release_campaign(p_campaign_id bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _campaign sms.campaign;
    _authors text[];
begin
    select * into _campaign from sms.campaign as c where c.campaign_id = sms.known_campaign(p_campaign_id) for update;
    _authors := sms.campaign_authors(_campaign);
    if session_user = any (_authors) then
        raise exception 'campaign "%", its text or its audience was written by "%": somebody else must release it',
              _campaign.campaign, session_user
            using errcode = 'SM045', hint = 'Those who wrote it: ' || array_to_string(_authors, ', ') || '.';
    end if;
    update sms.campaign as c
       set released_at = clock_timestamp(), released_by = session_user, released_digest = sms.campaign_digest(_campaign),
           writers = '{}'
     where c.campaign_id = _campaign.campaign_id;
    perform sms.log_activity('released', 'campaign', _campaign.campaign,
                             jsonb_build_object('held', sms.let_go_on(_campaign.campaign_id, true)));
end
$$;

COMMENT ON FUNCTION sms.release_campaign(p_campaign_id bigint) IS 'Four eyes: release a campaign as it is now; refused to whoever wrote it.';

-- FUNCTION release_campaign(text)

CREATE FUNCTION sms.release_campaign(p_campaign text) RETURNS void
    LANGUAGE sql
    AS $$ select sms.release_campaign(sms.find_campaign(p_campaign)) $$;

COMMENT ON FUNCTION sms.release_campaign(p_campaign text) IS 'Four eyes: release a campaign as it is now; refused to whoever wrote it.';

-- FUNCTION release_queued(bigint)

CREATE FUNCTION sms.release_queued(p_campaign_id bigint) RETURNS integer
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    AS $$
declare
    _back int;
    _urgent boolean;
    _bulk boolean;
begin
    with back as (
        update sms.pending as p
           set not_before = p.not_before - sms.hold_span()
         where p.campaign_id = p_campaign_id and p.not_before >= timestamptz '3000-01-01 00:00Z'
           and p.not_before > p.expires_at
     returning p.priority
    )
    select count(*), bool_or(b.priority = 0), bool_or(b.priority > 0) into _back, _urgent, _bulk from back as b;
    perform sms.wake(coalesce(_urgent, false), coalesce(_bulk, false));
    return _back;
end
$$;

COMMENT ON FUNCTION sms.release_queued(p_campaign_id bigint) IS 'Bring back what a pause put off, each message to its own moment; how many.';

-- FUNCTION remap_receipts(timestamp with time zone, boolean, text, timestamp with time zone, bigint, integer)

CREATE FUNCTION sms.remap_receipts(p_since timestamp with time zone, p_apply boolean DEFAULT false, p_adapter text DEFAULT NULL::text, p_until timestamp with time zone DEFAULT NULL::timestamp with time zone, p_after bigint DEFAULT NULL::bigint, p_limit integer DEFAULT 5000) RETURNS TABLE(receipts integer, messages integer, changes jsonb, last_receipt_id bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
#variable_conflict use_column
declare
    _now timestamptz := clock_timestamp();
    _from bigint := greatest(sms.id_at(p_since) - 1, p_after);
    _end bigint := sms.id_at(coalesce(p_until, _now));
    _to bigint := least(_from + (3600000::bigint << 22), _end);
    _receipts bigint[];
    _tids tid[];
    _states text[];
    _ids bigint[];
    _moved bigint[];
    _new text[];
    _errors text[];
begin
    if p_adapter is not null and not exists (select from sms.receipt_code as m where m.adapter = p_adapter) then
        raise exception 'unknown adapter "%"', p_adapter
            using errcode = 'SM055',
                  hint = 'Adapters with codes: ' || (select string_agg(distinct m.adapter, ', ') from sms.receipt_code as m) || '.';
    end if;
    select array_agg(r.receipt_id), array_agg(r.tid), array_agg(r.state), array_agg(distinct r.id) filter (where r.id is not null)
      into _receipts, _tids, _states, _ids
      from (select x.receipt_id, x.ctid as tid, m.state, coalesce(x.message_id, g.message_id) as id
              from sms.receipt as x
              join sms.provider as v on v.provider_id = x.provider_id and (p_adapter is null or v.adapter = p_adapter)
              left join sms.receipt_code as m on m.adapter = v.adapter and m.code = x.code
              left join lateral (select y.message_id from sms.receipt_match as y
                                  where x.message_id is null and y.receipt_id = x.receipt_id limit 1) as g on true
             where x.receipt_id > _from and x.receipt_id <= _to and m.state is distinct from x.state
             order by x.receipt_id
             limit p_limit) as r;
    receipts := coalesce(cardinality(_receipts), 0);
    last_receipt_id := case when receipts = p_limit then (select max(i) from unnest(_receipts) as i) when _to < _end then _to end;

    perform from sms.outcome as o where p_apply and o.id = any (_ids) order by o.id for update;
    select array_agg(c.id order by c.id), array_agg(c.new_state order by c.id), array_agg(c.error order by c.id)
      into _moved, _new, _errors from sms.recompute_states(_ids) as c;
    messages := coalesce(cardinality(_moved), 0);
    select jsonb_object_agg(c.move, c.n) into changes
      from (select o.state || ' → ' || g.state as move, count(*) as n
              from unnest(_moved, _new) as g (id, state)
              join sms.outcome as o on o.id = g.id
             group by 1) as c;
    if p_apply then
        perform sms.move_remapped(_moved, _new, _errors, _now);
        perform sms.recompute_parts(_ids);
        delete from sms.unmatched_receipt as u where u.receipt_id = any (_receipts);
        insert into sms.unmatched_receipt (receipt_id, received_at, message_id, provider_id, provider_ref, code, state, error)
        select r.receipt_id, r.received_at, r.message_id, r.provider_id, r.provider_ref, r.code, g.state, r.error
          from unnest(_receipts, _tids, _states) as g (receipt_id, tid, state)
          join sms.receipt as r on r.ctid = g.tid and r.receipt_id = g.receipt_id
         where g.state is not null and num_nonnulls(r.message_id, r.provider_ref) > 0
           and not exists (select from sms.outcome as o where o.id = r.message_id)
           and not exists (select from sms.receipt_match as m where m.receipt_id = r.receipt_id);
        update sms.receipt as r
           set state = g.state
          from unnest(_receipts, _tids, _states) as g (receipt_id, tid, state)
         where r.ctid = g.tid and r.receipt_id = g.receipt_id;
        if messages > 0 then
            perform sms.log_activity('remapped', 'receipt', coalesce(p_adapter, 'all'),
                                     jsonb_build_object('messages', messages, 'receipts', receipts, 'changes', changes));
        end if;
    end if;
    return next;
end
$$;

COMMENT ON FUNCTION sms.remap_receipts(p_since timestamp with time zone, p_apply boolean, p_adapter text, p_until timestamp with time zone, p_after bigint, p_limit integer) IS 'Recompute history after sms.receipt_code was corrected, a bounded batch a call; p_apply => false only tells.';

-- FUNCTION remove_audience(text)

CREATE FUNCTION sms.remove_audience(p_audience text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    update sms.audience as a set removed_at = clock_timestamp() where a.audience = p_audience and a.removed_at is null;
    if not found then
        raise exception 'there is no audience %', quote_literal(coalesce(p_audience, '')) using errcode = 'SM030';
    end if;
end
$$;

COMMENT ON FUNCTION sms.remove_audience(p_audience text) IS 'Take an audience out of use; its history stays.';

-- FUNCTION remove_event_rule(text)

CREATE FUNCTION sms.remove_event_rule(p_rule text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _rule_id int;
    _planned int;
begin
    select r.rule_id into _rule_id from sms.event_rule as r where r.event_rule = p_rule and r.removed_at is null for update;
    if not found then
        raise exception 'unknown event rule "%"', p_rule
            using errcode = 'SM053',
                  hint = 'Rules: ' || coalesce((select string_agg(r.event_rule, ', ' order by r.event_rule) from sms.event_rule as r
                                                 where r.removed_at is null), 'none yet') || '.';
    end if;
    select count(*) into _planned from sms.event_plan as p where p.rule_id = _rule_id and p.message_id is null;
    update sms.event_rule as r set removed_at = clock_timestamp() where r.rule_id = _rule_id;
    perform sms.log_activity('removed', 'event_rule', p_rule, jsonb_build_object('planned', _planned));
    return _planned;
end
$$;

COMMENT ON FUNCTION sms.remove_event_rule(p_rule text) IS 'Remove an event rule; what it planned is dropped, how many that were.';

-- FUNCTION remove_route(text, text)

CREATE FUNCTION sms.remove_route(p_channel text, p_operator text DEFAULT NULL::text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _lanes smallint[] := sms.lanes_of(p_channel, p_operator);
    _removed int;
begin
    delete from sms.route as r
     where r.channel_id in (select l.channel_id from sms.lane as l where l.lane_id = any (_lanes))
       and r.operator_id is not distinct from (select o.operator_id from sms.operator as o where o.operator = p_operator);
    get diagnostics _removed = row_count;
    if _removed = 0 then
        raise exception 'no such route: %', concat_ws(' to ', p_channel, p_operator)
            using errcode = 'SM060', hint = 'See them with sms.list_routes() or: outbox route list.';
    end if;
    perform sms.point_lanes(clock_timestamp(), _lanes);
    perform sms.log_activity('removed', 'route', p_channel, jsonb_strip_nulls(jsonb_build_object('operator', p_operator)));
    return _removed;
end
$$;

COMMENT ON FUNCTION sms.remove_route(p_channel text, p_operator text) IS 'Remove a route; its lanes stay where they are.';

-- FUNCTION render(text, jsonb)

CREATE FUNCTION sms.render(p_body text, p_vars jsonb) RETURNS text
    LANGUAGE plpgsql STABLE
    AS $$
declare
    _piece text;
    _text text;
    _end int;
    _bar int;
    _value text;
begin
    foreach _piece in array string_to_array(coalesce(p_body, ''), '{{') loop
        if _text is null then
            _text := _piece;   -- what stands before the first variable
            continue;
        end if;
        _end := strpos(_piece, '}}');
        if _end = 0 then
            _text := _text || '{{' || _piece;
            continue;
        end if;
        _bar := strpos(_piece, '|');
        if _bar > 0 and _bar < _end then
            _value := coalesce(p_vars ->> btrim(left(_piece, _bar - 1)), substr(_piece, _bar + 1, _end - _bar - 1));
        else
            _value := p_vars ->> btrim(left(_piece, _end - 1));
        end if;
        if _value is null then
            return null;
        end if;
        _text := _text || _value || substr(_piece, _end + 2);
    end loop;
    return coalesce(_text, p_body);
end
$$;

COMMENT ON FUNCTION sms.render(p_body text, p_vars jsonb) IS 'Fill {{variable}} and {{variable|default}} from a flat JSON object; null when a variable is missing.';

-- FUNCTION replace_numbering()

CREATE FUNCTION sms.replace_numbering(OUT ranges integer, OUT numbers bigint, OUT added bigint, OUT removed bigint, OUT changed_operator bigint, OUT changed_zone bigint, OUT unchanged bigint, OUT unknown_regions text[]) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _lines int[];
begin
    lock table sms.number_range in share row exclusive mode;
    if not exists (select from sms.number_range_staging) then
        raise exception 'there is no numbering file to put in place' using errcode = 'SM013',
            hint = 'Copy it into sms.number_range_staging first, as "outbox import numbering FILE" does.';
    end if;
    select array[o.line_no, o.earlier] into _lines
      from (select s.line_no, s.lo, max(s.hi) over w as reached, lag(s.line_no) over w as earlier
              from sms.number_range_staging as s
            window w as (order by s.lo, s.hi rows between unbounded preceding and 1 preceding)) as o
     where o.lo <= o.reached
     limit 1;
    if found then
        raise exception 'the ranges of lines % and % overlap', _lines[2], _lines[1] using errcode = 'SM014';
    end if;

    -- Regions of several zones get a row that stands for all of them. A zone that sms.time_zone does not know would break
    -- every later look at the clock, so its regions count as unknown.
    insert into sms.time_zone (name, members)
    select distinct array_to_string(p.zones, '+'), p.zones
      from (select sms.region_zones(s.region) as zones
              from (select distinct s.region from sms.number_range_staging as s) as s) as p
     where cardinality(p.zones) > 1
       and p.zones <@ (select array_agg(z.name) from sms.time_zone as z)
       and not exists (select from sms.time_zone as z where z.name = array_to_string(p.zones, '+'));

    select count(*), coalesce(array_agg(distinct s.region) filter (where s.zone_id = 0), '{}')
      into ranges, unknown_regions
      from sms.staged_ranges() as s;
    select c.numbers, c.added, c.removed, c.changed_operator, c.changed_zone, c.unchanged
      into numbers, added, removed, changed_operator, changed_zone, unchanged
      from sms.numbering_changes() as c;

    delete from sms.number_range as r
     where not exists (select from sms.staged_ranges() as s where s = r);
    insert into sms.number_range
    select s.* from sms.staged_ranges() as s
     where not exists (select from sms.number_range as r where r.lo = s.lo);

    truncate sms.number_range_staging;
    analyze sms.number_range;
end
$$;

COMMENT ON FUNCTION sms.replace_numbering(OUT ranges integer, OUT numbers bigint, OUT added bigint, OUT removed bigint, OUT changed_operator bigint, OUT changed_zone bigint, OUT unchanged bigint, OUT unknown_regions text[]) IS 'Replace the numbering plan by the staged file in one step; counts of numbers added, removed and changed.';

-- FUNCTION replan_event_rule()

CREATE FUNCTION sms.replan_event_rule() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _now timestamptz := clock_timestamp();
begin
    if new.removed_at is not null and old.removed_at is null then
        with gone as (
            delete from sms.event_plan as p where p.rule_id = new.rule_id and p.message_id is null returning p.event_id
        )
        insert into sms.event_effect (event_id, rule_id, decided_at, outcome, note)
        select g.event_id, new.rule_id, _now, 'none', 'the rule was removed by ' || session_user from gone as g;
    elsif (new.date_variable, new.shift, new.at_local) is distinct from (old.date_variable, old.shift, old.at_local) then
        update sms.event_plan as p set look_at = _now where p.rule_id = new.rule_id and p.message_id is null;
    end if;
    return null;
end
$$;

COMMENT ON FUNCTION sms.replan_event_rule() IS 'Trigger: what a changed event rule planned is worked out again; of a removed one dropped.';

-- FUNCTION report(timestamp with time zone, timestamp with time zone)

CREATE FUNCTION sms.report(p_from timestamp with time zone, p_until timestamp with time zone) RETURNS TABLE(state text, reason text, messages bigint, segments bigint, cost numeric, accept_p50 interval, accept_p95 interval, final_p50 interval, final_p95 interval)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select m.state, m.reason, count(*), coalesce(sum(m.segments), 0), sum(m.cost),
           percentile_cont(0.5) within group (order by m.submitted_at - m.created_at),
           percentile_cont(0.95) within group (order by m.submitted_at - m.created_at),
           percentile_cont(0.5) within group (order by m.final_at - m.submitted_at),
           percentile_cont(0.95) within group (order by m.final_at - m.submitted_at)
      from sms.message as m
     where m.id >= sms.id_at(p_from) and m.id < sms.id_at(p_until)
     group by m.state, m.reason
     order by count(*) desc, m.state, m.reason
$$;

COMMENT ON FUNCTION sms.report(p_from timestamp with time zone, p_until timestamp with time zone) IS 'Messages of a span by state and reason: counts, segments, money, times to hand-over and to final state.';

-- FUNCTION report_health(text, jsonb, timestamp with time zone)

CREATE FUNCTION sms.report_health(p_worker text, p_reports jsonb, p_as_of timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    insert into sms.provider_tally as t (
               provider_id, worker, epoch, bucket_at, reported_at, accepted, rejected, failed, throttled, unanswered, slow, troubles,
               outstanding, overdue, silence, failing, failing_for, times, max_ms)
    select p.provider_id, p_worker, r.epoch, date_bin('2 seconds', n.now, '2020-01-01 00:00Z'), n.now, coalesce(r.accepted, 0),
           coalesce(r.rejected, 0), coalesce(r.failed, 0), coalesce(r.throttled, 0), coalesce(r.unanswered, 0), coalesce(r.slow, 0),
           coalesce(r.troubles, 0), coalesce(r.outstanding, 0), coalesce(r.overdue, 0),
           make_interval(secs => coalesce(r.silence_s, 0)), coalesce(r.failing, 0), make_interval(secs => coalesce(r.failing_s, 0)),
           coalesce(r.times, '{}'), coalesce(r.max_ms, 0)
      from (select coalesce(sms.named_moment(p_as_of), clock_timestamp()) as now) as n
      cross join jsonb_to_recordset(p_reports) as r (
               provider text, epoch int, accepted int, rejected int, failed int, throttled int, unanswered int, slow int, troubles int,
               outstanding int, overdue int, silence_s float8, failing int, failing_s float8, times int[], max_ms int)
      join sms.provider as p on p.provider = r.provider
     order by p.provider_id, r.epoch
        on conflict (provider_id, bucket_at, worker, epoch) do update
       set reported_at = excluded.reported_at,
           accepted = t.accepted + excluded.accepted,
           rejected = t.rejected + excluded.rejected,
           failed = t.failed + excluded.failed,
           throttled = t.throttled + excluded.throttled,
           unanswered = t.unanswered + excluded.unanswered,
           slow = t.slow + excluded.slow,
           troubles = t.troubles + excluded.troubles,
           outstanding = excluded.outstanding,
           overdue = excluded.overdue,
           silence = excluded.silence,
           failing = excluded.failing,
           failing_for = excluded.failing_for,
           times = array(select coalesce(x.old, 0) + coalesce(x.new, 0)
                           from unnest(t.times, excluded.times) with ordinality as x (old, new, n) order by x.n),
           max_ms = greatest(t.max_ms, excluded.max_ms)
$$;

COMMENT ON FUNCTION sms.report_health(p_worker text, p_reports jsonb, p_as_of timestamp with time zone) IS 'Worker API. Add a worker''s counts of the last second to sms.provider_tally.';

-- FUNCTION resolve_uncertain(bigint[], text, text, text)

CREATE FUNCTION sms.resolve_uncertain(p_ids bigint[], p_verdict text, p_detail text DEFAULT NULL::text, p_decided_by text DEFAULT 'a person'::text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
declare
    _now timestamptz := clock_timestamp();
    _resolved bigint[];
begin
    if p_verdict in ('resend', 'absent') then
        with gone as materialized (
            delete from sms.outcome as o where o.id = any (p_ids) and o.state = 'uncertain' returning o.*
        ), back as (
            insert into sms.pending (id, msisdn, not_before, expires_at, dedup_key, ref_hash, client_id, campaign_id,
                                     template_version_id, lane_id, zone_id, priority, attempt)
            select c.id, c.msisdn, _now, c.expires_at, c.dedup_key, c.ref_hash, c.client_id, c.campaign_id,
                   c.template_version_id, c.lane_id, g.zone_id, c.priority, g.attempts
              from gone as g
              join unnest(sms.candidates(p_ids)) as c on c.id = g.id
        ), carried as (
            insert into sms.earlier_carrier (message_id, provider_id)
            select g.id, g.provider_id from gone as g where g.provider_id is not null
                on conflict do nothing
        ), unspent as (
            insert into sms.spend (day, channel_id, campaign_id, amount)
            select (g.submitted_at at time zone sms.statistics_zone())::date, l.channel_id, g.campaign_id, -sum(g.cost)
              from gone as g
              join sms.lane as l on l.lane_id = g.lane_id
             where g.cost > 0
             group by 1, 2, 3
        ), returned as (
            delete from sms.contact_log as l
             using gone as g
             cross join lateral (select max(x.at) as at
                                   from sms.contact_log as x
                                  where x.msisdn = g.msisdn and x.at between g.decided_at - interval '1 day' and g.decided_at
                                    and x.message_id = g.id) as m
             where p_verdict = 'absent' and l.msisdn = g.msisdn and l.at = m.at and l.message_id = g.id
        )
        select array_agg(g.id) into _resolved from gone as g;
    elsif p_verdict in ('accepted', 'give_up') then
        with decided as (
            update sms.outcome as o
               set state = case p_verdict when 'accepted' then 'accepted' else 'failed' end,
                   reason = case p_verdict when 'give_up' then 'gave_up' end,
                   final_at = case p_verdict when 'give_up' then _now end,
                   detail = coalesce(p_detail, o.detail)
             where o.id = any (p_ids) and o.state = 'uncertain'
         returning o.id, o.provider_id
        ), watched as (
            insert into sms.overdue (id, provider_id, ref, next_poll_at)
            select d.id, d.provider_id, x.ref, _now
              from decided as d
              join sms.provider_asking as a on a.provider_id = d.provider_id and a.collected_until is not null
              left join sms.doubtful as x on x.id = d.id
             where p_verdict = 'accepted'
                on conflict (id) do nothing
        )
        select array_agg(d.id) into _resolved from decided as d;
    else
        raise exception 'unknown verdict "%"', p_verdict
            using errcode = 'SM005', hint = 'Verdicts: accepted, resend, absent, give_up.';
    end if;
    if _resolved is null then
        return 0;
    end if;
    -- Now, so that a row of the next doubt about the same message is never taken for one of this.
    delete from sms.doubtful as d where d.id = any (_resolved);
    if p_verdict in ('resend', 'absent') then
        perform sms.sweep_campaigns();
    end if;
    perform sms.log_activity('resolved', 'message',
        case when cardinality(_resolved) = 1 then _resolved[1]::text else cardinality(_resolved) || ' messages' end,
        jsonb_strip_nulls(jsonb_build_object('verdict', p_verdict, 'messages', cardinality(_resolved), 'decided_by', p_decided_by,
            'note', p_detail, 'ids', (select jsonb_agg(i::text) from unnest(_resolved[:100]) as i))));
    return cardinality(_resolved);
end
$$;

COMMENT ON FUNCTION sms.resolve_uncertain(p_ids bigint[], p_verdict text, p_detail text, p_decided_by text) IS 'Decide uncertain messages: accepted, resend, absent (resend, and the reservation given back) or give_up; returns how many were decided.';

-- FUNCTION respell(text, text)

CREATE FUNCTION sms.respell(p_text text, p_kind text) RETURNS text
    LANGUAGE sql STABLE
    AS $_$
    with piece as (   -- words and what is between them
        select m.found[1] as piece, m.n
          from regexp_matches(p_text, '([A-Za-zА-Яа-яЁёІіЅѕЈ]+|[^A-Za-zА-Яа-яЁёІіЅѕЈ]+)', 'g') with ordinality as m (found, n)
    ), told as (
        select p.piece, p.n,
               p_kind <> 'lookalike'
               or (p.piece ~ '[A-Za-z]' or c.is_mostly_latin)
                  and not exists (select from regexp_split_to_table(p.piece, '') as k
                                   where k ~ '[А-Яа-яЁёІіЅѕЈ]'
                                     and not exists (select from sms.spelling as s where s.kind = 'lookalike' and s.character = k)) as changes
          from piece as p
          cross join (select length(regexp_replace(p_text, '[^A-Za-z]', '', 'g'))
                             > 3 * length(regexp_replace(p_text, '[^А-Яа-яЁёІіЅѕЈ]', '', 'g')) as is_mostly_latin) as c
    )
    select coalesce(string_agg(case when t.changes then w.word else t.piece end, '' order by t.n), '')
      from told as t
      cross join lateral (
               select string_agg(case when s.spelled is null then k.character
                                      when length(s.spelled) > 1 and p_kind = 'transliteration' and k.character = upper(s.character)
                                           and (k.following ~ '[А-ЯЁ]' or t.piece ~ '^[А-ЯЁ]{2,}$') and k.character ~ '[А-ЯЁ]'
                                      then upper(s.spelled)
                                      else s.spelled end, '' order by k.place) as word
                 from (select x.character, x.place, lead(x.character) over (order by x.place) as following
                         from regexp_split_to_table(t.piece, '') with ordinality as x (character, place)) as k
                 left join sms.spelling as s on s.kind = p_kind and s.character = k.character
           ) as w
$_$;

COMMENT ON FUNCTION sms.respell(p_text text, p_kind text) IS 'A text with the characters of one kind of sms.spelling written otherwise.';

-- FUNCTION respelled(text, text)

CREATE FUNCTION sms.respelled(p_text text, p_kind text) RETURNS text
    LANGUAGE sql STABLE
    AS $$
    select case p_kind
        when 'lookalike' then
            (select string_agg(distinct quote_literal(b.word) || ' has Cyrillic letters that look Latin', ', ')
               from regexp_split_to_table(p_text, '[^A-Za-zА-Яа-яЁёІіЅѕЈ]+') with ordinality as b (word, n)
               join regexp_split_to_table(sms.respell(p_text, 'lookalike'), '[^A-Za-zА-Яа-яЁёІіЅѕЈ]+') with ordinality as a (word, n)
                 on a.n = b.n and a.word <> b.word)
        when 'transliteration' then
            'Cyrillic in Latin letters: it reads differently, names above all, and an operator may price a changed text differently'
        else
            (select string_agg(c.said, ', ' order by c.times desc, c.said)
               from (select count(*) as times,
                            s.title || ' → ' || case s.spelled when '' then 'nothing' when ' ' then 'space' else s.spelled end as said
                       from regexp_split_to_table(p_text, '') as k (character)
                       join sms.spelling as s on s.kind = p_kind and s.character = k.character
                      group by s.title, s.spelled) as c)
    end
$$;

COMMENT ON FUNCTION sms.respelled(p_text text, p_kind text) IS 'What respelling a text changes, in words.';

-- FUNCTION resume_campaign(bigint)

CREATE FUNCTION sms.resume_campaign(p_campaign_id bigint) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _back int;
begin
    perform sms.refuse_unreleased(c, r.channel)
       from sms.open_runs(p_campaign_id, array['paused'], 'resumed') as r
       join sms.campaign as c on c.campaign_id = r.campaign_id;
    _back := sms.let_go_on(p_campaign_id, false);
    perform sms.log_activity('resumed', 'campaign', (select c.campaign from sms.campaign as c where c.campaign_id = p_campaign_id),
                             jsonb_build_object('held', _back));
    return _back;
end
$$;

COMMENT ON FUNCTION sms.resume_campaign(p_campaign_id bigint) IS 'Resume a paused campaign; how many held messages are due again.';

-- FUNCTION resume_campaign(text)

CREATE FUNCTION sms.resume_campaign(p_campaign text) RETURNS integer
    LANGUAGE sql
    AS $$ select sms.resume_campaign(sms.find_campaign(p_campaign)) $$;

COMMENT ON FUNCTION sms.resume_campaign(p_campaign text) IS 'Resume a paused campaign; how many held messages are due again.';

-- FUNCTION retention(text)

CREATE FUNCTION sms.retention(p_table text) RETURNS interval
    LANGUAGE sql STABLE
    AS $$
    select case when coalesce(s.months, 0) <= 0 then interval '1000 years'
                else make_interval(months => greatest(s.months, case p_table when 'contact_log' then 13 when 'number_trouble' then 14 else 1 end)) end
      from (select coalesce(max(nullif(x.value, '')::int) filter (where x.setting <> 'retention_months'),
                            max(x.value::int) filter (where x.setting = 'retention_months')) as months
              from sms.setting as x
             where x.setting in ('retention_months',
                                 'retention_months.' || case p_table when 'event_effect' then 'event' else p_table end)) as s
$$;

COMMENT ON FUNCTION sms.retention(p_table text) IS 'How long a table''s rows are kept.';

-- FUNCTION retry_at(timestamp with time zone, interval, integer, integer)

CREATE FUNCTION sms.retry_at(p_now timestamp with time zone, p_base interval, p_attempt integer, p_after_s integer) RETURNS timestamp with time zone
    LANGUAGE sql
    AS $$
    select p_now + case when p_after_s is not null then make_interval(secs => p_after_s)
                        else least(p_base * power(2, least(p_attempt - 1, 12)), interval '1 hour') * (1 + random() / 4) end
$$;

COMMENT ON FUNCTION sms.retry_at(p_now timestamp with time zone, p_base interval, p_attempt integer, p_after_s integer) IS 'Moment of the next attempt: the provider''s wish, or exponential with jitter, at most an hour.';

-- FUNCTION roll_up_statistics(integer, timestamp with time zone)

CREATE FUNCTION sms.roll_up_statistics(p_limit integer DEFAULT 50, p_as_of timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    SET jit TO 'off'
    AS $$
declare
    _now timestamptz := coalesce(sms.named_moment(p_as_of), clock_timestamp());
    _hours int[];
    _months date[];
    _kept_since bigint := (select min(sms.id_at(m.month)) from sms.partition_months('outbox') as m);
begin
    perform pg_advisory_xact_lock(74020, 13);
    _hours := array(select distinct d.hour_no from sms.stat_dirty as d order by 1 desc limit p_limit);
    delete from sms.stat_dirty as d where d.hour_no = any (_hours);
    perform sms.count_hour(h) from unnest(_hours) as h
      where (h::bigint * 3600000) << 22 >= _kept_since;
    perform sms.count_day(d.day)
       from (select distinct (sms.stat_hour_at(h) at time zone sms.statistics_zone())::date as day from unnest(_hours) as h
              where (h::bigint * 3600000) << 22 >= _kept_since) as d
      where d.day::timestamp at time zone sms.statistics_zone() >= least(sms.id_time(_kept_since), sms.statistics_hours_since());
    _months := array(select distinct date_trunc('month', sms.stat_hour_at(h) at time zone sms.statistics_zone())::date
                       from unnest(_hours) as h);
    perform sms.count_volume(m) from unnest(_months) as m;
    delete from sms.stat_month as s where s.month = any (_months);
    perform sms.count_month(k.month)
       from (select v.month
               from sms.month_volume as v
              where v.month < date_trunc('month', _now at time zone sms.statistics_zone())
                and not exists (select from sms.stat_month as s where s.month = v.month)
              group by v.month
             having max(v.counted_at) < _now - interval '1 hour'
              order by v.month desc
              limit 1) as k;
    delete from sms.stat_hour as s where s.hour < sms.statistics_hours_since();
    delete from sms.stat_region_hour as s where s.hour < sms.statistics_hours_since();
    return cardinality(_hours);
end
$$;

COMMENT ON FUNCTION sms.roll_up_statistics(p_limit integer, p_as_of timestamp with time zone) IS 'Chore. Count again the hours in which something changed; returns how many.';

-- FUNCTION rule_blacklist(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.rule_blacklist(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS SETOF sms.finding
    LANGUAGE sql STABLE
    AS $$
    with few as materialized (
        select b.blacklist_id, b.prefix, b.reason, b.category, b.channel, b.source, b.created_at, b.expires_at
          from sms.blacklist as b
         where b.prefix is not null
         limit 200
    ), hit as (
        select c.id, c.channel_id, x.blacklist_id, x.prefix, null::int as group_id, x.reason, x.category, x.channel, x.source
          from unnest(p_batch) as c
          cross join lateral (
                   select b.blacklist_id, b.prefix, b.reason, b.category, b.channel, b.source
                     from sms.blacklist as b
                    where b.msisdn = c.msisdn
                      and b.created_at <= p_as_of and (b.expires_at is null or b.expires_at > p_as_of)
                   offset 0
               ) as x
         union all
        select c.id, c.channel_id, f.blacklist_id, f.prefix, null, f.reason, f.category, f.channel, f.source
          from (select distinct length(e.prefix) as length from few as e) as k
          cross join unnest(p_batch) as c
          join few as f on f.prefix = left(c.msisdn::text, k.length)
         where (select count(*) < 200 from few)
           and f.created_at <= p_as_of and (f.expires_at is null or f.expires_at > p_as_of)
         union all
        select c.id, c.channel_id, x.blacklist_id, x.prefix, null, x.reason, x.category, x.channel, x.source
          from (select n as length from generate_series(1, 15) as n
                 where exists (select from sms.blacklist as e where e.prefix is not null and length(e.prefix) = n)) as k
          cross join unnest(p_batch) as c
          cross join lateral (
                   select b.blacklist_id, b.prefix, b.reason, b.category, b.channel, b.source
                     from sms.blacklist as b
                    where b.prefix is not null and length(b.prefix) = k.length and b.prefix = left(c.msisdn::text, k.length)
                      and b.created_at <= p_as_of and (b.expires_at is null or b.expires_at > p_as_of)
                   offset 0
               ) as x
         where (select count(*) = 200 from few)
         union all
        select c.id, c.channel_id, b.blacklist_id, null, b.group_id, b.reason, b.category, b.channel, b.source
          from unnest(p_batch) as c
          cross join lateral (
                   select m.group_id from sms.recipient_group_member as m where m.msisdn = c.msisdn
                    union all
                   select m.group_id from sms.recipient_group_member as m where m.client_id = c.client_id
                   offset 0
               ) as g
          cross join lateral (
                   select x.blacklist_id, x.group_id, x.reason, x.category, x.channel, x.source
                     from sms.blacklist as x
                    where x.group_id = g.group_id
                      and x.created_at <= p_as_of and (x.expires_at is null or x.expires_at > p_as_of)
                   offset 0
               ) as b
         where exists (select from sms.blacklist as e where e.group_id is not null)
    )
    select distinct on (h.id) h.id, 20::smallint, 'suppress', 'blacklist',
           'blacklist row ' || h.blacklist_id || coalesce(' (prefix ' || h.prefix || ')', '')
               || coalesce(' (group ' || (select r.recipient_group from sms.recipient_group as r where r.group_id = h.group_id) || ')', '')
               || ': ' || h.reason, null::timestamptz
      from hit as h
      left join sms.channel as ch on ch.channel_id = h.channel_id
     where (h.category is null or h.category is not distinct from ch.category)
       and (h.channel is null or h.channel is not distinct from ch.channel)
       and not (h.source = 'opt_out' and coalesce(ch.ignores_opt_out, false))
     order by h.id, h.prefix is not null, h.group_id is not null, h.blacklist_id
$$;

COMMENT ON FUNCTION sms.rule_blacklist(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'Rule: suppress numbers and prefixes that are blacklisted for this category and channel.';

-- FUNCTION rule_budget(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.rule_budget(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS SETOF sms.finding
    LANGUAGE sql STABLE
    AS $$
    with spent as materialized (
        select s.budget, s.campaign_id, c.channel_id, s.spent, s.amount
          from sms.budget_status(p_as_of) as s
          left join sms.channel as c on c.channel = s.channel
         where s.stops and s.spent >= s.amount and exists (select from sms.budget as b where b.stops)
    )
    select distinct on (c.id) c.id, 65::smallint, 'suppress', 'budget',
           'budget "' || s.budget || '" is used up: ' || round(s.spent, 2) || ' of ' || s.amount, null::timestamptz
      from spent as s
      join unnest(p_batch) as c
        on (s.channel_id is null or s.channel_id = c.channel_id)
       and (s.campaign_id is null or s.campaign_id = c.campaign_id)
     order by c.id, s.budget
$$;

COMMENT ON FUNCTION sms.rule_budget(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'Rule: suppress what a used-up budget would have to pay.';

-- FUNCTION rule_cap(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.rule_cap(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS SETOF sms.finding
    LANGUAGE sql STABLE
    AS $$
    with term as materialized (
        select * from sms.cap_terms(p_batch, p_as_of)
    ), horizon as materialized (
        select t.channel_id, t.zone_id,
               min(t.since) filter (where t.per = 'number') as since,
               min(t.max_messages) filter (where t.per = 'number') as least_allowed,
               min(t.since) filter (where t.per = 'client') as client_since,
               min(t.max_messages) filter (where t.per = 'client') as client_least_allowed
          from term as t
         group by t.channel_id, t.zone_id
    ), earliest as materialized (
        select min(h.since) as since, min(h.client_since) as client_since from horizon as h
    ), looked as materialized (
        select c.id, c.msisdn, c.client_id, c.nth, c.nth_client, c.channel_id, c.zone_id, h.since, h.client_since,
               (select count(*) filter (where x.at >= h.since)
                  from sms.contact_log as x
                 where x.msisdn = c.msisdn and x.at >= (select e.since from earliest as e)
                   and x.at < p_as_of + interval '1 hour') + c.nth >= h.least_allowed as by_number,
               (select count(*) filter (where x.at >= h.client_since)
                  from sms.contact_log as x
                 where x.client_id = c.client_id and x.at >= (select e.client_since from earliest as e)
                   and x.at < p_as_of + interval '1 hour') + c.nth_client >= h.client_least_allowed as by_client
          from unnest(p_batch) as c
          join horizon as h on h.channel_id = c.channel_id and h.zone_id = c.zone_id
    ), suspect as (
        select l.id, l.msisdn, l.client_id, l.nth, l.channel_id, l.zone_id, l.since, 'number' as per
          from looked as l
         where l.by_number
         union all
        select l.id, l.msisdn, l.client_id, l.nth_client, l.channel_id, l.zone_id, l.client_since, 'client'
          from looked as l
         where l.by_client and l.client_id is not null
    )
    select c.id, 60::smallint,
           case when bool_or(u.used >= t.max_messages) then 'suppress' else 'wait' end, 'cap',
           string_agg('cap ' || t.cap_id || ': ' || u.used || ' of ' || t.max_messages || ' a ' || t.per
                      || case t.period when 'rolling' then ' in its span' else ' this ' || t.period end
                      || ' since ' || t.since, '; ' order by t.cap_id) filter (where u.used >= t.max_messages),
           null::timestamptz
      from suspect as c
      cross join lateral (
               select array_agg(x.at) as ats, array_agg(x.channel_id) as channels
                 from sms.contact_log as x
                where c.per = 'number' and x.msisdn = c.msisdn and x.at >= c.since and x.at < p_as_of + interval '1 hour'
                  and x.message_id <> c.id
               offset 0
           ) as by_number
      cross join lateral (
               select array_agg(x.at) as ats, array_agg(x.channel_id) as channels
                 from sms.contact_log as x
                where c.per = 'client' and x.client_id = c.client_id and x.at >= c.since and x.at < p_as_of + interval '1 hour'
                  and x.message_id <> c.id
               offset 0
           ) as by_client
      join term as t on t.channel_id = c.channel_id and t.zone_id = c.zone_id and t.per = c.per
      cross join lateral (
               select count(*) as used
                 from unnest(coalesce(by_number.ats, by_client.ats), coalesce(by_number.channels, by_client.channels))
                        as g (at, channel_id)
                where g.at >= t.since and (t.counted is null or g.channel_id = any (t.counted))
           ) as u
     where u.used + c.nth >= t.max_messages
     group by c.id
$$;

COMMENT ON FUNCTION sms.rule_cap(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'Rule: suppress when a daily, weekly, monthly or rolling cap of the number or client is used up.';

-- FUNCTION rule_consent(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.rule_consent(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS SETOF sms.finding
    LANGUAGE sql STABLE
    AS $$
    select c.id, 30::smallint, 'suppress', 'no_consent',
           'no valid consent for ' || coalesce(ch.category, 'this channel') || ' of this number or client', null::timestamptz
      from unnest(p_batch) as c
      left join sms.channel as ch on ch.channel_id = c.channel_id
     where coalesce(ch.needs_consent, true)
       and not exists (select from sms.consent as k
                        where k.msisdn = c.msisdn and k.category = ch.category and k.valid_from <= p_as_of
                          and (k.valid_until is null or k.valid_until > p_as_of)
                          and (k.withdrawn_at is null or k.withdrawn_at > p_as_of))
       and not exists (select from sms.consent as k
                        where k.client_id = c.client_id and k.category = ch.category and k.valid_from <= p_as_of
                          and (k.valid_until is null or k.valid_until > p_as_of)
                          and (k.withdrawn_at is null or k.withdrawn_at > p_as_of))
$$;

COMMENT ON FUNCTION sms.rule_consent(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'Rule: on channels that need consent, suppress what has none.';

-- FUNCTION rule_duplicate(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.rule_duplicate(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS SETOF sms.finding
    LANGUAGE sql STABLE
    AS $$
    select c.id, 50::smallint,
           case when d.message_id is null then 'wait' else 'suppress' end, 'duplicate',
           'same text in message ' || d.message_id || ' at ' || d.at, null::timestamptz
      from unnest(p_batch) as c
      left join sms.channel as ch on ch.channel_id = c.channel_id
      left join lateral (
               select l.message_id, l.at
                 from sms.contact_log as l
                where l.msisdn = c.msisdn
                  and l.at > p_as_of - ch.dedup_window
                  and l.at < p_as_of + interval '1 hour'
                  and l.dedup_key = c.dedup_key
                  and l.message_id <> c.id
                limit 1
           ) as d on ch.dedup_window > '0'
     where d.message_id is not null
        or (c.nth_key > 0 and ch.dedup_window > '0')
$$;

COMMENT ON FUNCTION sms.rule_duplicate(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'Rule: suppress the same text to the same number within the channel''s dedup_window.';

-- FUNCTION rule_duplicate_ref(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.rule_duplicate_ref(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS SETOF sms.finding
    LANGUAGE sql STABLE
    AS $$
    select c.id, 40::smallint, 'suppress', 'duplicate_ref', 'message ' || o.id || ' has the same erp_ref', null::timestamptz
      from unnest(p_batch) as c
      cross join lateral (
               select r.id
                 from sms.erp_ref as r
                where c.ref_hash is not null and r.ref_hash = c.ref_hash and r.id <> c.id
                  and r.id >= sms.id_at(sms.id_time(c.id) - (select sms.erp_ref_span()))
                  and (select a.erp_ref from sms.outbox as a where a.id = r.id)
                      is not distinct from (select b.erp_ref from sms.outbox as b where b.id = c.id)
               offset 0
           ) as o
$$;

COMMENT ON FUNCTION sms.rule_duplicate_ref(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'Rule: suppress when another message owns the same erp_ref.';

-- FUNCTION rule_expired(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.rule_expired(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS SETOF sms.finding
    LANGUAGE sql STABLE
    AS $$
    select c.id, 10::smallint, 'suppress', 'expired', 'valid until ' || c.expires_at, null::timestamptz
      from unnest(p_batch) as c
     where c.expires_at <= p_as_of
$$;

COMMENT ON FUNCTION sms.rule_expired(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'Rule: suppress what is past its expires_at.';

-- FUNCTION rule_holdout(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.rule_holdout(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS SETOF sms.finding
    LANGUAGE sql STABLE
    AS $$
    select c.id, 70::smallint, 'suppress', 'holdout',
           'one of the ' || k.holdout_percent || ' % of campaign ' || k.campaign || ' that are held out', null::timestamptz
      from unnest(p_batch) as c
      join sms.campaign as k on k.campaign_id = c.campaign_id and k.holdout_percent > 0
     where sms.holdout_draw(c.campaign_id, c.client_id, c.msisdn) < k.holdout_percent
$$;

COMMENT ON FUNCTION sms.rule_holdout(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'Rule: suppress the campaign''s control group.';

-- FUNCTION rule_key(jsonb, text[])

CREATE FUNCTION sms.rule_key(p_row jsonb, p_columns text[]) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$
    select string_agg(p_row ->> c.name, ' ' order by c.n) from unnest(p_columns) with ordinality as c (name, n)
$$;

COMMENT ON FUNCTION sms.rule_key(p_row jsonb, p_columns text[]) IS 'Primary key of a rule row as one text.';

-- FUNCTION rule_quiet_hours(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.rule_quiet_hours(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS SETOF sms.finding
    LANGUAGE sql STABLE
    AS $$
    with silent as materialized (
        select k.channel_id, k.zone_id, coalesce(z.name, 'unknown') as zone, ch.opening_spread,
               sms.quiet_until(ch.category, coalesce(z.members, u.members), p_as_of) as until
          from (select distinct c.channel_id, c.zone_id from unnest(p_batch) as c) as k
          left join sms.channel as ch on ch.channel_id = k.channel_id
          left join sms.time_zone as z on z.zone_id = k.zone_id
          left join sms.time_zone as u on u.zone_id = 0
         where exists (select from sms.quiet_hours as q where q.category = ch.category)
    )
    select c.id,
           case when s.until >= c.expires_at then 11 else 80 end::smallint,
           case when s.until >= c.expires_at then 'suppress' else 'defer' end,
           case when s.until >= c.expires_at then 'expired' else 'quiet_hours' end,
           'quiet hours in ' || s.zone || ' until ' || s.until
               || case when s.until >= c.expires_at then ', valid only until ' || c.expires_at else '' end,
           case when s.until >= c.expires_at then null
                when s.until + o.later >= c.expires_at then s.until
                else s.until + o.later end
      from unnest(p_batch) as c
      join silent as s on s.channel_id = c.channel_id and s.zone_id = c.zone_id
      cross join lateral (select s.opening_spread * ((hashint8(c.id) & 1023) / 1024.0) as later) as o
     where s.until is not null
$$;

COMMENT ON FUNCTION sms.rule_quiet_hours(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'Rule: defer to the first allowed local moment; suppress what would expire before it.';

-- FUNCTION rule_version(text, text, timestamp with time zone)

CREATE FUNCTION sms.rule_version(p_table text, p_key text, p_at timestamp with time zone) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    select jsonb_build_object('rule', p_table || ' ' || p_key, 'version', c.change_id::text, 'since', c.changed_at,
                              'changed_by', c.changed_by, 'row', c.new)
      from sms.rule_change as c
     where c.rule_table = p_table and c.rule_key = p_key and c.changed_at <= p_at
     order by c.change_id desc
     limit 1
$$;

COMMENT ON FUNCTION sms.rule_version(p_table text, p_key text, p_at timestamp with time zone) IS 'The version of a rule row in force at a moment, as JSON.';

-- FUNCTION rules_as_of(timestamp with time zone, text)

CREATE FUNCTION sms.rules_as_of(p_at timestamp with time zone, p_table text DEFAULT NULL::text) RETURNS TABLE(rule_table text, rule_key text, version bigint, since timestamp with time zone, changed_by text, rule jsonb)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
begin
    if p_table is not null
       and not exists (select from pg_trigger as t
                        where t.tgrelid = to_regclass(format('sms.%I', p_table)) and t.tgfoid = 'sms.audit_rule'::regproc)
       and not exists (select from sms.rule_change as x where x.rule_table = p_table) then
        raise exception 'no changes are kept of a table "%"', p_table
            using errcode = 'SM015',
                  hint = 'Tables: ' || (select string_agg(distinct k.relname, ', ' order by k.relname)
                                          from pg_trigger as t
                                          join pg_class as k on k.oid = t.tgrelid
                                         where t.tgfoid = 'sms.audit_rule'::regproc) || '.';
    end if;
    return query
    select c.rule_table, c.rule_key, c.change_id, c.changed_at, c.changed_by, c.new
      from (select distinct on (x.rule_table, x.rule_key) x.*
              from sms.rule_change as x
             where x.changed_at <= coalesce(p_at, clock_timestamp())
               and case when p_table is null
                        then x.rule_table not in ('blacklist', 'recipient_group_member', 'consent', 'client_zone')
                        else x.rule_table = p_table end
             order by x.rule_table, x.rule_key, x.change_id desc) as c
     where c.action <> 'delete'
     order by c.rule_table, c.rule_key;
end
$$;

COMMENT ON FUNCTION sms.rules_as_of(p_at timestamp with time zone, p_table text) IS 'The rules in force at a moment, each with its version and author.';

-- FUNCTION run_audience(text, bigint)

CREATE FUNCTION sms.run_audience(p_audience text, p_limit bigint DEFAULT NULL::bigint) RETURNS TABLE(client_id bigint, phone text, time_zone text, vars jsonb)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100000
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET standard_conforming_strings TO 'on'
    AS $$
declare
    _a record;
    _seconds double precision := (select s.value::double precision from sms.setting as s where s.setting = 'audience_timeout_s');
    _before text := sms.session_state();
    _stack text;
begin
    get diagnostics _stack = pg_context;
    if array_length(string_to_array(_stack, 'function sms.run_audience('), 1) > 16 then
        raise exception 'the audience % goes too deep: is it built on itself?', quote_literal(p_audience) using errcode = 'SM031';
    end if;
    select a.query, a.columns into _a
      from sms.audience as a
     where a.audience = p_audience and a.removed_at is null;
    if not found then
        raise exception 'there is no audience %', quote_literal(coalesce(p_audience, '')) using errcode = 'SM030',
            hint = coalesce('Audiences: ' || (select string_agg(a.audience, ', ' order by a.audience)
                                               from sms.audience as a where a.removed_at is null) || '.',
                            'There are none yet: "outbox audience save" makes one.');
    end if;
    perform sms.refuse_open_reader();
    perform sms.refuse_strangers(_a.query);
    perform sms.refuse_unlisted_words(_a.query);
    begin
        return query
        select r.*
          from sms_audience.read_people(sms.audience_statement(_a.query, _a.columns), p_limit,
                                        clock_timestamp() + make_interval(secs => coalesce(_seconds, 60))) as r;
    exception
        when sqlstate 'SM034' then
            raise exception 'the audience % takes longer than % s', quote_literal(p_audience), coalesce(_seconds, 60)
                using errcode = 'SM034', hint = 'Narrow it, or let an operator raise the setting audience_timeout_s.';
        when others then
            -- Names, rights, other servers and our own codes may be told; anything else may carry a value of the data.
            if sqlstate ~ '^(SM|42|0A|25|08|HV|53|55|57)' then
                raise;
            end if;
            raise exception 'the audience % met a value it cannot use (%)', quote_literal(p_audience), sqlstate
                using errcode = 'SM031', hint = 'A cast, a division or a function in the SELECT fails for some row.';
    end;
    perform sms.refuse_changed_session(_before);
end
$$;

COMMENT ON FUNCTION sms.run_audience(p_audience text, p_limit bigint) IS 'The people an audience selects: client_id, phone, time_zone, vars. Read-only, with the rights of sms_audience.';

-- FUNCTION run_cost(bigint, timestamp with time zone)

CREATE FUNCTION sms.run_cost(p_run_id bigint, p_now timestamp with time zone) RETURNS numeric
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'off'
    AS $$
declare
    _run sms.campaign_run;
    _spent numeric;
    _expected numeric;
begin
    select * into _run from sms.campaign_run as r where r.run_id = p_run_id;
    select coalesce(sum(o.cost), 0) into _spent
      from sms.run_message as m
      join sms.outcome as o on o.id = m.message_id
     where m.run_id = p_run_id and o.id between _run.first_id and _run.last_id;
    with open as materialized (
        select p.id, p.lane_id, p.template_version_id from sms.pending as p where p.campaign_id = _run.campaign_id
         union all
        select f.id, f.lane_id, f.template_version_id from sms.inflight as f where f.campaign_id = _run.campaign_id
    ), price as materialized (
        select l.lane_id, l.channel_id, sms.segment_price(l.provider_id, l.operator_id, c.category, p_now) as price
          from (select distinct x.lane_id from open as x) as k
          join sms.lane as l on l.lane_id = k.lane_id
          join sms.channel as c on c.channel_id = l.channel_id
    )
    select coalesce(sum(sms.segments(sms.sent_text(p.channel_id, sms.render(v.body, o.vars))) * p.price), 0) into _expected
      from open as x
      join sms.run_message as m on m.run_id = p_run_id and m.message_id = x.id
      join sms.outbox as o on o.id = x.id
      join sms.template_version as v on v.template_version_id = x.template_version_id
      left join price as p on p.lane_id = x.lane_id;
    return _spent + _expected;
end
$$;

COMMENT ON FUNCTION sms.run_cost(p_run_id bigint, p_now timestamp with time zone) IS 'What a run has cost and what its queued messages are expected to cost.';

-- FUNCTION run_goal(integer, timestamp with time zone)

CREATE FUNCTION sms.run_goal(p_goal_id integer, p_since timestamp with time zone) RETURNS TABLE(client_id bigint, occurred_at timestamp with time zone, amount numeric, ref text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10000
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET standard_conforming_strings TO 'on'
    AS $$
declare
    _query text := (select g.query from sms.goal as g where g.goal_id = p_goal_id);
    _before text := sms.session_state();
begin
    perform sms.refuse_open_reader();
    perform sms.refuse_strangers(_query);
    perform sms.refuse_unlisted_words(_query);
    return query select r.* from sms_audience.read_goal(_query, p_since) as r;
    perform sms.refuse_changed_session(_before);
end
$$;

COMMENT ON FUNCTION sms.run_goal(p_goal_id integer, p_since timestamp with time zone) IS 'What a goal''s query tells since a moment, read with the rights of sms_audience.';

-- FUNCTION save_audience(text, text, text)

CREATE FUNCTION sms.save_audience(p_audience text, p_query text, p_title text DEFAULT NULL::text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET standard_conforming_strings TO 'on'
    AS $_$
declare
    _query text := regexp_replace(coalesce(p_query, ''), '[;\s]+$', '');
    _version int;
begin
    if p_audience is null or p_audience !~ '^[a-z][a-z0-9_.-]{0,79}$' then
        raise exception '% is no name for an audience', quote_literal(coalesce(p_audience, '')) using errcode = 'SM035',
            hint = 'Up to 80 small letters, digits, _ . and -, a letter first.';
    end if;
    if _query = '' or char_length(_query) > 100000 then
        raise exception 'the SELECT of an audience has 1 to 100,000 characters' using errcode = 'SM031';
    end if;
    insert into sms.audience as a (audience, query, title, columns, planned_cost)
    values (p_audience, _query, coalesce(p_title, ''), '{}', 0)
        on conflict (audience) do update
       set query = excluded.query, title = coalesce(p_title, a.title), removed_at = null
     where (a.query, a.title) is distinct from (excluded.query, coalesce(p_title, a.title)) or a.removed_at is not null
    returning a.version_no into _version;
    return coalesce(_version, (select a.version_no from sms.audience as a where a.audience = p_audience));
end
$_$;

COMMENT ON FUNCTION sms.save_audience(p_audience text, p_query text, p_title text) IS 'Save a SELECT of client_id, phone and variables under a name, after checks; tells the version.';

-- FUNCTION save_campaign(text, text, text, text, timestamp with time zone, time without time zone, text, text, text, integer, timestamp with time zone, numeric, numeric, boolean, text[])

CREATE FUNCTION sms.save_campaign(p_campaign text, p_template text DEFAULT NULL::text, p_audience text DEFAULT NULL::text, p_channel text DEFAULT NULL::text, p_start_at timestamp with time zone DEFAULT NULL::timestamp with time zone, p_local_time time without time zone DEFAULT NULL::time without time zone, p_cron text DEFAULT NULL::text, p_cron_zone text DEFAULT NULL::text, p_missed_runs text DEFAULT NULL::text, p_per_hour integer DEFAULT NULL::integer, p_ends_at timestamp with time zone DEFAULT NULL::timestamp with time zone, p_budget numeric DEFAULT NULL::numeric, p_holdout_percent numeric DEFAULT NULL::numeric, p_needs_release boolean DEFAULT NULL::boolean, p_clear text[] DEFAULT '{}'::text[]) RETURNS text
    LANGUAGE plpgsql
    AS $$
declare
    _old sms.campaign;
    _new sms.campaign;
    _odd text;
begin
    select n into _odd
      from unnest(p_clear) as n
     where n not in ('start_at', 'local_time', 'cron', 'cron_zone', 'missed_runs', 'per_hour', 'ends_at', 'budget',
                     'holdout_percent', 'needs_release')
     limit 1;
    if found then
        raise exception 'cannot clear "%"', _odd
            using errcode = 'SM046',
                  hint = 'Can be cleared: start_at, local_time, cron, cron_zone, missed_runs, per_hour, ends_at, budget, '
                         'holdout_percent, needs_release.';
    end if;
    select * into _old from sms.campaign as c where c.campaign = p_campaign for update;
    if not found then
        insert into sms.campaign (campaign, template, audience, channel, start_at, local_time, cron, cron_zone, missed_runs,
                                  per_hour, ends_at, budget, holdout_percent, needs_release)
        values (p_campaign, p_template, p_audience, coalesce(p_channel, 'planned'), p_start_at, p_local_time, p_cron,
                p_cron_zone, coalesce(p_missed_runs, 'skip'), p_per_hour, p_ends_at, p_budget,
                coalesce(p_holdout_percent, 0), coalesce(p_needs_release, false));
        return 'created';
    end if;
    _new := _old;
    _new.template := coalesce(p_template, _old.template);
    _new.audience := coalesce(p_audience, _old.audience);
    _new.channel := coalesce(p_channel, _old.channel);
    _new.start_at := coalesce(p_start_at, case when not 'start_at' = any (p_clear) then _old.start_at end);
    _new.local_time := coalesce(p_local_time, case when not 'local_time' = any (p_clear) then _old.local_time end);
    _new.cron := coalesce(p_cron, case when not 'cron' = any (p_clear) then _old.cron end);
    _new.cron_zone := coalesce(p_cron_zone, case when not p_clear && array['cron', 'cron_zone'] then _old.cron_zone end);
    _new.missed_runs := coalesce(p_missed_runs, case when 'missed_runs' = any (p_clear) then 'skip' else _old.missed_runs end);
    _new.per_hour := coalesce(p_per_hour, case when not 'per_hour' = any (p_clear) then _old.per_hour end);
    _new.ends_at := coalesce(p_ends_at, case when not 'ends_at' = any (p_clear) then _old.ends_at end);
    _new.budget := coalesce(p_budget, case when not 'budget' = any (p_clear) then _old.budget end);
    _new.holdout_percent := coalesce(p_holdout_percent,
                                     case when 'holdout_percent' = any (p_clear) then 0 else _old.holdout_percent end);
    _new.needs_release := coalesce(p_needs_release, not 'needs_release' = any (p_clear) and _old.needs_release);
    if _new is not distinct from _old then
        return 'unchanged';
    end if;
    update sms.campaign as c
       set template = _new.template, audience = _new.audience, channel = _new.channel, start_at = _new.start_at,
           local_time = _new.local_time, cron = _new.cron, cron_zone = _new.cron_zone, missed_runs = _new.missed_runs,
           per_hour = _new.per_hour, ends_at = _new.ends_at, budget = _new.budget,
           holdout_percent = _new.holdout_percent, needs_release = _new.needs_release
     where c.campaign_id = _old.campaign_id;
    return 'changed';
end
$$;

COMMENT ON FUNCTION sms.save_campaign(p_campaign text, p_template text, p_audience text, p_channel text, p_start_at timestamp with time zone, p_local_time time without time zone, p_cron text, p_cron_zone text, p_missed_runs text, p_per_hour integer, p_ends_at timestamp with time zone, p_budget numeric, p_holdout_percent numeric, p_needs_release boolean, p_clear text[]) IS 'Create or change a campaign; null leaves a value alone, p_clear names those to take away.';

-- FUNCTION save_forecast(date[], text[], text[], text[], numeric[], numeric[], numeric[], numeric[], numeric[])

CREATE FUNCTION sms.save_forecast(p_months date[], p_scenarios text[], p_channels text[], p_providers text[], p_messages numeric[], p_lows numeric[], p_highs numeric[], p_segments numeric[], p_costs numeric[]) RETURNS timestamp with time zone
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _made_at timestamptz := clock_timestamp();
begin
    insert into sms.forecast (made_at, month, scenario, channel, provider, messages, low, high, segments, cost)
    select _made_at, f.*
      from unnest(p_months, p_scenarios, p_channels, p_providers, p_messages, p_lows, p_highs, p_segments, p_costs) as f;
    return _made_at;
end
$$;

COMMENT ON FUNCTION sms.save_forecast(p_months date[], p_scenarios text[], p_channels text[], p_providers text[], p_messages numeric[], p_lows numeric[], p_highs numeric[], p_segments numeric[], p_costs numeric[]) IS 'Keep a forecast in sms.forecast.';

-- FUNCTION save_template(text, text, jsonb, text, text)

CREATE FUNCTION sms.save_template(p_template text, p_body text, p_variables jsonb DEFAULT NULL::jsonb, p_title text DEFAULT NULL::text, p_note text DEFAULT ''::text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    _template_id int;
    _version int;
begin
    if p_template is null or p_template !~ '^[a-z][a-z0-9_.-]{0,79}$' then
        raise exception '% is no name for a template', quote_literal(coalesce(p_template, '')) using errcode = 'SM038',
            hint = 'Up to 80 small letters, digits, _ . and -, a letter first.';
    end if;
    if char_length(p_body) > 10000 then
        raise exception 'a template''s body has up to 10,000 characters' using errcode = 'SM036';
    end if;
    insert into sms.template as t (template, title) values (p_template, coalesce(p_title, ''))
        on conflict (template) do update set title = coalesce(p_title, t.title)
    returning t.template_id into _template_id;
    select v.version_no into _version
      from sms.template_version as v
     where v.template_id = _template_id
       and v.version_no = (select max(x.version_no) from sms.template_version as x where x.template_id = _template_id)
       and v.body = sms.with_declared_defaults(p_body, coalesce(p_variables, v.variables))
       and (p_variables is null or v.variables is not distinct from p_variables);
    if _version is null then
        insert into sms.template_version as v (template_id, body, variables, note)
        values (_template_id, p_body, p_variables, coalesce(p_note, ''))
        returning v.version_no into _version;
    end if;
    return _version;
end
$_$;

COMMENT ON FUNCTION sms.save_template(p_template text, p_body text, p_variables jsonb, p_title text, p_note text) IS 'Write a new version of a template, with its declared variables; tells the version.';

-- FUNCTION scheduled_campaigns(timestamp with time zone)

CREATE FUNCTION sms.scheduled_campaigns(p_as_of timestamp with time zone DEFAULT clock_timestamp()) RETURNS TABLE(campaign text, channel text, starts_at timestamp with time zone, cron text, cron_zone text, ends_at timestamp with time zone, recipients bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    _c sms.campaign;
begin
    for _c in
        select k.* from sms.campaign as k
         where k.audience is not null and coalesce(k.ends_at > p_as_of, true)
           and not exists (select from sms.campaign_run as r where r.campaign_id = k.campaign_id and r.frozen_at is not null)
           and (k.cron is not null
                or exists (select from sms.campaign_run as r where r.campaign_id = k.campaign_id and r.state = 'planned'))
    loop
        select k.campaign, k.channel, coalesce(r.begins_at, k.start_at, p_as_of), k.cron, k.cron_zone, k.ends_at
          into campaign, channel, starts_at, cron, cron_zone, ends_at
          from sms.campaign as k
          left join sms.campaign_run as r on r.campaign_id = k.campaign_id and r.state = 'planned'
         where k.campaign_id = _c.campaign_id;
        begin
            select round(count(*) * (1 - _c.holdout_percent / 100))::bigint into recipients from sms.run_audience(_c.audience);
        exception when others then
            recipients := null;
        end;
        return next;
    end loop;
end
$$;

COMMENT ON FUNCTION sms.scheduled_campaigns(p_as_of timestamp with time zone) IS 'Campaigns that will run for the first time, and how many they will reach: what a forecast adds to history.';

-- FUNCTION segment_price(smallint, smallint, text, timestamp with time zone)

CREATE FUNCTION sms.segment_price(p_provider_id smallint, p_operator_id smallint, p_category text, p_as_of timestamp with time zone) RETURNS numeric
    LANGUAGE plpgsql STABLE
    AS $$
begin
    return (
    select sms.in_currency(t.price, t.currency, p_as_of)
      from sms.tariff as t
     where t.provider_id = p_provider_id
       and (t.operator_id is null or t.operator_id = p_operator_id)
       and (t.category is null or t.category = p_category)
       and t.valid_from <= p_as_of and p_as_of < t.valid_until
       and (t.from_segments = 0
            or t.from_segments <= sms.month_segments(t.provider_id, t.operator_id, t.category, p_as_of))
     order by t.operator_id is null, t.category is null, t.from_segments desc
     limit 1
    );
end
$$;

COMMENT ON FUNCTION sms.segment_price(p_provider_id smallint, p_operator_id smallint, p_category text, p_as_of timestamp with time zone) IS 'Price of one segment by sms.tariff, the most specific row and its highest reached step; null when none covers it.';

-- FUNCTION segments(text)

CREATE FUNCTION sms.segments(p_text text) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
declare
    _alone int := 160;
    _part int := 153;
    _units text;   -- every unit one character; U+001B marks the first of two that belong together
    _end int := 0;
    _parts int := 0;
begin
    if sms.needs_ucs2(p_text) then
        _alone := 70;
        _part := 67;
        if p_text ~ '[\U00010000-\U0010FFFF]' then
            _units := regexp_replace(translate(p_text, E'\x1b', ' '), '([\U00010000-\U0010FFFF])', E'\x1b\\1', 'g');
        end if;
    elsif p_text ~ '[\x0c^{}\\\[~\]|€]' then
        _units := regexp_replace(p_text, '([\x0c^{}\\\[~\]|€])', E'\x1b\\1', 'g');
    end if;

    if length(coalesce(_units, p_text)) <= _alone then
        return least(length(p_text), 1);
    elsif _units is null then
        return (length(p_text) + _part - 1) / _part;
    end if;
    while _end < length(_units) loop
        _end := _end + _part;
        if substr(_units, _end, 1) = E'\x1b' then
            _end := _end - 1;
        end if;
        _parts := _parts + 1;
    end loop;
    return _parts;
end
$$;

COMMENT ON FUNCTION sms.segments(p_text text) IS 'SMS segments of a text: 160/153 GSM-7, 70/67 UCS-2, escapes and surrogate pairs never cut. Empty text: 0.';

-- FUNCTION select_functions(oid[])

CREATE FUNCTION sms.select_functions(p_functions oid[]) RETURNS TABLE(oid oid, problem text)
    LANGUAGE sql STABLE
    AS $$
    select p.oid,
           case when n.nspname = 'pg_catalog' or e.extname is not null then
                    case when not exists (select from sms.audience_function as a
                                           where a.origin = coalesce(e.extname, n.nspname) and a.signature = p.signature)
                        then 'which is not on the list of what audiences may call' end
                when not sms.is_trusted_author(p.proowner) then 'whose author is not known'
                when not exists (select from aclexplode(p.proacl) as g where g.grantee = 'sms_audience'::regrole and g.privilege_type = 'EXECUTE')
                    then 'which is not granted to sms_audience'
                when p.prosecdef and n.nspname not in ('sms', 'geo') then 'which runs with the rights of another'
           end
      from (select p.*, p.proname || '('
                        || coalesce((select string_agg(t.typname, ',' order by a.n)
                                       from unnest(p.proargtypes) with ordinality as a (type, n)
                                       join pg_catalog.pg_type as t on t.oid = a.type), '') || ')' as signature
              from pg_catalog.pg_proc as p
             where p.oid = any (p_functions)) as p
      join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
      left join lateral (select x.extname
                           from pg_catalog.pg_depend as d
                           join pg_catalog.pg_extension as x on x.oid = d.refobjid
                          where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e') as e on true
$$;

COMMENT ON FUNCTION sms.select_functions(p_functions oid[]) IS 'Part of saving an audience or a goal: what speaks against each function it calls; null where nothing does.';

-- FUNCTION select_nodes(text[])

CREATE FUNCTION sms.select_nodes(p_nodes text[]) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    AS $$
    select coalesce(array_agg(n order by n), '{}')
      from unnest(p_nodes) as n
     where n <> all (string_to_array(
               'QUERY RTE RANGETBLENTRY RTEPERMISSIONINFO ALIAS VAR CONST AGGREF GROUPINGFUNC WINDOWFUNC SUBSCRIPTINGREF FUNCEXPR '
               'NAMEDARGEXPR OPEXPR DISTINCTEXPR NULLIFEXPR SCALARARRAYOPEXPR BOOLEXPR SUBLINK FIELDSELECT RELABELTYPE COERCEVIAIO '
               'ARRAYCOERCEEXPR CONVERTROWTYPEEXPR COLLATE COLLATEEXPR CASE CASEEXPR WHEN CASEWHEN CASETESTEXPR ARRAY ARRAYEXPR ROW '
               'ROWEXPR ROWCOMPARE ROWCOMPAREEXPR COALESCE COALESCEEXPR MINMAX MINMAXEXPR SQLVALUEFUNCTION NULLTEST BOOLEANTEST '
               'COERCETODOMAIN TARGETENTRY RANGETBLREF JOINEXPR FROMEXPR SORTGROUPCLAUSE GROUPINGSET WINDOWCLAUSE ROWMARKCLAUSE '
               'COMMONTABLEEXPR CTESEARCHCLAUSE CTECYCLECLAUSE SETOPERATIONSTMT RANGETBLFUNCTION TABLESAMPLECLAUSE', ' '))
$$;

COMMENT ON FUNCTION sms.select_nodes(p_nodes text[]) IS 'Part of saving an audience or a goal: what of a parsed SELECT is not on the list of its parts.';

-- FUNCTION select_types(oid[])

CREATE FUNCTION sms.select_types(p_types oid[]) RETURNS TABLE(oid oid, problem text)
    LANGUAGE sql STABLE
    AS $$
    select t.oid,
           case when n.nspname = 'pg_catalog' then
                    case when coalesce(e.typname, t.typname) <> all (string_to_array(
                             'bool int2 int4 int8 float4 float8 numeric money text varchar bpchar char name bytea unknown record '
                             'date time timetz timestamp timestamptz interval uuid json jsonb jsonpath bit varbit inet cidr macaddr macaddr8 '
                             'point line lseg box path polygon circle tsvector tsquery regconfig '
                             'int4range int8range numrange tsrange tstzrange daterange int4multirange int8multirange nummultirange '
                             'tsmultirange tstzmultirange datemultirange any anyelement anyarray anynonarray anyenum anyrange '
                             'anymultirange anycompatible anycompatiblearray anycompatiblenonarray anycompatiblerange '
                             'anycompatiblemultirange', ' ')::name[]) then 'which is not on the list of what audiences may use' end
                when not sms.is_trusted_author(t.typowner) then 'whose author is not known'
           end
      from pg_catalog.pg_type as t
      join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
      left join pg_catalog.pg_type as e on e.typarray = t.oid
     where t.oid = any (p_types)
$$;

COMMENT ON FUNCTION sms.select_types(p_types oid[]) IS 'Part of saving an audience or a goal: what speaks against each type of a value; null where nothing does.';

-- FUNCTION sent_text(smallint, text)

CREATE FUNCTION sms.sent_text(p_channel_id smallint, p_text text) RETURNS text
    LANGUAGE sql STABLE
    AS $$
    select case when strpos(p_text, '://') > 0
                 and exists (select from sms.channel as c where c.channel_id = p_channel_id and c.track_clicks)
                then sms.with_short_links(p_text)
                else p_text end
$$;

COMMENT ON FUNCTION sms.sent_text(p_channel_id smallint, p_text text) IS 'A text as a channel sends it, with zeros for the codes of its short links.';

-- FUNCTION session_objects()

CREATE FUNCTION sms.session_objects() RETURNS TABLE(name text, what text)
    LANGUAGE sql STABLE
    AS $$
    select null::text, 'the function ' || p.proname from pg_catalog.pg_proc as p where p.pronamespace = pg_my_temp_schema()
     union all
    select null, 'the operator ' || o.oprname from pg_catalog.pg_operator as o where o.oprnamespace = pg_my_temp_schema()
     union all
    select null, 'the type ' || t.typname
      from pg_catalog.pg_type as t
     where t.typnamespace = pg_my_temp_schema() and t.typtype <> 'c' and t.typelem = 0
     union all
    select case when c.relkind in ('r', 'p') then c.relname::text end,
           case c.relkind when 'r' then 'the table ' when 'p' then 'the table ' when 'c' then 'the type ' else 'the view ' end || c.relname
      from pg_catalog.pg_class as c
     where c.relnamespace = pg_my_temp_schema() and c.relkind in ('r', 'p', 'v', 'm', 'f', 'c')
$$;

COMMENT ON FUNCTION sms.session_objects() IS 'Temporary objects of this session; name is null for those that matter whatever a text says.';

-- FUNCTION session_state()

CREATE FUNCTION sms.session_state() RETURNS text
    LANGUAGE sql
    AS $$
    select md5(concat_ws('|', current_user, session_user,
                         current_setting('transaction_read_only'), current_setting('timezone'), current_setting('client_encoding'),
                         (select string_agg(s.name || '=' || s.setting, ',' order by s.name)
                            from pg_catalog.pg_settings as s where s.source = 'session'),
                         (select string_agg(c, ',' order by c) from pg_listening_channels() as c),
                         (select count(*) from pg_catalog.pg_prepared_statements),
                         (select count(*) from pg_catalog.pg_locks as l where l.locktype = 'advisory' and l.pid = pg_backend_pid())))
$$;

COMMENT ON FUNCTION sms.session_state() IS 'What a text could leave behind in a session, folded into one value to compare.';

-- FUNCTION set_balance_limit(text, numeric)

CREATE FUNCTION sms.set_balance_limit(p_provider text, p_warn_below numeric) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    insert into sms.provider_balance as b (provider_id, warn_below) values (sms.known_provider(p_provider), p_warn_below)
        on conflict (provider_id) do update set warn_below = excluded.warn_below, asked_at = '-infinity';
    perform sms.log_activity('changed', 'provider', p_provider, jsonb_build_object('warn_below', p_warn_below));
end
$$;

COMMENT ON FUNCTION sms.set_balance_limit(p_provider text, p_warn_below numeric) IS 'Say from which balance on people want to be warned.';

-- FUNCTION set_breaker(text, jsonb)

CREATE FUNCTION sms.set_breaker(p_provider text, p_settings jsonb) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _known text[] := array(select a.attname::text from pg_attribute as a
                            where a.attrelid = 'sms.breaker_policy'::regclass and a.attnum > 1 and not a.attisdropped order by a.attnum);
    _unknown text := (select k from jsonb_object_keys(p_settings) as k where k <> all (_known) order by k limit 1);
    _changed int;
begin
    if p_provider is distinct from '*' then
        perform sms.provider_named(p_provider);
    end if;
    if _unknown is not null then
        raise exception 'unknown breaker setting "%"', _unknown
            using errcode = 'SM063', hint = 'Settings: ' || array_to_string(_known, ', ') || '.';
    end if;
    update sms.breaker_policy as k
       set watch_window = n.watch_window, min_samples = n.min_samples, error_share = n.error_share, slow_answer = n.slow_answer,
           refuse_for = n.refuse_for, throttle_share = n.throttle_share, throttle_for = n.throttle_for, cool_down = n.cool_down,
           max_cool_down = n.max_cool_down, calm = n.calm, probes = n.probes, recover_share = n.recover_share,
           ramp_lanes = n.ramp_lanes, ramp_every = n.ramp_every
      from sms.provider as p, sms.breaker_policy as o
      cross join lateral jsonb_populate_record(o, jsonb_strip_nulls(p_settings)) as n
     where p.provider_id = k.provider_id and o.provider_id = k.provider_id and (p_provider = '*' or p.provider = p_provider)
       and k is distinct from n;
    get diagnostics _changed = row_count;
    if _changed > 0 then
        perform pg_notify('sms_config', '');
        perform sms.log_activity('changed', 'breaker', p_provider, p_settings);
    end if;
    return _changed;
exception
    when check_violation then
        raise exception 'refused: %', (select replace(sqlerrm, 'new row for relation "breaker_policy" violates check constraint ', ''))
            using errcode = 'SM063', hint = 'docs/failover.md explains each setting.';
    when invalid_text_representation or invalid_datetime_format or numeric_value_out_of_range or datetime_field_overflow then
        raise exception 'refused: %', sqlerrm
            using errcode = 'SM063', hint = 'Shares are numbers from 0 to 1, times are like "15 seconds".';
end
$$;

COMMENT ON FUNCTION sms.set_breaker(p_provider text, p_settings jsonb) IS 'Change a provider''s breaker policy; what is not named stays.';

-- FUNCTION set_event_rule(text, jsonb)

CREATE FUNCTION sms.set_event_rule(p_rule text, p_settings jsonb) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _old sms.event_rule;
    _new sms.event_rule;
    _type text := p_settings ->> 'event_type';
    _names text[] := array['event_type', 'template', 'channel', 'condition', 'date_variable', 'shift', 'at_local', 'if_past',
                           'validity', 'cancelled_by', 'cancel_key', 'is_enabled'];
    _done text;
begin
    if jsonb_typeof(p_settings) is distinct from 'object' or exists (select from jsonb_object_keys(p_settings) as k where k <> all (_names)) then
        raise exception 'unknown setting of an event rule: %',
                        coalesce((select string_agg(k, ', ') from jsonb_object_keys(
                                      case jsonb_typeof(p_settings) when 'object' then p_settings else '{}' end) as k where k <> all (_names)), 'no object')
            using errcode = 'SM051', hint = 'Settings: ' || array_to_string(_names, ', ') || '.';
    end if;
    select * into _old from sms.event_rule as r where r.event_rule = p_rule and r.removed_at is null for update;
    if _old.rule_id is null and (_type is null or p_settings ->> 'template' is null) then
        raise exception 'unknown event rule "%"', p_rule
            using errcode = 'SM053', hint = 'To make it, give event_type and template. Rules: '
                      || coalesce((select string_agg(r.event_rule, ', ' order by r.event_rule) from sms.event_rule as r where r.removed_at is null),
                                  'none yet') || '.';
    end if;
    if _type is not null and not exists (select from sms.event_type as t where t.event_type = _type) then
        raise exception 'unknown event type "%"', _type
            using errcode = 'SM050', hint = 'Event types: ' || coalesce((select string_agg(t.event_type, ', ' order by t.event_type)
                                                                          from sms.event_type as t), 'none yet') || '.';
    end if;
    if _old.rule_id is null then
        _old.channel := 'single';
        _old.shift := '0';
        _old.if_past := 'skip';
        _old.cancelled_by := '{}';
        _old.is_enabled := true;
    end if;
    _new := jsonb_populate_record(_old, p_settings - 'event_type');
    _new.cancelled_by := coalesce(_new.cancelled_by, '{}');
    _new.event_type_id := coalesce((select t.event_type_id from sms.event_type as t where t.event_type = _type), _old.event_type_id);

    if _old.rule_id is null then
        insert into sms.event_rule (event_rule, event_type_id, template, channel, condition, date_variable, shift, at_local, if_past,
                                    validity, cancelled_by, cancel_key, is_enabled)
        values (p_rule, _new.event_type_id, _new.template, _new.channel, _new.condition, _new.date_variable, _new.shift, _new.at_local,
                _new.if_past, _new.validity, _new.cancelled_by, _new.cancel_key, _new.is_enabled);
        _done := 'created';
    elsif to_jsonb(_new) is distinct from to_jsonb(_old) then
        update sms.event_rule as r
           set event_type_id = _new.event_type_id, template = _new.template, channel = _new.channel, condition = _new.condition,
               date_variable = _new.date_variable, shift = _new.shift, at_local = _new.at_local, if_past = _new.if_past,
               validity = _new.validity, cancelled_by = _new.cancelled_by, cancel_key = _new.cancel_key, is_enabled = _new.is_enabled
         where r.rule_id = _old.rule_id;
        _done := 'changed';
    else
        return 'unchanged';
    end if;
    perform sms.log_activity(_done, 'event_rule', p_rule, p_settings);
    return _done;
end
$$;

COMMENT ON FUNCTION sms.set_event_rule(p_rule text, p_settings jsonb) IS 'Make or change an event rule: what is sent when something happens, when, and what takes it back.';

-- FUNCTION set_event_type(text, text, jsonb)

CREATE FUNCTION sms.set_event_type(p_event_type text, p_title text DEFAULT NULL::text, p_variables jsonb DEFAULT NULL::jsonb) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _done text := 'unchanged';
begin
    insert into sms.event_type as t (event_type, title, variables)
    values (p_event_type, coalesce(p_title, ''), coalesce(p_variables, '{}'))
        on conflict (event_type) do update
           set title = coalesce(p_title, t.title), variables = coalesce(p_variables, t.variables)
         where (coalesce(p_title, t.title), coalesce(p_variables, t.variables)) is distinct from (t.title, t.variables)
 returning case when t.xmax = 0 then 'created' else 'changed' end into _done;
    if _done in ('created', 'changed') then
        -- Its rules are checked again, by their own trigger.
        update sms.event_rule as r set event_rule = r.event_rule
          from sms.event_type as t
         where t.event_type = p_event_type and r.removed_at is null
           and (r.event_type_id = t.event_type_id or p_event_type = any (r.cancelled_by));
        perform sms.log_activity(_done, 'event_type', p_event_type, jsonb_build_object('variables', p_variables));
    end if;
    return coalesce(_done, 'unchanged');
end
$$;

COMMENT ON FUNCTION sms.set_event_type(p_event_type text, p_title text, p_variables jsonb) IS 'Declare or change an event type: its title and the variables that come with it.';

-- FUNCTION set_provider(text, text, jsonb, text, numeric, integer, boolean)

CREATE FUNCTION sms.set_provider(p_provider text, p_adapter text DEFAULT NULL::text, p_settings jsonb DEFAULT NULL::jsonb, p_secret_env text DEFAULT NULL::text, p_tps numeric DEFAULT NULL::numeric, p_max_batch integer DEFAULT NULL::integer, p_is_enabled boolean DEFAULT NULL::boolean) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _old sms.provider;
    _done text;
begin
    select * into _old from sms.provider as p where p.provider = p_provider for update;
    if not found then
        if p_adapter is null then
            raise exception 'unknown provider "%"', p_provider
                using errcode = 'SM006', hint = 'Give its adapter to create it.';
        end if;
        insert into sms.provider (provider, adapter, settings, secret_env, tps, max_batch, is_enabled)
        values (p_provider, p_adapter, jsonb_strip_nulls(coalesce(p_settings, '{}')), p_secret_env, coalesce(p_tps, 30),
                coalesce(p_max_batch, 500), coalesce(p_is_enabled, true));
        perform sms.log_activity('created', 'provider', p_provider, jsonb_build_object('adapter', p_adapter));
        return 'created';
    end if;
    update sms.provider as p
       set adapter = coalesce(p_adapter, p.adapter),
           settings = jsonb_strip_nulls(p.settings || coalesce(p_settings, '{}')),
           secret_env = coalesce(p_secret_env, p.secret_env),
           tps = coalesce(p_tps, p.tps),
           max_batch = coalesce(p_max_batch, p.max_batch),
           is_enabled = coalesce(p_is_enabled, p.is_enabled)
     where p.provider_id = _old.provider_id
       and (coalesce(p_adapter, p.adapter), jsonb_strip_nulls(p.settings || coalesce(p_settings, '{}')),
            coalesce(p_secret_env, p.secret_env, ''), coalesce(p_tps, p.tps), coalesce(p_max_batch, p.max_batch),
            coalesce(p_is_enabled, p.is_enabled))
           is distinct from (p.adapter, p.settings, coalesce(p.secret_env, ''), p.tps, p.max_batch, p.is_enabled);
    _done := case when found then 'changed' else 'unchanged' end;
    if _done = 'changed' then
        perform sms.log_activity('changed', 'provider', p_provider, jsonb_strip_nulls(jsonb_build_object(
            'adapter', p_adapter,
            'settings', (select jsonb_agg(k.key order by k.key) from jsonb_object_keys(p_settings) as k (key)), 'secret_env', p_secret_env, 'tps', p_tps, 'max_batch', p_max_batch,
            'is_enabled', p_is_enabled)));
    end if;
    return _done;
end
$$;

COMMENT ON FUNCTION sms.set_provider(p_provider text, p_adapter text, p_settings jsonb, p_secret_env text, p_tps numeric, p_max_batch integer, p_is_enabled boolean) IS 'Create or change an account; null leaves a value alone, settings are merged.';

-- FUNCTION set_route(text, text[], text, text)

CREATE FUNCTION sms.set_route(p_channel text, p_providers text[], p_policy text DEFAULT 'ranked'::text, p_operator text DEFAULT NULL::text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _lanes smallint[] := sms.lanes_of(p_channel, p_operator);
    _operator_id smallint := (select o.operator_id from sms.operator as o where o.operator = p_operator);
    _providers smallint[] := array(select sms.provider_named(v.name) from unnest(p_providers) with ordinality as v (name, n) order by v.n);
    _channel_id smallint;
    _route_id int;
    _changed int := 0;
begin
    perform sms.refuse_nonsense_route(p_providers, p_policy);
    for _channel_id in select distinct l.channel_id from sms.lane as l where l.lane_id = any (_lanes) order by 1 loop
        _route_id := null;
        select r.route_id into _route_id
          from sms.route as r
         where r.channel_id = _channel_id and r.operator_id is not distinct from _operator_id
           for update;
        if _route_id is null then
            insert into sms.route (channel_id, operator_id, policy) values (_channel_id, _operator_id, p_policy)
            returning route_id into _route_id;
        elsif _providers = array(select v.provider_id from sms.route_provider as v where v.route_id = _route_id order by v.rank)
              and exists (select from sms.route as r where r.route_id = _route_id and r.policy = p_policy) then
            continue;
        else
            update sms.route as r set policy = p_policy where r.route_id = _route_id and r.policy <> p_policy;
            delete from sms.route_provider as v where v.route_id = _route_id;
        end if;
        insert into sms.route_provider (route_id, provider_id, rank)
        select _route_id, v.id, v.n from unnest(_providers) with ordinality as v (id, n);
        _changed := _changed + 1;
    end loop;
    if _changed > 0 then
        perform sms.point_lanes(clock_timestamp(), _lanes);
        perform sms.log_activity('changed', 'route', p_channel, jsonb_strip_nulls(jsonb_build_object(
            'operator', p_operator, 'policy', p_policy, 'providers', to_jsonb(p_providers))));
    end if;
    return _changed;
end
$$;

COMMENT ON FUNCTION sms.set_route(p_channel text, p_providers text[], p_policy text, p_operator text) IS 'Say which providers may serve a channel, in which order, and by which policy; lanes follow at once.';

-- FUNCTION setting_paths(jsonb)

CREATE FUNCTION sms.setting_paths(p_settings jsonb) RETURNS TABLE(path text, name text, value jsonb)
    LANGUAGE sql IMMUTABLE
    AS $$
    with recursive step as (
        select e.key as path, e.key as name, e.value from jsonb_each(p_settings) as e
         union all
        select s.path || coalesce('.' || x.key, ''), coalesce(x.key, s.name), x.value
          from step as s
          cross join lateral (
                   select e.key, e.value from jsonb_each(case when jsonb_typeof(s.value) = 'object' then s.value end) as e
                    union all
                   select null, e from jsonb_array_elements(case when jsonb_typeof(s.value) = 'array' then s.value end) as e
               ) as x
    )
    select s.path, s.name, s.value from step as s
$$;

COMMENT ON FUNCTION sms.setting_paths(p_settings jsonb) IS 'Every value in a provider''s settings with the path to it.';

-- FUNCTION settle(bigint, bigint[], text[], smallint[], text[], integer[], bigint[], text[], bigint[], numeric[])

CREATE FUNCTION sms.settle(p_claim_id bigint, p_ids bigint[], p_results text[], p_segments smallint[], p_details text[], p_retry_after_s integer[], p_ref_ids bigint[] DEFAULT '{}'::bigint[], p_refs text[] DEFAULT '{}'::text[], p_cost_ids bigint[] DEFAULT '{}'::bigint[], p_costs numeric[] DEFAULT '{}'::numeric[]) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET jit TO 'off'
    AS $$
declare
    _now timestamptz := clock_timestamp();
    _settled int;
    _handed bigint[];
begin
    if exists (select from unnest(p_results) as r
                where r is null or r not in ('accepted', 'rejected', 'retry', 'throttled', 'uncertain', 'released')) then
        raise exception 'settle takes accepted, rejected, retry, throttled, uncertain or released' using errcode = 'SM004';
    end if;
    with answer as materialized (
        select * from unnest(p_ids, p_results, p_segments, p_details, p_retry_after_s)
                   as a (id, result, segments, detail, retry_after_s)
    ), mine as materialized (
        delete from sms.inflight as f
         where f.ctid = any (array(select x.tid
                                     from answer as a
                                     cross join lateral (select i.ctid as tid
                                                           from sms.inflight as i
                                                          where i.id = a.id and i.claim_id = p_claim_id
                                                         offset 0) as x))
     returning f.*
    ), terms as materialized (
        select l.lane_id, c.retry_base, c.max_attempts,
               sms.segment_price(x.provider_id, l.operator_id, c.category, _now) as price, c.channel_id
          from (select distinct m.lane_id, m.provider_id from mine as m) as x
          join sms.lane as l on l.lane_id = x.lane_id
          join sms.channel as c on c.channel_id = l.channel_id
    ), fate as materialized (
        select m.*, a.result, a.segments, a.detail, a.retry_after_s, t.retry_base, t.price,
               case when a.result = 'rejected' then 'rejected'
                    when a.result in ('accepted', 'uncertain') then a.result
                    when a.result = 'retry' and m.attempt >= t.max_attempts then 'failed'
                    else 'pending' end as state
          from mine as m
          join answer as a on a.id = m.id
          left join terms as t on t.lane_id = m.lane_id
    ), early as (
        delete from sms.unmatched_receipt as u
         where u.ctid = any (array(select x.tid
                                     from fate as f
                                     cross join lateral (select r.ctid as tid
                                                           from sms.unmatched_receipt as r
                                                          where r.message_id = f.id
                                                         offset 0) as x
                                    where f.state <> 'pending'))
     returning u.message_id, u.state, u.error, u.received_at, u.receipt_id, u.provider_id
    ), heard as materialized (
        select distinct on (e.message_id) e.message_id, e.state, e.error, e.received_at
          from early as e
          join fate as f on f.id = e.message_id
         where e.provider_id = f.provider_id or sms.counts_late(e.message_id, e.provider_id, e.state)
         order by e.message_id, sms.state_rank(e.state) desc
    ), foreigners as (
        insert into sms.foreign_receipt (receipt_id, message_id, provider_id, carrier_id)
        select e.receipt_id, e.message_id, e.provider_id, f.provider_id
          from early as e
          join fate as f on f.id = e.message_id
         where e.provider_id <> f.provider_id and not sms.counts_late(e.message_id, e.provider_id, e.state)
            on conflict do nothing
    ), carried as (   -- whoever asked for another try may have sent it all the same
        insert into sms.earlier_carrier (message_id, provider_id)
        select f.id, f.provider_id from fate as f where f.result = 'retry' and f.state = 'pending'
            on conflict do nothing
    ), closed as (
        insert into sms.outcome (id, msisdn, decided_at, submitted_at, final_at, client_id, campaign_id, cost,
                                 template_version_id, provider_id, lane_id, zone_id, segments, attempts, state, reason, detail,
                                 billed_cost)
        select f.id, f.msisdn, _now,
               case when f.state in ('accepted', 'uncertain') or h.state is not null then _now end,
               case when coalesce(h.state, f.state) not in ('accepted', 'uncertain') then _now end,
               f.client_id, f.campaign_id,
               case when f.state in ('accepted', 'uncertain') or h.state is not null then f.segments * f.price end,
               f.template_version_id, f.provider_id, f.lane_id, f.zone_id, f.segments, f.attempt,
               coalesce(h.state, f.state),
               case when h.state is null then
                   case f.state when 'failed' then 'attempts_exhausted' when 'rejected' then 'refused_by_provider' end end,
               coalesce(h.error, f.detail), b.cost
          from fate as f
          left join heard as h on h.message_id = f.id and sms.state_rank(h.state) > sms.state_rank(f.state)
          left join unnest(p_cost_ids, p_costs) as b (id, cost) on b.id = f.id
         where f.state <> 'pending'
     returning id, lane_id, campaign_id, submitted_at, cost
    ), spent as (
        insert into sms.spend (day, channel_id, campaign_id, amount)
        select (_now at time zone sms.statistics_zone())::date, t.channel_id, c.campaign_id, sum(c.cost)
          from closed as c
          join terms as t on t.lane_id = c.lane_id
         where c.submitted_at is not null and c.cost > 0
         group by t.channel_id, c.campaign_id
    ), doubted as (
        insert into sms.doubtful (id, since, provider_id, next_ask_at)
        select f.id, _now, f.provider_id, _now from fate as f where f.state = 'uncertain'
            on conflict (id) do update set since = excluded.since, provider_id = excluded.provider_id, ref = null, asks = 0,
                                           asked_at = null, next_ask_at = excluded.next_ask_at, absent_since = null
    ), back as (
        insert into sms.pending (id, msisdn, not_before, expires_at, dedup_key, ref_hash, client_id, campaign_id,
                                 template_version_id, lane_id, zone_id, priority, attempt)
        select f.id, f.msisdn,
               case when f.result = 'released' then f.claimed_at
                    else least(sms.retry_at(_now, f.retry_base, f.attempt, f.retry_after_s), f.expires_at) end,
               f.expires_at, f.dedup_key, f.ref_hash, f.client_id, f.campaign_id, f.template_version_id, f.lane_id,
               f.zone_id, f.priority, case when f.result = 'retry' then f.attempt else f.attempt - 1 end
          from fate as f
         where f.state = 'pending'
    ), taken_back as (
        delete from sms.contact_log as l
         using fate as f
         where f.state in ('pending', 'rejected', 'failed')
           and l.msisdn = f.msisdn and l.at = f.claimed_at and l.message_id = f.id
           and not exists (select from heard as h where h.message_id = f.id)
    ), referred as (
        insert into sms.provider_ref (id, provider_id, ref, part, parts)
        select f.id, f.provider_id, r.ref, row_number() over (partition by r.id order by r.n),
               count(*) over (partition by r.id)
          from unnest(p_ref_ids, p_refs) with ordinality as r (id, ref, n)
          join fate as f on f.id = r.id
    )
    select count(*), array_agg(f.id) filter (where f.state in ('accepted', 'uncertain')) into _settled, _handed from fate as f;
    if _handed is not null and exists (select from sms.submitting as s where s.claim_id = p_claim_id and s.keys is not null) then
        perform sms.name_messages(array[p_claim_id], _handed, _now);
    end if;
    if 'rejected' = any (p_results) then
        perform sms.note_troubles(p_ids, _now);
    end if;
    if 'released' = any (p_results) then
        perform sms.sweep_campaigns();
    end if;
    return _settled;
end
$$;

COMMENT ON FUNCTION sms.settle(p_claim_id bigint, p_ids bigint[], p_results text[], p_segments smallint[], p_details text[], p_retry_after_s integer[], p_ref_ids bigint[], p_refs text[], p_cost_ids bigint[], p_costs numeric[]) IS 'Worker API. Close attempts of a claim; returns how many were still ours. The closing verb of every attempt.';

-- FUNCTION shorten_links(bigint, text)

CREATE FUNCTION sms.shorten_links(p_message_id bigint, p_text text) RETURNS text
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    _codes text[];
    _url text;
    _code text;
begin
    if sms.with_short_links(p_text) = p_text then
        return p_text;
    end if;
    _codes := array(select l.code from sms.short_link as l where l.message_id = p_message_id order by l.link_no);
    for _url in select m[1] from regexp_matches(p_text, '(' || sms.link_pattern() || ')', 'gi') with ordinality as x (m, n)
                 where n > cardinality(_codes) order by n loop
        loop
            _code := sms.link_code(p_message_id);
            insert into sms.short_link (message_id, link_no, code, url)
            values (p_message_id, cardinality(_codes) + 1, _code, _url)
                on conflict do nothing;
            exit when found;
        end loop;
        _codes := _codes || _code;
    end loop;
    return sms.with_short_links(p_text, _codes);
end
$$;

COMMENT ON FUNCTION sms.shorten_links(p_message_id bigint, p_text text) IS 'The text of a message as it is submitted, its links kept in sms.short_link.';

-- FUNCTION somebody_sleeps(integer)

CREATE FUNCTION sms.somebody_sleeps(p_gate integer) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
begin
    return not (pg_try_advisory_xact_lock_shared(74010 + p_gate, 1) and pg_try_advisory_xact_lock_shared(74010 + p_gate, 2)
            and pg_try_advisory_xact_lock_shared(74010 + p_gate, 3) and pg_try_advisory_xact_lock_shared(74010 + p_gate, 4));
end
$$;

COMMENT ON FUNCTION sms.somebody_sleeps(p_gate integer) IS 'Is a worker asleep at this gate? If not, none can fall asleep before this transaction ends.';

-- TABLE number_range

CREATE TABLE sms.number_range (
    lo bigint NOT NULL,
    hi bigint NOT NULL,
    operator_id smallint DEFAULT 0 NOT NULL,
    zone_id smallint DEFAULT 0 NOT NULL,
    operator_title text DEFAULT ''::text NOT NULL,
    region text DEFAULT ''::text NOT NULL,
    inn text DEFAULT ''::text NOT NULL,
    CONSTRAINT number_range_check CHECK ((lo <= hi))
);

COMMENT ON TABLE sms.number_range IS 'The numbering plan: who was issued 79161234567, and what time it is there. Imported by ''outbox import numbering''.';

COMMENT ON COLUMN sms.number_range.lo IS 'First number, E.164 without the plus.';

COMMENT ON COLUMN sms.number_range.hi IS 'Last number, inclusive.';

COMMENT ON COLUMN sms.number_range.operator_id IS 'Operator group by tax id.';

COMMENT ON COLUMN sms.number_range.zone_id IS 'Zone of the region; 0 = unknown.';

COMMENT ON COLUMN sms.number_range.operator_title IS 'Operator as the plan spells it.';

COMMENT ON COLUMN sms.number_range.region IS 'Region as the plan spells it.';

COMMENT ON COLUMN sms.number_range.inn IS 'Operator''s tax id.';

-- FUNCTION staged_ranges()

CREATE FUNCTION sms.staged_ranges() RETURNS SETOF sms.number_range
    LANGUAGE sql STABLE
    AS $$
    with place as materialized (
        select s.region, array_to_string(sms.region_zones(s.region), '+') as zone
          from (select distinct s.region from sms.number_range_staging as s) as s
    )
    select s.lo, s.hi, coalesce(o.operator_id, 0::smallint), coalesce(z.zone_id, 0::smallint),
           s.operator_title, s.region, s.inn
      from sms.number_range_staging as s
      join place as p on p.region = s.region
      left join sms.operator_tax_id as o on o.inn = s.inn
      left join sms.time_zone as z on z.name = p.zone
$$;

COMMENT ON FUNCTION sms.staged_ranges() IS 'The staged numbering file as rows of sms.number_range.';

-- FUNCTION stamp_author()

CREATE FUNCTION sms.stamp_author() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if not sms.is_owner(current_user) then
        new.created_at := case when tg_op = 'INSERT' then now() else old.created_at end;
        new.created_by := case when tg_op = 'INSERT' then session_user else old.created_by end;
    end if;
    return new;
end
$$;

COMMENT ON FUNCTION sms.stamp_author() IS 'Trigger: who made a row and when is not for the statement to say.';

-- FUNCTION stamp_member()

CREATE FUNCTION sms.stamp_member() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if not sms.is_owner(current_user) then
        new.added_at := case when tg_op = 'INSERT' then now() else old.added_at end;
        new.added_by := case when tg_op = 'INSERT' then session_user else old.added_by end;
    end if;
    return new;
end
$$;

COMMENT ON FUNCTION sms.stamp_member() IS 'Trigger: who added a member of a group and when is not for the statement to say.';

-- FUNCTION stamp_withdrawal()

CREATE FUNCTION sms.stamp_withdrawal() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if not sms.is_owner(current_user) then
        new.withdrawn_by := session_user || coalesce(': ' || nullif(nullif(new.withdrawn_by, ''), session_user), '');
    end if;
    return new;
end
$$;

COMMENT ON FUNCTION sms.stamp_withdrawal() IS 'Trigger: the login that withdraws a consent stands before what it says.';

-- FUNCTION start_run(bigint, timestamp with time zone, integer)

CREATE FUNCTION sms.start_run(p_run_id bigint, p_next timestamp with time zone, p_skipped integer DEFAULT 0) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _campaign sms.campaign;
begin
    select c.* into _campaign
      from sms.campaign_run as r
      join sms.campaign as c on c.campaign_id = r.campaign_id
     where r.run_id = p_run_id and r.state = 'planned' and r.begins_at <= clock_timestamp()
       for no key update of r;
    if not found then
        return false;
    end if;
    update sms.campaign_run as r
       set state = 'freezing', begun_at = clock_timestamp(), channel = _campaign.channel, per_hour = _campaign.per_hour,
           ends_at = _campaign.ends_at
     where r.run_id = p_run_id;
    perform sms.log_activity('started', 'run', p_run_id::text,
                             jsonb_build_object('campaign', _campaign.campaign, 'next', p_next)
                             || case when p_skipped > 0 then jsonb_build_object('missed', p_skipped) else '{}' end);
    if p_next < coalesce(_campaign.ends_at, 'infinity') then
        insert into sms.campaign_run (campaign_id, state, channel, per_hour, ends_at, begins_at)
        values (_campaign.campaign_id, 'planned', _campaign.channel, _campaign.per_hour, _campaign.ends_at, p_next);
    end if;
    return true;
end
$$;

COMMENT ON FUNCTION sms.start_run(p_run_id bigint, p_next timestamp with time zone, p_skipped integer) IS 'Chore. A planned run begins to collect its recipients; the next one is planned.';

-- FUNCTION stat_hour_at(integer)

CREATE FUNCTION sms.stat_hour_at(p_hour_no integer) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ select timestamptz '2020-01-01 00:00Z' + make_interval(hours => p_hour_no) $$;

COMMENT ON FUNCTION sms.stat_hour_at(p_hour_no integer) IS 'The moment at which an hour begins, see sms.stat_hour_no.';

-- FUNCTION stat_hour_no(bigint)

CREATE FUNCTION sms.stat_hour_no(p_id bigint) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ select ((p_id >> 22) / 3600000)::int $$;

COMMENT ON FUNCTION sms.stat_hour_no(p_id bigint) IS 'The hour in which an id was drawn, counted from 2020-01-01 UTC.';

-- FUNCTION state_rank(text)

CREATE FUNCTION sms.state_rank(p_state text) RETURNS smallint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select case p_state
        when 'pending' then 0 when 'inflight' then 1 when 'uncertain' then 2 when 'accepted' then 3
        when 'suppressed' then 5 when 'cancelled' then 5 when 'failed' then 5
        when 'expired' then 5 when 'rejected' then 5 when 'undelivered' then 5
        when 'delivered' then 6 end::smallint
$$;

COMMENT ON FUNCTION sms.state_rank(p_state text) IS 'Receipts move a message only to a higher rank. The same numbers as sms.state.rank, inlined because every receipt asks.';

-- FUNCTION statistics(date, date, text[])

CREATE FUNCTION sms.statistics(p_from date, p_until date, p_by text[] DEFAULT '{channel}'::text[]) RETURNS TABLE(month date, day date, channel text, category text, campaign text, template text, provider text, operator text, state text, reason text, messages bigint, segments bigint, cost numeric, accepted bigint, delivered bigint, delivery_share numeric, p50 interval, p95 interval, p99 interval)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    _known constant text[] := array['month', 'day', 'channel', 'category', 'campaign', 'template', 'provider', 'operator',
                                    'state', 'reason'];
    _unknown text := (select b from unnest(p_by) as b where b <> all (_known) limit 1);
    _from date := greatest(p_from, (select coalesce(min(s.day), current_date) from sms.stat_day as s));
    _until date := least(p_until, (select coalesce(max(s.day) + 1, current_date) from sms.stat_day as s));
    _whole date[] := array(select distinct m.month from sms.stat_month as m
                            where m.month >= p_from and m.month + interval '1 month' <= p_until and not 'day' = any (p_by));
begin
    if _unknown is not null then
        raise exception 'statistics cannot be asked by "%"', _unknown using errcode = 'SM070',
            hint = 'By: ' || array_to_string(_known, ', ') || '.';
    end if;
    return query
    with source as not materialized (
        select s.month as day, s.channel_id, s.provider_id, s.operator_id, s.state, s.reason, s.campaign_id, s.template_id,
               s.messages, s.segments, s.cost, s.delivery
          from sms.stat_month as s
         where s.month = any (_whole)
         union all
        select d.*
          from generate_series(date_trunc('month', _from::timestamp), _until::timestamp, interval '1 month') as g (month)
         cross join lateral (
                   select s.day, s.channel_id, s.provider_id, s.operator_id, s.state, s.reason, s.campaign_id, s.template_id,
                          s.messages, s.segments, s.cost, s.delivery
                     from sms.stat_day as s
                    where s.day >= greatest(_from, g.month::date) and s.day < least(_until, (g.month + interval '1 month')::date)
               ) as d
         where g.month::date <> all (_whole)
    ), sum as materialized (
        select case when 'month' = any (p_by) then date_trunc('month', s.day)::date end as month,
               case when 'day' = any (p_by) then s.day end as day,
               case when p_by && '{channel,category}' then s.channel_id end as channel_id,
               case when 'campaign' = any (p_by) then s.campaign_id end as campaign_id,
               case when 'template' = any (p_by) then s.template_id end as template_id,
               case when 'provider' = any (p_by) then s.provider_id end as provider_id,
               case when 'operator' = any (p_by) then s.operator_id end as operator_id,
               s.state,
               case when 'reason' = any (p_by) then s.reason end as reason,
               sum(s.messages) as messages, sum(s.segments) as segments, sum(s.cost) as cost,
               sum(s.messages) filter (where sms.is_handed_over(s.state, s.reason)) as handed
          from source as s
         group by 1, 2, 3, 4, 5, 6, 7, 8, 9
    ), class as materialized (
        select case when 'month' = any (p_by) then date_trunc('month', s.day)::date end as month,
               case when 'day' = any (p_by) then s.day end as day,
               case when p_by && '{channel,category}' then s.channel_id end as channel_id,
               case when 'campaign' = any (p_by) then s.campaign_id end as campaign_id,
               case when 'template' = any (p_by) then s.template_id end as template_id,
               case when 'provider' = any (p_by) then s.provider_id end as provider_id,
               case when 'operator' = any (p_by) then s.operator_id end as operator_id,
               case when 'reason' = any (p_by) then s.reason end as reason,
               c.n, sum(c.messages) as messages
          from source as s
         cross join unnest(s.delivery) with ordinality as c (messages, n)
         where s.state = 'delivered' and c.messages > 0
         group by 1, 2, 3, 4, 5, 6, 7, 8, 9
    ), named as (
        select u.month, u.day, case when 'channel' = any (p_by) then ch.channel end as channel,
               case when 'category' = any (p_by) then ch.category end as category,
               k.campaign, t.template, v.provider, o.operator, case when 'state' = any (p_by) then u.state end as state,
               nullif(u.reason, '') as reason, u.state as fate, u.messages, u.segments, u.cost, u.handed, null::bigint as n, null::bigint as hits
          from sum as u
          left join sms.channel as ch using (channel_id)
          left join sms.campaign as k using (campaign_id)
          left join sms.template as t using (template_id)
          left join sms.provider as v using (provider_id)
          left join sms.operator as o using (operator_id)
         union all
        select x.month, x.day, case when 'channel' = any (p_by) then ch.channel end,
               case when 'category' = any (p_by) then ch.category end,
               k.campaign, t.template, v.provider, o.operator, case when 'state' = any (p_by) then 'delivered' end,
               nullif(x.reason, ''), null, 0, 0, 0, 0, x.n, x.messages
          from class as x
          left join sms.channel as ch using (channel_id)
          left join sms.campaign as k using (campaign_id)
          left join sms.template as t using (template_id)
          left join sms.provider as v using (provider_id)
          left join sms.operator as o using (operator_id)
    ), classed as (
        select d.key, sms.delivery_classes(array_agg(d.n::int), array_agg(d.hits::int))::bigint[] as delivery
          from (select (y.month, y.day, y.channel, y.category, y.campaign, y.template, y.provider, y.operator, y.state,
                        y.reason)::text as key, y.n, sum(y.hits)::bigint as hits
                  from named as y where y.n is not null group by 1, 2) as d
         group by d.key
    ), told as (
        select y.month, y.day, y.channel, y.category, y.campaign, y.template, y.provider, y.operator, y.state, y.reason,
               sum(y.messages)::bigint as messages, sum(y.segments)::bigint as segments, sum(y.cost) as cost,
               coalesce(sum(y.handed), 0)::bigint as accepted,
               coalesce(sum(y.messages) filter (where y.fate = 'delivered'), 0)::bigint as delivered
          from named as y
         where y.n is null
         group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
    )
    select t.month, t.day, t.channel, t.category, t.campaign, t.template, t.provider, t.operator, t.state, t.reason,
           t.messages, t.segments, t.cost, t.accepted, t.delivered, round(t.delivered::numeric / nullif(t.accepted, 0), 4),
           sms.delivery_percentile(c.delivery, 0.5), sms.delivery_percentile(c.delivery, 0.95),
           sms.delivery_percentile(c.delivery, 0.99)
      from told as t
      left join classed as c
        on c.key = (t.month, t.day, t.channel, t.category, t.campaign, t.template, t.provider, t.operator, t.state, t.reason)::text
     order by t.month, t.day, t.messages desc, t.channel, t.provider, t.operator, t.state;
end
$$;

COMMENT ON FUNCTION sms.statistics(p_from date, p_until date, p_by text[]) IS 'Counts, segments, money, delivery share and times to delivery of some days, by any of the dimensions.';

-- FUNCTION statistics_hours_since()

CREATE FUNCTION sms.statistics_hours_since() RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    AS $$
    select case when coalesce(max(s.value::int), 0) <= 0 then timestamptz '-infinity'
                else date_trunc('month', now() - make_interval(months => max(s.value::int)), 'UTC') end
      from sms.setting as s
     where s.setting = 'statistics_hours_months'
$$;

COMMENT ON FUNCTION sms.statistics_hours_since() IS 'Since when hourly sums are kept.';

-- FUNCTION statistics_zone()

CREATE FUNCTION sms.statistics_zone() RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select coalesce((select s.value from sms.setting as s where s.setting = 'statistics_zone'), 'Europe/Moscow')
$$;

COMMENT ON FUNCTION sms.statistics_zone() IS 'The zone in which statistics cut days.';

-- FUNCTION stop_campaign(bigint)

CREATE FUNCTION sms.stop_campaign(p_campaign_id bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _waiting bigint;
    _queued int;
begin
    select coalesce(sum(r.waiting), 0) into _waiting
      from sms.open_runs(p_campaign_id, array['planned', 'freezing', 'running', 'paused'], 'stopped') as r;
    perform sms.end_run(r.run_id, 'stopped', 'campaign_stopped')
       from sms.campaign_run as r
      where r.campaign_id = p_campaign_id and r.state in ('planned', 'freezing', 'running', 'paused');
    _queued := sms.suppress_queued(p_campaign_id, 'campaign_stopped', 'stopped by ' || session_user);
    perform sms.log_activity('stopped', 'campaign', (select c.campaign from sms.campaign as c where c.campaign_id = p_campaign_id),
                             jsonb_build_object('suppressed', _queued, 'unsent', _waiting));
    return _queued + _waiting;
end
$$;

COMMENT ON FUNCTION sms.stop_campaign(p_campaign_id bigint) IS 'Stop a campaign for good; how many people are spared its message.';

-- FUNCTION stop_campaign(text)

CREATE FUNCTION sms.stop_campaign(p_campaign text) RETURNS bigint
    LANGUAGE sql
    AS $$ select sms.stop_campaign(sms.find_campaign(p_campaign)) $$;

COMMENT ON FUNCTION sms.stop_campaign(p_campaign text) IS 'Stop a campaign for good; how many people are spared its message.';

-- FUNCTION strangers_objects()

CREATE FUNCTION sms.strangers_objects() RETURNS TABLE(name text, place text, what text)
    LANGUAGE sql STABLE
    AS $$
    with recursive stranger as materialized (
        select r.oid from pg_catalog.pg_roles as r where not sms.is_trusted_author(r.oid)
    ), room as materialized (
        select n.oid, n.nspname, nullif(n.nspname, 'public') as place, n.nspowner
          from pg_catalog.pg_namespace as n
         where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and has_schema_privilege('sms_audience', n.oid, 'usage')
    ), kind (oid) as (
       (select t.oid from pg_catalog.pg_type as t where t.typtype in ('d', 'r', 'm') and t.typowner in (select s.oid from stranger as s)
         union
        select x.oid
          from pg_catalog.pg_cast as c
          join pg_catalog.pg_proc as p on p.oid = c.castfunc and p.proowner in (select s.oid from stranger as s)
         cross join lateral (values (c.castsource), (c.casttarget)) as x (oid)
          join pg_catalog.pg_type as t on t.oid = x.oid and t.typowner in (select s.oid from stranger as s))
         union
        select t.oid
          from kind as k
          cross join lateral (
                   select c.reltype as oid
                     from pg_catalog.pg_attribute as a
                     join pg_catalog.pg_class as c on c.oid = a.attrelid
                    where a.atttypid = k.oid and c.reltype <> 0
                    union all
                   select t.oid from pg_catalog.pg_type as t where t.typbasetype = k.oid or t.typelem = k.oid
                    union all
                   select r.rngtypid from pg_catalog.pg_range as r where r.rngsubtype = k.oid) as t
    )
    select r.nspname::text, null::text, 'the schema ' || r.nspname
      from room as r
     where r.nspname <> 'public' and r.nspowner in (select s.oid from stranger as s)
     union all
    select t.typname::text, r.place::text, 'the type ' || t.typname
      from kind as k
      join pg_catalog.pg_type as t on t.oid = k.oid
      join room as r on r.oid = t.typnamespace
     union all
    select c.relname::text, r.place::text, 'the relation ' || c.relname
      from pg_catalog.pg_class as c
      join room as r on r.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relowner in (select s.oid from stranger as s)
       and has_any_column_privilege('sms_audience', c.oid, 'select')
     union all
    select p.proname::text, r.place::text, 'the function ' || p.proname
      from pg_catalog.pg_proc as p
      join room as r on r.oid = p.pronamespace
     where p.proowner in (select s.oid from stranger as s) and has_function_privilege('sms_audience', p.oid, 'execute')
       and not exists (select from pg_catalog.pg_depend as d
                        where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
     union all
    select null, r.place::text, 'the operator ' || o.oprname
      from pg_catalog.pg_operator as o
      join room as r on r.oid = o.oprnamespace
      left join pg_catalog.pg_proc as p on p.oid = o.oprcode
     where (o.oprowner in (select s.oid from stranger as s) or p.proowner in (select s.oid from stranger as s))
       and not exists (select from pg_catalog.pg_depend as d
                        where d.classid = 'pg_catalog.pg_operator'::regclass and d.objid = o.oid and d.deptype = 'e')
$$;

COMMENT ON FUNCTION sms.strangers_objects() IS 'What unknown authors made where the reader of audiences could name it.';

-- FUNCTION suppress_queued(bigint, text, text)

CREATE FUNCTION sms.suppress_queued(p_campaign_id bigint, p_reason text, p_detail text) RETURNS integer
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    AS $$
declare
    _now timestamptz := clock_timestamp();
    _ended int;
begin
    with gone as materialized (
        delete from sms.pending as p where p.campaign_id = p_campaign_id returning p.*
    ), closed as (
        insert into sms.outcome (id, msisdn, decided_at, final_at, client_id, campaign_id, template_version_id, lane_id,
                                 zone_id, attempts, state, reason, detail)
        select g.id, g.msisdn, _now, _now, g.client_id, g.campaign_id, g.template_version_id, g.lane_id,
               g.zone_id, g.attempt, 'suppressed', p_reason, p_detail
          from gone as g
    )
    select count(*) into _ended from gone;
    return _ended;
end
$$;

COMMENT ON FUNCTION sms.suppress_queued(p_campaign_id bigint, p_reason text, p_detail text) IS 'End what is queued of a campaign as suppressed with a reason; how many.';

-- FUNCTION sweep_campaigns()

CREATE FUNCTION sms.sweep_campaigns() RETURNS bigint
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    AS $$
declare
    _campaign_id bigint := 0;
    _run_id bigint;
    _state text;
    _swept bigint := 0;
begin
    loop
        select p.campaign_id into _campaign_id
          from sms.pending as p where p.campaign_id > _campaign_id order by p.campaign_id limit 1;
        exit when not found;
        select r.run_id into _run_id
          from sms.campaign_run as r
         where r.campaign_id = _campaign_id and r.begun_at is not null
         order by r.run_id desc
         limit 1;
        -- Locked: a resume that came between this look and the hold would find its messages held again.
        select r.state into _state from sms.campaign_run as r where r.run_id = _run_id for no key update skip locked;
        if _state = 'paused' then
            _swept := _swept + sms.hold_queued(_campaign_id);
        elsif _state = 'stopped' then
            _swept := _swept + sms.suppress_queued(_campaign_id, 'campaign_stopped', 'came back after its campaign was stopped');
        end if;
    end loop;
    return _swept;
end
$$;

COMMENT ON FUNCTION sms.sweep_campaigns() IS 'Hold or end messages that came back to the queue of paused or stopped campaigns.';

-- FUNCTION sweep_recipients(integer)

CREATE FUNCTION sms.sweep_recipients(p_limit integer) RETURNS bigint
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    AS $$
declare
    _run_id bigint;
    _gone bigint;
begin
    select r.run_id into _run_id
      from sms.campaign_run as r
     where not r.is_swept and r.state in ('finished', 'stopped', 'failed')
     order by r.run_id
     limit 1
       for no key update skip locked;
    if not found then
        return 0;
    end if;
    delete from sms.run_recipient as r
     where r.ctid = any (array(select x.ctid from sms.run_recipient as x where x.run_id = _run_id limit p_limit));
    get diagnostics _gone = row_count;
    update sms.campaign_run as r set is_swept = true where r.run_id = _run_id and _gone < p_limit;
    return _gone;
end
$$;

COMMENT ON FUNCTION sms.sweep_recipients(p_limit integer) IS 'Remove recipients that ended runs left behind.';

-- FUNCTION switch_channel(text, text, text, text, timestamp with time zone)

CREATE FUNCTION sms.switch_channel(p_channel text, p_provider text, p_operator text DEFAULT NULL::text, p_reason text DEFAULT NULL::text, p_until timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _provider_id smallint;
    _lanes smallint[] := sms.lanes_of(p_channel, p_operator);
    _reason text := nullif(btrim(p_reason), '');
    _changed int;
begin
    if p_provider is not null then
        _provider_id := sms.provider_named(p_provider);
    end if;
    if p_until <= clock_timestamp() then
        raise exception 'a switch cannot end in the past (%)', p_until
            using errcode = 'SM062', hint = 'Give a later end, or none: then it lasts until it is unpinned.';
    end if;
    insert into sms.lane_pin as n (lane_id, reason, pinned_until, return_to)
    select l.lane_id, _reason, p_until, l.provider_id
      from sms.lane as l
     where l.lane_id = any (_lanes)
       and (num_nonnulls(_reason, p_until) > 0
            or exists (select from sms.lane_pin as x where x.lane_id = l.lane_id)
            or exists (select from sms.route as r
                        where r.channel_id = l.channel_id and (r.operator_id = l.operator_id or r.operator_id is null)))
        on conflict (lane_id) do update
       set pinned_at = clock_timestamp(), pinned_by = session_user, reason = excluded.reason, pinned_until = excluded.pinned_until;
    update sms.lane as l
       set provider_id = _provider_id, is_held = false, probed_by = null,
           moved = jsonb_build_object(
               'cause', case when exists (select from sms.lane_pin as n where n.lane_id = l.lane_id) then 'pinned' else 'switched' end,
               'detail', nullif(concat_ws(', ', _reason, 'until ' || p_until), ''), 'is_automatic', false, 'at', clock_timestamp())
     where l.lane_id = any (_lanes) and l.provider_id is distinct from _provider_id;
    get diagnostics _changed = row_count;
    perform sms.log_activity('switched', 'channel', p_channel, jsonb_strip_nulls(jsonb_build_object(
        'provider', p_provider, 'operator', p_operator, 'lanes', _changed, 'reason', _reason, 'until', p_until)));
    return _changed;
end
$$;

COMMENT ON FUNCTION sms.switch_channel(p_channel text, p_provider text, p_operator text, p_reason text, p_until timestamp with time zone) IS 'Send a channel (''*'' = all), or one operator''s lane of it, through another provider from now on; null parks it. Returns the lanes changed.';

-- FUNCTION take_balance_turn(text, interval)

CREATE FUNCTION sms.take_balance_turn(p_provider text, p_every interval) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _now timestamptz := clock_timestamp();
    _provider_id smallint := sms.known_provider(p_provider);
begin
    if not exists (select from sms.lane as l where _provider_id in (l.provider_id, l.probed_by))
       and not exists (select from sms.route_provider as v where v.provider_id = _provider_id) then
        return false;
    end if;
    if exists (select from sms.provider_balance as b
                where b.provider_id = _provider_id and b.asked_at > _now - p_every) then
        return false;
    end if;
    insert into sms.provider_balance as b (provider_id, asked_at) values (_provider_id, _now)
        on conflict (provider_id) do update set asked_at = excluded.asked_at where b.asked_at <= _now - p_every;
    return found;
end
$$;

COMMENT ON FUNCTION sms.take_balance_turn(p_provider text, p_every interval) IS 'Worker API. Be the one who asks for the balance now.';

-- FUNCTION take_doubtful(text, integer, interval, interval, interval, interval[])

CREATE FUNCTION sms.take_doubtful(p_provider text, p_limit integer, p_every interval, p_hold interval, p_after interval, p_pauses interval[]) RETURNS TABLE(id bigint, msisdn bigint, submitted_at timestamp with time zone, ref text, asked_at timestamp with time zone)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
#variable_conflict use_column
declare
    _now timestamptz := clock_timestamp();
    _provider_id smallint := sms.known_provider(p_provider);
begin
    -- From now on a drain waits for its answers.
    if not exists (select from sms.provider_asking as a where a.provider_id = _provider_id and a.answers_doubts) then
        insert into sms.provider_asking as a (provider_id, answers_doubts) values (_provider_id, true)
            on conflict (provider_id) do update set answers_doubts = true;
    end if;
    -- What a receipt has decided meanwhile shall not stand in the way; a chore deletes it later.
    update sms.doubtful as d
       set next_ask_at = 'infinity'
      from (select x.id from sms.doubtful as x
             where x.provider_id = _provider_id and x.next_ask_at <= _now
             order by x.next_ask_at
             limit greatest(1000, p_limit)) as s
     where d.id = s.id
       and not exists (select from sms.outcome as o where o.id = s.id and o.state = 'uncertain');
    if not exists (select from sms.doubtful as d
                    where d.provider_id = _provider_id and d.next_ask_at <= _now and d.since <= _now - p_after)
       or not sms.take_turn(_provider_id, p_every, p_hold, _now) then
        return;
    end if;
    return query
    with due as materialized (
        select d.id
          from sms.doubtful as d
         where d.provider_id = _provider_id and d.next_ask_at <= _now and d.since <= _now - p_after
         order by d.next_ask_at
         limit p_limit
           for update skip locked
    ), asked as (
        update sms.doubtful as d
           set asked_at = _now, asks = d.asks + 1, next_ask_at = _now + p_pauses[least(d.asks + 1, cardinality(p_pauses))]
          from due as x
         where d.id = x.id
     returning d.id, d.ref
    )
    select a.id, o.msisdn, o.submitted_at, a.ref, _now
      from asked as a
      cross join lateral (select x.msisdn, x.submitted_at from sms.outcome as x
                           where x.id = a.id and x.state = 'uncertain' offset 0) as o;
end
$$;

COMMENT ON FUNCTION sms.take_doubtful(p_provider text, p_limit integer, p_every interval, p_hold interval, p_after interval, p_pauses interval[]) IS 'Worker API. Take the turn to ask a provider, and the uncertain messages to ask about.';

-- FUNCTION take_import_turn(text)

CREATE FUNCTION sms.take_import_turn(p_kind text) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ select pg_advisory_xact_lock(74030, hashtext(p_kind)) $$;

COMMENT ON FUNCTION sms.take_import_turn(p_kind text) IS 'Wait until no other import of this kind goes on; held until the end of the transaction.';

-- FUNCTION take_overdue(text, integer, interval, interval, interval, interval[])

CREATE FUNCTION sms.take_overdue(p_provider text, p_limit integer, p_every interval, p_hold interval, p_until interval, p_pauses interval[]) RETURNS TABLE(id bigint, msisdn bigint, submitted_at timestamp with time zone, ref text, asked_at timestamp with time zone)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
#variable_conflict use_column
declare
    _now timestamptz := clock_timestamp();
    _provider_id smallint := sms.known_provider(p_provider);
begin
    -- Those that got their receipt, or are too old by now: the next ones in the queue, so that a long one costs no more.
    delete from sms.overdue as v
     where v.id = any (array(select x.id
                               from (select y.id from sms.overdue as y
                                      where y.provider_id = _provider_id and y.next_poll_at <= _now
                                      order by y.next_poll_at
                                      limit greatest(1000, p_limit)) as x
                               left join lateral (select o.state, o.submitted_at from sms.outcome as o
                                                   where o.id = x.id offset 0) as o on true
                              where o.state is distinct from 'accepted' or o.submitted_at < _now - p_until));
    if not exists (select from sms.overdue as v where v.provider_id = _provider_id and v.next_poll_at <= _now)
       or not sms.take_turn(_provider_id, p_every, p_hold, _now) then
        return;
    end if;
    return query
    with due as materialized (
        select v.id
          from sms.overdue as v
         where v.provider_id = _provider_id and v.next_poll_at <= _now
         order by v.next_poll_at
         limit p_limit
           for update skip locked
    ), asked as (
        update sms.overdue as v
           set polls = v.polls + 1, next_poll_at = _now + p_pauses[least(v.polls + 1, cardinality(p_pauses))]
          from due as x
         where v.id = x.id
     returning v.id, v.ref
    )
    select a.id, o.msisdn, o.submitted_at, a.ref, _now
      from asked as a
      cross join lateral (select x.msisdn, x.submitted_at from sms.outcome as x where x.id = a.id offset 0) as o;
end
$$;

COMMENT ON FUNCTION sms.take_overdue(p_provider text, p_limit integer, p_every interval, p_hold interval, p_until interval, p_pauses interval[]) IS 'Worker API. Take the turn to ask a provider, and the overdue messages to ask about.';

-- FUNCTION take_route_notices(integer)

CREATE FUNCTION sms.take_route_notices(p_limit integer DEFAULT 100) RETURNS TABLE(notice_id bigint, payload jsonb)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    with taken as (
        update sms.route_notice as n
           set tries = n.tries + 1,
               next_try_at = clock_timestamp() + least(interval '30 seconds' * power(2, least(n.tries, 10)), interval '10 minutes')
         where n.notice_id in (select x.notice_id
                                 from sms.route_notice as x
                                where x.told_at is null and x.next_try_at <= clock_timestamp() and x.at > clock_timestamp() - interval '1 day'
                                order by x.next_try_at
                                limit p_limit
                                  for update skip locked)
     returning n.notice_id, n.payload
    )
    select t.notice_id, t.payload from taken as t order by t.notice_id
$$;

COMMENT ON FUNCTION sms.take_route_notices(p_limit integer) IS 'Worker API. Take notices that the webhook was not told yet.';

-- FUNCTION take_turn(smallint, interval, interval, timestamp with time zone)

CREATE FUNCTION sms.take_turn(p_provider_id smallint, p_every interval, p_hold interval, p_now timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
begin
    insert into sms.provider_asking as a (provider_id, asked_at, busy_until)
    values (p_provider_id, p_now, p_now + p_hold)
        on conflict (provider_id) do update
           set asked_at = excluded.asked_at, busy_until = excluded.busy_until
         where a.asked_at <= p_now - p_every and a.busy_until <= p_now;
    return found;
end
$$;

COMMENT ON FUNCTION sms.take_turn(p_provider_id smallint, p_every interval, p_hold interval, p_now timestamp with time zone) IS 'Be the one who asks a provider now.';

-- FUNCTION tell_change(jsonb, jsonb)

CREATE FUNCTION sms.tell_change(p_old jsonb, p_new jsonb) RETURNS text
    LANGUAGE sql STABLE
    AS $_$
    select string_agg(case when p_old is null then k.name || ' ' || k.after
                           when p_new is null then k.name || ' ' || k.before
                           else k.name || ' ' || k.before || ' → ' || k.after end, ', ' order by k.name)
      from (select f.name, sms.tell_value(f.name, p_old ->> f.name) as before, sms.tell_value(f.name, p_new ->> f.name) as after
              from jsonb_object_keys(coalesce(p_old, '{}') || coalesce(p_new, '{}')) as f (name)
             where f.name !~ '^(.*_)?(created|changed|updated|added|since)_(at|by)$|^(template|template_version|event_type|rule|provider|channel|campaign|audience|route|cap|quiet_hours|blacklist|group|member|tariff|consent|auto_rule|budget|goal|fee)_id$|^(collected_until|warned_for|stopped_for|writers|authors)$'
               and (p_old ->> f.name) is distinct from (p_new ->> f.name)) as k
     where (p_old is not null and p_new is not null) or coalesce(p_new, p_old) ->> k.name not in ('', '{}', '[]', '00:00:00')
$_$;

COMMENT ON FUNCTION sms.tell_change(p_old jsonb, p_new jsonb) IS 'A kept change of a row in plain words: each value, old → new.';

-- FUNCTION tell_value(text, text)

CREATE FUNCTION sms.tell_value(p_name text, p_value text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$
    select case when p_value is null then 'none'
                when p_name = 'body' then char_length(p_value) || ' characters'
                when p_name = 'settings' and p_value like '{%'
                then (select string_agg(e.key || case e.value when '…' then '' else ' (' || e.value || ')' end, ' ' order by e.key)
                        from jsonb_each_text(p_value::jsonb) as e)
                else sms.mask_phones(case when char_length(p_value) > 100 then left(p_value, 100) || '…' else p_value end) end
$$;

COMMENT ON FUNCTION sms.tell_value(p_name text, p_value text) IS 'A value as a log may show it: phones masked, a text by its length, long ones cut.';

-- FUNCTION template_needs(text)

CREATE FUNCTION sms.template_needs(p_template text) RETURNS SETOF text
    LANGUAGE sql STABLE
    AS $$
    select distinct btrim(m[1])
      from sms.template as t
      cross join lateral (
               select x.body
                 from sms.template_version as x
                where x.template_id = t.template_id
                  and (p_template not like '%@%' or x.version_no::text = split_part(p_template, '@', 2))
                order by x.version_no desc
                limit 1
           ) as v
      cross join lateral regexp_matches(v.body, '\{\{([^|}]*)\}\}', 'g') as m
     where t.template = split_part(p_template, '@', 1)
$$;

COMMENT ON FUNCTION sms.template_needs(p_template text) IS 'Variables without a default that a template uses.';

-- FUNCTION template_variables(text, jsonb)

CREATE FUNCTION sms.template_variables(p_body text, p_variables jsonb DEFAULT NULL::jsonb) RETURNS TABLE(name text, is_used boolean, is_declared boolean, is_required boolean, default_value text, sample text, meaning text)
    LANGUAGE sql IMMUTABLE
    AS $$
    with used as (
        select btrim(split_part(m.found[1], '|', 1)) as name, min(m.place) as place,
               max(substr(m.found[1], nullif(strpos(m.found[1], '|'), 0) + 1)) as default_value,
               bool_and(strpos(m.found[1], '|') > 0) as always_default
          from regexp_matches(p_body, '\{\{([^{}]*)\}\}', 'g') with ordinality as m (found, place)
         group by 1
    )
    select coalesce(u.name, d.name), u.name is not null, d.name is not null,
           coalesce((d.said ->> 'required')::boolean,
                    not coalesce(u.always_default, false) and d.said ->> 'default' is null),
           coalesce(u.default_value, d.said ->> 'default'), d.said ->> 'sample', d.said ->> 'meaning'
      from used as u
      full join jsonb_each(coalesce(p_variables, '{}')) as d (name, said) on d.name = u.name
     order by u.place, d.name
$$;

COMMENT ON FUNCTION sms.template_variables(p_body text, p_variables jsonb) IS 'The variables a template''s body names and those declared for it.';

-- FUNCTION told_facts(sms.candidate[])

CREATE FUNCTION sms.told_facts(p_batch sms.candidate[]) RETURNS sms.candidate[]
    LANGUAGE plpgsql STABLE
    AS $$
begin
    if p_batch is null or sms.may_read_texts() then
        return p_batch;
    end if;
    return array(select (c.id, c.msisdn, c.not_before, c.expires_at, null, null, c.client_id, c.campaign_id, c.template_version_id,
                         c.lane_id, c.channel_id, c.zone_id, c.priority, c.attempt, c.nth, 0, c.tid, c.nth_client)::sms.candidate
                   from unnest(p_batch) as c);
end
$$;

COMMENT ON FUNCTION sms.told_facts(p_batch sms.candidate[]) IS 'Candidates as the acting role may have them judged: without keys of texts for who may not read texts.';

-- FUNCTION told_route_notices(bigint[])

CREATE FUNCTION sms.told_route_notices(p_ids bigint[]) RETURNS integer
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    with told as (
        update sms.route_notice as n set told_at = clock_timestamp() where n.notice_id = any (p_ids) and n.told_at is null returning 1
    )
    select count(*)::int from told
$$;

COMMENT ON FUNCTION sms.told_route_notices(p_ids bigint[]) IS 'Worker API. Note that the webhook took these notices.';

-- FUNCTION try_sleep(integer)

CREATE FUNCTION sms.try_sleep(p_gate integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    for _slot in 1..4 loop
        if pg_try_advisory_lock(74010 + p_gate, _slot) then
            return _slot;
        end if;
    end loop;
    return null;
end
$$;

COMMENT ON FUNCTION sms.try_sleep(p_gate integer) IS 'Worker API. Hold a slot of the sleep gate, so that the next insert rings; null = try again shortly.';

-- FUNCTION understand_reply(text)

CREATE FUNCTION sms.understand_reply(p_body text) RETURNS text
    LANGUAGE sql STABLE
    AS $$
    with word as materialized (
        select row_number() over (order by s.n) as n, count(*) over () as words, k.meaning
          from regexp_split_to_table(p_body, '[^[:alnum:]]+') with ordinality as s (word, n)
          left join sms.stop_word as k on sms.fold_word(k.word) = sms.fold_word(s.word)
         where s.word <> ''
    ), heard as (
        select w.n, w.meaning from word as w where w.meaning in ('stop', 'start') and (w.n = 1 or w.words <= 3)
    )
    select case when bool_or(h.meaning = 'stop')
                then case when exists (select from word as w join heard as s on s.meaning = 'stop' and abs(s.n - w.n) <= 2
                                        where w.meaning = 'all')
                          then 'stop_all' else 'stop_advertising' end
                when bool_or(h.meaning = 'start') then 'start' end
      from heard as h
$$;

COMMENT ON FUNCTION sms.understand_reply(p_body text) IS 'Does a reply opt out (of advertising, of all) or in again? Null = for people.';

-- FUNCTION unfrozen_runs(timestamp with time zone)

CREATE FUNCTION sms.unfrozen_runs(p_as_of timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS SETOF bigint
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select r.run_id from sms.campaign_run as r
     where r.state = 'freezing' and r.frozen_at is null and r.begun_at < coalesce(p_as_of, clock_timestamp()) - interval '3 seconds'
     order by r.run_id
$$;

COMMENT ON FUNCTION sms.unfrozen_runs(p_as_of timestamp with time zone) IS 'Chore. Runs whose launcher may have been killed before their recipients were collected.';

-- FUNCTION unpin_channel(text, text)

CREATE FUNCTION sms.unpin_channel(p_channel text, p_operator text DEFAULT NULL::text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _lanes smallint[] := sms.lanes_of(p_channel, p_operator);
    _pins int := (select count(*) from sms.lane_pin as n where n.lane_id = any (_lanes));
begin
    if _pins > 0 then
        perform sms.expire_pins('-infinity', _lanes);
        perform sms.point_lanes(clock_timestamp(), _lanes);
        perform sms.log_activity('unpinned', 'channel', p_channel,
                                 jsonb_strip_nulls(jsonb_build_object('operator', p_operator, 'lanes', _pins)));
    end if;
    return _pins;
end
$$;

COMMENT ON FUNCTION sms.unpin_channel(p_channel text, p_operator text) IS 'End the pins of a channel''s lanes; routes decide again.';

-- FUNCTION uplift(text, text, timestamp with time zone, timestamp with time zone, numeric)

CREATE FUNCTION sms.uplift(p_goal text, p_campaign text, p_from timestamp with time zone DEFAULT '-infinity'::timestamp with time zone, p_until timestamp with time zone DEFAULT 'infinity'::timestamp with time zone, p_confidence numeric DEFAULT 0.95) RETURNS TABLE(treated bigint, treated_converted bigint, held_out bigint, held_out_converted bigint, treated_rate numeric, held_out_rate numeric, uplift numeric, low numeric, high numeric, extra numeric, needed bigint, revenue_uplift numeric, revenue_low numeric, revenue_high numeric, verdict text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_nestloop TO 'off'
    AS $$
#variable_conflict use_column
declare
    _goal_id int := sms.find_goal(p_goal);
    _window interval := (select g.attribution_window from sms.goal as g where g.goal_id = _goal_id);
    _campaign_id bigint;
    _since timestamptz;
    _z float8 := case p_confidence when 0.80 then 1.2815515655 when 0.90 then 1.6448536270
                                   when 0.95 then 1.9599639845 when 0.99 then 2.5758293035 end;
begin
    select k.campaign_id, k.created_at into _campaign_id, _since from sms.campaign as k where k.campaign = p_campaign;
    if _campaign_id is null then
        raise exception 'unknown campaign "%"', p_campaign using errcode = 'SM073';
    end if;
    return query
    with exposure as materialized (
        select e.client_id, e.at, e.is_held_out
          from sms.exposures(greatest(p_from, _since - interval '1 day'), least(p_until, timestamptz '2088-01-01 00:00Z')) as e
         where e.campaign_id = _campaign_id
    ), person as materialized (   -- whoever got one message is on the side of those who got it
        select e.client_id, bool_and(e.is_held_out) as is_held_out from exposure as e group by e.client_id
    ), done as materialized (
        select d.client_id, sum(d.amount) as amount
          from (select distinct c.conversion_id, c.client_id, coalesce(c.amount, 0) as amount
                  from exposure as e
                  join sms.conversion as c on c.goal_id = _goal_id and c.client_id = e.client_id
                   and c.occurred_at > e.at and c.occurred_at <= e.at + _window) as d
         group by d.client_id
    ), side as materialized (
        select count(*) filter (where not p.is_held_out) as n1, count(d.client_id) filter (where not p.is_held_out) as x1,
               count(*) filter (where p.is_held_out) as n2, count(d.client_id) filter (where p.is_held_out) as x2,
               avg(coalesce(d.amount, 0)) filter (where not p.is_held_out) as m1,
               avg(coalesce(d.amount, 0)) filter (where p.is_held_out) as m2,
               sqrt(var_samp(coalesce(d.amount, 0)) filter (where not p.is_held_out) / nullif(count(*) filter (where not p.is_held_out), 0)
                    + var_samp(coalesce(d.amount, 0)) filter (where p.is_held_out) / nullif(count(*) filter (where p.is_held_out), 0)) as se
          from person as p
          left join done as d on d.client_id = p.client_id
    )
    select s.n1, s.x1, s.n2, s.x2, round(s.x1::numeric / nullif(s.n1, 0), 6), round(s.x2::numeric / nullif(s.n2, 0), 6),
           round(i.uplift, 6), round(i.low, 6), round(i.high, 6), round(i.uplift * s.n1, 1), i.needed,
           round(s.m1 - s.m2, 4), round(s.m1 - s.m2 - _z::numeric * s.se, 4), round(s.m1 - s.m2 + _z::numeric * s.se, 4),
           case when s.n2 = 0 then 'nobody was held out: nothing to compare with'
                when s.n1 = 0 then 'nobody got it yet'
                when i.low > 0 then 'it works'
                when i.high < 0 then 'it does harm'
                else 'no effect can be told from chance' || coalesce(': one of this size takes ' || i.needed || ' people a side', '') end
      from side as s
     cross join lateral sms.uplift_interval(s.n1, s.x1, s.n2, s.x2, p_confidence) as i;
end
$$;

COMMENT ON FUNCTION sms.uplift(p_goal text, p_campaign text, p_from timestamp with time zone, p_until timestamp with time zone, p_confidence numeric) IS 'What a campaign caused: those who got it against those held out, with the confidence interval.';

-- FUNCTION uplift_interval(bigint, bigint, bigint, bigint, numeric)

CREATE FUNCTION sms.uplift_interval(p_treated bigint, p_treated_converted bigint, p_held_out bigint, p_held_out_converted bigint, p_confidence numeric DEFAULT 0.95) RETURNS TABLE(uplift numeric, low numeric, high numeric, needed bigint)
    LANGUAGE plpgsql IMMUTABLE ROWS 1 PARALLEL SAFE
    AS $$
declare
    _z float8 := case p_confidence when 0.80 then 1.2815515655 when 0.90 then 1.6448536270
                                   when 0.95 then 1.9599639845 when 0.99 then 2.5758293035 end;
    _power constant float8 := 0.8416212336;
    _p1 float8 := p_treated_converted::float8 / nullif(p_treated, 0);
    _p2 float8 := p_held_out_converted::float8 / nullif(p_held_out, 0);
    _low1 float8 := sms.wilson_bound(_p1, p_treated, -_z);
    _high1 float8 := sms.wilson_bound(_p1, p_treated, _z);
    _low2 float8 := sms.wilson_bound(_p2, p_held_out, -_z);
    _high2 float8 := sms.wilson_bound(_p2, p_held_out, _z);
begin
    if _z is null then
        raise exception 'no such confidence: %', p_confidence using errcode = 'SM072', hint = 'Confidence: 0.80, 0.90, 0.95 or 0.99.';
    end if;
    if p_treated_converted not between 0 and p_treated or p_held_out_converted not between 0 and p_held_out then
        raise exception 'of % people % cannot have converted, or of % %', p_treated, p_treated_converted, p_held_out, p_held_out_converted
            using errcode = 'SM072';
    end if;
    uplift := (_p1 - _p2)::numeric;
    low := (_p1 - _p2 - sqrt((_p1 - _low1) ^ 2 + (_high2 - _p2) ^ 2))::numeric;
    high := (_p1 - _p2 + sqrt((_high1 - _p1) ^ 2 + (_p2 - _low2) ^ 2))::numeric;
    needed := case when _p1 <> _p2 then
        least(9e18, ceil(((_z * sqrt((_p1 + _p2) / 2 * (1 - (_p1 + _p2) / 2) * 2)
               + _power * sqrt(_p1 * (1 - _p1) + _p2 * (1 - _p2))) / (_p1 - _p2)) ^ 2))::bigint end;
    return next;
end
$$;

COMMENT ON FUNCTION sms.uplift_interval(p_treated bigint, p_treated_converted bigint, p_held_out bigint, p_held_out_converted bigint, p_confidence numeric) IS 'Difference of two shares, its confidence interval (Newcombe), and the group size it takes to see it.';

-- FUNCTION wake(boolean, boolean)

CREATE FUNCTION sms.wake(p_urgent boolean, p_bulk boolean) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if p_urgent and sms.somebody_sleeps(0) then
        perform pg_notify('sms_urgent', '');
    end if;
    if p_bulk and sms.somebody_sleeps(1) then
        perform pg_notify('sms_bulk', '');
    end if;
end
$$;

COMMENT ON FUNCTION sms.wake(p_urgent boolean, p_bulk boolean) IS 'NOTIFY sms_urgent / sms_bulk when a worker sleeps at that gate; silent while all are awake.';

-- FUNCTION wake_up(integer, integer)

CREATE FUNCTION sms.wake_up(p_gate integer, p_slot integer) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ select pg_advisory_unlock(74010 + p_gate, p_slot) $$;

COMMENT ON FUNCTION sms.wake_up(p_gate integer, p_slot integer) IS 'Worker API. Release the slot taken by try_sleep.';

-- FUNCTION watch_budgets(timestamp with time zone)

CREATE FUNCTION sms.watch_budgets(p_as_of timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _now timestamptz := coalesce(sms.named_moment(p_as_of), clock_timestamp());
    _told int := 0;
    _b record;
begin
    with folded as (
        delete from sms.spend as s returning s.day, s.channel_id, s.campaign_id, s.amount
    )
    insert into sms.spend_day as d (day, channel_id, campaign_id, amount)
    select f.day, f.channel_id, coalesce(f.campaign_id, 0), sum(f.amount)
      from folded as f
     group by 1, 2, 3
        on conflict (day, channel_id, campaign_id) do update set amount = d.amount + excluded.amount;
    update sms.budget as b
       set warned_for = case when s.share >= s.warn_at then b.warned_for end,
           stopped_for = case when s.spent >= s.amount then b.stopped_for end
      from sms.budget_status(_now) as s
     where s.budget_id = b.budget_id
       and (b.warned_for is not null and s.share < s.warn_at or b.stopped_for is not null and s.spent < s.amount);
    for _b in
        select s.*, s.spent >= s.amount as is_used_up
          from sms.budget_status(_now) as s
          join sms.budget as b using (budget_id)
         where s.share >= s.warn_at
           and (b.warned_for is distinct from lower(s.span)
                or (s.spent >= s.amount and b.stopped_for is distinct from lower(s.span)))
    loop
        update sms.budget as b
           set warned_for = lower(_b.span), stopped_for = case when _b.is_used_up then lower(_b.span) end
         where b.budget_id = _b.budget_id;
        perform sms.log_activity(case when _b.is_used_up then 'used up' else 'warned' end, 'budget', _b.budget,
                                 jsonb_build_object('spent', round(_b.spent, 2), 'of', _b.amount, 'stops', _b.stops));
        perform pg_notify('sms_budget', _b.budget);
        _told := _told + 1;
    end loop;
    return _told;
end
$$;

COMMENT ON FUNCTION sms.watch_budgets(p_as_of timestamp with time zone) IS 'Chore. Fold the ledger of money; tell of budgets that warn or are used up.';

-- FUNCTION watch_busy_numbers()

CREATE FUNCTION sms.watch_busy_numbers() RETURNS TABLE(numbers integer, messages integer, oldest text, held_for interval, pid integer, login text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    _now timestamptz := clock_timestamp();
begin
    insert into sms.busy_number as b (key, pid, since, seen_at)
    select k.key, min(k.pid), _now, _now
      from (select (l.classid::bigint << 32) | l.objid::bigint as key, l.pid
              from pg_locks as l
             where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
               and l.database = (select d.oid from pg_database as d where d.datname = current_database())) as k
     where k.key between 70000000000 and 79999999999
        or (k.key < 0 and exists (select from sms.cap as c where c.per = 'client'))
     group by k.key
     order by k.key
     limit 1000
        on conflict (key) do update set pid = excluded.pid, seen_at = excluded.seen_at;
    delete from sms.busy_number as b where b.seen_at < _now;
    if exists (select from sms.busy_number as b where b.since <= _now - interval '1 minute') then
        update sms.busy_number as b
           set messages = (select count(*)
                             from sms.pending as p
                             join sms.lane as l on l.lane_id = p.lane_id and not l.is_held
                             join sms.provider as v on v.provider_id = l.provider_id and v.is_enabled
                            where p.not_before <= _now - interval '1 minute'
                              and case when b.key > 0 then p.msisdn = b.key else p.client_id = -1 - b.key end)
         where b.since <= _now - interval '1 minute';
    end if;
    return query
    select count(*)::int, coalesce(sum(b.messages), 0)::int, (array_agg(coalesce(b.number, 'client ' || b.client_id) order by b.since))[1],
           _now - min(b.since), (array_agg(b.pid order by b.since))[1], (array_agg(b.login order by b.since))[1]
      from sms.busy_numbers as b;
end
$$;

COMMENT ON FUNCTION sms.watch_busy_numbers() IS 'Chore. Numbers that somebody keeps locked while their messages are overdue: how many, and the oldest.';

-- FUNCTION watch_routes(timestamp with time zone)

CREATE FUNCTION sms.watch_routes(p_as_of timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(opened integer, tried integer, closed integer, lanes integer, unpinned integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET jit TO 'off'
    AS $$
declare
    _now timestamptz := coalesce(sms.named_moment(p_as_of), clock_timestamp());
    _moved smallint[];
begin
    unpinned := sms.expire_pins(_now);
    perform sms.count_delivered(_now);
    select m.opened, m.tried, m.closed into opened, tried, closed from sms.move_breakers(_now) as m;
    lanes := sms.point_lanes(_now);
    -- What was on its way when lanes moved comes back, turned away, a little later.
    _moved := array(select distinct c.lane_id
                      from sms.lane_change as c
                     where c.change_id >= sms.id_at(clock_timestamp() - interval '10 seconds') and c.cause = 'failover');
    if cardinality(_moved) > 0 then
        perform sms.hurry_urgent(_moved, _now);
    end if;
    delete from sms.provider_tally as t where t.bucket_at < _now - interval '10 minutes';
    delete from sms.route_notice as n where n.notice_id < sms.id_at(clock_timestamp() - interval '7 days');
    return next;
end
$$;

COMMENT ON FUNCTION sms.watch_routes(p_as_of timestamp with time zone) IS 'Chore. Breakers, pins and lanes: who is used, who serves what. Returns what moved.';

-- FUNCTION weigh_events(bigint[], integer[])

CREATE FUNCTION sms.weigh_events(p_event_ids bigint[], p_rule_ids integer[]) RETURNS TABLE(event_id bigint, rule_id integer, applies boolean, phone text, time_zone text, due_at timestamp with time zone, note text)
    LANGUAGE plpgsql STABLE
    AS $$
declare
    _client_ids bigint[];
begin
    select array_agg(distinct e.client_id) into _client_ids
      from unnest(p_event_ids) as i (event_id)
      cross join lateral (select x.client_id from sms.event as x where x.event_id = i.event_id offset 0) as e;

    return query
    with client as materialized (
        select c.client_id, c.phone, c.time_zone from sms.read_clients(_client_ids) as c
    ), fact as (
        select e.event_id, e.client_id, e.fired_at, e.vars, r.rule_id, r.channel, r.date_variable, r.shift, r.at_local,
               r.condition is null or coalesce(jsonb_path_match(e.vars, r.condition, '{}', true), false) as applies,
               coalesce(e.vars ->> 'phone', c.phone) as phone,
               coalesce((select z.name from sms.time_zone as z
                          where e.vars ? 'time_zone' and z.name = e.vars ->> 'time_zone' and z.zone_id <> 0), c.time_zone) as time_zone,
               case when e.vars ->> 'time_zone' is not null
                         and not exists (select from sms.time_zone as z where z.name = e.vars ->> 'time_zone' and z.zone_id <> 0)
                    then 'time_zone is no IANA zone, so the client''s counts' end as zone_note,
               case when e.vars ->> 'phone' is not null or c.phone is not null then null
                    when e.client_id is null then 'neither a client nor a phone was given'
                    when c.client_id is null then 'client ' || e.client_id || ' is not in erp.client'
                    else 'client ' || e.client_id || ' has no phone in erp.client' end as phone_note
          from unnest(p_event_ids, p_rule_ids) as i (event_id, rule_id)
          cross join lateral (
                   select x.event_id, x.client_id, x.fired_at, x.vars from sms.event as x where x.event_id = i.event_id offset 0
               ) as e
          join sms.event_rule as r on r.rule_id = i.rule_id
          left join client as c on c.client_id = e.client_id
    )
    select f.event_id, f.rule_id, f.applies, f.phone, f.time_zone, d.due_at,
           nullif(concat_ws('; ', coalesce(f.phone_note,
                                           case when d.due_at is null
                                                then f.date_variable || case when f.vars ->> f.date_variable is null then ' is missing'
                                                                             else ' is no date' end end),
                            f.zone_note), '')
      from fact as f
      left join lateral (
               -- Only a rule that asks for the local calendar pays for finding the zone.
               select case when f.time_zone is not null then array[f.time_zone]
                           else sms.possible_zones(f.channel, f.phone, f.client_id) end as zones
                where f.applies and (f.at_local is not null or f.date_variable is not null)
               offset 0
           ) as z on true
      cross join lateral (
               select case when z.zones is null then f.fired_at + f.shift
                           when f.date_variable is not null and f.vars ->> f.date_variable is null then null
                           else sms.event_moment(f.vars ->> f.date_variable, f.fired_at, f.shift, f.at_local, z.zones) end as due_at
           ) as d;
end
$$;

COMMENT ON FUNCTION sms.weigh_events(p_event_ids bigint[], p_rule_ids integer[]) IS 'What rules would make of events now: phone, zone, moment, whether the condition holds.';

-- FUNCTION wilson_bound(double precision, bigint, double precision)

CREATE FUNCTION sms.wilson_bound(p_share double precision, p_n bigint, p_z double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select (p_share + p_z * p_z / (2 * n) + p_z * sqrt(greatest(p_share * (1 - p_share) / n + p_z * p_z / (4 * n * n), 0)))
           / (1 + p_z * p_z / n)
      from (select nullif(p_n, 0)::float8 as n) as k
$$;

COMMENT ON FUNCTION sms.wilson_bound(p_share double precision, p_n bigint, p_z double precision) IS 'An end of Wilson''s interval for a share.';

-- FUNCTION with_declared_defaults(text, jsonb)

CREATE FUNCTION sms.with_declared_defaults(p_body text, p_variables jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    AS $$
declare
    _v record;
begin
    for _v in
        select d.key as name, d.value ->> 'default' as default_value
          from jsonb_each(case when jsonb_typeof(p_variables) = 'object' then p_variables else '{}' end) as d
         where d.value ->> 'default' is not null
    loop
        p_body := regexp_replace(p_body, '\{\{\s*' || regexp_replace(_v.name, '([^\w\s])', '\\\1', 'g') || '\s*\}\}',
                                 replace('{{' || _v.name || '|' || _v.default_value || '}}', '\', '\\'), 'g');
    end loop;
    return p_body;
end
$$;

COMMENT ON FUNCTION sms.with_declared_defaults(p_body text, p_variables jsonb) IS 'A template''s body with its declared defaults written in.';

-- FUNCTION with_short_links(text, text[])

CREATE FUNCTION sms.with_short_links(p_text text, p_codes text[] DEFAULT NULL::text[]) RETURNS text
    LANGUAGE plpgsql STABLE
    AS $$
declare
    _base text := (select s.value from sms.setting as s where s.setting = 'short_link_base');
    _between text[];
    _short text;
begin
    if coalesce(_base, '') = '' then
        return p_text;
    end if;
    _between := regexp_split_to_array(p_text, sms.link_pattern(), 'i');
    _short := _between[1];
    for _n in 2..cardinality(_between) loop
        _short := _short || _base || coalesce(p_codes[_n - 1], '000000000') || _between[_n];
    end loop;
    return case when char_length(_short) > 1000 then p_text else _short end;
end
$$;

COMMENT ON FUNCTION sms.with_short_links(p_text text, p_codes text[]) IS 'A text with its links shortened by these codes; without codes as it will look.';

-- FUNCTION work_left(interval, timestamp with time zone, interval)

CREATE FUNCTION sms.work_left(p_receipt_wait interval DEFAULT '00:00:10'::interval, p_as_of timestamp with time zone DEFAULT NULL::timestamp with time zone, p_ask_wait interval DEFAULT '00:05:00'::interval) RETURNS TABLE(due bigint, inflight bigint, awaiting_receipt bigint, feeding bigint, asking bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select (select count(*)
              from sms.pending as p
              join sms.lane as l using (lane_id)
              join sms.provider as v on v.provider_id = l.provider_id and v.is_enabled
             where p.not_before <= k.now),
           (select count(*) from sms.inflight),
           (select count(*)
              from sms.outcome as o
             where o.state = 'accepted' and o.decided_at > k.now - p_receipt_wait),
           (select coalesce(sum(case when r.state = 'running' and r.waiting > 0 then z.waiting else 1 end), 0)::bigint
              from sms.campaign_run as r
              left join lateral (
                       select sum(x.waiting) as waiting from sms.run_zone as x
                        where x.run_id = r.run_id and x.waiting > 0 and x.opens_at <= k.now
                   ) as z on true
             where r.state = 'freezing' or (r.state = 'planned' and coalesce(r.begins_at <= k.now, true))
                or (r.state = 'running' and z.waiting > 0
                    and coalesce(r.next_slot <= k.now, true) and sms.feed_room(r.campaign_id, k.now) > 0)
                or (r.state = 'running' and r.waiting = 0   -- nothing left but to say so
                    and not exists (select from sms.pending as p where p.campaign_id = r.campaign_id))),
           (select count(*)
              from sms.doubtful as d
              join sms.provider_asking as a on a.provider_id = d.provider_id and a.answers_doubts
              join sms.provider as v on v.provider_id = d.provider_id and v.is_enabled
              join sms.outcome as o on o.id = d.id and o.state = 'uncertain'
             where d.since > k.now - p_ask_wait)
      from (select coalesce(p_as_of, clock_timestamp()) as now) as k
$$;

COMMENT ON FUNCTION sms.work_left(p_receipt_wait interval, p_as_of timestamp with time zone, p_ask_wait interval) IS 'Due, in flight, awaiting a receipt, to be queued, being asked about: all zero when a drain is done.';

-- FUNCTION worst_hours(timestamp with time zone, timestamp with time zone, integer, integer)

CREATE FUNCTION sms.worst_hours(p_from timestamp with time zone, p_until timestamp with time zone, p_limit integer DEFAULT 10, p_least integer DEFAULT 100) RETURNS TABLE(hour timestamp without time zone, accepted bigint, delivered bigint, delivery_share numeric, p95 interval)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select k.hour at time zone sms.statistics_zone(), k.accepted, k.delivered, round(k.delivered::numeric / k.accepted, 4),
           sms.delivery_percentile((select array_agg(c.messages order by c.n)
                                      from (select x.n, sum(x.messages)::bigint as messages
                                              from sms.stat_hour as h
                                             cross join unnest(h.delivery) with ordinality as x (messages, n)
                                             where h.hour = k.hour
                                             group by x.n) as c), 0.95)
      from (select s.hour,
                   sum(s.messages) filter (where sms.is_handed_over(s.state, s.reason)) as accepted,
                   coalesce(sum(s.messages) filter (where s.state = 'delivered'), 0) as delivered
              from sms.stat_hour as s
             where s.hour >= p_from and s.hour < p_until
             group by s.hour) as k
     where k.accepted >= p_least
     order by k.delivered::numeric / k.accepted, k.hour
     limit p_limit
$$;

COMMENT ON FUNCTION sms.worst_hours(p_from timestamp with time zone, p_until timestamp with time zone, p_limit integer, p_least integer) IS 'The hours of a span in which the smallest share arrived.';

-- FUNCTION analyse_select(text)

CREATE FUNCTION sms_audience.analyse_select(p_query text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET standard_conforming_strings TO 'on'
    SET transaction_read_only TO 'on'
    AS $$
-- To look at the text of an analyst is what this is for:
-- @plpgsql_check_options: security_warnings = off
declare
    _cursor refcursor;
begin
    if current_user operator(pg_catalog.<>) 'sms_audience'::name then
        raise exception 'texts of analysts are read as sms_audience only' using errcode = 'SM031';
    end if;
    open _cursor for execute 'explain (costs off) ' || p_query;
    close _cursor;
end
$$;

COMMENT ON FUNCTION sms_audience.analyse_select(p_query text) IS 'Error where a text is not one statement that sms_audience understands. Plans nothing, runs nothing.';

-- FUNCTION parse_select(text)

CREATE FUNCTION sms_audience.parse_select(p_query text) RETURNS TABLE(columns text[], types regtype[], relations oid[], functions oid[], kinds oid[], nodes text[], other text[], locks boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET standard_conforming_strings TO 'on'
    AS $$
-- To look at the text of an analyst is what this is for:
-- @plpgsql_check_options: security_warnings = off
declare
    _view text := 'select_' || md5(p_query || clock_timestamp());
    _oid oid;
    _tree text;
begin
    if current_user operator(pg_catalog.<>) 'sms_parser'::name then
        raise exception 'texts of analysts are parsed as sms_parser only' using errcode = 'SM031';
    end if;
    begin
        execute format('create view sms_parser.%I as %s', _view, p_query);
        _oid := ('sms_parser.' || quote_ident(_view))::regclass;
        select coalesce(array_agg(a.attname::text order by a.attnum), '{}'),
               coalesce(array_agg(a.atttypid::regtype order by a.attnum), '{}')
          into columns, types
          from pg_attribute as a
         where a.attrelid = _oid and a.attnum > 0;
        select r.ev_action::text into _tree from pg_rewrite as r where r.ev_class = _oid;
        -- What PostgreSQL itself says the view depends on; built-in objects are not among it, so both are taken.
        -- Collations and configurations for full text are PostgreSQL's own or refused.
        select coalesce(array_agg(distinct d.refobjid) filter (where k.relname = 'pg_class'), '{}'),
               coalesce(array_agg(distinct d.refobjid) filter (where k.relname = 'pg_proc'), '{}'),
               coalesce(array_agg(distinct d.refobjid) filter (where k.relname = 'pg_type'), '{}'),
               coalesce(array_agg(distinct k.relname::text)
                            filter (where k.relname not in ('pg_class', 'pg_proc', 'pg_type', 'pg_operator')
                                      and 'pg_catalog'::regnamespace
                                          is distinct from case k.relname
                                              when 'pg_ts_config' then (select t.cfgnamespace from pg_ts_config as t where t.oid = d.refobjid)
                                              when 'pg_collation' then (select c.collnamespace from pg_collation as c where c.oid = d.refobjid)
                                          end), '{}')
          into relations, functions, kinds, other
          from pg_depend as d
          join pg_class as k on k.oid = d.refclassid
          join pg_rewrite as r on r.oid = d.objid and r.ev_class = _oid
         where d.classid = 'pg_rewrite'::regclass and d.refobjid <> _oid;
        raise exception using errcode = 'SM031', message = 'taken back';
    exception when sqlstate 'SM031' then null;
    end;
    -- A brace or a blank within a name is written with a backslash before it, so these fields are the parser's own.
    relations := relations || array(select distinct m[1]::oid from regexp_matches(_tree, ':relid (\d+)', 'g') as m);
    functions := functions
        || array(select distinct m[1]::oid
                   from regexp_matches(_tree, ':(?:funcid|opfuncid|aggfnoid|winfnoid|tsmhandler|startInRangeFunc|endInRangeFunc) (\d+)', 'g') as m
                  where m[1] <> '0')
        || array(select distinct o.oprcode::oid
                   from regexp_matches(_tree, ':(?:opno|opnos|eqop|sortop|cycle_mark_neop) (?:\(o )?([\d ]+)', 'g') as m
                  cross join lateral regexp_split_to_table(btrim(m[1]), ' +') as k
                   join pg_operator as o on o.oid::text = k);
    kinds := kinds || array(select distinct k::oid
                              from regexp_matches(_tree, ':\w*[tT]ype(?:id|s)? (?:\(o )?([\d ]+)', 'g') as m
                             cross join lateral regexp_split_to_table(btrim(m[1]), ' +') as k
                             where k not in ('', '0'));
    nodes := array(select distinct m[1] from regexp_matches(_tree, '(?<!\\)\{(\w+)', 'g') as m);
    locks := _tree like '%:hasForUpdate true%';
    return next;
end
$$;

COMMENT ON FUNCTION sms_audience.parse_select(p_query text) IS 'Part of saving an audience or a goal: the columns, relations, functions and types a SELECT names.';

-- FUNCTION plan_select(text)

CREATE FUNCTION sms_audience.plan_select(p_query text) RETURNS double precision
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET standard_conforming_strings TO 'on'
    SET transaction_read_only TO 'on'
    SET jit TO 'off'
    AS $$
-- To run the text of an analyst is what this is for:
-- @plpgsql_check_options: security_warnings = off
declare
    _cursor refcursor;
    _plan json;
begin
    if current_user operator(pg_catalog.<>) 'sms_audience'::name then
        raise exception 'texts of analysts are read as sms_audience only' using errcode = 'SM031';
    end if;
    open _cursor for execute p_query;   -- only what reads opens as a cursor
    close _cursor;
    execute 'explain (format json) select from (' || p_query || E'\n) as a' into _plan;
    return (_plan -> 0 -> 'Plan' ->> 'Total Cost')::double precision;
end
$$;

COMMENT ON FUNCTION sms_audience.plan_select(p_query text) IS 'The planned cost of a checked SELECT, with the rights of sms_audience.';

-- FUNCTION read_goal(text, timestamp with time zone)

CREATE FUNCTION sms_audience.read_goal(p_query text, p_since timestamp with time zone) RETURNS TABLE(client_id bigint, occurred_at timestamp with time zone, amount numeric, ref text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10000
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET standard_conforming_strings TO 'on'
    SET transaction_read_only TO 'on'
    AS $_$
-- To run the text of an analyst is what this is for:
-- @plpgsql_check_options: security_warnings = off, extra_warnings = off
begin
    if current_user operator(pg_catalog.<>) 'sms_audience'::name then
        raise exception 'texts of analysts are read as sms_audience only' using errcode = 'SM031';
    end if;
    return query execute
        'with q as (' || p_query || E'\n), d (amount, ref) as (values (null::numeric, ''''))
        select x.client_id::bigint, x.occurred_at::timestamptz, x.amount::numeric, coalesce(x.ref::text, '''')
          from d cross join lateral (select client_id, occurred_at, amount, ref from q where occurred_at >= $1) as x
         where x.client_id is not null and x.occurred_at is not null'
        using p_since;
    if current_setting('transaction_read_only') <> 'on' then
        raise exception 'the SELECT made its transaction writable' using errcode = 'SM031';
    end if;
end
$_$;

COMMENT ON FUNCTION sms_audience.read_goal(p_query text, p_since timestamp with time zone) IS 'Part of sms.run_goal: what a checked query tells since a moment, read with the rights of sms_audience.';

-- FUNCTION read_people(text, bigint, timestamp with time zone)

CREATE FUNCTION sms_audience.read_people(p_statement text, p_limit bigint, p_until timestamp with time zone) RETURNS TABLE(client_id bigint, phone text, time_zone text, vars jsonb)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100000
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET standard_conforming_strings TO 'on'
    SET transaction_read_only TO 'on'
    SET jit TO 'off'
    SET enable_seqscan TO 'on'
    AS $$
-- To run the text of an analyst is what this is for:
-- @plpgsql_check_options: security_warnings = off, extra_warnings = off
begin
    if current_user operator(pg_catalog.<>) 'sms_audience'::name then
        raise exception 'texts of analysts are read as sms_audience only' using errcode = 'SM031';
    end if;
    return query execute p_statement using p_limit, p_until;
    if current_setting('transaction_read_only') <> 'on' then
        raise exception 'the SELECT made its transaction writable' using errcode = 'SM031';
    end if;
end
$$;

COMMENT ON FUNCTION sms_audience.read_people(p_statement text, p_limit bigint, p_until timestamp with time zone) IS 'Part of sms.run_audience: the people of a checked SELECT, read with the rights of sms_audience.';

-- FUNCTION read_requests(text)

CREATE FUNCTION sms_audience.read_requests(p_query text) RETURNS TABLE(n bigint, phone text, body text, template text, vars jsonb, erp_ref text, client_id bigint, priority smallint, not_before timestamp with time zone, expires_at timestamp with time zone, time_zone text, sender_id text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10000
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET standard_conforming_strings TO 'on'
    SET transaction_read_only TO 'on'
    SET jit TO 'off'
    AS $_$
-- To run the text of an analyst is what this is for:
-- @plpgsql_check_options: security_warnings = off, extra_warnings = off
begin
    if current_user operator(pg_catalog.<>) 'sms_audience'::name then
        raise exception 'texts of analysts are read as sms_audience only' using errcode = 'SM031';
    end if;
    begin
        execute 'with q as materialized (' || p_query || E'\n) select phone from q limit 0';
    exception when undefined_column then
        raise exception 'the SELECT has no column phone' using errcode = 'SM021',
            hint = 'Name the column with the number: select mobile as phone, …';
    end;
    return query execute
        'with q as materialized (' || p_query || E'\n), '
        || $sql$d (client_id, body, template, vars, time_zone, priority, not_before, expires_at, erp_ref, sender_id) as (
               values (null::bigint, null::text, null::text, null::jsonb, null::text, null::smallint, null::timestamptz,
                       null::timestamptz, null::text, null::text)
           )
           select row_number() over (), x.*
             from d
             cross join lateral (
                      select phone::text as phone, body::text as body, template::text as template, vars::jsonb as vars,
                             erp_ref::text as erp_ref, client_id::bigint as client_id, priority::smallint as priority,
                             not_before::timestamptz as not_before, expires_at::timestamptz as expires_at,
                             time_zone::text as time_zone, sender_id::text as sender_id
                        from q
                       limit 250001
                  ) as x
        $sql$;
    if current_setting('transaction_read_only') <> 'on' then
        raise exception 'the SELECT made its transaction writable' using errcode = 'SM031';
    end if;
end
$_$;

COMMENT ON FUNCTION sms_audience.read_requests(p_query text) IS 'Part of sms.dry_run_audience: the requests that a SELECT describes, read with the rights of sms_audience.';

-- TABLE local_action

CREATE TABLE erp.local_action (
    action_id bigint NOT NULL,
    client_id bigint NOT NULL,
    action text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    amount numeric(14,2),
    attributes jsonb DEFAULT '{}'::jsonb NOT NULL
);

COMMENT ON TABLE erp.local_action IS 'What clients did, where no ERP is connected: paid, paid late, bought, visited. erp.action reads it until replaced.';

COMMENT ON COLUMN erp.local_action.action_id IS 'Key.';

COMMENT ON COLUMN erp.local_action.client_id IS 'Who.';

COMMENT ON COLUMN erp.local_action.action IS 'What: a word that audiences ask for, such as payment or late_payment.';

COMMENT ON COLUMN erp.local_action.at IS 'When.';

COMMENT ON COLUMN erp.local_action.amount IS 'Money, where there was any.';

COMMENT ON COLUMN erp.local_action.attributes IS 'Anything else.';

-- VIEW action

CREATE VIEW erp.action AS
 SELECT a.client_id,
    a.action,
    a.at,
    a.amount,
    a.attributes
   FROM erp.local_action a;

COMMENT ON VIEW erp.action IS 'CONTRACT: client_id, action, at, amount, attributes. Replace it by a view over the ERP''s own payments, orders, visits; migrations leave it alone.';

COMMENT ON COLUMN erp.action.client_id IS 'Who.';

COMMENT ON COLUMN erp.action.action IS 'What: a word that audiences ask for.';

COMMENT ON COLUMN erp.action.at IS 'When.';

COMMENT ON COLUMN erp.action.amount IS 'Money, where there was any.';

COMMENT ON COLUMN erp.action.attributes IS 'Anything else.';

-- TABLE local_client

CREATE TABLE erp.local_client (
    client_id bigint NOT NULL,
    phone text,
    city text,
    time_zone text,
    attributes jsonb DEFAULT '{}'::jsonb NOT NULL
);

COMMENT ON TABLE erp.local_client IS 'Clients kept here where no ERP is connected: the demo, trials, small installations. erp.client reads it until replaced.';

COMMENT ON COLUMN erp.local_client.client_id IS 'The ERP''s client id.';

COMMENT ON COLUMN erp.local_client.phone IS 'Phone as the ERP has it.';

COMMENT ON COLUMN erp.local_client.city IS 'Town of residence.';

COMMENT ON COLUMN erp.local_client.time_zone IS 'IANA zone where known.';

COMMENT ON COLUMN erp.local_client.attributes IS 'Anything else an audience may ask for.';

-- VIEW client

CREATE VIEW erp.client AS
 SELECT c.client_id,
    c.phone,
    c.city,
    c.time_zone,
    c.attributes
   FROM erp.local_client c;

COMMENT ON VIEW erp.client IS 'CONTRACT: client_id, phone, city, time_zone, attributes. Replace it by a view over the ERP''s own table (postgres_fdw, replication); migrations leave it alone.';

COMMENT ON COLUMN erp.client.client_id IS 'The ERP''s client id.';

COMMENT ON COLUMN erp.client.phone IS 'Phone as the ERP has it.';

COMMENT ON COLUMN erp.client.city IS 'Town of residence.';

COMMENT ON COLUMN erp.client.time_zone IS 'IANA zone where known.';

COMMENT ON COLUMN erp.client.attributes IS 'Anything else an audience may ask for.';

-- SEQUENCE local_action_action_id_seq

ALTER TABLE erp.local_action ALTER COLUMN action_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME erp.local_action_action_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE client_location

CREATE TABLE geo.client_location (
    client_id bigint NOT NULL,
    location public.geography(Point,4326) NOT NULL,
    city text,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    zone_id smallint
);

COMMENT ON TABLE geo.client_location IS 'Where a client lives.';

COMMENT ON COLUMN geo.client_location.client_id IS 'The ERP''s client.';

COMMENT ON COLUMN geo.client_location.location IS 'Point, WGS 84.';

COMMENT ON COLUMN geo.client_location.city IS 'Town, for people.';

COMMENT ON COLUMN geo.client_location.updated_at IS 'When it was last set.';

COMMENT ON COLUMN geo.client_location.zone_id IS 'Time zone of the point, set by the import; null = not worked out.';

-- TABLE metro_station

CREATE TABLE geo.metro_station (
    station_id bigint NOT NULL,
    city text NOT NULL,
    line text NOT NULL,
    name text NOT NULL,
    location public.geography(Point,4326) NOT NULL,
    closed_at date
);

COMMENT ON TABLE geo.metro_station IS 'A metro station on a line; an interchange has a row per line.';

COMMENT ON COLUMN geo.metro_station.station_id IS 'Key.';

COMMENT ON COLUMN geo.metro_station.city IS 'City.';

COMMENT ON COLUMN geo.metro_station.line IS 'Line.';

COMMENT ON COLUMN geo.metro_station.name IS 'Name in Russian.';

COMMENT ON COLUMN geo.metro_station.location IS 'A point of it, WGS 84; sources differ by 20 to 250 m.';

COMMENT ON COLUMN geo.metro_station.closed_at IS 'Since when it is closed; null = open.';

-- SEQUENCE metro_station_station_id_seq

ALTER TABLE geo.metro_station ALTER COLUMN station_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME geo.metro_station_station_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE activity

CREATE TABLE sms.activity (
    activity_id bigint DEFAULT sms.next_id() NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    done_by text DEFAULT SESSION_USER NOT NULL,
    acted_as text NOT NULL,
    action text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL
);

COMMENT ON TABLE sms.activity IS 'Who created, changed, launched, paused or switched what, and when. Append-only; written by sms.log_activity.';

COMMENT ON COLUMN sms.activity.activity_id IS 'Time-ordered id.';

COMMENT ON COLUMN sms.activity.at IS 'When.';

COMMENT ON COLUMN sms.activity.done_by IS 'Who was logged in.';

COMMENT ON COLUMN sms.activity.acted_as IS 'The role in force.';

COMMENT ON COLUMN sms.activity.action IS 'created, changed, launched, paused, resumed, stopped, finished, released, switched, …';

COMMENT ON COLUMN sms.activity.kind IS 'template, audience, campaign, run, event_rule, channel, provider, message, …';

COMMENT ON COLUMN sms.activity.name IS 'Its name, or id as text.';

COMMENT ON COLUMN sms.activity.detail IS 'Facts: a reason, counts, old and new values.';

-- TABLE rule_change

CREATE TABLE sms.rule_change (
    change_id bigint DEFAULT sms.next_id() NOT NULL,
    changed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    changed_by text DEFAULT SESSION_USER NOT NULL,
    acted_as text DEFAULT CURRENT_USER NOT NULL,
    rule_table text NOT NULL,
    rule_key text NOT NULL,
    action text NOT NULL,
    old jsonb,
    new jsonb,
    CONSTRAINT rule_change_action_check CHECK ((action = ANY (ARRAY['baseline'::text, 'insert'::text, 'update'::text, 'delete'::text])))
);

COMMENT ON TABLE sms.rule_change IS 'Every change to a rule: who, when, the row before and after. Written by triggers; never changed.';

COMMENT ON COLUMN sms.rule_change.change_id IS 'Time-ordered key; also the version of the rule row from then on.';

COMMENT ON COLUMN sms.rule_change.changed_at IS 'When.';

COMMENT ON COLUMN sms.rule_change.changed_by IS 'The login that changed it.';

COMMENT ON COLUMN sms.rule_change.acted_as IS 'The role it acted as.';

COMMENT ON COLUMN sms.rule_change.rule_table IS 'Which table, without its schema.';

COMMENT ON COLUMN sms.rule_change.rule_key IS 'Primary key of the row, as text.';

COMMENT ON COLUMN sms.rule_change.action IS 'insert, update, delete; baseline = it was there before changes were kept.';

COMMENT ON COLUMN sms.rule_change.old IS 'The row before.';

COMMENT ON COLUMN sms.rule_change.new IS 'The row after.';

-- TABLE template

CREATE TABLE sms.template (
    template_id integer NOT NULL,
    template text NOT NULL,
    title text DEFAULT ''::text NOT NULL,
    CONSTRAINT template_template_check CHECK ((template ~ '^[a-z][a-z0-9_.-]{0,79}$'::text))
);

COMMENT ON TABLE sms.template IS 'Named texts. Its newest version is used; earlier ones stay.';

COMMENT ON COLUMN sms.template.template_id IS 'Key.';

COMMENT ON COLUMN sms.template.template IS 'The name the ERP writes in sms.outbox.template.';

COMMENT ON COLUMN sms.template.title IS 'For people.';

-- VIEW activity_log

CREATE VIEW sms.activity_log AS
 SELECT a.activity_id AS entry_id,
    a.at,
    a.done_by AS who,
    a.acted_as,
    a.action,
    a.kind,
    a.name,
    (((((a.action || ' '::text) || replace(a.kind, '_'::text, ' '::text)) || ' '::text) || a.name) || COALESCE((': '::text || sms.tell_change(NULL::jsonb, a.detail)), ''::text)) AS what
   FROM sms.activity a
  WHERE (NOT ((a.action = ANY (ARRAY['created'::text, 'changed'::text])) AND (a.kind = ANY (ARRAY['channel'::text, 'template'::text, 'audience'::text, 'campaign'::text, 'event_type'::text, 'event_rule'::text, 'provider'::text, 'route'::text]))))
UNION ALL
 SELECT c.change_id AS entry_id,
    c.changed_at AS at,
    c.changed_by AS who,
    c.acted_as,
    k.action,
    k.kind,
    k.name,
    (((((k.action || ' '::text) || replace(k.kind, '_'::text, ' '::text)) || ' '::text) || k.name) || COALESCE((': '::text || sms.tell_change((c.old - c.rule_table), (c.new - c.rule_table))), ''::text)) AS what
   FROM ((sms.rule_change c
     CROSS JOIN LATERAL ( SELECT COALESCE(c.new, c.old) AS line
         OFFSET 0) l)
     CROSS JOIN LATERAL ( SELECT
                CASE
                    WHEN ((c.action = 'insert'::text) AND (NOT ((c.rule_table = 'template_version'::text) AND ((l.line ->> 'version_no'::text) <> '1'::text)))) THEN 'created'::text
                    WHEN (c.action = 'delete'::text) THEN 'removed'::text
                    ELSE 'changed'::text
                END AS action,
                CASE c.rule_table
                    WHEN 'template_version'::text THEN 'template'::text
                    ELSE c.rule_table
                END AS kind,
                CASE c.rule_table
                    WHEN 'template_version'::text THEN ((COALESCE(( SELECT t.template
                       FROM sms.template t
                      WHERE (t.template_id = ((l.line ->> 'template_id'::text))::integer)), c.rule_key) || '@'::text) || (l.line ->> 'version_no'::text))
                    WHEN 'blacklist'::text THEN COALESCE(sms.tell_value('msisdn'::text, (l.line ->> 'msisdn'::text)), (l.line ->> 'prefix'::text), ('group '::text || (l.line ->> 'group_id'::text)))
                    ELSE COALESCE((l.line ->> c.rule_table), NULLIF(concat_ws(' '::text, (l.line ->> 'channel'::text), (l.line ->> 'category'::text), (l.line ->> 'period'::text)), ''::text), c.rule_key)
                END AS name) k)
  WHERE ((c.action <> 'baseline'::text) AND (c.rule_table <> ALL (ARRAY['recipient_group_member'::text, 'consent'::text, 'client_zone'::text])) AND (NOT ((c.rule_table = 'blacklist'::text) AND ((l.line ->> 'source'::text) = ANY (ARRAY['import'::text, 'auto'::text, 'opt_out'::text])))) AND (NOT ((c.action = 'update'::text) AND ((c.old ->> 'removed_at'::text) IS NULL) AND ((c.new ->> 'removed_at'::text) IS NOT NULL))));

COMMENT ON VIEW sms.activity_log IS 'Who did what and when, in plain words. Bound it by entry_id >= sms.id_at(moment).';

COMMENT ON COLUMN sms.activity_log.entry_id IS 'Time-ordered id.';

COMMENT ON COLUMN sms.activity_log.at IS 'When.';

COMMENT ON COLUMN sms.activity_log.who IS 'The login.';

COMMENT ON COLUMN sms.activity_log.acted_as IS 'The role in force.';

COMMENT ON COLUMN sms.activity_log.action IS 'created, changed, removed, launched, paused, cancelled, …';

COMMENT ON COLUMN sms.activity_log.kind IS 'campaign, template, audience, event_rule, channel, cap, provider, message, …';

COMMENT ON COLUMN sms.activity_log.name IS 'Which one.';

COMMENT ON COLUMN sms.activity_log.what IS 'The whole in one sentence, with old → new.';

-- TABLE adapter_setting

CREATE TABLE sms.adapter_setting (
    adapter text NOT NULL,
    setting text NOT NULL,
    is_open boolean DEFAULT false NOT NULL
);

COMMENT ON TABLE sms.adapter_setting IS 'Which settings an adapter has. Every migration fills it from the installed adapters; only the owner writes.';

COMMENT ON COLUMN sms.adapter_setting.adapter IS 'As in sms.provider.adapter.';

COMMENT ON COLUMN sms.adapter_setting.setting IS 'Its name; of one inside another the whole path: send.answers.when. Lists add nothing to it.';

COMMENT ON COLUMN sms.adapter_setting.is_open IS 'Anything may stand below it: headers, a request''s JSON.';

-- TABLE audience

CREATE TABLE sms.audience (
    audience_id integer NOT NULL,
    audience text NOT NULL,
    title text DEFAULT ''::text NOT NULL,
    query text NOT NULL,
    columns text[] NOT NULL,
    planned_cost double precision NOT NULL,
    version_no integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by text DEFAULT SESSION_USER NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    changed_by text DEFAULT SESSION_USER NOT NULL,
    removed_at timestamp with time zone,
    CONSTRAINT "an audience's name is small letters, digits, _ . -" CHECK ((audience ~ '^[a-z][a-z0-9_.-]{0,79}$'::text)),
    CONSTRAINT "an audience's query is 1 to 100,000 characters" CHECK (((char_length(query) >= 1) AND (char_length(query) <= 100000)))
);

COMMENT ON TABLE sms.audience IS 'Named SELECTs of people. Checked whenever they are written; read with the rights of sms_audience by sms.run_audience.';

COMMENT ON COLUMN sms.audience.audience_id IS 'Key.';

COMMENT ON COLUMN sms.audience.audience IS 'Its name.';

COMMENT ON COLUMN sms.audience.title IS 'For people.';

COMMENT ON COLUMN sms.audience.query IS 'One SELECT of client_id, phone, optionally time_zone; all further columns are variables for templates.';

COMMENT ON COLUMN sms.audience.columns IS 'The columns it yields; found when it is saved.';

COMMENT ON COLUMN sms.audience.planned_cost IS 'The planner''s estimate when it was saved, in its own units.';

COMMENT ON COLUMN sms.audience.version_no IS 'Which version this is; earlier ones are in sms.audience_version.';

COMMENT ON COLUMN sms.audience.created_at IS 'When it was first saved.';

COMMENT ON COLUMN sms.audience.created_by IS 'By whom.';

COMMENT ON COLUMN sms.audience.changed_at IS 'When this version was saved.';

COMMENT ON COLUMN sms.audience.changed_by IS 'By whom.';

COMMENT ON COLUMN sms.audience.removed_at IS 'Since when it cannot be used; null = it can.';

-- SEQUENCE audience_audience_id_seq

ALTER TABLE sms.audience ALTER COLUMN audience_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.audience_audience_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE audience_function

CREATE TABLE sms.audience_function (
    origin text NOT NULL,
    signature text NOT NULL,
    added_by text DEFAULT SESSION_USER NOT NULL,
    CONSTRAINT audience_function_signature CHECK ((signature ~ '^\w+\([\w,]*\)$'::text))
);

COMMENT ON TABLE sms.audience_function IS 'Functions of PostgreSQL and its extensions that audiences and goals may call. What is not here is refused; what is ours, or a DBA''s, is allowed by a grant to sms_audience.';

COMMENT ON COLUMN sms.audience_function.origin IS 'pg_catalog, or the name of the extension that brought it.';

COMMENT ON COLUMN sms.audience_function.signature IS 'Name and types of the arguments as pg_proc and pg_type have them, without blanks: substr(text,int4).';

COMMENT ON COLUMN sms.audience_function.added_by IS 'The login that added it; the owner for those delivered.';

-- TABLE audience_version

CREATE TABLE sms.audience_version (
    audience_id integer NOT NULL,
    version_no integer NOT NULL,
    title text NOT NULL,
    query text NOT NULL,
    columns text[] NOT NULL,
    planned_cost double precision NOT NULL,
    removed_at timestamp with time zone,
    changed_at timestamp with time zone NOT NULL,
    changed_by text NOT NULL
);

COMMENT ON TABLE sms.audience_version IS 'What every audience was, version by version. Append-only.';

COMMENT ON COLUMN sms.audience_version.audience_id IS 'Which audience.';

COMMENT ON COLUMN sms.audience_version.version_no IS 'Counts from 1.';

COMMENT ON COLUMN sms.audience_version.title IS 'Its title then.';

COMMENT ON COLUMN sms.audience_version.query IS 'Its SELECT then.';

COMMENT ON COLUMN sms.audience_version.columns IS 'The columns it yielded.';

COMMENT ON COLUMN sms.audience_version.planned_cost IS 'The planner''s estimate then.';

COMMENT ON COLUMN sms.audience_version.removed_at IS 'Set where this version is the removal.';

COMMENT ON COLUMN sms.audience_version.changed_at IS 'When.';

COMMENT ON COLUMN sms.audience_version.changed_by IS 'By whom.';

-- TABLE auto_blacklist_rule

CREATE TABLE sms.auto_blacklist_rule (
    auto_rule_id integer NOT NULL,
    class text NOT NULL,
    times integer NOT NULL,
    span interval NOT NULL,
    min_gap interval DEFAULT '00:00:00'::interval NOT NULL,
    needs_life boolean DEFAULT false NOT NULL,
    category text,
    channel text,
    lasts interval,
    is_enabled boolean DEFAULT true NOT NULL,
    reason text NOT NULL,
    CONSTRAINT "an automatic rule says why" CHECK ((btrim(reason) <> ''::text)),
    CONSTRAINT "class is no_such_number, malformed, unreachable or refused" CHECK ((class = ANY (ARRAY['no_such_number'::text, 'malformed'::text, 'unreachable'::text, 'refused'::text]))),
    CONSTRAINT "lasts is more than 0, at most 1000 years" CHECK (((lasts > '00:00:00'::interval) AND (lasts <= '1000 years'::interval))),
    CONSTRAINT "min_gap is shorter than span" CHECK (((min_gap >= '00:00:00'::interval) AND (min_gap < span))),
    CONSTRAINT "span is between a minute and 400 days" CHECK (((span >= '00:01:00'::interval) AND (span <= '400 days'::interval))),
    CONSTRAINT "times is at least 1" CHECK ((times >= 1))
);

COMMENT ON TABLE sms.auto_blacklist_rule IS 'When a failing number blacklists itself: which class, how often, over which span, for what and how long. A delivery in between starts the count anew.';

COMMENT ON COLUMN sms.auto_blacklist_rule.auto_rule_id IS 'Key.';

COMMENT ON COLUMN sms.auto_blacklist_rule.class IS 'Class of the error, see sms.receipt_error.';

COMMENT ON COLUMN sms.auto_blacklist_rule.times IS 'How many failures it takes.';

COMMENT ON COLUMN sms.auto_blacklist_rule.span IS 'Within this span.';

COMMENT ON COLUMN sms.auto_blacklist_rule.min_gap IS 'First and last at least this far apart.';

COMMENT ON COLUMN sms.auto_blacklist_rule.needs_life IS 'Only when the number is known to be alive: it answered, or took a message from a numeric sender; and only failures of alphanumeric senders count.';

COMMENT ON COLUMN sms.auto_blacklist_rule.category IS 'Blacklisted for this category only; null = any.';

COMMENT ON COLUMN sms.auto_blacklist_rule.channel IS 'Blacklisted for this channel only; null = any.';

COMMENT ON COLUMN sms.auto_blacklist_rule.lasts IS 'For how long; null = until a delivery or a person removes it.';

COMMENT ON COLUMN sms.auto_blacklist_rule.is_enabled IS 'False switches it off.';

COMMENT ON COLUMN sms.auto_blacklist_rule.reason IS 'What stands in sms.blacklist.reason.';

-- SEQUENCE auto_blacklist_rule_auto_rule_id_seq

ALTER TABLE sms.auto_blacklist_rule ALTER COLUMN auto_rule_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.auto_blacklist_rule_auto_rule_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE channel

CREATE TABLE sms.channel (
    channel_id smallint NOT NULL,
    channel text NOT NULL,
    title text NOT NULL,
    category text NOT NULL,
    priority smallint NOT NULL,
    sender_id text,
    time_zone text,
    dedup_window interval DEFAULT '00:00:00'::interval NOT NULL,
    validity interval DEFAULT '24:00:00'::interval NOT NULL,
    max_attempts smallint DEFAULT 5 NOT NULL,
    retry_base interval DEFAULT '00:00:15'::interval NOT NULL,
    on_uncertain text DEFAULT 'hold'::text NOT NULL,
    uncertain_after interval DEFAULT '06:00:00'::interval NOT NULL,
    needs_consent boolean DEFAULT false NOT NULL,
    dedup_by text DEFAULT 'text'::text NOT NULL,
    opening_spread interval DEFAULT '00:00:00'::interval NOT NULL,
    ignores_opt_out boolean DEFAULT false NOT NULL,
    track_clicks boolean DEFAULT false NOT NULL,
    needs_release boolean DEFAULT false NOT NULL,
    CONSTRAINT "channel is a name of 1 to 40 characters: a-z 0-9 _" CHECK ((channel ~ '^[a-z][a-z0-9_]{0,39}$'::text)),
    CONSTRAINT "dedup_by is text, text_in_channel or template" CHECK ((dedup_by = ANY (ARRAY['text'::text, 'text_in_channel'::text, 'template'::text]))),
    CONSTRAINT "dedup_window is 0 to 366 days" CHECK (((dedup_window >= '00:00:00'::interval) AND (dedup_window <= '366 days'::interval))),
    CONSTRAINT "max_attempts is 1 to 100" CHECK (((max_attempts >= 1) AND (max_attempts <= 100))),
    CONSTRAINT "on_uncertain is hold, resend or give_up" CHECK ((on_uncertain = ANY (ARRAY['hold'::text, 'resend'::text, 'give_up'::text]))),
    CONSTRAINT "opening_spread is between 0 and 4 hours" CHECK (((opening_spread >= '00:00:00'::interval) AND (opening_spread <= '04:00:00'::interval))),
    CONSTRAINT "priority is 0 to 3" CHECK (((priority >= 0) AND (priority <= 3))),
    CONSTRAINT "retry_base is more than 0, at most 366 days" CHECK (((retry_base > '00:00:00'::interval) AND (retry_base <= '366 days'::interval))),
    CONSTRAINT "sender_id is 1 to 15 characters" CHECK (((char_length(sender_id) >= 1) AND (char_length(sender_id) <= 15))),
    CONSTRAINT "uncertain_after is more than 0, at most 100 years" CHECK (((uncertain_after > '00:00:00'::interval) AND (uncertain_after <= '100 years'::interval))),
    CONSTRAINT "validity is more than 0, at most 100 years" CHECK (((validity > '00:00:00'::interval) AND (validity <= '100 years'::interval)))
);

COMMENT ON TABLE sms.channel IS 'A traffic class the ERP names in sms.outbox.channel: its priority, sender and rules.';

COMMENT ON COLUMN sms.channel.channel_id IS 'Narrow key used by the hot tables.';

COMMENT ON COLUMN sms.channel.channel IS 'The name the ERP writes.';

COMMENT ON COLUMN sms.channel.title IS 'For people.';

COMMENT ON COLUMN sms.channel.category IS 'Legal kind; see sms.category.';

COMMENT ON COLUMN sms.channel.priority IS '0 is urgent, 3 is bulk; smaller is sooner. A row may lower its own, never raise it.';

COMMENT ON COLUMN sms.channel.sender_id IS 'What the handset shows unless the row says otherwise; null = the provider''s default.';

COMMENT ON COLUMN sms.channel.time_zone IS 'IANA zone assumed when neither row nor number tells one; null = unknown, so only when every Russian zone allows it.';

COMMENT ON COLUMN sms.channel.dedup_window IS 'The same text to the same number within this span is one message; 0 switches it off.';

COMMENT ON COLUMN sms.channel.validity IS 'How long after its earliest moment a message is still worth sending, unless the row has expires_at.';

COMMENT ON COLUMN sms.channel.max_attempts IS 'Submissions tried before the message ends failed.';

COMMENT ON COLUMN sms.channel.retry_base IS 'First pause between attempts; doubles each time, with jitter, at most one hour.';

COMMENT ON COLUMN sms.channel.on_uncertain IS 'What happens to an uncertain message after uncertain_after: hold (wait for a person), resend, give_up.';

COMMENT ON COLUMN sms.channel.uncertain_after IS 'How long an uncertain message waits for a receipt before on_uncertain applies.';

COMMENT ON COLUMN sms.channel.needs_consent IS 'True: only with a consent for its category in sms.consent.';

COMMENT ON COLUMN sms.channel.dedup_by IS 'What makes two messages the same: text, text within this channel, or the template whatever its values.';

COMMENT ON COLUMN sms.channel.opening_spread IS 'Deferred messages are spread over this long after quiet hours end, so that 09:00 is no stampede.';

COMMENT ON COLUMN sms.channel.ignores_opt_out IS 'True only for the answer to an opt-out, which the opt-out itself must not stop.';

COMMENT ON COLUMN sms.channel.track_clicks IS 'True: links in its texts are sent as short links of our own, where setting short_link_base has a value.';

COMMENT ON COLUMN sms.channel.needs_release IS 'Four eyes: every campaign of this channel needs a release, whatever it says itself. Any operator asks for it, only the owner ends it.';

-- TABLE operator

CREATE TABLE sms.operator (
    operator_id smallint NOT NULL,
    operator text NOT NULL,
    title text NOT NULL,
    CONSTRAINT operator_operator_check CHECK ((operator ~ '^[a-z][a-z0-9_]{0,39}$'::text))
);

COMMENT ON TABLE sms.operator IS 'Mobile operators that get lanes of their own; all others share ''other'' (id 0).';

COMMENT ON COLUMN sms.operator.operator_id IS 'Narrow key; 0 is ''other''.';

COMMENT ON COLUMN sms.operator.operator IS 'Name in sms.message.operator.';

COMMENT ON COLUMN sms.operator.title IS 'For people.';

-- TABLE provider

CREATE TABLE sms.provider (
    provider_id smallint NOT NULL,
    provider text NOT NULL,
    adapter text NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    secret_env text,
    tps numeric(9,2) DEFAULT 30 NOT NULL,
    max_batch integer DEFAULT 500 NOT NULL,
    is_enabled boolean DEFAULT true NOT NULL,
    CONSTRAINT provider_max_batch_check CHECK (((max_batch >= 1) AND (max_batch <= 1000))),
    CONSTRAINT provider_provider_check CHECK ((provider ~ '^[a-z][a-z0-9_]{0,39}$'::text)),
    CONSTRAINT provider_secret_env_check CHECK ((secret_env ~ '^[A-Z][A-Z0-9_]*$'::text)),
    CONSTRAINT provider_settings_check CHECK ((jsonb_typeof(settings) = 'object'::text)),
    CONSTRAINT provider_tps_check CHECK ((tps > (0)::numeric)),
    CONSTRAINT "tps is a number" CHECK ((tps <> 'NaN'::numeric))
);

COMMENT ON TABLE sms.provider IS 'A configured account at a provider.';

COMMENT ON COLUMN sms.provider.provider_id IS 'Narrow key used by the hot tables.';

COMMENT ON COLUMN sms.provider.provider IS 'Its name in sms.message.provider, in commands and in callback URLs.';

COMMENT ON COLUMN sms.provider.adapter IS 'Which software dialect: an entry point of the group sms.providers (fake, kannel, …).';

COMMENT ON COLUMN sms.provider.settings IS 'The adapter''s settings. Never secrets.';

COMMENT ON COLUMN sms.provider.secret_env IS 'Name of the worker''s variable that holds the secret: OUTBOX_SECRET_…, or one that OUTBOX_SECRET_NAMES lists there.';

COMMENT ON COLUMN sms.provider.tps IS 'Segments per second that each worker process may submit; with several processes give each its share.';

COMMENT ON COLUMN sms.provider.max_batch IS 'Most messages in one claim for this provider.';

COMMENT ON COLUMN sms.provider.is_enabled IS 'False: workers claim nothing for it.';

-- TABLE stat_day

CREATE TABLE sms.stat_day (
    day date NOT NULL,
    channel_id smallint NOT NULL,
    provider_id smallint NOT NULL,
    operator_id smallint NOT NULL,
    state text NOT NULL,
    reason text NOT NULL,
    campaign_id bigint NOT NULL,
    template_id integer NOT NULL,
    messages integer NOT NULL,
    segments bigint NOT NULL,
    cost numeric(14,4) NOT NULL,
    delivery integer[],
    billed numeric(14,4) DEFAULT 0 NOT NULL,
    billed_messages integer DEFAULT 0 NOT NULL,
    billed_expected numeric(14,4) DEFAULT 0 NOT NULL
);

COMMENT ON TABLE sms.stat_day IS 'The same by the day of setting statistics_zone.';

COMMENT ON COLUMN sms.stat_day.day IS 'Day in which the ERP inserted them, in the zone of setting statistics_zone.';

COMMENT ON COLUMN sms.stat_day.channel_id IS 'Channel.';

COMMENT ON COLUMN sms.stat_day.provider_id IS 'Provider; 0 = none.';

COMMENT ON COLUMN sms.stat_day.operator_id IS 'Operator; -1 = no number.';

COMMENT ON COLUMN sms.stat_day.state IS 'State.';

COMMENT ON COLUMN sms.stat_day.reason IS 'Reason; empty = none.';

COMMENT ON COLUMN sms.stat_day.campaign_id IS 'Campaign; 0 = none.';

COMMENT ON COLUMN sms.stat_day.template_id IS 'Template; 0 = none.';

COMMENT ON COLUMN sms.stat_day.messages IS 'How many.';

COMMENT ON COLUMN sms.stat_day.segments IS 'SMS parts handed over.';

COMMENT ON COLUMN sms.stat_day.cost IS 'Expected cost.';

COMMENT ON COLUMN sms.stat_day.delivery IS 'Delivered ones by time to delivery, see sms.delivery_bucket.';

COMMENT ON COLUMN sms.stat_day.billed IS 'What providers said they charged.';

COMMENT ON COLUMN sms.stat_day.billed_messages IS 'For how many messages they said so.';

COMMENT ON COLUMN sms.stat_day.billed_expected IS 'What those were expected to cost.';

-- VIEW billing_difference

CREATE VIEW sms.billing_difference AS
 SELECT (date_trunc('month'::text, (s.day)::timestamp with time zone))::date AS month,
    p.provider,
    o.operator,
    c.category,
    sum(s.messages) AS messages,
    sum(s.billed_messages) AS billed_messages,
    sum(s.billed_expected) AS expected,
    sum(s.billed) AS billed,
    (sum(s.billed) - sum(s.billed_expected)) AS difference
   FROM (((sms.stat_day s
     JOIN sms.channel c USING (channel_id))
     JOIN sms.provider p USING (provider_id))
     LEFT JOIN sms.operator o USING (operator_id))
  GROUP BY ((date_trunc('month'::text, (s.day)::timestamp with time zone))::date), p.provider, o.operator, c.category
 HAVING (sum(s.billed_messages) > 0);

COMMENT ON VIEW sms.billing_difference IS 'What was expected to be charged and what providers said they charged, by month, provider, operator and category.';

COMMENT ON COLUMN sms.billing_difference.month IS 'First day of the month.';

COMMENT ON COLUMN sms.billing_difference.provider IS 'Provider.';

COMMENT ON COLUMN sms.billing_difference.operator IS 'Operator.';

COMMENT ON COLUMN sms.billing_difference.category IS 'Category.';

COMMENT ON COLUMN sms.billing_difference.messages IS 'Messages.';

COMMENT ON COLUMN sms.billing_difference.billed_messages IS 'Messages whose charge is known.';

COMMENT ON COLUMN sms.billing_difference.expected IS 'What just these were expected to cost.';

COMMENT ON COLUMN sms.billing_difference.billed IS 'Charged.';

COMMENT ON COLUMN sms.billing_difference.difference IS 'Charged less expected.';

-- TABLE blacklist

CREATE TABLE sms.blacklist (
    blacklist_id bigint NOT NULL,
    msisdn bigint,
    prefix text,
    category text,
    channel text,
    reason text NOT NULL,
    source text DEFAULT 'manual'::text NOT NULL,
    expires_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by text DEFAULT SESSION_USER NOT NULL,
    group_id integer,
    CONSTRAINT "a blacklist row ends after it began" CHECK ((expires_at > created_at)),
    CONSTRAINT "a blacklist row names one number, prefix or group" CHECK ((num_nonnulls(msisdn, prefix, group_id) = 1)),
    CONSTRAINT "a blacklist row says why" CHECK ((btrim(reason) <> ''::text)),
    CONSTRAINT "msisdn is a Russian mobile number, like 79071234567" CHECK (((msisdn >= '79000000000'::bigint) AND (msisdn <= '79999999999'::bigint))),
    CONSTRAINT "prefix is 1 to 11 digits that begin with 7" CHECK ((prefix ~ '^7[0-9]{0,10}$'::text)),
    CONSTRAINT "source is manual, import, auto, opt_out or legal" CHECK ((source = ANY (ARRAY['manual'::text, 'import'::text, 'auto'::text, 'opt_out'::text, 'legal'::text])))
);

COMMENT ON TABLE sms.blacklist IS 'Who must not be messaged. insert (msisdn, reason) is enough; takes effect at the next claim, also on rows already queued.';

COMMENT ON COLUMN sms.blacklist.blacklist_id IS 'Key.';

COMMENT ON COLUMN sms.blacklist.msisdn IS 'One number, E.164 without the plus.';

COMMENT ON COLUMN sms.blacklist.prefix IS 'Or every number that begins with these digits.';

COMMENT ON COLUMN sms.blacklist.category IS 'Only messages of this category; null = any.';

COMMENT ON COLUMN sms.blacklist.channel IS 'Only messages of this channel; null = any.';

COMMENT ON COLUMN sms.blacklist.reason IS 'Why, for people.';

COMMENT ON COLUMN sms.blacklist.source IS 'How it got here: manual, import, auto, opt_out, legal.';

COMMENT ON COLUMN sms.blacklist.expires_at IS 'When it ends; null = never.';

COMMENT ON COLUMN sms.blacklist.created_at IS 'Since when.';

COMMENT ON COLUMN sms.blacklist.created_by IS 'Who entered it.';

COMMENT ON COLUMN sms.blacklist.group_id IS 'Or every member of this group.';

-- SEQUENCE blacklist_blacklist_id_seq

ALTER TABLE sms.blacklist ALTER COLUMN blacklist_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.blacklist_blacklist_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE breaker

CREATE TABLE sms.breaker (
    provider_id smallint NOT NULL,
    state text DEFAULT 'closed'::text NOT NULL,
    since timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    epoch integer DEFAULT 0 NOT NULL,
    cause text,
    figures text,
    openings integer DEFAULT 0 NOT NULL,
    retry_at timestamp with time zone,
    probes_left integer DEFAULT 0 NOT NULL,
    probes_at timestamp with time zone,
    returned_at timestamp with time zone,
    CONSTRAINT "a breaker is closed, open or half_open" CHECK ((state = ANY (ARRAY['closed'::text, 'open'::text, 'half_open'::text])))
);

COMMENT ON TABLE sms.breaker IS 'Whether a provider is used: closed = yes, open = left alone, half_open = being tried with a few messages. Moved by sms.watch_routes.';

COMMENT ON COLUMN sms.breaker.provider_id IS 'The provider.';

COMMENT ON COLUMN sms.breaker.state IS 'closed, open or half_open.';

COMMENT ON COLUMN sms.breaker.since IS 'Since when.';

COMMENT ON COLUMN sms.breaker.epoch IS 'Counts the changes; results of what was submitted in an earlier epoch say nothing about this one.';

COMMENT ON COLUMN sms.breaker.cause IS 'Why: silent, refusing, errors, slow, rejects_all, throttled; cool_down_over; probes_well, probes_failed.';

COMMENT ON COLUMN sms.breaker.figures IS 'What it was judged by.';

COMMENT ON COLUMN sms.breaker.openings IS 'Times it opened without a calm between; the cool-down doubles with each.';

COMMENT ON COLUMN sms.breaker.retry_at IS 'When an open one is tried again.';

COMMENT ON COLUMN sms.breaker.probes_left IS 'Messages that may still be claimed to try a half_open one.';

COMMENT ON COLUMN sms.breaker.probes_at IS 'When probes were last allotted.';

COMMENT ON COLUMN sms.breaker.returned_at IS 'When lanes last returned to it, or it closed.';

-- TABLE breaker_change

CREATE TABLE sms.breaker_change (
    change_id bigint DEFAULT sms.next_id() NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    provider text NOT NULL,
    from_state text NOT NULL,
    to_state text NOT NULL,
    cause text,
    figures text,
    retry_at timestamp with time zone,
    done_by text DEFAULT SESSION_USER NOT NULL
);

COMMENT ON TABLE sms.breaker_change IS 'Every change of a breaker, with its cause. Written by a trigger; never changed.';

COMMENT ON COLUMN sms.breaker_change.change_id IS 'Time-ordered key.';

COMMENT ON COLUMN sms.breaker_change.at IS 'When.';

COMMENT ON COLUMN sms.breaker_change.provider IS 'The provider.';

COMMENT ON COLUMN sms.breaker_change.from_state IS 'What it was.';

COMMENT ON COLUMN sms.breaker_change.to_state IS 'What it is now.';

COMMENT ON COLUMN sms.breaker_change.cause IS 'Why, in one word; see sms.breaker.cause.';

COMMENT ON COLUMN sms.breaker_change.figures IS 'What it was judged by.';

COMMENT ON COLUMN sms.breaker_change.retry_at IS 'When an open one is tried again.';

COMMENT ON COLUMN sms.breaker_change.done_by IS 'The login that moved it.';

-- TABLE breaker_policy

CREATE TABLE sms.breaker_policy (
    provider_id smallint NOT NULL,
    watch_window interval DEFAULT '00:00:15'::interval NOT NULL,
    min_samples integer DEFAULT 10 NOT NULL,
    error_share numeric(4,3) DEFAULT 0.5 NOT NULL,
    slow_answer interval DEFAULT '00:00:05'::interval NOT NULL,
    refuse_for interval DEFAULT '00:00:03'::interval NOT NULL,
    throttle_share numeric(4,3) DEFAULT 0.5 NOT NULL,
    throttle_for interval DEFAULT '00:00:05'::interval NOT NULL,
    cool_down interval DEFAULT '00:00:15'::interval NOT NULL,
    max_cool_down interval DEFAULT '00:10:00'::interval NOT NULL,
    calm interval DEFAULT '00:10:00'::interval NOT NULL,
    probes integer DEFAULT 5 NOT NULL,
    recover_share numeric(4,3) DEFAULT 0.2 NOT NULL,
    ramp_lanes integer DEFAULT 3 NOT NULL,
    ramp_every interval DEFAULT '00:00:10'::interval NOT NULL,
    CONSTRAINT "calm is 1 second or more" CHECK ((calm >= '00:00:01'::interval)),
    CONSTRAINT "cool_down is 1 second or more" CHECK ((cool_down >= '00:00:01'::interval)),
    CONSTRAINT "error_share is above 0 and at most 1" CHECK (((error_share > (0)::numeric) AND (error_share <= (1)::numeric))),
    CONSTRAINT "max_cool_down is at least cool_down" CHECK ((max_cool_down >= cool_down)),
    CONSTRAINT "min_samples is 1 or more" CHECK ((min_samples >= 1)),
    CONSTRAINT "probes is 1 to 100" CHECK (((probes >= 1) AND (probes <= 100))),
    CONSTRAINT "ramp_every is 1 second or more" CHECK ((ramp_every >= '00:00:01'::interval)),
    CONSTRAINT "ramp_lanes is 1 or more" CHECK ((ramp_lanes >= 1)),
    CONSTRAINT "recover_share is 0 or more" CHECK ((recover_share >= (0)::numeric)),
    CONSTRAINT "recover_share is below error_share" CHECK ((recover_share < error_share)),
    CONSTRAINT "refuse_for is 500 ms to 5 minutes" CHECK (((refuse_for >= '00:00:00.5'::interval) AND (refuse_for <= '00:05:00'::interval))),
    CONSTRAINT "slow_answer is 100 ms to 1 minute" CHECK (((slow_answer >= '00:00:00.1'::interval) AND (slow_answer <= '00:01:00'::interval))),
    CONSTRAINT "throttle_for is 3 seconds to 9 minutes" CHECK (((throttle_for >= '00:00:03'::interval) AND (throttle_for <= '00:09:00'::interval))),
    CONSTRAINT "throttle_share is above 0 and at most 1" CHECK (((throttle_share > (0)::numeric) AND (throttle_share <= (1)::numeric))),
    CONSTRAINT "watch_window is 5 seconds to 5 minutes" CHECK (((watch_window >= '00:00:05'::interval) AND (watch_window <= '00:05:00'::interval)))
);

COMMENT ON TABLE sms.breaker_policy IS 'When a provider counts as ill, how long it is left alone, how it comes back. One row a provider, made with it.';

COMMENT ON COLUMN sms.breaker_policy.provider_id IS 'The provider.';

COMMENT ON COLUMN sms.breaker_policy.watch_window IS 'How far back results count.';

COMMENT ON COLUMN sms.breaker_policy.min_samples IS 'So many results, at least, before a share means anything.';

COMMENT ON COLUMN sms.breaker_policy.error_share IS 'Ill from this share of errors, lost and slow answers.';

COMMENT ON COLUMN sms.breaker_policy.slow_answer IS 'An answer slower than this is an error; silence for so long while something waits is illness.';

COMMENT ON COLUMN sms.breaker_policy.refuse_for IS 'Ill when it turned everything away for so long.';

COMMENT ON COLUMN sms.breaker_policy.throttle_share IS 'Throttling slows the pace; where still this share of messages is turned away …';

COMMENT ON COLUMN sms.breaker_policy.throttle_for IS '… after so long, it is illness.';

COMMENT ON COLUMN sms.breaker_policy.cool_down IS 'How long it is left alone at first; doubled each time it fails again.';

COMMENT ON COLUMN sms.breaker_policy.max_cool_down IS 'The longest it is left alone.';

COMMENT ON COLUMN sms.breaker_policy.calm IS 'Well for so long, and the next cool-down is the first one again.';

COMMENT ON COLUMN sms.breaker_policy.probes IS 'Messages it is tried with after the cool-down.';

COMMENT ON COLUMN sms.breaker_policy.recover_share IS 'Well again when at most this share of the probes failed; lanes return only while its errors are no more than this.';

COMMENT ON COLUMN sms.breaker_policy.ramp_lanes IS 'Lanes that return to it in one step, the least urgent first.';

COMMENT ON COLUMN sms.breaker_policy.ramp_every IS 'Time between two such steps.';

-- SEQUENCE budget_budget_id_seq

ALTER TABLE sms.budget ALTER COLUMN budget_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.budget_budget_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE busy_number

CREATE TABLE sms.busy_number (
    key bigint NOT NULL,
    pid integer NOT NULL,
    since timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    messages integer
);

COMMENT ON TABLE sms.busy_number IS 'Locks on numbers and clients that were held each time sms.watch_busy_numbers looked: claims leave those out.';

COMMENT ON COLUMN sms.busy_number.key IS 'The number, or -1 - client_id: what claims lock.';

COMMENT ON COLUMN sms.busy_number.pid IS 'The session that holds it: pg_stat_activity.pid.';

COMMENT ON COLUMN sms.busy_number.since IS 'When it was first seen so; the lock is at least as old.';

COMMENT ON COLUMN sms.busy_number.seen_at IS 'When it was last seen so.';

COMMENT ON COLUMN sms.busy_number.messages IS 'How many overdue messages of live lanes it holds up; null while it is younger than a minute.';

-- VIEW busy_numbers

CREATE VIEW sms.busy_numbers AS
 SELECT
        CASE
            WHEN (b.key > 0) THEN sms.mask_phones((b.key)::text)
            ELSE NULL::text
        END AS number,
        CASE
            WHEN (b.key < 0) THEN ('-1'::integer - b.key)
            ELSE NULL::bigint
        END AS client_id,
    b.messages,
    b.since,
    b.pid,
    (a.usename)::text AS login
   FROM (sms.busy_number b
     LEFT JOIN pg_stat_activity a ON ((a.pid = b.pid)))
  WHERE ((b.messages > 0) AND (b.seen_at > (clock_timestamp() - '00:02:00'::interval)));

COMMENT ON VIEW sms.busy_numbers IS 'Numbers with overdue messages whose lock a session has held for more than a minute, so that no claim takes them.';

COMMENT ON COLUMN sms.busy_numbers.number IS 'The number, masked; null where a client is locked.';

COMMENT ON COLUMN sms.busy_numbers.client_id IS 'The client; null where a number is locked.';

COMMENT ON COLUMN sms.busy_numbers.messages IS 'How many overdue messages wait for it.';

COMMENT ON COLUMN sms.busy_numbers.since IS 'Since when it has been held, at the least.';

COMMENT ON COLUMN sms.busy_numbers.pid IS 'Who holds it: select pg_terminate_backend(pid) ends that.';

COMMENT ON COLUMN sms.busy_numbers.login IS 'The login of that session.';

-- SEQUENCE campaign_campaign_id_seq

ALTER TABLE sms.campaign ALTER COLUMN campaign_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME sms.campaign_campaign_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE inflight

CREATE TABLE sms.inflight (
    id bigint NOT NULL,
    claim_id bigint NOT NULL,
    msisdn bigint NOT NULL,
    claimed_at timestamp with time zone NOT NULL,
    lease_until timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    dedup_key bigint NOT NULL,
    ref_hash bigint,
    client_id bigint,
    campaign_id bigint,
    template_version_id integer,
    provider_id smallint NOT NULL,
    lane_id smallint NOT NULL,
    zone_id smallint NOT NULL,
    priority smallint NOT NULL,
    attempt smallint NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='5000', autovacuum_vacuum_cost_delay='0');

COMMENT ON TABLE sms.inflight IS 'Messages leased to one worker under a claim_id. A row here IS in state inflight.';

COMMENT ON COLUMN sms.inflight.id IS 'sms.outbox.id.';

COMMENT ON COLUMN sms.inflight.claim_id IS 'The lease and its fence: only the holder may settle.';

COMMENT ON COLUMN sms.inflight.msisdn IS 'Normalised number.';

COMMENT ON COLUMN sms.inflight.claimed_at IS 'When it was claimed; also the time in sms.contact_log.';

COMMENT ON COLUMN sms.inflight.lease_until IS 'Unsettled at this moment: back to pending, or uncertain when it was marked as submitting.';

COMMENT ON COLUMN sms.inflight.expires_at IS 'Carried for a return to pending.';

COMMENT ON COLUMN sms.inflight.dedup_key IS 'Carried for a return to pending.';

COMMENT ON COLUMN sms.inflight.ref_hash IS 'Carried for a return to pending.';

COMMENT ON COLUMN sms.inflight.client_id IS 'Carried for a return to pending.';

COMMENT ON COLUMN sms.inflight.campaign_id IS 'Carried for a return to pending.';

COMMENT ON COLUMN sms.inflight.template_version_id IS 'Carried for a return to pending.';

COMMENT ON COLUMN sms.inflight.provider_id IS 'The provider it is being handed to.';

COMMENT ON COLUMN sms.inflight.lane_id IS 'Its lane.';

COMMENT ON COLUMN sms.inflight.zone_id IS 'Carried for a return to pending.';

COMMENT ON COLUMN sms.inflight.priority IS 'Carried for a return to pending.';

COMMENT ON COLUMN sms.inflight.attempt IS 'Number of this attempt, from 1.';

-- TABLE outcome

CREATE TABLE sms.outcome (
    id bigint NOT NULL,
    msisdn bigint,
    decided_at timestamp with time zone NOT NULL,
    submitted_at timestamp with time zone,
    final_at timestamp with time zone,
    client_id bigint,
    campaign_id bigint,
    cost numeric(12,4),
    template_version_id integer,
    provider_id smallint,
    lane_id smallint,
    zone_id smallint,
    segments smallint,
    attempts smallint DEFAULT 0 NOT NULL,
    state text NOT NULL,
    reason text,
    detail text,
    reasons text[],
    billed_cost numeric(12,4),
    CONSTRAINT outcome_final_has_time CHECK (((state = ANY (ARRAY['accepted'::text, 'uncertain'::text])) OR (final_at IS NOT NULL))),
    CONSTRAINT outcome_state CHECK ((state = ANY (ARRAY['suppressed'::text, 'cancelled'::text, 'accepted'::text, 'delivered'::text, 'undelivered'::text, 'expired'::text, 'rejected'::text, 'failed'::text, 'uncertain'::text]))),
    CONSTRAINT outcome_suppressed_has_reason CHECK (((state <> 'suppressed'::text) OR (reason IS NOT NULL)))
)
PARTITION BY RANGE (id);

COMMENT ON TABLE sms.outcome IS 'One row a message that left the queue. State moves forward only, by receipts.';

COMMENT ON COLUMN sms.outcome.id IS 'sms.outbox.id.';

COMMENT ON COLUMN sms.outcome.msisdn IS 'Normalised number; null when there was none.';

COMMENT ON COLUMN sms.outcome.decided_at IS 'When it left the queue.';

COMMENT ON COLUMN sms.outcome.submitted_at IS 'When the provider took it; null when it was not submitted.';

COMMENT ON COLUMN sms.outcome.final_at IS 'When its final state became known.';

COMMENT ON COLUMN sms.outcome.client_id IS 'sms.outbox.client_id.';

COMMENT ON COLUMN sms.outcome.campaign_id IS 'sms.outbox.campaign_id.';

COMMENT ON COLUMN sms.outcome.cost IS 'Expected cost at submission by sms.tariff; null when no tariff covers it.';

COMMENT ON COLUMN sms.outcome.template_version_id IS 'The wording it was made from.';

COMMENT ON COLUMN sms.outcome.provider_id IS 'Who it was handed to.';

COMMENT ON COLUMN sms.outcome.lane_id IS 'The lane it left.';

COMMENT ON COLUMN sms.outcome.zone_id IS 'The zone it was judged in.';

COMMENT ON COLUMN sms.outcome.segments IS 'SMS parts submitted.';

COMMENT ON COLUMN sms.outcome.attempts IS 'Submissions tried.';

COMMENT ON COLUMN sms.outcome.state IS 'See sms.state.';

COMMENT ON COLUMN sms.outcome.reason IS 'Why, for suppressed, cancelled and failed; see sms.reason.';

COMMENT ON COLUMN sms.outcome.detail IS 'The facts in words: which row, which limit, the provider''s code.';

COMMENT ON COLUMN sms.outcome.reasons IS 'All reasons that applied, in rule order, when there were several.';

COMMENT ON COLUMN sms.outcome.billed_cost IS 'What the provider says it charged, where it says so; null = unknown. The expected cost is in cost.';

-- TABLE pending

CREATE TABLE sms.pending (
    id bigint NOT NULL,
    msisdn bigint NOT NULL,
    not_before timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    dedup_key bigint NOT NULL,
    ref_hash bigint,
    client_id bigint,
    campaign_id bigint,
    template_version_id integer,
    lane_id smallint NOT NULL,
    zone_id smallint NOT NULL,
    priority smallint NOT NULL,
    attempt smallint DEFAULT 0 NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='10000', autovacuum_vacuum_cost_delay='0', autovacuum_vacuum_insert_scale_factor='0', autovacuum_vacuum_insert_threshold='1000000', fillfactor='90');

COMMENT ON TABLE sms.pending IS 'Messages that wait: due now, or at not_before. A row here IS in state pending.';

COMMENT ON COLUMN sms.pending.id IS 'sms.outbox.id.';

COMMENT ON COLUMN sms.pending.msisdn IS 'Normalised number, E.164 without the plus.';

COMMENT ON COLUMN sms.pending.not_before IS 'Earliest moment of the next try: schedule, quiet hours or retry pause.';

COMMENT ON COLUMN sms.pending.expires_at IS 'After this it is suppressed as expired.';

COMMENT ON COLUMN sms.pending.dedup_key IS '64-bit hash of the content.';

COMMENT ON COLUMN sms.pending.ref_hash IS '64-bit hash of erp_ref; null without one.';

COMMENT ON COLUMN sms.pending.client_id IS 'sms.outbox.client_id.';

COMMENT ON COLUMN sms.pending.campaign_id IS 'sms.outbox.campaign_id.';

COMMENT ON COLUMN sms.pending.template_version_id IS 'The wording that was current when the row came in.';

COMMENT ON COLUMN sms.pending.lane_id IS 'Where it waits.';

COMMENT ON COLUMN sms.pending.zone_id IS 'The subscriber''s zone.';

COMMENT ON COLUMN sms.pending.priority IS '0 urgent … 3 bulk.';

COMMENT ON COLUMN sms.pending.attempt IS 'Submissions already tried.';

-- TABLE run_message

CREATE TABLE sms.run_message (
    run_id bigint NOT NULL,
    message_id bigint NOT NULL
);

COMMENT ON TABLE sms.run_message IS 'Messages of a run; their state is in sms.message.';

COMMENT ON COLUMN sms.run_message.run_id IS 'The run.';

COMMENT ON COLUMN sms.run_message.message_id IS 'sms.outbox.id.';

-- VIEW campaign_progress

CREATE VIEW sms.campaign_progress AS
 SELECT r.run_id,
    c.campaign_id,
    c.campaign,
    r.state,
    r.template,
    r.channel,
    r.created_by AS launched_by,
    r.begins_at,
    r.frozen_at,
    r.finished_at,
    r.recipients,
    r.repeated,
    r.waiting,
    q.queued,
    f.inflight,
    d.decided,
    r.unsent,
    r.unsent_reason,
    d.states,
    d.suppressed,
    d.segments,
    d.cost,
    c.budget,
    d.per_s,
        CASE
            WHEN ((r.state = 'running'::text) AND (d.per_s > (0)::numeric)) THEN (clock_timestamp() + make_interval(secs => (((((r.recipients - r.unsent) - d.decided))::numeric / d.per_s))::double precision))
            ELSE NULL::timestamp with time zone
        END AS eta,
    r.problem
   FROM ((((sms.campaign_run r
     JOIN sms.campaign c ON ((c.campaign_id = r.campaign_id)))
     CROSS JOIN LATERAL ( WITH k AS MATERIALIZED (
                 SELECT o.state,
                    o.reason,
                    count(*) AS messages,
                    sum(o.segments) AS segments,
                    sum(o.cost) AS cost,
                    count(*) FILTER (WHERE (o.decided_at > (clock_timestamp() - '00:01:00'::interval))) AS recent
                   FROM (sms.run_message m
                     JOIN sms.outcome o ON ((o.id = m.message_id)))
                  WHERE ((m.run_id = r.run_id) AND ((o.id >= r.first_id) AND (o.id <= r.last_id)))
                  GROUP BY o.state, o.reason
                )
         SELECT (COALESCE(sum(k.messages), (0)::numeric))::bigint AS decided,
            ( SELECT COALESCE(jsonb_object_agg(s.state, s.messages), '{}'::jsonb) AS "coalesce"
                   FROM ( SELECT x.state,
                            sum(x.messages) AS messages
                           FROM k x
                          GROUP BY x.state) s) AS states,
            COALESCE(jsonb_object_agg(k.reason, k.messages) FILTER (WHERE (k.state = 'suppressed'::text)), '{}'::jsonb) AS suppressed,
            (COALESCE(sum(k.segments), (0)::numeric))::bigint AS segments,
            COALESCE(sum(k.cost), (0)::numeric) AS cost,
            round((COALESCE(sum(k.recent), (0)::numeric) / GREATEST((1)::numeric, LEAST((60)::numeric, EXTRACT(epoch FROM (clock_timestamp() - r.frozen_at))))), 1) AS per_s
           FROM k) d)
     CROSS JOIN LATERAL ( SELECT count(*) AS inflight
           FROM (sms.inflight i
             JOIN sms.run_message m ON (((m.run_id = r.run_id) AND (m.message_id = i.id))))
          WHERE (i.campaign_id = r.campaign_id)) f)
     CROSS JOIN LATERAL ( SELECT count(*) AS queued
           FROM (sms.pending p
             JOIN sms.run_message m ON (((m.run_id = r.run_id) AND (m.message_id = p.id))))
          WHERE (p.campaign_id = r.campaign_id)) q);

COMMENT ON VIEW sms.campaign_progress IS 'How each run of a campaign stands: people, messages by state, money, pace. recipients = waiting + queued + inflight + decided + unsent.';

COMMENT ON COLUMN sms.campaign_progress.run_id IS 'The run.';

COMMENT ON COLUMN sms.campaign_progress.campaign_id IS 'Its campaign, as in sms.message.campaign_id.';

COMMENT ON COLUMN sms.campaign_progress.campaign IS 'The campaign''s name.';

COMMENT ON COLUMN sms.campaign_progress.state IS 'planned, freezing, running, paused, finished, stopped, failed; see sms.campaign_run.';

COMMENT ON COLUMN sms.campaign_progress.template IS 'The text, as name@version.';

COMMENT ON COLUMN sms.campaign_progress.channel IS 'The channel.';

COMMENT ON COLUMN sms.campaign_progress.launched_by IS 'Who launched it; the worker''s login where the schedule did.';

COMMENT ON COLUMN sms.campaign_progress.begins_at IS 'The moment it is, or was, to begin.';

COMMENT ON COLUMN sms.campaign_progress.frozen_at IS 'When its recipients were frozen.';

COMMENT ON COLUMN sms.campaign_progress.finished_at IS 'When it ended.';

COMMENT ON COLUMN sms.campaign_progress.recipients IS 'People frozen.';

COMMENT ON COLUMN sms.campaign_progress.repeated IS 'Further rows of the audience for the same people, dropped.';

COMMENT ON COLUMN sms.campaign_progress.waiting IS 'People not queued yet.';

COMMENT ON COLUMN sms.campaign_progress.queued IS 'Messages in state pending.';

COMMENT ON COLUMN sms.campaign_progress.inflight IS 'Messages a worker has in hand.';

COMMENT ON COLUMN sms.campaign_progress.decided IS 'Messages that left the queue; states tells them apart.';

COMMENT ON COLUMN sms.campaign_progress.unsent IS 'People never queued, because the run ended before.';

COMMENT ON COLUMN sms.campaign_progress.unsent_reason IS 'Why: campaign_stopped, budget, expired.';

COMMENT ON COLUMN sms.campaign_progress.states IS 'Messages that left the queue, by state: {"delivered": 90, …}.';

COMMENT ON COLUMN sms.campaign_progress.suppressed IS 'Suppressed messages by reason: {"blacklist": 3, …}.';

COMMENT ON COLUMN sms.campaign_progress.segments IS 'Segments submitted.';

COMMENT ON COLUMN sms.campaign_progress.cost IS 'Their expected cost.';

COMMENT ON COLUMN sms.campaign_progress.budget IS 'The campaign''s budget for a run; null = none.';

COMMENT ON COLUMN sms.campaign_progress.per_s IS 'Messages a second that left the queue in the last minute.';

COMMENT ON COLUMN sms.campaign_progress.eta IS 'When it ends at this pace; null while nobody can tell.';

COMMENT ON COLUMN sms.campaign_progress.problem IS 'Why it failed, paused by itself or left people out.';

-- SEQUENCE campaign_run_run_id_seq

ALTER TABLE sms.campaign_run ALTER COLUMN run_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.campaign_run_run_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE cap

CREATE TABLE sms.cap (
    cap_id integer NOT NULL,
    channel text,
    category text,
    period text NOT NULL,
    span interval,
    max_messages integer NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    per text DEFAULT 'number'::text NOT NULL,
    CONSTRAINT "a rolling cap needs a span, a calendar cap has none" CHECK (((period = 'rolling'::text) = (span IS NOT NULL))),
    CONSTRAINT "max_messages is at least 0" CHECK ((max_messages >= 0)),
    CONSTRAINT "per is number or client" CHECK ((per = ANY (ARRAY['number'::text, 'client'::text]))),
    CONSTRAINT "period is day, week, month or rolling" CHECK ((period = ANY (ARRAY['day'::text, 'week'::text, 'month'::text, 'rolling'::text]))),
    CONSTRAINT "span is more than 0, at most 366 days" CHECK (((span > '00:00:00'::interval) AND (span <= '366 days'::interval)))
);

COMMENT ON TABLE sms.cap IS 'At most max_messages to one number per period. Counted over what was handed over or may have been.';

COMMENT ON COLUMN sms.cap.cap_id IS 'Key.';

COMMENT ON COLUMN sms.cap.channel IS 'Applies to, and counts, this channel; null = not limited to one.';

COMMENT ON COLUMN sms.cap.category IS 'Applies to, and counts, this category; null = not limited to one.';

COMMENT ON COLUMN sms.cap.period IS 'day, week (ISO), month: calendar of the subscriber''s zone; rolling: the last span.';

COMMENT ON COLUMN sms.cap.span IS 'Length of a rolling period.';

COMMENT ON COLUMN sms.cap.max_messages IS 'How many are allowed.';

COMMENT ON COLUMN sms.cap.reason IS 'Why it exists: a law, a promise.';

COMMENT ON COLUMN sms.cap.per IS 'number: messages to one number; client: to one client_id over all its numbers.';

-- SEQUENCE cap_cap_id_seq

ALTER TABLE sms.cap ALTER COLUMN cap_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.cap_cap_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE category

CREATE TABLE sms.category (
    category text NOT NULL,
    title text NOT NULL
);

COMMENT ON TABLE sms.category IS 'Legal kind of a message; quiet hours, caps and blacklist entries may be limited to one.';

COMMENT ON COLUMN sms.category.category IS 'transactional, service, advertising, authorization, collection.';

COMMENT ON COLUMN sms.category.title IS 'For people.';

-- SEQUENCE channel_channel_id_seq

ALTER TABLE sms.channel ALTER COLUMN channel_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.channel_channel_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE claim

CREATE TABLE sms.claim (
    claim_id bigint NOT NULL,
    claimed_at timestamp with time zone NOT NULL,
    provider_id smallint NOT NULL,
    worker text NOT NULL
);

COMMENT ON TABLE sms.claim IS 'Which worker made a claim; kept for an hour after its messages are settled.';

COMMENT ON COLUMN sms.claim.claim_id IS 'The claim.';

COMMENT ON COLUMN sms.claim.claimed_at IS 'When.';

COMMENT ON COLUMN sms.claim.provider_id IS 'For which provider.';

COMMENT ON COLUMN sms.claim.worker IS 'The worker''s name, see the setting worker_name.';

-- TABLE click

CREATE TABLE sms.click (
    click_id bigint DEFAULT sms.next_id() NOT NULL,
    message_id bigint NOT NULL,
    link_no smallint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    is_robot boolean NOT NULL
)
PARTITION BY RANGE (click_id);

COMMENT ON TABLE sms.click IS 'A short link was opened. No address and no device is kept.';

COMMENT ON COLUMN sms.click.click_id IS 'Key; holds the time.';

COMMENT ON COLUMN sms.click.message_id IS 'The message whose link it was.';

COMMENT ON COLUMN sms.click.link_no IS 'Which of its links.';

COMMENT ON COLUMN sms.click.at IS 'When.';

COMMENT ON COLUMN sms.click.is_robot IS 'Opened by a program that makes previews or searches, by setting short_link_robots: no click of a person.';

-- TABLE client_zone

CREATE TABLE sms.client_zone (
    client_id bigint NOT NULL,
    zone_id smallint NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE sms.client_zone IS 'What the ERP knows of a client''s time zone; wins over the number, loses to the row''s own time_zone.';

COMMENT ON COLUMN sms.client_zone.client_id IS 'The client.';

COMMENT ON COLUMN sms.client_zone.zone_id IS 'Its zone.';

COMMENT ON COLUMN sms.client_zone.updated_at IS 'When it was set.';

-- TABLE consent

CREATE TABLE sms.consent (
    consent_id bigint NOT NULL,
    msisdn bigint,
    client_id bigint,
    category text NOT NULL,
    proof text NOT NULL,
    valid_from timestamp with time zone DEFAULT now() NOT NULL,
    valid_until timestamp with time zone,
    withdrawn_at timestamp with time zone,
    withdrawn_by text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by text DEFAULT SESSION_USER NOT NULL,
    CONSTRAINT "a consent ends after it begins" CHECK ((valid_until > valid_from)),
    CONSTRAINT "a consent is of a number or a client" CHECK ((num_nonnulls(msisdn, client_id) = 1)),
    CONSTRAINT "a consent names its proof" CHECK ((btrim(proof) <> ''::text)),
    CONSTRAINT "msisdn is a Russian mobile number, like 79071234567" CHECK (((msisdn >= '79000000000'::bigint) AND (msisdn <= '79999999999'::bigint)))
);

COMMENT ON TABLE sms.consent IS 'Ledger of consents: append rows, withdraw them, never delete. 38-FZ art. 18: the sender proves the consent.';

COMMENT ON COLUMN sms.consent.consent_id IS 'Key.';

COMMENT ON COLUMN sms.consent.msisdn IS 'Whose, by number.';

COMMENT ON COLUMN sms.consent.client_id IS 'Whose, by client.';

COMMENT ON COLUMN sms.consent.category IS 'For which kind of message.';

COMMENT ON COLUMN sms.consent.proof IS 'Where the proof is: form, version of the text, time, address, check number.';

COMMENT ON COLUMN sms.consent.valid_from IS 'From when.';

COMMENT ON COLUMN sms.consent.valid_until IS 'Until when; null = until withdrawn.';

COMMENT ON COLUMN sms.consent.withdrawn_at IS 'When it was withdrawn.';

COMMENT ON COLUMN sms.consent.withdrawn_by IS 'By whom: a login, or inbound and its id.';

COMMENT ON COLUMN sms.consent.created_at IS 'When the row was written.';

COMMENT ON COLUMN sms.consent.created_by IS 'Who wrote it.';

-- SEQUENCE consent_consent_id_seq

ALTER TABLE sms.consent ALTER COLUMN consent_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.consent_consent_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE contact_log

CREATE TABLE sms.contact_log (
    msisdn bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    dedup_key bigint NOT NULL,
    message_id bigint NOT NULL,
    client_id bigint,
    channel_id smallint NOT NULL
)
PARTITION BY RANGE (at);

COMMENT ON TABLE sms.contact_log IS 'Who was contacted when: caps and duplicate windows are counts over it. Appended by the claim, taken back only on definite non-submission.';

COMMENT ON COLUMN sms.contact_log.msisdn IS 'The number.';

COMMENT ON COLUMN sms.contact_log.at IS 'When it was claimed for sending.';

COMMENT ON COLUMN sms.contact_log.dedup_key IS 'Hash of the content.';

COMMENT ON COLUMN sms.contact_log.message_id IS 'The message.';

COMMENT ON COLUMN sms.contact_log.client_id IS 'The ERP''s client.';

COMMENT ON COLUMN sms.contact_log.channel_id IS 'The channel.';

-- TABLE conversion

CREATE TABLE sms.conversion (
    conversion_id bigint DEFAULT sms.next_id() NOT NULL,
    goal_id integer NOT NULL,
    client_id bigint NOT NULL,
    occurred_at timestamp with time zone DEFAULT now() NOT NULL,
    amount numeric(14,2),
    ref text DEFAULT ''::text NOT NULL,
    noted_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

COMMENT ON TABLE sms.conversion IS 'A client did what a goal names. Inserted by the ERP, or collected by the goal''s query.';

COMMENT ON COLUMN sms.conversion.conversion_id IS 'Key.';

COMMENT ON COLUMN sms.conversion.goal_id IS 'Goal.';

COMMENT ON COLUMN sms.conversion.client_id IS 'The ERP''s client.';

COMMENT ON COLUMN sms.conversion.occurred_at IS 'When the client did it.';

COMMENT ON COLUMN sms.conversion.amount IS 'Money it brought, in the currency of setting currency; null = none.';

COMMENT ON COLUMN sms.conversion.ref IS 'The ERP''s reference, where one client may do it twice at one moment.';

COMMENT ON COLUMN sms.conversion.noted_at IS 'When it came to be known here.';

-- TABLE delivered_share

CREATE TABLE sms.delivered_share (
    provider_id smallint NOT NULL,
    operator_id smallint NOT NULL,
    counted_at timestamp with time zone NOT NULL,
    submitted bigint NOT NULL,
    delivered bigint NOT NULL
);

COMMENT ON TABLE sms.delivered_share IS 'How much of what a provider took for an operator was delivered of late; counted every five minutes while a route is best_delivered.';

COMMENT ON COLUMN sms.delivered_share.provider_id IS 'The provider.';

COMMENT ON COLUMN sms.delivered_share.operator_id IS 'The operator that issued the numbers.';

COMMENT ON COLUMN sms.delivered_share.counted_at IS 'When it was counted.';

COMMENT ON COLUMN sms.delivered_share.submitted IS 'Messages it took, old enough to have their receipt.';

COMMENT ON COLUMN sms.delivered_share.delivered IS 'Of these, reported as delivered.';

-- TABLE doubtful

CREATE TABLE sms.doubtful (
    id bigint NOT NULL,
    since timestamp with time zone NOT NULL,
    provider_id smallint,
    ref text,
    asks smallint DEFAULT 0 NOT NULL,
    asked_at timestamp with time zone,
    next_ask_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    absent_since timestamp with time zone
);

COMMENT ON TABLE sms.doubtful IS 'Messages that became uncertain and have not been looked at since they stopped being so; a chore empties it.';

COMMENT ON COLUMN sms.doubtful.id IS 'The message; its state is in sms.outcome.';

COMMENT ON COLUMN sms.doubtful.since IS 'Since when it is, or was, uncertain.';

COMMENT ON COLUMN sms.doubtful.provider_id IS 'Who was to get it, and is asked where it can be.';

COMMENT ON COLUMN sms.doubtful.ref IS 'The name given to it before it was sent, where the provider takes one from us.';

COMMENT ON COLUMN sms.doubtful.asks IS 'How often the provider was asked.';

COMMENT ON COLUMN sms.doubtful.asked_at IS 'When it was last asked; an answer to an earlier question changes nothing.';

COMMENT ON COLUMN sms.doubtful.next_ask_at IS 'Not asked again before.';

COMMENT ON COLUMN sms.doubtful.absent_since IS 'When the provider first said that it does not have it; it must say so twice.';

-- TABLE earlier_carrier

CREATE TABLE sms.earlier_carrier (
    message_id bigint NOT NULL,
    provider_id smallint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

COMMENT ON TABLE sms.earlier_carrier IS 'Providers that had a message before the one that has it now: an attempt of theirs was repeated. Their word that it was delivered counts.';

COMMENT ON COLUMN sms.earlier_carrier.message_id IS 'The message.';

COMMENT ON COLUMN sms.earlier_carrier.provider_id IS 'Who had it.';

COMMENT ON COLUMN sms.earlier_carrier.at IS 'When it went back to the queue.';

-- TABLE erp_ref

CREATE TABLE sms.erp_ref (
    ref_hash bigint NOT NULL,
    id bigint NOT NULL
);

COMMENT ON TABLE sms.erp_ref IS 'Owner of each idempotency key, claimed when a message is first judged.';

COMMENT ON COLUMN sms.erp_ref.ref_hash IS '64-bit hash of sms.outbox.erp_ref; the text is compared on conflict.';

COMMENT ON COLUMN sms.erp_ref.id IS 'The message that owns it.';

-- TABLE event

CREATE TABLE sms.event (
    event_id bigint DEFAULT sms.next_id() NOT NULL,
    fired_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    event_type_id integer NOT NULL,
    client_id bigint,
    event_key text,
    vars jsonb NOT NULL,
    problem text,
    CONSTRAINT "an event key is 1 to 200 characters" CHECK (((char_length(event_key) >= 1) AND (char_length(event_key) <= 200)))
)
PARTITION BY RANGE (event_id);

COMMENT ON TABLE sms.event IS 'Something happened in the ERP. Append-only; written by sms.fire_event.';

COMMENT ON COLUMN sms.event.event_id IS 'Time-ordered id.';

COMMENT ON COLUMN sms.event.fired_at IS 'When the ERP said so.';

COMMENT ON COLUMN sms.event.event_type_id IS 'What.';

COMMENT ON COLUMN sms.event.client_id IS 'To whom.';

COMMENT ON COLUMN sms.event.event_key IS 'The ERP''s own key: the same type, client and key happen once.';

COMMENT ON COLUMN sms.event.vars IS 'What came with it; also the values of the templates.';

COMMENT ON COLUMN sms.event.problem IS 'Which declared variables are missing or unreadable; null = none.';

-- TABLE event_effect

CREATE TABLE sms.event_effect (
    event_id bigint NOT NULL,
    rule_id integer NOT NULL,
    decided_at timestamp with time zone NOT NULL,
    outcome text NOT NULL,
    message_id bigint,
    cancelled_by_event_id bigint,
    note text,
    CONSTRAINT "a message has an id" CHECK (((outcome <> 'message'::text) OR (message_id IS NOT NULL))),
    CONSTRAINT event_effect_outcome_check CHECK ((outcome = ANY (ARRAY['message'::text, 'cancelled'::text, 'none'::text])))
)
PARTITION BY RANGE (event_id);

COMMENT ON TABLE sms.event_effect IS 'What a rule made of an event: a message, a message taken back, or nothing and why. Read it as sms.event_message.';

COMMENT ON COLUMN sms.event_effect.event_id IS 'The event.';

COMMENT ON COLUMN sms.event_effect.rule_id IS 'The rule.';

COMMENT ON COLUMN sms.event_effect.decided_at IS 'When.';

COMMENT ON COLUMN sms.event_effect.outcome IS 'message, cancelled, none.';

COMMENT ON COLUMN sms.event_effect.message_id IS 'The message, sms.outbox.id.';

COMMENT ON COLUMN sms.event_effect.cancelled_by_event_id IS 'The event that took it back.';

COMMENT ON COLUMN sms.event_effect.note IS 'A sentence where there is something to say.';

-- TABLE event_key

CREATE TABLE sms.event_key (
    key_hash bigint NOT NULL,
    event_id bigint NOT NULL
);

COMMENT ON TABLE sms.event_key IS 'Where the event of a key is: one probe instead of one a month.';

COMMENT ON COLUMN sms.event_key.key_hash IS '64-bit hash of type, client and key; the text is compared.';

COMMENT ON COLUMN sms.event_key.event_id IS 'The event.';

-- TABLE event_rule

CREATE TABLE sms.event_rule (
    rule_id integer NOT NULL,
    event_rule text NOT NULL,
    event_type_id integer NOT NULL,
    template text NOT NULL,
    channel text NOT NULL,
    condition jsonpath,
    date_variable text,
    shift interval DEFAULT '00:00:00'::interval NOT NULL,
    at_local time without time zone,
    if_past text DEFAULT 'skip'::text NOT NULL,
    validity interval,
    cancelled_by text[] DEFAULT '{}'::text[] NOT NULL,
    cancel_key text,
    is_enabled boolean DEFAULT true NOT NULL,
    removed_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    created_by text DEFAULT SESSION_USER NOT NULL,
    CONSTRAINT "a rule's name is small letters, digits and _.-, up to 80" CHECK ((event_rule ~ '^[a-z][a-z0-9_.-]{0,79}$'::text)),
    CONSTRAINT "a shift is at most ten years" CHECK (((shift >= '-3660 days'::interval) AND (shift <= '3660 days'::interval))),
    CONSTRAINT "before the event is only possible with a date variable" CHECK (((date_variable IS NOT NULL) OR (shift >= '00:00:00'::interval))),
    CONSTRAINT "cancel_key belongs to cancelled_by" CHECK (((cancel_key IS NULL) OR (cancelled_by <> '{}'::text[]))),
    CONSTRAINT "if_past is skip or send" CHECK ((if_past = ANY (ARRAY['skip'::text, 'send'::text]))),
    CONSTRAINT "validity is longer than nothing" CHECK ((validity > '00:00:00'::interval)),
    CONSTRAINT "with a local time the shift is whole days" CHECK (((at_local IS NULL) OR (shift = date_trunc('day'::text, shift))))
);

COMMENT ON TABLE sms.event_rule IS 'What is sent when something happens, when, and what takes it back. Several rules may belong to one event type.';

COMMENT ON COLUMN sms.event_rule.rule_id IS 'Key.';

COMMENT ON COLUMN sms.event_rule.event_rule IS 'Its name.';

COMMENT ON COLUMN sms.event_rule.event_type_id IS 'What must happen.';

COMMENT ON COLUMN sms.event_rule.template IS 'What is sent: name of a template (its newest version when the message is made) or name@version.';

COMMENT ON COLUMN sms.event_rule.channel IS 'As what: its priority, caps, quiet hours, provider.';

COMMENT ON COLUMN sms.event_rule.condition IS 'Only when this SQL/JSON path predicate over the event''s variables is true: $.amount > 1000; null = always.';

COMMENT ON COLUMN sms.event_rule.date_variable IS 'Count from this variable of the event instead of from the event itself.';

COMMENT ON COLUMN sms.event_rule.shift IS 'How long after it; negative = before it. Days are calendar days where the client lives.';

COMMENT ON COLUMN sms.event_rule.at_local IS 'At this time of day where the client lives; null = at that very moment.';

COMMENT ON COLUMN sms.event_rule.if_past IS 'When that moment is over already as the event comes: skip (nothing is sent, with a note) or send (at once).';

COMMENT ON COLUMN sms.event_rule.validity IS 'How long after its moment the message is still worth sending; null = the channel''s.';

COMMENT ON COLUMN sms.event_rule.cancelled_by IS 'Event types of the same client that take back what waits.';

COMMENT ON COLUMN sms.event_rule.cancel_key IS 'Only where both events have the same value of this variable; null = all of the client.';

COMMENT ON COLUMN sms.event_rule.is_enabled IS 'False: new events make nothing, and what is planned is dropped when its moment comes.';

COMMENT ON COLUMN sms.event_rule.removed_at IS 'When it was removed; its past messages still name it.';

COMMENT ON COLUMN sms.event_rule.created_at IS 'When it was made.';

COMMENT ON COLUMN sms.event_rule.created_by IS 'By whom.';

-- TABLE event_type

CREATE TABLE sms.event_type (
    event_type_id integer NOT NULL,
    event_type text NOT NULL,
    title text DEFAULT ''::text NOT NULL,
    variables jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    created_by text DEFAULT SESSION_USER NOT NULL,
    CONSTRAINT "an event type is small letters, digits and _.-, up to 80" CHECK ((event_type ~ '^[a-z][a-z0-9_.-]{0,79}$'::text)),
    CONSTRAINT "variables are text, number, date, moment, boolean; ?: optional" CHECK (((jsonb_typeof(variables) = 'object'::text) AND (NOT jsonb_path_exists(variables, '$.*?(@.type() != "string" || !(@ like_regex "^(text|number|date|moment|boolean)[?]{0,1}$"))'::jsonpath)) AND (NOT jsonb_path_exists(variables, '$.keyvalue()."key"?(!(@ like_regex "^\\w{1,60}$"))'::jsonpath))))
);

COMMENT ON TABLE sms.event_type IS 'What may happen in the ERP that clients hear of: late, payment, invoice. The ERP names it in sms.fire_event.';

COMMENT ON COLUMN sms.event_type.event_type_id IS 'Key.';

COMMENT ON COLUMN sms.event_type.event_type IS 'The name the ERP writes; never changed.';

COMMENT ON COLUMN sms.event_type.title IS 'For people.';

COMMENT ON COLUMN sms.event_type.variables IS 'What comes with it: {"due_date": "date", "name": "text?"}. Kinds: text, number, date, moment, boolean; ? = may be missing.';

COMMENT ON COLUMN sms.event_type.created_at IS 'When it was declared.';

COMMENT ON COLUMN sms.event_type.created_by IS 'By whom.';

-- VIEW event_message

CREATE VIEW sms.event_message AS
 SELECT x.event_id,
    t.event_type,
    e.fired_at,
    e.client_id,
    e.event_key,
    r.event_rule AS rule,
    x.outcome,
    x.message_id,
    x.cancelled_by_event_id,
    x.note,
    x.decided_at
   FROM (((sms.event_effect x
     JOIN sms.event e ON ((e.event_id = x.event_id)))
     JOIN sms.event_type t ON ((t.event_type_id = e.event_type_id)))
     JOIN sms.event_rule r ON ((r.rule_id = x.rule_id)));

COMMENT ON VIEW sms.event_message IS 'What rules made of events: a message (join sms.message for its state), one that was taken back, or none and why.';

COMMENT ON COLUMN sms.event_message.event_id IS 'The event; a string in JSON.';

COMMENT ON COLUMN sms.event_message.event_type IS 'What happened.';

COMMENT ON COLUMN sms.event_message.fired_at IS 'When.';

COMMENT ON COLUMN sms.event_message.client_id IS 'To whom.';

COMMENT ON COLUMN sms.event_message.event_key IS 'The ERP''s key of the event.';

COMMENT ON COLUMN sms.event_message.rule IS 'The rule.';

COMMENT ON COLUMN sms.event_message.outcome IS 'message, cancelled, none.';

COMMENT ON COLUMN sms.event_message.message_id IS 'The message.';

COMMENT ON COLUMN sms.event_message.cancelled_by_event_id IS 'The event that took it back.';

COMMENT ON COLUMN sms.event_message.note IS 'A sentence where there is something to say.';

COMMENT ON COLUMN sms.event_message.decided_at IS 'When it was made, taken back or given up.';

-- TABLE event_plan

CREATE TABLE sms.event_plan (
    event_id bigint NOT NULL,
    rule_id integer NOT NULL,
    client_id bigint,
    due_at timestamp with time zone NOT NULL,
    look_at timestamp with time zone NOT NULL,
    message_id bigint
);

COMMENT ON TABLE sms.event_plan IS 'What will become a message, or is one that still may be taken back. A row goes when its message is decided.';

COMMENT ON COLUMN sms.event_plan.event_id IS 'The event.';

COMMENT ON COLUMN sms.event_plan.rule_id IS 'The rule.';

COMMENT ON COLUMN sms.event_plan.client_id IS 'The client, by whom cancelling events find it.';

COMMENT ON COLUMN sms.event_plan.due_at IS 'The moment of the message.';

COMMENT ON COLUMN sms.event_plan.look_at IS 'When the chore looks at it next: to work out the moment again, to make the message, to see whether it left.';

COMMENT ON COLUMN sms.event_plan.message_id IS 'The message once it is made; null = only planned.';

-- TABLE event_recheck

CREATE TABLE sms.event_recheck (
    event_id bigint NOT NULL,
    look_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE sms.event_recheck IS 'Cancelling events that met a row somebody was just working on: the chore applies them again. Nearly always empty.';

COMMENT ON COLUMN sms.event_recheck.event_id IS 'The cancelling event.';

COMMENT ON COLUMN sms.event_recheck.look_at IS 'When.';

-- SEQUENCE event_rule_rule_id_seq

ALTER TABLE sms.event_rule ALTER COLUMN rule_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.event_rule_rule_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- SEQUENCE event_type_event_type_id_seq

ALTER TABLE sms.event_type ALTER COLUMN event_type_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.event_type_event_type_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE exchange_rate

CREATE TABLE sms.exchange_rate (
    currency text NOT NULL,
    valid_from date NOT NULL,
    rate numeric(14,6) NOT NULL,
    CONSTRAINT "a rate is positive" CHECK ((rate > (0)::numeric)),
    CONSTRAINT exchange_rate_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text))
);

COMMENT ON TABLE sms.exchange_rate IS 'What one unit of a foreign currency is worth in the currency of setting currency, in which all money is counted.';

COMMENT ON COLUMN sms.exchange_rate.currency IS 'ISO 4217.';

COMMENT ON COLUMN sms.exchange_rate.valid_from IS 'From this day on, until the next row.';

COMMENT ON COLUMN sms.exchange_rate.rate IS 'Units of the own currency for one.';

-- TABLE forecast

CREATE TABLE sms.forecast (
    made_at timestamp with time zone NOT NULL,
    month date NOT NULL,
    scenario text NOT NULL,
    channel text NOT NULL,
    provider text NOT NULL,
    messages numeric(14,1) NOT NULL,
    low numeric(14,1) NOT NULL,
    high numeric(14,1) NOT NULL,
    segments numeric(14,1) NOT NULL,
    cost numeric(14,2),
    made_by text DEFAULT SESSION_USER NOT NULL
);

COMMENT ON TABLE sms.forecast IS 'Messages and money foretold by outbox forecast --save: a row for each month, scenario, channel and provider.';

COMMENT ON COLUMN sms.forecast.made_at IS 'When it was made; rows of one forecast share it.';

COMMENT ON COLUMN sms.forecast.month IS 'First day of the month.';

COMMENT ON COLUMN sms.forecast.scenario IS 'as now, all cheap, all dear, or urgent dear, rest cheap.';

COMMENT ON COLUMN sms.forecast.channel IS 'Channel.';

COMMENT ON COLUMN sms.forecast.provider IS 'Provider that would carry it.';

COMMENT ON COLUMN sms.forecast.messages IS 'Expected messages.';

COMMENT ON COLUMN sms.forecast.low IS 'Lower end of the 80 % interval of messages.';

COMMENT ON COLUMN sms.forecast.high IS 'Upper end.';

COMMENT ON COLUMN sms.forecast.segments IS 'Expected segments.';

COMMENT ON COLUMN sms.forecast.cost IS 'Expected cost of segments, in the own currency; null = no tariff holds.';

COMMENT ON COLUMN sms.forecast.made_by IS 'Who made it.';

-- TABLE foreign_receipt

CREATE TABLE sms.foreign_receipt (
    receipt_id bigint NOT NULL,
    message_id bigint NOT NULL,
    provider_id smallint NOT NULL,
    carrier_id smallint
);

COMMENT ON TABLE sms.foreign_receipt IS 'Delivery reports about messages that another provider has. They are kept in sms.receipt, counted here, and moved nothing. From one in sms.earlier_carrier it is a late word; from others a mix-up or a forgery.';

COMMENT ON COLUMN sms.foreign_receipt.receipt_id IS 'sms.receipt.receipt_id; tells when.';

COMMENT ON COLUMN sms.foreign_receipt.message_id IS 'The message it spoke of.';

COMMENT ON COLUMN sms.foreign_receipt.provider_id IS 'The account that brought it.';

COMMENT ON COLUMN sms.foreign_receipt.carrier_id IS 'Who has the message; null = nobody, it was never sent.';

-- VIEW foreign_receipts

CREATE VIEW sms.foreign_receipts AS
 SELECT f.receipt_id,
    sms.id_time(f.receipt_id) AS received_at,
    p.provider,
    f.message_id,
    c.provider AS carrier,
    (EXISTS ( SELECT
           FROM sms.earlier_carrier e
          WHERE ((e.message_id = f.message_id) AND (e.provider_id = f.provider_id)))) AS had_it
   FROM ((sms.foreign_receipt f
     JOIN sms.provider p ON ((p.provider_id = f.provider_id)))
     LEFT JOIN sms.provider c ON ((c.provider_id = f.carrier_id)));

COMMENT ON VIEW sms.foreign_receipts IS 'Delivery reports about messages that another provider has: kept, counted, and nothing was moved.';

COMMENT ON COLUMN sms.foreign_receipts.receipt_id IS 'sms.receipt.receipt_id.';

COMMENT ON COLUMN sms.foreign_receipts.received_at IS 'When it came.';

COMMENT ON COLUMN sms.foreign_receipts.provider IS 'The account that brought it.';

COMMENT ON COLUMN sms.foreign_receipts.message_id IS 'The message it spoke of.';

COMMENT ON COLUMN sms.foreign_receipts.carrier IS 'Who has the message; null = nobody, it was never sent.';

COMMENT ON COLUMN sms.foreign_receipts.had_it IS 'The one that reports had it before: of those only a delivery counts. False = a mix-up or a forgery.';

-- TABLE goal

CREATE TABLE sms.goal (
    goal_id integer NOT NULL,
    goal text NOT NULL,
    title text DEFAULT ''::text NOT NULL,
    query text,
    attribution_window interval DEFAULT '7 days'::interval NOT NULL,
    collected_until timestamp with time zone,
    is_enabled boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by text DEFAULT SESSION_USER NOT NULL,
    CONSTRAINT "a goal's name is small letters, digits and _ . -" CHECK ((goal ~ '^[a-z][a-z0-9_.-]{0,79}$'::text)),
    CONSTRAINT "an attribution window is between a minute and 400 days" CHECK (((attribution_window >= '00:01:00'::interval) AND (attribution_window <= '400 days'::interval)))
);

COMMENT ON TABLE sms.goal IS 'An action that messages are meant to bring about: a payment, a log-in, a purchase.';

COMMENT ON COLUMN sms.goal.goal_id IS 'Key.';

COMMENT ON COLUMN sms.goal.goal IS 'Name.';

COMMENT ON COLUMN sms.goal.title IS 'What it is, for people.';

COMMENT ON COLUMN sms.goal.query IS 'SELECT over the ERP''s tables that yields client_id, occurred_at and optionally amount, ref; null = the ERP inserts rows of sms.conversion itself.';

COMMENT ON COLUMN sms.goal.attribution_window IS 'How long after a message an action may be owed to it.';

COMMENT ON COLUMN sms.goal.collected_until IS 'The query was last collected at this moment.';

COMMENT ON COLUMN sms.goal.is_enabled IS 'Whether the query is collected.';

COMMENT ON COLUMN sms.goal.created_at IS 'When.';

COMMENT ON COLUMN sms.goal.created_by IS 'Who.';

-- SEQUENCE goal_goal_id_seq

ALTER TABLE sms.goal ALTER COLUMN goal_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.goal_goal_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE holiday

CREATE TABLE sms.holiday (
    day date NOT NULL,
    kind text NOT NULL,
    title text DEFAULT ''::text NOT NULL,
    CONSTRAINT "day is one of the years 1990 to 2100" CHECK (((day >= '1990-01-01'::date) AND (day <= '2100-12-31'::date))),
    CONSTRAINT "kind is off or working" CHECK ((kind = ANY (ARRAY['off'::text, 'working'::text])))
);

COMMENT ON TABLE sms.holiday IS 'Production calendar: working weekdays that are off, weekend days that are worked. Imported by ''outbox import holidays''.';

COMMENT ON COLUMN sms.holiday.day IS 'The day.';

COMMENT ON COLUMN sms.holiday.kind IS 'off = nobody works; working = a weekend day that is worked.';

COMMENT ON COLUMN sms.holiday.title IS 'Why.';

-- TABLE stat_hour

CREATE TABLE sms.stat_hour (
    hour timestamp with time zone NOT NULL,
    channel_id smallint NOT NULL,
    provider_id smallint NOT NULL,
    operator_id smallint NOT NULL,
    state text NOT NULL,
    reason text NOT NULL,
    campaign_id bigint NOT NULL,
    template_id integer NOT NULL,
    messages integer NOT NULL,
    segments bigint NOT NULL,
    cost numeric(14,4) NOT NULL,
    delivery integer[],
    billed numeric(14,4) DEFAULT 0 NOT NULL,
    billed_messages integer DEFAULT 0 NOT NULL,
    billed_expected numeric(14,4) DEFAULT 0 NOT NULL
);

COMMENT ON TABLE sms.stat_hour IS 'Messages that left the queue, by the hour in which they were asked for. Zero and empty text stand for "none", so that keys compare.';

COMMENT ON COLUMN sms.stat_hour.hour IS 'Begin of the hour in which the ERP inserted them.';

COMMENT ON COLUMN sms.stat_hour.channel_id IS 'Channel.';

COMMENT ON COLUMN sms.stat_hour.provider_id IS 'Provider they were handed to; 0 = none.';

COMMENT ON COLUMN sms.stat_hour.operator_id IS 'Operator that issued the number; -1 = no number.';

COMMENT ON COLUMN sms.stat_hour.state IS 'State.';

COMMENT ON COLUMN sms.stat_hour.reason IS 'Reason; empty = none.';

COMMENT ON COLUMN sms.stat_hour.campaign_id IS 'Campaign; 0 = none.';

COMMENT ON COLUMN sms.stat_hour.template_id IS 'Template; 0 = none.';

COMMENT ON COLUMN sms.stat_hour.messages IS 'How many.';

COMMENT ON COLUMN sms.stat_hour.segments IS 'SMS parts handed over.';

COMMENT ON COLUMN sms.stat_hour.cost IS 'Expected cost, in the currency of the tariff.';

COMMENT ON COLUMN sms.stat_hour.delivery IS 'Delivered ones by the time from hand-over to receipt, see sms.delivery_bucket; null where none is delivered.';

COMMENT ON COLUMN sms.stat_hour.billed IS 'What providers said they charged.';

COMMENT ON COLUMN sms.stat_hour.billed_messages IS 'For how many messages they said so.';

COMMENT ON COLUMN sms.stat_hour.billed_expected IS 'What those were expected to cost.';

-- VIEW hourly_messages

CREATE VIEW sms.hourly_messages AS
 SELECT s.hour,
    c.channel,
    c.category,
    c.priority,
    p.provider,
    o.operator,
    k.campaign,
    t.template,
    s.state,
    NULLIF(s.reason, ''::text) AS reason,
    s.messages,
    s.segments,
    s.cost,
    s.billed,
    s.billed_messages,
    ((sms.is_handed_over(s.state, s.reason))::integer * s.messages) AS handed_over,
    (((s.state = 'delivered'::text))::integer * s.messages) AS delivered,
    s.delivery
   FROM (((((sms.stat_hour s
     JOIN sms.channel c ON ((c.channel_id = s.channel_id)))
     LEFT JOIN sms.provider p ON ((p.provider_id = s.provider_id)))
     LEFT JOIN sms.operator o ON ((o.operator_id = s.operator_id)))
     LEFT JOIN sms.campaign k ON ((k.campaign_id = s.campaign_id)))
     LEFT JOIN sms.template t ON ((t.template_id = s.template_id)));

COMMENT ON VIEW sms.hourly_messages IS 'Messages that left the queue, by the hour in which they were asked for: sms.stat_hour under names.';

COMMENT ON COLUMN sms.hourly_messages.hour IS 'Begin of the hour in which the ERP inserted them.';

COMMENT ON COLUMN sms.hourly_messages.channel IS 'Channel.';

COMMENT ON COLUMN sms.hourly_messages.category IS 'The channel''s category.';

COMMENT ON COLUMN sms.hourly_messages.priority IS 'The channel''s priority.';

COMMENT ON COLUMN sms.hourly_messages.provider IS 'Provider they were handed to; null = none.';

COMMENT ON COLUMN sms.hourly_messages.operator IS 'Operator that issued the number; null = no number.';

COMMENT ON COLUMN sms.hourly_messages.campaign IS 'Campaign; null = none.';

COMMENT ON COLUMN sms.hourly_messages.template IS 'Template; null = none.';

COMMENT ON COLUMN sms.hourly_messages.state IS 'State.';

COMMENT ON COLUMN sms.hourly_messages.reason IS 'Reason; null = none.';

COMMENT ON COLUMN sms.hourly_messages.messages IS 'How many.';

COMMENT ON COLUMN sms.hourly_messages.segments IS 'SMS parts handed over.';

COMMENT ON COLUMN sms.hourly_messages.cost IS 'Expected cost, in the own currency.';

COMMENT ON COLUMN sms.hourly_messages.billed IS 'What providers said they charged.';

COMMENT ON COLUMN sms.hourly_messages.billed_messages IS 'For how many messages they said so.';

COMMENT ON COLUMN sms.hourly_messages.handed_over IS 'Of the messages, those that a provider took or may have taken.';

COMMENT ON COLUMN sms.hourly_messages.delivered IS 'Of the messages, those delivered.';

COMMENT ON COLUMN sms.hourly_messages.delivery IS 'Delivered ones by time to delivery, see sms.delivery_bucket; for sms.delivery_percentile.';

-- SEQUENCE id_seq

CREATE SEQUENCE sms.id_seq
    AS integer
    START WITH 0
    INCREMENT BY 1
    MINVALUE 0
    MAXVALUE 4194303
    CACHE 32
    CYCLE;

COMMENT ON SEQUENCE sms.id_seq IS 'Low 22 bits of an id; wraps, the milliseconds above it keep ids unique.';

-- TABLE inbound

CREATE TABLE sms.inbound (
    inbound_id bigint DEFAULT sms.next_id() NOT NULL,
    received_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    provider_id smallint NOT NULL,
    provider_ref text,
    msisdn bigint,
    sender text NOT NULL,
    sent_to text,
    body text NOT NULL,
    action text,
    CONSTRAINT inbound_action_check CHECK ((action = ANY (ARRAY['stop_advertising'::text, 'stop_all'::text, 'start'::text])))
);

COMMENT ON TABLE sms.inbound IS 'Messages from subscribers. The ERP reads them here; NOTIFY sms_inbound tells when there are new ones.';

COMMENT ON COLUMN sms.inbound.inbound_id IS 'Time-ordered key; a string in JSON.';

COMMENT ON COLUMN sms.inbound.received_at IS 'When we got it.';

COMMENT ON COLUMN sms.inbound.provider_id IS 'Who brought it.';

COMMENT ON COLUMN sms.inbound.provider_ref IS 'The provider''s id; a repeated report is kept once.';

COMMENT ON COLUMN sms.inbound.msisdn IS 'Who wrote; null when the sender is no Russian mobile number.';

COMMENT ON COLUMN sms.inbound.sender IS 'The sender as reported.';

COMMENT ON COLUMN sms.inbound.sent_to IS 'Our number it was sent to.';

COMMENT ON COLUMN sms.inbound.body IS 'The text.';

COMMENT ON COLUMN sms.inbound.action IS 'What was understood: stop_advertising, stop_all, start; null = a message for people.';

-- TABLE lane

CREATE TABLE sms.lane (
    lane_id smallint NOT NULL,
    channel_id smallint NOT NULL,
    operator_id smallint NOT NULL,
    provider_id smallint,
    is_held boolean DEFAULT false NOT NULL,
    probed_by smallint,
    moved jsonb
);

COMMENT ON TABLE sms.lane IS 'Where a message waits: channel × operator, and which provider serves it now. Re-pointing a lane moves its queue at once.';

COMMENT ON COLUMN sms.lane.lane_id IS 'Narrow key used by the hot tables.';

COMMENT ON COLUMN sms.lane.channel_id IS 'The channel.';

COMMENT ON COLUMN sms.lane.operator_id IS 'The operator that issued the number.';

COMMENT ON COLUMN sms.lane.provider_id IS 'Who serves it now; null = parked, nobody claims from it.';

COMMENT ON COLUMN sms.lane.is_held IS 'Nobody of its route is well: its messages wait, but for probes.';

COMMENT ON COLUMN sms.lane.probed_by IS 'A half_open provider that may take its probes from this lane.';

COMMENT ON COLUMN sms.lane.moved IS 'Why it was last re-pointed: {"cause", "detail", "is_automatic", "at"}, told to sms.lane_change. Written by the functions that do it.';

-- TABLE lane_change

CREATE TABLE sms.lane_change (
    change_id bigint DEFAULT sms.next_id() NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    lane_id smallint NOT NULL,
    channel text NOT NULL,
    operator text NOT NULL,
    from_provider text,
    to_provider text,
    cause text NOT NULL,
    is_automatic boolean NOT NULL,
    done_by text DEFAULT SESSION_USER NOT NULL,
    acted_as text NOT NULL,
    detail text
);

COMMENT ON TABLE sms.lane_change IS 'Every change of who serves a lane, with its cause. Written by triggers; never changed.';

COMMENT ON COLUMN sms.lane_change.change_id IS 'Time-ordered key.';

COMMENT ON COLUMN sms.lane_change.at IS 'When.';

COMMENT ON COLUMN sms.lane_change.lane_id IS 'The lane.';

COMMENT ON COLUMN sms.lane_change.channel IS 'Its channel.';

COMMENT ON COLUMN sms.lane_change.operator IS 'Its operator.';

COMMENT ON COLUMN sms.lane_change.from_provider IS 'Who served it; null = parked.';

COMMENT ON COLUMN sms.lane_change.to_provider IS 'Who serves it now; null = parked.';

COMMENT ON COLUMN sms.lane_change.cause IS 'failover, return, disabled, route: by themselves; switched, pinned, pin_ended, by_hand, created: people.';

COMMENT ON COLUMN sms.lane_change.is_automatic IS 'True: no person did it.';

COMMENT ON COLUMN sms.lane_change.done_by IS 'The login.';

COMMENT ON COLUMN sms.lane_change.acted_as IS 'The role it acted as.';

COMMENT ON COLUMN sms.lane_change.detail IS 'A sentence: what was wrong, or the reason given.';

-- SEQUENCE lane_lane_id_seq

ALTER TABLE sms.lane ALTER COLUMN lane_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.lane_lane_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE lane_pin

CREATE TABLE sms.lane_pin (
    lane_id smallint NOT NULL,
    pinned_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    pinned_by text DEFAULT SESSION_USER NOT NULL,
    reason text,
    pinned_until timestamp with time zone,
    return_to smallint
);

COMMENT ON TABLE sms.lane_pin IS 'Lanes that people pointed by hand: routes and breakers leave them alone until the pin ends.';

COMMENT ON COLUMN sms.lane_pin.lane_id IS 'The lane.';

COMMENT ON COLUMN sms.lane_pin.pinned_at IS 'Since when.';

COMMENT ON COLUMN sms.lane_pin.pinned_by IS 'The login that did it.';

COMMENT ON COLUMN sms.lane_pin.reason IS 'Why, in their words.';

COMMENT ON COLUMN sms.lane_pin.pinned_until IS 'When it ends by itself; null: when somebody unpins it.';

COMMENT ON COLUMN sms.lane_pin.return_to IS 'Who served it before; a lane without a route goes back there.';

-- VIEW lane_status

CREATE VIEW sms.lane_status AS
 SELECT c.channel,
    op.operator,
    v.provider,
    c.priority,
    q.due,
    q.later,
    q.oldest_due_at
   FROM ((((sms.lane l
     JOIN sms.channel c USING (channel_id))
     JOIN sms.operator op USING (operator_id))
     LEFT JOIN sms.provider v USING (provider_id))
     LEFT JOIN ( SELECT p.lane_id,
            count(*) FILTER (WHERE (p.not_before <= clock_timestamp())) AS due,
            count(*) FILTER (WHERE (p.not_before > clock_timestamp())) AS later,
            min(p.not_before) FILTER (WHERE (p.not_before <= clock_timestamp())) AS oldest_due_at
           FROM sms.pending p
          GROUP BY p.lane_id) q USING (lane_id))
  ORDER BY c.priority, c.channel, op.operator;

COMMENT ON VIEW sms.lane_status IS 'Each lane: who serves it, how many are due, how many wait for later, since when the oldest is due.';

COMMENT ON COLUMN sms.lane_status.channel IS 'Channel.';

COMMENT ON COLUMN sms.lane_status.operator IS 'Operator.';

COMMENT ON COLUMN sms.lane_status.provider IS 'Who serves it; null = parked.';

COMMENT ON COLUMN sms.lane_status.priority IS 'The channel''s priority.';

COMMENT ON COLUMN sms.lane_status.due IS 'Messages due now.';

COMMENT ON COLUMN sms.lane_status.later IS 'Messages that wait for a later moment.';

COMMENT ON COLUMN sms.lane_status.oldest_due_at IS 'Since when the oldest due message waits.';

-- VIEW latest_forecast

CREATE VIEW sms.latest_forecast AS
 SELECT f.month,
    f.scenario,
    f.channel,
    f.provider,
    f.messages,
    f.low,
    f.high,
    f.segments,
    f.cost,
    f.made_at
   FROM sms.forecast f
  WHERE (f.made_at = ( SELECT max(x.made_at) AS max
           FROM sms.forecast x));

COMMENT ON VIEW sms.latest_forecast IS 'The forecast made last.';

COMMENT ON COLUMN sms.latest_forecast.month IS 'First day of the month.';

COMMENT ON COLUMN sms.latest_forecast.scenario IS 'as now, all cheap, all dear, or urgent dear, rest cheap.';

COMMENT ON COLUMN sms.latest_forecast.channel IS 'Channel.';

COMMENT ON COLUMN sms.latest_forecast.provider IS 'Provider that would carry it.';

COMMENT ON COLUMN sms.latest_forecast.messages IS 'Expected messages.';

COMMENT ON COLUMN sms.latest_forecast.low IS 'Lower end of the 80 % interval of messages.';

COMMENT ON COLUMN sms.latest_forecast.high IS 'Upper end.';

COMMENT ON COLUMN sms.latest_forecast.segments IS 'Expected segments.';

COMMENT ON COLUMN sms.latest_forecast.cost IS 'Expected cost of segments; null = no tariff holds.';

COMMENT ON COLUMN sms.latest_forecast.made_at IS 'When it was made.';

-- TABLE short_link

CREATE TABLE sms.short_link (
    message_id bigint NOT NULL,
    link_no smallint NOT NULL,
    code text NOT NULL,
    url text NOT NULL,
    CONSTRAINT short_link_code_check CHECK ((code ~ '^[0-9A-Za-z]{9}$'::text)),
    CONSTRAINT short_link_link_no_check CHECK ((link_no > 0))
)
PARTITION BY RANGE (message_id);

COMMENT ON TABLE sms.short_link IS 'A link in a text that was sent as a short one. The code is unique in its month, which its first letter names.';

COMMENT ON COLUMN sms.short_link.message_id IS 'The message: sms.outbox.id.';

COMMENT ON COLUMN sms.short_link.link_no IS 'Place among the links of the text, from 1.';

COMMENT ON COLUMN sms.short_link.code IS 'What follows short_link_base in the text that was sent.';

COMMENT ON COLUMN sms.short_link.url IS 'Where it leads: the link as the text had it.';

-- VIEW link_click

CREATE VIEW sms.link_click AS
 SELECT c.at AS clicked_at,
    c.message_id,
    o.client_id,
    k.campaign,
    o.channel,
    c.link_no,
    sms.link_host(l.url) AS host,
    c.is_robot
   FROM (((sms.click c
     JOIN sms.outbox o ON ((o.id = c.message_id)))
     LEFT JOIN sms.short_link l ON (((l.message_id = c.message_id) AND (l.link_no = c.link_no))))
     LEFT JOIN sms.campaign k ON ((k.campaign_id = o.campaign_id)));

COMMENT ON VIEW sms.link_click IS 'Who opened a short link of a message, and when.';

COMMENT ON COLUMN sms.link_click.clicked_at IS 'When.';

COMMENT ON COLUMN sms.link_click.message_id IS 'sms.outbox.id.';

COMMENT ON COLUMN sms.link_click.client_id IS 'The ERP''s client.';

COMMENT ON COLUMN sms.link_click.campaign IS 'Campaign, if any.';

COMMENT ON COLUMN sms.link_click.channel IS 'Traffic class.';

COMMENT ON COLUMN sms.link_click.link_no IS 'Place of the link in the text, from 1.';

COMMENT ON COLUMN sms.link_click.host IS 'Where it leads: the host only.';

COMMENT ON COLUMN sms.link_click.is_robot IS 'Opened by a program, not by a person.';

-- TABLE login_channel

CREATE TABLE sms.login_channel (
    login text NOT NULL,
    channel text NOT NULL,
    CONSTRAINT "a login has a name" CHECK ((btrim(login) <> ''::text))
);

COMMENT ON TABLE sms.login_channel IS 'Logins confined to channels: they see, insert and take back messages of these only. A login without a row sees all. Written by sms.confine_login.';

COMMENT ON COLUMN sms.login_channel.login IS 'The login, as session_user tells it.';

COMMENT ON COLUMN sms.login_channel.channel IS 'A channel that is its own.';

-- VIEW login

CREATE VIEW sms.login AS
 SELECT (p.rolname)::text AS login,
    ARRAY( SELECT (g.rolname)::text AS rolname
           FROM pg_roles g
          WHERE ((g.rolname = ANY (ARRAY['sms_erp'::name, 'sms_analyst'::name, 'sms_operator'::name, 'sms_monitor'::name, 'sms_worker'::name, 'sms_dlr'::name, 'sms_audience'::name, 'sms_window'::name])) AND pg_has_role(p.oid, g.oid, 'member'::text))
          ORDER BY g.rolname) AS roles,
    sms.is_owner(p.rolname) AS is_owner,
    ( SELECT array_agg(l.channel ORDER BY l.channel) AS array_agg
           FROM sms.login_channel l
          WHERE (l.login = p.rolname)) AS channels
   FROM pg_roles p
  WHERE (p.rolcanlogin AND (sms.is_owner(p.rolname) OR (EXISTS ( SELECT
           FROM pg_roles g
          WHERE ((g.rolname ~~ 'sms\_%'::text) AND (g.oid <> p.oid) AND pg_has_role(p.oid, g.oid, 'member'::text))))));

COMMENT ON VIEW sms.login IS 'Logins that may do something here, and what: group roles, ownership, channels they are confined to.';

COMMENT ON COLUMN sms.login.login IS 'The login, as sms.activity_log names it.';

COMMENT ON COLUMN sms.login.roles IS 'The group roles it belongs to, directly or through others.';

COMMENT ON COLUMN sms.login.is_owner IS 'True: it may do everything, the trail included.';

COMMENT ON COLUMN sms.login.channels IS 'The channels it is confined to; null = none, it sees all.';

-- VIEW message

CREATE VIEW sms.message AS
 SELECT o.id,
    o.erp_ref,
    o.client_id,
    o.channel,
    o.campaign_id,
    p.msisdn,
    'pending'::text AS state,
    NULL::text AS reason,
    NULL::text AS detail,
    v.provider,
    op.operator,
    NULL::smallint AS segments,
    NULL::numeric(12,4) AS cost,
    p.attempt AS attempts,
    p.not_before,
    o.created_at,
    NULL::timestamp with time zone AS submitted_at,
    NULL::timestamp with time zone AS final_at
   FROM ((((sms.pending p
     JOIN sms.outbox o ON ((o.id = p.id)))
     LEFT JOIN sms.lane l ON ((l.lane_id = p.lane_id)))
     LEFT JOIN sms.operator op ON ((op.operator_id = l.operator_id)))
     LEFT JOIN sms.provider v ON ((v.provider_id = l.provider_id)))
UNION ALL
 SELECT o.id,
    o.erp_ref,
    o.client_id,
    o.channel,
    o.campaign_id,
    f.msisdn,
    'inflight'::text AS state,
    NULL::text AS reason,
    NULL::text AS detail,
    v.provider,
    op.operator,
    NULL::smallint AS segments,
    NULL::numeric AS cost,
    f.attempt AS attempts,
        CASE
            WHEN (o.not_before IS NOT NULL) THEN LEAST(GREATEST(o.not_before, '1970-01-01 00:00:00+00'::timestamp with time zone), '9999-01-01 00:00:00+00'::timestamp with time zone)
            ELSE NULL::timestamp with time zone
        END AS not_before,
    o.created_at,
    NULL::timestamp with time zone AS submitted_at,
    NULL::timestamp with time zone AS final_at
   FROM ((((sms.inflight f
     JOIN sms.outbox o ON ((o.id = f.id)))
     LEFT JOIN sms.lane l ON ((l.lane_id = f.lane_id)))
     LEFT JOIN sms.operator op ON ((op.operator_id = l.operator_id)))
     LEFT JOIN sms.provider v ON ((v.provider_id = f.provider_id)))
UNION ALL
 SELECT o.id,
    o.erp_ref,
    o.client_id,
    o.channel,
    o.campaign_id,
    r.msisdn,
    r.state,
    r.reason,
    r.detail,
    v.provider,
    op.operator,
    r.segments,
    r.cost,
    r.attempts,
        CASE
            WHEN (o.not_before IS NOT NULL) THEN LEAST(GREATEST(o.not_before, '1970-01-01 00:00:00+00'::timestamp with time zone), '9999-01-01 00:00:00+00'::timestamp with time zone)
            ELSE NULL::timestamp with time zone
        END AS not_before,
    o.created_at,
    r.submitted_at,
    r.final_at
   FROM ((((sms.outcome r
     JOIN sms.outbox o ON ((o.id = r.id)))
     LEFT JOIN sms.lane l ON ((l.lane_id = r.lane_id)))
     LEFT JOIN sms.operator op ON ((op.operator_id = l.operator_id)))
     LEFT JOIN sms.provider v ON ((v.provider_id = r.provider_id)));

COMMENT ON VIEW sms.message IS 'Every message with its current state. The ERP''s and the analysts'' window; no texts.';

COMMENT ON COLUMN sms.message.id IS 'sms.outbox.id; a string in JSON.';

COMMENT ON COLUMN sms.message.erp_ref IS 'The ERP''s own reference.';

COMMENT ON COLUMN sms.message.client_id IS 'The ERP''s client.';

COMMENT ON COLUMN sms.message.channel IS 'Traffic class.';

COMMENT ON COLUMN sms.message.campaign_id IS 'Campaign, if any.';

COMMENT ON COLUMN sms.message.msisdn IS 'Normalised number; null when there was none.';

COMMENT ON COLUMN sms.message.state IS 'See sms.state.';

COMMENT ON COLUMN sms.message.reason IS 'Why it was suppressed, cancelled or failed; see sms.reason.';

COMMENT ON COLUMN sms.message.detail IS 'The facts in words.';

COMMENT ON COLUMN sms.message.provider IS 'Who serves its lane now, or who it was handed to.';

COMMENT ON COLUMN sms.message.operator IS 'Operator that issued the number.';

COMMENT ON COLUMN sms.message.segments IS 'SMS parts submitted.';

COMMENT ON COLUMN sms.message.cost IS 'Expected cost by tariff; null when unknown or not submitted.';

COMMENT ON COLUMN sms.message.attempts IS 'Submissions tried.';

COMMENT ON COLUMN sms.message.not_before IS 'Earliest next try; for messages that left the queue what the ERP asked for, null when nothing.';

COMMENT ON COLUMN sms.message.created_at IS 'When the ERP inserted it.';

COMMENT ON COLUMN sms.message.submitted_at IS 'When the provider took it.';

COMMENT ON COLUMN sms.message.final_at IS 'When its final state became known.';

-- VIEW month_money

CREATE VIEW sms.month_money AS
 SELECT m.month,
    p.provider,
    (sum(m.messages))::bigint AS messages,
    (sum(m.segments))::bigint AS segments,
    sum(m.segments_cost) AS segments_cost,
    sum(m.fees) AS fees,
    (sum(m.segments_cost) + sum(m.fees)) AS cost
   FROM (( SELECT (date_trunc('month'::text, (s.day)::timestamp with time zone))::date AS month,
            s.provider_id,
            sum(s.messages) FILTER (WHERE sms.is_handed_over(s.state, s.reason)) AS messages,
            sum(s.segments) AS segments,
            sum(s.cost) AS segments_cost,
            (0)::numeric AS fees
           FROM sms.stat_day s
          WHERE (s.provider_id <> 0)
          GROUP BY ((date_trunc('month'::text, (s.day)::timestamp with time zone))::date), s.provider_id
        UNION ALL
         SELECT f.month,
            f.provider_id,
            0,
            0,
            0,
            f.amount
           FROM sms.month_fees() f(month, provider_id, amount)) m
     JOIN sms.provider p USING (provider_id))
  GROUP BY m.month, p.provider;

COMMENT ON VIEW sms.month_money IS 'Money by month and provider: segments by tariff and monthly fees.';

COMMENT ON COLUMN sms.month_money.month IS 'First day of the month.';

COMMENT ON COLUMN sms.month_money.provider IS 'Provider.';

COMMENT ON COLUMN sms.month_money.messages IS 'Messages handed over.';

COMMENT ON COLUMN sms.month_money.segments IS 'Segments.';

COMMENT ON COLUMN sms.month_money.segments_cost IS 'Segments by tariff.';

COMMENT ON COLUMN sms.month_money.fees IS 'Monthly fees.';

COMMENT ON COLUMN sms.month_money.cost IS 'Both together.';

-- TABLE month_volume

CREATE TABLE sms.month_volume (
    month date NOT NULL,
    provider_id smallint NOT NULL,
    operator_id smallint NOT NULL,
    category text NOT NULL,
    segments bigint NOT NULL,
    counted_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE sms.month_volume IS 'Segments handed over in a month, for the steps of tariffs; refreshed with the statistics, so a step is noticed within about a minute.';

COMMENT ON COLUMN sms.month_volume.month IS 'First day of the month, in the zone of setting statistics_zone.';

COMMENT ON COLUMN sms.month_volume.provider_id IS 'Provider.';

COMMENT ON COLUMN sms.month_volume.operator_id IS 'Operator; -1 = no number.';

COMMENT ON COLUMN sms.month_volume.category IS 'Category.';

COMMENT ON COLUMN sms.month_volume.segments IS 'Segments.';

COMMENT ON COLUMN sms.month_volume.counted_at IS 'When.';

-- TABLE monthly_fee

CREATE TABLE sms.monthly_fee (
    fee_id integer NOT NULL,
    provider_id smallint NOT NULL,
    operator_id smallint,
    kind text NOT NULL,
    subject text DEFAULT ''::text NOT NULL,
    amount numeric(12,2) NOT NULL,
    currency text DEFAULT 'RUB'::text NOT NULL,
    valid_from date NOT NULL,
    valid_until date DEFAULT 'infinity'::date NOT NULL,
    CONSTRAINT "a fee ends after it began" CHECK ((valid_from < valid_until)),
    CONSTRAINT "a fee is not negative" CHECK ((amount >= (0)::numeric)),
    CONSTRAINT "a sender's or template's fee names it" CHECK (((kind = 'account'::text) OR (btrim(subject) <> ''::text))),
    CONSTRAINT monthly_fee_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT monthly_fee_kind_check CHECK ((kind = ANY (ARRAY['sender'::text, 'template'::text, 'account'::text])))
);

COMMENT ON TABLE sms.monthly_fee IS 'What a provider charges a month for a sender name, a registered template or the account, whatever is sent. A month that it touches is charged whole.';

COMMENT ON COLUMN sms.monthly_fee.fee_id IS 'Key.';

COMMENT ON COLUMN sms.monthly_fee.provider_id IS 'Who charges it.';

COMMENT ON COLUMN sms.monthly_fee.operator_id IS 'For which operator''s network; null = for all together.';

COMMENT ON COLUMN sms.monthly_fee.kind IS 'sender, template or account.';

COMMENT ON COLUMN sms.monthly_fee.subject IS 'The sender name or template; empty for the account.';

COMMENT ON COLUMN sms.monthly_fee.amount IS 'Amount a calendar month.';

COMMENT ON COLUMN sms.monthly_fee.currency IS 'ISO 4217.';

COMMENT ON COLUMN sms.monthly_fee.valid_from IS 'First day.';

COMMENT ON COLUMN sms.monthly_fee.valid_until IS 'First day no more.';

-- SEQUENCE monthly_fee_fee_id_seq

ALTER TABLE sms.monthly_fee ALTER COLUMN fee_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.monthly_fee_fee_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE number_range_staging

CREATE UNLOGGED TABLE sms.number_range_staging (
    lo bigint,
    hi bigint,
    operator_title text,
    region text,
    inn text,
    line_no integer
);

COMMENT ON TABLE sms.number_range_staging IS 'A numbering file on its way in; emptied by sms.replace_numbering().';

COMMENT ON COLUMN sms.number_range_staging.lo IS 'First number.';

COMMENT ON COLUMN sms.number_range_staging.hi IS 'Last number.';

COMMENT ON COLUMN sms.number_range_staging.operator_title IS 'Operator as spelled.';

COMMENT ON COLUMN sms.number_range_staging.region IS 'Region as spelled.';

COMMENT ON COLUMN sms.number_range_staging.inn IS 'Tax id.';

COMMENT ON COLUMN sms.number_range_staging.line_no IS 'Line of the file.';

-- TABLE number_trouble

CREATE TABLE sms.number_trouble (
    message_id bigint NOT NULL,
    msisdn bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    provider_id smallint NOT NULL,
    state text NOT NULL,
    error text,
    learned_at timestamp with time zone
);

COMMENT ON TABLE sms.number_trouble IS 'Messages that failed for good, by number: what automatic blacklisting counts.';

COMMENT ON COLUMN sms.number_trouble.message_id IS 'The message.';

COMMENT ON COLUMN sms.number_trouble.msisdn IS 'The number.';

COMMENT ON COLUMN sms.number_trouble.at IS 'When it failed.';

COMMENT ON COLUMN sms.number_trouble.provider_id IS 'Who reported it.';

COMMENT ON COLUMN sms.number_trouble.state IS 'undelivered, expired or rejected.';

COMMENT ON COLUMN sms.number_trouble.error IS 'The provider''s error; read through sms.receipt_error.';

COMMENT ON COLUMN sms.number_trouble.learned_at IS 'When the rules looked at it.';

-- VIEW operator_refusal_suspected

CREATE VIEW sms.operator_refusal_suspected AS
 SELECT b.msisdn,
    b.created_at AS since,
    b.expires_at
   FROM sms.blacklist b
  WHERE ((b.source = 'auto'::text) AND (b.reason = 'operator refusal suspected'::text) AND ((b.expires_at IS NULL) OR (b.expires_at > clock_timestamp())));

COMMENT ON VIEW sms.operator_refusal_suspected IS 'Numbers whose subscribers probably refused mailings at the operator.';

COMMENT ON COLUMN sms.operator_refusal_suspected.msisdn IS 'The number.';

COMMENT ON COLUMN sms.operator_refusal_suspected.since IS 'Since when it is suspected.';

COMMENT ON COLUMN sms.operator_refusal_suspected.expires_at IS 'Until when advertising stays stopped.';

-- TABLE operator_tax_id

CREATE TABLE sms.operator_tax_id (
    inn text NOT NULL,
    operator_id smallint NOT NULL,
    CONSTRAINT operator_tax_id_inn_check CHECK ((inn ~ '^\d{10}(\d{2})?$'::text))
);

COMMENT ON TABLE sms.operator_tax_id IS 'Tax id (ИНН) in the numbering plan to operator; names there are spelled in many ways, tax ids are not.';

COMMENT ON COLUMN sms.operator_tax_id.inn IS 'ИНН, 10 digits (12 for a person).';

COMMENT ON COLUMN sms.operator_tax_id.operator_id IS 'The operator.';

-- TABLE orphan_round

CREATE TABLE sms.orphan_round (
    is_only boolean DEFAULT true NOT NULL,
    receipt_id bigint DEFAULT 0 NOT NULL,
    CONSTRAINT orphan_round_is_only_check CHECK (is_only)
);

COMMENT ON TABLE sms.orphan_round IS 'How far match_receipts came on its round through old orphaned receipts. One row.';

COMMENT ON COLUMN sms.orphan_round.is_only IS 'There is one row.';

COMMENT ON COLUMN sms.orphan_round.receipt_id IS 'The last one it looked at; 0 = it begins again.';

-- TABLE overdue

CREATE TABLE sms.overdue (
    id bigint NOT NULL,
    provider_id smallint NOT NULL,
    ref text,
    polls smallint DEFAULT 0 NOT NULL,
    next_poll_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE sms.overdue IS 'Accepted messages whose final receipt did not come in time: the provider is asked for their status. Empty while callbacks work.';

COMMENT ON COLUMN sms.overdue.id IS 'The message.';

COMMENT ON COLUMN sms.overdue.provider_id IS 'Who has it.';

COMMENT ON COLUMN sms.overdue.ref IS 'Its name or reference there.';

COMMENT ON COLUMN sms.overdue.polls IS 'How often the provider was asked.';

COMMENT ON COLUMN sms.overdue.next_poll_at IS 'Not asked again before.';

-- VIEW planned_message

CREATE VIEW sms.planned_message AS
 SELECT e.client_id,
    t.event_type,
    r.event_rule AS rule,
    p.due_at,
    r.channel,
    r.template,
    e.event_id,
    e.event_key,
    p.message_id,
    r.cancelled_by,
    r.cancel_key,
    (e.vars ->> r.cancel_key) AS cancel_value,
    r.is_enabled
   FROM (((sms.event_plan p
     JOIN sms.event e ON ((e.event_id = p.event_id)))
     JOIN sms.event_type t ON ((t.event_type_id = e.event_type_id)))
     JOIN sms.event_rule r ON ((r.rule_id = p.rule_id)));

COMMENT ON VIEW sms.planned_message IS 'What rules will send to whom and when, and what waits already and may still be taken back.';

COMMENT ON COLUMN sms.planned_message.client_id IS 'The client.';

COMMENT ON COLUMN sms.planned_message.event_type IS 'What happened.';

COMMENT ON COLUMN sms.planned_message.rule IS 'The rule.';

COMMENT ON COLUMN sms.planned_message.due_at IS 'When it is to be sent.';

COMMENT ON COLUMN sms.planned_message.channel IS 'The channel.';

COMMENT ON COLUMN sms.planned_message.template IS 'The template; which wording is decided ten minutes before.';

COMMENT ON COLUMN sms.planned_message.event_id IS 'The event; a string in JSON.';

COMMENT ON COLUMN sms.planned_message.event_key IS 'The ERP''s key of the event.';

COMMENT ON COLUMN sms.planned_message.message_id IS 'The message where it is made already; null = only planned.';

COMMENT ON COLUMN sms.planned_message.cancelled_by IS 'Events that take it back.';

COMMENT ON COLUMN sms.planned_message.cancel_key IS 'Only with the same value of this variable.';

COMMENT ON COLUMN sms.planned_message.cancel_value IS 'That value.';

COMMENT ON COLUMN sms.planned_message.is_enabled IS 'False: the rule is switched off, and it will not be sent unless that changes.';

-- TABLE provider_asking

CREATE TABLE sms.provider_asking (
    provider_id smallint NOT NULL,
    asked_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    busy_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    answers_doubts boolean DEFAULT false NOT NULL,
    collected_until timestamp with time zone
);

COMMENT ON TABLE sms.provider_asking IS 'A provider that can be asked: one question at a time, whichever worker asks it. A row lock takes the turn, a dead worker''s turn ends by the clock.';

COMMENT ON COLUMN sms.provider_asking.provider_id IS 'The provider.';

COMMENT ON COLUMN sms.provider_asking.asked_at IS 'When the last look-up or poll began; also the token with which its answers are recorded.';

COMMENT ON COLUMN sms.provider_asking.busy_until IS 'Until when that call may still be under way.';

COMMENT ON COLUMN sms.provider_asking.answers_doubts IS 'Workers ask it about uncertain messages, so a drain waits for its answers.';

COMMENT ON COLUMN sms.provider_asking.collected_until IS 'Messages accepted before this were looked through for missing receipts; null = the provider is not polled.';

-- TABLE provider_balance

CREATE TABLE sms.provider_balance (
    provider_id smallint NOT NULL,
    asked_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    at timestamp with time zone,
    amount numeric(14,2),
    currency text,
    warn_below numeric(14,2),
    is_low boolean DEFAULT false NOT NULL,
    low_since timestamp with time zone,
    CONSTRAINT provider_balance_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text))
);

COMMENT ON TABLE sms.provider_balance IS 'Money left at a provider, as it last said, and when people want to be warned.';

COMMENT ON COLUMN sms.provider_balance.provider_id IS 'The provider.';

COMMENT ON COLUMN sms.provider_balance.asked_at IS 'When a worker last asked.';

COMMENT ON COLUMN sms.provider_balance.at IS 'When it said so; null = not asked yet.';

COMMENT ON COLUMN sms.provider_balance.amount IS 'What is left.';

COMMENT ON COLUMN sms.provider_balance.currency IS 'ISO 4217.';

COMMENT ON COLUMN sms.provider_balance.warn_below IS 'Warn when less is left; null = never.';

COMMENT ON COLUMN sms.provider_balance.is_low IS 'Less than warn_below was left.';

COMMENT ON COLUMN sms.provider_balance.low_since IS 'Since when; null while it is not low.';

-- VIEW provider_health

CREATE VIEW sms.provider_health AS
 SELECT p.provider,
    p.is_enabled,
    b.state,
    b.since,
    b.cause,
    b.figures,
    b.openings,
    b.retry_at,
    w.workers,
    w.ill_votes,
    w.sent,
    w.accepted,
    w.rejected,
    w.failed,
    w.throttled,
    w.unanswered,
    w.slow,
    w.troubles,
    w.outstanding,
    w.error_share,
    w.throttled_share,
    (EXTRACT(epoch FROM w.silence))::double precision AS silence_s,
        CASE
            WHEN (cardinality(w.times) > 0) THEN LEAST(sms.answer_percentile(w.times, 0.95), w.max_ms)
            ELSE NULL::integer
        END AS p95_ms,
    w.max_ms,
    ( SELECT count(*) AS count
           FROM sms.lane l
          WHERE (l.provider_id = p.provider_id)) AS lanes,
    ( SELECT count(*) AS count
           FROM sms.lane l
          WHERE ((l.provider_id = p.provider_id) AND l.is_held)) AS held,
    ( SELECT count(*) AS count
           FROM (sms.lane_pin n
             JOIN sms.lane l ON ((l.lane_id = n.lane_id)))
          WHERE (l.provider_id = p.provider_id)) AS pinned
   FROM ((sms.provider p
     JOIN sms.breaker b ON ((b.provider_id = p.provider_id)))
     JOIN sms.provider_window(clock_timestamp(), true) w(provider_id, workers, ill_votes, well_votes, sent, accepted, rejected, failed, throttled, unanswered, slow, troubles, outstanding, overdue, bad, judged, error_share, silence, failing, failing_for, is_silent, is_refusing, throttled_share, throttled_for, times, max_ms) ON ((w.provider_id = p.provider_id)))
  ORDER BY p.provider;

COMMENT ON VIEW sms.provider_health IS 'How each provider is: breaker, errors, answer times, lanes. One row a provider, always.';

COMMENT ON COLUMN sms.provider_health.provider IS 'The provider.';

COMMENT ON COLUMN sms.provider_health.is_enabled IS 'False: workers claim nothing for it.';

COMMENT ON COLUMN sms.provider_health.state IS 'Its breaker: closed = used, open = left alone, half_open = being tried.';

COMMENT ON COLUMN sms.provider_health.since IS 'Since when.';

COMMENT ON COLUMN sms.provider_health.cause IS 'Why it is so.';

COMMENT ON COLUMN sms.provider_health.figures IS 'What it was judged by.';

COMMENT ON COLUMN sms.provider_health.openings IS 'Times it opened without a calm between.';

COMMENT ON COLUMN sms.provider_health.retry_at IS 'When an open one is tried again.';

COMMENT ON COLUMN sms.provider_health.workers IS 'Workers that met it of late.';

COMMENT ON COLUMN sms.provider_health.ill_votes IS 'Of these, those it treated badly.';

COMMENT ON COLUMN sms.provider_health.sent IS 'Messages with a result.';

COMMENT ON COLUMN sms.provider_health.accepted IS 'Messages taken.';

COMMENT ON COLUMN sms.provider_health.rejected IS 'Messages refused for good.';

COMMENT ON COLUMN sms.provider_health.failed IS 'Messages refused for now.';

COMMENT ON COLUMN sms.provider_health.throttled IS 'Messages turned away through no fault of theirs.';

COMMENT ON COLUMN sms.provider_health.unanswered IS 'Messages without a readable answer.';

COMMENT ON COLUMN sms.provider_health.slow IS 'Messages answered later than slow_answer.';

COMMENT ON COLUMN sms.provider_health.troubles IS 'Times it could not be opened or asked.';

COMMENT ON COLUMN sms.provider_health.outstanding IS 'Messages with it right now.';

COMMENT ON COLUMN sms.provider_health.error_share IS 'Share of errors, lost and slow answers, 0 to 1.';

COMMENT ON COLUMN sms.provider_health.throttled_share IS 'Share turned away, 0 to 1.';

COMMENT ON COLUMN sms.provider_health.silence_s IS 'Seconds since anything was heard while something waits.';

COMMENT ON COLUMN sms.provider_health.p95_ms IS 'Within so many ms 95 % of the answers came; null: none came.';

COMMENT ON COLUMN sms.provider_health.max_ms IS 'The slowest answer, ms.';

COMMENT ON COLUMN sms.provider_health.lanes IS 'Lanes it serves now.';

COMMENT ON COLUMN sms.provider_health.held IS 'Of these, those on hold: nobody of their route is well.';

COMMENT ON COLUMN sms.provider_health.pinned IS 'Of these, those pinned by hand.';

-- SEQUENCE provider_provider_id_seq

ALTER TABLE sms.provider ALTER COLUMN provider_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.provider_provider_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE provider_ref

CREATE TABLE sms.provider_ref (
    id bigint NOT NULL,
    provider_id smallint NOT NULL,
    ref text NOT NULL,
    part smallint DEFAULT 1 NOT NULL,
    parts smallint DEFAULT 1 NOT NULL,
    state text
)
PARTITION BY RANGE (id);

COMMENT ON TABLE sms.provider_ref IS 'The provider''s own ids of a message, one per segment where it gives several.';

COMMENT ON COLUMN sms.provider_ref.id IS 'sms.outbox.id.';

COMMENT ON COLUMN sms.provider_ref.provider_id IS 'The provider.';

COMMENT ON COLUMN sms.provider_ref.ref IS 'Its id, as normalised by the adapter.';

COMMENT ON COLUMN sms.provider_ref.part IS 'Segment number from 1.';

COMMENT ON COLUMN sms.provider_ref.parts IS 'Into how many segments with ids of their own the message went.';

COMMENT ON COLUMN sms.provider_ref.state IS 'What the receipts said of this segment; kept only where there are several.';

-- TABLE provider_tally

CREATE TABLE sms.provider_tally (
    provider_id smallint NOT NULL,
    worker text NOT NULL,
    epoch integer NOT NULL,
    bucket_at timestamp with time zone NOT NULL,
    reported_at timestamp with time zone NOT NULL,
    accepted integer DEFAULT 0 NOT NULL,
    rejected integer DEFAULT 0 NOT NULL,
    failed integer DEFAULT 0 NOT NULL,
    throttled integer DEFAULT 0 NOT NULL,
    unanswered integer DEFAULT 0 NOT NULL,
    slow integer DEFAULT 0 NOT NULL,
    troubles integer DEFAULT 0 NOT NULL,
    outstanding integer DEFAULT 0 NOT NULL,
    overdue integer DEFAULT 0 NOT NULL,
    silence interval DEFAULT '00:00:00'::interval NOT NULL,
    failing integer DEFAULT 0 NOT NULL,
    failing_for interval DEFAULT '00:00:00'::interval NOT NULL,
    times integer[] DEFAULT '{}'::integer[] NOT NULL,
    max_ms integer DEFAULT 0 NOT NULL
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000');

COMMENT ON TABLE sms.provider_tally IS 'What each worker met at each provider, in steps of two seconds; ten minutes are kept. Counts add up, gauges are the newest.';

COMMENT ON COLUMN sms.provider_tally.provider_id IS 'The provider.';

COMMENT ON COLUMN sms.provider_tally.worker IS 'The worker process.';

COMMENT ON COLUMN sms.provider_tally.epoch IS 'The breaker''s epoch in which the submissions began, as far as the worker knew.';

COMMENT ON COLUMN sms.provider_tally.bucket_at IS 'Start of the two seconds.';

COMMENT ON COLUMN sms.provider_tally.reported_at IS 'When the worker last wrote this row.';

COMMENT ON COLUMN sms.provider_tally.accepted IS 'Messages taken.';

COMMENT ON COLUMN sms.provider_tally.rejected IS 'Messages refused for good: content or number.';

COMMENT ON COLUMN sms.provider_tally.failed IS 'Messages refused for now.';

COMMENT ON COLUMN sms.provider_tally.throttled IS 'Messages turned away through no fault of theirs: too fast, busy, out of reach.';

COMMENT ON COLUMN sms.provider_tally.unanswered IS 'Messages whose answer never came or could not be read.';

COMMENT ON COLUMN sms.provider_tally.slow IS 'Messages answered later than slow_answer.';

COMMENT ON COLUMN sms.provider_tally.troubles IS 'Times it could not be opened or asked at all.';

COMMENT ON COLUMN sms.provider_tally.outstanding IS 'Gauge: messages with the provider right now.';

COMMENT ON COLUMN sms.provider_tally.overdue IS 'Gauge: of these, those whose call has been silent for longer than slow_answer.';

COMMENT ON COLUMN sms.provider_tally.silence IS 'Gauge: how long nothing has been heard while something waited.';

COMMENT ON COLUMN sms.provider_tally.failing IS 'Gauge: failures in a row, nothing accepted between them.';

COMMENT ON COLUMN sms.provider_tally.failing_for IS 'Gauge: how long that row of failures is by now.';

COMMENT ON COLUMN sms.provider_tally.times IS 'Answer times: messages answered within 1, 2, 4, … 16384 ms and later.';

COMMENT ON COLUMN sms.provider_tally.max_ms IS 'The slowest answer.';

-- TABLE quiet_hours

CREATE TABLE sms.quiet_hours (
    quiet_hours_id integer NOT NULL,
    category text NOT NULL,
    iso_weekday smallint,
    quiet_from time without time zone NOT NULL,
    quiet_until time without time zone NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    day_kind text,
    CONSTRAINT "day_kind is working or off" CHECK ((day_kind = ANY (ARRAY['working'::text, 'off'::text]))),
    CONSTRAINT "iso_weekday is 1 (Monday) to 7" CHECK (((iso_weekday >= 1) AND (iso_weekday <= 7))),
    CONSTRAINT "name a weekday or a kind of day, not both" CHECK ((num_nonnulls(iso_weekday, day_kind) < 2)),
    CONSTRAINT "silence has a length" CHECK ((quiet_from <> quiet_until))
);

COMMENT ON TABLE sms.quiet_hours IS 'Local hours of silence per category. They defer a message to the first allowed moment, they do not suppress it.';

COMMENT ON COLUMN sms.quiet_hours.quiet_hours_id IS 'Key.';

COMMENT ON COLUMN sms.quiet_hours.category IS 'The messages it silences.';

COMMENT ON COLUMN sms.quiet_hours.iso_weekday IS '1 = Monday … 7 = Sunday, the day on which the silence begins; null = every day.';

COMMENT ON COLUMN sms.quiet_hours.quiet_from IS 'Local time at which silence begins.';

COMMENT ON COLUMN sms.quiet_hours.quiet_until IS 'Local time at which it ends; earlier than quiet_from = next morning.';

COMMENT ON COLUMN sms.quiet_hours.reason IS 'Why it exists.';

COMMENT ON COLUMN sms.quiet_hours.day_kind IS 'Only on working days or days off, by sms.holiday and the weekday; null = by iso_weekday alone.';

-- SEQUENCE quiet_hours_quiet_hours_id_seq

ALTER TABLE sms.quiet_hours ALTER COLUMN quiet_hours_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.quiet_hours_quiet_hours_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE reason

CREATE TABLE sms.reason (
    reason text NOT NULL,
    rank smallint NOT NULL,
    meaning text NOT NULL
);

COMMENT ON TABLE sms.reason IS 'Why a message was suppressed, deferred, cancelled or failed.';

COMMENT ON COLUMN sms.reason.reason IS 'The code shown in sms.message.reason.';

COMMENT ON COLUMN sms.reason.rank IS 'Rule order: of several reasons the lowest rank decides.';

COMMENT ON COLUMN sms.reason.meaning IS 'One sentence for people.';

-- TABLE receipt

CREATE TABLE sms.receipt (
    receipt_id bigint DEFAULT sms.next_id() NOT NULL,
    received_at timestamp with time zone NOT NULL,
    occurred_at timestamp with time zone,
    message_id bigint,
    provider_id smallint NOT NULL,
    code text NOT NULL,
    error text,
    state text,
    provider_ref text,
    raw text
)
PARTITION BY RANGE (receipt_id);

COMMENT ON TABLE sms.receipt IS 'Every delivery report as received, append-only.';

COMMENT ON COLUMN sms.receipt.receipt_id IS 'Time-ordered key.';

COMMENT ON COLUMN sms.receipt.received_at IS 'When we got it.';

COMMENT ON COLUMN sms.receipt.occurred_at IS 'The provider''s own time, where it gives one.';

COMMENT ON COLUMN sms.receipt.message_id IS 'Our message, when it was known at arrival.';

COMMENT ON COLUMN sms.receipt.provider_id IS 'Who reported.';

COMMENT ON COLUMN sms.receipt.code IS 'The provider''s status code.';

COMMENT ON COLUMN sms.receipt.error IS 'The provider''s error code or text.';

COMMENT ON COLUMN sms.receipt.state IS 'Our state by sms.receipt_code, as it was at arrival or at the last sms.remap_receipts; null = progress or unmapped.';

COMMENT ON COLUMN sms.receipt.provider_ref IS 'The provider''s id of the message.';

COMMENT ON COLUMN sms.receipt.raw IS 'The report as it came, without texts.';

-- TABLE receipt_code

CREATE TABLE sms.receipt_code (
    adapter text NOT NULL,
    code text NOT NULL,
    state text,
    meaning text NOT NULL,
    is_corrected boolean DEFAULT false NOT NULL
);

COMMENT ON TABLE sms.receipt_code IS 'What a provider''s status code means to us. Data, so that a wrong mapping can be corrected.';

COMMENT ON COLUMN sms.receipt_code.adapter IS 'The dialect.';

COMMENT ON COLUMN sms.receipt_code.code IS 'The code as the adapter reports it.';

COMMENT ON COLUMN sms.receipt_code.state IS 'Our state; null = progress only, nothing changes.';

COMMENT ON COLUMN sms.receipt_code.meaning IS 'For people.';

COMMENT ON COLUMN sms.receipt_code.is_corrected IS 'People wrote or changed it: migrations leave it alone. Set to false, the next one brings ours back.';

-- TABLE receipt_error

CREATE TABLE sms.receipt_error (
    adapter text NOT NULL,
    error text NOT NULL,
    class text NOT NULL,
    meaning text NOT NULL,
    CONSTRAINT "class is one that the comment of the column lists" CHECK ((class = ANY (ARRAY['no_such_number'::text, 'malformed'::text, 'unreachable'::text, 'refused'::text, 'temporary'::text, 'content'::text, 'account'::text])))
);

COMMENT ON TABLE sms.receipt_error IS 'What a provider''s error code says about the number. Data, so that a wrong reading can be corrected.';

COMMENT ON COLUMN sms.receipt_error.adapter IS 'The dialect.';

COMMENT ON COLUMN sms.receipt_error.error IS 'The error as the adapter reports it.';

COMMENT ON COLUMN sms.receipt_error.class IS 'no_such_number, malformed, unreachable, refused (alive, but takes none of these); temporary, content, account say nothing about the number.';

COMMENT ON COLUMN sms.receipt_error.meaning IS 'For people.';

-- TABLE receipt_match

CREATE TABLE sms.receipt_match (
    message_id bigint NOT NULL,
    receipt_id bigint NOT NULL,
    provider_id smallint NOT NULL,
    part smallint,
    code text,
    error text
);

COMMENT ON TABLE sms.receipt_match IS 'Which message a receipt was about that did not find it at arrival. Beside sms.receipt, which is never searched by reference.';

COMMENT ON COLUMN sms.receipt_match.message_id IS 'The message.';

COMMENT ON COLUMN sms.receipt_match.receipt_id IS 'sms.receipt.receipt_id.';

COMMENT ON COLUMN sms.receipt_match.provider_id IS 'Who reported.';

COMMENT ON COLUMN sms.receipt_match.part IS 'The segment it speaks of, where it speaks of one of several; null = of the whole message.';

COMMENT ON COLUMN sms.receipt_match.code IS 'The provider''s status code.';

COMMENT ON COLUMN sms.receipt_match.error IS 'The provider''s error.';

-- TABLE receipt_remap

CREATE TABLE sms.receipt_remap (
    remap_id bigint DEFAULT sms.next_id() NOT NULL,
    at timestamp with time zone NOT NULL,
    done_by text NOT NULL,
    message_id bigint NOT NULL,
    old_state text NOT NULL,
    new_state text NOT NULL,
    transaction_id xid8 DEFAULT pg_current_xact_id() NOT NULL
);

COMMENT ON TABLE sms.receipt_remap IS 'Messages that sms.remap_receipts moved after the meaning of a code was corrected. The only way in which a state may go back.';

COMMENT ON COLUMN sms.receipt_remap.remap_id IS 'Time-ordered key.';

COMMENT ON COLUMN sms.receipt_remap.at IS 'When.';

COMMENT ON COLUMN sms.receipt_remap.done_by IS 'Who was logged in.';

COMMENT ON COLUMN sms.receipt_remap.message_id IS 'The message.';

COMMENT ON COLUMN sms.receipt_remap.old_state IS 'What the old map had made of its receipts.';

COMMENT ON COLUMN sms.receipt_remap.new_state IS 'What they mean now.';

COMMENT ON COLUMN sms.receipt_remap.transaction_id IS 'The transaction: the trigger on outcome allows exactly the moves logged in it.';

-- TABLE recipient_group

CREATE TABLE sms.recipient_group (
    group_id integer NOT NULL,
    recipient_group text NOT NULL,
    title text DEFAULT ''::text NOT NULL,
    CONSTRAINT "a group name is 1 to 80 characters" CHECK (((char_length(recipient_group) >= 1) AND (char_length(recipient_group) <= 80)))
);

COMMENT ON TABLE sms.recipient_group IS 'Named sets of numbers or clients, for blacklisting them together.';

COMMENT ON COLUMN sms.recipient_group.group_id IS 'Key.';

COMMENT ON COLUMN sms.recipient_group.recipient_group IS 'Its name.';

COMMENT ON COLUMN sms.recipient_group.title IS 'For people.';

-- SEQUENCE recipient_group_group_id_seq

ALTER TABLE sms.recipient_group ALTER COLUMN group_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.recipient_group_group_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE recipient_group_member

CREATE TABLE sms.recipient_group_member (
    member_id bigint NOT NULL,
    group_id integer NOT NULL,
    msisdn bigint,
    client_id bigint,
    added_at timestamp with time zone DEFAULT now() NOT NULL,
    added_by text DEFAULT SESSION_USER NOT NULL,
    CONSTRAINT "a member is a number or a client" CHECK ((num_nonnulls(msisdn, client_id) = 1)),
    CONSTRAINT "msisdn is a Russian mobile number, like 79071234567" CHECK (((msisdn >= '79000000000'::bigint) AND (msisdn <= '79999999999'::bigint)))
);

COMMENT ON TABLE sms.recipient_group_member IS 'Who is in a group: a number, or a client with whatever number.';

COMMENT ON COLUMN sms.recipient_group_member.member_id IS 'Key.';

COMMENT ON COLUMN sms.recipient_group_member.group_id IS 'The group.';

COMMENT ON COLUMN sms.recipient_group_member.msisdn IS 'A number, E.164 without the plus.';

COMMENT ON COLUMN sms.recipient_group_member.client_id IS 'Or a client of the ERP.';

COMMENT ON COLUMN sms.recipient_group_member.added_at IS 'Since when.';

COMMENT ON COLUMN sms.recipient_group_member.added_by IS 'Who added it.';

-- SEQUENCE recipient_group_member_member_id_seq

ALTER TABLE sms.recipient_group_member ALTER COLUMN member_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.recipient_group_member_member_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE region_timezone

CREATE TABLE sms.region_timezone (
    region text NOT NULL,
    time_zone text,
    other_time_zones text[] DEFAULT '{}'::text[] NOT NULL,
    iso_3166_2 text
);

COMMENT ON TABLE sms.region_timezone IS 'Subject of the federation, as spelled in the numbering plan, to its time zone.';

COMMENT ON COLUMN sms.region_timezone.region IS 'Name as in the column «Территория ГАР».';

COMMENT ON COLUMN sms.region_timezone.time_zone IS 'IANA zone; null = unknown.';

COMMENT ON COLUMN sms.region_timezone.other_time_zones IS 'Further zones of the same subject.';

COMMENT ON COLUMN sms.region_timezone.iso_3166_2 IS 'ISO 3166-2 code where there is one.';

-- TABLE route

CREATE TABLE sms.route (
    route_id integer NOT NULL,
    channel_id smallint NOT NULL,
    operator_id smallint,
    policy text DEFAULT 'ranked'::text NOT NULL,
    look_back interval DEFAULT '06:00:00'::interval NOT NULL,
    prior_share numeric(4,3) DEFAULT 0.9 NOT NULL,
    prior_samples integer DEFAULT 100 NOT NULL,
    margin numeric(4,3) DEFAULT 0.02 NOT NULL,
    CONSTRAINT "a policy is ranked, cheapest or best_delivered" CHECK ((policy = ANY (ARRAY['ranked'::text, 'cheapest'::text, 'best_delivered'::text]))),
    CONSTRAINT "look_back is 30 minutes to 30 days" CHECK (((look_back >= '00:30:00'::interval) AND (look_back <= '30 days'::interval))),
    CONSTRAINT "margin is 0 to 1" CHECK (((margin >= (0)::numeric) AND (margin <= (1)::numeric))),
    CONSTRAINT "prior_samples is 1 or more" CHECK ((prior_samples >= 1)),
    CONSTRAINT "prior_share is 0 to 1" CHECK (((prior_share >= (0)::numeric) AND (prior_share <= (1)::numeric)))
);

COMMENT ON TABLE sms.route IS 'Which providers may serve a channel, or its lane to one operator, and which is preferred. No row: the lane stays where it was pointed.';

COMMENT ON COLUMN sms.route.route_id IS 'Key.';

COMMENT ON COLUMN sms.route.channel_id IS 'The channel.';

COMMENT ON COLUMN sms.route.operator_id IS 'Only its lane to this operator; null = all lanes that have no row of their own.';

COMMENT ON COLUMN sms.route.policy IS 'ranked: the lowest rank; cheapest: the lowest price of a segment; best_delivered: the highest share delivered of late. Ties by rank.';

COMMENT ON COLUMN sms.route.look_back IS 'best_delivered: how far back deliveries are counted (the longest of all routes counts for all).';

COMMENT ON COLUMN sms.route.prior_share IS 'best_delivered: the share supposed of a provider nobody knows.';

COMMENT ON COLUMN sms.route.prior_samples IS 'best_delivered: how many deliveries that supposition weighs.';

COMMENT ON COLUMN sms.route.margin IS 'best_delivered: who serves now is left only for a share better by more than this.';

-- TABLE route_notice

CREATE TABLE sms.route_notice (
    notice_id bigint DEFAULT sms.next_id() NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    payload jsonb NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    next_try_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    told_at timestamp with time zone
);

COMMENT ON TABLE sms.route_notice IS 'What NOTIFY sms_route said, and whether the webhook was told. Kept for a week.';

COMMENT ON COLUMN sms.route_notice.notice_id IS 'Time-ordered key.';

COMMENT ON COLUMN sms.route_notice.at IS 'When.';

COMMENT ON COLUMN sms.route_notice.payload IS 'The payload: no phone numbers, no texts.';

COMMENT ON COLUMN sms.route_notice.tries IS 'Times the webhook was tried.';

COMMENT ON COLUMN sms.route_notice.next_try_at IS 'Not before.';

COMMENT ON COLUMN sms.route_notice.told_at IS 'When the webhook took it; null = not yet.';

-- TABLE route_provider

CREATE TABLE sms.route_provider (
    route_id integer NOT NULL,
    provider_id smallint NOT NULL,
    rank smallint NOT NULL,
    CONSTRAINT "a rank is 1 to 100" CHECK (((rank >= 1) AND (rank <= 100)))
);

COMMENT ON TABLE sms.route_provider IS 'The providers of a route, in their order.';

COMMENT ON COLUMN sms.route_provider.route_id IS 'The route.';

COMMENT ON COLUMN sms.route_provider.provider_id IS 'A provider that may serve it.';

COMMENT ON COLUMN sms.route_provider.rank IS '1 is the first choice.';

-- SEQUENCE route_route_id_seq

ALTER TABLE sms.route ALTER COLUMN route_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.route_route_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE run_recipient

CREATE TABLE sms.run_recipient (
    run_id bigint NOT NULL,
    recipient_id bigint NOT NULL,
    client_id bigint,
    zone_id smallint NOT NULL,
    phone text,
    time_zone text,
    vars jsonb
);

COMMENT ON TABLE sms.run_recipient IS 'Recipients of a run that wait; a row leaves when its message is queued (sms.run_message). Written by sms.freeze_run.';

COMMENT ON COLUMN sms.run_recipient.run_id IS 'The run.';

COMMENT ON COLUMN sms.run_recipient.recipient_id IS 'Place in the audience, from 1.';

COMMENT ON COLUMN sms.run_recipient.client_id IS 'The ERP''s client.';

COMMENT ON COLUMN sms.run_recipient.zone_id IS 'Zone, worked out as for any message; -1 = unusable.';

COMMENT ON COLUMN sms.run_recipient.phone IS 'Phone as the audience has it.';

COMMENT ON COLUMN sms.run_recipient.time_zone IS 'Zone as the audience has it; null = none given.';

COMMENT ON COLUMN sms.run_recipient.vars IS 'Values for the template.';

-- TABLE run_zone

CREATE TABLE sms.run_zone (
    run_id bigint NOT NULL,
    zone_id smallint NOT NULL,
    opens_at timestamp with time zone NOT NULL,
    waiting bigint NOT NULL,
    fed_up_to bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='50');

COMMENT ON TABLE sms.run_zone IS 'A run''s recipients by time zone: how many wait, and from when they may be queued.';

COMMENT ON COLUMN sms.run_zone.run_id IS 'The run.';

COMMENT ON COLUMN sms.run_zone.zone_id IS 'sms.time_zone; 0 = unknown; -1 = unusable phone or zone, refused when queued.';

COMMENT ON COLUMN sms.run_zone.opens_at IS 'Earliest moment: the local time of the campaign, the end of quiet hours.';

COMMENT ON COLUMN sms.run_zone.waiting IS 'Recipients not queued yet.';

COMMENT ON COLUMN sms.run_zone.fed_up_to IS 'Those up to this recipient_id are queued, so that a look steps over no dead rows.';

-- TABLE setting

CREATE TABLE sms.setting (
    setting text NOT NULL,
    value text NOT NULL,
    meaning text NOT NULL,
    CONSTRAINT "campaign_queue is a whole number from 1" CHECK (((setting <> 'campaign_queue'::text) OR (value ~ '^[1-9][0-9]{0,6}$'::text))),
    CONSTRAINT "currency is three capitals, such as RUB" CHECK (((setting <> 'currency'::text) OR (value ~ '^[A-Z]{3}$'::text))),
    CONSTRAINT "days are 0 to 99999, months 0 to 9999" CHECK (
CASE
    WHEN (setting = 'erp_ref_days'::text) THEN (value ~ '^[0-9]{1,5}$'::text)
    WHEN (setting = 'retention_months'::text) THEN (value ~ '^[0-9]{1,4}$'::text)
    WHEN (setting ~~ 'retention\_months.%'::text) THEN (value ~ '^[0-9]{0,4}$'::text)
    ELSE true
END),
    CONSTRAINT "opt_out_answer is empty, or a text of at most 1000 characters" CHECK (((setting <> 'opt_out_answer'::text) OR (value = ''::text) OR ((value ~ '\S'::text) AND (char_length(value) <= 1000)))),
    CONSTRAINT "own span: activity event inbound number_trouble rule_change" CHECK (((setting !~~ 'retention\_months.%'::text) OR (setting = ANY (ARRAY['retention_months.activity'::text, 'retention_months.event'::text, 'retention_months.inbound'::text, 'retention_months.number_trouble'::text, 'retention_months.rule_change'::text])))),
    CONSTRAINT "short_link_base is http(s)://host/path/, at most 60 characters" CHECK (((setting <> 'short_link_base'::text) OR ((value ~ '^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*/)?$'::text) AND (length(value) <= 60)))),
    CONSTRAINT "short_link_robots is a pattern" CHECK (((setting <> 'short_link_robots'::text) OR ((''::text ~* value) IS NOT NULL))),
    CONSTRAINT "statistics_zone: a zone; statistics_hours_months: 0 to 9999" CHECK (
CASE setting
    WHEN 'statistics_zone'::text THEN (('2020-01-01 00:00:00+00'::timestamp with time zone AT TIME ZONE value) IS NOT NULL)
    WHEN 'statistics_hours_months'::text THEN (value ~ '^[0-9]{1,4}$'::text)
    ELSE true
END)
);

COMMENT ON TABLE sms.setting IS 'Switches of the whole installation.';

COMMENT ON COLUMN sms.setting.setting IS 'Name.';

COMMENT ON COLUMN sms.setting.value IS 'Value as text.';

COMMENT ON COLUMN sms.setting.meaning IS 'What it does, with its unit.';

-- TABLE spelling

CREATE TABLE sms.spelling (
    kind text NOT NULL,
    "character" text NOT NULL,
    spelled text NOT NULL,
    title text DEFAULT ''::text NOT NULL,
    CONSTRAINT spelling_character_check CHECK ((char_length("character") = 1)),
    CONSTRAINT spelling_kind_check CHECK ((kind = ANY (ARRAY['space'::text, 'typographic'::text, 'lookalike'::text, 'symbol'::text, 'transliteration'::text])))
);

COMMENT ON TABLE sms.spelling IS 'Other ways to write a character, by what one gives up: proposed where they save a segment.';

COMMENT ON COLUMN sms.spelling.kind IS 'space and typographic: nobody sees it; lookalike: a Cyrillic letter within a Latin word; symbol: written out; transliteration: reads differently.';

COMMENT ON COLUMN sms.spelling."character" IS 'The character.';

COMMENT ON COLUMN sms.spelling.spelled IS 'How else to write it.';

COMMENT ON COLUMN sms.spelling.title IS 'Its name, for people.';

-- TABLE spend

CREATE TABLE sms.spend (
    day date NOT NULL,
    channel_id smallint NOT NULL,
    campaign_id bigint,
    amount numeric(14,4) NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='5000', autovacuum_vacuum_cost_delay='0');

COMMENT ON TABLE sms.spend IS 'Expected cost of what was just handed over: a row for each settle, channel and campaign. Folded into sms.spend_day by a chore; together they are the ledger.';

COMMENT ON COLUMN sms.spend.day IS 'Day of the hand-over, in the zone of setting statistics_zone.';

COMMENT ON COLUMN sms.spend.channel_id IS 'Channel.';

COMMENT ON COLUMN sms.spend.campaign_id IS 'Campaign, if any.';

COMMENT ON COLUMN sms.spend.amount IS 'Expected cost, in the own currency.';

-- TABLE spend_day

CREATE TABLE sms.spend_day (
    day date NOT NULL,
    channel_id smallint NOT NULL,
    campaign_id bigint NOT NULL,
    amount numeric(16,4) NOT NULL
);

COMMENT ON TABLE sms.spend_day IS 'Expected cost of what was handed over, by day, channel and campaign: the folded part of the ledger.';

COMMENT ON COLUMN sms.spend_day.day IS 'Day of the hand-over, in the zone of setting statistics_zone.';

COMMENT ON COLUMN sms.spend_day.channel_id IS 'Channel.';

COMMENT ON COLUMN sms.spend_day.campaign_id IS 'Campaign; 0 = none.';

COMMENT ON COLUMN sms.spend_day.amount IS 'Expected cost, in the own currency.';

-- TABLE stat_dirty

CREATE TABLE sms.stat_dirty (
    hour_no integer NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='5000', autovacuum_vacuum_cost_delay='0');

COMMENT ON TABLE sms.stat_dirty IS 'Hours in which an outcome was made or changed since they were last counted. Append-only; emptied by sms.roll_up_statistics.';

COMMENT ON COLUMN sms.stat_dirty.hour_no IS 'Hours since 2020-01-01 UTC of the moment the message was asked for, see sms.stat_hour_no.';

-- TABLE stat_month

CREATE TABLE sms.stat_month (
    month date NOT NULL,
    channel_id smallint NOT NULL,
    provider_id smallint NOT NULL,
    operator_id smallint NOT NULL,
    state text NOT NULL,
    reason text NOT NULL,
    campaign_id bigint NOT NULL,
    template_id integer NOT NULL,
    messages integer NOT NULL,
    segments bigint NOT NULL,
    cost numeric(14,4) NOT NULL,
    delivery integer[]
);

COMMENT ON TABLE sms.stat_month IS 'The same by the month, for months that are over and in which nothing changed for an hour; others are read from sms.stat_day.';

COMMENT ON COLUMN sms.stat_month.month IS 'First day of the month.';

COMMENT ON COLUMN sms.stat_month.channel_id IS 'Channel.';

COMMENT ON COLUMN sms.stat_month.provider_id IS 'Provider; 0 = none.';

COMMENT ON COLUMN sms.stat_month.operator_id IS 'Operator; -1 = no number.';

COMMENT ON COLUMN sms.stat_month.state IS 'State.';

COMMENT ON COLUMN sms.stat_month.reason IS 'Reason; empty = none.';

COMMENT ON COLUMN sms.stat_month.campaign_id IS 'Campaign; 0 = none.';

COMMENT ON COLUMN sms.stat_month.template_id IS 'Template; 0 = none.';

COMMENT ON COLUMN sms.stat_month.messages IS 'How many.';

COMMENT ON COLUMN sms.stat_month.segments IS 'SMS parts handed over.';

COMMENT ON COLUMN sms.stat_month.cost IS 'Expected cost.';

COMMENT ON COLUMN sms.stat_month.delivery IS 'Delivered ones by time to delivery, see sms.delivery_bucket.';

-- TABLE stat_region_day

CREATE TABLE sms.stat_region_day (
    day date NOT NULL,
    region text NOT NULL,
    channel_id smallint NOT NULL,
    state text NOT NULL,
    messages integer NOT NULL,
    segments bigint NOT NULL,
    cost numeric(14,4) NOT NULL
);

COMMENT ON TABLE sms.stat_region_day IS 'The same by the day of setting statistics_zone.';

COMMENT ON COLUMN sms.stat_region_day.day IS 'Day, in the zone of setting statistics_zone.';

COMMENT ON COLUMN sms.stat_region_day.region IS 'Region as the numbering plan names it; empty = unknown.';

COMMENT ON COLUMN sms.stat_region_day.channel_id IS 'Channel.';

COMMENT ON COLUMN sms.stat_region_day.state IS 'State.';

COMMENT ON COLUMN sms.stat_region_day.messages IS 'How many.';

COMMENT ON COLUMN sms.stat_region_day.segments IS 'SMS parts handed over.';

COMMENT ON COLUMN sms.stat_region_day.cost IS 'Expected cost.';

-- TABLE stat_region_hour

CREATE TABLE sms.stat_region_hour (
    hour timestamp with time zone NOT NULL,
    region text NOT NULL,
    channel_id smallint NOT NULL,
    state text NOT NULL,
    messages integer NOT NULL,
    segments bigint NOT NULL,
    cost numeric(14,4) NOT NULL
);

COMMENT ON TABLE sms.stat_region_hour IS 'Messages that left the queue by the region that issued their number and the hour. Kept for statistics_hours_months.';

COMMENT ON COLUMN sms.stat_region_hour.hour IS 'Begin of the hour.';

COMMENT ON COLUMN sms.stat_region_hour.region IS 'Region as the numbering plan names it; empty = unknown.';

COMMENT ON COLUMN sms.stat_region_hour.channel_id IS 'Channel.';

COMMENT ON COLUMN sms.stat_region_hour.state IS 'State.';

COMMENT ON COLUMN sms.stat_region_hour.messages IS 'How many.';

COMMENT ON COLUMN sms.stat_region_hour.segments IS 'SMS parts handed over.';

COMMENT ON COLUMN sms.stat_region_hour.cost IS 'Expected cost.';

-- TABLE state

CREATE TABLE sms.state (
    state text NOT NULL,
    rank smallint NOT NULL,
    is_final boolean NOT NULL,
    meaning text NOT NULL
);

COMMENT ON TABLE sms.state IS 'The states a message can be in. docs/states.md draws them.';

COMMENT ON COLUMN sms.state.state IS 'The word shown in sms.message.state.';

COMMENT ON COLUMN sms.state.rank IS 'Receipts only move a message to a higher rank.';

COMMENT ON COLUMN sms.state.is_final IS 'True when nothing more is expected to happen.';

COMMENT ON COLUMN sms.state.meaning IS 'What it means for the ERP and the subscriber.';

-- TABLE state_transition

CREATE TABLE sms.state_transition (
    from_state text NOT NULL,
    to_state text NOT NULL,
    cause text NOT NULL
);

COMMENT ON TABLE sms.state_transition IS 'Every move a message may make, and who causes it. A move that is not here fails.';

COMMENT ON COLUMN sms.state_transition.from_state IS 'State before.';

COMMENT ON COLUMN sms.state_transition.to_state IS 'State after.';

COMMENT ON COLUMN sms.state_transition.cause IS 'The function or event that makes the move.';

-- TABLE stop_word

CREATE TABLE sms.stop_word (
    word text NOT NULL,
    meaning text NOT NULL,
    CONSTRAINT "a stop word is one word of letters and digits" CHECK ((word ~ '^[[:alnum:]]+$'::text)),
    CONSTRAINT "meaning is stop, start or all" CHECK ((meaning = ANY (ARRAY['stop'::text, 'start'::text, 'all'::text])))
);

COMMENT ON TABLE sms.stop_word IS 'Words by which subscribers opt out. Compared after folding case and Latin look-alikes, see sms.fold_word.';

COMMENT ON COLUMN sms.stop_word.word IS 'The word, in any case.';

COMMENT ON COLUMN sms.stop_word.meaning IS 'stop = opt out of advertising; all = beside a stop word: of everything; start = opt in again.';

-- TABLE submitting

CREATE TABLE sms.submitting (
    claim_id bigint NOT NULL,
    marked_at timestamp with time zone NOT NULL,
    ids bigint[] NOT NULL,
    keys text[]
);

COMMENT ON TABLE sms.submitting IS 'Committed before bytes leave: these messages may be at the provider. A lease that ends without a mark is safe to retry.';

COMMENT ON COLUMN sms.submitting.claim_id IS 'The claim.';

COMMENT ON COLUMN sms.submitting.marked_at IS 'When it was marked.';

COMMENT ON COLUMN sms.submitting.ids IS 'The messages about to be handed over.';

COMMENT ON COLUMN sms.submitting.keys IS 'The names under which the provider will know the messages, parallel to ids; null where it takes none from us.';

-- TABLE tariff

CREATE TABLE sms.tariff (
    tariff_id integer NOT NULL,
    provider_id smallint NOT NULL,
    operator_id smallint,
    category text,
    price numeric(10,4) NOT NULL,
    currency text DEFAULT 'RUB'::text NOT NULL,
    valid_from timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    valid_until timestamp with time zone DEFAULT 'infinity'::timestamp with time zone NOT NULL,
    from_segments bigint DEFAULT 0 NOT NULL,
    CONSTRAINT "a step begins at 0 segments or more" CHECK ((from_segments >= 0)),
    CONSTRAINT tariff_check CHECK ((valid_from < valid_until)),
    CONSTRAINT tariff_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT tariff_price_check CHECK ((price >= (0)::numeric))
);

COMMENT ON TABLE sms.tariff IS 'Price of one segment. The most specific row wins: operator and category, operator, category, any.';

COMMENT ON COLUMN sms.tariff.tariff_id IS 'Key.';

COMMENT ON COLUMN sms.tariff.provider_id IS 'The provider that charges it.';

COMMENT ON COLUMN sms.tariff.operator_id IS 'Limited to numbers of this operator; null = any.';

COMMENT ON COLUMN sms.tariff.category IS 'Limited to this kind of message; null = any.';

COMMENT ON COLUMN sms.tariff.price IS 'Money per segment.';

COMMENT ON COLUMN sms.tariff.currency IS 'ISO 4217.';

COMMENT ON COLUMN sms.tariff.valid_from IS 'First moment it holds.';

COMMENT ON COLUMN sms.tariff.valid_until IS 'First moment it holds no more.';

COMMENT ON COLUMN sms.tariff.from_segments IS 'The price holds from this many segments of the calendar month on, counted over what the row covers; 0 = from the first.';

-- SEQUENCE tariff_tariff_id_seq

ALTER TABLE sms.tariff ALTER COLUMN tariff_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.tariff_tariff_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- SEQUENCE template_template_id_seq

ALTER TABLE sms.template ALTER COLUMN template_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.template_template_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE template_version

CREATE TABLE sms.template_version (
    template_version_id integer NOT NULL,
    template_id integer NOT NULL,
    body text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by text DEFAULT SESSION_USER NOT NULL,
    version_no integer NOT NULL,
    variables jsonb,
    note text DEFAULT ''::text NOT NULL,
    CONSTRAINT "a template's body is 1 to 10,000 characters" CHECK (((char_length(body) >= 1) AND (char_length(body) <= 10000)))
);

COMMENT ON TABLE sms.template_version IS 'One wording of a template. Edit by inserting a new version; a message keeps the version it was made from.';

COMMENT ON COLUMN sms.template_version.template_version_id IS 'Key; the highest of a template is current.';

COMMENT ON COLUMN sms.template_version.template_id IS 'Which template.';

COMMENT ON COLUMN sms.template_version.body IS 'Text with {{variable}} and {{variable|default}}.';

COMMENT ON COLUMN sms.template_version.created_at IS 'When it was written.';

COMMENT ON COLUMN sms.template_version.created_by IS 'By whom.';

COMMENT ON COLUMN sms.template_version.version_no IS 'Counts from 1 within the template; given by the database. name@3 in sms.outbox.template means the third.';

COMMENT ON COLUMN sms.template_version.variables IS 'Declared variables: {"name": {"required": true, "sample": "Анна", "default": null, "meaning": "first name"}}. Null = those of the version before; where none ever declared any, whatever the body names.';

COMMENT ON COLUMN sms.template_version.note IS 'Why it was changed.';

-- SEQUENCE template_version_template_version_id_seq

ALTER TABLE sms.template_version ALTER COLUMN template_version_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.template_version_template_version_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE time_zone

CREATE TABLE sms.time_zone (
    zone_id smallint NOT NULL,
    name text NOT NULL,
    members text[] NOT NULL,
    CONSTRAINT time_zone_members_check CHECK ((cardinality(members) > 0))
);

COMMENT ON TABLE sms.time_zone IS 'Zones a subscriber may live in. Several members = could be any of them, so a window must be open in all.';

COMMENT ON COLUMN sms.time_zone.zone_id IS 'Narrow key; 0 is ''unknown'': every Russian zone is possible.';

COMMENT ON COLUMN sms.time_zone.name IS 'IANA name, or names joined by + for a region of several zones.';

COMMENT ON COLUMN sms.time_zone.members IS 'The IANA zones it may be.';

-- VIEW unaccounted

CREATE VIEW sms.unaccounted AS
 SELECT o.id,
    o.created_at,
    ((( SELECT count(*) AS count
           FROM sms.pending p
          WHERE (p.id = o.id)) + ( SELECT count(*) AS count
           FROM sms.inflight f
          WHERE (f.id = o.id))) + ( SELECT count(*) AS count
           FROM sms.outcome r
          WHERE (r.id = o.id))) AS places
   FROM sms.outbox o
  WHERE (((( SELECT count(*) AS count
           FROM sms.pending p
          WHERE (p.id = o.id)) + ( SELECT count(*) AS count
           FROM sms.inflight f
          WHERE (f.id = o.id))) + ( SELECT count(*) AS count
           FROM sms.outcome r
          WHERE (r.id = o.id))) <> 1);

COMMENT ON VIEW sms.unaccounted IS 'Requests that are not in exactly one of pending, inflight, outcome. Must be empty.';

COMMENT ON COLUMN sms.unaccounted.id IS 'sms.outbox.id.';

COMMENT ON COLUMN sms.unaccounted.created_at IS 'When it came in.';

COMMENT ON COLUMN sms.unaccounted.places IS 'In how many places it is.';

-- VIEW uncertain_message

CREATE VIEW sms.uncertain_message AS
 SELECT d.id,
    v.provider,
    c.channel,
    op.operator,
    sms.mask_phones((o.msisdn)::text) AS number,
    o.attempts,
    o.submitted_at,
    d.since,
    d.asks,
    d.asked_at,
        CASE
            WHEN a.answers_doubts THEN d.next_ask_at
            ELSE NULL::timestamp with time zone
        END AS next_ask_at,
    d.absent_since,
    c.on_uncertain,
        CASE
            WHEN (c.on_uncertain <> 'hold'::text) THEN (o.decided_at + c.uncertain_after)
            ELSE NULL::timestamp with time zone
        END AS policy_at,
    sms.mask_phones(o.detail) AS detail
   FROM ((((((sms.doubtful d
     JOIN sms.outcome o ON (((o.id = d.id) AND (o.state = 'uncertain'::text))))
     JOIN sms.provider v ON ((v.provider_id = o.provider_id)))
     JOIN sms.lane l ON ((l.lane_id = o.lane_id)))
     JOIN sms.channel c ON ((c.channel_id = l.channel_id)))
     JOIN sms.operator op ON ((op.operator_id = l.operator_id)))
     LEFT JOIN sms.provider_asking a ON ((a.provider_id = o.provider_id)));

COMMENT ON VIEW sms.uncertain_message IS 'Uncertain messages: who may have them, since when, how often it was asked, what happens next. Numbers masked, no texts.';

COMMENT ON COLUMN sms.uncertain_message.id IS 'sms.outbox.id.';

COMMENT ON COLUMN sms.uncertain_message.provider IS 'Who may have it.';

COMMENT ON COLUMN sms.uncertain_message.channel IS 'Channel.';

COMMENT ON COLUMN sms.uncertain_message.operator IS 'Operator that issued the number.';

COMMENT ON COLUMN sms.uncertain_message.number IS 'The number with its middle hidden.';

COMMENT ON COLUMN sms.uncertain_message.attempts IS 'Submissions tried.';

COMMENT ON COLUMN sms.uncertain_message.submitted_at IS 'When it was handed over, or the claim began where that is not known.';

COMMENT ON COLUMN sms.uncertain_message.since IS 'Since when it is uncertain.';

COMMENT ON COLUMN sms.uncertain_message.asks IS 'How often the provider was asked about it.';

COMMENT ON COLUMN sms.uncertain_message.asked_at IS 'When it was last asked.';

COMMENT ON COLUMN sms.uncertain_message.next_ask_at IS 'Not asked again before; null where the provider cannot be asked.';

COMMENT ON COLUMN sms.uncertain_message.absent_since IS 'When the provider first said that it does not have it.';

COMMENT ON COLUMN sms.uncertain_message.on_uncertain IS 'What the channel does in the end: hold, resend or give_up.';

COMMENT ON COLUMN sms.uncertain_message.policy_at IS 'When the channel does that; null = a person decides.';

COMMENT ON COLUMN sms.uncertain_message.detail IS 'How it became uncertain.';

-- TABLE unmatched_receipt

CREATE TABLE sms.unmatched_receipt (
    receipt_id bigint NOT NULL,
    received_at timestamp with time zone NOT NULL,
    message_id bigint,
    provider_id smallint NOT NULL,
    provider_ref text,
    state text NOT NULL,
    error text,
    code text,
    CONSTRAINT unmatched_receipt_key CHECK ((num_nonnulls(message_id, provider_ref) > 0))
);

COMMENT ON TABLE sms.unmatched_receipt IS 'Receipts that overtook the submit answer, or whose message is not known yet. Matched by settle or by the chore.';

COMMENT ON COLUMN sms.unmatched_receipt.receipt_id IS 'sms.receipt.receipt_id.';

COMMENT ON COLUMN sms.unmatched_receipt.received_at IS 'When we got it.';

COMMENT ON COLUMN sms.unmatched_receipt.message_id IS 'Our message, when the report names it.';

COMMENT ON COLUMN sms.unmatched_receipt.provider_id IS 'Who reported.';

COMMENT ON COLUMN sms.unmatched_receipt.provider_ref IS 'The provider''s id, when the report names only that.';

COMMENT ON COLUMN sms.unmatched_receipt.state IS 'The state it brings.';

COMMENT ON COLUMN sms.unmatched_receipt.error IS 'The provider''s error.';

COMMENT ON COLUMN sms.unmatched_receipt.code IS 'The provider''s status code, so that a corrected map holds for those that wait; null = from before there was this column.';

-- SEQUENCE zone_id_seq

CREATE SEQUENCE sms.zone_id_seq
    AS smallint
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

-- SEQUENCE OWNED BY zone_id_seq

ALTER SEQUENCE sms.zone_id_seq OWNED BY sms.time_zone.zone_id;

COMMENT ON SEQUENCE sms.zone_id_seq IS 'Zone ids; 0 is reserved for ''unknown''.';

-- DEFAULT time_zone zone_id

ALTER TABLE ONLY sms.time_zone ALTER COLUMN zone_id SET DEFAULT nextval('sms.zone_id_seq'::regclass);

-- CONSTRAINT local_action local_action_pkey

ALTER TABLE ONLY erp.local_action
    ADD CONSTRAINT local_action_pkey PRIMARY KEY (action_id);

-- CONSTRAINT local_client local_client_pkey

ALTER TABLE ONLY erp.local_client
    ADD CONSTRAINT local_client_pkey PRIMARY KEY (client_id);

-- CONSTRAINT client_location client_location_pkey

ALTER TABLE ONLY geo.client_location
    ADD CONSTRAINT client_location_pkey PRIMARY KEY (client_id);

-- CONSTRAINT metro_station metro_station_city_line_name_key

ALTER TABLE ONLY geo.metro_station
    ADD CONSTRAINT metro_station_city_line_name_key UNIQUE (city, line, name);

-- CONSTRAINT metro_station metro_station_pkey

ALTER TABLE ONLY geo.metro_station
    ADD CONSTRAINT metro_station_pkey PRIMARY KEY (station_id);

-- CONSTRAINT conversion a conversion is told once

ALTER TABLE ONLY sms.conversion
    ADD CONSTRAINT "a conversion is told once" UNIQUE (goal_id, client_id, occurred_at, ref);

-- CONSTRAINT activity activity_pkey

ALTER TABLE ONLY sms.activity
    ADD CONSTRAINT activity_pkey PRIMARY KEY (activity_id);

-- CONSTRAINT adapter_setting adapter_setting_pkey

ALTER TABLE ONLY sms.adapter_setting
    ADD CONSTRAINT adapter_setting_pkey PRIMARY KEY (adapter, setting);

-- CONSTRAINT audience audience_audience_key

ALTER TABLE ONLY sms.audience
    ADD CONSTRAINT audience_audience_key UNIQUE (audience);

-- CONSTRAINT audience_function audience_function_pkey

ALTER TABLE ONLY sms.audience_function
    ADD CONSTRAINT audience_function_pkey PRIMARY KEY (origin, signature);

-- CONSTRAINT audience audience_pkey

ALTER TABLE ONLY sms.audience
    ADD CONSTRAINT audience_pkey PRIMARY KEY (audience_id);

-- CONSTRAINT audience_version audience_version_pkey

ALTER TABLE ONLY sms.audience_version
    ADD CONSTRAINT audience_version_pkey PRIMARY KEY (audience_id, version_no);

-- CONSTRAINT auto_blacklist_rule auto_blacklist_rule_pkey

ALTER TABLE ONLY sms.auto_blacklist_rule
    ADD CONSTRAINT auto_blacklist_rule_pkey PRIMARY KEY (auto_rule_id);

-- CONSTRAINT blacklist blacklist_pkey

ALTER TABLE ONLY sms.blacklist
    ADD CONSTRAINT blacklist_pkey PRIMARY KEY (blacklist_id);

-- CONSTRAINT breaker_change breaker_change_pkey

ALTER TABLE ONLY sms.breaker_change
    ADD CONSTRAINT breaker_change_pkey PRIMARY KEY (change_id);

-- CONSTRAINT breaker breaker_pkey

ALTER TABLE ONLY sms.breaker
    ADD CONSTRAINT breaker_pkey PRIMARY KEY (provider_id);

-- CONSTRAINT breaker_policy breaker_policy_pkey

ALTER TABLE ONLY sms.breaker_policy
    ADD CONSTRAINT breaker_policy_pkey PRIMARY KEY (provider_id);

-- CONSTRAINT budget budget_budget_key

ALTER TABLE ONLY sms.budget
    ADD CONSTRAINT budget_budget_key UNIQUE (budget);

-- CONSTRAINT budget budget_pkey

ALTER TABLE ONLY sms.budget
    ADD CONSTRAINT budget_pkey PRIMARY KEY (budget_id);

-- CONSTRAINT busy_number busy_number_pkey

ALTER TABLE ONLY sms.busy_number
    ADD CONSTRAINT busy_number_pkey PRIMARY KEY (key);

-- CONSTRAINT campaign campaign_campaign_key

ALTER TABLE ONLY sms.campaign
    ADD CONSTRAINT campaign_campaign_key UNIQUE (campaign);

-- CONSTRAINT campaign campaign_pkey

ALTER TABLE ONLY sms.campaign
    ADD CONSTRAINT campaign_pkey PRIMARY KEY (campaign_id);

-- CONSTRAINT campaign_run campaign_run_pkey

ALTER TABLE ONLY sms.campaign_run
    ADD CONSTRAINT campaign_run_pkey PRIMARY KEY (run_id);

-- CONSTRAINT cap cap_pkey

ALTER TABLE ONLY sms.cap
    ADD CONSTRAINT cap_pkey PRIMARY KEY (cap_id);

-- CONSTRAINT category category_pkey

ALTER TABLE ONLY sms.category
    ADD CONSTRAINT category_pkey PRIMARY KEY (category);

-- CONSTRAINT channel channel_channel_key

ALTER TABLE ONLY sms.channel
    ADD CONSTRAINT channel_channel_key UNIQUE (channel);

-- CONSTRAINT channel channel_pkey

ALTER TABLE ONLY sms.channel
    ADD CONSTRAINT channel_pkey PRIMARY KEY (channel_id);

-- CONSTRAINT claim claim_pkey

ALTER TABLE ONLY sms.claim
    ADD CONSTRAINT claim_pkey PRIMARY KEY (claim_id);

-- CONSTRAINT click click_pkey

ALTER TABLE ONLY sms.click
    ADD CONSTRAINT click_pkey PRIMARY KEY (click_id);

-- CONSTRAINT client_zone client_zone_pkey

ALTER TABLE ONLY sms.client_zone
    ADD CONSTRAINT client_zone_pkey PRIMARY KEY (client_id);

-- CONSTRAINT consent consent_pkey

ALTER TABLE ONLY sms.consent
    ADD CONSTRAINT consent_pkey PRIMARY KEY (consent_id);

-- CONSTRAINT conversion conversion_pkey

ALTER TABLE ONLY sms.conversion
    ADD CONSTRAINT conversion_pkey PRIMARY KEY (conversion_id);

-- CONSTRAINT delivered_share delivered_share_pkey

ALTER TABLE ONLY sms.delivered_share
    ADD CONSTRAINT delivered_share_pkey PRIMARY KEY (provider_id, operator_id);

-- CONSTRAINT doubtful doubtful_pkey

ALTER TABLE ONLY sms.doubtful
    ADD CONSTRAINT doubtful_pkey PRIMARY KEY (id);

-- CONSTRAINT earlier_carrier earlier_carrier_pkey

ALTER TABLE ONLY sms.earlier_carrier
    ADD CONSTRAINT earlier_carrier_pkey PRIMARY KEY (message_id, provider_id);

-- CONSTRAINT erp_ref erp_ref_pkey

ALTER TABLE ONLY sms.erp_ref
    ADD CONSTRAINT erp_ref_pkey PRIMARY KEY (ref_hash);

-- CONSTRAINT event_effect event_effect_pkey

ALTER TABLE ONLY sms.event_effect
    ADD CONSTRAINT event_effect_pkey PRIMARY KEY (event_id, rule_id);

-- CONSTRAINT event event_pkey

ALTER TABLE ONLY sms.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (event_id);

-- CONSTRAINT event_plan event_plan_pkey

ALTER TABLE ONLY sms.event_plan
    ADD CONSTRAINT event_plan_pkey PRIMARY KEY (event_id, rule_id);

-- CONSTRAINT event_recheck event_recheck_pkey

ALTER TABLE ONLY sms.event_recheck
    ADD CONSTRAINT event_recheck_pkey PRIMARY KEY (event_id);

-- CONSTRAINT event_rule event_rule_pkey

ALTER TABLE ONLY sms.event_rule
    ADD CONSTRAINT event_rule_pkey PRIMARY KEY (rule_id);

-- CONSTRAINT event_type event_type_event_type_key

ALTER TABLE ONLY sms.event_type
    ADD CONSTRAINT event_type_event_type_key UNIQUE (event_type);

-- CONSTRAINT event_type event_type_pkey

ALTER TABLE ONLY sms.event_type
    ADD CONSTRAINT event_type_pkey PRIMARY KEY (event_type_id);

-- CONSTRAINT exchange_rate exchange_rate_pkey

ALTER TABLE ONLY sms.exchange_rate
    ADD CONSTRAINT exchange_rate_pkey PRIMARY KEY (currency, valid_from);

-- CONSTRAINT forecast forecast_pkey

ALTER TABLE ONLY sms.forecast
    ADD CONSTRAINT forecast_pkey PRIMARY KEY (made_at, month, scenario, channel, provider);

-- CONSTRAINT foreign_receipt foreign_receipt_pkey

ALTER TABLE ONLY sms.foreign_receipt
    ADD CONSTRAINT foreign_receipt_pkey PRIMARY KEY (receipt_id);

-- CONSTRAINT goal goal_goal_key

ALTER TABLE ONLY sms.goal
    ADD CONSTRAINT goal_goal_key UNIQUE (goal);

-- CONSTRAINT goal goal_pkey

ALTER TABLE ONLY sms.goal
    ADD CONSTRAINT goal_pkey PRIMARY KEY (goal_id);

-- CONSTRAINT holiday holiday_pkey

ALTER TABLE ONLY sms.holiday
    ADD CONSTRAINT holiday_pkey PRIMARY KEY (day);

-- CONSTRAINT inbound inbound_pkey

ALTER TABLE ONLY sms.inbound
    ADD CONSTRAINT inbound_pkey PRIMARY KEY (inbound_id);

-- CONSTRAINT inbound inbound_provider_id_provider_ref_key

ALTER TABLE ONLY sms.inbound
    ADD CONSTRAINT inbound_provider_id_provider_ref_key UNIQUE (provider_id, provider_ref);

-- CONSTRAINT inflight inflight_pkey

ALTER TABLE ONLY sms.inflight
    ADD CONSTRAINT inflight_pkey PRIMARY KEY (id);

-- CONSTRAINT lane_change lane_change_pkey

ALTER TABLE ONLY sms.lane_change
    ADD CONSTRAINT lane_change_pkey PRIMARY KEY (change_id);

-- CONSTRAINT lane lane_channel_id_operator_id_key

ALTER TABLE ONLY sms.lane
    ADD CONSTRAINT lane_channel_id_operator_id_key UNIQUE (channel_id, operator_id);

-- CONSTRAINT lane_pin lane_pin_pkey

ALTER TABLE ONLY sms.lane_pin
    ADD CONSTRAINT lane_pin_pkey PRIMARY KEY (lane_id);

-- CONSTRAINT lane lane_pkey

ALTER TABLE ONLY sms.lane
    ADD CONSTRAINT lane_pkey PRIMARY KEY (lane_id);

-- CONSTRAINT login_channel login_channel_pkey

ALTER TABLE ONLY sms.login_channel
    ADD CONSTRAINT login_channel_pkey PRIMARY KEY (login, channel);

-- CONSTRAINT month_volume month_volume_pkey

ALTER TABLE ONLY sms.month_volume
    ADD CONSTRAINT month_volume_pkey PRIMARY KEY (month, provider_id, operator_id, category);

-- CONSTRAINT monthly_fee monthly_fee_pkey

ALTER TABLE ONLY sms.monthly_fee
    ADD CONSTRAINT monthly_fee_pkey PRIMARY KEY (fee_id);

-- CONSTRAINT number_range number_range_no_overlap

ALTER TABLE ONLY sms.number_range
    ADD CONSTRAINT number_range_no_overlap EXCLUDE USING gist (int8range(lo, hi, '[]'::text) WITH &&);

-- CONSTRAINT number_range number_range_pkey

ALTER TABLE ONLY sms.number_range
    ADD CONSTRAINT number_range_pkey PRIMARY KEY (lo) WITH (fillfactor='10');

-- CONSTRAINT number_trouble number_trouble_pkey

ALTER TABLE ONLY sms.number_trouble
    ADD CONSTRAINT number_trouble_pkey PRIMARY KEY (message_id);

-- CONSTRAINT operator operator_operator_key

ALTER TABLE ONLY sms.operator
    ADD CONSTRAINT operator_operator_key UNIQUE (operator);

-- CONSTRAINT operator operator_pkey

ALTER TABLE ONLY sms.operator
    ADD CONSTRAINT operator_pkey PRIMARY KEY (operator_id);

-- CONSTRAINT operator_tax_id operator_tax_id_pkey

ALTER TABLE ONLY sms.operator_tax_id
    ADD CONSTRAINT operator_tax_id_pkey PRIMARY KEY (inn);

-- CONSTRAINT orphan_round orphan_round_pkey

ALTER TABLE ONLY sms.orphan_round
    ADD CONSTRAINT orphan_round_pkey PRIMARY KEY (is_only);

-- CONSTRAINT outbox outbox_pkey

ALTER TABLE ONLY sms.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);

-- CONSTRAINT outcome outcome_pkey

ALTER TABLE ONLY sms.outcome
    ADD CONSTRAINT outcome_pkey PRIMARY KEY (id);

-- CONSTRAINT overdue overdue_pkey

ALTER TABLE ONLY sms.overdue
    ADD CONSTRAINT overdue_pkey PRIMARY KEY (id);

-- CONSTRAINT pending pending_pkey

ALTER TABLE ONLY sms.pending
    ADD CONSTRAINT pending_pkey PRIMARY KEY (id);

-- CONSTRAINT provider_asking provider_asking_pkey

ALTER TABLE ONLY sms.provider_asking
    ADD CONSTRAINT provider_asking_pkey PRIMARY KEY (provider_id);

-- CONSTRAINT provider_balance provider_balance_pkey

ALTER TABLE ONLY sms.provider_balance
    ADD CONSTRAINT provider_balance_pkey PRIMARY KEY (provider_id);

-- CONSTRAINT provider provider_pkey

ALTER TABLE ONLY sms.provider
    ADD CONSTRAINT provider_pkey PRIMARY KEY (provider_id);

-- CONSTRAINT provider provider_provider_key

ALTER TABLE ONLY sms.provider
    ADD CONSTRAINT provider_provider_key UNIQUE (provider);

-- CONSTRAINT provider_tally provider_tally_pkey

ALTER TABLE ONLY sms.provider_tally
    ADD CONSTRAINT provider_tally_pkey PRIMARY KEY (provider_id, bucket_at, worker, epoch);

-- CONSTRAINT quiet_hours quiet_hours_pkey

ALTER TABLE ONLY sms.quiet_hours
    ADD CONSTRAINT quiet_hours_pkey PRIMARY KEY (quiet_hours_id);

-- CONSTRAINT reason reason_pkey

ALTER TABLE ONLY sms.reason
    ADD CONSTRAINT reason_pkey PRIMARY KEY (reason);

-- CONSTRAINT receipt_code receipt_code_pkey

ALTER TABLE ONLY sms.receipt_code
    ADD CONSTRAINT receipt_code_pkey PRIMARY KEY (adapter, code);

-- CONSTRAINT receipt_error receipt_error_pkey

ALTER TABLE ONLY sms.receipt_error
    ADD CONSTRAINT receipt_error_pkey PRIMARY KEY (adapter, error);

-- CONSTRAINT receipt_match receipt_match_pkey

ALTER TABLE ONLY sms.receipt_match
    ADD CONSTRAINT receipt_match_pkey PRIMARY KEY (message_id, receipt_id);

-- CONSTRAINT receipt_remap receipt_remap_pkey

ALTER TABLE ONLY sms.receipt_remap
    ADD CONSTRAINT receipt_remap_pkey PRIMARY KEY (remap_id);

-- CONSTRAINT recipient_group_member recipient_group_member_group_id_client_id_key

ALTER TABLE ONLY sms.recipient_group_member
    ADD CONSTRAINT recipient_group_member_group_id_client_id_key UNIQUE (group_id, client_id);

-- CONSTRAINT recipient_group_member recipient_group_member_group_id_msisdn_key

ALTER TABLE ONLY sms.recipient_group_member
    ADD CONSTRAINT recipient_group_member_group_id_msisdn_key UNIQUE (group_id, msisdn);

-- CONSTRAINT recipient_group_member recipient_group_member_pkey

ALTER TABLE ONLY sms.recipient_group_member
    ADD CONSTRAINT recipient_group_member_pkey PRIMARY KEY (member_id);

-- CONSTRAINT recipient_group recipient_group_pkey

ALTER TABLE ONLY sms.recipient_group
    ADD CONSTRAINT recipient_group_pkey PRIMARY KEY (group_id);

-- CONSTRAINT recipient_group recipient_group_recipient_group_key

ALTER TABLE ONLY sms.recipient_group
    ADD CONSTRAINT recipient_group_recipient_group_key UNIQUE (recipient_group);

-- CONSTRAINT region_timezone region_timezone_pkey

ALTER TABLE ONLY sms.region_timezone
    ADD CONSTRAINT region_timezone_pkey PRIMARY KEY (region);

-- CONSTRAINT route_notice route_notice_pkey

ALTER TABLE ONLY sms.route_notice
    ADD CONSTRAINT route_notice_pkey PRIMARY KEY (notice_id);

-- CONSTRAINT route route_pkey

ALTER TABLE ONLY sms.route
    ADD CONSTRAINT route_pkey PRIMARY KEY (route_id);

-- CONSTRAINT route_provider route_provider_pkey

ALTER TABLE ONLY sms.route_provider
    ADD CONSTRAINT route_provider_pkey PRIMARY KEY (route_id, provider_id);

-- CONSTRAINT rule_change rule_change_pkey

ALTER TABLE ONLY sms.rule_change
    ADD CONSTRAINT rule_change_pkey PRIMARY KEY (change_id);

-- CONSTRAINT run_message run_message_pkey

ALTER TABLE ONLY sms.run_message
    ADD CONSTRAINT run_message_pkey PRIMARY KEY (run_id, message_id);

-- CONSTRAINT run_recipient run_recipient_pkey

ALTER TABLE ONLY sms.run_recipient
    ADD CONSTRAINT run_recipient_pkey PRIMARY KEY (run_id, zone_id, recipient_id);

-- CONSTRAINT run_zone run_zone_pkey

ALTER TABLE ONLY sms.run_zone
    ADD CONSTRAINT run_zone_pkey PRIMARY KEY (run_id, zone_id);

-- CONSTRAINT setting setting_pkey

ALTER TABLE ONLY sms.setting
    ADD CONSTRAINT setting_pkey PRIMARY KEY (setting);

-- CONSTRAINT short_link short_link_pkey

ALTER TABLE ONLY sms.short_link
    ADD CONSTRAINT short_link_pkey PRIMARY KEY (message_id, link_no);

-- CONSTRAINT spelling spelling_pkey

ALTER TABLE ONLY sms.spelling
    ADD CONSTRAINT spelling_pkey PRIMARY KEY (kind, "character");

-- CONSTRAINT spend_day spend_day_pkey

ALTER TABLE ONLY sms.spend_day
    ADD CONSTRAINT spend_day_pkey PRIMARY KEY (day, channel_id, campaign_id);

-- CONSTRAINT stat_day stat_day_pkey

ALTER TABLE ONLY sms.stat_day
    ADD CONSTRAINT stat_day_pkey PRIMARY KEY (day, channel_id, provider_id, operator_id, state, reason, campaign_id, template_id);

-- CONSTRAINT stat_hour stat_hour_pkey

ALTER TABLE ONLY sms.stat_hour
    ADD CONSTRAINT stat_hour_pkey PRIMARY KEY (hour, channel_id, provider_id, operator_id, state, reason, campaign_id, template_id);

-- CONSTRAINT stat_month stat_month_pkey

ALTER TABLE ONLY sms.stat_month
    ADD CONSTRAINT stat_month_pkey PRIMARY KEY (month, channel_id, provider_id, operator_id, state, reason, campaign_id, template_id);

-- CONSTRAINT stat_region_day stat_region_day_pkey

ALTER TABLE ONLY sms.stat_region_day
    ADD CONSTRAINT stat_region_day_pkey PRIMARY KEY (day, region, channel_id, state);

-- CONSTRAINT stat_region_hour stat_region_hour_pkey

ALTER TABLE ONLY sms.stat_region_hour
    ADD CONSTRAINT stat_region_hour_pkey PRIMARY KEY (hour, region, channel_id, state);

-- CONSTRAINT state state_pkey

ALTER TABLE ONLY sms.state
    ADD CONSTRAINT state_pkey PRIMARY KEY (state);

-- CONSTRAINT state_transition state_transition_pkey

ALTER TABLE ONLY sms.state_transition
    ADD CONSTRAINT state_transition_pkey PRIMARY KEY (from_state, to_state);

-- CONSTRAINT stop_word stop_word_pkey

ALTER TABLE ONLY sms.stop_word
    ADD CONSTRAINT stop_word_pkey PRIMARY KEY (word);

-- CONSTRAINT tariff tariff_pkey

ALTER TABLE ONLY sms.tariff
    ADD CONSTRAINT tariff_pkey PRIMARY KEY (tariff_id);

-- CONSTRAINT template template_pkey

ALTER TABLE ONLY sms.template
    ADD CONSTRAINT template_pkey PRIMARY KEY (template_id);

-- CONSTRAINT template template_template_key

ALTER TABLE ONLY sms.template
    ADD CONSTRAINT template_template_key UNIQUE (template);

-- CONSTRAINT template_version template_version_pkey

ALTER TABLE ONLY sms.template_version
    ADD CONSTRAINT template_version_pkey PRIMARY KEY (template_version_id);

-- CONSTRAINT time_zone time_zone_name_key

ALTER TABLE ONLY sms.time_zone
    ADD CONSTRAINT time_zone_name_key UNIQUE (name);

-- CONSTRAINT time_zone time_zone_pkey

ALTER TABLE ONLY sms.time_zone
    ADD CONSTRAINT time_zone_pkey PRIMARY KEY (zone_id);

-- CONSTRAINT monthly_fee two fees for the same overlap in time

ALTER TABLE ONLY sms.monthly_fee
    ADD CONSTRAINT "two fees for the same overlap in time" EXCLUDE USING gist (provider_id WITH =, COALESCE((operator_id)::integer, '-1'::integer) WITH =, kind WITH =, subject WITH =, daterange(valid_from, valid_until) WITH &&);

-- CONSTRAINT route_provider two providers of a route have different ranks

ALTER TABLE ONLY sms.route_provider
    ADD CONSTRAINT "two providers of a route have different ranks" UNIQUE (route_id, rank) DEFERRABLE;

-- CONSTRAINT tariff two tariffs of the same scope and step overlap in time

ALTER TABLE ONLY sms.tariff
    ADD CONSTRAINT "two tariffs of the same scope and step overlap in time" EXCLUDE USING gist (provider_id WITH =, COALESCE((operator_id)::integer, '-1'::integer) WITH =, COALESCE(category, ''::text) WITH =, from_segments WITH =, tstzrange(valid_from, valid_until) WITH &&);

-- CONSTRAINT unmatched_receipt unmatched_receipt_pkey

ALTER TABLE ONLY sms.unmatched_receipt
    ADD CONSTRAINT unmatched_receipt_pkey PRIMARY KEY (receipt_id);

-- INDEX local_action_action

CREATE INDEX local_action_action ON erp.local_action USING btree (action, at);

-- INDEX local_action_client

CREATE INDEX local_action_client ON erp.local_action USING btree (client_id, action, at);

-- INDEX client_location_city

CREATE INDEX client_location_city ON geo.client_location USING btree (city);

-- INDEX client_location_location

CREATE INDEX client_location_location ON geo.client_location USING gist (location);

-- INDEX metro_station_location

CREATE INDEX metro_station_location ON geo.metro_station USING gist (location);

-- INDEX activity_name

CREATE INDEX activity_name ON sms.activity USING btree (kind, name, activity_id);

-- INDEX blacklist_auto

CREATE INDEX blacklist_auto ON sms.blacklist USING btree (created_at) WHERE (source = 'auto'::text);

-- INDEX blacklist_group_id

CREATE INDEX blacklist_group_id ON sms.blacklist USING btree (group_id) WHERE (group_id IS NOT NULL);

-- INDEX blacklist_msisdn

CREATE INDEX blacklist_msisdn ON sms.blacklist USING hash (msisdn) WHERE (msisdn IS NOT NULL);

-- INDEX blacklist_prefix

CREATE INDEX blacklist_prefix ON sms.blacklist USING btree (length(prefix), prefix) WHERE (prefix IS NOT NULL);

-- INDEX breaker_change_provider

CREATE INDEX breaker_change_provider ON sms.breaker_change USING btree (provider, change_id);

-- INDEX campaign_run_campaign

CREATE INDEX campaign_run_campaign ON sms.campaign_run USING btree (campaign_id, run_id);

-- INDEX campaign_run_open

CREATE INDEX campaign_run_open ON sms.campaign_run USING btree (state) WHERE (state = ANY (ARRAY['planned'::text, 'freezing'::text, 'running'::text, 'paused'::text]));

-- INDEX campaign_run_planned

CREATE UNIQUE INDEX campaign_run_planned ON sms.campaign_run USING btree (campaign_id) WHERE ((state = 'planned'::text) OR ((state = 'paused'::text) AND (begun_at IS NULL)));

-- INDEX campaign_run_under_way

CREATE UNIQUE INDEX campaign_run_under_way ON sms.campaign_run USING btree (campaign_id) WHERE ((state = ANY (ARRAY['freezing'::text, 'running'::text])) OR ((state = 'paused'::text) AND (begun_at IS NOT NULL)));

-- INDEX campaign_run_unswept

CREATE INDEX campaign_run_unswept ON sms.campaign_run USING btree (run_id) WHERE ((NOT is_swept) AND (state = ANY (ARRAY['finished'::text, 'stopped'::text, 'failed'::text])));

-- INDEX claim_claimed_at

CREATE INDEX claim_claimed_at ON sms.claim USING btree (claimed_at);

-- INDEX click_at

CREATE INDEX click_at ON ONLY sms.click USING btree (at);

-- INDEX click_message

CREATE INDEX click_message ON ONLY sms.click USING btree (message_id);

-- INDEX consent_client_id

CREATE INDEX consent_client_id ON sms.consent USING hash (client_id) WHERE (client_id IS NOT NULL);

-- INDEX consent_msisdn

CREATE INDEX consent_msisdn ON sms.consent USING hash (msisdn) WHERE (msisdn IS NOT NULL);

-- INDEX contact_log_client

CREATE INDEX contact_log_client ON ONLY sms.contact_log USING btree (client_id, at, channel_id) WHERE (client_id IS NOT NULL);

-- INDEX contact_log_probe

CREATE INDEX contact_log_probe ON ONLY sms.contact_log USING btree (msisdn, at, dedup_key, channel_id);

-- INDEX conversion_goal_time

CREATE INDEX conversion_goal_time ON sms.conversion USING btree (goal_id, occurred_at);

-- INDEX doubtful_next_ask_at

CREATE INDEX doubtful_next_ask_at ON sms.doubtful USING btree (provider_id, next_ask_at);

-- INDEX event_client_id

CREATE INDEX event_client_id ON ONLY sms.event USING btree (client_id) WHERE (client_id IS NOT NULL);

-- INDEX event_effect_message_id

CREATE INDEX event_effect_message_id ON ONLY sms.event_effect USING btree (message_id) WHERE (message_id IS NOT NULL);

-- INDEX event_key_key_hash

CREATE INDEX event_key_key_hash ON sms.event_key USING btree (key_hash);

-- INDEX event_plan_client_id

CREATE INDEX event_plan_client_id ON sms.event_plan USING btree (client_id) WHERE (client_id IS NOT NULL);

-- INDEX event_plan_look_at

CREATE INDEX event_plan_look_at ON sms.event_plan USING btree (look_at);

-- INDEX event_rule_event_type_id

CREATE INDEX event_rule_event_type_id ON sms.event_rule USING btree (event_type_id);

-- INDEX event_rule_name

CREATE UNIQUE INDEX event_rule_name ON sms.event_rule USING btree (event_rule) WHERE (removed_at IS NULL);

-- INDEX inbound_msisdn

CREATE INDEX inbound_msisdn ON sms.inbound USING btree (msisdn, received_at);

-- INDEX lane_change_lane

CREATE INDEX lane_change_lane ON sms.lane_change USING btree (lane_id, change_id);

-- INDEX lane_probed_by

CREATE INDEX lane_probed_by ON sms.lane USING btree (probed_by) WHERE (probed_by IS NOT NULL);

-- INDEX lane_provider_id

CREATE INDEX lane_provider_id ON sms.lane USING btree (provider_id);

-- INDEX number_trouble_msisdn

CREATE INDEX number_trouble_msisdn ON sms.number_trouble USING btree (msisdn, at);

-- INDEX number_trouble_new

CREATE INDEX number_trouble_new ON sms.number_trouble USING btree (at) WHERE (learned_at IS NULL);

-- INDEX outbox_erp_ref

CREATE INDEX outbox_erp_ref ON ONLY sms.outbox USING btree (erp_ref) WHERE (erp_ref IS NOT NULL);

-- INDEX outcome_decided_at

CREATE INDEX outcome_decided_at ON ONLY sms.outcome USING brin (decided_at) WITH (pages_per_range='32', autosummarize='on');

-- INDEX overdue_next_poll_at

CREATE INDEX overdue_next_poll_at ON sms.overdue USING btree (provider_id, next_poll_at);

-- INDEX pending_campaign

CREATE INDEX pending_campaign ON sms.pending USING btree (campaign_id, not_before) WHERE (campaign_id IS NOT NULL);

-- INDEX pending_claim

CREATE INDEX pending_claim ON sms.pending USING btree (lane_id, priority, not_before, id);

-- INDEX provider_ref_id

CREATE INDEX provider_ref_id ON ONLY sms.provider_ref USING brin (id) WITH (pages_per_range='16', autosummarize='on');

-- INDEX provider_ref_parts

CREATE INDEX provider_ref_parts ON ONLY sms.provider_ref USING btree (id) WHERE (parts > 1);

-- INDEX provider_ref_ref

CREATE INDEX provider_ref_ref ON ONLY sms.provider_ref USING btree (provider_id, ref);

-- INDEX receipt_match_receipt_id

CREATE INDEX receipt_match_receipt_id ON sms.receipt_match USING btree (receipt_id);

-- INDEX receipt_message_id

CREATE INDEX receipt_message_id ON ONLY sms.receipt USING brin (message_id) WITH (pages_per_range='16');

-- INDEX receipt_receipt_id

CREATE INDEX receipt_receipt_id ON ONLY sms.receipt USING brin (receipt_id) WITH (pages_per_range='32', autosummarize='on');

-- INDEX receipt_remap_message_id

CREATE INDEX receipt_remap_message_id ON sms.receipt_remap USING btree (message_id);

-- INDEX receipt_remap_transaction_id

CREATE INDEX receipt_remap_transaction_id ON sms.receipt_remap USING btree (transaction_id);

-- INDEX recipient_group_member_client_id

CREATE INDEX recipient_group_member_client_id ON sms.recipient_group_member USING btree (client_id) WHERE (client_id IS NOT NULL);

-- INDEX recipient_group_member_msisdn

CREATE INDEX recipient_group_member_msisdn ON sms.recipient_group_member USING btree (msisdn) WHERE (msisdn IS NOT NULL);

-- INDEX route_channel_operator

CREATE UNIQUE INDEX route_channel_operator ON sms.route USING btree (channel_id, COALESCE((operator_id)::integer, '-1'::integer));

-- INDEX route_notice_untold

CREATE INDEX route_notice_untold ON sms.route_notice USING btree (next_try_at) WHERE (told_at IS NULL);

-- INDEX rule_change_key

CREATE INDEX rule_change_key ON sms.rule_change USING btree (rule_table, rule_key, change_id);

-- INDEX submitting_claim_id

CREATE INDEX submitting_claim_id ON sms.submitting USING btree (claim_id);

-- INDEX template_version_no

CREATE UNIQUE INDEX template_version_no ON sms.template_version USING btree (template_id, version_no DESC);

-- INDEX unmatched_receipt_message_id

CREATE INDEX unmatched_receipt_message_id ON sms.unmatched_receipt USING btree (message_id) WHERE (message_id IS NOT NULL);

-- INDEX unmatched_receipt_ref

CREATE INDEX unmatched_receipt_ref ON sms.unmatched_receipt USING btree (provider_id, provider_ref) WHERE (provider_ref IS NOT NULL);

-- TRIGGER channel a_guard_channel

CREATE TRIGGER a_guard_channel BEFORE INSERT OR UPDATE ON sms.channel FOR EACH ROW EXECUTE FUNCTION sms.guard_channel();

COMMENT ON TRIGGER a_guard_channel ON sms.channel IS 'Four eyes cannot be switched off by those they watch.';

-- TRIGGER goal a_guard_goal

CREATE TRIGGER a_guard_goal BEFORE UPDATE ON sms.goal FOR EACH ROW EXECUTE FUNCTION sms.guard_goal();

COMMENT ON TRIGGER a_guard_goal ON sms.goal IS 'Goals belong to those who wrote them.';

-- TRIGGER campaign a_guard_release

CREATE TRIGGER a_guard_release BEFORE UPDATE ON sms.campaign FOR EACH ROW EXECUTE FUNCTION sms.guard_release();

COMMENT ON TRIGGER a_guard_release ON sms.campaign IS 'Four eyes cannot be forged.';

-- TRIGGER setting a_guard_trail

CREATE TRIGGER a_guard_trail BEFORE INSERT OR DELETE ON sms.setting FOR EACH ROW EXECUTE FUNCTION sms.guard_trail();

COMMENT ON TRIGGER a_guard_trail ON sms.setting IS 'The trail is not shortened by those it watches.';

-- TRIGGER setting a_guard_trail_change

CREATE TRIGGER a_guard_trail_change BEFORE UPDATE ON sms.setting FOR EACH ROW WHEN (((new.setting IS DISTINCT FROM old.setting) OR (new.value IS DISTINCT FROM old.value))) EXECUTE FUNCTION sms.guard_trail();

COMMENT ON TRIGGER a_guard_trail_change ON sms.setting IS 'The trail is not shortened by those it watches.';

-- TRIGGER blacklist a_keep_author

CREATE TRIGGER a_keep_author BEFORE UPDATE ON sms.blacklist FOR EACH ROW WHEN (((new.created_by IS DISTINCT FROM old.created_by) OR (new.created_at IS DISTINCT FROM old.created_at))) EXECUTE FUNCTION sms.stamp_author();

COMMENT ON TRIGGER a_keep_author ON sms.blacklist IS 'Nobody changes who wrote it.';

-- TRIGGER budget a_keep_author

CREATE TRIGGER a_keep_author BEFORE UPDATE ON sms.budget FOR EACH ROW WHEN (((new.created_by IS DISTINCT FROM old.created_by) OR (new.created_at IS DISTINCT FROM old.created_at))) EXECUTE FUNCTION sms.stamp_author();

COMMENT ON TRIGGER a_keep_author ON sms.budget IS 'Nobody changes who wrote it.';

-- TRIGGER consent a_keep_author

CREATE TRIGGER a_keep_author BEFORE UPDATE ON sms.consent FOR EACH ROW WHEN (((new.created_by IS DISTINCT FROM old.created_by) OR (new.created_at IS DISTINCT FROM old.created_at))) EXECUTE FUNCTION sms.stamp_author();

COMMENT ON TRIGGER a_keep_author ON sms.consent IS 'Nobody changes who wrote it.';

-- TRIGGER goal a_keep_author

CREATE TRIGGER a_keep_author BEFORE UPDATE ON sms.goal FOR EACH ROW WHEN (((new.created_by IS DISTINCT FROM old.created_by) OR (new.created_at IS DISTINCT FROM old.created_at))) EXECUTE FUNCTION sms.stamp_author();

COMMENT ON TRIGGER a_keep_author ON sms.goal IS 'Nobody changes who wrote it.';

-- TRIGGER recipient_group_member a_keep_author

CREATE TRIGGER a_keep_author BEFORE UPDATE ON sms.recipient_group_member FOR EACH ROW WHEN (((new.added_by IS DISTINCT FROM old.added_by) OR (new.added_at IS DISTINCT FROM old.added_at))) EXECUTE FUNCTION sms.stamp_member();

COMMENT ON TRIGGER a_keep_author ON sms.recipient_group_member IS 'Nobody changes who wrote it.';

-- TRIGGER template_version a_keep_author

CREATE TRIGGER a_keep_author BEFORE UPDATE ON sms.template_version FOR EACH ROW WHEN (((new.created_by IS DISTINCT FROM old.created_by) OR (new.created_at IS DISTINCT FROM old.created_at))) EXECUTE FUNCTION sms.stamp_author();

COMMENT ON TRIGGER a_keep_author ON sms.template_version IS 'Nobody changes who wrote it.';

-- TRIGGER blacklist a_stamp_author

CREATE TRIGGER a_stamp_author BEFORE INSERT ON sms.blacklist FOR EACH ROW WHEN (((new.created_by IS DISTINCT FROM (SESSION_USER)::text) OR (new.created_at IS DISTINCT FROM now()))) EXECUTE FUNCTION sms.stamp_author();

COMMENT ON TRIGGER a_stamp_author ON sms.blacklist IS 'Nobody writes in another''s name.';

-- TRIGGER budget a_stamp_author

CREATE TRIGGER a_stamp_author BEFORE INSERT ON sms.budget FOR EACH ROW WHEN (((new.created_by IS DISTINCT FROM (SESSION_USER)::text) OR (new.created_at IS DISTINCT FROM now()))) EXECUTE FUNCTION sms.stamp_author();

COMMENT ON TRIGGER a_stamp_author ON sms.budget IS 'Nobody writes in another''s name.';

-- TRIGGER consent a_stamp_author

CREATE TRIGGER a_stamp_author BEFORE INSERT ON sms.consent FOR EACH ROW WHEN (((new.created_by IS DISTINCT FROM (SESSION_USER)::text) OR (new.created_at IS DISTINCT FROM now()))) EXECUTE FUNCTION sms.stamp_author();

COMMENT ON TRIGGER a_stamp_author ON sms.consent IS 'Nobody writes in another''s name.';

-- TRIGGER goal a_stamp_author

CREATE TRIGGER a_stamp_author BEFORE INSERT ON sms.goal FOR EACH ROW WHEN (((new.created_by IS DISTINCT FROM (SESSION_USER)::text) OR (new.created_at IS DISTINCT FROM now()))) EXECUTE FUNCTION sms.stamp_author();

COMMENT ON TRIGGER a_stamp_author ON sms.goal IS 'Nobody writes in another''s name.';

-- TRIGGER recipient_group_member a_stamp_author

CREATE TRIGGER a_stamp_author BEFORE INSERT ON sms.recipient_group_member FOR EACH ROW WHEN (((new.added_by IS DISTINCT FROM (SESSION_USER)::text) OR (new.added_at IS DISTINCT FROM now()))) EXECUTE FUNCTION sms.stamp_member();

COMMENT ON TRIGGER a_stamp_author ON sms.recipient_group_member IS 'Nobody writes in another''s name.';

-- TRIGGER template_version a_stamp_author

CREATE TRIGGER a_stamp_author BEFORE INSERT ON sms.template_version FOR EACH ROW WHEN (((new.created_by IS DISTINCT FROM (SESSION_USER)::text) OR (new.created_at IS DISTINCT FROM now()))) EXECUTE FUNCTION sms.stamp_author();

COMMENT ON TRIGGER a_stamp_author ON sms.template_version IS 'Nobody writes in another''s name.';

-- TRIGGER consent a_stamp_withdrawal

CREATE TRIGGER a_stamp_withdrawal BEFORE INSERT ON sms.consent FOR EACH ROW WHEN (((new.withdrawn_at IS NOT NULL) OR (new.withdrawn_by IS NOT NULL))) EXECUTE FUNCTION sms.stamp_withdrawal();

COMMENT ON TRIGGER a_stamp_withdrawal ON sms.consent IS 'Nobody withdraws in another''s name.';

-- TRIGGER consent a_stamp_withdrawal_later

CREATE TRIGGER a_stamp_withdrawal_later BEFORE UPDATE ON sms.consent FOR EACH ROW WHEN ((old.withdrawn_at IS NULL)) EXECUTE FUNCTION sms.stamp_withdrawal();

COMMENT ON TRIGGER a_stamp_withdrawal_later ON sms.consent IS 'Nobody withdraws in another''s name.';

-- TRIGGER outbox accept_outbox

CREATE TRIGGER accept_outbox AFTER INSERT ON sms.outbox REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.accept_outbox();

COMMENT ON TRIGGER accept_outbox ON sms.outbox IS 'Hands new rows to the queue.';

-- TRIGGER lane announce_config

CREATE TRIGGER announce_config AFTER INSERT OR DELETE OR UPDATE ON sms.lane FOR EACH STATEMENT EXECUTE FUNCTION sms.announce_config();

COMMENT ON TRIGGER announce_config ON sms.lane IS 'Workers read lanes again.';

-- TRIGGER provider announce_config

CREATE TRIGGER announce_config AFTER INSERT OR DELETE OR UPDATE ON sms.provider FOR EACH STATEMENT EXECUTE FUNCTION sms.announce_config();

COMMENT ON TRIGGER announce_config ON sms.provider IS 'Workers read providers again.';

-- TRIGGER audience_version audience_version_is_append_only

CREATE TRIGGER audience_version_is_append_only BEFORE DELETE OR UPDATE ON sms.audience_version FOR EACH STATEMENT EXECUTE FUNCTION sms.refuse_change();

COMMENT ON TRIGGER audience_version_is_append_only ON sms.audience_version IS 'What an audience was is never edited.';

-- TRIGGER audience audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.audience REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('audience_id');

COMMENT ON TRIGGER audit_delete ON sms.audience IS 'Keeps the change in sms.rule_change.';

-- TRIGGER auto_blacklist_rule audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.auto_blacklist_rule REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('auto_rule_id');

COMMENT ON TRIGGER audit_delete ON sms.auto_blacklist_rule IS 'Keeps the change in sms.rule_change.';

-- TRIGGER blacklist audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.blacklist REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('blacklist_id');

COMMENT ON TRIGGER audit_delete ON sms.blacklist IS 'Keeps the change in sms.rule_change.';

-- TRIGGER breaker_policy audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.breaker_policy REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('provider_id');

COMMENT ON TRIGGER audit_delete ON sms.breaker_policy IS 'Keeps the change in sms.rule_change.';

-- TRIGGER budget audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.budget REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('budget_id');

COMMENT ON TRIGGER audit_delete ON sms.budget IS 'Keeps the change in sms.rule_change.';

-- TRIGGER campaign audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.campaign REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('campaign_id');

COMMENT ON TRIGGER audit_delete ON sms.campaign IS 'Keeps the change in sms.rule_change.';

-- TRIGGER cap audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.cap REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('cap_id');

COMMENT ON TRIGGER audit_delete ON sms.cap IS 'Keeps the change in sms.rule_change.';

-- TRIGGER channel audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.channel REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('channel_id');

COMMENT ON TRIGGER audit_delete ON sms.channel IS 'Keeps the change in sms.rule_change.';

-- TRIGGER client_zone audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.client_zone REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('client_id');

COMMENT ON TRIGGER audit_delete ON sms.client_zone IS 'Keeps the change in sms.rule_change.';

-- TRIGGER consent audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.consent REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('consent_id');

COMMENT ON TRIGGER audit_delete ON sms.consent IS 'Keeps the change in sms.rule_change.';

-- TRIGGER event_rule audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.event_rule REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('rule_id');

COMMENT ON TRIGGER audit_delete ON sms.event_rule IS 'Keeps the change in sms.rule_change.';

-- TRIGGER event_type audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.event_type REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('event_type_id');

COMMENT ON TRIGGER audit_delete ON sms.event_type IS 'Keeps the change in sms.rule_change.';

-- TRIGGER exchange_rate audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.exchange_rate REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('currency', 'valid_from');

COMMENT ON TRIGGER audit_delete ON sms.exchange_rate IS 'Keeps the change in sms.rule_change.';

-- TRIGGER goal audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.goal REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('goal_id');

COMMENT ON TRIGGER audit_delete ON sms.goal IS 'Keeps the change in sms.rule_change.';

-- TRIGGER holiday audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.holiday REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('day');

COMMENT ON TRIGGER audit_delete ON sms.holiday IS 'Keeps the change in sms.rule_change.';

-- TRIGGER login_channel audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.login_channel REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('login', 'channel');

COMMENT ON TRIGGER audit_delete ON sms.login_channel IS 'Keeps the change in sms.rule_change.';

-- TRIGGER monthly_fee audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.monthly_fee REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('fee_id');

COMMENT ON TRIGGER audit_delete ON sms.monthly_fee IS 'Keeps the change in sms.rule_change.';

-- TRIGGER provider audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.provider REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('provider_id');

COMMENT ON TRIGGER audit_delete ON sms.provider IS 'Keeps the change in sms.rule_change.';

-- TRIGGER quiet_hours audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.quiet_hours REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('quiet_hours_id');

COMMENT ON TRIGGER audit_delete ON sms.quiet_hours IS 'Keeps the change in sms.rule_change.';

-- TRIGGER receipt_code audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.receipt_code REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('adapter', 'code');

COMMENT ON TRIGGER audit_delete ON sms.receipt_code IS 'Keeps the change in sms.rule_change.';

-- TRIGGER receipt_error audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.receipt_error REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('adapter', 'error');

COMMENT ON TRIGGER audit_delete ON sms.receipt_error IS 'Keeps the change in sms.rule_change.';

-- TRIGGER recipient_group audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.recipient_group REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('group_id');

COMMENT ON TRIGGER audit_delete ON sms.recipient_group IS 'Keeps the change in sms.rule_change.';

-- TRIGGER recipient_group_member audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.recipient_group_member REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('member_id');

COMMENT ON TRIGGER audit_delete ON sms.recipient_group_member IS 'Keeps the change in sms.rule_change.';

-- TRIGGER region_timezone audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.region_timezone REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('region');

COMMENT ON TRIGGER audit_delete ON sms.region_timezone IS 'Keeps the change in sms.rule_change.';

-- TRIGGER route audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.route REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('route_id');

COMMENT ON TRIGGER audit_delete ON sms.route IS 'Keeps the change in sms.rule_change.';

-- TRIGGER route_provider audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.route_provider REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('route_id', 'provider_id');

COMMENT ON TRIGGER audit_delete ON sms.route_provider IS 'Keeps the change in sms.rule_change.';

-- TRIGGER setting audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.setting REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('setting');

COMMENT ON TRIGGER audit_delete ON sms.setting IS 'Keeps the change in sms.rule_change.';

-- TRIGGER stop_word audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.stop_word REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('word');

COMMENT ON TRIGGER audit_delete ON sms.stop_word IS 'Keeps the change in sms.rule_change.';

-- TRIGGER tariff audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.tariff REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('tariff_id');

COMMENT ON TRIGGER audit_delete ON sms.tariff IS 'Keeps the change in sms.rule_change.';

-- TRIGGER template audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.template REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('template_id');

COMMENT ON TRIGGER audit_delete ON sms.template IS 'Keeps the change in sms.rule_change.';

-- TRIGGER template_version audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.template_version REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('template_version_id');

COMMENT ON TRIGGER audit_delete ON sms.template_version IS 'Keeps the change in sms.rule_change.';

-- TRIGGER audience audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.audience REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('audience_id');

COMMENT ON TRIGGER audit_insert ON sms.audience IS 'Keeps the change in sms.rule_change.';

-- TRIGGER auto_blacklist_rule audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.auto_blacklist_rule REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('auto_rule_id');

COMMENT ON TRIGGER audit_insert ON sms.auto_blacklist_rule IS 'Keeps the change in sms.rule_change.';

-- TRIGGER blacklist audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.blacklist REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('blacklist_id');

COMMENT ON TRIGGER audit_insert ON sms.blacklist IS 'Keeps the change in sms.rule_change.';

-- TRIGGER breaker_policy audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.breaker_policy REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('provider_id');

COMMENT ON TRIGGER audit_insert ON sms.breaker_policy IS 'Keeps the change in sms.rule_change.';

-- TRIGGER budget audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.budget REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('budget_id');

COMMENT ON TRIGGER audit_insert ON sms.budget IS 'Keeps the change in sms.rule_change.';

-- TRIGGER campaign audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.campaign REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('campaign_id');

COMMENT ON TRIGGER audit_insert ON sms.campaign IS 'Keeps the change in sms.rule_change.';

-- TRIGGER cap audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.cap REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('cap_id');

COMMENT ON TRIGGER audit_insert ON sms.cap IS 'Keeps the change in sms.rule_change.';

-- TRIGGER channel audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.channel REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('channel_id');

COMMENT ON TRIGGER audit_insert ON sms.channel IS 'Keeps the change in sms.rule_change.';

-- TRIGGER client_zone audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.client_zone REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('client_id');

COMMENT ON TRIGGER audit_insert ON sms.client_zone IS 'Keeps the change in sms.rule_change.';

-- TRIGGER consent audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.consent REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('consent_id');

COMMENT ON TRIGGER audit_insert ON sms.consent IS 'Keeps the change in sms.rule_change.';

-- TRIGGER event_rule audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.event_rule REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('rule_id');

COMMENT ON TRIGGER audit_insert ON sms.event_rule IS 'Keeps the change in sms.rule_change.';

-- TRIGGER event_type audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.event_type REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('event_type_id');

COMMENT ON TRIGGER audit_insert ON sms.event_type IS 'Keeps the change in sms.rule_change.';

-- TRIGGER exchange_rate audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.exchange_rate REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('currency', 'valid_from');

COMMENT ON TRIGGER audit_insert ON sms.exchange_rate IS 'Keeps the change in sms.rule_change.';

-- TRIGGER goal audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.goal REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('goal_id');

COMMENT ON TRIGGER audit_insert ON sms.goal IS 'Keeps the change in sms.rule_change.';

-- TRIGGER holiday audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.holiday REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('day');

COMMENT ON TRIGGER audit_insert ON sms.holiday IS 'Keeps the change in sms.rule_change.';

-- TRIGGER login_channel audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.login_channel REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('login', 'channel');

COMMENT ON TRIGGER audit_insert ON sms.login_channel IS 'Keeps the change in sms.rule_change.';

-- TRIGGER monthly_fee audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.monthly_fee REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('fee_id');

COMMENT ON TRIGGER audit_insert ON sms.monthly_fee IS 'Keeps the change in sms.rule_change.';

-- TRIGGER provider audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.provider REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('provider_id');

COMMENT ON TRIGGER audit_insert ON sms.provider IS 'Keeps the change in sms.rule_change.';

-- TRIGGER quiet_hours audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.quiet_hours REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('quiet_hours_id');

COMMENT ON TRIGGER audit_insert ON sms.quiet_hours IS 'Keeps the change in sms.rule_change.';

-- TRIGGER receipt_code audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.receipt_code REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('adapter', 'code');

COMMENT ON TRIGGER audit_insert ON sms.receipt_code IS 'Keeps the change in sms.rule_change.';

-- TRIGGER receipt_error audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.receipt_error REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('adapter', 'error');

COMMENT ON TRIGGER audit_insert ON sms.receipt_error IS 'Keeps the change in sms.rule_change.';

-- TRIGGER recipient_group audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.recipient_group REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('group_id');

COMMENT ON TRIGGER audit_insert ON sms.recipient_group IS 'Keeps the change in sms.rule_change.';

-- TRIGGER recipient_group_member audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.recipient_group_member REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('member_id');

COMMENT ON TRIGGER audit_insert ON sms.recipient_group_member IS 'Keeps the change in sms.rule_change.';

-- TRIGGER region_timezone audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.region_timezone REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('region');

COMMENT ON TRIGGER audit_insert ON sms.region_timezone IS 'Keeps the change in sms.rule_change.';

-- TRIGGER route audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.route REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('route_id');

COMMENT ON TRIGGER audit_insert ON sms.route IS 'Keeps the change in sms.rule_change.';

-- TRIGGER route_provider audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.route_provider REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('route_id', 'provider_id');

COMMENT ON TRIGGER audit_insert ON sms.route_provider IS 'Keeps the change in sms.rule_change.';

-- TRIGGER setting audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.setting REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('setting');

COMMENT ON TRIGGER audit_insert ON sms.setting IS 'Keeps the change in sms.rule_change.';

-- TRIGGER stop_word audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.stop_word REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('word');

COMMENT ON TRIGGER audit_insert ON sms.stop_word IS 'Keeps the change in sms.rule_change.';

-- TRIGGER tariff audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.tariff REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('tariff_id');

COMMENT ON TRIGGER audit_insert ON sms.tariff IS 'Keeps the change in sms.rule_change.';

-- TRIGGER template audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.template REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('template_id');

COMMENT ON TRIGGER audit_insert ON sms.template IS 'Keeps the change in sms.rule_change.';

-- TRIGGER template_version audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.template_version REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('template_version_id');

COMMENT ON TRIGGER audit_insert ON sms.template_version IS 'Keeps the change in sms.rule_change.';

-- TRIGGER audience audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.audience FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('audience_id');

COMMENT ON TRIGGER audit_truncate ON sms.audience IS 'Keeps the change in sms.rule_change.';

-- TRIGGER auto_blacklist_rule audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.auto_blacklist_rule FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('auto_rule_id');

COMMENT ON TRIGGER audit_truncate ON sms.auto_blacklist_rule IS 'Keeps the change in sms.rule_change.';

-- TRIGGER blacklist audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.blacklist FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('blacklist_id');

COMMENT ON TRIGGER audit_truncate ON sms.blacklist IS 'Keeps the change in sms.rule_change.';

-- TRIGGER breaker_policy audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.breaker_policy FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('provider_id');

COMMENT ON TRIGGER audit_truncate ON sms.breaker_policy IS 'Keeps the change in sms.rule_change.';

-- TRIGGER budget audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.budget FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('budget_id');

COMMENT ON TRIGGER audit_truncate ON sms.budget IS 'Keeps the change in sms.rule_change.';

-- TRIGGER campaign audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.campaign FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('campaign_id');

COMMENT ON TRIGGER audit_truncate ON sms.campaign IS 'Keeps the change in sms.rule_change.';

-- TRIGGER cap audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.cap FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('cap_id');

COMMENT ON TRIGGER audit_truncate ON sms.cap IS 'Keeps the change in sms.rule_change.';

-- TRIGGER channel audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.channel FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('channel_id');

COMMENT ON TRIGGER audit_truncate ON sms.channel IS 'Keeps the change in sms.rule_change.';

-- TRIGGER client_zone audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.client_zone FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('client_id');

COMMENT ON TRIGGER audit_truncate ON sms.client_zone IS 'Keeps the change in sms.rule_change.';

-- TRIGGER consent audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.consent FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('consent_id');

COMMENT ON TRIGGER audit_truncate ON sms.consent IS 'Keeps the change in sms.rule_change.';

-- TRIGGER event_rule audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.event_rule FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('rule_id');

COMMENT ON TRIGGER audit_truncate ON sms.event_rule IS 'Keeps the change in sms.rule_change.';

-- TRIGGER event_type audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.event_type FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('event_type_id');

COMMENT ON TRIGGER audit_truncate ON sms.event_type IS 'Keeps the change in sms.rule_change.';

-- TRIGGER exchange_rate audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.exchange_rate FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('currency', 'valid_from');

COMMENT ON TRIGGER audit_truncate ON sms.exchange_rate IS 'Keeps the change in sms.rule_change.';

-- TRIGGER goal audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.goal FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('goal_id');

COMMENT ON TRIGGER audit_truncate ON sms.goal IS 'Keeps the change in sms.rule_change.';

-- TRIGGER holiday audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.holiday FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('day');

COMMENT ON TRIGGER audit_truncate ON sms.holiday IS 'Keeps the change in sms.rule_change.';

-- TRIGGER login_channel audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.login_channel FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('login', 'channel');

COMMENT ON TRIGGER audit_truncate ON sms.login_channel IS 'Keeps the change in sms.rule_change.';

-- TRIGGER monthly_fee audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.monthly_fee FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('fee_id');

COMMENT ON TRIGGER audit_truncate ON sms.monthly_fee IS 'Keeps the change in sms.rule_change.';

-- TRIGGER provider audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.provider FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('provider_id');

COMMENT ON TRIGGER audit_truncate ON sms.provider IS 'Keeps the change in sms.rule_change.';

-- TRIGGER quiet_hours audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.quiet_hours FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('quiet_hours_id');

COMMENT ON TRIGGER audit_truncate ON sms.quiet_hours IS 'Keeps the change in sms.rule_change.';

-- TRIGGER receipt_code audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.receipt_code FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('adapter', 'code');

COMMENT ON TRIGGER audit_truncate ON sms.receipt_code IS 'Keeps the change in sms.rule_change.';

-- TRIGGER receipt_error audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.receipt_error FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('adapter', 'error');

COMMENT ON TRIGGER audit_truncate ON sms.receipt_error IS 'Keeps the change in sms.rule_change.';

-- TRIGGER recipient_group audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.recipient_group FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('group_id');

COMMENT ON TRIGGER audit_truncate ON sms.recipient_group IS 'Keeps the change in sms.rule_change.';

-- TRIGGER recipient_group_member audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.recipient_group_member FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('member_id');

COMMENT ON TRIGGER audit_truncate ON sms.recipient_group_member IS 'Keeps the change in sms.rule_change.';

-- TRIGGER region_timezone audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.region_timezone FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('region');

COMMENT ON TRIGGER audit_truncate ON sms.region_timezone IS 'Keeps the change in sms.rule_change.';

-- TRIGGER route audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.route FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('route_id');

COMMENT ON TRIGGER audit_truncate ON sms.route IS 'Keeps the change in sms.rule_change.';

-- TRIGGER route_provider audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.route_provider FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('route_id', 'provider_id');

COMMENT ON TRIGGER audit_truncate ON sms.route_provider IS 'Keeps the change in sms.rule_change.';

-- TRIGGER setting audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.setting FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('setting');

COMMENT ON TRIGGER audit_truncate ON sms.setting IS 'Keeps the change in sms.rule_change.';

-- TRIGGER stop_word audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.stop_word FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('word');

COMMENT ON TRIGGER audit_truncate ON sms.stop_word IS 'Keeps the change in sms.rule_change.';

-- TRIGGER tariff audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.tariff FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('tariff_id');

COMMENT ON TRIGGER audit_truncate ON sms.tariff IS 'Keeps the change in sms.rule_change.';

-- TRIGGER template audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.template FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('template_id');

COMMENT ON TRIGGER audit_truncate ON sms.template IS 'Keeps the change in sms.rule_change.';

-- TRIGGER template_version audit_truncate

CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON sms.template_version FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('template_version_id');

COMMENT ON TRIGGER audit_truncate ON sms.template_version IS 'Keeps the change in sms.rule_change.';

-- TRIGGER audience audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.audience REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('audience_id');

COMMENT ON TRIGGER audit_update ON sms.audience IS 'Keeps the change in sms.rule_change.';

-- TRIGGER auto_blacklist_rule audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.auto_blacklist_rule REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('auto_rule_id');

COMMENT ON TRIGGER audit_update ON sms.auto_blacklist_rule IS 'Keeps the change in sms.rule_change.';

-- TRIGGER blacklist audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.blacklist REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('blacklist_id');

COMMENT ON TRIGGER audit_update ON sms.blacklist IS 'Keeps the change in sms.rule_change.';

-- TRIGGER breaker_policy audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.breaker_policy REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('provider_id');

COMMENT ON TRIGGER audit_update ON sms.breaker_policy IS 'Keeps the change in sms.rule_change.';

-- TRIGGER budget audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.budget REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('budget_id');

COMMENT ON TRIGGER audit_update ON sms.budget IS 'Keeps the change in sms.rule_change.';

-- TRIGGER campaign audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.campaign REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('campaign_id');

COMMENT ON TRIGGER audit_update ON sms.campaign IS 'Keeps the change in sms.rule_change.';

-- TRIGGER cap audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.cap REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('cap_id');

COMMENT ON TRIGGER audit_update ON sms.cap IS 'Keeps the change in sms.rule_change.';

-- TRIGGER channel audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.channel REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('channel_id');

COMMENT ON TRIGGER audit_update ON sms.channel IS 'Keeps the change in sms.rule_change.';

-- TRIGGER client_zone audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.client_zone REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('client_id');

COMMENT ON TRIGGER audit_update ON sms.client_zone IS 'Keeps the change in sms.rule_change.';

-- TRIGGER consent audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.consent REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('consent_id');

COMMENT ON TRIGGER audit_update ON sms.consent IS 'Keeps the change in sms.rule_change.';

-- TRIGGER event_rule audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.event_rule REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('rule_id');

COMMENT ON TRIGGER audit_update ON sms.event_rule IS 'Keeps the change in sms.rule_change.';

-- TRIGGER event_type audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.event_type REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('event_type_id');

COMMENT ON TRIGGER audit_update ON sms.event_type IS 'Keeps the change in sms.rule_change.';

-- TRIGGER exchange_rate audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.exchange_rate REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('currency', 'valid_from');

COMMENT ON TRIGGER audit_update ON sms.exchange_rate IS 'Keeps the change in sms.rule_change.';

-- TRIGGER goal audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.goal REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('goal_id');

COMMENT ON TRIGGER audit_update ON sms.goal IS 'Keeps the change in sms.rule_change.';

-- TRIGGER holiday audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.holiday REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('day');

COMMENT ON TRIGGER audit_update ON sms.holiday IS 'Keeps the change in sms.rule_change.';

-- TRIGGER login_channel audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.login_channel REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('login', 'channel');

COMMENT ON TRIGGER audit_update ON sms.login_channel IS 'Keeps the change in sms.rule_change.';

-- TRIGGER monthly_fee audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.monthly_fee REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('fee_id');

COMMENT ON TRIGGER audit_update ON sms.monthly_fee IS 'Keeps the change in sms.rule_change.';

-- TRIGGER provider audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.provider REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('provider_id');

COMMENT ON TRIGGER audit_update ON sms.provider IS 'Keeps the change in sms.rule_change.';

-- TRIGGER quiet_hours audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.quiet_hours REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('quiet_hours_id');

COMMENT ON TRIGGER audit_update ON sms.quiet_hours IS 'Keeps the change in sms.rule_change.';

-- TRIGGER receipt_code audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.receipt_code REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('adapter', 'code');

COMMENT ON TRIGGER audit_update ON sms.receipt_code IS 'Keeps the change in sms.rule_change.';

-- TRIGGER receipt_error audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.receipt_error REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('adapter', 'error');

COMMENT ON TRIGGER audit_update ON sms.receipt_error IS 'Keeps the change in sms.rule_change.';

-- TRIGGER recipient_group audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.recipient_group REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('group_id');

COMMENT ON TRIGGER audit_update ON sms.recipient_group IS 'Keeps the change in sms.rule_change.';

-- TRIGGER recipient_group_member audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.recipient_group_member REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('member_id');

COMMENT ON TRIGGER audit_update ON sms.recipient_group_member IS 'Keeps the change in sms.rule_change.';

-- TRIGGER region_timezone audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.region_timezone REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('region');

COMMENT ON TRIGGER audit_update ON sms.region_timezone IS 'Keeps the change in sms.rule_change.';

-- TRIGGER route audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.route REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('route_id');

COMMENT ON TRIGGER audit_update ON sms.route IS 'Keeps the change in sms.rule_change.';

-- TRIGGER route_provider audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.route_provider REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('route_id', 'provider_id');

COMMENT ON TRIGGER audit_update ON sms.route_provider IS 'Keeps the change in sms.rule_change.';

-- TRIGGER setting audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.setting REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('setting');

COMMENT ON TRIGGER audit_update ON sms.setting IS 'Keeps the change in sms.rule_change.';

-- TRIGGER stop_word audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.stop_word REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('word');

COMMENT ON TRIGGER audit_update ON sms.stop_word IS 'Keeps the change in sms.rule_change.';

-- TRIGGER tariff audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.tariff REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('tariff_id');

COMMENT ON TRIGGER audit_update ON sms.tariff IS 'Keeps the change in sms.rule_change.';

-- TRIGGER template audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.template REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('template_id');

COMMENT ON TRIGGER audit_update ON sms.template IS 'Keeps the change in sms.rule_change.';

-- TRIGGER template_version audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.template_version REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('template_version_id');

COMMENT ON TRIGGER audit_update ON sms.template_version IS 'Keeps the change in sms.rule_change.';

-- TRIGGER audience check_audience

CREATE TRIGGER check_audience BEFORE INSERT OR UPDATE ON sms.audience FOR EACH ROW EXECUTE FUNCTION sms.check_audience();

COMMENT ON TRIGGER check_audience ON sms.audience IS 'Nothing is saved that is not one harmless SELECT.';

-- TRIGGER campaign check_campaign

CREATE TRIGGER check_campaign BEFORE INSERT OR UPDATE ON sms.campaign FOR EACH ROW EXECUTE FUNCTION sms.check_campaign();

COMMENT ON TRIGGER check_campaign ON sms.campaign IS 'Refuses unknown names; keeps who changed what.';

-- TRIGGER event_rule check_event_rule

CREATE TRIGGER check_event_rule BEFORE INSERT OR UPDATE ON sms.event_rule FOR EACH ROW EXECUTE FUNCTION sms.check_event_rule();

COMMENT ON TRIGGER check_event_rule ON sms.event_rule IS 'Refuses rules that could not work.';

-- TRIGGER goal check_goal

CREATE TRIGGER check_goal BEFORE INSERT OR UPDATE ON sms.goal FOR EACH ROW EXECUTE FUNCTION sms.check_goal();

COMMENT ON TRIGGER check_goal ON sms.goal IS 'Refuses a query that could not be collected.';

-- TRIGGER template_version check_template_version

CREATE TRIGGER check_template_version BEFORE INSERT ON sms.template_version FOR EACH ROW EXECUTE FUNCTION sms.check_template_version();

COMMENT ON TRIGGER check_template_version ON sms.template_version IS 'Nothing is saved that could not be sent.';

-- TRIGGER provider complete_breakers

CREATE TRIGGER complete_breakers AFTER INSERT ON sms.provider REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.complete_breakers();

COMMENT ON TRIGGER complete_breakers ON sms.provider IS 'New providers get their breaker.';

-- TRIGGER channel complete_lanes

CREATE TRIGGER complete_lanes AFTER INSERT ON sms.channel FOR EACH STATEMENT EXECUTE FUNCTION sms.complete_lanes();

COMMENT ON TRIGGER complete_lanes ON sms.channel IS 'New channels get their lanes.';

-- TRIGGER operator complete_lanes

CREATE TRIGGER complete_lanes AFTER INSERT ON sms.operator FOR EACH STATEMENT EXECUTE FUNCTION sms.complete_lanes();

COMMENT ON TRIGGER complete_lanes ON sms.operator IS 'New operators get their lanes.';

-- TRIGGER blacklist forget_trouble

CREATE TRIGGER forget_trouble AFTER DELETE ON sms.blacklist REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.forget_trouble();

COMMENT ON TRIGGER forget_trouble ON sms.blacklist IS 'Removing an automatic row clears the number''s count.';

-- TRIGGER rule_change hide_setting_values

CREATE TRIGGER hide_setting_values BEFORE INSERT OR UPDATE ON sms.rule_change FOR EACH ROW WHEN ((new.rule_table = 'provider'::text)) EXECUTE FUNCTION sms.hide_setting_values();

COMMENT ON TRIGGER hide_setting_values ON sms.rule_change IS 'Values of a provider''s settings stay out of the history.';

-- TRIGGER audience keep_audience

CREATE TRIGGER keep_audience AFTER INSERT OR UPDATE ON sms.audience FOR EACH ROW EXECUTE FUNCTION sms.keep_audience();

COMMENT ON TRIGGER keep_audience ON sms.audience IS 'History and log.';

-- TRIGGER breaker keep_breaker_change

CREATE TRIGGER keep_breaker_change AFTER UPDATE ON sms.breaker FOR EACH ROW WHEN ((old.state IS DISTINCT FROM new.state)) EXECUTE FUNCTION sms.keep_breaker_change();

COMMENT ON TRIGGER keep_breaker_change ON sms.breaker IS 'History of breakers.';

-- TRIGGER receipt_code keep_code_change

CREATE TRIGGER keep_code_change BEFORE INSERT OR UPDATE ON sms.receipt_code FOR EACH ROW EXECUTE FUNCTION sms.keep_code_change();

COMMENT ON TRIGGER keep_code_change ON sms.receipt_code IS 'Corrections survive migrations and are logged.';

-- TRIGGER lane keep_lane_change

CREATE TRIGGER keep_lane_change AFTER UPDATE ON sms.lane REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.keep_lane_change();

COMMENT ON TRIGGER keep_lane_change ON sms.lane IS 'History of who serves a lane.';

-- TRIGGER click needs_a_month

CREATE TRIGGER needs_a_month BEFORE INSERT ON sms.click FOR EACH STATEMENT EXECUTE FUNCTION sms.refuse_missing_month();

COMMENT ON TRIGGER needs_a_month ON sms.click IS 'Says which month has no partition, and what to do.';

-- TRIGGER contact_log needs_a_month

CREATE TRIGGER needs_a_month BEFORE INSERT ON sms.contact_log FOR EACH STATEMENT EXECUTE FUNCTION sms.refuse_missing_month();

COMMENT ON TRIGGER needs_a_month ON sms.contact_log IS 'Says which month has no partition, and what to do.';

-- TRIGGER event needs_a_month

CREATE TRIGGER needs_a_month BEFORE INSERT ON sms.event FOR EACH STATEMENT EXECUTE FUNCTION sms.refuse_missing_month();

COMMENT ON TRIGGER needs_a_month ON sms.event IS 'Says which month has no partition, and what to do.';

-- TRIGGER event_effect needs_a_month

CREATE TRIGGER needs_a_month BEFORE INSERT ON sms.event_effect FOR EACH STATEMENT EXECUTE FUNCTION sms.refuse_missing_month();

COMMENT ON TRIGGER needs_a_month ON sms.event_effect IS 'Says which month has no partition, and what to do.';

-- TRIGGER outbox needs_a_month

CREATE TRIGGER needs_a_month BEFORE INSERT ON sms.outbox FOR EACH STATEMENT EXECUTE FUNCTION sms.refuse_missing_month();

COMMENT ON TRIGGER needs_a_month ON sms.outbox IS 'Says which month has no partition, and what to do.';

-- TRIGGER outcome needs_a_month

CREATE TRIGGER needs_a_month BEFORE INSERT ON sms.outcome FOR EACH STATEMENT EXECUTE FUNCTION sms.refuse_missing_month();

COMMENT ON TRIGGER needs_a_month ON sms.outcome IS 'Says which month has no partition, and what to do.';

-- TRIGGER provider_ref needs_a_month

CREATE TRIGGER needs_a_month BEFORE INSERT ON sms.provider_ref FOR EACH STATEMENT EXECUTE FUNCTION sms.refuse_missing_month();

COMMENT ON TRIGGER needs_a_month ON sms.provider_ref IS 'Says which month has no partition, and what to do.';

-- TRIGGER receipt needs_a_month

CREATE TRIGGER needs_a_month BEFORE INSERT ON sms.receipt FOR EACH STATEMENT EXECUTE FUNCTION sms.refuse_missing_month();

COMMENT ON TRIGGER needs_a_month ON sms.receipt IS 'Says which month has no partition, and what to do.';

-- TRIGGER short_link needs_a_month

CREATE TRIGGER needs_a_month BEFORE INSERT ON sms.short_link FOR EACH STATEMENT EXECUTE FUNCTION sms.refuse_missing_month();

COMMENT ON TRIGGER needs_a_month ON sms.short_link IS 'Says which month has no partition, and what to do.';

-- TRIGGER outcome note_statistics_delete

CREATE TRIGGER note_statistics_delete AFTER DELETE ON sms.outcome REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.note_statistics();

COMMENT ON TRIGGER note_statistics_delete ON sms.outcome IS 'Notes which hours to count again.';

-- TRIGGER outcome note_statistics_insert

CREATE TRIGGER note_statistics_insert AFTER INSERT ON sms.outcome REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.note_statistics();

COMMENT ON TRIGGER note_statistics_insert ON sms.outcome IS 'Notes which hours to count again.';

-- TRIGGER outcome note_statistics_update

CREATE TRIGGER note_statistics_update AFTER UPDATE ON sms.outcome REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.note_statistics();

COMMENT ON TRIGGER note_statistics_update ON sms.outcome IS 'Notes which hours to count again.';

-- TRIGGER outbox outbox_is_append_only

CREATE TRIGGER outbox_is_append_only BEFORE DELETE OR UPDATE ON sms.outbox FOR EACH STATEMENT EXECUTE FUNCTION sms.refuse_change();

COMMENT ON TRIGGER outbox_is_append_only ON sms.outbox IS 'What was asked is never edited.';

-- TRIGGER consent refuse_consent_edit

CREATE TRIGGER refuse_consent_edit BEFORE DELETE OR UPDATE ON sms.consent FOR EACH ROW EXECUTE FUNCTION sms.refuse_consent_edit();

COMMENT ON TRIGGER refuse_consent_edit ON sms.consent IS 'A ledger is not edited.';

-- TRIGGER consent refuse_consent_truncate

CREATE TRIGGER refuse_consent_truncate BEFORE TRUNCATE ON sms.consent FOR EACH STATEMENT EXECUTE FUNCTION sms.refuse_consent_edit();

COMMENT ON TRIGGER refuse_consent_truncate ON sms.consent IS 'A ledger is not emptied.';

-- TRIGGER outcome refuse_illegal_move

CREATE TRIGGER refuse_illegal_move AFTER UPDATE ON sms.outcome REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.refuse_illegal_move();

COMMENT ON TRIGGER refuse_illegal_move ON sms.outcome IS 'State moves only as sms.state_transition says.';

-- TRIGGER provider refuse_unfit_provider

CREATE TRIGGER refuse_unfit_provider BEFORE INSERT OR UPDATE ON sms.provider FOR EACH ROW EXECUTE FUNCTION sms.refuse_unfit_provider();

COMMENT ON TRIGGER refuse_unfit_provider ON sms.provider IS 'Unknown settings and secrets are refused.';

-- TRIGGER event_rule replan_event_rule

CREATE TRIGGER replan_event_rule AFTER UPDATE ON sms.event_rule FOR EACH ROW EXECUTE FUNCTION sms.replan_event_rule();

COMMENT ON TRIGGER replan_event_rule ON sms.event_rule IS 'Works out the planned messages of the rule again.';

-- TRIGGER template_version template_version_is_append_only

CREATE TRIGGER template_version_is_append_only BEFORE DELETE OR UPDATE ON sms.template_version FOR EACH STATEMENT EXECUTE FUNCTION sms.refuse_change();

COMMENT ON TRIGGER template_version_is_append_only ON sms.template_version IS 'A message keeps the version it was made from.';

-- TRIGGER audience z_hold_changed

CREATE TRIGGER z_hold_changed AFTER INSERT OR UPDATE ON sms.audience FOR EACH STATEMENT EXECUTE FUNCTION sms.hold_changed();

COMMENT ON TRIGGER z_hold_changed ON sms.audience IS 'Four eyes hold while it runs.';

-- TRIGGER campaign z_hold_changed

CREATE TRIGGER z_hold_changed AFTER UPDATE ON sms.campaign FOR EACH STATEMENT EXECUTE FUNCTION sms.hold_changed();

COMMENT ON TRIGGER z_hold_changed ON sms.campaign IS 'Four eyes hold while it runs.';

-- TRIGGER channel z_hold_changed

CREATE TRIGGER z_hold_changed AFTER UPDATE OF needs_release ON sms.channel FOR EACH STATEMENT EXECUTE FUNCTION sms.hold_changed();

COMMENT ON TRIGGER z_hold_changed ON sms.channel IS 'Four eyes hold while it runs.';

-- TRIGGER template z_hold_changed

CREATE TRIGGER z_hold_changed AFTER UPDATE ON sms.template FOR EACH STATEMENT EXECUTE FUNCTION sms.hold_changed();

COMMENT ON TRIGGER z_hold_changed ON sms.template IS 'Four eyes hold while it runs.';

-- TRIGGER template_version z_hold_changed

CREATE TRIGGER z_hold_changed AFTER INSERT OR UPDATE ON sms.template_version FOR EACH STATEMENT EXECUTE FUNCTION sms.hold_changed();

COMMENT ON TRIGGER z_hold_changed ON sms.template_version IS 'Four eyes hold while it runs.';

-- FK CONSTRAINT client_location client_location_zone_id_fkey

ALTER TABLE ONLY geo.client_location
    ADD CONSTRAINT client_location_zone_id_fkey FOREIGN KEY (zone_id) REFERENCES sms.time_zone(zone_id);

-- FK CONSTRAINT audience_version audience_version_audience_id_fkey

ALTER TABLE ONLY sms.audience_version
    ADD CONSTRAINT audience_version_audience_id_fkey FOREIGN KEY (audience_id) REFERENCES sms.audience(audience_id);

-- FK CONSTRAINT auto_blacklist_rule auto_blacklist_rule_category_fkey

ALTER TABLE ONLY sms.auto_blacklist_rule
    ADD CONSTRAINT auto_blacklist_rule_category_fkey FOREIGN KEY (category) REFERENCES sms.category(category);

-- FK CONSTRAINT auto_blacklist_rule auto_blacklist_rule_channel_fkey

ALTER TABLE ONLY sms.auto_blacklist_rule
    ADD CONSTRAINT auto_blacklist_rule_channel_fkey FOREIGN KEY (channel) REFERENCES sms.channel(channel);

-- FK CONSTRAINT blacklist blacklist_category_fkey

ALTER TABLE ONLY sms.blacklist
    ADD CONSTRAINT blacklist_category_fkey FOREIGN KEY (category) REFERENCES sms.category(category);

-- FK CONSTRAINT blacklist blacklist_channel_fkey

ALTER TABLE ONLY sms.blacklist
    ADD CONSTRAINT blacklist_channel_fkey FOREIGN KEY (channel) REFERENCES sms.channel(channel);

-- FK CONSTRAINT blacklist blacklist_group_id_fkey

ALTER TABLE ONLY sms.blacklist
    ADD CONSTRAINT blacklist_group_id_fkey FOREIGN KEY (group_id) REFERENCES sms.recipient_group(group_id);

-- FK CONSTRAINT breaker_policy breaker_policy_provider_id_fkey

ALTER TABLE ONLY sms.breaker_policy
    ADD CONSTRAINT breaker_policy_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES sms.provider(provider_id) ON DELETE CASCADE;

-- FK CONSTRAINT breaker breaker_provider_id_fkey

ALTER TABLE ONLY sms.breaker
    ADD CONSTRAINT breaker_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES sms.provider(provider_id) ON DELETE CASCADE;

-- FK CONSTRAINT budget budget_campaign_id_fkey

ALTER TABLE ONLY sms.budget
    ADD CONSTRAINT budget_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES sms.campaign(campaign_id);

-- FK CONSTRAINT budget budget_channel_fkey

ALTER TABLE ONLY sms.budget
    ADD CONSTRAINT budget_channel_fkey FOREIGN KEY (channel) REFERENCES sms.channel(channel);

-- FK CONSTRAINT campaign campaign_channel_fkey

ALTER TABLE ONLY sms.campaign
    ADD CONSTRAINT campaign_channel_fkey FOREIGN KEY (channel) REFERENCES sms.channel(channel);

-- FK CONSTRAINT campaign_run campaign_run_campaign_id_fkey

ALTER TABLE ONLY sms.campaign_run
    ADD CONSTRAINT campaign_run_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES sms.campaign(campaign_id);

-- FK CONSTRAINT campaign_run campaign_run_unsent_reason_fkey

ALTER TABLE ONLY sms.campaign_run
    ADD CONSTRAINT campaign_run_unsent_reason_fkey FOREIGN KEY (unsent_reason) REFERENCES sms.reason(reason);

-- FK CONSTRAINT cap cap_category_fkey

ALTER TABLE ONLY sms.cap
    ADD CONSTRAINT cap_category_fkey FOREIGN KEY (category) REFERENCES sms.category(category);

-- FK CONSTRAINT cap cap_channel_fkey

ALTER TABLE ONLY sms.cap
    ADD CONSTRAINT cap_channel_fkey FOREIGN KEY (channel) REFERENCES sms.channel(channel);

-- FK CONSTRAINT channel channel_category_fkey

ALTER TABLE ONLY sms.channel
    ADD CONSTRAINT channel_category_fkey FOREIGN KEY (category) REFERENCES sms.category(category);

-- FK CONSTRAINT client_zone client_zone_zone_id_fkey

ALTER TABLE ONLY sms.client_zone
    ADD CONSTRAINT client_zone_zone_id_fkey FOREIGN KEY (zone_id) REFERENCES sms.time_zone(zone_id);

-- FK CONSTRAINT consent consent_category_fkey

ALTER TABLE ONLY sms.consent
    ADD CONSTRAINT consent_category_fkey FOREIGN KEY (category) REFERENCES sms.category(category);

-- FK CONSTRAINT conversion conversion_goal_id_fkey

ALTER TABLE ONLY sms.conversion
    ADD CONSTRAINT conversion_goal_id_fkey FOREIGN KEY (goal_id) REFERENCES sms.goal(goal_id);

-- FK CONSTRAINT delivered_share delivered_share_operator_id_fkey

ALTER TABLE ONLY sms.delivered_share
    ADD CONSTRAINT delivered_share_operator_id_fkey FOREIGN KEY (operator_id) REFERENCES sms.operator(operator_id);

-- FK CONSTRAINT delivered_share delivered_share_provider_id_fkey

ALTER TABLE ONLY sms.delivered_share
    ADD CONSTRAINT delivered_share_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES sms.provider(provider_id) ON DELETE CASCADE;

-- FK CONSTRAINT event_rule event_rule_channel_fkey

ALTER TABLE ONLY sms.event_rule
    ADD CONSTRAINT event_rule_channel_fkey FOREIGN KEY (channel) REFERENCES sms.channel(channel);

-- FK CONSTRAINT event_rule event_rule_event_type_id_fkey

ALTER TABLE ONLY sms.event_rule
    ADD CONSTRAINT event_rule_event_type_id_fkey FOREIGN KEY (event_type_id) REFERENCES sms.event_type(event_type_id);

-- FK CONSTRAINT inbound inbound_provider_id_fkey

ALTER TABLE ONLY sms.inbound
    ADD CONSTRAINT inbound_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES sms.provider(provider_id);

-- FK CONSTRAINT lane lane_channel_id_fkey

ALTER TABLE ONLY sms.lane
    ADD CONSTRAINT lane_channel_id_fkey FOREIGN KEY (channel_id) REFERENCES sms.channel(channel_id);

-- FK CONSTRAINT lane lane_operator_id_fkey

ALTER TABLE ONLY sms.lane
    ADD CONSTRAINT lane_operator_id_fkey FOREIGN KEY (operator_id) REFERENCES sms.operator(operator_id);

-- FK CONSTRAINT lane_pin lane_pin_lane_id_fkey

ALTER TABLE ONLY sms.lane_pin
    ADD CONSTRAINT lane_pin_lane_id_fkey FOREIGN KEY (lane_id) REFERENCES sms.lane(lane_id) ON DELETE CASCADE;

-- FK CONSTRAINT lane_pin lane_pin_return_to_fkey

ALTER TABLE ONLY sms.lane_pin
    ADD CONSTRAINT lane_pin_return_to_fkey FOREIGN KEY (return_to) REFERENCES sms.provider(provider_id) ON DELETE SET NULL;

-- FK CONSTRAINT lane lane_probed_by_fkey

ALTER TABLE ONLY sms.lane
    ADD CONSTRAINT lane_probed_by_fkey FOREIGN KEY (probed_by) REFERENCES sms.provider(provider_id);

-- FK CONSTRAINT lane lane_provider_id_fkey

ALTER TABLE ONLY sms.lane
    ADD CONSTRAINT lane_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES sms.provider(provider_id);

-- FK CONSTRAINT login_channel login_channel_channel_fkey

ALTER TABLE ONLY sms.login_channel
    ADD CONSTRAINT login_channel_channel_fkey FOREIGN KEY (channel) REFERENCES sms.channel(channel);

-- FK CONSTRAINT monthly_fee monthly_fee_operator_id_fkey

ALTER TABLE ONLY sms.monthly_fee
    ADD CONSTRAINT monthly_fee_operator_id_fkey FOREIGN KEY (operator_id) REFERENCES sms.operator(operator_id);

-- FK CONSTRAINT monthly_fee monthly_fee_provider_id_fkey

ALTER TABLE ONLY sms.monthly_fee
    ADD CONSTRAINT monthly_fee_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES sms.provider(provider_id);

-- FK CONSTRAINT number_range number_range_operator_id_fkey

ALTER TABLE ONLY sms.number_range
    ADD CONSTRAINT number_range_operator_id_fkey FOREIGN KEY (operator_id) REFERENCES sms.operator(operator_id);

-- FK CONSTRAINT number_range number_range_zone_id_fkey

ALTER TABLE ONLY sms.number_range
    ADD CONSTRAINT number_range_zone_id_fkey FOREIGN KEY (zone_id) REFERENCES sms.time_zone(zone_id);

-- FK CONSTRAINT operator_tax_id operator_tax_id_operator_id_fkey

ALTER TABLE ONLY sms.operator_tax_id
    ADD CONSTRAINT operator_tax_id_operator_id_fkey FOREIGN KEY (operator_id) REFERENCES sms.operator(operator_id);

-- FK CONSTRAINT provider_asking provider_asking_provider_id_fkey

ALTER TABLE ONLY sms.provider_asking
    ADD CONSTRAINT provider_asking_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES sms.provider(provider_id);

-- FK CONSTRAINT provider_balance provider_balance_provider_id_fkey

ALTER TABLE ONLY sms.provider_balance
    ADD CONSTRAINT provider_balance_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES sms.provider(provider_id);

-- FK CONSTRAINT provider_tally provider_tally_provider_id_fkey

ALTER TABLE ONLY sms.provider_tally
    ADD CONSTRAINT provider_tally_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES sms.provider(provider_id) ON DELETE CASCADE;

-- FK CONSTRAINT quiet_hours quiet_hours_category_fkey

ALTER TABLE ONLY sms.quiet_hours
    ADD CONSTRAINT quiet_hours_category_fkey FOREIGN KEY (category) REFERENCES sms.category(category);

-- FK CONSTRAINT receipt_code receipt_code_state_fkey

ALTER TABLE ONLY sms.receipt_code
    ADD CONSTRAINT receipt_code_state_fkey FOREIGN KEY (state) REFERENCES sms.state(state);

-- FK CONSTRAINT receipt_remap receipt_remap_new_state_fkey

ALTER TABLE ONLY sms.receipt_remap
    ADD CONSTRAINT receipt_remap_new_state_fkey FOREIGN KEY (new_state) REFERENCES sms.state(state);

-- FK CONSTRAINT receipt_remap receipt_remap_old_state_fkey

ALTER TABLE ONLY sms.receipt_remap
    ADD CONSTRAINT receipt_remap_old_state_fkey FOREIGN KEY (old_state) REFERENCES sms.state(state);

-- FK CONSTRAINT recipient_group_member recipient_group_member_group_id_fkey

ALTER TABLE ONLY sms.recipient_group_member
    ADD CONSTRAINT recipient_group_member_group_id_fkey FOREIGN KEY (group_id) REFERENCES sms.recipient_group(group_id) ON DELETE CASCADE;

-- FK CONSTRAINT route route_channel_id_fkey

ALTER TABLE ONLY sms.route
    ADD CONSTRAINT route_channel_id_fkey FOREIGN KEY (channel_id) REFERENCES sms.channel(channel_id) ON DELETE CASCADE;

-- FK CONSTRAINT route route_operator_id_fkey

ALTER TABLE ONLY sms.route
    ADD CONSTRAINT route_operator_id_fkey FOREIGN KEY (operator_id) REFERENCES sms.operator(operator_id);

-- FK CONSTRAINT route_provider route_provider_provider_id_fkey

ALTER TABLE ONLY sms.route_provider
    ADD CONSTRAINT route_provider_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES sms.provider(provider_id);

-- FK CONSTRAINT route_provider route_provider_route_id_fkey

ALTER TABLE ONLY sms.route_provider
    ADD CONSTRAINT route_provider_route_id_fkey FOREIGN KEY (route_id) REFERENCES sms.route(route_id) ON DELETE CASCADE;

-- FK CONSTRAINT run_zone run_zone_run_id_fkey

ALTER TABLE ONLY sms.run_zone
    ADD CONSTRAINT run_zone_run_id_fkey FOREIGN KEY (run_id) REFERENCES sms.campaign_run(run_id);

-- FK CONSTRAINT state_transition state_transition_from_state_fkey

ALTER TABLE ONLY sms.state_transition
    ADD CONSTRAINT state_transition_from_state_fkey FOREIGN KEY (from_state) REFERENCES sms.state(state);

-- FK CONSTRAINT state_transition state_transition_to_state_fkey

ALTER TABLE ONLY sms.state_transition
    ADD CONSTRAINT state_transition_to_state_fkey FOREIGN KEY (to_state) REFERENCES sms.state(state);

-- FK CONSTRAINT tariff tariff_category_fkey

ALTER TABLE ONLY sms.tariff
    ADD CONSTRAINT tariff_category_fkey FOREIGN KEY (category) REFERENCES sms.category(category);

-- FK CONSTRAINT tariff tariff_operator_id_fkey

ALTER TABLE ONLY sms.tariff
    ADD CONSTRAINT tariff_operator_id_fkey FOREIGN KEY (operator_id) REFERENCES sms.operator(operator_id);

-- FK CONSTRAINT tariff tariff_provider_id_fkey

ALTER TABLE ONLY sms.tariff
    ADD CONSTRAINT tariff_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES sms.provider(provider_id);

-- FK CONSTRAINT template_version template_version_template_id_fkey

ALTER TABLE ONLY sms.template_version
    ADD CONSTRAINT template_version_template_id_fkey FOREIGN KEY (template_id) REFERENCES sms.template(template_id);

-- FK CONSTRAINT channel time_zone is a zone that sms.time_zone knows

ALTER TABLE ONLY sms.channel
    ADD CONSTRAINT "time_zone is a zone that sms.time_zone knows" FOREIGN KEY (time_zone) REFERENCES sms.time_zone(name);

-- POLICY campaign a login sees its channels

CREATE POLICY "a login sees its channels" ON sms.campaign USING (COALESCE((channel = ANY (( SELECT sms.my_channels() AS my_channels)::text[])), true));

-- POLICY click a login sees its channels

CREATE POLICY "a login sees its channels" ON sms.click USING (((( SELECT sms.my_channels() AS my_channels) IS NULL) OR (EXISTS ( SELECT
   FROM sms.outbox o
  WHERE (o.id = click.message_id)))));

-- POLICY event a login sees its channels

CREATE POLICY "a login sees its channels" ON sms.event USING (COALESCE((event_type_id = ANY (( SELECT sms.my_event_types() AS my_event_types)::integer[])), true));

-- POLICY event_effect a login sees its channels

CREATE POLICY "a login sees its channels" ON sms.event_effect USING (COALESCE((rule_id = ANY (( SELECT sms.my_rules() AS my_rules)::integer[])), true));

-- POLICY event_plan a login sees its channels

CREATE POLICY "a login sees its channels" ON sms.event_plan USING (COALESCE((rule_id = ANY (( SELECT sms.my_rules() AS my_rules)::integer[])), true));

-- POLICY inbound a login sees its channels

CREATE POLICY "a login sees its channels" ON sms.inbound USING ((( SELECT sms.my_channels() AS my_channels) IS NULL));

-- POLICY inflight a login sees its channels

CREATE POLICY "a login sees its channels" ON sms.inflight USING (COALESCE((COALESCE(lane_id, (- (1)::smallint)) = ANY (( SELECT sms.my_lanes() AS my_lanes)::smallint[])), true));

-- POLICY outbox a login sees its channels

CREATE POLICY "a login sees its channels" ON sms.outbox USING (COALESCE((channel = ANY (( SELECT sms.my_channels() AS my_channels)::text[])), true));

-- POLICY outcome a login sees its channels

CREATE POLICY "a login sees its channels" ON sms.outcome USING (COALESCE((COALESCE(lane_id, (- (1)::smallint)) = ANY (( SELECT sms.my_lanes() AS my_lanes)::smallint[])), true));

-- POLICY pending a login sees its channels

CREATE POLICY "a login sees its channels" ON sms.pending USING (COALESCE((COALESCE(lane_id, (- (1)::smallint)) = ANY (( SELECT sms.my_lanes() AS my_lanes)::smallint[])), true));

GRANT USAGE ON SCHEMA erp TO sms_erp;
GRANT USAGE ON SCHEMA erp TO sms_analyst;
GRANT USAGE ON SCHEMA erp TO sms_operator;
GRANT USAGE ON SCHEMA erp TO sms_audience;
GRANT USAGE ON SCHEMA erp TO sms_parser;

GRANT USAGE ON SCHEMA geo TO sms_erp;
GRANT USAGE ON SCHEMA geo TO sms_analyst;
GRANT USAGE ON SCHEMA geo TO sms_operator;
GRANT USAGE ON SCHEMA geo TO sms_audience;
GRANT USAGE ON SCHEMA geo TO sms_parser;

GRANT USAGE ON SCHEMA sms TO sms_erp;
GRANT USAGE ON SCHEMA sms TO sms_analyst;
GRANT USAGE ON SCHEMA sms TO sms_operator;
GRANT USAGE ON SCHEMA sms TO sms_monitor;
GRANT USAGE ON SCHEMA sms TO sms_worker;
GRANT USAGE ON SCHEMA sms TO sms_dlr;
GRANT USAGE ON SCHEMA sms TO sms_window;
GRANT USAGE ON SCHEMA sms TO sms_audience;
GRANT USAGE ON SCHEMA sms TO sms_parser;

GRANT ALL ON SCHEMA sms_parser TO sms_parser;

REVOKE ALL ON FUNCTION geo.area(p_area text) FROM PUBLIC;
GRANT ALL ON FUNCTION geo.area(p_area text) TO sms_analyst;
GRANT ALL ON FUNCTION geo.area(p_area text) TO sms_operator;
GRANT ALL ON FUNCTION geo.area(p_area text) TO sms_audience;

REVOKE ALL ON FUNCTION geo.clients_along(p_line text, p_reach_m double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION geo.clients_along(p_line text, p_reach_m double precision) TO sms_analyst;
GRANT ALL ON FUNCTION geo.clients_along(p_line text, p_reach_m double precision) TO sms_operator;
GRANT ALL ON FUNCTION geo.clients_along(p_line text, p_reach_m double precision) TO sms_audience;

REVOKE ALL ON FUNCTION geo.clients_in_area(p_area text) FROM PUBLIC;
GRANT ALL ON FUNCTION geo.clients_in_area(p_area text) TO sms_analyst;
GRANT ALL ON FUNCTION geo.clients_in_area(p_area text) TO sms_operator;
GRANT ALL ON FUNCTION geo.clients_in_area(p_area text) TO sms_audience;

REVOKE ALL ON FUNCTION geo.clients_in_city(p_city text) FROM PUBLIC;
GRANT ALL ON FUNCTION geo.clients_in_city(p_city text) TO sms_analyst;
GRANT ALL ON FUNCTION geo.clients_in_city(p_city text) TO sms_operator;
GRANT ALL ON FUNCTION geo.clients_in_city(p_city text) TO sms_audience;

REVOKE ALL ON FUNCTION geo.clients_near(p_station text, p_radius_m double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION geo.clients_near(p_station text, p_radius_m double precision) TO sms_analyst;
GRANT ALL ON FUNCTION geo.clients_near(p_station text, p_radius_m double precision) TO sms_operator;
GRANT ALL ON FUNCTION geo.clients_near(p_station text, p_radius_m double precision) TO sms_audience;

REVOKE ALL ON FUNCTION geo.clients_near_any(p_stations text[], p_radius_m double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION geo.clients_near_any(p_stations text[], p_radius_m double precision) TO sms_analyst;
GRANT ALL ON FUNCTION geo.clients_near_any(p_stations text[], p_radius_m double precision) TO sms_operator;
GRANT ALL ON FUNCTION geo.clients_near_any(p_stations text[], p_radius_m double precision) TO sms_audience;

REVOKE ALL ON FUNCTION geo.closest_stations(p_name text, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION geo.closest_stations(p_name text, p_limit integer) TO sms_analyst;
GRANT ALL ON FUNCTION geo.closest_stations(p_name text, p_limit integer) TO sms_operator;
GRANT ALL ON FUNCTION geo.closest_stations(p_name text, p_limit integer) TO sms_audience;

REVOKE ALL ON FUNCTION geo.find_station(p_station text) FROM PUBLIC;
GRANT ALL ON FUNCTION geo.find_station(p_station text) TO sms_analyst;
GRANT ALL ON FUNCTION geo.find_station(p_station text) TO sms_operator;
GRANT ALL ON FUNCTION geo.find_station(p_station text) TO sms_audience;

REVOKE ALL ON FUNCTION geo.fold_name(p_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION geo.fold_name(p_name text) TO sms_analyst;
GRANT ALL ON FUNCTION geo.fold_name(p_name text) TO sms_operator;
GRANT ALL ON FUNCTION geo.fold_name(p_name text) TO sms_audience;

REVOKE ALL ON FUNCTION geo.line_path(p_line text) FROM PUBLIC;
GRANT ALL ON FUNCTION geo.line_path(p_line text) TO sms_analyst;
GRANT ALL ON FUNCTION geo.line_path(p_line text) TO sms_operator;
GRANT ALL ON FUNCTION geo.line_path(p_line text) TO sms_audience;

REVOKE ALL ON FUNCTION sms.accept_outbox() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.act_on_events(p_event_ids bigint[], p_rule_ids integer[], p_is_new boolean, p_now timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.acting_role() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.advance(p_provider_id smallint, p_ids bigint[], p_states text[], p_errors text[], p_now timestamp with time zone) FROM PUBLIC;

GRANT SELECT ON TABLE sms.campaign_run TO sms_erp;
GRANT SELECT ON TABLE sms.campaign_run TO sms_analyst;
GRANT SELECT ON TABLE sms.campaign_run TO sms_operator;
GRANT SELECT ON TABLE sms.campaign_run TO sms_monitor;
GRANT SELECT ON TABLE sms.campaign_run TO sms_audience;

REVOKE ALL ON FUNCTION sms.affordable(p_run sms.campaign_run, p_zone_id smallint, p_fed_up_to bigint, p_count integer, p_now timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.announce_config() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.announce_route(p_payload jsonb, p_for_people boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.answer_percentile(p_times bigint[], p_share numeric) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.answer_percentile(p_times bigint[], p_share numeric) TO sms_operator;
GRANT ALL ON FUNCTION sms.answer_percentile(p_times bigint[], p_share numeric) TO sms_monitor;

REVOKE ALL ON FUNCTION sms.apply_orphans(p_receipt_ids bigint[], p_now timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.apply_uncertain_policy(p_limit integer, p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.apply_uncertain_policy(p_limit integer, p_as_of timestamp with time zone) TO sms_worker;

REVOKE ALL ON FUNCTION sms.attributions(p_goal_id integer, p_from timestamp with time zone, p_until timestamp with time zone, p_touch text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.audience_in_time(p_until timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.audience_in_time(p_until timestamp with time zone) TO sms_audience;

REVOKE ALL ON FUNCTION sms.audience_statement(p_query text, p_columns text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.audience_texts(p_audience text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.audit_rule() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.begin_launch(p_campaign_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.begin_launch(p_campaign_id bigint) TO sms_erp;
GRANT ALL ON FUNCTION sms.begin_launch(p_campaign_id bigint) TO sms_operator;

REVOKE ALL ON FUNCTION sms.begin_run(p_campaign_id bigint) FROM PUBLIC;

GRANT SELECT ON TABLE sms.budget TO sms_erp;
GRANT SELECT ON TABLE sms.budget TO sms_analyst;
GRANT SELECT,DELETE ON TABLE sms.budget TO sms_operator;
GRANT SELECT ON TABLE sms.budget TO sms_monitor;
GRANT SELECT ON TABLE sms.budget TO sms_audience;

GRANT INSERT(budget),UPDATE(budget) ON TABLE sms.budget TO sms_operator;

GRANT INSERT(channel),UPDATE(channel) ON TABLE sms.budget TO sms_operator;

GRANT INSERT(campaign_id),UPDATE(campaign_id) ON TABLE sms.budget TO sms_operator;

GRANT INSERT(month),UPDATE(month) ON TABLE sms.budget TO sms_operator;

GRANT INSERT(amount),UPDATE(amount) ON TABLE sms.budget TO sms_operator;

GRANT INSERT(warn_at),UPDATE(warn_at) ON TABLE sms.budget TO sms_operator;

GRANT INSERT(stops),UPDATE(stops) ON TABLE sms.budget TO sms_operator;

REVOKE ALL ON FUNCTION sms.budget_span(p_budget sms.budget, p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.budget_status(p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.budget_status(p_as_of timestamp with time zone) TO sms_erp;
GRANT ALL ON FUNCTION sms.budget_status(p_as_of timestamp with time zone) TO sms_analyst;
GRANT ALL ON FUNCTION sms.budget_status(p_as_of timestamp with time zone) TO sms_operator;
GRANT ALL ON FUNCTION sms.budget_status(p_as_of timestamp with time zone) TO sms_monitor;

GRANT SELECT ON TABLE sms.campaign TO sms_erp;
GRANT SELECT ON TABLE sms.campaign TO sms_analyst;
GRANT SELECT,INSERT,UPDATE ON TABLE sms.campaign TO sms_operator;
GRANT SELECT ON TABLE sms.campaign TO sms_window;
GRANT SELECT ON TABLE sms.campaign TO sms_audience;

REVOKE ALL ON FUNCTION sms.campaign_authors(p_campaign sms.campaign) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.campaign_digest(p_campaign sms.campaign) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.campaign_people(p_audience text, p_channel text, p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.campaign_stamp(p_campaign_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.cancel(p_ids bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.cancel(p_ids bigint[]) TO sms_erp;
GRANT ALL ON FUNCTION sms.cancel(p_ids bigint[]) TO sms_operator;

REVOKE ALL ON FUNCTION sms.cancel(p_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.cancel(p_id bigint) TO sms_erp;
GRANT ALL ON FUNCTION sms.cancel(p_id bigint) TO sms_operator;

REVOKE ALL ON FUNCTION sms.cancel(p_erp_ref text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.cancel(p_erp_ref text) TO sms_erp;
GRANT ALL ON FUNCTION sms.cancel(p_erp_ref text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.cancel_by_events(p_event_ids bigint[], p_now timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.cancel_waiting(p_ids bigint[], p_reason text, p_detail text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.candidates(p_ids bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.cap_terms(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.cheaper_spellings(p_text text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.cheaper_spellings(p_text text) TO sms_erp;
GRANT ALL ON FUNCTION sms.cheaper_spellings(p_text text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.check_audience() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.check_campaign() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.check_event_rule() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.check_goal() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.check_template(p_template text, p_vars jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.check_template_version() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.choose_due(p_provider_id smallint, p_limit integer, p_from_priority integer, p_to_priority integer, p_as_of timestamp with time zone, p_caps_clients boolean, p_probes boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.choose_probes(p_provider_id smallint, p_limit integer, p_from_priority integer, p_to_priority integer, p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.choose_providers(p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.claim_batch(p_provider text, p_worker text, p_limit integer, p_from_priority integer, p_to_priority integer, p_lease interval, p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.claim_batch(p_provider text, p_worker text, p_limit integer, p_from_priority integer, p_to_priority integer, p_lease interval, p_as_of timestamp with time zone) TO sms_worker;

REVOKE ALL ON FUNCTION sms.claim_refs(p_batch sms.candidate[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.clicks(p_from timestamp with time zone, p_until timestamp with time zone, p_by text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.clicks(p_from timestamp with time zone, p_until timestamp with time zone, p_by text[]) TO sms_erp;
GRANT ALL ON FUNCTION sms.clicks(p_from timestamp with time zone, p_until timestamp with time zone, p_by text[]) TO sms_analyst;
GRANT ALL ON FUNCTION sms.clicks(p_from timestamp with time zone, p_until timestamp with time zone, p_by text[]) TO sms_operator;

REVOKE ALL ON FUNCTION sms.clients_contacted(p_days numeric, p_channel text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.clients_contacted(p_days numeric, p_channel text) TO sms_erp;
GRANT ALL ON FUNCTION sms.clients_contacted(p_days numeric, p_channel text) TO sms_analyst;
GRANT ALL ON FUNCTION sms.clients_contacted(p_days numeric, p_channel text) TO sms_operator;
GRANT ALL ON FUNCTION sms.clients_contacted(p_days numeric, p_channel text) TO sms_audience;

REVOKE ALL ON FUNCTION sms.clients_who_received(p_what text, p_days numeric) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.clients_who_received(p_what text, p_days numeric) TO sms_erp;
GRANT ALL ON FUNCTION sms.clients_who_received(p_what text, p_days numeric) TO sms_analyst;
GRANT ALL ON FUNCTION sms.clients_who_received(p_what text, p_days numeric) TO sms_operator;
GRANT ALL ON FUNCTION sms.clients_who_received(p_what text, p_days numeric) TO sms_audience;

REVOKE ALL ON FUNCTION sms.close_quiet_zones(p_run sms.campaign_run, p_now timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.close_run(p_run_id bigint, p_now timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.collect_conversions(p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.collect_conversions(p_as_of timestamp with time zone) TO sms_worker;
GRANT ALL ON FUNCTION sms.collect_conversions(p_as_of timestamp with time zone) TO sms_operator;

REVOKE ALL ON FUNCTION sms.collect_overdue(p_provider text, p_after interval, p_until interval) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.collect_overdue(p_provider text, p_after interval, p_until interval) TO sms_worker;

REVOKE ALL ON FUNCTION sms.complete_breakers() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.complete_lanes() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.confine_login(p_login text, p_channels text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.count_day(p_day date) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.count_delivered(p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.count_hour(p_hour_no integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.count_month(p_month date) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.count_unaccounted() FROM PUBLIC;
GRANT ALL ON FUNCTION sms.count_unaccounted() TO sms_operator;
GRANT ALL ON FUNCTION sms.count_unaccounted() TO sms_monitor;

REVOKE ALL ON FUNCTION sms.count_volume(p_month date) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.counts_late(p_message_id bigint, p_provider_id smallint, p_state text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.create_partition(p_table text, p_month timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.cron_problem(p_cron text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.daily_volumes(p_from date, p_until date) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.daily_volumes(p_from date, p_until date) TO sms_analyst;
GRANT ALL ON FUNCTION sms.daily_volumes(p_from date, p_until date) TO sms_operator;

REVOKE ALL ON FUNCTION sms.declare_adapter(p_adapter text, p_settings text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.delivery_bucket(p_took interval) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.delivery_bucket_ends(p_bucket integer) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.delivery_bucket_ends(p_bucket integer) TO sms_analyst;
GRANT ALL ON FUNCTION sms.delivery_bucket_ends(p_bucket integer) TO sms_operator;
GRANT ALL ON FUNCTION sms.delivery_bucket_ends(p_bucket integer) TO sms_monitor;

REVOKE ALL ON FUNCTION sms.delivery_classes(p_buckets integer[], p_messages integer[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.delivery_percentile(p_delivery bigint[], p_share double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.delivery_percentile(p_delivery bigint[], p_share double precision) TO sms_analyst;
GRANT ALL ON FUNCTION sms.delivery_percentile(p_delivery bigint[], p_share double precision) TO sms_operator;
GRANT ALL ON FUNCTION sms.delivery_percentile(p_delivery bigint[], p_share double precision) TO sms_monitor;

REVOKE ALL ON FUNCTION sms.drop_partition(p_table text, p_month timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.dry_run(p_campaign_id bigint, p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.dry_run(p_campaign_id bigint, p_as_of timestamp with time zone) TO sms_erp;
GRANT ALL ON FUNCTION sms.dry_run(p_campaign_id bigint, p_as_of timestamp with time zone) TO sms_analyst;
GRANT ALL ON FUNCTION sms.dry_run(p_campaign_id bigint, p_as_of timestamp with time zone) TO sms_operator;

REVOKE ALL ON FUNCTION sms.dry_run(p_select text, p_channel text, p_body text, p_campaign_id bigint, p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.dry_run(p_select text, p_channel text, p_body text, p_campaign_id bigint, p_as_of timestamp with time zone) TO sms_erp;
GRANT ALL ON FUNCTION sms.dry_run(p_select text, p_channel text, p_body text, p_campaign_id bigint, p_as_of timestamp with time zone) TO sms_analyst;
GRANT ALL ON FUNCTION sms.dry_run(p_select text, p_channel text, p_body text, p_campaign_id bigint, p_as_of timestamp with time zone) TO sms_operator;

REVOKE ALL ON FUNCTION sms.dry_run_again(p_fact sms.candidate, p_moment timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.next_id() FROM PUBLIC;
GRANT ALL ON FUNCTION sms.next_id() TO sms_erp;

GRANT SELECT ON TABLE sms.outbox TO sms_erp;
GRANT SELECT ON TABLE sms.outbox TO sms_window;

GRANT INSERT(channel) ON TABLE sms.outbox TO sms_erp;

GRANT INSERT(phone) ON TABLE sms.outbox TO sms_erp;

GRANT INSERT(body) ON TABLE sms.outbox TO sms_erp;

GRANT INSERT(template) ON TABLE sms.outbox TO sms_erp;

GRANT INSERT(vars) ON TABLE sms.outbox TO sms_erp;

GRANT INSERT(erp_ref) ON TABLE sms.outbox TO sms_erp;

GRANT INSERT(client_id) ON TABLE sms.outbox TO sms_erp;

GRANT INSERT(priority) ON TABLE sms.outbox TO sms_erp;

GRANT INSERT(not_before) ON TABLE sms.outbox TO sms_erp;

GRANT INSERT(expires_at) ON TABLE sms.outbox TO sms_erp;

GRANT INSERT(time_zone) ON TABLE sms.outbox TO sms_erp;

GRANT INSERT(sender_id) ON TABLE sms.outbox TO sms_erp;

GRANT INSERT(campaign_id) ON TABLE sms.outbox TO sms_erp;

REVOKE ALL ON FUNCTION sms.dry_run_audience(p_select text, p_channel text, p_body text, p_campaign_id bigint, p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.dry_run_audience(p_select text, p_channel text, p_body text, p_campaign_id bigint, p_as_of timestamp with time zone) TO sms_erp;
GRANT ALL ON FUNCTION sms.dry_run_audience(p_select text, p_channel text, p_body text, p_campaign_id bigint, p_as_of timestamp with time zone) TO sms_analyst;
GRANT ALL ON FUNCTION sms.dry_run_audience(p_select text, p_channel text, p_body text, p_campaign_id bigint, p_as_of timestamp with time zone) TO sms_operator;

REVOKE ALL ON FUNCTION sms.dry_run_campaign(p_campaign_id bigint, p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.dry_run_campaign(p_campaign_id bigint, p_as_of timestamp with time zone) TO sms_erp;
GRANT ALL ON FUNCTION sms.dry_run_campaign(p_campaign_id bigint, p_as_of timestamp with time zone) TO sms_analyst;
GRANT ALL ON FUNCTION sms.dry_run_campaign(p_campaign_id bigint, p_as_of timestamp with time zone) TO sms_operator;

REVOKE ALL ON FUNCTION sms.dry_run_capped(p_fact sms.candidate, p_moment timestamp with time zone, p_cap_ids integer[], p_sinces timestamp with time zone[], p_kept sms.candidate[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.dry_run_fates(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.dry_run_groups(p_batch sms.candidate[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.dry_run_judge(p_batch sms.candidate[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.dry_run_plan(p_campaign_id bigint, p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.dry_run_refs(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.dry_run_repeats(p_fact sms.candidate, p_moment timestamp with time zone, p_window interval, p_kept sms.candidate[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.dry_run_report(p_rows sms.outbox[], p_campaign_id bigint, p_as_of timestamp with time zone, p_factor numeric) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.dry_run_report(p_rows sms.outbox[], p_campaign_id bigint, p_as_of timestamp with time zone, p_factor numeric) TO sms_erp;
GRANT ALL ON FUNCTION sms.dry_run_report(p_rows sms.outbox[], p_campaign_id bigint, p_as_of timestamp with time zone, p_factor numeric) TO sms_analyst;
GRANT ALL ON FUNCTION sms.dry_run_report(p_rows sms.outbox[], p_campaign_id bigint, p_as_of timestamp with time zone, p_factor numeric) TO sms_operator;

REVOKE ALL ON FUNCTION sms.dry_run_requests(p_rows sms.outbox[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.dry_run_rivals(p_batch sms.candidate[], p_steps sms.finding[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.dry_run_steps(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.dry_run_waiting(p_campaign_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.due_runs(p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.due_runs(p_as_of timestamp with time zone) TO sms_worker;

REVOKE ALL ON FUNCTION sms.effect(p_goal text, p_from timestamp with time zone, p_until timestamp with time zone, p_by text[], p_touch text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.effect(p_goal text, p_from timestamp with time zone, p_until timestamp with time zone, p_by text[], p_touch text) TO sms_analyst;
GRANT ALL ON FUNCTION sms.effect(p_goal text, p_from timestamp with time zone, p_until timestamp with time zone, p_by text[], p_touch text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.end_run(p_run_id bigint, p_state text, p_reason text, p_problem text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.end_turn(p_provider text, p_asked_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.end_turn(p_provider text, p_asked_at timestamp with time zone) TO sms_worker;

REVOKE ALL ON FUNCTION sms.erp_ref_span() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.event_moment(p_value text, p_instant timestamp with time zone, p_shift interval, p_at_local time without time zone, p_zones text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.event_problem(p_variables jsonb, p_vars jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.expire_leases(p_limit integer, p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.expire_leases(p_limit integer, p_as_of timestamp with time zone) TO sms_worker;

REVOKE ALL ON FUNCTION sms.expire_pins(p_as_of timestamp with time zone, p_lanes smallint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain(p_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.explain(p_id bigint) TO sms_erp;
GRANT ALL ON FUNCTION sms.explain(p_id bigint) TO sms_analyst;
GRANT ALL ON FUNCTION sms.explain(p_id bigint) TO sms_operator;

REVOKE ALL ON FUNCTION sms.explain_attempts(p_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_blacklist(p_fact sms.candidate, p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_budget(p_candidate sms.candidate, p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_cap(p_fact sms.candidate, p_as_of timestamp with time zone, p_before timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_clicks(p_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_consent(p_fact sms.candidate, p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_decision(p_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_duplicate(p_fact sms.candidate, p_as_of timestamp with time zone, p_before timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_duplicate_ref(p_fact sms.candidate, p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_event(p_event_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.explain_event(p_event_id bigint) TO sms_erp;
GRANT ALL ON FUNCTION sms.explain_event(p_event_id bigint) TO sms_analyst;
GRANT ALL ON FUNCTION sms.explain_event(p_event_id bigint) TO sms_operator;

REVOKE ALL ON FUNCTION sms.explain_expired(p_fact sms.candidate, p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_fate(p_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_holdout(p_fact sms.candidate, p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_inbound(p_author text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_origin(p_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_quiet_hours(p_fact sms.candidate, p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_receipts(p_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_refusal(p_id bigint, p_reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_request(p_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_rules(p_id bigint, p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.exposures(p_from timestamp with time zone, p_until timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.fail_run(p_run_id bigint, p_problem text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.fail_run(p_run_id bigint, p_problem text) TO sms_worker;

REVOKE ALL ON FUNCTION sms.feed_campaigns(p_limit integer, p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.feed_campaigns(p_limit integer, p_as_of timestamp with time zone) TO sms_worker;

REVOKE ALL ON FUNCTION sms.feed_room(p_campaign_id bigint, p_now timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.feed_run(p_run sms.campaign_run, p_limit integer, p_now timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.feed_zone(p_run sms.campaign_run, p_zone_id smallint, p_fed_up_to bigint, p_count integer, p_slot timestamp with time zone, p_pause interval, p_now timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.find_campaign(p_campaign text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.find_campaign(p_campaign text) TO sms_erp;
GRANT ALL ON FUNCTION sms.find_campaign(p_campaign text) TO sms_analyst;
GRANT ALL ON FUNCTION sms.find_campaign(p_campaign text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.find_event_keys(p_event_type_id integer, p_client_ids bigint[], p_event_keys text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.find_failing(p_numbers bigint[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.find_goal(p_goal text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.finish_launch(p_run_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.finish_launch(p_run_id bigint) TO sms_erp;
GRANT ALL ON FUNCTION sms.finish_launch(p_run_id bigint) TO sms_operator;

REVOKE ALL ON FUNCTION sms.fire_event(p_type text, p_client_id bigint, p_vars jsonb, p_event_key text, OUT event_id bigint, OUT is_new boolean, OUT message_ids bigint[], OUT planned integer, OUT cancelled integer, OUT note text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.fire_event(p_type text, p_client_id bigint, p_vars jsonb, p_event_key text, OUT event_id bigint, OUT is_new boolean, OUT message_ids bigint[], OUT planned integer, OUT cancelled integer, OUT note text) TO sms_erp;
GRANT ALL ON FUNCTION sms.fire_event(p_type text, p_client_id bigint, p_vars jsonb, p_event_key text, OUT event_id bigint, OUT is_new boolean, OUT message_ids bigint[], OUT planned integer, OUT cancelled integer, OUT note text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.fire_events(p_type text, p_client_ids bigint[], p_vars jsonb[], p_event_keys text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.fire_events(p_type text, p_client_ids bigint[], p_vars jsonb[], p_event_keys text[]) TO sms_erp;
GRANT ALL ON FUNCTION sms.fire_events(p_type text, p_client_ids bigint[], p_vars jsonb[], p_event_keys text[]) TO sms_operator;

REVOKE ALL ON FUNCTION sms.fold_parts(p_provider_id smallint, p_ids bigint[], p_parts smallint[], p_states text[], p_errors text[], p_now timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.fold_word(p_word text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.fold_word(p_word text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.follow_link(p_code text, p_user_agent text, p_is_counted boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.follow_link(p_code text, p_user_agent text, p_is_counted boolean) TO sms_dlr;
GRANT ALL ON FUNCTION sms.follow_link(p_code text, p_user_agent text, p_is_counted boolean) TO sms_worker;

REVOKE ALL ON FUNCTION sms.foreign_logins() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.forget_trouble() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.freeze_run(p_run_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.freeze_run(p_run_id bigint) TO sms_worker;

REVOKE ALL ON FUNCTION sms.give_up_launch(p_run_id bigint, p_problem text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.give_up_launch(p_run_id bigint, p_problem text) TO sms_erp;
GRANT ALL ON FUNCTION sms.give_up_launch(p_run_id bigint, p_problem text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.guard_channel() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.guard_goal() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.guard_release() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.guard_trail() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.hide_setting_values() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.hold_changed() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.hold_queued(p_campaign_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.hold_span() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.hold_unreleased() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.holdout_draw(p_campaign_id bigint, p_client_id bigint, p_msisdn bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.hourly_delivery(p_from date, p_until date) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.hourly_delivery(p_from date, p_until date) TO sms_analyst;
GRANT ALL ON FUNCTION sms.hourly_delivery(p_from date, p_until date) TO sms_operator;

REVOKE ALL ON FUNCTION sms.hurry_urgent(p_lanes smallint[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.id_at(p_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.id_at(p_at timestamp with time zone) TO sms_erp;
GRANT ALL ON FUNCTION sms.id_at(p_at timestamp with time zone) TO sms_analyst;
GRANT ALL ON FUNCTION sms.id_at(p_at timestamp with time zone) TO sms_operator;
GRANT ALL ON FUNCTION sms.id_at(p_at timestamp with time zone) TO sms_monitor;
GRANT ALL ON FUNCTION sms.id_at(p_at timestamp with time zone) TO sms_audience;

REVOKE ALL ON FUNCTION sms.id_time(p_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.id_time(p_id bigint) TO sms_erp;
GRANT ALL ON FUNCTION sms.id_time(p_id bigint) TO sms_analyst;
GRANT ALL ON FUNCTION sms.id_time(p_id bigint) TO sms_operator;
GRANT ALL ON FUNCTION sms.id_time(p_id bigint) TO sms_monitor;
GRANT ALL ON FUNCTION sms.id_time(p_id bigint) TO sms_audience;

REVOKE ALL ON FUNCTION sms.in_currency(p_amount numeric, p_currency text, p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.interpret_request(p_channel text, p_phone text, p_body text, p_template text, p_vars jsonb, p_erp_ref text, p_priority smallint, p_not_before timestamp with time zone, p_expires_at timestamp with time zone, p_time_zone text, p_client_id bigint, p_now timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.is_handed_over(p_state text, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.is_handed_over(p_state text, p_reason text) TO sms_analyst;
GRANT ALL ON FUNCTION sms.is_handed_over(p_state text, p_reason text) TO sms_operator;
GRANT ALL ON FUNCTION sms.is_handed_over(p_state text, p_reason text) TO sms_monitor;

REVOKE ALL ON FUNCTION sms.is_owner(p_role name) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.is_owner(p_role name) TO sms_erp;
GRANT ALL ON FUNCTION sms.is_owner(p_role name) TO sms_analyst;
GRANT ALL ON FUNCTION sms.is_owner(p_role name) TO sms_operator;

REVOKE ALL ON FUNCTION sms.is_released(p_campaign sms.campaign, p_run_channel text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.is_released(p_campaign sms.campaign, p_run_channel text) TO sms_erp;
GRANT ALL ON FUNCTION sms.is_released(p_campaign sms.campaign, p_run_channel text) TO sms_analyst;
GRANT ALL ON FUNCTION sms.is_released(p_campaign sms.campaign, p_run_channel text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.is_spent(p_run_id bigint, p_now timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.is_trusted_author(p_role oid) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.is_word_of(p_name text, p_words text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.judge(ids bigint[], as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.judge(ids bigint[], as_of timestamp with time zone) TO sms_erp;
GRANT ALL ON FUNCTION sms.judge(ids bigint[], as_of timestamp with time zone) TO sms_analyst;
GRANT ALL ON FUNCTION sms.judge(ids bigint[], as_of timestamp with time zone) TO sms_operator;

REVOKE ALL ON FUNCTION sms.judge_batch(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.judge_providers(p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.keep_audience() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.keep_breaker_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.keep_code_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.keep_lane_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.known_campaign(p_campaign_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.known_provider(p_provider text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.lane_candidates(p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.lanes_of(p_channel text, p_operator text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.launch_campaign(p_campaign_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.launch_campaign(p_campaign_id bigint) TO sms_erp;
GRANT ALL ON FUNCTION sms.launch_campaign(p_campaign_id bigint) TO sms_operator;

REVOKE ALL ON FUNCTION sms.launch_campaign(p_campaign text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.launch_campaign(p_campaign text) TO sms_erp;
GRANT ALL ON FUNCTION sms.launch_campaign(p_campaign text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.lead_chore(p_chore integer) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.lead_chore(p_chore integer) TO sms_worker;

REVOKE ALL ON FUNCTION sms.learn_numbers(p_limit integer, p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.learn_numbers(p_limit integer, p_as_of timestamp with time zone) TO sms_worker;

REVOKE ALL ON FUNCTION sms.let_go_on(p_campaign_id bigint, p_only_awaiting boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.limit_audience(p_times double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.limit_audience(p_times double precision) TO sms_erp;
GRANT ALL ON FUNCTION sms.limit_audience(p_times double precision) TO sms_analyst;
GRANT ALL ON FUNCTION sms.limit_audience(p_times double precision) TO sms_operator;

REVOKE ALL ON FUNCTION sms.link_code(p_message_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.link_host(p_url text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.link_host(p_url text) TO sms_erp;
GRANT ALL ON FUNCTION sms.link_host(p_url text) TO sms_analyst;
GRANT ALL ON FUNCTION sms.link_host(p_url text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.link_letters() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.link_month_no(p_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.link_pattern() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.list_holidays(p_from date, p_until date) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.list_holidays(p_from date, p_until date) TO sms_analyst;
GRANT ALL ON FUNCTION sms.list_holidays(p_from date, p_until date) TO sms_operator;

REVOKE ALL ON FUNCTION sms.list_providers() FROM PUBLIC;
GRANT ALL ON FUNCTION sms.list_providers() TO sms_operator;
GRANT ALL ON FUNCTION sms.list_providers() TO sms_worker;
GRANT ALL ON FUNCTION sms.list_providers() TO sms_dlr;

REVOKE ALL ON FUNCTION sms.list_routes() FROM PUBLIC;
GRANT ALL ON FUNCTION sms.list_routes() TO sms_operator;
GRANT ALL ON FUNCTION sms.list_routes() TO sms_monitor;

REVOKE ALL ON FUNCTION sms.local_moment(p_zones text[], p_time time without time zone, p_after timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.log_activity(p_action text, p_kind text, p_name text, p_detail jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.looks_secret(p_name text, p_value text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.maintain_partitions(p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.maintain_partitions(p_as_of timestamp with time zone) TO sms_worker;

REVOKE ALL ON FUNCTION sms.make_months(p_from timestamp with time zone, p_until timestamp with time zone, p_tables text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.make_planned(p_limit integer, p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.make_planned(p_limit integer, p_as_of timestamp with time zone) TO sms_worker;

REVOKE ALL ON FUNCTION sms.mark_submitting(p_claim_id bigint, p_ids bigint[], p_keys text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.mark_submitting(p_claim_id bigint, p_ids bigint[], p_keys text[]) TO sms_worker;

REVOKE ALL ON FUNCTION sms.mask_phones(p_text text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.mask_phones(p_text text) TO sms_worker;
GRANT ALL ON FUNCTION sms.mask_phones(p_text text) TO sms_erp;
GRANT ALL ON FUNCTION sms.mask_phones(p_text text) TO sms_analyst;
GRANT ALL ON FUNCTION sms.mask_phones(p_text text) TO sms_operator;
GRANT ALL ON FUNCTION sms.mask_phones(p_text text) TO sms_monitor;

REVOKE ALL ON FUNCTION sms.match_receipts(p_limit integer, p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.match_receipts(p_limit integer, p_as_of timestamp with time zone) TO sms_worker;

REVOKE ALL ON FUNCTION sms.may_feed(p_run sms.campaign_run) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.may_read_texts() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.metric_values() FROM PUBLIC;
GRANT ALL ON FUNCTION sms.metric_values() TO sms_worker;
GRANT ALL ON FUNCTION sms.metric_values() TO sms_monitor;
GRANT ALL ON FUNCTION sms.metric_values() TO sms_operator;

REVOKE ALL ON FUNCTION sms.month_effect(p_month date) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.month_effect(p_month date) TO sms_analyst;
GRANT ALL ON FUNCTION sms.month_effect(p_month date) TO sms_operator;
GRANT ALL ON FUNCTION sms.month_effect(p_month date) TO sms_monitor;

REVOKE ALL ON FUNCTION sms.month_fees() FROM PUBLIC;
GRANT ALL ON FUNCTION sms.month_fees() TO sms_analyst;
GRANT ALL ON FUNCTION sms.month_fees() TO sms_operator;
GRANT ALL ON FUNCTION sms.month_fees() TO sms_monitor;

REVOKE ALL ON FUNCTION sms.month_plan(p_month date) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.month_plan(p_month date) TO sms_analyst;
GRANT ALL ON FUNCTION sms.month_plan(p_month date) TO sms_operator;
GRANT ALL ON FUNCTION sms.month_plan(p_month date) TO sms_monitor;

REVOKE ALL ON FUNCTION sms.month_segments(p_provider_id smallint, p_operator_id smallint, p_category text, p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.monthly_tables() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.move_breakers(p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.move_remapped(p_ids bigint[], p_states text[], p_errors text[], p_now timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.my_channels() FROM PUBLIC;
GRANT ALL ON FUNCTION sms.my_channels() TO sms_erp;
GRANT ALL ON FUNCTION sms.my_channels() TO sms_analyst;
GRANT ALL ON FUNCTION sms.my_channels() TO sms_operator;
GRANT ALL ON FUNCTION sms.my_channels() TO sms_monitor;
GRANT ALL ON FUNCTION sms.my_channels() TO sms_worker;
GRANT ALL ON FUNCTION sms.my_channels() TO sms_dlr;
GRANT ALL ON FUNCTION sms.my_channels() TO sms_window;
GRANT ALL ON FUNCTION sms.my_channels() TO sms_audience;

REVOKE ALL ON FUNCTION sms.my_event_types() FROM PUBLIC;
GRANT ALL ON FUNCTION sms.my_event_types() TO sms_erp;
GRANT ALL ON FUNCTION sms.my_event_types() TO sms_analyst;
GRANT ALL ON FUNCTION sms.my_event_types() TO sms_operator;
GRANT ALL ON FUNCTION sms.my_event_types() TO sms_monitor;
GRANT ALL ON FUNCTION sms.my_event_types() TO sms_worker;
GRANT ALL ON FUNCTION sms.my_event_types() TO sms_dlr;
GRANT ALL ON FUNCTION sms.my_event_types() TO sms_window;
GRANT ALL ON FUNCTION sms.my_event_types() TO sms_audience;

REVOKE ALL ON FUNCTION sms.my_lanes() FROM PUBLIC;
GRANT ALL ON FUNCTION sms.my_lanes() TO sms_erp;
GRANT ALL ON FUNCTION sms.my_lanes() TO sms_analyst;
GRANT ALL ON FUNCTION sms.my_lanes() TO sms_operator;
GRANT ALL ON FUNCTION sms.my_lanes() TO sms_monitor;
GRANT ALL ON FUNCTION sms.my_lanes() TO sms_worker;
GRANT ALL ON FUNCTION sms.my_lanes() TO sms_dlr;
GRANT ALL ON FUNCTION sms.my_lanes() TO sms_window;
GRANT ALL ON FUNCTION sms.my_lanes() TO sms_audience;

REVOKE ALL ON FUNCTION sms.my_messages(p_ids bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.my_rules() FROM PUBLIC;
GRANT ALL ON FUNCTION sms.my_rules() TO sms_erp;
GRANT ALL ON FUNCTION sms.my_rules() TO sms_analyst;
GRANT ALL ON FUNCTION sms.my_rules() TO sms_operator;
GRANT ALL ON FUNCTION sms.my_rules() TO sms_monitor;
GRANT ALL ON FUNCTION sms.my_rules() TO sms_worker;
GRANT ALL ON FUNCTION sms.my_rules() TO sms_dlr;
GRANT ALL ON FUNCTION sms.my_rules() TO sms_window;
GRANT ALL ON FUNCTION sms.my_rules() TO sms_audience;

REVOKE ALL ON FUNCTION sms.name_messages(p_claim_ids bigint[], p_ids bigint[], p_now timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.named_moment(p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.needs_release(p_campaign sms.campaign, p_run_channel text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.needs_ucs2(p_text text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.needs_ucs2(p_text text) TO sms_erp;
GRANT ALL ON FUNCTION sms.needs_ucs2(p_text text) TO sms_analyst;
GRANT ALL ON FUNCTION sms.needs_ucs2(p_text text) TO sms_operator;
GRANT ALL ON FUNCTION sms.needs_ucs2(p_text text) TO sms_monitor;
GRANT ALL ON FUNCTION sms.needs_ucs2(p_text text) TO sms_audience;

REVOKE ALL ON FUNCTION sms.normalize_msisdn(p_phone text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.normalize_msisdn(p_phone text) TO sms_erp;
GRANT ALL ON FUNCTION sms.normalize_msisdn(p_phone text) TO sms_analyst;
GRANT ALL ON FUNCTION sms.normalize_msisdn(p_phone text) TO sms_operator;
GRANT ALL ON FUNCTION sms.normalize_msisdn(p_phone text) TO sms_monitor;
GRANT ALL ON FUNCTION sms.normalize_msisdn(p_phone text) TO sms_audience;

REVOKE ALL ON FUNCTION sms.not_contacted(p_client_id bigint, p_days numeric, p_channel text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.not_contacted(p_client_id bigint, p_days numeric, p_channel text) TO sms_erp;
GRANT ALL ON FUNCTION sms.not_contacted(p_client_id bigint, p_days numeric, p_channel text) TO sms_analyst;
GRANT ALL ON FUNCTION sms.not_contacted(p_client_id bigint, p_days numeric, p_channel text) TO sms_operator;
GRANT ALL ON FUNCTION sms.not_contacted(p_client_id bigint, p_days numeric, p_channel text) TO sms_audience;

REVOKE ALL ON FUNCTION sms.note_statistics() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.note_troubles(p_ids bigint[], p_now timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.numbering_changes(OUT numbers bigint, OUT added bigint, OUT removed bigint, OUT changed_operator bigint, OUT changed_zone bigint, OUT unchanged bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.obey_replies(p_inbound_ids bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.open_runs(p_campaign_id bigint, p_states text[], p_wish text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.open_walls() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.outcome_status(p_since timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.outcome_status(p_since timestamp with time zone) TO sms_operator;
GRANT ALL ON FUNCTION sms.outcome_status(p_since timestamp with time zone) TO sms_monitor;
GRANT ALL ON FUNCTION sms.outcome_status(p_since timestamp with time zone) TO sms_worker;

REVOKE ALL ON FUNCTION sms.own_launch(p_run_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.partition_months(p_table text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.pause_campaign(p_campaign_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.pause_campaign(p_campaign_id bigint) TO sms_erp;
GRANT ALL ON FUNCTION sms.pause_campaign(p_campaign_id bigint) TO sms_operator;

REVOKE ALL ON FUNCTION sms.pause_campaign(p_campaign text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.pause_campaign(p_campaign text) TO sms_erp;
GRANT ALL ON FUNCTION sms.pause_campaign(p_campaign text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.period_start(p_period text, p_span interval, p_zones text[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.phone_problem(p_phone text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.phone_problem(p_phone text) TO sms_erp;
GRANT ALL ON FUNCTION sms.phone_problem(p_phone text) TO sms_analyst;
GRANT ALL ON FUNCTION sms.phone_problem(p_phone text) TO sms_operator;
GRANT ALL ON FUNCTION sms.phone_problem(p_phone text) TO sms_monitor;
GRANT ALL ON FUNCTION sms.phone_problem(p_phone text) TO sms_audience;

REVOKE ALL ON FUNCTION sms.plan_run(p_run_id bigint, p_moment timestamp with time zone, p_skipped integer) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.plan_run(p_run_id bigint, p_moment timestamp with time zone, p_skipped integer) TO sms_worker;

REVOKE ALL ON FUNCTION sms.point_lanes(p_as_of timestamp with time zone, p_at_once smallint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.possible_zones(p_channel text, p_phone text, p_client_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.preview_audience(p_audience text, p_limit integer, p_template text, p_channel text, p_show_phones boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.preview_audience(p_audience text, p_limit integer, p_template text, p_channel text, p_show_phones boolean) TO sms_erp;
GRANT ALL ON FUNCTION sms.preview_audience(p_audience text, p_limit integer, p_template text, p_channel text, p_show_phones boolean) TO sms_analyst;
GRANT ALL ON FUNCTION sms.preview_audience(p_audience text, p_limit integer, p_template text, p_channel text, p_show_phones boolean) TO sms_operator;

REVOKE ALL ON FUNCTION sms.preview_body(p_body text, p_variables jsonb, p_vars jsonb, p_channel text, p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.preview_body(p_body text, p_variables jsonb, p_vars jsonb, p_channel text, p_as_of timestamp with time zone) TO sms_erp;
GRANT ALL ON FUNCTION sms.preview_body(p_body text, p_variables jsonb, p_vars jsonb, p_channel text, p_as_of timestamp with time zone) TO sms_operator;

REVOKE ALL ON FUNCTION sms.preview_template(p_template text, p_vars jsonb, p_channel text, p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.preview_template(p_template text, p_vars jsonb, p_channel text, p_as_of timestamp with time zone) TO sms_erp;
GRANT ALL ON FUNCTION sms.preview_template(p_template text, p_vars jsonb, p_channel text, p_as_of timestamp with time zone) TO sms_operator;

REVOKE ALL ON FUNCTION sms.preview_text(p_body text, p_channel text, p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.preview_text(p_body text, p_channel text, p_as_of timestamp with time zone) TO sms_erp;
GRANT ALL ON FUNCTION sms.preview_text(p_body text, p_channel text, p_as_of timestamp with time zone) TO sms_operator;

REVOKE ALL ON FUNCTION sms.price_doubted(p_ids bigint[], p_now timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.price_list() FROM PUBLIC;
GRANT ALL ON FUNCTION sms.price_list() TO sms_analyst;
GRANT ALL ON FUNCTION sms.price_list() TO sms_operator;

REVOKE ALL ON FUNCTION sms.price_recipients(p_run sms.campaign_run, p_zone_id smallint, p_fed_up_to bigint, p_count integer, p_now timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.provider_named(p_provider text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.provider_window(p_as_of timestamp with time zone, p_every_epoch boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.provider_window(p_as_of timestamp with time zone, p_every_epoch boolean) TO sms_operator;
GRANT ALL ON FUNCTION sms.provider_window(p_as_of timestamp with time zone, p_every_epoch boolean) TO sms_monitor;

REVOKE ALL ON FUNCTION sms.prune_history(p_as_of timestamp with time zone, p_limit integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.public_functions() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.queue_status() FROM PUBLIC;
GRANT ALL ON FUNCTION sms.queue_status() TO sms_operator;
GRANT ALL ON FUNCTION sms.queue_status() TO sms_monitor;
GRANT ALL ON FUNCTION sms.queue_status() TO sms_worker;

REVOKE ALL ON FUNCTION sms.quiet_until(p_category text, p_zones text[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.quiet_windows(p_category text, p_zone text, p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.read_clients(p_client_ids bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.read_phone(p_phone text, OUT msisdn bigint, OUT problem text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.read_phone(p_phone text, OUT msisdn bigint, OUT problem text) TO sms_erp;
GRANT ALL ON FUNCTION sms.read_phone(p_phone text, OUT msisdn bigint, OUT problem text) TO sms_analyst;
GRANT ALL ON FUNCTION sms.read_phone(p_phone text, OUT msisdn bigint, OUT problem text) TO sms_operator;
GRANT ALL ON FUNCTION sms.read_phone(p_phone text, OUT msisdn bigint, OUT problem text) TO sms_monitor;
GRANT ALL ON FUNCTION sms.read_phone(p_phone text, OUT msisdn bigint, OUT problem text) TO sms_audience;

REVOKE ALL ON FUNCTION sms.received_but_did_not(p_what text, p_action text, p_days numeric) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.received_but_did_not(p_what text, p_action text, p_days numeric) TO sms_erp;
GRANT ALL ON FUNCTION sms.received_but_did_not(p_what text, p_action text, p_days numeric) TO sms_analyst;
GRANT ALL ON FUNCTION sms.received_but_did_not(p_what text, p_action text, p_days numeric) TO sms_operator;
GRANT ALL ON FUNCTION sms.received_but_did_not(p_what text, p_action text, p_days numeric) TO sms_audience;

REVOKE ALL ON FUNCTION sms.recompute_parts(p_ids bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.recompute_states(p_ids bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.record_answers(p_provider text, p_asked_at timestamp with time zone, p_ids bigint[], p_verdicts text[], p_refs text[], p_absent_after interval) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.record_answers(p_provider text, p_asked_at timestamp with time zone, p_ids bigint[], p_verdicts text[], p_refs text[], p_absent_after interval) TO sms_worker;

REVOKE ALL ON FUNCTION sms.record_balance(p_provider text, p_amount numeric, p_currency text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.record_balance(p_provider text, p_amount numeric, p_currency text) TO sms_worker;

REVOKE ALL ON FUNCTION sms.record_inbound(p_provider text, p_refs text[], p_senders text[], p_sent_tos text[], p_bodies text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.record_inbound(p_provider text, p_refs text[], p_senders text[], p_sent_tos text[], p_bodies text[]) TO sms_worker;
GRANT ALL ON FUNCTION sms.record_inbound(p_provider text, p_refs text[], p_senders text[], p_sent_tos text[], p_bodies text[]) TO sms_dlr;

REVOKE ALL ON FUNCTION sms.record_receipts(p_provider text, p_message_ids bigint[], p_refs text[], p_codes text[], p_errors text[], p_occurred_ats timestamp with time zone[], p_raws text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.record_receipts(p_provider text, p_message_ids bigint[], p_refs text[], p_codes text[], p_errors text[], p_occurred_ats timestamp with time zone[], p_raws text[]) TO sms_worker;
GRANT ALL ON FUNCTION sms.record_receipts(p_provider text, p_message_ids bigint[], p_refs text[], p_codes text[], p_errors text[], p_occurred_ats timestamp with time zone[], p_raws text[]) TO sms_dlr;

REVOKE ALL ON FUNCTION sms.refuse_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.refuse_changed_session(p_before text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.refuse_consent_edit() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.refuse_id() FROM PUBLIC;
GRANT ALL ON FUNCTION sms.refuse_id() TO sms_erp;

REVOKE ALL ON FUNCTION sms.refuse_illegal_move() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.refuse_launch(p_campaign sms.campaign, p_now timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.refuse_missing_month() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.refuse_nonsense_route(p_providers text[], p_policy text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.refuse_open_reader() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.refuse_strangers(p_query text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.refuse_unfit_audience(p_query text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.refuse_unfit_declaration(p_variables jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.refuse_unfit_provider() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.refuse_unfit_rows(p_rows sms.outbox[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.refuse_unfit_template(p_body text, p_variables jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.refuse_unknown_names(p_channels text[], p_templates text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.refuse_unlisted(p_relations oid[], p_functions oid[], p_types oid[], p_nodes text[], p_other text[], p_locks boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.refuse_unlisted_words(p_query text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.refuse_unreleased(p_campaign sms.campaign, p_run_channel text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.refuse_unsafe_select(p_query text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.refuse_waiver(p_old sms.campaign, p_new sms.campaign) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.refuse_waiver(p_old sms.campaign, p_new sms.campaign) TO sms_operator;

REVOKE ALL ON FUNCTION sms.region_zones(p_region text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.release_campaign(p_campaign_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.release_campaign(p_campaign_id bigint) TO sms_erp;
GRANT ALL ON FUNCTION sms.release_campaign(p_campaign_id bigint) TO sms_operator;

REVOKE ALL ON FUNCTION sms.release_campaign(p_campaign text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.release_campaign(p_campaign text) TO sms_erp;
GRANT ALL ON FUNCTION sms.release_campaign(p_campaign text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.release_queued(p_campaign_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.remap_receipts(p_since timestamp with time zone, p_apply boolean, p_adapter text, p_until timestamp with time zone, p_after bigint, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.remap_receipts(p_since timestamp with time zone, p_apply boolean, p_adapter text, p_until timestamp with time zone, p_after bigint, p_limit integer) TO sms_operator;

REVOKE ALL ON FUNCTION sms.remove_audience(p_audience text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.remove_audience(p_audience text) TO sms_analyst;
GRANT ALL ON FUNCTION sms.remove_audience(p_audience text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.remove_event_rule(p_rule text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.remove_event_rule(p_rule text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.remove_route(p_channel text, p_operator text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.remove_route(p_channel text, p_operator text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.render(p_body text, p_vars jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.render(p_body text, p_vars jsonb) TO sms_erp;
GRANT ALL ON FUNCTION sms.render(p_body text, p_vars jsonb) TO sms_operator;

REVOKE ALL ON FUNCTION sms.replace_numbering(OUT ranges integer, OUT numbers bigint, OUT added bigint, OUT removed bigint, OUT changed_operator bigint, OUT changed_zone bigint, OUT unchanged bigint, OUT unknown_regions text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.replace_numbering(OUT ranges integer, OUT numbers bigint, OUT added bigint, OUT removed bigint, OUT changed_operator bigint, OUT changed_zone bigint, OUT unchanged bigint, OUT unknown_regions text[]) TO sms_operator;

REVOKE ALL ON FUNCTION sms.replan_event_rule() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.report(p_from timestamp with time zone, p_until timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.report(p_from timestamp with time zone, p_until timestamp with time zone) TO sms_analyst;
GRANT ALL ON FUNCTION sms.report(p_from timestamp with time zone, p_until timestamp with time zone) TO sms_operator;

REVOKE ALL ON FUNCTION sms.report_health(p_worker text, p_reports jsonb, p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.report_health(p_worker text, p_reports jsonb, p_as_of timestamp with time zone) TO sms_worker;

REVOKE ALL ON FUNCTION sms.resolve_uncertain(p_ids bigint[], p_verdict text, p_detail text, p_decided_by text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.resolve_uncertain(p_ids bigint[], p_verdict text, p_detail text, p_decided_by text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.respell(p_text text, p_kind text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.respell(p_text text, p_kind text) TO sms_erp;
GRANT ALL ON FUNCTION sms.respell(p_text text, p_kind text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.respelled(p_text text, p_kind text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.respelled(p_text text, p_kind text) TO sms_erp;
GRANT ALL ON FUNCTION sms.respelled(p_text text, p_kind text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.resume_campaign(p_campaign_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.resume_campaign(p_campaign_id bigint) TO sms_erp;
GRANT ALL ON FUNCTION sms.resume_campaign(p_campaign_id bigint) TO sms_operator;

REVOKE ALL ON FUNCTION sms.resume_campaign(p_campaign text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.resume_campaign(p_campaign text) TO sms_erp;
GRANT ALL ON FUNCTION sms.resume_campaign(p_campaign text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.retention(p_table text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.retry_at(p_now timestamp with time zone, p_base interval, p_attempt integer, p_after_s integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.roll_up_statistics(p_limit integer, p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.roll_up_statistics(p_limit integer, p_as_of timestamp with time zone) TO sms_worker;
GRANT ALL ON FUNCTION sms.roll_up_statistics(p_limit integer, p_as_of timestamp with time zone) TO sms_operator;

REVOKE ALL ON FUNCTION sms.rule_blacklist(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.rule_budget(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.rule_cap(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.rule_consent(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.rule_duplicate(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.rule_duplicate_ref(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.rule_expired(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.rule_holdout(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.rule_key(p_row jsonb, p_columns text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.rule_quiet_hours(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.rule_version(p_table text, p_key text, p_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.rules_as_of(p_at timestamp with time zone, p_table text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.rules_as_of(p_at timestamp with time zone, p_table text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.run_audience(p_audience text, p_limit bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.run_audience(p_audience text, p_limit bigint) TO sms_erp;
GRANT ALL ON FUNCTION sms.run_audience(p_audience text, p_limit bigint) TO sms_analyst;
GRANT ALL ON FUNCTION sms.run_audience(p_audience text, p_limit bigint) TO sms_operator;
GRANT ALL ON FUNCTION sms.run_audience(p_audience text, p_limit bigint) TO sms_audience;

REVOKE ALL ON FUNCTION sms.run_cost(p_run_id bigint, p_now timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.run_goal(p_goal_id integer, p_since timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.save_audience(p_audience text, p_query text, p_title text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.save_audience(p_audience text, p_query text, p_title text) TO sms_analyst;
GRANT ALL ON FUNCTION sms.save_audience(p_audience text, p_query text, p_title text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.save_campaign(p_campaign text, p_template text, p_audience text, p_channel text, p_start_at timestamp with time zone, p_local_time time without time zone, p_cron text, p_cron_zone text, p_missed_runs text, p_per_hour integer, p_ends_at timestamp with time zone, p_budget numeric, p_holdout_percent numeric, p_needs_release boolean, p_clear text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.save_campaign(p_campaign text, p_template text, p_audience text, p_channel text, p_start_at timestamp with time zone, p_local_time time without time zone, p_cron text, p_cron_zone text, p_missed_runs text, p_per_hour integer, p_ends_at timestamp with time zone, p_budget numeric, p_holdout_percent numeric, p_needs_release boolean, p_clear text[]) TO sms_operator;

REVOKE ALL ON FUNCTION sms.save_forecast(p_months date[], p_scenarios text[], p_channels text[], p_providers text[], p_messages numeric[], p_lows numeric[], p_highs numeric[], p_segments numeric[], p_costs numeric[]) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.save_forecast(p_months date[], p_scenarios text[], p_channels text[], p_providers text[], p_messages numeric[], p_lows numeric[], p_highs numeric[], p_segments numeric[], p_costs numeric[]) TO sms_analyst;
GRANT ALL ON FUNCTION sms.save_forecast(p_months date[], p_scenarios text[], p_channels text[], p_providers text[], p_messages numeric[], p_lows numeric[], p_highs numeric[], p_segments numeric[], p_costs numeric[]) TO sms_operator;

REVOKE ALL ON FUNCTION sms.save_template(p_template text, p_body text, p_variables jsonb, p_title text, p_note text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.save_template(p_template text, p_body text, p_variables jsonb, p_title text, p_note text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.scheduled_campaigns(p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.scheduled_campaigns(p_as_of timestamp with time zone) TO sms_analyst;
GRANT ALL ON FUNCTION sms.scheduled_campaigns(p_as_of timestamp with time zone) TO sms_operator;

REVOKE ALL ON FUNCTION sms.segment_price(p_provider_id smallint, p_operator_id smallint, p_category text, p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.segments(p_text text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.segments(p_text text) TO sms_erp;
GRANT ALL ON FUNCTION sms.segments(p_text text) TO sms_analyst;
GRANT ALL ON FUNCTION sms.segments(p_text text) TO sms_operator;
GRANT ALL ON FUNCTION sms.segments(p_text text) TO sms_monitor;
GRANT ALL ON FUNCTION sms.segments(p_text text) TO sms_audience;

REVOKE ALL ON FUNCTION sms.select_functions(p_functions oid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.select_nodes(p_nodes text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.select_types(p_types oid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.sent_text(p_channel_id smallint, p_text text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.session_objects() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.session_state() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.set_balance_limit(p_provider text, p_warn_below numeric) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.set_balance_limit(p_provider text, p_warn_below numeric) TO sms_operator;

REVOKE ALL ON FUNCTION sms.set_breaker(p_provider text, p_settings jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.set_breaker(p_provider text, p_settings jsonb) TO sms_operator;

REVOKE ALL ON FUNCTION sms.set_event_rule(p_rule text, p_settings jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.set_event_rule(p_rule text, p_settings jsonb) TO sms_operator;

REVOKE ALL ON FUNCTION sms.set_event_type(p_event_type text, p_title text, p_variables jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.set_event_type(p_event_type text, p_title text, p_variables jsonb) TO sms_operator;

REVOKE ALL ON FUNCTION sms.set_provider(p_provider text, p_adapter text, p_settings jsonb, p_secret_env text, p_tps numeric, p_max_batch integer, p_is_enabled boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.set_provider(p_provider text, p_adapter text, p_settings jsonb, p_secret_env text, p_tps numeric, p_max_batch integer, p_is_enabled boolean) TO sms_operator;

REVOKE ALL ON FUNCTION sms.set_route(p_channel text, p_providers text[], p_policy text, p_operator text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.set_route(p_channel text, p_providers text[], p_policy text, p_operator text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.setting_paths(p_settings jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.settle(p_claim_id bigint, p_ids bigint[], p_results text[], p_segments smallint[], p_details text[], p_retry_after_s integer[], p_ref_ids bigint[], p_refs text[], p_cost_ids bigint[], p_costs numeric[]) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.settle(p_claim_id bigint, p_ids bigint[], p_results text[], p_segments smallint[], p_details text[], p_retry_after_s integer[], p_ref_ids bigint[], p_refs text[], p_cost_ids bigint[], p_costs numeric[]) TO sms_worker;

REVOKE ALL ON FUNCTION sms.shorten_links(p_message_id bigint, p_text text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.somebody_sleeps(p_gate integer) FROM PUBLIC;

GRANT SELECT ON TABLE sms.number_range TO sms_analyst;
GRANT SELECT ON TABLE sms.number_range TO sms_operator;
GRANT SELECT ON TABLE sms.number_range TO sms_audience;

REVOKE ALL ON FUNCTION sms.staged_ranges() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.stamp_author() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.stamp_member() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.stamp_withdrawal() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.start_run(p_run_id bigint, p_next timestamp with time zone, p_skipped integer) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.start_run(p_run_id bigint, p_next timestamp with time zone, p_skipped integer) TO sms_worker;

REVOKE ALL ON FUNCTION sms.stat_hour_at(p_hour_no integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.stat_hour_no(p_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.state_rank(p_state text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.statistics(p_from date, p_until date, p_by text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.statistics(p_from date, p_until date, p_by text[]) TO sms_analyst;
GRANT ALL ON FUNCTION sms.statistics(p_from date, p_until date, p_by text[]) TO sms_operator;
GRANT ALL ON FUNCTION sms.statistics(p_from date, p_until date, p_by text[]) TO sms_monitor;

REVOKE ALL ON FUNCTION sms.statistics_hours_since() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.statistics_zone() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.stop_campaign(p_campaign_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.stop_campaign(p_campaign_id bigint) TO sms_erp;
GRANT ALL ON FUNCTION sms.stop_campaign(p_campaign_id bigint) TO sms_operator;

REVOKE ALL ON FUNCTION sms.stop_campaign(p_campaign text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.stop_campaign(p_campaign text) TO sms_erp;
GRANT ALL ON FUNCTION sms.stop_campaign(p_campaign text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.strangers_objects() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.suppress_queued(p_campaign_id bigint, p_reason text, p_detail text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.sweep_campaigns() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.sweep_recipients(p_limit integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.switch_channel(p_channel text, p_provider text, p_operator text, p_reason text, p_until timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.switch_channel(p_channel text, p_provider text, p_operator text, p_reason text, p_until timestamp with time zone) TO sms_operator;

REVOKE ALL ON FUNCTION sms.take_balance_turn(p_provider text, p_every interval) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.take_balance_turn(p_provider text, p_every interval) TO sms_worker;

REVOKE ALL ON FUNCTION sms.take_doubtful(p_provider text, p_limit integer, p_every interval, p_hold interval, p_after interval, p_pauses interval[]) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.take_doubtful(p_provider text, p_limit integer, p_every interval, p_hold interval, p_after interval, p_pauses interval[]) TO sms_worker;

REVOKE ALL ON FUNCTION sms.take_import_turn(p_kind text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.take_import_turn(p_kind text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.take_overdue(p_provider text, p_limit integer, p_every interval, p_hold interval, p_until interval, p_pauses interval[]) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.take_overdue(p_provider text, p_limit integer, p_every interval, p_hold interval, p_until interval, p_pauses interval[]) TO sms_worker;

REVOKE ALL ON FUNCTION sms.take_route_notices(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.take_route_notices(p_limit integer) TO sms_worker;

REVOKE ALL ON FUNCTION sms.take_turn(p_provider_id smallint, p_every interval, p_hold interval, p_now timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.tell_change(p_old jsonb, p_new jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.tell_change(p_old jsonb, p_new jsonb) TO sms_erp;
GRANT ALL ON FUNCTION sms.tell_change(p_old jsonb, p_new jsonb) TO sms_analyst;
GRANT ALL ON FUNCTION sms.tell_change(p_old jsonb, p_new jsonb) TO sms_operator;

REVOKE ALL ON FUNCTION sms.tell_value(p_name text, p_value text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.tell_value(p_name text, p_value text) TO sms_erp;
GRANT ALL ON FUNCTION sms.tell_value(p_name text, p_value text) TO sms_analyst;
GRANT ALL ON FUNCTION sms.tell_value(p_name text, p_value text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.template_needs(p_template text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.template_variables(p_body text, p_variables jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.template_variables(p_body text, p_variables jsonb) TO sms_erp;
GRANT ALL ON FUNCTION sms.template_variables(p_body text, p_variables jsonb) TO sms_operator;

REVOKE ALL ON FUNCTION sms.told_facts(p_batch sms.candidate[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.told_route_notices(p_ids bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.told_route_notices(p_ids bigint[]) TO sms_worker;

REVOKE ALL ON FUNCTION sms.try_sleep(p_gate integer) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.try_sleep(p_gate integer) TO sms_worker;

REVOKE ALL ON FUNCTION sms.understand_reply(p_body text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.understand_reply(p_body text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.unfrozen_runs(p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.unfrozen_runs(p_as_of timestamp with time zone) TO sms_worker;

REVOKE ALL ON FUNCTION sms.unpin_channel(p_channel text, p_operator text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.unpin_channel(p_channel text, p_operator text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.uplift(p_goal text, p_campaign text, p_from timestamp with time zone, p_until timestamp with time zone, p_confidence numeric) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.uplift(p_goal text, p_campaign text, p_from timestamp with time zone, p_until timestamp with time zone, p_confidence numeric) TO sms_analyst;
GRANT ALL ON FUNCTION sms.uplift(p_goal text, p_campaign text, p_from timestamp with time zone, p_until timestamp with time zone, p_confidence numeric) TO sms_operator;

REVOKE ALL ON FUNCTION sms.uplift_interval(p_treated bigint, p_treated_converted bigint, p_held_out bigint, p_held_out_converted bigint, p_confidence numeric) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.uplift_interval(p_treated bigint, p_treated_converted bigint, p_held_out bigint, p_held_out_converted bigint, p_confidence numeric) TO sms_analyst;
GRANT ALL ON FUNCTION sms.uplift_interval(p_treated bigint, p_treated_converted bigint, p_held_out bigint, p_held_out_converted bigint, p_confidence numeric) TO sms_operator;

REVOKE ALL ON FUNCTION sms.wake(p_urgent boolean, p_bulk boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.wake_up(p_gate integer, p_slot integer) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.wake_up(p_gate integer, p_slot integer) TO sms_worker;

REVOKE ALL ON FUNCTION sms.watch_budgets(p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.watch_budgets(p_as_of timestamp with time zone) TO sms_worker;

REVOKE ALL ON FUNCTION sms.watch_busy_numbers() FROM PUBLIC;
GRANT ALL ON FUNCTION sms.watch_busy_numbers() TO sms_worker;

REVOKE ALL ON FUNCTION sms.watch_routes(p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.watch_routes(p_as_of timestamp with time zone) TO sms_worker;

REVOKE ALL ON FUNCTION sms.weigh_events(p_event_ids bigint[], p_rule_ids integer[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.wilson_bound(p_share double precision, p_n bigint, p_z double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.wilson_bound(p_share double precision, p_n bigint, p_z double precision) TO sms_analyst;
GRANT ALL ON FUNCTION sms.wilson_bound(p_share double precision, p_n bigint, p_z double precision) TO sms_operator;

REVOKE ALL ON FUNCTION sms.with_declared_defaults(p_body text, p_variables jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.with_short_links(p_text text, p_codes text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.work_left(p_receipt_wait interval, p_as_of timestamp with time zone, p_ask_wait interval) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.work_left(p_receipt_wait interval, p_as_of timestamp with time zone, p_ask_wait interval) TO sms_operator;
GRANT ALL ON FUNCTION sms.work_left(p_receipt_wait interval, p_as_of timestamp with time zone, p_ask_wait interval) TO sms_monitor;
GRANT ALL ON FUNCTION sms.work_left(p_receipt_wait interval, p_as_of timestamp with time zone, p_ask_wait interval) TO sms_worker;

REVOKE ALL ON FUNCTION sms.worst_hours(p_from timestamp with time zone, p_until timestamp with time zone, p_limit integer, p_least integer) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.worst_hours(p_from timestamp with time zone, p_until timestamp with time zone, p_limit integer, p_least integer) TO sms_analyst;
GRANT ALL ON FUNCTION sms.worst_hours(p_from timestamp with time zone, p_until timestamp with time zone, p_limit integer, p_least integer) TO sms_operator;
GRANT ALL ON FUNCTION sms.worst_hours(p_from timestamp with time zone, p_until timestamp with time zone, p_limit integer, p_least integer) TO sms_monitor;

REVOKE ALL ON FUNCTION sms_audience.analyse_select(p_query text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms_audience.analyse_select(p_query text) TO outbox;

REVOKE ALL ON FUNCTION sms_audience.parse_select(p_query text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms_audience.parse_select(p_query text) TO outbox;

REVOKE ALL ON FUNCTION sms_audience.plan_select(p_query text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms_audience.plan_select(p_query text) TO outbox;

REVOKE ALL ON FUNCTION sms_audience.read_goal(p_query text, p_since timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms_audience.read_goal(p_query text, p_since timestamp with time zone) TO outbox;

REVOKE ALL ON FUNCTION sms_audience.read_people(p_statement text, p_limit bigint, p_until timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms_audience.read_people(p_statement text, p_limit bigint, p_until timestamp with time zone) TO outbox;

REVOKE ALL ON FUNCTION sms_audience.read_requests(p_query text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms_audience.read_requests(p_query text) TO outbox;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE erp.local_action TO sms_erp;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE erp.local_action TO sms_operator;

GRANT SELECT ON TABLE erp.action TO sms_erp;
GRANT SELECT ON TABLE erp.action TO sms_analyst;
GRANT SELECT ON TABLE erp.action TO sms_operator;
GRANT SELECT ON TABLE erp.action TO sms_audience;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE erp.local_client TO sms_erp;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE erp.local_client TO sms_operator;

GRANT SELECT ON TABLE erp.client TO sms_erp;
GRANT SELECT ON TABLE erp.client TO sms_analyst;
GRANT SELECT ON TABLE erp.client TO sms_operator;
GRANT SELECT ON TABLE erp.client TO sms_audience;

GRANT SELECT ON TABLE geo.client_location TO sms_analyst;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE geo.client_location TO sms_operator;
GRANT SELECT ON TABLE geo.client_location TO sms_audience;

GRANT SELECT ON TABLE geo.metro_station TO sms_analyst;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE geo.metro_station TO sms_operator;
GRANT SELECT ON TABLE geo.metro_station TO sms_audience;

GRANT SELECT ON TABLE sms.activity TO sms_erp;
GRANT SELECT ON TABLE sms.activity TO sms_analyst;
GRANT SELECT ON TABLE sms.activity TO sms_operator;
GRANT SELECT ON TABLE sms.activity TO sms_audience;

GRANT SELECT ON TABLE sms.rule_change TO sms_operator;

GRANT SELECT ON TABLE sms.template TO sms_erp;
GRANT SELECT,INSERT,UPDATE ON TABLE sms.template TO sms_operator;

GRANT SELECT ON TABLE sms.activity_log TO sms_erp;
GRANT SELECT ON TABLE sms.activity_log TO sms_analyst;
GRANT SELECT ON TABLE sms.activity_log TO sms_operator;
GRANT SELECT ON TABLE sms.activity_log TO sms_audience;

GRANT SELECT ON TABLE sms.adapter_setting TO sms_operator;

GRANT SELECT ON TABLE sms.audience TO sms_erp;
GRANT SELECT ON TABLE sms.audience TO sms_analyst;
GRANT SELECT ON TABLE sms.audience TO sms_operator;
GRANT SELECT ON TABLE sms.audience TO sms_audience;

GRANT INSERT(audience) ON TABLE sms.audience TO sms_analyst;
GRANT INSERT(audience) ON TABLE sms.audience TO sms_operator;

GRANT INSERT(title),UPDATE(title) ON TABLE sms.audience TO sms_analyst;
GRANT INSERT(title),UPDATE(title) ON TABLE sms.audience TO sms_operator;

GRANT INSERT(query),UPDATE(query) ON TABLE sms.audience TO sms_analyst;
GRANT INSERT(query),UPDATE(query) ON TABLE sms.audience TO sms_operator;

GRANT SELECT ON TABLE sms.audience_version TO sms_erp;
GRANT SELECT ON TABLE sms.audience_version TO sms_analyst;
GRANT SELECT ON TABLE sms.audience_version TO sms_operator;
GRANT SELECT ON TABLE sms.audience_version TO sms_audience;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sms.auto_blacklist_rule TO sms_operator;

GRANT SELECT ON TABLE sms.channel TO sms_erp;
GRANT SELECT ON TABLE sms.channel TO sms_analyst;
GRANT SELECT,INSERT,UPDATE ON TABLE sms.channel TO sms_operator;
GRANT SELECT ON TABLE sms.channel TO sms_monitor;
GRANT SELECT ON TABLE sms.channel TO sms_audience;

GRANT SELECT ON TABLE sms.operator TO sms_erp;
GRANT SELECT ON TABLE sms.operator TO sms_analyst;
GRANT SELECT ON TABLE sms.operator TO sms_operator;
GRANT SELECT ON TABLE sms.operator TO sms_monitor;
GRANT SELECT ON TABLE sms.operator TO sms_worker;
GRANT SELECT ON TABLE sms.operator TO sms_dlr;
GRANT SELECT ON TABLE sms.operator TO sms_window;
GRANT SELECT ON TABLE sms.operator TO sms_audience;

GRANT SELECT,INSERT,UPDATE ON TABLE sms.provider TO sms_operator;
GRANT SELECT ON TABLE sms.provider TO sms_window;

GRANT SELECT(provider_id) ON TABLE sms.provider TO sms_monitor;

GRANT SELECT(provider) ON TABLE sms.provider TO sms_monitor;

GRANT SELECT(adapter) ON TABLE sms.provider TO sms_monitor;

GRANT SELECT(tps) ON TABLE sms.provider TO sms_monitor;

GRANT SELECT(max_batch) ON TABLE sms.provider TO sms_monitor;

GRANT SELECT(is_enabled) ON TABLE sms.provider TO sms_monitor;

GRANT SELECT ON TABLE sms.stat_day TO sms_analyst;
GRANT SELECT ON TABLE sms.stat_day TO sms_operator;
GRANT SELECT ON TABLE sms.stat_day TO sms_monitor;
GRANT SELECT ON TABLE sms.stat_day TO sms_audience;

GRANT SELECT ON TABLE sms.billing_difference TO sms_analyst;
GRANT SELECT ON TABLE sms.billing_difference TO sms_operator;
GRANT SELECT ON TABLE sms.billing_difference TO sms_monitor;
GRANT SELECT ON TABLE sms.billing_difference TO sms_audience;

GRANT SELECT ON TABLE sms.blacklist TO sms_erp;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sms.blacklist TO sms_operator;

GRANT SELECT ON TABLE sms.breaker TO sms_monitor;
GRANT SELECT ON TABLE sms.breaker TO sms_operator;

GRANT SELECT ON TABLE sms.breaker_change TO sms_monitor;
GRANT SELECT ON TABLE sms.breaker_change TO sms_operator;

GRANT SELECT ON TABLE sms.breaker_policy TO sms_monitor;
GRANT SELECT ON TABLE sms.breaker_policy TO sms_operator;

GRANT SELECT ON TABLE sms.busy_numbers TO sms_operator;

GRANT SELECT ON TABLE sms.inflight TO sms_window;

GRANT SELECT(id) ON TABLE sms.inflight TO sms_monitor;

GRANT SELECT(claim_id) ON TABLE sms.inflight TO sms_monitor;

GRANT SELECT(claimed_at) ON TABLE sms.inflight TO sms_monitor;

GRANT SELECT(lease_until) ON TABLE sms.inflight TO sms_monitor;

GRANT SELECT(provider_id) ON TABLE sms.inflight TO sms_monitor;

GRANT SELECT(lane_id) ON TABLE sms.inflight TO sms_monitor;

GRANT SELECT(priority) ON TABLE sms.inflight TO sms_monitor;

GRANT SELECT(attempt) ON TABLE sms.inflight TO sms_monitor;

GRANT SELECT ON TABLE sms.outcome TO sms_window;

GRANT SELECT(id) ON TABLE sms.outcome TO sms_monitor;

GRANT SELECT(decided_at) ON TABLE sms.outcome TO sms_monitor;

GRANT SELECT(submitted_at) ON TABLE sms.outcome TO sms_monitor;

GRANT SELECT(final_at) ON TABLE sms.outcome TO sms_monitor;

GRANT SELECT(campaign_id) ON TABLE sms.outcome TO sms_monitor;

GRANT SELECT(cost) ON TABLE sms.outcome TO sms_monitor;

GRANT SELECT(provider_id) ON TABLE sms.outcome TO sms_monitor;

GRANT SELECT(lane_id) ON TABLE sms.outcome TO sms_monitor;

GRANT SELECT(segments) ON TABLE sms.outcome TO sms_monitor;

GRANT SELECT(attempts) ON TABLE sms.outcome TO sms_monitor;

GRANT SELECT(state) ON TABLE sms.outcome TO sms_monitor;

GRANT SELECT(reason) ON TABLE sms.outcome TO sms_monitor;

GRANT SELECT ON TABLE sms.pending TO sms_window;

GRANT SELECT(id) ON TABLE sms.pending TO sms_monitor;

GRANT SELECT(not_before) ON TABLE sms.pending TO sms_monitor;

GRANT SELECT(expires_at) ON TABLE sms.pending TO sms_monitor;

GRANT SELECT(lane_id) ON TABLE sms.pending TO sms_monitor;

GRANT SELECT(priority) ON TABLE sms.pending TO sms_monitor;

GRANT SELECT(attempt) ON TABLE sms.pending TO sms_monitor;

GRANT SELECT ON TABLE sms.run_message TO sms_erp;
GRANT SELECT ON TABLE sms.run_message TO sms_analyst;
GRANT SELECT ON TABLE sms.run_message TO sms_operator;
GRANT SELECT ON TABLE sms.run_message TO sms_audience;

GRANT SELECT ON TABLE sms.campaign_progress TO sms_erp;
GRANT SELECT ON TABLE sms.campaign_progress TO sms_analyst;
GRANT SELECT ON TABLE sms.campaign_progress TO sms_operator;
GRANT SELECT ON TABLE sms.campaign_progress TO sms_monitor;
GRANT SELECT ON TABLE sms.campaign_progress TO sms_audience;

GRANT SELECT ON TABLE sms.cap TO sms_analyst;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sms.cap TO sms_operator;
GRANT SELECT ON TABLE sms.cap TO sms_audience;

GRANT SELECT ON TABLE sms.category TO sms_erp;
GRANT SELECT ON TABLE sms.category TO sms_analyst;
GRANT SELECT ON TABLE sms.category TO sms_operator;
GRANT SELECT ON TABLE sms.category TO sms_monitor;
GRANT SELECT ON TABLE sms.category TO sms_worker;
GRANT SELECT ON TABLE sms.category TO sms_dlr;
GRANT SELECT ON TABLE sms.category TO sms_audience;

GRANT SELECT ON TABLE sms.claim TO sms_monitor;

GRANT SELECT ON TABLE sms.click TO sms_window;

GRANT SELECT,INSERT ON TABLE sms.client_zone TO sms_erp;
GRANT SELECT,INSERT,UPDATE ON TABLE sms.client_zone TO sms_operator;

GRANT UPDATE(zone_id) ON TABLE sms.client_zone TO sms_erp;

GRANT UPDATE(updated_at) ON TABLE sms.client_zone TO sms_erp;

GRANT SELECT,INSERT ON TABLE sms.consent TO sms_erp;
GRANT SELECT,INSERT ON TABLE sms.consent TO sms_operator;

GRANT UPDATE(withdrawn_at) ON TABLE sms.consent TO sms_erp;
GRANT UPDATE(withdrawn_at) ON TABLE sms.consent TO sms_operator;

GRANT UPDATE(withdrawn_by) ON TABLE sms.consent TO sms_erp;
GRANT UPDATE(withdrawn_by) ON TABLE sms.consent TO sms_operator;

GRANT SELECT,INSERT ON TABLE sms.conversion TO sms_erp;
GRANT SELECT ON TABLE sms.conversion TO sms_operator;
GRANT SELECT ON TABLE sms.conversion TO sms_analyst;
GRANT SELECT ON TABLE sms.conversion TO sms_audience;

GRANT SELECT ON TABLE sms.delivered_share TO sms_monitor;
GRANT SELECT ON TABLE sms.delivered_share TO sms_operator;

GRANT SELECT ON TABLE sms.event TO sms_window;
GRANT SELECT ON TABLE sms.event TO sms_erp;

GRANT SELECT(event_id) ON TABLE sms.event TO sms_analyst;
GRANT SELECT(event_id) ON TABLE sms.event TO sms_operator;
GRANT SELECT(event_id) ON TABLE sms.event TO sms_audience;

GRANT SELECT(fired_at) ON TABLE sms.event TO sms_analyst;
GRANT SELECT(fired_at) ON TABLE sms.event TO sms_operator;
GRANT SELECT(fired_at) ON TABLE sms.event TO sms_audience;

GRANT SELECT(event_type_id) ON TABLE sms.event TO sms_analyst;
GRANT SELECT(event_type_id) ON TABLE sms.event TO sms_operator;
GRANT SELECT(event_type_id) ON TABLE sms.event TO sms_audience;

GRANT SELECT(client_id) ON TABLE sms.event TO sms_analyst;
GRANT SELECT(client_id) ON TABLE sms.event TO sms_operator;
GRANT SELECT(client_id) ON TABLE sms.event TO sms_audience;

GRANT SELECT(event_key) ON TABLE sms.event TO sms_analyst;
GRANT SELECT(event_key) ON TABLE sms.event TO sms_operator;
GRANT SELECT(event_key) ON TABLE sms.event TO sms_audience;

GRANT SELECT(problem) ON TABLE sms.event TO sms_analyst;
GRANT SELECT(problem) ON TABLE sms.event TO sms_operator;
GRANT SELECT(problem) ON TABLE sms.event TO sms_audience;

GRANT SELECT ON TABLE sms.event_effect TO sms_window;

GRANT SELECT ON TABLE sms.event_rule TO sms_window;
GRANT SELECT ON TABLE sms.event_rule TO sms_erp;
GRANT SELECT ON TABLE sms.event_rule TO sms_analyst;
GRANT SELECT ON TABLE sms.event_rule TO sms_operator;
GRANT SELECT ON TABLE sms.event_rule TO sms_audience;

GRANT SELECT ON TABLE sms.event_type TO sms_window;
GRANT SELECT ON TABLE sms.event_type TO sms_erp;
GRANT SELECT ON TABLE sms.event_type TO sms_analyst;
GRANT SELECT ON TABLE sms.event_type TO sms_operator;
GRANT SELECT ON TABLE sms.event_type TO sms_audience;

GRANT SELECT ON TABLE sms.event_message TO outbox;
GRANT SELECT ON TABLE sms.event_message TO sms_erp;
GRANT SELECT ON TABLE sms.event_message TO sms_analyst;
GRANT SELECT ON TABLE sms.event_message TO sms_operator;
GRANT SELECT ON TABLE sms.event_message TO sms_audience;

GRANT SELECT ON TABLE sms.event_plan TO sms_window;

GRANT SELECT ON TABLE sms.exchange_rate TO sms_analyst;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sms.exchange_rate TO sms_operator;
GRANT SELECT ON TABLE sms.exchange_rate TO sms_monitor;
GRANT SELECT ON TABLE sms.exchange_rate TO sms_audience;

GRANT SELECT ON TABLE sms.forecast TO sms_erp;
GRANT SELECT ON TABLE sms.forecast TO sms_analyst;
GRANT SELECT ON TABLE sms.forecast TO sms_operator;
GRANT SELECT ON TABLE sms.forecast TO sms_monitor;
GRANT SELECT ON TABLE sms.forecast TO sms_audience;

GRANT SELECT ON TABLE sms.foreign_receipts TO sms_operator;

GRANT SELECT ON TABLE sms.goal TO sms_erp;
GRANT SELECT ON TABLE sms.goal TO sms_operator;
GRANT SELECT ON TABLE sms.goal TO sms_analyst;
GRANT SELECT ON TABLE sms.goal TO sms_audience;

GRANT INSERT(goal),UPDATE(goal) ON TABLE sms.goal TO sms_operator;
GRANT INSERT(goal),UPDATE(goal) ON TABLE sms.goal TO sms_analyst;

GRANT INSERT(title),UPDATE(title) ON TABLE sms.goal TO sms_operator;
GRANT INSERT(title),UPDATE(title) ON TABLE sms.goal TO sms_analyst;

GRANT INSERT(query),UPDATE(query) ON TABLE sms.goal TO sms_operator;
GRANT INSERT(query),UPDATE(query) ON TABLE sms.goal TO sms_analyst;

GRANT INSERT(attribution_window),UPDATE(attribution_window) ON TABLE sms.goal TO sms_operator;
GRANT INSERT(attribution_window),UPDATE(attribution_window) ON TABLE sms.goal TO sms_analyst;

GRANT INSERT(is_enabled),UPDATE(is_enabled) ON TABLE sms.goal TO sms_operator;
GRANT INSERT(is_enabled),UPDATE(is_enabled) ON TABLE sms.goal TO sms_analyst;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sms.holiday TO sms_operator;

GRANT SELECT ON TABLE sms.stat_hour TO sms_analyst;
GRANT SELECT ON TABLE sms.stat_hour TO sms_operator;
GRANT SELECT ON TABLE sms.stat_hour TO sms_monitor;
GRANT SELECT ON TABLE sms.stat_hour TO sms_audience;

GRANT SELECT ON TABLE sms.hourly_messages TO sms_analyst;
GRANT SELECT ON TABLE sms.hourly_messages TO sms_operator;
GRANT SELECT ON TABLE sms.hourly_messages TO sms_monitor;
GRANT SELECT ON TABLE sms.hourly_messages TO sms_audience;

GRANT USAGE ON SEQUENCE sms.id_seq TO sms_erp;

GRANT SELECT ON TABLE sms.inbound TO sms_erp;
GRANT SELECT ON TABLE sms.inbound TO sms_operator;

GRANT SELECT ON TABLE sms.lane TO sms_operator;
GRANT SELECT ON TABLE sms.lane TO sms_monitor;
GRANT SELECT ON TABLE sms.lane TO sms_window;

GRANT SELECT ON TABLE sms.lane_change TO sms_operator;

GRANT SELECT(change_id) ON TABLE sms.lane_change TO sms_monitor;

GRANT SELECT(at) ON TABLE sms.lane_change TO sms_monitor;

GRANT SELECT(lane_id) ON TABLE sms.lane_change TO sms_monitor;

GRANT SELECT(channel) ON TABLE sms.lane_change TO sms_monitor;

GRANT SELECT(operator) ON TABLE sms.lane_change TO sms_monitor;

GRANT SELECT(from_provider) ON TABLE sms.lane_change TO sms_monitor;

GRANT SELECT(to_provider) ON TABLE sms.lane_change TO sms_monitor;

GRANT SELECT(cause) ON TABLE sms.lane_change TO sms_monitor;

GRANT SELECT(is_automatic) ON TABLE sms.lane_change TO sms_monitor;

GRANT SELECT ON TABLE sms.lane_pin TO sms_operator;

GRANT SELECT(lane_id) ON TABLE sms.lane_pin TO sms_monitor;

GRANT SELECT(pinned_at) ON TABLE sms.lane_pin TO sms_monitor;

GRANT SELECT(pinned_until) ON TABLE sms.lane_pin TO sms_monitor;

GRANT SELECT ON TABLE sms.lane_status TO sms_operator;
GRANT SELECT ON TABLE sms.lane_status TO sms_monitor;
GRANT SELECT ON TABLE sms.lane_status TO sms_worker;

GRANT SELECT ON TABLE sms.latest_forecast TO sms_erp;
GRANT SELECT ON TABLE sms.latest_forecast TO sms_analyst;
GRANT SELECT ON TABLE sms.latest_forecast TO sms_operator;
GRANT SELECT ON TABLE sms.latest_forecast TO sms_monitor;
GRANT SELECT ON TABLE sms.latest_forecast TO sms_audience;

GRANT SELECT ON TABLE sms.short_link TO sms_window;

GRANT SELECT ON TABLE sms.link_click TO outbox;
GRANT SELECT ON TABLE sms.link_click TO sms_erp;
GRANT SELECT ON TABLE sms.link_click TO sms_analyst;
GRANT SELECT ON TABLE sms.link_click TO sms_operator;
GRANT SELECT ON TABLE sms.link_click TO sms_audience;

GRANT SELECT ON TABLE sms.login TO sms_operator;

GRANT SELECT ON TABLE sms.message TO sms_erp;
GRANT SELECT ON TABLE sms.message TO sms_analyst;
GRANT SELECT ON TABLE sms.message TO sms_operator;
GRANT SELECT ON TABLE sms.message TO outbox;
GRANT SELECT ON TABLE sms.message TO sms_audience;

GRANT SELECT ON TABLE sms.month_money TO sms_analyst;
GRANT SELECT ON TABLE sms.month_money TO sms_operator;
GRANT SELECT ON TABLE sms.month_money TO sms_monitor;
GRANT SELECT ON TABLE sms.month_money TO sms_audience;

GRANT SELECT ON TABLE sms.month_volume TO sms_analyst;
GRANT SELECT ON TABLE sms.month_volume TO sms_operator;
GRANT SELECT ON TABLE sms.month_volume TO sms_monitor;
GRANT SELECT ON TABLE sms.month_volume TO sms_audience;

GRANT SELECT ON TABLE sms.monthly_fee TO sms_analyst;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sms.monthly_fee TO sms_operator;
GRANT SELECT ON TABLE sms.monthly_fee TO sms_monitor;
GRANT SELECT ON TABLE sms.monthly_fee TO sms_audience;

GRANT SELECT,INSERT,DELETE,TRUNCATE ON TABLE sms.number_range_staging TO sms_operator;

GRANT SELECT ON TABLE sms.number_trouble TO sms_operator;

GRANT SELECT ON TABLE sms.operator_refusal_suspected TO sms_erp;
GRANT SELECT ON TABLE sms.operator_refusal_suspected TO sms_operator;

GRANT SELECT ON TABLE sms.operator_tax_id TO sms_operator;

GRANT SELECT ON TABLE sms.planned_message TO outbox;
GRANT SELECT ON TABLE sms.planned_message TO sms_erp;
GRANT SELECT ON TABLE sms.planned_message TO sms_analyst;
GRANT SELECT ON TABLE sms.planned_message TO sms_operator;
GRANT SELECT ON TABLE sms.planned_message TO sms_audience;

GRANT SELECT ON TABLE sms.provider_asking TO sms_monitor;

GRANT SELECT ON TABLE sms.provider_balance TO sms_operator;
GRANT SELECT ON TABLE sms.provider_balance TO sms_monitor;

GRANT SELECT ON TABLE sms.provider_health TO sms_monitor;
GRANT SELECT ON TABLE sms.provider_health TO sms_operator;

GRANT SELECT ON TABLE sms.quiet_hours TO sms_analyst;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sms.quiet_hours TO sms_operator;
GRANT SELECT ON TABLE sms.quiet_hours TO sms_audience;

GRANT SELECT ON TABLE sms.reason TO sms_erp;
GRANT SELECT ON TABLE sms.reason TO sms_analyst;
GRANT SELECT ON TABLE sms.reason TO sms_operator;
GRANT SELECT ON TABLE sms.reason TO sms_monitor;
GRANT SELECT ON TABLE sms.reason TO sms_worker;
GRANT SELECT ON TABLE sms.reason TO sms_dlr;
GRANT SELECT ON TABLE sms.reason TO sms_audience;

GRANT SELECT ON TABLE sms.receipt TO sms_operator;

GRANT SELECT,INSERT,UPDATE ON TABLE sms.receipt_code TO sms_operator;

GRANT SELECT,INSERT,UPDATE ON TABLE sms.receipt_error TO sms_operator;

GRANT SELECT ON TABLE sms.receipt_remap TO sms_operator;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sms.recipient_group TO sms_operator;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sms.recipient_group_member TO sms_operator;

GRANT SELECT ON TABLE sms.region_timezone TO sms_erp;
GRANT SELECT ON TABLE sms.region_timezone TO sms_analyst;
GRANT SELECT ON TABLE sms.region_timezone TO sms_operator;
GRANT SELECT ON TABLE sms.region_timezone TO sms_monitor;
GRANT SELECT ON TABLE sms.region_timezone TO sms_worker;
GRANT SELECT ON TABLE sms.region_timezone TO sms_dlr;
GRANT SELECT ON TABLE sms.region_timezone TO sms_audience;

GRANT SELECT ON TABLE sms.route TO sms_monitor;
GRANT SELECT ON TABLE sms.route TO sms_operator;

GRANT SELECT ON TABLE sms.route_notice TO sms_operator;

GRANT SELECT ON TABLE sms.route_provider TO sms_monitor;
GRANT SELECT ON TABLE sms.route_provider TO sms_operator;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sms.setting TO sms_operator;
GRANT SELECT ON TABLE sms.setting TO sms_monitor;

GRANT SELECT ON TABLE sms.spelling TO sms_erp;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sms.spelling TO sms_operator;

GRANT SELECT ON TABLE sms.spend TO sms_erp;
GRANT SELECT ON TABLE sms.spend TO sms_analyst;
GRANT SELECT ON TABLE sms.spend TO sms_operator;
GRANT SELECT ON TABLE sms.spend TO sms_monitor;
GRANT SELECT ON TABLE sms.spend TO sms_audience;

GRANT SELECT ON TABLE sms.spend_day TO sms_erp;
GRANT SELECT ON TABLE sms.spend_day TO sms_analyst;
GRANT SELECT ON TABLE sms.spend_day TO sms_operator;
GRANT SELECT ON TABLE sms.spend_day TO sms_monitor;
GRANT SELECT ON TABLE sms.spend_day TO sms_audience;

GRANT SELECT ON TABLE sms.stat_month TO sms_analyst;
GRANT SELECT ON TABLE sms.stat_month TO sms_operator;
GRANT SELECT ON TABLE sms.stat_month TO sms_monitor;
GRANT SELECT ON TABLE sms.stat_month TO sms_audience;

GRANT SELECT ON TABLE sms.stat_region_day TO sms_analyst;
GRANT SELECT ON TABLE sms.stat_region_day TO sms_operator;
GRANT SELECT ON TABLE sms.stat_region_day TO sms_monitor;
GRANT SELECT ON TABLE sms.stat_region_day TO sms_audience;

GRANT SELECT ON TABLE sms.stat_region_hour TO sms_analyst;
GRANT SELECT ON TABLE sms.stat_region_hour TO sms_operator;
GRANT SELECT ON TABLE sms.stat_region_hour TO sms_monitor;
GRANT SELECT ON TABLE sms.stat_region_hour TO sms_audience;

GRANT SELECT ON TABLE sms.state TO sms_erp;
GRANT SELECT ON TABLE sms.state TO sms_analyst;
GRANT SELECT ON TABLE sms.state TO sms_operator;
GRANT SELECT ON TABLE sms.state TO sms_monitor;
GRANT SELECT ON TABLE sms.state TO sms_worker;
GRANT SELECT ON TABLE sms.state TO sms_dlr;
GRANT SELECT ON TABLE sms.state TO sms_audience;

GRANT SELECT ON TABLE sms.state_transition TO sms_erp;
GRANT SELECT ON TABLE sms.state_transition TO sms_analyst;
GRANT SELECT ON TABLE sms.state_transition TO sms_operator;
GRANT SELECT ON TABLE sms.state_transition TO sms_monitor;
GRANT SELECT ON TABLE sms.state_transition TO sms_worker;
GRANT SELECT ON TABLE sms.state_transition TO sms_dlr;
GRANT SELECT ON TABLE sms.state_transition TO sms_audience;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sms.stop_word TO sms_operator;

GRANT SELECT ON TABLE sms.tariff TO sms_analyst;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sms.tariff TO sms_operator;
GRANT SELECT ON TABLE sms.tariff TO sms_audience;

GRANT SELECT ON TABLE sms.template_version TO sms_erp;
GRANT SELECT,INSERT ON TABLE sms.template_version TO sms_operator;

GRANT SELECT ON TABLE sms.time_zone TO sms_erp;
GRANT SELECT ON TABLE sms.time_zone TO sms_analyst;
GRANT SELECT ON TABLE sms.time_zone TO sms_operator;
GRANT SELECT ON TABLE sms.time_zone TO sms_monitor;
GRANT SELECT ON TABLE sms.time_zone TO sms_worker;
GRANT SELECT ON TABLE sms.time_zone TO sms_dlr;
GRANT SELECT ON TABLE sms.time_zone TO sms_audience;

GRANT SELECT ON TABLE sms.unaccounted TO sms_operator;
GRANT SELECT ON TABLE sms.unaccounted TO sms_monitor;

GRANT SELECT ON TABLE sms.uncertain_message TO sms_operator;

GRANT SELECT(id) ON TABLE sms.uncertain_message TO sms_monitor;

GRANT SELECT(provider) ON TABLE sms.uncertain_message TO sms_monitor;

GRANT SELECT(channel) ON TABLE sms.uncertain_message TO sms_monitor;

GRANT SELECT(operator) ON TABLE sms.uncertain_message TO sms_monitor;

GRANT SELECT(attempts) ON TABLE sms.uncertain_message TO sms_monitor;

GRANT SELECT(submitted_at) ON TABLE sms.uncertain_message TO sms_monitor;

GRANT SELECT(since) ON TABLE sms.uncertain_message TO sms_monitor;

GRANT SELECT(asks) ON TABLE sms.uncertain_message TO sms_monitor;

GRANT SELECT(asked_at) ON TABLE sms.uncertain_message TO sms_monitor;

GRANT SELECT(next_ask_at) ON TABLE sms.uncertain_message TO sms_monitor;

GRANT SELECT(absent_since) ON TABLE sms.uncertain_message TO sms_monitor;

GRANT SELECT(on_uncertain) ON TABLE sms.uncertain_message TO sms_monitor;

GRANT SELECT(policy_at) ON TABLE sms.uncertain_message TO sms_monitor;

GRANT SELECT ON TABLE sms.unmatched_receipt TO sms_operator;

GRANT SELECT(receipt_id) ON TABLE sms.unmatched_receipt TO sms_monitor;

GRANT SELECT(received_at) ON TABLE sms.unmatched_receipt TO sms_monitor;

GRANT SELECT(provider_id) ON TABLE sms.unmatched_receipt TO sms_monitor;

GRANT SELECT(state) ON TABLE sms.unmatched_receipt TO sms_monitor;
