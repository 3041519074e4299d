"""Who serves a lane: away from the ill at once, back gradually, held when nobody is well."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.routes.night import Night
from tests.support import factory
from tests.support.clock import NOON


async def test_lanes_without_a_route_stay_where_they_were_pointed(night: Night) -> None:
    await night.db.execute("select sms.switch_channel('*', 'a')")
    await night.fall_ill("a")
    await night.pass_s()
    assert await night.lanes() == {"a": 30}
    claim = await claimed(night, "a")
    assert len(claim) == 1


async def test_when_it_falls_ill_every_lane_moves_in_the_same_look(routed: Night) -> None:
    assert await routed.lanes() == {"a": 30}
    await routed.meet("a", outstanding=5, silence_s=6)

    moved = await routed.pass_s()

    assert (moved["opened"], moved["lanes"]) == (1, 30)
    assert await routed.lanes() == {"b": 30}


async def test_the_change_is_a_row_with_its_cause_urgent_lanes_first(routed: Night) -> None:
    before = len(await routed.lane_changes())
    await routed.fall_ill("a")

    rows = (await routed.lane_changes())[before:]

    assert {(row["from_provider"], row["to_provider"], row["cause"]) for row in rows} == {
        ("a", "b", "failover")
    }
    assert all(row["is_automatic"] for row in rows)
    assert rows[0]["detail"].startswith("silent: ")
    channels = [row["channel"] for row in rows]
    assert set(channels[:10]) == {"otp", "single"}
    assert set(channels[-5:]) == {"planned"}


async def test_it_is_told_in_one_notice_without_personal_data(routed: Night) -> None:
    await routed.fall_ill("a")
    notice = await factory.value(
        routed.db, "select payload from sms.route_notice where payload ->> 'cause' = 'failover'"
    )
    assert (notice["from"], notice["to"], notice["lanes"]) == ("a", "b", 30)
    assert set(notice) == {
        "kind", "at", "from", "to", "cause", "detail", "is_automatic", "by", "lanes", "channels",
        "operators",
    }  # fmt: skip


async def test_lanes_return_three_at_a_time_the_least_urgent_first(routed: Night) -> None:
    await routed.fall_ill("a")
    await routed.recover("a")
    returned = []
    for _ in range(110):
        await routed.meet("a", accepted=5)
        before = (await routed.lanes()).get("a", 0)
        await routed.pass_s()
        returned.append((await routed.lanes()).get("a", 0) - before)
    assert sum(returned) == 30
    assert set(returned) == {0, 3}
    steps = [second for second, lanes in enumerate(returned) if lanes]
    assert {b - a for a, b in pairwise(steps)} == {10}
    rows = [row for row in await routed.lane_changes() if row["cause"] == "return"]
    priorities = {"otp": 0, "single": 0, "collection": 1, "reply": 1, "mass": 2, "planned": 3}
    order = [priorities[row["channel"]] for row in rows]
    steps_of_three = [max(order[n : n + 3]) for n in range(0, 30, 3)]
    assert steps_of_three == sorted(steps_of_three, reverse=True)


async def test_a_relapse_while_lanes_return_takes_them_all_away_again(routed: Night) -> None:
    await routed.fall_ill("a")
    await routed.recover("a")
    await routed.pass_s(10)
    assert await routed.lanes() == {"a": 3, "b": 27}

    await routed.fall_ill("a")

    assert await routed.lanes() == {"b": 30}


async def test_nothing_returns_while_it_is_not_clean(routed: Night) -> None:
    await routed.fall_ill("a")
    await routed.recover("a")
    for _ in range(30):
        await routed.meet("a", accepted=6, failed=4)
        await routed.pass_s()
    assert await routed.state("a") == "closed"
    assert await routed.lanes() == {"b": 30}


async def test_the_third_serves_when_two_are_ill(night: Night) -> None:
    await night.begin("c")
    await night.db.execute("select sms.set_route('*', '{a,b,c}')")
    await night.fall_ill("a")
    await night.fall_ill("b")
    assert await night.lanes() == {"c": 30}


async def test_when_nobody_is_well_messages_wait_where_they_are(routed: Night) -> None:
    await routed.fall_ill("a")
    await routed.fall_ill("b")
    await routed.pass_s()
    assert await routed.lanes() == {"b": 30}
    assert await held(routed) == 30
    assert await claimed(routed, "a") == await claimed(routed, "b") == []


async def test_a_message_on_hold_says_why_it_waits(routed: Night) -> None:
    message_id = await factory.insert_outbox(routed.db, channel="otp")
    await routed.fall_ill("a")
    await routed.fall_ill("b")
    told = await factory.column(
        routed.db, "select detail from sms.explain(%s) where topic = 'now'", message_id
    )
    assert "no provider of its route is well" in told[0]


async def test_the_first_to_recover_gets_the_waiting_lanes_at_once(routed: Night) -> None:
    await routed.fall_ill("a")
    await routed.fall_ill("b")
    await routed.recover("a")
    assert await routed.lanes() == {"a": 30}
    assert await held(routed) == 0


async def test_while_nobody_else_can_serve_the_cool_down_does_not_grow(routed: Night) -> None:
    await routed.fall_ill("b")
    await routed.fall_ill("a")
    opened = []
    for _ in range(4):
        while await routed.state("a") == "open":
            await routed.pass_s()
        opened.append(routed.now)
        await routed.meet("a", failed=5)
        await routed.meet("b", failed=5)
        await routed.pass_s()
    gaps = {(b - a).total_seconds() for a, b in pairwise(opened)}
    assert max(gaps) <= 17


async def test_a_provider_on_trial_gets_its_probes_from_a_lane_that_is_not_urgent(
    routed: Night,
) -> None:
    ids = {
        channel: await factory.insert_many(
            routed.db,
            [{"channel": channel, "phone": str(factory.number(n + first))} for n in range(9)],
        )
        for first, channel in ((0, "otp"), (100, "collection"))
    }
    await routed.fall_ill("a")
    await routed.pass_s(15)

    first = await claimed(routed, "a")
    again = await claimed(routed, "a")

    assert len(first) == 5
    assert set(first) <= set(ids["collection"])
    assert again == []
    assert len(await claimed(routed, "b")) == 13


async def test_urgent_lanes_give_probes_when_others_had_nothing(routed: Night) -> None:
    await factory.insert_many(
        routed.db,
        [{"channel": "otp", "phone": str(factory.number(n))} for n in range(9)],
    )
    await routed.fall_ill("a")
    await routed.pass_s(15)
    assert await claimed(routed, "a") == []

    await routed.pass_s(5)

    assert len(await claimed(routed, "a")) == 5


async def test_urgent_lanes_give_none_when_others_gave_some(routed: Night) -> None:
    """Few were due elsewhere; what is lacking comes from there too, later."""
    for channel, count in (("otp", 9), ("collection", 2)):
        first = 0 if channel == "otp" else 100
        await factory.insert_many(
            routed.db,
            [{"channel": channel, "phone": str(factory.number(first + n))} for n in range(count)],
        )
    await routed.fall_ill("a")
    await routed.pass_s(15)
    assert len(await claimed(routed, "a")) == 2
    await routed.pass_s(9)
    assert await claimed(routed, "a") == []


async def test_who_serves_leaves_fresh_bulk_for_probes_but_never_urgent(routed: Night) -> None:
    await routed.fall_ill("a")
    await routed.pass_s(15)
    fresh = {"not_before": routed.now}
    for n, channel in enumerate(("otp", "collection")):
        await factory.insert_outbox(
            routed.db, channel=channel, phone=str(factory.number(n)), **fresh
        )
    assert len(await claimed(routed, "b")) == 1
    assert len(await claimed(routed, "a")) == 1
    await factory.insert_outbox(
        routed.db, channel="collection", phone=str(factory.number(5)), **fresh
    )
    routed.now += timedelta(seconds=2)
    assert len(await claimed(routed, "b")) == 1


async def test_urgent_retries_do_not_wait_out_the_pause_of_the_sick_provider(routed: Night) -> None:
    later = routed.now + timedelta(minutes=5)
    retried, scheduled, bulk = await factory.insert_many(
        routed.db,
        [
            {"channel": "otp", "phone": str(factory.number(1))},
            {"channel": "otp", "phone": str(factory.number(2)), "not_before": later},
            {"channel": "collection", "phone": str(factory.number(3))},
        ],
    )
    await routed.db.execute("update sms.pending set not_before = %s", [later])
    await routed.fall_ill("a")
    assert await claimed(routed, "b") == [retried]
    waiting = await factory.column(routed.db, "select id from sms.pending order by id")
    assert waiting == sorted([scheduled, bulk])


async def test_probes_are_shared_by_all_workers_and_claims(routed: Night) -> None:
    await factory.insert_many(
        routed.db,
        [{"channel": "collection", "phone": str(factory.number(n))} for n in range(9)],
    )
    await routed.fall_ill("a")
    await routed.pass_s(15)
    assert [len(await claimed(routed, "a", limit=2)) for _ in range(4)] == [2, 2, 1, 0]


async def test_lanes_on_hold_give_probes_even_urgent_ones(routed: Night) -> None:
    await factory.insert_many(
        routed.db,
        [{"channel": "otp", "phone": str(factory.number(n))} for n in range(9)],
    )
    await routed.fall_ill("a")
    await routed.fall_ill("b")
    while await routed.state("a") == "open":
        await routed.pass_s()
    assert len(await claimed(routed, "a")) == 5


async def test_a_disabled_provider_is_left_at_once(routed: Night) -> None:
    await routed.db.execute("update sms.provider set is_enabled = false where provider = 'a'")
    await routed.pass_s()
    assert await routed.lanes() == {"b": 30}
    assert {row["cause"] for row in await routed.lane_changes()} == {"route", "disabled"}


async def test_an_operators_own_route_beats_the_channels(routed: Night) -> None:
    await routed.db.execute("select sms.set_route('mass', '{b}', 'ranked', 'mts')")
    assert await routed.serving("mass", "mts") == "b"
    assert await routed.serving("mass", "t2") == "a"
    await routed.db.execute("select sms.remove_route('mass', 'mts')")
    assert await routed.serving("mass", "mts") == "a"


async def test_the_cheapest_serves_each_operator(night: Night) -> None:
    await tariff(night, "a", None, "2.10")
    await tariff(night, "b", None, "2.50")
    await tariff(night, "b", "mts", "1.90")
    await night.db.execute("select sms.set_route('mass', '{a,b}', 'cheapest')")
    assert await night.serving("mass", "mts") == "b"
    assert await night.serving("mass", "t2") == "a"


async def test_a_provider_of_unknown_price_comes_last_and_equals_go_by_rank(night: Night) -> None:
    await night.begin("c")
    await tariff(night, "b", None, "9.99")
    await tariff(night, "c", None, "9.99")
    await night.db.execute("select sms.set_route('mass', '{a,c,b}', 'cheapest')")
    assert await night.serving("mass") == "c"
    assert (await night.lane_changes())[-1]["detail"] == "cheapest: costs 9.9900"


async def test_without_a_single_price_the_change_says_so(night: Night) -> None:
    await night.begin("c")
    await night.db.execute("select sms.set_route('mass', '{c,b}', 'cheapest')")
    assert await night.serving("mass") == "c"
    assert (await night.lane_changes())[-1]["detail"] == "cheapest: price unknown"


async def test_a_new_tariff_moves_lanes_gradually(night: Night) -> None:
    await tariff(night, "a", None, "2.10")
    await tariff(night, "b", None, "2.50")
    await night.db.execute("select sms.set_route('*', '{a,b}', 'cheapest')")
    await night.db.execute("update sms.tariff set price = 1 where price = 2.5")
    await night.pass_s()
    assert await night.lanes() == {"a": 27, "b": 3}
    [row] = {(r["cause"], r["detail"]) for r in (await night.lane_changes())[-3:]}
    assert row == ("return", "cheapest: costs 1.0000")


async def test_the_best_delivered_share_serves(night: Night) -> None:
    await deliver(night, "a", delivered=300, undelivered=100)
    await deliver(night, "b", delivered=390, undelivered=10)
    await night.db.execute("select sms.set_route('mass', '{a,b}', 'best_delivered')")
    await night.pass_s(1)
    await night.pass_s(10)
    await night.pass_s(10)
    assert await night.serving("mass") == "b"


async def test_a_few_samples_and_small_gains_move_nothing(night: Night) -> None:
    await deliver(night, "a", delivered=360, undelivered=40)
    await deliver(night, "b", delivered=5, undelivered=0)
    await night.db.execute("select sms.set_route('mass', '{a,b}', 'best_delivered')")
    for _ in range(5):
        await night.pass_s(10)
    assert await night.serving("mass") == "a"


async def test_accepted_without_a_receipt_is_not_delivered(night: Night) -> None:
    await deliver(night, "a", delivered=0, accepted=400)
    await deliver(night, "b", delivered=280, undelivered=120)
    await night.db.execute("select sms.set_route('mass', '{a,b}', 'best_delivered')")
    for _ in range(5):
        await night.pass_s(10)
    assert await night.serving("mass") == "b"


async def test_a_look_that_changes_nothing_tells_nobody(routed: Night) -> None:
    await routed.pass_s()
    before = await factory.value(routed.db, "select count(*) from sms.route_notice")
    writes = "select sum(n_tup_upd) from pg_stat_xact_user_tables where relname = 'lane'"
    updated = await factory.value(routed.db, writes)
    await routed.pass_s(100)
    assert await factory.value(routed.db, "select count(*) from sms.route_notice") == before
    assert await factory.value(routed.db, writes) == updated


# --- by hand ------------------------------------------------------------------------------------


async def test_an_update_by_hand_is_a_row_too(night: Night) -> None:
    await night.db.execute(
        """
        update sms.lane as l set provider_id = p.provider_id
          from sms.provider as p
         where l.lane_id = 1 and p.provider = 'b'
        """
    )
    [row] = await night.lane_changes()
    assert (row["cause"], row["is_automatic"], row["to_provider"]) == ("by_hand", False, "b")
    assert row["done_by"] == await factory.value(night.db, "select session_user")


async def test_a_pinned_channel_is_left_alone_whatever_happens(routed: Night) -> None:
    await routed.db.execute("select sms.switch_channel('otp', 'a', null, 'contract test')")
    await routed.fall_ill("a")
    await routed.pass_s()
    assert await routed.lanes() == {"a": 5, "b": 25}
    assert await routed.serving("otp") == "a"


async def test_switching_a_routed_channel_pins_it_until_it_is_unpinned(routed: Night) -> None:
    assert await factory.value(routed.db, "select sms.switch_channel('otp', 'b')") == 5
    await routed.pass_s(100)
    assert await routed.serving("otp") == "b"

    assert await factory.value(routed.db, "select sms.unpin_channel('otp')") == 5

    assert await routed.serving("otp") == "a"
    assert await factory.value(routed.db, "select sms.unpin_channel('otp')") == 0


async def test_a_pin_ends_by_itself_and_the_lanes_return_gradually(routed: Night) -> None:
    until = routed.now + timedelta(hours=1)
    await routed.db.execute("select sms.switch_channel('otp', 'b', null, 'drill', %s)", [until])
    await routed.pass_s(3599)
    assert await routed.serving("otp") == "b"

    ended = await routed.pass_s()

    assert (ended["unpinned"], ended["lanes"]) == (5, 3)
    await routed.pass_s(10)
    assert await routed.lanes() == {"a": 30}


async def test_a_lane_without_a_route_goes_back_when_its_pin_ends(night: Night) -> None:
    await night.db.execute("select sms.switch_channel('otp', 'a')")
    assert await factory.value(night.db, "select count(*) from sms.lane_pin") == 0
    until = night.now + timedelta(hours=1)
    for provider in ("b", "b"):
        await night.db.execute(
            "select sms.switch_channel('otp', %s, null, 'drill', %s)", [provider, until]
        )
    await night.pass_s(3600)
    assert await night.serving("otp") == "a"
    assert [row["cause"] for row in await night.lane_changes()][-5:] == ["pin_ended"] * 5


async def test_parking_a_routed_channel_lasts(routed: Night) -> None:
    await routed.db.execute("select sms.switch_channel('planned', null, null, 'no money')")
    await routed.pass_s(100)
    assert await routed.serving("planned") is None


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("select sms.switch_channel('otp', 'a', null, 'x', now() - interval '1 s')", "SM062"),
        ("select sms.set_route('otp', '{}')", "SM061"),
        ("select sms.set_route('otp', null)", "SM061"),
        ("select sms.set_route('otp', '{a,a}')", "SM061"),
        ("select sms.set_route('otp', '{a}', 'dearest')", "SM061"),
        ("select sms.set_route('otp', '{a,nobody}')", "SM006"),
        ("select sms.set_route('opt', '{a}')", "SM001"),
        ("select sms.set_route('otp', '{a}', 'ranked', 'mst')", "SM009"),
        ("select sms.remove_route('otp')", "SM060"),
        ("select sms.unpin_channel('opt')", "SM001"),
        ("""select sms.set_breaker('a', '{"cooldown": "1 s"}')""", "SM063"),
        ("""select sms.set_breaker('a', '{"cool_down": "soon"}')""", "SM063"),
        ("""select sms.set_breaker('a', '{"error_share": 3}')""", "SM063"),
        ("""select sms.set_breaker('a', '{"error_share": 0.1}')""", "SM063"),
        ("""select sms.set_breaker('c', '{}')""", "SM006"),
    ],
)
async def test_nonsense_is_refused_with_a_hint(night: Night, statement: str, code: str) -> None:
    found = await refusal(night, statement)
    assert (found["sqlstate"], bool(found["hint"])) == (code, True)


async def test_a_route_says_what_changed(night: Night) -> None:
    ask = "select sms.set_route(%s, %s, %s)"
    assert await factory.value(night.db, ask, "*", ["a", "b"], "ranked") == 6
    assert await factory.value(night.db, ask, "*", ["a", "b"], "ranked") == 0
    assert await factory.value(night.db, ask, "otp", ["b", "a"], "ranked") == 1
    assert await night.serving("otp") == "b"
    listed = await factory.rows(night.db, "select * from sms.list_routes()")
    assert len(listed) == 6
    assert {row["channel"]: row["providers"] for row in listed}["otp"] == ["b", "a"]
    assert await factory.changes(night.db, "route")
    assert await factory.changes(night.db, "route_provider")


async def test_removing_the_route_of_a_lane_on_hold_frees_it(routed: Night) -> None:
    await routed.fall_ill("a")
    await routed.fall_ill("b")
    await routed.db.execute("select sms.remove_route('*')")
    assert await held(routed) == 0
    assert await routed.lanes() == {"b": 30}


async def test_a_breaker_setting_is_kept_and_audited(night: Night) -> None:
    change = Jsonb({"cool_down": "7 seconds", "probes": 2})
    assert await factory.value(night.db, "select sms.set_breaker('*', %s)", change) == 2
    assert await factory.value(night.db, "select sms.set_breaker('*', %s)", change) == 0
    kept = await factory.rows(night.db, "select * from sms.breaker_policy")
    assert {(row["cool_down"], row["probes"]) for row in kept} == {(timedelta(seconds=7), 2)}
    assert [row["action"] for row in await factory.changes(night.db, "breaker_policy")] == [
        "insert", "insert", "update", "update",
    ]  # fmt: skip


# --- helpers ------------------------------------------------------------------------------------


async def claimed(night: Night, provider: str, *, limit: int = 100) -> list[int]:
    """What a worker gets for this provider now; makes sure that there is something."""
    if not await factory.value(night.db, "select exists (select from sms.pending)"):
        await factory.insert_outbox(night.db, channel="otp")
    claim = await factory.claim(night.db, provider=provider, as_of=night.now, limit=limit)
    return claim.ids


async def held(night: Night) -> int:
    return int(await factory.value(night.db, "select count(*) from sms.lane where is_held"))


async def tariff(night: Night, provider: str, operator: str | None, price: str) -> None:
    await night.db.execute(
        """
        insert into sms.tariff (provider_id, operator_id, price)
        select p.provider_id, (select operator_id from sms.operator where operator = %s),
               %s::numeric
          from sms.provider as p where p.provider = %s
        """,
        [operator, price, provider],
    )


async def deliver(night: Night, provider: str, **states: int) -> None:
    """Messages of the last hours that this provider took for others, by their state."""
    at = NOON - timedelta(hours=2)
    for state, count in states.items():
        await night.db.execute(
            """
            insert into sms.outcome (id, msisdn, decided_at, submitted_at, final_at, lane_id,
                                     provider_id, attempts, segments, state)
            select sms.id_at(%(at)s) + p.provider_id * 100000 + length(%(state)s) * 1000 + n,
                   79070000001, %(at)s, %(at)s,
                   case when %(state)s <> 'accepted' then %(at)s::timestamptz end, l.lane_id,
                   p.provider_id, 1, 1, %(state)s
              from generate_series(1, %(count)s) as n, sms.provider as p, sms.lane as l
              join sms.channel as c using (channel_id)
             where p.provider = %(provider)s and c.channel = 'mass' and l.operator_id = 0
            """,
            {"at": at, "state": state, "count": count, "provider": provider},
        )


async def refusal(night: Night, statement: str) -> dict[str, str | None]:
    try:
        async with night.db.transaction():
            await night.db.execute(statement.encode())
    except psycopg.Error as error:
        return {"sqlstate": error.sqlstate, "hint": error.diag.message_hint}
    raise AssertionError("it was not refused")
