-- Clients within an area drawn on the map
select c.client_id, c.phone, c.time_zone
  from geo.clients_in_area('POLYGON((37.60 55.74, 37.66 55.74, 37.66 55.78, 37.60 55.78, 37.60 55.74))') as n
  join erp.client as c on c.client_id = n.client_id
