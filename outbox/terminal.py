"""What data may do to a terminal: nothing. Every program prints through here, and logs too.

Phones, texts, names and errors quote what strangers typed. A terminal obeys some of it: it clears
the screen, sets its title, writes text backwards. Such a character is shown as it is spelled in
Python, `\\x1b`, so that it can be read, found and searched for.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Callable
from typing import Any

# Controls, marks of direction and of nothing (zero width), ends of line and paragraph that are not
# \n, halves of a pair. Spaces of any width are left: they are seen.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Letters and marks to Unicode, yet nothing is seen of them. Selectors of emoji (FE0E, FE0F) stay.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0d\uffa0"
    "\U000e0100-\U000e01ef]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def one_line(text: str) -> str:
    """The text as one line on which every character is seen."""
    return _shown(text, _spelled, keep="")


def lines(text: str) -> str:
    """The same for a text of several lines: its line ends and tabs stay."""
    return _shown(text, _spelled, keep="\n\t")


def as_json(
    value: object, *, indent: int | None = None, default: Callable[[Any], Any] | None = None
) -> str:
    """JSON with letters of all languages as they are and what is not seen as \\u escapes."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=default)
    # json escapes only the controls below a space; whatever is left stands inside strings.
    return _shown(text, _escaped, keep="\n")


def echo(line: str = "", *, err: bool = False, flush: bool = False) -> None:
    """Print one line; a line end inside it is shown, so that data cannot forge another line."""
    _write(one_line(line), err=err, flush=flush)


def echo_text(text: str, *, err: bool = False) -> None:
    """Print a text of several lines."""
    _write(lines(text), err=err)


def echo_json(value: object, *, indent: int | None = None, flush: bool = False) -> None:
    """Print JSON."""
    _write(as_json(value, indent=indent), flush=flush)


def _write(text: str, *, err: bool = False, flush: bool = False) -> None:
    stream = sys.stderr if err else sys.stdout
    try:
        print(text, file=stream, flush=flush)
    except UnicodeEncodeError:  # a terminal of eight bits
        known = stream.encoding
        print(text.encode(known, "backslashreplace").decode(known), file=stream, flush=flush)


def _shown(text: str, spell: Callable[[str], str], *, keep: str) -> str:
    if text.isprintable() and not _BLANK.search(text):
        return text
    return "".join(spell(c) if _is_hidden(c) and c not in keep else c for c in text)


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in _HIDDEN or bool(_BLANK.match(character))


def _spelled(character: str) -> str:
    code = ord(character)
    width = (code > 0xFF) + (code > 0xFFFF)
    return _SHORT.get(character) or "\\" + ("x%02x", "u%04x", "U%08x")[width] % code


def _escaped(character: str) -> str:
    return json.dumps(character)[1:-1]
