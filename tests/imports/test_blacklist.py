"""Blacklists from CSV files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg import AsyncConnection

from imports.blacklist import BlacklistReport, import_blacklist
from imports.load import BadLine, ImportRefused
from tests.conftest import AsRole
from tests.support import factory

N = factory.number


def write(folder: Path, text: str, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


async def held(tx: AsyncConnection, *columns: str) -> list[tuple[Any, ...]]:
    """These columns of the blacklist, in the order it was made."""
    rows = await factory.rows(tx, "select * from sms.blacklist order by blacklist_id")
    return [tuple(row[column] for column in columns) for row in rows]


async def test_numbers_in_any_spelling_are_added(tx: AsyncConnection, tmp_path: Path) -> None:
    text = f"phone\n{N(1)}\n8 (907) 000-00-02\n+7 907 000 00 03\n"
    report = await import_blacklist(tx, write(tmp_path, text))
    assert report == BlacklistReport(kept=3, changed=3, repeated=0)
    assert await held(tx, "msisdn", "reason", "source", "category", "expires_at") == [
        (N(n), "imported from list.csv", "import", None, None) for n in (1, 2, 3)
    ]


@pytest.mark.parametrize("column", ["phone", "msisdn", "number", "MSISDN "])
async def test_each_name_of_the_column(tx: AsyncConnection, tmp_path: Path, column: str) -> None:
    report = await import_blacklist(tx, write(tmp_path, f"\ufeff{column};note\r\n{N(1)};x\r\n"))
    assert (report.kept, report.bad) == (1, [])


async def test_every_column_is_kept(tx: AsyncConnection, tmp_path: Path) -> None:
    group = await factory.insert(tx, "recipient_group", recipient_group="staff")
    text = (
        "phone,prefix,group,reason,category,channel,source,expires_at\n"
        f"{N(1)},,,court,advertising,,legal,2099-01-31T18:00+03:00\n"
        ",+7 945,,a region,,mass,,\n"
        ",,staff,our own people,,,manual,\n"
    )
    report = await import_blacklist(tx, write(tmp_path, text))
    assert report == BlacklistReport(kept=3, changed=3, repeated=0)
    found = await held(tx, "msisdn", "prefix", "group_id", "category", "channel", "source")
    assert sorted(found, key=str) == sorted(
        [
            (N(1), None, None, "advertising", None, "legal"),
            (None, "7945", None, None, "mass", "import"),
            (None, None, group, None, None, "manual"),
        ],
        key=str,
    )
    reasons = {row[0] for row in await held(tx, "reason")}
    assert reasons == {"court", "a region", "our own people"}
    [expires_at] = [at for (at,) in await held(tx, "expires_at") if at]
    assert expires_at == datetime(2099, 1, 31, 15, tzinfo=UTC)


async def test_bad_lines_are_named_and_good_ones_kept(tx: AsyncConnection, tmp_path: Path) -> None:
    past = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    who = "it should name one phone, prefix or group"
    prefix = "the prefix is not 1 to 11 digits that begin with 7"
    mobile = "the phone is no Russian mobile number"
    rows: dict[str, str | None] = {
        f"{N(1)},,,,,,": None,
        ",,,,,,": who,
        f"{N(2)},7907,,,,,": who,
        "12345,,,,,,": f"{mobile} (invalid_number)",
        "84951234567,,,,,,": f"{mobile} (not_mobile)",
        "+375291234567,,,,,,": f"{mobile} (foreign_number)",
        '"89071234567;89071112233",,,,,,': f"{mobile} (several_numbers)",
        ",907,,,,,": prefix,
        ",7x,,,,,": prefix,
        ",,nobody,,,,": 'there is no group "nobody"',
        f"{N(3)},,,spam,,,": 'there is no category "spam"',
        f"{N(3)},,,,fax,,": 'there is no channel "fax"',
        f"{N(3)},,,,,hearsay,": "the source is not one of manual, import, auto, opt_out, legal",
        f"{N(3)},,,,,,{past}": "it has expired already",
        f"{N(3)},,,,,,31.01.2099": "expires_at is no ISO time such as 2027-01-31T18:00+03:00",
        f"{N(3)}": "1 fields instead of 7",
        f"{N(4)},,,,,,": None,
    }
    text = "phone,prefix,group,category,channel,source,expires_at\n" + "\n".join(rows)
    report = await import_blacklist(tx, write(tmp_path, text))
    assert report.bad == [
        BadLine(line=number, reason=reason)
        for number, reason in enumerate(rows.values(), 2)
        if reason
    ]
    assert (report.kept, report.changed) == (2, 2)
    assert await held(tx, "msisdn") == [(N(1),), (N(4),)]


async def test_what_is_there_is_not_doubled(tx: AsyncConnection, tmp_path: Path) -> None:
    text = f"phone,prefix,category\n{N(1)},,\n{N(1)},,advertising\n,7945,\n{N(2)},,\n"
    assert (await import_blacklist(tx, write(tmp_path, text))).changed == 4
    more = write(tmp_path, text + f"{N(3)},,\n{N(3)},,\n 8{str(N(3))[1:]},,\n")
    report = await import_blacklist(tx, more)
    assert report == BlacklistReport(kept=5, changed=1, repeated=2)
    assert len(await held(tx, "msisdn")) == 5


async def test_a_longer_ban_is_added_and_a_shorter_one_is_not(
    tx: AsyncConnection, tmp_path: Path
) -> None:
    def lasting(*ends: str) -> Path:
        return write(tmp_path, "phone,expires_at\n" + "".join(f"{N(1)},{at}\n" for at in ends))

    assert (await import_blacklist(tx, lasting("2098-01-01"))).changed == 1
    assert (await import_blacklist(tx, lasting("2097-01-01"))).changed == 0
    assert (await import_blacklist(tx, lasting("2097-01-01", "", "2099-01-01"))).changed == 1
    assert (await import_blacklist(tx, lasting("2099-01-01"))).changed == 0
    ends = [at and at.year for (at,) in await held(tx, "expires_at")]
    assert ends in (
        [2098, None],
        [2097, None],
    )  # the year's first moment here may be the last there


@pytest.mark.parametrize("source", ["auto", "opt_out"])
async def test_a_row_that_may_be_lifted_does_not_stand_for_the_imported_one(
    tx: AsyncConnection, tmp_path: Path, source: str
) -> None:
    await factory.insert(tx, "blacklist", msisdn=N(1), reason="unreachable", source=source)
    assert (await import_blacklist(tx, write(tmp_path, f"phone\n{N(1)}\n"))).changed == 1
    assert [row[0] for row in await held(tx, "source")] == [source, "import"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", r"list\.csv is empty\."),
        (f"{N(1)}\n{N(2)}\n", "the header lacks phone or prefix or group"),
        ("name,reason\nx,y\n", "it may also have reason, category"),
        (f"phone,Phone\n{N(1)},{N(2)}\n", "the header names phone more than once"),
        (f"msisdn;phone;reason\n{N(1)};{N(2)};x\n", "the header names phone more than once"),
    ],
)
async def test_a_file_without_the_columns_is_refused(
    tx: AsyncConnection, tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises(ImportRefused, match=sentence):
        await import_blacklist(tx, write(tmp_path, text))
    assert await held(tx, "msisdn") == []


async def test_an_import_stops_what_is_queued_already_and_its_history_is_kept(
    conn: AsyncConnection, as_role: AsRole, tmp_path: Path
) -> None:
    await factory.make_provider(conn)
    stopped, other = await factory.insert_many(conn, [{"phone": str(N(n))} for n in (1, 2)])
    await import_blacklist(await as_role("sms_operator"), write(tmp_path, f"phone\n{N(1)}\n"))
    assert await factory.claim_all(conn) == [other]
    assert (await factory.message(conn, stopped))["reason"] == "blacklist"
    change = await factory.row(
        conn,
        """
        select action, new ->> 'msisdn' as msisdn
          from sms.rule_change
         where rule_table = 'blacklist'
        """,
    )
    assert change == {"action": "insert", "msisdn": str(N(1))}


async def test_a_hundred_thousand_numbers(tx: AsyncConnection, tmp_path: Path) -> None:
    """Again and again the same: added once, and nothing left over."""
    path = write(tmp_path, "phone\n" + "".join(f"{N(n)}\n" for n in range(100_000)))
    assert (await import_blacklist(tx, path)).changed == 100_000
    assert (await import_blacklist(tx, path)).changed == 0
