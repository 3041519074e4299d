"""Every preset of generic_http against a strict peer that behaves as the service's pages say."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

from kannel.processes import free_ports
from providers.base import Context, Message, Provider, Receipt, ReceiptRequest, make_dlr_url
from providers.conformance import Conformance, FarSide, Paper, Report, Taken, message
from providers.generic_http import GenericHttpProvider
from providers.generic_http_settings import FOLDER, presets
from tests.peers.http_platforms import Devino, Infobip, Megafon, MtsCommunicator
from tests.peers.http_service import KEY, REFUSED, USER, Service
from tests.peers.http_services import Exolve, SmsAero, SmsPilot, SmsRu
from tests.support.codes import known_codes
from tests.support.served import served

DLR_URL = make_dlr_url("http://127.0.0.1:8801", adapter="generic_http", secret="a-token-for-tests")


class ServiceSide(FarSide):
    """One service, served on a port of its own."""

    def __init__(self, service: Service, port: int) -> None:
        self.service = service
        self.receipts = []
        self._url = f"http://127.0.0.1:{port}{service.base}"
        document = json.loads((FOLDER / f"{service.preset}.json").read_text(encoding="utf-8"))
        self.longest = document["send"].get("max_chars")

    def provider(self, **settings: Any) -> Provider:
        async def sink(receipts: Sequence[Receipt]) -> None:
            raise AssertionError("reports come by callback")

        given = {
            "preset": self.service.preset,
            "url": self._url,
            "username": USER,
            "back_off_s": 0.1,
            **settings,
        }
        return GenericHttpProvider("main", given, KEY, Context(sink=sink, dlr_url=DLR_URL))

    def taken(self) -> Sequence[Taken]:
        return self.service.taken

    def unacceptable(self) -> tuple[Provider, Message]:
        return self.provider(), message(1, msisdn=REFUSED)

    async def silent(self) -> Provider | None:
        self.service.mood = "silent"
        return self.provider(timeout_s=0.3)

    async def busy(self) -> Provider | None:
        self.service.mood = "busy"
        return self.provider()

    async def garbled(self) -> Provider | None:
        self.service.mood = "garbled"
        return self.provider()

    async def away(self) -> Provider | None:
        [port] = free_ports(1)
        return self.provider(url=f"http://127.0.0.1:{port}")

    async def well_again(self) -> None:
        self.service.mood = "well"

    def calls_back(self, report: Report, taken: Taken) -> ReceiptRequest | None:
        assert taken.name is not None
        return self.service.calls_back(report, self.service.book(taken.name))

    def forgeries(self, request: ReceiptRequest) -> Sequence[ReceiptRequest]:
        return self.service.forgeries(request)


class OfPreset(Conformance):
    service: ClassVar[type[Service]]

    def __init_subclass__(cls) -> None:
        cls.paper = Paper(
            adapter="generic_http",
            settings={"preset": cls.service.preset, "username": USER},
            wrong=("parallel", 0),
            codes=known_codes("generic_http"),
            secret=KEY,
        )

    @asynccontextmanager
    async def open_far_side(self, folder: Path) -> AsyncIterator[FarSide]:
        service = self.service()
        async with served(service) as port:
            yield ServiceSide(service, port)
        assert service.violations == []


class TestSmsAero(OfPreset):
    service = SmsAero


class TestSmsRu(OfPreset):
    service = SmsRu


class TestExolve(OfPreset):
    service = Exolve


class TestSmsPilot(OfPreset):
    service = SmsPilot


class TestMtsCommunicator(OfPreset):
    service = MtsCommunicator


class TestDevino(OfPreset):
    service = Devino


class TestMegafon(OfPreset):
    service = Megafon


class TestInfobip(OfPreset):
    service = Infobip


def test_every_preset_has_a_peer() -> None:
    assert sorted(bound.service.preset for bound in OfPreset.__subclasses__()) == presets()
