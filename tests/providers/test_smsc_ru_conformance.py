"""smsc.ru, beside its peer, keeps what every adapter promises."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from kannel.processes import free_ports
from providers.base import Inbound, Message, Provider, ReceiptRequest
from providers.conformance import Conformance, FarSide, Paper, Report, Taken, callback, message
from tests.peers.smsc_ru import SmscRuPeer, smsc_ru_peer
from tests.support.codes import known_codes
from tests.support.smsc_ru import CALLBACK_ENV, provider_for

SECRET = "callback-secret"
BAD = 79_070_000_099


class SmscRuSide(FarSide):
    """The peer, whose minute is short, so that a case may ask more than once."""

    longest = 1000

    def __init__(self, peer: SmscRuPeer) -> None:
        self.peer = peer
        self.receipts = []
        peer.terms.bad_phones = {str(BAD)}

    def provider(self, **settings: Any) -> Provider:
        return provider_for(self.peer, callback_secret_env=CALLBACK_ENV, **settings)

    def taken(self) -> Sequence[Taken]:
        return [
            Taken(msisdn=int(sms.phone), body=sms.text, name=f"{sms.batch_id}:{sms.phone}")
            for sms in self.peer.sent
        ]

    def unacceptable(self) -> tuple[Provider, Message]:
        return self.provider(), message(99)

    async def silent(self) -> Provider | None:
        self.peer.once = ["hang"]
        return self.provider(timeout_s=0.3)

    async def busy(self) -> Provider | None:
        self.peer.terms.balance = Decimal(0)
        return self.provider()

    async def away(self) -> Provider | None:
        [port] = free_ports(1)
        return self.provider(url=f"http://127.0.0.1:{port}")

    async def garbled(self) -> Provider | None:
        self.peer.faults = {"garbage": 1.0}
        self.peer.status_fault = "garbage"
        return self.provider()

    async def well_again(self) -> None:
        self.peer.faults, self.peer.status_fault = {}, ""
        await asyncio.sleep(self.peer.terms.minute_s)

    def calls_back(self, report: Report, taken: Taken) -> ReceiptRequest | None:
        assert taken.name is not None
        batch_id, phone = taken.name.split(":")
        status = "1" if report == "delivered" else "20"
        return signed({"id": batch_id, "phone": phone, "status": status, "err": "0"}, "status")

    def forgeries(self, request: ReceiptRequest) -> Sequence[ReceiptRequest]:
        fields = dict(parse_qsl(request.body.decode()))
        unsigned = {name: value for name, value in fields.items() if name != "md5"}
        return [
            posted(fields | {"status": "20"}),
            posted(fields | {"phone": "79070000077"}),
            posted(fields | {"md5": "0" * 32}),
            posted(unsigned),
            callback(request.body),  # in a URL, where a log would keep it
        ]

    def brings(self) -> tuple[ReceiptRequest, Inbound] | None:
        fields = {"phone": "79070000001", "mes": "Стоп", "to": "79430000000", "id": "5"}
        return signed(fields, "to", "mes"), Inbound(
            ref="5", sender="79070000001", sent_to="79430000000", body="Стоп"
        )


def signed(fields: dict[str, str], last: str, middle: str = "phone") -> ReceiptRequest:
    """A callback signed as the account does it: id:phone:status or phone:mes:to."""
    first = "phone" if middle == "mes" else "id"
    whole = ":".join([fields[first], fields[middle], fields[last], SECRET])
    return posted(fields | {"md5": hashlib.md5(whole.encode()).hexdigest()})


def posted(fields: dict[str, str]) -> ReceiptRequest:
    return callback(method="POST", body=urlencode(fields).encode())


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CALLBACK_ENV, SECRET)


class TestSmscRu(Conformance):
    paper = Paper(
        adapter="smsc_ru",
        settings={"callback_secret_env": CALLBACK_ENV},
        wrong=("parallel", 11),
        codes=known_codes("smsc_ru"),
    )

    @asynccontextmanager
    async def open_far_side(self, folder: Path) -> AsyncIterator[FarSide]:
        assert os.environ[CALLBACK_ENV] == SECRET
        async with smsc_ru_peer(minute_s=0.05, delivery_s=0.0) as peer:
            yield SmscRuSide(peer)
            assert peer.rules.offences == []
