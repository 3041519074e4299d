"""What the receipt server lets strangers take; docs/receiver.md says what each limit is for."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings

from outbox.doors.limits import Limits, networks


def _check_networks(text: str) -> str:
    """Addresses or networks; host names would be asked for in the middle of a flood."""
    try:
        networks(text)
    except ValueError as error:
        raise ValueError(f"{error}; write addresses or networks with commas between them") from None
    return text


class DoorSettings(BaseSettings):
    """The part of `Settings` that guards the port for receipts."""

    dlr_connections: int = Field(
        4096, ge=8, le=1_000_000, description="open connections; fewer where descriptors are short"
    )
    dlr_connections_per_address: int = Field(
        1024, ge=1, le=1_000_000, description="of these from one address (IPv6: one /64)"
    )
    dlr_trusted_proxies: Annotated[str, AfterValidator(_check_networks)] = Field(
        "127.0.0.0/8, ::1",
        description="our own proxies: not limited by address, and believed about whom they speak "
        "for",
    )
    dlr_head_s: float = Field(10, ge=0.1, le=600, description="time for a request's head")
    dlr_body_s: float = Field(20, ge=0.1, le=600, description="time for its body")
    dlr_idle_s: float = Field(60, ge=0.1, le=3600, description="time between two requests")
    dlr_unread_s: float = Field(20, ge=0.1, le=600, description="time to read an answer")
    dlr_head_bytes: int = Field(32_768, ge=1024, le=1 << 20, description="longest head")
    dlr_body_bytes: int = Field(1 << 20, ge=1024, le=1 << 26, description="longest body")
    dlr_headers: int = Field(100, ge=8, le=10_000, description="most header lines")
    dlr_fields: int = Field(2000, ge=16, le=1_000_000, description="most fields of query and form")
    dlr_memory_mb: int = Field(
        512, ge=128, le=1_048_576, description="memory of the receipt server's process"
    )

    @property
    def dlr_limits(self) -> Limits:
        """The limits of connections among them."""
        return Limits(
            connections=self.dlr_connections,
            per_address=self.dlr_connections_per_address,
            trusted=networks(self.dlr_trusted_proxies),
            head_s=self.dlr_head_s,
            body_s=self.dlr_body_s,
            idle_s=self.dlr_idle_s,
            unread_s=self.dlr_unread_s,
            head_bytes=self.dlr_head_bytes,
            body_bytes=self.dlr_body_bytes,
            headers=self.dlr_headers,
        )
