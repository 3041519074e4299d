"""What leaves for smsc.ru, and what its answers mean."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from providers.base import (
    Accepted,
    Doubtful,
    NotSubmitted,
    ProviderError,
    Rejected,
    Result,
    Retry,
    SettingsError,
    Uncertain,
)
from providers.smsc_ru import SmscRuProvider
from tests.peers.smsc_ru import SmscRuPeer, smsc_ru_peer
from tests.support.messages import message, send_all
from tests.support.smsc_ru import provider_for
from tests.support.waiting import eventually


@pytest.fixture
async def peer() -> AsyncIterator[SmscRuPeer]:
    """A service of one's own; whatever it was asked, it was asked by the book."""
    async with smsc_ru_peer() as peer:
        yield peer
        assert peer.rules.offences == []
        assert peer.rules.most_under_way <= 10


def texts(peer: SmscRuPeer) -> dict[int, str]:
    """What each phone shows."""
    return {int(sms.phone): sms.text for sms in peer.sent}


async def test_one_message_is_one_request(peer: SmscRuPeer) -> None:
    one = message(1, "Код 1234\nНикому: не говорите | ~~ \\n", sender_id="BANK")
    async with provider_for(peer) as provider:
        [key] = provider.keys([one])
        [result] = await send_all(provider, [one])
    [(page, form)] = peer.forms
    assert page == "send.php"
    assert form == {
        "apikey": "s3cret-key",
        "fmt": "3",
        "charset": "utf-8",
        "id": key.rpartition(":")[0],
        "valid": "1",
        "op": "1",
        "cost": "3",
        "sender": "BANK",
        "phones": f"+{one.msisdn}",
        "mes": one.body,
    }
    assert key.rpartition(":")[2] == str(one.msisdn)
    assert result == Accepted(id=one.id, segments=1, cost=Decimal("1.40"))
    assert texts(peer) == {one.msisdn: one.body}


async def test_personal_texts_share_a_request_with_their_senders_and_newlines(
    peer: SmscRuPeer,
) -> None:
    batch = [
        message(1, "Ваш долг: 100 ₽\nОплатите", sender_id="BANK"),
        message(2, "Ваш долг: 200 ₽", sender_id="SHOP"),
        message(3, "Balance: 5", sender_id="BANK"),
    ]
    async with provider_for(peer) as provider:
        results = await send_all(provider, batch)
    [(_, form)] = peer.forms
    assert form["sender"] == "BANK"
    assert form["list"].split("\n") == [
        "+79070000001:Ваш долг: 100 ₽\\nОплатите",
        "SHOP|+79070000002:Ваш долг: 200 ₽",
        "+79070000003:Balance: 5",
    ]
    assert [type(result) for result in results] == [Accepted] * 3
    assert [r.cost for r in results if isinstance(r, Accepted)] == [Decimal("1.40")] * 3
    assert texts(peer) == {one.msisdn: one.body for one in batch}
    assert {sms.sender for sms in peer.sent} == {"BANK", "SHOP"}


async def test_without_a_sender_the_account_chooses_and_lines_name_the_others(
    peer: SmscRuPeer,
) -> None:
    async with provider_for(peer) as provider:
        await send_all(provider, [message(1, sender_id=None), message(2, sender_id="SHOP")])
    [(_, form)] = peer.forms
    assert "sender" not in form
    assert [sms.sender for sms in peer.sent] == [None, "SHOP"]


async def test_the_providers_sender_stands_in_for_a_missing_one(peer: SmscRuPeer) -> None:
    async with provider_for(peer, sender_id="SHOP") as provider:
        await send_all(provider, [message(1, sender_id=None)])
    assert [sms.sender for sms in peer.sent] == ["SHOP"]


async def test_a_phone_stands_in_a_request_once(peer: SmscRuPeer) -> None:
    batch = [
        message(1, "Первое"),
        message(2, "Другому"),
        message(3, "Второе", msisdn=79_070_000_001),
        message(4, "Третье", msisdn=79_070_000_001),
    ]
    async with provider_for(peer) as provider:
        keys = provider.keys(batch)
        results = await send_all(provider, batch)
    assert len(peer.forms) == 3
    assert len({form["id"] for _, form in peer.forms}) == 3
    assert [type(result) for result in results] == [Accepted] * 4
    assert sorted(sms.text for sms in peer.sent) == ["Второе", "Другому", "Первое", "Третье"]
    assert {f"{sms.batch_id}:{sms.phone}" for sms in peer.sent} == set(keys)


async def test_a_name_stays_until_it_is_sent_and_is_never_given_again(peer: SmscRuPeer) -> None:
    batch = [message(1), message(2)]
    async with provider_for(peer) as provider:
        keys = provider.keys(batch)
        assert provider.keys(batch) == keys
        await send_all(provider, batch)
        assert {f"{sms.batch_id}:{sms.phone}" for sms in peer.sent} == set(keys)
        assert set(provider.keys(batch)).isdisjoint(keys)
        await send_all(provider, batch[:1])
    assert len({sms.batch_id for sms in peer.sent}) == 2


async def test_a_part_of_a_named_batch_keeps_its_names(peer: SmscRuPeer) -> None:
    batch = [message(1), message(2), message(3)]
    async with provider_for(peer) as provider:
        keys = provider.keys(batch)
        await send_all(provider, batch[1:])
    assert {f"{sms.batch_id}:{sms.phone}" for sms in peer.sent} == set(keys[1:])


@pytest.mark.parametrize(
    "body",
    [
        "два\\nслова",
        "a|b",
        "строка\r\nдругая",
        "SHOP|79070000002:чужое",
        "x\u2028y",
        "\\",
        "  с краю  ",
        "+79070000002:чужое",
        "a\n\nb\n",
        "😀€[]",
    ],
)
async def test_no_text_is_changed_on_the_way_alone_or_in_company(
    peer: SmscRuPeer, body: str
) -> None:
    batch = [message(1, body, sender_id=None), message(2), message(3, body)]
    async with provider_for(peer) as provider:
        results = await send_all(provider, batch)
    assert [type(result) for result in results] == [Accepted] * 3
    assert texts(peer) == {one.msisdn: one.body for one in batch}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"body": "я" * 1001}, "longer than the 1000 characters"),
        ({"body": "😀" * 501}, "longer than the 1000 characters"),
        ({"body": "Оплатите\n~~~\nсрочно"}, "beginning of a comment"),
        ({"sender_id": "БАНК"}, "neither 1-15 digits nor 1-11 Latin"),
        ({"sender_id": "TWELVE CHARS"}, "neither 1-15 digits nor 1-11 Latin"),
        ({"sender_id": "a,b"}, "neither 1-15 digits nor 1-11 Latin"),
        ({"sender_id": "."}, "neither 1-15 digits nor 1-11 Latin"),
    ],
)
async def test_what_the_service_would_not_take_whole_is_rejected_here(
    peer: SmscRuPeer, changes: dict[str, str], said: str
) -> None:
    async with provider_for(peer) as provider:
        [good, bad] = await send_all(provider, [message(1), message(2, **changes)])
    assert isinstance(good, Accepted)
    assert isinstance(bad, Rejected)
    assert said in bad.detail
    assert set(texts(peer)) == {79_070_000_001}


async def test_a_thousand_characters_are_taken(peer: SmscRuPeer) -> None:
    async with provider_for(peer) as provider:
        [result] = await send_all(provider, [message(1, "я" * 1000)])
    assert isinstance(result, Accepted)
    assert result.segments == 15


async def test_validity_is_in_whole_hours_and_never_longer_than_asked(peer: SmscRuPeer) -> None:
    now = datetime.now(UTC)
    ends = [timedelta(minutes=5), timedelta(hours=2, minutes=59), timedelta(days=3)]
    batch = [message(n, expires_at=now + end) for n, end in enumerate(ends, start=1)]
    async with provider_for(peer, valid_h=12) as provider:
        await send_all(provider, batch)
    assert [sms.valid_h for sms in sorted(peer.sent, key=lambda sms: sms.phone)] == [1, 2, 12]


async def test_no_cost_is_asked_for_where_the_setting_says_so(peer: SmscRuPeer) -> None:
    async with provider_for(peer, ask_cost=False) as provider:
        [result] = await send_all(provider, [message(1)])
    assert "cost" not in peer.forms[0][1]
    assert isinstance(result, Accepted)


async def test_of_a_batch_the_bad_numbers_are_told_one_by_one(peer: SmscRuPeer) -> None:
    peer.terms.bad_phones = {"79070000002"}
    async with provider_for(peer) as provider:
        results = await send_all(provider, [message(1), message(2), message(3)])
    assert [type(result) for result in results] == [Accepted, Rejected, Accepted]
    assert results[1] == Rejected(id=message(2).id, detail="249")
    assert len(peer.forms) == 1


async def test_a_refused_number_alone_is_error_7(peer: SmscRuPeer) -> None:
    peer.terms.bad_phones = {"79070000001"}
    async with provider_for(peer) as provider:
        [result] = await send_all(provider, [message(1)])
        assert await provider.capacity() == 400
    assert result == Rejected(id=message(1).id, detail="send/7")


async def test_one_message_that_spoils_a_request_is_found_and_the_others_go(
    peer: SmscRuPeer,
) -> None:
    peer.terms.poison_phones = {"79070000037"}
    batch = [message(n) for n in range(1, 101)]
    async with provider_for(peer) as provider:
        keys = provider.keys(batch)
        results = await send_all(provider, batch)
    bad = [result for result in results if not isinstance(result, Accepted)]
    assert bad == [Rejected(id=message(37).id, detail="send/1")]
    assert len(peer.sent) == 99
    assert {f"{sms.batch_id}:{sms.phone}" for sms in peer.sent} == set(keys) - {keys[36]}
    assert peer.rules.errors[1] < 10


async def test_a_request_that_is_refused_altogether_is_not_asked_into_a_block(
    peer: SmscRuPeer,
) -> None:
    batch = [message(n, sender_id="NOBODY") for n in range(1, 101)]
    async with provider_for(peer) as provider:
        results = await send_all(provider, batch)
    assert peer.sent == []
    assert peer.rules.errors[6] == 20
    kinds = {type(result) for result in results}
    assert kinds == {Rejected, Retry}
    assert not any(isinstance(result, Retry) and result.throttled for result in results)


async def test_an_id_of_the_services_own_becomes_the_reference(peer: SmscRuPeer) -> None:
    peer.terms.keeps_ids = False
    async with provider_for(peer) as provider:
        results = await send_all(provider, [message(1), message(2)])
    refs = {ref for result in results if isinstance(result, Accepted) for ref in result.refs}
    assert refs == {f"{sms.batch_id}:{sms.phone}" for sms in peer.sent}


async def test_without_money_nothing_is_submitted_and_the_account_rests(peer: SmscRuPeer) -> None:
    peer.terms.balance = Decimal("2")
    async with provider_for(peer, money_rest_s=30) as provider:
        with capture_logs() as logs:
            results = await send_all(provider, [message(1), message(2)])
        assert await provider.capacity() == 0
    assert all(isinstance(one, Retry) and one.throttled for one in results)
    assert [(log["event"], log["rest_s"]) for log in logs] == [("smsc_ru_trouble", 30)]
    assert peer.sent == []


async def test_a_wrong_key_rests_long_enough_not_to_be_blocked(peer: SmscRuPeer) -> None:
    async with provider_for(peer, key="wrong") as provider:
        [result] = await send_all(provider, [message(1)])
        assert await provider.capacity() == 0
        assert provider.settings.rest_s * 5 > 30 * 60
    assert isinstance(result, Retry)
    assert result.throttled
    assert "error 2" in result.detail
    assert peer.rules.errors == {2: 1}


async def test_a_large_batch_with_a_wrong_key_fails_to_log_in_once(peer: SmscRuPeer) -> None:
    async with provider_for(peer, key="wrong", parallel=10, max_batch=2) as provider:
        results = await send_all(provider, [message(n) for n in range(1, 21)])
        assert await provider.capacity() == 0
        results += await send_all(provider, [message(n, priority=0) for n in range(21, 31)])
    assert all(isinstance(one, Retry) and one.throttled for one in results)
    assert peer.rules.errors == {2: 1}


async def test_an_urgent_message_does_not_wait_for_the_first_answer(peer: SmscRuPeer) -> None:
    peer.once = ["hang"]
    async with provider_for(peer) as provider:
        hanging = asyncio.create_task(send_all(provider, [message(1)]))
        await eventually(lambda: peer.rules.under_way)
        async with asyncio.timeout(2):  # less than timeout_s
            [urgent] = await send_all(provider, [message(2, priority=0)])
        assert isinstance(urgent, Accepted)
        assert isinstance((await hanging)[0], Uncertain)


async def test_questions_with_a_wrong_key_are_not_asked_into_a_block(peer: SmscRuPeer) -> None:
    asked = Doubtful(
        id=1, msisdn=79_070_000_001, submitted_at=datetime.now(UTC), ref="1:79070000001"
    )
    async with provider_for(peer, key="wrong") as provider:
        for _ in range(6):  # half an hour of asking for the balance
            with pytest.raises(ProviderError):
                await provider.balance()
        with pytest.raises(ProviderError):
            await provider.lookup([asked])
    assert peer.rules.errors == {2: 1}


async def test_a_key_that_may_only_send_goes_on_sending(peer: SmscRuPeer) -> None:
    doubt = Doubtful(
        id=1, msisdn=79_070_000_001, submitted_at=datetime.now(UTC), ref="1:79070000001"
    )
    peer.status_fault = "error_2"
    async with provider_for(peer) as provider:
        with pytest.raises(ProviderError):
            await provider.lookup([doubt])
        assert isinstance((await send_all(provider, [message(1)]))[0], Accepted)


async def test_after_a_refused_key_nothing_is_asked_until_the_rest_is_over(
    peer: SmscRuPeer,
) -> None:
    async with provider_for(peer, rest_s=0.2) as provider:
        peer.once = ["error_2"]
        assert isinstance((await send_all(provider, [message(1)]))[0], Retry)
        with pytest.raises(ProviderError, match="left alone after its error 2"):
            await provider.balance()
        await eventually(lambda: not provider._api.refused_by)
        assert isinstance((await send_all(provider, [message(2)]))[0], Accepted)
        assert (await provider.balance()).amount > 0


async def test_after_five_wrong_keys_the_address_is_blocked(peer: SmscRuPeer) -> None:
    for number in range(6):
        async with provider_for(peer, key="wrong") as provider:
            assert isinstance((await send_all(provider, [message(number)]))[0], Retry)
    async with provider_for(peer) as provider:
        [result] = await send_all(provider, [message(9)])
    assert isinstance(result, Retry)
    assert "blocked" in result.detail
    assert peer.rules.errors == {2: 5, 4: 2}


async def test_trouble_of_the_account_does_not_undo_what_was_taken_before(peer: SmscRuPeer) -> None:
    batch = [message(n, msisdn=79_070_000_001, body=f"Текст {n}") for n in range(1, 4)]
    peer.once = ["", "error_3"]
    seen: list[Result] = []

    async def send(provider: SmscRuProvider) -> None:
        async for result in provider.send(batch):
            seen.append(result)

    async with provider_for(peer, parallel=1) as provider:
        with pytest.raises(NotSubmitted):
            await send(provider)
    assert [type(result) for result in seen] == [Accepted]
    assert len(peer.sent) == 1
    assert len(peer.forms) == 1  # the third was not even begun


@pytest.mark.parametrize("code", [9, 17])
async def test_error_9_and_unknown_errors_are_doubt(peer: SmscRuPeer, code: int) -> None:
    peer.once = [f"error_{code}"]
    async with provider_for(peer) as provider:
        results = await send_all(provider, [message(1), message(2)])
    assert [type(result) for result in results] == [Uncertain, Uncertain]


async def test_the_same_again_within_a_minute_is_doubt_and_not_a_second_sms(
    peer: SmscRuPeer,
) -> None:
    async with provider_for(peer) as provider:
        [first] = await send_all(provider, [message(1)])
        [second] = await send_all(provider, [message(1)])
    assert isinstance(first, Accepted)
    assert isinstance(second, Uncertain)
    assert "error 9" in second.detail
    assert len(peer.sent) == 1


@pytest.mark.parametrize(("priority", "at_once"), [(0, 3), (1, 2)])
async def test_no_more_requests_at_once_than_set_and_one_place_is_for_urgent_ones(
    peer: SmscRuPeer, priority: int, at_once: int
) -> None:
    peer.latency_s = 0.02
    batch = [message(n, "a|b", priority=priority) for n in range(1, 31)]
    async with provider_for(peer, parallel=3) as provider:
        results = await send_all(provider, batch)
    assert all(isinstance(result, Accepted) for result in results)
    assert peer.rules.most_under_way == at_once


async def test_an_urgent_message_does_not_wait_for_a_batch(peer: SmscRuPeer) -> None:
    peer.latency_s = 0.5
    batch = [message(n, "a|b") for n in range(1, 11)]
    async with provider_for(peer, parallel=2) as provider:
        bulk = asyncio.create_task(send_all(provider, batch))
        await eventually(lambda: peer.rules.under_way)
        await send_all(provider, [message(11, priority=0)])
        assert not bulk.done()
        assert len(peer.sent) < 5
        await bulk
    assert len(peer.sent) == 11


async def test_the_room_is_what_fits_into_requests_at_once(peer: SmscRuPeer) -> None:
    peer.latency_s = 0.3
    async with provider_for(peer, parallel=2, max_batch=10) as provider:
        assert await provider.capacity() == 20
        sending = asyncio.create_task(send_all(provider, [message(n) for n in range(1, 16)]))
        await eventually(lambda: peer.rules.under_way)
        assert await provider.capacity() == 5
        await sending
        assert await provider.capacity() == 20


async def test_more_than_ten_at_once_cannot_be_set(peer: SmscRuPeer) -> None:
    with pytest.raises(SettingsError, match='setting "parallel"'):
        provider_for(peer, parallel=11)


async def test_a_key_that_is_missing_is_named(peer: SmscRuPeer) -> None:
    provider = provider_for(peer)
    provider._key = None
    with pytest.raises(SettingsError, match="has no API key"):
        async with provider:
            pass


async def test_no_log_and_no_url_holds_the_key_a_number_or_a_text(peer: SmscRuPeer) -> None:
    peer.once = ["error_9", "lost"]
    with capture_logs() as logs:
        async with provider_for(peer) as provider:
            await send_all(provider, [message(1, "тайна")])
            await send_all(provider, [message(2, "тайна")])
    said = str(logs)
    assert logs
    assert not any(secret in said for secret in ("s3cret-key", "9070000001", "тайна"))
