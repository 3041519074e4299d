"""smsc.ru on this machine: a server that behaves like the documentation, and badly where told to.

    python -m tests.peers.smsc_ru --port 8099 --minute 1 --log taken.jsonl

`GET /control` tells its counters; `POST /control` takes a JSON object with `once` (a list of faults
for the next requests to send.php), `faults` (fault → share of the requests to send.php, seeded),
`status_fault` (of every request to status.php), `callbacks` (see Callbacks), `terms` (see Terms),
`write` (a subscriber's message).

Faults: drop (cut before it is looked at) · lost (taken, then cut) · hang (taken, never answered) ·
hang_first (never looked at nor answered) · late (taken after late_s, whoever still waits) ·
cut (taken, half an answer) · garbage (taken, an HTML page) · http_500 (taken) · http_502 (not
taken) · error_N (error N, not taken).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from tests.peers.smsc_ru_callbacks import Callbacks
from tests.peers.smsc_ru_rules import ERRORS, Offence, Rules, Sms, Terms

HEAD_S = 60.0


class SmscRuPeer:
    """The service at a port of this machine; `sent` is its own record of what it took."""

    def __init__(self, terms: Terms | None = None, *, log: Path | None = None) -> None:
        self.terms = terms or Terms()
        self.callbacks = Callbacks(self.terms)
        self.rules = Rules(self.terms, clock=time.monotonic, taken=self._note)
        self.once: list[str] = []
        self.faults: dict[str, float] = {}
        self.status_fault = ""  # of every request to status.php
        self.latency_s = 0.0
        self.late_s = 0.5
        self.forms: list[tuple[str, dict[str, str]]] = []  # of the last requests, for a look
        self.port = 0
        self._random = random.Random(1)
        self._log = log
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sent(self) -> list[Sms]:
        return list(self.rules.sent.values())

    async def start(self, port: int = 0) -> None:
        """Listen; after `stop` at the same port again."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port or self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuse connections and cut those that are there."""
        if self._server is not None:
            self._server.close()
            self._server = None
        serving = list(self._open)
        for task, writer in self._open.items():
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    def _note(self, sms: Sms) -> None:
        if self._log is not None:
            with self._log.open("a", encoding="utf-8") as log:
                record = {"id": sms.batch_id, "phone": sms.phone, "at": sms.at, "mes": sms.text}
                log.write(json.dumps(record, ensure_ascii=False) + "\n")
        self.callbacks.expect(sms)

    # --- HTTP ------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        try:
            while (request := await _read(reader)) is not None:
                method, target, headers, body = request
                page = target.rpartition("/")[2].partition("?")[0]
                if page == "control":
                    await _write(writer, json.dumps(self._control(method, body)).encode())
                elif not await self._answer(reader, writer, page, method, target, headers, body):
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            del self._open[task]
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        page: str,
        method: str,
        target: str,
        headers: dict[str, str],
        body: bytes,
    ) -> bool:
        """Answer one request; False to cut the connection."""
        fault = self._fault(page)
        self.rules.enter()
        try:
            if fault == "drop":
                return False
            if fault == "hang_first":
                return await _gone(reader)
            await asyncio.sleep(self.late_s if fault == "late" else self.latency_s / 2)
            answer = self._understand(page, method, target, headers, body, fault)
            await asyncio.sleep(self.latency_s / 2)
            if fault == "hang":
                return await _gone(reader)
        finally:
            self.rules.under_way -= 1
        if fault == "lost":
            return False
        return await _write(writer, json.dumps(answer).encode(), fault=fault)

    def _understand(
        self, page: str, method: str, target: str, headers: dict[str, str], body: bytes, fault: str
    ) -> Any:
        if fault.startswith("error_"):
            code = int(fault.removeprefix("error_"))
            return {"error": ERRORS.get(code, "what?"), "error_code": code}
        if fault == "http_502":
            return {}
        try:
            form = _form(method, target, headers, body)
        except Offence as offence:
            self.rules.offences.append(f"{page}: {offence}")
            return {"error": ERRORS[1], "error_code": 1}
        self.forms = [*self.forms[-99:], (page, form)]
        return self.rules.answer(page, form)

    def _fault(self, page: str) -> str:
        if page != "send.php":
            return self.status_fault if page == "status.php" else ""
        if self.once:
            return self.once.pop(0)
        for fault, share in self.faults.items():
            if self._random.random() < share:
                return fault
        return ""

    # --- control ---------------------------------------------------------------------------------

    def _control(self, method: str, body: bytes) -> dict[str, Any]:
        if method == "POST":
            self._obey(json.loads(body))
        rules = self.rules
        return {
            "sent": len(rules.sent),
            "offences": rules.offences,
            "errors": dict(rules.errors),
            "asked": dict(rules.asked),
            "most_under_way": rules.most_under_way,
            "callbacks": self.callbacks.counters,
            "balance": str(self.terms.balance),
        }

    def _obey(self, order: dict[str, Any]) -> None:
        self.once += order.get("once", [])
        self.faults = order.get("faults", self.faults)
        self.status_fault = order.get("status_fault", self.status_fault)
        self.latency_s = order.get("latency_s", self.latency_s)
        self.late_s = order.get("late_s", self.late_s)
        for name, value in order.get("terms", {}).items():
            kind = type(getattr(self.terms, name))
            setattr(self.terms, name, Decimal(value) if kind is Decimal else kind(value))
        for name, value in order.get("callbacks", {}).items():
            setattr(self.callbacks, name, value)
        if (message := order.get("write")) is not None:
            self.callbacks.write(**message)


def _form(method: str, target: str, headers: dict[str, str], body: bytes) -> dict[str, str]:
    """The posted fields; an Offence where they come in another way than the adapter promises."""
    if method != "POST" or "?" in target:
        raise Offence("a key or a text is in the URL")
    if headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        raise Offence("the body is no form")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict"
        )
    except ValueError as error:
        raise Offence("the form is not UTF-8, url-encoded") from error
    form = dict(pairs)
    if len(form) < len(pairs):
        raise Offence("a parameter stands twice")
    return form


async def _read(
    reader: asyncio.StreamReader,
) -> tuple[str, str, dict[str, str], bytes] | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.rstrip().split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return method, target, headers, body


async def _write(writer: asyncio.StreamWriter, body: bytes, *, fault: str = "") -> bool:
    """Write the answer; False when the connection is to be cut after it."""
    status = {"http_500": "500 Internal Server Error", "http_502": "502 Bad Gateway"}.get(fault)
    kind = "application/json"
    if fault == "garbage" or status is not None:
        body, kind = b"<html><body>Please try again later</body></html>", "text/html"
    head = f"HTTP/1.1 {status or '200 OK'}\r\nContent-Type: {kind}\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + (body[: len(body) // 2] if fault == "cut" else body))
    await writer.drain()
    return fault != "cut"


async def _gone(reader: asyncio.StreamReader) -> bool:
    """Wait until the client has gone."""
    await reader.read()
    return False


@asynccontextmanager
async def smsc_ru_peer(terms: Terms | None = None, **changes: Any) -> AsyncIterator[SmscRuPeer]:
    """A peer in this process until the block ends."""
    peer = SmscRuPeer(terms or Terms(**changes))
    await peer.start()
    try:
        yield peer
    finally:
        await peer.callbacks.aclose()
        await peer.stop()


async def _run(arguments: argparse.Namespace) -> None:
    terms = Terms(minute_s=arguments.minute, delivery_s=arguments.delivery)
    peer = SmscRuPeer(terms, log=arguments.log)
    peer.latency_s = arguments.latency
    peer.callbacks.url = arguments.callback_url
    await peer.start(arguments.port)
    print(json.dumps({"url": peer.url, "key": terms.key}), flush=True)
    await asyncio.Event().wait()


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description="smsc.ru on this machine, for tests.")
    parser.add_argument("--port", type=int, default=0, help="0: any free one; it is printed")
    parser.add_argument("--minute", type=float, default=60.0, help="seconds in its limits' minute")
    parser.add_argument(
        "--latency",
        type=float,
        default=0.0,
        help="seconds to each answer, half of them before it acts",
    )
    parser.add_argument("--delivery", type=float, default=0.05, help="seconds to each delivery")
    parser.add_argument("--callback-url", default=None, help="where statuses are posted")
    parser.add_argument("--log", type=Path, default=None, help="a JSON line for each SMS taken")
    with suppress(KeyboardInterrupt):
        asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
