"""Callbacks as data: where a report stands in a query, a form or a JSON body, and who signed it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult

from providers import forms
from providers.base import (
    Inbound,
    MalformedInbound,
    MalformedReceipt,
    Receipt,
    ReceiptRequest,
    SecretOf,
    storable,
)
from providers.generic_http_settings import (
    Callback,
    FromSubscribers,
    GenericHttpSettings,
    Receipts,
    Signature,
)

CODE = re.compile(r"[\w.+-]{1,40}")
REF = re.compile(r"[\x21-\x7e]{1,200}")
LONGEST = 100  # characters of a subscriber's or our number, or of a reference of theirs
MAX_ID = 2**63 - 1
MAX_ITEMS = 1000  # of a callback; the longest documented one carries a hundred


class _Wrong(Exception):
    """What is wrong with a callback; each caller makes its own malformation of it."""


def ask(query: ParsedResult | None, document: Any) -> Any:
    """What an expression finds; None also where it does not fit the document."""
    if query is None:
        return None
    try:
        return query.search(document)
    except JMESPathError:
        return None


def word(value: Any) -> str | None:
    """A scalar as text that can be stored; None for what is empty or no scalar."""
    if value is None or isinstance(value, dict | list):
        return None
    text = json.dumps(value) if isinstance(value, bool | int | float) else str(value)
    return storable(text).strip() or None


def moment(value: Any) -> datetime | None:
    """UNIX seconds or milliseconds, or ISO 8601 with an offset; None for anything else."""
    text = word(value) or ""
    try:
        if re.fullmatch(r"[0-9]{9,13}", text):
            seconds = int(text) / (1000 if len(text) > 11 else 1)
            return datetime.fromtimestamp(seconds, UTC)
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def code(value: Any, dialect: str | None) -> str | None:
    """A provider's code as sms.receipt_code has it, behind the dialect's name."""
    text = word(value)
    if text is None or not CODE.fullmatch(text):
        return None
    return text if dialect is None else f"{dialect}:{text}"


def trouble(value: Any, dialect: str | None) -> str | None:
    """A provider's error as sms.receipt_error has it, behind the dialect's name."""
    text = word(value)
    if text is None:
        return None
    return (text if dialect is None else f"{dialect}:{text}")[:200]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackSecrets:
    """What signs the callbacks of each kind."""

    receipts: str | None
    inbound: str | None


def callback_secrets(
    settings: GenericHttpSettings, secret: str | None, secret_of: SecretOf
) -> CallbackSecrets:
    """The account's secret, or the one a signature names a variable for."""

    def of(callback: Callback | None) -> str | None:
        signature = None if callback is None else callback.signature
        if signature is None or signature.secret_env is None:
            return secret
        return secret_of(signature.secret_env)

    return CallbackSecrets(receipts=of(settings.receipts), inbound=of(settings.inbound))


def parse_receipts(
    settings: Receipts | None, request: ReceiptRequest, *, secret: str | None, dialect: str | None
) -> list[Receipt]:
    """Every report of one callback; MalformedReceipt when it is none or its signature is wrong."""
    try:
        found = _items(settings, request, secret)
        return [_receipt(item, settings, request, dialect) for item in found if settings]
    except _Wrong as error:
        raise MalformedReceipt(str(error)) from None


def parse_inbound(
    settings: FromSubscribers | None, request: ReceiptRequest, *, secret: str | None
) -> list[Inbound]:
    """Every subscriber's message of one callback; MalformedInbound when it is none."""
    try:
        found = _items(settings, request, secret)
        return [_inbound(item, settings) for item in found if settings]
    except _Wrong as error:
        raise MalformedInbound(str(error)) from None


def _receipt(
    item: Any, settings: Receipts, request: ReceiptRequest, dialect: str | None
) -> Receipt:
    found = code(ask(settings.code, item), dialect)
    if found is None:
        raise _Wrong("The callback has no code where the settings look for it.")
    ref = word(ask(settings.ref, item))
    if ref is not None and not REF.fullmatch(ref):
        raise _Wrong("The callback has a reference that is none.")
    ours = request.message_id if settings.id is None else _id(word(ask(settings.id, item)))
    if ours is None and ref is None:
        raise _Wrong("The callback names no message.")
    return Receipt(
        message_id=ours,
        ref=None if ours is not None else ref,
        code=found,
        error=trouble(ask(settings.error, item), dialect),
        occurred_at=moment(ask(settings.at, item)),
        raw=_raw(item),
    )


def _inbound(item: Any, settings: FromSubscribers) -> Inbound:
    sender, body = word(ask(settings.sender, item)), ask(settings.body, item)
    ref, sent_to = word(ask(settings.ref, item)), word(ask(settings.sent_to, item))
    if sender is None or not isinstance(body, str):
        raise _Wrong("The callback has no sender and text where the settings look for them.")
    if max(len(text or "") for text in (sender, ref, sent_to)) > LONGEST:
        raise _Wrong("A message from a subscriber has a short reference, sender and receiver.")
    return Inbound(ref=ref, sender=sender, sent_to=sent_to, body=storable(body))


def _items(settings: Callback | None, request: ReceiptRequest, secret: str | None) -> list[Any]:
    """The items of a callback that are ours, after its signature was found right."""
    if settings is None:
        raise _Wrong("The settings of this provider know no such callback.")
    if request.method not in settings.methods:
        raise _Wrong(f"This provider calls with {' or '.join(settings.methods)}.")
    document = _document(settings, request)
    if settings.signature is not None:
        _check(settings.signature, request, document, secret)
    items = document if settings.items is None else ask(settings.items, document)
    if settings.items is None:
        items = [document]
    if not isinstance(items, list) or not items:
        raise _Wrong("The callback has no items where the settings look for them.")
    if len(items) > MAX_ITEMS:
        raise _Wrong(f"The callback has more than {MAX_ITEMS} items.")
    if settings.lines:
        items = [item.splitlines() if isinstance(item, str) else item for item in items]
    return [item for item in items if settings.only is None or ask(settings.only, item)]


def _document(settings: Callback, request: ReceiptRequest) -> Any:
    match settings.format:
        case "query":
            return _fields(request.query)
        case "form":
            return _fields(request.body)
        case "json":
            try:
                return json.loads(request.body)
            except (ValueError, RecursionError):
                raise _Wrong("The body is no JSON.") from None


def _fields(encoded: bytes) -> dict[str, str]:
    return {name: forms.text(value) for name, value in forms.fields(encoded).items()}


def _check(
    signature: Signature, request: ReceiptRequest, document: Any, secret: str | None
) -> None:
    if not secret:
        raise _Wrong("The signature cannot be checked: the secret is not set.")
    given = _given(signature, request.headers, document)
    if given is None or not given.startswith(signature.prefix):
        raise _Wrong("The callback is not signed.")
    wanted = _wanted(signature, request.body, document, secret)
    if not hmac.compare_digest(given.removeprefix(signature.prefix).encode(), wanted.encode()):
        raise _Wrong("The callback's signature is wrong.")


def _given(signature: Signature, headers: Mapping[str, str], document: Any) -> str | None:
    if signature.header is not None:
        return headers.get(signature.header.lower())
    return word(document.get(signature.field)) if isinstance(document, dict) else None


def _wanted(signature: Signature, body: bytes, document: Any, secret: str) -> str:
    match signature.kind:
        case "secret":
            return secret
        case "hmac":
            digest = hmac.digest(secret.encode(), body, signature.algorithm)
        case "hash":
            whole = "".join(_parts(signature.parts, document, secret))
            digest = hashlib.new(signature.algorithm, whole.encode()).digest()
    return digest.hex() if signature.encoding == "hex" else base64.b64encode(digest).decode()


def _parts(parts: list[str], document: Any, secret: str) -> Iterator[str]:
    fields: Mapping[str, Any] = document if isinstance(document, dict) else {}
    for part in parts:
        if part == "{secret}":
            yield secret
        elif part.endswith("*"):
            yield from (str(v) for name, v in fields.items() if name.startswith(part[:-1]))
        else:
            yield str(fields.get(part, ""))


def _id(text: str | None) -> int | None:
    if text is None or not re.fullmatch(r"[0-9]{1,19}", text) or int(text) > MAX_ID:
        return None
    return int(text)


def _raw(item: Any) -> str:
    return storable(json.dumps(item, ensure_ascii=False))[:4000]
