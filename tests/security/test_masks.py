"""S21: one mask that knows every spelling of a phone, in Python and the same in SQL."""

from __future__ import annotations

import json
import logging
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
import structlog
from hypothesis import assume, given
from hypothesis import strategies as st
from psycopg import AsyncConnection

from outbox import logs
from outbox.cluster import ROOT
from outbox.masking import mask_phones
from tests.conftest import AsRole
from tests.support.factory import claim, insert_outbox, make_provider, mark, settle

MASKED = "7907***4567"

SPELLED = [
    "79071234567", "89071234567", "9071234567", "+79071234567", "+7 907 123-45-67",
    "8(907)123-45-67", "8 (907) 123 45 67", "+7\u00a0907\u00a0123\u00a045\u00a067",
    "8\u2011907\u2011123\u201145\u201167", "8\u2012907\u2012123\u201245\u201267",
    "8\u2013907\u2013123\u201345\u201367", "+7\u2007907\u2007123\u200745\u200767",
    "8\u2212907\u2212123\u221245\u221267", "8.907.123.45.67", "907.123.45.67", "(907) 123-45-67",
    "(+7)9071234567", "7-907-1234567", "907 1234567", "9 0 7 1 2 3 4 5 6 7", "8/907/123/45/67",
    "8_907_123_45_67", "8 [907] 123-45-67", "+7 (907) - 123 - 45 - 67", "8\t907\t1234567",
    "0079071234567", "00 7 907 123 45 67", "81079071234567", "8~10 7 907 123 45 67",
    "+7 8 907 123 45 67", "79071234567.0", "9071234567.00",
    "%2B79071234567", "phone=%2B7%20907%20123-45-67", "to=%2079071234567&x=1",
    "8+907+123-45-67", "8%28907%29123%2D45%2D67", "%C2%A079071234567",
    r'"\u002b79071234567"', r"7\u00a0907\u00a0123\u00a045\u00a067", r"\u00a089071234567",
    r"'\xa079071234567'", r"8\t907\t1234567", r"\\u00a089071234567",
    "+7&nbsp;907&nbsp;123-45-67", "&#43;79071234567", "8&#160;907&#xA0;1234567",
    "＋７９０７１２３４５６７", "８（９０７）１２３－４５－６７",
    "9\u200b07\u200b1234567", "\u202a+79071234567\u202c", "9071\u00ad234567", "\ufeff89071234567",
    "907\x1b1234567", "tel:+7-907-123-45-67", "sms:89071234567;", '{"phone":"79071234567"}',
    "<79071234567@example.org>", "89071234567доб.12", "5,89071234567",
    "тел89071234567", "x89071234567,y",
    "Key (msisdn)=(79071234567) already exists.", "{79071234567}", "1: 89071234567",
    'COPY staged_client, line 3, column phone: "8 907 1234567"', "10% of 89071234567",
]  # fmt: skip

NO_PHONES = [
    "912548437939978252", "9125484379399782523", "[912548437939978252, 912548437939978253]",
    "2026-12-01T15:05:26.907555+03:00", "2026-12-01 15:05:26.907555+0300", "2026-09-12 10:30:45",
    "9.12.2026 10:30", "09/12/2026", "20261201150526", "1764601526", "1764601526123",
    "94.25.168.207", "89.175.250.117:5432", "194.25.168.207", "127.0.0.1:54321",
    "907555.0001", "90 755 500.01", "9,075,550,001", "90755500.01", "1 234 567.89",
    "9 075 550,01", "0.9075550001", "9.123456 s", "907 ms, 555 ms, 0001", "0:00:09.075550",
    "550e8400-e29b-41d4-a716-446655440000", "4276 9075 5500 0123", "907555", "9 min 12 s",
    "segments 9, messages 907, cost 5550", "line 907, column 55: 50001", "770708389312",
    "+0300", "95% of 12345678", "5550123", "postgresql://nobody@127.0.0.1:1/none", "v9.12.3", "",
]  # fmt: skip

# Other numbers of people, and two at once.
OTHERS = [
    ("+375 29 123-45-67", "+3752***4567"),
    ("+49 1512 3456789", "+4915***6789"),
    ("+7 (495) 123-45-67", "+7495***4567"),
    ("84951234567", "7495***4567"),
    ("89071234567 89071230000", "7907***4567 7907***0000"),
    ("89071234567,89071230000", "7907***4567,7907***0000"),
    ("79071234567\n79071230000", "7907***4567\n7907***0000"),
    ("8907123456789071230000", "***"),
]

SEPARATORS = st.text(
    st.sampled_from(
        " \t.()-–‑‒—−/_[]+·•\u00a0\u2007\u2009\u202f\u200b\u2060\ufeff\u00ad\x1b\x9b（）－"
    ),
    max_size=4,
)
WHOLE = re.compile(r"[0-9]{5,9}\.[0-9]{1,6}|[0-9]{1,3}(?:[ \u00a0\u202f][0-9]{3})+\.[0-9]{1,4}")
ADDRESS = re.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}")


def digits_of(text: str) -> str:
    """The digits of a text, full-width ones too, without those that spell a separator."""
    plain = unicodedata.normalize("NFKC", text)
    plain = re.sub(r"%[0-9A-Fa-f]{2}|\\+u[0-9a-f]{4}|\\+x[0-9a-f]{2}|&#?\w+;", " ", plain)
    return re.sub("[^0-9]", "", plain)


@st.composite
def spelled(draw: st.DrawFn) -> str:
    """A mobile number with anything between any two of its digits."""
    digits = "9" + draw(st.text("0123456789", min_size=9, max_size=9))
    text = draw(st.sampled_from(["", "7", "8", "+7", "007", "+7 8"])) + draw(SEPARATORS)
    text += "".join(digit + draw(SEPARATORS) for digit in digits[:-1]) + digits[-1]
    # Exactly so many digits around one point, or as the address of a machine: those stay.
    bare = text.strip(" \t()[]-+")
    assume(not WHOLE.fullmatch(bare) and not ADDRESS.fullmatch(bare))
    assume(not WHOLE.search(text) and not ADDRESS.search(text))
    return text


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    """Logs as a program writes them."""
    logs.configure("info")
    yield capsys
    structlog.reset_defaults()


@pytest.mark.parametrize("text", SPELLED)
def test_a_number_is_hidden_however_it_is_spelled(text: str) -> None:
    shown = unicodedata.normalize("NFKC", mask_phones(text))
    assert MASKED in shown
    assert "1234567" not in digits_of(shown)


@pytest.mark.parametrize("text", NO_PHONES)
def test_what_is_no_phone_stays(text: str) -> None:
    assert mask_phones(text) == text


@pytest.mark.parametrize(("text", "shown"), OTHERS)
def test_other_numbers_are_hidden_too(text: str, shown: str) -> None:
    assert mask_phones(text) == shown


@given(spelled())
def test_anything_may_stand_between_the_digits(text: str) -> None:
    shown = mask_phones(text)
    assert "***" in shown
    assert len(digits_of(shown)) <= 8 or text.startswith("+7 8")


@given(st.text(max_size=200))
def test_the_mask_takes_any_text_and_masks_nothing_twice(text: str) -> None:
    assert mask_phones(mask_phones(text)) == mask_phones(text)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", ["9", "9 ", "9    ", "+1 ", "7-", "1 234 567 ", r"\u00a0", "%20"])
def test_no_text_keeps_the_mask_busy_for_long(piece: str) -> None:
    assert isinstance(mask_phones(piece * (100_000 // len(piece))), str)


# --- SQL ----------------------------------------------------------------------------------------


async def test_sql_masks_exactly_as_python_does(tx: AsyncConnection) -> None:
    texts = [*SPELLED, *NO_PHONES, *(text for text, _ in OTHERS)]
    answer = await tx.execute(
        "select t.text, sms.mask_phones(t.text) from unnest(%s::text[]) as t(text)", [texts]
    )
    for text, shown in await answer.fetchall():
        assert shown == mask_phones(text), text


async def test_sql_and_python_agree_on_anything_between_digits(tx: AsyncConnection) -> None:
    texts: list[str] = []

    @given(spelled())
    def collect(text: str) -> None:
        texts.append(text)

    collect()
    answer = await tx.execute(
        "select t.text, sms.mask_phones(t.text) from unnest(%s::text[]) as t(text)", [texts]
    )
    assert {text: shown for text, shown in await answer.fetchall()} == {
        text: mask_phones(text) for text in texts
    }


def test_no_sql_but_the_mask_cuts_numbers_itself() -> None:
    """What hides a middle by hand knows one spelling only."""
    for folder in ("functions", "views"):
        for path in (ROOT / "sql" / folder).glob("*.sql"):
            text = path.read_text(encoding="utf-8")
            assert path.stem == "mask_phones" or "|| '***' ||" not in text, path.name


async def test_a_number_in_a_note_is_hidden_in_the_log_of_activity(
    dsn: str, conn: AsyncConnection, as_role: AsRole
) -> None:
    await conn.execute(
        "insert into sms.blacklist (msisdn, reason)"
        " values (79071234567, 'asked from 8 907 123-45-67')"
    )
    analyst = await as_role("sms_analyst")
    answer = await analyst.execute("select what from sms.activity_log")
    told = "\n".join(what for (what,) in await answer.fetchall())
    assert told.count(MASKED) >= 2
    assert "123-45-67" not in told


async def test_a_number_that_a_provider_quotes_is_hidden_in_the_list_of_doubts(
    dsn: str, conn: AsyncConnection, as_role: AsRole
) -> None:
    await make_provider(conn)
    await insert_outbox(conn, phone="89071234567")
    claimed = await claim(conn)
    await mark(conn, claimed.claim_id, claimed.ids)
    detail = "torn while sending to 8 (907) 123-45-67"
    await settle(conn, claimed.claim_id, claimed.ids, "uncertain", detail=detail)
    operator = await as_role("sms_operator")
    answer = await operator.execute("select number, detail from sms.uncertain_message")
    assert await answer.fetchall() == [(MASKED, f"torn while sending to {MASKED}")]


# --- logs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", SPELLED)
def test_no_spelling_passes_a_log(text: str, log: pytest.CaptureFixture[str]) -> None:
    structlog.get_logger().warning("odd", error=text, inner={text: [{"deep": (text,)}]})
    line = log.readouterr().err
    assert unicodedata.normalize("NFKC", line).count(MASKED) == 3
    assert len(line.splitlines()) == 1


def test_ids_times_and_money_pass_a_log(log: pytest.CaptureFixture[str]) -> None:
    facts = {
        "id": 912548437939978252, "cost": Decimal("907555.0001"), "share": 0.9075550001,
        "at": datetime(2026, 12, 1, 15, 5, 26, 907555, tzinfo=UTC), "is_new": True, "none": None,
        "span": timedelta(seconds=9075550), "key": UUID("550e8400-e29b-41d4-a716-446655440000"),
    }  # fmt: skip
    structlog.get_logger().warning("even", **facts)
    line = log.readouterr().err
    for fact in (fact for fact in facts.values() if fact not in (None, True)):
        assert str(fact) in line
    assert json.loads(line)["is_new"] is True


def test_numbers_that_are_numbers_are_hidden(log: pytest.CaptureFixture[str]) -> None:
    structlog.get_logger().warning("odd", a=79071234567, b=9071234567, c=[89071234567])
    assert log.readouterr().err.count(MASKED) == 3


def test_an_error_is_a_text_in_the_end(log: pytest.CaptureFixture[str]) -> None:
    structlog.get_logger().warning("odd", error=ValueError("no route to 8 (907) 123-45-67"))
    assert MASKED in log.readouterr().err


async def test_details_of_database_errors_are_masked(
    dsn: str, conn: AsyncConnection, log: pytest.CaptureFixture[str]
) -> None:
    await conn.execute("create table public.number (phone text primary key, n bigint)")
    await conn.execute("insert into public.number values ('8 907 123-45-67', 1)")
    with pytest.raises(psycopg.Error) as twice:
        await conn.execute("insert into public.number values ('8 907 123-45-67', 1)")
    assert "123-45-67" in str(twice.value.diag.message_detail)
    structlog.get_logger().warning(
        "refused", error=str(twice.value), detail=twice.value.diag.message_detail
    )
    line = log.readouterr().err
    assert line.count(MASKED) == 2
    assert "123-45-67" not in line


def test_tracebacks_are_masked_those_of_libraries_too(log: pytest.CaptureFixture[str]) -> None:
    def fall(phone: str) -> None:
        raise LookupError(f"nobody at {phone}")

    for write in (
        lambda: structlog.get_logger().exception("broken"),
        lambda: logging.getLogger("library").exception("broken: %s", "+7 (907) 123-45-67"),
    ):
        try:
            fall("8 907 123-45-67")
        except LookupError:
            write()
        line = log.readouterr().err
        assert "LookupError" in line
        assert MASKED in line
        assert "123-45-67" not in line
