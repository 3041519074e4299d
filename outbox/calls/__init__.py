"""One function for each SQL function the programs call: named arguments in, frozen values out.

The only package with SQL, beside `geo` with its COPY. Arrays go in as binary (`%b`, a sixth of the
price of executemany) and come out as columns of one row; `worker.deliver` zips them.
"""

from outbox.calls.bell import listen, ping, try_sleep, wake_up
from outbox.calls.chores import (
    apply_uncertain_policy,
    expire_leases,
    learn_numbers,
    maintain_partitions,
    match_receipts,
    try_lead,
)
from outbox.calls.people import (
    cancel,
    count_unaccounted,
    dry_run_campaign,
    dry_run_select,
    explain,
    outcome_status,
    queue_status,
    read_message,
    report,
    resolve_uncertain,
    set_provider,
    switch_channel,
    work_left,
)
from outbox.calls.queue import (
    claim_batch,
    follow_link,
    list_providers,
    mark_submitting,
    record_inbound,
    record_receipts,
    settle,
)

__all__ = [
    "apply_uncertain_policy",
    "cancel",
    "claim_batch",
    "count_unaccounted",
    "dry_run_campaign",
    "dry_run_select",
    "expire_leases",
    "explain",
    "follow_link",
    "learn_numbers",
    "list_providers",
    "listen",
    "maintain_partitions",
    "mark_submitting",
    "match_receipts",
    "outcome_status",
    "ping",
    "queue_status",
    "read_message",
    "record_inbound",
    "record_receipts",
    "report",
    "resolve_uncertain",
    "set_provider",
    "settle",
    "switch_channel",
    "try_lead",
    "try_sleep",
    "wake_up",
    "work_left",
]
