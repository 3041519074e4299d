-- Clients who used to pay and have not for two months
select c.client_id, c.phone, c.time_zone, current_date - p.last_at::date as days
  from (select a.client_id, max(a.at) as last_at
          from erp.action as a
         where a.action = 'payment'
         group by a.client_id) as p
  join erp.client as c on c.client_id = p.client_id
 where p.last_at < now() - interval '60 days'
