"""Where providers may be: the hosts, networks and ports a worker's settings let it connect to.

known                the services whose presets come along
loopback             this machine
api.acme.example     a host, at any port; with :8443 behind it, at that port only
*.acme.example       every host below it
10.20.0.0/16         every address in a network; names are not looked up
*                    anything
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Sequence

from pydantic import HttpUrl, ValidationError

ANY, KNOWN, LOOPBACK = "*", "known", "loopback"
DEFAULT = (KNOWN, LOOPBACK)

_ENTRY = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|(\*\.)?[^\s/:@?#*\[\]]+)(:(?P<port>[0-9]{1,5}))?")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def plain_host(host: str) -> str:
    """A host as URLs are compared: small letters, punycode, no brackets, no closing dot."""
    try:
        found = HttpUrl(f"http://{host}/").host or ""
    except ValidationError:
        raise ValueError(f"{host!r} is no host") from None
    return found.strip("[]").rstrip(".")


def is_loopback(host: str) -> bool:
    """Whether this is certainly the machine we are on."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost":
        return True
    address = _address(name)
    return address is not None and address.is_loopback


def check_entries(entries: tuple[str, ...]) -> tuple[str, ...]:
    """ValueError where an entry of the list says nothing we understand."""
    for entry in entries:
        if entry not in (ANY, KNOWN, LOOPBACK) and _network(entry) is None:
            _host_and_port(entry)
    return entries


class Hosts:
    """The list, made ready; `known` are the hosts for which that word stands."""

    def __init__(self, entries: Sequence[str] = DEFAULT, *, known: Collection[str] = ()) -> None:
        words = {entry for entry in entries if entry in (ANY, KNOWN, LOOPBACK)}
        others = [entry for entry in entries if entry not in words]
        self._any = ANY in words
        self._loopback = LOOPBACK in words
        self._networks = [net for entry in others if (net := _network(entry)) is not None]
        self._hosts = [_host_and_port(entry) for entry in others if _network(entry) is None]
        if KNOWN in words:
            self._hosts += [_host_and_port(host) for host in known]

    def allow(self, host: str, port: int) -> bool:
        """Whether a connection to this host and port may be opened."""
        if self._any or (self._loopback and is_loopback(host)):
            return True
        try:
            name = plain_host(f"[{host}]" if ":" in host and "[" not in host else host)
        except ValueError:
            return False
        if any(_fits(name, port, *entry) for entry in self._hosts):
            return True
        address = _address(name)
        return address is not None and any(address in network for network in self._networks)


def _fits(name: str, port: int, wanted: str, at: int | None) -> bool:
    if at is not None and at != port:
        return False
    return name.endswith(wanted[1:]) if wanted.startswith("*.") else name == wanted


def _host_and_port(entry: str) -> tuple[str, int | None]:
    found = _ENTRY.fullmatch(entry)
    if found is None or not 0 < int(found["port"] or 1) < 65536:
        raise ValueError(
            f"{entry!r} is neither host, host:port, *.domain nor a network such as 10.20.0.0/16"
        )
    below = "*." if found["host"].startswith("*.") else ""
    host = plain_host(found["host"].removeprefix("*."))
    return below + host, int(found["port"]) if found["port"] else None


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    if "/" not in entry:
        return None
    try:
        return ipaddress.ip_network(entry)
    except ValueError:
        raise ValueError(f"{entry!r} is no network: write 10.20.0.0/16") from None


def _address(name: str) -> Address | None:
    """An address as it is reached: IPv4 hidden in IPv6 is IPv4."""
    try:
        found = ipaddress.ip_address(name)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
