"""The file of the in-process provider: a new one, or one that it wrote before; never another.

The path is an operator's word, the rights are the worker's. So no link is followed, nothing but a
plain file of our own is opened, and what stands in it must be lines of ours.
"""

from __future__ import annotations

import json
import os
import stat

from providers.base import SettingsError

_LONGEST_LINE = 400
# O_APPEND keeps the lines of several workers whole; a pipe must not keep us waiting.
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def open_log(provider: str, path: str) -> int:
    """A descriptor to append to; SettingsError where the file is not, or cannot be, ours."""
    try:
        file = os.open(path, _FLAGS, 0o644)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise SettingsError(f'Provider "{provider}": setting "log": {said}.') from None
    if not _is_ours(file):
        os.close(file)
        raise SettingsError(
            f'Provider "{provider}": setting "log": the file holds something else than lines of '
            "this provider; name a new one."
        )
    return file


def _is_ours(file: int) -> bool:
    """Whether it is a plain file of this user under one name, empty or begun with a line of ours"""
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or found.st_uid != os.geteuid():
        return False
    if found.st_size == 0:
        return True
    first, newline, _ = os.pread(file, _LONGEST_LINE, 0).partition(b"\n")
    try:
        line = json.loads(first)
    except ValueError:
        return False
    return bool(newline) and isinstance(line, dict) and {"id", "at"} <= line.keys()
