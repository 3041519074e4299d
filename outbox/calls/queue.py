"""The worker's verbs, and what comes back from providers and subscribers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from outbox.calls.query import all_rows, clean, one_row, one_value
from outbox.receipts import Inbound, Receipt
from outbox.rows import Claim, Heard, ProviderRow, Recorded, Results


async def claim_batch(
    conn: AsyncConnection,
    *,
    provider: str,
    worker: str,
    limit: int,
    from_priority: int,
    to_priority: int,
    lease_s: float,
) -> Claim:
    """Lease up to `limit` due messages of one provider, most urgent first."""
    async with conn.cursor(row_factory=tuple_row, binary=True) as cursor:
        await cursor.execute(
            """
            select claim_id, judged, lease_until, ids, msisdns, sender_ids, bodies,
                   priorities, attempts, expires_ats
              from sms.claim_batch(p_provider => %(provider)s, p_worker => %(worker)s,
                                   p_limit => %(limit)s, p_from_priority => %(from_priority)s,
                                   p_to_priority => %(to_priority)s, p_lease => %(lease)s)
            """,
            {
                "provider": provider,
                "worker": worker,
                "limit": limit,
                "from_priority": from_priority,
                "to_priority": to_priority,
                "lease": timedelta(seconds=lease_s),
            },
        )
        row = await cursor.fetchone()
    assert row is not None  # always one row
    return Claim(
        claim_id=row[0],
        judged=row[1],
        lease_until=row[2],
        ids=row[3] or [],
        msisdns=row[4] or [],
        sender_ids=row[5] or [],
        bodies=row[6] or [],
        priorities=row[7] or [],
        attempts=row[8] or [],
        expires_ats=row[9] or [],
    )


async def mark_submitting(
    conn: AsyncConnection,
    *,
    claim_id: int,
    ids: Sequence[int],
    keys: Sequence[str | None] | None = None,
) -> bool:
    """Commit that these are about to leave, under the names `keys`; false: the lease is gone."""
    return bool(
        await one_value(
            conn,
            """
            select sms.mark_submitting(p_claim_id => %(claim_id)s, p_ids => %(ids)b::bigint[],
                                       p_keys => %(keys)s::text[])
            """,
            {"claim_id": claim_id, "ids": ids, "keys": keys and list(keys)},
        )
    )


async def settle(conn: AsyncConnection, *, claim_id: int, results: Results) -> int:
    """Close attempts of one claim; fewer than asked means that the lease of the rest was lost."""
    return int(
        await one_value(
            conn,
            """
            select sms.settle(p_claim_id => %(claim_id)s, p_ids => %(ids)b::bigint[],
                              p_results => %(results)b::text[],
                              p_segments => %(segments)b::smallint[],
                              p_details => %(details)b::text[],
                              p_retry_after_s => %(retry_after_s)b::int[],
                              p_ref_ids => %(ref_ids)b::bigint[], p_refs => %(refs)b::text[],
                              p_cost_ids => %(cost_ids)b::bigint[],
                              p_costs => %(costs)b::numeric[])
            """,
            {
                "claim_id": claim_id,
                "ids": results.ids,
                "results": results.results,
                "segments": results.segments,
                "details": [detail and clean(detail) for detail in results.details],
                "retry_after_s": results.retry_after_s,
                "ref_ids": results.ref_ids,
                "refs": [clean(ref) for ref in results.refs],
                "cost_ids": results.cost_ids,
                "costs": results.costs,
            },
        )
    )


async def record_receipts(
    conn: AsyncConnection, *, provider: str, receipts: Sequence[Receipt]
) -> Recorded:
    """Store delivery reports as received and move their messages forward."""
    return await one_row(
        conn,
        Recorded,
        """
        select stored, applied, waiting, unmapped, strangers
          from sms.record_receipts(p_provider => %(provider)s,
                                   p_message_ids => %(message_ids)b::bigint[],
                                   p_refs => %(refs)b::text[], p_codes => %(codes)b::text[],
                                   p_errors => %(errors)b::text[],
                                   p_occurred_ats => %(occurred_ats)b::timestamptz[],
                                   p_raws => %(raws)b::text[])
        """,
        {
            "provider": provider,
            "message_ids": [receipt.message_id for receipt in receipts],
            "refs": [receipt.ref and clean(receipt.ref) for receipt in receipts],
            "codes": [clean(receipt.code) for receipt in receipts],
            "errors": [receipt.error and clean(receipt.error) for receipt in receipts],
            "occurred_ats": [receipt.occurred_at for receipt in receipts],
            "raws": [clean(receipt.raw) for receipt in receipts],
        },
    )


async def record_inbound(
    conn: AsyncConnection, *, provider: str, messages: Sequence[Inbound]
) -> Heard:
    """Keep messages from subscribers, each once, and obey those that opt out or in again."""
    return await one_row(
        conn,
        Heard,
        """
        select stored, opted_out
          from sms.record_inbound(p_provider => %(provider)s, p_refs => %(refs)b::text[],
                                  p_senders => %(senders)b::text[],
                                  p_sent_tos => %(sent_tos)b::text[],
                                  p_bodies => %(bodies)b::text[])
        """,
        {
            "provider": provider,
            "refs": [message.ref and clean(message.ref) for message in messages],
            "senders": [clean(message.sender) for message in messages],
            "sent_tos": [message.sent_to and clean(message.sent_to) for message in messages],
            "bodies": [clean(message.body) for message in messages],
        },
    )


async def follow_link(
    conn: AsyncConnection, *, code: str, user_agent: str, is_counted: bool
) -> str | None:
    """Where a short link leads, its click noted; None where it leads nowhere."""
    url: str | None = await one_value(
        conn,
        """
        select sms.follow_link(p_code => %(code)s, p_user_agent => %(user_agent)s,
                               p_is_counted => %(is_counted)s)
        """,
        {"code": code, "user_agent": user_agent, "is_counted": is_counted},
    )
    return url


async def list_providers(conn: AsyncConnection) -> list[ProviderRow]:
    """Every configured account and how many lanes it serves now."""
    return await all_rows(
        conn,
        ProviderRow,
        """
        select provider, adapter, settings, secret_env, tps::float8 as tps, max_batch, is_enabled,
               lanes, probed_lanes, breaker, epoch, slow_answer, has_backup
          from sms.list_providers()
        """,
    )
