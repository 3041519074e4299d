"""What the functions and views about events and about the log answer, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """What came of firing an event. `is_new` is false when its key was fired before."""

    event_id: int
    is_new: bool
    message_ids: list[int]
    planned: int
    cancelled: int
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What the chore did with planned messages: made, forgotten as decided, cancelled, kept."""

    made: int
    forgotten: int
    cancelled: int
    kept: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTypeRow:
    """A declared event type; `variables` maps names to kinds."""

    event_type: str
    title: str
    variables: dict[str, str]
    rules: int
    planned: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRuleRow:
    """A rule: what is sent when something happens, when, and what takes it back."""

    event_rule: str
    event_type: str
    template: str
    channel: str
    condition: str | None
    date_variable: str | None
    shift: timedelta
    at_local: time | None
    if_past: str
    validity: timedelta | None
    cancelled_by: list[str]
    cancel_key: str | None
    is_enabled: bool
    planned: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """An event and, in one line, what came of it."""

    event_id: int
    fired_at: datetime
    event_type: str
    client_id: int | None
    event_key: str | None
    messages: int
    planned: int
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRow:
    """A message to come; `message_id` is None while it is only planned."""

    client_id: int | None
    event_type: str
    rule: str
    due_at: datetime
    channel: str
    template: str
    event_id: int
    event_key: str | None
    message_id: int | None
    is_enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EventStep:
    """One step in the story of an event."""

    step: int
    topic: str
    verdict: str
    rule: str | None
    message_id: int | None
    at: datetime | None
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """Who did what, when; `what` is the sentence."""

    entry_id: int
    at: datetime
    who: str
    acted_as: str
    action: str
    kind: str
    name: str
    what: str
