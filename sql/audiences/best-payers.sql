-- Clients who paid most within three months, with the sum
select c.client_id, c.phone, c.time_zone, p.total
  from (select a.client_id, sum(a.amount) as total
          from erp.action as a
         where a.action = 'payment' and a.at >= now() - interval '90 days'
         group by a.client_id
         order by total desc, a.client_id
         limit 1000) as p
  join erp.client as c on c.client_id = p.client_id
