"""Commands that work: run, worker, dlr."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated

import structlog
import typer

from cli.app import AsJson, app, duration, run_async
from cli.drain import Summary, drain, print_summary
from cli.receipts import NAME, hear
from cli.receiver import ReceiverProcess, confine
from outbox import descriptors, logs
from outbox.db import with_login
from outbox.errors import SettingsMistake, UsageMistake
from outbox.logins import DLR, WORKER
from outbox.rows import ProviderRow
from outbox.settings import Settings, load
from worker.main import Stop, Worker, open_worker, warn_of_power

log = structlog.get_logger()

Told = Callable[[Sequence[ProviderRow]], None]


@app.command(epilog="Example: outbox run --drain --receipt-wait 10s")
def run(
    until_done: Annotated[
        bool,
        typer.Option(
            "--drain",
            help="End when nothing is due, in flight or awaiting a receipt, and sum up.",
        ),
    ] = False,
    receipt_wait: Annotated[
        str | None, typer.Option(help="How long a drain waits for a message's receipt.")
    ] = None,
    timeout: Annotated[
        str | None, typer.Option(help="A drain that takes longer fails (exit code 8).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send, hear receipts and do the chores; one command for all. SIGTERM ends it well."""
    if not until_done and (receipt_wait is not None or timeout is not None or as_json):
        raise UsageMistake("--receipt-wait, --timeout and --json need --drain: else it never ends.")
    settings = load()
    if receipt_wait is not None:
        wait = duration(receipt_wait, "--receipt-wait")
        settings = settings.model_copy(update={"receipt_wait": wait})
    limit = None if timeout is None else duration(timeout, "--timeout")
    # Whoever watches a progress bar would see it torn by every line of log.
    settings = with_login(settings, WORKER)
    quiet = until_done and sys.stderr.isatty() and settings.log_level == "info"
    if quiet:
        settings = settings.model_copy(update={"log_level": "warning"})
    logs.configure(settings.log_level)
    descriptors.raise_limit()
    if not until_done:
        return run_async(_run(settings))
    summary = run_async(_drain(settings, None if limit is None else limit.total_seconds()))
    print_summary(summary, as_json=as_json)


@app.command(epilog="Example: OUTBOX_LISTEN_DSN=none outbox worker")
def worker() -> None:
    """Send and do the chores; receipts over HTTP are another process's: outbox dlr."""
    settings = with_login(load(), WORKER)
    logs.configure(settings.log_level)
    descriptors.raise_limit()
    run_async(_worker(settings))


@app.command(epilog="Example: OUTBOX_DLR_TOKEN=… OUTBOX_DLR_PORT=8801 outbox dlr")
def dlr() -> None:
    """Hear delivery reports and subscribers over HTTP; store each before answering it."""
    settings = load()
    logs.configure(settings.log_level)
    if settings.dlr_token is None:
        raise SettingsMistake(
            "OUTBOX_DLR_TOKEN is not set: it is the secret part of the receipt URLs; "
            "choose at least 16 letters and digits."
        )
    confine(settings)
    run_async(_dlr(with_login(settings, DLR)))


async def _run(settings: Settings) -> None:
    stop = Stop()
    with stop.on_signals():
        async with _everything(settings) as (worker, told):
            await worker.run(stop, told=told)


async def _drain(settings: Settings, limit_s: float | None) -> Summary:
    stop = Stop()
    with stop.on_signals():
        async with _everything(settings) as (worker, told), asyncio.TaskGroup() as tasks:
            tasks.create_task(worker.run(stop, told=told), name="worker")
            try:
                return await drain(worker.db, settings.receipt_wait, stop, limit_s=limit_s)
            finally:
                if not stop.asked.is_set():
                    stop.ask()


async def _worker(settings: Settings) -> None:
    stop = Stop()
    with stop.on_signals():
        async with open_worker(settings) as worker:
            await worker.run(stop)


async def _dlr(settings: Settings) -> None:
    stop = Stop()
    with stop.on_signals():
        await warn_of_power(settings, name=NAME, role="sms_dlr")
        await hear(settings, stop.asked)


@asynccontextmanager
async def _everything(settings: Settings) -> AsyncIterator[tuple[Worker, Told]]:
    """A worker and, where a token is set, the receipt server beside it, ended after it.

    The server is a process of its own: strangers call it, and whatever they do to it, be it to
    its memory, its descriptors or its life, sending goes on.
    """
    async with AsyncExitStack() as stack:
        worker = await stack.enter_async_context(open_worker(settings))
        if settings.dlr_token is None:
            log.warning("receipts_not_heard", hint="OUTBOX_DLR_TOKEN is not set")
            yield worker, _nobody
            return
        receiver = await stack.enter_async_context(ReceiverProcess(settings, worker.metrics))
        yield worker, receiver.tell


def _nobody(rows: Sequence[ProviderRow]) -> None:
    """Where nobody hears receipts."""
