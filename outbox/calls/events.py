"""Events of the ERP and their rules, and the log of who did what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from outbox.calls.query import all_rows, one_row, one_value
from outbox.rows_events import (
    EventRow,
    EventRuleRow,
    EventStep,
    EventTypeRow,
    Fired,
    LogEntry,
    Made,
    PlannedRow,
)


async def fire_event(
    conn: AsyncConnection,
    *,
    event_type: str,
    client_id: int | None,
    variables: Mapping[str, Any],
    event_key: str | None,
) -> Fired:
    """Tell that something happened to a client; its rules act at once."""
    return await one_row(
        conn,
        Fired,
        """
        select event_id, is_new, message_ids, planned, cancelled, note
          from sms.fire_event(p_type => %(event_type)s, p_client_id => %(client_id)s,
                              p_vars => %(variables)s, p_event_key => %(event_key)s)
        """,
        {
            "event_type": event_type,
            "client_id": client_id,
            "variables": Jsonb(variables),
            "event_key": event_key,
        },
    )


async def make_planned(conn: AsyncConnection, *, limit: int) -> Made:
    """Make the planned messages that are near; forget those that were decided."""
    return await one_row(
        conn,
        Made,
        "select made, forgotten, cancelled, kept from sms.make_planned(p_limit => %(limit)s)",
        {"limit": limit},
    )


async def set_event_type(
    conn: AsyncConnection,
    *,
    event_type: str,
    title: str | None,
    variables: Mapping[str, str] | None,
) -> str:
    """Declare or change an event type; None leaves a value. Tells created/changed/unchanged."""
    return str(
        await one_value(
            conn,
            """
            select sms.set_event_type(p_event_type => %(event_type)s, p_title => %(title)s,
                                      p_variables => %(variables)s)
            """,
            {
                "event_type": event_type,
                "title": title,
                "variables": None if variables is None else Jsonb(variables),
            },
        )
    )


async def set_event_rule(conn: AsyncConnection, *, rule: str, settings: Mapping[str, Any]) -> str:
    """Make or change a rule; what is not named stays, None takes a value away."""
    return str(
        await one_value(
            conn,
            "select sms.set_event_rule(p_rule => %(rule)s, p_settings => %(settings)s)",
            {"rule": rule, "settings": Jsonb(settings)},
        )
    )


async def remove_event_rule(conn: AsyncConnection, *, rule: str) -> int:
    """Remove a rule; how many planned messages were dropped with it."""
    query = "select sms.remove_event_rule(p_rule => %(rule)s)"
    return int(await one_value(conn, query, {"rule": rule}))


async def list_event_types(conn: AsyncConnection) -> list[EventTypeRow]:
    """Every declared event type."""
    return await all_rows(
        conn,
        EventTypeRow,
        """
        select t.event_type, t.title, t.variables,
               (select count(*) from sms.event_rule as r
                 where r.event_type_id = t.event_type_id and r.removed_at is null) as rules,
               (select count(*) from sms.planned_message as p
                 where p.event_type = t.event_type and p.message_id is null) as planned
          from sms.event_type as t
         order by t.event_type
        """,
    )


async def list_event_rules(conn: AsyncConnection, *, event_type: str | None) -> list[EventRuleRow]:
    """The rules, of one event type or of all."""
    return await all_rows(
        conn,
        EventRuleRow,
        """
        select r.event_rule, t.event_type, r.template, r.channel, r.condition::text as condition,
               r.date_variable, r.shift, r.at_local, r.if_past, r.validity, r.cancelled_by,
               r.cancel_key, r.is_enabled,
               (select count(*) from sms.planned_message as p
                 where p.rule = r.event_rule and p.message_id is null) as planned
          from sms.event_rule as r
          join sms.event_type as t on t.event_type_id = r.event_type_id
         where r.removed_at is null
           and (%(event_type)s::text is null or t.event_type = %(event_type)s)
         order by t.event_type, r.event_rule
        """,
        {"event_type": event_type},
    )


async def list_events(
    conn: AsyncConnection,
    *,
    since: datetime,
    event_type: str | None,
    client_id: int | None,
    limit: int,
) -> list[EventRow]:
    """The newest events since a moment, newest first."""
    return await all_rows(
        conn,
        EventRow,
        """
        select e.event_id, e.fired_at, t.event_type, e.client_id, e.event_key,
               (select count(*) from sms.event_message as m
                 where m.event_id = e.event_id and m.outcome = 'message') as messages,
               (select count(*) from sms.planned_message as p
                 where p.event_id = e.event_id and p.message_id is null) as planned,
               concat_ws('; ', e.problem,
                         (select string_agg(m.note, '; ') from sms.event_message as m
                           where m.event_id = e.event_id and m.note is not null)) as note
          from sms.event as e
          join sms.event_type as t on t.event_type_id = e.event_type_id
         where e.event_id >= sms.id_at(p_at => %(since)s)
           and (%(event_type)s::text is null or t.event_type = %(event_type)s)
           and (%(client_id)s::bigint is null or e.client_id = %(client_id)s)
         order by e.event_id desc
         limit %(limit)s
        """,
        {"since": since, "event_type": event_type, "client_id": client_id, "limit": limit},
    )


async def list_planned(
    conn: AsyncConnection, *, client_id: int | None, limit: int
) -> list[PlannedRow]:
    """What is to be sent, to one client or to all, soonest first."""
    return await all_rows(
        conn,
        PlannedRow,
        """
        select client_id, event_type, rule, due_at, channel, template, event_id, event_key,
               message_id, is_enabled
          from sms.planned_message
         where %(client_id)s::bigint is null or client_id = %(client_id)s
         order by due_at, event_id
         limit %(limit)s
        """,
        {"client_id": client_id, "limit": limit},
    )


async def explain_event(conn: AsyncConnection, *, event_id: int) -> list[EventStep]:
    """The story of one event."""
    return await all_rows(
        conn,
        EventStep,
        """
        select step, topic, verdict, rule, message_id, at, detail
          from sms.explain_event(p_event_id => %(event_id)s)
         order by step
        """,
        {"event_id": event_id},
    )


async def read_log(
    conn: AsyncConnection, *, since: datetime, who: str | None, kind: str | None, limit: int
) -> list[LogEntry]:
    """Who did what since a moment, the newest entries, oldest of them first."""
    return await all_rows(
        conn,
        LogEntry,
        """
        select newest.*
          from (select entry_id, at, who, acted_as, action, kind, name, what
                  from sms.activity_log
                 where entry_id >= sms.id_at(p_at => %(since)s)
                   and (%(who)s::text is null or who = %(who)s or acted_as = %(who)s)
                   and (%(kind)s::text is null or kind = %(kind)s)
                 order by entry_id desc
                 limit %(limit)s) as newest
         order by newest.entry_id
        """,
        {"since": since, "who": who, "kind": kind, "limit": limit},
    )
