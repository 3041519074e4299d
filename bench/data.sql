-- Made-up data for the benchmarks, in the bench's own database only.

create schema bench;

-- The n-th of 160 million numbers, in codes that the numbering plan gives to nobody, in an order that jumps.
create function bench.number(p_n bigint) returns bigint
    language sql immutable strict parallel safe
as $$
    select 70000000000 + (array[907, 935, 943, 944, 945, 946, 947, 948, 956, 957, 972, 973, 974, 975, 976, 998])[1 + p_n % 16]
                         * 10000000::bigint + (p_n / 16 * 7919 + 13) % 10000000
$$;

-- A number as people type it, in three spellings.
create function bench.spelled(p_msisdn bigint, p_spelling bigint) returns text
    language sql immutable strict parallel safe
as $$
    select case p_spelling % 3
        when 0 then p_msisdn::text
        when 1 then '8' || substr(p_msisdn::text, 2)
        else format('+7 (%s) %s-%s-%s', substr(p_msisdn::text, 2, 3), substr(p_msisdn::text, 5, 3),
                    substr(p_msisdn::text, 8, 2), substr(p_msisdn::text, 10, 2)) end
$$;

-- p_count requests as an ERP writes them, about 340 bytes each; the same seed gives the same rows. Without a channel:
-- single notices (p_urgent of all), and of the rest two thirds mass and one third planned, to a million known numbers,
-- of which 3 % are blacklisted. p_blocked is the share of messages to numbers that are all blacklisted instead.
create function bench.requests(p_count int, p_seed bigint, p_channel text, p_urgent float8, p_blocked float8, p_with_ref boolean)
    returns table (channel text, phone text, body text, vars jsonb, erp_ref text, client_id bigint)
    language sql stable
as $$
    select coalesce(p_channel, case when d.at < p_urgent then 'single' when i % 3 < 2 then 'mass' else 'planned' end),
           bench.spelled(bench.number(case when d.at >= 1 - p_blocked then 1000000 + d.who % 970000 else d.who end), i),
           'Напоминаем: завтра платёж по договору № ' || p_seed || '-' || i
               || ' на 12 345,67 руб. Оплатить можно в приложении банка, вопросы: 8 800 000-00-00.',
           jsonb_build_object('contract', p_seed || '-' || i, 'sum', '12345.67', 'due', '2026-08-01'),
           case when p_with_ref then 'inv-' || p_seed || '-' || i end,
           d.who
      from generate_series(1, p_count) as i
      cross join lateral (select (hashint8extended(i, p_seed) & 4294967295) % 1000000 as who,
                                 ((hashint8extended(i, p_seed + 1) & 1048575) / 1048576.0)::float8 as at) as d
$$;

-- 17 thousand ranges over the operators and the zones of the country.
insert into sms.number_range (lo, hi, operator_id, zone_id, operator_title, region, inn)
select c.code * 10000000 + 70000000000 + k * 9400, c.code * 10000000 + 70000000000 + least(k * 9400 + 9399, 9999999),
       (k + c.code) % 5, z.ids[1 + (k * 7 + c.code) % cardinality(z.ids)], 'operator', 'region', '0000000000'
  from unnest(array[907, 935, 943, 944, 945, 946, 947, 948, 956, 957, 972, 973, 974, 975, 976, 998]::bigint[]) as c (code)
  cross join generate_series(0, 1063) as k
  cross join (select array_agg(z.zone_id order by z.zone_id) as ids
                from sms.time_zone as z
               where z.name = any (array['Europe/Kaliningrad', 'Europe/Moscow', 'Europe/Samara', 'Asia/Yekaterinburg', 'Asia/Omsk',
                                         'Asia/Krasnoyarsk', 'Asia/Irkutsk', 'Asia/Yakutsk', 'Asia/Vladivostok', 'Asia/Magadan',
                                         'Asia/Kamchatka'])) as z;

-- A million entries: 30,000 of the known numbers, and 970,000 numbers that only blocked messages go to.
insert into sms.blacklist (msisdn, reason, source)
select bench.number(case when n < 30000 then n * 33 + 5 else 1000000 + n - 30000 end), 'asked to stop', 'opt_out'
  from generate_series(0, 999999) as n
 order by hashint8(n);

-- Quiet hours stay in force but lie where no Russian zone (+2 to +12) is within the next hours, whenever the bench runs.
update sms.quiet_hours
   set quiet_from = ((now() at time zone 'UTC') + interval '14 hours')::time,
       quiet_until = ((now() at time zone 'UTC') + interval '23 hours')::time;

-- Beside the caps that every installation starts with, one that looks back a week.
insert into sms.cap (channel, period, span, max_messages, reason)
select c.channel, 'rolling', '7 days', 20, 'bench' from sms.channel as c where c.channel in ('single', 'mass', 'planned');

-- A channel without any rule: no dedup window, no cap, no quiet hours for its category.
insert into sms.channel (channel, title, category, priority) values ('plain', 'No rules', 'transactional', 2);

insert into sms.provider (provider, adapter, tps, max_batch) values ('fake', 'fake', 1000000, 1000);
select sms.switch_channel('*', 'fake');

create table bench.bare (like sms.outbox including defaults, primary key (id));
