"""What a subscriber's text asks for, and that it is done at once."""

import pytest
from psycopg import AsyncConnection

from tests.support.clock import HOUR, NOON
from tests.support.factory import (
    Row,
    change_channel,
    claim,
    fate,
    insert,
    insert_many,
    number,
    row,
    rows,
    try_at,
    value,
)

STOP, ALL, START = "stop_advertising", "stop_all", "start"

TEXTS: list[tuple[str, str | None]] = [
    ("СТОП", STOP),
    ("стоп", STOP),
    ("Стоп.", STOP),
    ("«СТОП»", STOP),
    (" \n стоп \t", STOP),
    ("STOP", STOP),
    ("Stop!", STOP),
    ("CTOП", STOP),  # Latin C, T, O before a Cyrillic П
    ("cтoп", STOP),  # the same in small letters
    ("STОР", STOP),  # Cyrillic О and Р after a Latin S and T
    ("отписка", STOP),
    ("OTПИCKA", STOP),  # Latin O, T, C, K, A
    ("Отписаться от рекламы", STOP),
    ("отказываюсь", STOP),
    ("UNSUBSCRIBE", STOP),
    ("стоп, надоели", STOP),
    ("прошу стоп", STOP),
    ("Стоп больше не присылайте мне ничего", STOP),
    ("СТОП ВСЕ", ALL),
    ("стоп всё", ALL),
    ("CTOП BCE", ALL),
    ("stop all", ALL),
    ("ALL STOP", ALL),
    ("старт", START),
    ("START", START),
    ("CTAPT", START),  # Latin letters all of them
    ("подписаться", START),
    ("стоп старт", STOP),
    ("СТОП,ВСЕ", ALL),
    ("STOP.ALL", ALL),
    ("стоп,хватит", STOP),
    ("\n СТОП и больше мне не пишите", STOP),
    # People must read these.
    ("Скажите, когда будет стоп крана в доме", None),
    ("все хорошо, спасибо", None),
    ("все", None),
    ("стопка", None),
    ("нестоп", None),
    ("Когда старт продаж новых квартир", None),
    ("ok", None),
    ("", None),
    ("   ", None),
    ("...", None),
    ("?" * 500, None),
]


@pytest.mark.parametrize(("text", "meaning"), TEXTS, ids=lambda text: str(text)[:40])
async def test_what_a_text_asks_for(db: AsyncConnection, text: str, meaning: str | None) -> None:
    assert await value(db, "select sms.understand_reply(%s)", text) == meaning


async def test_thanks_for_all_is_no_stop_of_all(db: AsyncConnection) -> None:
    thanks = "Стоп, я уже перешёл к другим, но спасибо вам за всё"

    assert await value(db, "select sms.understand_reply(%s)", thanks) == STOP


async def test_the_words_are_rows_in_any_spelling(db: AsyncConnection) -> None:
    await db.execute("insert into sms.stop_word (word, meaning) values ('Хватит', 'stop')")
    await db.execute("delete from sms.stop_word where word = 'off'")

    assert await value(db, "select sms.understand_reply('XBATИT')") == STOP
    assert await value(db, "select sms.understand_reply('off')") is None


@pytest.mark.parametrize(
    ("word", "folded"),
    [("stop", "SТОР"), ("СТОП", "СТОП"), ("всё", "ВСЕ"), ("«a-1»", "А1"), ("…", "")],
)
async def test_folding(db: AsyncConnection, word: str, folded: str) -> None:
    assert await value(db, "select sms.fold_word(%s)", word) == folded


async def hear(db: AsyncConnection, *texts: str, ref: str | None = None, n: int = 1) -> Row:
    """Texts from the n-th number; what record_inbound answers."""
    return await row(
        db,
        "select * from sms.record_inbound('post', %s::text[], %s, %s, %s)",
        [ref] * len(texts),
        [f"+{number(n)}"] * len(texts),
        ["1234"] * len(texts),
        list(texts),
    )


async def test_a_stop_reaches_the_advertising_that_waits_and_nothing_else(
    db: AsyncConnection,
) -> None:
    advert, notice, neighbour = await insert_many(
        db,
        [
            {"channel": "planned", "not_before": NOON + HOUR},
            {"channel": "single", "not_before": NOON + HOUR},
            {"channel": "planned", "not_before": NOON + HOUR, "phone": str(number(2))},
        ],
    )
    assert await hear(db, "СТОП") == {"stored": 1, "opted_out": 1}

    await claim(db, as_of=NOON + HOUR)

    assert await fate(db, advert) == "suppressed(blacklist)"
    assert await fate(db, notice) == await fate(db, neighbour) == "inflight"


async def test_a_report_that_is_repeated_is_obeyed_once(db: AsyncConnection) -> None:
    assert await hear(db, "СТОП", ref="r1") == {"stored": 1, "opted_out": 1}
    await db.execute("delete from sms.blacklist")

    assert await hear(db, "СТОП", ref="r1") == {"stored": 0, "opted_out": 0}
    assert await value(db, "select count(*) from sms.blacklist") == 0
    assert await value(db, "select count(*) from sms.inbound") == 1


async def test_a_second_stop_adds_no_second_row_but_a_wider_one_does(db: AsyncConnection) -> None:
    for text in ("СТОП", "СТОП", "СТОП ВСЕ", "СТОП", "СТОП ВСЕ"):
        assert (await hear(db, text))["opted_out"] == 1

    kept = await rows(db, "select category, source from sms.blacklist order by blacklist_id")
    assert kept == [
        {"category": "advertising", "source": "opt_out"},
        {"category": None, "source": "opt_out"},
    ]


@pytest.mark.parametrize(
    "narrower",
    [
        {"category": "service"},
        {"channel": "mass"},
        {"category": "advertising", "channel": "mass"},
        {"expires_at": NOON, "created_at": NOON - HOUR},
        {"category": "advertising", "expires_at": "2099-01-01"},
    ],
    ids=str,
)
async def test_an_older_opt_out_that_holds_for_less_does_not_stand_for_a_stop(
    db: AsyncConnection, narrower: Row
) -> None:
    """One of another category, of one channel only, or with an end."""
    await insert(db, "blacklist", msisdn=number(1), reason="old", source="opt_out", **narrower)
    assert await hear(db, "стоп") == {"stored": 1, "opted_out": 1}
    lasting = await rows(
        db,
        "select msisdn, category from sms.blacklist"
        " where source = 'opt_out' and channel is null and expires_at is null and reason <> 'old'",
    )
    assert lasting == [{"msisdn": number(1), "category": "advertising"}]


async def test_both_stops_in_one_report_leave_the_wider(db: AsyncConnection) -> None:
    assert await hear(db, "СТОП", "СТОП ВСЕ") == {"stored": 2, "opted_out": 2}

    assert await value(db, "select category is null from sms.blacklist")


async def test_a_start_lifts_opt_outs_only(db: AsyncConnection) -> None:
    await hear(db, "СТОП ВСЕ")
    await hear(db, "СТОП", n=2)
    await insert(db, "blacklist", msisdn=number(1), reason="by law", source="legal")

    assert await hear(db, "START") == {"stored": 1, "opted_out": 0}

    left = await rows(db, "select msisdn, source from sms.blacklist order by msisdn")
    assert left == [
        {"msisdn": number(1), "source": "legal"},
        {"msisdn": number(2), "source": "opt_out"},
    ]


async def test_a_stop_withdraws_consents_of_the_number(db: AsyncConnection) -> None:
    for who in ({"msisdn": number(1)}, {"msisdn": number(2)}, {"client_id": 5}):
        for category in ("advertising", "service"):
            await insert(db, "consent", **who, category=category, proof="form 7")

    async def withdrawn() -> list[str]:
        found = await rows(
            db,
            "select category, msisdn from sms.consent where withdrawn_at is not null"
            " and withdrawn_by like 'inbound %' order by category, msisdn",
        )
        assert {seen["msisdn"] for seen in found} <= {number(1)}
        return [seen["category"] for seen in found]

    await hear(db, "СТОП")
    assert await withdrawn() == ["advertising"]
    await hear(db, "СТОП ВСЕ")
    assert await withdrawn() == ["advertising", "service"]


async def test_the_answer_passes_the_opt_out_it_answers_and_nothing_else_does(
    db: AsyncConnection,
) -> None:
    await db.execute(
        "update sms.setting set value = 'You are out' where setting = 'opt_out_answer'"
    )
    await hear(db, "СТОП ВСЕ")
    answer = await row(db, "select id, channel, body from sms.outbox")

    assert (answer["channel"], answer["body"]) == ("reply", "You are out")
    assert answer["id"] in (await claim(db, as_of=None)).ids
    assert await try_at(db, channel="single") == "suppressed(blacklist)"


async def test_only_a_channel_that_says_so_passes_an_opt_out(db: AsyncConnection) -> None:
    await hear(db, "СТОП ВСЕ")
    assert await try_at(db, channel="reply") == "inflight"

    await change_channel(db, "reply", ignores_opt_out=False)

    assert await try_at(db, channel="reply", body="other") == "suppressed(blacklist)"


@pytest.mark.parametrize("source", ["manual", "import", "auto", "legal"])
async def test_it_passes_no_other_row_of_the_blacklist(db: AsyncConnection, source: str) -> None:
    await hear(db, "СТОП ВСЕ")
    await insert(db, "blacklist", msisdn=number(1), reason="x", source=source)

    assert await try_at(db, channel="reply") == "suppressed(blacklist)"
