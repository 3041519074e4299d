"""Phone numbers: what was typed to the number we may send to.

The same rules as sms.read_phone, but the verdict on a number is the phonenumbers library's, which
is imported where it is asked: it takes 80 ms.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

Problem = Literal["invalid_number", "not_mobile", "foreign_number", "several_numbers"]

LONGEST = 200  # characters without spacing; longer is no phone
_SPACING = str.maketrans("", "", " -()")
_PUNCTUATION = str.maketrans("", "", " ().-")
# Full-width characters, and the dashes, spaces and quotes of word processors, become ASCII.
_ASCII = str.maketrans(
    dict(zip("０１２３４５６７８９＋（）．", "0123456789+().", strict=True))
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d", "-")
    | dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u202f\u3000", " ")
    | dict.fromkeys("«»“”„’", '"')
    | dict.fromkeys("\u00ad\u200b\u200e\u200f\u202a\u202c\u2060\ufeff")
)
_PLAIN = re.compile(r"(?:\+?7|8)?(9[0-9]{9})")
_PLACEHOLDER = re.compile(r"9([0-9])\1{8}")
# A spreadsheet turned the number into a fraction: 79123456789.0
_FRACTION = re.compile(r"[ \t]*(\+?[0-9]+)[.,]0+[ \t]*")
_NUMBER = re.compile(r"[^0-9+]*(\+*)[ ().-]*([0-9][0-9 ().-]*)(.*)", re.DOTALL)
_ANOTHER = re.compile(r"[0-9](?:[ ().-]*[0-9]){5}|\A[ \t\r\n;,/|+]*[0-9]")
_RUN_TOGETHER = re.compile(r"(?:[78]?9[0-9]{9}|[78][0-9]{10})[0-9]{7,}")
_LETTER = re.compile(r"[A-Za-z]|[^\x01-\x7f]")
_EXTENSION = re.compile(
    r"(?:доб|Доб|ДОБ|вн|Вн|ВН|ext|Ext|EXT|x|X|х|Х)[^0-9]{0,10}[0-9]{1,5}[^0-9]*\Z"
)
_ABROAD_WITHOUT_PLUS = re.compile(r"[1-9][0-9]{10,12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """What a phone field holds: `msisdn` or, where there is none to send to, the `problem`."""

    msisdn: int | None = None
    problem: Problem | None = None


def normalize(text: str | None) -> int | None:
    """Turn a phone as typed into the Russian mobile number we may send to, else None."""
    return read_phone(text).msisdn


def read_phone(text: str | None) -> Phone:
    """Tell the number in a phone field, or the problem that leaves none; never guesses."""
    close = (text or "").translate(_SPACING)
    if text is None or len(close) > LONGEST:
        return Phone(problem="invalid_number")
    plain = _PLAIN.fullmatch(close)
    if plain and not _PLACEHOLDER.fullmatch(plain[1]):
        return Phone(msisdn=int("7" + plain[1]))
    found = _first_number(text.translate(_ASCII))
    return found if isinstance(found, Phone) else _judge(found)


def _first_number(text: str) -> str | Phone:
    """Cut the one number out of its notes, as digits with or without a plus, or say what is wrong.

    Words before it and notes after it are dropped. A second number is refused, and so is a letter
    that touches the number, for it may stand for a digit.
    """
    if fraction := _FRACTION.fullmatch(text):
        text = fraction[1]
    match = _NUMBER.fullmatch(text)
    if not match:
        return Phone(problem="invalid_number")
    plus, number, rest = match.groups()
    digits = number.translate(_PUNCTUATION)
    if (len(digits) >= 6 and _ANOTHER.search(rest)) or _RUN_TOGETHER.fullmatch(digits):
        return Phone(problem="several_numbers")
    if number[-1].isdigit() and _LETTER.match(rest) and not _EXTENSION.match(rest):
        return Phone(problem="invalid_number")
    return ("+" if plus else "") + digits


def _judge(number: str) -> Phone:
    """Ask the library about digits with or without a plus; two habits of typing are repaired."""
    if re.fullmatch(r"810[0-9]{9,}", number):  # 8~10 is how one dials out of Russia
        number = "+" + number[3:]
    if re.fullmatch(r"\+8(?:9[0-9]{9}|800[0-9]{7})", number):
        number = number[1:]
    from phonenumbers import national_significant_number

    parsed = _parse(number)
    if parsed is None:
        return Phone(problem="invalid_number")
    national = national_significant_number(parsed)  # with its leading zeros
    # The library lacks a few ranges of code 930; the numbering plan calls all of 9xx mobile.
    if parsed.country_code == 7 and re.fullmatch("9[0-9]{9}", national):
        if _PLACEHOLDER.fullmatch(national):
            return Phone(problem="invalid_number")
        return Phone(msisdn=int(f"7{national}"))
    return Phone(problem=_refusal(number, parsed))


def _refusal(number: str, parsed: "PhoneNumber") -> Problem:
    """Say why a parsed number is no Russian mobile; a neighbour's may stand without its plus."""
    from phonenumbers import is_valid_number, region_code_for_number

    if is_valid_number(parsed):
        return "not_mobile" if region_code_for_number(parsed) == "RU" else "foreign_number"
    abroad = _parse("+" + number) if _ABROAD_WITHOUT_PLUS.fullmatch(number) else None
    if abroad and abroad.country_code != 7 and is_valid_number(abroad):
        return "foreign_number"
    return "invalid_number"


def _parse(number: str) -> "PhoneNumber | None":
    """Parse by the library as if dialled in Russia, None where it finds no number."""
    from phonenumbers import NumberParseException, parse

    try:
        return parse(number, "RU")
    except NumberParseException:
        return None
