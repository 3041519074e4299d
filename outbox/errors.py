"""What can go wrong, the exit code a command then ends with, and what an operator does about it.

    OutboxError                 1   the sentence says what failed
    ├── SettingsMistake         2   mend the variable or the line the sentence names
    ├── UsageMistake            2   the command was called in a way that cannot work
    ├── DatabaseError           1   the database said no to something we did not foresee: report it
    │   ├── TransientError      3   passes by itself; loops try again, commands give up
    │   │   ├── DatabaseAway    3   start the server, or mend OUTBOX_DSN
    │   │   └── DatabaseBusy    3   a lock, a deadlock or a full server: try again
    │   ├── NotMigrated         4   run: outbox migrate
    │   ├── NotAllowed          4   log in as a role that may, or grant it
    │   └── Refused             5   one of our own SQLSTATEs (class SM): do what its hint says
    ├── NotFound                6   nothing has this id or name
    ├── NothingImported         7   the file held no usable row
    └── LeftOver                8   a drain ended with messages still to do

Exit code 2 is also that of a mistyped command, 130 that of an interrupted one.
"""

from __future__ import annotations

from typing import ClassVar

import psycopg


class OutboxError(Exception):
    """The program failed; the text is one sentence for an operator."""

    exit_code: ClassVar[int] = 1


class SettingsMistake(OutboxError):
    """A setting is wrong; the sentence names it."""

    exit_code = 2


class UsageMistake(OutboxError):
    """The command cannot work as it was called."""

    exit_code = 2


class DatabaseError(OutboxError):
    """The database refused a call."""

    def __init__(self, sentence: str, *, sqlstate: str | None = None) -> None:
        super().__init__(sentence)
        self.sqlstate = sqlstate


class TransientError(DatabaseError):
    """The same call may succeed in a moment."""

    exit_code = 3


class DatabaseAway(TransientError):
    """There is no connection to the server, or none that may write."""


class DatabaseBusy(TransientError):
    """The server is there but could not do it now."""


class NotMigrated(DatabaseError):
    """The database lacks a table or function this program needs."""

    exit_code = 4


class NotAllowed(DatabaseError):
    """The role may not do this."""

    exit_code = 4


class Refused(DatabaseError):
    """The database refused with one of its own codes; the sentence carries its hint."""

    exit_code = 5


class NotFound(OutboxError):
    """Nothing answers to this id or name."""

    exit_code = 6


class NothingImported(OutboxError):
    """Not one row of the file could be used."""

    exit_code = 7


class LeftOver(OutboxError):
    """A drain ended before everything was done."""

    exit_code = 8


REMEDY = "Bring it up to date with: outbox migrate."

# Classes of SQLSTATE, after appendix A of the PostgreSQL manual.
_AWAY = ("08", "57P")
_BUSY = ("40", "53", "55P03", "57014", "25P03")
_READ_ONLY = "25006"  # a failover or maintenance goes on: a worker keeps its answers until it ends
_NOT_MIGRATED = ("42883", "42P01", "3F000", "42703")
_NOT_ALLOWED = ("42501",)


def from_psycopg(error: psycopg.Error) -> DatabaseError:
    """Turn what the driver raised into the class and the sentence an operator can act on."""
    code = error.sqlstate
    text = _sentence(error)
    if code is None:
        # Nothing came back from the server, so either the line is dead or our call was wrong.
        dead = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        return DatabaseAway(f"The database is away: {text}") if dead else DatabaseError(text)
    if code.startswith("SM"):
        return Refused(text, sqlstate=code)
    if code.startswith(_AWAY):
        return DatabaseAway(f"The database is away: {text}", sqlstate=code)
    if code == _READ_ONLY:
        return DatabaseAway(f"The database takes no changes: {text}", sqlstate=code)
    if code.startswith(_BUSY):
        return DatabaseBusy(f"The database is busy: {text}", sqlstate=code)
    if code in _NOT_MIGRATED:
        return NotMigrated(f"The database lacks something: {text} {REMEDY}", sqlstate=code)
    if code in _NOT_ALLOWED:
        return NotAllowed(f"The role may not do this: {text}", sqlstate=code)
    return DatabaseError(f"The database refused: {text}", sqlstate=code)


def _sentence(error: psycopg.Error) -> str:
    """The server's own message and hint, or the first line of the driver's."""
    diag = error.diag
    lines = (diag.message_primary or str(error)).strip().splitlines()
    text = _full_stop(lines[0] if lines else type(error).__name__)
    return f"{text} {_full_stop(diag.message_hint)}" if diag.message_hint else text


def _full_stop(text: str) -> str:
    """One line that ends like a sentence."""
    text = " ".join(text.split())
    return text if text.endswith((".", "!", "?")) else f"{text}."
