"""MTS Communicator, Devino, MegaFon and Infobip, as their documentation describes them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

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
            message_id=id_of(book.url),
            body=json.dumps({"results": [result]}).encode(),
        )
