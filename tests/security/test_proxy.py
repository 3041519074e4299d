"""The proxy of docs/receiver.md: Debian's nginx with the very file we give, and a receiver."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from dlr.serve import Listener
from kannel.processes import free_ports
from outbox.cluster import ROOT
from outbox.doors.limits import Limits
from outbox.receipts import Receipt
from tests.dlr.conftest import TOKEN, app_with, path
from tests.support.waiting import eventually

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
OPENSSL = shutil.which("openssl")
AROUND = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/main.error.log;
worker_processes 1;
{user}
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/outbox.conf;
}}
"""

pytestmark = pytest.mark.skipif(
    NGINX is None or OPENSSL is None, reason="nginx is not installed: scripts/packages --try nginx"
)


class Proxied:
    """What came through the proxy, and where it listens."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.stored: list[Receipt] = []

    async def record(self, provider: str, receipts: Sequence[Receipt]) -> None:
        self.stored.extend(receipts)

    @asynccontextmanager
    async def client(self, address: str = "127.0.0.1") -> AsyncIterator[httpx.AsyncClient]:
        """Calls from this address of ours."""
        trusting = ssl.create_default_context(cafile=str(self.folder / "fullchain.pem"))
        transport = httpx.AsyncHTTPTransport(verify=trusting, local_address=address)
        base = f"https://localhost:{self.port}"
        async with httpx.AsyncClient(
            base_url=base, transport=transport, trust_env=False, timeout=20
        ) as client:
            yield client

    @property
    def logs(self) -> str:
        return "".join(log.read_text() for log in self.folder.glob("*.log"))


def make_certificate(folder: Path) -> None:
    """One for localhost, as `openssl` makes it."""
    subprocess.run(
        [
            *(str(OPENSSL), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "fullchain.pem")),
        ],
        check=True,
        capture_output=True,
    )


def configure(folder: Path, port: int, receiver: int) -> None:
    """The file as it is given, at another place, with other ports and shorter times."""
    text = (ROOT / "proxy" / "nginx.conf").read_text()
    for given, here in {
        "server 127.0.0.1:8801;": f"server 127.0.0.1:{receiver};",
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "listen [::]:443 ssl;": "",
        "/etc/ssl/outbox": str(folder),
        "/var/log/nginx": str(folder),
        "client_header_timeout 10s;": "client_header_timeout 1s;",
        "client_body_timeout 10s;": "client_body_timeout 1s;",
        "limit_conn outbox_callers 512;": "limit_conn outbox_callers 20;",
    }.items():
        assert text.count(given) >= 1, given
        text = text.replace(given, here)
    (folder / "outbox.conf").write_text(text)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, user=user))


@pytest.fixture
async def proxied(tmp_path: Path) -> AsyncIterator[Proxied]:
    make_certificate(tmp_path)
    port = free_ports(1)[0]
    proxied = Proxied(tmp_path, port)
    # One connection of the proxy's is many people's: it must not be limited by its address.
    limits = Limits(per_address=1)
    async with Listener(app_with(proxied.record).asgi, limits=limits) as listener:
        configure(tmp_path, port, listener.port)
        command = [str(NGINX), "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
        process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
        try:
            await eventually(lambda: _is_open(port) or process.returncode is not None)
            assert process.returncode is None, proxied.logs
            yield proxied
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def _is_open(port: int) -> bool:
    hexed = f"0100007F:{port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()
    return any(hexed in line.split()[1] and line.split()[3] == "0A" for line in lines[1:])


async def test_receipts_of_many_connections_come_through(proxied: Proxied) -> None:
    async with proxied.client() as client:
        answers = await asyncio.gather(*(client.get(path(n)) for n in range(15)))
        posted = await client.post(path(99), content=b"x=1")
    assert {answer.status_code for answer in (*answers, posted)} == {200}
    assert {receipt.message_id for receipt in proxied.stored} == {*range(15), 99}


async def test_neither_token_nor_path_gets_into_a_log(proxied: Proxied) -> None:
    async with proxied.client() as client:
        assert (await client.get(path(1))).status_code == 200
        assert (await client.post(path(2), content=b"x" * 1_100_000)).status_code == 413
        assert (await client.put(path(3))).status_code == 403
        assert (await client.get(f"/fake/post/{TOKEN}/4/5/6")).status_code == 404
    assert proxied.logs.count(" GET ") == 2
    assert TOKEN not in proxied.logs
    assert "/fake" not in proxied.logs
    assert len(proxied.stored) == 1


async def test_strangers_reach_nothing_but_callbacks_and_links(proxied: Proxied) -> None:
    async with proxied.client() as client:
        for where in ("/", "/health", "/metrics", "/fake/post/short/1", f"/fake/post/{TOKEN}/5/"):
            assert (await client.get(where)).status_code == 404
        assert (await client.head(path(5))).status_code in (403, 405)
        links = [await client.get("/l/Abcdefgh1") for _ in range(40)]
        told = [answer.status_code for answer in links]
        assert (told[0], told[-1]) == (404, 429)  # who tries codes is slowed down
        assert (await client.get(path(6))).status_code == 200  # receipts are not
    assert [receipt.message_id for receipt in proxied.stored] == [6]


async def test_the_receiver_hears_who_called_and_not_who_he_says_he_is(proxied: Proxied) -> None:
    with capture_logs() as logs:
        async with proxied.client("127.0.0.9") as client:
            forged = {"X-Forwarded-For": "192.0.2.1"}
            wrong = path(1, token="x" * 20)
            assert (await client.get(wrong, headers=forged)).status_code == 404
    [told] = [line for line in logs if line["event"] == "dlr_wrong_token"]
    assert told["client"] == "127.0.0.9"


async def test_whoever_says_nothing_is_ended_by_the_proxy(proxied: Proxied) -> None:
    trusting = ssl.create_default_context(cafile=str(proxied.folder / "fullchain.pem"))
    silent = [
        await asyncio.open_connection(
            "127.0.0.1", proxied.port, ssl=trusting, server_hostname="localhost"
        )
        for _ in range(10)
    ]
    silent[0][1].write(f"POST {path(1)} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1".encode())
    silent[1][1].write(b"GET /fake")
    async with proxied.client() as client:
        assert (await client.get(path(7))).status_code == 200
    async with asyncio.timeout(20):
        for reader, writer in silent:
            with suppress(ConnectionError, ssl.SSLError):
                await reader.read()
            writer.transport.abort()
    assert [receipt.message_id for receipt in proxied.stored] == [7]
