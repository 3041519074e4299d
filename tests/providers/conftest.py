"""A real Kannel for the tests that look at one thing of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.kannel_lab import Lab, kannel_lab


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    """A real Kannel of one's own."""
    async with kannel_lab() as lab:
        yield lab
