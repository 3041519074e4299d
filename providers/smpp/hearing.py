"""What the SMSC brings: stored first, many to a commit, and answered after that."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import structlog

from providers.base import Context, Inbound, MalformedInbound, NotStored, Receipt
from providers.smpp import pdu, status
from providers.smpp.assemble import Assembler
from providers.smpp.inbound import is_message, read_part
from providers.smpp.link import Link
from providers.smpp.receipts import Receipts, is_receipt

log = structlog.get_logger()

BATCH = 1000  # of one commit
HIGH, LOW = 5000, 2500  # waiting to be stored: from there we hear no more, until it is fewer
PAUSE_S = 0.5  # after what we heard could not be stored
TICK_S = 0.25  # how often parts are looked at that wait for others


@dataclass(frozen=True, slots=True)
class Request:
    """One deliver_sm or data_sm that wants an answer."""

    link: Link
    command: int
    sequence: int

    def answer(self, code: int = status.OK) -> None:
        self.link.answer(self.command, self.sequence, code)


@dataclass(frozen=True, slots=True)
class News:
    """Something to be stored, and the requests to be answered once it is."""

    item: Receipt | Inbound
    requests: tuple[Request, ...]


class Hearing:
    """Takes what links hear; `run` stores and answers it until cancelled."""

    def __init__(
        self,
        provider: str,
        context: Context,
        receipts: Receipts,
        assembler: Assembler,
        hear: Callable[[bool], None],
    ) -> None:
        self._log = log.bind(provider=provider)
        self._context = context
        self._receipts = receipts
        self._assembler = assembler
        self._hear = hear
        self._waiting: deque[News] = deque()
        self._something = asyncio.Event()
        self._is_deaf = False
        self._is_in_trouble = False
        self._tended_at = 0.0
        self._deaf_ears = 0  # messages that nobody wants to have

    def take(self, link: Link, command: int, sequence: int, delivered: pdu.Delivered) -> None:
        """One deliver_sm or data_sm."""
        request = Request(link, command, sequence)
        try:
            if is_receipt(delivered):
                self._put(News(self._receipts.read(delivered), (request,)))
            elif is_message(delivered.esm_class):
                self._take_message(delivered, request)
            else:  # an acknowledgement by the phone: nothing of ours depends on it
                request.answer()
        except MalformedInbound as error:
            self._log.error("smpp_unreadable", problem=str(error))
            request.answer(status.RX_PERMANENT)

    async def run(self) -> None:
        """Store and answer, again and again."""
        while True:
            try:
                await self._turn()
            except Exception:  # a mistake of ours must not make us deaf
                self._log.exception("smpp_bug")
                await asyncio.sleep(PAUSE_S)

    async def _turn(self) -> None:
        """Wait for something, store a batch of it and answer it."""
        self._tend_parts()
        if not self._waiting:
            self._something.clear()
            await self._wait()
            return
        batch = [self._waiting[n] for n in range(min(BATCH, len(self._waiting)))]
        if await self._store(batch) == "later":
            await asyncio.sleep(PAUSE_S)
            return
        for _ in batch:
            self._waiting.popleft()
        if self._is_deaf and len(self._waiting) <= LOW:
            self._is_deaf = False
            self._hear(True)

    async def finish(self, patience_s: float) -> None:
        """Store what is here, incomplete messages too, as far as that goes."""
        for inbound, requests in self._assembler.give_up_all():
            self._put(News(inbound, requests))
        try:
            async with asyncio.timeout(patience_s):
                while self._waiting:  # noqa: ASYNC110 - `run` empties it
                    await asyncio.sleep(0.02)
        except TimeoutError:
            self._log.error("smpp_not_stored", count=len(self._waiting))

    async def _wait(self) -> None:
        """Until there is something to store, or to look at."""
        with suppress(TimeoutError):
            async with asyncio.timeout(TICK_S if self._assembler.is_waiting else None):
                await self._something.wait()

    def _tend_parts(self) -> None:
        """Answer parts that have waited for others in vain; give up those that waited for long."""
        now = asyncio.get_running_loop().time()
        if not self._assembler.is_waiting or now < self._tended_at + TICK_S:
            return
        self._tended_at = now
        for request in self._assembler.release(now):
            request.answer()
            request.link.flush()
        for inbound, requests in self._assembler.give_up(now):
            self._put(News(inbound, requests))

    def _take_message(self, delivered: pdu.Delivered, request: Request) -> None:
        if self._context.inbound_sink is None:
            self._deaf_ears += 1
            if self._deaf_ears & (self._deaf_ears - 1) == 0:  # 1st, 2nd, 4th, 8th …
                self._log.warning("smpp_inbound_unwanted", count=self._deaf_ears)
            request.answer()
            return
        part = read_part(delivered)
        if part is None:
            return
        now = asyncio.get_running_loop().time()
        if whole := self._assembler.add(part, request, now):
            self._put(News(*whole))
        else:
            self._something.set()

    def _put(self, news: News) -> None:
        self._waiting.append(news)
        self._something.set()
        if not self._is_deaf and len(self._waiting) >= HIGH:
            self._is_deaf = True
            self._hear(False)

    async def _store(self, batch: list[News]) -> Literal["done", "later"]:
        """Commit, then answer; "later" when the database is away and nothing was answered."""
        try:
            await self._commit(batch)
        except NotStored as error:
            if not self._is_in_trouble:
                self._is_in_trouble = True
                self._log.warning("smpp_not_stored_yet", problem=str(error))
            return "later"
        except Exception:
            await self._store_each(batch)
            return "done"
        self._is_in_trouble = False
        self._answer(batch)
        return "done"

    async def _store_each(self, batch: list[News]) -> None:
        """One that cannot be stored must not take its neighbours along."""
        for news in batch:
            code = status.OK
            try:
                await self._commit([news])
            except Exception as error:
                code = status.RX_PERMANENT
                self._log.error("smpp_unstorable", error=type(error).__name__)
            self._answer([news], code)

    async def _commit(self, batch: list[News]) -> None:
        receipts = [news.item for news in batch if isinstance(news.item, Receipt)]
        messages = [news.item for news in batch if isinstance(news.item, Inbound)]
        if receipts:
            await self._context.sink(receipts)
        if messages and self._context.inbound_sink is not None:
            await self._context.inbound_sink(messages)

    def _answer(self, batch: list[News], code: int = status.OK) -> None:
        links = set()
        for news in batch:
            for request in news.requests:
                request.answer(code)
                links.add(request.link)
        for link in links:
            link.flush()
