"""A real Kannel between an adapter and a message centre, with the receipt listener beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from dlr.app import ReceiptApp, RecordInbound
from dlr.serve import Listener
from kannel.boxes import Boxes
from kannel.processes import free_ports
from kannel.simulator import Simulator, whole_texts
from outbox.tokens import account_token
from providers.base import Context, Inbound, Receipt, make_dlr_url
from providers.kannel import KannelProvider

PROVIDER = "kannel_main"
TOKEN = "a-token-for-tests-0123"


@dataclass(slots=True, kw_only=True)
class Lab:
    """The parts, and what was heard back."""

    simulator: Simulator
    boxes: Boxes
    dlr_port: int
    receipts: list[Receipt] = field(default_factory=list)
    inbound: list[Inbound] = field(default_factory=list)

    def provider(self, **changes: Any) -> KannelProvider:
        """A provider that sends through this Kannel; not opened yet."""
        secret = changes.pop("secret", self.boxes.password)
        settings = {
            "url": self.boxes.sendsms_url,
            "username": self.boxes.username,
            "smsc": self.boxes.smsc_id,
            "back_off_s": 0.2,
        }
        base_url = f"http://127.0.0.1:{self.dlr_port}"
        dlr_url = make_dlr_url(base_url, adapter="kannel", secret=TOKEN)
        context = Context(sink=self.record_all, dlr_url=dlr_url)
        return KannelProvider(PROVIDER, settings | changes, secret, context)

    @asynccontextmanager
    async def listening(
        self, *, token: str = TOKEN, record_inbound: RecordInbound | None = None
    ) -> AsyncIterator[ReceiptApp]:
        """Hear receipts and subscribers on the port that Kannel is told."""
        parser = self.provider()
        app = ReceiptApp(
            providers={("kannel", PROVIDER): parser},
            record=self.record,
            record_inbound=record_inbound or self.record_inbound,
            token=token,
        )
        async with Listener(app.asgi, host="127.0.0.1", port=self.dlr_port):
            yield app

    async def record(self, provider: str, receipts: Sequence[Receipt]) -> None:
        assert provider == PROVIDER
        self.receipts.extend(receipts)

    async def record_inbound(self, provider: str, messages: Sequence[Inbound]) -> None:
        assert provider == PROVIDER
        self.inbound.extend(messages)

    async def record_all(self, receipts: Sequence[Receipt]) -> None:
        self.receipts.extend(receipts)

    def codes(self) -> dict[int | None, str]:
        """The last code heard for each message id."""
        return {receipt.message_id: receipt.code for receipt in self.receipts}

    def texts(self) -> dict[int, str]:
        """What the message centre took, by number; of several to one number the last."""
        return {int(to): text for to, text in whole_texts(self.simulator.records("submit_sm"))}


@asynccontextmanager
async def kannel_lab(*, dlr_ms: int | None = 50, **boxes: Any) -> AsyncIterator[Lab]:
    """Message centre and Kannel, linked; nobody hears receipts until `listening`."""
    [dlr_port] = free_ports(1)
    inbound_url = (
        f"http://127.0.0.1:{dlr_port}/kannel/{PROVIDER}/{account_token(TOKEN, PROVIDER)}/inbound"
    )
    with (
        Simulator(dlr_ms=dlr_ms) as simulator,
        Boxes(smsc_port=simulator.port, inbound_url=inbound_url, **boxes) as running,
    ):
        running.wait_for_link()
        yield Lab(simulator=simulator, boxes=running, dlr_port=dlr_port)
