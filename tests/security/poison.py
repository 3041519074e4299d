"""A database in which every text that can hold it holds what a terminal would obey."""

from __future__ import annotations

import json
from typing import Any

import psycopg
from psycopg import AsyncConnection, sql

from tests.campaigns.stage import Stage
from tests.events.conftest import furnish, remind
from tests.support import factory

# A title, a cleared screen, a clipboard, a link, the eight-bit CSI and OSC, backspace, delete,
# letters from right to left, nothing, a forged line, a return that overwrites, rich's markup.
POISON = (
    "\x1b]0;PWNED\x1b\\\x1b[2J\x1b]52;c;cHduZWQ=\x07\x1b]8;;http://evil\x1b\\\x9b31m\x9d0;T\x9c"
    "\x08\x7f\u202egnp\u2066\u200b\ufeff\u2028\U000e0041\nforged: line\rover "
    "[link=http://evil]l[/link][bold]b[/] :warning:"
)
# What a command parses or compares, or what other rows name; and what is no text of people.
PARSED = {
    ("setting", "setting"), ("setting", "value"),
    ("audience", "query"), ("audience_version", "query"), ("audience_function", "origin"),
    ("adapter_setting", "adapter"), ("adapter_setting", "setting"),
    ("time_zone", "name"), ("campaign", "cron"), ("campaign", "cron_zone"),
    ("event_rule", "condition"),
    ("receipt_code", "state"), ("campaign_run", "state"), ("holiday", "kind"), ("reason", "reason"),
    ("category", "category"), ("channel", "channel"), ("rule_change", "rule_table"),
    ("rule_change", "action"), ("activity", "action"), ("activity", "kind"),
    ("operator", "operator"),
}  # fmt: skip


async def furnish_poisoned(conn: AsyncConnection) -> dict[str, Any]:
    """Messages in all states, a campaign that ran, events, routes, all of it poisoned afterwards.

    Returns the ids and names a command can be given.
    """
    await furnish(conn)
    await factory.set_quiet_hours(conn)
    await factory.set_caps(conn)
    await factory.make_provider(conn, "spare", point_lanes=False, settings={"log": "x"})
    stage = Stage(conn)
    await factory.add_template(conn, "offer", "Hello, {{name|you}}!")
    await stage.audience("everybody", "select client_id, phone, phone as name from erp.client")
    await stage.launch()
    await stage.feed()
    await remind(conn)
    fired = await factory.row(
        conn,
        "select * from sms.fire_event('invoice', 1, %s, 'key')",
        json.dumps({"invoice": "7", "due_date": "2030-03-20"}),
    )
    blocked, sent, doubtful, dirty, waiting = await factory.insert_many(
        conn,
        [
            {"phone": str(factory.number(101))},
            {"phone": str(factory.number(102))},
            {"phone": str(factory.number(103))},
            {"phone": f"8907{POISON}", "body": POISON, "vars": {"x": POISON}},
            {"phone": str(factory.number(105)), "not_before": "2098-01-01 00:00+00"},
        ],
    )
    await conn.execute(
        "insert into sms.blacklist (msisdn, reason) values (%s, 'court')", [factory.number(101)]
    )
    claimed = await factory.claim(conn, as_of=None)
    await factory.mark(conn, claimed.claim_id, claimed.ids)
    known = [i for i in claimed.ids if i != doubtful]
    await factory.settle(conn, claimed.claim_id, known, detail="ok", refs=[(sent, "ref")])
    await factory.settle(conn, claimed.claim_id, [doubtful], "uncertain", detail="torn")
    await factory.hear(conn, (sent, "ref", "delivered"), error="000")
    await conn.execute("select sms.set_route('single', '{post,spare}')")
    await conn.execute("select sms.switch_channel('otp', 'spare', p_reason => 'ill')")
    await conn.execute("update sms.breaker set state = 'open', cause = 'x'")
    await _poison_all(conn)
    names = await factory.row(
        conn,
        """
        select (select campaign from sms.campaign) as campaign,
               (select audience from sms.audience limit 1) as audience,
               (select t.template from sms.template as t
                  join sms.template_version as v using (template_id) limit 1) as template
        """,
    )
    ids = {"blocked": blocked, "sent": sent, "doubtful": doubtful, "dirty": dirty}
    return {**ids, **names, "waiting": waiting, "event": fired["event_id"]}


async def _poison_all(conn: AsyncConnection) -> None:
    """Put it into every column that takes it."""
    await conn.execute("set session_replication_role = replica")
    for table, column, kind in await _columns(conn):
        if (table.split(".")[1], column) in PARSED:
            continue
        try:
            async with conn.transaction():
                await (_poison_json if kind == "jsonb" else _poison_text)(conn, table, column)
        except psycopg.Error:  # a check, a length, a key: this column cannot hold it
            continue
    await conn.execute("set session_replication_role = origin")


async def _columns(conn: AsyncConnection) -> list[tuple[str, str, str]]:
    answer = await conn.execute(
        """
        select n.nspname || '.' || c.relname, a.attname, t.typname
          from pg_attribute as a
          join pg_class as c on c.oid = a.attrelid
           and c.relkind in ('r', 'p') and not c.relispartition
          join pg_namespace as n on n.oid = c.relnamespace and n.nspname in ('sms', 'erp', 'geo')
          join pg_type as t on t.oid = a.atttypid and t.typname in ('text', 'jsonb')
         where a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
         order by 1, 2
        """
    )
    return [(table, column, kind) for table, column, kind in await answer.fetchall()]


async def _poison_text(conn: AsyncConnection, table: str, column: str) -> None:
    await conn.execute(
        sql.SQL("update {table} set {column} = coalesce({column}, '') || %s").format(
            table=sql.Identifier(*table.split(".")), column=sql.Identifier(column)
        ),
        [POISON],
    )


async def _poison_json(conn: AsyncConnection, table: str, column: str) -> None:
    names = {"table": sql.Identifier(*table.split(".")), "column": sql.Identifier(column)}
    answer = await conn.execute(
        sql.SQL("select distinct {column} from {table} where {column} is not null").format(**names)
    )
    for (value,) in await answer.fetchall():
        change = sql.SQL("update {table} set {column} = %s where {column} = %s").format(**names)
        await conn.execute(change, [json.dumps(_poisoned(value)), json.dumps(value)])


def _poisoned(value: Any) -> Any:
    match value:
        case str():
            return value + POISON
        case list():
            return [_poisoned(item) for item in value]
        case dict():
            return {key: _poisoned(item) for key, item in value.items()}
        case _:
            return value
