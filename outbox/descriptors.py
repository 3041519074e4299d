"""File descriptors: as many as the system lets us have, and some that strangers cannot take."""

from __future__ import annotations

import os
import resource

RESERVED = 64  # for the database, providers, files and logs, beside those that are open
FEWEST = 16


def raise_limit() -> int:
    """Raise the soft limit to the hard one; how many descriptors this process may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def room_for_strangers() -> int:
    """How many connections may come from outside and leave what we need ourselves."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(FEWEST, limit - _open() - RESERVED)


def _open() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 32
