"""`outbox provider balance`: money left at providers that are paid in advance."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from cli.app import AsJson, print_table, run_async, show
from cli.provider import commands
from outbox.calls import asking
from outbox.db import open_database
from outbox.errors import NotFound, UsageMistake
from outbox.rows_asking import BalanceRow
from outbox.settings import load


@commands.command(epilog="Example: outbox provider balance smsc --warn-below 5000")
def balance(
    provider: Annotated[str | None, typer.Argument(help="Only this account.")] = None,
    warn_below: Annotated[
        str | None,
        typer.Option(help="Warn from this amount on; `never` warns no more. Needs an account."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what is left at each provider that tells, or set when to warn."""
    if warn_below is not None and provider is None:
        raise UsageMistake("--warn-below: name the account it is for.")
    limit = None if warn_below in {None, "never"} else _amount(str(warn_below))
    rows = run_async(_balances(provider, limit, change=warn_below is not None))
    if as_json:
        show(rows)
        return
    print_table(
        ["provider", ">balance", "currency", "told", ">warn below", "low since"],
        [
            (row.provider, row.amount, row.currency, row.at, row.warn_below, row.low_since)
            for row in rows
        ],
    )


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite() or not 0 <= amount < 10**12:
        raise UsageMistake(f"--warn-below: {text!r} is no amount of money.")
    return amount


async def _balances(
    provider: str | None, limit: Decimal | None, *, change: bool
) -> list[BalanceRow]:
    async with open_database(load(), name="outbox provider") as db:
        if provider is not None and change:
            await db.call(asking.set_balance_limit, provider=provider, warn_below=limit)
        rows = await db.call(asking.balances)
    mine = [row for row in rows if provider in {None, row.provider}]
    if provider is not None and not mine:
        raise NotFound(f'"{provider}" has not told a balance: unknown, or its adapter asks none.')
    return mine
