-- Clients whom we have not written to for a month
select c.client_id, c.phone, c.time_zone
  from erp.client as c
  left join sms.clients_contacted(30) as s on s.client_id = c.client_id
 where s.client_id is null
