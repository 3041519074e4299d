"""`outbox campaign …`: what each command says, as a table and as JSON, and how it fails."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from cli import program
from tests.campaigns.stage import Stage
from tests.support import factory
from tests.support.factory import value


@pytest.fixture
async def ready(stage: Stage, dsn: str, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Three clients, and commands that go to the test's database."""
    monkeypatch.setenv("OUTBOX_DSN", dsn)
    await stage.clients(3)
    return stage


class Said:
    """Runs commands in a thread of their own, for they have an event loop of their own."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    async def run(self, *words: str) -> tuple[int, str, str]:
        """Exit code, stdout, stderr."""
        code = await asyncio.to_thread(program.run, ["campaign", *words])
        said = self._capsys.readouterr()
        return code, said.out, said.err

    async def answer(self, *words: str) -> Any:
        """What a command answers with --json."""
        code, out, err = await self.run(*words, "--json")
        assert (code, err) == (0, ""), err
        return json.loads(out)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    return Said(capsys)


CREATE = ("create", "spring", "--template", "offer", "--audience", "everybody")


async def test_a_campaign_from_its_creation_to_its_stop(ready: Stage, said: Said) -> None:
    assert (await said.run(*CREATE))[1] == "spring: created\n"
    assert (await said.run(*CREATE))[1] == "spring: unchanged\n"
    assert (await said.answer("create", "spring", "--holdout", "0"))["result"] == "unchanged"

    [listed] = await said.answer("list")
    assert (listed["campaign"], listed["run_state"], listed["holdout_percent"]) == (
        "spring", None, 0.0,
    )  # fmt: skip
    total = (await said.answer("dry-run", "spring"))[0]
    assert (total["topic"], total["messages"]) == ("total", 3)

    run = await said.answer("launch", "spring")
    assert (run["state"], run["recipients"]) == ("running", 3)
    await ready.feed()
    assert (await said.answer("pause", "spring"))["messages"] == 3
    assert (await said.answer("show", "spring"))["runs"][0]["queued"] == 3
    assert (await said.answer("resume", "spring"))["messages"] == 3
    await ready.send(limit=1)
    assert "3 people spared" not in (await said.run("stop", "spring"))[1]

    code, out, err = await said.run("watch", "spring", "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    assert json.loads(out)["states"] == {"accepted": 1, "suppressed": 2}
    code, out, _ = await said.run("show", str(listed["campaign_id"]))
    assert code == 0
    assert "campaign_stopped 2" in " ".join(out.split())


async def test_every_part_of_a_schedule_can_be_given_and_taken_away(
    ready: Stage, said: Said
) -> None:
    await said.answer(
        *CREATE, "--cron", "0 9 * * 1-5", "--zone", "Europe/Berlin", "--missed", "once",
        "--at", "10:30", "--per-hour", "500", "--until", "2099-01-01T00:00", "--budget", "1000.50",
        "--four-eyes",
    )  # fmt: skip
    [row] = await factory.rows(ready.conn, "select * from sms.campaign")
    assert (row["cron"], row["cron_zone"], row["missed_runs"]) == (
        "0 9 * * 1-5", "Europe/Berlin", "once",
    )  # fmt: skip
    assert str(row["local_time"]) == "10:30:00"
    assert (row["per_hour"], float(row["budget"]), row["needs_release"]) == (500, 1000.5, True)
    _, out, _ = await said.run("list")
    assert "0 9 * * 1-5 in Europe/Berlin (missed: once), at 10:30 there, 500 an hour" in out

    await said.answer("create", "spring", "--clear", "cron", "--clear", "budget")

    [row] = await factory.rows(ready.conn, "select * from sms.campaign")
    assert (row["cron"], row["cron_zone"], row["budget"]) == (None, None, None)


async def test_a_periodic_launch_says_that_it_is_planned(ready: Stage, said: Said) -> None:
    await said.answer(*CREATE, "--cron", "0 9 * * *", "--zone", "Europe/Moscow")

    _, out, _ = await said.run("launch", "spring")

    assert "is planned for the next moment of its cron expression" in out


async def test_a_planned_run_is_shown_with_its_moment(ready: Stage, said: Said) -> None:
    await said.answer(*CREATE, "--start", "2099-03-01T09:00+03:00")
    await said.run("launch", "spring")

    _, out, _ = await said.run("show", "spring")

    [begins] = [line for line in out.splitlines() if line.startswith("begins")]
    assert "2099-03-01" in begins


async def test_a_launch_that_fails_is_not_left_half_done(ready: Stage, said: Said) -> None:
    await said.answer(*CREATE)
    await ready.conn.execute("select sms.remove_audience('everybody')")

    code, _, err = await said.run("launch", "spring")

    assert code == 5
    assert err.count("\n") == 1
    assert await value(ready.conn, "select state from sms.campaign_run") == "failed"
    assert await value(ready.conn, "select problem from sms.campaign_run") in err


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("launch", "nope"), 5, 'unknown campaign "nope"'),
        (("watch", "idle"), 6, "never launched"),
        (("pause", "idle"), 5, "it was never launched"),
        (("release", "idle"), 5, "somebody else must release it"),
        (("create", "x", "--cron", "61 * * * *", "--zone", "UTC"), 2, "no cron expression"),
        (("create", "x", "--cron", "0 9 * * *"), 2, "--cron needs --zone"),
        (("create", "x", "--at", "ten"), 2, "no time of day"),
        (("create", "x", "--start", "2h"), 2, "is no moment"),
        (("create", "x", "--until", "1d"), 2, "is no moment"),
        (("create", "x", "--budget", "nan"), 1, "a budget is a number"),
        (("create", "x", "--missed", "maybe"), 1, "skip, once or all"),
        (("create", "x", "--budget", "-1"), 1, "more than nothing"),
        (("create", "x", "--clear", "name"), 5, "cannot clear"),
    ],
)
async def test_what_cannot_be_done_gets_one_sentence(
    ready: Stage, said: Said, words: tuple[str, ...], code: int, sentence: str
) -> None:
    await ready.conn.execute("insert into sms.campaign (campaign) values ('idle')")

    answer = await said.run(*words)

    assert answer[0] == code
    assert answer[2].count("\n") == 1
    assert sentence in answer[2]
