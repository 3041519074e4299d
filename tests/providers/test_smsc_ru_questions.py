"""Asking smsc.ru: whether it has a message, what became of it, how much money is left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from providers.base import (
    Awaiting,
    Balance,
    CanBeAsked,
    CanBePolled,
    Doubtful,
    Found,
    HasBalance,
    Message,
    NamesMessages,
    ProviderError,
    SharesUrl,
)
from providers.smsc_ru import SmscRuProvider
from tests.peers.smsc_ru import SmscRuPeer, smsc_ru_peer
from tests.support.messages import message, send_all
from tests.support.smsc_ru import provider_for
from tests.support.waiting import eventually

NOW = datetime.now(UTC)
SHORT = 0.3


@pytest.fixture
async def peer() -> AsyncIterator[SmscRuPeer]:
    """A service of one's own, whose minute is short."""
    async with smsc_ru_peer(minute_s=SHORT, delivery_s=0.0) as peer:
        yield peer
        assert peer.rules.offences == []


def doubtful(messages: Sequence[Message], keys: Sequence[str | None]) -> list[Doubtful]:
    return [
        Doubtful(id=m.id, msisdn=m.msisdn, submitted_at=NOW, ref=key)
        for m, key in zip(messages, keys, strict=True)
    ]


async def ask(provider: SmscRuProvider, questions: list[Doubtful]) -> Sequence[Found]:
    """Ask as soon as it may be asked again."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await provider.lookup(questions)
            except ProviderError:
                await asyncio.sleep(0.02)


async def test_the_adapter_has_every_optional_part(peer: SmscRuPeer) -> None:
    provider = provider_for(peer)
    assert all(
        isinstance(provider, part)
        for part in (NamesMessages, CanBeAsked, CanBePolled, HasBalance, SharesUrl)
    )


async def test_a_message_whose_answer_was_lost_is_present_and_one_that_never_left_is_absent(
    peer: SmscRuPeer,
) -> None:
    peer.terms.outcomes = {"2": (20, 1)}
    sent, unsent = [message(1), message(2)], [message(3)]
    peer.once = ["lost"]
    async with provider_for(peer) as provider:
        keys = provider.keys(sent)
        await send_all(provider, sent)
        questions = doubtful([*sent, *unsent], [*keys, *provider.keys(unsent)])
        delivered, failed, absent = await provider.lookup(questions)
    assert [one.verdict for one in (delivered, failed, absent)] == ["present", "present", "absent"]
    assert delivered.receipt is not None
    assert (delivered.receipt.message_id, delivered.receipt.ref) == (sent[0].id, keys[0])
    assert (delivered.receipt.code, delivered.receipt.error) == ("1", None)
    assert delivered.receipt.occurred_at == datetime(2023, 3, 17, 13, 47, 56, tzinfo=UTC)
    assert failed.receipt is not None
    assert (failed.receipt.code, failed.receipt.error) == ("20", "1")


async def test_one_that_is_still_on_its_way_is_present_without_a_receipt(peer: SmscRuPeer) -> None:
    peer.terms.delivery_s = 3600
    async with provider_for(peer) as provider:
        keys = provider.keys([message(1)])
        await send_all(provider, [message(1)])
        [found] = await provider.lookup(doubtful([message(1)], keys))
    assert (found.verdict, found.receipt) == ("present", None)


async def test_several_are_asked_about_in_one_question_a_minute(peer: SmscRuPeer) -> None:
    batch = [message(n) for n in range(1, 6)]
    async with provider_for(peer, minute_s=60) as provider:
        questions = doubtful(batch, provider.keys(batch))
        assert {one.verdict for one in await provider.lookup(questions)} == {"absent"}
        with pytest.raises(ProviderError, match="once a minute"):
            await provider.lookup(questions)
        assert provider.asking.every > timedelta(seconds=60)
        assert provider.asking.absent_after >= timedelta(seconds=60)
        assert provider.asking.max_batch == 200
    assert peer.rules.asked == {"status.php": 1}


async def test_asked_too_often_it_answers_nothing_and_that_is_no_absence(peer: SmscRuPeer) -> None:
    batch = [message(1), message(2)]
    async with provider_for(peer) as one, provider_for(peer) as other:
        questions = doubtful(batch, one.keys(batch))
        await one.lookup(questions)
        with pytest.raises(ProviderError, match="error 9"):
            await other.lookup(questions)


async def test_without_an_answer_nothing_is_said(peer: SmscRuPeer) -> None:
    await peer.stop()
    async with provider_for(peer) as provider:
        with pytest.raises(ProviderError, match="cannot be reached"):
            await provider.lookup(doubtful([message(1)], ["1.a:79070000001"]))


async def test_a_message_without_a_name_stays_unknown(peer: SmscRuPeer) -> None:
    async with provider_for(peer) as provider:
        [found] = await provider.lookup(doubtful([message(1)], [None]))
    assert found.verdict == "unknown"
    assert peer.forms == []


async def test_the_whole_way_of_a_doubt(peer: SmscRuPeer) -> None:
    """Cut before it was looked at; absent twice; the second try has another name and arrives."""
    peer.once = ["drop"]
    one = message(1)
    async with provider_for(peer) as provider:
        keys = provider.keys([one])
        await send_all(provider, [one])
        first = await ask(provider, doubtful([one], keys))
        second = await ask(provider, doubtful([one], keys))
        assert [found.verdict for found in (*first, *second)] == ["absent", "absent"]
        assert provider.keys([one]) != keys
        await send_all(provider, [one])
    assert [sms.phone for sms in peer.sent] == [str(one.msisdn)]


async def test_an_unpaid_record_of_an_earlier_try_is_not_taken_for_the_later_one(
    peer: SmscRuPeer,
) -> None:
    one = message(1)
    peer.terms.balance = Decimal(0)
    async with provider_for(peer, money_rest_s=0.01) as provider:
        earlier = provider.keys([one])
        await send_all(provider, [one])
        later = provider.keys([one])
        questions = doubtful([one, one], [*earlier, *later])
        unpaid, never_left = await provider.lookup(questions)
    assert unpaid.receipt is not None
    assert unpaid.receipt.code == "24"
    assert never_left.verdict == "absent"


async def test_polling_tells_what_callbacks_missed_and_only_news(peer: SmscRuPeer) -> None:
    peer.terms.outcomes = {"2": (3, 6)}
    batch = [message(1), message(2), message(3)]
    async with provider_for(peer) as provider:
        keys = provider.keys(batch)
        await send_all(provider, batch[:2])
        waiting = [
            Awaiting(id=m.id, msisdn=m.msisdn, submitted_at=NOW, ref=key)
            for m, key in zip(batch, keys, strict=True)
        ]
        receipts = await provider.poll(waiting)
    assert [(r.message_id, r.ref, r.code, r.error) for r in receipts] == [
        (batch[0].id, keys[0], "1", None),
        (batch[1].id, keys[1], "3", "6"),
    ]


async def test_the_balance_comes_from_its_page_and_then_with_the_answers(peer: SmscRuPeer) -> None:
    peer.terms.balance, peer.terms.credit = Decimal("100.50"), Decimal("20")
    async with provider_for(peer) as provider:
        assert await provider.balance() == Balance(amount=Decimal("120.50"), currency="RUB")
        await send_all(provider, [message(1)])
        assert await provider.balance() == Balance(amount=Decimal("119.10"), currency="RUB")
    assert peer.rules.asked["balance.php"] == 1


async def test_a_balance_that_is_not_told_is_an_error(peer: SmscRuPeer) -> None:
    async with provider_for(peer, key="wrong") as provider:
        with pytest.raises(ProviderError, match="error 2"):
            await provider.balance()
    await eventually(lambda: peer.rules.errors[2] == 1)
