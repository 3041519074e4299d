"""However wildly providers behave, breakers and lanes move a bounded number of times."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from tests.support.clock import NOON

COOL_DOWN_S = 15
STEP_S = 2
MOODS: dict[str, dict[str, Any]] = {
    "well": {"accepted": 20},
    "idle": {},
    "hangs": {"outstanding": 20, "silence_s": 30},
    "refuses": {"throttled": 9, "failing": 9, "failing_s": 9},
    "errs": {"accepted": 8, "failed": 12},
    "stumbles": {"accepted": 14, "failed": 6},
    "throttles": {"accepted": 2, "throttled": 30},
}
story = st.lists(
    st.tuples(st.sampled_from(sorted(MOODS)), st.integers(1, 40)), min_size=4, max_size=12
)
bounded = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@bounded
@given(story=story)
def test_a_provider_of_many_moods_opens_ever_more_seldom(shared_dsn: str, story: Any) -> None:
    """Its backup is well all the time."""
    with psycopg.connect(shared_dsn) as conn:
        seconds = play(conn, story, {"b": "well"})
        openings, moves = history(conn)
        conn.rollback()
    assert openings <= math.log2(seconds / COOL_DOWN_S + 1) + 1
    assert moves <= 2 * openings


@bounded
@given(story=story)
def test_two_providers_of_many_moods_do_not_play_ping_pong(shared_dsn: str, story: Any) -> None:
    """Both behave alike, so that often nobody is well."""
    with psycopg.connect(shared_dsn) as conn:
        play(conn, story, {})
        openings, moves = history(conn)
        for provider in ("a", "b"):
            gaps = [later - earlier for earlier, later in pairwise(opened(conn, provider))]
            assert all(gap > timedelta(seconds=COOL_DOWN_S) for gap in gaps)
        conn.rollback()
    assert moves <= 2 * openings


def play(conn: psycopg.Connection, story: list[tuple[str, int]], others: dict[str, str]) -> int:
    """Let both providers behave as the story says, unless `others` says otherwise; seconds."""
    conn.execute("insert into sms.provider (provider, adapter) values ('a', 'fake'), ('b', 'fake')")
    conn.execute("select sms.set_route('*', '{a,b}')")
    conn.execute("update sms.breaker set since = %s", [NOON - timedelta(hours=1)])
    now, seconds = NOON, 0
    for mood, steps in story:
        for _ in range(steps):
            for provider in ("a", "b"):
                meet(conn, provider, MOODS[others.get(provider, mood)], now)
            conn.execute("select sms.watch_routes(%s)", [now])
            now += timedelta(seconds=STEP_S)
            seconds += STEP_S
    return seconds


def meet(conn: psycopg.Connection, provider: str, mood: dict[str, Any], now: datetime) -> None:
    """A worker that is up to date reports it, if its provider gets anything at all."""
    conn.execute(
        """
        select sms.report_health('w', jsonb_build_array(
                   %(mood)s || jsonb_build_object('provider', p.provider, 'epoch', b.epoch)),
                   %(now)s)
          from sms.breaker as b join sms.provider as p using (provider_id)
         where p.provider = %(provider)s and b.state <> 'open' and %(mood)s <> '{}'
        """,
        {"mood": Jsonb(mood), "now": now, "provider": provider},
    )


def opened(conn: psycopg.Connection, provider: str) -> list[datetime]:
    return [
        row[0]
        for row in conn.execute(
            """
            select c.at from sms.breaker_change as c
             where c.to_state = 'open' and c.provider = %s order by c.change_id
            """,
            [provider],
        )
    ]


def history(conn: psycopg.Connection) -> tuple[int, int]:
    """How often a breaker opened, and how often the most restless lane moved by itself."""
    found = conn.execute(
        """
        select (select count(*) from sms.breaker_change as c where c.to_state = 'open'),
               (select coalesce(max(n), 0)
                  from (select count(*) as n from sms.lane_change as c
                         where c.is_automatic group by c.lane_id) as x)
        """
    ).fetchone()
    assert found is not None
    return found
