"""Kannel: one POST per message out, one GET per delivery report in, one POST per message in.

Facts about Kannel 1.4.5 that shaped this page, and the configuration it needs: docs/kannel.md.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
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
    Peer,
    Receipt,
    ReceiptRequest,
    Rejected,
    Result,
    Retry,
    SettingsError,
    Uncertain,
    parse_settings,
    peer_of,
)
from providers.connections import Connections
from providers.kannel_inbound import parse_inbound
from providers.kannel_receipts import parse_callback
from providers.kannel_sendsms import KannelSettings, SendSms, classify
from providers.kannel_status import StatusPage
from providers.rounds import NEVER_SENT, Rest, Round, later, share_out

log = structlog.get_logger()


class KannelProvider:
    """One sendsms account of a Kannel; after trouble it rests, then takes one message to try."""

    settings_model = KannelSettings

    def __init__(
        self, name: str, settings: Mapping[str, object], secret: str | None, context: Context
    ) -> None:
        self.name = name
        self.settings = parse_settings(KannelSettings, name, settings)
        self.limits = Limits(max_batch=self.settings.max_batch, answer_s=self.settings.timeout_s)
        self._secret = secret
        variable = self.settings.status_secret_env
        self._status_password = (context.secret_of(variable) if variable else None) or ""
        self._dlr_url = context.dlr_url
        self._back_off = timedelta(seconds=self.settings.back_off_s)
        self._log = log.bind(provider=name)
        self._rest = Rest(log=self._log, event="kannel", pause_s=self.settings.back_off_s)
        self._status: StatusPage | None = None

    @property
    def peers(self) -> Sequence[Peer]:
        given = (self.settings.url, self.settings.admin_url)
        return [peer_of(url) for url in given if url is not None]

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
        work = Round(until=math.inf if until is None else until)

        async def submit(message: Message) -> Sequence[Result]:
            return [await self._submit_or_doubt(message, work)]

        results = share_out(batch, submit, width=self.settings.parallel, name=self.name)
        async with aclosing(results):
            async for result in results:
                yield result

    async def capacity(self) -> int | None:
        if self._rest.is_on:  # nobody to ask for the room
            return 0
        return self._rest.room(None if self._status is None else await self._status.room())

    def parse_receipt(self, request: ReceiptRequest) -> list[Receipt]:
        return [parse_callback(request)]

    def parse_inbound(self, request: ReceiptRequest) -> list[Inbound]:
        return [parse_inbound(request)]

    def acknowledge(self) -> Acknowledgement:
        return Acknowledgement()  # only 200 and 202 count; the body is ignored

    async def _submit_or_doubt(self, message: Message, work: Round) -> Result:
        """A mistake of ours must not leave the batch waiting for a result for ever."""
        try:
            return await self._submit(message, work)
        except Exception as error:
            self._log.exception("kannel_bug", message_id=str(message.id))
            return Uncertain(id=message.id, detail=f"our mistake ({type(error).__name__})")

    async def _submit(self, message: Message, work: Round) -> Result:
        if (closed := work.closed(self.settings.back_off_s)) is not None:
            return later(message, *closed)
        minutes = math.ceil((message.expires_at - datetime.now(UTC)) / timedelta(minutes=1))
        if minutes <= 0:  # the next claim judges it expired
            return later(message, "expired before it was submitted", timedelta(0))
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
            return later(message, self._halt(work, trouble), self._back_off)
        except (TimeoutError, httpx.TransportError) as error:  # it may have gone through
            trouble = f"Kannel did not answer ({type(error).__name__})"
            return Uncertain(id=message.id, detail=self._halt(work, trouble))
        return self._understand(message, work, status, content.decode("utf-8", "replace").strip())

    def _understand(self, message: Message, work: Round, status: int, body: str) -> Result:
        said = f"Kannel: {status} {body[:200]}"
        match classify(status, body):
            case "accepted":
                self._rest.end()
                return Accepted(id=message.id, detail=None if body.startswith("0") else body[:200])
            case "rejected":
                self._rest.end()
                return Rejected(id=message.id, detail=said)
            case "not_routable":
                return self._not_routable(message, work, said)
            case "busy" | "setup":
                return later(message, self._halt(work, said), self._back_off)
            case "unreadable":
                return Uncertain(id=message.id, detail=self._halt(work, said))

    def _not_routable(self, message: Message, work: Round, said: str) -> Retry:
        """Kannel's "do not try again" also means a link that is dead by our own password.

        Only while a link is known to be online is it about this number, and costs an attempt.
        """
        if self._status is not None and self._status.online:
            self._log.warning("kannel_not_routable", message_id=str(message.id))
            return Retry(id=message.id, detail=said, after=self._back_off)
        return later(message, self._halt(work, said), self._back_off)

    def _halt(self, work: Round, trouble: str) -> str:
        """Kannel itself is the trouble: begin no more of this batch, and rest."""
        work.halted_by = trouble
        self._rest.begin(trouble)
        return trouble

    def _status_page(self, admin_url: str) -> StatusPage:
        variable = self.settings.status_secret_env
        if variable and not self._status_password:
            raise SettingsError(
                f'Provider "{self.name}": the variable {variable}, named by status_secret_env, '
                "is not set."
            )
        return StatusPage(
            provider=self.name,
            connections=self._connections,
            url=admin_url,
            password=self._status_password,
            smsc=self.settings.smsc,
            max_queued=self.settings.max_queued,
            every_s=self.settings.status_every_s,
            timeout_s=min(5, self.settings.timeout_s),
        )
