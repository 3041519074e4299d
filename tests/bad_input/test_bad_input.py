"""Whatever the ERP writes: usable rows go, unusable ones say why, and the statement stands."""

from __future__ import annotations

import time
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.conftest import AsRole
from tests.support.factory import (
    add_template,
    claim,
    claim_all,
    fate,
    insert_many,
    insert_outbox,
    make_provider,
    message,
    nothing_unaccounted,
    number,
    rows,
    states,
    value,
)

# What is wrong with a row, and what it is told; the rest of the row is fine.
CHANNELS = "collection, mass, otp, planned, reply, single"

BAD: list[tuple[str, dict[str, Any], str]] = [
    ("no phone", {"phone": None}, "invalid_number"),
    ("empty phone", {"phone": ""}, "invalid_number"),
    ("words", {"phone": "нет телефона"}, "invalid_number"),
    ("an emoji", {"phone": "📱"}, "invalid_number"),
    ("a digit short", {"phone": "8907000000"}, "invalid_number"),
    ("an e-mail address", {"phone": "ivan@example.org"}, "invalid_number"),
    ("SQL", {"phone": "'; drop table sms.outbox; --"}, "invalid_number"),
    ("ten thousand digits", {"phone": "9" * 10_000}, "invalid_number"),
    ("a placeholder", {"phone": "+7 999 999-99-99"}, "invalid_number"),
    ("two phones", {"phone": "89070000001, 89070000002"}, "several_numbers"),
    ("two phones run together", {"phone": "8907000000189070000002"}, "several_numbers"),
    ("a landline", {"phone": "+7 (495) 123-45-67"}, "not_mobile"),
    ("a toll-free number", {"phone": "8 800 100-00-00"}, "not_mobile"),
    ("Kazakhstan", {"phone": "+7 701 123-45-67"}, "foreign_number"),
    ("Belarus", {"phone": "+375 29 123-45-67"}, "foreign_number"),
    ("Germany", {"phone": "+49 1512 3456789"}, "foreign_number"),
    ("no body", {"body": None}, "empty_text"),
    ("an empty body", {"body": ""}, "empty_text"),
    ("1,001 characters", {"body": "x" * 1001}, "text_too_long"),
    ("1,001 Cyrillic characters", {"body": "ж" * 1001}, "text_too_long"),
    ("1,001 emoji", {"body": "🙂" * 1001}, "text_too_long"),
    ("a million characters", {"body": "x" * 1_000_000}, "text_too_long"),
    ("a missing variable", {"template": "due", "vars": {}}, "missing_variable"),
    ("no variables", {"template": "due"}, "missing_variable"),
    ("variables that are none", {"template": "due", "vars": [1, 2]}, "missing_variable"),
    ("a filled text too long", {"template": "due", "vars": {"sum": "9" * 999}}, "text_too_long"),
    ("a wrong time zone", {"time_zone": "Europe/Moskva"}, "bad_time_zone"),
    ("an offset for a zone", {"time_zone": "UTC+3"}, "bad_time_zone"),
    ("expired yesterday", {"expires_at": "yesterday"}, "expired"),
    ("expired in 1970", {"expires_at": "1970-01-01 00:00+00"}, "expired"),
    ("expires too early", {"not_before": "2098-01-02", "expires_at": "2098-01-01"}, "expired"),
    ("expires at the beginning of time", {"expires_at": "-infinity"}, "expired"),
]  # fmt: skip

# Odd, but usable: such a row waits.
ODD: list[tuple[str, dict[str, Any]]] = [
    ("spaces and brackets", {"phone": "  8 (907) 000-00-01 "}),
    ("full-width digits", {"phone": "＋７９０７０００００１２"}),
    ("non-breaking spaces", {"phone": "+7\u00a0907\u00a0000\u00a000\u00a001"}),
    ("a spreadsheet's fraction", {"phone": "79070000001.0"}),
    ("exactly 1,000 characters", {"body": "ж" * 1000}),
    ("1,000 emoji", {"body": "🙂" * 1000}),
    ("a body of one space", {"body": " "}),
    ("line breaks and tabs", {"body": "a\r\n\tb"}),
    ("right-to-left", {"body": "مرحبا"}),
    ("combining marks", {"body": "é̂́" * 100}),
    ("a quote and a backslash", {"body": "it's 100% \\ {{not a template}}"}),
    ("not before 2099", {"not_before": "2099-01-01 00:00+00"}),
    ("not before the end of time", {"not_before": "294276-12-31 23:59:59+00"}),
    ("never", {"not_before": "infinity"}),
    ("long ago", {"not_before": "-infinity"}),
    ("valid for ever", {"expires_at": "infinity"}),
    ("a reference of 200 characters", {"erp_ref": "я" * 200}),
    ("variables nobody uses", {"vars": {"deep": {"er": [1, 2]}}}),
    ("a template and a body", {"template": "due", "vars": {"sum": "1"}, "body": "x"}),
    ("a huge client id", {"client_id": 2**63 - 1}),
    ("a negative campaign", {"campaign_id": -(2**63)}),
]

# These break the statement: the mistake is in the program, not in one row's data.
ERRORS: list[tuple[str, dict[str, Any], str, str]] = [
    ("an unknown channel", {"channel": "sms"}, "SM001", CHANNELS),
    ("a channel in capitals", {"channel": "SINGLE"}, "SM001", "single"),
    ("an unknown template", {"template": "deu"}, "SM002", "due"),
]


@pytest.fixture
async def db(tx: AsyncConnection) -> AsyncConnection:
    """A transaction, rolled back in the end, with a provider and a template."""
    await make_provider(tx)
    await add_template(tx, "due", "Pay {{sum}}")
    return tx


def named(cases: list[Any]) -> list[Any]:
    """Cases with their first word as the test's name."""
    return [pytest.param(*case[1:], id=case[0]) for case in cases]


@pytest.mark.parametrize(("columns", "reason"), named(BAD))
async def test_an_unusable_row_is_kept_and_says_why(
    db: AsyncConnection, columns: dict[str, Any], reason: str
) -> None:
    bad, good = await insert_many(db, [columns, {"phone": str(number(2))}])

    assert await fate(db, bad) == f"suppressed({reason})"
    assert await fate(db, good) == "pending"
    assert await value(db, "select meaning from sms.reason where reason = %s", reason)
    assert await nothing_unaccounted(db)


@pytest.mark.parametrize("columns", named(ODD))
async def test_an_odd_row_that_can_be_sent_waits(
    db: AsyncConnection, columns: dict[str, Any]
) -> None:
    message_id = await insert_outbox(db, **{"not_before": None, **columns})

    assert await fate(db, message_id) == "pending"
    await rows(db, "select * from sms.explain(%s)", message_id)
    claimed = await claim(db, as_of=None)
    assert await fate(db, message_id) == ("inflight" if claimed.ids else "pending")
    await db.execute("select sms.cancel(%s)", [message_id])
    assert (await message(db, message_id))["state"] in ("inflight", "cancelled")
    await rows(db, "select * from sms.explain(%s)", message_id)
    assert await nothing_unaccounted(db)


@pytest.mark.parametrize(("columns", "code", "known"), named(ERRORS))
async def test_a_wrong_name_breaks_the_statement_and_lists_the_right_ones(
    db: AsyncConnection, columns: dict[str, Any], code: str, known: str
) -> None:
    with pytest.raises(psycopg.Error) as refused:
        async with db.transaction():
            await insert_many(db, [{}, columns])

    assert refused.value.sqlstate == code
    assert known in (refused.value.diag.message_hint or "")
    assert await value(db, "select count(*) from sms.outbox") == 0


@pytest.mark.parametrize(
    "columns",
    [{"priority": 4}, {"priority": -1}, {"erp_ref": ""}, {"erp_ref": "x" * 201},
     {"sender_id": ""}, {"sender_id": "x" * 16}, {"channel": None}],
    ids=str,
)  # fmt: skip
async def test_a_value_out_of_range_breaks_the_statement(
    db: AsyncConnection, columns: dict[str, Any]
) -> None:
    with pytest.raises(psycopg.IntegrityError):
        await insert_outbox(db, **columns)


async def test_the_same_reference_twice_is_sent_once(db: AsyncConnection) -> None:
    first, second = await insert_many(db, [{"erp_ref": "order 1"}, {"erp_ref": "order 1"}])

    assert await claim_all(db) == [first]
    assert await fate(db, second) == "suppressed(duplicate_ref)"


async def test_a_message_for_2099_waits_and_can_be_taken_back(db: AsyncConnection) -> None:
    message_id = await insert_outbox(db, not_before="2099-01-01 00:00+00")

    assert (await claim(db, as_of=None)).judged == 0
    assert (await message(db, message_id))["not_before"].year == 2099
    assert await value(db, "select sms.cancel(%s::bigint)", message_id) == 1


def hundred_thousand() -> list[tuple[Any, ...]]:
    """100,000 rows, every hundredth of them bad in its turn: (phone, body, …, what it is told)."""
    usable_bad = [case for case in BAD if len(str(case[1])) < 20_000]
    table = []
    for n in range(100_000):
        columns: dict[str, Any] = {"phone": str(number(n)), "body": f"text {n}"}
        reason = None
        if n % 100 == 99:
            _, wrong, reason = usable_bad[n // 100 % len(usable_bad)]
            columns |= {"body": None} if "template" in wrong else {}
            columns |= wrong
        names = ("phone", "body", "template", "vars", "time_zone", "not_before", "expires_at")
        cells = [columns.get(name) for name in names]
        cells[3] = psycopg.types.json.Jsonb(cells[3]) if cells[3] is not None else None
        table.append((*cells, f"ref {n}", reason))
    return table


STAGE: LiteralString = """
    create temporary table stage (
        n int generated always as identity, phone text, body text, template text, vars jsonb,
        time_zone text, not_before text, expires_at text, erp_ref text, reason text
    )
"""


async def test_a_hundred_thousand_rows_with_bad_ones_among_them_in_one_statement(
    dsn: str, as_role: AsRole
) -> None:
    async with await AsyncConnection.connect(dsn, autocommit=True) as owner:
        await make_provider(owner)
        await add_template(owner, "due", "Pay {{sum}}")
    expected = hundred_thousand()
    erp = await as_role("sms_erp")
    await erp.execute(STAGE)
    async with (
        erp.cursor() as cur,
        cur.copy(
            "copy stage (phone, body, template, vars, time_zone, not_before, expires_at, erp_ref,"
            " reason) from stdin"
        ) as copy,
    ):
        for line in expected:
            await copy.write_row(line)

    began = time.monotonic()
    made = await erp.execute(
        """
        insert into sms.outbox (channel, phone, body, template, vars, time_zone, not_before,
                                expires_at, erp_ref)
        select 'mass', phone, body, template, vars, time_zone, not_before::timestamptz,
               expires_at::timestamptz, erp_ref
          from stage
        """
    )
    assert made.rowcount == 100_000
    assert time.monotonic() - began < 60

    counted = await rows(
        erp,
        """
        select m.state, m.reason, count(*) as messages
          from sms.message as m
          join stage as s on s.erp_ref = m.erp_ref and s.reason is not distinct from m.reason
         group by m.state, m.reason
        """,
    )
    told = {line["reason"]: line["messages"] for line in counted}
    wanted: dict[str | None, int] = {}
    for *_, reason in expected:
        wanted[reason] = wanted.get(reason, 0) + 1
    assert told == wanted
    assert {line["state"] for line in counted if line["reason"]} == {"suppressed"}
    assert wanted[None] == 99_000
    async with await AsyncConnection.connect(dsn, autocommit=True) as owner:
        assert await nothing_unaccounted(owner)


async def test_a_wrong_channel_among_a_hundred_thousand_keeps_nothing(
    dsn: str, as_role: AsRole
) -> None:
    erp = await as_role("sms_erp")

    with pytest.raises(psycopg.Error, match='unknown channel "mas"') as refused:
        await erp.execute(
            """
            insert into sms.outbox (channel, phone, body)
            select case n when 77777 then 'mas' else 'mass' end, (79070000000 + n)::text, 'x'
              from generate_series(1, 100000) as n
            """
        )

    assert refused.value.diag.message_hint == f"Channels: {CHANNELS}."
    assert await states(erp, 1) == ["nowhere"]
    assert await value(erp, "select count(*) from sms.message") == 0


@pytest.mark.parametrize("zeros", ["a\x00b", "\x00"])
async def test_a_zero_byte_is_refused_before_it_reaches_a_table(
    db: AsyncConnection, zeros: str
) -> None:
    with pytest.raises(psycopg.DataError):
        await db.execute("insert into sms.outbox (phone, body) values ('1', %s)", [zeros])
