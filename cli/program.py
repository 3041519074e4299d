"""One command, from its words to its exit code; the top of the program, above everything it starts.

However a command fails, it says one sentence on stderr and exits with the code of
`outbox.errors`; a traceback is a bug.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import psycopg
import typer.exceptions

from cli import (  # noqa: F401
    activity,
    audience,
    balance,
    campaign,
    campaign_run,
    database,
    event,
    event_rules,
    explain,
    failover,
    forecast,
    imports,
    look,
    preview,
    provider,
    provider_url,
    recall,
    remap,
    report,
    route,
    template,
    top,
    uncertain,
    work,
)
from cli.app import app
from outbox import logs, settings
from outbox.errors import (
    DatabaseError,
    OutboxError,
    SettingsMistake,
    UsageMistake,
    from_psycopg,
)
from outbox.server_programs import ClusterError
from outbox.terminal import echo
from providers.base import ProviderError

INTERRUPTED = 130
UNFORESEEN = 70  # EX_SOFTWARE


def run(arguments: Sequence[str]) -> int:
    """Run one command; its exit code."""
    logs.configure("error")  # until a command that works says otherwise
    for name, near in settings.misspelt():
        echo(f"outbox: {name} is no setting; did you mean {near}?", err=True)
    try:
        _refuse_unreadable(arguments)
        return int(app(args=list(arguments), prog_name="outbox", standalone_mode=False) or 0)
    except (KeyboardInterrupt, typer.exceptions.Abort):
        return _fail("interrupted.", INTERRUPTED)
    except BrokenPipeError:  # `outbox status | head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except BaseExceptionGroup as group:
        return _explain(_first(group))
    except Exception as error:
        return _explain(error)


def _refuse_unreadable(arguments: Sequence[str]) -> None:
    """What no table can hold is told apart here, before it is an error of an encoder."""
    for place, argument in enumerate(arguments, 1):
        if "\0" in argument:
            raise UsageMistake(f"Argument {place} holds a NUL character: {argument[:40]!r}.")
        if not _is_utf8(argument):
            raise UsageMistake(f"Argument {place} is not UTF-8: {argument[:40]!r}.")
    for name, value in os.environ.items():
        if name.startswith(settings.PREFIX) and not _is_utf8(value):
            raise SettingsMistake(f"{name} is not UTF-8.")


def _is_utf8(text: str) -> bool:
    """Whether its bytes were: those that were not come as halves of a pair."""
    return text.isprintable() or not any("\ud800" <= c <= "\udfff" for c in text)


def _explain(error: BaseException) -> int:
    """The sentence and exit code of an error."""
    match error:
        case OutboxError():
            return _fail(str(error), error.exit_code)
        case ProviderError():
            return _fail(str(error), UsageMistake.exit_code)
        case ClusterError():
            return _fail(str(error), DatabaseError.exit_code)
        case psycopg.Error():
            return _explain(from_psycopg(error))
        case typer.exceptions.TyperException():
            hint = "" if "--help" in error.format_message() else " (see: outbox --help)"
            return _fail(f"{error.format_message().rstrip('.')}{hint}.", error.exit_code)
        case OSError() if error.strerror:
            where = f"{error.filename}: " if error.filename else ""
            return _fail(f"{where}{error.strerror}.", OutboxError.exit_code)
        case _ if isinstance(error.__cause__, psycopg.Error):  # what SQLAlchemy wraps
            return _explain(error.__cause__)
        case _:
            name = type(error).__name__
            return _fail(f"unforeseen {name}: {error}; please report it.", UNFORESEEN)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _fail(sentence: str, code: int) -> int:
    one_line = " ".join(sentence.split())
    echo(f"outbox: {one_line}", err=True)
    return code
