"""The session of docs/campaigns.md runs as it is written, and its numbers agree everywhere."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.docs.pages import ROOT, Block, blocks

PAGE = ROOT / "docs" / "campaigns.md"
SESSION_S = 120


class Session:
    """A shell for each block, one folder and one database for all."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self._folder = folder
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self._variables = {
            **kept,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "OUTBOX_DSN": dsn,
            "LANG": "C.UTF-8",
        }

    def run(self, block: Block) -> str:
        """What the block prints; it must succeed."""
        with (self._folder / "stderr").open("w+") as stderr:  # a worker may keep it for long
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", block.body],
                cwd=self._folder,
                env=self._variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                timeout=SESSION_S,
                check=False,
            )
            stderr.seek(0)
            said = stderr.read()
        assert done.returncode == 0, f"line {block.line}: {said}"
        return done.stdout

    def end(self) -> None:
        """End the worker, should the session not have come so far."""
        pid = self._folder / "worker.pid"
        if pid.exists():
            try:
                os.kill(int(pid.read_text()), signal.SIGTERM)
            except ProcessLookupError:
                return


def same(expected: str, printed: str) -> bool:
    """Whether it is what the page shows, `…` standing for anything within or between lines."""
    wanted = [re.sub(r" +", " ", line.strip()) for line in expected.strip().splitlines()]
    found = "\n".join(re.sub(r" +", " ", line.strip()) for line in printed.strip().splitlines())
    pattern = "\n".join(re.escape(line).replace("…", ".*") for line in wanted)
    return re.fullmatch(pattern, found, re.DOTALL) is not None


@pytest.mark.timeout(300)
def test_the_session_runs_as_written_and_its_numbers_agree(dsn: str, tmp_path: Path) -> None:
    session = Session(dsn, tmp_path)
    page = [block for block in blocks(PAGE) if block.info in {"sh", "text"}]
    try:
        for block, answer in zip(page, [*page[1:], None], strict=True):
            if block.info != "sh":
                continue
            printed = session.run(block)
            if answer is not None and answer.info == "text":
                assert same(answer.body, printed), f"line {answer.line}:\n{printed}"
    finally:
        session.end()
    agree(dsn, tmp_path)


def agree(dsn: str, folder: Path) -> None:
    """Progress, sms.message and the provider's own record tell the same of both runs."""
    with psycopg.connect(dsn, row_factory=dict_row) as conn:
        first, second = conn.execute(
            "select * from sms.campaign_progress order by run_id"
        ).fetchall()
        fates = Counter(
            {
                (row["run_id"], row["state"]): row["count"]
                for row in conn.execute(
                    """
                    select r.run_id, m.state, count(*) from sms.message as m
                      join sms.run_message as r on r.message_id = m.id group by 1, 2
                    """
                ).fetchall()
            }
        )
        cost = conn.execute("select sum(cost) as cost from sms.message").fetchone()
        people = conn.execute(
            """
            select count(*) as rows, count(distinct m.client_id) as people from sms.message as m
              join sms.run_message as r on r.message_id = m.id where r.run_id = 1
            """
        ).fetchone()
    record = Counter(json.loads(line)["id"] for line in _lines(folder / "taken.jsonl"))
    for run in (first, second):
        assert run["states"] == {
            s: n for (run_id, s), n in fates.items() if run_id == run["run_id"]
        }
    assert (first["state"], second["state"]) == ("finished", "stopped")
    sent = sum(run["states"].get("accepted", 0) for run in (first, second))
    assert len(record) == record.total() == sent
    assert cost == {"cost": first["cost"] + second["cost"]}
    assert people == {"rows": first["recipients"], "people": first["recipients"]}
    assert second["unsent"] + second["decided"] == second["recipients"] == first["recipients"]
    watched: list[dict[str, Any]] = [json.loads(line) for line in _lines(folder / "watched.jsonl")]
    assert watched[-1]["state"] == "finished"
    assert watched[-1]["states"] == first["states"]


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()
