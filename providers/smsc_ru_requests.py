"""Which messages share a request to smsc.ru, under which id, and what is posted.

There a message is the pair of request id and phone, so a phone stands in a request once. An id is
given once only: the service does not refuse a repeated one, and would answer for either message.
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from providers.base import Message
from providers.smsc_ru_api import SmscRuSettings

LONGEST_TEXT = 1000  # characters; counted as the phone will, an emoji as two
# The signs , : | have a meaning in a line of `list`, a lone . switches the sender off.
SENDER = re.compile(
    r"\+?[0-9]{1,15}|(?!\.\Z)(?! )[\x20-\x2b\x2d-\x39\x3b-\x7b\x7d\x7e]{1,11}(?<! )"
)
# What begins a comment: the service stores the rest of the text but does not send it.
COMMENT = "~~~"
# Signs with a meaning in `list`, which has no escape for them. A text that has one goes alone.
NOT_IN_LIST = re.compile(r"[\\|\r\v\f\x1c-\x1e\x85\u2028\u2029]")
REMEMBERED = 100_000  # messages named and not sent yet; a few hundred are usual


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Messages that leave together, to different phones."""

    batch_id: str
    messages: tuple[Message, ...]

    def key(self, message: Message) -> str:
        """What the service will call this message, and its callbacks too."""
        return make_key(self.batch_id, message.msisdn)

    def halves(self) -> tuple[Request, Request]:
        """The same pairs of id and phone in two requests."""
        middle = len(self.messages) // 2
        return (
            Request(batch_id=self.batch_id, messages=self.messages[:middle]),
            Request(batch_id=self.batch_id, messages=self.messages[middle:]),
        )


def make_key(batch_id: str, phone: int | str) -> str:
    """Our reference for the pair of id and phone."""
    return f"{batch_id}:{phone}"


def split_key(key: str) -> tuple[str, str] | None:
    """Id and phone of such a reference; None when it is none."""
    batch_id, colon, phone = key.rpartition(":")
    return (batch_id, phone) if colon and batch_id and phone.isdecimal() else None


class Planner:
    """Names messages and makes requests of them; `keys` and `send` see the same batch after each
    other, so what was named waits here for its request."""

    def __init__(self, settings: SmscRuSettings) -> None:
        self._settings = settings
        self._named: dict[int, str] = {}  # message id → id of its request

    def name(self, batch: Sequence[Message]) -> list[str]:
        """The key of each message in its order; the same again until it is sent."""
        for group in self._groups([m for m in batch if m.id not in self._named]):
            batch_id = f"{group[0].id}.{secrets.token_hex(4)}"
            self._named |= {message.id: batch_id for message in group}
        keys = [make_key(self._named[message.id], message.msisdn) for message in batch]
        while len(self._named) > REMEMBERED:
            del self._named[next(iter(self._named))]
        return keys

    def plan(self, batch: Sequence[Message]) -> tuple[list[Request], dict[int, str]]:
        """The requests of a batch, named before or here, and why the others cannot be sent."""
        self.name(batch)
        refused: dict[int, str] = {}
        groups: dict[str, list[Message]] = {}
        for message in batch:
            batch_id = self._named.pop(message.id)
            if (why := unfit(message, self._sender(message))) is not None:
                refused[message.id] = why
            else:
                groups.setdefault(batch_id, []).append(message)
        requests = [
            Request(batch_id=batch_id, messages=tuple(messages))
            for batch_id, messages in groups.items()
        ]
        return requests, refused

    def form(self, request: Request) -> dict[str, str]:
        """What is posted to send.php, beside the account and the format."""
        messages = request.messages
        hours = min(_hours_left(message) for message in messages)
        form = {
            "id": request.batch_id,
            "valid": str(max(1, min(self._settings.valid_h, hours))),
            "op": "1",
        }
        if self._settings.ask_cost:
            form["cost"] = "3"
        senders = [self._sender(message) for message in messages]
        common = None if None in senders else senders[0]
        if common is not None:
            form["sender"] = common
        if len(messages) == 1:
            return form | {"phones": f"+{messages[0].msisdn}", "mes": messages[0].body}
        lines = (
            _line(message, None if sender == common else sender)
            for message, sender in zip(messages, senders, strict=True)
        )
        return form | {"list": "\n".join(lines)}

    def _sender(self, message: Message) -> str | None:
        return message.sender_id or self._settings.sender_id

    def _groups(self, messages: Iterable[Message]) -> list[list[Message]]:
        """Messages that may share a request: one validity, each phone once."""
        groups: dict[tuple[int, int], list[Message]] = {}
        seen: Counter[tuple[int, int]] = Counter()
        for message in messages:
            if NOT_IN_LIST.search(message.body):
                groups[message.id, -1] = [message]
                continue
            hours = min(self._settings.valid_h, _hours_left(message))
            place = seen[hours, message.msisdn]
            seen[hours, message.msisdn] += 1
            groups.setdefault((hours, place), []).append(message)
        return list(groups.values())


def unfit(message: Message, sender: str | None) -> str | None:
    """Why the service would not take this message as it is, or not send it whole."""
    if len(message.body.encode("utf-16-le")) // 2 > LONGEST_TEXT:
        return f"the text is longer than the {LONGEST_TEXT} characters that smsc.ru takes"
    if COMMENT in message.body:
        return f"the text has {COMMENT}, which smsc.ru takes for the beginning of a comment"
    if sender is not None and not SENDER.fullmatch(sender):
        return f"sender_id {sender!r} is neither 1-15 digits nor 1-11 Latin characters but , : |"
    return None


def _line(message: Message, sender: str | None) -> str:
    own = "" if sender is None else f"{sender}|"
    body = message.body.replace("\n", "\\n")
    return f"{own}+{message.msisdn}:{body}"


def _hours_left(message: Message) -> int:
    """Whole hours of validity, 1 at least: what is valid for less is late after an hour at most."""
    return max(1, (message.expires_at - datetime.now(UTC)) // timedelta(hours=1))
