"""What firing events costs: many in one statement, one call for each row, taking back."""

from __future__ import annotations

import time
from typing import LiteralString

import psycopg

from bench.lab import Lab

EVENTS = 10_000
FURNISH: LiteralString = """
    insert into erp.local_client (client_id, phone, time_zone)
    select n, bench.number(n)::text, 'Europe/Moscow' from generate_series(1, 10000) as n
        on conflict do nothing;
    insert into sms.template (template) values ('bench_late') on conflict do nothing;
    insert into sms.template_version (template_id, body)
    select t.template_id, 'Просрочен платёж {{amount}} руб.' from sms.template as t
     where t.template = 'bench_late'
       and not exists (select from sms.template_version as v where v.template_id = t.template_id);
    select sms.set_event_type('bench_late', p_variables => '{"amount": "number"}');
    select sms.set_event_type('bench_due', p_variables => '{"amount": "number", "due": "date"}');
    select sms.set_event_type('bench_paid');
    select sms.set_event_rule('bench_late',
        '{"event_type": "bench_late", "template": "bench_late", "channel": "plain"}');
    select sms.set_event_rule('bench_due',
        '{"event_type": "bench_due", "template": "bench_late", "channel": "plain",
          "date_variable": "due", "shift": "-3 days", "at_local": "10:00",
          "cancelled_by": ["bench_paid"]}');
"""
MANY: LiteralString = """
    select count(*)
      from sms.fire_events(%(type)s,
               array(select n::bigint from generate_series(1, %(events)s) as n),
               array(select jsonb_build_object('amount', n, 'due', '2090-01-01')
                       from generate_series(1, %(events)s) as n),
               array(select %(key)s || n from generate_series(1, %(events)s) as n))
"""
ONE_BY_ONE: LiteralString = """
    select count(*)
      from (select sms.fire_event(%(type)s, n, jsonb_build_object('amount', n), %(key)s || n)
              from generate_series(1, %(events)s) as n
            offset 0) as f
"""


def fire_events(lab: Lab) -> None:
    """Ten thousand events: messages at once, planned ones, payments that take those back."""
    with lab.connect() as conn:
        conn.execute(FURNISH)
        lab.note("events.at_once_ms", _fire(conn, MANY, "bench_late", lab.seed))
        lab.note("events.planned_ms", _fire(conn, MANY, "bench_due", lab.seed))
        lab.note("events.cancelled_ms", _fire(conn, MANY, "bench_paid", lab.seed))
        lab.note("events.one_by_one_ms", _fire(conn, ONE_BY_ONE, "bench_late", lab.seed + 1))
        lab.seed += 2
    lab.reset()


def _fire(conn: psycopg.Connection, query: LiteralString, event_type: str, key: int) -> float:
    """Milliseconds of one statement with so many events."""
    start = time.perf_counter()
    row = conn.execute(query, {"type": event_type, "events": EVENTS, "key": f"{key}-"}).fetchone()
    if row != (EVENTS,):
        raise RuntimeError(f"{row} instead of {EVENTS} events")
    return (time.perf_counter() - start) * 1000
