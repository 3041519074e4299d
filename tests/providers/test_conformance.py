"""What every adapter promises, each against its real far side."""

from __future__ import annotations

import re
import time
from contextlib import aclosing
from pathlib import Path

import pytest

from providers import registry
from providers.base import (
    Accepted,
    MalformedReceipt,
    Receipt,
    ReceiptRequest,
    Rejected,
    Retry,
    SettingsError,
    Uncertain,
)
from tests.providers.conftest import Adapter, FarSide
from tests.support.messages import FIRST_ID, message, send_all
from tests.support.waiting import eventually

SEED = Path(__file__).parents[2] / "sql" / "seed"


def known_codes(adapter: str) -> dict[str, str | None]:
    """Code → state, as the migration puts it into sms.receipt_code."""
    rows = re.findall(
        rf"\('{adapter}', '([^']+)', (null|'[a-z]+'),",
        "".join(path.read_text() for path in SEED.glob("*receipt_codes*.sql")),
    )
    return {code: None if state == "null" else state.strip("'") for code, state in rows}


async def test_each_message_has_one_result_and_arrives_once(far_side: FarSide) -> None:
    batch = [message(number) for number in range(1, 51)]
    async with far_side.healthy() as provider:
        results = [result async for result in provider.send(batch)]
        await eventually(lambda: len(far_side.taken()) >= len(batch))
    assert sorted(result.id for result in results) == [one.id for one in batch]
    assert all(isinstance(result, Accepted) for result in results)
    assert sorted(far_side.taken()) == [one.id for one in batch]


async def test_receipts_carry_our_id_and_a_code_that_is_mapped(far_side: FarSide) -> None:
    async with far_side.healthy() as provider:
        await send_all(provider, [message(number) for number in (1, 2, 3)])
        await eventually(lambda: len(far_side.receipts) == 3)
    assert {receipt.message_id for receipt in far_side.receipts} == {
        FIRST_ID + number for number in (1, 2, 3)
    }
    codes = known_codes(far_side.adapter)
    assert {codes[receipt.code] for receipt in far_side.receipts} == {"delivered"}
    assert all(receipt.error is None and receipt.raw for receipt in far_side.receipts)


async def test_refused_for_now_is_a_retry_and_nothing_was_taken(far_side: FarSide) -> None:
    async with await far_side.refusing_for_now() as provider:
        results = await send_all(provider, [message(1), message(2)])
    assert [type(result) for result in results] == [Retry, Retry]
    assert far_side.taken() == []


async def test_refused_for_good_is_a_rejection(far_side: FarSide) -> None:
    provider, bad = far_side.unacceptable()
    async with provider:
        [result] = await send_all(provider, [bad])
    assert isinstance(result, Rejected)
    assert result.detail
    assert far_side.taken() == []


async def test_a_lost_answer_is_uncertain(far_side: FarSide) -> None:
    async with await far_side.losing_answers() as provider:
        [result] = await send_all(provider, [message(1)])
    assert isinstance(result, Uncertain)


async def test_no_submission_begins_after_the_deadline(far_side: FarSide) -> None:
    async with far_side.healthy() as provider:
        results = await send_all(provider, [message(1)], until=time.monotonic())
    assert [(type(result), result.id) for result in results] == [(Retry, FIRST_ID + 1)]
    assert isinstance(results[0], Retry)
    assert results[0].throttled
    assert far_side.taken() == []


async def test_an_iterator_closed_early_leaves_the_provider_usable(far_side: FarSide) -> None:
    async with far_side.healthy() as provider:
        async with aclosing(provider.send([message(n) for n in range(1, 40)])) as results:  # type: ignore[type-var]
            await anext(results)
        assert [type(r) for r in await send_all(provider, [message(50)])] == [Accepted]


async def test_an_empty_batch_has_no_results(far_side: FarSide) -> None:
    async with far_side.healthy() as provider:
        assert await send_all(provider, []) == []


async def test_capacity_of_a_healthy_provider_lets_a_message_through(far_side: FarSide) -> None:
    async with far_side.healthy() as provider:
        room = await provider.capacity()
    assert room is None or room > 0


def test_the_registry_makes_a_provider_from_its_row(adapter: Adapter) -> None:
    provider = adapter.make()
    assert adapter.name in registry.adapters()
    assert provider.name == "main"
    assert provider.limits.max_batch > 0
    assert provider.acknowledge().status == 200


def test_a_wrong_setting_is_named_in_one_sentence(adapter: Adapter) -> None:
    key, value = adapter.wrong
    with pytest.raises(SettingsError) as caught:
        adapter.make(adapter.settings | {key: value})
    assert str(caught.value).startswith(f'Provider "main": setting "{key}": ')
    assert "\n" not in str(caught.value)


def test_an_unknown_setting_is_refused_with_the_known_ones(adapter: Adapter) -> None:
    with pytest.raises(SettingsError, match=r'setting "prallel": .*known: .*max_batch'):
        adapter.make(adapter.settings | {"prallel": 1})


@pytest.mark.parametrize(
    ("message_id", "query"), [(1, b""), (None, b""), (1, b"\xff=%zz&&;"), (None, b"type=1&code=1")]
)
def test_a_callback_that_is_no_receipt_is_malformed(
    adapter: Adapter, message_id: int | None, query: bytes
) -> None:
    with pytest.raises(MalformedReceipt):
        adapter.make().parse_receipt(callback(message_id, query))


def test_a_callback_read_twice_gives_the_same_receipt(adapter: Adapter) -> None:
    request = callback(7, b"type=1&ts=1763869000&reply=x&code=delivered")
    first, second = (adapter.make().parse_receipt(request) for _ in range(2))
    assert [_without_time(one) for one in first] == [_without_time(one) for one in second]


def callback(message_id: int | None, query: bytes) -> ReceiptRequest:
    return ReceiptRequest(method="GET", message_id=message_id, query=query, headers={}, body=b"")


def _without_time(receipt: Receipt) -> tuple[object, ...]:
    return (receipt.message_id, receipt.ref, receipt.code, receipt.error, receipt.raw)


def test_an_unknown_adapter_is_answered_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r'No adapter "carrier_pigeon".*fake, kannel'):
        registry.load("carrier_pigeon")
