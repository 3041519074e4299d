"""Which variables may hold a provider's secret: those named OUTBOX_SECRET_…, and those listed.

An operator writes the names into rows of the database, and the values leave for hosts he names. So
nothing else of a program's environment may be had by its name: not the address of the database,
not the token of receipts, not what other programs keep there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping

PREFIX = "OUTBOX_SECRET_"
LIST = "OUTBOX_SECRET_NAMES"

_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
# What this program and its driver read themselves. As in sms.refuse_unfit_provider.
_NEVER = re.compile(r"OUTBOX_(?!SECRET_).*|OUTBOX_SECRET_(NAMES)?|PG[A-Z]+")


class NoSecret(Exception):
    """The variable may hold no secret of a provider; the text is one sentence."""


def split_names(given: object) -> object:
    """`ACME_KEY, KANNEL_PASSWORD` as a list; what is no string stays as it is."""
    if not isinstance(given, str):
        return given
    return [part.strip() for part in given.split(",") if part.strip()]


def check_listed(names: tuple[str, ...]) -> tuple[str, ...]:
    """ValueError where a listed name is none, or one that never may hold a secret."""
    for name in names:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no variable's name in capitals")
        if _NEVER.fullmatch(name):
            raise ValueError(f"{name} is a setting of this program, never a provider's secret")
    return names


_ADVICE = f"name it {PREFIX}…, or list it in {LIST} where the worker runs."


def problem(name: str, listed: Collection[str]) -> str | None:
    """Why this variable may hold no secret, in one sentence; None when it may."""
    if not _NAME.fullmatch(name):
        return f"{name!r} is no variable's name: write it in capitals, digits and _."
    if _NEVER.fullmatch(name):
        return f"{name} is a setting of this program, never a provider's secret: {_ADVICE}"
    if name.startswith(PREFIX) or name in listed:
        return None
    return f"{name} may hold no secret of a provider: {_ADVICE}"


class Secrets:
    """Hands out the values of variables that may hold a secret, and of no others."""

    def __init__(
        self, listed: Collection[str] = (), environment: Mapping[str, str] | None = None
    ) -> None:
        self._listed = listed
        self._environment = os.environ if environment is None else environment

    def get(self, name: str) -> str | None:
        """The value; None where the variable is not set, NoSecret where it may hold none."""
        if (wrong := problem(name, self._listed)) is not None:
            raise NoSecret(wrong)
        return self._environment.get(name) or None
