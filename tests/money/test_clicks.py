"""Short links of our own: off by default, one a message and link, counted alike everywhere."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.conftest import AsRole
from tests.support import factory
from tests.support.clock import NOON
from tests.support.factory import Row, column, row, rows, value

BASE = "https://go.example/l/"
LONG = "https://shop.example/spring?utm_source=sms&client=0123456789012345678901234567890123456789"
PERSON = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1"


async def text_sent(db: AsyncConnection, body: str, **columns: object) -> str:
    """The text that a worker is given."""
    await factory.insert_outbox(db, body=body, **columns)
    [text] = (await factory.claim(db)).bodies
    return text


@pytest.fixture
async def tracked(db: AsyncConnection) -> AsyncConnection:
    """A database whose channel `single` tracks clicks."""
    await factory.track_clicks(db)
    return db


async def sent(db: AsyncConnection, body: str = f"see {LONG}", **columns: object) -> int:
    """A message that was handed over."""
    id_ = await factory.insert_outbox(db, body=body, **columns)
    await factory.send(db, id_)
    return id_


async def code_of(db: AsyncConnection, message_id: int, link_no: int = 1) -> str:
    return str(
        await value(
            db,
            "select code from sms.short_link where message_id = %s and link_no = %s",
            message_id,
            link_no,
        )
    )


async def click(
    db: AsyncConnection, message_id: int, agent: str = PERSON, link_no: int = 1
) -> str | None:
    code = await code_of(db, message_id, link_no)
    url: str | None = await value(db, "select sms.follow_link(%s, %s)", code, agent)
    return url


async def clicks(db: AsyncConnection, *by: str) -> list[Row]:
    """What is told of yesterday and today."""
    return await rows(
        db,
        "select * from sms.clicks(now() - interval '1 day', now() + interval '1 day', %s)",
        list(by),
    )


async def test_links_are_sent_as_written_by_default(db: AsyncConnection) -> None:
    assert await value(db, "select bool_or(track_clicks) from sms.channel") is False
    assert await text_sent(db, f"see {LONG}") == f"see {LONG}"
    await factory.change_channel(db, "single", track_clicks=True)  # and no base
    assert await text_sent(db, f"look {LONG}") == f"look {LONG}"
    await factory.track_clicks(db, "mass")
    await factory.change_channel(db, "single", track_clicks=False)
    assert await text_sent(db, f"mind {LONG}") == f"mind {LONG}"
    assert await value(db, "select count(*) from sms.short_link") == 0


@pytest.mark.parametrize(
    ("body", "urls"),
    [
        ("no link", []),
        ("shop.example/spring without a scheme, ftp://a.b and http:// too", []),
        (f"see {LONG}", [LONG]),
        (f"{LONG}\n{LONG}", [LONG, LONG]),
        ("(HTTP://A.example/x), «https://b.example/y».", ["HTTP://A.example/x", "https://b.example/y"]),
        ("ждём: https://кафе.рф/меню!", ["https://кафе.рф/меню"]),
        ("https://a.example/?q=1;2&z=%20#a, and so on", ["https://a.example/?q=1;2&z=%20#a"]),
        ("https://a.example/x\u00a0— 1\u202f500 ₽", ["https://a.example/x"]),
        ("https://a.example/x\u202fи https://b.example/y\u200b", ["https://a.example/x", "https://b.example/y"]),
        ("„https://a.example/x“, “https://b.example/y”—", ["https://a.example/x", "https://b.example/y"]),
        ("(https://a.example/A_(b)) (https://b.example/c)", ["https://a.example/A_(b)", "https://b.example/c"]),
        ("https://a.example/{{x}}y \\1 $&", ["https://a.example/{{x}}y"]),
    ],
)  # fmt: skip
async def test_what_is_a_link(tracked: AsyncConnection, body: str, urls: list[str]) -> None:
    text = await text_sent(tracked, body)
    assert await column(tracked, "select url from sms.short_link order by link_no") == urls
    codes = await column(tracked, "select code from sms.short_link order by link_no")
    for url, code in zip(urls, codes, strict=True):
        body = body.replace(url, BASE + code, 1)
    assert text == body


async def test_a_template_has_the_link_of_each_client(tracked: AsyncConnection) -> None:
    await factory.add_template(tracked, "visit", "Go to https://shop.example/{{page}} now")
    for page in ("tea", "milk"):
        await factory.insert_outbox(
            tracked, template="visit", vars={"page": page}, phone=page_phone(page)
        )
    claimed = await factory.claim(tracked)
    for text in claimed.bodies:
        assert re.fullmatch(rf"Go to {BASE}[0-9A-Za-z]{{9}} now", text)
    assert len(set(claimed.bodies)) == 2
    urls = await column(tracked, "select url from sms.short_link order by message_id")
    assert urls == ["https://shop.example/tea", "https://shop.example/milk"]


def page_phone(page: str) -> str:
    return str(factory.number(len(page)))


async def test_a_retry_keeps_its_link(tracked: AsyncConnection) -> None:
    await factory.insert_outbox(tracked, body=f"see {LONG} or {LONG}2")
    first = await factory.claim(tracked)
    await factory.settle(tracked, first.claim_id, first.ids, "released")
    again = await factory.claim(tracked)
    assert again.bodies == first.bodies
    assert await value(tracked, "select count(*) from sms.short_link") == 2


async def test_codes_cannot_be_guessed_from_one_another(tracked: AsyncConnection) -> None:
    codes = await column(
        tracked, "select sms.link_code(sms.next_id()) from generate_series(1, 4000)"
    )
    assert len(set(codes)) == 4000
    assert {len(code) for code in codes} == {9}
    assert len({code[0] for code in codes}) == 1  # the month
    for place in range(1, 9):  # each of 62 letters stands everywhere, some 64 times
        assert len({code[place] for code in codes}) == 62


async def test_a_code_that_is_taken_is_drawn_anew(tracked: AsyncConnection) -> None:
    await tracked.execute("create temp sequence draw")
    await tracked.execute(
        """
        create or replace function sms.link_code(p_message_id bigint)
            returns text language sql volatile
        as $$ select left('0000000000', 8) || nextval('pg_temp.draw') / 3 $$
        """
    )
    await factory.insert_outbox(tracked, body=f"{LONG} {LONG} {LONG}")
    assert len((await factory.claim(tracked)).ids) == 1
    assert await column(tracked, "select code from sms.short_link order by link_no") == [
        "000000000", "000000001", "000000002",
    ]  # fmt: skip


async def test_a_text_does_not_grow_beyond_what_may_be_sent(tracked: AsyncConnection) -> None:
    body = "http://a.ru " + "x" * 988
    assert await text_sent(tracked, body) == body
    fits = "http://a.ru " + "x" * (988 - (len(BASE) + 9 - len("http://a.ru")))
    assert len(await text_sent(tracked, fits)) == 1000


async def test_what_is_foretold_is_what_is_sent(tracked: AsyncConnection) -> None:
    """Dry run, preview, explain and the price of a lost worker count the short link."""
    body = f"{LONG} {'x' * 90}"  # two segments as written, one as sent
    id_ = await factory.insert_outbox(tracked, body=body, phone=str(factory.number(3)))
    claimed = await factory.claim(tracked)
    assert len(claimed.bodies[0]) < 160 < len(body)
    foretold = await value(
        tracked,
        """
        select segments
          from sms.dry_run(p_select => %s, p_channel => 'single', p_body => %s)
         where topic = 'kept'
        """,
        f"select '{factory.number(4)}' as phone",
        body,
    )
    preview = await rows(tracked, "select * from sms.preview_text(%s, 'single')", body)
    explained = await value(
        tracked,
        "select (facts ->> 'segments')::int from sms.explain(%s) where topic = 'request'",
        id_,
    )
    assert (foretold, explained) == (1, 1)
    assert (preview[0]["topic"], preview[0]["segments"]) == ("text", 1)
    assert preview[0]["text"] == body.replace(LONG, BASE + "000000000")
    assert [(line["key"], line["text"]) for line in preview if line["topic"] == "link"] == [
        ("1", LONG)
    ]
    assert await value(tracked, "select sms.mark_submitting(%s, %s)", claimed.claim_id, claimed.ids)
    await tracked.execute("select sms.expire_leases(p_as_of => %s)", [NOON + timedelta(hours=1)])
    outcome = await row(tracked, "select state, segments from sms.outcome where id = %s", id_)
    assert outcome == {"state": "uncertain", "segments": 1}


async def test_following_leads_on_and_counts(tracked: AsyncConnection) -> None:
    id_ = await sent(tracked, f"{LONG} or https://b.example/")
    assert await click(tracked, id_, link_no=2) == "https://b.example/"
    assert await click(tracked, id_) == LONG
    assert await click(tracked, id_, "Googlebot/2.1") == LONG
    found = await rows(
        tracked, "select link_no, host, is_robot from sms.link_click order by clicked_at"
    )
    assert [tuple(line.values()) for line in found] == [
        (2, "b.example", False), (1, "shop.example", False), (1, "shop.example", True),
    ]  # fmt: skip
    told = await rows(
        tracked,
        "select verdict, detail from sms.explain(%s) where topic = 'click' order by step",
        id_,
    )
    assert [tuple(line.values()) for line in told] == [
        ("person", "link 2 to b.example"),
        ("person", "link 1 to shop.example"),
        ("robot", "link 1 to shop.example"),
    ]


async def test_a_link_works_in_the_months_after(tracked: AsyncConnection) -> None:
    """The month's letter leads to the partition, also across the end of a year."""
    for months in (0, 1, 11, 12, 13, 40):
        of = await value(
            tracked,
            "select sms.id_at(date_trunc('month', now(), 'UTC') - make_interval(months => %s)) + 5",
            months,
        )
        await tracked.execute("select sms.create_partition('short_link', sms.id_time(%s))", [of])
        code = await value(tracked, "select sms.link_code(%s)", of)
        await tracked.execute(
            "insert into sms.short_link values (%s, 1, %s, %s)",
            [of, code, f"https://a.example/{months}"],
        )
        assert (
            await value(tracked, "select sms.follow_link(%s)", code)
            == f"https://a.example/{months}"
        )


async def test_looking_a_code_up_reads_one_month(tracked: AsyncConnection) -> None:
    code = await code_of(tracked, await sent(tracked))
    await tracked.execute("set local enable_seqscan = off")
    plan = await column(
        tracked,
        """
        explain select * from sms.short_link as l
         where l.code = %s and l.message_id >= sms.id_at(date_trunc('month', now(), 'UTC'))
           and l.message_id < sms.id_at(date_trunc('month', now(), 'UTC') + interval '1 month')
        """,
        code,
    )
    assert sum("Scan" in line for line in plan) == 1
    assert "_code on short_link" in " ".join(plan)


async def test_a_message_older_than_short_links_still_goes(tracked: AsyncConnection) -> None:
    """Inserted months ago and planned for now: its month has links as soon as it has requests."""
    await tracked.execute("select sms.create_partition('outbox', now() - interval '5 months')")
    await tracked.execute("select sms.maintain_partitions()")
    months = await column(tracked, "select month from sms.partition_months('short_link')")
    assert sum(month < datetime.now(UTC) - timedelta(days=120) for month in months) == 1


async def test_clicks_by_what_is_asked(tracked: AsyncConnection) -> None:
    await factory.add_template(tracked, "visit", "Go to https://shop.example/{{page}} now")
    for n in range(1, 5):
        await factory.insert_outbox(
            tracked,
            template="visit",
            vars={"page": str(n)},
            phone=str(factory.number(n)),
            client_id=n,
        )
    plain = await factory.insert_outbox(tracked, body="no link", phone=str(factory.number(9)))
    claimed = await factory.claim(tracked)
    await factory.settle(tracked, claimed.claim_id, claimed.ids)
    with_links = sorted(set(claimed.ids) - {plain})
    for message_id in (with_links[0], with_links[0], with_links[1]):
        await click(tracked, message_id)
    await click(tracked, with_links[2], "curl/8")
    [line] = await clicks(tracked, "template")
    assert line["template"] == "visit"
    assert (line["messages"], line["clicked"], line["click_rate"]) == (4, 2, 0.5)
    assert (line["clicks"], line["robots"]) == (3, 1)
    assert timedelta() < line["took_p50"] < timedelta(minutes=1)
    [line] = await clicks(tracked, "channel", "link")
    assert (line["channel"], line["link"], line["messages"], line["clicked"]) == ("single", 1, 4, 2)
    with pytest.raises(psycopg.Error, match="clicks cannot be asked so"):
        await clicks(tracked, "phone")


async def test_two_links_of_a_message_count_as_one_message(tracked: AsyncConnection) -> None:
    id_ = await sent(tracked, "https://a.example/ https://b.example/")
    await click(tracked, id_, link_no=1)
    await click(tracked, id_, link_no=2)
    [whole] = await clicks(tracked, "channel")
    assert (whole["messages"], whole["clicked"], whole["clicks"]) == (1, 1, 2)
    by_link = await clicks(tracked, "link")
    told = [(line["link"], line["messages"], line["clicks"]) for line in by_link]
    assert told == [(1, 1, 1), (2, 1, 1)]


async def test_a_goal_can_be_made_of_clicks(tracked: AsyncConnection) -> None:
    """As docs/money.md shows: conversions, attributed like any other."""
    await factory.insert(
        tracked, "goal", goal="click",
        query="select client_id, clicked_at as occurred_at, message_id::text as ref"
              "  from sms.link_click where not is_robot",
    )  # fmt: skip
    id_ = await sent(tracked, client_id=7)
    await click(tracked, id_)
    await click(tracked, id_, "curl/8")
    assert await value(tracked, "select sms.collect_conversions(now() + interval '1 minute')") == 1
    assert await value(tracked, "select client_id from sms.conversion") == 7


async def test_what_was_opened_lately_is_found_without_reading_all(
    tracked: AsyncConnection,
) -> None:
    """A goal asks every five minutes, of all that ever happened."""
    await tracked.execute("set local enable_seqscan = off")
    plan = await column(
        tracked,
        "explain select * from sms.link_click where clicked_at >= now() - interval '2 days'",
    )
    months = await column(tracked, "select month from sms.partition_months('click')")
    assert sum("_at_idx" in line for line in plan) >= len(months)


async def test_nobody_who_analyses_reads_a_whole_link(
    conn: AsyncConnection, as_role: AsRole
) -> None:
    for role in ("sms_analyst", "sms_operator", "sms_erp", "sms_dlr", "sms_monitor"):
        other = await as_role(role)
        for query in ("select * from sms.short_link", "select * from sms.click"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await other.execute(query)
    analyst = await as_role("sms_analyst")
    assert await rows(analyst, "select * from sms.link_click") == []
    receiver = await as_role("sms_dlr")
    assert await value(receiver, "select sms.follow_link('000000000')") is None


@pytest.mark.parametrize(
    "base",
    [
        "go.example/",
        "https://go.example",
        "javascript://x/",
        "https://go.example/ x/",
        f"https://{'a' * 60}/",
    ],
)
async def test_a_base_that_is_none_is_refused(db: AsyncConnection, base: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="short_link_base is http"):
        await factory.track_clicks(db, base=base)


async def test_a_pattern_of_robots_that_is_none_is_refused(db: AsyncConnection) -> None:
    with pytest.raises(psycopg.errors.InvalidRegularExpression, match="invalid regular expression"):
        await db.execute("update sms.setting set value = '(' where setting = 'short_link_robots'")


async def test_without_a_pattern_everybody_with_a_name_is_a_person(
    tracked: AsyncConnection,
) -> None:
    await tracked.execute("update sms.setting set value = '' where setting = 'short_link_robots'")
    id_ = await sent(tracked)
    await click(tracked, id_, "curl/8")
    await click(tracked, id_, "")
    assert await column(tracked, "select is_robot from sms.click order by click_id") == [
        False,
        True,
    ]


async def test_links_and_clicks_go_with_their_month(tracked: AsyncConnection) -> None:
    id_ = await sent(tracked)
    await click(tracked, id_)
    await tracked.execute("update sms.setting set value = '2' where setting = 'retention_months'")
    later = datetime.now(UTC) + timedelta(days=150)
    await tracked.execute("select sms.maintain_partitions(%s)", [later])
    assert await value(tracked, "select count(*) from sms.short_link") == 0
    assert await value(tracked, "select count(*) from sms.click") == 0
