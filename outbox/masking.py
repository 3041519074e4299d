"""Phone numbers hidden in any text, however they are spelled: 8 (907) 123-45-67 is 7907***4567.

`sms.mask_phones` does the same in SQL with the same expressions; a test feeds both. They are
written for both engines: no class that one of them reads differently, at most nine groups.
"""

from __future__ import annotations

import re

DIGIT = "[0-9０-９]"
# What stands between the digits of one number: spaces, dashes, dots, brackets, slashes, marks that
# are not seen, each as it is, as a URL, JSON, Python or HTML spells it. No comma, colon or line
# end: those part numbers from each other.
_LOOKS = (
    r"\t .()\[\]/_+·•⁃・\-\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f-\u00a0\u00ad\u034f\u061c"
    r"\u1680\u180e\u2000-\u2015\u202a-\u202f\u205f-\u206f\u2212\u3000\ufe58\ufe63\ufeff"
    r"（）－．／＋"
)
_BETWEEN = (
    rf"(?:[{_LOOKS}]|%[0-9A-Fa-f][0-9A-Fa-f]|\\+(?:u[0-9A-Fa-f]{{4}}|x[0-9A-Fa-f]{{2}}|[tnr])"
    r"|&(?:[a-z]+|#x?[0-9A-Fa-f]+);){0,4}"
)
# Not inside a longer run of digits, nor behind a decimal point; but right behind %20 or \u00a0.
_BEGIN = (
    rf"(?:(?<!{DIGIT})|(?<=%[0-9A-Fa-f][0-9A-Fa-f])|(?<=\\u[0-9A-Fa-f]{{4}})"
    r"|(?<=\\x[0-9A-Fa-f]{2}))(?<![0-9][.])"
)
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_ENDS = rf"(?!{DIGIT}|[{_LOOKS}]{DIGIT})"
# What has as many digits and is none: an address of a machine, an amount with its fraction.
_NONE = (
    rf"(?!{_OCTET}(?:[.]{_OCTET}){{3}}(?![0-9.]))"
    rf"(?![0-9]{{5,9}}[.][0-9]{{1,6}}{_ENDS})"
    rf"(?![0-9]{{1,3}}(?:[ \u00a0\u202f][0-9]{{3}})+[.][0-9]{{1,4}}{_ENDS})"
)


def _digits(first: str, *counts: tuple[str, int]) -> str:
    """Digits with anything between them; those shown are groups of their own."""
    kinds = [kind for kind, count in counts for _ in range(count)]
    spelled = {"shown": f"({DIGIT})", "hidden": DIGIT}
    return _BETWEEN.join([first, *(spelled[kind] for kind in kinds)]) + f"(?!{DIGIT})"


_REST = (("shown", 2), ("hidden", 3), ("shown", 4))
# Dialled out of Russia (8~10 7), from abroad (00 7), written twice (+7 8), as people write it (8).
_PREFIX = (
    rf"(?:(?:00|8[~ -]?10){_BETWEEN})?"
    rf"(?:[7７]{_BETWEEN}[8８]|[7７]|[8８]){_BETWEEN}"
)
MOBILE_OR_FIXED = _BEGIN + _NONE + _PREFIX + _digits("([3-9３-９])", *_REST)
MOBILE = _BEGIN + _NONE + _digits("([9９])", *_REST)
ABROAD = (
    r"(?:[+＋]|%2[Bb]|\\+u002[Bb]|&#43;|(?<![0-9])00)"
    + rf"([1-9]){_BETWEEN}"
    + _BETWEEN.join([*[f"({DIGIT})"] * 3, f"(?:{DIGIT}{_BETWEEN}){{3,7}}({DIGIT})"])
    + _BETWEEN
    + _BETWEEN.join([f"({DIGIT})"] * 3)
    + f"(?!{DIGIT})"
)
RUN_TOGETHER = rf"(?<!{DIGIT})(?:[78]?9[0-9]{{9}}){{2,}}(?!{DIGIT})"

STEPS = (
    (MOBILE_OR_FIXED, r"7\1\2\3***\4\5\6\7"),
    (MOBILE, r"7\1\2\3***\4\5\6\7"),
    (ABROAD, r"+\1\2\3\4***\5\6\7\8"),
    (RUN_TOGETHER, "***"),
)
_STEPS = [(re.compile(pattern), shown) for pattern, shown in STEPS]
_ENOUGH = re.compile("(?:[0-9０-９][^0-9０-９]*){10}")


def mask_phones(text: str) -> str:
    """The text with the middle of every phone number hidden."""
    if _ENOUGH.search(text) is None:
        return text
    for pattern, shown in _STEPS:
        text = pattern.sub(shown, text)
    return text
