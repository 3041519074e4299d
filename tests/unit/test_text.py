"""The encoding, the count and the cutting of texts, in Python."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbox.text import PART, Encoded, encode, encoding_of, segments, split

# Rich in what makes counting hard: characters of two units, and of both alphabets.
PIECES = st.sampled_from(["a", "я", "€", "[", "\n", "😀", "é", "`", "ç", "Ç", "@", " "])
TEXTS = st.lists(st.tuples(PIECES, st.integers(1, 160)), max_size=12).map(
    lambda runs: "".join(piece * times for piece, times in runs)[:1000]
)
ONE_ALPHABET = st.sampled_from(["a€", "ab", "я😀", "яa", "a{}z"]).flatmap(
    lambda letters: st.text(st.sampled_from(letters), min_size=60, max_size=400)
)


@pytest.mark.parametrize(
    ("body", "encoding", "units", "parts"),
    [
        ("", "gsm7", 0, 0),
        ("a" * 160, "gsm7", 160, 1),
        ("a" * 161, "gsm7", 161, 2),
        ("a" * 306, "gsm7", 306, 2),
        ("a" * 307, "gsm7", 307, 3),
        ("€" * 80, "gsm7", 160, 1),
        ("€" * 81, "gsm7", 162, 2),
        ("a" * 152 + "€" + "a" * 7, "gsm7", 161, 2),
        ("a" * 152 + "€" + "a" * 152, "gsm7", 306, 3),
        ("я" * 70, "ucs2", 70, 1),
        ("я" * 71, "ucs2", 71, 2),
        ("я" * 134, "ucs2", 134, 2),
        ("я" * 135, "ucs2", 135, 3),
        ("😀" * 35, "ucs2", 70, 1),
        ("😀" * 36, "ucs2", 72, 2),
        ("я" * 66 + "😀" + "я" * 66, "ucs2", 134, 3),
        ("a" * 70 + "`", "ucs2", 71, 2),
        ("\x1b", "ucs2", 1, 1),
    ],
)
def test_worked_examples(body: str, encoding: str, units: int, parts: int) -> None:
    assert encode(body) == Encoded(
        encoding="gsm7" if encoding == "gsm7" else "ucs2", units=units, segments=parts
    )
    assert segments(body) == len(split(body)) == parts


@pytest.mark.parametrize(
    ("body", "lengths"),
    [("€" * 81, [76, 5]), ("😀" * 36, [33, 3]), ("a" * 152 + "€" + "a" * 7, [152, 8])],
)
def test_characters_of_two_units_stay_whole(body: str, lengths: list[int]) -> None:
    assert [len(part) for part in split(body)] == lengths


@given(TEXTS | ONE_ALPHABET)
def test_parts_make_up_the_text_and_fit(body: str) -> None:
    parts, encoding = split(body), encoding_of(body)
    assert "".join(parts) == body
    assert all(parts)
    if len(parts) > 1:
        sizes = [_units(part, encoding) for part in parts]
        assert max(sizes) <= PART[encoding]
        # No part could have taken the next one's first character as well.
        for size, following in zip(sizes, parts[1:], strict=False):
            assert size + _units(following[0], encoding) > PART[encoding]


@given(TEXTS | ONE_ALPHABET)
def test_encode_counts_what_split_cuts(body: str) -> None:
    assert encode(body).segments == len(split(body))


def test_a_lone_surrogate_is_an_error() -> None:
    with pytest.raises(UnicodeEncodeError):
        encode("\ud83d")


def _units(text: str, encoding: str) -> int:
    """Count units the slow way."""
    if encoding == "gsm7":
        return sum(2 if character in "\f^{}\\[~]|€" else 1 for character in text)
    return sum(2 if ord(character) > 0xFFFF else 1 for character in text)
