"""Balances: kept, shown, and told once when they fall below their limit."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from psycopg import AsyncConnection

from outbox.calls import asking
from tests.chaos.books import open_provider, until
from tests.support.factory import PROVIDER, column, make_provider, row
from tests.support.outbox_process import Programs, answer, with_rights_of
from tests.uncertain.asking import MINUTE


async def tell(db: AsyncConnection, amount: str) -> str | None:
    return await asking.record_balance(
        db, provider=PROVIDER, amount=Decimal(amount), currency="RUB"
    )


async def test_it_is_told_once_when_it_falls_and_once_when_it_is_back(
    db: AsyncConnection,
) -> None:
    await asking.set_balance_limit(db, provider=PROVIDER, warn_below=Decimal(100))

    told = [await tell(db, amount) for amount in ("100", "99.99", "50", "500", "500")]

    assert told == [None, "fell", None, "back", None]
    actions = "select action from sms.activity where action like 'balance%%' order by activity_id"
    assert await column(db, actions) == ["balance low", "balance back"]


async def test_without_a_limit_nothing_is_told(db: AsyncConnection) -> None:
    assert await tell(db, "0") is None
    kept = await row(db, "select amount, currency, is_low, low_since from sms.provider_balance")
    assert kept == {"amount": Decimal(0), "currency": "RUB", "is_low": False, "low_since": None}


async def test_one_worker_asks_in_so_many_minutes(db: AsyncConnection) -> None:
    turns = [await asking.take_balance_turn(db, provider=PROVIDER, every=MINUTE) for _ in range(2)]
    assert turns == [True, False]
    # a changed limit is checked at once
    await asking.set_balance_limit(db, provider=PROVIDER, warn_below=Decimal(1))
    assert await asking.take_balance_turn(db, provider=PROVIDER, every=MINUTE)


async def test_the_on_call_hears_of_it(dsn: str, conn: AsyncConnection) -> None:
    await make_provider(conn)
    await asking.set_balance_limit(conn, provider=PROVIDER, warn_below=Decimal(10))
    async with await AsyncConnection.connect(dsn, autocommit=True) as listener:
        await listener.execute("listen sms_route")
        await tell(conn, "5")
        [note] = [note async for note in listener.notifies(timeout=10, stop_after=1)]

    assert '"kind": "balance_low"' in note.payload
    assert '"provider": "post"' in note.payload


async def test_a_worker_asks_warns_and_the_command_shows_it(
    dsn: str, conn: AsyncConnection, programs: Programs, log: Path
) -> None:
    await open_provider(conn, log, tps=10, balance=75.5)
    operator = with_rights_of(dsn, "sms_operator")
    set_ = answer("provider", "balance", PROVIDER, "--warn-below", "100", dsn=operator)
    assert set_[0]["warn_below"] == 100
    worker = await programs.running("worker")
    await until(conn, "select exists (select from sms.provider_balance where is_low)")

    [shown] = answer("provider", "balance", dsn=operator)

    assert (shown["provider"], shown["amount"], shown["currency"]) == (PROVIDER, 75.5, "RUB")
    assert shown["is_low"]
    [warned] = worker.events("balance_low")
    assert warned["amount"] == "75.50" or warned["amount"] == "75.5"
