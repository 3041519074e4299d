"""docs/monitoring.md names every metric, label, alert and dashboard there is, and no other."""

from __future__ import annotations

import re

from psycopg import AsyncConnection

from dlr.counts import Calls
from dlr.serve import Listener
from outbox.metrics import MEANINGS, Metrics
from outbox.settings import PREFIX, Settings
from tests.dlr.conftest import app_with
from tests.docs.pages import ROOT, code, headings, tables

PAGE = ROOT / "docs" / "monitoring.md"
NOT_READ = "outbox_database_up"  # about the process, not from the database


async def _nowhere(provider: str, receipts: object) -> None:
    """Nothing is stored."""


def test_every_counter_is_explained() -> None:
    written = {code(row[0])[0] for row in tables(PAGE, header="Counter")}
    families = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in Metrics().registry.collect()
        if family.name.startswith("outbox_")
    }
    assert written == families - {NOT_READ}


def test_every_gauge_is_explained() -> None:
    written = {code(row[0])[0] for row in tables(PAGE, header="Gauge")}
    assert written == {*MEANINGS, NOT_READ}


async def test_every_figure_of_the_receiver_is_explained() -> None:
    written = {code(row[0])[0] for row in tables(PAGE, header="Of the receiver")}
    app = app_with(_nowhere)
    async with Listener(app.asgi) as listener:
        families = list(Calls(app, listener.hall).collect())
    told = {f"{it.name}_total" if it.type == "counter" else it.name for it in families}
    assert written == told


async def test_the_labels_are_those_that_are_told(tx: AsyncConnection) -> None:
    cursor = await tx.execute("select prosrc from pg_proc where proname = 'metric_values'")
    (source,) = await cursor.fetchone() or ("",)
    known = set(re.findall(r"['\"](\w+)['\"]", source))
    written = {name for row in tables(PAGE, header="Gauge") for name in code(row[1])}
    assert written <= known
    assert {"channel", "operator", "provider", "priority", "state", "quantile"} <= written


def test_every_setting_is_explained() -> None:
    written = {code(row[0])[0] for row in tables(PAGE, header="Setting")}
    ours = {name for name in Settings.model_fields if name.startswith("metrics_")}
    assert written == {PREFIX + name.upper() for name in ours}


def test_every_alert_has_its_chapter_and_no_other_has_one() -> None:
    rules = (ROOT / "monitoring" / "alerts.yml").read_text("utf-8")
    alerts = {name.lower() for name in re.findall(r"- alert: (\w+)", rules)}
    assert {name for name in headings(PAGE) if name.startswith("outbox")} == alerts


def test_every_dashboard_is_listed() -> None:
    written = {code(row[0])[0] for row in tables(PAGE, header="File")}
    assert written == {path.name for path in (ROOT / "monitoring" / "grafana").glob("*.json")}
