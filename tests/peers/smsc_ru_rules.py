"""What smsc.ru takes and what it answers, by its documentation; the clock is the caller's.

Strict: what the documentation does not know is refused and kept in `offences`, which a test holds
to be empty.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from outbox.text import encode

KNOWN = {
    "send.php": {
        *("apikey", "login", "psw", "fmt", "charset", "phones", "mes", "list", "nl", "id"),
        *("sender", "translit", "tinyurl", "time", "tz", "period", "freq", "flash", "bin", "push"),
        *("hlr", "ping", "mms", "mail", "soc", "viber", "whatsapp", "tg", "call", "bot", "fileurl"),
        *("subj", "voice", "param", "smsreq", "cost", "valid", "maxsms", "imgcode", "userip"),
        *("err", "op", "pp"),
    },
    "status.php": {"apikey", "login", "psw", "fmt", "charset", "phone", "id", "all", "del"},
    "balance.php": {"apikey", "login", "psw", "fmt", "charset", "cur"},
}
ERRORS = {
    1: "parameters error",
    2: "authorise error",
    3: "not enough money",
    4: "ip is blocked",
    5: "wrong date format",
    6: "message is denied",
    7: "invalid number",
    8: "message cannot be delivered",
    9: "duplicate request, wait a minute",
}
WITH_ID = {3, 6, 7, 8}
PHONE = re.compile(r"\+?[1-9][0-9]{9,14}")
BATCH_ID = re.compile(r"[A-Za-z0-9._-]{1,40}")
SENDER = re.compile(r"[0-9]{1,15}|[^|,:\n]{1,11}")
LINE = re.compile(r"(?:(?P<sender>[^|,:]*)(?:,(?P<tz>-?[0-9]+))?\|)?(?P<phone>[^:]+):(?P<text>.*)")
COMMENT = "\n~~~\n"


class Offence(Exception):
    """The request is not what the documentation describes."""


@dataclass(slots=True, kw_only=True)
class Sms:
    """One message that was taken: what the phone shows, and how it ends."""

    batch_id: str
    phone: str
    text: str
    sender: str | None
    at: float
    valid_h: int
    cost: Decimal
    outcome: tuple[int, int] = (1, 0)  # status and err when it is over

    def status(self, now: float, after_s: float) -> tuple[int, int]:
        """Status and err at a moment."""
        return self.outcome if now - self.at >= after_s else (0, 0)


@dataclass(slots=True, kw_only=True)
class Terms:
    """The account and the service, as a test wants them."""

    key: str = "s3cret-key"
    senders: tuple[str, ...] = ("BANK", "SHOP", "79430000000")
    minute_s: float = 60.0
    parallel: int = 15  # simultaneous requests that are too many
    price: Decimal = Decimal("1.40")
    balance: Decimal = Decimal("100000")
    credit: Decimal | None = None
    delivery_s: float = 0.05
    outcomes: dict[str, tuple[int, int]] = field(default_factory=dict)  # by the phone's last digits
    bad_phones: set[str] = field(default_factory=set)  # refused one by one
    poison_phones: set[str] = field(default_factory=set)  # spoil their whole request
    keeps_ids: bool = True  # False: it answers with an id of its own


class Rules:
    """One account at the service."""

    def __init__(self, terms: Terms, *, clock: Callable[[], float], taken: Callable[[Sms], None]):
        self.terms = terms
        self.sent: dict[tuple[str, str], Sms] = {}
        self.unpaid: set[tuple[str, str]] = set()
        self.offences: list[str] = []
        self.errors: Counter[int] = Counter()
        self.asked: Counter[str] = Counter()
        self.under_way = 0
        self.most_under_way = 0
        self._clock = clock
        self._taken = taken
        self._recent: dict[str, float] = {}
        self._failed_logins: deque[float] = deque()
        self._errors_in_a_row: deque[float] = deque()
        self._blocked_until = 0.0
        self._mass_question_at = -1e9
        self._questions: dict[tuple[str, str], deque[float]] = {}
        self._own_ids = 1000

    def answer(self, page: str, form: Mapping[str, str]) -> Any:
        """The JSON answer of a page."""
        self.asked[page] += 1
        try:
            if page not in KNOWN:
                raise Offence(f"there is no page {page}")
            self._check_common(page, form)
            if (code := self._guard(form)) is not None:
                return self._error(code)
            return {
                "send.php": self._send,
                "status.php": self._status,
                "balance.php": self._balance,
            }[page](form)
        except Offence as offence:
            self.offences.append(f"{page}: {offence}")
            return self._error(1)

    def enter(self) -> None:
        """A request came; whoever sees it off takes one from `under_way`."""
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)

    # --- every page ------------------------------------------------------------------------------

    def _check_common(self, page: str, form: Mapping[str, str]) -> None:
        if unknown := set(form) - KNOWN[page]:
            raise Offence(f"unknown parameters {sorted(unknown)}")
        if form.get("fmt") != "3":
            raise Offence("fmt is not 3")
        if form.get("charset") != "utf-8":
            raise Offence("charset is not utf-8")

    def _guard(self, form: Mapping[str, str]) -> int | None:
        """Errors before anything is looked at: blocked, a wrong key, too many at once."""
        now, minute = self._clock(), self.terms.minute_s
        if now < self._blocked_until:
            return 4
        if form.get("apikey") != self.terms.key:
            self._failed_logins.append(now)
            while self._failed_logins[0] < now - 30 * minute:
                self._failed_logins.popleft()
            if len(self._failed_logins) >= 5:
                self._blocked_until = now + 30 * minute
            return 2
        return 9 if self.under_way >= self.terms.parallel else None

    def _error(self, code: int, batch_id: str | None = None) -> dict[str, object]:
        self.errors[code] += 1
        answer: dict[str, object] = {"error": ERRORS[code], "error_code": code}
        return answer | ({"id": batch_id} if code in WITH_ID and batch_id else {})

    # --- send.php --------------------------------------------------------------------------------

    def _send(self, form: Mapping[str, str]) -> object:
        items = list(_items(form))
        self._check_send(form, items)
        batch_id = form.get("id") or self._next_id()
        if not self.terms.keeps_ids:
            batch_id = self._next_id()
        if (code := self._refusal(form, items)) is not None:
            self._count_error()
            if code == 3:
                self.unpaid |= {(batch_id, phone) for phone, _, _ in items}
            return self._error(code, batch_id)
        self._errors_in_a_row.clear()
        if form.get("cost") == "1":
            parts = sum(encode(text).segments for _, text, _ in items)
            return {"cost": str(self._cost_of(items)), "cnt": parts}
        return self._take(form, batch_id, items)

    def _check_send(
        self, form: Mapping[str, str], items: list[tuple[str, str, str | None]]
    ) -> None:
        if (batch_id := form.get("id")) is not None and not _is_id(batch_id):
            raise Offence("id is neither an integer nor at most 40 Latin letters, digits, . - _")
        if form.get("cost", "0") not in ("0", "1", "2", "3") or form.get("op", "0") not in "01":
            raise Offence("cost is 0 to 3, op is 0 or 1")
        if not (form.get("valid", "24").isdecimal() and 1 <= int(form.get("valid", "24")) <= 24):
            raise Offence("valid is 1 to 24 hours")
        phones = [phone for phone, _, _ in items]
        if len(set(phones)) < len(phones):
            raise Offence("a phone stands twice in a request")
        for phone, text, sender in items:
            if not text or len(text) > 1000:
                raise Offence("mes has 1 to 1000 characters")
            if sender is not None and not SENDER.fullmatch(sender):
                raise Offence("sender has at most 11 characters or 15 digits")
            if batch_id is not None and (batch_id, phone) in self.sent:
                raise Offence("this pair of id and phone was sent before")

    def _refusal(
        self, form: Mapping[str, str], items: list[tuple[str, str, str | None]]
    ) -> int | None:
        """The error for the whole request, if there is one."""
        if self._is_repeated(form):
            return 9
        if any(phone in self.terms.poison_phones for phone, _, _ in items):
            return 1
        if any(sender not in (None, *self.terms.senders) for _, _, sender in items):
            return 6
        if all(phone in self.terms.bad_phones for phone, _, _ in items):
            return 7
        return 3 if self._cost_of(items) > self.terms.balance + (self.terms.credit or 0) else None

    def _is_repeated(self, form: Mapping[str, str]) -> bool:
        """Whether the same was asked within a minute. That an id makes a difference is nowhere
        said, so it makes none here."""
        same = sorted((name, value) for name, value in form.items() if name != "id")
        mark = hashlib.sha256(repr(same).encode()).hexdigest()
        now = self._clock()
        before = self._recent.get(mark, -1e9)
        self._recent[mark] = now
        return now - before < self.terms.minute_s

    def _count_error(self) -> None:
        """A hundred errors in a row within ten minutes block the address for ten."""
        now, minute = self._clock(), self.terms.minute_s
        self._errors_in_a_row.append(now)
        while self._errors_in_a_row[0] < now - 10 * minute:
            self._errors_in_a_row.popleft()
        if len(self._errors_in_a_row) >= 100:
            self._blocked_until = now + 10 * minute

    def _cost_of(self, items: list[tuple[str, str, str | None]]) -> Decimal:
        good = [text for phone, text, _ in items if phone not in self.terms.bad_phones]
        return sum((self._price(text) for text in good), Decimal(0))

    def _price(self, text: str) -> Decimal:
        return self.terms.price * encode(text).segments

    def _take(
        self, form: Mapping[str, str], batch_id: str, items: list[tuple[str, str, str | None]]
    ) -> dict[str, object]:
        rows: list[dict[str, object]] = []
        parts = 0
        cost = Decimal(0)
        for phone, text, sender in items:
            if phone in self.terms.bad_phones:
                rows.append({"phone": phone, "status": "22", "error": "249"})
                continue
            price = self._price(text)
            parts += encode(text).segments
            cost += price
            rows.append({"phone": phone, "mccmnc": "25001", "cost": str(price)})
            self._keep(form, batch_id, phone, text, sender)
        self.terms.balance -= cost
        answer: dict[str, object] = {"id": batch_id, "cnt": parts}
        if (told := int(form.get("cost", "0"))) >= 2:
            answer["cost"] = str(cost)
        if told == 3:
            answer["balance"] = str(self.terms.balance)
        return answer | ({"phones": rows} if form.get("op") == "1" else {})

    def _keep(
        self, form: Mapping[str, str], batch_id: str, phone: str, text: str, sender: str | None
    ) -> None:
        ends = [end for digits, end in self.terms.outcomes.items() if phone.endswith(digits)]
        sms = Sms(
            batch_id=batch_id,
            phone=phone,
            text=text.split(COMMENT)[0],
            sender=sender,
            at=self._clock(),
            valid_h=int(form.get("valid", "24")),
            cost=self._price(text),
            outcome=ends[0] if ends else (1, 0),
        )
        self.sent[batch_id, phone] = sms
        self._taken(sms)

    def _next_id(self) -> str:
        self._own_ids += 1
        return str(self._own_ids)

    # --- status.php and balance.php --------------------------------------------------------------

    def _status(self, form: Mapping[str, str]) -> object:
        is_mass = "," in form.get("id", "")
        ids, phones = (
            [part for part in form.get(n, "").split(",") if part] for n in ("id", "phone")
        )
        if not ids or len(ids) != len(phones):
            raise Offence("id and phone are lists of one length")
        if self._is_asked_too_often(is_mass, list(zip(ids, phones, strict=True))):
            return self._error(9)
        rows = [self._row(*pair) for pair in zip(ids, phones, strict=True)]
        return rows if is_mass else {k: v for k, v in rows[0].items() if k not in ("id", "phone")}

    def _is_asked_too_often(self, is_mass: bool, pairs: list[tuple[str, str]]) -> bool:
        now, minute = self._clock(), self.terms.minute_s
        if is_mass:
            before, self._mass_question_at = self._mass_question_at, now
            return now - before < minute
        asked = self._questions.setdefault(pairs[0], deque())
        asked.append(now)
        while asked[0] < now - minute:
            asked.popleft()
        return len(asked) > 5

    def _row(self, batch_id: str, phone: str) -> dict[str, object]:
        now = self._clock()
        pair = (batch_id, phone.removeprefix("+"))
        if pair in self.unpaid:
            status, error = 24, 0
        elif (sms := self.sent.get(pair)) is None:
            status, error = -3, 0
        else:
            status, error = sms.status(now, self.terms.delivery_s)
        return {
            "status": status,
            "last_date": "17.03.2023 16:47:56",
            "last_timestamp": 1679060876,
            "flag": 0,
            "err": error,
            "id": int(batch_id) if batch_id.isdecimal() else batch_id,
            "phone": phone.removeprefix("+"),
        }

    def _balance(self, form: Mapping[str, str]) -> dict[str, object]:
        answer: dict[str, object] = {"balance": str(self.terms.balance)}
        if self.terms.credit is not None:
            answer["credit"] = str(self.terms.credit)
        return answer | ({"currency": "RUR"} if form.get("cur") == "1" else {})


def _is_id(batch_id: str) -> bool:
    if batch_id.isdecimal():
        return 1 <= int(batch_id) <= 2_147_483_647
    return BATCH_ID.fullmatch(batch_id) is not None


def _items(form: Mapping[str, str]) -> Iterator[tuple[str, str, str | None]]:
    """Phone (digits), text and sender of each message of a request."""
    common = form.get("sender") or None
    if ("list" in form) == ("phones" in form and "mes" in form):
        raise Offence("a request has either list or phones and mes")
    if "mes" in form:
        for phone in re.split("[,;]", form["phones"]):
            yield _digits(phone), form["mes"], common
        return
    for line in form["list"].split("\n"):
        if (found := LINE.fullmatch(line)) is None:
            raise Offence("a line of list is sender[,tz]|phones:text")
        for phone in re.split("[,;]", found["phone"]):
            yield _digits(phone), found["text"].replace("\\n", "\n"), found["sender"] or common


def _digits(phone: str) -> str:
    if not PHONE.fullmatch(phone):
        raise Offence("a phone is not in international format")
    return phone.removeprefix("+")
