"""A new private database sends to `fake`; nobody else's lanes are ever touched."""

import psycopg
import pytest

from outbox import first_run
from outbox.first_run import prepare


def lanes(dsn: str) -> list[tuple[str | None, int]]:
    """How many lanes each provider serves; None: parked."""
    with psycopg.connect(dsn) as conn:
        return conn.execute(
            """
            select p.provider, count(*)
              from sms.lane as l
                   left join sms.provider as p on p.provider_id = l.provider_id
             group by 1
             order by 1 nulls last
            """
        ).fetchall()


def test_a_new_database_leads_every_lane_to_fake(dsn: str) -> None:
    [(parked, total)] = lanes(dsn)

    sentence = prepare(dsn, route=True)

    assert parked is None
    assert total > 0
    assert "'fake'" in sentence
    assert lanes(dsn) == [("fake", total)]


def test_a_second_time_leaves_all_as_it_is(dsn: str) -> None:
    prepare(dsn, route=True)
    with psycopg.connect(dsn) as conn:
        conn.execute("""update sms.provider set settings = '{"latency_ms": 7}'""")
        conn.execute("update sms.lane set provider_id = null where lane_id = 1")
    before = lanes(dsn)

    sentence = prepare(dsn, route=True)

    assert sentence.startswith("1 lanes are parked")
    assert lanes(dsn) == before
    with psycopg.connect(dsn) as conn:
        kept = conn.execute("select settings from sms.provider where provider = 'fake'").fetchone()
    assert kept == ({"latency_ms": 7},)


def test_a_server_that_is_named_stays_parked(dsn: str) -> None:
    before = lanes(dsn)

    prepare(dsn, route=False)

    assert lanes(dsn) == before


def test_the_command_takes_the_named_server(
    dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OUTBOX_DSN", dsn)

    assert first_run.main() == 0

    assert "lanes are parked" in capsys.readouterr().out


def test_the_command_fails_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OUTBOX_DSN", "postgresql://127.0.0.1:1/none")

    assert first_run.main() == 1

    assert len(capsys.readouterr().err.splitlines()) == 1
