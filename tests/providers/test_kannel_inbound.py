"""What Kannel's sms-service tells: its query in each character set, and the real thing."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote_from_bytes

import pytest

from providers.base import BringsInbound, Inbound, MalformedInbound, ReceiptRequest
from providers.kannel_inbound import FIELDS, parse_inbound
from tests.support.kannel_lab import Lab
from tests.support.waiting import eventually

SENDER, US = "+79071234567", "+79430000000"
LONG = "Прошу перезвонить. 😀 " * 20 + "Конец."


def request(**changes: bytes | str | None) -> ReceiptRequest:
    """A callback with these fields changed; None leaves one out."""
    fields: dict[str, bytes | str | None] = {
        "ref": "0cfc183e-a7b8-417f-913b-4eba026e5475",
        "from": SENDER,
        "to": US,
        "charset": "UTF-8",
        "text": "STOP",
        **changes,
    }
    query = "&".join(
        f"{name}={quote_from_bytes(value if isinstance(value, bytes) else value.encode())}"
        for name, value in fields.items()
        if value is not None
    )
    return ReceiptRequest(method="GET", message_id=None, query=query.encode(), headers={}, body=b"")


def test_a_message_in_the_gsm_alphabet() -> None:
    assert parse_inbound(request(text="a@b {x} €  two & = % +")) == Inbound(
        ref="0cfc183e-a7b8-417f-913b-4eba026e5475",
        sender=SENDER,
        sent_to=US,
        body="a@b {x} €  two & = % +",
    )


@pytest.mark.parametrize(
    ("charset", "octets", "text"),
    [
        ("UTF-16BE", "Стоп\nвсе 😀".encode("utf-16-be"), "Стоп\nвсе 😀"),
        ("utf-16be", "Стоп".encode("utf-16-be"), "Стоп"),
        ("ISO-8859-1", b"\xe9t\xe9", "été"),
        ("WINDOWS-1252", b"\x80", "€"),
        ("8-BIT", b"\xff\x01\x00", "\\xff\x01\\x00"),
        ("idna", b"\xff", "\\xff"),
        ("", b"ok", "ok"),
        ("UTF-8", b"\xff", "\\xff"),
        ("UTF-16BE", b"\xd8\x3d\x00a", "\\xd8\\x3da"),  # half a surrogate pair
        ("UTF-16BE", b"\x00a\x00\x00", "a\\x00"),
    ],
)
def test_a_text_in_each_character_set(charset: str, octets: bytes, text: str) -> None:
    assert parse_inbound(request(charset=charset, text=octets)).body == text


def test_an_empty_text_and_no_reference_are_a_message_too() -> None:
    message = parse_inbound(request(ref="", to="", text=""))
    assert (message.ref, message.sent_to, message.body) == (None, None, "")


def test_as_kannel_encodes_it() -> None:
    query = b"ref=78b6&from=%2B79071234567&to=%2B7943&charset=UTF-16BE&text=%04!%04%22%04%1E%04%1F"
    message = parse_inbound(
        ReceiptRequest(method="GET", message_id=None, query=query, headers={}, body=b"")
    )
    assert (message.sender, message.body) == (SENDER, "СТОП")


@pytest.mark.parametrize("name", FIELDS)
def test_a_missing_part_is_named(name: str) -> None:
    with pytest.raises(MalformedInbound, match=f"missing: {name}\\.$"):
        parse_inbound(request(**{name: None}))


@pytest.mark.parametrize("changes", [{"from": ""}, {"from": "7" * 101}, {"ref": "x" * 101}])
def test_what_is_no_number_or_reference_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(MalformedInbound, match="short ref, from and to"):
        parse_inbound(request(**changes))


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
    assert None not in {message.ref for message in lab.inbound}
    assert app.counters.malformed == 0
    assert lab.simulator.records("submit_sm") == []


@pytest.mark.kannel
async def test_a_message_that_finds_nobody_is_brought_again_under_the_same_reference(
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
