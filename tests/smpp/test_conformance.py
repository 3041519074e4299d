"""The adapter smpp keeps the promises of every adapter: npm's SMSC when well, a script when not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from kannel.processes import free_ports
from kannel.simulator import Simulator, whole_texts
from providers.base import Message, Provider
from providers.conformance import Conformance, FarSide, Paper, Report, Taken, message
from tests.support.codes import known_codes
from tests.support.smsc import Ears


class SmppSide(FarSide):
    """npm's SMSC, whose receipts come when they are asked for."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._ears = Ears()
        self.receipts = self._ears.receipts

    def provider(self, **settings: Any) -> Provider:
        return self._ears.provider(self._simulator.port, **settings)

    def taken(self) -> Sequence[Taken]:
        records = [one for one in self._simulator.records("submit_sm") if one["status"] == 0]
        ids = {one["to"]: one["id"] for one in records}
        return [Taken(msisdn=int(to), body=text, name=ids[to]) for to, text in whole_texts(records)]

    def unacceptable(self) -> tuple[Provider, Message]:
        return self.provider(), message(1, sender_id="БАНК")

    async def silent(self) -> Provider | None:
        self._simulator.set_mode("slow")
        return self.provider(timeout_s=0.5)

    async def busy(self) -> Provider | None:
        self._simulator.set_mode("throttle")
        return self.provider()

    async def away(self) -> Provider | None:
        [nobody] = free_ports(1)
        return self._ears.provider(nobody)

    async def garbled(self) -> Provider | None:
        self._simulator.set_mode("garbage")
        return self.provider()

    async def well_again(self) -> None:
        self._simulator.set_mode("ok")

    async def reports(self, report: Report, taken: Taken) -> bool:
        self._simulator.report(
            message_id=int(taken.name or 0),
            sender="BANK",
            to=str(taken.msisdn),
            good=report == "delivered",
        )
        return True


class TestSmpp(Conformance):
    paper = Paper(
        adapter="smpp",
        settings={"addresses": "127.0.0.1:2775", "system_id": "outbox"},
        wrong=("window", 0),
        codes=known_codes("smpp"),
    )

    @asynccontextmanager
    async def open_far_side(self, folder: Path) -> AsyncIterator[FarSide]:
        with Simulator(dlr_ms=None) as simulator:
            yield SmppSide(simulator)
