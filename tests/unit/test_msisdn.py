"""Phones as people type them, read in Python."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbox.msisdn import Phone, masked, normalize, read_phone
from tests.support.phones import DIRTY, TYPED, TypedPhone, junk


@pytest.mark.parametrize(("typed", "expected"), DIRTY)
def test_dirty_numbers(typed: str | None, expected: int | str) -> None:
    assert read_phone(typed) == (
        Phone(msisdn=expected) if isinstance(expected, int) else Phone(problem=expected)  # type: ignore[arg-type]
    )


@given(TYPED)
def test_any_way_of_typing_a_mobile_number_is_read(typed: TypedPhone) -> None:
    assert normalize(typed.text) == typed.msisdn


@given(junk())
def test_nothing_raises_and_there_is_a_number_or_a_problem(text: str) -> None:
    phone = read_phone(text)
    assert (phone.msisdn is None) != (phone.problem is None)


def test_masked_numbers_keep_the_code_and_the_end() -> None:
    assert masked(79071234567) == "7907***4567"


@given(st.integers(0, 10**16))
def test_masking_never_shows_a_whole_number(number: int) -> None:
    assert str(number) not in masked(number) or number < 10
    assert sum(character.isdigit() for character in masked(number)) <= 8
