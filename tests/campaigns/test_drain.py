"""`outbox run --drain` ends when the campaigns that may send now are done, and not before."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.campaigns.stage import Stage
from tests.support.factory import value
from tests.support.outbox_process import answer, with_rights_of


@pytest.mark.timeout(120)
async def test_a_drain_sends_a_campaign_to_its_end(stage: Stage, dsn: str, tmp_path: Path) -> None:
    await stage.conn.execute(
        "select sms.set_provider('post', p_tps => 2000, p_settings => %s::jsonb)",
        [f'{{"log": "{tmp_path / "taken.jsonl"}"}}'],
    )
    await stage.clients(900)
    await stage.queue(100)
    await stage.launch()

    summary = await asyncio.to_thread(
        answer,
        "run", "--drain", "--receipt-wait", "0s",
        dsn=with_rights_of(dsn, "sms_worker"), log_level="error",
    )  # fmt: skip

    assert summary["states"] == {"accepted": 900}
    assert (await stage.progress())["state"] == "finished"
    assert (tmp_path / "taken.jsonl").read_bytes().count(b"\n") == 900


@pytest.mark.timeout(120)
async def test_a_drain_does_not_wait_for_those_who_may_not_be_written_to_yet(
    stage: Stage, dsn: str
) -> None:
    await stage.clients(5)
    await stage.launch(per_hour=1)  # the first is due at once, the second in an hour

    await asyncio.to_thread(
        answer,
        "run", "--drain", "--receipt-wait", "0s",
        dsn=with_rights_of(dsn, "sms_worker"), log_level="error",
    )  # fmt: skip

    run = await stage.progress()
    assert (run["state"], run["states"], run["waiting"]) == ("running", {"accepted": 1}, 4)
    assert await value(stage.conn, "select feeding from sms.work_left()") == 0
