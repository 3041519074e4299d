"""maintain_partitions, create_, drop_partition, partition_months, retention: months come and go."""

import asyncio
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.support.factory import (
    claim,
    column,
    insert_outbox,
    make_provider,
    row,
    settle,
    states,
    value,
)

TABLES = [
    "outbox",
    "outcome",
    "receipt",
    "provider_ref",
    "event",
    "event_effect",
    "short_link",
    "click",
    "contact_log",
]


def month(year: int, number: int) -> datetime:
    """The first moment of a month, UTC."""
    return datetime(year, number, 1, tzinfo=UTC)


def after(this: datetime, months: int) -> datetime:
    """The month so many months later."""
    count = this.year * 12 + this.month - 1 + months
    return month(count // 12, count % 12 + 1)


# As it is when these tests begin; a month may end while they run.
THIS_MONTH = month(datetime.now(UTC).year, datetime.now(UTC).month)


async def maintain(db: AsyncConnection, as_of: datetime = THIS_MONTH) -> tuple[int, int]:
    """Run the chore: partitions made and dropped."""
    seen = await row(db, "select * from sms.maintain_partitions(%s)", as_of)
    return seen["created"], seen["dropped"]


async def months(db: AsyncConnection, table: str) -> list[datetime]:
    """The months a table covers."""
    return await column(db, "select month from sms.partition_months(%s) order by month", table)


async def keep(db: AsyncConnection, retention_months: int) -> None:
    """Keep rows for so many months."""
    await db.execute(
        "update sms.setting set value = %s where setting = 'retention_months'",
        [str(retention_months)],
    )


async def old_message(db: AsyncConnection, created: datetime) -> int:
    """A message that waits and was asked for long ago."""
    await maintain(db, created)
    first = await value(db, "select sms.id_at(%s)", created)
    await db.execute(
        """
        insert into sms.outbox (id, created_at, phone, body, erp_ref)
        values (%s, %s, '89070000001', 'old', 'old ref')
        """,
        [first + 1, created],
    )
    return int(first) + 1


async def test_a_fresh_database_reaches_from_last_month_three_months_ahead(
    db: AsyncConnection,
) -> None:
    for table in TABLES[:-1]:
        assert await months(db, table) == [after(THIS_MONTH, n) for n in range(-1, 4)]


async def test_its_contact_log_reaches_as_far_back_as_a_cap_may_look(db: AsyncConnection) -> None:
    assert await months(db, "contact_log") == [after(THIS_MONTH, n) for n in range(-13, 4)]


async def test_running_it_again_changes_nothing(db: AsyncConnection) -> None:
    assert await maintain(db) == (0, 0)


async def test_next_month_adds_one_partition_to_every_table(db: AsyncConnection) -> None:
    assert await maintain(db, after(THIS_MONTH, 1)) == (len(TABLES), 0)
    for table in TABLES:
        assert after(THIS_MONTH, 4) in await months(db, table)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kamchatka"])
async def test_months_meet_without_a_gap_whatever_the_sessions_zone(
    db: AsyncConnection, zone: str
) -> None:
    await db.execute("select set_config('timezone', %s, true)", [zone])
    # The months around both changes of Berlin's and New York's clocks.
    for as_of in (month(2031, 2), month(2031, 9)):
        assert await maintain(db, as_of) == (5 * len(TABLES), 0)

    await db.execute("set local timezone = 'UTC'")
    for table in ("contact_log", "outcome"):
        bounds = await column(
            db,
            """
            select pg_get_expr(c.relpartbound, c.oid)
              from pg_inherits as i join pg_class as c on c.oid = i.inhrelid
             where i.inhparent = ('sms.' || %s)::regclass and c.relname ~ '2031m0[1-5]$'
             order by c.relname
            """,
            table,
        )
        ends = [bound.split("(")[2].strip(")") for bound in bounds]
        starts = [bound.split("(")[1].split(")")[0] for bound in bounds]
        assert ends[:-1] == starts[1:], f"a gap in {table}"
        assert len(bounds) == 5


async def test_there_is_no_default_partition(db: AsyncConnection) -> None:
    assert (
        await value(
            db,
            "select count(*) from pg_class where pg_get_expr(relpartbound, oid) = 'DEFAULT'",
        )
        == 0
    )


async def test_without_a_retention_everything_is_kept(db: AsyncConnection) -> None:
    await maintain(db, month(2021, 5))

    assert (await maintain(db))[1] == 0
    assert month(2021, 5) in await months(db, "outbox")


@pytest.mark.parametrize(("kept", "oldest"), [(1, -1), (2, -2), (3, -3)])
async def test_months_past_their_retention_are_dropped(
    db: AsyncConnection, kept: int, oldest: int
) -> None:
    await maintain(db, after(THIS_MONTH, -4))
    await keep(db, kept)

    await maintain(db)

    for table in TABLES[:-1]:
        assert (await months(db, table))[0] == after(THIS_MONTH, oldest)


async def test_the_contact_log_outlives_what_caps_can_ask(db: AsyncConnection) -> None:
    await maintain(db, after(THIS_MONTH, -20))
    await maintain(db, after(THIS_MONTH, -13))
    await keep(db, 1)

    await maintain(db)

    assert (await months(db, "contact_log"))[0] == after(THIS_MONTH, -13)


async def test_a_setting_that_is_gone_keeps_everything(db: AsyncConnection) -> None:
    await maintain(db, month(2021, 5))
    await db.execute("delete from sms.setting")

    assert (await maintain(db))[1] == 0


async def test_a_month_that_a_waiting_message_comes_from_is_kept(db: AsyncConnection) -> None:
    await make_provider(db, "x", point_lanes=False)
    created = after(THIS_MONTH, -6)
    message_id = await old_message(db, created)
    await keep(db, 1)

    await maintain(db)

    assert (await months(db, "outbox"))[0] == created
    assert await states(db, message_id) == ["pending"]


async def test_a_month_that_a_leased_message_comes_from_is_kept(db: AsyncConnection) -> None:
    created = after(THIS_MONTH, -6)
    message_id = await old_message(db, created)
    assert (await claim(db, as_of=None)).ids == [message_id]
    await keep(db, 1)

    await maintain(db)

    assert (await months(db, "outbox"))[0] == created
    assert await states(db, message_id) == ["inflight"]


async def test_once_it_has_left_the_queue_its_month_may_go(db: AsyncConnection) -> None:
    created = after(THIS_MONTH, -6)
    message_id = await old_message(db, created)
    claimed = await claim(db, as_of=None)
    await settle(db, claimed.claim_id, [message_id], refs=[(message_id, "r")])
    await keep(db, 1)

    assert (await maintain(db))[1] > 0

    assert (await months(db, "outbox"))[0] == after(THIS_MONTH, -1)
    assert await states(db, message_id) == ["nowhere"]


async def test_the_reference_of_a_dropped_message_may_be_used_again(db: AsyncConnection) -> None:
    message_id = await old_message(db, after(THIS_MONTH, -6))
    claimed = await claim(db, as_of=None)
    await settle(db, claimed.claim_id, [message_id])
    await keep(db, 1)
    await maintain(db)

    first = await insert_outbox(db, not_before=None, erp_ref="old ref", body="a")
    second = await insert_outbox(db, not_before=None, erp_ref="old ref", body="b")

    assert (await claim(db, as_of=None)).ids == [first]
    await claim(db, as_of=None)
    assert await states(db, first, second) == ["inflight", "suppressed"]


async def test_a_row_beyond_all_partitions_is_an_error_and_not_lost_silently(
    db: AsyncConnection,
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        await db.execute(
            "insert into sms.outbox (id, phone, body) values (sms.id_at('2088-01-01'), '1', '2')"
        )


async def test_new_partitions_are_described(db: AsyncConnection) -> None:
    await maintain(db, month(2031, 5))

    assert await value(db, "select obj_description('sms.outbox_y2031m05'::regclass)")


async def test_it_gives_up_instead_of_holding_inserts_up(dsn: str) -> None:
    async with (
        await AsyncConnection.connect(dsn, autocommit=True) as owner,
        await AsyncConnection.connect(dsn) as erp,
        await AsyncConnection.connect(dsn, autocommit=True) as other,
    ):
        await maintain(owner, month(2021, 5))
        await keep(owner, 1)
        await insert_outbox(erp, not_before=None)

        async def chore() -> None:
            with pytest.raises(psycopg.errors.LockNotAvailable):
                await maintain(owner)

        waiting = asyncio.create_task(chore())
        async with asyncio.timeout(10):
            await asyncio.sleep(0.3)
            await insert_outbox(other, not_before=None)
            await waiting
        await erp.commit()
        assert (await maintain(owner))[1] > 0
