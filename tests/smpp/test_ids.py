"""Message ids of answers and receipts meet, in whatever form the SMSC writes each."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from providers.smpp.ids import SURE_AFTER, MessageIds
from providers.smpp.settings import IdFormat

numbers = st.integers(1, 2**64 - 1)
FORMS: dict[str, Callable[[int], str]] = {
    "decimal": str,
    "padded": lambda number: str(number).zfill(20),
    "hex": lambda number: f"{number:x}",
    "HEX": lambda number: f"{number:X}",
    "padded hex": lambda number: f"{number:016x}",
}


def auto() -> MessageIds:
    return MessageIds("main", in_answer="auto", in_receipt="auto")


@given(numbers, st.sampled_from(list(FORMS)))
def test_by_default_the_same_form_on_both_sides_meets(number: int, form: str) -> None:
    raw = FORMS[form](number)
    assert auto().of_answer(raw) == auto().of_receipt(raw)


@given(numbers, st.sampled_from(["decimal", "padded"]), st.sampled_from(["decimal", "padded"]))
def test_by_default_leading_zeros_do_not_matter(number: int, one: str, other: str) -> None:
    assert auto().of_answer(FORMS[one](number)) == auto().of_receipt(FORMS[other](number))


@given(
    numbers, st.sampled_from(["hex", "HEX", "padded hex"]), st.sampled_from(["decimal", "padded"])
)
def test_by_default_hexadecimal_with_a_letter_meets_decimal(
    number: int, lettered: str, plain: str
) -> None:
    raw = FORMS[lettered](number)
    if not raw.isdigit():
        assert auto().of_answer(raw) == auto().of_receipt(FORMS[plain](number))
        assert auto().of_receipt(raw) == auto().of_answer(FORMS[plain](number))


@pytest.mark.parametrize(
    ("answer", "receipt"),
    [
        ("550E8400-e29b-41d4-a716-446655440000", "550e8400-E29B-41d4-a716-446655440000"),
        ("msg_000123", "MSG_000123"),
        (" 00A1 ", "a1"),
        ("0", "000"),
        ("f" * 33, "F" * 33),
    ],
)
def test_by_default_other_ids_meet_whatever_their_case(answer: str, receipt: str) -> None:
    assert auto().of_answer(answer) == auto().of_receipt(receipt)


def test_hexadecimal_without_a_letter_meets_once_the_smsc_has_shown_its_ways() -> None:
    ids = auto()
    assert ids.of_answer("1234") == "1234"
    ids.of_answer("00ab")
    for number in range(SURE_AFTER):
        ids.of_receipt(str(number))
    with capture_logs() as logs:
        assert ids.of_answer("1234") == ids.of_receipt(str(0x1234))
        assert ids.of_answer("99") == ids.of_receipt(str(0x99))
    assert logs == [
        {
            "event": "smpp_ids_differ",
            "log_level": "warning",
            "provider": "main",
            "advice": "set id_in_answer=hex and id_in_receipt=decimal",
        }
    ]


def test_nothing_is_learned_while_both_sides_have_letters() -> None:
    ids = auto()
    ids.of_answer("ab")
    ids.of_receipt("ab")
    for number in range(2 * SURE_AFTER):
        ids.of_receipt(str(number))
    assert ids.of_answer("1234") == "1234"


@given(numbers)
def test_settings_meet_every_mix(number: int) -> None:
    mixes: list[tuple[IdFormat, str, IdFormat, str]] = [
        ("hex", "padded hex", "decimal", "padded"),
        ("decimal", "decimal", "hex", "HEX"),
        ("hex", "HEX", "hex", "padded hex"),
        ("decimal", "padded", "decimal", "decimal"),
    ]
    for in_answer, answer, in_receipt, receipt in mixes:
        ids = MessageIds("main", in_answer=in_answer, in_receipt=in_receipt)
        assert ids.of_answer(FORMS[answer](number)) == ids.of_receipt(FORMS[receipt](number))


def test_as_is_changes_nothing() -> None:
    ids = MessageIds("main", in_answer="as_is", in_receipt="as_is")
    assert (ids.of_answer("00aB "), ids.of_receipt("00AB")) == ("00aB ", "00AB")
