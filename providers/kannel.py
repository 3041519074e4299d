"""Kannel: one POST per message out, one GET per delivery report in, one POST per message in.

Facts about Kannel 1.4.5 that shaped this page, and the configuration it needs: docs/kannel.md.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

import httpx
import structlog

from providers.base import (
    Accepted,
    Acknowledgement,
    Context,
    Inbound,
    Limits,
    Message,
    Receipt,
    ReceiptRequest,
    Rejected,
    Result,
    Retry,
    SettingsError,
    Uncertain,
    parse_settings,
)
from providers.connections import Connections
from providers.kannel_inbound import parse_inbound
from providers.kannel_receipts import parse_callback
from providers.kannel_sendsms import KannelSettings, SendSms, classify
from providers.kannel_status import StatusPage

log = structlog.get_logger()


NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.LocalProtocolError,
    httpx.UnsupportedProtocol,
)


@dataclass(slots=True, kw_only=True)
class _Work:
    """One batch under way, shared by its runners."""

    left: Iterator[Message]
    until: float
    halted_by: str | None = None  # the trouble that ended it early


class KannelProvider:
    """One sendsms account of a Kannel; after trouble it rests, then takes one message to try."""

    def __init__(
        self, name: str, settings: Mapping[str, object], secret: str | None, context: Context
    ) -> None:
        self.name = name
        self.settings = parse_settings(KannelSettings, name, settings)
        self.limits = Limits(max_batch=self.settings.max_batch, answer_s=self.settings.timeout_s)
        self._secret = secret
        self._dlr_url = context.dlr_url
        self._back_off = timedelta(seconds=self.settings.back_off_s)
        self._log = log.bind(provider=name)
        self._rest_until: float | None = None  # None: no trouble
        self._status: StatusPage | None = None

    async def __aenter__(self) -> Self:
        self._sendsms = SendSms(
            provider=self.name,
            settings=self.settings,
            secret=self._secret,
            dlr_url=self._dlr_url,
        )
        self._connections = Connections(is_tls=self.settings.url.scheme == "https")
        if self.settings.admin_url is not None:
            self._status = self._status_page(str(self.settings.admin_url))
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._connections.aclose()

    async def send(
        self, batch: Sequence[Message], *, until: float | None = None
    ) -> AsyncIterator[Result]:
        work = _Work(left=iter(batch), until=math.inf if until is None else until)
        answers: asyncio.Queue[Result] = asyncio.Queue()
        runners = [
            asyncio.create_task(self._run(work, answers), name=f"{self.name} runner")
            for _ in range(min(self.settings.parallel, len(batch)))
        ]
        try:
            for _ in batch:
                yield await answers.get()
        finally:
            for runner in runners:
                runner.cancel()
            await asyncio.gather(*runners, return_exceptions=True)

    async def capacity(self) -> int | None:
        if self._rest_until is not None and time.monotonic() < self._rest_until:
            return 0
        room = None if self._status is None else await self._status.room()
        if self._rest_until is None:
            return room
        return 1 if room is None else min(1, room)

    def parse_receipt(self, request: ReceiptRequest) -> list[Receipt]:
        return [parse_callback(request)]

    def parse_inbound(self, request: ReceiptRequest) -> list[Inbound]:
        return [parse_inbound(request)]

    def acknowledge(self) -> Acknowledgement:
        return Acknowledgement()  # only 200 and 202 count; the body is ignored

    async def _run(self, work: _Work, answers: asyncio.Queue[Result]) -> None:
        """Submit messages one after another until none is left."""
        for message in work.left:
            if work.halted_by is not None:
                result: Result = self._later(message, work.halted_by)
            elif time.monotonic() >= work.until:
                result = self._later(message, "no time left to submit", after=timedelta(0))
            else:
                result = await self._submit_or_doubt(message, work)
            answers.put_nowait(result)

    async def _submit_or_doubt(self, message: Message, work: _Work) -> Result:
        """A mistake of ours must not leave the batch waiting for a result for ever."""
        try:
            return await self._submit(message, work)
        except Exception as error:
            self._log.exception("kannel_bug", message_id=str(message.id))
            return Uncertain(id=message.id, detail=f"our mistake ({type(error).__name__})")

    async def _submit(self, message: Message, work: _Work) -> Result:
        minutes = math.ceil((message.expires_at - datetime.now(UTC)) / timedelta(minutes=1))
        if minutes <= 0:  # the next claim judges it expired
            return self._later(message, "expired before it was submitted", after=timedelta(0))
        try:
            sender_id = self._sendsms.sender_id(message)
        except ValueError as error:
            return Rejected(id=message.id, detail=str(error))
        request = self._sendsms.request(message, sender_id, minutes)
        if self._status is not None:
            self._status.handed_over()
        try:
            async with asyncio.timeout(self.settings.timeout_s):
                status, content = await self._connections.exchange(request)
        except NEVER_SENT as error:
            trouble = f"Kannel cannot be reached ({type(error).__name__})"
            return self._later(message, self._halt(work, trouble))
        except (TimeoutError, httpx.TransportError) as error:  # it may have gone through
            trouble = f"Kannel did not answer ({type(error).__name__})"
            return Uncertain(id=message.id, detail=self._halt(work, trouble))
        return self._understand(message, work, status, content.decode("utf-8", "replace").strip())

    def _understand(self, message: Message, work: _Work, status: int, body: str) -> Result:
        said = f"Kannel: {status} {body[:200]}"
        match classify(status, body):
            case "accepted":
                self._well()
                return Accepted(id=message.id, detail=None if body.startswith("0") else body[:200])
            case "rejected":
                self._well()
                return Rejected(id=message.id, detail=said)
            case "not_routable":
                return self._not_routable(message, work, said)
            case "busy" | "setup":
                return self._later(message, self._halt(work, said))
            case "unreadable":
                return Uncertain(id=message.id, detail=self._halt(work, said))

    def _not_routable(self, message: Message, work: _Work, said: str) -> Retry:
        """Kannel's "do not try again" also means a link that is dead by our own password.

        Only while a link is known to be online is it about this number, and costs an attempt.
        """
        if self._status is not None and self._status.online:
            self._log.warning("kannel_not_routable", message_id=str(message.id))
            return Retry(id=message.id, detail=said, after=self._back_off)
        return self._later(message, self._halt(work, said))

    def _later(self, message: Message, detail: str, after: timedelta | None = None) -> Retry:
        """Not handed over, and not this message's fault."""
        pause = self._back_off if after is None else after
        return Retry(id=message.id, detail=detail, after=pause, throttled=True)

    def _halt(self, work: _Work, trouble: str) -> str:
        """Kannel itself is the trouble: begin no more of this batch, and rest."""
        work.halted_by = trouble
        if self._rest_until is None:
            self._log.error("kannel_trouble", trouble=trouble, rest_s=self.settings.back_off_s)
        self._rest_until = time.monotonic() + self.settings.back_off_s
        return trouble

    def _well(self) -> None:
        if self._rest_until is not None:
            self._log.info("kannel_well_again")
            self._rest_until = None

    def _status_page(self, admin_url: str) -> StatusPage:
        variable = self.settings.status_secret_env
        password = os.environ.get(variable, "") if variable else ""
        if variable and not password:
            raise SettingsError(
                f'Provider "{self.name}": the variable {variable}, named by status_secret_env, '
                "is not set."
            )
        return StatusPage(
            provider=self.name,
            connections=self._connections,
            url=admin_url,
            password=password,
            smsc=self.settings.smsc,
            max_queued=self.settings.max_queued,
            every_s=self.settings.status_every_s,
            timeout_s=min(5, self.settings.timeout_s),
        )
