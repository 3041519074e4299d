"""The peer of smsc.ru is as strict as its documentation: what it lets pass, the service may not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.peers.smsc_ru import SmscRuPeer, smsc_ru_peer
from tests.support.smsc_ru import peer_process
from tests.support.waiting import eventually

GOOD = {
    "apikey": "s3cret-key",
    "fmt": "3",
    "charset": "utf-8",
    "phones": "+79070000001",
    "mes": "Привет",
    "id": "1.ab",
}
LIST = {name: value for name, value in GOOD.items() if name not in ("phones", "mes")}


@pytest.fixture
async def peer() -> AsyncIterator[SmscRuPeer]:
    async with smsc_ru_peer() as peer:
        yield peer


async def post(peer: SmscRuPeer, form: dict[str, str], page: str = "send.php", **how: Any) -> Any:
    """What a page answers to a form."""
    async with httpx.AsyncClient(trust_env=False) as client:
        reply = await client.post(f"{peer.url}/sys/{page}", data=form, **how)
    return reply.json()


def without(*names: str, **changes: str) -> dict[str, str]:
    return {name: value for name, value in GOOD.items() if name not in names} | changes


async def test_a_good_request_is_taken(peer: SmscRuPeer) -> None:
    assert await post(peer, GOOD) == {"id": "1.ab", "cnt": 1}
    assert [(sms.phone, sms.text) for sms in peer.sent] == [("79070000001", "Привет")]
    assert peer.rules.offences == []


@pytest.mark.parametrize(
    "form",
    [
        without("fmt"),
        without("charset"),
        without(charset="windows-1251"),
        without(phone="79070000001"),
        without(mes="я" * 1001),
        without(mes=""),
        without(phones="8 907 000-00-01"),
        without(list="79070000001:x"),
        without("mes"),
        without(id="с кириллицей"),
        without(id="2147483648"),
        without(id="x" * 41),
        without(sender="TWELVE CHARS"),
        without(valid="25"),
        without(cost="4"),
        LIST | {"list": "79070000001:раз\n79070000001:два"},
        LIST | {"list": "79070000001:раз\nдва"},
        LIST | {"list": "79070000001 раз"},
    ],
)
async def test_what_is_not_documented_is_refused_and_remembered(
    peer: SmscRuPeer, form: dict[str, str]
) -> None:
    assert (await post(peer, form))["error_code"] == 1
    assert len(peer.rules.offences) == 1
    assert peer.sent == []


async def test_a_key_in_the_url_is_remembered(peer: SmscRuPeer) -> None:
    await post(peer, without("apikey"), params={"apikey": GOOD["apikey"]})
    assert peer.rules.offences == ["send.php: a key or a text is in the URL"]


async def test_the_same_within_a_minute_is_error_9_also_under_another_id(peer: SmscRuPeer) -> None:
    await post(peer, GOOD)
    assert (await post(peer, GOOD | {"id": "2.ab"}))["error_code"] == 9
    assert (await post(peer, GOOD | {"mes": "Другое", "id": "3.ab"}))["id"] == "3.ab"
    peer.terms.minute_s = 0
    assert (await post(peer, GOOD | {"id": "4.ab"}))["id"] == "4.ab"
    assert len(peer.sent) == 3


async def test_a_comment_is_not_sent(peer: SmscRuPeer) -> None:
    await post(peer, GOOD | {"mes": "Видно\n~~~\nне видно"})
    assert [sms.text for sms in peer.sent] == ["Видно"]


async def test_one_question_about_several_a_minute_and_five_about_one(peer: SmscRuPeer) -> None:
    account = {name: GOOD[name] for name in ("apikey", "fmt", "charset")}
    several = account | {"id": "1.ab,2.ab", "phone": "79070000001,79070000002"}
    answer = await post(peer, several, page="status.php")
    assert [row["status"] for row in answer] == [-3, -3]
    assert (await post(peer, several, page="status.php"))["error_code"] == 9
    one = account | {"id": "1.ab", "phone": "79070000001"}
    answers = [await post(peer, one, page="status.php") for _ in range(6)]
    assert [answer.get("status") for answer in answers[:5]] == [-3] * 5
    assert answers[5]["error_code"] == 9


async def test_a_hundred_errors_in_a_row_block_the_address(peer: SmscRuPeer) -> None:
    peer.terms.bad_phones = {"79070000001"}
    for number in range(100):
        answer = await post(peer, GOOD | {"mes": f"Текст {number}"})
        assert answer["error_code"] == 7
    assert (await post(peer, GOOD | {"mes": "Ещё"}))["error_code"] == 4


async def test_a_price_is_told_without_sending(peer: SmscRuPeer) -> None:
    assert await post(peer, GOOD | {"cost": "1"}) == {"cost": "1.40", "cnt": 1}
    assert peer.sent == []


async def test_it_runs_as_a_process_and_takes_orders(tmp_path: Any) -> None:
    log = tmp_path / "taken.jsonl"
    with peer_process(log=log, minute_s=60, latency_s=0, callback_url="http://127.0.0.1:9") as peer:
        peer.control(once=["http_502"], terms={"balance": "5.00"})
        async with httpx.AsyncClient(trust_env=False) as client:
            url = f"{peer.url}/sys/send.php"
            assert (await client.post(url, data=GOOD)).status_code == 502
            assert (await client.post(url, data=GOOD)).json() == {"id": "1.ab", "cnt": 1}
            assert (await client.post(url, data=without("fmt"))).json()["error_code"] == 1
        await eventually(lambda: peer.taken() == {79_070_000_001: 1})
        said = peer.control()
    assert (said["sent"], said["balance"]) == (1, "3.60")
    assert said["offences"] == ["send.php: fmt is not 3"]
