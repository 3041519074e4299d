"""What the SQL functions answer, as frozen values; the field names are the column names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One claim: columns of equal length, one entry a message. `attempts` counts from 1.

    `judged` counts the rows decided, so it may be positive with no ids: all were held back.
    """

    claim_id: int
    judged: int
    lease_until: datetime
    ids: list[int]
    msisdns: list[int]
    sender_ids: list[str | None]
    bodies: list[str]
    priorities: list[int]
    attempts: list[int]
    expires_ats: list[datetime]


@dataclass(slots=True, kw_only=True)
class Results:
    """Results of one claim on their way to `settle`: parallel columns that grow."""

    ids: list[int]
    results: list[str]
    segments: list[int]
    details: list[str | None]
    retry_after_s: list[int | None]
    ref_ids: list[int]
    refs: list[str]
    cost_ids: list[int]
    costs: list[Decimal]

    @classmethod
    def empty(cls) -> Results:
        return cls(
            ids=[],
            results=[],
            segments=[],
            details=[],
            retry_after_s=[],
            ref_ids=[],
            refs=[],
            cost_ids=[],
            costs=[],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """Leases that ended: messages back in the queue, and messages that became uncertain."""

    returned: int
    uncertain: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyApplied:
    """Uncertain messages whose waiting time was over."""

    resent: int
    given_up: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of a batch of receipts; `unmapped` codes are kept without a state, `strangers`
    spoke of messages that their provider never had."""

    stored: int
    applied: int
    waiting: int
    unmapped: int
    strangers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What became of a batch of subscribers' messages: how many were new, how many opted out."""

    stored: int
    opted_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """Numbers that blacklisted themselves, and automatic rows lifted after a delivery."""

    blacklisted: int
    lifted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Partitions:
    """Partitions made ahead and dropped."""

    created: int
    dropped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkLeft:
    """What a drain still waits for."""

    due: int
    inflight: int
    awaiting_receipt: int
    feeding: int
    asking: int

    @property
    def total(self) -> int:
        return self.due + self.inflight + self.awaiting_receipt + self.feeding + self.asking


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One step in the life of a message, or one rule's verdict on it now."""

    step: int
    topic: str
    verdict: str | None
    reason: str | None
    detail: str | None
    at: datetime | None
    facts: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunLine:
    """One finding of a dry run. `topic`: total, kept, suppressed (`key`: the reason), deferred
    (`at`: the hour), encoding, cost (`key`: the provider, `at`: when it is done), ends, not_judged
    (who may not read texts: kept that may repeat an earlier message, by template)."""

    topic: str
    key: str | None
    messages: int
    segments: int
    cost: Decimal | None
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRow:
    """A configured account; `tps` is segments a second.

    `lanes` counts those that point at it, `probed_lanes` those from which it may take a few to
    show that it is well again; `epoch` counts the moves of its breaker; `has_backup` means that
    lanes would move to another if it fell ill.
    """

    provider: str
    adapter: str
    settings: dict[str, Any]
    secret_env: str | None
    tps: float
    max_batch: int
    is_enabled: bool
    lanes: int
    probed_lanes: int = 0
    breaker: str = "closed"
    epoch: int = 0
    slow_answer: timedelta = timedelta(seconds=5)
    has_backup: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneStatus:
    """One lane: how much waits, how much of it is due, how long the oldest is due."""

    channel: str
    operator: str
    provider: str | None
    pending: int
    due: int
    inflight: int
    oldest_due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StateCount:
    """How many messages of a time range are in a state."""

    state: str
    messages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLine:
    """Messages of a time range that share state and reason. `accept`: created to submitted,
    `final`: submitted to final state."""

    state: str
    reason: str | None
    messages: int
    segments: int
    cost: Decimal | None
    accept_p50: timedelta | None
    accept_p95: timedelta | None
    final_p50: timedelta | None
    final_p95: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """A row of the view sms.message."""

    id: int
    erp_ref: str | None
    client_id: int | None
    channel: str
    campaign_id: int | None
    msisdn: int | None
    state: str
    reason: str | None
    detail: str | None
    provider: str | None
    operator: str | None
    segments: int | None
    cost: Decimal | None
    attempts: int | None
    not_before: datetime | None
    created_at: datetime
    submitted_at: datetime | None
    final_at: datetime | None


Ids = Sequence[int]
