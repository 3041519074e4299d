"""What this worker lets an account do: which secrets, which hosts, and whether `fake` is served.

The rows of sms.provider are written by operators; the settings read here by whoever runs the
worker. So an operator chooses among what he was given, and takes nothing else out of the process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from pydantic import HttpUrl, ValidationError

from outbox.db import is_on_this_machine
from outbox.hosts import Hosts, is_loopback
from outbox.rows import ProviderRow
from outbox.secret_names import NoSecret, Secrets
from outbox.settings import Settings
from providers.base import NamesPeers, Peer, Provider, SettingsError, peer_of
from providers.known_hosts import known_hosts

log = structlog.get_logger()

FAKE = "fake"


class Terms:
    """The settings of a worker, as far as they bound what rows may ask for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._secrets = Secrets(settings.secret_names)
        self._hosts = Hosts(settings.allowed_hosts, known=known_hosts())

    def secret_of(self, provider: str, variable: str) -> str | None:
        """The value of a variable that a row names; SettingsError where it may not be had."""
        try:
            return self._secrets.get(variable)
        except NoSecret as error:
            raise SettingsError(f'Provider "{provider}": {error}') from None

    def require_secret(self, row: ProviderRow) -> None:
        """SettingsError where the row names a variable for its secret and that is not set."""
        if row.secret_env and not self.secret_of(row.provider, row.secret_env):
            raise SettingsError(
                f'Provider "{row.provider}" needs its secret in the variable {row.secret_env}.'
            )

    def check(
        self, name: str, adapter: str, settings: Mapping[str, object], provider: Provider
    ) -> None:
        """SettingsError where the account would go where this worker may not."""
        for peer in peers(settings, provider):
            if not self._hosts.allow(peer.host, peer.port):
                raise SettingsError(
                    f'Provider "{name}": {peer.host}:{peer.port} is none of the hosts in '
                    "OUTBOX_ALLOWED_HOSTS; add it there, where the worker runs."
                )
        if adapter == FAKE:
            self._check_fake(name, settings.get("log"))

    def _check_fake(self, name: str, file: object) -> None:
        """`fake` tells of real messages that they were delivered, and writes a file."""
        allowed = self._settings.fake
        if allowed is None:
            allowed = self._settings.dsn is None or is_on_this_machine(self._settings.dsn)
        if not allowed:
            raise SettingsError(
                f'Provider "{name}": the adapter fake sends nothing to anybody. Where the '
                "database is on another machine it is served only with OUTBOX_FAKE=yes."
            )
        folder = self._settings.fake_log_dir
        if folder is None or file is None:
            return
        if not Path(str(file)).resolve().is_relative_to(Path(folder).resolve()):
            raise SettingsError(
                f'Provider "{name}": setting "log": the file is not below OUTBOX_FAKE_LOG_DIR.'
            )


def warn_of_clear_text(row: ProviderRow, provider: Provider) -> None:
    """Log where a secret and the texts would cross a network that anybody on the way can read."""
    if not row.secret_env:
        return
    for peer in peers(row.settings, provider):
        if not peer.is_private and not is_loopback(peer.host):
            log.warning(
                "sent_in_the_clear",
                provider=row.provider,
                host=peer.host,
                hint="the secret and all texts can be read on the way: use https:// or, "
                "for smpp, tls; else a tunnel",
            )


def warn_of_clear_settings(settings: Settings) -> None:
    """The same of the two URLs of ours that hold a secret: the webhook, and where receipts come."""
    webhook, token = settings.webhook_url, settings.dlr_token
    given = {
        "OUTBOX_WEBHOOK_URL": None if webhook is None else webhook.get_secret_value(),
        "OUTBOX_DLR_BASE_URL": None if token is None else settings.dlr_base_url,
    }
    for name, url in given.items():
        host = urlsplit(url or "").hostname
        if url is not None and url.startswith("http:") and not is_loopback(host or ""):
            log.warning(
                "url_in_the_clear",
                setting=name,
                host=host,
                hint="the secret in it can be read on the way: use https://",
            )


def peers(settings: Mapping[str, object], provider: Provider) -> Sequence[Peer]:
    """Every host the account connects to, as the adapter names them; else the URLs it was given."""
    if isinstance(provider, NamesPeers):
        return provider.peers
    return [peer_of(url) for url in _urls(settings)]


def _urls(value: object) -> Iterator[HttpUrl]:
    if isinstance(value, str) and value.lower().startswith(("http://", "https://")):
        try:
            yield HttpUrl(value)
        except ValidationError:
            return
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _urls(one)
    elif isinstance(value, list):
        for one in value:
            yield from _urls(one)
