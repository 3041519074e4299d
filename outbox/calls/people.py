"""What commands and people ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from outbox.calls.query import all_rows, one_row, one_value
from outbox.rows import (
    DryRunLine,
    Explained,
    LaneStatus,
    MessageRow,
    ReportLine,
    StateCount,
    WorkLeft,
)


async def work_left(conn: AsyncConnection, *, receipt_wait: timedelta) -> WorkLeft:
    """What is due, in flight, awaits its receipt within `receipt_wait`, is to be queued, or is
    asked about."""
    return await one_row(
        conn,
        WorkLeft,
        """
        select due, inflight, awaiting_receipt, feeding, asking
          from sms.work_left(p_receipt_wait => %(receipt_wait)s)
        """,
        {"receipt_wait": receipt_wait},
    )


async def queue_status(conn: AsyncConnection) -> list[LaneStatus]:
    """Each lane: what waits, what is due, what is in flight."""
    return await all_rows(
        conn,
        LaneStatus,
        """
        select channel, operator, provider, pending, due, inflight, oldest_due_at
          from sms.queue_status()
        """,
    )


async def outcome_status(conn: AsyncConnection, *, since: datetime) -> list[StateCount]:
    """How many messages left the queue since a moment, by the state they are in now."""
    return await all_rows(
        conn,
        StateCount,
        "select state, messages from sms.outcome_status(p_since => %(since)s)",
        {"since": since},
    )


async def count_unaccounted(conn: AsyncConnection) -> int:
    """Requests that are not in exactly one place; anything but 0 is a bug."""
    return int(await one_value(conn, "select sms.count_unaccounted()"))


async def report(conn: AsyncConnection, *, start: datetime, until: datetime) -> list[ReportLine]:
    """What became of the messages inserted in a span of time, by state and reason."""
    return await all_rows(
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
        await one_value(
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
    conn: AsyncConnection,
    *,
    channel: str,
    provider: str | None,
    operator: str | None = None,
    reason: str | None = None,
    until: datetime | None = None,
) -> int:
    """Re-point lanes of a channel ('*': all) to a provider, None parks them; how many changed."""
    return int(
        await one_value(
            conn,
            """
            select sms.switch_channel(p_channel => %(channel)s, p_provider => %(provider)s,
                                      p_operator => %(operator)s, p_reason => %(reason)s,
                                      p_until => %(until)s)
            """,
            {
                "channel": channel,
                "provider": provider,
                "operator": operator,
                "reason": reason,
                "until": until,
            },
        )
    )


async def cancel(conn: AsyncConnection, *, ids: Sequence[int]) -> int:
    """Cancel messages that still wait; tells how many did."""
    return int(
        await one_value(conn, "select sms.cancel(p_ids => %(ids)b::bigint[])", {"ids": list(ids)})
    )


async def resolve_uncertain(
    conn: AsyncConnection, *, ids: Sequence[int], verdict: str, detail: str | None
) -> int:
    """Decide doubtful messages: accepted, resend or give_up; tells how many were uncertain."""
    return int(
        await one_value(
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
    return await all_rows(
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
    return await all_rows(
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
    return await all_rows(
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
    found = await all_rows(
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
