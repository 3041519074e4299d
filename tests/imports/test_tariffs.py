"""Price lists from CSV files."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from imports.load import ImportRefused
from imports.tariffs import TariffReport, import_tariffs
from tests.conftest import AsRole
from tests.support import factory

HEADER = "provider;operator;category;price;currency;from_segments;valid_from;valid_until"


@pytest.fixture
async def db(tx: AsyncConnection) -> AsyncConnection:
    await factory.make_provider(tx, "cheap", point_lanes=False)
    return tx


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


async def load(db: AsyncConnection, path: Path, *lines: str) -> TariffReport:
    return await import_tariffs(db, write(path, HEADER, *lines))


async def price(
    db: AsyncConnection, at: str, operator: str = "mts", category: str = "service"
) -> Decimal | None:
    found: Decimal | None = await factory.value(
        db,
        """
        select sms.segment_price(p.provider_id, o.operator_id, %s, %s::timestamptz)
          from sms.provider as p, sms.operator as o where p.provider = 'cheap' and o.operator = %s
        """,
        category,
        at,
        operator,
    )
    return found


async def test_a_price_list_is_taken_and_a_new_one_ends_the_old(
    db: AsyncConnection, tmp_path: Path
) -> None:
    file = tmp_path / "prices.csv"
    first = await load(
        db,
        file,
        "cheap;;;3,10;;;2026-01-01T00:00Z;",
        "cheap;mts;;2.35;RUB;;2026-01-01T00:00Z;",
        "cheap;mts;service;1.9999;;0;2026-01-01T00:00Z;2026-06-01T00:00Z",
    )
    assert (first.kept, first.changed, first.ended, first.bad) == (3, 3, 0, [])
    again = await import_tariffs(db, file)
    assert (again.kept, again.changed) == (3, 0)

    second = await load(db, file, "cheap;mts;;2.60;;;2026-07-01T00:00Z;")

    assert (second.kept, second.ended) == (1, 1)
    assert await price(db, "2026-02-01T00:00Z") == Decimal("1.9999")
    assert await price(db, "2026-06-15T00:00Z") == Decimal("2.35")
    assert await price(db, "2026-08-01T00:00Z") == Decimal("2.60")
    assert await price(db, "2026-08-01T00:00Z", operator="other") == Decimal("3.10")
    assert await price(db, "2025-12-31T23:59Z") is None


async def test_bad_lines_are_named_and_the_rest_is_taken(
    db: AsyncConnection, tmp_path: Path
) -> None:
    done = await load(
        db,
        tmp_path / "prices.csv",
        "cheap;mts;;2;;;;",
        "nobody;;;1;;;;",
        "cheap;martian;;1;;;;",
        "cheap;;gossip;1;;;;",
        "cheap;;;-1;;;;",
        "cheap;;;1.00001;;;;",
        "cheap;;;free;;;;",
        "cheap;;;1;rubles;;;",
        "cheap;;;1;;many;;",
        "cheap;;;1;;;tomorrow;",
        "cheap;mts;;3;;;;2027-01-01",
        "cheap;t2;;3;;;2027-01-01;2026-01-01",
        "cheap;t2;;3",
    )
    assert done.kept == 1
    assert [(bad.line, bad.reason.split(":")[0]) for bad in done.bad] == [
        (3, "there is no provider 'nobody'"),
        (4, "there is no operator 'martian'"),
        (5, "there is no category 'gossip'"),
        (6, "the price is not 0 to 100000 with at most 4 decimals"),
        (7, "the price is not 0 to 100000 with at most 4 decimals"),
        (8, "the price is no number"),
        (9, "the currency is no ISO 4217 code such as RUB"),
        (10, "from_segments is no whole number"),
        (11, "valid_from is no ISO date or time"),
        (12, "it overlaps in time with another tariff of the same scope and step"),
        (13, "it ends before it begins"),
        (14, "4 fields instead of 8"),
    ]


async def test_a_file_without_prices_is_refused_whole(db: AsyncConnection, tmp_path: Path) -> None:
    file = write(tmp_path / "prices.csv", "provider,operator", "cheap,mts")
    with pytest.raises(ImportRefused, match="the header lacks price"):
        await import_tariffs(db, file)


async def test_an_operator_may_import_them(
    as_role: AsRole, conn: AsyncConnection, tmp_path: Path
) -> None:
    await factory.make_provider(conn, "cheap", point_lanes=False)
    session = await as_role("sms_operator")
    file = write(
        tmp_path / "prices.csv",
        "provider,price,valid_from",
        "cheap,2.5,2026-01-01",
        "cheap,2.7,2026-02-01",
    )
    done = await import_tariffs(session, file)
    assert (done.kept, done.changed, done.ended) == (2, 3, 1)


async def test_a_file_with_old_and_new_prices_can_be_repeated(
    db: AsyncConnection, tmp_path: Path
) -> None:
    lines = ("cheap;;;3.10;;;2026-01-01;", "cheap;;;3.40;;;2026-07-01;")
    first = await load(db, tmp_path / "prices.csv", *lines)
    again = await load(db, tmp_path / "prices.csv", *lines)
    assert (first.changed, first.ended, first.bad) == (3, 1, [])
    assert (again.kept, again.changed, again.bad) == (2, 0, [])


async def test_a_day_without_a_zone_begins_where_statistics_do(
    db: AsyncConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Vladivostok")
    time.tzset()
    try:
        await load(db, tmp_path / "prices.csv", "cheap;;;3.10;;;2026-01-01;")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert await price(db, "2025-12-31T23:59+03:00") is None
    assert await price(db, "2026-01-01T00:00+03:00") == Decimal("3.10")
