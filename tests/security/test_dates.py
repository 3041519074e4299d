"""Nobody but the owner of the schema says what the date is (S11)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.support.factory import column, insert, insert_outbox, make_provider, rows, value
from tests.support.logins import login

ROLES = ("sms_erp", "sms_analyst", "sms_operator", "sms_monitor", "sms_worker", "sms_dlr")

# Functions with a moment that decides something: each says why its callers may name it.
MAY_NAME = {
    # Questions. They write nothing; a moment is what is asked about.
    "judge": "a verdict on paper",
    "dry_run": "a launch on paper",
    "dry_run_audience": "a launch on paper",
    "dry_run_campaign": "a launch on paper",
    "dry_run_report": "a launch on paper",
    "preview_template": "the price at a moment",
    "preview_text": "the price at a moment",
    "preview_body": "the price at a moment",
    "rules_as_of": "the rules that were in force",
    "report": "a span to count",
    "outcome_status": "since when to count",
    "work_left": "counts what would be due",
    "provider_window": "what workers met until then",
    "budget_status": "what was spent until then",
    "scheduled_campaigns": "what runs after a moment",
    "due_runs": "names runs; begin and plan look at the clock themselves",
    "unfrozen_runs": "names runs; freeze_run carries on whichever it is given",
    "statistics": "a span to count",
    "worst_hours": "a span to count",
    "hourly_delivery": "a span to count",
    "month_plan": "a month to count",
    "month_effect": "a month to count",
    "daily_volumes": "a span to count",
    "list_holidays": "a span to list",
    "effect": "a span to count",
    "uplift": "a span to count",
    "clicks": "a span to count",
    "id_at": "the id of a moment; changes nothing",
    # Wishes and findings: moments that are data, judged by the clock when they come.
    "switch_channel": "until when an operator pins a lane",
    "save_campaign": "when a campaign begins and ends",
    "remap_receipts": "which stored receipts to look through",
    "save_forecast": "the months that a forecast is about",
    "record_receipts": "what the provider says its time was; kept, decides nothing",
    "plan_run": "the next moment of a cron expression, which only a worker can read; of due runs",
    "start_run": "the moment of the run after this one; this one begins by the clock",
    # Tickets: the moment must be the one that the caller was given.
    "record_answers": "the turn it belongs to",
    "end_turn": "the turn it gives back",
}

GRANTED = """
    select p.proname, p.oid::regprocedure::text as signature,
           array_agg(r.rolname order by r.rolname) as roles,
           array(select format_type(t, null) from unnest(p.proargtypes) as t) as types,
           p.proargnames[:p.pronargs] as names, p.pronargs - p.pronargdefaults as needed
      from pg_proc as p
      join pg_roles as r on r.rolname = any (%s) and has_function_privilege(r.oid, p.oid, 'execute')
     where p.pronamespace in ('sms'::regnamespace, 'geo'::regnamespace, 'erp'::regnamespace)
       and exists (select from unnest(p.proargtypes) as t
                    where t::regtype::text ~ '^(timestamp|date|time with)')
     group by p.oid
"""


async def refused(conn: AsyncConnection, query: str) -> bool:
    """Whether a call with a date is refused because it has one."""
    try:
        await conn.execute(query)
    except psycopg.Error as error:
        return error.sqlstate == "SM090"
    return False


def dated(function: dict[str, object]) -> str:
    """A call that names a moment, and for the rest what is needed."""
    plain = {"integer": "1", "bigint": "1", "text": "'post'", "jsonb": "'[]'", "interval": "'1 s'"}
    types, names = function["types"], function["names"]
    assert isinstance(types, list)
    assert isinstance(names, list)
    arguments = [
        f"{name} => timestamptz '2031-05-05'"
        if kind.startswith("timestamp")
        else f"{name} => {plain.get(kind, 'null')}::{kind}"
        for n, (kind, name) in enumerate(zip(types, names, strict=True))
        if kind.startswith("timestamp") or n < int(str(function["needed"]))
    ]
    return f"select sms.{function['proname']}({', '.join(arguments)})"


async def test_no_function_lets_anybody_else_name_a_moment_that_decides(
    conn: AsyncConnection, dsn: str
) -> None:
    await make_provider(conn)
    functions = await rows(conn, GRANTED, list(ROLES))
    open_ones = []
    for function in functions:
        if function["proname"] in MAY_NAME:
            continue
        for role in function["roles"]:
            async with login(dsn, role) as somebody:
                if not await refused(somebody, dated(function)):
                    open_ones.append((role, function["signature"]))

    assert open_ones == []
    assert {f["proname"] for f in functions} >= set(MAY_NAME)  # the list holds nothing that is gone


async def test_a_question_that_may_name_a_moment_cannot_write(conn: AsyncConnection) -> None:
    writes = await column(
        conn,
        "select distinct proname from pg_proc where pronamespace = 'sms'::regnamespace"
        " and proname = any (%s) and provolatile = 'v' order by 1",
        list(MAY_NAME),
    )

    assert writes == [
        "end_turn", "plan_run", "record_answers", "record_receipts", "remap_receipts",
        "save_campaign", "save_forecast", "start_run", "switch_channel",
    ]  # fmt: skip


async def test_a_worker_drops_no_month_by_naming_a_year(conn: AsyncConnection, dsn: str) -> None:
    await make_provider(conn)
    await conn.execute(
        "update sms.setting set value = '12' where setting like 'retention_months.%'"
    )
    await insert_outbox(conn)
    months = "select array_agg(month order by month) from sms.partition_months('outbox')"
    before = await value(conn, months)

    async with login(dsn, "sms_worker") as worker:
        with pytest.raises(psycopg.Error, match="what the date is") as refusal:
            await worker.execute("select sms.maintain_partitions('2031-06-01')")
        await worker.execute("select sms.maintain_partitions()")

    assert refusal.value.sqlstate == "SM090"
    assert await value(conn, months) == before
    assert await value(conn, "select count(*) from sms.outbox") == 1


async def test_a_worker_passes_no_quiet_hours_by_naming_an_hour(
    conn: AsyncConnection, dsn: str
) -> None:
    await make_provider(conn)
    message = await insert_outbox(conn, not_before=datetime.now(UTC) + timedelta(hours=9))

    async with login(dsn, "sms_worker") as worker:
        with pytest.raises(psycopg.Error, match="what the date is"):
            await worker.execute(
                "select sms.claim_batch('post', 'w', p_as_of => now() + interval '10 hours')"
            )

    assert await value(conn, "select id from sms.pending") == message


async def test_the_owner_and_a_member_of_it_may(conn: AsyncConnection, dsn: str) -> None:
    await conn.execute("select sms.expire_leases(p_as_of => '2031-05-05')")
    owner = await value(
        conn, "select nspowner::regrole::text from pg_namespace where nspname = 'sms'"
    )
    async with login(dsn, owner) as member:
        await member.execute("select sms.learn_numbers(p_as_of => '2031-05-05')")


async def test_a_worker_begins_and_moves_no_run_before_its_moment(
    conn: AsyncConnection, dsn: str
) -> None:
    campaign = await insert(
        conn,
        "campaign",
        campaign="later",
        channel="mass",
        cron="0 9 * * *",
        cron_zone="Europe/Moscow",
    )
    run = await value(
        conn,
        "insert into sms.campaign_run (campaign_id, state, channel, begins_at)"
        " values (%s, 'planned', 'mass', now() + interval '1 day') returning run_id",
        campaign,
    )
    async with login(dsn, "sms_worker") as worker:
        await worker.execute("select sms.plan_run(%s, now())", [run])
        began = await value(worker, "select sms.start_run(%s, null)", run)

    left = "select state, begins_at > now() + interval '23 hours' from sms.campaign_run"
    assert not began
    assert await (await conn.execute(left)).fetchall() == [("planned", True)]
