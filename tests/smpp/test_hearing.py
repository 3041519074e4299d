"""What the SMSC brings is answered after it is stored; and subscribers' messages come whole."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from kannel.simulator import Simulator
from providers.base import Accepted, Context, Inbound, MalformedInbound, NotStored
from providers.smpp import SmppProvider, hearing
from providers.smpp.inbound import join_what_came, read_part
from providers.smpp.pdu import Delivered
from tests.support.messages import message, send_all
from tests.support.smsc import Ears, Session, Smsc, receipt_text
from tests.support.waiting import eventually

DELIVER_RESP = 0x80000005
US = "79430000000"
LONG = "Прошу перезвонить. 😀 " * 20


def answers(smsc: Smsc) -> dict[int, int]:
    """Sequence number → status of what we answered."""
    return {sequence: status for _, status, sequence, _ in smsc.commands(DELIVER_RESP)}


def have(items: Sequence[object], size: int) -> bool:
    return len(items) >= size


def parts(text: str, reference: int = 7) -> list[bytes]:
    octets = text.encode("utf-16-be")
    cuts = [octets[at : at + 134] for at in range(0, len(octets), 134)]
    head = b"\x05\x00\x03" + bytes([reference, len(cuts)])
    return [head + bytes([number]) + cut for number, cut in enumerate(cuts, 1)]


async def test_a_receipt_is_answered_only_after_its_commit(smsc: Smsc, ears: Ears) -> None:
    async with ears.provider(smsc.port):
        ears.commits.clear()
        for number in range(1, 6):
            smsc.last.deliver(number, receipt_text(str(number)))
        await asyncio.sleep(0.1)
        assert answers(smsc) == {}
        ears.commits.set()
        await eventually(lambda: len(answers(smsc)) == 5)
    assert answers(smsc) == dict.fromkeys(range(1, 6), 0)
    assert [(receipt.ref, receipt.code) for receipt in ears.receipts] == [
        (str(number), "DELIVRD") for number in range(1, 6)
    ]


async def test_many_share_a_commit(smsc: Smsc, ears: Ears) -> None:
    sizes: list[int] = []
    ears.trouble = lambda receipts: sizes.append(len(receipts))
    async with ears.provider(smsc.port):
        ears.commits.clear()
        for number in range(1, 301):
            smsc.last.deliver(number, receipt_text(str(number)))
        await asyncio.sleep(0.1)
        ears.commits.set()
        await eventually(lambda: len(answers(smsc)) == 300)
    assert sum(sizes) == 300
    assert len(sizes) <= 3


async def test_while_the_database_is_away_nothing_is_answered_and_nothing_lost(
    smsc: Smsc, ears: Ears, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "PAUSE_S", 0.02)
    tries = count()
    ears.trouble = lambda _: NotStored("The database is away.") if next(tries) < 5 else None
    async with ears.provider(smsc.port):
        smsc.last.deliver(1, receipt_text("1"))
        smsc.last.deliver(2, b"STOP", esm_class=0)
        await eventually(lambda: len(answers(smsc)) == 2)
    assert next(tries) == 6
    assert len(ears.receipts) == len(ears.inbound) == 1


async def test_one_that_cannot_be_stored_does_not_take_the_others_along(
    smsc: Smsc, ears: Ears
) -> None:
    ears.trouble = lambda receipts: (
        ValueError("no") if any(receipt.ref == "2" for receipt in receipts) else None
    )
    async with ears.provider(smsc.port):
        ears.commits.clear()
        for number in (1, 2, 3):
            smsc.last.deliver(number, receipt_text(str(number)))
        ears.commits.set()
        await eventually(lambda: len(answers(smsc)) == 3)
    assert answers(smsc) == {1: 0, 2: 0x65, 3: 0}
    assert [receipt.ref for receipt in ears.receipts] == ["1", "3"]


async def test_a_flood_waits_in_the_smsc_and_submissions_survive_it(
    smsc: Smsc, ears: Ears, monkeypatch: pytest.MonkeyPatch
) -> None:
    """We hear no more, for longer than answers may take; then everything is stored and answered."""
    monkeypatch.setattr(hearing, "HIGH", 20)
    monkeypatch.setattr(hearing, "LOW", 10)
    monkeypatch.setattr(hearing, "BATCH", 10)
    flood = 20_000
    async with ears.provider(smsc.port, timeout_s=0.3, enquire_link_s=0.2) as provider:
        ears.commits.clear()
        for number in range(1, flood + 1):
            smsc.last.deliver(number, receipt_text(str(number)))
        await eventually(lambda: provider._hearing._is_deaf)
        sending = asyncio.create_task(send_all(provider, [message()]))
        await asyncio.sleep(0.6)
        waiting = len(provider._hearing._waiting)
        assert 20 <= waiting < flood / 4
        ears.commits.set()
        [result] = await sending
        assert isinstance(result, Accepted)
        await eventually(lambda: len(answers(smsc)) == flood)
    assert len(ears.receipts) == flood
    assert len(smsc.sessions) == 1


async def test_an_unreadable_report_is_refused_and_the_link_stays(smsc: Smsc, ears: Ears) -> None:
    with capture_logs() as logs:
        async with ears.provider(smsc.port):
            smsc.last.send(5, 1, b"\0\1\1no end")
            smsc.last.deliver(2, b"\x09\x00\x03", esm_class=0x40)
            smsc.last.deliver(3, receipt_text("3"))
            await eventually(lambda: len(answers(smsc)) == 3)
    assert answers(smsc) == {1: 0x65, 2: 0x65, 3: 0}
    assert len(smsc.sessions) == 1
    assert len([log for log in logs if log["event"] == "smpp_unreadable"]) == 2


async def test_a_data_sm_is_heard_too(smsc: Smsc, ears: Ears) -> None:
    body = b"\0\1\1" + b"79070000001\0" + b"\5\0BANK\0" + bytes((4, 0, 0))
    async with ears.provider(smsc.port):
        smsc.last.send(0x103, 9, body + bytes.fromhex("001e0003 373700 04270001 02"))
        await eventually(lambda: smsc.commands(0x80000103))
    assert [(receipt.ref, receipt.code) for receipt in ears.receipts] == [("77", "DELIVRD")]


async def test_acknowledgements_by_the_phone_are_only_answered(smsc: Smsc, ears: Ears) -> None:
    async with ears.provider(smsc.port):
        smsc.last.deliver(1, b"ack", esm_class=0x08)
        await eventually(lambda: answers(smsc) == {1: 0})
    assert not ears.receipts
    assert not ears.inbound


@pytest.mark.parametrize("receipts", ["text", "tlv", "both", "odd"])
@pytest.mark.parametrize(
    ("answer", "receipt"),
    [("decimal", "decimal"), ("hex", "decimal"), ("HEX", "hex"), ("padded", "decimal")],
)
async def test_receipts_of_a_real_smsc_find_their_messages(
    receipts: str, answer: str, receipt: str, simulator: Simulator, ears: Ears
) -> None:
    simulator.set_options(receipts=receipts, id_answer=answer, id_receipt=receipt)
    # Some of some SMSC's hexadecimal ids have no letter: who knows its ways says so.
    known = {"id_in_answer": "hex", "id_in_receipt": "decimal"} if answer == "hex" else {}
    async with ears.provider(simulator.port, **known) as provider:
        results = await send_all(provider, [message(n) for n in range(1, 31)])
        await eventually(partial(have, ears.receipts, 30))
    refs = {result.refs[0]: result.id for result in results if isinstance(result, Accepted)}
    assert len(refs) == 30
    assert {one.ref for one in ears.receipts} == refs.keys()
    assert {one.code for one in ears.receipts} == {"DELIVRD", "UNDELIV"}
    undelivered = [one for one in ears.receipts if one.code == "UNDELIV"]
    assert len(undelivered) == 3  # numbers that end in 9
    error = {"text": "err 001", "tlv": "gsm 27", "both": "gsm 27", "odd": "err 1B"}[receipts]
    assert {one.error for one in undelivered} == {error}


async def test_each_segment_has_its_receipt(simulator: Simulator, ears: Ears) -> None:
    async with ears.provider(simulator.port) as provider:
        [result] = await send_all(provider, [message(1, LONG)])
        await eventually(partial(have, ears.receipts, 7))
    assert isinstance(result, Accepted)
    assert len(result.refs) == 7
    assert {one.ref for one in ears.receipts} == set(result.refs)


# --- messages from subscribers -------------------------------------------------------------------


@pytest.mark.parametrize("text", ["СТОП", "stop {now} €", LONG, "please call me " * 30])
async def test_a_message_of_a_subscriber_comes_whole(
    text: str, simulator: Simulator, ears: Ears
) -> None:
    async with ears.provider(simulator.port):
        simulator.write(sender="79070000001", to=US, text=text)
        await eventually(lambda: ears.inbound)
        await eventually(lambda: simulator.records("deliver_sm_resp"))
    assert ears.inbound == [Inbound(ref=None, sender="+79070000001", sent_to=f"+{US}", body=text)]
    sent = len(simulator.records("deliver_sm"))
    assert [r["status"] for r in simulator.records("deliver_sm_resp")] == [0] * sent


async def test_parts_of_two_messages_mixed_and_out_of_order(smsc: Smsc, ears: Ears) -> None:
    pieces = [*parts("A" * 150, 1), *parts("Б" * 150, 2)]
    async with ears.provider(smsc.port):
        for number, place in enumerate((5, 0, 4, 2, 3, 1), 1):
            smsc.last.deliver(number, pieces[place], esm_class=0x40, data_coding=8)
        await eventually(lambda: len(answers(smsc)) == 6)
    assert sorted(one.body for one in ears.inbound) == ["A" * 150, "Б" * 150]


async def test_an_smsc_that_wants_an_answer_to_each_part_gets_it(smsc: Smsc, ears: Ears) -> None:
    pieces = parts("Б" * 150)

    def next_part(session: Session, sequence: int, _: bytes) -> None:
        if sequence < len(pieces):
            session.deliver(sequence + 1, pieces[sequence], esm_class=0x40, data_coding=8)

    smsc.on[DELIVER_RESP] = next_part
    async with ears.provider(smsc.port, part_wait_s=0.1):
        smsc.last.deliver(1, pieces[0], esm_class=0x40, data_coding=8)
        await eventually(lambda: ears.inbound)
    assert [one.body for one in ears.inbound] == ["Б" * 150]


async def test_a_message_whose_parts_got_lost_goes_on_without_them(smsc: Smsc, ears: Ears) -> None:
    pieces = parts("А" * 67 + "Б" * 67 + "В" * 10)
    async with ears.provider(smsc.port, part_wait_s=0.1, part_keep_s=0.4):
        smsc.last.deliver(1, pieces[2], esm_class=0x40, data_coding=8)
        smsc.last.deliver(2, pieces[0], esm_class=0x40, data_coding=8)
        await eventually(lambda: ears.inbound)
        assert answers(smsc) == {1: 0, 2: 0}
    assert [one.body for one in ears.inbound] == ["А" * 67 + "В" * 10]


async def test_at_the_end_nothing_that_was_heard_is_forgotten(smsc: Smsc, ears: Ears) -> None:
    async with ears.provider(smsc.port):
        smsc.last.deliver(1, parts("Б" * 150)[0], esm_class=0x40, data_coding=8)
        await eventually(lambda: smsc.sessions and smsc.heard)
        await asyncio.sleep(0.1)
        ears.commits.clear()
        smsc.last.deliver(2, receipt_text("5"))
        asyncio.get_running_loop().call_later(0.2, ears.commits.set)
        await asyncio.sleep(0.05)
    assert [one.body for one in ears.inbound] == ["Б" * 67]
    assert [one.ref for one in ears.receipts] == ["5"]
    assert answers(smsc) == {1: 0, 2: 0}


@given(octets=st.binary(max_size=140), data_coding=st.integers(0, 255), header=st.booleans())
def test_whatever_a_subscriber_sends_can_be_stored_or_is_refused(
    octets: bytes, data_coding: int, header: bool
) -> None:
    delivered = Delivered(
        1, b"79070000001", 1, b"1", 0x40 if header else 0, data_coding, octets, {}
    )
    with suppress(MalformedInbound):
        if (part := read_part(delivered)) is not None:
            inbound = join_what_came([part])
            assert "\0" not in inbound.body.encode().decode()


async def test_what_nobody_wants_is_answered_and_told(smsc: Smsc, ears: Ears) -> None:
    provider = SmppProvider(
        "main",
        {"addresses": f"127.0.0.1:{smsc.port}", "system_id": "outbox"},
        "secret",
        Context(sink=ears.take_receipts),
    )
    with capture_logs() as logs:
        async with provider:
            for number in (1, 2, 3):
                smsc.last.deliver(number, b"STOP", esm_class=0)
            await eventually(lambda: len(answers(smsc)) == 3)
    told = [log["count"] for log in logs if log["event"] == "smpp_inbound_unwanted"]
    assert told == [1, 2]


async def test_no_log_line_has_a_number_or_a_text(simulator: Simulator, ears: Ears) -> None:
    with capture_logs() as logs:
        async with ears.provider(simulator.port) as provider:
            simulator.set_mode("throttle")
            await send_all(provider, [message(1, "Совершенно секретно")])
            simulator.set_mode("reject")
            await eventually(lambda: provider._dispatch.room())
            await send_all(provider, [message(2, "Совершенно секретно")])
            simulator.write(sender="79070000001", to=US, text="тайна")
            await eventually(lambda: ears.inbound)
            simulator.set_mode("garbage")
            await send_all(provider, [message(3, "Совершенно секретно")])
            await eventually(lambda: "smpp_link_lost" in str(logs))
    said = str(logs)
    assert not any(word in said for word in ("7907000", "екретно", "тайна", "secret"))
