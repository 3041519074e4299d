"""Look-ups: who is asked about, when, by whom, and what the answers come to."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.support.factory import (
    PROVIDER,
    column,
    fate,
    hear,
    make_provider,
    message,
    nothing_unaccounted,
    row,
    states,
    value,
)
from tests.uncertain.asking import MINUTE, NOTHING, Asker, doubt, handed_over, one_doubt, waiting


async def reserved(db: AsyncConnection, id_: int) -> int:
    return int(await value(db, "select count(*) from sms.contact_log where message_id = %s", id_))


async def age(db: AsyncConnection, seconds: float) -> None:
    """Let time pass for all that is asked about."""
    past = timedelta(seconds=seconds)
    await db.execute(
        """
        update sms.doubtful
           set since = since - %(past)s, asked_at = asked_at - %(past)s,
               next_ask_at = next_ask_at - %(past)s, absent_since = absent_since - %(past)s
        """,
        {"past": past},
    )
    await db.execute(
        """
        update sms.provider_asking
           set asked_at = asked_at - %(past)s, busy_until = busy_until - %(past)s
        """,
        {"past": past},
    )


async def test_a_question_names_the_message_its_number_and_its_name(db: AsyncConnection) -> None:
    id_ = await one_doubt(db, "a")
    [question] = await Asker(db=db).take()
    seen = await message(db, id_)

    assert (question.id, question.msisdn, question.ref) == (id_, seen["msisdn"], "a")
    assert question.submitted_at == seen["submitted_at"]


async def test_what_the_provider_has_is_accepted_and_its_reference_noted(
    db: AsyncConnection,
) -> None:
    id_ = await one_doubt(db)
    assert await Asker(db=db).ask(id_, "present", "theirs") == (1, 0, 0)

    assert await fate(db, id_) == "accepted"
    assert await hear(db, (None, "theirs", "delivered")) == (1, 1, 0, 0)
    assert await fate(db, id_) == "delivered"
    assert await reserved(db, id_) == 1


async def test_a_name_that_is_known_is_not_noted_again(db: AsyncConnection) -> None:
    id_ = await one_doubt(db, "a")
    await Asker(db=db).ask(id_, "present", "a")

    assert await value(db, "select count(*) from sms.provider_ref") == 1


async def test_absent_counts_when_it_is_said_again_later(db: AsyncConnection) -> None:
    id_ = await one_doubt(db)
    asker = Asker(db=db)
    assert await asker.ask(id_, "absent") == (0, 0, 1)
    assert await states(db, id_) == ["uncertain"]
    assert await asker.take() == []  # not before absent_after

    await age(db, 61)

    assert await asker.ask(id_, "absent") == (0, 1, 0)
    assert await states(db, id_) == ["pending"]
    assert await reserved(db, id_) == 0
    assert await value(db, "select count(*) from sms.doubtful") == 0
    assert await nothing_unaccounted(db)


async def test_absent_said_again_too_soon_does_not_count(db: AsyncConnection) -> None:
    id_ = await one_doubt(db)
    asker = Asker(db=db)
    await asker.ask(id_, "absent")
    await db.execute("update sms.doubtful set next_ask_at = '-infinity'")

    assert await asker.ask(id_, "absent") == (0, 0, 0)
    assert await states(db, id_) == ["uncertain"]


async def test_present_after_absent_wins(db: AsyncConnection) -> None:
    id_ = await one_doubt(db)
    asker = Asker(db=db)
    await asker.ask(id_, "absent")
    await age(db, 61)

    assert await asker.ask(id_, "present") == (1, 0, 0)
    assert await states(db, id_) == ["accepted"]


async def test_a_provider_that_knows_at_once_is_believed_at_once(db: AsyncConnection) -> None:
    id_ = await one_doubt(db)

    assert await Asker(db=db, absent_after=NOTHING).ask(id_, "absent") == (0, 1, 0)
    assert await states(db, id_) == ["pending"]


async def test_a_message_that_came_back_is_judged_anew_and_may_go_again(
    db: AsyncConnection,
) -> None:
    id_ = await one_doubt(db, "first")
    await Asker(db=db, absent_after=NOTHING).ask(id_, "absent")
    await doubt(db, id_, keys=["second"])

    [question] = await Asker(db=db).take()

    assert question.ref == "second"
    assert await reserved(db, id_) == 1
    asked = await row(db, "select asks, absent_since from sms.doubtful")
    assert asked == {"asks": 1, "absent_since": None}


async def test_an_earlier_doubtful_attempt_keeps_its_reservation(db: AsyncConnection) -> None:
    id_ = await one_doubt(db)
    await db.execute("select sms.resolve_uncertain(%s, 'resend')", [[id_]])
    await doubt(db, id_)
    assert await reserved(db, id_) == 2

    await Asker(db=db, absent_after=NOTHING).ask(id_, "absent")

    assert await reserved(db, id_) == 1


async def test_unknown_is_asked_again_at_longer_and_longer_pauses(db: AsyncConnection) -> None:
    id_ = await one_doubt(db)
    asker = Asker(db=db, pauses=[MINUTE, 5 * MINUTE])
    for pause_s in (60, 300, 300):
        await asker.ask(id_, "unknown")
        await age(db, pause_s - 5)
        assert await asker.take() == []
        await age(db, 6)
    assert await value(db, "select asks from sms.doubtful") == 3
    assert await states(db, id_) == ["uncertain"]


async def test_no_answer_is_unknown(db: AsyncConnection) -> None:
    one, other = await waiting(db, 2)
    await doubt(db, one, other)
    asker = Asker(db=db, pauses=[MINUTE])
    questions = await asker.take()
    assert await asker.answer(questions[0].asked_at, (one, "present")) == (1, 0, 0)

    assert await states(db, one, other) == ["accepted", "uncertain"]
    assert await asker.take() == []


async def test_doubt_must_be_old_enough(db: AsyncConnection) -> None:
    await one_doubt(db)
    asker = Asker(db=db, after=timedelta(seconds=10))
    assert await asker.take() == []

    await age(db, 10)

    assert len(await asker.take()) == 1


async def test_the_pace_of_one_provider_holds_for_all(db: AsyncConnection) -> None:
    ids = await waiting(db, 3)
    await doubt(db, *ids)
    asker = Asker(db=db, every=MINUTE)
    [first] = await asker.take(limit=1)
    await asker.answer(first.asked_at, (first.id, "present"))
    assert await asker.take(limit=1) == []

    await age(db, 61)

    assert len(await asker.take(limit=1)) == 1


async def test_one_question_at_a_time_until_it_is_answered_or_its_asker_is_gone(
    db: AsyncConnection,
) -> None:
    ids = await waiting(db, 3)
    await doubt(db, *ids)
    asker = Asker(db=db, hold=MINUTE)
    [first] = await asker.take(limit=1)
    assert await asker.take() == []
    await asker.answer(first.asked_at)
    assert len(await asker.take(limit=1)) == 1
    assert await asker.take() == []

    await age(db, 61)

    assert len(await asker.take()) == 3


async def test_an_answer_to_an_older_question_changes_nothing(db: AsyncConnection) -> None:
    id_ = await one_doubt(db)
    asker = Asker(db=db, absent_after=NOTHING)
    [old] = await asker.take()
    [new] = await asker.take()

    assert await asker.answer(old.asked_at, (id_, "absent")) == (0, 0, 0)
    assert await states(db, id_) == ["uncertain"]
    assert await asker.answer(new.asked_at, (id_, "absent")) == (0, 1, 0)


async def test_an_answer_about_an_attempt_that_is_over_does_not_hit_the_next(
    db: AsyncConnection,
) -> None:
    id_ = await one_doubt(db)
    asker = Asker(db=db, absent_after=NOTHING)
    [question] = await asker.take()
    await db.execute("select sms.resolve_uncertain(%s, 'resend')", [[id_]])
    await doubt(db, id_)

    assert await asker.answer(question.asked_at, (id_, "absent")) == (0, 0, 0)
    assert await states(db, id_) == ["uncertain"]


async def test_what_a_receipt_decided_is_asked_about_no_more(db: AsyncConnection) -> None:
    decided, doubtful = await waiting(db, 2)
    await doubt(db, decided, doubtful)
    await hear(db, (decided, None, "delivered"))

    assert [question.id for question in await Asker(db=db).take(limit=1)] == [doubtful]


async def test_a_receipt_during_the_question_wins(db: AsyncConnection) -> None:
    id_ = await one_doubt(db)
    asker = Asker(db=db, absent_after=NOTHING)
    [question] = await asker.take()
    await hear(db, (id_, None, "delivered"))

    assert await asker.answer(question.asked_at, (id_, "absent")) == (0, 0, 0)
    assert await states(db, id_) == ["delivered"]


async def test_only_the_providers_own_messages_are_asked_about(db: AsyncConnection) -> None:
    await one_doubt(db)
    await make_provider(db, "other", point_lanes=False)

    assert (
        await value(
            db,
            "select count(*) from sms.take_doubtful('other', 9, '0', '0', '0', '{1 minute}')",
        )
        == 0
    )


async def test_an_unknown_provider_is_an_error_that_names_the_known(db: AsyncConnection) -> None:
    with pytest.raises(psycopg.Error) as refused:
        await db.execute("select sms.take_doubtful('nobody', 9, '0', '0', '0', '{1 minute}')")

    assert refused.value.sqlstate == "SM006"
    assert PROVIDER in str(refused.value.diag.message_hint)


async def test_each_decision_says_who_decided_and_how_many(db: AsyncConnection) -> None:
    id_ = await one_doubt(db)
    await Asker(db=db).ask(id_, "present")

    logged = await row(db, "select kind, name, detail from sms.activity where action = 'resolved'")

    assert (logged["kind"], logged["name"]) == ("message", str(id_))
    assert logged["detail"] == {
        "verdict": "accepted",
        "messages": 1,
        "decided_by": "look-up",
        "note": "found at the provider when it was asked",
        "ids": [str(id_)],
    }


async def test_a_drain_waits_for_answers_of_a_provider_that_is_asked(db: AsyncConnection) -> None:
    left = "select asking from sms.work_left()"
    id_ = await one_doubt(db)
    assert await value(db, left) == 0  # nobody asks
    asker = Asker(db=db, after=MINUTE)
    await asker.take()
    assert await value(db, left) == 1

    await hear(db, (id_, None, "delivered"))

    assert await value(db, left) == 0


async def test_a_drain_does_not_wait_for_ever(db: AsyncConnection) -> None:
    await one_doubt(db)
    await Asker(db=db, after=MINUTE).take()
    await age(db, 301)

    assert await value(db, "select asking from sms.work_left()") == 0


async def test_two_workers_never_ask_at_once(dsn: str) -> None:
    async with (
        await AsyncConnection.connect(dsn, autocommit=True) as owner,
        await AsyncConnection.connect(dsn) as one,
        await AsyncConnection.connect(dsn) as two,
    ):
        await make_provider(owner)
        ids = await waiting(owner, 4)
        await doubt(owner, *ids)
        first = await Asker(db=one, hold=MINUTE).take(limit=2)
        # The other waits for the first one's turn to be written, and then has none.
        await one.commit()
        assert await Asker(db=two, hold=MINUTE).take() == []
        assert len(first) == 2


async def test_names_of_a_claim_still_under_way_are_not_asked_about(db: AsyncConnection) -> None:
    [id_] = await waiting(db, 1)
    await handed_over(db, id_, keys=["a"])

    assert await Asker(db=db).take() == []
    assert await column(db, "select id from sms.doubtful") == []
