"""Texts that commands are given: on the command line, in a file, in somebody's editor."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from outbox.errors import OutboxError, UsageMistake
from outbox.files import read_text


def given(text: str | None, file: Path | None, option: str) -> str | None:
    """The option's text or the file's, without the line's end; None where neither is given."""
    if text is not None and file is not None:
        raise UsageMistake(f"Give either {option} or --file.")
    if file is None:
        return text
    return read_text(file).rstrip("\n")


def edited(text: str) -> str:
    """What the person's editor makes of a text."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "template.txt")
        path.write_text(f"{text}\n", encoding="utf-8")
        try:
            done = subprocess.run([*shlex.split(editor), str(path)], check=False)
        except OSError as error:
            why = error.strerror
            raise UsageMistake(f"{editor} cannot be started: {why}; set EDITOR.") from None
        if done.returncode:
            raise OutboxError(f"{editor} ended with code {done.returncode}; nothing was saved.")
        return read_text(path).rstrip("\n")


def json_object(text: str | None, option: str) -> dict[str, Any] | None:
    """An option's value as a JSON object."""
    if text is None:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageMistake(f"{option} is not JSON: {error}.") from None
    if not isinstance(found, dict):
        raise UsageMistake(f'{option} is not a JSON object like {{"name": …}}.')
    return found
