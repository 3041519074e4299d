"""The chore that tells of numbers held busy: claims pass over what another session has locked."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from psycopg import AsyncConnection

from outbox.calls.oddities import watch_busy_numbers

log = structlog.get_logger()


@dataclass(slots=True)
class BusyWatch:
    """Looks for them, and warns when there are more than before, or none any more."""

    told: int = 0

    async def __call__(self, conn: AsyncConnection) -> dict[str, int]:
        """Look once; nothing is moved, so there is nothing to count."""
        found = await watch_busy_numbers(conn)
        if found.numbers > self.told:
            log.warning(
                "numbers_busy",
                numbers=found.numbers,
                messages=found.messages,
                oldest=found.oldest,
                held_s=found.held_for.total_seconds() if found.held_for else None,
                pid=found.pid,
                login=found.login,
            )
        elif self.told and not found.numbers:
            log.info("numbers_free")
        self.told = found.numbers
        return {}
