"""The hosts of the services that come along: what the word `known` allows."""

from __future__ import annotations

import json
from functools import cache
from urllib.parse import urlsplit

from providers.generic_http_settings import FOLDER, presets
from providers.smsc_ru_api import SmscRuSettings

# Accounts there have hosts of their own below these.
BELOW = ("*.api.infobip.com", "*.smsc.ru")


@cache
def known_hosts() -> tuple[str, ...]:
    """Hosts of presets and of smsc.ru, each a host or *.domain."""
    files = [json.loads((FOLDER / f"{name}.json").read_text("utf-8")) for name in presets()]
    account = SmscRuSettings.model_validate({})
    urls = [str(file["url"]) for file in files] + [str(account.url), str(account.backup_url)]
    return (*sorted({host for url in urls if (host := urlsplit(url).hostname)}), *BELOW)
