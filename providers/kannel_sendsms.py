"""What Kannel's sendsms interface is asked and what it answers.

Secrets and text travel in headers and body, never in a URL, so that no access log holds them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

import httpx
from pydantic import Field

from providers.base import AdapterSettings, Message, SettingsError, Url


class KannelSettings(AdapterSettings):
    """`settings` of a provider whose adapter is kannel; its secret is the sendsms password."""

    url: Url  # smsbox, e.g. http://127.0.0.1:13013/cgi-bin/sendsms
    username: str = Field(min_length=1)
    sender_id: str | None = None  # for messages that name none
    smsc: str | None = None  # smsc-id of the link to use; null: any
    dlr_mask: Literal[19, 27, 31] = 19  # 19: final states only, one callback a message
    send_priority: bool = True
    parallel: int = Field(16, ge=1, le=64)  # requests in flight for one batch
    max_batch: int = Field(200, ge=1, le=1000)
    timeout_s: float = Field(15, gt=0, le=50)  # for the whole exchange; a lease is a minute
    back_off_s: float = Field(5, gt=0)  # pause when Kannel itself is the trouble
    admin_url: Url | None = None  # bearerbox, e.g. http://127.0.0.1:13000; null: no limit
    status_secret_env: str | None = None  # variable that holds the status password
    max_queued: int = Field(100, ge=1)  # kept short: Kannel sends the newest second first
    status_every_s: float = Field(0.1, gt=0)


# --- asking ------------------------------------------------------------------------------------

SENDER = re.compile(r"\+?[0-9]{1,15}|(?! )[\x20-\x7e]{1,11}(?<! )")
ESCAPES = "type=%d&smsc=%i&fid=%F&ts=%T&reply=%A"


class SendSms:
    """Makes the sendsms requests of one account."""

    def __init__(
        self,
        *,
        provider: str,
        settings: KannelSettings,
        secret: str | None,
        dlr_url: Callable[[str, int], str] | None,
    ) -> None:
        self._provider = provider
        self._settings = settings
        self._dlr_url = dlr_url
        self._url = httpx.URL(str(settings.url))
        # Who cannot connect has not sent; give up on that well before the whole exchange times out.
        patience = httpx.Timeout(settings.timeout_s, connect=settings.timeout_s / 3)
        self._extensions = {"timeout": patience.as_dict()}
        self._common = self._common_headers(secret)

    def sender_id(self, message: Message) -> str | None:
        """Whom the message is from; ValueError when no SMSC could carry it. None: Kannel knows."""
        sender_id = message.sender_id or self._settings.sender_id
        if sender_id is not None and not SENDER.fullmatch(sender_id):
            raise ValueError(
                f"sender_id {sender_id!r} is neither 1-15 digits nor 1-11 Latin characters"
            )
        return sender_id

    def request(self, message: Message, sender_id: str | None, minutes: int) -> httpx.Request:
        """The request that hands over a message, valid for so many minutes."""
        headers = {
            **self._common,
            "X-Kannel-To": str(message.msisdn),
            # Kannel never chooses UCS-2 by itself: at coding 0 it writes "?" for what GSM lacks.
            "X-Kannel-Coding": "0" if message.encoding == "gsm7" else "2",
            "X-Kannel-Validity": str(minutes),
        }
        if sender_id is not None:
            headers["X-Kannel-From"] = sender_id
        if self._settings.send_priority:
            headers["X-Kannel-Priority"] = str(3 - message.priority)  # there 3 is the most urgent
        if self._dlr_url is not None:
            headers["X-Kannel-DLR-Url"] = f"{self._dlr_url(self._provider, message.id)}?{ESCAPES}"
        return httpx.Request(
            "POST",
            self._url,
            headers=headers,
            content=message.body.encode("utf-8"),
            extensions=self._extensions,
        )

    def _common_headers(self, secret: str | None) -> dict[str, str]:
        if not secret:
            raise SettingsError(
                f'Provider "{self._provider}" has no password: set secret_env to the name of an '
                "environment variable and put the sendsms password there."
            )
        headers = {
            "Content-Type": "text/plain; charset=UTF-8",
            "X-Kannel-Username": self._settings.username,
            "X-Kannel-Password": secret,
        }
        if self._settings.smsc is not None:
            headers["X-Kannel-SMSC"] = self._settings.smsc
        if self._dlr_url is not None:  # a mask without a URL would ask for nothing
            headers["X-Kannel-DLR-Mask"] = str(self._settings.dlr_mask)
        if not all(value.isascii() and value.isprintable() for value in headers.values()):
            raise SettingsError(
                f'Provider "{self._provider}": username, password and smsc must be printable ASCII.'
            )
        return headers


# --- the answer --------------------------------------------------------------------------------

OUR_SETUP = ("Sender missing", "DLR-", "Account field")  # 400s that no other message would escape
Meaning = Literal["accepted", "rejected", "not_routable", "busy", "setup", "unreadable"]


def classify(status: int, body: str) -> Meaning:
    """What a reply of smsbox says; `unreadable` is not Kannel speaking, so anything may have been.

    404 is a wrong path. A proxy's 502 or 504 is unreadable: the request may have gone through.
    """
    match status:
        case 202:
            return "accepted"
        case 400:
            return "setup" if body.startswith(OUR_SETUP) else "rejected"
        case 403:
            return "not_routable" if body.startswith("Not routable") else "setup"
        case 404:
            return "setup"
        case 200 if body.startswith("Unknown command"):  # bearerbox's port instead of smsbox's
            return "setup"
        case 500 | 503:
            return "busy"
        case _:
            return "unreadable"
