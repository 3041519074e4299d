"""What the SQL functions answer that ask providers: doubts, overdue receipts, balances."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal


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


@dataclass(frozen=True, slots=True, kw_only=True)
class UncertainMessage:
    """A row of the view sms.uncertain_message; `number` is masked."""

    id: int
    provider: str
    channel: str
    number: str
    since: datetime
    asks: int
    absent_since: datetime | None
    next_ask_at: datetime | None
    on_uncertain: str
    policy_at: datetime | None
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UncertainCount:
    """Uncertain messages of one provider and channel."""

    provider: str
    channel: str
    messages: int
    oldest: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubts:
    """Which uncertain messages are meant; None does not limit."""

    provider: str | None = None
    channel: str | None = None
    older_than: timedelta | None = None

    @property
    def is_all(self) -> bool:
        return self.provider is None and self.channel is None and self.older_than is None


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceRow:
    """What is left at a provider; `at` None: it was not asked yet."""

    provider: str
    at: datetime | None
    amount: Decimal | None
    currency: str | None
    warn_below: Decimal | None
    is_low: bool
    low_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remapped:
    """One batch of a remapping. `changes`: messages by "old → new"; `last_receipt_id` None: the
    end was reached."""

    receipts: int
    messages: int
    changes: dict[str, int]
    last_receipt_id: int | None
