"""The adapters that come along keep the promises of every adapter, each at its real far side.

generic_http, with a peer for each preset: test_generic_http_conformance.py.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import httpx
import pytest

from dlr.app import ReceiptApp
from kannel.simulator import whole_texts
from outbox.tokens import account_token
from providers import registry
from providers.base import (
    Context,
    Inbound,
    MalformedReceipt,
    Message,
    Provider,
    Receipt,
    ReceiptRequest,
    SettingsError,
)
from providers.conformance import (
    FIRST_ID,
    Conformance,
    FarSide,
    Paper,
    Report,
    Taken,
    callback,
    message,
)
from providers.conformance.receipts import NONSENSE
from providers.fake import FakeProvider
from tests.support.codes import known_codes
from tests.support.kannel_lab import Lab, kannel_lab
from tests.support.peers import Peer, http_peer


class FakeSide(FarSide):
    """The in-process provider; its log tells whom it took, and not with which text."""

    def __init__(self, folder: Path) -> None:
        self.receipts: list[Receipt] = []
        self._log = folder / "taken.jsonl"
        self._bodies: dict[int, Message] = {}

    def provider(self, **settings: Any) -> Provider:
        given = {"log": str(self._log), **settings}
        return _Remembering("main", given, None, Context(sink=self.hear), seen=self._bodies)

    def taken(self) -> Sequence[Taken]:
        if not self._log.exists():
            return []
        ids = [int(json.loads(line)["id"]) for line in self._log.read_text().splitlines()]
        return [
            Taken(msisdn=one.msisdn, body=one.body, name=str(one.id))
            for one in (self._bodies[id_] for id_ in ids)
        ]

    def unacceptable(self) -> tuple[Provider, Message]:
        return self.provider(reject_rate=1), message(1)

    def partly_unacceptable(self) -> tuple[Provider, Sequence[Message]]:
        return self.provider(reject_rate=0.5, seed=1), [message(n) for n in range(11, 31)]

    async def silent(self) -> Provider | None:
        return self.provider(uncertain_rate=1)

    def calls_back(self, report: Report, taken: Taken) -> ReceiptRequest | None:
        return callback(f"code={report}".encode(), message_id=int(taken.name or 0))


class _Remembering(FakeProvider):
    """The fake with a memory of the texts it was given; its log has ids only."""

    def __init__(self, *args: Any, seen: dict[int, Message]) -> None:
        super().__init__(*args)
        self._seen = seen

    def _write(self, taken: Sequence[Message]) -> None:
        self._seen.update({one.id: one for one in taken})
        super()._write(taken)


class InProcessSide(FakeSide):
    """The same with receipts that come by themselves, as over SMPP, to the sink."""

    redelivers = True

    def provider(self, **settings: Any) -> Provider:
        return super().provider(receipt_delay_ms=10, **settings)

    def calls_back(self, report: Report, taken: Taken) -> ReceiptRequest | None:
        return None

    async def reports(self, report: Report, taken: Taken) -> bool:
        return report == "delivered"


class TestFake(Conformance):
    paper = Paper(adapter="fake", settings={}, wrong=("latency_ms", -1), codes=known_codes("fake"))

    @asynccontextmanager
    async def open_far_side(self, folder: Path) -> AsyncIterator[FarSide]:
        yield FakeSide(folder)


class TestFakeInProcess(TestFake):
    @asynccontextmanager
    async def open_far_side(self, folder: Path) -> AsyncIterator[FarSide]:
        yield InProcessSide(folder)


class KannelSide(FarSide):
    """Real boxes between the adapter and a message centre; for two moods a peer instead of them."""

    def __init__(self, lab: Lab, peer: Peer) -> None:
        self._lab = lab
        self._peer = peer
        self.receipts = lab.receipts

    def provider(self, **settings: Any) -> Provider:
        return self._lab.provider(**settings)

    def taken(self) -> Sequence[Taken]:
        texts = whole_texts(self._lab.simulator.records("submit_sm"))
        return [
            Taken(msisdn=int(to), body=text, name=str(FIRST_ID + int(to) % 1_000_000))
            for to, text in texts
        ]

    def unacceptable(self) -> tuple[Provider, Message]:
        return self._lab.provider(), message(1, sender_id="БАНК")

    async def silent(self) -> Provider | None:
        self._peer.status = None
        return self._lab.provider(url=self._peer.url, timeout_s=0.5)

    async def garbled(self) -> Provider | None:
        self._peer.status, self._peer.body = 502, "<html>a proxy</html>"
        return self._lab.provider(url=self._peer.url)

    async def busy(self) -> Provider | None:
        self._peer.status, self._peer.body = 503, "Temporal failure, try again later."
        return self._lab.provider(url=self._peer.url)

    async def away(self) -> Provider | None:
        self._lab.boxes.stop_smsbox()
        return self._lab.provider()

    def calls_back(self, report: Report, taken: Taken) -> ReceiptRequest | None:
        code, word = {"delivered": (1, "DELIVRD"), "undelivered": (2, "UNDELIV")}[report]
        query = f"type={code}&smsc=simulator&ts=1763869000&reply=id%3A1+stat%3A{word}+err%3A001"
        return callback(query.encode(), message_id=int(taken.name or 0))

    def brings(self) -> tuple[ReceiptRequest, Inbound] | None:
        request = callback(
            b"ref=a-1",
            method="POST",
            body="СТОП €".encode("utf-16-be"),
            content_type="text/plain; charset=UTF-16BE",
            x_kannel_from="+79071234567",
            x_kannel_to="1234",
        )
        return request, Inbound(ref="a-1", sender="+79071234567", sent_to="1234", body="СТОП €")


@pytest.mark.kannel
class TestKannel(Conformance):
    paper = Paper(
        adapter="kannel",
        settings={"url": "http://127.0.0.1:13013/cgi-bin/sendsms", "username": "outbox"},
        wrong=("parallel", 0),
        codes=known_codes("kannel"),
    )

    @asynccontextmanager
    async def open_far_side(self, folder: Path) -> AsyncIterator[FarSide]:
        async with kannel_lab(dlr_ms=None) as lab, lab.listening(), http_peer() as peer:
            yield KannelSide(lab, peer)


def test_an_unknown_adapter_is_answered_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r'No adapter "carrier_pigeon".*fake, .*kannel'):
        registry.load("carrier_pigeon")


@pytest.mark.parametrize("adapter", [TestFake, TestKannel])
def test_a_receipt_without_our_id_in_its_path_is_malformed(adapter: type[Conformance]) -> None:
    with pytest.raises(MalformedReceipt):
        adapter.paper.make().parse_receipt(callback(b"type=1&code=1"))


@pytest.mark.parametrize("request_", NONSENSE)
@pytest.mark.parametrize("adapter", [TestFake, TestKannel])
async def test_what_is_no_report_is_answered_with_400_and_not_stored(
    adapter: type[Conformance], request_: ReceiptRequest
) -> None:
    """What every adapter's MalformedReceipt comes to."""

    async def record(provider: str, items: Sequence[object]) -> None:
        raise AssertionError("nonsense was stored")

    name = adapter.paper.adapter
    app = ReceiptApp(
        providers={(name, "main"): adapter.paper.make()},
        record=record,
        record_inbound=record,
        token="a-token-for-tests-0123",
    )
    own = account_token("a-token-for-tests-0123", "main")
    path = f"/{name}/main/{own}"
    if request_.message_id is not None:
        path = f"{path}/{request_.message_id}"
    transport = httpx.ASGITransport(app=app.asgi)
    async with httpx.AsyncClient(transport=transport, base_url="http://dlr") as client:
        query = quote_from_bytes(request_.query, safe="=&;%")
        reply = await client.request(request_.method, f"{path}?{query}", content=request_.body)
    assert reply.status_code == 400
    assert app.counters.malformed == 1
