"""What the SQL functions and views about campaigns answer, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignRow:
    """A campaign and where its latest run stands; `run_state` None: never launched."""

    campaign_id: int
    campaign: str
    template: str | None
    audience: str | None
    channel: str
    start_at: datetime | None
    local_time: time | None
    cron: str | None
    cron_zone: str | None
    missed_runs: str
    per_hour: int | None
    ends_at: datetime | None
    budget: Decimal | None
    holdout_percent: Decimal
    needs_release: bool
    is_released: bool
    released_by: str | None
    changed_at: datetime
    changed_by: str
    run_id: int | None
    run_state: str | None
    next_run_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How a run stands. recipients = waiting + queued + inflight + decided + unsent; `states` and
    `suppressed` count what was decided, `per_s` messages a second in the last minute."""

    run_id: int
    campaign_id: int
    campaign: str
    state: str
    template: str | None
    channel: str
    launched_by: str
    begins_at: datetime | None
    frozen_at: datetime | None
    finished_at: datetime | None
    recipients: int
    repeated: int
    waiting: int
    queued: int
    inflight: int
    decided: int
    unsent: int
    unsent_reason: str | None
    states: dict[str, int]
    suppressed: dict[str, int]
    segments: int
    cost: Decimal
    budget: Decimal | None
    per_s: Decimal
    eta: datetime | None
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fed:
    """What one turn of the feeder did: messages queued, messages held or ended after their campaign
    was, runs that ended, rows removed behind them."""

    fed: int
    held: int
    ended: int
    swept: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DueRun:
    """A planned run whose moment has come; `begins_at` None: still to be worked out. `is_busy`: an
    earlier run of the campaign is under way."""

    run_id: int
    campaign: str
    cron: str | None
    cron_zone: str | None
    missed_runs: str
    begins_at: datetime | None
    is_busy: bool
