"""SMS Aero, sms.ru, Exolve and SMSPilot, as their documentation describes them."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

from starlette.responses import JSONResponse, Response

from providers.base import ReceiptRequest
from providers.conformance import Report, callback
from tests.peers.http_service import (
    BASIC,
    KEY,
    REFUSED,
    Asked,
    Book,
    Service,
    Violation,
    id_of,
    keys,
)


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
            message_id=id_of(book.url),
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
        return callback(urlencode(query).encode(), message_id=id_of(book.url))
