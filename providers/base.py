"""What the worker asks of a provider and what it gets back; every adapter implements this page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from types import TracebackType
from typing import Annotated, Literal, Protocol, Self, TypeVar, runtime_checkable

from pydantic import AfterValidator, BaseModel, ConfigDict, HttpUrl, ValidationError

from outbox.secret_names import Secrets
from outbox.tokens import account_url

# --- what goes in ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One text for one number; `attempt` counts from 1, `priority` 0 is the most urgent."""

    id: int
    msisdn: int
    sender_id: str | None
    body: str
    attempt: int
    priority: int
    expires_at: datetime
    segments: int
    encoding: Literal["gsm7", "ucs2"]


# --- what comes out of send() ------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The provider took it. `refs` are its own references, one per segment where it gives them."""

    id: int
    refs: tuple[str, ...] = ()
    segments: int | None = None  # as the provider counted them; None: as we did
    detail: str | None = None
    cost: Decimal | None = None  # billed for the whole message, in the account's currency


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The provider will never take this message."""

    id: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Definitely not handed over; `throttled` means it was not this message's fault, so the
    attempt does not count. `after` None leaves the pause to the channel's own back-off."""

    id: int
    detail: str
    after: timedelta | None = None
    throttled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertain:
    """Handed over without a readable answer: it may have gone, so it is never resent blindly."""

    id: int
    detail: str


Result = Accepted | Rejected | Retry | Uncertain


# --- delivery reports --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One delivery report as received; either our `message_id` or the provider's `ref` is known."""

    message_id: int | None
    ref: str | None
    code: str
    error: str | None
    occurred_at: datetime | None
    raw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptRequest:
    """One HTTP callback, undecoded: the character set is the adapter's business."""

    method: str
    message_id: int | None  # from the URL; None where the provider calls one URL for all
    query: bytes
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """What the provider wants to hear once its report is stored."""

    status: int = 200
    body: bytes = b""
    media_type: str = "text/plain"


Sink = Callable[[Sequence[Receipt]], Awaitable[None]]
"""Returns after the receipts are committed. Raises NotStored where they may be tried again (the
database is away), anything else where they never could be stored."""


# --- messages from subscribers -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """One message from a subscriber: `ref` is the provider's own id (None: it gives none, so a
    repeated report is kept twice), `sender` and `sent_to` are numbers as it writes them."""

    ref: str | None
    sender: str
    sent_to: str | None
    body: str


InboundSink = Callable[[Sequence[Inbound]], Awaitable[None]]
"""The same as Sink for messages from subscribers, for adapters that hear them in this process."""


SecretOf = Callable[[str], str | None]
"""The value of the variable so named, None where it is not set. Raises where the worker keeps no
secrets under such a name: what else is in its environment is not a provider's to have."""


# --- errors ------------------------------------------------------------------------------------
#
#   ProviderError
#   ├── SettingsError       the provider's row is wrong; the sentence names the setting
#   ├── NotStored           the sink could not store for now; hand over the same again
#   ├── MalformedReceipt    a callback that is no delivery report; answered with 400
#   ├── MalformedInbound    a callback that is no subscriber's message; answered with 400
#   └── SendError           a whole batch met trouble
#       └── NotSubmitted    nothing that has no result yet was handed over: all may be retried


class ProviderError(Exception):
    """Anything a provider adapter reports; the text is one sentence for an operator."""


class SettingsError(ProviderError):
    """A provider's settings cannot be used; mend the row in sms.provider and start again."""


class NotStored(ProviderError):
    """The database is away: what was handed to a sink is not stored, and may be tried again."""


class MalformedReceipt(ProviderError):
    """A callback that does not look like this provider's delivery report."""


class MalformedInbound(ProviderError):
    """What came is not this provider's report of a message from a subscriber."""


class SendError(ProviderError):
    """The batch ended early; messages without a result are uncertain."""


class NotSubmitted(SendError):
    """The batch ended early and no message without a result was handed over."""

    def __init__(
        self, detail: str, *, after: timedelta | None = None, throttled: bool = True
    ) -> None:
        super().__init__(detail)
        self.after = after
        self.throttled = throttled


# --- the adapter -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one call of send() takes, and how long its last submission may go unanswered."""

    max_batch: int
    answer_s: float  # keep `until` this long before the end of the lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What an adapter may use of the world around it."""

    sink: Sink
    dlr_url: Callable[[str, int], str] | None = None  # (provider, message id) → callback URL
    inbound_sink: InboundSink | None = None  # None: nobody keeps messages from subscribers
    secret_of: SecretOf = Secrets().get  # a second secret, by the name that a setting has for it


class Provider(Protocol):
    """One configured account. Opened with `async with` to send; parses receipts unopened."""

    @property
    def name(self) -> str: ...

    @property
    def limits(self) -> Limits: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def send(
        self, batch: Sequence[Message], *, until: float | None = None
    ) -> AsyncIterator[Result]:
        """Hand over at most `limits.max_batch` messages; yield each result as it becomes known.

        No submission begins after the monotonic moment `until`: what was not begun comes back as
        Retry. A message without a result when the iterator ends, is closed or raises is uncertain,
        unless it raised NotSubmitted.
        """
        ...

    async def capacity(self) -> int | None:
        """How many more messages it would take now; None: as many as you have."""
        ...

    def parse_receipt(self, request: ReceiptRequest) -> list[Receipt]:
        """Read one callback (which may carry many reports); MalformedReceipt if it is none."""
        ...

    def acknowledge(self) -> Acknowledgement:
        """The answer that tells the provider its reports are stored."""
        ...


class AdapterFactory(Protocol):
    """An entry point of the group `sms.providers`: makes a provider from its row."""

    def __call__(
        self, name: str, settings: Mapping[str, object], secret: str | None, context: Context
    ) -> Provider: ...


# --- optional: a provider that knows a message before it answers ---------------------------------


@runtime_checkable
class NamesMessages(Protocol):
    """A provider under which a message has a name of our making, known before it is sent."""

    def keys(self, batch: Sequence[Message]) -> Sequence[str | None]:
        """The name of each message of a batch, in its order, as `send` of the same batch will use.

        They are written with the mark, before any byte leaves, so that a callback or a look-up
        by this name finds the message even after the worker was killed. Give a name once only:
        another message, and another attempt that may differ in the batch, needs another one.
        """
        ...


# --- optional: a provider that says where it is --------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A host that a provider connects to. `is_private`: nobody on the way reads what is said."""

    host: str
    port: int
    is_private: bool


@runtime_checkable
class NamesPeers(Protocol):
    """A provider that names every host it will ever connect to. Where one does not, the worker
    takes the URLs among its settings for them."""

    @property
    def peers(self) -> Sequence[Peer]: ...


# --- optional: a provider that can be asked ----------------------------------------------------


PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 60))


@dataclass(frozen=True, slots=True, kw_only=True)
class AskingLimits:
    """How much and how often a provider may be asked; look-ups and polls share one budget, and
    all workers share it too."""

    max_batch: int = 100  # messages in one call of lookup() or poll()
    every: timedelta = timedelta(seconds=1)  # from one call to the next
    answer_s: float = 60.0  # a call that takes longer is given up
    after: timedelta = timedelta(seconds=10)  # not asked about sooner after it became uncertain
    pauses: tuple[timedelta, ...] = PAUSES  # between questions about one message; the last repeats
    absent_after: timedelta = timedelta(seconds=60)  # from one "absent" to the one that counts
    poll_after: timedelta = timedelta(minutes=10)  # accepted for so long without a final receipt
    poll_until: timedelta = timedelta(hours=26)  # and not longer than this


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubtful:
    """An uncertain message; `ref` is the name given by `keys` or the provider's own reference."""

    id: int
    msisdn: int
    submitted_at: datetime
    ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The provider's answer about a doubtful message.

    present: it has it, under `ref` where that is new to us, and `receipt` says what became of it.
    absent: it does not; said twice, `absent_after` apart, the message goes back to the queue.
    unknown: no usable answer; asked again later. A message without an answer is unknown too.
    """

    id: int
    verdict: Literal["present", "absent", "unknown"]
    ref: str | None = None
    receipt: Receipt | None = None
    detail: str | None = None


@runtime_checkable
class CanBeAsked(Protocol):
    """A provider that can tell whether it was given a message."""

    @property
    def asking(self) -> AskingLimits: ...

    async def lookup(self, doubtful: Sequence[Doubtful]) -> Sequence[Found]:
        """Ask about at most `asking.max_batch` messages; any error means unknown for all."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaiting:
    """An accepted message whose final receipt is overdue."""

    id: int
    msisdn: int
    submitted_at: datetime
    ref: str | None = None


@runtime_checkable
class CanBePolled(Protocol):
    """A provider that tells what became of a message, for what its callbacks missed."""

    @property
    def asking(self) -> AskingLimits: ...

    async def poll(self, waiting: Sequence[Awaiting]) -> Sequence[Receipt]:
        """Ask about at most `asking.max_batch` messages; a receipt each where there is news."""
        ...


# --- optional: a provider that is paid in advance ------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Money left at the provider; `currency` is ISO 4217."""

    amount: Decimal
    currency: str = "RUB"


@runtime_checkable
class HasBalance(Protocol):
    """A provider that tells how much money is left; asked every few minutes."""

    async def balance(self) -> Balance:
        """Ask for it; any error is logged and it is asked again at the next turn."""
        ...


# --- optional: a provider that brings messages from subscribers -----------------------------------


@runtime_checkable
class BringsInbound(Protocol):
    """A provider that calls us with what subscribers wrote; one without this part brings none."""

    def parse_inbound(self, request: ReceiptRequest) -> list[Inbound]:
        """Read one callback; MalformedInbound if it is none. 200 without a text answers it."""
        ...


@runtime_checkable
class SharesUrl(BringsInbound, Protocol):
    """A provider that knows one URL for its receipts and for what subscribers wrote."""

    def is_inbound(self, request: ReceiptRequest) -> bool:
        """Whether this callback is for parse_inbound(), else it is for parse_receipt()."""
        ...


# --- helpers every adapter shares --------------------------------------------------------------


class AdapterSettings(BaseModel):
    """Base of each adapter's settings: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


S = TypeVar("S", bound=AdapterSettings)


def parse_settings(model: type[S], provider: str, settings: Mapping[str, object]) -> S:
    """Validate a provider's jsonb settings, or raise SettingsError naming the first wrong one."""
    try:
        return model.model_validate(dict(settings))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "settings"
        known = ", ".join(sorted(model.model_fields))
        hint = f" (known: {known})" if first["type"] == "extra_forbidden" else ""
        said = first["msg"].removeprefix("Value error, ")
        sentence = f'Provider "{provider}": setting "{key}": {said}{hint}.'
        raise SettingsError(sentence) from None


def storable(given: str | bytes) -> str:
    """What a provider sent, as text that PostgreSQL can keep: no NUL, no undecodable byte, no half
    of a surrogate pair."""
    text = given.decode("ascii", "backslashreplace") if isinstance(given, bytes) else given
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode()
    return text.replace("\0", "\\x00")


def peer_of(url: HttpUrl) -> Peer:
    """Where requests to a URL go."""
    is_private = url.scheme == "https"
    return Peer(
        host=url.host or "", port=url.port or (443 if is_private else 80), is_private=is_private
    )


def without_user(url: HttpUrl) -> HttpUrl:
    """The URL; ValueError where a user or a password stands in it, for settings are no secret."""
    if url.username is not None or url.password is not None:
        raise ValueError("write no user and no password into a URL: a secret belongs in secret_env")
    return url


Url = Annotated[HttpUrl, AfterValidator(without_user)]


def make_dlr_url(base_url: str, *, adapter: str, secret: str) -> Callable[[str, int], str]:
    """Build the function (provider, message id) → URL at which `dlr` hears about that message."""

    @cache
    def url_of(provider: str) -> str:
        return account_url(base_url, adapter=adapter, account=provider, secret=secret)

    return lambda provider, message_id: f"{url_of(provider)}/{message_id}"
