"""Logs: one JSON object a line on stderr, an event name and fields, no numbers and no texts."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

# A safety net below the rule that nobody logs a number: also those inside a library's error text.
_NUMBER = re.compile(r"(?<!\d)(\+?7\d{3})\d{3}(\d{4})(?!\d)")
_NEVER = frozenset({"body", "text", "secret", "token", "password"})


class _Stderr:
    """Whatever stderr is at the moment of writing."""

    def msg(self, message: str) -> None:
        print(message, file=sys.stderr, flush=True)

    debug = info = warning = error = critical = msg

    def write(self, text: str) -> None:
        sys.stderr.write(text)

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
    as_json = structlog.processors.JSONRenderer(default=str, ensure_ascii=False)
    structlog.configure(
        processors=[*shared, as_json],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: _Stderr(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(_Stderr())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, as_json],
        )
    )
    # Libraries speak up from warnings on: httpx tells every URL at info, and URLs hold secrets.
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)


def hide_numbers(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Mask every phone number among the fields and drop fields that may hold a text or secret."""
    return {key: _hidden(key, value) for key, value in event.items()}


def _hidden(key: str, value: object) -> object:
    if key in _NEVER:
        return "(hidden)"
    if isinstance(value, str):
        return _NUMBER.sub(r"\1***\2", value)
    if isinstance(value, int) and not isinstance(value, bool):
        text = str(value)
        return _NUMBER.sub(r"\1***\2", text) if _NUMBER.search(text) else value
    if isinstance(value, list | tuple):
        return [_hidden(key, item) for item in value]
    if isinstance(value, dict):
        return {name: _hidden(str(name), item) for name, item in value.items()}
    return value
