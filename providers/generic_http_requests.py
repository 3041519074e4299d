"""Makes the requests of one account from the templates in its settings."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import httpx
import jmespath
from jmespath.parser import ParsedResult

from providers import generic_http_templates as templates
from providers.base import Awaiting, Doubtful, Message, SettingsError
from providers.generic_http_checks import check, item, sections, used
from providers.generic_http_settings import GenericHttpSettings, MoneyLeft, Request, Send, Status
from providers.generic_http_templates import Fields


class Requests:
    """Templates that were found right, and the values of their fields."""

    def __init__(
        self,
        provider: str,
        settings: GenericHttpSettings,
        secret: str | None,
        dlr_url: Callable[[str, int], str] | None,
    ) -> None:
        self._provider = provider
        self._settings = settings
        self._secret = secret
        self._dlr_url = dlr_url
        self._patience = httpx.Timeout(settings.timeout_s, connect=settings.timeout_s / 3).as_dict()
        self._account = self._account_fields(secret)
        check(provider, settings)

    @property
    def polls_by_ref(self) -> bool:
        """Whether only messages whose reference is known can be asked for."""
        poll = self._settings.poll
        return poll is not None and bool({"ref", "refs"} & used(poll))

    def check_secret(self) -> None:
        """SettingsError when requests need a secret and there is none, or it fits no header."""
        requests = sections(self._settings)
        if not self._secret and any({"secret", "basic"} & used(one) for one in requests):
            raise SettingsError(
                f'Provider "{self._provider}" has no secret: set secret_env to the name of an '
                "environment variable and put the key or password there."
            )
        in_headers = {name for one in requests for name, _ in templates.names(one.headers)}
        for name in in_headers & self._account.keys():
            value = self._account[name] or ""
            if not (value.isascii() and value.isprintable()):
                raise SettingsError(
                    f'Provider "{self._provider}": what goes into headers must be printable ASCII.'
                )

    def groups(self, batch: Sequence[Message]) -> list[list[Message]]:
        """What goes out in one request each: one sender, a number once, no more than allowed."""
        size = self._settings.send.batch
        if size == 1:
            return [[message] for message in batch]
        found: list[list[Message]] = []
        filling: dict[str | None, list[tuple[list[Message], set[int]]]] = {}
        for message in batch:
            open_groups = filling.setdefault(message.sender_id, [])
            for group, numbers in open_groups:
                if len(group) < size and message.msisdn not in numbers:
                    break
            else:
                group, numbers = [], set()
                open_groups.append((group, numbers))
                found.append(group)
            group.append(message)
            numbers.add(message.msisdn)
        return found

    def not_encodable(self, message: Message) -> str | None:
        """Why a text cannot be sent in the character set of the request; None when it can."""
        send = self._settings.send
        if send.json_ is not None:
            return None
        try:
            message.body.encode(send.charset)
        except UnicodeEncodeError:
            return f"{send.charset} lacks a character of the text"
        return None

    def send(self, group: Sequence[Message]) -> httpx.Request:
        """The request that hands over a group."""
        send = self._settings.send
        each = [self._of_message(message, n) for n, message in enumerate(group)]
        return self._make(send, self._shared(send, group), each)

    def status(self, section: Status, about: Sequence[Doubtful | Awaiting]) -> httpx.Request:
        """The request that asks about messages."""
        each = [_asked(one, n) for n, one in enumerate(about)]
        shared: dict[str, str | None] = {
            f"{name}s": ",".join(fields[name] or "" for fields in each)
            for name in ("id", "msisdn", "ref")
        }
        return self._make(section, shared, each)

    def balance(self, section: MoneyLeft) -> httpx.Request:
        """The request that asks for the money left."""
        return self._make(section, {}, [])

    def items(
        self, section: Request, group: Sequence[Message | Doubtful | Awaiting]
    ) -> list[ParsedResult]:
        """Where an answer tells of each message of a group."""
        fields = (_asked(one, n) for n, one in enumerate(group))
        return [jmespath.compile(item(section, one)) for one in fields]

    def _make(self, section: Request, shared: Fields, each: Sequence[Fields]) -> httpx.Request:
        shared = {**self._account, **shared}
        if section.batch == 1 and each:
            shared = {**shared, **each[0]}
        headers = [
            (name, value)
            for name, template in section.headers.items()
            if (value := templates.text(template, shared)) is not None
        ]
        content: bytes | None = None
        if section.json_ is not None:
            document = templates.tree(section.json_, shared, each)
            content = json.dumps(document, ensure_ascii=False).encode()
            headers.append(("Content-Type", "application/json"))
        elif section.form is not None:
            content = _encoded(section.form, shared, each, section.charset)
            headers.append(("Content-Type", "application/x-www-form-urlencoded"))
        return httpx.Request(
            section.method,
            self._url(section, shared, each),
            headers=headers,
            content=content,
            extensions={"timeout": self._patience},
        )

    def _url(self, section: Request, shared: Fields, each: Sequence[Fields]) -> httpx.URL:
        base = str(self._settings.url).rstrip("/")
        url = httpx.URL(base + (templates.text(section.path, shared) or ""))
        if not section.query:
            return url
        return url.copy_with(query=_encoded(section.query, shared, each, section.charset))

    # --- the fields ------------------------------------------------------------------------------

    def _account_fields(self, secret: str | None) -> dict[str, str | None]:
        username = self._settings.username
        pair = f"{username}:{secret}".encode()
        basic = base64.b64encode(pair).decode() if secret and username else None
        return {"secret": secret, "username": username, "basic": basic, **self._settings.vars}

    def _shared(self, send: Send, group: Sequence[Message]) -> dict[str, str | None]:
        now = datetime.now(UTC)
        expires_at = min(message.expires_at for message in group)
        if send.max_validity_s is not None:
            expires_at = min(expires_at, now + timedelta(seconds=send.max_validity_s))
        left_s = max(1, math.floor((expires_at - now).total_seconds()))
        return {
            "sender": group[0].sender_id or self._settings.sender_id,
            "validity_s": str(left_s),
            "validity_min": str(math.ceil(left_s / 60)),
            "expires_at": expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "expires_unix": str(int(expires_at.timestamp())),
            "batch_id": str(group[0].id),
        }

    def _of_message(self, message: Message, n: int) -> dict[str, str | None]:
        url = None if self._dlr_url is None else self._dlr_url(self._provider, message.id)
        return {
            "id": str(message.id),
            "msisdn": str(message.msisdn),
            "plus_msisdn": f"+{message.msisdn}",
            "body": message.body,
            "callback_url": url,
            "n": str(n),
        }


def _asked(one: Message | Doubtful | Awaiting, n: int) -> dict[str, str | None]:
    ref = None if isinstance(one, Message) else one.ref
    return {"id": str(one.id), "msisdn": str(one.msisdn), "ref": ref, "n": str(n)}


def _encoded(
    template: Mapping[str, str], shared: Fields, each: Sequence[Fields], charset: str
) -> bytes:
    """A query or form; a sender that the character set lacks arrives with question marks."""
    values = templates.pairs(template, shared, each)
    return urlencode(values, encoding=charset, errors="replace").encode("ascii")
