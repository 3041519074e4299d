"""Binds: of both kinds, several, over TLS; how they come back, and how they are refused."""

from __future__ import annotations

import asyncio
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from kannel.processes import free_ports
from kannel.simulator import Simulator
from providers.base import Accepted, MalformedReceipt, ReceiptRequest, Retry, SettingsError
from tests.support.messages import message, send_all
from tests.support.smsc import Ears, Smsc, receipt_text
from tests.support.waiting import eventually

BIND_TRX, BIND_TX, BIND_RX = 9, 2, 1


async def test_a_bind_says_who_we_are(smsc: Smsc, ears: Ears) -> None:
    account = {"system_type": "SMPP", "addr_ton": 1, "addr_npi": 2, "address_range": "^79"}
    async with ears.provider(smsc.port, **account):
        pass
    [(_, _, _, body)] = smsc.commands(BIND_TRX)
    assert body == b"outbox\0secret\0SMPP\0\x34\1\2^79\0"


async def test_a_pair_sends_over_one_and_hears_over_the_other(smsc: Smsc, ears: Ears) -> None:
    async with ears.provider(smsc.port, bind="pair") as provider:
        await eventually(lambda: len(provider._binds._links) == 2)
        [result] = await send_all(provider, [message()])
        assert isinstance(result, Accepted)
        receiver = next(one for one in smsc.sessions if one.role == "receiver")
        receiver.deliver(5, receipt_text(result.refs[0]))
        await eventually(lambda: ears.receipts)
        assert await provider.capacity() == 10
    assert {session.role for session in smsc.sessions} == {"transmitter", "receiver"}


async def test_a_receipt_may_come_before_the_answer_over_the_other_bind(
    smsc: Smsc, ears: Ears
) -> None:
    async with ears.provider(smsc.port, bind="pair") as provider:
        await eventually(lambda: len(provider._binds._links) == 2)
        receiver = next(one for one in smsc.sessions if one.role == "receiver")
        receiver.deliver(5, receipt_text("1"))
        await eventually(lambda: ears.receipts)
        [result] = await send_all(provider, [message()])
    assert isinstance(result, Accepted)
    assert result.refs == (ears.receipts[0].ref,)


async def test_a_pair_of_a_real_smsc(simulator: Simulator, ears: Ears) -> None:
    async with ears.provider(simulator.port, bind="pair", binds=2) as provider:
        results = await send_all(provider, [message(n) for n in range(1, 51)])
        assert {type(result) for result in results} == {Accepted}
        await eventually(lambda: len(ears.receipts) == 50)
    roles = Counter(
        record["event"]
        for record in simulator.records()
        if record["event"].startswith("bind_") and record["status"] == 0
    )
    assert roles == {"bind_transmitter": 2, "bind_receiver": 2}
    assert len(simulator.records("unbind")) == 4


async def test_several_binds_share_the_load_and_one_may_fall_out(smsc: Smsc, ears: Ears) -> None:
    held: list[int] = []
    smsc.on[4] = lambda session, sequence, _: held.append(smsc.sessions.index(session))
    async with ears.provider(smsc.port, binds=3, window=2, timeout_s=1) as provider:
        await eventually(lambda: provider._dispatch.room() == 6)
        batch = provider.send([message(n) for n in range(1, 7)])
        first = anext(aiter(batch))
        waiting = asyncio.ensure_future(first)
        await eventually(lambda: len(held) == 6)
        assert Counter(held) == {0: 2, 1: 2, 2: 2}
        smsc.sessions[1].cut()
        await waiting
        await eventually(lambda: len(smsc.sessions) == 4)
        await batch.aclose()  # type: ignore[attr-defined]


async def test_the_next_address_is_tried_where_nobody_answers(smsc: Smsc, ears: Ears) -> None:
    [nobody] = free_ports(1)
    addresses = f"127.0.0.1:{nobody}, 127.0.0.1:{smsc.port}"
    async with ears.provider(smsc.port, addresses=addresses) as provider:
        await eventually(lambda: provider._dispatch.room())
        [result] = await send_all(provider, [message()])
    assert isinstance(result, Accepted)


async def test_while_nobody_is_there_everything_is_for_later(ears: Ears) -> None:
    [nobody] = free_ports(1)
    with capture_logs() as logs:
        async with ears.provider(nobody, reconnect_s=1) as provider:
            assert await provider.capacity() == 0
            results = await send_all(provider, [message(1), message(2)])
    assert [type(result) for result in results] == [Retry, Retry]
    assert all(isinstance(result, Retry) and result.throttled for result in results)
    assert [log["event"] for log in logs] == ["smpp_bind_failed"]


async def test_an_smsc_that_comes_back_is_used_again(simulator: Simulator, ears: Ears) -> None:
    async with ears.provider(simulator.port) as provider:
        simulator.stop()
        await eventually(lambda: not provider._dispatch._senders)
        simulator.start()
        await eventually(lambda: provider._dispatch.room())
        [result] = await send_all(provider, [message()])
        assert isinstance(result, Accepted)


async def test_who_is_refused_does_not_hammer(simulator: Simulator, ears: Ears) -> None:
    with capture_logs() as logs:
        async with ears.provider(simulator.port, secret="wrong", refused_s=1) as provider:
            assert await provider.capacity() == 0
            binds = simulator.records("bind_transceiver")
            assert [record["status"] for record in binds] == [0x0E]
    assert logs == [
        {
            "event": "smpp_bind_failed",
            "log_level": "error",
            "provider": "smpp_main",
            "link": "transceiver 1",
            "why": "the SMSC refused our bind: RINVPASWD (0x0E)",
        }
    ]


async def test_an_smsc_that_never_lets_us_in_is_given_up(smsc: Smsc, ears: Ears) -> None:
    smsc.on[BIND_TRX] = lambda *_: None
    with capture_logs() as logs:
        async with ears.provider(smsc.port, timeout_s=0.2) as provider:
            assert await provider.capacity() == 0
            smsc.on.clear()
            await eventually(lambda: provider._dispatch.room())
    assert logs[0]["event"] == "smpp_bind_failed"


async def test_a_throttled_account_rests_on_all_its_binds(simulator: Simulator, ears: Ears) -> None:
    simulator.set_mode("throttle")
    async with ears.provider(simulator.port, binds=2, throttle_s=0.3) as provider:
        await eventually(lambda: provider._dispatch.room() == 20)
        results = await send_all(provider, [message(1), message(2)])
        assert [type(result) for result in results] == [Retry, Retry]
        assert await provider.capacity() == 0
        simulator.set_mode("ok")
        later = await send_all(provider, [message(3)])
        assert [type(result) for result in later] == [Accepted]
    records = simulator.records("submit_sm")
    assert len(records) == 3


# --- TLS -----------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Key and certificate of a message centre called smsc.test."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=smsc.test", "-addext", "subjectAltName=DNS:smsc.test"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return key, certificate


@pytest.fixture
def tls(certificate: tuple[Path, Path]) -> Iterator[Simulator]:
    """A real SMSC behind TLS."""
    with Simulator(dlr_ms=20, tls=certificate) as simulator:
        yield simulator


async def test_over_tls_with_a_certificate_that_is_checked(
    tls: Simulator, certificate: tuple[Path, Path], ears: Ears
) -> None:
    given = {"tls": True, "tls_ca_file": str(certificate[1]), "tls_server_name": "smsc.test"}
    async with ears.provider(tls.port, **given) as provider:
        results = await send_all(provider, [message(n) for n in range(1, 31)])
        assert {type(result) for result in results} == {Accepted}
        await eventually(lambda: len(ears.receipts) == 30)
    assert len(tls.records("unbind")) == 1


@pytest.mark.parametrize(
    "given", [{"tls_server_name": "other.test"}, {"tls_ca_file": None}], ids=["name", "authority"]
)
async def test_a_certificate_that_does_not_fit_is_refused(
    given: dict[str, object], tls: Simulator, certificate: tuple[Path, Path], ears: Ears
) -> None:
    right = {"tls": True, "tls_ca_file": str(certificate[1]), "tls_server_name": "smsc.test"}
    with capture_logs() as logs:
        async with ears.provider(tls.port, **right | given) as provider:
            assert await provider.capacity() == 0
    assert "certificate verify failed" in logs[0]["why"]
    assert not tls.records("bind_transceiver")


async def test_checking_can_be_switched_off(tls: Simulator, ears: Ears) -> None:
    async with ears.provider(tls.port, tls=True, tls_verify=False) as provider:
        [result] = await send_all(provider, [message()])
    assert isinstance(result, Accepted)


async def test_a_file_that_is_no_certificate_is_named(ears: Ears) -> None:
    provider = ears.provider(1, tls=True, tls_ca_file="/nowhere.pem")
    with pytest.raises(SettingsError, match=r"TLS cannot be set up: .*No such file"):
        await provider.__aenter__()


# --- settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"addresses": "smsc.example"}, "'smsc.example' is not host:port"),
        ({"addresses": "a:1,b:99999"}, "'b:99999' is not host:port"),
        ({"system_id": "longer than fifteen"}, 'setting "system_id"'),
        ({"statuses": {"69": "retry"}}, "'69' is no command_status"),
        ({"receipt_time_zone": "Moscow"}, "'Moscow' is no time zone"),
        ({"id_in_answer": "as_is"}, "together or not at all"),
        ({"long_texts": "udh32"}, 'setting "long_texts"'),
        ({"reconnect_s": 600}, "reconnect_max_s is shorter"),
        ({"number_ton_npi": [1, 256]}, 'setting "number_ton_npi'),
    ],
)
def test_a_wrong_setting_is_named(wrong: dict[str, object], sentence: str, ears: Ears) -> None:
    with pytest.raises(SettingsError) as caught:
        ears.provider(1, **wrong)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("secret", ["", None, "ninechars", "пароль"])
async def test_a_password_that_smpp_cannot_carry_is_refused(secret: str | None, ears: Ears) -> None:
    with pytest.raises(SettingsError, match="password"):
        await ears.provider(1, secret=secret).__aenter__()


def test_no_receipt_comes_by_http(ears: Ears) -> None:
    request = ReceiptRequest(method="GET", message_id=1, query=b"", headers={}, body=b"")
    with pytest.raises(MalformedReceipt):
        ears.provider(1).parse_receipt(request)
