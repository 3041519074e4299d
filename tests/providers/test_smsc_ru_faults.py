"""smsc.ru when it is slow, away or not itself: what may have arrived is doubt, the rest is not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from providers.base import Accepted, Retry, Uncertain
from tests.peers.smsc_ru import SmscRuPeer, smsc_ru_peer
from tests.support.messages import message, send_all
from tests.support.smsc_ru import provider_for
from tests.support.waiting import eventually


@pytest.fixture
async def peer() -> AsyncIterator[SmscRuPeer]:
    """A service of one's own."""
    async with smsc_ru_peer() as peer:
        yield peer
        assert peer.rules.offences == []


@pytest.fixture
async def backup() -> AsyncIterator[SmscRuPeer]:
    """Its backup host: another server with the same account."""
    async with smsc_ru_peer() as backup:
        yield backup
        assert backup.rules.offences == []


@pytest.mark.parametrize(
    ("fault", "taken"),
    [
        ("drop", 0),
        ("lost", 2),
        ("hang", 2),
        ("hang_first", 0),
        ("cut", 2),
        ("garbage", 2),
        ("http_500", 2),
        ("http_502", 0),
    ],
)
async def test_without_a_readable_answer_it_is_uncertain_and_the_backup_is_not_asked(
    peer: SmscRuPeer, backup: SmscRuPeer, fault: str, taken: int
) -> None:
    peer.once = [fault]
    async with provider_for(peer, backup_url=backup.url, timeout_s=0.4) as provider:
        results = await send_all(provider, [message(1), message(2)])
    assert [type(result) for result in results] == [Uncertain, Uncertain]
    assert len(peer.sent) == taken
    assert backup.forms == []


async def test_a_late_answer_is_doubt_and_the_message_is_there(peer: SmscRuPeer) -> None:
    peer.once = ["late"]
    async with provider_for(peer, timeout_s=0.3) as provider:
        [result] = await send_all(provider, [message(1)])
        assert isinstance(result, Uncertain)
        assert peer.sent == []
        await eventually(lambda: len(peer.sent) == 1)


async def test_a_host_that_cannot_be_reached_has_taken_nothing_so_the_backup_is_asked(
    peer: SmscRuPeer, backup: SmscRuPeer
) -> None:
    await peer.stop()
    async with provider_for(peer, backup_url=backup.url) as provider:
        with capture_logs() as logs:
            keys = provider.keys([message(1)])
            [first] = await send_all(provider, [message(1)])
            [second] = await send_all(provider, [message(2)])
    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    assert [f"{sms.batch_id}:{sms.phone}" for sms in backup.sent][:1] == keys
    # The second did not even try the first host.
    assert [log["event"] for log in logs] == ["smsc_ru_host"]


async def test_a_name_that_does_not_resolve_is_as_good_as_a_refusal(backup: SmscRuPeer) -> None:
    nowhere = {"url": "http://smsc.invalid", "backup_url": backup.url}
    async with provider_for(backup, **nowhere) as provider:
        [result] = await send_all(provider, [message(1)])
    assert isinstance(result, Accepted)


async def test_a_host_that_speaks_no_tls_has_read_nothing(backup: SmscRuPeer) -> None:
    spoilt = {"url": backup.url.replace("http:", "https:"), "backup_url": backup.url}
    async with provider_for(backup, **spoilt) as provider:
        [result] = await send_all(provider, [message(1)])
    assert isinstance(result, Accepted)
    assert len(backup.forms) == 1


async def test_with_both_hosts_away_nothing_is_doubtful_and_the_account_rests(
    peer: SmscRuPeer, backup: SmscRuPeer
) -> None:
    await peer.stop()
    await backup.stop()
    batch = [message(n, msisdn=79_070_000_001) for n in (1, 2, 3)]
    async with provider_for(peer, backup_url=backup.url, parallel=1, back_off_s=0.2) as provider:
        results = await send_all(provider, batch)
        assert all(isinstance(result, Retry) and result.throttled for result in results)
        assert await provider.capacity() == 0
        await peer.start()
        await eventually_one(provider)
        [result] = await send_all(provider, [message(9)])
        assert isinstance(result, Accepted)
        assert await provider.capacity() == 100


async def eventually_one(provider: object) -> None:
    """Wait for the first message that the account takes on trial."""
    async with asyncio.timeout(10):
        while (room := await provider.capacity()) == 0:  # type: ignore[attr-defined]  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert room == 1


async def test_after_a_lost_answer_the_rest_of_the_batch_is_not_begun(peer: SmscRuPeer) -> None:
    peer.once = ["lost"]
    batch = [message(n, msisdn=79_070_000_001, body=f"Текст {n}") for n in range(1, 5)]
    async with provider_for(peer, parallel=1) as provider:
        results = await send_all(provider, batch)
    assert [type(result) for result in results] == [Uncertain, Retry, Retry, Retry]
    assert len(peer.sent) == 1


async def test_too_many_at_once_by_the_services_count_is_doubt(peer: SmscRuPeer) -> None:
    peer.terms.parallel = 2
    peer.latency_s = 0.2
    batch = [message(n, "a|b") for n in range(1, 5)]
    async with provider_for(peer, parallel=4) as provider:
        results = await send_all(provider, batch)
    assert Uncertain in {type(result) for result in results}
    assert len(peer.sent) == sum(isinstance(result, Accepted) for result in results)


async def test_a_submission_that_waits_for_its_turn_does_not_begin_too_late(
    peer: SmscRuPeer,
) -> None:
    peer.latency_s = 0.3
    batch = [message(n, "a|b") for n in range(1, 4)]
    async with provider_for(peer, parallel=1) as provider:
        results = await send_all(provider, batch, until=time.monotonic() + 0.1)
    assert [type(result) for result in results] == [Accepted, Retry, Retry]
    assert len(peer.sent) == 1


async def test_a_send_that_is_given_up_frees_its_place(peer: SmscRuPeer) -> None:
    peer.once = ["hang"]
    async with provider_for(peer, parallel=1, timeout_s=10) as provider:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await send_all(provider, [message(1)])
        [result] = await send_all(provider, [message(2)])
    assert isinstance(result, Accepted)
