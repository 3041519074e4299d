"""Dry run, progress and sms.message tell the same numbers before, under way and after."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from tests.campaigns.stage import NAME, Stage
from tests.support import factory
from tests.support.factory import number, value


async def mixed_audience(scene: Stage) -> None:
    """Thirty people, of whom some have no phone, are blacklisted, held out or capped."""
    await scene.clients(30)
    await scene.client(31, "нет телефона")
    await scene.client(32, "+49 30 1234567")
    await scene.conn.execute(
        "insert into sms.blacklist (msisdn, reason)"
        " select %s + n, 'x' from generate_series(1, 4) as n",
        [number(0)],
    )
    await factory.set_caps(scene.conn, {"channel": "planned", "period": "day", "max_messages": 1})
    await factory.insert_many(
        scene.conn,
        [
            {"phone": str(number(n)), "channel": "planned", "not_before": None}
            for n in range(10, 13)
        ],
    )
    await scene.send()
    await scene.conn.execute(
        "insert into sms.tariff (provider_id, price) select provider_id, 2.5 from sms.provider"
    )


async def test_numbers_agree_before_under_way_and_after(scene: Stage) -> None:
    await mixed_audience(scene)
    await scene.save(holdout_percent=20)
    foretold = await scene.told()
    lines = await factory.rows(scene.conn, "select * from sms.dry_run(%s::text)", NAME)
    cost = next(line["cost"] for line in lines if line["topic"] == "kept")
    assert foretold["total"] == 32
    assert {"blacklist", "cap", "holdout", "invalid_number", "foreign_number"} <= set(foretold)

    await scene.queue(10)
    await scene.launch()
    assert await scene.told() == foretold
    await scene.feed()
    await scene.send(limit=6)
    run = await scene.progress()
    left = await scene.told()
    so_far = Counter(run["suppressed"]) + Counter(kept=run["states"].get("accepted", 0))
    assert Counter(left) + so_far + Counter(total=run["decided"]) == Counter(foretold)

    await scene.steer("pause")
    assert await scene.told() == left
    await scene.steer("resume")
    await scene.finish()

    run = await scene.progress()
    assert await scene.told() == {"total": 0, "kept": 0}
    assert run["suppressed"] == {
        key: count for key, count in foretold.items() if key not in {"total", "kept"}
    }
    assert run["states"] == {
        "accepted": foretold["kept"],
        "suppressed": foretold["total"] - foretold["kept"],
    }
    assert run["cost"] == cost == Decimal("2.5") * foretold["kept"]
    fates = await scene.messages()
    assert fates.total() == run["recipients"] == 32
    assert fates["accepted"] == foretold["kept"]
    report = await factory.rows(
        scene.conn, "select * from sms.report('-infinity', 'infinity') where state = 'accepted'"
    )
    assert report[0]["messages"] == foretold["kept"] + 3  # and those that were there before


async def test_a_dry_run_by_id_is_the_same_as_by_name(scene: Stage) -> None:
    await scene.clients(3)
    await scene.save()
    by_id = await factory.rows(
        scene.conn,
        "select topic, messages from sms.dry_run((select campaign_id from sms.campaign))",
    )
    by_name = await factory.rows(
        scene.conn, "select topic, messages from sms.dry_run('spring'::text)"
    )

    assert by_id == by_name
    assert by_id[0] == {"topic": "total", "messages": 3}
    assert await value(scene.conn, "select count(*) from sms.run_recipient") == 0


async def test_a_dry_run_knows_the_hour_there(scene: Stage) -> None:
    await scene.client(1, str(number(1)), "Asia/Vladivostok")
    await scene.save(local_time="10:00")

    ends = await factory.value(
        scene.conn,
        "select extract(hour from at at time zone 'Asia/Vladivostok')::int"
        "  from sms.dry_run('spring'::text) where topic = 'ends'",
    )

    assert ends == 10


async def test_a_large_audience_is_sampled_and_says_so(scene: Stage) -> None:
    await scene.audience(
        "many",
        """
        select n::bigint as client_id, (79070000000 + n)::text as phone
          from generate_series(1, 260000) as n
        """,
    )
    await scene.conn.execute(
        "insert into sms.blacklist (prefix, reason) values ('7907001', 'x')"  # 10,000 numbers
    )
    await scene.save(audience="many")

    found = await factory.rows(scene.conn, "select * from sms.dry_run('spring'::text)")
    told = {line["key"] or line["topic"]: line["messages"] for line in found}

    assert told["1 in 2.0"] == 130_000
    assert told["total"] == 260_000
    assert told["kept"] == 250_000
    assert told["blacklist"] == 10_000
