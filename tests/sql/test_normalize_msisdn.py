"""sms.normalize_msisdn and sms.phone_problem against the table, the library and their twin."""

from collections.abc import Iterator, Sequence
from unicodedata import normalize as unicode_normalize

import phonenumbers
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from outbox.msisdn import read_phone
from tests.support.phones import DIRTY, TYPED, TypedPhone, junk

# Many phones go to the server at once, so that the round trip costs little.
BATCH = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
Answer = tuple[int | None, str | None]


@pytest.fixture(scope="module")
def db(shared_dsn: str) -> Iterator[Connection]:
    with psycopg.connect(shared_dsn, autocommit=True) as connection:
        yield connection


def read_in_sql(db: Connection, texts: Sequence[str | None]) -> list[Answer]:
    """Ask both functions about each text."""
    rows = db.execute(
        """
        select sms.normalize_msisdn(t.phone), sms.phone_problem(t.phone)
          from unnest(%s::text[]) with ordinality as t (phone, place)
         order by t.place
        """,
        (list(texts),),
    )
    return rows.fetchall()


def test_dirty_numbers(db: Connection) -> None:
    answers = read_in_sql(db, [typed for typed, _ in DIRTY])
    expected = [(e, None) if isinstance(e, int) else (None, e) for _, e in DIRTY]
    assert dict(zip(DIRTY, answers, strict=True)) == dict(zip(DIRTY, expected, strict=True))


@BATCH
@given(st.lists(TYPED, min_size=30, max_size=60))
def test_any_way_of_typing_a_mobile_number_is_read(db: Connection, batch: list[TypedPhone]) -> None:
    answers = read_in_sql(db, [typed.text for typed in batch])
    assert answers == [(typed.msisdn, None) for typed in batch]


@BATCH
@given(st.lists(junk(), min_size=30, max_size=60))
def test_junk_never_raises_and_agrees_with_python(db: Connection, batch: list[str]) -> None:
    for text, (msisdn, problem) in zip(batch, read_in_sql(db, batch), strict=True):
        twin = read_phone(text)
        assert (msisdn is None) != (problem is None), text
        assert msisdn == twin.msisdn, text
        assert (problem == "several_numbers") == (twin.problem == "several_numbers"), text


@BATCH
@given(st.lists(junk(), min_size=30, max_size=60))
def test_what_is_accepted_the_library_finds_in_the_text(db: Connection, batch: list[str]) -> None:
    for text, (msisdn, _) in zip(batch, read_in_sql(db, batch), strict=True):
        if msisdn is not None:
            digits = "".join(c for c in unicode_normalize("NFKC", text) if c in "0123456789")
            assert str(msisdn)[1:] in digits, text
            assert_mobile(msisdn)


@BATCH
@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)), st.data())
def test_foreign_and_landline_numbers_are_told_apart(
    db: Connection, region: str, data: st.DataObject
) -> None:
    kinds = [phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE]
    example = phonenumbers.example_number_for_type(region, data.draw(st.sampled_from(kinds)))
    if example is None or len(str(example.national_number)) < 6:
        return
    text = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    [(msisdn, problem)] = read_in_sql(db, [text])
    if region == "RU":
        assert (msisdn is not None) or problem == "not_mobile"
    elif text.startswith("+9") and sum(c.isdigit() for c in text) == 10:
        # It may as well be a Russian one that lost its 7.
        assert (msisdn, problem) == (None, "invalid_number"), text
    else:
        assert (msisdn, problem) == (None, "foreign_number"), text


def test_every_mobile_code_is_accepted(db: Connection) -> None:
    numbers = [70_000_000_000 + code * 10**7 + 1_234_567 for code in range(900, 1000)]
    assert [a for a, _ in read_in_sql(db, [f"+{n}" for n in numbers])] == numbers
    for number in numbers:
        assert_mobile(number)


def test_no_other_code_is_accepted(db: Connection) -> None:
    codes = [code for code in range(1000) if code // 100 != 9]
    for trunk in ("+7", "7", "8"):
        answers = read_in_sql(db, [f"{trunk}{code:03}1234567" for code in codes])
        assert [msisdn for msisdn, _ in answers] == [None] * len(codes)


def test_labels_can_be_trusted_by_the_planner(db: Connection) -> None:
    rows = db.execute(
        """
        select p.proname, p.provolatile, p.proisstrict, p.proparallel
          from pg_proc as p
         where p.pronamespace = 'sms'::regnamespace
           and p.proname in ('normalize_msisdn', 'phone_problem', 'segments')
         order by 1
        """
    ).fetchall()
    assert rows == [
        ("normalize_msisdn", "i", True, "s"),
        ("phone_problem", "i", False, "s"),
        ("segments", "i", True, "s"),
    ]


def assert_mobile(msisdn: int) -> None:
    """The library agrees; it lacks a few ranges of code 930 that the numbering plan has."""
    parsed = phonenumbers.parse(f"+{msisdn}")
    kind = phonenumbers.number_type(parsed)
    assert parsed.country_code == 7
    assert kind == phonenumbers.PhoneNumberType.MOBILE or str(msisdn).startswith("79300"), msisdn
