"""One function for each SQL function the programs call: named arguments in, frozen values out.

The only module with SQL, beside `geo` with its COPY. Arrays go in as binary (`%b`, a sixth of the
price of executemany) and come out as columns of one row; `worker.deliver` zips them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString, TypeVar

from psycopg import AsyncConnection, sql
from psycopg.rows import class_row, scalar_row, tuple_row
from psycopg.types.json import Jsonb

from outbox.receipts import Inbound, Receipt
from outbox.rows import (
    Claim,
    DryRunLine,
    Expired,
    Explained,
    Heard,
    LaneStatus,
    Learned,
    MessageRow,
    Partitions,
    PolicyApplied,
    ProviderRow,
    Recorded,
    ReportLine,
    Results,
    StateCount,
    WorkLeft,
)

T = TypeVar("T")

# --- the worker's verbs -------------------------------------------------------------------------


async def claim_batch(
    conn: AsyncConnection,
    *,
    provider: str,
    worker: str,
    limit: int,
    from_priority: int,
    to_priority: int,
    lease_s: float,
) -> Claim:
    """Lease up to `limit` due messages of one provider, most urgent first."""
    async with conn.cursor(row_factory=tuple_row, binary=True) as cursor:
        await cursor.execute(
            """
            select claim_id, judged, lease_until, ids, msisdns, sender_ids, bodies,
                   priorities, attempts, expires_ats
              from sms.claim_batch(p_provider => %(provider)s, p_worker => %(worker)s,
                                   p_limit => %(limit)s, p_from_priority => %(from_priority)s,
                                   p_to_priority => %(to_priority)s, p_lease => %(lease)s)
            """,
            {
                "provider": provider,
                "worker": worker,
                "limit": limit,
                "from_priority": from_priority,
                "to_priority": to_priority,
                "lease": timedelta(seconds=lease_s),
            },
        )
        row = await cursor.fetchone()
    assert row is not None  # always one row
    return Claim(
        claim_id=row[0],
        judged=row[1],
        lease_until=row[2],
        ids=row[3] or [],
        msisdns=row[4] or [],
        sender_ids=row[5] or [],
        bodies=row[6] or [],
        priorities=row[7] or [],
        attempts=row[8] or [],
        expires_ats=row[9] or [],
    )


async def mark_submitting(conn: AsyncConnection, *, claim_id: int, ids: Sequence[int]) -> bool:
    """Commit that these are about to leave; false: the lease is gone, send nothing."""
    return bool(
        await _value(
            conn,
            """
            select sms.mark_submitting(p_claim_id => %(claim_id)s, p_ids => %(ids)b::bigint[])
            """,
            {"claim_id": claim_id, "ids": ids},
        )
    )


async def settle(conn: AsyncConnection, *, claim_id: int, results: Results) -> int:
    """Close attempts of one claim; fewer than asked means that the lease of the rest was lost."""
    return int(
        await _value(
            conn,
            """
            select sms.settle(p_claim_id => %(claim_id)s, p_ids => %(ids)b::bigint[],
                              p_results => %(results)b::text[],
                              p_segments => %(segments)b::smallint[],
                              p_details => %(details)b::text[],
                              p_retry_after_s => %(retry_after_s)b::int[],
                              p_ref_ids => %(ref_ids)b::bigint[], p_refs => %(refs)b::text[])
            """,
            {
                "claim_id": claim_id,
                "ids": results.ids,
                "results": results.results,
                "segments": results.segments,
                "details": [detail and _clean(detail) for detail in results.details],
                "retry_after_s": results.retry_after_s,
                "ref_ids": results.ref_ids,
                "refs": [_clean(ref) for ref in results.refs],
            },
        )
    )


async def record_receipts(
    conn: AsyncConnection, *, provider: str, receipts: Sequence[Receipt]
) -> Recorded:
    """Store delivery reports as received and move their messages forward."""
    return await _row(
        conn,
        Recorded,
        """
        select stored, applied, waiting, unmapped
          from sms.record_receipts(p_provider => %(provider)s,
                                   p_message_ids => %(message_ids)b::bigint[],
                                   p_refs => %(refs)b::text[], p_codes => %(codes)b::text[],
                                   p_errors => %(errors)b::text[],
                                   p_occurred_ats => %(occurred_ats)b::timestamptz[],
                                   p_raws => %(raws)b::text[])
        """,
        {
            "provider": provider,
            "message_ids": [receipt.message_id for receipt in receipts],
            "refs": [receipt.ref and _clean(receipt.ref) for receipt in receipts],
            "codes": [_clean(receipt.code) for receipt in receipts],
            "errors": [receipt.error and _clean(receipt.error) for receipt in receipts],
            "occurred_ats": [receipt.occurred_at for receipt in receipts],
            "raws": [_clean(receipt.raw) for receipt in receipts],
        },
    )


async def record_inbound(
    conn: AsyncConnection, *, provider: str, messages: Sequence[Inbound]
) -> Heard:
    """Keep messages from subscribers, each once, and obey those that opt out or in again."""
    return await _row(
        conn,
        Heard,
        """
        select stored, opted_out
          from sms.record_inbound(p_provider => %(provider)s, p_refs => %(refs)b::text[],
                                  p_senders => %(senders)b::text[],
                                  p_sent_tos => %(sent_tos)b::text[],
                                  p_bodies => %(bodies)b::text[])
        """,
        {
            "provider": provider,
            "refs": [message.ref and _clean(message.ref) for message in messages],
            "senders": [_clean(message.sender) for message in messages],
            "sent_tos": [message.sent_to and _clean(message.sent_to) for message in messages],
            "bodies": [_clean(message.body) for message in messages],
        },
    )


async def list_providers(conn: AsyncConnection) -> list[ProviderRow]:
    """Every configured account and how many lanes it serves now."""
    return await _rows(
        conn,
        ProviderRow,
        """
        select provider, adapter, settings, secret_env, tps::float8 as tps, max_batch, is_enabled,
               lanes
          from sms.list_providers()
        """,
    )


# --- the bell: on its own connection, for these are session state -------------------------------


async def listen(conn: AsyncConnection, *, channels: Sequence[str]) -> None:
    """LISTEN to the channels."""
    for channel in channels:
        await conn.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))


async def try_sleep(conn: AsyncConnection, *, gate: int) -> int | None:
    """Take a slot of a gate before sleeping; null: somebody is awake there, try again shortly."""
    slot = await _value(conn, "select sms.try_sleep(p_gate => %(gate)s)", {"gate": gate})
    return None if slot is None else int(slot)


async def wake_up(conn: AsyncConnection, *, gate: int, slot: int) -> None:
    """Give the slot back."""
    await conn.execute(
        "select sms.wake_up(p_gate => %(gate)s, p_slot => %(slot)s)", {"gate": gate, "slot": slot}
    )


async def ping(conn: AsyncConnection) -> None:
    """Ask whether the server is still there."""
    await conn.execute("select")


# --- chores -------------------------------------------------------------------------------------


async def try_lead(conn: AsyncConnection, *, chore: int) -> bool:
    """Be the one process that does this chore until the end of the transaction."""
    return bool(
        await _value(
            conn,
            "select pg_try_advisory_xact_lock(%(class)s, %(chore)s)",
            {"class": _CHORES, "chore": chore},
        )
    )


async def expire_leases(conn: AsyncConnection, *, limit: int) -> Expired:
    """Return the messages of vanished workers; what they had marked becomes uncertain."""
    return await _row(
        conn,
        Expired,
        "select returned, uncertain from sms.expire_leases(p_limit => %(limit)s)",
        {"limit": limit},
    )


async def apply_uncertain_policy(conn: AsyncConnection, *, limit: int) -> PolicyApplied:
    """Resend or give up what waited longer than its channel allows."""
    return await _row(
        conn,
        PolicyApplied,
        "select resent, given_up from sms.apply_uncertain_policy(p_limit => %(limit)s)",
        {"limit": limit},
    )


async def match_receipts(conn: AsyncConnection, *, limit: int) -> int:
    """Apply receipts whose message is known by now."""
    query = "select sms.match_receipts(p_limit => %(limit)s)"
    return int(await _value(conn, query, {"limit": limit}))


async def learn_numbers(conn: AsyncConnection, *, limit: int) -> Learned:
    """Blacklist numbers that keep failing; lift what a delivery has proven wrong."""
    return await _row(
        conn,
        Learned,
        "select blacklisted, lifted from sms.learn_numbers(p_limit => %(limit)s)",
        {"limit": limit},
    )


async def maintain_partitions(conn: AsyncConnection) -> Partitions:
    """Make partitions ahead, drop those past their retention."""
    return await _row(conn, Partitions, "select created, dropped from sms.maintain_partitions()")


# --- people -------------------------------------------------------------------------------------


async def work_left(conn: AsyncConnection, *, receipt_wait: timedelta) -> WorkLeft:
    """What is due, in flight, or was accepted within `receipt_wait` and awaits its receipt."""
    return await _row(
        conn,
        WorkLeft,
        """
        select due, inflight, awaiting_receipt
          from sms.work_left(p_receipt_wait => %(receipt_wait)s)
        """,
        {"receipt_wait": receipt_wait},
    )


async def queue_status(conn: AsyncConnection) -> list[LaneStatus]:
    """Each lane: what waits, what is due, what is in flight."""
    return await _rows(
        conn,
        LaneStatus,
        """
        select channel, operator, provider, pending, due, inflight, oldest_due_at
          from sms.queue_status()
        """,
    )


async def outcome_status(conn: AsyncConnection, *, since: datetime) -> list[StateCount]:
    """How many messages left the queue since a moment, by the state they are in now."""
    return await _rows(
        conn,
        StateCount,
        "select state, messages from sms.outcome_status(p_since => %(since)s)",
        {"since": since},
    )


async def count_unaccounted(conn: AsyncConnection) -> int:
    """Requests that are not in exactly one place; anything but 0 is a bug."""
    return int(await _value(conn, "select sms.count_unaccounted()"))


async def report(conn: AsyncConnection, *, start: datetime, until: datetime) -> list[ReportLine]:
    """What became of the messages inserted in a span of time, by state and reason."""
    return await _rows(
        conn,
        ReportLine,
        """
        select state, reason, messages, segments, cost, accept_p50, accept_p95, final_p50,
               final_p95
          from sms.report(p_from => %(start)s, p_until => %(until)s)
        """,
        {"start": start, "until": until},
    )


async def set_provider(
    conn: AsyncConnection,
    *,
    provider: str,
    adapter: str | None = None,
    settings: Mapping[str, Any] | None = None,
    secret_env: str | None = None,
    tps: float | None = None,
    max_batch: int | None = None,
    is_enabled: bool | None = None,
) -> str:
    """Create or change an account; None leaves a value alone. Tells created/changed/unchanged."""
    return str(
        await _value(
            conn,
            """
            select sms.set_provider(p_provider => %(provider)s, p_adapter => %(adapter)s,
                                    p_settings => %(settings)s, p_secret_env => %(secret_env)s,
                                    p_tps => %(tps)s::numeric, p_max_batch => %(max_batch)s,
                                    p_is_enabled => %(is_enabled)s)
            """,
            {
                "provider": provider,
                "adapter": adapter,
                "settings": None if settings is None else Jsonb(settings),
                "secret_env": secret_env,
                "tps": tps,
                "max_batch": max_batch,
                "is_enabled": is_enabled,
            },
        )
    )


async def switch_channel(
    conn: AsyncConnection, *, channel: str, provider: str | None, operator: str | None = None
) -> int:
    """Re-point lanes of a channel ('*': all) to a provider, None parks them; how many changed."""
    return int(
        await _value(
            conn,
            """
            select sms.switch_channel(p_channel => %(channel)s, p_provider => %(provider)s,
                                      p_operator => %(operator)s)
            """,
            {"channel": channel, "provider": provider, "operator": operator},
        )
    )


async def cancel(conn: AsyncConnection, *, ids: Sequence[int]) -> int:
    """Cancel messages that still wait; tells how many did."""
    return int(
        await _value(conn, "select sms.cancel(p_ids => %(ids)b::bigint[])", {"ids": list(ids)})
    )


async def resolve_uncertain(
    conn: AsyncConnection, *, ids: Sequence[int], verdict: str, detail: str | None
) -> int:
    """Decide doubtful messages: accepted, resend or give_up; tells how many were uncertain."""
    return int(
        await _value(
            conn,
            """
            select sms.resolve_uncertain(p_ids => %(ids)b::bigint[], p_verdict => %(verdict)s,
                                         p_detail => %(detail)s)
            """,
            {"ids": list(ids), "verdict": verdict, "detail": detail},
        )
    )


async def explain(conn: AsyncConnection, *, message_id: int) -> list[Explained]:
    """The story of one message: each rule's verdict and the facts behind it."""
    return await _rows(
        conn,
        Explained,
        """
        select step, topic, verdict, reason, detail, at, facts
          from sms.explain(p_id => %(id)s)
         order by step
        """,
        {"id": message_id},
    )


async def dry_run_campaign(
    conn: AsyncConnection, *, campaign_id: int, as_of: datetime | None
) -> list[DryRunLine]:
    """What would become of the messages of a campaign that still wait."""
    return await _rows(
        conn,
        DryRunLine,
        """
        select topic, key, messages, segments, cost, at
          from sms.dry_run(p_campaign_id => %(campaign_id)s,
                           p_as_of => coalesce(%(as_of)s::timestamptz, clock_timestamp()))
        """,
        {"campaign_id": campaign_id, "as_of": as_of},
    )


async def dry_run_select(
    conn: AsyncConnection,
    *,
    select: str,
    channel: str,
    body: str | None,
    campaign_id: int | None,
    as_of: datetime | None,
) -> list[DryRunLine]:
    """What would become of messages to the rows of a SELECT, if they were inserted."""
    return await _rows(
        conn,
        DryRunLine,
        """
        select topic, key, messages, segments, cost, at
          from sms.dry_run(p_select => %(select)s, p_channel => %(channel)s, p_body => %(body)s,
                           p_campaign_id => %(campaign_id)s,
                           p_as_of => coalesce(%(as_of)s::timestamptz, clock_timestamp()))
        """,
        {
            "select": select,
            "channel": channel,
            "body": body,
            "campaign_id": campaign_id,
            "as_of": as_of,
        },
    )


async def read_message(conn: AsyncConnection, *, message_id: int) -> MessageRow | None:
    """A message as the ERP and the analysts see it."""
    found = await _rows(
        conn,
        MessageRow,
        """
        select m.id, m.erp_ref, m.client_id, m.channel, m.campaign_id, m.msisdn, m.state, m.reason,
               m.detail, m.provider, m.operator, m.segments, m.cost, m.attempts, m.not_before,
               m.created_at, m.submitted_at, m.final_at
          from sms.message as m
         where m.id = %(id)s
        """,
        {"id": message_id},
    )
    return found[0] if found else None


# --- helpers ------------------------------------------------------------------------------------

_CHORES = 74020  # first key of the chores' advisory locks


async def _row(
    conn: AsyncConnection,
    kind: type[T],
    query: LiteralString,
    arguments: Mapping[str, Any] | None = None,
) -> T:
    [row] = await _rows(conn, kind, query, arguments)
    return row


async def _rows(
    conn: AsyncConnection,
    kind: type[T],
    query: LiteralString,
    arguments: Mapping[str, Any] | None = None,
) -> list[T]:
    async with conn.cursor(row_factory=class_row(kind)) as cursor:
        await cursor.execute(query, arguments)
        return await cursor.fetchall()


async def _value(
    conn: AsyncConnection, query: LiteralString, arguments: Mapping[str, Any] | None = None
) -> Any:
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(query, arguments)
        return await cursor.fetchone()


def _clean(text: str) -> str:
    """PostgreSQL keeps no NUL in a text, and what a provider says must not break a batch."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
