"""`outbox forecast`: next months' messages and money, in every scenario."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from psycopg import AsyncConnection

from cli.app import AsJson, app, print_table, run_async, show
from outbox.calls import money
from outbox.db import open_database
from outbox.errors import UsageMistake
from outbox.rows_money import DailyVolume, PriceRow
from outbox.settings import load
from outbox.terminal import echo

if TYPE_CHECKING:
    from planning.plan import Plan

HISTORY_DAYS = 3 * 366
LONGEST_S = 120.0
FORMATS = (".svg", ".png", ".pdf")


@app.command(epilog="Example: outbox forecast --months 3 --chart forecast.svg")
def forecast(
    months: Annotated[
        int, typer.Option(help="This month and so many after it.", min=1, max=24)
    ] = 3,
    chart: Annotated[Path | None, typer.Option(help="Draw it: .svg, .png or .pdf.")] = None,
    save: Annotated[bool, typer.Option("--save", help="Keep it in sms.forecast.")] = False,
    as_json: AsJson = False,
) -> None:
    """Foretell volume and money by channel and provider, with 80 % intervals, as now and if all
    went the cheap or the dear way; and say how well that would have done in past months."""
    if chart is not None and chart.suffix not in FORMATS:
        raise UsageMistake(f"--chart {chart}: the name must end in {', '.join(FORMATS)}.")
    plan, volumes = run_async(_make(months, save=save))
    if chart is not None:
        _draw(plan, volumes, chart)
    if as_json:
        show(
            {
                "lines": plan.rows,
                "last_month": plan.last_month,
                "methods": plan.methods,
                "tried": plan.tried,
            }
        )
    else:
        _print(plan)


async def _make(months: int, *, save: bool) -> tuple[Plan, Sequence[DailyVolume]]:
    try:
        from planning.plan import make_plan
        from planning.schedule import planned
    except ModuleNotFoundError as missing:
        raise UsageMistake(
            f"Forecasts need the optional libraries ({missing.name} is not installed):"
            " pip install 'sms-outbox[planning]'."
        ) from None
    today = date.today()  # noqa: DTZ011 - the day of whoever plans
    async with (
        open_database(load(), name="outbox forecast") as db,
        db.connection(timeout_s=LONGEST_S) as conn,
    ):
        volumes, prices, holidays = await _read(conn, today, months)
        to_come = planned(
            await money.scheduled_campaigns(conn), today + timedelta(days=32 * (months + 1))
        )
        try:
            plan = make_plan(
                volumes, prices, holidays=holidays, today=today, months=months, planned=to_come
            )
        except ValueError as error:
            raise UsageMistake(f"{str(error).capitalize()}.") from None
        if save:
            await money.save_forecast(conn, rows=plan.rows)
    return plan, volumes


async def _read(
    conn: AsyncConnection, today: date, months: int
) -> tuple[list[DailyVolume], list[PriceRow], dict[date, str]]:
    start, until = today - timedelta(days=HISTORY_DAYS), today + timedelta(days=32 * (months + 1))
    holidays = await money.list_holidays(conn, start=start, until=until)
    return (
        await money.daily_volumes(conn, start=start, until=today),
        await money.price_list(conn),
        {holiday.day: holiday.kind for holiday in holidays},
    )


def _draw(plan: Plan, volumes: Sequence[DailyVolume], chart: Path) -> None:
    from planning.chart import draw

    try:
        draw(plan, volumes, chart)
    except OSError as error:
        raise UsageMistake(f"{chart} cannot be written: {error.strerror}.") from None


def _print(plan: Plan) -> None:
    from planning.backtest import say
    from planning.scenarios import SCENARIOS

    print_table(
        ["month", "channel", "provider", ">messages", ">80 % from", ">to", ">segments", ">cost"],
        [
            (
                f"{row.month:%Y-%m}",
                row.channel,
                row.provider,
                round(row.messages),
                round(row.low),
                round(row.high),
                round(row.segments),
                _amount(row.cost),
            )
            for row in plan.rows
            if row.scenario == SCENARIOS[0]
        ],
        title="As messages go now",
    )
    echo()
    _print_scenarios(plan)
    echo()
    print_table(
        ["channel", "month", ">true", ">foretold", ">80 % from", ">to", ">error", ">naive error"],
        [
            (
                channel,
                f"{month.month:%Y-%m}",
                round(month.actual),
                round(month.expected),
                round(month.low),
                round(month.high),
                f"{month.error:.1%}",
                f"{month.naive_error:.1%}",
            )
            for channel, months in sorted(plan.tried.items())
            for month in months
        ],
        title="Past months foretold at their eve; naive = the last week repeated",
    )
    for channel, method in sorted(plan.methods.items()):
        echo(f"{channel}: {method}. {say(plan.tried[channel])}")


def _print_scenarios(plan: Plan) -> None:
    totals: dict[str, dict[date, Decimal | None]] = defaultdict(dict)
    for row in plan.rows:
        so_far = totals[row.scenario].get(row.month, Decimal(0))
        totals[row.scenario][row.month] = (
            None if so_far is None or row.cost is None else so_far + Decimal(str(row.cost))
        )
    months = sorted({row.month for row in plan.rows})
    print_table(
        ["scenario", ">last month", *(f">{month:%Y-%m}" for month in months)],
        [
            (
                scenario,
                _amount(plan.last_month[scenario]),
                *(_amount(totals[scenario][m]) for m in months),
            )
            for scenario in totals
        ],
        title="Cost of segments in each scenario; last month: what its messages would have cost",
    )


def _amount(amount: float | Decimal | None) -> str:
    return "no tariff" if amount is None else f"{amount:,.2f}"
