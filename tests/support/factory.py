"""Small helpers that put a test database into a state and ask it; no rules of their own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString

from psycopg import AsyncConnection, sql
from psycopg.rows import class_row, dict_row, namedtuple_row

from tests.support.clock import NOON

PROVIDER = "post"
Row = dict[str, Any]


def number(n: int) -> int:
    """The n-th number of a test, up to ten million of them, all mobile and made up."""
    return 79_070_000_000 + n


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one claim_batch answered; lists are empty where it answered null."""

    claim_id: int
    judged: int
    lease_until: datetime
    ids: list[int]
    msisdns: list[int]
    sender_ids: list[str | None]
    bodies: list[str]
    priorities: list[int]
    attempts: list[int]
    expires_ats: list[datetime]


async def rows(conn: AsyncConnection, query: LiteralString, *params: Any) -> list[Row]:
    """All rows of a query, as dictionaries."""
    async with conn.cursor(row_factory=dict_row) as cur:
        await cur.execute(query, params or None)
        return await cur.fetchall()


async def row(conn: AsyncConnection, query: LiteralString, *params: Any) -> Row:
    """The only row of a query."""
    found = await rows(conn, query, *params)
    assert len(found) == 1, f"{len(found)} rows instead of one"
    return found[0]


async def value(conn: AsyncConnection, query: LiteralString, *params: Any) -> Any:
    """The only value of the only row of a query."""
    (answer,) = (await row(conn, query, *params)).values()
    return answer


async def column(conn: AsyncConnection, query: LiteralString, *params: Any) -> list[Any]:
    """The only column of a query."""
    return [next(iter(found.values())) for found in await rows(conn, query, *params)]


async def insert(conn: AsyncConnection, table: str, **columns: Any) -> int:
    """Insert one row into a table of the schema sms; its first column, the key."""
    statement = sql.SQL("insert into {} as t ({}) values ({}) returning to_json(t)").format(
        sql.Identifier("sms", table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
    )
    made = await conn.execute(statement, [_plain(column) for column in columns.values()])
    (row,) = await made.fetchone() or ({},)
    key = next(iter(row.values()))
    return key if isinstance(key, int) else 0


def _plain(column: Any) -> Any:
    return json.dumps(column) if isinstance(column, dict) else column


async def make_provider(
    conn: AsyncConnection, provider: str = PROVIDER, *, point_lanes: bool = True, **columns: Any
) -> int:
    """Add an account of the fake adapter and, unless told otherwise, point every lane at it."""
    key = await insert(conn, "provider", **{"provider": provider, "adapter": "fake", **columns})
    if point_lanes:
        await conn.execute("select sms.switch_channel('*', %s)", [provider])
    return key


async def add_range(
    conn: AsyncConnection,
    first: int,
    last: int | None = None,
    *,
    zone: str = "Europe/Moscow",
    operator: str = "other",
) -> None:
    """Say who issued these numbers and in which zone their subscribers live."""
    await conn.execute(
        """
        insert into sms.number_range (lo, hi, operator_id, zone_id)
        select %s, %s, o.operator_id, z.zone_id
          from sms.operator as o, sms.time_zone as z
         where o.operator = %s and z.name = %s
        """,
        [first, last or first, operator, zone],
    )


async def change_channel(conn: AsyncConnection, channel: str, **columns: Any) -> None:
    """Set columns of one channel."""
    pairs = [
        sql.SQL("{} = {}").format(sql.Identifier(column), sql.Placeholder()) for column in columns
    ]
    statement = sql.SQL("update sms.channel set {} where channel = %s").format(
        sql.SQL(", ").join(pairs)
    )
    await conn.execute(statement, [*columns.values(), channel])


async def track_clicks(
    conn: AsyncConnection, channel: str = "single", base: str = "https://go.example/l/"
) -> None:
    """Let links of one channel go out as short ones."""
    await conn.execute(
        "update sms.setting set value = %s where setting = 'short_link_base'", [base]
    )
    await change_channel(conn, channel, track_clicks=True)


async def set_caps(conn: AsyncConnection, *caps: Mapping[str, Any]) -> None:
    """Replace every cap by these."""
    await conn.execute("delete from sms.cap")
    for cap in caps:
        await insert(conn, "cap", **cap)


async def set_quiet_hours(conn: AsyncConnection, *windows: Mapping[str, Any]) -> None:
    """Replace every window of silence by these; the category is advertising unless given."""
    await conn.execute("delete from sms.quiet_hours")
    for window in windows:
        await conn.execute(
            """
            insert into sms.quiet_hours (category, iso_weekday, day_kind, quiet_from, quiet_until)
            values (%s, %s, %s, %s, %s)
            """,
            [
                window.get("category", "advertising"),
                window.get("iso_weekday"),
                window.get("day_kind"),
                window["quiet_from"],
                window["quiet_until"],
            ],
        )


async def add_template(conn: AsyncConnection, template: str, *bodies: str) -> list[int]:
    """Make a template with these versions, oldest first; returns the versions' ids."""
    key = await insert(conn, "template", template=template)
    return [await add_version(conn, key, body) for body in bodies]


async def add_version(conn: AsyncConnection, template_id: int, body: str) -> int:
    """Add a newer version of a template."""
    return await insert(conn, "template_version", template_id=template_id, body=body)


async def insert_outbox(conn: AsyncConnection, **columns: Any) -> int:
    """Insert one request, due at NOON unless told otherwise, and return its id."""
    return (await insert_many(conn, [columns]))[0]


async def insert_many(conn: AsyncConnection, requests: Iterable[Mapping[str, Any]]) -> list[int]:
    """Insert several requests in one statement; ids in the order given."""
    full = [
        {
            "channel": "single",
            "phone": str(number(1)),
            "body": None if "template" in request else f"text {n}",
            "not_before": NOON,
            **request,
        }
        for n, request in enumerate(requests)
    ]
    for request in full:
        for name in ("not_before", "expires_at"):
            if isinstance(request.get(name), datetime):
                request[name] = request[name].isoformat()
    answer = await column(
        conn,
        """
        insert into sms.outbox (channel, phone, body, template, vars, erp_ref, client_id, priority,
                                not_before, expires_at, time_zone, sender_id, campaign_id)
        select r.channel, r.phone, r.body, r.template, r.vars, r.erp_ref, r.client_id, r.priority,
               r.not_before, r.expires_at, r.time_zone, r.sender_id, r.campaign_id
          from jsonb_populate_recordset(null::sms.outbox, %s) with ordinality as r
         order by r.ordinality
     returning id
        """,
        json.dumps(full),
    )
    return sorted(answer)


async def claim(
    conn: AsyncConnection,
    *,
    as_of: datetime | None = NOON,
    provider: str = PROVIDER,
    limit: int = 500,
    priorities: tuple[int, int] = (0, 3),
    lease: timedelta = timedelta(minutes=1),
) -> Claim:
    """Claim once, at NOON unless told otherwise; `as_of=None` is the server's clock."""
    async with conn.cursor(row_factory=class_row(Claim)) as cur:
        await cur.execute(
            """
            select c.claim_id, c.judged, c.lease_until, coalesce(c.ids, '{}') as ids,
                   coalesce(c.msisdns, '{}') as msisdns, coalesce(c.sender_ids, '{}') as sender_ids,
                   coalesce(c.bodies, '{}') as bodies, coalesce(c.priorities, '{}') as priorities,
                   coalesce(c.attempts, '{}') as attempts,
                   coalesce(c.expires_ats, '{}') as expires_ats
              from sms.claim_batch(
                       p_provider => %s, p_worker => 'a test', p_limit => %s, p_from_priority => %s,
                       p_to_priority => %s, p_lease => %s, p_as_of => %s) as c
            """,
            [provider, limit, *priorities, lease, as_of],
        )
        claimed = await cur.fetchone()
    assert claimed is not None
    return claimed


async def claim_all(
    conn: AsyncConnection, *, as_of: datetime | None = NOON, limit: int = 500
) -> list[int]:
    """Claim until nothing is due any more; the ids that may be sent."""
    ids: list[int] = []
    while (claimed := await claim(conn, as_of=as_of, limit=limit)).judged:
        ids += claimed.ids
    return sorted(ids)


async def settle(
    conn: AsyncConnection,
    claim_id: int,
    ids: Sequence[int],
    result: str = "accepted",
    *,
    segments: int | None = 1,
    detail: str | None = None,
    retry_after_s: int | None = None,
    refs: Sequence[tuple[int, str]] = (),
) -> int:
    """Settle all these messages of a claim alike; how many were still the claim's."""
    count = len(ids)
    return int(
        await value(
            conn,
            """
            select sms.settle(
                       p_claim_id => %s, p_ids => %s::bigint[], p_results => %s,
                       p_segments => %s::smallint[], p_details => %s::text[],
                       p_retry_after_s => %s::int[], p_ref_ids => %s::bigint[],
                       p_refs => %s::text[])
            """,
            claim_id,
            list(ids),
            [result] * count,
            [segments] * count,
            [detail] * count,
            [retry_after_s] * count,
            [message_id for message_id, _ in refs],
            [ref for _, ref in refs],
        )
    )


async def mark(conn: AsyncConnection, claim_id: int, ids: Sequence[int]) -> bool:
    """Mark these messages of a claim as being submitted."""
    return bool(await value(conn, "select sms.mark_submitting(%s, %s)", claim_id, list(ids)))


async def send(conn: AsyncConnection, *ids: int, as_of: datetime = NOON, **how: Any) -> None:
    """Claim what is due and settle it; it must be exactly these messages."""
    claimed = await claim(conn, as_of=as_of)
    assert sorted(claimed.ids) == sorted(ids)
    assert await mark(conn, claimed.claim_id, claimed.ids)
    assert await settle(conn, claimed.claim_id, claimed.ids, **how) == len(ids)


async def hear(
    conn: AsyncConnection,
    *receipts: tuple[int | None, str | None, str],
    error: str | None = None,
    provider: str = PROVIDER,
) -> tuple[int, int, int, int]:
    """Record receipts (message id, reference, code): stored, applied, waiting, unmapped."""
    async with conn.cursor(row_factory=namedtuple_row) as cur:
        await cur.execute(
            """
            select r.stored, r.applied, r.waiting, r.unmapped
              from sms.record_receipts(
                       p_provider => %s, p_message_ids => %s::bigint[], p_refs => %s::text[],
                       p_codes => %s, p_errors => %s::text[],
                       p_occurred_ats => %s::timestamptz[], p_raws => %s) as r
            """,
            [
                provider,
                [receipt[0] for receipt in receipts],
                [receipt[1] for receipt in receipts],
                [receipt[2] for receipt in receipts],
                [error] * len(receipts),
                [NOON] * len(receipts),
                ["raw"] * len(receipts),
            ],
        )
        counts = await cur.fetchone()
    assert counts is not None
    return tuple(counts)


async def message(conn: AsyncConnection, message_id: int) -> Row:
    """One message as the ERP sees it."""
    return await row(conn, "select * from sms.message where id = %s", message_id)


async def states(conn: AsyncConnection, *ids: int) -> list[str]:
    """The states of these messages, in the order asked."""
    found = {
        seen["id"]: seen["state"]
        for seen in await rows(
            conn, "select id, state from sms.message where id = any (%s)", list(ids)
        )
    }
    return [found.get(message_id, "nowhere") for message_id in ids]


async def fate(conn: AsyncConnection, message_id: int) -> str:
    """State and reason of one message in one word: `pending`, `suppressed(cap)`."""
    seen = await message(conn, message_id)
    return f"{seen['state']}({seen['reason']})" if seen["reason"] else str(seen["state"])


async def add_group(conn: AsyncConnection, name: str, **members: Sequence[int]) -> int:
    """Make a group of these numbers (`msisdn=`) and clients (`client_id=`); its key."""
    group_id = await insert(conn, "recipient_group", recipient_group=name)
    for column, keys in members.items():
        for key in keys:
            await insert(conn, "recipient_group_member", group_id=group_id, **{column: key})
    return group_id


async def try_at(conn: AsyncConnection, as_of: datetime = NOON, **request: Any) -> str:
    """What becomes of one more request that is claimed at that moment, alone or not."""
    message_id = await insert_outbox(conn, **{"not_before": as_of, **request})
    await claim(conn, as_of=as_of)
    return await fate(conn, message_id)


async def verdict_at(conn: AsyncConnection, as_of: datetime, **request: Any) -> str:
    """What the rules would say about one more request at that moment: `send`, `suppress(cap)`."""
    message_id = await insert_outbox(conn, **request)
    said = await row(conn, "select * from sms.judge(%s, %s)", [message_id], as_of)
    return f"{said['verdict']}({said['reason']})" if said["reason"] else str(said["verdict"])


async def changes(conn: AsyncConnection, table: str) -> list[Row]:
    """What is kept of the changes of one rule table, oldest first."""
    return await rows(
        conn, "select * from sms.rule_change where rule_table = %s order by change_id", table
    )


async def contacts(conn: AsyncConnection, message_id: int) -> int:
    """How many reservations of the message are in the contact log."""
    return int(
        await value(conn, "select count(*) from sms.contact_log where message_id = %s", message_id)
    )


async def nothing_unaccounted(conn: AsyncConnection) -> bool:
    """Whether every request is in exactly one place."""
    return not await value(conn, "select count(*) from sms.unaccounted")
