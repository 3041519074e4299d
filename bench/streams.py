"""Single notices alone, then beside a mass stream and a planned one, each with its own provider."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bench.lab import Lab, Requests
from bench.pipeline import set_receipts
from bench.urgent import BLOCKED, FLOOR, LONGEST_S, percentile, send_urgent

ALONE_S = 5.0
BULK = ("mass", "planned")


def three_streams(lab: Lab) -> None:
    """Urgent latency with nothing else to do, and while both bulk streams drain flat out."""
    set_receipts(lab, None)
    with _own_providers(lab), lab.connect() as conn:
        with lab.worker():
            alone = send_urgent(conn, seconds=ALONE_S, floor=0)
        lab.fill(Requests(count=lab.sizes.backlog, urgent=0.0, blocked=BLOCKED))
        with lab.worker():
            beside = send_urgent(conn, seconds=LONGEST_S, floor=FLOOR)
        lab.note("streams.alone_p50", percentile(alone.latencies, 0.50))
        lab.note("streams.alone_p99", percentile(alone.latencies, 0.99))
        lab.note("streams.p50", percentile(beside.latencies, 0.50))
        lab.note("streams.p99", percentile(beside.latencies, 0.99))
        lab.note("streams.drained", beside.drained)
        lab.reset()


@contextmanager
def _own_providers(lab: Lab) -> Iterator[None]:
    """The bulk channels have accounts of their own; afterwards one serves all again."""
    with lab.connect() as conn:
        for channel in BULK:
            conn.execute(
                "select sms.set_provider(%s, 'fake', p_tps => 1000000, p_max_batch => 1000,"
                " p_is_enabled => true)",
                (f"fake_{channel}",),
            )
            conn.execute("select sms.switch_channel(%s, %s)", (channel, f"fake_{channel}"))
        yield
        conn.execute("select sms.switch_channel('*', 'fake')")
        conn.execute("update sms.provider set is_enabled = false where provider like 'fake\\_%'")
