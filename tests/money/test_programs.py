"""The worker's chores and the commands, as processes with the rights they have in production."""

from __future__ import annotations

from pathlib import Path

from psycopg import AsyncConnection

from tests.chaos.books import until
from tests.support import factory
from tests.support.outbox_process import Programs, answer, with_rights_of


async def test_prices_come_by_the_command_and_the_worker_counts_warns_and_collects(
    conn: AsyncConnection, dsn: str, tmp_path: Path
) -> None:
    await factory.make_provider(conn)
    await factory.set_quiet_hours(conn)
    operator = with_rights_of(dsn, "sms_operator")
    done = answer("import", "tariffs", str(_prices(tmp_path)), dsn=operator)
    assert (done["kept"], done["changed"], done["bad"]) == (2, 2, [])
    await conn.execute(
        """
        insert into sms.budget (budget, amount, stops) values ('all', 3, false);
        insert into erp.local_action (client_id, action, at, amount)
        values (1, 'payment', now() - interval '1 hour', 100);
        insert into sms.goal (goal, query)
        values ('payment', 'select client_id, at as occurred_at, amount from erp.action');
        """
    )
    ids = await factory.insert_many(
        conn, [{"phone": str(factory.number(n)), "not_before": None} for n in (1, 2)]
    )
    with Programs(tmp_path, dsn=with_rights_of(dsn, "sms_worker")) as programs:
        await programs.running("worker")
        await until(conn, "select coalesce(sum(messages), 0) = %s from sms.stat_day", len(ids))
        await until(conn, "select coalesce(sum(amount), 0) = 5 from sms.spend_day")
        await until(conn, "select count(*) = 1 from sms.activity where kind = 'budget'")
        await until(conn, "select count(*) = 1 from sms.conversion")
    told = answer("report", dsn=operator)
    assert float(told["cost"]) == 5


def _prices(folder: Path) -> Path:
    file = folder / "prices.csv"
    file.write_text("provider;price;from_segments\npost;2,50;\npost;2,00;1000\n")
    return file
