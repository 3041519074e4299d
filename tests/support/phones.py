"""Phones as people type them: a table of cases, and generated ones."""

import random
from dataclasses import dataclass

from hypothesis import strategies as st

N = 79071234567
SEVERAL, INVALID = "several_numbers", "invalid_number"
LANDLINE, FOREIGN = "not_mobile", "foreign_number"

# What was typed, and the number it is or the reason it is none.
DIRTY: list[tuple[str | None, int | str]] = [
    # plain, and with punctuation
    ("+79071234567", N),
    ("79071234567", N),
    ("89071234567", N),
    ("9071234567", N),
    ("8 (907) 123-45-67", N),
    ("+7 907 123 45 67", N),
    ("8.907.123.45.67", N),
    ("  8-907-123-45-67  ", N),
    ("\t89071234567\n", N),
    ("+7(907)123‑45–67", N),
    ("+7\u00a0907\u00a0123\u00a045\u00a067", N),
    ("＋７ ９０７ １２３－４５－６７", N),
    ("\u202a+79071234567\u202c", N),
    # dialled out of Russia; two slips of the hand
    ("810 7 907 123 45 67", N),
    ("8-10-7-907-123-45-67", N),
    ("+8 907 123 45 67", N),
    ("+89071234567", N),
    ("+7 8 907 123 45 67", N),
    # words before and after, extensions
    ("т. 8-907-123-45-67", N),
    ("моб.89071234567", N),
    ("89071234567 доб. 12", N),
    ("89071234567доб.12", N),
    ("89071234567 ext 12", N),
    ("89071234567x12", N),
    ("89071234567 доб. 123456", SEVERAL),
    ("89071234567 Иван", N),
    ("89071234567 (жена)", N),
    ("89071234567 звонить до 18:00", N),
    ("«89071234567»", N),
    ("89071234567;", N),
    # a spreadsheet had it
    ("79071234567.0", N),
    ("9071234567,00", N),
    ("8907123456.0", INVALID),
    ("9.07123E+09", INVALID),
    ("7.9071234567E+10", INVALID),
    # several numbers
    ("89071234567;89071112233", SEVERAL),
    ("89071234567, 89071112233", SEVERAL),
    ("89071234567/89071112233", SEVERAL),
    ("89071234567|89071112233", SEVERAL),
    ("89071234567\n89071112233", SEVERAL),
    ("89071234567 89071112233", SEVERAL),
    ("+79071234567+79071112233", SEVERAL),
    ("8907123456789071112233", SEVERAL),
    ("8-907-123-45-67, 68", SEVERAL),
    ("89071234567 Иван 8 907 111-22-33", SEVERAL),
    ("(495) 123-45-67, 8-907-123-45-67", SEVERAL),
    # letters for digits, digits lost and gained
    ("8907З234567", INVALID),
    ("8907123456О", INVALID),
    ("89071234567О", INVALID),
    ("8907l234567", INVALID),
    ("8907123456", INVALID),
    ("7907123456", INVALID),
    ("890712345678", INVALID),
    ("+9071234567", INVALID),
    ("007 907 123 45 67", INVALID),
    # not mobile
    ("8 (495) 123-45-67", LANDLINE),
    ("84951234567", LANDLINE),
    ("+78121234567", LANDLINE),
    ("4951234567", LANDLINE),
    ("8 800 555 35 35", LANDLINE),
    ("88005553535", LANDLINE),
    ("+88005553535", LANDLINE),
    ("810 7 495 123 45 67", LANDLINE),
    # foreign
    ("+77011234567", FOREIGN),
    ("+7 701 123 45 67", FOREIGN),
    ("87011234567", FOREIGN),
    ("7011234567", FOREIGN),
    ("+375291234567", FOREIGN),
    ("375291234567", FOREIGN),
    ("998901234567", FOREIGN),
    ("+380501234567", FOREIGN),
    ("+12025550123", FOREIGN),
    ("+442071838750", FOREIGN),
    # no number at all
    ("80291234567", INVALID),
    ("1234567", INVALID),
    ("112", INVALID),
    ("02", INVALID),
    ("900", INVALID),
    ("0611", INVALID),
    ("*100#", INVALID),
    ("", INVALID),
    (" ", INVALID),
    ("нет", INVALID),
    ("-", INVALID),
    ("+", INVALID),
    ("NULL", INVALID),
    (None, INVALID),
    ("a@b.ru", INVALID),
    ("4276 1234 5678 9012", INVALID),
    ("89071234567" + " " * 300, N),
    ("89071234567 " + "а" * 200, INVALID),
    # placeholders
    ("79999999999", INVALID),
    ("89000000000", INVALID),
    ("+7 (911) 111-11-11", INVALID),
    ("т. 79999999999", INVALID),
    # codes that the library or the registry treat in their own way
    ("+79490001122", 79490001122),
    ("+79780001122", 79780001122),
    ("+79400001122", 79400001122),
    ("+79300000000", 79300000000),
    ("+79541234567", 79541234567),
    ("+79701234567", 79701234567),
    ("+79711234567", 79711234567),
]


@dataclass(frozen=True, slots=True)
class TypedPhone:
    """A number and one way of typing it."""

    text: str
    msisdn: int


WIDE = str.maketrans("0123456789+", "０１２３４５６７８９＋")
BEFORE = ["", "", " ", "т. ", "моб.", "Тел: ", "«", "\t", "WhatsApp "]
AFTER = ["", "", " ", " доб. 12", "доб.5", " ext 123", "x7", " Иван", " (жена)", "»", ";", "\n"]
TRUNKS = ["+7", "7", "8", "", "+7 ", "8-", "8 (", "+7(", "810 7 ", "8 10 7", "+8 ", "+7 8 "]
GAPS = ["", "", "", " ", "-", ".", ") ", "\u00a0", "‑", " - "]


@st.composite
def _typed(draw: st.DrawFn) -> TypedPhone:
    """Type a number of a random mobile code in a random way."""
    national = draw(st.integers(9_000_000_001, 9_999_999_998))
    if len(set(str(national)[1:])) == 1:
        national += 1
    dice = random.Random(draw(st.integers(0, 2**32)))
    body = "".join(
        digit + (dice.choice(GAPS) if place in (2, 5, 7) else "")
        for place, digit in enumerate(str(national))
    )
    text = dice.choice(BEFORE) + dice.choice(TRUNKS) + body + dice.choice(AFTER)
    return TypedPhone(
        text.translate(WIDE) if dice.random() < 0.1 else text, 70_000_000_000 + national
    )


TYPED = _typed()


def junk() -> st.SearchStrategy[str]:
    """Anything a text column can hold, and things that look a little like phones."""
    anything = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
    bits = st.sampled_from(
        ["8", "7", "+7", "9", "907", "810", "495", "375", "+", "0", "1234567", "12", ".0", " ", "-",
         "(", ")", ";", ",", "/", "\n", "доб", "x", "З", "О", "E+10", "９", "٣", "Иван"]
    )  # fmt: skip
    digits = st.from_regex(r"\+?[0-9]{6,24}", fullmatch=True)
    return anything | st.lists(bits, max_size=12).map("".join) | digits
