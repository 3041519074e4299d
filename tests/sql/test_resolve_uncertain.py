"""resolve_uncertain and apply_uncertain_policy: doubt is decided by somebody, never by itself."""

import asyncio
from datetime import datetime, timedelta

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.support.clock import HOUR, NOON, TICK
from tests.support.factory import (
    add_template,
    add_version,
    change_channel,
    claim,
    contacts,
    fate,
    hear,
    insert_many,
    insert_outbox,
    make_provider,
    mark,
    message,
    nothing_unaccounted,
    number,
    row,
    send,
    settle,
    states,
    value,
)


async def resolve(db: AsyncConnection, verdict: str, *ids: int, detail: str | None = None) -> int:
    """Decide these messages; how many were doubtful."""
    return int(
        await value(db, "select sms.resolve_uncertain(%s, %s, %s)", list(ids), verdict, detail)
    )


async def uncertain(db: AsyncConnection, **request: object) -> int:
    """A message of which nobody knows whether it went."""
    message_id = await insert_outbox(db, **request)
    await send(db, message_id, result="uncertain")
    return message_id


async def test_accepted_means_the_provider_has_it(db: AsyncConnection) -> None:
    message_id = await uncertain(db)

    assert await resolve(db, "accepted", message_id, detail="asked the provider") == 1

    seen = await message(db, message_id)
    assert (seen["state"], seen["reason"], seen["detail"]) == (
        "accepted",
        None,
        "asked the provider",
    )
    assert seen["final_at"] is None


async def test_giving_up_is_final(db: AsyncConnection) -> None:
    message_id = await uncertain(db)

    assert await resolve(db, "give_up", message_id) == 1

    assert await fate(db, message_id) == "failed(gave_up)"
    assert (await message(db, message_id))["final_at"] is not None
    assert await contacts(db, message_id) == 1


async def test_resending_puts_it_back_with_all_its_facts(db: AsyncConnection) -> None:
    message_id = await insert_outbox(
        db, erp_ref="x", client_id=7, campaign_id=8, priority=2, time_zone="Asia/Omsk"
    )
    before = await row(db, "select * from sms.pending")
    await send(db, message_id, result="uncertain")

    assert await resolve(db, "resend", message_id) == 1

    after = await row(db, "select * from sms.pending")
    assert {**after, "not_before": before["not_before"], "attempt": 0} == before
    assert after["attempt"] == 1
    assert await nothing_unaccounted(db)
    await db.execute("update sms.pending set not_before = %s", [NOON])
    assert (await claim(db)).attempts == [2]


async def test_a_resent_message_keeps_its_wording(db: AsyncConnection) -> None:
    first_version, *_ = await add_template(db, "due", "Pay {{sum}}")
    message_id = await uncertain(db, template="due", vars={"sum": "1"})
    template_id = await value(db, "select template_id from sms.template where template = 'due'")
    await add_version(db, template_id, "Please pay {{sum}} to {{iban}}")

    await resolve(db, "resend", message_id)
    await db.execute("update sms.pending set not_before = %s", [NOON])

    assert await value(db, "select template_version_id from sms.pending") == first_version
    assert (await claim(db)).bodies == ["Pay 1"]


async def test_a_resent_message_is_judged_again(db: AsyncConnection) -> None:
    message_id = await uncertain(db)
    await db.execute("insert into sms.blacklist (msisdn, reason) values (%s, 'stop')", [number(1)])

    await resolve(db, "resend", message_id)
    await claim(db, as_of=None)

    assert await fate(db, message_id) == "suppressed(blacklist)"


@pytest.mark.parametrize("verdict", ["accepted", "give_up", "resend"])
async def test_only_doubtful_messages_are_decided(db: AsyncConnection, verdict: str) -> None:
    pending, inflight, accepted, rejected = await insert_many(
        db, [{"phone": str(number(n)), "not_before": NOON + n * HOUR} for n in (3, 0, 1, 2)]
    )
    await claim(db)
    for message_id, result in ((accepted, "accepted"), (rejected, "rejected")):
        claimed = await claim(db, as_of=NOON + 2 * HOUR, limit=1)
        await settle(db, claimed.claim_id, [message_id], result)
    ids = (pending, inflight, accepted, rejected)
    before = await states(db, *ids)
    assert before == ["pending", "inflight", "accepted", "rejected"]

    assert await resolve(db, verdict, *ids, 4711) == 0
    assert await states(db, *ids) == before


async def test_deciding_twice_decides_once(db: AsyncConnection) -> None:
    message_id = await uncertain(db)

    assert await resolve(db, "give_up", message_id) == 1
    assert await resolve(db, "resend", message_id) == 0
    assert await states(db, message_id) == ["failed"]


async def test_an_unknown_verdict_names_the_known(db: AsyncConnection) -> None:
    with pytest.raises(psycopg.Error) as refused:
        await resolve(db, "send again")

    assert refused.value.sqlstate == "SM005"
    assert refused.value.diag.message_hint == "Verdicts: accepted, resend, absent, give_up."


@pytest.mark.parametrize("heard", ["delivered", "undelivered", "expired", "rejected", "accepted"])
async def test_a_receipt_decides_a_doubtful_message(db: AsyncConnection, heard: str) -> None:
    message_id = await uncertain(db)

    assert await hear(db, (message_id, None, heard)) == (1, 1, 0, 0)
    assert await states(db, message_id) == [heard]


async def policy(db: AsyncConnection, as_of: datetime, limit: int = 1000) -> tuple[int, int]:
    """Apply the channels' policies once: how many were resent, how many given up."""
    answer = await row(
        db, "select * from sms.apply_uncertain_policy(p_limit => %s, p_as_of => %s)", limit, as_of
    )
    return answer["resent"], answer["given_up"]


@pytest.mark.parametrize(
    ("choice", "answer", "state"),
    [("resend", (1, 0), "pending"), ("give_up", (0, 1), "failed"), ("hold", (0, 0), "uncertain")],
)
async def test_the_channel_says_what_becomes_of_lasting_doubt(
    db: AsyncConnection, choice: str, answer: tuple[int, int], state: str
) -> None:
    await change_channel(db, "single", on_uncertain=choice, uncertain_after=HOUR)
    message_id = await uncertain(db)
    decided_at: datetime = await value(db, "select decided_at from sms.outcome")

    assert await policy(db, decided_at + HOUR) == (0, 0)
    assert await states(db, message_id) == ["uncertain"]
    assert await policy(db, decided_at + HOUR + TICK) == answer
    assert await states(db, message_id) == [state]


async def test_channels_differ_and_only_doubtful_messages_are_touched(db: AsyncConnection) -> None:
    await change_channel(db, "single", on_uncertain="resend", uncertain_after=HOUR)
    await change_channel(db, "otp", on_uncertain="give_up", uncertain_after=HOUR)
    again, done = await insert_many(db, [{}, {"phone": str(number(2))}])
    given_up = await insert_outbox(db, channel="otp", phone=str(number(3)))
    claimed = await claim(db)
    await settle(db, claimed.claim_id, [again, given_up], "uncertain")
    await settle(db, claimed.claim_id, [done])

    now: datetime = await value(db, "select clock_timestamp()")
    assert await policy(db, now + timedelta(days=30)) == (1, 1)
    assert await states(db, again, done, given_up) == ["pending", "accepted", "failed"]


async def test_doubt_that_was_dispelled_is_not_looked_for_any_more(db: AsyncConnection) -> None:
    await change_channel(db, "single", on_uncertain="give_up", uncertain_after=HOUR)
    heard, lasting = await insert_many(db, [{}, {"phone": str(number(2))}])
    await send(db, heard, lasting, result="uncertain")
    await hear(db, (heard, None, "accepted"))
    now: datetime = await value(db, "select clock_timestamp()")

    assert await policy(db, now + HOUR / 2) == (0, 0)
    assert await value(db, "select array_agg(id) from sms.doubtful") == [lasting]
    assert await policy(db, now + 2 * HOUR) == (0, 1)
    assert await states(db, heard, lasting) == ["accepted", "failed"]


async def test_a_message_in_doubt_again_waits_again(db: AsyncConnection) -> None:
    await change_channel(db, "single", on_uncertain="resend", uncertain_after=HOUR)
    message_id = await uncertain(db)
    await resolve(db, "resend", message_id)
    claimed = await claim(db, as_of=None)
    await settle(db, claimed.claim_id, claimed.ids, "uncertain")
    now: datetime = await value(db, "select clock_timestamp()")

    assert await policy(db, now + HOUR / 2) == (0, 0)
    assert await policy(db, now + 2 * HOUR) == (1, 0)
    assert await states(db, message_id) == ["pending"]


async def test_an_expired_lease_in_doubt_is_decided_like_any_other(db: AsyncConnection) -> None:
    await change_channel(db, "single", on_uncertain="give_up", uncertain_after=HOUR)
    message_id = await insert_outbox(db)
    claimed = await claim(db)
    await mark(db, claimed.claim_id, [message_id])
    await db.execute("select sms.expire_leases(p_as_of => %s)", [NOON + HOUR])

    assert await policy(db, NOON + 2 * HOUR) == (0, 0)
    assert await policy(db, NOON + 2 * HOUR + TICK) == (0, 1)


async def test_no_more_than_the_limit_at_once(db: AsyncConnection) -> None:
    await change_channel(db, "single", on_uncertain="give_up", uncertain_after=HOUR)
    ids = await insert_many(db, [{"phone": str(number(n))} for n in range(3)])
    await send(db, *ids, result="uncertain")
    now: datetime = await value(db, "select clock_timestamp()")

    done = [await policy(db, now + 2 * HOUR, limit=2) for _ in range(3)]

    assert done == [(0, 2), (0, 1), (0, 0)]


async def test_the_chore_does_not_forget_a_doubt_that_is_just_being_raised(dsn: str) -> None:
    async with (
        await AsyncConnection.connect(dsn, autocommit=True) as owner,
        await AsyncConnection.connect(dsn) as worker,
    ):
        await make_provider(owner)
        message_id = await uncertain(owner)
        await resolve(owner, "resend", message_id)
        await owner.execute("update sms.doubtful set since = now() - interval '1 hour'")
        claimed = await claim(worker, as_of=None)
        await settle(worker, claimed.claim_id, [message_id], "uncertain")

        chore = asyncio.create_task(owner.execute("select sms.apply_uncertain_policy()"))
        await asyncio.sleep(0.1)
        await worker.commit()
        await chore

        assert await value(owner, "select array_agg(id) from sms.doubtful") == [message_id]
