"""What the demo's ERP has and asks: clients, phones as people type them, and the SQL it runs.

The statements are plain SQL on purpose: they are shown on the terminal as they run.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import cycle
from zoneinfo import ZoneInfo

from geo.generate import UNHELD_CODES

STATION = "Москва: Охотный Ряд"
RADIUS_M = 1200
CLIENTS = 120_000
NOTICES = 400

# A numbering plan for codes that no operator holds, in the official file's format: so the demo's
# numbers have operators and zones, and can reach nobody. The tax ids are the operators' own.
PLAN_HEADER = "\ufeffАВС/ DEF;От;До;Емкость;Оператор;Регион;Территория ГАР;ИНН"
OPERATORS = (
    ('ПАО "МТС"', "7740000076"),
    ('ПАО "МегаФон"', "7812014560"),
    ('ПАО "ВымпелКом"', "7713076301"),
    ('ООО "Т2 МОБАЙЛ"', "7743895280"),
)
REGIONS = ("Город Москва, Московская область", "Свердловская область", "Новосибирская область")

# The ERP's clients are in erp.local_client, which erp.client shows; payments are the ERP's own.
CREATE_ERP = """
create table erp.payment (
    payment_id bigint generated always as identity primary key, client_id bigint, amount numeric
);
grant select on erp.payment to sms_erp;
"""

# How people type phones into an ERP: most are readable, some are not.
DIRTY = """
update erp.local_client as c
   set phone = case c.client_id % 50
                   when 1 then '8 (' || substr(c.phone, 3, 3) || ') ' || substr(c.phone, 6)
                   when 2 then '+7 ' || substr(c.phone, 3, 3) || '-' || substr(c.phone, 6)
                   when 3 then 'моб. 8' || substr(c.phone, 3)
                   when 4 then '8 (495) 123-45-67'
                   when 5 then c.phone || '; ' || c.phone
                   when 6 then '+7 701 123 45 67'
                   when 7 then left(c.phone, 9)
                   when 8 then 'нет'
               end
 where c.client_id % 50 between 1 and 8
"""

BLACKLIST = """
insert into sms.blacklist (msisdn, reason)
select sms.normalize_msisdn(c.phone), 'asked not to be messaged'
  from erp.client as c
 where c.client_id % 50 = 20 and sms.normalize_msisdn(c.phone) is not null
"""

TARIFFS = """
insert into sms.tariff (provider_id, operator_id, price)
select p.provider_id, o.operator_id, v.price
  from (values ('mts', 3.20), ('megafon', 3.05), ('beeline', 3.10), ('t2', 2.90), ('other', 3.50))
           as v (operator, price)
  join sms.operator as o using (operator)
  join sms.provider as p on p.provider = 'kannel'
"""

PAY = """
with paid as (
    insert into erp.payment (client_id, amount)
    select c.client_id, (random() * 9000 + 1000)::int
      from erp.client as c
     order by random()
     limit %(payments)s
 returning payment_id
)
select array_agg(p.payment_id) from paid as p
"""

NOTICE = """
insert into sms.outbox (channel, phone, body, client_id, erp_ref)
select 'single', c.phone, 'Платёж ' || p.amount || ' руб. получен. Спасибо!',
       c.client_id, 'payment-' || p.payment_id
  from erp.payment as p
  join erp.client as c using (client_id)
 where p.payment_id = any (%(payments)s)
"""

CAMPAIGN = """
insert into sms.outbox (channel, phone, body, client_id, campaign_id, time_zone)
select 'planned', c.phone,
       'Новое отделение в ' || round(near.distance_m / 10) * 10 || ' м от вас. Приходите!',
       c.client_id, 1,
       case when mod(c.client_id, 10) = 0 then %(asleep)s else %(awake)s end
  from geo.clients_near(%(station)s, %(radius_m)s) as near
  join erp.client as c using (client_id)
"""

ODD_ROWS = """
insert into sms.outbox (phone, body, erp_ref, expires_at, not_before, time_zone)
values ('+7 907 000-00-01', 'Счёт выставлен', 'invoice-1', null, null, null),
       ('+7 907 000-00-01', 'Счёт выставлен ещё раз', 'invoice-1', null, null, null),
       ('+7 907 000-00-02', 'Один и тот же текст', null, null, null, null),
       ('+7 907 000-00-02', 'Один и тот же текст', null, null, null, null),
       ('+7 907 000-00-03', '', null, null, null, null),
       ('+7 907 000-00-03', repeat('я', 1001), null, null, null, null),
       ('+7 907 000-00-03', repeat('Длинный текст. ', 66), null, null, null, null),
       ('+7 907 000-00-04', 'Поздно', null, now() - interval '1 day', null, null),
       ('+7 907 000-00-05', 'Когда-нибудь', null, null, '2099-01-01', null),
       ('+7 907 000-00-06', 'Где это?', null, null, null, 'Mars/Olympus')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Zones:
    """Where it is working time now, and where people sleep: the demo must show both at any hour."""

    awake: str
    asleep: str


# Enough of the world that somewhere it is midday and somewhere night, at any hour.
PLACES = (
    "Europe/Kaliningrad",
    "Europe/Moscow",
    "Asia/Yekaterinburg",
    "Asia/Omsk",
    "Asia/Krasnoyarsk",
    "Asia/Yakutsk",
    "Asia/Vladivostok",
    "Asia/Kamchatka",
    "Pacific/Honolulu",
    "America/Los_Angeles",
    "America/Chicago",
    "America/Sao_Paulo",
    "Atlantic/Azores",
)


def zones(now: datetime) -> Zones:
    """Pick a zone in which it is about midday and one in which it is night."""
    hours = {name: _hour(now, name) for name in PLACES}
    return Zones(
        awake=min(PLACES, key=lambda name: abs(hours[name] - 14)),
        asleep=min(PLACES, key=lambda name: min(abs(hours[name] - 2), abs(hours[name] - 26))),
    )


def _hour(now: datetime, zone: str) -> float:
    local = now.astimezone(ZoneInfo(zone))
    return local.hour + local.minute / 60


def numbering_plan() -> Iterator[str]:
    """The lines of the demo's numbering file."""
    yield PLAN_HEADER
    for code, (operator, inn), region in zip(
        UNHELD_CODES, cycle(OPERATORS), cycle(REGIONS), strict=False
    ):
        yield f"{code};0000000;9999999;10000000;{operator};-;{region};{inn}"
