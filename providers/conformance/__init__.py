"""What every adapter promises, as test cases to inherit; docs/providers.md shows how.

    class TestMine(Conformance):
        paper = Paper(adapter="mine", …)

        @asynccontextmanager
        async def open_far_side(self, folder: Path) -> AsyncIterator[FarSide]:
            async with my_peer() as peer:
                yield MySide(peer)

Needs pytest and pytest-asyncio, which a running worker does not.
"""

from __future__ import annotations

import pytest

# So that a failed case shows its values, in other people's tests too; before the imports.
pytest.register_assert_rewrite(
    *(f"{__name__}.{part}" for part in ("asking", "far_side", "paper", "receipts", "sending"))
)

from providers.conformance.asking import AskingCases  # noqa: E402
from providers.conformance.far_side import (  # noqa: E402
    FIRST_ID,
    FarSide,
    Paper,
    Report,
    Taken,
    callback,
    message,
    send_all,
)
from providers.conformance.paper import PaperCases  # noqa: E402
from providers.conformance.receipts import ReceiptCases  # noqa: E402
from providers.conformance.sending import SendingCases  # noqa: E402

__all__ = [
    "FIRST_ID",
    "Conformance",
    "FarSide",
    "Paper",
    "Report",
    "Taken",
    "callback",
    "message",
    "send_all",
]


class Conformance(SendingCases, ReceiptCases, AskingCases, PaperCases):
    """All cases; a subclass whose name begins with Test says in `open_far_side` whom to test."""
