"""`python -m bench`: measure everything in interleaved rounds, print the table, write the page.

python -m bench [--quick | --full] [--only NAME …] [--no-page]
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence

from bench.campaigns import launch_and_pause, make_campaign
from bench.depth import claim_by_depth
from bench.events import fire_events
from bench.inserting import bulk_insert, single_rows, template_insert
from bench.judging import judge_batches, make_judging
from bench.lab import Lab, open_lab
from bench.orphans import match_beside_strangers
from bench.peers import make_peers, pgqueuer, procrastinate
from bench.pipeline import claim_and_settle, warm_up, whole_pipeline
from bench.places import radius_audience, read_phones, settle_clients
from bench.receipts import receipts_over_http
from bench.report import as_text, describe, write_page
from bench.sizes import DEFAULT, FULL, QUICK, Sizes
from bench.smpp import receipts_over_smpp, submissions
from bench.smpp_pdus import pdus
from bench.statistics import count_and_ask
from bench.streams import three_streams
from bench.urgent import urgent_beside_drain
from outbox.server_programs import ClusterError
from outbox.terminal import echo, echo_text

Step = Callable[[Lab], None]
# receipts_over_http reports on what claim_and_settle left accepted.
STEPS: dict[str, Step] = {
    "bulk_insert": bulk_insert,
    "template": template_insert,
    "pipeline": whole_pipeline,
    "drain": claim_and_settle,
    "receipts": receipts_over_http,
    "orphans": match_beside_strangers,
    "smpp": submissions,
    "smpp_pdus": pdus,
    "smpp_receipts": receipts_over_smpp,
    "commits": single_rows,
    "urgent": urgent_beside_drain,
    "streams": three_streams,
    "events": fire_events,
    "campaigns": launch_and_pause,
    "statistics": count_and_ask,
    "depth": claim_by_depth,
    "judging": judge_batches,
    "radius": radius_audience,
    "phones": read_phones,
    "pgqueuer": pgqueuer,
    "procrastinate": procrastinate,
}


def main(arguments: Sequence[str]) -> int:
    """Run what is asked for; 1 with a sentence where the cluster cannot be had."""
    options = _parse(arguments)
    sizes = _sizes(options)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the cluster is removed
    echo(f"Sizes {sizes.name}: {describe(sizes)}.", err=True)
    try:
        with open_lab(sizes) as lab:
            _run(lab, options.only or list(STEPS))
            echo_text(as_text(lab))
            if not options.no_page:
                write_page(lab)
    except ClusterError as error:
        echo(str(error), err=True)
        return 1
    return 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="one round of small sizes: a look")
    size.add_argument("--full", action="store_true", help="the targets' sizes, as BENCH_FULL=1")
    parser.add_argument("--only", action="append", choices=STEPS, help="just this; repeatable")
    parser.add_argument("--no-page", action="store_true", help="leave docs/benchmarks.md alone")
    return parser.parse_args(arguments)


def _sizes(options: argparse.Namespace) -> Sizes:
    if options.quick:
        return QUICK
    return FULL if options.full or os.environ.get("BENCH_FULL") else DEFAULT


def _run(lab: Lab, names: Sequence[str]) -> None:
    """Prepare what the steps need, then every step once a round."""
    start = time.monotonic()
    warm_up(lab)
    if "radius" in names:
        settle_clients(lab)
    if "campaigns" in names:
        make_campaign(lab)
    if "judging" in names:
        make_judging(lab)
    if {"pgqueuer", "procrastinate"} & set(names):
        make_peers(lab)
    for turn in range(1, lab.sizes.rounds + 1):
        begun = time.monotonic()
        for name in names:
            _say(f"{time.monotonic() - start:5.0f} s  round {turn} of {lab.sizes.rounds}: {name}")
            STEPS[name](lab)
        lab.rounds = turn
        now = time.monotonic()
        if turn < lab.sizes.rounds and 2 * now - begun - start > lab.sizes.limit_s:
            _say(f"The machine is busy: no time for more than {turn} of {lab.sizes.rounds} rounds.")
            return


def _say(line: str) -> None:
    echo(line, err=True, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
