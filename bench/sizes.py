"""How much of everything a run takes; BENCH_FULL=1 takes the sizes that the targets name."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Rows, messages and seconds of one run."""

    name: str
    rounds: int
    limit_s: float  # no further round is begun that would end after this
    contacts: int  # rows of sms.contact_log before the first message
    clients: int  # with a place on the map
    inserted: int  # rows of a bulk insert
    piped: int  # messages through the whole pipeline
    drained: int  # messages claimed and settled without rules
    backlog: int  # behind which urgent messages are sent
    shallow: int  # backlogs between which claims are compared
    deep: int
    pinned: int  # messages claimed while a snapshot is held
    commit_s: int  # seconds of single-row commits, each way
    reported: int  # receipts over HTTP, and as many over SMPP
    submitted: int  # over SMPP; a fifth of it to each slower peer
    recipients: int  # of a campaign
    sent: int  # of them before it is stopped
    jobs: int  # no-op jobs for a fast peer
    slow_jobs: int  # and for a slow one


QUICK = Sizes(
    name="quick",
    rounds=1,
    limit_s=600,
    contacts=200_000,
    clients=100_000,
    inserted=20_000,
    piped=30_000,
    drained=20_000,
    backlog=100_000,
    shallow=50_000,
    deep=150_000,
    pinned=50_000,
    commit_s=1,
    reported=3_000,
    submitted=10_000,
    recipients=100_000,
    sent=10_000,
    jobs=5_000,
    slow_jobs=500,
)
DEFAULT = Sizes(
    name="default",
    rounds=3,
    limit_s=1_080,
    contacts=2_000_000,
    clients=1_000_000,
    inserted=60_000,
    piped=100_000,
    drained=100_000,
    backlog=400_000,
    shallow=200_000,
    deep=1_000_000,
    pinned=150_000,
    commit_s=3,
    reported=15_000,
    submitted=50_000,
    recipients=1_000_000,
    sent=50_000,
    jobs=20_000,
    slow_jobs=1_500,
)
FULL = Sizes(
    name="full",
    rounds=3,
    limit_s=7_200,
    contacts=10_000_000,
    clients=5_000_000,
    inserted=100_000,
    piped=200_000,
    drained=200_000,
    backlog=1_000_000,
    shallow=1_000_000,
    deep=5_000_000,
    pinned=150_000,
    commit_s=5,
    reported=30_000,
    submitted=100_000,
    recipients=1_000_000,
    sent=200_000,
    jobs=40_000,
    slow_jobs=3_000,
)
