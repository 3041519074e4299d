"""What an analyst writes cannot hurt: attempts to break out of an audience, and what stops each.

Two walls. Saving refuses what does more than read and compute. Running would not let it through
either: read-only, with the analysts' rights, in a function no analyst may alter.
"""

# ruff: noqa: S608 - injecting is what is tried here

from __future__ import annotations

from typing import LiteralString

import pytest
from psycopg import AsyncConnection

from outbox.calls import audiences
from outbox.errors import Refused
from tests.audiences.conftest import Save, grant_login, people, refusal
from tests.conftest import AsRole
from tests.support.factory import row, value

ONE = "select 1 as client_id, '89070000001' as phone"

# (attempt, what the sentence says)
ATTEMPTS: list[tuple[str, str]] = [
    # Another statement, or none that reads.
    (f"{ONE}; drop table erp.local_client", "multi-query"),
    (f"{ONE}) as a; delete from erp.local_client; select (1", "must be one SELECT"),
    (f"{ONE} /* */ ; /* */ select 1", "multi-query"),
    (f"do $$ begin delete from erp.local_client; end $$; {ONE}", "must be one SELECT"),
    ("delete from erp.local_client returning client_id, phone", "one SELECT"),
    ("insert into erp.local_client values (9) returning client_id, phone", "one SELECT"),
    ("update erp.local_client set phone = '1' returning client_id, phone", "one SELECT"),
    ("truncate erp.local_client", "must be one SELECT"),
    (f"with x as (delete from erp.local_client returning 1) {ONE} from x", "data-modifying"),
    (f"with x as (insert into sms.outbox (phone) values ('1') returning 1) {ONE} from x", "data-"),
    (f"select * into stolen from ({ONE}) as x", "SELECT INTO"),
    (f"create table stolen as {ONE}", "must be one SELECT"),
    (f"create temp table stolen as {ONE}", "must be one SELECT"),
    ("copy erp.local_client to '/tmp/stolen'", "must be one SELECT"),
    ("copy erp.local_client to program 'cat'", "must be one SELECT"),
    ("set role sms_operator", "must be one SELECT"),
    ("reset role", "must be one SELECT"),
    ("set session authorization default", "must be one SELECT"),
    ("set local transaction_read_only = off", "must be one SELECT"),
    ("call sms.nothing()", "must be one SELECT"),
    ("do $$ begin end $$", "must be one SELECT"),
    ("lock table sms.outbox", "must be one SELECT"),
    ("listen sms_bulk", "must be one SELECT"),
    ("notify sms_bulk", "must be one SELECT"),
    ("commit", "must be one SELECT"),
    ("prepare x as select 1", "must be one SELECT"),
    ("execute x", "must be one SELECT"),
    ("declare x cursor for select 1", "must be one SELECT"),
    ("fetch all from x", "must be one SELECT"),
    ("explain select 1", "syntax error"),
    ("explain analyze delete from erp.local_client", "syntax error"),
    ("show statement_timeout", "syntax error"),
    # Settings, waiting, locks, messages, files, other servers.
    (f"{ONE}, set_config('role', 'sms_operator', false)", "set_config"),
    (f"{ONE}, set_config('transaction_read_only', 'off', false)", "set_config"),
    (f"{ONE}, set_config('search_path', 'evil', false)", "set_config"),
    (f"{ONE} where set_config('statement_timeout', '0', false) = '0'", "set_config"),
    (f"{ONE} order by set_config('x.y', '1', false)", "set_config"),
    (f"{ONE} from (select 1 group by set_config('x.y', '1', false)) as x", "set_config"),
    (f"{ONE}, exists (select from generate_series(1, 2) as n where pg_sleep(n) is null)", "sleep"),
    (f"{ONE} from pg_sleep(1) as x", "pg_sleep"),
    (f"{ONE} limit (select 1 from pg_sleep(1))", "pg_sleep"),
    (f"{ONE}, pg_try_advisory_lock(1)", "pg_try_advisory_lock"),
    (f"{ONE} from pg_advisory_lock(1) as x", "pg_advisory_lock"),
    (f"{ONE} from pg_advisory_xact_lock_shared(1) as x", "pg_advisory_xact_lock_shared"),
    (f"{ONE} from pg_notify('sms_bulk', '') as x", "pg_notify"),
    (f"{ONE}, nextval('sms.id_seq')", "id_seq"),
    (f"{ONE}, setval('sms.id_seq', 1)", "id_seq"),
    (f"{ONE}, lo_create(0)", "lo_create"),
    (f"{ONE}, lo_from_bytea(0, 'x')", "lo_from_bytea"),
    (f"{ONE}, lo_import('/etc/passwd')", "lo_import"),
    (f"{ONE}, pg_read_file('/etc/passwd')", "pg_read_file"),
    (f"{ONE} from pg_ls_dir('/') as x", "pg_ls_dir"),
    (f"{ONE}, pg_terminate_backend(1)", "pg_terminate_backend"),
    (f"{ONE}, pg_cancel_backend(1)", "pg_cancel_backend"),
    (f"{ONE}, pg_export_snapshot()", "pg_export_snapshot"),
    (f"{ONE}, txid_current()", "txid_current"),
    # Statements hidden in a text.
    (f"{ONE}, query_to_xml('delete from erp.local_client', true, true, '')", "query_to_xml"),
    (f"{ONE}, table_to_xml('erp.client', true, true, '')", "table_to_xml"),
    (f"{ONE}, database_to_xml(true, true, '')", "database_to_xml"),
    (f"{ONE}, cursor_to_xml('x', 1, true, true, '')", "cursor_to_xml"),
    (f"{ONE} from ts_stat('select 1') as x", "ts_stat"),
    # Texts, secrets, other people's business.
    ("select client_id, body as phone from sms.outbox", "may not read"),
    ("select client_id, vars::text as phone from sms.outbox", "may not read"),
    ("select template_id as client_id, body as phone from sms.template_version", "may not read"),
    ("select receipt_id as client_id, raw as phone from sms.receipt", "may not read"),
    ("select 1 as client_id, settings::text as phone from sms.provider", "may not read"),
    ("select 1 as client_id, rolpassword as phone from pg_authid", "may not read"),
    ("select 1 as client_id, usename::text as phone from pg_user", "pg_user"),
    ("select 1 as client_id, query as phone from pg_stat_activity", "pg_stat_activity"),
    ("select 1 as client_id, setting as phone from pg_settings", "pg_settings"),
    ("select 1 as client_id, table_name::text as phone from information_schema.tables", "tables"),
    ("select 1 as client_id, value as phone from sms.setting", "sms.setting"),
    (f"{ONE}, current_setting('data_directory')", "current_setting"),
    (f"{ONE}, current_query()", "current_query"),
    (f"{ONE} from sms.claim_batch('post', 'w') as x", "not granted"),
    (f"{ONE}, sms.cancel(1::bigint)", "not granted"),
    (f"{ONE}, sms.save_audience('b', 'select 1')", "save_audience"),
    (f"{ONE}, sms.next_id()", "not granted"),
    # Locks on rows.
    ("select client_id, location::text as phone from geo.client_location for update", "locks rows"),
    (f"{ONE} from (values (1)) as x (n) for update", "locks rows"),
    # Parameters of ours.
    (f"{ONE}, $1 as x", "no parameter"),
    (f"{ONE} where $2 is not null", "no parameter"),
]


@pytest.fixture
async def temptation(db: AsyncConnection) -> AsyncConnection:
    """The analyst's session holds a table and a function that pretend to be harmless."""
    await db.execute(
        """
        set local role sms_analyst;
        create temp table client (client_id bigint, phone text);
        create function pg_temp.mine() returns text stable language plpgsql
            as $$ begin perform set_config('role', 'sms_operator', false); return 'x'; end $$;
        reset role
        """
    )
    return db


@pytest.mark.parametrize(("attempt", "says"), ATTEMPTS, ids=lambda text: text[:70])
async def test_what_does_more_than_read_is_not_saved(
    db: AsyncConnection, save: Save, attempt: str, says: str
) -> None:
    error = await refusal(save(attempt))

    assert error.sqlstate in {"SM031", "SM032"}
    assert says in (error.diag.message_primary or "")
    assert await value(db, "select count(*) from erp.local_client") == 3
    assert await value(db, "select count(*) from sms.audience") == 0


@pytest.mark.parametrize(
    "attempt",
    [
        "select client_id, phone from client",
        "select client_id, phone from pg_temp.client",
        f"{ONE}, pg_temp.mine()",
        "select client_id, phone, pg_temp.mine() as x from erp.client",
        ONE,  # whatever the text says: it is not even looked at
    ],
)
async def test_objects_of_the_analysts_own_session_are_refused_before_the_text_is_read(
    temptation: AsyncConnection, save: Save, attempt: str
) -> None:
    error = await refusal(save(attempt))

    assert error.sqlstate == "SM031"
    assert "temporary objects of its own" in (error.diag.message_primary or "")
    assert "discard temp" in (error.diag.message_hint or "")


async def test_a_temporary_table_is_in_the_way_only_where_it_is_named(
    db: AsyncConnection, save: Save
) -> None:
    await db.execute("create temp table draft (client_id bigint, phone text)")
    await save(ONE)
    for attempt in ("select client_id, phone from draft", 'select client_id, phone from "draft"'):
        error = await refusal(save(attempt))
        assert "the table draft" in (error.diag.message_primary or "")


# Past the first walls: the query is put there as a superuser who switches the checks off would.
BEHIND: list[tuple[LiteralString, str]] = [
    ("select client_id, body as phone from sms.outbox", "42501"),
    ("select 1 as client_id, rolpassword as phone from pg_authid", "42501"),
    ("select 1 as client_id, set_config('role', 'sms_operator', false) as phone", "42501"),
    ("select 1 as client_id, set_config('role', 'none', true) as phone", "42501"),
    ("select 1 as client_id, set_config('session_authorization', 'x', true) as phone", "42501"),
    ("select 1 as client_id, set_config('transaction_read_only', 'off', false) as phone", "25001"),
    ("select 1 as client_id, nextval('erp.numbers')::text as phone", "25006"),
    ("select 1 as client_id, erp.wipe() as phone", "25006"),
    ("select 1 as client_id, pg_read_file('/etc/passwd') as phone", "42501"),
    ("select client_id, '1' as phone from geo.client_location for update", "0A000"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "sqlstate"), BEHIND)
async def test_what_got_in_anyway_has_the_analysts_rights_and_writes_nothing(
    db: AsyncConnection, query: LiteralString, sqlstate: str
) -> None:
    await db.execute(
        """
        create sequence erp.numbers;
        grant all on sequence erp.numbers to sms_audience;
        grant delete on erp.local_client to sms_audience;
        create function erp.wipe() returns text language plpgsql as
            $$ begin execute 'delete from erp.local_client'; return 'x'; end $$;
        grant execute on function erp.wipe() to sms_audience;
        alter table sms.audience disable trigger check_audience;
        create or replace function sms.refuse_unlisted_words(p_query text) returns void
            language sql as 'select';  -- the wall before this one
        """
    )
    await db.execute(
        """
        insert into sms.audience (audience, query, columns, planned_cost)
        values ('a', %s, '{client_id,phone}', 0)
        """,
        [query],
    )

    async with db.transaction(force_rollback=True):
        error = await refusal(rows_of_the_owner(db))
        assert error.sqlstate == sqlstate

    assert await value(db, "select count(*) from erp.local_client") == 3
    settings = "select current_setting('role'), current_setting('transaction_read_only') as ro"
    assert await row(db, settings) == {"current_setting": "none", "ro": "off"}


async def rows_of_the_owner(db: AsyncConnection) -> None:
    """Even a superuser who runs it lends it no rights."""
    await db.execute("select * from sms.run_audience('a')")


async def test_a_superuser_who_runs_it_sees_what_an_analyst_would(
    db: AsyncConnection, save: Save
) -> None:
    await save(f"{ONE}, current_user::text as acts_as, session_user::text as who")
    [person] = await people(db)
    assert person["vars"]["acts_as"] == "sms_audience"
    memberships = "select count(*) from pg_auth_members where member = 'sms_audience'::regrole"
    assert await value(db, memberships) == 0


async def test_nobody_owns_what_reads_audiences_but_a_role_without_members(
    conn: AsyncConnection, as_role: AsRole
) -> None:
    assert (
        await value(
            conn,
            """
        select count(*) from pg_auth_members as m
          join pg_roles as r on r.oid = m.member
         where m.roleid = 'sms_audience'::regrole and not r.rolsuper
        """,
        )
        == 0
    )
    await grant_login(conn, "eve", "sms_analyst")
    eve = await as_role("eve")
    for act in (
        "alter function sms.run_audience(text, bigint) security invoker",
        "alter function sms.run_audience(text, bigint) reset all",
        "drop function sms.run_audience(text, bigint)",
        "create or replace function sms.run_audience(p_audience text, p_limit bigint default null)"
        " returns table (client_id bigint, phone text, time_zone text, vars jsonb)"
        " language sql as 'select 1, body, body, null::jsonb from sms.outbox'",
        "set role sms_audience",
        "select * from sms_audience.read_people('select 1', 1, now())",
        "select * from sms_audience.parse_select('select 1')",
        "alter function sms_audience.plan_select(text) security invoker",
        "select * from sms.refuse_unfit_audience('select 1')",
        "alter table sms.audience disable trigger all",
        "update sms.setting set value = '0' where setting = 'audience_max_cost'",
    ):
        error = await refusal(eve.execute(act.encode()))
        assert error.sqlstate == "42501", act
    await conn.execute("drop role eve")


async def test_a_schema_everybody_may_write_to_closes_the_door(
    db: AsyncConnection, save: Save
) -> None:
    await save("select client_id, phone from erp.client")
    await db.execute("grant create on schema public to public")

    for work in (save("select client_id, phone from erp.client", "b"), people(db)):
        error = await refusal(work)
        assert error.sqlstate == "SM031"
        assert "revoke create on schema public" in (error.diag.message_hint or "")


async def test_a_function_of_the_analysts_own_schema_is_not_trusted_whatever_its_label(
    conn: AsyncConnection, as_role: AsRole
) -> None:
    await grant_login(conn, "mallory", "sms_analyst")
    await conn.execute("create schema evil authorization mallory")
    mallory = await as_role("mallory")
    await mallory.execute(
        """
        create function evil.st_dwithin(geography, geography, double precision) returns boolean
            immutable language plpgsql
            as $$ begin perform pg_advisory_lock(1); return true; end $$;
        create operator evil.&& (leftarg = geography, rightarg = geography,
                                 function = geography_eq);
        create table evil.client (client_id bigint, phone text);
        grant all on evil.client to public;
        grant usage on schema evil to public;
        set search_path = evil, public
        """
    )
    near = """
        select l.client_id, '1' as phone from geo.client_location as l
         where {}st_dwithin(l.location, l.location, 1.0)
    """
    # The search path is not the analyst's: this one means PostGIS.
    await mallory.execute("select sms.save_audience('a', %s)", [near.format("")])
    assert await value(mallory, "select count(*) from sms.run_audience('a')") == 0
    assert await value(conn, "select count(*) from pg_locks where locktype = 'advisory'") == 0
    for query in (near.format("evil."), "select client_id, phone from client"):
        error = await refusal(mallory.execute("select sms.save_audience('b', %s)", [query]))
        assert error.sqlstate == "SM031"
    await mallory.close()
    await conn.execute("drop schema evil cascade")
    await conn.execute("drop role mallory")


OWN = """
    create function evil.f(text) returns boolean immutable language plpgsql
        as $$ begin perform set_config('evil.was', 'here', false); return true; end $$;
    create domain evil.d as text check (evil.f(value));
    create type evil.c as (x evil.d);
    create view evil.v as select 1::bigint as client_id, '1'::text as phone where evil.f('x');
    create table evil.t (client_id bigint, phone evil.d);
    create operator evil.=== (leftarg = text, rightarg = text, function = evil.same);
    create aggregate evil.sum(text) (sfunc = evil.both, stype = text);
    grant usage on schema evil to public;
    grant select on evil.v, evil.t to public
"""
BY_OWN = [
    "select client_id, phone from evil.v",
    "select client_id, phone::text from evil.t",
    "select 1 as client_id, 'x'::evil.d::text as phone",
    "select client_id, phone::evil.d::text as phone from erp.client",
    "select 1 as client_id, ('{x}'::evil.d[])[1]::text as phone",
    "select client_id, (array[phone]::evil.d[])[1]::text as phone from erp.client",
    "select 1 as client_id, ('(x)'::evil.c)::text as phone",
    "select 1 as client_id, ('(1,x)'::evil.t)::text as phone",
    "select 1 as client_id, y as phone from jsonb_to_recordset('[]') as x (y text, x evil.d)",
    "select 1 as client_id, y as phone from xmltable('/a' passing xmlparse(document '<a>1</a>')"
    " columns y text path '.', x evil.d path '.') as x",
    "select 1 as client_id, (jsonb_populate_record(null::evil.c, '{}')).x::text as phone",
    "select client_id, phone from erp.client where phone operator(evil.===) phone",
    "select 1 as client_id, evil.sum(phone) as phone from erp.client",
    "select client_id, evil.sum(phone) over () as phone from erp.client",
]


async def test_nothing_of_the_analysts_own_is_used_however_it_is_wrapped(
    conn: AsyncConnection, as_role: AsRole
) -> None:
    await grant_login(conn, "trudy", "sms_analyst")
    await conn.execute("create schema evil authorization trudy")
    trudy = await as_role("trudy")
    await trudy.execute(
        """
        create function evil.same(text, text) returns boolean immutable language sql
            as 'select true';
        create function evil.both(text, text) returns text immutable language sql
            as 'select $1 || $2'
        """
    )
    await trudy.execute(OWN.encode())
    for query in BY_OWN:
        error = await refusal(trudy.execute("select sms.save_audience('a', %s)", [query]))
        assert error.sqlstate == "SM031", query
        assert "evil" in (error.diag.message_primary or ""), query
    assert await value(conn, "select count(*) from sms.audience") == 0
    await trudy.close()
    await conn.execute("drop schema evil cascade")
    await conn.execute("drop role trudy")


async def test_a_function_that_runs_with_anothers_rights_is_refused(
    conn: AsyncConnection,
) -> None:
    await conn.execute(
        """
        create schema crm;
        create function crm.texts() returns text stable security definer language sql
            as 'select body from sms.outbox limit 1';
        create function crm.plain(text) returns text stable language sql as 'select upper($1)'
        """
    )
    save = "select sms.save_audience('a', 'select 1 as client_id, %s as phone')"
    error = await refusal(conn.execute((save % "crm.texts()").encode()))
    assert error.sqlstate == "SM031"
    assert "permission denied for schema crm" in str(error)
    await conn.execute("grant usage on schema crm to sms_audience, sms_parser")
    error = await refusal(conn.execute((save % "crm.texts()").encode()))
    assert "not granted to sms_audience" in str(error)  # that PUBLIC may call it is not enough
    await conn.execute("grant execute on all functions in schema crm to sms_audience")
    error = await refusal(conn.execute((save % "crm.texts()").encode()))
    assert "rights of another" in str(error)
    await conn.execute((save % "crm.plain(''x'')").encode())
    assert await value(conn, "select phone from sms.run_audience('a')") == "X"


async def test_other_servers_are_out_of_reach(conn: AsyncConnection) -> None:
    offered = await value(
        conn, "select count(*) from pg_available_extensions where name = 'dblink'"
    )
    if not offered:
        pytest.skip("the server does not offer the extension dblink")
    await conn.execute(
        """
        create extension dblink;
        grant execute on all functions in schema public to sms_analyst
        """
    )
    for call in (
        "(select x from dblink('dbname=postgres', 'select 1') as t (x int))",
        "dblink_connect('dbname=postgres')",
        "dblink_exec('dbname=postgres', 'select 1')",
    ):
        query = f"select 1 as client_id, '1' as phone, {call} as x"
        error = await refusal(conn.execute("select sms.save_audience('a', %s)", [query]))
        assert error.sqlstate == "SM031"
        assert "dblink" in (error.diag.message_primary or "")


@pytest.mark.parametrize(
    "leak",
    ["phone::int", "phone::date", "(phone || 'x')::jsonb", "1 / (length(phone) - 11)",
     "phone::uuid", "to_date(phone, 'YYYY-MM-DD')", "phone::geometry"],
)  # fmt: skip
async def test_an_error_never_repeats_the_data(db: AsyncConnection, save: Save, leak: str) -> None:
    await db.execute("update erp.local_client set phone = '89070000001'")
    await save(f"select client_id, ({leak})::text as phone from erp.client")

    async with db.transaction(force_rollback=True):
        error = await refusal(people(db))

    assert error.sqlstate == "SM031"
    said = [error.diag.message_primary, error.diag.message_detail, error.diag.message_hint]
    assert "0000001" not in str(said)


async def test_a_select_that_takes_too_long_is_given_up(db: AsyncConnection, save: Save) -> None:
    await db.execute(
        "update sms.setting set value = case setting when 'audience_timeout_s' then '0.3'"
        " else '1e18' end where setting like 'audience%'"
    )
    await save(
        "select c.client_id, c.phone from erp.client as c, generate_series(1, 100000000) as n"
        " where n % 3 = 1"
    )
    async with db.transaction(force_rollback=True):
        error = await refusal(people(db))
    assert error.sqlstate == "SM034"
    assert "longer than 0.3 s" in (error.diag.message_primary or "")


async def test_a_program_gives_up_also_what_yields_no_row(conn: AsyncConnection) -> None:
    await conn.execute(
        "update sms.setting set value = case setting when 'audience_timeout_s' then '0.3'"
        " else '1e18' end where setting like 'audience%'"
    )
    endless = "select count(*) as client_id, '1' as phone from generate_series(1, 1000000000) as n"
    await conn.execute("select sms.save_audience('a', %s)", [endless])

    with pytest.raises(Refused) as caught:
        async with audiences.limited(conn):
            await conn.execute("select * from sms.run_audience('a')")
    assert caught.value.sqlstate == "SM034"
    with pytest.raises(Refused) as caught:
        await audiences.preview_audience(conn, audience="a", limit=1)
    assert caught.value.sqlstate == "SM034"
    assert await value(conn, "select 1") == 1


async def test_the_callers_session_is_as_before(conn: AsyncConnection) -> None:
    facts = """
        select current_user::text, session_user::text, current_setting('role') as role,
               current_setting('search_path') as path, current_setting('enable_seqscan') as seq,
               current_setting('transaction_read_only') as ro
    """
    await conn.execute("set enable_seqscan = off")
    before = await row(conn, facts)
    async with conn.transaction():
        await conn.execute(
            "select sms.save_audience('a', 'select client_id, phone from erp.client')"
        )
        await conn.execute("select * from sms.run_audience('a')")
        await conn.execute("insert into erp.local_client values (7, '1')")  # it may still write
        assert await row(conn, facts) == before
    assert await row(conn, facts) == before
