"""What a row of sms.provider says about an SMPP account; docs/smpp.md explains each setting."""

from __future__ import annotations

import re
import ssl
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, field_validator, model_validator

from providers.base import AdapterSettings, SettingsError

ADDRESS = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(?P<port>[0-9]{1,5})")
MAX_PASSWORD = 8  # SMPP 3.4, 4.1.1: nine octets with the closing NUL

IdFormat = Literal["auto", "as_is", "decimal", "hex"]
LongTexts = Literal["udh8", "udh16", "sar", "payload"]
Meaning = Literal["rejected", "retry", "throttled", "rebind"]
Octet = Annotated[int, Field(ge=0, le=255)]
TonNpi = tuple[Octet, Octet]  # type of number, numbering plan


def _addresses(given: object) -> object:
    return [part.strip() for part in given.split(",")] if isinstance(given, str) else given


class SmppSettings(AdapterSettings):
    """`settings` of a provider whose adapter is smpp; its secret is the SMPP password."""

    # Where and who
    addresses: Annotated[tuple[str, ...], BeforeValidator(_addresses)] = Field(min_length=1)
    system_id: str = Field(pattern=r"^[\x21-\x7e]{1,15}$")
    system_type: str = Field("", pattern=r"^[\x20-\x7e]{0,12}$")
    bind: Literal["transceiver", "pair"] = "transceiver"  # pair: one transmitter, one receiver
    binds: int = Field(1, ge=1, le=32)  # sessions (or pairs of them) at once
    window: int = Field(10, ge=1, le=10_000)  # unanswered submissions of one bind
    addr_ton: Octet = 0
    addr_npi: Octet = 0
    address_range: str = Field("", pattern=r"^[\x20-\x7e]{0,40}$")
    # TLS
    tls: bool = False
    tls_verify: bool = True
    tls_server_name: str | None = None  # where the certificate has another name than the address
    tls_ca_file: str | None = None  # null: the system's authorities
    tls_cert_file: str | None = None  # ours, where the SMSC asks for one
    tls_key_file: str | None = None
    # What is sent
    sender_id: str | None = None  # for messages that name none
    service_type: str = Field("", pattern=r"^[\x20-\x7e]{0,5}$")
    alphanumeric_ton_npi: TonNpi = (5, 0)
    short_ton_npi: TonNpi = (3, 0)
    number_ton_npi: TonNpi = (1, 1)
    destination_ton_npi: TonNpi = (1, 1)
    long_texts: LongTexts = "udh8"
    gsm_data_coding: Octet = 0
    validity: Literal["absolute", "relative", "none"] = "absolute"
    send_priority: bool = True
    registered_delivery: int = Field(1, ge=0, le=31)  # 0: no receipts
    # What is heard
    id_in_answer: IdFormat = "auto"
    id_in_receipt: IdFormat = "auto"
    err_is_gsm: bool = False  # the err: of a receipt's text is an error of the GSM network
    receipt_time_zone: str | None = None  # of "done date"; null: the moment we heard
    statuses: dict[str, Meaning] = Field(default_factory=dict)  # "0x45": "retry"
    # How long
    max_batch: int = Field(500, ge=1, le=5000)
    timeout_s: float = Field(20, gt=0, le=50)  # for each answer of the SMSC
    enquire_link_s: float = Field(30, gt=0)  # of silence before we ask whether it is there
    reconnect_s: float = Field(5, gt=0)  # first pause, then doubled
    reconnect_max_s: float = Field(300, gt=0)
    refused_s: float = Field(60, gt=0)  # first pause after the SMSC refused our bind
    throttle_s: float = Field(1, gt=0)  # rest after "too fast"
    room_wait_s: float = Field(3, gt=0)  # for a place in a window while nothing moves
    part_wait_s: float = Field(3, ge=0)  # a part's answer waits so long for the other parts
    part_keep_s: float = Field(600, gt=0)  # then a subscriber's message goes on without them

    @field_validator("addresses")
    @classmethod
    def _are_addresses(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for address in given:
            found = ADDRESS.fullmatch(address)
            if found is None or not 0 < int(found["port"]) < 65536:
                raise ValueError(f"{address!r} is not host:port")
        return given

    @field_validator("statuses")
    @classmethod
    def _are_statuses(cls, given: dict[str, Meaning]) -> dict[str, Meaning]:
        for key in given:
            if not re.fullmatch(r"0[xX][0-9a-fA-F]{1,8}", key):
                raise ValueError(f"{key!r} is no command_status such as 0x45")
        return given

    @field_validator("receipt_time_zone")
    @classmethod
    def _is_zone(cls, given: str | None) -> str | None:
        if given is not None:
            try:
                ZoneInfo(given)
            except (KeyError, ValueError, OSError):
                raise ValueError(f"{given!r} is no time zone") from None
        return given

    @model_validator(mode="after")
    def _fits(self) -> SmppSettings:
        if (self.id_in_answer == "as_is") != (self.id_in_receipt == "as_is"):
            raise ValueError("id_in_answer and id_in_receipt are as_is together or not at all")
        if self.reconnect_max_s < self.reconnect_s:
            raise ValueError("reconnect_max_s is shorter than reconnect_s")
        return self


def host_and_port(address: str) -> tuple[str, int]:
    """The two halves of an address that the settings have let through."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def check_password(provider: str, secret: str | None) -> str:
    """The password, or SettingsError where none can be sent."""
    if not secret:
        raise SettingsError(
            f'Provider "{provider}" has no password: set secret_env to the name of an environment '
            "variable and put the SMPP password there."
        )
    if len(secret) > MAX_PASSWORD or not (secret.isascii() and secret.isprintable()):
        raise SettingsError(
            f'Provider "{provider}": an SMPP password is at most {MAX_PASSWORD} printable ASCII '
            "characters."
        )
    return secret


def tls_context(provider: str, settings: SmppSettings) -> ssl.SSLContext | None:
    """The TLS side of the settings; None without TLS, SettingsError for a file that is not one."""
    if not settings.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.tls_ca_file)
        if settings.tls_cert_file is not None:
            context.load_cert_chain(settings.tls_cert_file, settings.tls_key_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f'Provider "{provider}": TLS cannot be set up: {error}.') from None
    if not settings.tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
