"""A provider of smsc.ru beside its peer, in this process or in one of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from outbox.cluster import ROOT
from providers.base import Context, Receipt
from providers.smsc_ru import SmscRuProvider
from tests.peers.smsc_ru import SmscRuPeer

CALLBACK_ENV = "OUTBOX_SECRET_SMSC_CALLBACK"


def settings_for(peer: SmscRuPeer, **changes: object) -> dict[str, object]:
    """Settings of an account at the peer; trouble is short there."""
    return {
        "url": peer.url,
        "backup_url": None,
        "timeout_s": 3,
        "back_off_s": 0.05,
        "minute_s": peer.terms.minute_s,
    } | changes


def provider_for(peer: SmscRuPeer, *, key: str | None = None, **changes: object) -> SmscRuProvider:
    """A provider that sends to the peer."""

    async def sink(receipts: Sequence[Receipt]) -> None:
        raise AssertionError("smsc.ru calls the receipt server")

    return SmscRuProvider(
        "smsc", settings_for(peer, **changes), key or peer.terms.key, Context(sink=sink)
    )


class PeerProcess:
    """The peer as a process; `log` is its record of what it took."""

    def __init__(self, *, log: Path, minute_s: float, latency_s: float, callback_url: str) -> None:
        self.log = log
        command = [
            *(sys.executable, "-m", "tests.peers.smsc_ru", "--log", str(log)),
            *("--minute", str(minute_s), "--latency", str(latency_s)),
            *("--callback-url", callback_url),
        ]
        self._process = subprocess.Popen(
            # Should the test run itself be killed, nothing of it stays behind.
            ["setpriv", "--pdeathsig", "KILL", "--", *command],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        said = json.loads(self._process.stdout.readline())
        self.url: str = said["url"]
        self.key: str = said["key"]

    def control(self, **order: Any) -> dict[str, Any]:
        """Give an order, or none, and hear its counters."""
        with httpx.Client(trust_env=False) as client:
            answer: dict[str, Any] = client.post(f"{self.url}/control", json=order).json()
        return answer

    def taken(self) -> Counter[int]:
        """How often each phone was sent to, by its own record."""
        if not self.log.exists():
            return Counter()
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return Counter(int(json.loads(line)["phone"]) for line in lines)

    def end(self) -> None:
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def peer_process(**how: Any) -> Iterator[PeerProcess]:
    """A peer in a process of its own until the block ends."""
    peer = PeerProcess(**how)
    try:
        yield peer
    finally:
        peer.end()
