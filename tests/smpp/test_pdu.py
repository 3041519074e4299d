"""PDUs as bytes: the fast path against smpplib, and what a hostile stream can do to the reader."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smpplib import smpp

from providers.smpp import pdu

octet = st.integers(0, 255)
ascii_text = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=20)


class Numbered:
    """What smpplib wants for a client."""

    def __init__(self, sequence: int) -> None:
        self.sequence = sequence

    def next_sequence(self) -> int:
        return self.sequence


@given(
    sequence=st.integers(1, pdu.MAX_SEQUENCE),
    source=ascii_text,
    ton_npi=st.tuples(octet, octet),
    msisdn=st.integers(70_000_000_000, 79_999_999_999),
    flags=st.tuples(octet, octet, octet, octet),
    validity=st.sampled_from(["", "261231235900000+", "000001000000000R"]),
    text=st.binary(max_size=254),
    service_type=st.sampled_from(["", "CMT"]),
)
def test_submit_sm_is_what_smpplib_makes(
    sequence: int,
    source: str,
    ton_npi: tuple[int, int],
    msisdn: int,
    flags: tuple[int, int, int, int],
    validity: str,
    text: bytes,
    service_type: str,
) -> None:
    esm_class, priority, registered, data_coding = flags
    addresses = (
        service_type.encode() + b"\0" + bytes(ton_npi) + source.encode() + b"\0"
        + b"\1\1" + str(msisdn).encode() + b"\0"
    )  # fmt: skip
    body = pdu.submit_body(
        addresses,
        esm_class=esm_class,
        priority=priority,
        validity=validity.encode() + b"\0",
        registered_delivery=registered,
        data_coding=data_coding,
        short_message=text,
    )
    theirs = smpp.make_pdu(
        "submit_sm",
        client=Numbered(sequence),
        service_type=service_type,
        source_addr_ton=ton_npi[0],
        source_addr_npi=ton_npi[1],
        source_addr=source,
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=str(msisdn),
        esm_class=esm_class,
        priority_flag=priority,
        validity_period=validity,
        registered_delivery=registered,
        data_coding=data_coding,
        short_message=text,
    ).generate()
    assert pdu.submit_sm(sequence, body) == theirs


@given(
    esm_class=octet,
    data_coding=octet,
    source=ascii_text,
    destination=ascii_text,
    text=st.binary(max_size=254),
    message_id=st.none() | ascii_text.filter(bool),
)
def test_deliver_sm_is_read_as_smpplib_reads_it(
    esm_class: int,
    data_coding: int,
    source: str,
    destination: str,
    text: bytes,
    message_id: str | None,
) -> None:
    made = smpp.make_pdu(
        "deliver_sm",
        client=Numbered(7),
        source_addr_ton=1,
        source_addr=source,
        dest_addr_ton=5,
        destination_addr=destination,
        esm_class=esm_class,
        data_coding=data_coding,
        short_message=text,
        receipted_message_id=message_id,
    )
    wire = made.generate()
    theirs = smpp.parse_pdu(wire, client=Numbered(7), allow_unknown_opt_params=True)
    [(command, status, sequence, start, end)] = pdu.frames(wire)
    ours = pdu.read_deliver_sm(wire, start, end)
    assert (command, status, sequence) == (pdu.DELIVER_SM, 0, 7)
    for field in (
        "source_addr", "destination_addr", "short_message",
    ):  # fmt: skip
        assert getattr(ours, field) == (getattr(theirs, field) or b""), field
    assert (ours.esm_class, ours.data_coding) == (esm_class, data_coding)
    assert (ours.source_addr_ton, ours.dest_addr_ton) == (1, 5)
    expected = {} if message_id is None else {0x001E: message_id.encode() + b"\0"}
    assert ours.tlvs == expected


@given(sequence=st.integers(1, pdu.MAX_SEQUENCE), message_id=ascii_text)
def test_submit_sm_resp_is_read_with_and_without_its_body(sequence: int, message_id: str) -> None:
    made = smpp.make_pdu("submit_sm_resp", client=Numbered(1), message_id=message_id)
    made.sequence = sequence
    wire = made.generate()
    [(command, _, number, start, end)] = pdu.frames(wire)
    assert (command, number) == (pdu.SUBMIT_SM_RESP, sequence)
    assert pdu.read_message_id(wire, start, end) == message_id.encode()
    assert pdu.read_message_id(wire, start, start) == b""
    assert pdu.read_message_id(wire, start, end - 1) == message_id.encode()  # no NUL


def test_responses_are_what_smpplib_makes() -> None:
    for command, name in (
        (pdu.DELIVER_SM, "deliver_sm_resp"),
        (pdu.ENQUIRE_LINK, "enquire_link_resp"),
    ):
        made = smpp.make_pdu(name, client=Numbered(1), message_id="")
        made.sequence = 9
        assert pdu.response(command, 9) == made.generate()


@given(stream=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=6))
def test_any_stream_is_read_or_refused_however_it_is_cut(stream: bytes, cuts: list[int]) -> None:
    """What a read leaves over goes in front of the next; the PDUs found are the same."""
    assert read_in_pieces(stream, sorted(cuts)) == read_in_pieces(stream, [])


@given(st.lists(st.binary(max_size=60), max_size=8), st.lists(st.integers(0, 600), max_size=6))
def test_whole_pdus_are_found_however_they_are_cut(bodies: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(
        pdu.HEADER.pack(16 + len(body), 5, 0, number) + body for number, body in enumerate(bodies)
    )
    assert read_in_pieces(stream, sorted(cuts)) == list(enumerate(bodies))


@pytest.mark.parametrize("length", [0, 15, pdu.MAX_LENGTH + 1, 0xFFFFFFFF])
def test_an_impossible_length_is_garbage(length: int) -> None:
    with pytest.raises(pdu.Garbage, match=f"claims to have {length} octets"):
        list(pdu.frames(pdu.HEADER.pack(length, 5, 0, 1)))


@given(st.binary(max_size=120))
def test_any_body_of_a_deliver_sm_is_read_or_refused(body: bytes) -> None:
    for read in (pdu.read_deliver_sm, pdu.read_data_sm):
        with suppress(pdu.Garbage):
            read(body, 0, len(body))


@given(st.dictionaries(st.integers(0, 0xFFFF), st.binary(max_size=30)), st.integers(0, 40))
def test_parameters_of_any_tag_are_read_and_a_torn_one_is_left_out(
    tlvs: dict[int, bytes], torn: int
) -> None:
    wire = b"".join(pdu.tlv(tag, value) for tag, value in tlvs.items())
    assert pdu.read_tlvs(wire, 0, len(wire)) == tlvs
    found = pdu.read_tlvs(wire, 0, max(0, len(wire) - torn))
    assert list(found.items()) == list(tlvs.items())[: len(found)]


def read_in_pieces(stream: bytes, cuts: list[int]) -> list[tuple[int, bytes]] | str:
    found: list[tuple[int, bytes]] = []
    rest = b""
    edges = [0, *(min(cut, len(stream)) for cut in cuts), len(stream)]
    for start, stop in pairwise(edges):
        data = rest + stream[start:stop]
        end = 0
        try:
            for _, _, sequence, begin, end in pdu.frames(data):
                found.append((sequence, data[begin:end]))
        except pdu.Garbage:
            return "garbage"
        rest = data[end:]
    return found
