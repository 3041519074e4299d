"""Planned campaigns, mass notices and single notices run side by side, each its own way."""

from __future__ import annotations

import json

from psycopg import AsyncConnection

from tests.chaos.books import until
from tests.events.conftest import fire
from tests.streams.conftest import CROWD, FRIENDS, TPS, Streams
from tests.support import factory
from tests.support.waiting import eventually

SEASONS = ("spring", "summer", "autumn")
CAPS = {"mass": 5, "planned": 2}  # a day, as a new installation has them
REPEATS = 8  # mass notices to each friend
URGENT = 12


async def notify_all(conn: AsyncConnection) -> None:
    """A system tells everybody of new terms: one statement, the friends many times."""
    people = [*range(1, CROWD + 1), *(n for n in range(1, FRIENDS + 1) for _ in range(REPEATS - 1))]
    await conn.execute(
        "select sms.fire_events('terms', %s::bigint[], %s::jsonb[])",
        [people, [json.dumps({"nr": place}) for place in range(len(people))]],
    )


async def run_campaigns(conn: AsyncConnection) -> None:
    """Somebody launches three campaigns to everybody on one day."""
    await conn.execute(
        "select sms.save_audience('everybody', 'select client_id, phone from erp.client')"
    )
    for season in SEASONS:
        await factory.add_template(conn, season, f"Распродажа: {season}.")
        await conn.execute(
            """
            select sms.save_campaign(%(name)s, p_template => %(name)s, p_audience => 'everybody',
                                     p_channel => 'planned')
            """,
            {"name": season},
        )
        await conn.execute("select sms.launch_campaign(%s::text)", [season])


async def thank(conn: AsyncConnection, person: int, nr: int) -> int:
    """A payment comes in; the message of the notice, once the provider has it."""
    fired = await fire(conn, "payment", person, {"nr": nr})
    [id_] = fired["message_ids"]
    await until(conn, "select state = 'accepted' from sms.message where id = %s", id_)
    return int(id_)


async def drained(streams: Streams, *channels: str) -> None:
    """Wait until nothing of these channels waits or is in flight, and no campaign runs."""
    await until(
        streams.conn,
        """
        select not exists (select from sms.message
                            where channel = any (%s) and state in ('pending', 'inflight'))
           and not exists (select from sms.campaign_run as r where r.state <> 'finished')
        """,
        list(channels),
    )


async def test_three_streams_side_by_side(streams: Streams) -> None:
    await notify_all(streams.conn)
    await run_campaigns(streams.conn)
    await eventually(lambda: all(streams.taken(channel) for channel in CAPS))

    urgent = [await thank(streams.conn, 1 + n % FRIENDS, n) for n in range(URGENT)]

    # Both bulk streams were under way, and neither was through, when the last notice had gone.
    for channel in CAPS:
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
    assert await fates(streams, "mass", 1, FRIENDS) == {(CAPS["mass"], REPEATS - CAPS["mass"])}
    assert await fates(streams, "mass", FRIENDS + 1, CROWD) == {(1, 0)}
    assert await fates(streams, "planned", 1, CROWD) == {
        (CAPS["planned"], len(SEASONS) - CAPS["planned"])
    }


async def fates(streams: Streams, channel: str, first: int, last: int) -> set[tuple[int, int]]:
    """How many messages of the channel these clients got, and how many the cap held back."""
    seen = await factory.rows(
        streams.conn,
        """
        select client_id, count(*) filter (where state = 'accepted') as sent,
               count(*) filter (where state = 'suppressed' and reason = 'cap') as capped
          from sms.message where channel = %s and client_id between %s and %s group by client_id
        """,
        channel,
        first,
        last,
    )
    assert len(seen) == last - first + 1
    return {(one["sent"], one["capped"]) for one in seen}


async def test_one_stream_that_stands_still_holds_up_no_other(streams: Streams) -> None:
    await streams.conn.execute("select sms.set_provider('for_mass', p_is_enabled => false)")
    await notify_all(streams.conn)
    await run_campaigns(streams.conn)
    await thank(streams.conn, 1, 1)
    await streams.hurry()

    await drained(streams, "planned", "single")

    assert not streams.taken("mass")
    assert await streams.waiting("mass") == CROWD + FRIENDS * (REPEATS - 1)
    await streams.conn.execute("select sms.set_provider('for_mass', p_is_enabled => true)")
    await drained(streams, "mass")
    await each_went_its_own_way(streams)
    await caps_held(streams)
