"""The rules once more, slow and plain: lists, loops and no SQL. Tests hold the database to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

HOUR = timedelta(hours=1)
HALF_AN_HOUR = timedelta(minutes=30)
NEVER = datetime.max.replace(tzinfo=UTC)
Rule = dict[str, Any]  # a row of a rule table, by column


@dataclass(slots=True, kw_only=True)
class Message:
    """A request and where it is now."""

    id: int
    msisdn: int
    channel: str
    client_id: int | None
    campaign_id: int | None
    erp_ref: str | None
    key: tuple[Any, ...]  # what makes it the same message as another
    zones: tuple[str, ...]  # where the subscriber may be
    zone: str  # their common name: several numbers may share it
    priority: int
    not_before: datetime
    expires_at: datetime
    state: str = "pending"
    attempt: int = 0
    claim_id: int = 0
    claimed_at: datetime = NEVER

    @property
    def turn(self) -> tuple[int, datetime, int]:
        """Of several that are due, the smallest is first."""
        return self.priority, self.not_before, self.id

    @property
    def person(self) -> int:
        """Whom a campaign draws."""
        return self.msisdn if self.client_id is None else self.client_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A line of the contact log."""

    message_id: int
    msisdn: int
    client_id: int | None
    channel: str
    key: tuple[Any, ...]
    at: datetime


@dataclass(frozen=True, slots=True, order=True)
class Objection:
    """What a rule says against a message; the lowest rank decides."""

    rank: int
    verdict: str
    reason: str
    until: datetime = NEVER


SEND = Objection(100, "send", "")


@dataclass(slots=True, kw_only=True)
class World:
    """All rules in force, all messages, and the contact log."""

    channels: dict[str, Rule]
    caps: list[Rule] = field(default_factory=list)
    quiet_hours: list[Rule] = field(default_factory=list)
    holidays: dict[date, str] = field(default_factory=dict)
    blacklist: list[Rule] = field(default_factory=list)
    members: list[Rule] = field(default_factory=list)
    consents: list[Rule] = field(default_factory=list)
    holdout: dict[int, float] = field(default_factory=dict)
    draws: dict[tuple[int, int], float] = field(default_factory=dict)  # dice: campaign, person
    messages: dict[int, Message] = field(default_factory=dict)
    log: list[Contact] = field(default_factory=list)
    owners: dict[str, int] = field(default_factory=dict)  # of erp_refs

    def due(self, now: datetime) -> list[Message]:
        """What a claim without limit takes, in its order."""
        waiting = (m for m in self.messages.values() if m.state == "pending")
        return sorted((m for m in waiting if m.not_before <= now), key=lambda m: m.turn)

    def judge(self, batch: list[Message], now: datetime) -> dict[int, Objection]:
        """The verdict on each message of a claim; references are owned first."""
        for message in sorted(batch, key=lambda m: m.id):
            if message.erp_ref is not None:
                self.owners.setdefault(message.erp_ref, message.id)
        return {
            message.id: min([SEND, *self._objections(message, batch[:n], now)])
            for n, message in enumerate(batch)
        }

    def _objections(self, m: Message, before: list[Message], now: datetime) -> Iterator[Objection]:
        """Everything the rules have against a message; `before` go ahead of it in its batch."""
        if m.expires_at <= now:
            yield Objection(10, "suppress", "expired")
        if any(self._lists(row, m, now) for row in self.blacklist):
            yield Objection(20, "suppress", "blacklist")
        if self.channels[m.channel]["needs_consent"] and not self._agreed(m, now):
            yield Objection(30, "suppress", "no_consent")
        if m.erp_ref is not None and self.owners.get(m.erp_ref, m.id) != m.id:
            yield Objection(40, "suppress", "duplicate_ref")
        yield from self._duplicate(m, before, now)
        yield from self._caps(m, before, now)
        share = self.holdout.get(m.campaign_id, 0) if m.campaign_id else 0
        if m.campaign_id and self.draws[m.campaign_id, m.person] < share:
            yield Objection(70, "suppress", "holdout")
        yield from self._quiet(m, now)

    def _fits(self, row: Rule, channel: str) -> bool:
        """Whether a row of a rule is meant for this channel."""
        category = self.channels[channel]["category"]
        return row["channel"] in (None, channel) and row["category"] in (None, category)

    def _lists(self, row: Rule, m: Message, now: datetime) -> bool:
        if row["source"] == "opt_out" and self.channels[m.channel]["ignores_opt_out"]:
            return False
        if row["expires_at"] is not None and row["expires_at"] <= now:
            return False
        if not self._fits(row, m.channel):
            return False
        if row["msisdn"] is not None:
            return bool(row["msisdn"] == m.msisdn)
        if row["prefix"] is not None:
            return str(m.msisdn).startswith(row["prefix"])
        return any(
            member["group_id"] == row["group_id"]
            and (
                member["msisdn"] == m.msisdn
                if member["client_id"] is None
                else member["client_id"] == m.client_id
            )
            for member in self.members
        )

    def _agreed(self, m: Message, now: datetime) -> bool:
        return any(
            (
                row["msisdn"] == m.msisdn
                if row["client_id"] is None
                else row["client_id"] == m.client_id
            )
            and row["category"] == self.channels[m.channel]["category"]
            and row["valid_from"] <= now < (row["valid_until"] or NEVER)
            and now < (row["withdrawn_at"] or NEVER)
            for row in self.consents
        )

    def _contacts(self, m: Message, now: datetime) -> list[Contact]:
        """The log without the message itself; clocks may differ by an hour."""
        return [c for c in self.log if c.message_id != m.id and c.at < now + HOUR]

    def _duplicate(self, m: Message, before: list[Message], now: datetime) -> Iterator[Objection]:
        window = self.channels[m.channel]["dedup_window"]
        if not window:
            return
        same = [c for c in self._contacts(m, now) if (c.msisdn, c.key) == (m.msisdn, m.key)]
        if any(contact.at > now - window for contact in same):
            yield Objection(50, "suppress", "duplicate")
        elif any((b.msisdn, b.key) == (m.msisdn, m.key) for b in before):
            yield Objection(50, "wait", "duplicate")

    def _caps(self, m: Message, before: list[Message], now: datetime) -> Iterator[Objection]:
        for cap in self.caps:
            if not self._fits(cap, m.channel):
                continue
            whose = "msisdn" if cap["per"] == "number" else "client_id"
            who = getattr(m, whose)
            if who is None:
                continue
            since = period_start(cap, m.zones, now)
            used = sum(
                getattr(contact, whose) == who
                and contact.at >= since
                and self._fits(cap, contact.channel)
                for contact in self._contacts(m, now)
            )
            ahead = sum(getattr(b, whose) == who for b in before)
            if used >= cap["max_messages"]:
                yield Objection(60, "suppress", "cap")
            elif used + ahead >= cap["max_messages"]:
                yield Objection(60, "wait", "cap")

    def _quiet(self, m: Message, now: datetime) -> Iterator[Objection]:
        windows = [
            window
            for window in self.quiet_hours
            if window["category"] == self.channels[m.channel]["category"]
        ]
        if not self._silent(windows, m.zones, now):
            return
        opening = now.replace(minute=now.minute // 30 * 30, second=0, microsecond=0)
        while self._silent(windows, m.zones, opening) or opening <= now:
            opening += HALF_AN_HOUR
            if opening >= m.expires_at:
                yield Objection(11, "suppress", "expired")
                return
        yield Objection(80, "defer", "quiet_hours", opening)

    def _silent(self, windows: list[Rule], zones: tuple[str, ...], at: datetime) -> bool:
        """Whether one of the windows is open in one of the zones."""
        for zone in zones:
            local = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
            for window in windows:
                for day in (local.date() - timedelta(days=1), local.date()):
                    if not self._holds_on(window, day):
                        continue
                    begins = datetime.combine(day, window["quiet_from"])
                    ends = datetime.combine(day, window["quiet_until"])
                    if ends <= begins:
                        ends += timedelta(days=1)
                    if begins <= local < ends:
                        return True
        return False

    def _holds_on(self, window: Rule, day: date) -> bool:
        kind = self.holidays.get(day, "off" if day.isoweekday() > 5 else "working")
        return window["iso_weekday"] in (None, day.isoweekday()) and window["day_kind"] in (
            None,
            kind,
        )


def period_start(cap: Rule, zones: tuple[str, ...], now: datetime) -> datetime:
    """Where the period of a cap began; of several zones the earliest."""
    if cap["period"] == "rolling":
        return now - timedelta(seconds=cap["span"].total_seconds())
    return min(_local_start(cap["period"], now.astimezone(ZoneInfo(zone))) for zone in zones)


def _local_start(period: str, local: datetime) -> datetime:
    day = local.date()
    if period == "week":
        day -= timedelta(days=day.isoweekday() - 1)
    elif period == "month":
        day = day.replace(day=1)
    return datetime.combine(day, time(), tzinfo=local.tzinfo)
