"""Files that people name: opened only where they are files, read only so far."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from outbox.errors import UsageMistake

# A text, a SELECT, the settings of an account: the longest has some ten thousand characters.
MOST_BYTES = 1_000_000
# What the shell has opened already, `--file <(…)` or `--file /dev/stdin`, cannot keep us waiting
# for somebody to open its other end.
_OPEN_ALREADY = ("/dev/stdin", "/dev/fd/", "/proc/self/fd/")


def open_file(path: Path) -> BinaryIO:
    """Open a regular file for reading; OSError for everything else, without waiting for a pipe."""
    # O_NONBLOCK: to open a named pipe is else to wait until somebody writes to it.
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(number).st_mode
    if not stat.S_ISREG(mode):
        os.close(number)
        raise OSError(errno.EINVAL, _what(mode), str(path))
    return os.fdopen(number, "rb")


def read_text(path: Path) -> str:
    """The text of a UTF-8 file; UsageMistake where it is too long or no text."""
    with _opened(path) as file:
        found = file.read(MOST_BYTES + 1)
    if len(found) > MOST_BYTES:
        raise UsageMistake(f"{path} is longer than {MOST_BYTES:,} bytes, so it is not that text.")
    try:
        text = found.decode()
    except UnicodeDecodeError:
        raise UsageMistake(f"{path} is not UTF-8.") from None
    if "\0" in text:
        raise UsageMistake(f"{path} holds a NUL character, which no text has.")
    return text


def _opened(path: Path) -> BinaryIO:
    return path.open("rb") if str(path).startswith(_OPEN_ALREADY) else open_file(path)


def _what(mode: int) -> str:
    """What it is instead of a file, and what to do."""
    if stat.S_ISDIR(mode):
        return "Is a directory"
    if stat.S_ISFIFO(mode):
        return "Is a pipe; write what comes out of it to a file first"
    return "Is no file"
