"""The stage of the tests of events: clients of an ERP, templates, event types."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest
from psycopg import AsyncConnection

from tests.support.factory import Row, make_provider, number, row, rows, value

DUE = "2030-03-20"


@pytest.fixture
async def db(tx: AsyncConnection) -> AsyncConnection:
    """A transaction, rolled back in the end, with clients 1 to 9 and what may happen to them."""
    await furnish(tx)
    return tx


async def furnish(conn: AsyncConnection) -> None:
    """Clients 1 to 9 (odd ones in Omsk by the ERP), templates, and three event types."""
    await make_provider(conn)
    await conn.execute(
        """
        insert into erp.local_client (client_id, phone, time_zone)
        select n, (%s + n)::text, case when n %% 2 = 1 then 'Asia/Omsk' else 'Europe/Moscow' end
          from generate_series(1, 9) as n
        """,
        [number(0)],
    )
    await conn.execute(
        """
        with t as (insert into sms.template (template) values ('late'), ('due_soon'), ('thanks')
                   returning template_id, template)
        insert into sms.template_version (template_id, body)
        select t.template_id, v.body
          from (values ('late', 'Просрочен платёж {{amount}} ₽.'),
                       ('due_soon', 'Счёт {{invoice}}: оплатите до {{due_date}}.'),
                       ('thanks', 'Спасибо, {{name|клиент}}!')) as v (template, body)
          join t on t.template = v.template
        """
    )
    await set_type(conn, "late", amount="number")
    await set_type(conn, "invoice", invoice="text", due_date="date")
    await set_type(conn, "payment", invoice="text?", name="text?")


async def set_type(conn: AsyncConnection, event_type: str, **variables: str) -> str:
    """Declare an event type."""
    return str(
        await value(
            conn,
            "select sms.set_event_type(%s, p_variables => %s)",
            event_type,
            json.dumps(variables),
        )
    )


async def set_rule(conn: AsyncConnection, rule: str, **settings: Any) -> str:
    """Make or change a rule."""
    return str(await value(conn, "select sms.set_event_rule(%s, %s)", rule, json.dumps(settings)))


async def remind(conn: AsyncConnection, **settings: Any) -> None:
    """The rule of these tests: three days before an invoice is due, until it is paid."""
    await set_rule(
        conn,
        "due_reminder",
        **{
            "event_type": "invoice",
            "template": "due_soon",
            "date_variable": "due_date",
            "shift": "-3 days",
            "at_local": "10:00",
            "cancelled_by": ["payment"],
            "cancel_key": "invoice",
            **settings,
        },
    )


async def fire(
    conn: AsyncConnection,
    event_type: str,
    client: int | None,
    variables: Mapping[str, Any] | None = None,
    key: str | None = None,
) -> Row:
    """Fire one event; what sms.fire_event answers."""
    return await row(
        conn,
        "select f.* from sms.fire_event(%s, %s, %s, %s) as f",
        event_type,
        client,
        json.dumps(variables or {}),
        key,
    )


async def invoice(
    conn: AsyncConnection, client: int, invoice: str = "7", due: str = DUE, **more: Any
) -> Row:
    """An invoice is issued."""
    return await fire(conn, "invoice", client, {"invoice": invoice, "due_date": due, **more})


async def pay(conn: AsyncConnection, client: int, **variables: Any) -> Row:
    """A payment comes."""
    return await fire(conn, "payment", client, variables)


async def planned(conn: AsyncConnection, client: int | None = None) -> list[Row]:
    """What is planned for a client, or for all."""
    return await rows(
        conn,
        """
        select * from sms.planned_message
         where %s::bigint is null or client_id = %s order by due_at, client_id
        """,
        client,
        client,
    )


async def make_planned(conn: AsyncConnection, as_of: datetime) -> Row:
    """Do the chore at that moment."""
    return await row(conn, "select m.* from sms.make_planned(p_as_of => %s) as m", as_of)


async def effects(conn: AsyncConnection, event_id: int) -> list[Row]:
    """What rules made of an event."""
    return await rows(
        conn, "select * from sms.event_message where event_id = %s order by rule", event_id
    )
