"""Audiences: saved, previewed and read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import AsyncConnection
from psycopg.errors import QueryCanceled

from outbox.calls.query import all_rows, one_value
from outbox.errors import Refused
from outbox.rows_people import AudienceFinding, AudienceRow

# A preview judges the phone, zone and text of every person the audience yields.
PREVIEWING = 10


@asynccontextmanager
async def limited(conn: AsyncConnection, times: float = 1) -> AsyncIterator[None]:
    """A transaction whose statements may take `times` what the setting audience_timeout_s says.

    PostgreSQL arms statement_timeout only before a statement begins, so no function can do it.
    Raises Refused (SM034) when it takes longer.
    """
    try:
        async with conn.transaction():
            await conn.execute(
                "select sms.limit_audience(p_times => %(times)s)", {"times": float(times)}
            )
            yield
    except QueryCanceled as error:
        raise Refused(
            "The audience takes too long: narrow it, or raise the setting audience_timeout_s.",
            sqlstate="SM034",
        ) from error


async def list_audiences(conn: AsyncConnection) -> list[AudienceRow]:
    """The audiences that can be used, by name."""
    return await all_rows(
        conn,
        AudienceRow,
        """
        select a.audience, a.title, a.query, a.columns, a.planned_cost, a.version_no,
               a.changed_at, a.changed_by
          from sms.audience as a
         where a.removed_at is null
         order by a.audience
        """,
    )


async def save_audience(
    conn: AsyncConnection, *, audience: str, query: str, title: str | None
) -> int:
    """Check a SELECT and keep it under a name; tells the version."""
    return int(
        await one_value(
            conn,
            """
            select sms.save_audience(p_audience => %(audience)s, p_query => %(query)s,
                                     p_title => %(title)s)
            """,
            {"audience": audience, "query": query, "title": title},
        )
    )


async def remove_audience(conn: AsyncConnection, *, audience: str) -> None:
    """Take an audience out of use."""
    await conn.execute(
        "select sms.remove_audience(p_audience => %(audience)s)", {"audience": audience}
    )


async def preview_audience(
    conn: AsyncConnection,
    *,
    audience: str,
    limit: int,
    template: str | None = None,
    channel: str = "planned",
    phones: bool = False,
) -> list[AudienceFinding]:
    """Count, unusable rows, map extent, segments by operator and zone, and a sample of people."""
    async with limited(conn, PREVIEWING):
        return await all_rows(
            conn,
            AudienceFinding,
            """
            select topic, key, people, segments, detail
              from sms.preview_audience(p_audience => %(audience)s, p_limit => %(limit)s,
                                        p_template => %(template)s, p_channel => %(channel)s,
                                        p_show_phones => %(phones)s)
            """,
            {
                "audience": audience,
                "limit": limit,
                "template": template,
                "channel": channel,
                "phones": phones,
            },
        )
