-- Clients within half a kilometre of a metro line
select c.client_id, c.phone, c.time_zone, round(n.distance_m) as metres
  from geo.clients_along('Москва: Кольцевая', 500) as n
  join erp.client as c on c.client_id = n.client_id
