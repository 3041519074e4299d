"""Who wakes the claimers: LISTEN on a connection of its own, a sleep gate, and a poll.

NOTIFY is a hint and the poll is the truth, yet no wake-up is lost. Inserting statements notify
only when somebody sleeps, which they find out by trying the gate's advisory locks shared
(sql/functions/wake.sql). So to fall asleep a claimer

    1. is known to the bell, which already LISTENs,
    2. has the gate held for it: `try_sleep` by short tries, for it fails while a transaction that
       took us for awake is still open,
    3. looks once more: whatever was inserted before the gate was held is visible by now,
    4. waits for a notification, or for the poll.

One bell serves the whole process: it holds a gate while any claimer sleeps there. Where the
connection breaks, the server lets go of the gate; the bell connects again, LISTENs again, and
every sleeper looks again. Without a LISTEN connection (behind PgBouncer in transaction mode) only
the poll remains.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from enum import IntEnum
from typing import TypeAlias, TypeVar

import psycopg
import structlog
from psycopg import AsyncConnection

from outbox import calls
from outbox.db import connect
from outbox.errors import DatabaseError, from_psycopg
from worker.clock import Backoff, happens, jittered

log = structlog.get_logger()

T = TypeVar("T")
Look: TypeAlias = Callable[[], Awaitable[T | None]]

CONFIG_CHANNEL = "sms_config"
CAMPAIGN_CHANNEL = "sms_campaign"
FIRST_TRY_S = 0.002  # between tries for the gate, doubling up to LAST_TRY_S
LAST_TRY_S = 0.1
PROBE_S = 10.0  # a line that has been silent for so long is asked whether it lives
PROBE_WAIT_S = 5.0
LONGEST_PAUSE_S = 2.0  # between tries to connect
URGENT_POLL = 0.25  # of poll_s
DROWSY_POLL = 0.2  # of the poll, while the gate cannot be had yet


class Gate(IntEnum):
    """The two gates of sms.try_sleep."""

    URGENT = 0
    BULK = 1


CHANNELS = {"sms_urgent": Gate.URGENT, "sms_bulk": Gate.BULK}


class _Door:
    """One gate: who sleeps at it, and the slot held for them while somebody does."""

    def __init__(self, gate: Gate, poll_s: float) -> None:
        self.gate = gate
        self.poll_s = poll_s
        self.sleepers: set[asyncio.Event] = set()
        self.slot: int | None = None
        self.try_s = FIRST_TRY_S

    def ring(self) -> None:
        for alarm in self.sleepers:
            alarm.set()


class Bell:
    """Run it as a task; claimers call `wait_for`."""

    def __init__(
        self, dsn: str | None, *, name: str, poll_s: float, chores: Sequence[int] = ()
    ) -> None:
        """`dsn` None polls only; `chores` are woken when a campaign changes."""
        self._dsn = dsn
        self._name = name
        self._doors = {
            Gate.URGENT: _Door(Gate.URGENT, poll_s * URGENT_POLL),
            Gate.BULK: _Door(Gate.BULK, poll_s),
        }
        self._stir = asyncio.Event()
        self._closed = asyncio.Event()
        self._listening = False
        self.config_changed = asyncio.Event()
        self.alarms = {number: asyncio.Event() for number in chores}

    async def wait_for(self, gate: Gate, look: Look[T], *, unless: asyncio.Event) -> T | None:
        """Look until something is found, asleep between looks; None when `unless` happened.

        `look` is called when the gate is held, and on every notification, poll and `ring`.
        """
        door = self._doors[gate]
        with self._asleep(door) as alarm:
            while not unless.is_set():
                await self._settle_down(door, alarm)
                alarm.clear()
                if unless.is_set():  # it rang before the alarm was cleared
                    break
                if (found := await look()) is not None:
                    return found
                await happens(alarm, self._patience(door))
        return None

    def ring(self) -> None:
        """Make every sleeper look now."""
        for door in self._doors.values():
            door.ring()

    def wake_chores(self) -> None:
        """Let the chores that wait for campaigns look now."""
        for alarm in self.alarms.values():
            alarm.set()

    def close(self) -> None:
        """Let `run` end; sleepers are their owners' business."""
        self._closed.set()
        self._stir.set()

    async def run(self) -> None:
        """Listen until closed, through every reconnect."""
        if self._dsn is None:
            log.info("bell_polls_only")
            return
        backoff = Backoff(longest_s=LONGEST_PAUSE_S)
        was_lost = False
        while not self._closed.is_set():
            try:
                async with self._line(self._dsn) as conn:
                    log.info("bell_back" if was_lost else "bell_listens")
                    was_lost = False
                    backoff.reset()
                    await self._serve(conn)
            except (DatabaseError, psycopg.Error, OSError, TimeoutError) as error:
                if not was_lost:
                    log.warning("bell_lost", error=str(error) or type(error).__name__)
                was_lost = True
                await backoff.pause(unless=self._closed)

    # --- the sleepers' side ---------------------------------------------------------------------

    @contextmanager
    def _asleep(self, door: _Door) -> Iterator[asyncio.Event]:
        alarm = asyncio.Event()
        door.sleepers.add(alarm)
        self._stir.set()
        try:
            yield alarm
        finally:
            door.sleepers.discard(alarm)
            self._stir.set()

    async def _settle_down(self, door: _Door, alarm: asyncio.Event) -> None:
        """Give the bell a moment to take the gate, so that one look serves before and after."""
        if self._listening and door.slot is None:
            await happens(alarm, jittered(door.poll_s * DROWSY_POLL))

    def _patience(self, door: _Door) -> float:
        # Drowsy: somebody's open transaction keeps the gate from us, so his neighbours' commits
        # do not notify: look more often until it is ours.
        drowsy = self._listening and door.slot is None
        return 0.0 if drowsy else jittered(door.poll_s)

    # --- the listener's side --------------------------------------------------------------------

    @asynccontextmanager
    async def _line(self, dsn: str) -> AsyncIterator[AsyncConnection]:
        """A connection that listens; when it ends nobody holds a gate and everybody looks."""
        conn = await connect(dsn, name=self._name, prepare=False)
        try:
            conn.add_notify_handler(lambda note: self._heard(note.channel))
            await calls.listen(conn, channels=[*CHANNELS, CONFIG_CHANNEL, CAMPAIGN_CHANNEL])
            self._listening = True
            self.config_changed.set()  # what changed while nobody listened
            yield conn
        finally:
            self._listening = False
            for door in self._doors.values():
                door.slot = None
            self.ring()
            await conn.close()

    async def _serve(self, conn: AsyncConnection) -> None:
        while not self._closed.is_set():
            self._stir.clear()
            tries = [await self._tend(conn, door) for door in self._doors.values()]
            _drain(conn, self._heard)
            wait_s = min((seconds for seconds in tries if seconds is not None), default=PROBE_S)
            if not await self._quiet(conn, wait_s) and wait_s >= PROBE_S:
                async with asyncio.timeout(PROBE_WAIT_S):
                    await calls.ping(conn)
        for door in self._doors.values():
            await self._let_go(conn, door)

    async def _tend(self, conn: AsyncConnection, door: _Door) -> float | None:
        """Hold the gate exactly while somebody sleeps at it; seconds until the next try, if any."""
        if not door.sleepers:
            await self._let_go(conn, door)
            return None
        if door.slot is not None:
            return None
        async with asyncio.timeout(PROBE_WAIT_S):
            door.slot = await calls.try_sleep(conn, gate=door.gate)
        if door.slot is not None:
            door.try_s = FIRST_TRY_S
            door.ring()  # look once more
            return None
        door.try_s, pause = min(door.try_s * 2, LAST_TRY_S), jittered(door.try_s)
        return pause

    async def _let_go(self, conn: AsyncConnection, door: _Door) -> None:
        if door.slot is None:
            return
        # Forgotten first: a claimer that lies down meanwhile must not count on this slot.
        slot, door.slot = door.slot, None
        async with asyncio.timeout(PROBE_WAIT_S):
            await calls.wake_up(conn, gate=door.gate, slot=slot)

    async def _quiet(self, conn: AsyncConnection, seconds: float) -> bool:
        """Wait for the server or a claimer; false when nothing stirred for so many seconds."""
        loop = asyncio.get_running_loop()
        loop.add_reader(conn.fileno(), self._stir.set)
        try:
            stirred = await happens(self._stir, seconds)
        finally:
            loop.remove_reader(conn.fileno())
        _drain(conn, self._heard)
        return stirred

    def _heard(self, channel: str) -> None:
        if channel in CHANNELS:
            self._doors[CHANNELS[channel]].ring()
        elif channel == CONFIG_CHANNEL:
            self.config_changed.set()
        elif channel == CAMPAIGN_CHANNEL:
            self.wake_chores()


def _drain(conn: AsyncConnection, heard: Callable[[str], None]) -> None:
    """Read what the server sent without being asked: notifications, or that it went away."""
    try:
        conn.pgconn.consume_input()
        while note := conn.pgconn.notifies():
            heard(note.relname.decode())
    except psycopg.Error as error:
        raise from_psycopg(error) from error
