"""The listener of the receipt app; its mistakes are told in the names of its settings."""

from __future__ import annotations

import socket

from starlette.types import ASGIApp

from outbox.doors import listener
from outbox.doors.limits import Limits
from outbox.errors import SettingsMistake


class Listener(listener.Listener):
    """`async with Listener(app, host=…, port=…)`: serves until the block ends.

    Port 0 takes any free one; `port` tells which. `server` is a socket that listens already.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: Limits | None = None,
        server: socket.socket | None = None,
    ) -> None:
        super().__init__(app, server or listen_on(host, port), limits or Limits(), name="dlr")


def listen_on(host: str, port: int) -> socket.socket:
    """A listening socket; SettingsMistake where it cannot be had."""
    try:
        return listener.listening_socket(host, port)
    except OSError as error:
        raise SettingsMistake(
            f"OUTBOX_DLR_HOST or OUTBOX_DLR_PORT is wrong: cannot listen on {host}:{port} "
            f"({error.strerror or error})."
        ) from None
