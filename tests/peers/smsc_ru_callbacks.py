"""Callbacks of the smsc.ru peer: statuses and subscribers' messages, signed, and often amiss."""

from __future__ import annotations

import asyncio
import hashlib
import time
import zlib
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import httpx

from tests.peers.smsc_ru_rules import Sms, Terms

HASHES: dict[str, Callable[[bytes], str]] = {
    "md5": lambda octets: hashlib.md5(octets).hexdigest(),
    "sha1": lambda octets: hashlib.sha1(octets).hexdigest(),
    "crc32": lambda octets: f"{zlib.crc32(octets):08x}",
}
AT_ONCE = 20


class Callbacks:
    """Posts to `url` (None: to nobody); whoever misses a call is not called again."""

    def __init__(self, terms: Terms) -> None:
        self.url: str | None = None
        self.secret = "callback-secret"
        self.kind = "md5"
        self.charset = "utf-8"
        self.delay_s = 0.0  # beside the time to deliver
        self.repeats = 1  # how often the same status is told
        self.forged = False  # a false "undeliverable" with a wrong signature comes first
        self.every = 1  # 3: only each third message is told, the others are missed
        self.counters: Counter[str] = Counter()
        self._terms = terms
        self._expected = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._calling: set[asyncio.Task[None] | None] = set()
        self._is_closed = False
        self._client: httpx.AsyncClient | None = None
        self._places = asyncio.Semaphore(AT_ONCE)

    def expect(self, sms: Sms) -> None:
        """A message was taken: its end will be told."""
        self._expected += 1
        if self.url is not None and self._expected % self.every == 0:
            self._start(self._tell(sms))

    def write(self, *, phone: str, mes: str, to: str, id: str = "1") -> None:
        """A subscriber writes to a number of the account."""
        self._start(
            self._post({"phone": phone, "mes": mes, "to": to, "id": id}, signed=self._heard)
        )

    async def aclose(self) -> None:
        """Let calls under way end: httpcore leaves a socket open that is cancelled at the wrong
        moment, and whichever test runs when it is found would fail."""
        self._is_closed = True
        for task in self._tasks - self._calling:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, sms: Sms) -> None:
        await asyncio.sleep(self._terms.delivery_s + self.delay_s)
        status, error = sms.outcome
        form = {
            "id": sms.batch_id,
            "phone": sms.phone,
            "status": str(status),
            "time": time.strftime("%d.%m.%Y %H:%M:%S"),
            "ts": str(int(time.time())),
            "err": str(error),
            "cnt": "1",
            "type": "0",
            "flag": "0",
            "cost": str(sms.cost),
            "sender": sms.sender or "",
        }
        if self.forged:
            await self._post({**form, "status": "20"}, signed=self._status, secret="guessed")
        for _ in range(self.repeats):
            await self._post(form, signed=self._status)

    _status = ("id", "phone", "status")
    _heard = ("phone", "mes", "to")

    async def _post(
        self, form: dict[str, str], *, signed: tuple[str, ...], secret: str | None = None
    ) -> None:
        octets = {name: value.encode(self.charset) for name, value in form.items()}
        whole = b":".join([*(octets[name] for name in signed), (secret or self.secret).encode()])
        octets[self.kind] = HASHES[self.kind](whole).encode()
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=10, trust_env=False)
        body = "&".join(f"{name}={_quoted(value)}" for name, value in octets.items())
        async with self._places:
            if self._is_closed:
                return
            self._calling.add(asyncio.current_task())
            with suppress(httpx.HTTPError):
                reply = await self._client.post(
                    self.url or "",
                    content=body,
                    headers={"Content-Type": "application/x-www-form-urlencoded"},
                )
                self.counters[f"{'forged' if secret else 'true'} {reply.status_code}"] += 1
            self._calling.discard(asyncio.current_task())


def _quoted(octets: bytes) -> str:
    return "".join(chr(b) if chr(b).isascii() and chr(b).isalnum() else f"%{b:02X}" for b in octets)
