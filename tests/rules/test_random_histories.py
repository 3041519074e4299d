"""Random histories: after each claim the database's verdicts are those of a slow, plain model."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any, LiteralString

import pytest
from psycopg import AsyncConnection, sql

from tests.support.clock import DAY, HOUR, MINUTE, NOON
from tests.support.factory import (
    add_group,
    add_range,
    add_template,
    change_channel,
    claim,
    insert,
    make_provider,
    mark,
    number,
    rows,
    settle,
    value,
)
from tests.support.rule_model import Contact, Message, Rule, World

HISTORIES, TOGETHER, ROUNDS = 240, 30, 8
NOTHING = timedelta(0)
CHANNELS = ("single", "mass", "planned", "collection", "reply")
CATEGORIES = ("transactional", "service", "advertising", "collection")
SPREAD_OUT = "Kaliningrad to Omsk"
ZONES = {
    "Europe/Moscow": ("Europe/Moscow",),
    "Asia/Vladivostok": ("Asia/Vladivostok",),
    SPREAD_OUT: ("Europe/Kaliningrad", "Asia/Omsk"),
}
NUMBERS = {1: "Europe/Moscow", 2: "Europe/Moscow", 3: "Asia/Vladivostok", 4: SPREAD_OUT, 5: None}
CLIENTS = (None, 1, 2, 3)
AT_HOME = {3: "Asia/Vladivostok"}  # what the ERP knows of its clients
RESULTS = ("accepted",) * 4 + ("uncertain", "rejected", "retry", "throttled", "released")


@pytest.fixture
async def stage(dsn: str) -> AsyncIterator[AsyncConnection]:
    """Numbers, zones, templates and campaigns; each history is rolled back to here."""
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        await make_provider(conn)
        await conn.execute(
            "insert into sms.time_zone (name, members) values (%s, %s)",
            [SPREAD_OUT, list(ZONES[SPREAD_OUT])],
        )
        for n, zone in NUMBERS.items():
            if zone:
                await add_range(conn, number(n), zone=zone)
        for client_id, zone in AT_HOME.items():
            await conn.execute(
                "insert into sms.client_zone (client_id, zone_id)"
                " select %s, zone_id from sms.time_zone where name = %s",
                [client_id, zone],
            )
        await add_template(conn, "due", "Pay {{sum}}")
        await add_group(conn, "staff", msisdn=[number(1)], client_id=[2])
        await add_group(conn, "debtors", client_id=[1, 3])
        await conn.execute("insert into sms.campaign (campaign_id, campaign) values (1, 'one')")
        yield conn


class History:
    """One random life of rules and messages, in the database and in the model at once."""

    def __init__(self, conn: AsyncConnection, seed: int) -> None:
        self.conn = conn
        self.chance = random.Random(seed)
        self.now: datetime = NOON - DAY * self.chance.randrange(8) + MINUTE * seed
        self.world = World(channels={})
        self.requests: dict[int, dict[str, Any]] = {}
        self.marked: set[tuple[int, int]] = set()  # claims and what they began to hand over
        self.seen: Counter[str] = Counter()

    def maybe(self, likelihood: float) -> bool:
        return self.chance.random() < likelihood

    async def live(self) -> None:
        """Rules first, then rounds of changes, requests, claims and answers; books at the end."""
        await self._set_rules()
        for _ in range(ROUNDS):
            self.now += self.chance.choice([NOTHING, MINUTE, HOUR, 5 * HOUR, 11 * HOUR, DAY])
            await self._change_a_rule()
            await self._request()
            await self._claim()
            for _ in range(2):
                await self._happen()
        await self._check_books()

    # ------------------------------------------------------------------ rules

    async def _set_rules(self) -> None:
        conn, chance, world = self.conn, self.chance, self.world
        for table in ("cap", "quiet_hours"):
            await conn.execute(sql.SQL("delete from sms.{}").format(sql.Identifier(table)))
        for channel in CHANNELS:
            await self._set_channel(channel)
        await self._add("cap", [self._cap() for _ in range(chance.randrange(5))], world.caps)
        windows = [self._window() for _ in range(chance.choice([0, 1, 1, 2, 4]))]
        await self._add("quiet_hours", windows, world.quiet_hours)
        await self._add("blacklist", [self._ban() for _ in range(2)], world.blacklist)
        await self._add("consent", [self._consent() for _ in range(6)], world.consents)
        if self.maybe(0.3):
            day, kind = (self.now + DAY).date(), chance.choice(["off", "working"])
            await insert(conn, "holiday", day=day, kind=kind)
            world.holidays[day] = kind
        world.holdout[1] = chance.choice([0, 30])
        await conn.execute("update sms.campaign set holdout_percent = %s", [world.holdout[1]])
        people = [number(n) for n in NUMBERS] + [c for c in CLIENTS if c]
        for person in people:
            drawn = await value(conn, "select sms.holdout_draw(1, %s, 0)", person)
            world.draws[1, person] = drawn
        for member in await rows(conn, "select * from sms.recipient_group_member"):
            world.members.append(member)

    async def _set_channel(self, channel: str) -> None:
        chance = self.chance
        columns: Rule = {
            "dedup_window": chance.choice([NOTHING, HOUR, DAY]),
            "dedup_by": chance.choice(["text", "text", "text_in_channel", "template"]),
            "needs_consent": self.maybe(0.2),
            "opening_spread": chance.choice([NOTHING, 30 * MINUTE]),
            "validity": chance.choice([6 * HOUR, DAY, 3 * DAY]),
            "max_attempts": chance.choice([1, 3]),
            "time_zone": chance.choice([None, "Europe/Moscow"]),
        }
        await change_channel(self.conn, channel, **columns)
        (found,) = await rows(self.conn, "select * from sms.channel where channel = %s", channel)
        self.world.channels[channel] = found

    async def _add(self, table: LiteralString, made: Sequence[Rule], into: list[Rule]) -> None:
        """Write these rows of a rule table, and keep them as the model takes them."""
        for columns in made:
            key = await insert(self.conn, table, **columns)
            into.append({**columns, "key": key})

    def _scope(self) -> Rule:
        chance = self.chance
        channel = chance.choice(CHANNELS) if self.maybe(0.3) else None
        category = chance.choice(CATEGORIES) if self.maybe(0.3) else None
        return {"channel": channel, "category": category}

    def _cap(self) -> Rule:
        chance = self.chance
        period = chance.choice(["day", "week", "month", "rolling"])
        span = chance.choice([HOUR, 6 * HOUR, 2 * DAY]) if period == "rolling" else None
        return {
            **self._scope(),
            "per": chance.choice(["number", "client"]),
            "period": period,
            "span": span,
            "max_messages": chance.choice([0, 1, 1, 2, 2, 3, 5]),
        }

    def _window(self) -> Rule:
        chance = self.chance
        begins, ends = chance.sample(range(48), 2)
        kinds: Rule = {"iso_weekday": None, "day_kind": None}
        kinds |= chance.choice(
            [
                {},
                {"iso_weekday": chance.randint(1, 7)},
                {"day_kind": "off"},
                {"day_kind": "working"},
            ]
        )
        return {
            **kinds,
            "category": chance.choice(CATEGORIES),
            "quiet_from": time(begins // 2, begins % 2 * 30),
            "quiet_until": time(ends // 2, ends % 2 * 30),
        }

    def _ban(self) -> Rule:
        chance = self.chance
        whom: Rule = {"msisdn": None, "prefix": None, "group_id": None}
        whom |= chance.choice(
            [
                {"msisdn": number(chance.choice(list(NUMBERS)))},
                {"prefix": str(number(chance.choice(list(NUMBERS))))[: chance.randint(10, 11)]},
                {"group_id": chance.randint(1, 2)},
            ]
        )
        return {
            **whom,
            **self._scope(),
            "reason": "chance",
            "source": chance.choice(["manual", "opt_out"]),
            "expires_at": chance.choice([None, self.now + 3 * HOUR, self.now + DAY]),
        }

    def _consent(self) -> Rule:
        chance = self.chance
        client_id = chance.choice(CLIENTS)
        begins = self.now + chance.choice([-2 * DAY, HOUR])
        return {
            "msisdn": number(chance.choice(list(NUMBERS))) if client_id is None else None,
            "client_id": client_id,
            "category": chance.choice(CATEGORIES),
            "proof": "chance",
            "valid_from": begins,
            "valid_until": chance.choice([None, None, begins + DAY]),
            "withdrawn_at": None,
        }

    async def _change_a_rule(self) -> None:
        """People change their minds while messages wait."""
        chance, world = self.chance, self.world
        if self.maybe(0.3):
            await self._add("blacklist", [self._ban()], world.blacklist)
        if world.blacklist and self.maybe(0.2):
            gone = world.blacklist.pop(chance.randrange(len(world.blacklist)))
            await self._delete("blacklist", "blacklist_id", gone)
        if self.maybe(0.15):
            await self._add("cap", [self._cap()], world.caps)
        if world.caps and self.maybe(0.15):
            await self._delete("cap", "cap_id", world.caps.pop())
        if self.maybe(0.2):
            row = chance.choice(world.consents)
            if row["withdrawn_at"] is None:
                row["withdrawn_at"] = self.now
                await self.conn.execute(
                    "update sms.consent set withdrawn_at = %s where consent_id = %s",
                    [self.now, row["key"]],
                )
        if self.maybe(0.2):
            await self._set_channel(chance.choice(CHANNELS))

    async def _delete(self, table: str, key: str, row: Rule) -> None:
        statement = sql.SQL("delete from sms.{} where {} = %s")
        names = sql.Identifier(table), sql.Identifier(key)
        await self.conn.execute(statement.format(*names), [row["key"]])

    # --------------------------------------------------------------- messages

    async def _request(self) -> None:
        """A few requests in one statement; the model reads them without looking at the answer."""
        wanted = [self._draw_request() for _ in range(self.chance.randint(3, 10))]
        found = await rows(
            self.conn,
            """
            insert into sms.outbox (channel, phone, body, template, vars, erp_ref, client_id,
                                    not_before, expires_at, time_zone, campaign_id)
            select r.channel, r.phone, r.body, r.template, r.vars, r.erp_ref, r.client_id,
                   r.not_before, r.expires_at, r.time_zone, r.campaign_id
              from jsonb_populate_recordset(null::sms.outbox, %s) with ordinality as r
             order by r.ordinality
         returning id
            """,
            json.dumps(wanted, default=str),
        )
        for message_id, request in zip(sorted(row["id"] for row in found), wanted, strict=True):
            self.requests[message_id] = request
            self.world.messages[message_id] = self._read(message_id, request)

    def _draw_request(self) -> dict[str, Any]:
        chance = self.chance
        not_before = self.now + chance.choice([NOTHING, NOTHING, -MINUTE, 2 * HOUR, DAY])
        text: dict[str, Any] = {"body": chance.choice(["a", "b"])}
        if self.maybe(0.4):
            text = {"template": "due", "vars": {"sum": chance.choice("12")}}
        return {
            **text,
            "channel": chance.choice(CHANNELS),
            "phone": str(number(chance.choice(list(NUMBERS)))),
            "client_id": chance.choice(CLIENTS),
            "erp_ref": f"ref {chance.randrange(12)}" if self.maybe(0.2) else None,
            "not_before": not_before,
            "expires_at": not_before + 7 * HOUR if self.maybe(0.2) else None,
            "time_zone": "Europe/Moscow" if self.maybe(0.1) else None,
            "campaign_id": 1 if self.maybe(0.3) else None,
        }

    def _read(self, message_id: int, request: Mapping[str, Any]) -> Message:
        channel = self.world.channels[request["channel"]]
        zone = (
            request["time_zone"]
            or AT_HOME.get(request["client_id"])
            or NUMBERS[int(request["phone"]) - number(0)]
            or channel["time_zone"]
        )
        by = channel["dedup_by"]
        key: tuple[Any, ...] = ("text", request.get("body"))
        if "template" in request:
            values = () if by == "template" else tuple(request["vars"].items())
            key = ("template", by == "template", values)
        if by == "text_in_channel":
            key = (*key, request["channel"])
        return Message(
            id=message_id,
            msisdn=int(request["phone"]),
            channel=request["channel"],
            client_id=request["client_id"],
            campaign_id=request["campaign_id"],
            erp_ref=request["erp_ref"],
            key=key,
            zone=zone or "unknown",
            zones=ZONES[zone] if zone else RUSSIA,
            priority=channel["priority"],
            not_before=request["not_before"],
            expires_at=request["expires_at"] or request["not_before"] + channel["validity"],
        )

    # ------------------------------------------------------------------ claims

    async def _claim(self) -> None:
        """Claim everything that is due, again and again, and compare each verdict."""
        while batch := self.world.due(self.now):
            expected = self.world.judge(batch, self.now)
            claimed = await claim(self.conn, as_of=self.now)
            there = await self._look()
            for message in batch:
                self._compare(message, expected[message.id], there[message.id])
                self._follow(message, claimed.claim_id, there[message.id])
            sent = {id for id, said in expected.items() if said.verdict == "send"}
            assert set(claimed.ids) == sent
            judged = sum(said.verdict != "wait" for said in expected.values())
            assert claimed.judged == judged
            assert judged, "rows wait for rows that wait"

    async def _look(self) -> dict[int, Rule]:
        found = await rows(self.conn, "select id, state, reason, not_before from sms.message")
        return {row["id"]: row for row in found}

    def _compare(self, message: Message, said: Any, there: Rule) -> None:
        self.seen[f"{said.verdict} {said.reason}"] += 1
        state = {"send": "inflight", "suppress": "suppressed"}.get(said.verdict, "pending")
        got = (there["state"], there["reason"])
        facts = f"{message} at {self.now}: model {said}, database {there}; {self.world}"
        assert got == (state, said.reason if state == "suppressed" else None), facts
        if said.verdict == "defer":
            spread = self.world.channels[message.channel]["opening_spread"]
            latest = min(said.until + spread, message.expires_at)
            moment = there["not_before"]
            assert said.until == moment or said.until < moment < latest, facts
        elif said.verdict == "wait":
            assert there["not_before"] == message.not_before, facts

    def _follow(self, message: Message, claim_id: int, there: Rule) -> None:
        message.state = there["state"]
        if message.state == "pending":
            message.not_before = there["not_before"]
        elif message.state == "inflight":
            message.attempt += 1
            message.claim_id, message.claimed_at = claim_id, self.now
            self.world.log.append(
                Contact(
                    message_id=message.id,
                    msisdn=message.msisdn,
                    client_id=message.client_id,
                    channel=message.channel,
                    key=message.key,
                    at=self.now,
                )
            )

    # ----------------------------------------------------------- what happens

    async def _happen(self) -> None:
        event = self.chance.choice(
            [self._settle, self._settle, self._settle, self._let_expire, self._cancel,
             self._resolve]
        )  # fmt: skip
        await event()
        there = await self._look()
        for message in self.world.messages.values():
            if message.state == "pending":
                message.not_before = there[message.id]["not_before"]

    def _in(self, state: str) -> list[Message]:
        return [m for m in self.world.messages.values() if m.state == state]

    async def _settle(self) -> None:
        for claim_id in sorted({m.claim_id for m in self._in("inflight")}):
            held = [m for m in self._in("inflight") if m.claim_id == claim_id]
            if self.maybe(0.5):
                assert await mark(self.conn, claim_id, [m.id for m in held])
                self.marked |= {(claim_id, m.id) for m in held}
            for result in sorted(set(RESULTS)):
                mine = [m for m in held if self._result(m) == result and m.state == "inflight"]
                if not mine or self.maybe(0.2):
                    continue
                ids = [m.id for m in mine]
                assert await settle(self.conn, claim_id, ids, result) == len(ids)
                for message in mine:
                    self._close(message, result)

    def _result(self, message: Message) -> str:
        nth = list(self.requests).index(message.id)
        return RESULTS[(nth + message.attempt) % len(RESULTS)]

    def _close(self, message: Message, result: str) -> None:
        limit = self.world.channels[message.channel]["max_attempts"]
        if result in ("accepted", "uncertain", "rejected"):
            message.state = result
        elif result == "retry" and message.attempt >= limit:
            message.state = "failed"
        else:
            message.state = "pending"
            message.attempt -= result != "retry"
        if result not in ("accepted", "uncertain"):
            self._take_back(message)

    def _take_back(self, message: Message) -> None:
        self.world.log = [
            contact
            for contact in self.world.log
            if (contact.message_id, contact.at) != (message.id, message.claimed_at)
        ]

    async def _let_expire(self) -> None:
        """Leases run out: what was marked is doubtful, the rest was never claimed."""
        self.now += 2 * MINUTE
        await self.conn.execute("select sms.expire_leases(p_as_of => %s)", [self.now])
        for message in self._in("inflight"):
            if (message.claim_id, message.id) in self.marked:
                message.state = "uncertain"
            else:
                message.state = "pending"
                message.attempt -= 1
                self._take_back(message)

    async def _cancel(self) -> None:
        waiting = self._in("pending")
        for message in self.chance.sample(waiting, min(2, len(waiting))):
            assert await value(self.conn, "select sms.cancel(%s::bigint)", message.id) == 1
            message.state = "cancelled"

    async def _resolve(self) -> None:
        doubtful = self._in("uncertain")
        for message in self.chance.sample(doubtful, min(3, len(doubtful))):
            verdict = self.chance.choice(["accepted", "resend", "give_up"])
            await self.conn.execute("select sms.resolve_uncertain(%s, %s)", [[message.id], verdict])
            message.state = {"resend": "pending", "give_up": "failed"}.get(verdict, verdict)
            if verdict == "resend":  # read again, by the channel as it is now
                again = self._read(message.id, self.requests[message.id])
                message.key, message.expires_at = again.key, again.expires_at

    # ------------------------------------------------------------------- books

    async def _check_books(self) -> None:
        """Every message in one place, in the state it should be; the log is the model's."""
        assert await rows(self.conn, "select * from sms.unaccounted") == []
        there = await self._look()
        assert {id: row["state"] for id, row in there.items()} == {
            m.id: m.state for m in self.world.messages.values()
        }
        logged = await rows(self.conn, "select message_id, msisdn, at from sms.contact_log")
        assert Counter((c["message_id"], c["msisdn"], c["at"]) for c in logged) == Counter(
            (c.message_id, c.msisdn, c.at) for c in self.world.log
        )
        counted = {contact.message_id for contact in self.world.log}
        for message in self.world.messages.values():
            if message.state in ("inflight", "accepted", "uncertain"):
                assert message.id in counted
            elif message.state == "rejected" and message.attempt == 1:
                assert message.id not in counted


@pytest.mark.parametrize("first", range(0, HISTORIES, TOGETHER))
async def test_the_database_judges_as_the_model_does(stage: AsyncConnection, first: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(first, first + TOGETHER):
        history = History(stage, seed)
        try:
            async with stage.transaction(force_rollback=True):
                await history.live()
        except AssertionError as why:
            why.add_note(f"history {seed}")
            raise
        seen += history.seen

    assert seen.keys() >= EXPECTED, EXPECTED - seen.keys()


RUSSIA = (
    "Europe/Kaliningrad", "Europe/Moscow", "Europe/Samara", "Asia/Yekaterinburg", "Asia/Omsk",
    "Asia/Krasnoyarsk", "Asia/Irkutsk", "Asia/Yakutsk", "Asia/Vladivostok", "Asia/Magadan",
    "Asia/Kamchatka",
)  # fmt: skip
# Thirty histories that meet not every verdict of every rule prove less than they seem to.
EXPECTED = {
    "send ", "suppress expired", "suppress blacklist", "suppress no_consent",
    "suppress duplicate_ref", "suppress duplicate", "wait duplicate", "suppress cap", "wait cap",
    "suppress holdout", "defer quiet_hours",
}  # fmt: skip
