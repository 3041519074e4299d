"""What each command_status of the SMSC means for the message, or for the whole link."""

from __future__ import annotations

from collections.abc import Mapping

from smpplib import consts

from providers.smpp.settings import Meaning

OK = 0x00
UNKNOWN_COMMAND = 0x03
WRONG_PASSWORD, WRONG_SYSTEM_ID, WRONG_SYSTEM_TYPE = 0x0E, 0x0F, 0x53
REFUSED_FOR_LONG = frozenset({WRONG_PASSWORD, WRONG_SYSTEM_ID, WRONG_SYSTEM_TYPE})
RX_PERMANENT = 0x65

_THROTTLED = (0x14, 0x58)  # the queue is full; too fast
# The SMSC has trouble of its own, or does not say what: the message may go later.
_RETRY = (0x08, 0x45, 0x64, 0xFE, 0xFF)
# The session is not what we think it is: the message is not to blame, the link is bound anew.
_REBIND = (0x02, 0x03, 0x04, 0x05, 0x0D, 0x0E, 0x0F, 0x53)
_VENDOR = range(0x400, 0x500)  # credit, black lists and so on: unknown, so tried again

_BY_CODE: dict[int, Meaning] = {
    **dict.fromkeys(_THROTTLED, "throttled"),
    **dict.fromkeys(_RETRY, "retry"),
    **dict.fromkeys(_REBIND, "rebind"),
    **dict.fromkeys(_VENDOR, "retry"),
}
_NAMES = {
    value: name.removeprefix("SMPP_ESME_")
    for name, value in vars(consts).items()
    if name.startswith("SMPP_ESME_")
}


def meanings(overrides: Mapping[str, Meaning]) -> dict[int, Meaning]:
    """Status → meaning; what is not in it refuses the message for good."""
    return _BY_CODE | {int(code, 16): meaning for code, meaning in overrides.items()}


def say(status: int) -> str:
    """A status as people look it up: RINVDSTADR (0x0B)."""
    name = _NAMES.get(status)
    return f"{name} (0x{status:02X})" if name else f"0x{status:02X}"
