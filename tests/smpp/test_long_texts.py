"""Long texts: every octet arrives, and what happens when the SMSC takes only some of the parts."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from kannel.simulator import Simulator, whole_octets
from outbox.text import encoding_of
from providers.base import Accepted, Rejected, Retry, Uncertain
from providers.smpp.settings import LongTexts
from tests.support.messages import message, send_all
from tests.support.smsc import Ears, Session, Smsc
from tests.support.waiting import eventually

LONG = "Напоминаем о платеже. " * 20  # seven parts
LETTERS = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя .,-—№«»😀"
LATIN = "abcdefghijklmnopqrstuvwxyz @$_{}[]~€\\|^ÄÖ§\n"


def text_of(length: int, letters: str, seed: int) -> str:
    """UTF-16 units (or so) of random letters."""
    return "".join(random.Random(seed).choices(letters, k=length))


async def octets_at_smsc(
    simulator: Simulator, ears: Ears, texts: dict[int, str], **settings: object
) -> None:
    """Send each text to its number and compare what the SMSC put together, octet for octet."""
    async with ears.provider(simulator.port, window=100, **settings) as provider:
        batch = [message(number, body) for number, body in texts.items()]
        results = await send_all(provider, batch)
    assert Counter(type(result) for result in results) == {Accepted: len(texts)}
    taken = whole_octets(simulator.records("submit_sm"))
    assert len(taken) == len(texts)
    for number, body in texts.items():
        # The GSM alphabet is compared through smpplib's and Kannel's peer, npm's smpp, elsewhere.
        assert encoding_of(body) == "ucs2"
        assert dict(taken)[str(message(number).msisdn)] == body.encode("utf-16-be")


async def test_a_thousand_cyrillic_texts_of_a_thousand_characters_arrive_octet_for_octet(
    simulator: Simulator, ears: Ears
) -> None:
    texts = {n: text_of(1000, LETTERS[:-1], seed=n) for n in range(1, 1001)}
    await octets_at_smsc(simulator, ears, texts, max_batch=1000, binds=2)
    parts = Counter(record["to"] for record in simulator.records("submit_sm"))
    assert set(parts.values()) == {15}


@pytest.mark.parametrize("style", ["udh8", "udh16", "sar", "payload"])
async def test_with_pairs_and_in_every_style(
    style: LongTexts, simulator: Simulator, ears: Ears
) -> None:
    texts = {n: text_of(40 + 20 * n, LETTERS, seed=n) for n in range(1, 41)}
    await octets_at_smsc(simulator, ears, texts, long_texts=style)
    records = simulator.records("submit_sm")
    assert {record["data_coding"] for record in records} == {8}
    if style == "payload":
        assert len(records) == len(texts)
        assert any(record["is_payload"] for record in records)
    long = [record for record in records if record["part"]]
    assert bool(long) is (style != "payload")
    assert {record["esm_class"] for record in long} <= {0 if style == "sar" else 0x40}


@pytest.mark.parametrize("style", ["udh8", "udh16", "sar", "payload"])
async def test_the_gsm_alphabet_as_others_read_it(
    style: LongTexts, simulator: Simulator, ears: Ears
) -> None:
    texts = {n: text_of(30 * n, LATIN, seed=n) for n in range(1, 31)}
    async with ears.provider(simulator.port, window=100, long_texts=style) as provider:
        results = await send_all(provider, [message(n, body) for n, body in texts.items()])
    assert Counter(type(result) for result in results) == {Accepted: len(texts)}
    records = simulator.records("submit_sm")
    assert {record["data_coding"] for record in records} == {0}
    parts: dict[str, dict[int, str]] = {}
    for record in records:
        number = record["part"][2] if record["part"] else 1
        parts.setdefault(record["to"], {})[number] = record["text"]
    decoded = {to: "".join(pieces[n] for n in sorted(pieces)) for to, pieces in parts.items()}
    if style != "payload":  # npm's smpp reads a payload's text elsewhere
        assert decoded == {str(message(n).msisdn): body for n, body in texts.items()}


async def test_parts_wait_for_places_of_a_small_window(simulator: Simulator, ears: Ears) -> None:
    simulator.set_options(answer_ms=5, shuffle_ms=10)
    async with ears.provider(simulator.port, window=2) as provider:
        results = await send_all(provider, [message(n, f"{n} {LONG}") for n in range(1, 4)])
    assert [type(result) for result in results] == [Accepted] * 3
    assert [len(r.refs) for r in results if isinstance(r, Accepted)] == [7, 7, 7]
    ids = {record["id"]: record["part"][2] for record in simulator.records("submit_sm")}
    for result in results:  # references are in the order of the parts, whatever came first
        assert isinstance(result, Accepted)
        assert [ids[ref] for ref in result.refs] == list(range(1, 8))


async def test_a_part_turned_away_comes_again_alone_with_the_same_reference(
    simulator: Simulator, ears: Ears
) -> None:
    simulator.set_options(throttle_part=3)
    async with ears.provider(simulator.port, window=2) as provider:
        [result] = await send_all(provider, [message(1, LONG)])
    assert isinstance(result, Accepted)
    records = simulator.records("submit_sm")
    taken = [record["part"][2] for record in records if record["status"] == 0]
    assert Counter(taken) == Counter(range(1, 8))
    assert len({record["part"][0] for record in records}) == 1
    assert whole_octets(records) == [(str(message(1).msisdn), LONG.encode("utf-16-be"))]


async def test_a_text_whose_first_part_is_turned_away_goes_back_whole(
    simulator: Simulator, ears: Ears
) -> None:
    simulator.set_options(throttle_part=1)
    async with ears.provider(simulator.port, window=1) as provider:
        [result] = await send_all(provider, [message(1, LONG)])
    assert isinstance(result, Retry)
    assert result.throttled
    assert len(simulator.records("submit_sm")) == 1


async def test_a_part_refused_for_good_ends_the_text(simulator: Simulator, ears: Ears) -> None:
    simulator.set_options(refuse_part=3)
    async with ears.provider(simulator.port, window=1) as provider:
        [result] = await send_all(provider, [message(1, LONG)])
    assert isinstance(result, Rejected)
    assert result.detail == "RINVDSTADR (0x0B); 2 of 7 parts were taken"
    assert [record["part"][2] for record in simulator.records("submit_sm")] == [1, 2, 3]


async def test_a_part_turned_away_for_ever_leaves_the_text_in_doubt(smsc: Smsc, ears: Ears) -> None:
    def second_never(session: Session, sequence: int, body: bytes) -> None:
        if b"\x05\x00\x03" in body and body[body.index(b"\x05\x00\x03") + 5] == 2:
            session.send(0x80000004, sequence, status=0x58)
        else:
            smsc.answer(session, 4, sequence)

    smsc.on[4] = second_never
    async with ears.provider(smsc.port, throttle_s=0.01) as provider:
        [result] = await send_all(provider, [message(1, LONG)])
    assert isinstance(result, Uncertain)
    assert result.detail == "RTHROTTLED (0x58); 6 of 7 parts were taken"


async def test_a_hang_up_in_the_middle_of_a_text_leaves_it_in_doubt(
    simulator: Simulator, ears: Ears
) -> None:
    simulator.set_options(drop_at=3)
    async with ears.provider(simulator.port, window=1) as provider:
        results = await send_all(provider, [message(1, LONG), message(2, LONG)])
    assert [type(result) for result in results] == [Uncertain, Retry]
    assert isinstance(results[0], Uncertain)
    assert results[0].detail == "the SMSC hung up; 2 of 7 parts were taken"
    numbers = [record["part"][2] for record in simulator.records("submit_sm")]
    assert numbers == [1, 2, 3], "nothing may follow on the next bind"


async def test_parts_not_written_go_on_over_another_bind(smsc: Smsc, ears: Ears) -> None:
    """The first part was taken, the others were never written: nothing is in doubt."""
    held: list[tuple[Session, int]] = []
    smsc.on[4] = lambda session, sequence, _: held.append((session, sequence))
    async with ears.provider(smsc.port, window=1, binds=2, reconnect_s=1) as provider:
        await eventually(lambda: provider._dispatch.room() == 2)
        sending = asyncio.create_task(send_all(provider, [message(1, LONG)]))
        await eventually(lambda: held)
        session, sequence = held[0]
        smsc.on[4] = lambda session, sequence, _: smsc.answer(session, 4, sequence)
        link = next(one for one in provider._binds._links if one.window._pending)
        link._is_full = True  # the socket takes no more before the end
        session.accept(sequence, b"first")
        await eventually(lambda: not link.window._pending)
        session.cut()
        [result] = await sending
    assert isinstance(result, Accepted)
    assert result.refs == ("first", "1", "2", "3", "4", "5", "6")


@pytest.mark.parametrize("style", ["udh8", "payload"])
async def test_a_text_beyond_every_measure_is_refused(
    style: LongTexts, smsc: Smsc, ears: Ears
) -> None:
    async with ears.provider(smsc.port, long_texts=style) as provider:
        results = await send_all(provider, [message(1, "я" * 40_000), message(2)])
    assert [type(result) for result in results] == [Rejected, Accepted]
