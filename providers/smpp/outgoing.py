"""One batch under way, and one message of it: which of its parts went out, and what came back."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Sequence
from datetime import timedelta

from providers.base import Accepted, Message, Rejected, Result, Retry, Uncertain
from providers.smpp.settings import Meaning

PART_TRIES = 5  # of a part that the SMSC turns away after it took another part of the same text


class Job:
    """One call of send(): messages not begun yet, and results not fetched yet."""

    __slots__ = ("_news", "_results", "is_open", "is_urgent", "left", "until")

    def __init__(self, batch: Sequence[Message], until: float | None) -> None:
        self.left = deque(batch)
        self.until = math.inf if until is None else until
        self.is_urgent = batch[0].priority == 0
        self._results: list[Result] = []
        self._news: asyncio.Future[None] | None = None
        self.is_open = True

    def add(self, result: Result) -> None:
        """One more result; nobody fetches it after the job was closed."""
        if not self.is_open:
            return
        self._results.append(result)
        if self._news is not None and not self._news.done():  # its waiter may be cancelled
            self._news.set_result(None)
        self._news = None

    async def results(self) -> list[Result]:
        """Wait for results; at least one."""
        if not self._results:
            self._news = asyncio.get_running_loop().create_future()
            await self._news
        results, self._results = self._results, []
        return results

    def give_back(self, detail: str, after: timedelta | None = None) -> None:
        """Nothing of what is not begun will be."""
        while self.left:
            self.add(later(self.left.popleft(), detail, after))

    def close(self) -> None:
        """The caller is gone: begin no more of it."""
        self.is_open = False
        self._news = None
        self.left.clear()


def later(message: Message, detail: str, after: timedelta | None = None) -> Retry:
    """Not handed over, and not this message's fault."""
    return Retry(id=message.id, detail=detail, after=after, throttled=True)


class Outgoing:
    """A message begun; each part is one submit_sm, and together they have one result.

    A part refused for good ends the message: what went out before cannot be called back, nothing
    more follows, and it is Rejected. Parts that were turned away for now are written again by
    themselves, with the same reference, where another part was taken: the whole text again would
    show its beginning twice. A part without an answer makes the whole message Uncertain. What has
    begun is ended even when its batch is not: nobody will send it again, and half a text is worse.
    """

    __slots__ = (
        "_accepted", "_bodies", "_held", "_is_rejected", "_is_throttled", "_open", "_refs", "_said",
        "_todo", "_tries", "_unanswered", "job", "message",
    )  # fmt: skip

    def __init__(self, job: Job, message: Message, bodies: list[bytes]) -> None:
        self.job = job
        self.message = message
        self._bodies = bodies
        self._todo = deque(range(len(bodies)))
        self._held: list[int] = []  # turned away, or behind such a part
        self._refs: list[str] = [""] * len(bodies)
        self._accepted = self._open = self._tries = 0
        self._said = ""
        self._is_rejected = self._is_throttled = self._unanswered = False

    @property
    def has_more(self) -> bool:
        """Whether parts wait to be written."""
        return bool(self._todo)

    @property
    def is_begun(self) -> bool:
        """Whether the SMSC has, or may have, a part of it."""
        return bool(self._accepted or self._open or self._unanswered)

    def next_part(self) -> tuple[int, bytes]:
        """The part to write now, and its body."""
        self._open += 1
        part = self._todo.popleft()
        return part, self._bodies[part]

    def accepted(self, part: int, ref: str) -> bool:
        """The SMSC took a part; true when others should be written again, after a rest."""
        self._refs[part] = ref
        self._accepted += 1
        self._open -= 1
        return self._settle()

    def refused(self, part: int, said: str, meaning: Meaning) -> bool:
        """The SMSC did not take a part; true when it should be written again, after a rest."""
        self._open -= 1
        self._said = said
        if meaning == "rejected":
            self._is_rejected = True
        else:
            self._is_throttled = meaning == "throttled"
            self._held += [part, *self._todo]
        self._todo.clear()
        return self._settle()

    def unanswered(self, why: str) -> None:
        """A part was written and will have no answer."""
        self._open -= 1
        self._unanswered = True
        self._said = why
        self._todo.clear()
        self._settle()

    def abandon(self, why: str) -> None:
        """The parts not written will not be."""
        self._said = why
        self._is_throttled = True
        self._tries = PART_TRIES
        self._held += self._todo
        self._todo.clear()
        self._settle()

    def _settle(self) -> bool:
        """Give the result once all that was written is answered, or ask for another turn."""
        if self._open or self._todo:
            return False
        is_partly = self._accepted and not (self._is_rejected or self._unanswered)
        if self._held and is_partly and self._tries < PART_TRIES:
            self._tries += 1
            self._todo.extend(sorted(self._held))
            self._held.clear()
            return True
        self.job.add(self._result())
        return False

    def _result(self) -> Result:
        message_id, detail = self.message.id, self._detail()
        if self._unanswered:
            return Uncertain(id=message_id, detail=detail)
        if self._is_rejected:
            return Rejected(id=message_id, detail=detail)
        if not self._held:
            refs = tuple(self._refs)
            # A single part may be a message_payload, which the SMSC cuts by its own count.
            segments = len(refs) if len(refs) > 1 else None
            return Accepted(id=message_id, refs=refs if all(refs) else (), segments=segments)
        if self._accepted:
            return Uncertain(id=message_id, detail=detail)
        return Retry(id=message_id, detail=detail, throttled=self._is_throttled)

    def _detail(self) -> str:
        if not self._accepted:
            return self._said
        return f"{self._said}; {self._accepted} of {len(self._bodies)} parts were taken"
