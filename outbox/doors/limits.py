"""How much strangers on the network may take of us."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
SITE_BITS = 64  # of an IPv6 address: one customer has at least that much to himself
NOWHERE = "nowhere"  # a peer without an address


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Times in seconds, sizes in bytes; docs/receiver.md says what each is for."""

    connections: int = 4096
    per_address: int = 1024
    trusted: tuple[Network, ...] = LOOPBACK  # proxies of our own: no limit by address, and believed
    head_s: float = 10.0
    body_s: float = 20.0
    idle_s: float = 60.0  # Kannel reuses its connections
    unread_s: float = 20.0
    head_bytes: int = 32 * 1024
    body_bytes: int = 1 << 20  # the longest documented callback carries a hundred reports
    headers: int = 100
    pipelined: int = 64  # requests sent ahead on one connection

    @property
    def wire_bytes(self) -> int:
        """A body as it is sent, with its chunk sizes and their extensions."""
        return 2 * self.body_bytes + 64 * 1024


def networks(text: str) -> tuple[Network, ...]:
    """Addresses and networks, separated by commas; ValueError names what is none."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


@lru_cache(maxsize=4096)  # the same few callers come again and again
def site_of(host: str) -> str:
    """Whom a connection is counted for: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return NOWHERE
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ip_network((address, SITE_BITS), strict=False))
    return str(address)


@lru_cache(maxsize=4096)
def is_among(host: str, known: tuple[Network, ...]) -> bool:
    """Whether the address belongs to one of the networks."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in known)
