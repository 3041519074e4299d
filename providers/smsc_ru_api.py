"""How smsc.ru is called: one account, a main host and a backup, JSON answers.

Everything is posted, the key included, so that no access log holds a key, a number or a text.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import httpx
import structlog
from pydantic import Field, HttpUrl

from providers.base import AdapterSettings, ProviderError, Url
from providers.connections import Connections
from providers.rounds import NEVER_SENT

log = structlog.get_logger()

SEND = "send.php"
REFUSES_US = frozenset({2, 4})  # the key or our address, on any page; five times 2 block us
AVOID_S = 60.0  # a host that could not be reached comes second for so long


class SmscRuSettings(AdapterSettings):
    """`settings` of a provider whose adapter is smsc_ru; its secret is the API key."""

    url: Url = HttpUrl("https://smsc.ru")  # or another brand of the same service
    backup_url: Url | None = HttpUrl("https://www2.smsc.ru")  # null: none
    sender_id: str | None = None  # for messages that name none; null: the account's own
    parallel: int = Field(4, ge=1, le=10)  # of this process; all programs of a login: ≤ 10
    max_batch: int = Field(100, ge=1, le=500)  # texts in one request; the limit is undocumented
    valid_h: int = Field(24, ge=1, le=24)  # the service's own tries end after this, or sooner
    ask_cost: bool = True  # price of each message and the balance, in the answer
    timeout_s: float = Field(15, gt=0, le=50)  # for the whole exchange; a lease is a minute
    back_off_s: float = Field(5, gt=0)  # pause when the service cannot be reached or used
    rest_s: float = Field(900, gt=0)  # after a refused key or a blocked address: 5 in 30 min block
    money_rest_s: float = Field(60, gt=0)  # after "not enough money"
    status_batch: int = Field(200, ge=1, le=1000)  # messages in one question about statuses
    minute_s: float = Field(60, gt=0)  # the minute of its limits; shorter only beside a test peer
    poll_after_s: float = Field(600, gt=0)  # a receipt later than this is asked for
    callback_secret_env: str | None = None  # variable that holds the secret of the callbacks
    callback_hash: Literal["md5", "sha1", "crc32"] = "md5"
    callback_charset: Literal["utf-8", "windows-1251", "koi8-r"] = "utf-8"


class NotSent(ProviderError):
    """The request certainly did not leave."""


class NoAnswer(ProviderError):
    """The request may have arrived; what the service made of it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An error that the service names by a code of the page that was asked."""

    code: int


Answer = dict[str, Any] | list[Any]


class Api:
    """Posts to the pages of one account; who asks holds one of its `places` meanwhile."""

    def __init__(self, settings: SmscRuSettings, *, provider: str, key: str) -> None:
        urls = [settings.url] + ([settings.backup_url] if settings.backup_url else [])
        self._hosts = [str(url).rstrip("/") for url in urls]
        self.places = asyncio.Semaphore(settings.parallel)
        self._avoided: dict[str, float] = {}
        self._rest_s = settings.rest_s
        self._is_let_in = False  # the last answer was none of REFUSES_US
        self._refused_by = 0
        self._no_sending_until = self._no_questions_until = -math.inf
        self._first = asyncio.Lock()
        self._common = {"apikey": key, "fmt": "3", "charset": "utf-8"}
        self._connections = Connections(is_tls=any(url.scheme == "https" for url in urls))
        self._timeout_s = settings.timeout_s
        # Who cannot connect has not sent: there must be time left for the backup.
        self._patience = httpx.Timeout(settings.timeout_s, connect=settings.timeout_s / 3)
        self._log = log.bind(provider=provider)

    async def aclose(self) -> None:
        await self._connections.aclose()

    @asynccontextmanager
    async def alone_at_first(self) -> AsyncIterator[None]:
        """Hold this to ask: until the service has let us in, one at a time."""
        async with nullcontext() if self._is_let_in else self._first:
            if not self._is_let_in:
                yield
                return
        yield

    @property
    def refused_by(self) -> int | None:
        """The error that shut out a request to send, while none may follow."""
        return self._refused_by if time.monotonic() < self._no_sending_until else None

    async def ask(self, page: str, form: Mapping[str, str]) -> Answer | Refusal:
        """What a page answers; NotSent or NoAnswer where there is no answer of the service.

        The backup is asked only where the request certainly did not leave for the main host.
        """
        closed_until = self._no_sending_until if page == SEND else self._no_questions_until
        if time.monotonic() < closed_until:
            raise NotSent(f"smsc.ru is left alone after its error {self._refused_by}")
        form = {**self._common, **form}
        try:
            async with asyncio.timeout(self._timeout_s):
                status, content = await self._post(page, form)
        except NEVER_SENT as error:
            raise NotSent(f"smsc.ru cannot be reached ({type(error).__name__})") from None
        except (TimeoutError, httpx.TransportError) as error:
            raise NoAnswer(f"smsc.ru did not answer ({type(error).__name__})") from None
        answer = _read(status, content)
        self._is_let_in = not (isinstance(answer, Refusal) and answer.code in REFUSES_US)
        if isinstance(answer, Refusal) and not self._is_let_in:
            self._shut_out(page, answer.code)
        return answer

    def _shut_out(self, page: str, code: int) -> None:
        """Ask no more for a while. A key that may not see the balance may still send."""
        self._refused_by = code
        self._no_questions_until = time.monotonic() + self._rest_s
        if page == SEND:
            self._no_sending_until = self._no_questions_until

    async def _post(self, page: str, form: Mapping[str, str]) -> tuple[int, bytes]:
        now = time.monotonic()
        hosts = sorted(self._hosts, key=lambda host: self._avoided.get(host, 0.0) > now)
        for host in hosts:
            request = httpx.Request(
                "POST",
                f"{host}/sys/{page}",
                data=form,
                extensions={"timeout": self._patience.as_dict()},
            )
            try:
                return await self._connections.exchange(request)
            except NEVER_SENT as error:
                self._avoided[host] = time.monotonic() + AVOID_S
                self._log.warning("smsc_ru_host", host=request.url.host, error=type(error).__name__)
                if host == hosts[-1]:
                    raise
        raise AssertionError("there is at least one host")


def _read(status: int, content: bytes) -> Answer | Refusal:
    """The service answers 200 with JSON whatever it says; all else is not its own word."""
    if status != 200:
        raise NoAnswer(f"smsc.ru answered with HTTP status {status}")
    try:
        answer = json.loads(content.decode("utf-8-sig"), parse_float=Decimal)
    except ValueError:
        raise NoAnswer("smsc.ru answered with something unreadable") from None
    if isinstance(answer, list):
        return answer
    if not isinstance(answer, dict):
        raise NoAnswer("smsc.ru answered with something unreadable")
    if "error_code" in answer or "error" in answer:
        code = str(answer.get("error_code", ""))
        return Refusal(code=int(code) if code.isdecimal() and len(code) < 6 else 0)
    return answer
