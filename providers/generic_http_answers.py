"""What an answer means: the first rule that is true of it decides."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Self

import httpx
from jmespath.parser import ParsedResult

from providers.base import (
    Accepted,
    Awaiting,
    Doubtful,
    Message,
    Receipt,
    Rejected,
    Result,
    Retry,
    Uncertain,
    storable,
)
from providers.generic_http_callbacks import ask, code, moment, trouble, word
from providers.generic_http_settings import GenericHttpSettings, Meaning, Rule, Send, Status

HALTS: frozenset[Meaning] = frozenset({"throttled", "setup", "uncertain"})
LONGEST_PAUSE_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer as expressions see it: `http`, `body` (JSON, else null), `text`."""

    http: int
    text: str
    retry_after_s: float | None
    document: Mapping[str, Any]

    @classmethod
    def read(cls, reply: httpx.Response) -> Self:
        """Any answer; what is no JSON is a text."""
        text = reply.content.decode("utf-8-sig", "replace")
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            body = None
        after = reply.headers.get("retry-after", "")
        return cls(
            http=reply.status_code,
            text=text,
            retry_after_s=min(float(after), LONGEST_PAUSE_S) if after.isdecimal() else None,
            document={"http": reply.status_code, "body": body, "text": text},
        )

    def about(self, item: ParsedResult) -> dict[str, Any]:
        """The same with what it says of one message, as `item`."""
        return {**self.document, "item": ask(item, self.document)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """An answer that concerns the account and not one message."""

    means: str
    pause_s: float


def verdict(
    settings: GenericHttpSettings, answer: Answer, item: ParsedResult, message: Message
) -> tuple[Result, Halt | None]:
    """The result of a message, and the halt for all others where the answer asks for one."""
    send = settings.send
    document = answer.about(item)
    rule = next((rule for rule in send.answers if ask(rule.when, document)), None)
    means: Meaning = "uncertain" if rule is None else rule.means
    pause_s = _pause(rule, answer, settings.back_off_s)
    result = _result(means, settings, document, message, pause_s)
    if means not in HALTS:
        return result, None
    return result, Halt(means="no rule fits" if rule is None else means, pause_s=pause_s)


def _pause(rule: Rule | None, answer: Answer, back_off_s: float) -> float:
    if answer.retry_after_s is not None:
        return answer.retry_after_s
    return back_off_s if rule is None or rule.after_s is None else rule.after_s


def _result(
    means: Meaning,
    settings: GenericHttpSettings,
    document: Mapping[str, Any],
    message: Message,
    pause_s: float,
) -> Result:
    send = settings.send
    detail = _detail(send, document)
    match means:
        case "accepted":
            return Accepted(
                id=message.id,
                refs=_refs(send, document),
                segments=_segments(send, document),
                cost=amount(send.cost, document),
            )
        case "rejected":
            refusal = word(ask(send.error, document))
            named = trouble(f"send/{refusal}", settings.dialect) if refusal else None
            return Rejected(id=message.id, detail=named or detail)
        case "retry":
            return Retry(id=message.id, detail=detail, after=timedelta(seconds=pause_s))
        case "throttled" | "setup":
            after = timedelta(seconds=pause_s)
            return Retry(id=message.id, detail=detail, after=after, throttled=True)
        case "uncertain":
            return Uncertain(id=message.id, detail=detail)


def _detail(send: Send, document: Mapping[str, Any]) -> str:
    """`HTTP 200: 202 wrong number`: never empty, never long."""
    said = word(ask(send.detail, document))
    if said is None and document["body"] is None:
        said = storable(document["text"]).strip()
    return f"HTTP {document['http']}" + (f": {said[:200]}" if said else "")


def _refs(send: Send, document: Mapping[str, Any]) -> tuple[str, ...]:
    found = ask(send.ref, document)
    values = found if isinstance(found, list) else [found]
    return tuple(text for value in values if (text := word(value)) is not None)


def _segments(send: Send, document: Mapping[str, Any]) -> int | None:
    text = word(ask(send.segments, document)) or ""
    return int(text) if text.isdecimal() and 0 < int(text) < 256 else None


def amount(query: ParsedResult | None, document: Mapping[str, Any]) -> Decimal | None:
    """Money in an answer; None where there is none."""
    try:
        found = Decimal(word(ask(query, document)) or "")
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def status_receipt(
    status: Status, item: Mapping[str, Any], about: Doubtful | Awaiting, dialect: str | None
) -> Receipt | None:
    """The receipt in an answer to a question about a message; None where there is no news."""
    found = code(ask(status.code, item), dialect)
    if found is None or item["item"] is None:
        return None
    return Receipt(
        message_id=about.id,
        ref=None,
        code=found,
        error=trouble(ask(status.error, item), dialect),
        occurred_at=moment(ask(status.at, item)),
        raw=storable(json.dumps(item["item"], ensure_ascii=False))[:4000],
    )
