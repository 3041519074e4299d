"""The configuration printed in docs/kannel.md, run as it stands with two message centres."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from dlr.app import ReceiptApp
from dlr.serve import Listener
from kannel.boxes import Boxes
from kannel.processes import free_ports
from kannel.simulator import Simulator, whole_texts
from outbox.tokens import account_token
from providers.base import Context, Inbound, Receipt, make_dlr_url
from providers.kannel import KannelProvider
from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "kannel.md"
TOKEN = "a-token-for-tests-0123"
LINKS = ("mts", "beeline")
STATUS_ENV = "OUTBOX_SECRET_KANNEL_STATUS"
# What differs on the machine of the test; everything else runs as printed.
OURS = {
    ("admin-port", "13000"): "$admin_port",
    ("admin-password", "CHANGE-ADMIN"): "$admin_password",
    ("status-password", "CHANGE-STATUS"): "$status_password",
    ("smsbox-port", "13001"): "$smsbox_port",
    ("sendsms-port", "13013"): "$sendsms_port",
    ("store-location", "/var/spool/kannel/store"): "$folder/store",
    ("dlr-spool", "/var/spool/kannel/dlr"): "$folder/dlr",
    ("log-file", "/var/log/kannel/bearerbox.log"): "$folder/bearerbox.log",
    ("log-file", "/var/log/kannel/smsbox.log"): "$folder/smsbox.log",
    ("host", "smsc.mts.example"): "127.0.0.1",
    ("host", "smsc.beeline.example"): "127.0.0.1",
    ("port", "2775"): "$mts_port",
    ("port", "3700"): "$beeline_port",
    ("smsc-username", "CHANGE-SYSTEM-ID"): "outbox",
    ("smsc-username", "CHANGE-SYSTEM-ID-2"): "outbox",
    ("smsc-password", "CHANGE-SMPP"): "secret",
    ("smsc-password", "CHANGE-SMPP-2"): "secret",
    ("password", "CHANGE-SENDSMS"): "$password",
    ("sms-resend-freq", "10"): "1",  # so that a test of throttling need not wait
}
DOOR = re.compile(r'"http://127\.0\.0\.1:8801/kannel/(\w+)/CHANGE-DLR-TOKEN/inbound\?ref=%I"')


def printed() -> str:
    """The configuration on the page."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(r"^ *```kannel\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    return re.sub(r"^ +", "", found[1], flags=re.MULTILINE)


def as_template(config: str) -> str:
    """The printed configuration, with placeholders for what this machine has its own of."""
    used: set[tuple[str, str]] = set()

    def own(line: re.Match[str]) -> str:
        pair = (line["key"], line["value"])
        used.add(pair)
        if door := DOOR.fullmatch(line["value"]):
            path = f"kannel/{door[1]}/{account_token(TOKEN, door[1])}/inbound?ref=%I"
            return f'post-url = "http://127.0.0.1:$dlr_port/{path}"'
        return f"{line['key']} = {OURS.get(pair, line['value'])}"

    template = re.sub(r"^(?P<key>[a-z-]+) = (?P<value>.*)$", own, config, flags=re.MULTILINE)
    assert used >= OURS.keys(), f"the page no longer has {OURS.keys() - used}"
    return template


@dataclass(slots=True, kw_only=True)
class TwoLinks:
    """One Kannel with two operators, and a provider for each."""

    centres: dict[str, Simulator]
    boxes: Boxes
    dlr_port: int
    receipts: dict[str, list[Receipt]] = field(default_factory=lambda: {link: [] for link in LINKS})
    inbound: dict[str, list[Inbound]] = field(default_factory=lambda: {link: [] for link in LINKS})

    def settings(self, link: str, **changes: Any) -> dict[str, Any]:
        """Settings of the provider for a link, as the page has them."""
        return {
            "url": self.boxes.sendsms_url,
            "username": "outbox",
            "smsc": link,
            "admin_url": self.boxes.admin_url,
            "status_secret_env": STATUS_ENV,
            **changes,
        }

    def provider(self, link: str, **changes: Any) -> KannelProvider:
        """The provider for a link, not opened; needs the variable STATUS_ENV."""

        async def sink(receipts: Sequence[Receipt]) -> None:
            raise AssertionError("Kannel's reports come by callback")

        dlr_url = make_dlr_url(f"http://127.0.0.1:{self.dlr_port}", adapter="kannel", secret=TOKEN)
        settings = self.settings(link, status_every_s=0.02, back_off_s=0.2, **changes)
        context = Context(sink=sink, dlr_url=dlr_url)
        return KannelProvider(f"kannel_{link}", settings, self.boxes.password, context)

    def texts(self, link: str) -> dict[int, str]:
        """What an operator took, by number."""
        records = self.centres[link].records("submit_sm")
        return {int(to): text for to, text in whole_texts(records)}

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Hear receipts and subscribers, each for the provider that the URL names."""

        async def record(provider: str, receipts: Sequence[Receipt]) -> None:
            self.receipts[provider.removeprefix("kannel_")].extend(receipts)

        async def record_inbound(provider: str, messages: Sequence[Inbound]) -> None:
            self.inbound[provider.removeprefix("kannel_")].extend(messages)

        app = ReceiptApp(
            providers={("kannel", f"kannel_{link}"): self.provider(link) for link in LINKS},
            record=record,
            record_inbound=record_inbound,
            token=TOKEN,
        )
        async with Listener(app.asgi, host="127.0.0.1", port=self.dlr_port):
            yield


@asynccontextmanager
async def two_links(*, more: str = "") -> AsyncIterator[TwoLinks]:
    """Both operators' message centres and the Kannel of the page (and more groups), linked."""
    [dlr_port] = free_ports(1)
    with Simulator(dlr_ms=50) as mts, Simulator(dlr_ms=50) as beeline:
        values = {"mts_port": mts.port, "beeline_port": beeline.port, "dlr_port": dlr_port}
        boxes = Boxes(smsc_port=mts.port, template=as_template(printed()) + more, values=values)
        with boxes as running:
            running.wait_for_link(2)
            centres = {"mts": mts, "beeline": beeline}
            yield TwoLinks(centres=centres, boxes=running, dlr_port=dlr_port)
