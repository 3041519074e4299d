-- Every zone the server knows, and zone 0: a Russian subscriber of whom nothing more is known.
-- One zone per offset stands for all zones with it, +2 to +12.

insert into sms.time_zone (zone_id, name, members) values
    (0, 'unknown', array['Europe/Kaliningrad', 'Europe/Moscow', 'Europe/Samara', 'Asia/Yekaterinburg', 'Asia/Omsk',
                         'Asia/Krasnoyarsk', 'Asia/Irkutsk', 'Asia/Yakutsk', 'Asia/Vladivostok', 'Asia/Magadan', 'Asia/Kamchatka'])
on conflict (zone_id) do update set members = excluded.members;

insert into sms.time_zone (name, members)
select n.name, array[n.name]
  from pg_catalog.pg_timezone_names as n
 where n.name !~ '^(posix|right)/' and n.name not in ('localtime', 'posixrules', 'Factory')
   and not exists (select from sms.time_zone as z where z.name = n.name)
 order by n.name;
