"""The main job, read aloud: what an ERP may rely on while `outbox run` is up.

Every test is a sentence of the story and stands for itself; they share one running world.
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta

from tests.journey.world import Erp, Session, World
from tests.support.clock import MOSCOW
from tests.support.outbox_process import wait_until

PROMISE_S = 2.0  # from the ERP's commit to `delivered`


def test_what_is_rolled_back_is_never_sent(world: World, erp: Erp) -> None:
    thought_better_of = erp.insert("+7 907 000-00-01")
    erp.rollback()
    meant = erp.insert("+7 907 000-00-01")
    erp.commit()

    erp.waits_for(meant, "delivered")

    assert thought_better_of not in world.taken()
    assert world.taken()[meant] == 1
    assert erp.ask("select from sms.outbox where id = %s", thought_better_of) == []


def test_nothing_is_sent_before_the_commit_and_all_within_two_seconds_after(
    world: World, erp: Erp
) -> None:
    notice = erp.insert("8 (907) 000-00-02", "Срок платежа: завтра")
    with Erp(world.dsn) as colleague:
        other = colleague.insert("9070000003")
        colleague.commit()
        colleague.waits_for(other, "delivered")
    assert notice not in world.taken()

    committed = time.monotonic()
    erp.commit()
    erp.waits_for(notice, "delivered")

    assert time.monotonic() - committed < PROMISE_S
    assert world.taken()[notice] == 1


def test_a_message_for_later_waits_and_then_goes(world: World, erp: Erp) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=1.5)
    later = erp.insert("+79070000004", not_before=moment)
    now = erp.insert("+79070000005")
    erp.commit()

    erp.waits_for(now, "delivered")
    assert erp.fate(later) == "pending"
    assert later not in world.taken()

    erp.waits_for(later, "delivered")
    assert erp.message(later)["submitted_at"] >= moment


def test_what_is_taken_back_in_time_ends_cancelled(world: World, erp: Erp) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=1.5)
    unwanted = erp.insert("+79070000006", not_before=moment, erp_ref="due-6")
    wanted = erp.insert("+79070000007", not_before=moment)
    erp.commit()

    assert erp.ask("select sms.cancel('due-6') as cancelled") == [{"cancelled": 1}]
    erp.commit()
    erp.waits_for(wanted, "delivered")

    assert erp.fate(unwanted) == "cancelled(cancelled)"
    assert unwanted not in world.taken()
    assert erp.ask("select sms.cancel(%s::bigint) as cancelled", wanted) == [{"cancelled": 0}]


def test_a_stop_reaches_what_is_queued_already(world: World, erp: Erp, operator: Session) -> None:
    queued = erp.insert("+79070000008", not_before=datetime.now(UTC) + timedelta(seconds=1))
    erp.commit()

    operator.do("insert into sms.blacklist (msisdn, reason) values (79070000008, 'said STOP')")
    operator.commit()
    erp.waits_for(queued, "suppressed(blacklist)")
    next_one = erp.insert("89070000008", "Другой текст")
    erp.commit()
    erp.waits_for(next_one, "suppressed(blacklist)")

    assert not {queued, next_one} & set(world.taken())


def test_advertising_waits_for_the_morning_where_the_subscriber_lives(
    world: World, erp: Erp
) -> None:
    asleep = erp.insert("+79070000009", channel="planned", time_zone="Europe/Moscow")
    awake = erp.insert("+79070000010", channel="planned", time_zone="Asia/Kamchatka")
    urgent = erp.insert("+79070000009", "Код 4711", channel="otp", time_zone="Europe/Moscow")
    erp.commit()

    erp.waits_for(awake, "delivered")
    erp.waits_for(urgent, "delivered")
    wait_until(lambda: erp.message(asleep)["not_before"] > datetime.now(UTC))

    assert erp.fate(asleep) == "pending"
    assert asleep not in world.taken()
    morning = erp.message(asleep)["not_before"].astimezone(MOSCOW)
    # Two hours of silence, and the channel's half hour over which the morning is spread.
    assert timedelta(hours=1.5) < morning - datetime.now(MOSCOW) <= timedelta(hours=2.5)


def test_the_same_key_or_text_goes_once_and_a_bad_row_costs_no_other(
    world: World, erp: Erp
) -> None:
    first = erp.insert("+79070000011", "Заявка принята", erp_ref="order-11")
    erp.commit()
    erp.waits_for(first, "delivered")

    rows = [
        erp.insert("+79070000012", "Заявка принята", erp_ref="order-11"),
        erp.insert("+79070000011", "Заявка принята"),
        erp.insert("спросить у мамы"),
        erp.insert("+79070000013", "Заявка принята"),
    ]
    erp.commit()
    erp.waits_for(rows[-1], "delivered")

    assert [erp.fate(id_) for id_ in rows] == [
        "suppressed(duplicate_ref)",
        "suppressed(duplicate)",
        "suppressed(invalid_number)",
        "delivered",
    ]
    assert [world.taken()[id_] for id_ in [first, *rows]] == [1, 0, 0, 0, 1]


def test_explain_tells_the_story_of_each(world: World, erp: Erp, operator: Session) -> None:
    operator.do("insert into sms.blacklist (msisdn, reason) values (79070000014, 'court order')")
    operator.commit()
    sent, kept = erp.insert("+79070000015"), erp.insert("+79070000014")
    erp.commit()
    erp.waits_for(sent, "delivered")
    erp.waits_for(kept, "suppressed(blacklist)")

    story = world.command("explain", str(sent))
    assert [step["topic"] for step in story if not step["topic"].startswith("rule")] == [
        "request",
        "left the queue",
        "attempt",  # about to be handed over
        "attempt",  # handed over
        "receipt",
    ]
    assert {s["verdict"] for s in story if s["topic"].startswith("rule ")} == {"pass"}
    assert [step["verdict"] for step in (story[-4], story[-1])] == ["delivered", "delivered"]

    story = world.command("explain", str(kept))
    [why] = [step for step in story if step["verdict"] == "suppress"]
    assert (why["topic"], why["reason"]) == ("rule blacklist", "blacklist")
    assert "court order" in why["detail"]
    assert (story[-1]["verdict"], story[-1]["reason"]) == ("suppressed", "blacklist")


def test_status_report_and_view_tell_the_same(world: World, erp: Erp, operator: Session) -> None:
    erp.waits_for(erp.insert("+79070000016"), "delivered")
    wait_until(lambda: all_is_done(operator))

    status = world.command("status")
    report = Counter[str]()
    for line in world.command("report")["lines"]:
        report[line["state"]] += line["messages"]
    seen = operator.ask("select state, count(*) from sms.message group by state")

    assert status["unaccounted"] == 0
    assert report == {row["state"]: row["count"] for row in seen}
    pending = {"pending": sum(lane["pending"] for lane in status["lanes"])}
    assert report == Counter(status["states"]) + Counter(pending)
    assert report["delivered"] == world.taken().total() == len(world.taken())


def all_is_done(operator: Session) -> bool:
    """Whether nothing is due, in flight or awaiting a receipt."""
    [left] = operator.ask("select * from sms.work_left('1 minute')")
    operator.commit()
    return not any(left.values())


def test_the_log_of_the_program_names_no_number_and_no_text(world: World, erp: Erp) -> None:
    erp.waits_for(erp.insert("+79070000017", "Никому не показывать"), "delivered")
    erp.waits_for(erp.insert("+79070000018", "Никому не показывать", channel="otp"), "delivered")

    log = world.program.log.read_text()

    assert world.program.events("provider_open")
    numbers = erp.ask("select msisdn from sms.message where msisdn is not null")
    assert [row["msisdn"] for row in numbers if str(row["msisdn"]) in log] == []
    bodies = erp.ask("select distinct body from sms.outbox")
    assert [row["body"] for row in bodies if row["body"] in log] == []
    assert not [event for event in world.program.events() if event["level"] == "error"]
