-- Neighbours of several metro stations, each with the nearest
select c.client_id, c.phone, c.time_zone, n.station, round(n.distance_m) as metres
  from geo.clients_near_any(array['Москва: Таганская', 'Москва: Курская', 'Москва: Киевская'], 1000) as n
  join erp.client as c on c.client_id = n.client_id
