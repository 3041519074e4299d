"""outbox route …, provider health|breaker|unpin: seeing failover, and steering it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from outbox.cluster import ROOT
from tests.support import factory
from tests.support.outbox_process import with_rights_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


Outbox = Callable[..., Said]


@pytest.fixture
async def outbox(dsn: str, conn: AsyncConnection, monkeypatch: pytest.MonkeyPatch) -> Outbox:
    """Runs commands with the rights of an operator; main and backup are there, nothing routed."""
    for provider in ("main", "backup"):
        await factory.make_provider(conn, provider, point_lanes=provider == "main")
    monkeypatch.setenv("OUTBOX_DSN", with_rights_of(dsn, "sms_operator"))

    def run(*words: str) -> Said:
        done = subprocess.run(
            [sys.executable, "-m", "cli", *words],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Said(code=done.returncode, out=done.stdout, err=done.stderr)

    return run


async def test_a_route_is_set_listed_and_removed(outbox: Outbox) -> None:
    assert "No routes" in outbox("route", "list").out
    assert outbox("route", "set", "otp", "backup", "main", "--json").json["changed"] == 1
    [row] = outbox("route", "list", "--json").json
    assert (row["policy"], row["providers"], row["serving"]) == (
        "ranked",
        ["backup", "main"],
        ["backup"],
    )
    assert "backup, main" in outbox("route", "list").out
    assert outbox("route", "remove", "otp").out.strip() == "1 routes removed"
    refused = outbox("route", "remove", "otp")
    assert (refused.code, refused.out) == (5, "")
    assert refused.err.startswith("outbox: no such route: otp.")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["route", "set", "otp", "main", "main"], "twice"),
        (["route", "set", "otp", "main", "--policy", "dearest"], "ranked, cheapest"),
        (["route", "set", "otp", "nobody"], "Providers: backup, main."),
        (["provider", "breaker", "main", "--set", "error_share=7"], "error_share"),
        (["provider", "breaker", "main", "--set", "patience=7"], "watch_window"),
        (["provider", "switch", "otp", "main", "--until", "2020-01-01"], "past"),
        (["provider", "unpin", "opt"], "Channels:"),
    ],
    ids=" ".join,
)
async def test_nonsense_is_one_sentence(outbox: Outbox, words: list[str], says: str) -> None:
    said = outbox(*words)
    assert said.code == 5
    assert said.err.count("\n") == 1
    assert says in said.err


async def test_a_switch_with_reason_and_end_is_seen_and_taken_back(
    outbox: Outbox, conn: AsyncConnection
) -> None:
    outbox("route", "set", "*", "main", "backup")
    assert (
        outbox(
            "provider", "switch", "otp", "backup", "--reason", "drill", "--until", "2h", "--json"
        ).json["lanes"]
        == 5
    )
    pin = await factory.row(
        conn,
        """
        select min(n.reason) as reason, min(n.pinned_until - n.pinned_at) as span
          from sms.lane_pin as n
        """,
    )
    assert pin["reason"] == "drill"
    assert 7190 < pin["span"].total_seconds() <= 7200
    seen = outbox("route", "changes")
    assert "drill" in seen.out
    assert "otp" in seen.out
    changes = outbox("route", "changes", "--json").json["lanes"]
    assert {change["cause"] for change in changes if change["channel"] == "otp"} == {
        "switched",
        "pinned",
    }
    assert outbox("provider", "unpin", "otp").out.strip() == "5 lanes unpinned"


async def test_a_switch_to_who_serves_already_says_so(
    outbox: Outbox, conn: AsyncConnection
) -> None:
    assert (
        outbox("provider", "switch", "otp", "backup").out.strip() == "5 lanes re-pointed to backup"
    )
    again = outbox("provider", "switch", "otp", "backup", "--reason", " ")
    assert again.out.strip() == "0 lanes re-pointed to backup: it serves them already"
    pins = await factory.row(conn, "select count(*) as n from sms.lane_pin")
    assert pins["n"] == 0, "a blank is no reason, so it pins nothing"


async def test_nothing_happened_says_so(outbox: Outbox, conn: AsyncConnection) -> None:
    assert "Nothing changed" in outbox("route", "changes", "--since", "now").out


async def test_health_shows_state_errors_and_lanes(outbox: Outbox, conn: AsyncConnection) -> None:
    report = [
        {
            "provider": "main", "epoch": 0, "accepted": 6, "failed": 4,
            "times": [0, 0, 0, 0, 0, 6], "max_ms": 30,
        }
    ]  # fmt: skip
    await conn.execute("select sms.report_health('w', %s)", [Jsonb(report)])
    rows = {row["provider"]: row for row in outbox("provider", "health", "--json").json}
    assert (rows["main"]["state"], rows["main"]["error_share"]) == ("closed", 0.4)
    assert (rows["main"]["p95_ms"], rows["main"]["lanes"]) == (30, 30)
    assert (rows["backup"]["p95_ms"], rows["backup"]["sent"]) == (None, 0)
    await conn.execute("update sms.breaker set state = 'open', cause = 'silent', retry_at = now()")
    shown = outbox("provider", "health").out
    assert "silent, tried again at" in shown
    assert "open" in outbox("provider", "list").out
    assert "open" in outbox("status").out
    assert "main open" in outbox("top", "--count", "1").out


async def test_a_breaker_policy_is_shown_and_changed(outbox: Outbox) -> None:
    done = outbox(
        "provider", "breaker", "main", "--set", "slow_answer=3 seconds", "--set", "probes=9",
        "--json",
    ).json  # fmt: skip
    assert done["changed"] == 1
    assert done["policies"]["main"]["slow_answer"] == "00:00:03"
    assert done["policies"]["main"]["probes"] == 9
    everybody = outbox("provider", "breaker")
    assert "slow_answer" in everybody.out
    assert "00:00:05" in everybody.out
    assert outbox("provider", "breaker", "nobody").code == 2
