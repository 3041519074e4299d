"""The fixtures keep tests apart: copies of their own, nothing left behind, no rights too many."""

import gc
from pathlib import Path

import psycopg
import pytest

from tests.support.databases import Databases
from tests.support.server import (
    SCRATCH,
    GivenServer,
    Server,
    docker_answers,
    find_server,
    sweep,
)


def plain_table(dsn: str) -> None:
    with psycopg.connect(dsn) as conn:
        conn.execute("create table note (note text)")


def names(server: Server) -> set[str]:
    with psycopg.connect(server.dsn) as conn:
        return {row[0] for row in conn.execute("select datname from pg_database")}


def test_copies_are_prepared_apart_and_dropped_even_while_in_use(server: Server) -> None:
    before = names(server)
    made = Databases(server, plain_table)
    with made.copy() as one, made.copy() as other:
        left_open = psycopg.connect(one)
        left_open.execute("insert into note values ('here')")
        left_open.commit()
        with psycopg.connect(other) as conn:
            assert conn.execute("select count(*) from note").fetchone() == (0,)
    left_open.close()
    made.close()

    assert names(server) == before


@pytest.mark.chaos
def test_a_crash_of_the_server_keeps_what_was_committed(cluster: Server) -> None:
    made = Databases(cluster, plain_table)
    with made.copy() as dsn:
        with psycopg.connect(dsn, autocommit=True) as conn:
            conn.execute("insert into note values ('committed')")
            cluster.restart()
            with pytest.raises(psycopg.OperationalError):
                conn.execute("select 1")
        with psycopg.connect(dsn) as conn:
            assert conn.execute("select note from note").fetchall() == [("committed",)]
    made.close()


def test_any_form_of_dsn_leads_to_another_database() -> None:
    by_url = GivenServer("postgresql://me:p%40ss@db.example:5433/postgres")
    by_words = GivenServer("host=/run/pg dbname=postgres user=me")

    assert by_url.database("x") == "postgresql://me:p%40ss@db.example:5433/x"
    assert by_words.database("x") == "postgresql://me@%2Frun%2Fpg/x"


def test_a_named_server_comes_first_and_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTBOX_TEST_DSN", "host=named.example")

    found = find_server()

    assert (found.dsn, found.can_restart) == ("host=named.example", False)


def test_no_docker_is_an_answer_without_a_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")

    assert not docker_answers()

    gc.collect()  # a socket left open would be an error now


def test_clusters_of_killed_runs_are_swept_away() -> None:
    dead: Path = SCRATCH / "999999999"
    (dead / "pg" / "data").mkdir(parents=True)

    sweep()

    assert not dead.exists()
