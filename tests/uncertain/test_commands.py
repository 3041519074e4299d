"""outbox uncertain list, resolve: what people see of doubt, and how they decide it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from outbox.cluster import ROOT
from tests.support import factory
from tests.support.outbox_process import answer, with_rights_of
from tests.uncertain.asking import doubt, waiting


@pytest.fixture
async def ids(conn: AsyncConnection) -> list[int]:
    """Three uncertain messages, the last of them in the channel otp."""
    await factory.make_provider(conn)
    await factory.set_quiet_hours(conn)
    made = await waiting(conn, 3)
    await conn.execute(
        "update sms.pending set lane_id = l.lane_id from sms.lane as l, sms.channel "
        "as c where c.channel_id = l.channel_id and c.channel = 'otp' "
        "and pending.id = %s and l.operator_id = 0",
        [made[2]],
    )
    await doubt(conn, *made)
    return made


@pytest.fixture
def operator(dsn: str) -> str:
    """The DSN of somebody with the rights of an operator and no others."""
    return with_rights_of(dsn, "sms_operator")


@pytest.fixture
def outbox(operator: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `outbox uncertain …`; exit code, stdout, stderr."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setenv("OUTBOX_DSN", operator)
        done = subprocess.run(
            [sys.executable, "-m", "cli", "uncertain", *words],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return run


def test_the_list_shows_them_masked_and_counted(operator: str, ids: list[int], outbox: Any) -> None:
    code, out, err = outbox("list")

    assert (code, err) == (0, "")
    assert "3 uncertain" in out
    assert "7907***0001" in out
    assert str(factory.number(1)) not in out
    listed = answer("uncertain", "list", "--limit", "2", dsn=operator)
    assert listed["total"] == 3
    assert [message["id"] for message in listed["messages"]] == [str(id_) for id_ in ids[:2]]
    assert {count["channel"]: count["messages"] for count in listed["counts"]} == {
        "otp": 1,
        "single": 2,
    }


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (["--provider", "post"], 3),
        (["--channel", "otp"], 1),
        (["--older-than", "1h"], 0),
        (["--channel", "single", "--older-than", "0s"], 2),
    ],
)
def test_the_list_can_be_narrowed(
    operator: str, ids: list[int], filters: list[str], found: int
) -> None:
    assert answer("uncertain", "list", *filters, dsn=operator)["total"] == found


async def test_messages_are_decided_by_id_and_by_whom(
    operator: str, ids: list[int], conn: AsyncConnection
) -> None:
    words = ["resolve", "give_up", str(ids[0]), str(ids[1]), "--note", "asked them"]
    assert answer("uncertain", *words, dsn=operator) == {"resolved": 2, "verdict": "give_up"}

    assert await factory.states(conn, *ids) == ["failed", "failed", "uncertain"]
    [logged] = await factory.rows(
        conn, "select acted_as, detail from sms.activity where action = 'resolved'"
    )
    assert logged["acted_as"] == "sms_operator"
    assert logged["detail"]["messages"] == 2
    assert logged["detail"]["note"] == "asked them"
    assert logged["detail"]["decided_by"] == "a person"


async def test_all_that_match_are_decided_at_once(
    operator: str, ids: list[int], conn: AsyncConnection
) -> None:
    words = ["resolve", "resend", "--channel", "single", "--yes"]
    assert answer("uncertain", *words, dsn=operator)["resolved"] == 2

    assert await factory.states(conn, *ids) == ["pending", "pending", "uncertain"]


async def test_wrong_ids_are_named_and_nothing_is_decided(
    ids: list[int], outbox: Any, conn: AsyncConnection
) -> None:
    await factory.hear(conn, (ids[1], None, "delivered"))
    code, out, err = outbox("resolve", "resend", str(ids[0]), str(ids[1]), "77")

    assert (code, out) == (6, "")
    assert err.strip().splitlines() == [
        f"outbox: Nothing was decided: {ids[1]} is delivered, there is no message 77."
    ]
    assert await factory.states(conn, *ids) == ["uncertain", "delivered", "uncertain"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["resolve", "resend"], 2, "--provider"),
        (["resolve", "resend", "5", "--provider", "post"], 2, "not both"),
        (["resolve", "resend", "--provider", "post"], 2, "--yes"),
        (["resolve", "resend", "--provider", "nobody", "--yes"], 6, "known: post"),
        (["resolve", "resend", "--older-than", "1h", "--yes"], 6, "No uncertain message matches"),
        (["resolve", "perhaps", "5"], 2, "perhaps"),
        (["list", "--channel", "smoke"], 6, "single"),
        (["list", "--older-than", "soon"], 2, "--older-than"),
    ],
)
async def test_what_cannot_work_is_one_sentence(
    ids: list[int], outbox: Any, words: list[str], code: int, said: str, conn: AsyncConnection
) -> None:
    found, out, err = outbox(*words)

    assert (found, out) == (code, "")
    assert len(err.strip().splitlines()) == 1
    assert said in err
    assert await factory.states(conn, *ids) == ["uncertain"] * 3


async def test_the_monitor_sees_them_but_nothing_about_a_person(dsn: str, ids: list[int]) -> None:
    async with await AsyncConnection.connect(with_rights_of(dsn, "sms_monitor")) as monitor:
        seen = await factory.rows(
            monitor, "select id, provider, channel, since, asks from sms.uncertain_message"
        )
        assert sorted(row["id"] for row in seen) == sorted(ids)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await monitor.execute("select number from sms.uncertain_message")
