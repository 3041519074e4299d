"""Finds an adapter by the name in sms.provider.adapter and makes a provider of it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import cast

from providers.base import AdapterFactory, Context, Provider, SettingsError

GROUP = "sms.providers"


def adapters() -> list[str]:
    """Names of the installed adapters, sorted."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def load(adapter: str) -> AdapterFactory:
    """The factory registered under this name by an installed distribution."""
    for entry in entry_points(group=GROUP, name=adapter):
        return cast(AdapterFactory, entry.load())
    known = ", ".join(adapters()) or "none"
    raise SettingsError(f'No adapter "{adapter}" is installed (known: {known}).')


def build(
    *,
    provider: str,
    adapter: str,
    settings: Mapping[str, object],
    secret: str | None,
    context: Context,
) -> Provider:
    """Make the provider of one row of sms.provider; SettingsError says what is wrong with it."""
    return load(adapter)(provider, settings, secret, context)
