"""One session: the window, answers in every order and shape, silence, and the end of the link."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from functools import partial
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from providers.base import Accepted, Rejected, Result, Retry, Uncertain
from providers.smpp import SmppProvider
from tests.support.messages import message, send_all
from tests.support.smsc import Ears, Session, Smsc, scripted_smsc
from tests.support.waiting import eventually

SUBMIT, ENQUIRE, UNBIND = 4, 0x15, 6


def has(items: list[Any], size: int) -> bool:
    return len(items) == size


def has_room(provider: SmppProvider, places: int) -> bool:
    return provider._dispatch.room() == places


def kinds(results: list[Result]) -> list[str]:
    return [type(result).__name__ for result in results]


async def test_each_message_is_taken_and_carries_its_reference(smsc: Smsc, ears: Ears) -> None:
    async with ears.provider(smsc.port) as provider:
        assert await provider.capacity() == 10
        results = await send_all(provider, [message(n) for n in range(1, 51)])
    assert kinds(results) == ["Accepted"] * 50
    assert {r.refs for r in results if isinstance(r, Accepted)} == {(str(n),) for n in range(1, 51)}


async def test_no_more_than_the_window_is_unanswered(smsc: Smsc, ears: Ears) -> None:
    held: list[tuple[Session, int]] = []
    smsc.on[SUBMIT] = lambda session, sequence, _: held.append((session, sequence))
    async with ears.provider(smsc.port, window=3) as provider:
        sending = asyncio.create_task(send_all(provider, [message(n) for n in range(1, 11)]))
        for answered in range(10):
            await eventually(partial(has, held, min(answered + 3, 10)))
            await eventually(partial(has_room, provider, max(0, answered - 7)))
            session, sequence = held[answered]
            session.accept(sequence, b"%d" % answered)
        assert kinds(await sending) == ["Accepted"] * 10


async def test_answers_may_come_in_any_order_and_together(smsc: Smsc, ears: Ears) -> None:
    held: list[int] = []

    def hold(session: Session, sequence: int, _: bytes) -> None:
        held.append(sequence)
        if len(held) == 4:
            for number in reversed(held):
                session.accept(number, b"id%d" % number)

    smsc.on[SUBMIT] = hold
    async with ears.provider(smsc.port) as provider:
        results = await send_all(provider, [message(n) for n in range(1, 5)])
    assert [r.refs for r in results if isinstance(r, Accepted)] == [
        (f"id{sequence}",) for sequence in held
    ]


async def test_an_answer_in_single_octets(smsc: Smsc, ears: Ears) -> None:
    tasks = set()

    async def trickle(session: Session, sequence: int) -> None:
        octets = (17 + 2).to_bytes(4, "big") + bytes.fromhex("80000004 00000000")
        for octet in octets + sequence.to_bytes(4, "big") + b"77\0":
            session.raw(bytes([octet]))
            await asyncio.sleep(0.002)

    def begin(session: Session, sequence: int, _: bytes) -> None:
        tasks.add(asyncio.create_task(trickle(session, sequence)))

    smsc.on[SUBMIT] = begin
    async with ears.provider(smsc.port) as provider:
        [result] = await send_all(provider, [message()])
    assert isinstance(result, Accepted)
    assert result.refs == ("77",)


@pytest.mark.parametrize(
    ("code", "kind", "throttled", "detail"),
    [
        (0x0B, Rejected, None, "RINVDSTADR (0x0B)"),
        (0x58, Retry, True, "RTHROTTLED (0x58)"),
        (0x14, Retry, True, "RMSGQFUL (0x14)"),
        (0x08, Retry, False, "RSYSERR (0x08)"),
        (0x04, Retry, False, "RINVBNDSTS (0x04)"),
        (0x400, Retry, False, "0x400"),
        (0x500, Rejected, None, "0x500"),
        (0x45, Rejected, None, "RSUBMITFAIL (0x45)"),  # by this account's own table
    ],
)
async def test_what_a_status_means_with_and_without_a_body(
    code: int, kind: type[Result], throttled: bool | None, detail: str, smsc: Smsc, ears: Ears
) -> None:
    bodies = count()

    def refuse(session: Session, sequence: int, _: bytes) -> None:
        session.send(0x80000004, sequence, b"\0" * (next(bodies) % 2), status=code)

    smsc.on[SUBMIT] = refuse
    async with ears.provider(smsc.port, statuses={"0x45": "rejected"}) as provider:
        for number in (1, 2):
            await eventually(lambda: provider._dispatch.room())
            [result] = await send_all(provider, [message(number)])
            assert isinstance(result, kind)
            assert result.detail == detail
            assert getattr(result, "throttled", None) == throttled


async def test_unknown_parameters_in_an_answer_do_not_matter(smsc: Smsc, ears: Ears) -> None:
    smsc.on[SUBMIT] = lambda session, sequence, _: session.accept(
        sequence, b"5", bytes.fromhex("001e0002 3500 14000001 ff")
    )
    async with ears.provider(smsc.port) as provider:
        [result] = await send_all(provider, [message()])
    assert isinstance(result, Accepted)
    assert result.refs == ("5",)


async def test_an_answer_without_an_id_leaves_nothing_to_match(smsc: Smsc, ears: Ears) -> None:
    smsc.on[SUBMIT] = lambda session, sequence, _: session.send(0x80000004, sequence)
    async with ears.provider(smsc.port) as provider:
        [result] = await send_all(provider, [message()])
    assert isinstance(result, Accepted)
    assert result.refs == ()


async def test_answers_nobody_waits_for_are_passed_over(smsc: Smsc, ears: Ears) -> None:
    def twice(session: Session, sequence: int, _: bytes) -> None:
        session.accept(sequence + 1000, b"9")
        session.accept(sequence, b"1")
        session.accept(sequence, b"2")

    smsc.on[SUBMIT] = twice
    async with ears.provider(smsc.port) as provider:
        results = await send_all(provider, [message(1), message(2)])
    assert [r.refs for r in results if isinstance(r, Accepted)] == [("1",), ("1",)]


async def test_a_hang_up_leaves_the_window_in_doubt_and_the_rest_for_later(
    smsc: Smsc, ears: Ears
) -> None:
    seen = count(1)

    def cut_at_second(session: Session, sequence: int, _: bytes) -> None:
        if next(seen) == 2:
            session.cut()

    smsc.on[SUBMIT] = cut_at_second
    async with ears.provider(smsc.port, window=2, reconnect_s=1) as provider:
        results = await send_all(provider, [message(n) for n in range(1, 6)])
        assert kinds(results) == ["Uncertain", "Uncertain", "Retry", "Retry", "Retry"]
        assert all(result.throttled for result in results if isinstance(result, Retry))
        assert await provider.capacity() == 0
        smsc.on.clear()
        await eventually(lambda: provider._dispatch.room())
        assert kinds(await send_all(provider, [message(7)])) == ["Accepted"]
    assert len(smsc.commands(SUBMIT)) == 3


async def test_silence_about_everything_ends_the_link_and_the_next_is_on_trial(
    smsc: Smsc, ears: Ears
) -> None:
    smsc.on[SUBMIT] = lambda *_: None
    async with ears.provider(smsc.port, window=4, timeout_s=0.3) as provider:
        results = await send_all(provider, [message(n) for n in range(1, 5)])
        assert kinds(results) == ["Uncertain"] * 4
        assert results[0].detail == "the SMSC did not answer within 0.3 s"
        await eventually(lambda: len(smsc.sessions) == 2 and provider._dispatch.room())
        assert await provider.capacity() == 1
        smsc.on.clear()
        assert kinds(await send_all(provider, [message(9)])) == ["Accepted"]
        await eventually(lambda: provider._dispatch.room() == 4)


async def test_one_answer_missing_among_others_is_one_doubt(smsc: Smsc, ears: Ears) -> None:
    seen = count(1)

    def lose_first(session: Session, sequence: int, _: bytes) -> None:
        if (number := next(seen)) > 1:
            session.accept(sequence, b"%d" % number)

    smsc.on[SUBMIT] = lose_first
    async with ears.provider(smsc.port, timeout_s=1) as provider:
        first = asyncio.create_task(send_all(provider, [message(1)]))
        await eventually(lambda: smsc.commands(SUBMIT))
        number = count(2)
        while not first.done():
            assert kinds(await send_all(provider, [message(next(number))])) == ["Accepted"]
            await asyncio.sleep(0.02)
        assert kinds(await first) == ["Uncertain"]
        assert len(smsc.sessions) == 1
        assert await provider.capacity() == 10


async def test_both_sides_ask_whether_the_other_is_there(smsc: Smsc, ears: Ears) -> None:
    async with ears.provider(smsc.port, enquire_link_s=0.1):
        smsc.last.send(ENQUIRE, 4711)
        await eventually(lambda: smsc.commands(ENQUIRE | 0x80000000))
        assert smsc.commands(ENQUIRE | 0x80000000)[0][2] == 4711
        await eventually(lambda: len(smsc.commands(ENQUIRE)) >= 2)
    assert len(smsc.sessions) == 1


async def test_a_peer_that_is_gone_is_noticed_and_left(smsc: Smsc, ears: Ears) -> None:
    smsc.on[ENQUIRE] = lambda *_: None
    with capture_logs() as logs:
        async with ears.provider(smsc.port, enquire_link_s=0.1, timeout_s=0.3):
            await eventually(lambda: len(smsc.sessions) >= 2)
    lost = [log for log in logs if log["event"] == "smpp_link_lost"]
    assert lost[0]["why"] == "the SMSC did not answer enquire_link within 0.3 s"


async def test_the_smsc_may_ask_before_it_lets_us_in(smsc: Smsc, ears: Ears) -> None:
    def ask_first(session: Session, sequence: int, _: bytes) -> None:
        session.send(ENQUIRE, 1)
        smsc.answer(session, 9, sequence)

    smsc.on[9] = ask_first
    async with ears.provider(smsc.port) as provider:
        assert kinds(await send_all(provider, [message()])) == ["Accepted"]
    assert len(smsc.commands(ENQUIRE | 0x80000000)) == 1


async def test_what_we_do_not_know_is_nacked_and_the_rest_passed_over(
    smsc: Smsc, ears: Ears
) -> None:
    async with ears.provider(smsc.port) as provider:
        smsc.last.send(0x00000021, 5)  # submit_multi is not for us
        smsc.last.send(0x00000102, 6)  # alert_notification wants no answer
        smsc.last.send(0x80000099, 7)
        await eventually(lambda: smsc.commands(0x80000000))
        assert kinds(await send_all(provider, [message()])) == ["Accepted"]
    assert [one[:3] for one in smsc.commands(0x80000000)] == [(0x80000000, 3, 5)]


async def test_a_nacked_submission_was_not_taken(smsc: Smsc, ears: Ears) -> None:
    smsc.on[SUBMIT] = lambda session, sequence, _: session.send(0x80000000, sequence, status=3)
    async with ears.provider(smsc.port) as provider:
        [result] = await send_all(provider, [message()])
    assert isinstance(result, Retry)


async def test_the_smsc_unbinds_us_and_we_come_back(smsc: Smsc, ears: Ears) -> None:
    async with ears.provider(smsc.port) as provider:
        smsc.last.send(UNBIND, 3)
        await eventually(lambda: len(smsc.sessions) == 2 and provider._dispatch.room())
        assert kinds(await send_all(provider, [message()])) == ["Accepted"]
    assert [one[2] for one in smsc.commands(UNBIND | 0x80000000)] == [3]


async def test_at_the_end_answers_are_waited_for_and_then_we_unbind(smsc: Smsc, ears: Ears) -> None:
    held: list[tuple[Session, int]] = []
    smsc.on[SUBMIT] = lambda session, sequence, _: held.append((session, sequence))
    provider = ears.provider(smsc.port)
    await provider.__aenter__()
    sending = asyncio.create_task(send_all(provider, [message()]))
    await eventually(lambda: held)
    closing = asyncio.create_task(provider.__aexit__(None, None, None))
    await asyncio.sleep(0.05)
    assert not smsc.commands(UNBIND)
    held[0][0].accept(held[0][1], b"1")
    assert kinds(await sending) == ["Accepted"]
    await closing
    assert len(smsc.commands(UNBIND)) == 1


async def test_nothing_is_begun_after_its_time(smsc: Smsc, ears: Ears) -> None:
    held: list[tuple[Session, int]] = []
    smsc.on[SUBMIT] = lambda session, sequence, _: held.append((session, sequence))
    async with ears.provider(smsc.port, window=2) as provider:
        until = time.monotonic() + 0.3
        batch = [message(n) for n in range(1, 5)]
        sending = asyncio.create_task(send_all(provider, batch, until=until))
        await eventually(lambda: provider._dispatch._bulk and not provider._dispatch._bulk[0].left)
        for session, sequence in held:
            session.accept(sequence, b"%d" % sequence)
        results = await sending
    assert kinds(results) == ["Accepted", "Accepted", "Retry", "Retry"]
    assert len(held) == 2


async def test_nothing_waits_long_for_an_smsc_that_does_not_move(smsc: Smsc, ears: Ears) -> None:
    smsc.on[SUBMIT] = lambda *_: None
    async with ears.provider(smsc.port, window=2, timeout_s=2, room_wait_s=0.2) as provider:
        given = [message(n) for n in range(1, 6)]
        results = [result async for result in provider.send(given)]
    assert kinds(results) == ["Retry", "Retry", "Retry", "Uncertain", "Uncertain"]
    assert {result.detail for result in results[:3]} == {"no window had room for it"}
    assert len(smsc.commands(SUBMIT)) == 2


async def test_urgent_messages_go_before_those_that_wait(smsc: Smsc, ears: Ears) -> None:
    held: list[tuple[Session, int]] = []
    order: list[bytes] = []

    def hold(session: Session, sequence: int, body: bytes) -> None:
        held.append((session, sequence))
        order.append(body)

    smsc.on[SUBMIT] = hold
    async with ears.provider(smsc.port, window=1) as provider:
        bulk = asyncio.create_task(send_all(provider, [message(n) for n in range(1, 4)]))
        await eventually(lambda: held)
        urgent = asyncio.create_task(send_all(provider, [message(99, priority=0)]))
        for number in range(4):
            await eventually(partial(has, held, number + 1))
            session, sequence = held[number]
            session.accept(sequence, b"%d" % number)
        assert kinds(await urgent + await bulk) == ["Accepted"] * 4
    assert b"79070000099" in order[1]


async def test_what_an_abandoned_batch_did_not_begin_is_never_sent(smsc: Smsc, ears: Ears) -> None:
    held: list[tuple[Session, int]] = []
    smsc.on[SUBMIT] = lambda session, sequence, _: held.append((session, sequence))
    async with ears.provider(smsc.port, window=1) as provider:
        async with aclosing(provider.send([message(1), message(2)])) as results:  # type: ignore[type-var]
            waiting = asyncio.ensure_future(anext(results))
            await eventually(lambda: held)
            held[0][0].accept(held[0][1], b"1")
            await waiting
            await eventually(lambda: len(held) == 2)
        held[1][0].accept(held[1][1], b"2")
        async with aclosing(provider.send([message(3), message(4)])) as results:  # type: ignore[type-var]
            waiting = asyncio.ensure_future(anext(results))
            await eventually(lambda: len(held) == 3)
            waiting.cancel()
            await asyncio.wait([waiting])
        held[2][0].accept(held[2][1], b"3")
        await eventually(lambda: provider._dispatch.room())
        assert provider._dispatch._bulk == provider._dispatch._urgent
    assert len(held) == 3


async def test_numbers_begin_again_after_the_last(smsc: Smsc, ears: Ears) -> None:
    async with ears.provider(smsc.port) as provider:
        provider._binds._links[0].window._sequence = 0x7FFFFFFE
        assert kinds(await send_all(provider, [message(1), message(2)])) == ["Accepted"] * 2
    assert [one[2] for one in smsc.commands(SUBMIT)] == [0x7FFFFFFF, 1]


GARBAGE = {
    "another protocol": b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
    "a huge length": b"\x7f\xff\xff\xff\x80\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x02",
    "a length shorter than a header": b"\x00\x00\x00\x04" + b"\0" * 12,
}


@pytest.mark.parametrize("octets", GARBAGE.values(), ids=GARBAGE)
async def test_garbage_is_told_in_one_line_and_the_link_is_bound_anew(
    octets: bytes, smsc: Smsc, ears: Ears
) -> None:
    smsc.on[SUBMIT] = lambda session, *_: session.raw(octets)
    with capture_logs() as logs:
        async with ears.provider(smsc.port) as provider:
            results = await send_all(provider, [message(1), message(2)])
            smsc.on.clear()
            await eventually(lambda: provider._dispatch.room())
            assert kinds(await send_all(provider, [message(3)])) == ["Accepted"]
    assert kinds(results) == ["Uncertain", "Uncertain"]
    told = [log for log in logs if log["log_level"] in ("warning", "error")]
    assert len(told) == 1
    assert told[0]["why"].startswith("the SMSC talks garbage: a PDU claims to have ")


async def test_half_a_pdu_and_then_nothing_is_silence(smsc: Smsc, ears: Ears) -> None:
    smsc.on[ENQUIRE] = lambda *_: None
    smsc.on[SUBMIT] = lambda session, *_: session.raw(b"\0\0\x01\0\x80\0\0\x04\0\0\0\0")
    async with ears.provider(smsc.port, enquire_link_s=0.2, timeout_s=0.4) as provider:
        [result] = await send_all(provider, [message()])
        assert isinstance(result, Uncertain)
        await eventually(lambda: len(smsc.sessions) == 2)


@given(octets=st.binary(min_size=1, max_size=200))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_it_says_every_message_gets_a_result(octets: bytes) -> None:
    async def say_it() -> None:
        ears = Ears()
        async with scripted_smsc() as smsc:
            smsc.on[SUBMIT] = lambda session, *_: session.raw(octets)
            async with ears.provider(smsc.port, timeout_s=0.2, enquire_link_s=0.1) as provider:
                results = await send_all(provider, [message(1), message(2)])
                assert len(results) == 2
                smsc.on.clear()
                await eventually(lambda: _is_well(provider))

    with capture_logs():
        asyncio.run(say_it())


def _is_well(provider: SmppProvider) -> Any:
    return provider._dispatch.room() > 0
