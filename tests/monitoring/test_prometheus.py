"""The alert rules and the example configuration, checked by Prometheus' own programs."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from psycopg import AsyncConnection

from kannel import processes
from outbox.cluster import ROOT
from outbox.metrics import MEANINGS, Metrics
from tests.docs.pages import headings
from tests.monitoring.conftest import answering, port_of, scrape, until
from tests.support.factory import make_provider
from tests.support.outbox_process import Programs

FOLDER = ROOT / "monitoring"
ALERTS = (FOLDER / "alerts.yml").read_text("utf-8")
NAMES = re.findall(r"^ +- alert: (\w+)$", ALERTS, re.MULTILINE)
has_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed"
)
has_prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="Prometheus is not installed"
)


def promtool(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["promtool", *arguments],
        cwd=FOLDER,
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@has_promtool
@pytest.mark.parametrize(
    "check",
    [
        ("check", "rules", "alerts.yml"),
        ("check", "config", "prometheus.yml"),
        ("test", "rules", "alerts.test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_finds_nothing_wrong(check: tuple[str, ...]) -> None:
    done = promtool(*check)
    assert done.returncode == 0, done.stdout + done.stderr


@has_promtool
def test_promtool_would_notice_a_rule_that_does_not_fire(tmp_path: Path) -> None:
    """That the tests of the rules can fail at all."""
    for name in ("alerts.yml", "alerts.test.yml"):
        shutil.copy(FOLDER / name, tmp_path)
    broken = ALERTS.replace('priority="0"}) > 30', 'priority="0"}) > 3000')
    assert broken != ALERTS
    (tmp_path / "alerts.yml").write_text(broken)
    done = promtool("test", "rules", str(tmp_path / "alerts.test.yml"))
    assert done.returncode != 0
    assert "OutboxUrgentWaits" in done.stdout + done.stderr


def test_every_alert_is_tested_both_ways() -> None:
    tests = (FOLDER / "alerts.test.yml").read_text("utf-8")
    assert len(set(NAMES)) == len(NAMES) > 10
    for name in NAMES:
        assert re.search(rf"alertname: {name}\n +eval_time: \S+\n +exp_alerts:\n", tests), name


def test_every_alert_says_one_sentence_and_where_to_read_on() -> None:
    chapters = headings(ROOT / "docs" / "monitoring.md")
    rules = re.split(r"^ +- alert: ", ALERTS, flags=re.MULTILINE)[1:]
    for name, rule in zip(NAMES, rules, strict=True):
        [summary] = re.findall(r'^ +summary: "?(.+?)"?$', rule, re.MULTILINE)
        assert summary.endswith("."), name
        [page] = re.findall(r"^ +runbook_url: (\S+)$", rule, re.MULTILINE)
        assert page == f"docs/monitoring.md#{name.lower()}"
        assert name.lower() in chapters
        [severity] = re.findall(r"severity: (\w+)", rule)
        assert severity in {"page", "ticket"}


def test_alerts_ask_only_for_what_is_told() -> None:
    metrics = {
        *MEANINGS,
        *(
            f"{family.name}{'_total' if family.type == 'counter' else ''}"
            for family in Metrics().registry.collect()
        ),
        "outbox_answer_seconds_bucket",
    }
    asked = set(re.findall(r"\boutbox_\w+", ALERTS))
    assert len(asked) > 10
    assert asked <= metrics


@pytest.mark.timeout(240)
@has_prometheus
async def test_prometheus_itself_scrapes_a_worker_and_takes_the_rules(
    programs: Programs, conn: AsyncConnection, tmp_path: Path
) -> None:
    await make_provider(conn)
    worker = await answering(programs.start("worker"))

    async def is_told() -> bool:
        return bool((await scrape(worker)).having("outbox_queue_messages"))

    await until(is_told)
    with prometheus(tmp_path, port_of(worker)) as base:
        async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=10) as client:

            async def is_scraped() -> bool:
                return await ask(client, 'up{job="outbox"}') == [1.0]

            await until(is_scraped)
            assert await ask(client, "max(outbox_database_up)") == [1.0]
            assert await ask(client, "count(outbox_queue_messages{state='due'}) > 10")
            assert await ask(client, 'max(outbox_provider_breaker_open{provider="post"})') == [0.0]
            rules = (await client.get("/api/v1/rules")).json()["data"]["groups"]
            loaded = [rule for group in rules for rule in group["rules"]]
            assert sorted(rule["name"] for rule in loaded) == sorted(NAMES)
            targets = (await client.get("/api/v1/targets")).json()["data"]["activeTargets"]
            assert [target["lastError"] for target in targets] == [""]


@has_promtool
async def test_names_and_help_follow_the_conventions(
    programs: Programs, conn: AsyncConnection
) -> None:
    await make_provider(conn)
    worker = await answering(programs.start("worker"))

    async def is_told() -> bool:
        return bool((await scrape(worker)).having("outbox_queue_messages"))

    await until(is_told)
    text = (await scrape(worker)).text
    done = promtool("check", "metrics", given=text)
    complaints = [line for line in (done.stdout + done.stderr).splitlines() if "outbox" in line]
    assert complaints == []


async def ask(client: httpx.AsyncClient, query: str) -> list[float]:
    """The values of an instant query."""
    answer: Any = (await client.get("/api/v1/query", params={"query": query})).json()
    return [float(series["value"][1]) for series in answer["data"]["result"]]


@contextmanager
def prometheus(folder: Path, target: int) -> Iterator[str]:
    """A Prometheus on the loopback interface with our example, but for times and addresses."""
    folder = folder / "prometheus"
    folder.mkdir()
    port = processes.free_ports(1)[0]
    shutil.copy(FOLDER / "alerts.yml", folder)
    example = (FOLDER / "prometheus.yml").read_text("utf-8")
    mine = re.sub(r"targets: \[.*\]", f'targets: ["127.0.0.1:{target}"]', example)
    mine = re.sub(r"interval: 15s", "interval: 1s", mine)
    assert mine != example
    (folder / "prometheus.yml").write_text(mine)
    processes.give_to_user(folder)
    output = folder / "output"
    command = [
        processes.required("prometheus", "prometheus"),
        "--config.file=prometheus.yml",
        f"--web.listen-address=127.0.0.1:{port}",
        "--storage.tsdb.path=data",
        "--storage.tsdb.retention.time=1h",
    ]
    process = processes.start(command, folder=folder, output=output)
    base = f"http://127.0.0.1:{port}"
    try:
        processes.wait_until(lambda: _is_ready(base), process, name="Prometheus", output=output)
        yield base
    finally:
        processes.stop(process)


def _is_ready(base: str) -> bool:
    try:
        return httpx.get(f"{base}/-/ready", trust_env=False, timeout=2).status_code == 200
    except httpx.TransportError:
        return False
