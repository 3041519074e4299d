"""Several smsc-ids of one Kannel are several providers, and one that is stuck stops only itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from kannel.simulator import Mode
from providers.base import Accepted, Provider
from tests.support.kannel_page import LINKS, STATUS_ENV, TwoLinks, two_links
from tests.support.messages import message, send_all
from tests.support.waiting import eventually

pytestmark = pytest.mark.kannel


@pytest.fixture
async def kannel(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TwoLinks]:
    monkeypatch.setenv(STATUS_ENV, "kannel-status")
    async with two_links() as running:
        yield running


async def fill(provider: Provider, first: int) -> int:
    """Hand over as much as there is room for, as a worker does; how many were taken."""
    taken = 0
    for _ in range(40):
        room = await provider.capacity()
        if room:
            batch = [message(first + taken + n) for n in range(min(room, 10))]
            results = await send_all(provider, batch)
            taken += sum(isinstance(result, Accepted) for result in results)
        await asyncio.sleep(0.03)
    return taken


async def test_each_provider_sends_through_its_own_link(kannel: TwoLinks) -> None:
    async with kannel.listening():
        for start, link in ((1000, "mts"), (2000, "beeline")):
            async with kannel.provider(link) as provider:
                results = await send_all(provider, [message(start + n) for n in range(20)])
            assert {type(result) for result in results} == {Accepted}
        await eventually(lambda: all(len(kannel.receipts[link]) == 20 for link in LINKS))
    for start, link in ((1000, "mts"), (2000, "beeline")):
        numbers = {79_070_000_000 + start + n for n in range(20)}
        assert set(kannel.texts(link)) == numbers
        assert {receipt.message_id for receipt in kannel.receipts[link]} == {
            message(start + n).id for n in range(20)
        }


FORCED = """
group = sendsms-user
username = only_beeline
password = $password
user-deny-ip = "*.*.*.*"
user-allow-ip = "127.0.0.1"
forced-smsc = beeline
max-messages = 255
concatenation = true
"""


async def test_a_user_with_a_forced_link_cannot_choose_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(STATUS_ENV, "kannel-status")
    async with two_links(more=FORCED) as kannel, kannel.listening():
        async with kannel.provider("mts", username="only_beeline") as provider:
            results = await send_all(provider, [message(number) for number in (11, 12)])
        assert {type(result) for result in results} == {Accepted}
        await eventually(lambda: len(kannel.texts("beeline")) == 2)
        assert kannel.texts("mts") == {}


@pytest.mark.parametrize("mode", ["slow", "throttle"])
async def test_a_stuck_link_holds_few_and_leaves_the_other_its_room(
    kannel: TwoLinks, mode: Mode
) -> None:
    kannel.centres["mts"].set_mode(mode)
    async with (
        kannel.listening(),
        kannel.provider("mts", max_queued=30) as stuck,
        kannel.provider("beeline", max_queued=30) as well,
    ):
        held = await fill(stuck, 1000)
        assert 25 <= held <= 40  # max_queued, and what was on its way when the page was read
        assert await stuck.capacity() == 0
        assert await fill(well, 2000) > 60  # twice what could be held: they go through
        await eventually(lambda: len(kannel.receipts["beeline"]) > 60)
        kannel.centres["mts"].set_mode("ok")
        if mode == "throttle":  # one that hangs never answers those it has taken
            await eventually(lambda: len(kannel.receipts["mts"]) == held)
            assert set(Counter(r.message_id for r in kannel.receipts["mts"]).values()) == {1}
