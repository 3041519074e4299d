"""The receipt server beside a sender: the other end of the pipes of `cli.receiver`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys

import structlog

from cli.receipts import Told, hear
from cli.receiver import confine
from outbox import logs, settings
from outbox.db import with_login
from outbox.errors import OutboxError
from outbox.logins import DLR
from outbox.metrics_page import as_text

log = structlog.get_logger()

SAY_S = 1.0


def hear_beside(descriptor: int) -> int:
    """Hear receipts on the socket that the sender left us, until it is gone."""
    for number in (signal.SIGTERM, signal.SIGINT):  # a whole group may be asked; we end after it
        signal.signal(number, signal.SIG_IGN)
    given = with_login(settings.load(), DLR)
    logs.configure(given.log_level)
    confine(given)
    server = socket.socket(fileno=descriptor)
    try:
        asyncio.run(_hear(given, server))
    except OutboxError as error:
        log.error("receiver_failed", error=str(error))
        return error.exit_code
    return 0


async def _hear(given: settings.Settings, server: socket.socket) -> None:
    told, stopping = Told(asyncio.Event()), asyncio.Event()
    listening = asyncio.create_task(_listen_to_sender(told.look, stopping), name="sender")
    saying = asyncio.create_task(_say(told), name="say")
    try:
        await hear(given, stopping, server=server, told=told)
    finally:
        listening.cancel()
        saying.cancel()


async def _listen_to_sender(look: asyncio.Event, stopping: asyncio.Event) -> None:
    """A line: accounts changed. The end: the sender is gone, so it is over."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.readline():
        look.set()
    stopping.set()


async def _say(told: Told) -> None:
    """What was counted so far, once a second; nothing while the sender does not listen."""
    loop = asyncio.get_running_loop()
    pipe, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(1, "wb", 0))
    while not pipe.is_closing():
        if pipe.get_write_buffer_size() == 0:
            pipe.write(json.dumps(as_text(told.metrics.registry)).encode() + b"\n")
        await asyncio.sleep(SAY_S)
