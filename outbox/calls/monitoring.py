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


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginPower:
    """Who we are to the database: a superuser or its owner may do far more than any program of
    ours has to."""

    login: str
    is_superuser: bool
    is_owner: bool


async def login_power(conn: AsyncConnection) -> LoginPower:
    """What the login may do beyond the small roles; a role put on can be taken off again."""
    [power] = await all_rows(
        conn,
        LoginPower,
        """
        select session_user::text as login, r.rolsuper as is_superuser,
               pg_has_role(session_user, n.nspowner, 'member') as is_owner
          from pg_catalog.pg_roles as r, pg_catalog.pg_namespace as n
         where r.rolname = session_user and n.nspname = 'sms'
        """,
    )
    return power


async def metric_values(conn: AsyncConnection) -> list[MetricValue]:
    """What only the database knows."""
    return await all_rows(
        conn, MetricValue, "select metric, labels, value from sms.metric_values()"
    )
