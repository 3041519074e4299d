"""One provider as its claimers see it, and a claim as the messages it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from outbox.db import Database
from outbox.rows import Claim
from outbox.text import encode
from providers.base import Message, Provider
from worker.clock import Backoff
from worker.health import Health
from worker.pace import Pace

MUTE_SHARE = 0.5  # of the silence at which the provider counts as ill
TROUBLE_S = 2.0  # longest pause between tries while the provider takes nothing at all


def _happened() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@dataclass(slots=True, kw_only=True)
class Line:
    """What the claimers of one provider share."""

    name: str
    provider: Provider
    pace: Pace
    db: Database
    max_batch: int
    lease_s: float
    health: Health = field(default_factory=Health)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    # Claims made before it happens hand back what has not left; then there is a new one.
    recall: asyncio.Event = field(default_factory=asyncio.Event)
    off_duty: asyncio.Event = field(default_factory=asyncio.Event)  # no lanes, or stopping
    on_duty: asyncio.Event = field(default_factory=_happened)  # lanes to claim from, or stopping
    recalled: list[Callable[[], None]] = field(default_factory=list)  # who wants to hear of it
    sends: set[asyncio.Task[None]] = field(default_factory=set)
    trouble: Backoff = field(default_factory=lambda: Backoff(longest_s=TROUBLE_S))
    in_trouble: bool = False
    refused: set[str] = field(default_factory=set)  # calls the database refused when last asked
    has_backup: bool = False

    def stop(self) -> None:
        """Claim no more; hand back what has not left."""
        for event in (self.stopping, self.off_duty, self.on_duty):
            event.set()
        self.call_back()

    def serve(self, *, has_lanes: bool) -> None:
        """There is something to claim from, or there is not: then nobody looks."""
        if self.stopping.is_set() or has_lanes == self.on_duty.is_set():
            return
        if has_lanes:
            self.off_duty.clear()
            self.on_duty.set()
        else:
            self.on_duty.clear()
            self.off_duty.set()
            self.call_back()

    def call_back(self) -> None:
        """Have what is claimed but has not left handed back now; claims to come are not meant."""
        self.recall.set()
        if not self.stopping.is_set():
            self.recall = asyncio.Event()
        for hear in self.recalled:
            hear()

    def is_mute(self) -> bool:
        """Whether to hand over no more until something is heard: another could still serve it.

        What a provider that hangs was given is uncertain; what it was not given moves on.
        """
        return self.has_backup and self.health.silence_s() > self.health.slow_s * MUTE_SHARE

    def cut(self) -> None:
        """End the sends in flight; what has no answer by now is uncertain."""
        for task in self.sends:
            task.cancel()

    @property
    def is_careful(self) -> bool:
        """Whether to claim little and seldom: nothing gets through, or nothing can be recorded."""
        return self.in_trouble or bool(self.refused)

    def note(self, *, sent: int, turned_away: int, unanswered: int = 0) -> None:
        """Learn from a chunk: a provider that took nothing of it is left alone for a while.

        It slows the pace once, not at every probe: an outage is no reason to crawl afterwards.
        """
        if turned_away and not self.in_trouble:
            self.pace.throttled()
        self.in_trouble = turned_away + unanswered == sent
        if not self.is_careful:
            self.trouble.reset()


def unpack(claim: Claim) -> list[Message]:
    """The claim's columns as messages, each text's encoding and segments worked out once."""
    return [
        Message(
            id=id_,
            msisdn=msisdn,
            sender_id=sender_id,
            body=body,
            attempt=attempt,
            priority=priority,
            expires_at=expires_at,
            segments=text.segments,
            encoding=text.encoding,
        )
        for id_, msisdn, sender_id, body, attempt, priority, expires_at, text in zip(
            claim.ids,
            claim.msisdns,
            claim.sender_ids,
            claim.bodies,
            claim.attempts,
            claim.priorities,
            claim.expires_ats,
            map(encode, claim.bodies),
            strict=True,
        )
    ]


def split(messages: Sequence[Message], *, count: int, segments: int) -> Iterator[slice]:
    """Chunks of at most `count` messages and `segments` segments, at least one message each."""
    start = weight = 0
    for place, message in enumerate(messages):
        if place > start and (place - start == count or weight + message.segments > segments):
            yield slice(start, place)
            start, weight = place, 0
        weight += message.segments
    if start < len(messages):
        yield slice(start, len(messages))
