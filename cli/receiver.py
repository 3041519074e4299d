"""The receipt server of `outbox run`: a process of its own, started again whenever it ends.

It shares with the sender the listening socket, so that callers wait while it is started again, and
two pipes. On its stdin it hears that accounts changed and, at the end, that it is over; on its
stdout it says once a second what it counted. One that says nothing for long is replaced.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

import structlog

from dlr.serve import listen_on
from outbox import descriptors
from outbox.doors.listener import GRACE_S
from outbox.metrics import Metrics
from outbox.rows import ProviderRow
from outbox.settings import PREFIX, Settings
from worker.clock import Backoff, now

log = structlog.get_logger()

SILENT_S = 60.0  # it speaks every second; a machine may be busy, and its database slow at the start
WELL_S = 60.0  # one that lived so long was well: the next one is started at once
LONGEST_PAUSE_S = 30.0
GARBAGE = (50_000, 10, 10)
LONGEST_LINE = 1 << 24  # bytes; what it counts is some hundred bytes an account


class ReceiverProcess:
    """`async with ReceiverProcess(settings):` hears receipts until the block ends."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._socket = listen_on(settings.dlr_host, settings.dlr_port)
        self._settings = settings
        self._metrics = metrics
        self._stopping = asyncio.Event()
        self._process: Process | None = None
        self._seen: Sequence[tuple[object, ...]] = ()

    async def __aenter__(self) -> Self:
        self._keeping = asyncio.create_task(self._keep(), name="receiver")
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let it finish the callbacks under way."""
        self._stopping.set()
        self._socket.close()
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(2 * GRACE_S):
                await self._keeping
        except TimeoutError:
            log.error("receiver_killed", hint="it did not end in time")

    def tell(self, rows: Sequence[ProviderRow]) -> None:
        """These are the accounts: where they changed, it looks at once and not in a second."""
        seen = [(row.provider, row.adapter, row.settings) for row in rows]
        if seen != self._seen and self._process is not None and self._process.stdin is not None:
            self._seen = seen
            with suppress(OSError, RuntimeError):
                self._process.stdin.write(b"accounts\n")

    async def _keep(self) -> None:
        """Start it, and start it again, until the end."""
        backoff = Backoff(longest_s=LONGEST_PAUSE_S)
        while not self._stopping.is_set():
            began = now()
            try:
                ended = await self._live()
            except OSError as error:  # no descriptor, no memory, no room for a process
                ended = error.strerror or str(error)
            if self._stopping.is_set():
                return
            self._metrics.elsewhere = ()
            if now() - began > WELL_S:
                backoff.reset()
            log.error("receiver_ended", why=ended, hint="it is started again; sending goes on")
            await backoff.pause(unless=self._stopping)

    async def _live(self) -> str:
        """One life of it, from start to end; how it ended."""
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "cli.receiver_main"),
            *(str(self._socket.fileno()), str(os.getpid())),
            stdin=PIPE,
            stdout=PIPE,
            pass_fds=[self._socket.fileno()],
            start_new_session=True,  # Ctrl-C is for us: it is told when it is over
            env={**os.environ, f"{PREFIX}LOG_LEVEL": self._settings.log_level},
            limit=LONGEST_LINE,
        )
        try:
            if self._stopping.is_set() and process.stdin is not None:
                process.stdin.close()
            return await self._listen_to(process)
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()

    async def _listen_to(self, process: Process) -> str:
        assert process.stdout is not None
        while True:
            try:
                async with asyncio.timeout(SILENT_S):
                    line = await process.stdout.readline()
            except TimeoutError:
                return f"it said nothing for {SILENT_S:g} s"
            if not line:
                break
            with suppress(ValueError):
                self._metrics.hear(json.loads(line))
        code = await process.wait()
        return f"signal {-code}" if code < 0 else f"exit code {code}"


def confine(settings: Settings) -> None:
    """Give this process, which strangers call, its descriptors and no more than its memory.

    Looking through thousands of open connections for garbage again and again held every caller up
    for a quarter of a second: what was loaded is left alone, and the rest is looked at less often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    descriptors.raise_limit()
    most = settings.dlr_memory_mb << 20
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or hard > most:
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
