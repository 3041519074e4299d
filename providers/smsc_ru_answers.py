"""What smsc.ru says about messages: to a request, to a question, and its codes as data.

What each code means for people stands in sms.receipt_code and sms.receipt_error, where it can be
corrected; here is only what a program has to do about it at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from providers.base import Accepted, Message, Receipt, Rejected, Result, Uncertain
from providers.smsc_ru_api import Answer, Refusal
from providers.smsc_ru_requests import Request, make_key

# --- errors of send.php --------------------------------------------------------------------------

Duty = Literal["reject", "rest", "wait_for_money", "doubt"]

# 2, 3 and 4 are about the account: nothing was taken. 9 may follow a first request that arrived.
SEND_ERRORS: Mapping[int, Duty] = {
    1: "reject",
    2: "rest",
    3: "wait_for_money",
    4: "rest",
    5: "reject",
    6: "reject",
    7: "reject",
    8: "reject",
    9: "doubt",
}


# The same, of one number in an answer to a request that was taken.
DOUBTFUL = {"send/2", "send/4", "send/9"}

MEANINGS: Mapping[int, str] = {
    1: "an error in the parameters",
    2: "the key or our address was refused",
    3: "not enough money",
    4: "our address is blocked for a while",
    5: "a wrong date",
    6: "the text or the sender is forbidden",
    7: "a wrong number",
    8: "the number cannot be reached",
    9: "a repeated request, or too many at once",
}


def duty(refusal: Refusal) -> Duty:
    """What an error of send.php asks for; one that nobody documented is doubt."""
    return SEND_ERRORS.get(refusal.code, "doubt")


def say(code: int) -> str:
    """An error in our own words: the service's may quote a number or a text."""
    return f"smsc.ru: error {code}, {MEANINGS.get(code, 'undocumented')}"


# --- statuses of messages ------------------------------------------------------------------------

NOT_FOUND = "-3"
FAILED = {"3", "6", "20", "22", "23", "24", "25"}
FINAL = {"1", "2", "4"} | FAILED
NO_MONEY = "24"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One row of status.php."""

    code: str
    error: str | None
    at: datetime | None
    raw: str

    def receipt(self, message_id: int, key: str) -> Receipt:
        """The same, as if a callback had brought it."""
        return Receipt(
            message_id=message_id,
            ref=key,
            code=self.code,
            error=self.error,
            occurred_at=self.at,
            raw=self.raw,
        )


def read_statuses(answer: Answer, asked: Sequence[tuple[str, str]]) -> dict[str, Status]:
    """Rows of status.php by our key; `asked` are the pairs of id and phone of the question."""
    if isinstance(answer, dict):
        answer = [{"id": asked[0][0], "phone": asked[0][1], **answer}] if len(asked) == 1 else []
    rows: dict[str, Status] = {}
    for row in answer:
        if isinstance(row, dict) and (code := _code(row.get("status"))) is not None:
            key = make_key(str(row.get("id", "")), _digits(row.get("phone")))
            said = f"status={code}&err={row.get('err', '')}&ts={row.get('last_timestamp', '')}"
            rows[key] = Status(
                code=code,
                error=error_of(row.get("err")),
                at=moment(row.get("last_timestamp")),
                raw=said[:200],
            )
    return rows


def error_of(value: object) -> str | None:
    """An err code as text; None for 0, which means none."""
    text = str(value or "").strip()[:100]
    return None if text in ("", "0") else text


def moment(seconds: object) -> datetime | None:
    """A UNIX time as the service writes it."""
    text = str(seconds)
    if not (text.isascii() and text.isdecimal() and 0 < len(text) < 12):
        return None
    return datetime.fromtimestamp(int(text), UTC)


# --- the answer to a request ---------------------------------------------------------------------


def read_results(request: Request, answer: Answer) -> tuple[list[Result], list[Message]]:
    """The result of each message, and apart from them those that there was no money for."""
    if not isinstance(answer, dict) or "id" not in answer:
        said = "smsc.ru answered without an id"
        return [Uncertain(id=message.id, detail=said) for message in request.messages], []
    results: list[Result] = []
    unpaid: list[Message] = []
    details = _by_phone(answer)
    for message in request.messages:
        detail = _detail(request, answer, details, message)
        if detail is None:
            results.append(Uncertain(id=message.id, detail="smsc.ru did not mention the phone"))
        elif (trouble := _trouble(detail)) is None:
            results.append(_accepted(request, answer, detail, message))
        elif trouble in ("send/3", f"status/{NO_MONEY}"):
            unpaid.append(message)
        elif trouble in DOUBTFUL:
            results.append(Uncertain(id=message.id, detail=f"smsc.ru: {trouble} for the number"))
        else:
            results.append(Rejected(id=message.id, detail=trouble))
    return results, unpaid


def _by_phone(answer: dict[str, Any]) -> dict[str, dict[str, Any]] | None:
    """What the answer says about each phone; None where it says nothing about any."""
    phones = answer.get("phones")
    if not isinstance(phones, list):
        return None
    return {_digits(row.get("phone")): row for row in phones if isinstance(row, dict)}


def _detail(
    request: Request,
    answer: dict[str, Any],
    details: dict[str, dict[str, Any]] | None,
    message: Message,
) -> dict[str, Any] | None:
    """What is said about one message; None where others are mentioned and it is not."""
    if details is None:
        alone = len(request.messages) == 1 and "cost" in answer
        return {"cost": answer["cost"]} if alone else {}
    return details.get(str(message.msisdn))


def _trouble(detail: Mapping[str, Any]) -> str | None:
    """The error of one phone, as sms.receipt_error knows it; None for a message that was taken."""
    status = _code(detail.get("status"))
    if status == NO_MONEY:
        return f"status/{status}"
    error = error_of(detail.get("error"))
    if error is not None:
        return f"send/{error}" if error.isdecimal() and int(error) in SEND_ERRORS else error
    return f"status/{status}" if status in FAILED else None


def _accepted(
    request: Request, answer: dict[str, Any], detail: Mapping[str, Any], message: Message
) -> Accepted:
    given = str(answer["id"])
    parts = answer.get("cnt") if len(request.messages) == 1 else None
    return Accepted(
        id=message.id,
        # It keeps our id; should it ever give its own, its callbacks will say that.
        refs=() if given == request.batch_id else (make_key(given, message.msisdn),),
        segments=parts if isinstance(parts, int) and 0 < parts < 256 else None,
        cost=money(detail.get("cost")),
    )


def money(value: object) -> Decimal | None:
    """An amount, which comes as a string or as a number."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def _code(value: object) -> str | None:
    """A status code as text; None where there is none."""
    text = str(value).strip()
    return text if text.removeprefix("-").isdecimal() and len(text) < 6 else None


def _digits(phone: object) -> str:
    return str(phone or "").strip().removeprefix("+")
