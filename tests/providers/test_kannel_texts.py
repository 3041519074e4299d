"""Texts through a real Kannel, compared with what the message centre received."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from outbox.text import encode
from tests.support.kannel_lab import Lab
from tests.support.messages import message, send_all
from tests.support.waiting import eventually

pytestmark = pytest.mark.kannel

GSM7 = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà\f^{}\\[~]|€"
)
TEXTS = {
    "every GSM-7 character": GSM7,
    "brackets and euros over several parts": "[€]" * 100,
    "Cyrillic, 1,000 characters": "".join(chr(ord("а") + n % 32) for n in range(1000)),
    "GSM-7, 1,000 characters": "".join(chr(ord("a") + n % 26) for n in range(1000)),
    "an emoji on a part border": "x" * 66 + "😀" + "я" * 100,
    "nothing but emoji": "😀🇷🇺" * 60,
    "white space at both ends": "  край \n",
    "what a URL would change": "a%41+b&c=d?е#ё;",
    "what an SQL string would change": 'О\'Нил \\ "И сын"',
    "one character": "ы",
}


async def test_every_text_arrives_as_it_was_written(lab: Lab) -> None:
    batch = [message(number, text) for number, text in enumerate(TEXTS.values(), 10)]
    async with lab.provider() as provider:
        await send_all(provider, batch)
        await eventually(lambda: len(lab.texts()) == len(batch))
    arrived = lab.texts()
    for name, one in zip(TEXTS, batch, strict=True):
        assert arrived[one.msisdn] == one.body, name


async def test_kannel_makes_as_many_parts_as_we_count(lab: Lab) -> None:
    texts = ["a" * 160, "a" * 161, "€" * 80, "€" * 81, "я" * 70, "я" * 71, "я" * 1000]
    batch = [message(number, text) for number, text in enumerate(texts)]
    async with lab.provider() as provider:
        await send_all(provider, batch)
        await eventually(lambda: len(lab.texts()) == len(batch))
    parts = Counter(int(record["to"]) for record in lab.simulator.records("submit_sm"))
    assert [parts[one.msisdn] for one in batch] == [encode(text).segments for text in texts]


async def test_sender_priority_and_validity_reach_the_message_centre(lab: Lab) -> None:
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
    async with lab.provider(sender_id="DEFAULT") as provider:
        await send_all(
            provider,
            [
                message(1, priority=0, expires_at=in_an_hour),
                message(2, priority=3, sender_id=None),
                message(3, sender_id="79071234567"),
            ],
        )
        await eventually(lambda: len(lab.texts()) == 3)
    seen = {int(record["to"]) % 10: record for record in lab.simulator.records("submit_sm")}
    assert [seen[number]["from"] for number in (1, 2, 3)] == ["BANK", "DEFAULT", "79071234567"]
    assert [seen[number]["priority"] for number in (1, 2)] == [3, 0]
    until = datetime.fromisoformat(seen[1]["validity"])
    assert abs(until - in_an_hour) < timedelta(minutes=1, seconds=5)


async def test_a_sender_with_blanks_around_it_is_refused_before_it_costs_anything(lab: Lab) -> None:
    async with lab.provider() as provider:
        results = await send_all(
            provider,
            [
                message(number, sender_id=bad)
                for number, bad in enumerate((" BANK", "BANK ", "TWELVE CHARS"))
            ],
        )
    assert [getattr(result, "detail", None) for result in results] == [
        f"sender_id {bad!r} is neither 1-15 digits nor 1-11 Latin characters"
        for bad in (" BANK", "BANK ", "TWELVE CHARS")
    ]
