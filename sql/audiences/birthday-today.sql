-- Clients whose birthday it is where they live
select c.client_id, c.phone, c.time_zone, c.attributes ->> 'name' as name
  from erp.client as c
  left join geo.client_location as l on l.client_id = c.client_id
  left join sms.time_zone as z on z.zone_id = nullif(l.zone_id, 0)
 where right(c.attributes ->> 'birthday', 5) = to_char(now() at time zone coalesce(z.name, 'Europe/Moscow'), 'MM-DD')
