"""The adapter printed in docs/providers.md, as a stranger would use it: built as a distribution of
its own, installed, run through the conformance suite, and sent through by a worker."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from kannel.processes import free_ports
from providers import base
from providers.conformance import FarSide, Paper
from tests.docs.pages import ROOT, blocks, code, tables
from tests.support import factory

PAGE = ROOT / "docs" / "providers.md"
KEY = "s3cret"
TOKEN = "a-token-for-tests-0123"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the page in a folder."""
    folder = tmp_path_factory.mktemp("acme")
    for block in blocks(PAGE):
        if named := re.search(r"\bfile=(\S+)", block.info):
            (folder / named[1]).write_text(block.body, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def environment(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of somebody who has installed it beside the outbox."""
    site = tmp_path_factory.mktemp("site")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    subprocess.run(
        [*pip, "--no-build-isolation", "--no-deps", "--no-index", "--target", site, source],
        check=True,
        capture_output=True,
    )
    mine = {name: value for name, value in os.environ.items() if not name.startswith("OUTBOX_")}
    return mine | {"PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}


def test_it_passes_the_conformance_suite(source: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rs", "test_acme_sms.py"],
        cwd=source,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    passed = re.search(r"([0-9]+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= 30, done.stdout
    lacking = set(re.findall(r"not with this provider: ([^\n(]+)", done.stdout))
    assert {what.strip() for what in lacking} == {
        "CanBePolled",
        "HasBalance",
        "messages from subscribers",
        "names made by us",
        "signed callbacks",
        "reports in-process that come again",
    }


class AcmeForTheWorker(BaseHTTPRequestHandler):
    """Acme once more, in the words of its documentation; it calls back when told to."""

    protocol_version = "HTTP/1.1"
    taken: list[dict[str, str]]

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.headers["X-Key"] == KEY
        self.taken.append(asked)
        body = json.dumps({"id": f"acme-{asked['id']}"}).encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        threading.Thread(target=report, args=[asked["callback"]]).start()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def report(url: str) -> None:
    """Acme's report, from a process that knows nothing of the outbox."""
    import urllib.request

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{url}?status=delivered", timeout=20) as reply:
        assert reply.status == 200


@pytest.fixture
def acme() -> Iterator[ThreadingHTTPServer]:
    handler = type("Handler", (AcmeForTheWorker,), {"taken": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def outbox(environment: dict[str, str], *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", *arguments),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


async def test_a_worker_sends_through_it_and_hears_its_reports(
    source: Path,
    environment: dict[str, str],
    acme: ThreadingHTTPServer,
    conn: AsyncConnection,
    dsn: str,
) -> None:
    [port] = free_ports(1)
    environment = environment | {
        "OUTBOX_DSN": dsn,
        "OUTBOX_DLR_PORT": str(port),
        "OUTBOX_DLR_TOKEN": TOKEN,
        "OUTBOX_SECRET_ACME": KEY,
    }
    await conn.execute((source / "codes.sql").read_bytes())
    url = f"url=http://127.0.0.1:{acme.server_port}"
    made = (
        "provider",
        "set",
        "acme_main",
        "--adapter",
        "acme",
        "--secret-env",
        "OUTBOX_SECRET_ACME",
    )
    await outbox(environment, *made, "--set", url, "--set", "sender_id=BANK")
    await outbox(environment, "provider", "switch", "*", "acme_main")
    ids = await factory.column(
        conn,
        """
        insert into sms.outbox (phone, body)
        select '+' || number, 'Платёж ' || number from unnest(%s::bigint[]) as number
        returning id
        """,
        [factory.number(n) for n in range(20)],
    )
    await outbox(environment, "run", "--drain", "--receipt-wait", "20s")
    assert set(await factory.states(conn, *ids)) == {"delivered"}
    taken = acme.RequestHandlerClass.taken  # type: ignore[attr-defined]
    assert sorted(int(asked["id"]) for asked in taken) == sorted(ids)


def test_every_part_of_the_contract_is_explained() -> None:
    page = PAGE.read_text(encoding="utf-8")
    public = {
        name
        for name, value in vars(base).items()
        if getattr(value, "__module__", None) == base.__name__ and len(name) > 1
    }
    assert {name for name in public if not re.search(rf"\b{name}\b", page)} == set()


def test_everything_a_far_side_may_supply_is_explained() -> None:
    page = PAGE.read_text(encoding="utf-8")
    explained = {
        name.partition("(")[0] for row in tables(PAGE, header="`FarSide`") for name in code(row[0])
    }
    members = {name for name in vars(FarSide) if not name.startswith("_")}
    assert explained == members | set(FarSide.__annotations__)
    assert all(f"`{name}`" in page for name in Paper.__annotations__)
