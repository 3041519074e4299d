"""A campaign of a million: how long its launch takes, in what memory, and how fast a pause acts."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import psycopg

from bench.lab import Lab
from bench.pipeline import set_receipts, wait

NAME = "bench"
WARM_MESSAGES = 5_000  # through the worker before the pause
LOOK_S = 0.02
PREPARE = """
    insert into erp.local_client (client_id, phone, attributes)
    select 50000000 + n, bench.spelled(bench.number(n), n),
           jsonb_build_object('name', 'Клиент ' || n)
      from generate_series(1, %s::int) as n
        on conflict do nothing
"""
CAMPAIGN = """
    insert into sms.template (template) values ('bench_offer') on conflict do nothing;
    insert into sms.template_version (template_id, body)
    select t.template_id, 'Здравствуйте, {{name|клиент}}! Скидка до пятницы.' from sms.template as t
     where t.template = 'bench_offer' and not exists (
           select from sms.template_version as v where v.template_id = t.template_id);
    update sms.setting set value = '600' where setting = 'audience_timeout_s';
    select sms.save_audience('bench',
        'select client_id, phone, attributes ->> ''name'' as name from erp.client');
    select sms.save_campaign('bench', 'bench_offer', 'bench', 'planned');
"""


def make_campaign(lab: Lab) -> None:
    """Clients, a text, an audience of all of them and the campaign."""
    with lab.connect() as conn:
        conn.execute(PREPARE, (lab.sizes.recipients,))
        conn.execute(CAMPAIGN)
        conn.execute("vacuum analyze erp.local_client")


def launch_and_pause(lab: Lab) -> None:
    """Launch, let the worker send, pause in full flight, look, stop."""
    set_receipts(lab, None)
    with lab.connect() as conn:
        with _memory(conn) as grown:
            start = time.perf_counter()
            conn.execute("select sms.launch_campaign(%s)", (NAME,))
            lab.note("campaign.launch", time.perf_counter() - start)
        lab.note("campaign.memory", grown[0])
        with lab.worker():
            # decided may be anything: sent, or held back by the cap of an earlier round
            wait(
                lab,
                "(select sum(p.decided) > %(some)s from sms.campaign_progress as p"
                "  where p.state = 'running')",
                some=WARM_MESSAGES,
            )
            start = time.perf_counter()
            conn.execute("select sms.pause_campaign(%s)", (NAME,))
            lab.note("campaign.pause", (time.perf_counter() - start) * 1000)
            while not lab.is_true("not exists (select from sms.inflight)"):
                time.sleep(LOOK_S)
            lab.note("campaign.quiet", (time.perf_counter() - start) * 1000)
            start = time.perf_counter()
            conn.execute("select * from sms.campaign_progress where state = 'paused'")
            lab.note("campaign.progress", (time.perf_counter() - start) * 1000)
            conn.execute("select sms.resume_campaign(%s)", (NAME,))
            wait(
                lab,
                "(select sum(p.decided) > %(some)s from sms.campaign_progress as p"
                "  where p.state = 'running')",
                some=lab.sizes.sent,
            )
            start = time.perf_counter()
            conn.execute("select * from sms.campaign_progress where state = 'running'")
            lab.note("campaign.progress_late", (time.perf_counter() - start) * 1000)
            start = time.perf_counter()
            conn.execute("select sms.stop_campaign(%s)", (NAME,))
            lab.note("campaign.stop", (time.perf_counter() - start) * 1000)
        conn.execute("truncate sms.run_recipient, sms.run_message")
    lab.reset()


@contextmanager
def _memory(conn: psycopg.Connection) -> Iterator[list[float]]:
    """By how many MB the backend's own memory grew at most."""
    process = psutil.Process(conn.info.backend_pid)
    before = process.memory_full_info().uss
    grown, done = [0.0], threading.Event()

    def look() -> None:
        while not done.wait(LOOK_S):
            grown[0] = max(grown[0], (process.memory_full_info().uss - before) / 1e6)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield grown
    finally:
        done.set()
        watcher.join()
