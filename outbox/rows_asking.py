"""What the SQL functions answer that ask providers: doubts, overdue receipts, balances."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One message to ask its provider about; `asked_at` is the token of the whole question."""

    id: int
    msisdn: int
    submitted_at: datetime
    ref: str | None
    asked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What answers came to: accepted now, back in the queue, said to be absent a first time."""

    present: int
    absent: int
    noted: int
