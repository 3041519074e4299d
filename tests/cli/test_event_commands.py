"""`outbox event …` and `outbox log`: what they do, what they print, what they refuse."""

from __future__ import annotations

import pytest
from psycopg import AsyncConnection

from tests.cli.test_commands import AWAY, Outbox, is_one_sentence
from tests.events.conftest import furnish
from tests.support import factory

COMMANDS = [
    ["event", "fire"], ["event", "list"], ["event", "planned"], ["event", "explain"],
    ["event", "types"], ["event", "rules"], ["event", "rule", "set"], ["event", "rule", "remove"],
    ["event", "type", "set"], ["log"],
]  # fmt: skip
REMINDER = [
    "event", "rule", "set", "due_reminder", "--on", "invoice", "--template", "due_soon",
    "--before", "due_date=3d", "--at", "10:00", "--cancelled-by", "payment", "--same", "invoice",
]  # fmt: skip


@pytest.fixture
async def outbox(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    dsn: str,
    conn: AsyncConnection,
) -> Outbox:
    """The commands on a database with clients 1 to 9 and three event types."""
    monkeypatch.setenv("OUTBOX_DSN", dsn)
    await furnish(conn)
    return Outbox(capfd, monkeypatch)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
async def test_every_command_has_help_with_an_example(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    said = await Outbox(capfd, monkeypatch)(*command, "--help")
    assert said.code == 0
    assert "outbox " + " ".join(command) in said.out.split("Example:")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["event", "fire", "lat", "1"], 5, 'unknown event type "lat". Event types: invoice, late'),
        (["event", "fire", "late", "x"], 2, "'client'"),
        (["event", "fire", "late", "1", "--var", "amount"], 2, "--var amount: write NAME=VALUE"),
        (["event", "explain", "12x"], 2, "'12x' is no event id"),
        (["event", "explain", "12"], 5, "no event 12"),
        (["event", "list", "--since", "yore"], 2, "--since: 'yore' is no time"),
        (["event", "rule", "remove", "x"], 5, 'unknown event rule "x"'),
        (["event", "rule", "set", "x", "--on", "late"], 5, "To make it, give event_type and"),
        ([*REMINDER, "--delay", "2h"], 2, "Give only one of --delay, --before and --after"),
        ([*REMINDER[:8], "--before", "3d"], 2, "--before 3d: write VARIABLE=3d"),
        ([*REMINDER[:8], "--delay", "soon"], 2, "--delay: 'soon' is no length of time"),
        ([*REMINDER, "--if", "$.invoice"], 5, "is no yes-or-no question"),
        ([*REMINDER, "--if", "$.sum > 5"], 5, "uses sum, which event type"),
        ([*REMINDER, "--at", "25:00"], 1, "25:00"),
        (["event", "type", "set", "Big"], 1, "an event type is small letters"),
        (["event", "type", "set", "x", "--var", "a=colour"], 1, "variables are"),
        (["log", "--since", "yore"], 2, "--since: 'yore' is no time"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
async def test_a_wrong_call_is_one_sentence(
    outbox: Outbox, arguments: list[str], code: int, words: str
) -> None:
    said = await outbox(*arguments)
    assert said.code == code, said
    assert is_one_sentence(said), said.err
    assert words in said.err


@pytest.mark.parametrize(
    "command",
    [["event", "fire", "late", "1"], ["event", "list"], ["event", "rules"], ["log"]],
    ids=" ".join,
)
async def test_a_database_that_is_away_is_one_sentence(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("OUTBOX_DSN", AWAY)
    said = await Outbox(capfd, monkeypatch)(*command)
    assert (said.code, is_one_sentence(said)) == (3, True)


async def test_a_rule_is_made_shown_changed_and_removed(outbox: Outbox) -> None:
    assert (await outbox(*REMINDER, "--json")).json == {
        "rule": "due_reminder",
        "result": "created",
    }
    assert (await outbox(*REMINDER)).out == "due_reminder: unchanged\n"
    shown = (await outbox("event", "rules")).out
    assert "3 d before due_date at 10:00 there" in shown
    assert "payment (same invoice)" in shown

    changed = await outbox(
        "event", "rule", "set", "due_reminder", "--after", "due_date=1d", "--at", "18:30",
        "--valid", "6h", "--if-past", "send", "--cancelled-by", "none", "--disable",
    )  # fmt: skip
    assert changed.out == "due_reminder: changed\n"
    [rule] = (await outbox("event", "rules", "--type", "invoice", "--json")).json
    assert rule == {
        "event_rule": "due_reminder", "event_type": "invoice", "template": "due_soon",
        "channel": "single", "condition": None, "date_variable": "due_date", "shift": 86400.0,
        "at_local": "18:30:00", "if_past": "send", "validity": 21600.0, "cancelled_by": [],
        "cancel_key": None, "is_enabled": False, "planned": 0,
    }  # fmt: skip
    assert (await outbox("event", "rules", "--type", "late", "--json")).json == []

    delayed = await outbox("event", "rule", "set", "due_reminder", "--delay", "90m", "--at", "none")
    assert delayed.code == 0
    assert "1:30:00 after it" in (await outbox("event", "rules")).out
    removed = await outbox("event", "rule", "remove", "due_reminder")
    assert removed.out == "due_reminder: removed, 0 planned messages dropped\n"


async def test_types_are_declared_and_shown(outbox: Outbox) -> None:
    made = await outbox(
        "event", "type", "set", "lead", "--title", "A lead", "--var", "phone=text", "--var",
        "city=text?", "--json",
    )  # fmt: skip
    assert made.json == {"event_type": "lead", "result": "created"}
    kinds = {
        row["event_type"]: row["variables"]
        for row in (await outbox("event", "types", "--json")).json
    }
    assert kinds["lead"] == {"phone": "text", "city": "text?"}
    assert "city text?, phone text" in (await outbox("event", "types")).out


async def test_an_event_is_fired_listed_and_explained(outbox: Outbox) -> None:
    await outbox(*REMINDER)
    await outbox("event", "rule", "set", "notice", "--on", "late", "--template", "late")

    fired = (
        await outbox("event", "fire", "late", "1", "--var", "amount=5", "--key", "k", "--json")
    ).json
    assert (fired["is_new"], fired["planned"], fired["note"]) == (True, 0, None)
    assert isinstance(fired["event_id"], str)
    [message] = fired["message_ids"]
    assert isinstance(message, str)
    again = (await outbox("event", "fire", "late", "1", "--key", "k")).out
    assert "fired before, at 20" in again
    said = await outbox("event", "fire", "late", "--var", "phone=8 907 000-00-77")
    assert "1 message (" in said.out
    assert "amount is missing" in said.out

    issued = (
        await outbox("event", "fire", "invoice", "2", "--var", "invoice=A-7", "--var",
                     "due_date=2030-03-20", "--json")
    ).json  # fmt: skip
    [plan] = (await outbox("event", "planned", "--client", "2", "--json")).json
    assert (plan["rule"], plan["due_at"]) == ("due_reminder", "2030-03-17T07:00:00+00:00")
    assert "due_reminder" in (await outbox("event", "planned")).out
    paid = (await outbox("event", "fire", "payment", "2", "--var", "invoice=A-7")).out
    assert "1 taken back" in paid
    steps = (await outbox("event", "explain", issued["event_id"], "--json")).json
    assert [step["verdict"] for step in steps] == ["fired", "cancelled"]
    assert "due_reminder" in (await outbox("event", "explain", issued["event_id"])).out

    [listed] = (await outbox("event", "list", "--client", "1", "--json")).json
    assert (listed["event_id"], listed["messages"]) == (fired["event_id"], 1)
    assert len((await outbox("event", "list", "--json")).json) == 4
    assert (
        len((await outbox("event", "list", "--type", "late", "--limit", "1", "--json")).json) == 1
    )
    assert fired["event_id"] in (await outbox("event", "list")).out


async def test_the_story_of_a_message_shows_its_event(outbox: Outbox) -> None:
    await outbox("event", "rule", "set", "notice", "--on", "late", "--template", "late")
    fired = (await outbox("event", "fire", "late", "1", "--var", "amount=5", "--json")).json

    story = (await outbox("explain", fired["message_ids"][0])).out

    assert "late, rule notice" in story
    assert fired["event_id"] in story


async def test_the_log_tells_who_did_what(outbox: Outbox, conn: AsyncConnection) -> None:
    await outbox("provider", "set", "post", "--tps", "7")
    await factory.change_channel(conn, "mass", priority=1)

    entries = (await outbox("log", "--since", "1h", "--kind", "channel", "--json")).json
    assert entries[-1]["what"] == "changed channel mass: priority 2 → 1"
    assert isinstance(entries[-1]["entry_id"], str)
    assert "changed provider post: tps 30.00 → 7.00" in (await outbox("log", "--since", "1h")).out
    me = entries[-1]["who"]
    assert (await outbox("log", "--who", me, "--limit", "2", "--json")).json[-1] == entries[-1]
    assert (await outbox("log", "--who", "nobody", "--json")).json == []
