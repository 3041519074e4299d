"""Who did what: not forged, not avoided, not shortened by those it watches."""

from __future__ import annotations

from typing import LiteralString

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.support import factory
from tests.support.factory import column, row, value
from tests.support.logins import Logins

NUMBER = factory.number(1)

# Table and a statement by which an operator would write in the name of the boss, years ago.
FORGERIES: dict[str, LiteralString] = {
    "blacklist": """
        insert into sms.blacklist (msisdn, reason, created_by, created_at)
        values (79070000001, 'x', 'boss', '2020-01-01')
    """,
    "consent": """
        insert into sms.consent (msisdn, category, proof, created_by, created_at)
        values (79070000001, 'advertising', 'form', 'boss', '2020-01-01')
    """,
    "recipient_group_member": """
        insert into sms.recipient_group_member (group_id, msisdn, added_by, added_at)
        select group_id, 79070000001, 'boss', '2020-01-01' from sms.recipient_group
    """,
    "template_version": """
        insert into sms.template_version (template_id, body, created_by, created_at)
        select template_id, 'Иное', 'boss', '2020-01-01' from sms.template where template = 'offer'
    """,
    "campaign": """
        insert into sms.campaign (campaign, created_by, changed_by, created_at)
        values ('spring', 'boss', 'boss', '2020-01-01')
    """,
}


@pytest.fixture
async def anna(conn: AsyncConnection, people: Logins) -> AsyncConnection:
    """An operator; there are a group and a text."""
    await factory.make_provider(conn)
    await factory.add_group(conn, "friends")
    await factory.add_template(conn, "offer", "Здравствуйте!")
    return await people.connect("anna", "sms_operator")


@pytest.mark.parametrize("table", FORGERIES)
async def test_nobody_writes_in_anothers_name(
    anna: AsyncConnection, conn: AsyncConnection, people: Logins, table: str
) -> None:
    await anna.execute(FORGERIES[table])
    await _is_annas(conn, people, table)


CHANGES: dict[str, LiteralString] = {
    "blacklist": "update sms.blacklist set created_by = 'boss', created_at = '2020-01-01'",
    "recipient_group_member": """
        update sms.recipient_group_member set added_by = 'boss', added_at = '2020-01-01'
    """,
    "campaign": "update sms.campaign set created_by = 'boss', created_at = '2020-01-01'",
}


@pytest.mark.parametrize("table", CHANGES)
async def test_nobody_changes_who_wrote(
    anna: AsyncConnection, conn: AsyncConnection, people: Logins, table: str
) -> None:
    await anna.execute(FORGERIES[table])
    boris = await people.connect("boris", "sms_operator")
    await boris.execute(CHANGES[table])
    await _is_annas(conn, people, table)


async def _is_annas(conn: AsyncConnection, people: Logins, table: str) -> None:
    """The newest row was written by Anna, just now."""
    [line] = await column(
        conn,
        "select new from sms.rule_change where rule_table = %s order by change_id desc limit 1",
        table,
    )
    prefix = "added" if table == "recipient_group_member" else "created"
    assert line[f"{prefix}_by"] == people.name("anna")
    assert line[f"{prefix}_at"] > "2026"


async def test_every_such_column_that_people_may_write_is_watched(conn: AsyncConnection) -> None:
    """A new table with such a column needs the trigger, or column grants without it."""
    open_columns = await column(
        conn,
        """
        select distinct t.relname::text
          from pg_class as t
          join pg_attribute as a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
         where t.relnamespace = 'sms'::regnamespace and t.relkind in ('r', 'p')
           and a.attname in ('created_by', 'changed_by', 'added_by', 'withdrawn_by', 'done_by',
                             'released_by', 'pinned_by', 'made_by', 'acted_as')
           and exists (select from pg_roles as r, unnest(array['insert', 'update']) as p (privilege)
                        where r.rolname like 'sms\\_%'
                          and has_column_privilege(r.oid, t.oid, a.attnum, p.privilege))
        """,
    )
    assert set(open_columns) == set(FORGERIES)


async def test_who_withdraws_a_consent_is_the_login_and_its_words(
    anna: AsyncConnection, conn: AsyncConnection, people: Logins
) -> None:
    await conn.execute(
        "insert into sms.consent (msisdn, category, proof) values (79070000001, 'advertising', "
        "'form')"
    )
    erp = await people.connect("erp", "sms_erp")
    await erp.execute("update sms.consent set withdrawn_at = now(), withdrawn_by = 'call 55012'")
    assert (
        await value(conn, "select withdrawn_by from sms.consent")
        == f"{people.name('erp')}: call 55012"
    )
    await anna.execute(
        "insert into sms.consent (msisdn, category, proof, valid_from, withdrawn_at, withdrawn_by)"
        " values (79070000002, 'advertising', 'form', now() - interval '1 day', now(), 'inbound 1')"
    )
    assert await column(
        conn, "select withdrawn_by from sms.consent where msisdn = 79070000002"
    ) == [f"{people.name('anna')}: inbound 1"]


@pytest.mark.parametrize("name", ["sms.seeding", "sms.lane_causes", "sms.anything"])
async def test_no_setting_of_a_session_hides_a_change(
    anna: AsyncConnection, conn: AsyncConnection, people: Logins, name: str
) -> None:
    await anna.execute("select set_config(%s, 'on', false)", [name])
    await anna.execute(
        "update sms.receipt_code set state = 'undelivered' where adapter = 'fake' and state = "
        "'delivered'"
    )
    seen = await row(
        conn,
        "select done_by, action from sms.activity where kind = 'receipt_code' order by "
        "activity_id desc limit 1",
    )
    assert seen == {"done_by": people.name("anna"), "action": "changed"}
    assert await value(
        conn,
        "select bool_or(is_corrected) from sms.receipt_code where adapter = 'fake' and state = "
        "'undelivered'",
    )


async def test_a_lane_tells_its_own_cause(anna: AsyncConnection, conn: AsyncConnection) -> None:
    lie = '{"cause": "failover", "is_automatic": true}'
    lies = await value(conn, "select jsonb_object_agg(lane_id, %s::jsonb)::text from sms.lane", lie)
    await anna.execute("select set_config('sms.lane_causes', %s, false)", [lies])
    [provider] = await column(conn, "select provider from sms.provider limit 1")
    await anna.execute("select sms.switch_channel('mass', null)")
    await anna.execute("select sms.switch_channel('mass', %s, p_reason => 'why not')", [provider])
    told = await column(
        conn,
        "select distinct cause || ' ' || is_automatic from sms.lane_change where channel = 'mass'",
    )
    assert set(told) <= {"switched false", "pinned false", "created false"}


TRAIL: list[LiteralString] = [
    "update sms.setting set value = '1' where setting = 'retention_months.rule_change'",
    "update sms.setting set value = '1' where setting = 'retention_months.activity'",
    "update sms.setting set value = '1' where setting = 'retention_months'",  # activity follows it
    "delete from sms.setting where setting = 'retention_months.activity'",
    "update sms.setting set setting = 'other' where setting = 'retention_months.rule_change'",
    "delete from sms.rule_change",
    "delete from sms.activity",
    "truncate sms.activity",
    "truncate sms.rule_change",
    "update sms.activity set done_by = 'boss'",
    "update sms.rule_change set changed_by = 'boss'",
    "insert into sms.activity (acted_as, action, kind, name) values ('x', 'x', 'x', 'x')",
    "delete from sms.lane_change",
    "delete from sms.receipt_remap",
    "delete from sms.audience_version",
    "update sms.template_version set created_by = 'boss'",
    "select sms.log_activity('changed', 'campaign', 'x')",
    "alter table sms.cap disable trigger all",
    "set session_replication_role = replica",
]


@pytest.mark.parametrize("shorten", TRAIL)
@pytest.mark.parametrize(
    "role", ["sms_operator", "sms_erp", "sms_analyst", "sms_worker", "sms_monitor"]
)
async def test_nobody_watched_shortens_the_trail(
    conn: AsyncConnection, people: Logins, role: str, shorten: LiteralString
) -> None:
    before = await _trail(conn)
    watched = await people.connect("anna", role)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await watched.execute(shorten)
    assert await _trail(conn) == before


async def _trail(conn: AsyncConnection) -> object:
    return await row(
        conn,
        "select (select count(*) from sms.rule_change) as changes, (select count(*) from "
        "sms.activity) as acts,"
        " (select jsonb_object_agg(setting, value) from sms.setting where setting like "
        "'retention%%') as kept",
    )


async def test_the_owner_says_how_long_and_then_operators_keep_messages_as_they_like(
    anna: AsyncConnection, conn: AsyncConnection
) -> None:
    await conn.execute(
        "update sms.setting set value = '60' where setting = 'retention_months.activity'"
    )
    await anna.execute("update sms.setting set value = '24' where setting = 'retention_months'")
    await anna.execute(
        "update sms.setting set value = '24' where setting = 'retention_months.inbound'"
    )
    assert await value(conn, "select sms.retention('activity') = interval '60 months'")


async def test_what_a_budget_warned_of_is_not_for_people(anna: AsyncConnection) -> None:
    await anna.execute("insert into sms.budget (budget, amount) values ('all', 100)")
    await anna.execute("update sms.budget set amount = 200")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await anna.execute("update sms.budget set warned_for = '2099-01-01'")
