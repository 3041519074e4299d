"""Programs that answer Prometheus, and what they answered, parsed by Prometheus' own library."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.outbox_process import Program, Programs, with_rights_of
from tests.support.waiting import eventually

Key = tuple[str, frozenset[tuple[str, str]]]
PATIENCE_S = 60.0  # the database is asked every few seconds


class Scrape:
    """One answer of GET /metrics."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.samples: dict[Key, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                key = sample.name, frozenset(sample.labels.items())
                assert key not in self.samples, f"{key} twice"
                self.samples[key] = sample.value

    def get(self, name: str, **labels: str) -> float | None:
        """The value of exactly this series."""
        return self.samples.get((name, frozenset(labels.items())))

    def having(self, name: str, **labels: str) -> dict[Key, float]:
        """The series of this name with these labels among theirs."""
        wanted = set(labels.items())
        return {
            key: value
            for key, value in self.samples.items()
            if key[0] == name and wanted <= set(key[1])
        }

    def names(self) -> set[str]:
        return {name for name, _ in self.samples}


def port_of(program: Program) -> int:
    """Where a program with metrics_port=0 answers."""
    [event] = program.events("metrics_listening")
    return int(event["port"])


async def scrape(program: Program) -> Scrape:
    """Ask it once."""
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        answer = await client.get(f"http://127.0.0.1:{port_of(program)}/metrics")
    assert answer.status_code == 200
    return Scrape(answer.text)


async def scraped_until(program: Program, fits: Callable[[Scrape], object]) -> Scrape:
    """Ask until the answer fits."""
    seen: list[Scrape] = []

    async def once() -> bool:
        seen[:] = [await scrape(program)]
        return bool(fits(seen[0]))

    await until(once)
    return seen[0]


async def until(happened: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not await happened():  # noqa: ASYNC110 - another process cannot set an event
            await asyncio.sleep(0.2)


async def answering(program: Program) -> Program:
    """Wait until it answers Prometheus."""
    await eventually(lambda: program.is_ready() and program.events("metrics_listening"))
    return program


@pytest.fixture
def programs(dsn: str, tmp_path: Path) -> Iterator[Programs]:
    """Starts programs as the role sms_worker, each with a free port for Prometheus."""
    worker = with_rights_of(dsn, "sms_worker")
    with Programs(tmp_path, dsn=worker, metrics_port=0) as programs:
        yield programs
