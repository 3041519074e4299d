-- Clients who live in a city, by the map
select c.client_id, c.phone, c.time_zone, c.city
  from geo.clients_in_city('Казань') as n
  join erp.client as c on c.client_id = n.client_id
