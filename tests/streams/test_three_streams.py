"""Planned campaigns, mass notices and single notices run side by side, each its own way."""

from __future__ import annotations

import json

from psycopg import AsyncConnection

from tests.chaos.books import until
from tests.events.conftest import fire
from tests.streams.conftest import TPS, Streams
from tests.support import factory

CROWD = 120  # numbers that get one message of each bulk stream
FRIENDS = 10  # numbers that get more than their caps allow
REPEATS = 8
CAPS = {"mass": 5, "planned": 2}  # a day, as a new installation has them
URGENT = 12


async def notify_all(conn: AsyncConnection) -> None:
    """A system tells everybody of new terms: one statement, some people many times."""
    people = [
        *range(1000, 1000 + CROWD),
        *(n for n in range(1, FRIENDS + 1) for _ in range(REPEATS)),
    ]
    await conn.execute(
        "select sms.fire_events('terms', %s::bigint[], %s::jsonb[])",
        [
            people,
            [
                json.dumps({"nr": place, "phone": str(factory.number(person))})
                for place, person in enumerate(people)
            ],
        ],
    )


async def run_campaign(conn: AsyncConnection) -> None:
    """Somebody's campaign goes to the same people, on the same day."""
    campaign = await factory.insert(conn, "campaign", campaign="spring", channel="planned")
    await conn.execute(
        """
        insert into sms.outbox (channel, phone, body, campaign_id)
        select 'planned', (%(first)s + p.person)::text, 'Весна ' || p.n, %(campaign)s
          from (select 1000 + n as person, n from generate_series(0, %(crowd)s - 1) as n
                union all
                select f, f * 100 + n from generate_series(1, %(friends)s) as f,
                       generate_series(1, %(repeats)s) as n) as p (person, n)
        """,
        {
            "first": factory.number(0),
            "campaign": campaign,
            "crowd": CROWD,
            "friends": FRIENDS,
            "repeats": REPEATS,
        },
    )


async def thank(conn: AsyncConnection, person: int, nr: int) -> int:
    """A payment comes in; the message of the notice, once the provider has it."""
    fired = await fire(conn, "payment", person, {"nr": nr, "phone": str(factory.number(person))})
    [id_] = fired["message_ids"]
    await until(conn, "select state = 'accepted' from sms.message where id = %s", id_)
    return int(id_)


async def drained(streams: Streams, *channels: str) -> None:
    """Wait until nothing of these channels waits or is in flight."""
    await until(
        streams.conn,
        """
        select not exists (select from sms.message
                            where channel = any (%s) and state in ('pending', 'inflight'))
        """,
        list(channels),
    )


async def test_three_streams_side_by_side(streams: Streams) -> None:
    await notify_all(streams.conn)
    await run_campaign(streams.conn)

    urgent = [await thank(streams.conn, 1 + n % FRIENDS, n) for n in range(URGENT)]

    # Both bulk streams were under way, and neither was through, when the last notice had gone.
    for channel in CAPS:
        assert streams.taken(channel), f"{channel} has not begun"
        assert await streams.waiting(channel), f"{channel} ended before the test did"
    assert set(streams.taken("single")) == set(urgent)

    await streams.hurry()
    await drained(streams, *TPS)
    await each_went_its_own_way(streams)
    await caps_held(streams)
    assert await factory.nothing_unaccounted(streams.conn)


async def each_went_its_own_way(streams: Streams) -> None:
    """Every provider took the messages of its channel, each once, and no other."""
    for channel in TPS:
        accepted = await factory.column(
            streams.conn,
            "select id from sms.message where channel = %s and state = 'accepted'",
            channel,
        )
        taken = streams.taken(channel)
        assert sorted(taken) == sorted(accepted)
        assert set(taken.values()) == {1}


async def caps_held(streams: Streams) -> None:
    """Each bulk stream stopped at its own cap a number; the single notices used up none of it."""
    for channel, cap in CAPS.items():
        seen = await factory.rows(
            streams.conn,
            """
            select msisdn, count(*) filter (where state = 'accepted') as sent,
                   count(*) filter (where state = 'suppressed' and reason = 'cap') as capped
              from sms.message where channel = %s and msisdn <= %s group by msisdn
            """,
            channel,
            factory.number(FRIENDS),
        )
        assert [(one["sent"], one["capped"]) for one in seen] == [(cap, REPEATS - cap)] * FRIENDS
    crowd = await factory.column(
        streams.conn,
        "select state from sms.message where channel in ('mass', 'planned') and msisdn > %s",
        factory.number(FRIENDS),
    )
    assert crowd == ["accepted"] * (2 * CROWD)


async def test_one_stream_that_stands_still_holds_up_no_other(streams: Streams) -> None:
    await streams.conn.execute("select sms.set_provider('for_mass', p_is_enabled => false)")
    await notify_all(streams.conn)
    await run_campaign(streams.conn)
    await thank(streams.conn, 1, 1)
    await streams.hurry()

    await drained(streams, "planned", "single")

    assert not streams.taken("mass")
    assert await streams.waiting("mass") == CROWD + FRIENDS * REPEATS
    await streams.conn.execute("select sms.set_provider('for_mass', p_is_enabled => true)")
    await drained(streams, "mass")
    await each_went_its_own_way(streams)
    await caps_held(streams)
