"""When a periodic campaign runs: its cron expression in its own zone, and what to do when late.

A clock put forward skips times and one put back repeats them: a daily time that is skipped runs
when the clock jumps, one that comes twice runs at the first (as in Debian's cron).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from outbox.rows_campaigns import DueRun

LATE = timedelta(minutes=5)  # a moment that passed longer ago was missed


class ScheduleMistake(ValueError):
    """The cron expression or its zone cannot be used; the text is a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """Let the run begin; the next one is planned for `following`."""

    following: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Plan the run for this moment, None: there is none any more; `skipped` were missed."""

    moment: datetime | None
    skipped: int = 0


def moments(cron: str, zone: str, after: datetime) -> Iterator[datetime]:
    """The moments strictly after one, in UTC, in order; ScheduleMistake where it is no schedule."""
    if len(cron.split()) != 5:
        raise ScheduleMistake(f"{cron!r} is no cron expression: minute hour day month weekday.")
    try:
        yield from (
            moment.astimezone(UTC) for moment in CronSim(cron, after.astimezone(ZoneInfo(zone)))
        )
    except CronSimError as error:
        raise ScheduleMistake(f"{cron!r} is no cron expression: {error}.") from None
    except (ZoneInfoNotFoundError, ValueError):
        raise ScheduleMistake(
            f"{zone!r} is no time zone: write a name like Europe/Moscow."
        ) from None


def first_after(cron: str, zone: str, after: datetime) -> datetime | None:
    """The first moment strictly after one."""
    return next(moments(cron, zone, after), None)


def decide(run: DueRun, now: datetime) -> Begin | Move | None:
    """What to do with a planned run whose moment has come, or is to be worked out; None: wait.

    While an earlier run is under way the next one waits; how long, its campaign's policy says.
    """
    if run.cron is None or run.cron_zone is None:
        return None if run.is_busy else Begin(following=None)
    if run.begins_at is None:
        return Move(moment=first_after(run.cron, run.cron_zone, now))
    later = moments(run.cron, run.cron_zone, run.begins_at)
    passed = [run.begins_at, *takewhile(lambda moment: moment <= now, later)]
    following = first_after(run.cron, run.cron_zone, max(now, passed[-1]))
    if run.missed_runs == "all":
        return None if run.is_busy else Begin(following=[*passed, following][1])
    if len(passed) > 1:
        return Move(moment=passed[-1], skipped=len(passed) - 1)
    if run.missed_runs == "skip" and now - passed[-1] > LATE:
        return Move(moment=following, skipped=1)
    return None if run.is_busy else Begin(following=following)
