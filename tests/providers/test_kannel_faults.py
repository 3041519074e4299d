"""A real Kannel, a message centre and a receipt listener that fail in the ways they do."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from structlog.testing import capture_logs

from providers.base import Accepted, Provider, Result, Retry, Uncertain
from tests.support.kannel_lab import Lab, kannel_lab
from tests.support.messages import FIRST_ID, message, send_all
from tests.support.waiting import eventually

pytestmark = pytest.mark.kannel

STATUS_ENV = "OUTBOX_SECRET_KANNEL_STATUS"


@pytest.fixture(autouse=True)
def status_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STATUS_ENV, "kannel-status")


def watching(lab: Lab, **changes: object) -> dict[str, object]:
    """Settings of a provider that looks at the status page."""
    return {
        "admin_url": lab.boxes.admin_url,
        "status_secret_env": STATUS_ENV,
        "status_every_s": 0.02,
    } | changes


async def some_room(provider: Provider) -> int | None:
    """The first capacity that is not 0."""
    async with asyncio.timeout(10):
        while True:
            if (room := await provider.capacity()) != 0:
                return room
            await asyncio.sleep(0.02)


async def test_a_refusal_by_the_message_centre_comes_as_receipt_16(lab: Lab) -> None:
    lab.simulator.set_mode("reject")
    async with lab.listening(), lab.provider() as provider:
        assert [type(r) for r in await send_all(provider, [message(1)])] == [Accepted]
        await eventually(lambda: lab.receipts)
    [receipt] = lab.receipts
    assert (receipt.message_id, receipt.code) == (FIRST_ID + 1, "16")
    assert receipt.error == "NACK/0x0000000b/Invalid Destination Address"


async def test_an_undelivered_message_tells_the_operators_own_code(lab: Lab) -> None:
    async with lab.listening(), lab.provider() as provider:
        await send_all(provider, [message(9)])
        await eventually(lambda: lab.receipts)
    [receipt] = lab.receipts
    assert (receipt.code, receipt.error) == ("2", "UNDELIV/001")
    assert receipt.occurred_at is not None


async def test_mask_31_tells_of_acceptance_too(lab: Lab) -> None:
    async with lab.listening(), lab.provider(dlr_mask=31) as provider:
        await send_all(provider, [message(1)])
        await eventually(lambda: len(lab.receipts) == 2)
    assert {receipt.code for receipt in lab.receipts} == {"8", "1"}


async def test_a_throttled_link_fills_the_queue_and_takes_the_room_away(lab: Lab) -> None:
    lab.simulator.set_mode("throttle")
    async with lab.listening(), lab.provider(**watching(lab, max_queued=10)) as provider:
        assert await provider.capacity() == 10
        await send_all(provider, [message(number) for number in range(11, 18)])
        assert await provider.capacity() in (3, 4)
        await send_all(provider, [message(number) for number in range(21, 28)])
        assert await provider.capacity() == 0
        lab.simulator.set_mode("ok")
        await eventually(lambda: len(lab.receipts) == 14)
    assert set(lab.codes().values()) == {"1"}


async def test_a_full_queue_is_throttling_and_costs_no_attempt() -> None:
    async with kannel_lab(queue_limit=5) as lab:
        lab.simulator.set_mode("throttle")
        results: list[Result] = []
        retries: list[Retry] = []
        async with lab.provider(parallel=1) as provider:
            with capture_logs() as logs:
                while not retries and len(results) < 1000:  # as fast as it takes them
                    batch = range(10 + len(results), 60 + len(results))
                    results += await send_all(provider, [message(n) for n in batch])
                    retries = [result for result in results if isinstance(result, Retry)]
    assert any(isinstance(result, Accepted) for result in results)
    assert retries
    assert all(result.throttled and result.after is not None for result in retries)
    assert "Temporal failure" in retries[0].detail
    assert [log["event"] for log in logs] == ["kannel_trouble"]


async def test_a_stopped_smsbox_means_rest_then_one_try_then_all(lab: Lab) -> None:
    lab.boxes.stop_smsbox()
    async with lab.provider(back_off_s=0.1) as provider:
        [refused, held_back] = await send_all(provider, [message(1), message(2)])
        assert isinstance(refused, Retry)
        assert isinstance(held_back, Retry)
        assert refused.throttled
        assert await provider.capacity() == 0
        lab.boxes.start_smsbox()
        assert await some_room(provider) == 1
        assert [type(r) for r in await send_all(provider, [message(1)])] == [Accepted]
        assert await provider.capacity() is None


async def test_a_frozen_bearerbox_leaves_few_in_doubt_and_those_do_arrive(lab: Lab) -> None:
    os.kill(lab.boxes.bearerbox_pid, signal.SIGSTOP)
    async with lab.listening(), lab.provider(timeout_s=0.5, parallel=4) as provider:
        results = await send_all(provider, [message(number) for number in range(11, 51)])
        os.kill(lab.boxes.bearerbox_pid, signal.SIGCONT)
        doubtful = {r.id for r in results if isinstance(r, Uncertain)}
        assert len(doubtful) == 4  # as many as were in flight; the others were never begun
        assert sum(isinstance(r, Retry) and r.throttled for r in results) == 36
        await eventually(lambda: doubtful <= set(lab.codes()))  # a blind resend would double them


async def test_a_link_that_refused_our_password_keeps_messages_in_postgres(lab: Lab) -> None:
    lab.simulator.set_mode("badpass")
    lab.simulator.stop()
    lab.simulator.start()
    async with lab.provider(**watching(lab)) as provider:
        await eventually(lambda: "<status>dead" in (lab.boxes.status() or ""))
        with capture_logs() as logs:
            assert await provider.capacity() == 0
            assert await provider.capacity() == 0
        [result] = await send_all(provider, [message(1)])
    assert isinstance(result, Retry)  # "Not routable. Do not try again." is not the message's fault
    assert result.throttled
    assert "Not routable" in result.detail
    assert [(log["event"], log["trouble"]) for log in logs] == [
        ("kannel_status_trouble", "link_down")
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"secret": "wrong"}, "Authorization failed"),
        ({"smsc": "nobody"}, "Not routable"),
        ({"username": "nobody"}, "Authorization failed"),
    ],
)
async def test_a_wrong_setup_costs_no_message_an_attempt(
    lab: Lab, changes: dict[str, str], said: str
) -> None:
    async with lab.provider(**changes) as provider:
        with capture_logs() as logs:
            [result] = await send_all(provider, [message(1)])
    assert isinstance(result, Retry)
    assert result.throttled
    assert said in result.detail
    assert [(log["event"], log["log_level"]) for log in logs] == [("kannel_trouble", "error")]


async def test_a_wrong_status_password_is_told_once_and_does_not_stop_the_messages(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STATUS_ENV, "wrong")
    async with lab.provider(**watching(lab)) as provider:
        with capture_logs() as logs:
            assert await provider.capacity() is None
            assert await provider.capacity() is None
        assert [type(r) for r in await send_all(provider, [message(1)])] == [Accepted]
    assert [(log["event"], log["trouble"]) for log in logs] == [("kannel_status_trouble", "denied")]
    assert "wrong" not in str([{k: v for k, v in log.items() if k != "meaning"} for log in logs])


async def test_a_stopped_bearerbox_leaves_no_room(lab: Lab) -> None:
    async with lab.provider(**watching(lab)) as provider:
        assert await provider.capacity() == 100
        lab.boxes.stop()
        await eventually(lambda: lab.boxes.status() is None)
        with capture_logs() as logs:
            async with asyncio.timeout(10):
                while await provider.capacity():
                    pass
            lab.boxes.start()
            lab.boxes.wait_for_link()
            assert await some_room(provider) == 100
    assert [log["event"] for log in logs] == ["kannel_status_trouble", "kannel_status_well"]


async def test_receipts_wait_for_a_listener_that_was_away(lab: Lab) -> None:
    async with lab.provider() as provider:
        await send_all(provider, [message(1), message(2)])
        await eventually(lambda: len(lab.simulator.records("deliver_sm")) == 2)
    async with lab.listening():
        await eventually(lambda: len(lab.receipts) == 2)
    assert lab.codes() == {FIRST_ID + 1: "1", FIRST_ID + 2: "1"}


async def test_a_wrong_token_stores_nothing_and_kannel_calls_again(lab: Lab) -> None:
    async with lab.provider() as provider:
        async with lab.listening(token="another-token-456789") as app:
            await send_all(provider, [message(1)])
            await eventually(lambda: app.counters.wrong_token)
        assert lab.receipts == []
        async with lab.listening():
            await eventually(lambda: lab.receipts)
    assert lab.codes() == {FIRST_ID + 1: "1"}


async def test_receipts_survive_a_killed_kannel() -> None:
    async with kannel_lab(dlr_ms=1500) as lab:
        async with lab.provider() as provider:
            await send_all(provider, [message(1)])
            await eventually(lambda: _has_sent_all(lab.boxes.status() or ""))
        os.kill(lab.boxes.bearerbox_pid, signal.SIGKILL)
        lab.boxes.stop()
        assert lab.simulator.records("deliver_sm") == []  # it is still to come
        async with lab.listening():
            lab.boxes.start()
            await eventually(lambda: lab.receipts)
    assert lab.codes() == {FIRST_ID + 1: "1"}


def _has_sent_all(status: str) -> bool:
    """Whether the message centre has answered everything that Kannel took."""
    return "<sent><total>1</total>" in status and "<storesize>0</storesize>" in status
