"""Prices of a segment, from a CSV file into sms.tariff."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection
from psycopg.errors import CheckViolation, ExclusionViolation

from imports.load import BadLine, ImportReport, Layout, Progress, RowRefused, words

LAYOUT = Layout(
    required=("provider", "price"),
    optional=("operator", "category", "currency", "from_segments", "valid_from", "valid_until"),
)
_CURRENCY = re.compile("[A-Z]{3}")
_HIGHEST = Decimal(100_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffReport(ImportReport):
    """`kept` counts the tariffs that the file names and the table now holds; `ended` the open ones
    that were given an end because a new one follows."""

    ended: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """One line: empty texts mean "every" and "without end"."""

    line: int
    provider: str
    operator: str | None
    category: str | None
    price: Decimal
    currency: str
    from_segments: int
    valid_from: datetime | None
    valid_until: datetime | None


async def import_tariffs(
    conn: AsyncConnection, path: Path, progress: Progress | None = None
) -> TariffReport:
    """Add tariffs: provider, price, optionally operator, category, currency (RUB), from_segments
    (0), valid_from, valid_until (ISO; without a zone in that of setting statistics_zone, in whose
    days money is counted).

    An open tariff of the same scope and step that began before gets the new one's begin as its
    end; any other overlap is refused, as are unknown names. A line that is in the table already,
    also as one that a later line has ended, changes nothing. Raises ImportRefused when the file as
    a whole cannot be read.
    """
    bad: list[BadLine] = []
    kept = added = ended = 0
    async with conn.transaction():
        for tariff in _tariffs(path, await _zone(conn), bad, progress):
            try:
                async with conn.transaction():
                    was_there, ends = await _put(conn, tariff)
            except (RowRefused, ExclusionViolation, CheckViolation) as refusal:
                bad.append(BadLine(line=tariff.line, reason=_reason(refusal)))
                continue
            kept += 1
            added += not was_there
            ended += ends
    return TariffReport(kept=kept, changed=added + ended, ended=ended, bad=sorted(bad, key=_line))


async def _put(conn: AsyncConnection, tariff: Tariff) -> tuple[bool, int]:
    """Store one; whether it was there already, and how many open ones it ended."""
    result = await conn.execute(
        """
        with named as (
            select p.provider_id, o.operator_id, c.category
              from (select 1) as one
              left join sms.provider as p on p.provider = %(provider)s
              left join sms.operator as o on o.operator = %(operator)s
              left join sms.category as c on c.category = %(category)s
        )
        select n.provider_id, n.operator_id, n.category,
               exists (select from sms.tariff as t
                        where t.provider_id = n.provider_id
                          and t.operator_id is not distinct from n.operator_id
                          and t.category is not distinct from n.category
                          and t.from_segments = %(from_segments)s and t.price = %(price)s
                          and t.currency = %(currency)s
                          and t.valid_from = coalesce(%(valid_from)s, '-infinity'::timestamptz)
                          and t.valid_until = coalesce(%(valid_until)s, t.valid_until))
          from named as n
        """,
        _values(tariff),
    )
    [(provider_id, operator_id, category, was_there)] = await result.fetchall()
    _refuse_unknown(tariff, provider_id, operator_id, category)
    if was_there:
        return True, 0
    ids = {**_values(tariff), "provider_id": provider_id, "operator_id": operator_id}
    closed = await conn.execute(
        """
        update sms.tariff as t
           set valid_until = %(valid_from)s
         where t.provider_id = %(provider_id)s
           and t.operator_id is not distinct from %(operator_id)s
           and t.category is not distinct from %(category)s
           and t.from_segments = %(from_segments)s
           and t.valid_until = 'infinity' and t.valid_from < %(valid_from)s
        """,
        ids,
    )
    await conn.execute(
        """
        insert into sms.tariff (provider_id, operator_id, category, price, currency, from_segments,
                                valid_from, valid_until)
        values (%(provider_id)s, %(operator_id)s, %(category)s, %(price)s, %(currency)s,
                %(from_segments)s, coalesce(%(valid_from)s, '-infinity'::timestamptz),
                coalesce(%(valid_until)s, 'infinity'::timestamptz))
        """,
        ids,
    )
    return False, closed.rowcount


def _values(tariff: Tariff) -> dict[str, object]:
    return {name: getattr(tariff, name) for name in Tariff.__slots__}


def _refuse_unknown(
    tariff: Tariff, provider_id: int | None, operator_id: int | None, category: str | None
) -> None:
    if provider_id is None:
        raise RowRefused(f"there is no provider {tariff.provider[:40]!r}")
    if tariff.operator and operator_id is None:
        raise RowRefused(f"there is no operator {tariff.operator[:40]!r}")
    if tariff.category and category is None:
        raise RowRefused(f"there is no category {tariff.category[:40]!r}")


async def _zone(conn: AsyncConnection) -> ZoneInfo:
    found = await conn.execute("select value from sms.setting where setting = 'statistics_zone'")
    [(name,)] = await found.fetchall()
    return ZoneInfo(name)


def _tariffs(
    path: Path, zone: ZoneInfo, bad: list[BadLine], progress: Progress | None
) -> Iterator[Tariff]:
    """Yield the lines that can be used; the others go to `bad`."""
    for number, row in LAYOUT.read(path, bad, progress):
        try:
            yield _tariff(number, row, zone)
        except RowRefused as refusal:
            bad.append(BadLine(line=number, reason=str(refusal)))


def _tariff(number: int, row: Mapping[str, str], zone: ZoneInfo) -> Tariff:
    currency = words(row, "currency").upper() or "RUB"
    if not _CURRENCY.fullmatch(currency):
        raise RowRefused(f"the currency is no ISO 4217 code such as RUB: {currency[:40]!r}")
    step = words(row, "from_segments") or "0"
    if not step.isascii() or not step.isdigit() or len(step) > 12:
        raise RowRefused(f"from_segments is no whole number: {step[:40]!r}")
    return Tariff(
        line=number,
        provider=words(row, "provider"),
        operator=words(row, "operator") or None,
        category=words(row, "category") or None,
        price=_price(words(row, "price")),
        currency=currency,
        from_segments=int(step),
        valid_from=_moment(row, "valid_from", zone),
        valid_until=_moment(row, "valid_until", zone),
    )


def _price(text: str) -> Decimal:
    """A price with at most four decimals; a decimal comma is as good as a point."""
    try:
        price = Decimal(text.replace(",", "."))
    except InvalidOperation:
        raise RowRefused(f"the price is no number: {text[:40]!r}") from None
    if not price.is_finite() or not 0 <= price < _HIGHEST or price != round(price, 4):
        raise RowRefused(f"the price is not 0 to {_HIGHEST} with at most 4 decimals: {text[:40]!r}")
    return price


def _moment(row: Mapping[str, str], name: str, zone: ZoneInfo) -> datetime | None:
    text = words(row, name)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RowRefused(f"{name} is no ISO date or time: {text[:40]!r}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _reason(refusal: Exception) -> str:
    if isinstance(refusal, ExclusionViolation):
        return "it overlaps in time with another tariff of the same scope and step"
    if isinstance(refusal, CheckViolation):
        return "it ends before it begins"
    return str(refusal)


def _line(bad: BadLine) -> int:
    return bad.line
