"""Any HTTP provider, described in its settings: requests as templates, answers as JMESPath rules.

docs/generic_http.md explains the settings; providers/presets holds those of known services.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

import httpx
import structlog

from providers.base import (
    Accepted,
    Acknowledgement,
    AskingLimits,
    Awaiting,
    Balance,
    Context,
    Doubtful,
    Found,
    Inbound,
    Limits,
    Message,
    Peer,
    ProviderError,
    Receipt,
    ReceiptRequest,
    Rejected,
    Result,
    Uncertain,
    parse_settings,
    peer_of,
    storable,
)
from providers.connections import Connections
from providers.generic_http_answers import Answer, amount, status_receipt, verdict
from providers.generic_http_callbacks import (
    ask,
    callback_secrets,
    parse_inbound,
    parse_receipts,
    word,
)
from providers.generic_http_requests import Requests
from providers.generic_http_settings import GenericHttpSettings, Status, with_preset
from providers.rounds import NEVER_SENT, Rest, Round, later, share_out

log = structlog.get_logger()

NO_ANSWER = (TimeoutError, httpx.TransportError)


class GenericHttpProvider:
    """One account at an HTTP provider; after trouble it rests, then takes one message to try."""

    settings_model = GenericHttpSettings

    # Only what the settings describe is there, so that nobody is asked in vain.
    lookup: Callable[[Sequence[Doubtful]], Awaitable[Sequence[Found]]]
    poll: Callable[[Sequence[Awaiting]], Awaitable[Sequence[Receipt]]]
    balance: Callable[[], Awaitable[Balance]]

    def __init__(
        self, name: str, settings: Mapping[str, object], secret: str | None, context: Context
    ) -> None:
        self.name = name
        self.settings = parse_settings(GenericHttpSettings, name, with_preset(name, settings))
        self.limits = Limits(max_batch=self.settings.max_batch, answer_s=self.settings.timeout_s)
        self._secrets = callback_secrets(self.settings, secret, context.secret_of)
        self._requests = Requests(name, self.settings, secret, context.dlr_url)
        self._rest = Rest(
            log=log.bind(provider=name), event="provider", pause_s=self.settings.back_off_s
        )
        if self.settings.lookup is not None:
            self.lookup = self._lookup
        if self.settings.poll is not None:
            self.poll = self._poll
        if self.settings.balance is not None:
            self.balance = self._balance

    @property
    def peers(self) -> Sequence[Peer]:
        return [peer_of(self.settings.url)]  # a path stands behind it and cannot change the host

    async def __aenter__(self) -> Self:
        self._requests.check_secret()
        self._connections = Connections(is_tls=self.settings.url.scheme == "https")
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

        async def hand_over(group: Sequence[Message]) -> Sequence[Result]:
            return await self._hand_over(group, work)

        results = share_out(
            self._requests.groups(batch),
            hand_over,
            width=self.settings.parallel,
            name=self.name,
        )
        async with aclosing(results):
            async for result in results:
                yield result

    async def capacity(self) -> int | None:
        return self._rest.room(None)

    def parse_receipt(self, request: ReceiptRequest) -> list[Receipt]:
        return parse_receipts(
            self.settings.receipts,
            request,
            secret=self._secrets.receipts,
            dialect=self.settings.dialect,
        )

    def parse_inbound(self, request: ReceiptRequest) -> list[Inbound]:
        return parse_inbound(self.settings.inbound, request, secret=self._secrets.inbound)

    def acknowledge(self) -> Acknowledgement:
        reply = "" if self.settings.receipts is None else self.settings.receipts.reply
        return Acknowledgement(body=reply.encode())

    # --- handing over ----------------------------------------------------------------------------

    async def _hand_over(self, group: Sequence[Message], work: Round) -> Sequence[Result]:
        """The results of one request; a mistake of ours must not leave the batch waiting."""
        try:
            return await self._submit(group, work)
        except Exception as error:
            log.exception("generic_http_bug", provider=self.name)
            detail = f"our mistake ({type(error).__name__})"
            return [Uncertain(id=message.id, detail=detail) for message in group]

    async def _submit(self, group: Sequence[Message], work: Round) -> Sequence[Result]:
        if (closed := work.closed(self.settings.back_off_s)) is not None:
            return [later(message, *closed) for message in group]
        results, fit = self._sort_out(group)
        if not fit:
            return results
        request = self._requests.send(fit)
        try:
            async with asyncio.timeout(self.settings.timeout_s):
                reply = await self._connections.fetch(request)
        except NEVER_SENT as error:
            trouble = self._halt(work, f"it cannot be reached ({type(error).__name__})")
            pause = timedelta(seconds=self.settings.back_off_s)
            return [*results, *(later(message, trouble, pause) for message in fit)]
        except NO_ANSWER as error:  # it may have gone through
            trouble = self._halt(work, f"it did not answer ({type(error).__name__})")
            return [*results, *(Uncertain(id=message.id, detail=trouble) for message in fit)]
        return [*results, *self._understand(fit, work, reply)]

    def _sort_out(self, group: Sequence[Message]) -> tuple[list[Result], list[Message]]:
        """Results of those that must not be sent, and the others."""
        now, longest = datetime.now(UTC), self.settings.send.max_chars
        results: list[Result] = []
        fit: list[Message] = []
        for message in group:
            if message.expires_at <= now:  # the next claim judges it expired
                results.append(later(message, "expired before it was submitted", timedelta(0)))
            elif longest is not None and len(message.body) > longest:
                detail = f"{len(message.body)} characters; this provider takes {longest}"
                results.append(Rejected(id=message.id, detail=detail))
            elif (lacking := self._requests.not_encodable(message)) is not None:
                results.append(Rejected(id=message.id, detail=lacking))
            else:
                fit.append(message)
        return results, fit

    def _understand(
        self, group: Sequence[Message], work: Round, reply: httpx.Response
    ) -> list[Result]:
        answer = Answer.read(reply)
        items = self._requests.items(self.settings.send, group)
        results: list[Result] = []
        for message, item in zip(group, items, strict=True):
            result, halts = verdict(self.settings, answer, item, message)
            results.append(result)
            if halts is not None:
                self._halt(work, f"{halts.means}, HTTP {answer.http}", halts.pause_s)
        if work.halted_by is None and any(isinstance(one, Accepted | Rejected) for one in results):
            self._rest.end()
        return results

    def _halt(self, work: Round, trouble: str, pause_s: float | None = None) -> str:
        """The provider itself is the trouble: begin no more of this batch, and rest."""
        work.halted_by = work.halted_by or trouble
        self._rest.begin(trouble, pause_s)
        return trouble

    # --- asking ----------------------------------------------------------------------------------

    @property
    def asking(self) -> AskingLimits:
        """As much at once as one request of each kind takes."""
        sections = [one for one in (self.settings.lookup, self.settings.poll) if one is not None]
        return AskingLimits(
            max_batch=min((one.batch for one in sections), default=1),
            every=timedelta(seconds=max((one.every_s for one in sections), default=1)),
            answer_s=self.settings.timeout_s,
        )

    async def _lookup(self, doubtful: Sequence[Doubtful]) -> Sequence[Found]:
        assert self.settings.lookup is not None
        found: list[Found] = []
        for one, item in await self._ask(self.settings.lookup, doubtful):
            receipt = status_receipt(self.settings.lookup, item, one, self.settings.dialect)
            if ask(self.settings.lookup.absent, item):
                found.append(Found(id=one.id, verdict="absent"))
            elif item["item"] is not None:
                ref = word(ask(self.settings.lookup.ref, item))
                found.append(Found(id=one.id, verdict="present", ref=ref, receipt=receipt))
            else:
                found.append(Found(id=one.id, verdict="unknown"))
        return found

    async def _poll(self, waiting: Sequence[Awaiting]) -> Sequence[Receipt]:
        assert self.settings.poll is not None
        named = [one for one in waiting if one.ref is not None or not self._requests.polls_by_ref]
        asked = await self._ask(self.settings.poll, named)
        receipts = [
            status_receipt(self.settings.poll, item, one, self.settings.dialect)
            for one, item in asked
        ]
        return [receipt for receipt in receipts if receipt is not None]

    async def _ask(
        self, section: Status, about: Sequence[Doubtful | Awaiting]
    ) -> list[tuple[Doubtful | Awaiting, dict[str, Any]]]:
        """Each message with what the answer says of it; any trouble is raised."""
        found: list[tuple[Doubtful | Awaiting, dict[str, Any]]] = []
        for start in range(0, len(about), section.batch):
            some = about[start : start + section.batch]
            answer = await self._get(self._requests.status(section, some))
            items = self._requests.items(section, some)
            found += [(one, answer.about(item)) for one, item in zip(some, items, strict=True)]
        return found

    async def _balance(self) -> Balance:
        assert self.settings.balance is not None
        answer = await self._get(self._requests.balance(self.settings.balance))
        left = amount(self.settings.balance.amount, answer.document)
        if left is None:
            raise ProviderError(f'Provider "{self.name}": no balance in the answer.')
        return Balance(amount=left, currency=self.settings.balance.currency)

    async def _get(self, request: httpx.Request) -> Answer:
        async with asyncio.timeout(self.settings.timeout_s):
            answer = Answer.read(await self._connections.fetch(request))
        if answer.http >= 400:
            said = storable(answer.text[:200])
            raise ProviderError(f'Provider "{self.name}" answers {answer.http}: {said}')
        return answer
