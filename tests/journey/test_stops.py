"""One message is followed through every table it passes, stop by stop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString

from psycopg import AsyncConnection

from tests.support import factory
from tests.support.clock import NOON

TEXT = "Здравствуйте, Анна! " * 5  # a hundred characters: two segments
PLACES: LiteralString = """
    select array_agg(place order by place)
      from (select 'outbox' as place from sms.outbox as o where o.id = %(id)s
            union all select 'pending' from sms.pending as p where p.id = %(id)s
            union all select 'inflight' from sms.inflight as f where f.id = %(id)s
            union all select 'submitting' from sms.submitting as s where %(id)s = any (s.ids)
            union all select 'contact_log' from sms.contact_log as c where c.message_id = %(id)s
            union all select 'outcome' from sms.outcome as r where r.id = %(id)s
            union all select 'provider_ref' from sms.provider_ref as x where x.id = %(id)s
            union all select 'receipt' from sms.receipt as d
                       where d.provider_ref in (select x.ref from sms.provider_ref as x
                                                 where x.id = %(id)s)) as places
"""


async def test_one_message_from_insert_to_delivered(conn: AsyncConnection) -> None:
    provider_id = await factory.make_provider(conn)
    await factory.insert(conn, "tariff", provider_id=provider_id, price=2.5)

    id_ = await factory.insert_outbox(conn, phone="8 907 000-00-01", body=TEXT)
    assert await stands(conn, id_) == ("pending", ["outbox", "pending"])

    claim = await factory.claim(conn)
    assert (claim.ids, claim.bodies, claim.msisdns) == ([id_], [TEXT], [79_070_000_001])
    assert await stands(conn, id_) == ("inflight", ["contact_log", "inflight", "outbox"])

    assert await factory.mark(conn, claim.claim_id, [id_])
    assert await stands(conn, id_) == (
        "inflight",
        ["contact_log", "inflight", "outbox", "submitting"],
    )

    refs = [(id_, "ref-1"), (id_, "ref-2")]
    assert await factory.settle(conn, claim.claim_id, [id_], segments=2, refs=refs) == 1
    settled = ["contact_log", "outbox", "outcome", "provider_ref", "provider_ref", "submitting"]
    assert await stands(conn, id_) == ("accepted", settled)

    assert await factory.hear(conn, (None, "ref-2", "delivered")) == (1, 0, 0, 0)
    assert await stands(conn, id_) == ("accepted", sorted([*settled, "receipt"]))

    assert await factory.hear(conn, (None, "ref-1", "delivered")) == (1, 1, 0, 0)
    assert await stands(conn, id_) == ("delivered", sorted([*settled, "receipt", "receipt"]))

    seen = await factory.message(conn, id_)
    assert (seen["provider"], seen["segments"], seen["cost"], seen["attempts"]) == ("post", 2, 5, 1)
    assert seen["created_at"] <= seen["submitted_at"] <= seen["final_at"]
    assert seen["not_before"] == NOON
    assert await factory.nothing_unaccounted(conn)


async def stands(conn: AsyncConnection, message_id: int) -> tuple[str, Sequence[str]]:
    """The message's state, and every table that knows it."""
    cur = await conn.execute(PLACES, {"id": message_id})
    [places] = await cur.fetchone() or [[]]
    [state] = await factory.states(conn, message_id)
    return state, places
