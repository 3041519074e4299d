"""The codes of an adapter as the migration puts them into sms.receipt_code."""

from __future__ import annotations

import re
from pathlib import Path

SEED = Path(__file__).parents[2] / "sql" / "seed"


def known_codes(adapter: str) -> dict[str, str | None]:
    """Code → state, None for a code that tells of progress only."""
    rows = re.findall(
        rf"\('{adapter}', '([^']+)', (null|'[a-z]+'),",
        "".join(path.read_text() for path in SEED.glob("*receipt_codes*.sql")),
    )
    return {code: None if state == "null" else state.strip("'") for code, state in rows}
