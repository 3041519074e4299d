"""sms.segments: against worked examples, the Python twin, and counting by brute force."""

from collections.abc import Iterator, Sequence

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from outbox.text import GSM_BASIC, GSM_EXTENSION, segments

BATCH = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
PIECES = st.sampled_from(["a", "я", "€", "[", "\\", "\n", "\f", "😀", "é", "`", "-", "'", "\x1b"])
RUNS = st.lists(st.tuples(PIECES, st.integers(1, 160)), max_size=12).map(
    lambda runs: "".join(piece * times for piece, times in runs)[:1000]
)
# Around the places where one part ends: this is where a wrong cut shows.
EDGES = st.tuples(
    st.sampled_from("aя"),
    st.sampled_from([60, 65, 130, 150, 158, 300]),
    st.text("a€я😀", max_size=20),
).map(lambda edge: edge[0] * edge[1] + edge[2] + edge[0] * edge[1])
ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=1000)


@pytest.fixture(scope="module")
def db(shared_dsn: str) -> Iterator[Connection]:
    with psycopg.connect(shared_dsn, autocommit=True) as connection:
        yield connection


def count_in_sql(db: Connection, texts: Sequence[str]) -> list[int]:
    """Ask sms.segments about each text."""
    rows = db.execute(
        """
        select sms.segments(t.body)
          from unnest(%s::text[]) with ordinality as t (body, place)
         order by t.place
        """,
        (list(texts),),
    )
    return [count for (count,) in rows.fetchall()]


def test_worked_examples(db: Connection) -> None:
    examples = {
        "": 0,
        "a" * 160: 1,
        "a" * 161: 2,
        "€" * 80: 1,
        "€" * 81: 2,
        "a" * 152 + "€" + "a" * 7: 2,
        "a" * 152 + "€" + "a" * 152: 3,
        "я" * 70: 1,
        "я" * 71: 2,
        "😀" * 35: 1,
        "😀" * 36: 2,
        "я" * 66 + "😀" + "я" * 66: 3,
        "a" * 1000: 7,
        "я" * 1000: 15,
    }
    assert dict(zip(examples, count_in_sql(db, list(examples)), strict=True)) == examples


@BATCH
@given(st.lists(RUNS | EDGES | ANY, min_size=10, max_size=30))
def test_sql_python_and_brute_force_agree(db: Connection, batch: list[str]) -> None:
    in_sql = count_in_sql(db, batch)
    assert in_sql == [segments(body) for body in batch]
    assert in_sql == [fewest_parts(body) for body in batch]


def test_the_alphabets_are_the_same_character_by_character(db: Connection) -> None:
    """81 times a character: 1 segment if it takes one septet, 2 if two; and UCS-2 takes 2 as well.

    71 times tells these two apart: 142 septets still fit.
    """
    every = [chr(c) for c in range(1, 0x10000) if not 0xD800 <= c < 0xE000]
    of_71, of_81 = (count_in_sql(db, [c * times for c in every]) for times in (71, 81))
    gsm = {c for c, count in zip(every, of_71, strict=True) if count == 1}
    basic = {c for c, count in zip(every, of_81, strict=True) if count == 1}
    assert basic == set(GSM_BASIC) - {"\x1b"}
    assert gsm - basic == set(GSM_EXTENSION)


def fewest_parts(body: str) -> int:
    """The fewest parts, found without cutting greedily: best[i] = parts that the first i need."""
    gsm = all((c in GSM_BASIC and c != "\x1b") or c in GSM_EXTENSION for c in body)
    alone, room = (160, 153) if gsm else (70, 67)
    sizes = [1 + (c in GSM_EXTENSION if gsm else ord(c) > 0xFFFF) for c in body]
    if sum(sizes) <= alone:
        return min(len(body), 1)
    best = [0]
    for end in range(1, len(body) + 1):
        taken, start, fewest = 0, end, len(body)
        while start and taken + sizes[start - 1] <= room:
            start -= 1
            taken += sizes[start]
            fewest = min(fewest, best[start] + 1)
        best.append(fewest)
    return best[-1]
