"""SMPP 3.4 without anything between: submit_sm out, receipts and messages in by deliver_sm.

For operators: docs/smpp.md. The way of a message: Dispatch finds a link with room, Submits makes
the bodies of its parts, Window numbers them and knows their answers, Outgoing makes one result of
these. Binds keeps the links up; Hearing stores what the SMSC brings, then answers it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Self

from providers.base import (
    Acknowledgement,
    Context,
    Limits,
    MalformedReceipt,
    Message,
    Peer,
    Receipt,
    ReceiptRequest,
    Result,
    parse_settings,
)
from providers.smpp.assemble import Assembler
from providers.smpp.binds import Binds
from providers.smpp.dispatch import Dispatch
from providers.smpp.hearing import Hearing
from providers.smpp.ids import MessageIds
from providers.smpp.outgoing import Job
from providers.smpp.receipts import Receipts
from providers.smpp.settings import SmppSettings, check_password, host_and_port, tls_context

STORE_S = 5.0  # at the end, for what was heard and is not stored yet


class SmppProvider:
    """One SMPP account. Not a single bind is needed to open it: it goes on trying by itself."""

    settings_model = SmppSettings

    def __init__(
        self, name: str, settings: Mapping[str, object], secret: str | None, context: Context
    ) -> None:
        self.name = name
        self.settings = parse_settings(SmppSettings, name, settings)
        self.limits = Limits(max_batch=self.settings.max_batch, answer_s=self.settings.timeout_s)
        self._secret = secret
        self._context = context

    @property
    def peers(self) -> Sequence[Peer]:
        tls = self.settings.tls
        found = map(host_and_port, self.settings.addresses)
        return [Peer(host=host, port=port, is_private=tls) for host, port in found]

    async def __aenter__(self) -> Self:
        settings = self.settings
        ids = MessageIds(
            self.name, in_answer=settings.id_in_answer, in_receipt=settings.id_in_receipt
        )
        self._dispatch = Dispatch(
            provider=self.name,
            settings=settings,
            ids=ids,
            heard=lambda *heard: self._hearing.take(*heard),
        )
        self._binds = Binds(
            self._dispatch,
            provider=self.name,
            settings=settings,
            password=check_password(self.name, self._secret),
            tls=tls_context(self.name, settings),
        )
        self._hearing = Hearing(
            self.name,
            self._context,
            Receipts(
                ids.of_receipt,
                err_is_gsm=settings.err_is_gsm,
                time_zone=settings.receipt_time_zone,
            ),
            Assembler(wait_s=settings.part_wait_s, keep_s=settings.part_keep_s),
            self._binds.hear,
        )
        self._storing = asyncio.create_task(self._hearing.run(), name=f"{self.name} hearing")
        try:
            await self._binds.open()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._hearing.finish(STORE_S)
        await self._binds.close()
        await self._hearing.finish(STORE_S)  # what came until the end; nobody can be answered
        self._storing.cancel()
        await asyncio.gather(self._storing, return_exceptions=True)

    async def send(
        self, batch: Sequence[Message], *, until: float | None = None
    ) -> AsyncIterator[Result]:
        if not batch:
            return
        job = Job(batch, until)
        over = None
        if until is not None:
            over = asyncio.get_running_loop().call_at(until, self._dispatch.expire, job)
        try:
            self._dispatch.take(job)
            left = len(batch)
            while left:
                for result in await job.results():
                    left -= 1
                    yield result
        finally:
            self._dispatch.drop(job)
            if over is not None:
                over.cancel()

    async def capacity(self) -> int | None:
        return self._dispatch.room()

    def parse_receipt(self, request: ReceiptRequest) -> list[Receipt]:
        raise MalformedReceipt("Receipts of an SMPP provider come over its binds, not by HTTP.")

    def acknowledge(self) -> Acknowledgement:
        return Acknowledgement()
