"""Handing over: each message has one result, and the result is true."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import aclosing

import pytest

from providers.base import Accepted, NamesMessages, Rejected, Retry, Uncertain
from providers.conformance.far_side import (
    Cases,
    FarSide,
    eventually,
    message,
    needed,
    send_all,
)

CYRILLIC = (
    "Уважаемый клиент, напоминаем о платеже. Подробности в приложении; не отвечайте. " * 13
)[:1000]
EXTENSION = "Total 5 € {a} [b] ~ ^ | \\ "


class SendingCases(Cases):
    """What send() promises."""

    async def test_a_batch_arrives_once_each_and_each_has_one_result(
        self, far_side: FarSide
    ) -> None:
        batch = [message(number) for number in range(11, 61)]
        async with far_side.provider() as provider:
            results = await send_all(provider, batch)
            await eventually(lambda: len(far_side.taken()) >= len(batch))
        assert {type(result) for result in results} == {Accepted}
        assert Counter(one.msisdn for one in far_side.taken()) == Counter(m.msisdn for m in batch)

    async def test_texts_for_one_number_stay_apart(self, far_side: FarSide) -> None:
        batch = [message(n, f"Текст {n}", msisdn=79_070_000_011) for n in (1, 2, 3)]
        async with far_side.provider() as provider:
            results = await send_all(provider, batch)
            await eventually(lambda: len(far_side.taken()) >= len(batch))
        assert {type(result) for result in results} == {Accepted}
        assert {one.body for one in far_side.taken()} == {m.body for m in batch}

    @pytest.mark.parametrize("body", [CYRILLIC, EXTENSION, EXTENSION * 38, "Ёж 🦔 " * 30])
    async def test_a_text_arrives_as_it_was_or_is_refused(
        self, far_side: FarSide, body: str
    ) -> None:
        async with far_side.provider() as provider:
            [result] = await send_all(provider, [message(1, body)])
            if far_side.longest is not None and len(body) > far_side.longest:
                assert isinstance(result, Rejected), f"too long a text is {result}"
                assert far_side.taken() == []
                return
            assert isinstance(result, Accepted), str(result)
            await eventually(far_side.taken)
        assert [one.body for one in far_side.taken()] == [body]

    async def test_refused_for_good_is_a_rejection_that_says_why(self, far_side: FarSide) -> None:
        provider, bad = far_side.unacceptable()
        async with provider:
            [result] = await send_all(provider, [bad])
        assert isinstance(result, Rejected), str(result)
        assert result.detail
        assert far_side.taken() == []

    async def test_a_refused_message_does_not_take_its_neighbours_along(
        self, far_side: FarSide
    ) -> None:
        provider, batch = far_side.partly_unacceptable()
        async with provider:
            results = await send_all(provider, batch)
            accepted = {result.id for result in results if isinstance(result, Accepted)}
            await eventually(lambda: len(far_side.taken()) >= len(accepted))
        assert {type(result) for result in results} == {Accepted, Rejected}
        assert {one.msisdn for one in far_side.taken()} == {
            m.msisdn for m in batch if m.id in accepted
        }

    async def test_a_busy_provider_costs_no_attempt_and_takes_nothing(
        self, far_side: FarSide
    ) -> None:
        provider = needed(await far_side.busy(), "a busy peer")
        async with provider:
            results = await send_all(provider, [message(1), message(2)])
        assert [type(result) for result in results] == [Retry, Retry]
        assert all(isinstance(r, Retry) and r.throttled and r.detail for r in results), str(results)
        assert far_side.taken() == []

    async def test_nothing_was_handed_to_a_provider_that_is_away(self, far_side: FarSide) -> None:
        provider = needed(await far_side.away(), "a peer that is away")
        async with provider:
            results = await send_all(provider, [message(1), message(2)])
        assert [type(result) for result in results] == [Retry, Retry]
        assert all(isinstance(r, Retry) and r.throttled for r in results), str(results)
        assert far_side.taken() == []

    async def test_a_message_without_an_answer_is_uncertain(self, far_side: FarSide) -> None:
        provider = needed(await far_side.silent(), "a silent peer")
        async with provider:
            [result] = await send_all(provider, [message(1)])
        assert isinstance(result, Uncertain), str(result)

    async def test_an_answer_without_a_sense_is_uncertain(self, far_side: FarSide) -> None:
        provider = needed(await far_side.garbled(), "a peer that talks nonsense")
        async with provider:
            [result] = await send_all(provider, [message(1)])
        assert isinstance(result, Uncertain), str(result)

    async def test_no_submission_begins_after_the_deadline(self, far_side: FarSide) -> None:
        async with far_side.provider() as provider:
            results = await send_all(provider, [message(1), message(2)], until=time.monotonic())
        assert [type(result) for result in results] == [Retry, Retry]
        assert all(isinstance(result, Retry) and result.throttled for result in results)
        assert far_side.taken() == []

    async def test_a_batch_stopped_in_the_middle_leaves_the_provider_usable(
        self, far_side: FarSide
    ) -> None:
        batch = [message(n) for n in range(11, 51)]
        async with far_side.provider() as provider:
            async with aclosing(provider.send(batch)) as results:  # type: ignore[type-var]
                await anext(results)
            [after] = await send_all(provider, [message(99_001)])
            await eventually(lambda: 79_070_099_001 in {one.msisdn for one in far_side.taken()})
        assert isinstance(after, Accepted), str(after)
        seen = Counter(one.msisdn for one in far_side.taken())
        assert max(seen.values()) == 1, "a message was handed over twice"

    async def test_an_empty_batch_has_no_results(self, far_side: FarSide) -> None:
        async with far_side.provider() as provider:
            assert [result async for result in provider.send([])] == []

    async def test_a_provider_that_is_well_has_room(self, far_side: FarSide) -> None:
        async with far_side.provider() as provider:
            room = await provider.capacity()
        assert room is None or room > 0

    async def test_it_can_be_opened_again_after_it_was_closed(self, far_side: FarSide) -> None:
        provider = far_side.provider()
        for number in (1, 2):
            async with provider:
                [result] = await send_all(provider, [message(number)])
                assert isinstance(result, Accepted), str(result)

    async def test_keys_name_each_message_once_and_say_the_same_again(
        self, far_side: FarSide
    ) -> None:
        provider = far_side.provider()
        if not isinstance(provider, NamesMessages):
            pytest.skip("not with this provider: names made by us")
        batch = [message(n, msisdn=79_070_000_000 + n % 3) for n in range(11, 21)]
        keys = provider.keys(batch)
        named = [key for key in keys if key is not None]
        assert len(keys) == len(batch)
        assert len(set(named)) == len(named), "a key was given twice"
        assert list(provider.keys(batch)) == list(keys)
