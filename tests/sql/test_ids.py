"""id_at, id_time, next_id: ids tell their moment, sort by it and never repeat."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from psycopg import AsyncConnection

from tests.support.clock import NOON, TICK
from tests.support.factory import column, value

MILLISECOND = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("moment", "first"),
    [
        (datetime(2020, 1, 1, tzinfo=UTC), 0),
        (datetime(2020, 1, 1, 0, 0, 1, tzinfo=UTC), 1000 << 22),
        (datetime(2019, 12, 31, 23, 59, 59, tzinfo=UTC), -1000 << 22),
    ],
)
async def test_an_id_is_milliseconds_since_2020_and_22_bits(
    db: AsyncConnection, moment: datetime, first: int
) -> None:
    assert await value(db, "select sms.id_at(%s)", moment) == first


async def test_the_moment_can_be_read_back_to_the_millisecond(db: AsyncConnection) -> None:
    read = await value(db, "select sms.id_time(sms.id_at(%s) + 4194303)", NOON + 400 * TICK)

    assert read == NOON


async def test_the_next_millisecond_has_greater_ids(db: AsyncConnection) -> None:
    last_of_this = await value(db, "select sms.id_at(%s) + 4194303", NOON)

    assert await value(db, "select sms.id_at(%s)", NOON + MILLISECOND) == last_of_this + 1


@pytest.mark.parametrize("text", ["infinity", "-infinity", "294276-12-31", "0001-01-01 BC"])
async def test_the_ends_of_time_are_bounds_too(db: AsyncConnection, text: str) -> None:
    bound = await value(db, "select sms.id_at(%s::timestamptz)", text)
    now = await value(db, "select sms.next_id()")

    assert (bound > now) == (text in ("infinity", "294276-12-31"))


async def test_a_new_id_is_of_this_moment(db: AsyncConnection) -> None:
    told = await value(
        db, "select abs(extract(epoch from sms.id_time(sms.next_id()) - clock_timestamp()))"
    )

    assert told < 1


async def test_ids_do_not_repeat_where_the_sequence_wraps(db: AsyncConnection) -> None:
    await db.execute("select setval('sms.id_seq', 4194200)")
    ids = await column(db, "select sms.next_id() from generate_series(1, 20000)")

    assert len(set(ids)) == 20_000


async def test_sessions_never_draw_the_same_id(dsn: str) -> None:
    async def draw() -> list[int]:
        async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
            return await column(conn, "select sms.next_id() from generate_series(1, 20000)")

    drawn = [one for many in await asyncio.gather(*(draw() for _ in range(6))) for one in many]

    assert len(set(drawn)) == 120_000


async def test_an_id_does_not_fit_a_javascript_number(db: AsyncConnection) -> None:
    assert await value(db, "select sms.next_id()") > 2**53
