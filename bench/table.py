"""Which numbers are shown, beside which target, and what is said where a target is missed."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Samples = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line: a sample's name, how to say it, and its target if it has one.

    `scale` divides before printing; `limit` is in printed units; `why` explains a miss.
    """

    sample: str
    what: str
    unit: str
    scale: float = 1
    digits: int = 1
    better: Literal["more", "less"] = "less"
    limit: float | None = None
    why: str = ""

    def values(self, samples: Samples) -> list[float]:
        """The samples in printed units."""
        return [value / self.scale for value in samples.get(self.sample, ())]

    def is_met(self, samples: Samples) -> bool | None:
        """Whether the median meets the target; None without samples or target."""
        values = self.values(samples)
        if not values or self.limit is None:
            return None
        median = statistics.median(values)
        return median >= self.limit if self.better == "more" else median <= self.limit

    def measured(self, samples: Samples) -> str:
        """Median and spread: 18.2 [17.9..19.0] k/s."""
        values = self.values(samples)
        if not values:
            return "not measured"
        median, low, high = statistics.median(values), min(values), max(values)
        shape = f",.{self.digits}f"
        spread = f" [{low:{shape}}..{high:{shape}}]" if len(values) > 1 else ""
        return f"{median:{shape}}{spread} {self.unit}"

    def target(self) -> str:
        """The target in words, empty without one."""
        if self.limit is None:
            return ""
        return f"{'≥' if self.better == 'more' else '≤'} {self.limit:,g} {self.unit}"

    def judgement(self, samples: Samples) -> str:
        """Met, or missed and why."""
        match self.is_met(samples):
            case None:
                return ""
            case True:
                return "met"
            case False:
                return f"missed: {self.why}" if self.why else "missed"


K = 1000.0
ROWS: tuple[Row, ...] = (
    Row(
        sample="pipeline.rate",
        what="Whole pipeline: insert, rules, claim, send, settle, receipt",
        unit="k/s",
        scale=K,
        better="more",
        limit=20,
        why="the CPU a message costs decides, see below; two cores carry 2,000,000 ÷ µs",
    ),
    Row(
        sample="pipeline.us",
        what="… CPU a message, all processes",
        unit="µs",
        limit=95,
        why=(
            "rules and insert are two thirds of it, and sharing two cores adds a third to "
            "each stage's price alone"
        ),
    ),
    Row(sample="pipeline.server_us", what="… of which PostgreSQL", unit="µs"),
    Row(sample="pipeline.own_us", what="… of which the worker and the inserter", unit="µs"),
    Row(
        sample="pipeline.wal",
        what="… WAL a message, away from a checkpoint",
        unit="kB",
        scale=K,
        digits=2,
        limit=2.2,
        why="the index on outbox.erp_ref is 113 B of it, random index pages the rest",
    ),
    Row(
        sample="drain.rate",
        what="Claim + settle alone, a channel without rules",
        unit="k/s",
        scale=K,
        better="more",
        limit=60,
        why=(
            "even without rules a claim locks each number, logs the contact and keeps every "
            "message's result"
        ),
    ),
    Row(sample="drain.us", what="… CPU a message, all processes", unit="µs"),
    Row(
        sample="insert.ratio",
        what="Bulk insert through the trigger ÷ bare table with a key (COPY, 1,000 a transaction)",
        unit="×",
        digits=2,
        better="more",
        limit=0.4,
        why=(
            "reading the phone, finding its range and the second row with two indexes cost "
            "three bare rows; the index on erp_ref one half more"
        ),
    ),
    Row(sample="insert.rate", what="… through the trigger", unit="k rows/s", scale=K),
    Row(sample="insert.bare.rate", what="… bare", unit="k rows/s", scale=K),
    Row(sample="insert.us", what="… CPU a row, through the trigger", unit="µs"),
    Row(sample="template.us", what="… the same with a template of three variables", unit="µs"),
    Row(sample="insert.wal", what="… WAL a row, through the trigger", unit="kB", scale=K, digits=2),
    Row(sample="commit.bare", what="Single-row commits, 32 connections: bare", unit="k/s", scale=K),
    Row(sample="commit.awake", what="… outbox, worker awake", unit="k/s", scale=K),
    Row(sample="commit.asleep", what="… outbox, a worker always asleep", unit="k/s", scale=K),
    Row(
        sample="urgent.p50",
        what="Urgent beside a flat-out drain, 95 % suppressed: insert → claimed, p50",
        unit="ms",
        limit=8,
        why="two durable commits and a wake-up queue for cores that the drain keeps busy",
    ),
    Row(
        sample="urgent.p99",
        what="… p99",
        unit="ms",
        limit=30,
        why=(
            "the slowest one in a hundred waits for a bulk claim's turn on the core and for "
            "the disk's flush"
        ),
    ),
    Row(sample="urgent.commit_p99", what="… of which the INSERT's commit, p99", unit="ms"),
    Row(sample="urgent.drained", what="… drained meanwhile", unit="k/s", scale=K),
    Row(
        sample="streams.p50",
        what="Three streams with providers of their own, mass and planned flat out: urgent, p50",
        unit="ms",
    ),
    Row(sample="streams.p99", what="… p99", unit="ms"),
    Row(sample="streams.alone_p50", what="… the same with nothing else to do, p50", unit="ms"),
    Row(sample="streams.alone_p99", what="… p99", unit="ms"),
    Row(sample="streams.drained", what="… drained meanwhile", unit="k/s", scale=K),
    Row(
        sample="events.at_once_ms",
        what="Ten thousand events in one statement, each a message at once",
        unit="ms",
        digits=0,
    ),
    Row(
        sample="events.planned_ms",
        what="… each a message planned for a local hour",
        unit="ms",
        digits=0,
    ),
    Row(sample="events.cancelled_ms", what="… each taking one of those back", unit="ms", digits=0),
    Row(
        sample="events.one_by_one_ms",
        what="… one call of fire_event a row, each a message at once",
        unit="ms",
        digits=0,
    ),
    Row(
        sample="statistics.channel_ms",
        what="A year of 300,000 messages a day (one day counted, 365 sums of it): by channel",
        unit="ms",
        digits=0,
        limit=1000,
        why="every row of sums is read, and its times to delivery taken apart",
    ),
    Row(
        sample="statistics.provider_ms",
        what="… by month and provider",
        unit="ms",
        digits=0,
        limit=1000,
        why="the same",
    ),
    Row(
        sample="statistics.operator_ms",
        what="… by operator and state",
        unit="ms",
        digits=0,
        limit=1000,
        why="the same",
    ),
    Row(
        sample="statistics.rows",
        what="… rows of sums (20 templates, 10 campaigns, 5 channels, 5 operators, 2 providers)",
        unit="k",
        scale=K,
        digits=0,
    ),
    Row(sample="statistics.bytes", what="… their size", unit="MB", scale=1e6, digits=0),
    Row(
        sample="statistics.hour_ms",
        what="Counting an hour of 12,500 messages again: CPU",
        unit="ms",
        digits=0,
    ),
    Row(sample="statistics.million_ms", what="… an hour of a million: CPU", unit="ms", digits=0),
    Row(
        sample="depth.ratio",
        what="Claim at the deep backlog ÷ at the shallow one",
        unit="×",
        digits=2,
        limit=1.2,
        why="more of the index no longer fits the caches",
    ),
    Row(sample="depth.deep_ms", what="… claim of 500 at the deep one, p50", unit="ms"),
    Row(
        sample="pinned.ratio",
        what="Claim with a snapshot held, after all those messages ÷ at first",
        unit="×",
        digits=2,
        limit=2.2,
        why="dead rows stay while the snapshot is held, and every claim steps over them",
    ),
    Row(
        sample="judging.us",
        what="Judging a batch of 500 with every rule on, beside large tables: CPU a message",
        unit="µs",
        limit=25,
        why="a dozen index probes a message, about half of which meet a page that no cache holds",
    ),
    Row(sample="judging.small_us", what="… beside small tables", unit="µs"),
    Row(
        sample="judging.ratio",
        what="… large ÷ small: blacklist 1M, 10,000 blacklisted groups, contact log of a year",
        unit="×",
        digits=2,
        limit=1.5,
        why="each probe of a large index meets another page, in none of the processor's caches",
    ),
    Row(
        sample="http.rate",
        what="Receipts over HTTP, each answered after its commit",
        unit="k/s",
        scale=K,
        better="more",
        limit=3,
        why="one Python process parses HTTP for every single receipt",
    ),
    Row(sample="http.us", what="… CPU a receipt, server and PostgreSQL", unit="µs", digits=0),
    Row(
        sample="orphans.ms",
        what="Looking for orphans' messages, a second: CPU beside 100,000 strangers",
        unit="ms",
    ),
    Row(sample="orphans.none_ms", what="… and without any", unit="ms"),
    Row(
        sample="smpp.rate",
        what="SMPP: submissions of one process, each with its answer",
        unit="k/s",
        scale=K,
        better="more",
        limit=10,
        why="the message centre of the benchmark and the worker share the cores",
    ),
    Row(sample="smpp.us", what="… CPU a message, ours", unit="µs"),
    Row(sample="smpp.npm.rate", what="… to npm's smpp, a server of others", unit="k/s", scale=K),
    Row(sample="smpplib.rate", what="… smpplib's own client, one by one", unit="k/s", scale=K),
    Row(sample="smpplib.us", what="… its CPU a message", unit="µs"),
    Row(sample="kannel.rate", what="… Kannel, 32 requests at once", unit="k/s", scale=K),
    Row(sample="kannel.us", what="… its CPU a message, both boxes", unit="µs"),
    Row(
        sample="smpp.pdus_us",
        what="PDUs of one message and its receipt, written and read: CPU, fast path",
        unit="µs",
    ),
    Row(sample="smpplib.pdus_us", what="… smpplib", unit="µs"),
    Row(
        sample="smpp.receipts.rate",
        what="Receipts over SMPP, each answered after its commit",
        unit="k/s",
        scale=K,
        better="more",
        limit=5,
        why="finding each message by the SMSC's reference and moving it is PostgreSQL's work",
    ),
    Row(sample="smpp.receipts.us", what="… CPU a receipt, worker and PostgreSQL", unit="µs"),
    Row(
        sample="smpp.pipeline.rate",
        what="… claim, send over SMPP, settle with the reference: the real worker",
        unit="k/s",
        scale=K,
    ),
    Row(
        sample="radius.ms",
        what="Radius audience, 1 km around a station, warm",
        unit="ms",
        limit=20,
        why="these stations have many clients, and each near the edge is measured",
    ),
    Row(sample="radius.found", what="… clients found", unit="", digits=0),
    Row(
        sample="campaign.launch",
        what="Launch of a campaign of a million: its recipients frozen",
        unit="s",
        limit=60,
        why="reading, sorting and writing each recipient costs 13 µs on an idle machine",
    ),
    Row(sample="campaign.memory", what="… by how much its backend grows", unit="MB", digits=0),
    Row(
        sample="campaign.pause",
        what="… pause in full flight: the call",
        unit="ms",
        digits=0,
        limit=1000,
        why="it waits for the feeder's transaction and moves all that is queued",
    ),
    Row(sample="campaign.quiet", what="… until nothing is in flight", unit="ms", digits=0),
    Row(sample="campaign.stop", what="… stop: the call", unit="ms", digits=0),
    Row(sample="campaign.progress", what="… its progress, just begun", unit="ms", digits=0),
    Row(sample="campaign.progress_late", what="… its progress, later", unit="ms", digits=0),
    Row(sample="phones.us", what="Reading a phone (1 % dirty)", unit="µs"),
    Row(
        sample="pgqueuer.capacity",
        what="pgqueuer, a no-op job: enqueue + drain on all cores by CPU",
        unit="k/s",
        scale=K,
    ),
    Row(sample="pgqueuer.enqueue", what="… enqueue", unit="k/s", scale=K),
    Row(sample="pgqueuer.drain", what="… drain", unit="k/s", scale=K),
    Row(
        sample="procrastinate.capacity",
        what="procrastinate, a no-op job: enqueue + drain on all cores by CPU",
        unit="k/s",
        scale=K,
        digits=2,
    ),
    Row(sample="procrastinate.enqueue", what="… enqueue", unit="k/s", scale=K),
    Row(sample="procrastinate.drain", what="… drain", unit="k/s", scale=K, digits=2),
)
