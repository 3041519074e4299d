"""Phones as people type them, read in Python."""

import pytest
from hypothesis import given

from outbox.msisdn import Phone, normalize, read_phone
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
