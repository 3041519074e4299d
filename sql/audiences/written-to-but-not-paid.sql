-- Clients who got a message within two weeks and have not paid since
select c.client_id, c.phone, c.time_zone, (r.received_at at time zone 'Europe/Moscow')::date as written_on
  from sms.received_but_did_not(null, 'payment', 14) as r
  join erp.client as c on c.client_id = r.client_id
