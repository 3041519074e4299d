"""Each account has a token of its own; it is in no log (S10)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from psycopg import AsyncConnection
from structlog.testing import capture_logs

from dlr.app import ReceiptApp
from outbox.server_programs import free_port
from outbox.settings import load
from outbox.tokens import account_token, account_url
from providers.base import Context, Provider
from tests.dlr.conftest import Brings, client_of
from tests.support.factory import claim, column, insert_outbox, make_provider, settle, states
from tests.support.outbox_process import Programs, answer, with_rights_of
from tests.support.waiting import eventually

SECRET = "0123456789-abcdef_XYZ"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class Heard:
    """Who was heard, and how often."""

    def __init__(self) -> None:
        self.accounts: list[str] = []

    async def __call__(self, provider: str, items: object) -> None:
        self.accounts.append(provider)


async def _ignore(items: object) -> None:
    """Nobody waits for it."""


def app(heard: Heard, *, shared_until: datetime | None = None) -> ReceiptApp:
    """An app with the accounts a and b, of which both bring receipts and messages."""
    context = Context(sink=_ignore)
    providers: dict[tuple[str, str], Provider] = {
        ("fake", name): Brings(name, {}, None, context) for name in ("a", "b")
    }
    return ReceiptApp(
        providers=providers,
        record=heard,
        record_inbound=heard,
        token=SECRET,
        shared_until=shared_until,
    )


async def test_a_token_of_one_account_opens_no_other() -> None:
    heard = Heard()
    tokens = {name: account_token(SECRET, name) for name in ("a", "b")}
    async with client_of(app(heard)) as client:
        for own, other in (("a", "b"), ("b", "a")):
            for below in ("", "/5", "/inbound"):
                answer = await client.get(f"/fake/{other}/{tokens[own]}{below}?code=delivered")
                assert (answer.status_code, answer.text) == (404, "Not found.")
        assert heard.accounts == []
        for name, token in tokens.items():
            answer = await client.get(f"/fake/{name}/{token}/5?code=delivered")
            assert answer.status_code == 200
    assert heard.accounts == ["a", "b"]


async def test_no_token_tells_the_secret_or_opens_a_name_that_looks_alike() -> None:
    heard = Heard()
    token = account_token(SECRET, "a")
    assert SECRET not in token
    assert len(token) == 32
    async with client_of(app(heard)) as client:
        for name, given in (
            ("fake/A", token), ("fake/a%20", token), ("kannel/a", token),
            ("fake/a", token.lower()), ("fake/a", token + "x"), ("fake/a", token[:-1]),
        ):  # fmt: skip
            path = f"/{name}/{given}/5"
            assert (await client.get(path + "?code=delivered")).status_code == 404
    assert heard.accounts == []


async def test_the_shared_token_is_honoured_until_its_moment_and_told() -> None:
    heard = Heard()
    soon = datetime.now(UTC) + timedelta(days=1)
    with capture_logs() as logs:
        async with client_of(app(heard, shared_until=soon)) as client:
            for _ in range(3):
                assert (await client.get(f"/fake/a/{SECRET}/5?code=x")).status_code == 200
            assert (await client.get(f"/fake/nobody/{SECRET}/5?code=x")).status_code == 404
    told = [log for log in logs if log["event"] == "dlr_shared_token"]
    assert [(log["provider"], log["count"]) for log in told] == [("a", 1), ("a", 2)]
    assert "outbox provider url a" in told[0]["hint"]
    assert SECRET not in str(logs)


@pytest.mark.parametrize("until", [None, LONG_AGO])
async def test_after_that_it_opens_nothing(until: datetime | None) -> None:
    heard = Heard()
    server = app(heard, shared_until=until)
    async with client_of(server) as client:
        assert (await client.get(f"/fake/a/{SECRET}/5?code=x")).status_code == 404
        assert (await client.get(f"/fake/a/{SECRET}/inbound")).status_code == 404
    assert heard.accounts == []
    assert server.counters.wrong_token == 2


def test_the_moment_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().dlr_shared_token_until == datetime(2027, 3, 1, tzinfo=UTC)
    monkeypatch.setenv("OUTBOX_DLR_SHARED_TOKEN_UNTIL", "2026-02-01")
    assert load().dlr_shared_token_until == datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def programs(tmp_path: Path, dsn: str) -> Iterator[Programs]:
    with Programs(
        tmp_path,
        dsn=with_rights_of(dsn, "sms_dlr"),
        dlr_token=SECRET,
        dlr_port=free_port(),
        log_level="debug",
    ) as running:
        yield running


async def test_no_log_holds_a_token_even_at_debug(
    programs: Programs, conn: AsyncConnection
) -> None:
    await make_provider(conn, "post")
    message_id = await insert_outbox(conn)
    claimed = await claim(conn)
    await settle(conn, claimed.claim_id, claimed.ids)
    port = free_port()
    dlr = programs.start("dlr", dlr_port=port, dlr_shared_token_until="2999-01-01")
    await dlr.ready()
    own = account_url(f"http://127.0.0.1:{port}", adapter="fake", account="post", secret=SECRET)
    stranger = account_token(SECRET, "somebody")
    async with httpx.AsyncClient(trust_env=False) as client:
        calls = {
            f"{own}/{message_id}?code=delivered": 200,
            f"{own}/nonsense?code=delivered": 400,
            f"{own}/inbound": 404,
            f"http://127.0.0.1:{port}/fake/post/{SECRET}/{message_id}?code=delivered": 200,
            f"http://127.0.0.1:{port}/fake/post/{stranger}/{message_id}?code=delivered": 404,
        }
        seen = {url: (await client.get(url)).status_code for url in calls}
    await eventually(lambda: bool(dlr.events("dlr_wrong_token")))
    dlr.terminate()
    assert await dlr.ended() == 0

    said = dlr.log.read_text(encoding="utf-8")
    assert list(seen.values()) == list(calls.values())
    assert not any(token in said for token in (SECRET, account_token(SECRET, "post"), stranger))
    assert await states(conn, message_id) == ["delivered"]


async def test_the_url_is_printed_only_where_it_is_asked_for(
    dsn: str, conn: AsyncConnection
) -> None:
    await make_provider(conn, "post")
    token = account_token(SECRET, "post")

    def told(*command: str) -> Any:
        return answer(
            *command,
            dsn=with_rights_of(dsn, "sms_operator"),
            dlr_token=SECRET,
            dlr_base_url="https://sms.bank.example/in",
        )

    own = f"https://sms.bank.example/in/fake/post/{token}"
    assert told("provider", "url", "post") == {"provider": "post", "url": own}
    assert told("provider", "url", "post", "--inbound")["url"] == f"{own}/inbound"
    for command in (["provider", "list"], ["status"], ["provider", "set", "post", "--tps", "7"],
                    ["log"]):  # fmt: skip
        assert not any(word in str(told(*command)) for word in (SECRET, token))
    kept = "select detail from sms.activity where detail::text like %s"
    assert await column(conn, kept, f"%{token}%") == []
