"""Asking status.php about messages: the doubtful ones, and those whose callback never came.

One question about several messages is allowed in a minute, and five about the same message.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta

from providers.base import AskingLimits, Awaiting, Doubtful, Found, ProviderError, Receipt
from providers.smsc_ru_answers import FINAL, NOT_FOUND, Status, read_statuses, say
from providers.smsc_ru_api import Api, NoAnswer, NotSent, Refusal, SmscRuSettings
from providers.smsc_ru_requests import split_key


class NotAsked(ProviderError):
    """There is no answer about any of these messages; they are asked about again later."""


class StatusPage:
    """The questions of one process; the workers share the minute through `asking.every`."""

    def __init__(self, api: Api, settings: SmscRuSettings) -> None:
        self._api = api
        self._minute_s = settings.minute_s
        self._next_at = 0.0

    async def lookup(self, doubtful: Sequence[Doubtful]) -> list[Found]:
        """Whether the service has them; one without a row in the answer stays unknown."""
        statuses = await self._ask([one.ref for one in doubtful if one.ref is not None])
        return [_found(one, statuses.get(one.ref or "")) for one in doubtful]

    async def poll(self, waiting: Sequence[Awaiting]) -> list[Receipt]:
        """What became of them, where that is final; the rest is no news."""
        statuses = await self._ask([one.ref for one in waiting if one.ref is not None])
        return [
            status.receipt(one.id, one.ref)
            for one in waiting
            if one.ref and (status := statuses.get(one.ref)) and status.code in FINAL
        ]

    async def _ask(self, keys: Sequence[str]) -> Mapping[str, Status]:
        asked = [pair for key in keys if (pair := split_key(key)) is not None]
        if not asked:
            return {}
        if (now := time.monotonic()) < self._next_at:
            raise NotAsked("smsc.ru may be asked about statuses once a minute")
        self._next_at = now + self._minute_s
        ids, phones = zip(*asked, strict=True)
        try:
            async with self._api.places, self._api.alone_at_first():
                answer = await self._api.ask(
                    "status.php", {"phone": ",".join(phones), "id": ",".join(ids)}
                )
        except (NotSent, NoAnswer) as error:
            raise NotAsked(str(error)) from None
        if isinstance(answer, Refusal):
            raise NotAsked(say(answer.code))
        return read_statuses(answer, asked)


def asking_limits(settings: SmscRuSettings) -> AskingLimits:
    """The limits of status.php, with a little time for the clocks not being one."""
    minute = timedelta(seconds=settings.minute_s)
    return AskingLimits(
        max_batch=settings.status_batch,
        every=minute * 1.02,
        answer_s=2 * settings.timeout_s,  # it may have to wait for one of the places
        after=minute / 6,
        pauses=tuple(minute * times for times in (1, 2, 5, 15, 60)),
        absent_after=minute,
        poll_after=timedelta(seconds=settings.poll_after_s),
    )


def _found(one: Doubtful, status: Status | None) -> Found:
    if status is None:
        return Found(id=one.id, verdict="unknown", detail="smsc.ru did not answer about it")
    if status.code == NOT_FOUND:
        return Found(id=one.id, verdict="absent", detail="smsc.ru does not know it")
    is_final = status.code in FINAL and one.ref is not None
    return Found(
        id=one.id,
        verdict="present",
        receipt=status.receipt(one.id, one.ref) if is_final and one.ref else None,
        detail=f"smsc.ru has it, status {status.code}",
    )
