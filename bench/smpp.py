"""SMPP: submissions a second of one process, beside smpplib's client and Kannel; receipts in."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import IO

import psutil
from smpplib import gsm
from smpplib.client import Client

from bench.lab import Lab, Requests
from bench.pipeline import DONE, ended_since, next_id, wait
from kannel.boxes import Boxes
from kannel.processes import NotStarted
from kannel.simulator import Simulator
from outbox.cluster import ROOT
from outbox.terminal import echo
from providers.base import Accepted, Context, Message, Receipt
from providers.smpp import SmppProvider

TEXT = "Ваш платёж зачислен, баланс 1 234,56 ₽. Спасибо за всё!"  # 55 letters, UCS-2, one part
WINDOW = 500
BATCH = 500  # what the worker hands over at once
AT_ONCE = 4
CONNECTIONS = 32  # to smsbox: fewer meet a stall of 40 ms, more gain nothing
PATIENCE_S = 120
KANNEL = "bench_kannel"


class Sink:
    """bench.smsc_sink in its own process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.port = int(self._line().split()[1])

    def count(self) -> int:
        """Submissions taken so far."""
        return int(self._ask("count"))

    def report(self) -> tuple[int, float]:
        """A receipt for each submission: how many were answered, in how many seconds."""
        answered, seconds = self._ask("report").split()
        return int(answered), float(seconds)

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> str:
        output: IO[str] | None = self._process.stdout
        assert output is not None
        if not (line := output.readline()):
            raise RuntimeError("the message centre of the benchmark ended")
        return line


@contextmanager
def open_sink() -> Iterator[Sink]:
    """A sink until the block ends."""
    command = [sys.executable, "-m", "bench.smsc_sink"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield Sink(process)
        finally:
            process.terminate()


# --- submissions ---------------------------------------------------------------------------------


def submissions(lab: Lab) -> None:
    """The adapter, smpplib's client and Kannel, one after the other, to the same kind of sink."""
    count = lab.sizes.submitted
    with open_sink() as sink:
        _note(lab, "smpp", count, *asyncio.run(_submit(sink.port, count)))
    with Simulator(dlr_ms=None) as npm:
        few = count // 5
        seconds, _ = asyncio.run(_submit(npm.port, few))
        lab.note("smpp.npm.rate", few / seconds)
    with open_sink() as sink:
        few = count // 5
        _note(lab, "smpplib", few, *_submit_one_by_one(sink.port, few))
    with open_sink() as sink:
        _beside_kannel(lab, sink, count // 5)


def _note(lab: Lab, name: str, count: int, seconds: float, cpu_s: float) -> None:
    lab.note(f"{name}.rate", count / seconds)
    lab.note(f"{name}.us", cpu_s * 1e6 / count)


async def _submit(port: int, count: int) -> tuple[float, float]:
    """Wall and CPU seconds of this process for so many messages through the adapter."""

    async def sink(receipts: Sequence[Receipt]) -> None: ...

    settings = {"addresses": f"127.0.0.1:{port}", "system_id": "bench", "window": WINDOW}
    provider = SmppProvider("bench", settings, "secret", Context(sink=sink))
    batches = [_batch(start) for start in range(0, count, BATCH)]
    async with provider:
        left = iter(batches)
        start, cpu = time.perf_counter(), time.process_time()
        taken = await asyncio.gather(*(_send(provider, left) for _ in range(AT_ONCE)))
        spent = time.perf_counter() - start, time.process_time() - cpu
    if sum(taken) != count:
        raise RuntimeError(f"{sum(taken)} of {count} messages were accepted")
    return spent


async def _send(provider: SmppProvider, batches: Iterator[list[Message]]) -> int:
    """How many were accepted; the next batch follows when all of one have their results."""
    accepted = 0
    for batch in batches:
        async for result in provider.send(batch):
            accepted += type(result) is Accepted
    return accepted


def _batch(start: int) -> list[Message]:
    expires_at = datetime.now(UTC) + timedelta(hours=1)
    return [
        Message(
            id=number,
            msisdn=79_070_000_000 + number,
            sender_id="BANK",
            body=TEXT,
            attempt=1,
            priority=2,
            expires_at=expires_at,
            segments=1,
            encoding="ucs2",
        )
        for number in range(start, start + BATCH)
    ]


def _submit_one_by_one(port: int, count: int) -> tuple[float, float]:
    """smpplib's own client as its documentation shows it: send, wait for the answer, again."""
    client = Client("127.0.0.1", port, allow_unknown_opt_params=True)
    client.set_message_sent_handler(lambda pdu: None)  # its own prints a line for each
    client.connect()
    client.bind_transceiver(system_id="bench", password="secret")
    start, cpu = time.perf_counter(), time.process_time()
    for number in range(count):
        [part], data_coding, esm_class = gsm.make_parts(TEXT)
        client.send_message(
            source_addr_ton=5,
            source_addr_npi=0,
            source_addr="BANK",
            dest_addr_ton=1,
            dest_addr_npi=1,
            destination_addr=str(79_070_000_000 + number),
            short_message=part,
            data_coding=data_coding,
            esm_class=esm_class,
            registered_delivery=True,
        )
        client.read_once()
    spent = time.perf_counter() - start, time.process_time() - cpu
    client.unbind()
    client.disconnect()
    return spent


def _beside_kannel(lab: Lab, sink: Sink, count: int) -> None:
    """Requests to smsbox until the sink behind bearerbox has all; not measured without Kannel."""
    try:
        with Boxes(smsc_port=sink.port, log_level=3, queue_limit=1_000_000) as boxes:
            boxes.wait_for_link()
            pids = (boxes.smsbox_pid, boxes.bearerbox_pid)
            cpu, start = _cpu_s(pids), time.perf_counter()
            asyncio.run(_post_all(boxes, count))
            _until(sink, count)
            seconds = time.perf_counter() - start
            _note(lab, "kannel", count, seconds, _cpu_s(pids) - cpu)
    except NotStarted as error:
        echo(f"Kannel is not measured: {error}", err=True)


def _cpu_s(pids: Sequence[int]) -> float:
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)


def _until(sink: Sink, count: int) -> None:
    until = time.monotonic() + PATIENCE_S
    while sink.count() < count:
        if time.monotonic() > until:
            raise RuntimeError(f"only {sink.count()} of {count} messages came through Kannel")
        time.sleep(0.02)


async def _post_all(boxes: Boxes, count: int) -> None:
    numbers = iter(range(count))
    await asyncio.gather(*(_post(boxes, numbers) for _ in range(CONNECTIONS)))


async def _post(boxes: Boxes, numbers: Iterator[int]) -> None:
    """One keep-alive connection, by hand: a client library would cost more than Kannel."""
    reader, writer = await asyncio.open_connection("127.0.0.1", boxes.sendsms_port)
    body = TEXT.encode()
    for number in numbers:
        writer.write(
            f"POST /cgi-bin/sendsms HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(body)}\r\n"
            "Content-Type: text/plain; charset=UTF-8\r\n"
            f"X-Kannel-Username: {boxes.username}\r\nX-Kannel-Password: {boxes.password}\r\n"
            f"X-Kannel-SMSC: {boxes.smsc_id}\r\nX-Kannel-From: BANK\r\nX-Kannel-Coding: 2\r\n"
            f"X-Kannel-To: {79_070_000_000 + number}\r\n\r\n".encode()
            + body
        )
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 202"):
            raise RuntimeError(f"smsbox answered {head.splitlines()[0]!r}")
        length = next(line for line in head.splitlines() if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
    writer.close()


# --- receipts ------------------------------------------------------------------------------------


def receipts_over_smpp(lab: Lab) -> None:
    """The real worker sends over SMPP; then a receipt for each message, answered after commit."""
    count = lab.sizes.reported
    with open_sink() as sink:
        _point_at(lab, sink.port)
        try:
            _send_and_report(lab, sink, count)
        finally:
            _point_back(lab)


def _send_and_report(lab: Lab, sink: Sink, count: int) -> None:
    since = next_id(lab)
    lab.fill(Requests(count=count, channel="plain", with_ref=False))
    with lab.worker(OUTBOX_SECRET_BENCH="secret") as worker:
        with lab.measure(worker.pid) as sent:
            wait(lab, DONE)
        with lab.measure(worker.pid) as spent:
            answered, seconds = sink.report()
    ended = ended_since(lab, since)  # some phones are dirty on purpose
    if answered != sink.count() or "accepted" in ended or not ended.get("delivered"):
        raise RuntimeError(f"of {answered} receipts all should have been applied: {ended}")
    lab.note("smpp.pipeline.rate", ended["delivered"] / sent.seconds)
    lab.note("smpp.receipts.rate", answered / seconds)
    lab.note("smpp.receipts.us", (spent.server_us + spent.own_us) / answered)


def _point_at(lab: Lab, port: int) -> None:
    """All lanes lead to the sink."""
    with lab.connect() as conn:
        conn.execute(
            """
            insert into sms.provider (provider, adapter, secret_env, tps, max_batch, settings)
            values ('bench_smpp', 'smpp', 'OUTBOX_SECRET_BENCH', 100000, 1000,
                    jsonb_build_object('addresses', '127.0.0.1:' || %(port)s::text,
                                       'system_id', 'bench', 'window', 2000, 'max_batch', 1000))
                on conflict (provider) do update set settings = excluded.settings, is_enabled = true
            """,
            {"port": port},
        )
        conn.execute("select sms.switch_channel('*', 'bench_smpp')")


def _point_back(lab: Lab) -> None:
    with lab.connect() as conn:
        conn.execute("select sms.switch_channel('*', 'fake')")
        conn.execute("update sms.provider set is_enabled = false where provider = 'bench_smpp'")
