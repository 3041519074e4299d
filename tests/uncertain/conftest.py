"""The stage of the tests about doubt: a provider that can be asked, and programs to kill."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from tests.support.factory import make_provider
from tests.support.outbox_process import Programs, with_rights_of


@pytest.fixture
async def db(tx: AsyncConnection) -> AsyncConnection:
    """A transaction, rolled back in the end, in which the provider `post` serves every lane."""
    await make_provider(tx)
    return tx


@pytest.fixture
def programs(dsn: str, tmp_path: Path) -> Iterator[Programs]:
    """Starts programs as the role sms_worker; leases are as short as they may be."""
    worker = with_rights_of(dsn, "sms_worker")
    with Programs(tmp_path, dsn=worker, lease_s=5) as programs:
        yield programs


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the provider keeps its own record of what it took."""
    return tmp_path / "taken.jsonl"
