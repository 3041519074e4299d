"""Who must not be messaged, from a CSV file into sms.blacklist."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from psycopg import AsyncConnection

from imports.load import (
    MOST_BAD,
    STAGE_BLACKLIST,
    BadLine,
    ImportReport,
    Layout,
    Progress,
    RowRefused,
    copy_rows,
    refuse_so_many,
    words,
)

WHO = ("phone", "prefix", "group")
LAYOUT = Layout(
    one_of=WHO,
    optional=("reason", "category", "channel", "source", "expires_at"),
    aliases={"msisdn": "phone", "number": "phone", "recipient_group": "group"},
)
SOURCES = ("manual", "import", "auto", "opt_out", "legal")
# Every number that we send to begins with 7: another prefix would quietly stop nobody.
_PREFIX = re.compile(r"7[0-9]{0,10}")
_PUNCTUATION = str.maketrans("", "", " +-()")
# (line, phone, prefix, group, category, channel, reason, source, expires_at)
Text = str | None
Row = tuple[int, Text, Text, Text, Text, Text, str, str, datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlacklistReport(ImportReport):
    """`kept` counts what the file names, `changed` the rows added for it; `repeated` counts lines
    that name the same, for the same messages and from the same source, as another line."""

    repeated: int


async def import_blacklist(
    conn: AsyncConnection, path: Path, progress: Progress | None = None
) -> BlacklistReport:
    """Add to the blacklist from a CSV with one of the columns phone, prefix, group, and optionally
    reason, category, channel, source (else 'import') and expires_at (local where it has no zone).

    Nothing is removed. What a row of the same source holds back already, at least as long, is not
    added again; a row of another source does not count, for it may be lifted before. Takes effect
    at the next claim. Raises ImportRefused when the file as a whole cannot be read.
    """
    bad: list[BadLine] = []
    async with conn.transaction():
        # Two imports at once would each miss what the other adds. Everybody else goes on.
        await conn.execute("select sms.take_import_turn('blacklist')")
        await conn.execute("drop table if exists pg_temp.staged_blacklist")
        await conn.execute(
            """
            create temp table staged_blacklist (
                line_no int, phone text, prefix text, recipient_group text, category text,
                channel text, reason text, source text, expires_at timestamptz
            ) on commit drop
            """
        )
        await copy_rows(conn, STAGE_BLACKLIST, _rows(path, bad, progress))
        await conn.execute("analyze staged_blacklist")
        kept, added, repeated, lines, problems = await _put(conn)
        bad += [BadLine(line=n, reason=why) for n, why in zip(lines, problems, strict=True)]
        refuse_so_many(path, bad)
    return BlacklistReport(
        kept=kept, changed=added, repeated=repeated, bad=sorted(bad, key=lambda b: b.line)
    )


async def _put(conn: AsyncConnection) -> tuple[int, int, int, list[int], list[str]]:
    """Judge the staged rows and add the new ones: kept, added, repeated, bad lines, their reasons.

    Of rows about the same the one that lasts longest counts, then the one further down.
    """
    # A list that was empty when it was last analysed is planned to be read once per new row, while
    # it grows: a hundred thousand numbers took a minute instead of a second.
    await conn.execute("set local enable_nestloop = off")
    result = await conn.execute(
        """
        with looked_up as materialized (
            select s.line_no, s.phone, s.prefix, s.recipient_group, s.category, s.channel,
                   s.reason, s.source, s.expires_at, sms.normalize_msisdn(s.phone) as msisdn,
                   g.group_id, ct.category as known_category, ch.channel as known_channel
              from staged_blacklist as s
              left join sms.recipient_group as g on g.recipient_group = s.recipient_group
              left join sms.category as ct on ct.category = s.category
              left join sms.channel as ch on ch.channel = s.channel
        ), judged as materialized (
            select l.line_no, l.msisdn, l.prefix, l.group_id, l.category, l.channel, l.reason,
                   l.source, l.expires_at,
                   case when l.phone is not null and l.msisdn is null
                        then 'the phone is no Russian mobile number ('
                             || sms.phone_problem(l.phone) || ')'
                        when l.recipient_group is not null and l.group_id is null
                        then 'there is no group ' || to_json(l.recipient_group)
                        when l.category is not null and l.known_category is null
                        then 'there is no category ' || to_json(l.category)
                        when l.channel is not null and l.known_channel is null
                        then 'there is no channel ' || to_json(l.channel)
                        when l.expires_at <= now() then 'it has expired already'
                   end as problem
              from looked_up as l
        ), longest as materialized (
            select distinct on (j.msisdn, j.prefix, j.group_id, j.category, j.channel, j.source)
                   j.msisdn, j.prefix, j.group_id, j.category, j.channel, j.reason, j.source,
                   j.expires_at
              from judged as j
             where j.problem is null
             order by j.msisdn, j.prefix, j.group_id, j.category, j.channel, j.source,
                      j.expires_at desc nulls first, j.line_no desc
        ), added as (
            insert into sms.blacklist
                   (msisdn, prefix, group_id, category, channel, reason, source, expires_at)
            select n.msisdn, n.prefix, n.group_id, n.category, n.channel, n.reason, n.source,
                   n.expires_at
              from longest as n
              -- Nulls made comparable, so that a million rows are one hash join.
             where not exists (
                   select from sms.blacklist as b
                    where coalesce(b.msisdn, 0) = coalesce(n.msisdn, 0)
                      and coalesce(b.prefix, '') = coalesce(n.prefix, '')
                      and coalesce(b.group_id, 0) = coalesce(n.group_id, 0)
                      and coalesce(b.category, '') = coalesce(n.category, '')
                      and coalesce(b.channel, '') = coalesce(n.channel, '')
                      and b.source = n.source
                      and coalesce(b.expires_at, 'infinity') >= coalesce(n.expires_at, 'infinity'))
            returning 1
        )
        select (select count(*) from longest), (select count(*) from added),
               (select count(*) from judged as j where j.problem is null)
                   - (select count(*) from longest),
               array(select j.line_no from judged as j where j.problem is not null
                      order by j.line_no limit %(most)s),
               array(select j.problem from judged as j where j.problem is not null
                      order by j.line_no limit %(most)s)
        """,
        {"most": MOST_BAD + 1},
    )
    [counts] = await result.fetchall()
    return counts


def _rows(path: Path, bad: list[BadLine], progress: Progress | None) -> Iterator[Row]:
    """Yield the rows that can be used; the others go to `bad`."""
    usual = f"imported from {path.name}"
    for number, row in LAYOUT.read(path, bad, progress):
        try:
            yield number, *_who(row), *_scope(row, usual), _expires_at(row)
        except RowRefused as refusal:
            bad.append(BadLine(line=number, reason=str(refusal)))


def _who(row: Mapping[str, str]) -> tuple[Text, Text, Text]:
    """Phone, prefix and group of a row: exactly one of them."""
    phone, prefix, group = (words(row, name) or None for name in WHO)
    if [phone, prefix, group].count(None) != 2:
        raise RowRefused("it should name one phone, prefix or group")
    if prefix is not None:
        prefix = prefix.translate(_PUNCTUATION)
        if not _PREFIX.fullmatch(prefix):
            raise RowRefused("the prefix is not 1 to 11 digits that begin with 7")
    return phone, prefix, group


def _scope(row: Mapping[str, str], usual_reason: str) -> tuple[Text, Text, str, str]:
    """Category, channel, reason and source of a row."""
    source = words(row, "source") or "import"
    if source not in SOURCES:
        raise RowRefused(f"the source is not one of {', '.join(SOURCES)}")
    return (
        words(row, "category") or None,
        words(row, "channel") or None,
        words(row, "reason") or usual_reason,
        source,
    )


def _expires_at(row: Mapping[str, str]) -> datetime | None:
    """When a row ends; without a zone it is local time."""
    text = words(row, "expires_at")
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise RowRefused("expires_at is no ISO time such as 2027-01-31T18:00+03:00") from None
