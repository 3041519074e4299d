"""Campaigns: what people ask for, and what the worker does for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import LiteralString

from psycopg import AsyncConnection

from outbox.calls.query import all_rows, one_row, one_value
from outbox.rows import DryRunLine
from outbox.rows_campaigns import CampaignRow, DueRun, Fed, Progress

_STEER: dict[str, LiteralString] = {
    "launch": "select sms.launch_campaign(p_campaign => %(campaign)s)",
    "pause": "select sms.pause_campaign(p_campaign => %(campaign)s)",
    "resume": "select sms.resume_campaign(p_campaign => %(campaign)s)",
    "stop": "select sms.stop_campaign(p_campaign => %(campaign)s)",
}

# --- people --------------------------------------------------------------------------------------


async def save(
    conn: AsyncConnection,
    *,
    campaign: str,
    template: str | None = None,
    audience: str | None = None,
    channel: str | None = None,
    start_at: datetime | None = None,
    local_time: time | None = None,
    cron: str | None = None,
    cron_zone: str | None = None,
    missed_runs: str | None = None,
    per_hour: int | None = None,
    ends_at: datetime | None = None,
    budget: Decimal | None = None,
    holdout_percent: Decimal | None = None,
    needs_release: bool | None = None,
    clear: Sequence[str] = (),
) -> str:
    """Create or change a campaign; None leaves a value alone. Tells created/changed/unchanged."""
    return str(
        await one_value(
            conn,
            """
            select sms.save_campaign(
                       p_campaign => %(campaign)s, p_template => %(template)s,
                       p_audience => %(audience)s, p_channel => %(channel)s,
                       p_start_at => %(start_at)s, p_local_time => %(local_time)s,
                       p_cron => %(cron)s, p_cron_zone => %(cron_zone)s,
                       p_missed_runs => %(missed_runs)s, p_per_hour => %(per_hour)s,
                       p_ends_at => %(ends_at)s, p_budget => %(budget)s,
                       p_holdout_percent => %(holdout_percent)s,
                       p_needs_release => %(needs_release)s, p_clear => %(clear)s)
            """,
            {
                "campaign": campaign,
                "template": template,
                "audience": audience,
                "channel": channel,
                "start_at": start_at,
                "local_time": local_time,
                "cron": cron,
                "cron_zone": cron_zone,
                "missed_runs": missed_runs,
                "per_hour": per_hour,
                "ends_at": ends_at,
                "budget": budget,
                "holdout_percent": holdout_percent,
                "needs_release": needs_release,
                "clear": list(clear),
            },
        )
    )


async def find(conn: AsyncConnection, *, campaign: str) -> int:
    """The id behind a name, or an id as text; Refused (SM040) where there is none."""
    query = "select sms.find_campaign(p_campaign => %(campaign)s)"
    return int(await one_value(conn, query, {"campaign": campaign}))


async def steer(conn: AsyncConnection, *, verb: str, campaign: str) -> int:
    """`launch` (the run's id), `pause`, `resume` or `stop` (how many messages it concerns)."""
    return int(await one_value(conn, _STEER[verb], {"campaign": campaign}))


async def release(conn: AsyncConnection, *, campaign: str) -> None:
    """Four eyes: release a campaign as it is now."""
    query = "select sms.release_campaign(p_campaign => %(campaign)s)"
    await conn.execute(query, {"campaign": campaign})


async def begin_launch(conn: AsyncConnection, *, campaign_id: int) -> int:
    """First half of a launch; the run's id."""
    query = "select sms.begin_launch(p_campaign_id => %(campaign_id)s)"
    return int(await one_value(conn, query, {"campaign_id": campaign_id}))


async def finish_launch(conn: AsyncConnection, *, run_id: int) -> None:
    """Second half of a launch of one's own, unless a worker is at it."""
    await conn.execute("select sms.finish_launch(p_run_id => %(run_id)s)", {"run_id": run_id})


async def give_up_launch(conn: AsyncConnection, *, run_id: int, problem: str) -> None:
    """End a launch of one's own that could not be finished."""
    query = "select sms.give_up_launch(p_run_id => %(run_id)s, p_problem => %(problem)s)"
    await conn.execute(query, {"run_id": run_id, "problem": problem})


async def dry_run(
    conn: AsyncConnection, *, campaign_id: int, as_of: datetime | None
) -> list[DryRunLine]:
    """What a launch would do; under way, what is left of it."""
    return await all_rows(
        conn,
        DryRunLine,
        """
        select topic, key, messages, coalesce(segments, 0) as segments, cost, at
          from sms.dry_run(p_campaign_id => %(campaign_id)s,
                           p_as_of => coalesce(%(as_of)s::timestamptz, clock_timestamp()))
        """,
        {"campaign_id": campaign_id, "as_of": as_of},
    )


async def list_campaigns(
    conn: AsyncConnection, *, campaign_id: int | None = None
) -> list[CampaignRow]:
    """All campaigns, the latest first, or one; without counting messages."""
    return await all_rows(
        conn,
        CampaignRow,
        """
        select c.campaign_id, c.campaign, c.template, c.audience, c.channel, c.start_at,
               c.local_time, c.cron, c.cron_zone, c.missed_runs, c.per_hour, c.ends_at, c.budget,
               c.holdout_percent, c.released_by,
               coalesce(c.needs_release or h.needs_release, true) as needs_release,
               sms.is_released(p_campaign => c, p_run_channel => c.channel) as is_released,
               c.changed_at, c.changed_by,
               r.run_id, r.state as run_state, n.begins_at as next_run_at
          from sms.campaign as c
          left join sms.channel as h on h.channel = c.channel
          left join lateral (select x.run_id, x.state from sms.campaign_run as x
                              where x.campaign_id = c.campaign_id
                              order by x.begun_at is null, x.run_id desc limit 1) as r on true
          left join lateral (select x.begins_at from sms.campaign_run as x
                              where x.campaign_id = c.campaign_id and x.state = 'planned'
                              limit 1) as n on true
         where %(campaign_id)s::bigint is null or c.campaign_id = %(campaign_id)s
         order by c.campaign_id desc
        """,
        {"campaign_id": campaign_id},
    )


async def progress(
    conn: AsyncConnection, *, campaign_id: int, run_id: int | None = None, limit: int = 1
) -> list[Progress]:
    """How the latest runs of a campaign stand, planned ones last; or one run."""
    return await all_rows(
        conn,
        Progress,
        """
        select p.run_id, p.campaign_id, p.campaign, p.state, p.template, p.channel, p.launched_by,
               p.begins_at, p.frozen_at, p.finished_at, p.recipients, p.repeated, p.waiting,
               p.queued, p.inflight, p.decided, p.unsent, p.unsent_reason, p.states, p.suppressed,
               p.segments, p.cost, p.budget, p.per_s, p.eta, p.problem
          from (select r.run_id, r.begun_at is null as is_planned from sms.campaign_run as r
                 where r.campaign_id = %(campaign_id)s
                   and (%(run_id)s::bigint is null or r.run_id = %(run_id)s)
                 order by r.begun_at is null, r.run_id desc
                 limit %(limit)s) as k
          cross join lateral (select * from sms.campaign_progress as x
                               where x.run_id = k.run_id) as p
         order by k.is_planned, k.run_id desc
        """,
        {"campaign_id": campaign_id, "run_id": run_id, "limit": limit},
    )


# --- the worker ----------------------------------------------------------------------------------


async def limit_time(conn: AsyncConnection, *, limit: timedelta) -> None:
    """Let statements of this transaction end after so long: an audience is anybody's SELECT."""
    await conn.execute(
        "select set_config('statement_timeout', %(ms)s, true)",
        {"ms": str(round(limit.total_seconds() * 1000))},
    )


async def feed(conn: AsyncConnection, *, limit: int) -> Fed:
    """Queue more of the running campaigns."""
    return await one_row(
        conn,
        Fed,
        "select fed, held, ended, swept from sms.feed_campaigns(p_limit => %(limit)s)",
        {"limit": limit},
    )


async def due_runs(conn: AsyncConnection) -> list[DueRun]:
    """Planned runs whose moment has come, or has to be worked out."""
    return await all_rows(
        conn,
        DueRun,
        """
        select run_id, campaign, cron, cron_zone, missed_runs, begins_at, is_busy
          from sms.due_runs()
        """,
    )


async def unfrozen_runs(conn: AsyncConnection) -> list[int]:
    """Launches that somebody must carry on."""
    found = await conn.execute("select run_id from sms.unfrozen_runs() as t (run_id)")
    return [int(run_id) for (run_id,) in await found.fetchall()]


async def plan_run(
    conn: AsyncConnection, *, run_id: int, moment: datetime | None, skipped: int
) -> None:
    """Give a planned run its moment; None: it has none any more."""
    await conn.execute(
        """
        select sms.plan_run(p_run_id => %(run_id)s, p_moment => %(moment)s::timestamptz,
                            p_skipped => %(skipped)s)
        """,
        {"run_id": run_id, "moment": moment, "skipped": skipped},
    )


async def start_run(
    conn: AsyncConnection, *, run_id: int, following: datetime | None, skipped: int
) -> bool:
    """Let a planned run begin and plan the following one."""
    return bool(
        await one_value(
            conn,
            """
            select sms.start_run(p_run_id => %(run_id)s, p_next => %(following)s::timestamptz,
                                 p_skipped => %(skipped)s)
            """,
            {"run_id": run_id, "following": following, "skipped": skipped},
        )
    )


async def freeze_run(conn: AsyncConnection, *, run_id: int) -> int | None:
    """Second half of a launch: how many recipients; None where nothing is to be done."""
    query = "select sms.freeze_run(p_run_id => %(run_id)s)"
    found = await one_value(conn, query, {"run_id": run_id})
    return None if found is None else int(found)


async def fail_run(conn: AsyncConnection, *, run_id: int, problem: str) -> bool:
    """End a run that could not begin."""
    query = "select sms.fail_run(p_run_id => %(run_id)s, p_problem => %(problem)s)"
    return bool(await one_value(conn, query, {"run_id": run_id, "problem": problem}))
