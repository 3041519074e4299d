"""The in-process provider does what its settings say."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from providers.base import (
    Accepted,
    Context,
    Receipt,
    ReceiptRequest,
    Rejected,
    Retry,
    Uncertain,
)
from providers.fake import FakeProvider
from tests.support.messages import FIRST_ID, message, send_all
from tests.support.waiting import eventually


class Heard:
    """A sink that can be away."""

    def __init__(self) -> None:
        self.receipts: list[Receipt] = []
        self.sizes: list[int] = []
        self.is_away = False

    async def __call__(self, receipts: Sequence[Receipt]) -> None:
        if self.is_away:
            raise ConnectionError("the database is away")
        self.receipts.extend(receipts)
        self.sizes.append(len(receipts))


@pytest.fixture
def heard() -> Heard:
    return Heard()


def fake(heard: Heard, **settings: Any) -> FakeProvider:
    return FakeProvider("main", settings, None, Context(sink=heard))


def lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


async def test_the_log_holds_a_submission_before_it_is_answered(
    heard: Heard, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    async with fake(heard, log=str(log), latency_ms=60_000) as provider:
        answer = asyncio.ensure_future(anext(provider.send([message(3)])))
        await eventually(lambda: log.exists() and log.stat().st_size)
        [line] = lines(log)
        assert not answer.done()
        answer.cancel()
        await asyncio.wait([answer])
    assert line["id"] == str(FIRST_ID + 3)  # a string: 2^53 + 3 is no JSON number
    assert abs(datetime.now(UTC) - datetime.fromisoformat(line["at"])).total_seconds() < 60


async def test_two_workers_share_a_log(heard: Heard, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text('{"id":"1","at":"earlier"}\n')
    async with fake(heard, log=str(log)) as one, fake(heard, log=str(log)) as other:
        await asyncio.gather(
            send_all(one, [message(n) for n in range(0, 100, 2)]),
            send_all(other, [message(n) for n in range(1, 100, 2)]),
        )
    assert sorted(int(line["id"]) for line in lines(log)) == [
        1,
        *(FIRST_ID + n for n in range(100)),
    ]


async def test_shares_are_what_was_asked_for_and_repeatable(heard: Heard, tmp_path: Path) -> None:
    log = tmp_path / "log"
    settings = {
        "error_rate": 0.2,
        "reject_rate": 0.1,
        "uncertain_rate": 0.05,
        "seed": 42,
        "log": str(log),
    }
    batch = [message(n) for n in range(1000)]
    async with fake(heard, **settings) as provider:
        results = await send_all(provider, batch)
    kinds = [type(result) for result in results]
    assert 150 <= kinds.count(Retry) <= 250
    assert 60 <= kinds.count(Rejected) <= 140
    assert 25 <= kinds.count(Uncertain) <= 75
    taken = {result.id for result in results if isinstance(result, Accepted | Uncertain)}
    assert {int(line["id"]) for line in lines(log)} == taken
    async with fake(heard, **settings) as again:
        assert await send_all(again, batch) == results


async def test_latency_is_once_a_batch(heard: Heard) -> None:
    async with fake(heard, latency_ms=100) as provider:
        started = time.monotonic()
        await send_all(provider, [message(n) for n in range(50)])
        took = time.monotonic() - started
        assert provider.limits.answer_s == 0.1
    assert 0.1 <= took < 2


async def test_without_a_delay_setting_there_are_no_receipts(heard: Heard) -> None:
    async with fake(heard) as provider:
        await send_all(provider, [message(1)])
    assert heard.receipts == []


async def test_receipts_come_in_batches_after_the_delay(heard: Heard) -> None:
    async with fake(heard, receipt_delay_ms=50, undelivered_rate=0.5, seed=1) as provider:
        await send_all(provider, [message(n) for n in range(1000)])
        await send_all(provider, [message(n) for n in range(1000, 1500)])
        assert heard.receipts == []
        await eventually(lambda: len(heard.receipts) == 1500)
    assert heard.sizes == [1000, 500]
    codes = [receipt.code for receipt in heard.receipts]
    assert 650 <= codes.count("undelivered") <= 850
    assert codes.count("delivered") == 1500 - codes.count("undelivered")
    assert {r.error for r in heard.receipts if r.code == "undelivered"} == {"scripted"}


async def test_receipts_wait_while_they_cannot_be_stored(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.fake.SINK_PAUSE_S", 0.01)
    heard.is_away = True
    with capture_logs() as logs:
        async with fake(heard, receipt_delay_ms=0) as provider:
            await send_all(provider, [message(1), message(2)])
            await eventually(lambda: logs)
            heard.is_away = False
            await eventually(lambda: len(heard.receipts) == 2)
    assert {log["event"] for log in logs} == {"fake_receipts_wait"}


async def test_closing_hands_over_the_receipts_still_to_come(heard: Heard) -> None:
    async with fake(heard, receipt_delay_ms=60_000) as provider:
        await send_all(provider, [message(1), message(2)])
    assert {receipt.message_id for receipt in heard.receipts} == {FIRST_ID + 1, FIRST_ID + 2}


async def test_closing_says_how_many_receipts_are_lost(heard: Heard) -> None:
    heard.is_away = True
    with capture_logs() as logs:
        async with fake(heard, receipt_delay_ms=60_000) as provider:
            await send_all(provider, [message(1), message(2)])
    assert [(log["event"], log["lost"]) for log in logs] == [("fake_receipts_lost", 2)]


async def test_it_can_give_its_own_references_one_for_each_segment(heard: Heard) -> None:
    async with fake(heard, receipt_delay_ms=0, receipts_by_ref=True) as provider:
        [result] = await send_all(provider, [message(1, "я" * 71)])
        await eventually(lambda: len(heard.receipts) == 2)
    assert isinstance(result, Accepted)
    assert len(result.refs) == 2
    assert [(r.message_id, r.ref) for r in heard.receipts] == [(None, ref) for ref in result.refs]


def test_a_receipt_can_be_made_by_hand(heard: Heard) -> None:
    query = b"code=undelivered&error=no+such+phone%00"
    [receipt] = fake(heard).parse_receipt(
        ReceiptRequest(method="GET", message_id=5, query=query, headers={}, body=b"")
    )
    assert (receipt.message_id, receipt.code) == (5, "undelivered")
    assert receipt.error == "no such phone\\x00"
