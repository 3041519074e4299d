"""Accepts connections for an ASGI app inside a program of ours.

uvicorn speaks HTTP; accepting is ours, because asyncio takes a whole backlog before it asks
anybody, and logs a traceback for each connection that it has no descriptor for.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

import structlog
import uvicorn
from starlette.types import ASGIApp

from outbox.descriptors import room_for_strangers
from outbox.doors.door import Door
from outbox.doors.hall import Hall, Seldom
from outbox.doors.limits import Limits, is_among, site_of

log = structlog.get_logger()

BACKLOG = 4096  # the system's own limit (net.core.somaxconn) may be lower
GRACE_S = 10  # for callbacks under way at the end
AT_ONCE = 64  # connections accepted before those that are open have their turn; fewer where
SHARE = 8  # that is more than an eighth of the room: whoever came first must get to speak
WAIT_S = 0.02  # while all who came last may still speak
PAUSE_S = 0.1  # after the system had no descriptor or memory for one more
NAME = "listener"


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the program around it decides when to stop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Listener:
    """`async with Listener(app, listening_socket(host, port), Limits()):` serves until it ends."""

    def __init__(
        self, app: ASGIApp, server: socket.socket, limits: Limits, *, name: str = NAME
    ) -> None:
        self._socket = server
        self._socket.setblocking(False)
        self.port: int = server.getsockname()[1]
        self._name = name
        self.hall = Hall(limits, room=room_for_strangers(), name=name)
        trusted = [str(network) for network in limits.trusted]
        self._config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,  # the URLs hold the token
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_keep_alive=int(limits.idle_s) + 60,  # the hall sees to it before
            timeout_graceful_shutdown=GRACE_S,
            proxy_headers=bool(trusted),
            forwarded_allow_ips=trusted,
        )
        self._config.load()
        self._server = _Server(self._config)
        self._arriving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        # The socket listens already: who calls before uvicorn is ready only waits for it.
        self._loop = asyncio.get_running_loop()
        self._may_tell = Seldom(self._loop.time)
        _quieten()
        self._serving = asyncio.create_task(self._server.serve(sockets=[]), name=self._name)
        self._sweeping = asyncio.create_task(self.hall.sweep(), name=f"{self._name} sweep")
        self._loop.add_reader(self._socket, self._accept)
        log.info(f"{self._name}_listening", port=self.port)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Finish the callbacks under way; those that come later find nobody and call again."""
        self._loop.remove_reader(self._socket)
        self._socket.close()
        self._server.should_exit = True
        try:
            await self._serving
        finally:
            self._sweeping.cancel()
            for door in self.hall.doors:
                door.drop()

    def _accept(self) -> None:
        for _ in range(max(1, min(AT_ONCE, self.hall.room // SHARE))):
            if not self.hall.can_admit(self._loop.time()):
                return self._rest(WAIT_S)
            try:
                connection, address = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                return self._pause(error)
            self._welcome(connection, str(address[0]))

    def _pause(self, error: OSError) -> None:
        """No descriptor or no memory: give one back, and wait instead of being asked again."""
        if self._may_tell():
            problem = error.strerror or str(error)
            log.error(f"{self._name}_cannot_accept", error=problem, open=len(self.hall))
        self.hall.refused["no_descriptor"] += 1
        self.hall.make_room()
        self._rest(PAUSE_S)

    def _rest(self, seconds: float) -> None:
        """Leave those who wait to the system for a moment."""
        self._loop.remove_reader(self._socket)
        self._loop.call_later(seconds, self._resume)

    def _resume(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.add_reader(self._socket, self._accept)

    def _welcome(self, connection: socket.socket, host: str) -> None:
        site, is_trusted = site_of(host), is_among(host, self.hall.limits.trusted)
        if not self.hall.admits(site, is_trusted=is_trusted):
            connection.close()
            return
        state = self._server.server_state
        door = Door(self.hall, site, self._config, state, is_trusted=is_trusted)
        opening = self._loop.create_task(self._open(door, connection))
        self._arriving.add(opening)
        opening.add_done_callback(self._arriving.discard)

    async def _open(self, door: Door, connection: socket.socket) -> None:
        try:
            connection.setblocking(False)
            with suppress(OSError):  # answers are small and wait for nothing
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.connect_accepted_socket(lambda: door, connection)
        except OSError:  # gone before it was here
            self.hall.leave(door)
            connection.close()


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket on which strangers wait from now on; OSError where it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


class _OnceInAWhile(logging.Filter):
    """What strangers can make a library say is said at most every ten seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._may = Seldom(lambda: asyncio.get_running_loop().time())

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it may be said now."""
        try:
            return self._may()
        except RuntimeError:  # no event loop, so no stranger either
            return True


def _quieten() -> None:
    for name in ("uvicorn.error", "asyncio"):
        logger = logging.getLogger(name)
        if not any(isinstance(known, _OnceInAWhile) for known in logger.filters):
            logger.addFilter(_OnceInAWhile())
