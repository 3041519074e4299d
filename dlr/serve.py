"""Runs the receipt app under uvicorn inside a program of ours."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import structlog
import uvicorn
from starlette.types import ASGIApp

from outbox.errors import SettingsMistake

log = structlog.get_logger()

BACKLOG = 1024
GRACE_S = 10  # for callbacks under way at the end
KEEP_ALIVE_S = 60  # Kannel reuses its connections


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the program around it decides when to stop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Listener:
    """`async with Listener(app, host=…, port=…)`: serves until the block ends.

    Port 0 takes any free one; `port` tells which.
    """

    def __init__(self, app: ASGIApp, *, host: str, port: int) -> None:
        self._socket = _listen(host, port)
        self.port: int = self._socket.getsockname()[1]
        self._server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,  # the URLs hold the token
                lifespan="off",
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=GRACE_S,
            )
        )

    async def __aenter__(self) -> Self:
        # The socket listens already: who calls before uvicorn is ready only waits for it.
        serving = self._server.serve(sockets=[self._socket])
        self._task = asyncio.create_task(serving, name="receipts listener")
        log.info("dlr_listening", port=self.port)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Finish the callbacks under way; those that come later find nobody and call again."""
        self._server.should_exit = True
        await self._task
        self._socket.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise SettingsMistake(
            f"OUTBOX_DLR_HOST or OUTBOX_DLR_PORT is wrong: cannot listen on {host}:{port} "
            f"({error.strerror or error})."
        ) from None
