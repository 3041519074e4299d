"""erp.client over the ERP's own table, in another cluster, by postgres_fdw."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import AsyncConnection, sql
from psycopg.conninfo import conninfo_to_dict

from outbox.cluster import Cluster
from outbox.server_programs import hand_over, installed
from tests.audiences.conftest import refusal
from tests.conftest import AsRole
from tests.support.factory import make_provider, rows, value
from tests.support.server import MEMORY, SETTINGS, DockerServer, Server, is_roomy

ERP = """
    create schema crm;
    create table crm.person (
        number bigint primary key, mobile text, town text, zone text, first_name text,
        wants_sms boolean
    );
    insert into crm.person
    select n, '8907' || lpad(n::text, 7, '0'), case when n % 2 = 0 then 'Казань' else 'Москва' end,
           case when n % 3 = 0 then 'Europe/Moscow' end, 'client ' || n, n % 5 <> 0
      from generate_series(1, 3000) as n;
    create role reader login password 'pass of the reader';
    grant usage on schema crm to reader;
    grant select on crm.person to reader
"""


@pytest.fixture(scope="module")
def erp() -> Iterator[dict[str, str]]:
    """The ERP's own cluster, with its own table of people; how to reach it."""
    if not installed():
        pytest.skip("no PostgreSQL is installed here to make a second cluster of")
    place = Path(tempfile.mkdtemp(dir=MEMORY if is_roomy() else None))
    hand_over(place)
    cluster = Cluster(home=place / "pg", settings={**SETTINGS, "shared_buffers": "16MB"})
    try:
        dsn = cluster.start()
        with psycopg.connect(dsn) as conn:
            conn.execute(ERP)
        yield {key: str(text) for key, text in conninfo_to_dict(dsn).items()}
    finally:
        cluster.remove()
        shutil.rmtree(place)


@pytest.fixture
async def linked(conn: AsyncConnection, server: Server, erp: dict[str, str]) -> AsyncConnection:
    """The outbox's database, with erp.client replaced as docs/audiences.md says."""
    if isinstance(server, DockerServer):
        pytest.skip("the server in Docker cannot reach a cluster on this machine")
    await make_provider(conn)
    await conn.execute("create extension postgres_fdw")
    await conn.execute(
        sql.SQL(
            """
            create server erp foreign data wrapper postgres_fdw
                options (host {host}, port {port}, dbname {dbname}, fetch_size '5000');
            create user mapping for current_user server erp
                options (user 'reader', password 'pass of the reader');
            create foreign table erp.person (
                number bigint, mobile text, town text, zone text, first_name text, wants_sms boolean
            ) server erp options (schema_name 'crm', table_name 'person');
            create or replace view erp.client as
                select p.number as client_id, p.mobile as phone, p.town as city,
                       p.zone as time_zone,
                       jsonb_build_object('name', p.first_name, 'wants_sms', p.wants_sms)
                           as attributes
                  from erp.person as p
            """
        ).format(**{key: sql.Literal(erp[key]) for key in ("host", "port", "dbname")})
    )
    return conn


async def test_an_audience_reads_the_other_cluster(
    linked: AsyncConnection, as_role: AsRole
) -> None:
    analyst = await as_role("sms_analyst")
    query = """
        select c.client_id, c.phone, c.time_zone, c.attributes ->> 'name' as name
          from erp.client as c
         where c.city = 'Казань' and (c.attributes ->> 'wants_sms')::boolean
    """
    await analyst.execute("select sms.save_audience('kazan', %s)", [query])

    found = await rows(analyst, "select * from sms.run_audience('kazan') order by client_id")

    assert [person["client_id"] for person in found] == [
        n for n in range(1, 3001) if n % 2 == 0 and n % 5
    ]
    assert found[0] == {
        "client_id": 2, "phone": "89070000002", "time_zone": None, "vars": {"name": "client 2"},
    }  # fmt: skip
    total = await rows(
        analyst, "select people from sms.preview_audience('kazan') where topic = 'total'"
    )
    assert total == [{"people": 1200}]


async def test_the_condition_travels_and_the_rows_do_not(linked: AsyncConnection) -> None:
    plan = await rows(
        linked, "explain verbose select client_id, phone from erp.client where city = 'Казань'"
    )
    remote = [line["QUERY PLAN"] for line in plan if "Remote SQL" in line["QUERY PLAN"]]
    assert len(remote) == 1
    assert "WHERE ((town = 'Казань'" in remote[0]


async def test_the_analyst_reaches_the_view_and_nothing_behind_it(
    linked: AsyncConnection, as_role: AsRole
) -> None:
    analyst = await as_role("sms_analyst")
    for query in (
        "select number as client_id, mobile as phone from erp.person",
        "select 1 as client_id, umoptions::text as phone from pg_user_mappings",
        "select 1 as client_id, srvoptions::text as phone from pg_foreign_server",
    ):
        error = await refusal(analyst.execute("select sms.save_audience('a', %s)", [query]))
        assert error.sqlstate == "SM031"


async def test_migrating_again_leaves_the_replaced_view_alone(
    linked: AsyncConnection, dsn: str
) -> None:
    from migrations.apply import migrate

    migrate(dsn)
    assert await value(linked, "select count(*) from erp.client") == 3000


async def test_an_error_of_the_other_cluster_is_told_without_its_data(
    linked: AsyncConnection,
) -> None:
    query = "select client_id, (phone::bigint / (client_id - 7))::text as phone from erp.client"
    await linked.execute("select sms.save_audience('a', %s)", [query])
    error = await refusal(linked.execute("select * from sms.run_audience('a')"))
    assert error.sqlstate == "SM031"
    assert "8907" not in str(error)
