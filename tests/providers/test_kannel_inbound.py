"""What Kannel's sms-service posts: a text in each character set, and the real thing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from providers.base import BringsInbound, Inbound, MalformedInbound, ReceiptRequest
from providers.kannel_inbound import parse_inbound
from tests.support.kannel_lab import Lab
from tests.support.waiting import eventually

REF = "0cfc183e-a7b8-417f-913b-4eba026e5475"
SENDER, US = "+79071234567", "+79430000000"
LONG = "Прошу перезвонить. 😀 " * 20 + "Конец."
UTF_8, UTF_16 = 'text/plain; charset="UTF-8"', 'text/plain; charset="UTF-16BE"'


def request(
    body: bytes = b"STOP",
    *,
    content_type: str = UTF_8,
    query: bytes = f"ref={REF}".encode(),
    method: str = "POST",
    sender: str = SENDER,
    sent_to: str = US,
) -> ReceiptRequest:
    """A callback as Kannel makes it."""
    return ReceiptRequest(
        method=method,
        message_id=None,
        query=query,
        headers={
            "content-type": content_type,
            "x-kannel-from": sender,
            "x-kannel-to": sent_to,
        },
        body=body,
    )


def test_a_message() -> None:
    text = "  a@b {x} €  two  & = % +"
    assert parse_inbound(request(text.encode())) == Inbound(
        ref=REF, sender=SENDER, sent_to=US, body=text
    )


@pytest.mark.parametrize(
    ("content_type", "octets", "text"),
    [
        (UTF_16, "Стоп\nвсе 😀".encode("utf-16-be"), "Стоп\nвсе 😀"),
        ("text/plain; charset=utf-16be", "Стоп".encode("utf-16-be"), "Стоп"),
        ("text/plain; charset=ISO-8859-1", b"\xe9t\xe9", "été"),
        ("text/plain; charset=WINDOWS-1252", b"\x80", "€"),
        ("application/octet-stream", b"\xff\x01\x00", "\\xff\x01\\x00"),
        ("text/plain; charset=idna", b"\xff", "\\xff"),
        ("", b"ok", "ok"),
        (UTF_8, b"\xff", "\\xff"),
        (UTF_8, b"", ""),
        (UTF_16, b"\xd8\x3d\x00a", "\\xd8\\x3da"),  # half a surrogate pair
        (UTF_16, b"\x00a\x00\x00", "a\\x00"),
    ],
)
def test_a_text_in_each_character_set(content_type: str, octets: bytes, text: str) -> None:
    assert parse_inbound(request(octets, content_type=content_type)).body == text


def test_nobody_it_was_sent_to_is_a_message_too() -> None:
    assert parse_inbound(request(sent_to="")).sent_to is None


@pytest.mark.parametrize(
    ("callback", "sentence"),
    [
        (request(method="GET"), "post-url that ends in ref=%I"),
        (request(query=b""), "post-url that ends in ref=%I"),
        (request(query=b"ref="), "post-url that ends in ref=%I"),
        (request(sender=""), "send-sender = true"),
        (request(sender="7" * 101), "short ref, sender and receiver"),
        (request(query=b"ref=" + b"x" * 101), "short ref, sender and receiver"),
    ],
)
def test_a_missing_part_is_named(callback: ReceiptRequest, sentence: str) -> None:
    with pytest.raises(MalformedInbound, match=sentence):
        parse_inbound(callback)


@pytest.mark.kannel
async def test_what_a_subscriber_writes_arrives_as_written_and_nothing_goes_back(
    lab: Lab,
) -> None:
    assert isinstance(lab.provider(), BringsInbound)
    texts = ["STOP", "Стоп", "  a@b {x} €  two & = % +", "две\nстроки 😀", LONG, "[long] " * 60]
    async with lab.listening() as app:
        for text in texts:
            known = len(lab.inbound)
            lab.simulator.write(sender=SENDER[1:], to=US[1:], text=text)
            await eventually(lambda known=known: len(lab.inbound) > known)  # type: ignore[misc]
    assert [message.body for message in lab.inbound] == texts
    assert {(message.sender, message.sent_to) for message in lab.inbound} == {(SENDER, US)}
    assert len({message.ref for message in lab.inbound}) == len(texts)
    assert app.counters.malformed == 0
    assert lab.simulator.records("submit_sm") == []


@pytest.mark.kannel
async def test_a_message_that_was_not_stored_is_brought_again_under_the_same_reference(
    lab: Lab,
) -> None:
    taken: list[Inbound] = []

    async def lose_the_first(provider: str, messages: Sequence[Inbound]) -> None:
        taken.extend(messages)
        if len(taken) == 1:
            raise RuntimeError("the commit was lost")

    async with lab.listening(record_inbound=lose_the_first):
        lab.simulator.write(sender=SENDER[1:], to=US[1:], text="Стоп")
        await eventually(lambda: len(taken) == 2)
    assert taken[0] == taken[1]


@pytest.mark.kannel
async def test_while_nobody_listens_kannel_logs_neither_number_nor_text(lab: Lab) -> None:
    lab.simulator.write(sender=SENDER[1:], to=US[1:], text="Secretword")
    log: Path = lab.boxes.folder / "smsbox.log"
    await eventually(lambda: log.read_text(encoding="utf-8").count("Couldn't fetch") >= 2)
    async with lab.listening():
        await eventually(lambda: lab.inbound)
    assert [message.body for message in lab.inbound] == ["Secretword"]
    said = "".join(
        path.read_text(encoding="utf-8")
        for path in lab.boxes.folder.glob("*box.*")
        if path.is_file()
    )
    assert SENDER[1:] not in said
    assert "Secretword" not in said
