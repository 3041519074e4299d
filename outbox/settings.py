"""Everything that can be set, from OUTBOX_* variables or the TOML file named by OUTBOX_CONFIG.

A variable wins over the file. Secrets of providers are not here: sms.provider.secret_env names
the variable that holds each; which variables it may name is said here (secret_names).
"""

from __future__ import annotations

import os
import re
import socket
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from outbox.errors import SettingsMistake, UsageMistake
from outbox.files import read_text
from outbox.hosts import DEFAULT, check_entries
from outbox.secret_names import check_listed, split_names
from outbox.settings_doors import DoorSettings

PREFIX = "OUTBOX_"
CONFIG = "OUTBOX_CONFIG"
NO_LISTEN = "none"

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "": 1.0}
_LONGEST = timedelta(days=36500)  # a hundred years; a moment so far from now is still a moment
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|)\s*")


def parse_duration(value: object) -> timedelta:
    """Read `500ms`, `10s`, `2m`, `1.5h`, `7d` or a plain number of seconds."""
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(str(value))
    if found is None:
        raise ValueError(f"{value!r} is no duration: write 500ms, 10s, 2m, 1h or 7d")
    seconds = float(found[1]) * _UNITS[found[2]]
    if seconds > _LONGEST.total_seconds():
        raise ValueError(f"{value!r} is no duration: the longest is {_LONGEST.days}d")
    return timedelta(seconds=seconds)


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]


def _check_url(url: SecretStr) -> SecretStr:
    """An address that can be POSTed to; it is secret, as chats put their key into it."""
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", url.get_secret_value()):
        raise ValueError("write a URL that begins with https:// or http://")
    return url


def _check_base_url(url: str) -> str:
    """An address to which paths are added; with a wrong one no receipt would ever come."""
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", url):
        raise ValueError("write a URL that begins with https:// or http:// and has no ? or #")
    return url


def _in_utc(moment: datetime) -> datetime:
    """A moment without a zone is UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Names = Annotated[
    tuple[str, ...],
    NoDecode,
    BeforeValidator(split_names),
]


def _own_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


class Settings(DoorSettings):
    """The settings of one process; read them with `load`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    dsn: str | None = Field(None, description="the database; unset: this clone's private cluster")
    listen_dsn: str | None = Field(
        None,
        description="a direct connection for LISTEN where dsn goes through PgBouncer; "
        "'none' polls only; unset: dsn",
    )
    test_dsn: str | None = Field(None, description="a server on which the tests may make databases")
    prepare: bool | None = Field(
        None,
        description="server-side prepared statements; unset: yes, unless listen_dsn says that dsn "
        "is a PgBouncer",
    )
    claim_limit: int = Field(500, ge=1, le=1000, description="messages in a bulk claim")
    urgent_limit: int = Field(20, ge=1, le=100, description="messages in an urgent claim")
    bulk_claimers: int = Field(2, ge=1, le=16, description="bulk claimers a provider")
    urgent_deliveries: int = Field(8, ge=1, le=64, description="urgent claims in flight at once")
    lease_s: float = Field(60, ge=5, le=3600, description="how long a claim is ours")
    poll_s: float = Field(1.0, ge=0.05, le=60, description="how often to look without being called")
    grace_s: float = Field(20, ge=0, le=600, description="time for sends in flight at shutdown")
    call_timeout_s: float = Field(30, ge=1, le=600, description="longest wait for one SQL call")
    receipt_wait: Duration = Field(
        timedelta(seconds=10), description="how long --drain waits for a message's receipt"
    )
    dlr_host: str = Field("127.0.0.1", description="address on which receipts are heard")
    dlr_port: int = Field(8801, ge=0, le=65535, description="its port")
    dlr_token: SecretStr | None = Field(
        None, description="secret from which the token in each account's receipt URLs is derived"
    )
    dlr_shared_token_until: Annotated[datetime, AfterValidator(_in_utc)] = Field(
        datetime(2027, 3, 1, tzinfo=UTC),
        description="until when dlr_token itself is honoured in receipt URLs, as it was before",
    )
    dlr_base_url: Annotated[str, AfterValidator(_check_base_url)] | None = Field(
        None, description="how providers reach us; unset: http://dlr_host:dlr_port"
    )
    webhook_url: Annotated[SecretStr, AfterValidator(_check_url)] | None = Field(
        None, description="where changes of routes and breakers are POSTed as JSON"
    )
    secret_names: Annotated[Names, AfterValidator(check_listed)] = Field(
        (),
        description="variables that may hold a provider's secret beside OUTBOX_SECRET_…, "
        "with commas",
    )
    allowed_hosts: Annotated[Names, AfterValidator(check_entries)] = Field(
        DEFAULT,
        description="where providers may be, with commas: hosts, host:port, *.domain, networks, "
        "known (services with a preset), loopback, or * for anywhere",
    )
    fake: bool | None = Field(
        None,
        description="whether accounts of the adapter fake are served, which send nothing; "
        "unset: only while the database is on this machine",
    )
    fake_log_dir: str | None = Field(
        None, description="the folder below which logs of the adapter fake must be; unset: any"
    )
    metrics_host: str = Field("127.0.0.1", description="address on which Prometheus is answered")
    metrics_port: int | None = Field(
        None, ge=0, le=65535, description="its port; unset: no metrics are served"
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    worker_name: str = Field(default_factory=_own_name, min_length=1, max_length=100)

    @property
    def lease(self) -> timedelta:
        """The lease as an interval."""
        return timedelta(seconds=self.lease_s)

    @property
    def dlr_url(self) -> str:
        """Where providers reach the receipt server."""
        return self.dlr_base_url or f"http://{self.dlr_host}:{self.dlr_port}"

    @property
    def listens(self) -> bool:
        """Whether the worker hears NOTIFY at all."""
        return self.listen_dsn != NO_LISTEN

    @property
    def prepares(self) -> bool:
        """Whether work connections may keep prepared statements on the server."""
        return self.listen_dsn is None if self.prepare is None else self.prepare

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then variables, then the file."""
        return init_settings, env_settings, InitSettingsSource(settings_cls, _config_file())


def load(**changes: Any) -> Settings:
    """Read the settings; SettingsMistake names the first wrong one in one sentence."""
    try:
        return Settings(**changes)
    except ValidationError as error:
        raise SettingsMistake(_name_first(error)) from None


def misspelt() -> list[tuple[str, str]]:
    """Variables that are no setting but look like one, each with the one they look like.

    They cannot be refused: a provider's secret may stand in a variable of any name.
    """
    known = {CONFIG, *(f"{PREFIX}{name.upper()}" for name in Settings.model_fields)}
    strangers = sorted(
        name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in known
    )
    found = [(name, get_close_matches(name.upper(), known, 1, 0.9)) for name in strangers]
    return [(name, near[0]) for name, near in found if near]


def _config_file() -> dict[str, Any]:
    path = os.environ.get(CONFIG)
    if not path:
        return {}
    try:
        return tomllib.loads(read_text(Path(path)))
    except UsageMistake as mistake:
        raise SettingsMistake(f"{CONFIG}: {mistake}") from None
    except OSError as error:
        raise SettingsMistake(f"{CONFIG}: cannot read {path}: {error.strerror or error}.") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsMistake(f"{CONFIG}: {path} is not TOML: {error}.") from None


def _name_first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    wrong = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        return f"{name} in {_config_path()} is no setting; known are: {_known()}."
    where = f"{PREFIX}{name.upper()}"
    if where not in _upper(os.environ):
        where = f"{name} in {_config_path()}"
    return f"{where} is wrong: {wrong}."


def _config_path() -> str:
    return os.environ.get(CONFIG) or "the settings"


def _known() -> str:
    return ", ".join(Settings.model_fields)


def _upper(names: Mapping[str, str]) -> set[str]:
    return {name.upper() for name in names}
