"""The PDUs of one message and its receipt: the fast path of providers.smpp beside smpplib."""

from __future__ import annotations

import time
from collections.abc import Callable

from smpplib import smpp

from bench.lab import Lab
from providers.smpp import pdu

TEXT = "Ваш платёж зачислен, баланс 1 234,56 ₽. Спасибо за всё!".encode("utf-16-be")
REPORT = b"id:1795416170626000 sub:001 dlvrd:001 stat:DELIVRD err:000 text:"
ROUNDS = 4000


class _Client:
    """What smpplib wants for a client."""

    sequence = 1

    def next_sequence(self) -> int:
        return self.sequence


CLIENT = _Client()


def pdus(lab: Lab) -> None:
    """CPU a message: write submit_sm, read its answer, read deliver_sm, write its answer."""
    lab.note("smpp.pdus_us", _us(_ours))
    lab.note("smpplib.pdus_us", _us(_theirs))


def _us(work: Callable[[], object]) -> float:
    start = time.process_time()
    for _ in range(ROUNDS):
        work()
    return (time.process_time() - start) * 1e6 / ROUNDS


def _ours() -> None:
    body = pdu.submit_body(
        b"\0\5\0BANK\0\1\1" + b"79070000001\0",
        esm_class=0,
        priority=1,
        validity=b"261123120000000+\0",
        registered_delivery=1,
        data_coding=8,
        short_message=TEXT,
    )
    pdu.submit_sm(1, body)
    for command, _, sequence, start, end in pdu.frames(STREAM):
        if command == pdu.SUBMIT_SM_RESP:
            pdu.read_message_id(STREAM, start, end)
        else:
            pdu.read_deliver_sm(STREAM, start, end)
            pdu.response(command, sequence)


def _theirs() -> None:
    smpp.make_pdu(
        "submit_sm",
        client=CLIENT,
        source_addr_ton=5,
        source_addr="BANK",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr="79070000001",
        priority_flag=1,
        validity_period="261123120000000+",
        registered_delivery=1,
        data_coding=8,
        short_message=TEXT,
    ).generate()
    for octets in (ANSWER, DELIVERY):
        smpp.parse_pdu(octets, client=CLIENT, allow_unknown_opt_params=True)
    smpp.make_pdu("deliver_sm_resp", client=CLIENT).generate()


ANSWER: bytes = smpp.make_pdu(
    "submit_sm_resp", client=CLIENT, message_id="1795416170626000"
).generate()
DELIVERY: bytes = smpp.make_pdu(
    "deliver_sm",
    client=CLIENT,
    source_addr="79070000001",
    destination_addr="BANK",
    esm_class=4,
    short_message=REPORT,
).generate()
STREAM = ANSWER + DELIVERY
