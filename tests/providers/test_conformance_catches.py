"""The conformance suite notices adapters that break their word."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from providers.base import (
    Accepted,
    Context,
    Message,
    NotSubmitted,
    Provider,
    Receipt,
    ReceiptRequest,
    Rejected,
    Result,
    Retry,
    Uncertain,
)
from providers.conformance import Conformance, FarSide, Report, Taken, callback, message
from providers.fake import FakeProvider
from tests.providers import test_conformance as ours
from tests.providers.test_conformance import FakeSide

Case = Callable[[Conformance, FarSide], Awaitable[None]]


class Liar(FakeProvider):
    """Takes messages into a list; each subclass breaks one promise."""

    books: list[Message]

    async def send(
        self, batch: Sequence[Message], *, until: float | None = None
    ) -> AsyncIterator[Result]:
        for one in batch:
            if until is not None and time.monotonic() >= until:
                yield Retry(id=one.id, detail="no time", throttled=True)
                continue
            self.books.append(one)
            yield Accepted(id=one.id)


class Shortens(Liar):
    async def send(
        self, batch: Sequence[Message], *, until: float | None = None
    ) -> AsyncIterator[Result]:
        for one in batch:
            self.books.append(replace(one, body=one.body[:160]))
            yield Accepted(id=one.id)


class ForgetsOne(Liar):
    async def send(
        self, batch: Sequence[Message], *, until: float | None = None
    ) -> AsyncIterator[Result]:
        self.books.extend(batch)
        for one in batch[1:]:
            yield Accepted(id=one.id)


class AnswersTwice(Liar):
    async def send(
        self, batch: Sequence[Message], *, until: float | None = None
    ) -> AsyncIterator[Result]:
        self.books.extend(batch)
        for one in (*batch, batch[0]):
            yield Accepted(id=one.id)


class SendsTwice(Liar):
    async def send(
        self, batch: Sequence[Message], *, until: float | None = None
    ) -> AsyncIterator[Result]:
        for one in batch:
            self.books += [one, one]
            yield Accepted(id=one.id)


class NeverLate(Liar):
    async def send(
        self, batch: Sequence[Message], *, until: float | None = None
    ) -> AsyncIterator[Result]:
        async for result in super().send(batch):
            yield result


class SaysNotSubmitted(Liar):
    async def send(
        self, batch: Sequence[Message], *, until: float | None = None
    ) -> AsyncIterator[Result]:
        self.books.extend(batch)
        raise NotSubmitted("the connection was cut")
        yield Uncertain(id=0, detail="")


class RetriesTheLost(Liar):
    async def send(
        self, batch: Sequence[Message], *, until: float | None = None
    ) -> AsyncIterator[Result]:
        self.books.extend(batch)
        for one in batch:
            yield Retry(id=one.id, detail="it did not answer", throttled=True)


class RejectsAll(Liar):
    async def send(
        self, batch: Sequence[Message], *, until: float | None = None
    ) -> AsyncIterator[Result]:
        for one in batch:
            yield Rejected(id=one.id, detail="one of you is bad")


class GuessesReceipts(Liar):
    def parse_receipt(self, request: ReceiptRequest) -> list[Receipt]:
        return [replace(receipt, message_id=1) for receipt in super().parse_receipt(request)]


class BelievesAnybody(Liar):
    pass


class LyingSide(FakeSide):
    """A far side for a liar; every mood is the liar's own."""

    def __init__(self, folder: Path, liar: type[Liar]) -> None:
        super().__init__(folder)
        self._liar = liar
        self._books: list[Message] = []

    def provider(self, **settings: Any) -> Provider:
        async def sink(receipts: Sequence[Receipt]) -> None:
            raise AssertionError("no receipts")

        made = self._liar("main", {}, None, Context(sink=sink))
        made.books = self._books
        return made

    def taken(self) -> Sequence[Taken]:
        return [Taken(msisdn=m.msisdn, body=m.body, name=str(m.id)) for m in self._books]

    def unacceptable(self) -> tuple[Provider, Message]:
        return self.provider(), message(1)

    def partly_unacceptable(self) -> tuple[Provider, Sequence[Message]]:
        return self.provider(), [message(11), message(12)]

    async def silent(self) -> Provider | None:
        return self.provider()

    async def away(self) -> Provider | None:
        return self.provider()

    async def busy(self) -> Provider | None:
        return self.provider()

    def calls_back(self, report: Report, taken: Taken) -> ReceiptRequest | None:
        return callback(f"code={report}".encode(), message_id=int(taken.name or 0))

    def forgeries(self, request: ReceiptRequest) -> Sequence[ReceiptRequest]:
        return [request]


def long_text(suite: Conformance, side: FarSide) -> Awaitable[None]:
    return suite.test_a_text_arrives_as_it_was_or_is_refused(side, "я" * 1000)


def delivered(suite: Conformance, side: FarSide) -> Awaitable[None]:
    return suite.test_a_report_finds_its_message_and_has_a_mapped_code(side, "delivered")


@pytest.mark.parametrize(
    ("liar", "case"),
    [
        (Shortens, long_text),
        (ForgetsOne, Conformance.test_a_batch_arrives_once_each_and_each_has_one_result),
        (AnswersTwice, Conformance.test_a_batch_arrives_once_each_and_each_has_one_result),
        (SendsTwice, Conformance.test_a_batch_arrives_once_each_and_each_has_one_result),
        (NeverLate, Conformance.test_no_submission_begins_after_the_deadline),
        (SaysNotSubmitted, Conformance.test_nothing_was_handed_to_a_provider_that_is_away),
        (SaysNotSubmitted, Conformance.test_a_message_without_an_answer_is_uncertain),
        (RetriesTheLost, Conformance.test_a_message_without_an_answer_is_uncertain),
        (RetriesTheLost, Conformance.test_a_busy_provider_costs_no_attempt_and_takes_nothing),
        (RejectsAll, Conformance.test_a_refused_message_does_not_take_its_neighbours_along),
        (Liar, Conformance.test_refused_for_good_is_a_rejection_that_says_why),
        (GuessesReceipts, delivered),
        (GuessesReceipts, Conformance.test_a_late_report_finds_its_message),
        (BelievesAnybody, Conformance.test_a_forged_report_is_refused),
    ],
)
async def test_a_broken_promise_is_noticed(liar: type[Liar], case: Case, tmp_path: Path) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        await case(ours.TestFake(), LyingSide(tmp_path, liar))


async def test_an_honest_one_passes_the_same_cases(tmp_path: Path) -> None:
    side = LyingSide(tmp_path, Liar)
    await ours.TestFake().test_a_batch_arrives_once_each_and_each_has_one_result(side)
    await long_text(ours.TestFake(), LyingSide(tmp_path, Liar))
    await delivered(ours.TestFake(), LyingSide(tmp_path, Liar))
    await ours.TestFake().test_no_submission_begins_after_the_deadline(LyingSide(tmp_path, Liar))
