"""smsc.ru: texts out in batches under ids of ours, statuses and subscribers' messages in.

The account, the limits of the service and what each of its errors leads to: docs/smsc_ru.md.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Self

import structlog

from providers.base import (
    Acknowledgement,
    AskingLimits,
    Awaiting,
    Balance,
    Context,
    Doubtful,
    Found,
    Inbound,
    Limits,
    MalformedInbound,
    MalformedReceipt,
    Message,
    NotSubmitted,
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
from providers.rounds import Rest, Round, later, share_out
from providers.smsc_ru_answers import duty, read_results, say
from providers.smsc_ru_api import SEND, Answer, Api, NoAnswer, NotSent, Refusal, SmscRuSettings
from providers.smsc_ru_balance import Purse
from providers.smsc_ru_callbacks import parse_callback
from providers.smsc_ru_inbound import is_inbound, parse_inbound
from providers.smsc_ru_requests import Planner, Request
from providers.smsc_ru_status import StatusPage, asking_limits

log = structlog.get_logger()

REFUSALS = 20  # refused requests in one batch while its bad messages are searched; 100 block us
SEARCHED_AGAIN = timedelta(seconds=60)


@dataclass(slots=True, kw_only=True)
class _Work(Round):
    """One batch under way."""

    refusals: int = 0
    not_submitted: str | None = None  # the account's trouble: what it met was not taken


class SmscRuProvider:
    """One account; after trouble it rests, then takes one message to try."""

    settings_model = SmscRuSettings

    def __init__(
        self, name: str, settings: Mapping[str, object], secret: str | None, context: Context
    ) -> None:
        self.name = name
        self.settings = parse_settings(SmscRuSettings, name, settings)
        self.limits = Limits(max_batch=self.settings.max_batch, answer_s=self.settings.timeout_s)
        self.asking: AskingLimits = asking_limits(self.settings)
        self._key = secret
        self._planner = Planner(self.settings)
        self._under_way = 0  # messages that send() has no result for yet
        self._purse = Purse()
        self._rest = Rest(
            log=log.bind(provider=name), event="smsc_ru", pause_s=self.settings.back_off_s
        )
        variable = self.settings.callback_secret_env
        self._callback_secret = (context.secret_of(variable) if variable else None) or ""

    @property
    def peers(self) -> Sequence[Peer]:
        given = (self.settings.url, self.settings.backup_url)
        return [peer_of(url) for url in given if url is not None]

    async def __aenter__(self) -> Self:
        if not self._key:
            raise SettingsError(
                f'Provider "{self.name}" has no API key: set secret_env to the name of an '
                "environment variable and put the key there."
            )
        self._api = Api(self.settings, provider=self.name, key=self._key)
        self._status = StatusPage(self._api, self.settings)
        # One place stays free for urgent messages and for questions.
        self._bulk_places = asyncio.Semaphore(max(1, self.settings.parallel - 1))
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._api.aclose()

    # --- out -------------------------------------------------------------------------------------

    def keys(self, batch: Sequence[Message]) -> Sequence[str]:
        return self._planner.name(batch)

    async def send(
        self, batch: Sequence[Message], *, until: float | None = None
    ) -> AsyncIterator[Result]:
        work = _Work(until=math.inf if until is None else until)
        requests, refused = self._planner.plan(batch)
        for message_id, why in refused.items():
            yield Rejected(id=message_id, detail=why)

        async def submit(request: Request) -> Sequence[Result]:
            return await self._submit_safely(request, work)

        self._under_way += len(batch)
        try:
            async for result in share_out(
                requests, submit, width=self.settings.parallel, name=self.name
            ):
                yield result
        finally:
            self._under_way -= len(batch)
        if work.not_submitted is not None:
            raise NotSubmitted(work.not_submitted)

    async def capacity(self) -> int | None:
        """As much as fits into requests at once: what waits here for its turn may be doubtful."""
        if self._api.refused_by is not None:
            return 0
        room = self.settings.parallel * self.settings.max_batch - self._under_way
        return self._rest.room(max(0, room))

    async def _submit_safely(self, request: Request, work: _Work) -> Sequence[Result]:
        is_urgent = request.messages[0].priority == 0
        try:
            bulk_place = nullcontext() if is_urgent else self._bulk_places
            turn = nullcontext() if is_urgent else self._api.alone_at_first()
            async with bulk_place, self._api.places, turn:
                return await self._submit(request, work)
        except Exception as error:
            log.exception("smsc_ru_bug", provider=self.name)
            detail = f"our mistake ({type(error).__name__})"
            return [Uncertain(id=message.id, detail=detail) for message in request.messages]

    async def _submit(self, request: Request, work: _Work) -> list[Result]:
        """Post one request; no result for a message means that it was not submitted."""
        if (code := self._api.refused_by) is not None:
            work.not_submitted = say(code)
        if work.not_submitted is not None:
            return []
        if (closed := work.closed(self.settings.back_off_s)) is not None:
            return [later(message, *closed) for message in request.messages]
        try:
            answer = await self._api.ask(SEND, self._planner.form(request))
        except NotSent as error:
            work.halted_by = self._trouble(str(error))
            return await self._submit(request, work)
        except NoAnswer as error:
            work.halted_by = self._trouble(str(error))
            return [Uncertain(id=m.id, detail=work.halted_by) for m in request.messages]
        if isinstance(answer, Refusal):
            return await self._obey(answer, request, work)
        return self._accept(answer, request, work)

    def _accept(self, answer: Answer, request: Request, work: _Work) -> list[Result]:
        self._rest.end()
        self._purse.note(answer)
        results, unpaid = read_results(request, answer)
        if unpaid:
            self._run_dry(work, "smsc.ru had no money for some messages of a request")
        return results

    async def _obey(self, refusal: Refusal, request: Request, work: _Work) -> list[Result]:
        """Do what an error of send.php asks for."""
        said = say(refusal.code)
        match duty(refusal):
            case "reject":
                self._rest.end()
                return await self._find_bad(refusal, request, work)
            case "rest":
                work.not_submitted = self._trouble(said, self.settings.rest_s)
                return []
            case "wait_for_money":
                self._run_dry(work, said)
                return []
            case "doubt":
                work.halted_by = self._trouble(said)
                return [Uncertain(id=message.id, detail=said) for message in request.messages]

    async def _find_bad(self, refusal: Refusal, request: Request, work: _Work) -> list[Result]:
        """Of a refused request nothing was taken: send its halves, down to the bad message."""
        work.refusals += 1
        if len(request.messages) == 1:
            return [Rejected(id=request.messages[0].id, detail=f"send/{refusal.code}")]
        results: list[Result] = []
        for half in request.halves():
            if work.refusals < REFUSALS:
                results += await self._submit(half, work)
            else:
                said = f"{say(refusal.code)}, in a request with others"
                results += [
                    Retry(id=m.id, detail=said, after=SEARCHED_AGAIN) for m in half.messages
                ]
        return results

    def _run_dry(self, work: _Work, said: str) -> None:
        work.not_submitted = self._trouble(said, self.settings.money_rest_s)

    def _trouble(self, trouble: str, pause_s: float | None = None) -> str:
        self._rest.begin(trouble, pause_s)
        return trouble

    # --- questions -------------------------------------------------------------------------------

    async def lookup(self, doubtful: Sequence[Doubtful]) -> Sequence[Found]:
        return await self._status.lookup(doubtful)

    async def poll(self, waiting: Sequence[Awaiting]) -> Sequence[Receipt]:
        return await self._status.poll(waiting)

    async def balance(self) -> Balance:
        return await self._purse.balance(self._api)

    # --- in --------------------------------------------------------------------------------------

    def is_inbound(self, request: ReceiptRequest) -> bool:
        return is_inbound(request.body)

    def parse_receipt(self, request: ReceiptRequest) -> list[Receipt]:
        if request.method != "POST":
            raise MalformedReceipt("A callback of smsc.ru is posted.")
        if not self._callback_secret:
            raise MalformedReceipt(self._no_secret())
        receipt = parse_callback(
            request.body, secret=self._callback_secret, kind=self.settings.callback_hash
        )
        return [] if receipt is None else [receipt]

    def parse_inbound(self, request: ReceiptRequest) -> list[Inbound]:
        if request.method != "POST":
            raise MalformedInbound("A message from smsc.ru is posted.")
        if not self._callback_secret:
            raise MalformedInbound(self._no_secret())
        return [
            parse_inbound(
                request.body,
                secret=self._callback_secret,
                kind=self.settings.callback_hash,
                charset=self.settings.callback_charset,
            )
        ]

    def acknowledge(self) -> Acknowledgement:
        return Acknowledgement(body=b"ok")

    def _no_secret(self) -> str:
        return (
            f'Provider "{self.name}" cannot check callbacks: set callback_secret_env to the name '
            "of a variable and put the account's secret there."
        )
