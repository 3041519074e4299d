"""HTTP services as their documentation describes them, strict about what they accept.

Each takes messages into `taken` and answers in its own words; `violations` are requests that the
documentation does not allow. Moods: well · busy (refuses for now) · silent (takes, never answers) ·
garbled (answers what nobody can read).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from providers.base import ReceiptRequest
from providers.conformance import Report, Taken, callback

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


def _id_of(url: str | None) -> int | None:
    return None if url is None else int(url.rsplit("/", 1)[1])


class SmsAero(Service):
    preset = "sms_aero"
    base = "/v2"
    codes: ClassVar[dict[Report, str]] = {"delivered": "1", "undelivered": "2"}

    def unauthorised(self, asked: Asked) -> Response | None:
        if asked.headers.get("authorization") == BASIC:
            return None
        return JSONResponse({"success": False, "message": "Your request was denied"}, 401)

    def busy(self) -> Response:
        return JSONResponse({"result": "no credits"})

    def routes(self) -> Mapping[str, Callable[[Asked], Response]]:
        return {"/sms/send": self.send, "/sms/status": self.status, "/balance": self.money}

    def send(self, asked: Asked) -> Response:
        given = asked.json(
            needs={"number", "sign", "text"}, may={"callbackUrl", "callbackFormat", "dateSend"}
        )
        if not isinstance(given["number"], int) or not 2 <= len(given["text"]) <= 640:
            raise Violation("number is an int, text has 2 to 640 characters")
        if given["number"] == REFUSED:
            return JSONResponse({"result": "reject", "reason": "number in the black list"})
        url = given.get("callbackUrl")
        book = self.take(msisdn=given["number"], body=given["text"], url=url)
        return JSONResponse(
            {"success": True, "data": self._data(book, 0, "queue"), "message": None}
        )

    def status(self, asked: Asked) -> Response:
        given = asked.json(needs={"id"})
        if not isinstance(given["id"], int):
            raise Violation("id is an int")
        data = self._data(self.book(str(given["id"])), 1, "delivery")
        return JSONResponse({"success": True, "data": data, "message": None})

    def money(self, asked: Asked) -> Response:
        return JSONResponse({"success": True, "data": {"balance": 337.03}, "message": None})

    def calls_back(self, report: Report, book: Book) -> ReceiptRequest | None:
        data = self._data(book, int(self.codes[report]), "delivery")
        return callback(
            method="POST",
            message_id=_id_of(book.url),
            body=json.dumps(data).encode(),
            content_type="application/json",
        )

    @staticmethod
    def _data(book: Book, status: int, extended: str) -> dict[str, Any]:
        return {
            "id": int(book.ref),
            "from": "BANK",
            "number": str(book.msisdn),
            "text": book.body,
            "status": status,
            "extendStatus": extended,
            "channel": "INFO",
            "cost": 2.49,
            "dateCreate": int(time.time()),
            "dateSend": int(time.time()),
            "dateAnswer": int(time.time()),
        }


class SmsRu(Service):
    preset = "sms_ru"
    codes: ClassVar[dict[Report, str]] = {"delivered": "103", "undelivered": "106"}

    def unauthorised(self, asked: Asked) -> Response | None:
        if asked.form().get("api_id") == KEY:
            return None
        return JSONResponse({"status": "ERROR", "status_code": 200, "status_text": "Wrong api_id"})

    def busy(self) -> Response:
        return JSONResponse({"status": "ERROR", "status_code": 220, "status_text": "Unavailable"})

    def routes(self) -> Mapping[str, Callable[[Asked], Response]]:
        return {"/sms/send": self.send, "/sms/status": self.status, "/my/balance": self.money}

    def new_ref(self) -> str:
        return f"202647-{1_000_000 + len(self.books)}"

    def send(self, asked: Asked) -> Response:
        form = asked.form()
        to = {name[3:-1]: text for name, text in form.items() if name.startswith("to[")}
        others = {name for name in form if not name.startswith("to[")}
        if form.get("json") != "1" or not others <= {"api_id", "json", "from", "ttl"}:
            raise Violation(f"fields {sorted(others)}")
        if not 1 <= len(to) <= 100 or not 1 <= int(form.get("ttl", "1")) <= 1440:
            raise Violation("1 to 100 numbers, a ttl of at most a day")
        sms = {number: self._one(int(number), text) for number, text in to.items()}
        return JSONResponse({"status": "OK", "status_code": 100, "sms": sms, "balance": 4122.56})

    def _one(self, msisdn: int, text: str) -> dict[str, Any]:
        if msisdn == REFUSED:
            return {"status": "ERROR", "status_code": 207, "status_text": "No route to it"}
        book = self.take(msisdn=msisdn, body=text)
        return {"status": "OK", "status_code": 100, "sms_id": book.ref}

    def status(self, asked: Asked) -> Response:
        form = asked.form()
        if form.keys() != {"api_id", "json", "sms_id"}:
            raise Violation(f"fields {sorted(form)}")
        known = {book.ref for book in self.books}
        sms = {
            ref: {"status": "OK", "status_code": 103 if ref in known else -1}
            for ref in form["sms_id"].split(",")
        }
        return JSONResponse({"status": "OK", "status_code": 100, "sms": sms})

    def money(self, asked: Asked) -> Response:
        return JSONResponse({"status": "OK", "status_code": 100, "balance": 4122.56})

    def calls_back(self, report: Report, book: Book) -> ReceiptRequest | None:
        items = [
            f"sms_status\n{book.ref}\n{self.codes[report]}\n{int(time.time())}",
            f"callcheck_status\n{book.ref}\n401\n{int(time.time())}",
        ]
        return self._signed(items)

    @staticmethod
    def _signed(items: Sequence[str], key: str = KEY) -> ReceiptRequest:
        form = {f"data[{n}]": item for n, item in enumerate(items)}
        form["hash"] = hashlib.sha256((key + "".join(items)).encode()).hexdigest()
        return callback(method="POST", body=urlencode(form).encode())

    def forgeries(self, request: ReceiptRequest) -> Sequence[ReceiptRequest]:
        fields = dict(parse_qsl(request.body.decode()))
        items = [text for name, text in fields.items() if name.startswith("data[")]
        changed = {**fields, "data[0]": fields["data[0]"].replace("103", "104")}
        unsigned = {name: text for name, text in fields.items() if name != "hash"}
        return [
            callback(method="POST", body=urlencode(changed).encode()),
            callback(method="POST", body=urlencode(unsigned).encode()),
            self._signed(items, "another key"),
        ]


class Exolve(Service):
    preset = "exolve"

    def unauthorised(self, asked: Asked) -> Response | None:
        if asked.headers.get("authorization") == f"Bearer {KEY}":
            return None
        return JSONResponse({"error": {"code": 16, "message": "Unauthenticated"}}, 401)

    def routes(self) -> Mapping[str, Callable[[Asked], Response]]:
        return {"/messaging/v1/SendSMS": self.send, "/finance/v1/GetBalance": self.money}

    def send(self, asked: Asked) -> Response:
        given = asked.json(needs={"number", "destination", "text"})
        if not all(isinstance(value, str) for value in given.values()):
            raise Violation("all are strings")
        if int(given["destination"]) == REFUSED:
            return JSONResponse({"error": {"code": 3, "message": "bad destination"}}, 400)
        book = self.take(msisdn=int(given["destination"]), body=given["text"])
        return JSONResponse({"message_id": book.ref})

    def money(self, asked: Asked) -> Response:
        return JSONResponse({"balance": "812.40"})


class SmsPilot(Service):
    preset = "smspilot"
    codes: ClassVar[dict[Report, str]] = {"delivered": "2", "undelivered": "-1"}

    def unauthorised(self, asked: Asked) -> Response | None:
        if json.loads(asked.body).get("apikey") == KEY:
            return None
        return JSONResponse({"error": {"code": "101", "description": "wrong key"}})

    def busy(self) -> Response:
        return JSONResponse({"error": {"code": "110", "description": "system error"}})

    def routes(self) -> Mapping[str, Callable[[Asked], Response]]:
        return {"/api2.php": self.send}

    def send(self, asked: Asked) -> Response:
        given = asked.json(needs={"apikey", "send"}, may={"from"})
        told = [self._one(one) for one in given["send"]]
        return JSONResponse(
            {"server_packet_id": "1", "balance": "10.1", "cost": "1.8", "send": told}
        )

    def _one(self, one: Any) -> dict[str, Any]:
        keys(one, needs={"id", "to", "text"}, may={"from", "callback", "ttl", "send_datetime"})
        told = {"id": one["id"], "from": "BANK", "to": one["to"], "text": one["text"]}
        if int(one["to"]) == REFUSED:
            return {**told, "server_id": "", "status": "-2", "error": "212"}
        book = self.take(
            msisdn=int(one["to"]), body=one["text"], id=one["id"], url=one.get("callback")
        )
        return {**told, "server_id": book.ref, "parts": 1, "status": "0", "error": "0"}

    def calls_back(self, report: Report, book: Book) -> ReceiptRequest | None:
        query = {"id": book.id or "", "server_id": book.ref, "status": self.codes[report]}
        return callback(urlencode(query).encode(), message_id=_id_of(book.url))


class MtsCommunicator(Service):
    preset = "mts_communicator"
    base = "/http-api/v1"

    def unauthorised(self, asked: Asked) -> Response | None:
        return None if asked.headers.get("authorization") == BASIC else Response(status_code=401)

    def routes(self) -> Mapping[str, Callable[[Asked], Response]]:
        return {"/messages": self.send, "/messages/info": self.info}

    def send(self, asked: Asked) -> Response:
        given = asked.json(needs={"messages"}, may={"options"})
        keys(given.get("options", {}), needs=set(), may={"class", "from"})
        return JSONResponse({"messages": [self._one(one) for one in given["messages"]]})

    def _one(self, one: Any) -> dict[str, Any]:
        keys(one, needs={"content", "from", "to"})
        keys(one["from"], needs={"sms_address"})
        text = keys(one["content"], needs={"short_text"})["short_text"]
        [to] = one["to"]
        keys(to, needs={"msisdn", "message_id"})
        told = {"message_id": to["message_id"], "msisdn": to["msisdn"]}
        if int(to["msisdn"]) == REFUSED:
            return {**told, "error_code": 30, "error_message": "number not served"}
        book = self.take(msisdn=int(to["msisdn"]), body=text, id=to["message_id"])
        return {**told, "internal_id": book.ref, "error_code": 0, "error_message": None}

    def info(self, asked: Asked) -> Response:
        [(which, ids)] = asked.json(needs=set(), may={"int_ids", "msg_ids"}).items()
        wanted = [b for b in self.books if (b.ref if which == "int_ids" else b.id) in ids]
        return JSONResponse({"events_info": [{"events_info": self._events(b)} for b in wanted]})

    @staticmethod
    def _events(book: Book) -> list[dict[str, Any]]:
        return [
            {
                "channel": 1,
                "client_id": 7,
                "destination": str(book.msisdn),
                "naming": "BANK",
                "internal_id": book.ref,
                "message_id": book.id,
                "status": status,
                "total_parts": 1,
                "event_at": f"2026-11-23T10:00:0{n}+03:00",
                "received_at": f"2026-11-23T10:00:0{n}.5+03:00",
            }
            for n, status in ((2, 300), (1, 200))
        ]


class Devino(Service):
    preset = "devino"

    def unauthorised(self, asked: Asked) -> Response | None:
        return None if asked.headers.get("authorization") == f"Key {KEY}" else Response(None, 401)

    def routes(self) -> Mapping[str, Callable[[Asked], Response]]:
        return {
            "/sms/messages": self.send,
            "/billing-api/companies/current/account": self.money,
        }

    def send(self, asked: Asked) -> Response:
        given = asked.json(needs={"messages"})["messages"]
        if not 1 <= len(given) <= 32_000:
            raise Violation("1 to 32,000 messages")
        return JSONResponse({"result": [self._one(one) for one in given]})

    def _one(self, one: Any) -> dict[str, Any]:
        keys(
            one,
            needs={"from", "to", "text"},
            may={"validity", "scheduledTime", "priority", "callbackUrl", "options"},
        )
        if not isinstance(one["validity"], int) or not 0 <= one["validity"] <= 259_200:
            raise Violation("validity is a number of seconds up to 259,200")
        if int(one["to"]) == REFUSED:
            return {"code": "REJECTED", "messageId": None}
        book = self.take(
            msisdn=int(one["to"]),
            body=one["text"],
            id=one["options"]["id"],
            url=one.get("callbackUrl"),
        )
        return {"code": "OK", "messageId": book.ref, "segmentsId": None}

    def money(self, asked: Asked) -> Response:
        if asked.method != "GET":
            raise Violation("GET")
        return JSONResponse({"balance": 99.5})


class Megafon(Service):
    preset = "megafon"

    def unauthorised(self, asked: Asked) -> Response | None:
        return None if asked.headers.get("authorization") == BASIC else Response(status_code=401)

    def routes(self) -> Mapping[str, Callable[[Asked], Response]]:
        return {"/sms/v1/sms": self.send}

    def send(self, asked: Asked) -> Response:
        given = asked.json(needs={"from", "to", "message"}, may={"callback_url"})
        if not isinstance(given["to"], int):
            raise Violation("to is a number")
        if given["to"] == REFUSED:
            status = {"code": 12, "description": "invalid destination"}
            return JSONResponse({"result": {"status": status}})
        book = self.take(msisdn=given["to"], body=given["message"], url=given.get("callback_url"))
        status = {"code": 0, "description": "ok"}
        return JSONResponse({"result": {"msg_id": book.ref, "status": status}})


class Infobip(Service):
    preset = "infobip"
    codes: ClassVar[dict[Report, str]] = {"delivered": "5", "undelivered": "4"}
    PENDING: ClassVar[dict[str, Any]] = {
        "groupId": 1,
        "groupName": "PENDING",
        "id": 26,
        "name": "PENDING_ACCEPTED",
    }

    def unauthorised(self, asked: Asked) -> Response | None:
        return None if asked.headers.get("authorization") == f"App {KEY}" else Response(None, 401)

    def routes(self) -> Mapping[str, Callable[[Asked], Response]]:
        return {"/sms/3/messages": self.send}

    def send(self, asked: Asked) -> Response:
        given = asked.json(needs={"messages"}, may={"options"})["messages"]
        return JSONResponse({"bulkId": "b1", "messages": [self._one(one) for one in given]})

    def _one(self, one: Any) -> dict[str, Any]:
        keys(one, needs={"sender", "destinations", "content"}, may={"options", "webhooks"})
        [to] = one["destinations"]
        keys(to, needs={"to", "messageId"})
        keys(one["content"], needs={"text"})
        validity = keys(one["options"], needs={"validityPeriod"})["validityPeriod"]
        if not isinstance(validity["amount"], int) or validity["timeUnit"] != "MINUTES":
            raise Violation("validity is an amount of minutes")
        told = {"messageId": to["messageId"], "destination": to["to"]}
        if any(book.id == to["messageId"] for book in self.books):
            status = {"groupId": 5, "id": 23, "name": "REJECTED_DUPLICATE_MESSAGE_ID"}
        elif int(to["to"]) == REFUSED:
            status = {"groupId": 5, "id": 6, "name": "REJECTED_NETWORK"}
        else:
            status = self.PENDING
            url = one.get("webhooks", {}).get("delivery", {}).get("url")
            self.take(
                msisdn=int(to["to"]), body=one["content"]["text"], id=to["messageId"], url=url
            )
        return {**told, "status": status, "details": {"messageCount": 1}}

    def calls_back(self, report: Report, book: Book) -> ReceiptRequest | None:
        status = {"groupId": 3, "id": int(self.codes[report]), "name": "SOME_NAME"}
        result = {
            "bulkId": "b1",
            "messageId": book.id,
            "to": str(book.msisdn),
            "status": status,
            "doneAt": "2026-11-23T10:00:00.000+0300",
            "error": {"groupId": 0, "id": 0, "name": "NO"},
        }
        return callback(
            method="POST",
            message_id=_id_of(book.url),
            body=json.dumps({"results": [result]}).encode(),
        )


SERVICES: tuple[type[Service], ...] = (
    SmsAero,
    SmsRu,
    Exolve,
    SmsPilot,
    MtsCommunicator,
    Devino,
    Megafon,
    Infobip,
)
