"""What monitoring asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection

from outbox.calls.query import all_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricValue:
    """One value, as Prometheus names it."""

    metric: str
    labels: dict[str, Any]
    value: float


async def metric_values(conn: AsyncConnection) -> list[MetricValue]:
    """What only the database knows."""
    return await all_rows(
        conn, MetricValue, "select metric, labels, value from sms.metric_values()"
    )
