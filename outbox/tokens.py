"""The secret part of the URLs that providers call: a token for each account.

It is derived from OUTBOX_DLR_TOKEN and the account's name, so nothing is stored, and whoever knows
the token of one account can make up nothing about another's. The value of OUTBOX_DLR_TOKEN itself,
which once stood in all of them, is honoured until a stated moment.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections import Counter
from datetime import UTC, datetime
from urllib.parse import quote

import structlog

log = structlog.get_logger()

LENGTH = 24  # bytes of the digest: 32 letters, which even a short callback field holds


def account_token(secret: str, account: str) -> str:
    """The token of one account."""
    digest = hmac.digest(secret.encode(), b"receipts of " + account.encode(), "sha256")
    return urlsafe_b64encode(digest[:LENGTH]).decode()


def account_url(base_url: str, *, adapter: str, account: str, secret: str) -> str:
    """The URL at which `dlr` hears one account; below it lie its messages and /inbound."""
    path = "/".join(quote(part, safe="") for part in (adapter, account))
    return f"{base_url.rstrip('/')}/{path}/{account_token(secret, account)}"


class Tokens:
    """Tells whether a caller knows the token of the account it speaks for."""

    def __init__(self, secret: str, *, shared_until: datetime | None = None) -> None:
        self._secret = secret
        self._shared_until = shared_until
        self._shared: Counter[str] = Counter()

    def open(self, account: str, token: str) -> bool:
        """Whether this is the account's token, or the shared one in its time."""
        given = token.encode()
        if hmac.compare_digest(given, account_token(self._secret, account).encode()):
            return True
        if not hmac.compare_digest(given, self._secret.encode()):
            return False
        return self._shared_until is not None and datetime.now(UTC) < self._shared_until

    def note(self, account: str, token: str) -> None:
        """Tell at the 1st, 2nd, 4th, 8th … time that a known account came with the shared one."""
        if not hmac.compare_digest(token.encode(), self._secret.encode()):
            return
        self._shared[account] += 1
        count = self._shared[account]
        if count & (count - 1) == 0:
            log.warning(
                "dlr_shared_token",
                provider=account,
                count=count,
                until=str(self._shared_until),
                hint=f"give the provider its own URL: outbox provider url {account}",
            )
