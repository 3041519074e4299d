"""The optional parts that ask the provider: look-ups, polls, the balance."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from providers.base import (
    Accepted,
    Awaiting,
    CanBeAsked,
    CanBePolled,
    Doubtful,
    HasBalance,
    Message,
    NamesMessages,
    Provider,
    Uncertain,
)
from providers.conformance.far_side import Cases, FarSide, eventually, message, needed, send_all


class AskingCases(Cases):
    """A provider that can be asked says what it knows, and "unknown" where it does not."""

    async def test_a_message_whose_answer_was_lost_is_found(self, far_side: FarSide) -> None:
        skip_unless(far_side.provider(), CanBeAsked)
        one = message(11)
        deaf = needed(await far_side.silent(), "a silent peer")
        async with deaf:
            doubt = _doubtful(one, deaf)
            assert isinstance((await send_all(deaf, [one]))[0], Uncertain)
        await far_side.well_again()
        if not far_side.taken():
            pytest.skip("not with this provider: a peer that takes a message and loses the answer")
        provider = far_side.provider()
        assert isinstance(provider, CanBeAsked)
        async with provider:
            [found] = await provider.lookup([doubt])
        assert (found.id, found.verdict) == (one.id, "present")

    async def test_a_message_that_never_came_is_not_found(self, far_side: FarSide) -> None:
        provider = far_side.provider()
        skip_unless(provider, CanBeAsked)
        assert isinstance(provider, CanBeAsked)
        one = message(11)
        async with provider:
            found = await provider.lookup([_doubtful(one, provider)])
        assert all(item.verdict in ("absent", "unknown") for item in found)
        assert {item.id for item in found} <= {one.id}

    async def test_nobody_learns_from_nonsense_that_a_message_is_absent(
        self, far_side: FarSide
    ) -> None:
        skip_unless(far_side.provider(), CanBeAsked)
        garbled = needed(await far_side.garbled(), "a peer that talks nonsense")
        one = message(11)
        async with garbled:
            try:
                found = await garbled.lookup([_doubtful(one, garbled)])
            except Exception:  # any error means unknown
                return
        assert all(item.verdict == "unknown" for item in found)

    async def test_a_poll_tells_only_of_messages_asked_for(self, far_side: FarSide) -> None:
        provider = far_side.provider()
        skip_unless(provider, CanBePolled)
        assert isinstance(provider, CanBePolled)
        batch = [message(11), message(12)]
        async with provider:
            keys = provider.keys(batch) if isinstance(provider, NamesMessages) else [None, None]
            results = await send_all(provider, batch)
            await eventually(lambda: len(far_side.taken()) == 2)
            waiting = [
                Awaiting(
                    id=one.id,
                    msisdn=one.msisdn,
                    submitted_at=datetime.now(UTC),
                    ref=result.refs[0] if isinstance(result, Accepted) and result.refs else key,
                )
                for one, result, key in zip(batch, results, keys, strict=True)
            ]
            receipts = await provider.poll(waiting[:1])
        assert len(receipts) <= 1
        for receipt in receipts:
            assert receipt.message_id == batch[0].id or receipt.ref == waiting[0].ref
            assert receipt.code in self.paper.codes

    async def test_asking_has_limits(self, far_side: FarSide) -> None:
        provider = far_side.provider()
        if not isinstance(provider, CanBeAsked | CanBePolled):
            pytest.skip("not with this provider: questions")
        assert provider.asking.max_batch > 0
        assert provider.asking.answer_s > 0

    async def test_the_balance_is_a_decimal(self, far_side: FarSide) -> None:
        provider = far_side.provider()
        skip_unless(provider, HasBalance)
        assert isinstance(provider, HasBalance)
        async with provider:
            balance = await provider.balance()
        assert isinstance(balance.amount, Decimal)
        assert balance.amount.is_finite()
        assert len(balance.currency) == 3


def skip_unless(provider: Provider, part: Any) -> None:
    """Skip the case where the provider lacks an optional part of the contract."""
    if not isinstance(provider, part):
        pytest.skip(f"not with this provider: {part.__name__}")


def _doubtful(one: Message, provider: Provider) -> Doubtful:
    return Doubtful(
        id=one.id, msisdn=one.msisdn, submitted_at=datetime.now(UTC), ref=_key(one, provider)
    )


def _key(one: Message, provider: Provider) -> str | None:
    if not isinstance(provider, NamesMessages):
        return None
    return provider.keys([one])[0]
