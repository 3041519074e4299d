"""Many receipts to a commit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from outbox.errors import DatabaseAway, DatabaseError
from outbox.receipts import Receipt, ReceiptBatcher
from providers.base import Receipt as RealReceipt


def receipt(number: int) -> RealReceipt:
    return RealReceipt(
        message_id=number, ref=None, code="1", error=None, occurred_at=None, raw=f"n={number}"
    )


class Store:
    """Takes a moment for each commit and remembers them; numbers in `bad` cannot be stored."""

    def __init__(self) -> None:
        self.commits: list[tuple[str, list[int | None]]] = []
        self.bad: dict[int, Exception] = {}
        self.at_once = 0

    async def record(self, provider: str, receipts: Sequence[Receipt]) -> None:
        self.at_once += 1
        assert self.at_once == 1
        await asyncio.sleep(0.01)
        self.at_once -= 1
        numbers = [one.message_id for one in receipts]
        for number in numbers:
            if number in self.bad:
                raise self.bad[number]
        self.commits.append((provider, numbers))


async def test_a_lone_receipt_is_stored_at_once_and_a_crowd_shares_a_commit() -> None:
    store = Store()
    batcher = ReceiptBatcher(store.record)
    await asyncio.gather(*(batcher.put("post", [receipt(n)]) for n in range(50)))
    assert [len(numbers) for _, numbers in store.commits] == [50]
    first = asyncio.create_task(batcher.put("post", [receipt(50)]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await asyncio.gather(first, *(batcher.put("post", [receipt(n)]) for n in range(51, 60)))
    assert [len(numbers) for _, numbers in store.commits[1:]] == [1, 9]
    await batcher.put("post", [])
    assert len(store.commits) == 3


async def test_a_commit_is_no_larger_than_told_and_a_put_stays_whole() -> None:
    store = Store()
    batcher = ReceiptBatcher(store.record, max_batch=4)
    puts = ([receipt(n) for n in range(10 * k, 10 * k + 3)] for k in range(3))
    await asyncio.gather(*(batcher.put("post", put) for put in puts))
    assert [len(numbers) for _, numbers in store.commits] == [3, 3, 3]


async def test_an_outage_fails_all_and_the_next_put_works() -> None:
    store = Store()
    store.bad[1] = DatabaseAway("away")
    batcher = ReceiptBatcher(store.record)
    puts = [batcher.put("post", [receipt(n)]) for n in (1, 2)]
    failed = await asyncio.gather(*puts, return_exceptions=True)
    assert [type(error) for error in failed] == [DatabaseAway, DatabaseAway]
    await batcher.put("post", [receipt(2)])
    assert store.commits == [("post", [2])]


async def test_one_unstorable_receipt_does_not_take_its_neighbours_along() -> None:
    store = Store()
    store.bad[2] = DatabaseError("no")
    batcher = ReceiptBatcher(store.record)
    puts = [batcher.put("post", [receipt(n)]) for n in (1, 2, 3)]
    failed = await asyncio.gather(*puts, return_exceptions=True)
    assert [type(error) for error in failed] == [type(None), DatabaseError, type(None)]
    assert sorted(numbers for _, numbers in store.commits) == [[1], [3]]


async def test_a_caller_that_goes_away_does_not_undo_the_commit() -> None:
    store = Store()
    batcher = ReceiptBatcher(store.record)
    put = asyncio.create_task(batcher.put("post", [receipt(1)]))
    await asyncio.sleep(0.001)
    put.cancel()
    with pytest.raises(asyncio.CancelledError):
        await put
    await batcher.close()
    assert store.commits == [("post", [1])]
