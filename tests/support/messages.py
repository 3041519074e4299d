"""Messages for adapter tests, as the conformance kit makes them."""

from __future__ import annotations

from providers.conformance import FIRST_ID, message, send_all

__all__ = ["FIRST_ID", "message", "send_all"]
