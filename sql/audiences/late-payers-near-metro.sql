-- Late payers of a city near a metro station who have not heard from us this week
select c.client_id, c.phone, c.time_zone, c.city, round(n.distance_m) as metres
  from geo.clients_near('Москва: Таганская', 1000) as n
  join erp.client as c on c.client_id = n.client_id
 where c.city = 'Москва'
   and exists (select from erp.action as a
                where a.client_id = c.client_id and a.action = 'late_payment' and a.at >= now() - interval '90 days')
   and sms.not_contacted(c.client_id, 7)
