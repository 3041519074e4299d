"""What one link has submitted and not had answered, and the parts that wait for a place."""

from __future__ import annotations

from collections import deque

from providers.smpp import pdu
from providers.smpp.outgoing import Outgoing


class Window:
    """At most `size` submissions without an answer; moments are the event loop's clock."""

    def __init__(self, size: int, *, now: float) -> None:
        self.size = size
        self.has_answered = False  # the SMSC does more than let us in
        self._answered_at = now
        self._sequence = 0
        self._pending: dict[int, tuple[Outgoing, int, float]] = {}  # oldest first
        self._queue: deque[Outgoing] = deque()

    def __len__(self) -> int:
        """Submissions without an answer."""
        return len(self._pending)

    @property
    def free(self) -> int:
        """Messages that could be begun now."""
        return self.size - len(self._pending) - len(self._queue)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is unanswered or waits for a place."""
        return not (self._pending or self._queue)

    def next_sequence(self) -> int:
        """The number of our next request, whatever it asks."""
        self._sequence = self._sequence % pdu.MAX_SEQUENCE + 1
        return self._sequence

    def add(self, outgoing: Outgoing) -> None:
        """Take a message in line."""
        self._queue.append(outgoing)

    def write(self, now: float) -> list[bytes]:
        """The submit_sm that may leave now: parts of the messages in line, as places go."""
        pending, queue = self._pending, self._queue
        out: list[bytes] = []
        while queue and len(pending) < self.size:
            outgoing = queue[0]
            if outgoing.has_more:
                if not pending:
                    self._answered_at = now
                sequence = self.next_sequence()
                part, body = outgoing.next_part()
                pending[sequence] = (outgoing, part, now)
                out.append(pdu.submit_sm(sequence, body))
            if not outgoing.has_more:
                queue.popleft()
        return out

    def answered(self, sequence: int, now: float) -> tuple[Outgoing, int] | None:
        """The message and part that an answer is about; None where nobody waits for it."""
        found = self._pending.pop(sequence, None)
        if found is None:
            return None
        self._answered_at = now
        self.has_answered = True
        return found[0], found[1]

    def leave_line(self, outgoing: Outgoing) -> None:
        """A message in the middle of its parts writes no more of them for now."""
        if self._queue and self._queue[0] is outgoing:
            self._queue.popleft()

    def is_silent(self, now: float, timeout_s: float) -> bool:
        """Whether the oldest is overdue and nothing at all was answered for as long."""
        return self._is_late(now, timeout_s) and now - self._answered_at > timeout_s

    def give_up_late(self, now: float, timeout_s: float, why: str) -> int:
        """End the wait for single answers that are overdue; how many."""
        if not self._is_late(now, timeout_s):
            return 0
        late = [number for number, (_, _, at) in self._pending.items() if now - at > timeout_s]
        for number in late:
            outgoing, _, _ = self._pending.pop(number)
            outgoing.unanswered(why)
            self.leave_line(outgoing)
        return len(late)

    def postpone(self, seconds: float, now: float) -> None:
        """The silence was ours: nobody is late because of it."""
        self._answered_at = now
        self._pending = {n: (o, part, at + seconds) for n, (o, part, at) in self._pending.items()}

    def lose(self, why: str) -> list[Outgoing]:
        """The link is over; the messages that another link may go on with."""
        pending, self._pending = self._pending, {}
        for outgoing, _, _ in pending.values():
            outgoing.unanswered(why)
        left = [outgoing for outgoing in self._queue if outgoing.has_more]
        self._queue.clear()
        return left

    def _is_late(self, now: float, timeout_s: float) -> bool:
        oldest = next(iter(self._pending.values()), None)
        return oldest is not None and now - oldest[2] > timeout_s
