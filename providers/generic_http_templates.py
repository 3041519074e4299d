"""Requests as data: `{msisdn}` in a setting becomes the number when the request is made.

A value whose field has no value (no sender, no callback URL) is left out of the request, its key
with it. `{msisdn|number}` alone in a JSON value is a number there instead of a string.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

EACH = "$each"  # {"$each": X} in JSON: a list of X, one for each message of the request
FIELD = re.compile(r"\{([a-z_]+)(\|number)?\}")
_NOTHING = object()

Fields = Mapping[str, str | None]


def names(template: Any) -> Iterator[tuple[str, bool]]:
    """Every field a template uses, and whether it stands inside `$each`."""
    if isinstance(template, str):
        yield from ((match[1], False) for match in FIELD.finditer(template))
    elif isinstance(template, Mapping):
        for key, value in template.items():
            yield from names(key)
            yield from ((name, inside or key == EACH) for name, inside in names(value))
    elif isinstance(template, list):
        for value in template:
            yield from names(value)


def text(template: str, fields: Fields) -> str | None:
    """A template of one string; None where one of its fields has no value."""
    if any(fields[match[1]] is None for match in FIELD.finditer(template)):
        return None
    return FIELD.sub(lambda match: fields[match[1]] or "", template)


def tree(template: Any, shared: Fields, each: Sequence[Fields]) -> Any:
    """A JSON document; `each` holds the fields of the messages, `shared` those of the request."""
    rendered = _tree(template, shared, each)
    return None if rendered is _NOTHING else rendered


def pairs(
    template: Mapping[str, str], shared: Fields, each: Sequence[Fields]
) -> list[tuple[str, str]]:
    """A query or a form; an entry that names a field of a message comes once for each message."""
    found: list[tuple[str, str]] = []
    for key, value in template.items():
        wanted = {name for part in (key, value) for name, _ in names(part)}
        scopes = [shared] if wanted <= shared.keys() else [{**shared, **one} for one in each]
        for scope in scopes:
            rendered = text(key, scope), text(value, scope)
            if rendered[0] is not None and rendered[1] is not None:
                found.append((rendered[0], rendered[1]))
    return found


def _tree(template: Any, shared: Fields, each: Sequence[Fields]) -> Any:
    if isinstance(template, str):
        return _leaf(template, shared)
    if isinstance(template, list):
        items = (_tree(item, shared, each) for item in template)
        return [item for item in items if item is not _NOTHING]
    if not isinstance(template, Mapping):
        return template
    if template.keys() == {EACH}:
        items = (_tree(template[EACH], {**shared, **one}, each) for one in each)
        return [item for item in items if item is not _NOTHING]
    members = {key: _tree(value, shared, each) for key, value in template.items()}
    return {key: value for key, value in members.items() if value is not _NOTHING}


def _leaf(template: str, fields: Fields) -> Any:
    rendered = text(template, fields)
    if rendered is None:
        return _NOTHING
    whole = FIELD.fullmatch(template)
    return int(rendered) if whole is not None and whole[2] else rendered
