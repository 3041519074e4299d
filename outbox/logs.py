"""Logs: one JSON object a line on stderr, an event name and fields, no numbers and no texts.

No line of data can steer a terminal either: see outbox.terminal.
"""

from __future__ import annotations

import logging
import sys
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog
from structlog.typing import EventDict, WrappedLogger

from outbox.masking import mask_phones
from outbox.terminal import as_json, lines

_NEVER = frozenset({"body", "text", "secret", "token", "password"})
_NO_TEXT = (bool, float, Decimal, date, time, timedelta, UUID, type(None))


class _Stderr:
    """Whatever stderr is at the moment of writing."""

    def msg(self, message: str) -> None:
        print(lines(message), file=sys.stderr, flush=True)

    debug = info = warning = error = critical = msg

    def write(self, text: str) -> None:
        sys.stderr.write(lines(text))

    def flush(self) -> None:
        sys.stderr.flush()


def configure(level: str = "info") -> None:
    """Send this process's logs, and those of the libraries it uses, to stderr as JSON."""
    number = getattr(logging, level.upper())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        hide_numbers,
    ]
    render = structlog.processors.JSONRenderer(serializer=as_json, default=str)
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: _Stderr(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(_Stderr())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    # Libraries speak up from warnings on: httpx tells every URL at info, and URLs hold secrets.
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)


def hide_numbers(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Mask every phone number among the fields and drop fields that may hold a text or secret.

    A net below the rule that nobody logs a number: it also catches those in a library's errors.
    """
    return {key: _hidden(key, value) for key, value in event.items()}


def _hidden(key: str, value: object) -> object:
    if key in _NEVER:
        return "(hidden)"
    match value:
        case list() | tuple() | set() | frozenset():
            return [_hidden(key, item) for item in value]
        case dict():
            return {mask_phones(str(name)): _hidden(str(name), v) for name, v in value.items()}
        case _ if isinstance(value, _NO_TEXT):
            return value
        case int():
            shown = mask_phones(str(value))
            return value if shown == str(value) else shown
        case _:  # an error, too, is a text in the end
            return mask_phones(str(value))
