"""HTTP services as their documentation describes them, strict about what they accept.

Each takes messages into `taken` and answers in its own words; `violations` are requests that the
documentation does not allow. Moods: well · busy (refuses for now) · silent (takes, never answers) ·
garbled (answers what nobody can read).
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from providers.base import ReceiptRequest
from providers.conformance import Report, Taken

Mood = Literal["well", "busy", "silent", "garbled"]
KEY = "k3y"
USER = "me@bank.example"
REFUSED = 79_989_999_999  # the number that no service takes
BASIC = "Basic " + base64.b64encode(f"{USER}:{KEY}".encode()).decode()


class Violation(Exception):
    """A request that the documentation does not allow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request with its body read."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self, *, needs: set[str], may: frozenset[str] | set[str] = frozenset()) -> Any:
        """The body as a JSON object with these keys and no others."""
        if self.headers.get("content-type") != "application/json":
            raise Violation("the body is not declared as JSON")
        return keys(json.loads(self.body), needs=needs, may=may)

    def form(self) -> dict[str, str]:
        """The body as a form; a repeated name is a violation."""
        if self.headers.get("content-type") != "application/x-www-form-urlencoded":
            raise Violation("the body is not declared as a form")
        pairs = parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True)
        if len(dict(pairs)) != len(pairs):
            raise Violation("a field of the form comes twice")
        return dict(pairs)


def keys(value: Any, *, needs: set[str], may: frozenset[str] | set[str] = frozenset()) -> Any:
    """An object with all of these keys and none but those it may have besides."""
    if not isinstance(value, dict) or not needs <= value.keys() <= needs | may:
        raise Violation(f"keys {sorted(value)} where {sorted(needs)} belong")
    return value


@dataclass(slots=True)
class Book:
    """One message taken; `ref` is the service's id, `id` ours where it was told."""

    msisdn: int
    body: str
    ref: str
    id: str | None = None
    url: str | None = None


@dataclass(slots=True)
class Service:
    """Base of the services; `routes` are paths and what answers them."""

    preset: ClassVar[str]
    base: ClassVar[str] = ""  # path in front of all
    codes: ClassVar[dict[Report, str]] = {}
    refs_are_numbers: ClassVar[bool] = False
    mood: Mood = "well"
    books: list[Book] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def routes(self) -> Mapping[str, Callable[[Asked], Response]]:
        raise NotImplementedError

    def unauthorised(self, asked: Asked) -> Response | None:
        """The answer to who shows no right key; None for who does."""
        return None

    def busy(self) -> Response:
        """Refusing for now, in its own words."""
        return Response(status_code=429)

    def calls_back(self, report: Report, book: Book) -> ReceiptRequest | None:
        """What it would call; None where nobody knows."""
        return None

    def forgeries(self, request: ReceiptRequest) -> Sequence[ReceiptRequest]:
        return ()

    @property
    def taken(self) -> list[Taken]:
        return [Taken(msisdn=b.msisdn, body=b.body, name=b.ref) for b in self.books]

    def take(
        self, *, msisdn: int, body: str, id: str | None = None, url: str | None = None
    ) -> Book:
        """Write a message into the books; its text must be there."""
        if not 79_000_000_000 <= msisdn <= 79_999_999_999 or not body:
            raise Violation("no mobile number or no text")
        book = Book(msisdn=msisdn, body=body, ref=self.new_ref(), id=id, url=url)
        self.books.append(book)
        return book

    def new_ref(self) -> str:
        return str(10_000_000 + len(self.books))

    def book(self, ref: str) -> Book:
        """The message of this id of the service."""
        for book in self.books:
            if book.ref == ref:
                return book
        raise Violation(f"a question about {ref}, which nobody took")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        asked = Asked(
            method=request.method,
            path=request.url.path,
            query=dict(parse_qsl(request.url.query, keep_blank_values=True)),
            headers=request.headers,
            body=body,
        )
        response = self._answer(asked)
        if self.mood == "silent":
            while (await receive())["type"] != "http.disconnect":  # noqa: ASYNC110 - a door
                await asyncio.sleep(0)
            return
        await response(scope, receive, send)

    def _answer(self, asked: Asked) -> Response:
        if self.mood == "garbled":
            return PlainTextResponse("<html>Bad gateway of some proxy</html>", status_code=502)
        if self.mood == "busy":
            return self.busy()
        answer = self.routes().get(asked.path.removeprefix(self.base))
        if answer is None or not asked.path.startswith(self.base):
            self.violations.append(f"no such path: {asked.path}")
            return Response(status_code=404)
        try:
            return self.unauthorised(asked) or answer(asked)
        except (Violation, ValueError, KeyError, TypeError) as error:
            self.violations.append(f"{asked.path}: {type(error).__name__}: {error}")
            return Response(status_code=400)


def id_of(url: str | None) -> int | None:
    """Our message id, from the callback URL we gave for that message."""
    return None if url is None else int(url.rsplit("/", 1)[1])
