"""Finds an adapter by the name in sms.provider.adapter and makes a provider of it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import cast

import structlog

from providers.base import AdapterFactory, AdapterSettings, Context, Provider, SettingsError
from providers.setting_names import setting_names

log = structlog.get_logger()

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


def declared() -> dict[str, list[str]]:
    """The names of settings of every installed adapter that tells its model, `settings_model`.

    One that cannot be imported here, or tells none, is left out: its names are not judged.
    """
    found: dict[str, list[str]] = {}
    for adapter in adapters():
        try:
            model = getattr(load(adapter), "settings_model", None)
        except Exception as error:  # somebody else's package
            log.warning("adapter_unusable", adapter=adapter, error=type(error).__name__)
            continue
        if isinstance(model, type) and issubclass(model, AdapterSettings):
            found[adapter] = setting_names(model)
    return found


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
