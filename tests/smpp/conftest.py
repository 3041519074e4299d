"""SMSCs for the tests of the adapter smpp: one in this process, and npm's in its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from kannel.simulator import Simulator
from tests.support.smsc import Ears, Smsc, scripted_smsc


@pytest.fixture
async def smsc() -> AsyncIterator[Smsc]:
    """A scripted SMSC."""
    async with scripted_smsc() as smsc:
        yield smsc


@pytest.fixture
async def ears() -> Ears:
    """What is heard."""
    return Ears()


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A real SMSC by others."""
    with Simulator(dlr_ms=20) as simulator:
        yield simulator
