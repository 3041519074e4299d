"""Waits for what other processes do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

PATIENCE_S = 20.0


async def eventually(happened: Callable[[], object], *, patience_s: float = PATIENCE_S) -> None:
    """Return as soon as `happened()` is true; TimeoutError when it never is."""
    async with asyncio.timeout(patience_s):
        while not happened():  # noqa: ASYNC110 - another process cannot set an event
            await asyncio.sleep(0.02)
