"""A batch and its messages, without any SMSC."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import Accepted, Rejected, Result, Retry, Uncertain
from providers.smpp.outgoing import PART_TRIES, Job, Outgoing, later
from tests.support.messages import message


async def test_a_result_for_a_waiter_that_was_just_cancelled_harms_nobody() -> None:
    job = Job([message(1)], None)
    waiter = asyncio.create_task(job.results())
    await asyncio.sleep(0)
    waiter.cancel()
    job.add(later(message(1), "too late"))  # before the waiter hears of its end
    with pytest.raises(asyncio.CancelledError):
        await waiter


async def test_results_after_the_end_are_dropped() -> None:
    job = Job([message(1), message(2)], None)
    job.close()
    job.add(later(message(1), "too late"))
    assert not job.left
    assert not job._results


events = st.lists(st.sampled_from(["take", "refuse", "turn away", "lose"]), max_size=60)


@given(parts=st.integers(1, 6), window=st.integers(1, 6), fates=events, seed=st.integers())
def test_whatever_becomes_of_the_parts_there_is_one_result_and_it_is_true(
    parts: int, window: int, fates: list[str], seed: int
) -> None:
    """Answers come in any order; after the given ones every part is taken."""
    job = Job([message(1)], None)
    outgoing = Outgoing(job, message(1), [b""] * parts)
    order = random.Random(seed)
    left, taken, turns = list(fates), set[int](), 0
    open_parts: list[int] = []
    while outgoing.has_more or open_parts:
        while outgoing.has_more and len(open_parts) < window:
            open_parts.append(outgoing.next_part()[0])
        part = open_parts.pop(order.randrange(len(open_parts)))
        assert part not in taken, "a part that was taken must not be written again"
        match left.pop(0) if left else "take":
            case "take":
                taken.add(part)
                turns += outgoing.accepted(part, f"ref{part}")
            case "refuse":
                outgoing.refused(part, "refused", "rejected")
            case "turn away":
                turns += outgoing.refused(part, "too fast", "throttled")
            case "lose":
                outgoing.unanswered("lost")
    [result] = job._results
    assert turns <= PART_TRIES
    _is_true(result, taken, parts, set(fates[: len(fates) - len(left)]))


def _is_true(result: Result, taken: set[int], parts: int, fates: set[str]) -> None:
    match result:
        case Accepted():
            assert taken == set(range(parts))
            assert result.refs == tuple(f"ref{part}" for part in range(parts))
        case Rejected():
            assert "refuse" in fates
            assert "lose" not in fates
        case Retry():
            assert not taken
            assert fates == {"turn away"}
            assert result.throttled
        case Uncertain():
            assert "lose" in fates or (taken and "turn away" in fates)
