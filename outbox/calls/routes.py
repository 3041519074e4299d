"""Who may serve what, who is well, and what changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from outbox.calls.query import all_rows, one_row, one_value
from outbox.rows_routes import (
    BreakerChange,
    HealthRow,
    LaneChange,
    Notice,
    Report,
    RouteRow,
    Watched,
)


async def report_health(conn: AsyncConnection, *, worker: str, reports: Iterable[Report]) -> None:
    """Add what a worker met since its last report."""
    plain = [
        {
            **report.counts,
            "provider": report.provider,
            "epoch": report.epoch,
            "outstanding": report.outstanding,
            "overdue": report.overdue,
            "silence_s": report.silence_s,
            "failing": report.failing,
            "failing_s": report.failing_s,
            "times": list(report.times),
            "max_ms": report.max_ms,
        }
        for report in reports
    ]
    await one_value(
        conn,
        "select sms.report_health(p_worker => %(worker)s, p_reports => %(reports)s)",
        {"worker": worker, "reports": Jsonb(plain)},
    )


async def watch_routes(conn: AsyncConnection) -> Watched:
    """End pins, move breakers, point lanes."""
    return await one_row(
        conn, Watched, "select opened, tried, closed, lanes, unpinned from sms.watch_routes()"
    )


async def set_route(
    conn: AsyncConnection,
    *,
    channel: str,
    providers: Sequence[str],
    policy: str = "ranked",
    operator: str | None = None,
) -> int:
    """Say who may serve a channel ('*': every one); how many routes were made or changed."""
    return int(
        await one_value(
            conn,
            """
            select sms.set_route(p_channel => %(channel)s, p_providers => %(providers)s::text[],
                                 p_policy => %(policy)s, p_operator => %(operator)s)
            """,
            {
                "channel": channel,
                "providers": list(providers),
                "policy": policy,
                "operator": operator,
            },
        )
    )


async def remove_route(conn: AsyncConnection, *, channel: str, operator: str | None = None) -> int:
    """Remove a route; its lanes stay where they are. How many routes there were."""
    return int(
        await one_value(
            conn,
            "select sms.remove_route(p_channel => %(channel)s, p_operator => %(operator)s)",
            {"channel": channel, "operator": operator},
        )
    )


async def list_routes(conn: AsyncConnection) -> list[RouteRow]:
    """Every route and who serves its lanes now."""
    return await all_rows(
        conn,
        RouteRow,
        """
        select channel, operator, policy, providers, serving, lanes, pinned, held
          from sms.list_routes()
        """,
    )


async def set_breaker(
    conn: AsyncConnection, *, provider: str, settings: Mapping[str, object]
) -> int:
    """Change a provider's breaker policy ('*': everybody's); how many changed."""
    return int(
        await one_value(
            conn,
            "select sms.set_breaker(p_provider => %(provider)s, p_settings => %(settings)s)",
            {"provider": provider, "settings": Jsonb(dict(settings))},
        )
    )


async def breaker_policies(conn: AsyncConnection) -> dict[str, dict[str, Any]]:
    """Each provider's breaker policy, times as text."""
    return dict(
        await one_value(
            conn,
            """
            select coalesce(jsonb_object_agg(p.provider, to_jsonb(k) - 'provider_id'), '{}')
              from sms.breaker_policy as k
              join sms.provider as p on p.provider_id = k.provider_id
            """,
        )
    )


async def provider_health(conn: AsyncConnection) -> list[HealthRow]:
    """How each provider is."""
    return await all_rows(
        conn,
        HealthRow,
        """
        select provider, is_enabled, state, since, cause, figures, openings, retry_at, workers,
               ill_votes, sent, accepted, rejected, failed, throttled, unanswered, slow, troubles,
               outstanding, error_share::float8 as error_share,
               throttled_share::float8 as throttled_share, silence_s, p95_ms, max_ms, lanes, held,
               pinned
          from sms.provider_health
        """,
    )


async def unpin_channel(conn: AsyncConnection, *, channel: str, operator: str | None = None) -> int:
    """End the pins of a channel's lanes; how many there were."""
    return int(
        await one_value(
            conn,
            "select sms.unpin_channel(p_channel => %(channel)s, p_operator => %(operator)s)",
            {"channel": channel, "operator": operator},
        )
    )


async def lane_changes(conn: AsyncConnection, *, since: datetime) -> list[LaneChange]:
    """What changed about lanes since a moment, oldest first."""
    return await all_rows(
        conn,
        LaneChange,
        """
        select at, channel, operator, from_provider, to_provider, cause, is_automatic, done_by,
               detail
          from sms.lane_change
         where at >= %(since)s
         order by change_id
        """,
        {"since": since},
    )


async def breaker_changes(conn: AsyncConnection, *, since: datetime) -> list[BreakerChange]:
    """How breakers moved since a moment, oldest first."""
    return await all_rows(
        conn,
        BreakerChange,
        """
        select at, provider, from_state, to_state, cause, figures
          from sms.breaker_change
         where at >= %(since)s
         order by change_id
        """,
        {"since": since},
    )


async def take_route_notices(conn: AsyncConnection, *, limit: int) -> list[Notice]:
    """Notices the webhook was not told yet; untold, they come again later."""
    return await all_rows(
        conn,
        Notice,
        "select notice_id, payload from sms.take_route_notices(p_limit => %(limit)s)",
        {"limit": limit},
    )


async def told_route_notices(conn: AsyncConnection, *, ids: Sequence[int]) -> int:
    """The webhook took these."""
    return int(
        await one_value(
            conn,
            "select sms.told_route_notices(p_ids => %(ids)b::bigint[])",
            {"ids": list(ids)},
        )
    )
