"""What the settings of a generic_http provider may say; presets are such settings in files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Annotated, Any, Literal

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult
from pydantic import Field, PlainValidator, field_validator

from providers.base import AdapterSettings, SettingsError, Url

Meaning = Literal["accepted", "rejected", "retry", "throttled", "setup", "uncertain"]


def compiled(source: object) -> ParsedResult:
    """A JMESPath expression; ValueError in one line when it is none."""
    if not isinstance(source, str):
        raise ValueError("a JMESPath expression is a string")
    try:
        return jmespath.compile(source)
    except JMESPathError as error:
        raise ValueError(f"no JMESPath expression: {str(error).splitlines()[0]}") from None


Query = Annotated[ParsedResult, PlainValidator(compiled)]


class Request(AdapterSettings):
    """One HTTP request with {fields} in it; at most one of `form` and `json`."""

    method: Literal["GET", "POST", "PUT"] = "POST"
    path: str = Field("", pattern="^([/?].*)?$")  # put behind the account's url
    headers: dict[str, str] = Field(default_factory=dict)
    query: dict[str, str] = Field(default_factory=dict)
    form: dict[str, str] | None = None
    json_: Any = Field(None, alias="json")
    charset: str = "utf-8"  # of query and form; JSON is UTF-8
    batch: int = Field(1, ge=1, le=1000)  # messages in one request
    item: str = "body"  # JMESPath, with fields: where the answer tells of this message

    @field_validator("charset")
    @classmethod
    def _known_charset(cls, charset: str) -> str:
        try:
            "".encode(charset)
        except LookupError:
            raise ValueError(f"{charset} is no character set") from None
        return charset


class Rule(AdapterSettings):
    """The first rule whose `when` is true says what an answer means."""

    when: Query
    means: Meaning
    after_s: float | None = Field(None, ge=0)  # pause; null: the account's back_off_s


class Send(Request):
    """Handing messages over, and how to read the answer."""

    answers: list[Rule] = Field(min_length=1)
    ref: Query | None = None  # the provider's reference, or a list of them
    segments: Query | None = None
    cost: Query | None = None  # billed for the whole message, in the account's currency
    error: Query | None = None  # the code of a refusal, as sms.receipt_error has it
    detail: Query | None = None  # what to write beside a refusal that has no such code
    max_chars: int | None = Field(None, ge=1)  # longer texts are rejected here, never cut
    max_validity_s: int | None = Field(None, ge=60)  # a longer validity is told as this one


class Status(Request):
    """Asking what became of messages; `code`, `error`, `at` make a receipt."""

    code: Query | None = None
    error: Query | None = None
    at: Query | None = None
    ref: Query | None = None
    absent: Query | None = None  # look-ups: true where the provider says it has no such message
    every_s: float = Field(1, gt=0)  # from one request to the next, look-ups and polls together


class MoneyLeft(Request):
    """Asking for the balance."""

    amount: Query
    currency: str = Field("RUB", pattern="^[A-Z]{3}$")


class Signature(AdapterSettings):
    """How a callback proves where it comes from.

    secret: the secret itself is in `field` or `header` · hmac: over the raw body, keyed with the
    secret · hash: over `parts` put together, each the secret ("{secret}"), a field of the form or,
    with * at its end, all fields that begin so, in their order.
    """

    kind: Literal["secret", "hmac", "hash"]
    header: str | None = None
    field: str | None = None
    algorithm: Literal["md5", "sha1", "sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""  # before the value, as in sha256=…
    parts: list[str] = Field(default_factory=list)
    secret_env: str | None = None  # variable with another secret than the account's


class Callback(AdapterSettings):
    """A call with reports (or texts of subscribers) in it: document → items → fields of each."""

    methods: tuple[Literal["GET", "POST"], ...] = ("POST",)
    format: Literal["query", "form", "json"]
    items: Query | None = None  # null: the document is the one item
    lines: bool = False  # an item is lines of text: item[0], item[1] …
    only: Query | None = None  # items for which this is not true are somebody else's
    signature: Signature | None = None


class Receipts(Callback):
    """Delivery reports. The message is known by our id in the URL, by `id` or by `ref`."""

    id: Query | None = None
    ref: Query | None = None
    code: Query
    error: Query | None = None
    at: Query | None = None
    reply: str = ""  # what the provider wants to hear


class FromSubscribers(Callback):
    """Messages from subscribers."""

    ref: Query | None = None
    sender: Query
    sent_to: Query | None = None
    body: Query


class GenericHttpSettings(AdapterSettings):
    """`settings` of a provider whose adapter is generic_http, those of its preset included."""

    preset: str | None = None
    note: str = ""  # for people
    url: Url
    dialect: str | None = Field(None, pattern="^[a-z0-9_]{1,40}$")  # before each receipt code
    username: str | None = None
    sender_id: str | None = None  # for messages that name none
    vars: dict[str, str] = Field(default_factory=dict)  # further {fields}
    parallel: int = Field(8, ge=1, le=64)  # requests in flight for one batch
    max_batch: int = Field(200, ge=1, le=1000)
    timeout_s: float = Field(15, gt=0, le=50)  # for the whole exchange; a lease is a minute
    back_off_s: float = Field(5, gt=0)  # rest when the provider itself is the trouble
    send: Send
    receipts: Receipts | None = None
    inbound: FromSubscribers | None = None
    poll: Status | None = None
    lookup: Status | None = None
    balance: MoneyLeft | None = None


FOLDER = files("providers") / "presets"


def presets() -> list[str]:
    """Names of the presets that come along."""
    return sorted(
        entry.name.removesuffix(".json")
        for entry in FOLDER.iterdir()
        if entry.name.endswith(".json")
    )


def with_preset(provider: str, settings: Mapping[str, object]) -> dict[str, object]:
    """Settings on top of their preset's, key by key within a section; SettingsError if unknown."""
    preset = settings.get("preset")
    if preset is None:
        return dict(settings)
    if preset not in presets():
        known = ", ".join(presets())
        raise SettingsError(
            f'Provider "{provider}": setting "preset": there is no {preset!r} (known: {known}).'
        )
    given: dict[str, object] = json.loads((FOLDER / f"{preset}.json").read_text(encoding="utf-8"))
    return {"dialect": preset, **given} | {
        key: {**under, **value}
        if isinstance(under := given.get(key), dict) and isinstance(value, Mapping)
        else value
        for key, value in settings.items()
    }
