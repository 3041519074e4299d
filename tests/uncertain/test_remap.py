"""remap_receipts: a corrected code map moves messages to what their receipts meant all along."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.conftest import AsRole
from tests.support.factory import (
    column,
    hear,
    make_provider,
    message,
    row,
    rows,
    set_quiet_hours,
    settle,
    states,
    value,
)
from tests.support.outbox_process import answer, with_rights_of
from tests.uncertain.asking import handed_over, waiting


async def accepted(db: AsyncConnection, count: int = 1, refs: tuple[str, ...] = ()) -> list[int]:
    ids = await waiting(db, count)
    claim_id = await handed_over(db, *ids, keys=None)
    await settle(db, claim_id, ids, refs=[(id_, ref) for id_ in ids for ref in refs])
    return ids


async def correct(db: AsyncConnection, code: str, state: str | None) -> None:
    """Change what a code of the fake adapter means."""
    await db.execute(
        "update sms.receipt_code set state = %s where adapter = 'fake' and code = %s", [state, code]
    )


async def remap(db: AsyncConnection, *, apply: bool = True, **how: Any) -> dict[str, Any]:
    """One batch over the last hour; without the place it came to."""
    done = await row(
        db,
        """
        select receipts, messages, coalesce(changes, '{}') as changes, last_receipt_id
          from sms.remap_receipts(now() - interval '55 minutes', %s, p_limit => %s, p_after => %s,
                                  p_until => now() + interval '1 minute')
        """,
        apply,
        how.get("limit", 1000),
        how.get("after"),
    )
    return done


async def test_a_state_goes_back_when_its_code_meant_only_progress(db: AsyncConnection) -> None:
    [id_] = await accepted(db)
    await hear(db, (id_, None, "undelivered"))
    await correct(db, "undelivered", None)

    done = await remap(db)

    assert (done["receipts"], done["messages"]) == (1, 1)
    assert done["changes"] == {"undelivered → accepted": 1}
    seen = await message(db, id_)
    assert (seen["state"], seen["final_at"], seen["detail"]) == ("accepted", None, None)


async def test_a_state_goes_sideways_when_the_code_meant_something_else(
    db: AsyncConnection,
) -> None:
    [id_] = await accepted(db)
    await hear(db, (id_, None, "undelivered"), error="absent")
    before = await message(db, id_)
    await correct(db, "undelivered", "expired")

    assert (await remap(db))["changes"] == {"undelivered → expired": 1}
    seen = await message(db, id_)
    assert (seen["state"], seen["detail"]) == ("expired", "absent")
    assert seen["final_at"] == before["final_at"]


async def test_a_code_that_was_unmapped_moves_messages_forward(db: AsyncConnection) -> None:
    [id_] = await accepted(db)
    assert await hear(db, (id_, None, "new")) == (1, 0, 0, 1)
    await db.execute("insert into sms.receipt_code values ('fake', 'new', 'delivered', 'new')")

    assert (await remap(db))["changes"] == {"accepted → delivered": 1}


async def test_all_receipts_of_a_message_speak_together(db: AsyncConnection) -> None:
    [id_] = await accepted(db)
    await hear(db, (id_, None, "undelivered"))
    await hear(db, (id_, None, "delivered"))
    await correct(db, "delivered", None)

    assert (await remap(db))["changes"] == {"delivered → undelivered": 1}


async def test_what_comes_out_the_same_is_left_alone(db: AsyncConnection) -> None:
    [id_] = await accepted(db)
    await hear(db, (id_, None, "undelivered"), (id_, None, "delivered"))
    await correct(db, "undelivered", "expired")

    done = await remap(db)

    assert (done["receipts"], done["messages"]) == (1, 0)
    assert await states(db, id_) == ["delivered"]


async def test_the_first_of_equal_reports_stays(db: AsyncConnection) -> None:
    [id_] = await accepted(db)
    await hear(db, (id_, None, "expired"))
    await hear(db, (id_, None, "undelivered"))
    assert await states(db, id_) == ["expired"]
    await correct(db, "buffered", "undelivered")
    await correct(db, "undelivered", "rejected")

    assert (await remap(db))["messages"] == 0
    assert await states(db, id_) == ["expired"]


async def test_without_apply_nothing_is_written(db: AsyncConnection) -> None:
    [id_] = await accepted(db)
    await hear(db, (id_, None, "undelivered"))
    await correct(db, "undelivered", None)

    done = await remap(db, apply=False)

    assert done["changes"] == {"undelivered → accepted": 1}
    assert await states(db, id_) == ["undelivered"]
    assert await value(db, "select count(*) from sms.receipt_remap") == 0
    assert await column(db, "select state from sms.receipt") == ["undelivered"]


async def test_every_move_is_logged_with_who_and_when(db: AsyncConnection) -> None:
    [id_] = await accepted(db)
    await hear(db, (id_, None, "undelivered"))
    await correct(db, "undelivered", None)
    await remap(db)

    [logged] = await rows(db, "select message_id, old_state, new_state, done_by, at "
                              "from sms.receipt_remap")  # fmt: skip
    assert (logged["message_id"], logged["old_state"], logged["new_state"]) == (
        id_,
        "undelivered",
        "accepted",
    )
    assert logged["done_by"] == await value(db, "select session_user")
    detail = await value(db, "select detail from sms.activity where action = 'remapped'")
    assert detail == {
        "receipts": 1,
        "messages": 1,
        "changes": {"undelivered → accepted": 1},
    }


async def test_a_map_corrected_back_moves_messages_back(db: AsyncConnection) -> None:
    [id_] = await accepted(db)
    await hear(db, (id_, None, "undelivered"))
    for state, expected in ((None, "accepted"), ("undelivered", "undelivered")):
        await correct(db, "undelivered", state)
        await remap(db)
        assert await states(db, id_) == [expected]
    assert (await remap(db))["receipts"] == 0


async def test_batches_are_bounded_and_go_on_where_the_last_ended(db: AsyncConnection) -> None:
    ids = await accepted(db, 5)
    await hear(db, *((id_, None, "undelivered") for id_ in ids))
    await correct(db, "undelivered", "expired")
    seen, after = [], None
    while True:
        done = await remap(db, limit=2, after=after)
        seen.append(done["messages"])
        if (after := done["last_receipt_id"]) is None:
            break

    assert seen == [2, 2, 1]
    assert set(await states(db, *ids)) == {"expired"}


async def test_one_call_looks_through_an_hour_at_most(db: AsyncConnection) -> None:
    query = "select last_receipt_id from sms.remap_receipts(now() - interval '3 hours')"
    reached = await value(db, query)

    assert await value(
        db, "select sms.id_time(%s) between now() - interval '121 minutes' "
            "and now() - interval '119 minutes'", reached,
    )  # fmt: skip


async def test_receipts_that_found_their_message_late_count_as_well(db: AsyncConnection) -> None:
    await hear(db, (None, "late", "undelivered"))
    [id_] = await accepted(db, refs=("late",))
    await db.execute("select sms.match_receipts()")
    assert await states(db, id_) == ["undelivered"]
    await correct(db, "undelivered", None)

    assert (await remap(db))["changes"] == {"undelivered → accepted": 1}


async def test_receipts_that_wait_are_mapped_anew(db: AsyncConnection) -> None:
    await hear(db, (None, "a", "undelivered"), (None, "b", "buffered"), (None, "c", "expired"))
    await correct(db, "undelivered", "rejected")
    await correct(db, "buffered", "delivered")
    await correct(db, "expired", None)

    await remap(db)

    waiting = await rows(
        db, "select provider_ref, state from sms.unmatched_receipt order by provider_ref"
    )
    assert [(r["provider_ref"], r["state"]) for r in waiting] == [
        ("a", "rejected"),
        ("b", "delivered"),
    ]


async def test_segments_are_folded_anew(db: AsyncConnection) -> None:
    await accepted(db, refs=("a", "b"))
    await hear(db, (None, "a", "delivered"), (None, "b", "undelivered"))
    await correct(db, "undelivered", "delivered")

    assert (await remap(db))["changes"] == {"undelivered → delivered": 1}


async def test_a_segment_that_means_less_now_is_waited_for_again(db: AsyncConnection) -> None:
    [id_] = await accepted(db, refs=("a", "b"))
    await hear(db, (None, "a", "delivered"))
    await correct(db, "delivered", None)
    await remap(db)
    await correct(db, "buffered", "delivered")
    await hear(db, (None, "b", "buffered"))
    assert await states(db, id_) == ["accepted"]

    await hear(db, (None, "a", "buffered"))

    assert await states(db, id_) == ["delivered"]


async def test_refusals_of_ours_are_no_matter_of_receipts(db: AsyncConnection) -> None:
    [id_] = await waiting(db, 1)
    claim_id = await handed_over(db, id_, keys=None)
    await settle(db, claim_id, [id_], "rejected")
    await hear(db, (id_, None, "undelivered"))
    await correct(db, "undelivered", None)

    assert (await remap(db))["messages"] == 0
    assert await states(db, id_) == ["rejected"]


async def test_numbers_are_no_longer_blamed_for_what_was_no_failure(db: AsyncConnection) -> None:
    [id_] = await accepted(db)
    await hear(db, (id_, None, "undelivered"))
    assert await value(db, "select count(*) from sms.number_trouble") == 1
    await correct(db, "undelivered", "delivered")

    await remap(db)

    assert await value(db, "select count(*) from sms.number_trouble") == 0


async def test_a_message_that_waits_again_is_left_alone(db: AsyncConnection) -> None:
    [id_] = await waiting(db, 1)
    claim_id = await handed_over(db, id_, keys=None)
    await settle(db, claim_id, [id_], "uncertain")
    await hear(db, (id_, None, "buffered"))
    await db.execute("select sms.resolve_uncertain(%s, 'resend')", [[id_]])
    await correct(db, "buffered", "delivered")

    assert (await remap(db))["messages"] == 0
    assert await states(db, id_) == ["pending"]
    claim_id = await handed_over(db, id_, keys=None)
    await settle(db, claim_id, [id_])
    assert await states(db, id_) == ["delivered"]


async def test_no_other_way_leads_back(db: AsyncConnection) -> None:
    [id_] = await accepted(db)
    await hear(db, (id_, None, "delivered"))

    with pytest.raises(psycopg.Error) as refused:
        await db.execute("update sms.outcome set state = 'accepted', final_at = null")

    assert refused.value.sqlstate == "SM007"


async def test_the_log_of_yesterday_opens_no_door_today(conn: AsyncConnection) -> None:
    await make_provider(conn)
    await set_quiet_hours(conn)
    [id_] = await accepted(conn)
    await hear(conn, (id_, None, "undelivered"))
    await correct(conn, "undelivered", None)
    await remap(conn)
    await hear(conn, (id_, None, "expired"), (id_, None, "rejected"))
    await conn.execute("update sms.receipt_remap set old_state = 'expired'")

    with pytest.raises(psycopg.Error) as refused:
        await conn.execute("update sms.outcome set state = 'accepted', final_at = null")

    assert refused.value.sqlstate == "SM007"


async def test_an_unknown_adapter_is_an_error_that_names_the_known(db: AsyncConnection) -> None:
    with pytest.raises(psycopg.Error) as refused:
        await db.execute("select sms.remap_receipts(now(), p_adapter => 'nobody')")

    assert refused.value.sqlstate == "SM055"
    assert "fake" in str(refused.value.diag.message_hint)


async def test_only_operators_may(as_role: AsRole) -> None:
    for role in ("sms_worker", "sms_monitor", "sms_erp"):
        caller = await as_role(role)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await caller.execute("select sms.remap_receipts(now())")


async def test_the_command_tells_first_and_moves_when_told(dsn: str, conn: AsyncConnection) -> None:
    await make_provider(conn)
    await set_quiet_hours(conn)
    ids = await accepted(conn, 3)
    await hear(conn, *((id_, None, "undelivered") for id_ in ids))
    operator = with_rights_of(dsn, "sms_operator")
    await correct(conn, "undelivered", "expired")
    words = ["receipts", "remap", "--since", "5h", "--adapter", "fake"]

    told = answer(*words, dsn=operator)
    assert await states(conn, *ids) == ["undelivered"] * 3
    moved = answer(*words, "--apply", dsn=operator)

    assert told == moved == {
        "receipts": 3,
        "messages": 3,
        "changes": {"undelivered → expired": 3},
    }  # fmt: skip
    assert await states(conn, *ids) == ["expired"] * 3
    assert answer(*words, dsn=operator)["receipts"] == 0
    by = await column(conn, "select distinct acted_as from sms.activity where action = 'remapped'")
    assert by == ["sms_operator"]


async def test_live_receipts_and_a_remapping_do_not_get_in_each_others_way(
    dsn: str, conn: AsyncConnection
) -> None:
    await make_provider(conn)
    await set_quiet_hours(conn)
    [id_] = await accepted(conn)
    await hear(conn, (id_, None, "undelivered"))
    await correct(conn, "undelivered", None)
    async with await AsyncConnection.connect(dsn) as other:
        await hear(other, (id_, None, "delivered"))  # not committed yet
        await conn.execute("set lock_timeout = '300ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            await remap(conn)
        await other.commit()
        await conn.execute("set lock_timeout = 0")

    assert (await remap(conn))["messages"] == 0
    assert await states(conn, id_) == ["delivered"]
