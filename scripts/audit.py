"""Asks whether a known hole is in what we pin: constraints.txt (PyPI) and kannel/smsc (npm).

    make audit      0: nothing known    1: something was found    3: could not ask all of them
                    (make itself ends with 2 for the last two and prints which it was)

The tool for Python lives in an environment of its own, .local/audit, so that it and its libraries
are not among those it judges.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from outbox.terminal import echo

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".local" / "audit"
PIP_AUDIT = "pip-audit==2.9.0"
FOUND, UNASKED = 1, 3
PATIENCE_S = 300


class CouldNotAskError(Exception):
    """No answer; the text says why."""


def python_holes() -> Iterator[str]:
    """What is known of the Python libraries."""
    program = HOME / "bin" / "pip-audit"
    if not program.exists():
        _run([sys.executable, "-m", "venv", "--clear", str(HOME)])
        pip = [str(HOME / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
        done = _run([*pip, "install", "--quiet", "--retries", "1", "--timeout", "15", PIP_AUDIT])
        if done.returncode:
            raise CouldNotAskError(f"{PIP_AUDIT} cannot be installed: {_last(done.stderr)}")
    pinned = ROOT / "constraints.txt"
    # Every library is in that file with its version, so nothing needs to be resolved or built.
    options = ["--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
    answer = _answer([str(program), "--requirement", str(pinned), *options], "dependencies")
    for library in answer["dependencies"]:
        if "skip_reason" in library:
            raise CouldNotAskError(f"{library['name']}: {library['skip_reason']}")
        for hole in library["vulns"]:
            mended = ", ".join(hole["fix_versions"]) or "nothing yet"
            yield f"{library['name']} {library['version']}: {hole['id']}, mended in {mended}"


def node_holes() -> Iterator[str]:
    """What is known of the packages of the SMSC simulator."""
    folder = ROOT / "kannel" / "smsc"
    command = ["npm", "audit", "--json", "--package-lock-only", "--prefix", str(folder)]
    for name, hole in _answer(command, "vulnerabilities")["vulnerabilities"].items():
        mended = "npm audit fix mends it" if hole["fixAvailable"] else "nothing mends it yet"
        yield f"{name} {hole['range']}: {hole['severity']}, {mended}"


def main() -> int:
    """Ask both; a hole that was found weighs more than a question without an answer."""
    codes = {_ask("Python", python_holes), _ask("npm", node_holes)}
    return FOUND if FOUND in codes else max(codes)


def _ask(what: str, holes: Callable[[], Iterator[str]]) -> int:
    try:
        found = list(holes())
    except CouldNotAskError as why:
        echo(f"{what}: could not ask, so nothing is known: {why}", err=True)
        return UNASKED
    for hole in found:
        echo(f"{what}: {hole}")
    if not found:
        echo(f"{what}: no hole is known in what we pin.")
    return FOUND if found else 0


def _answer(command: list[str], expected: str) -> dict[str, Any]:
    """The JSON that a tool prints; both end with 1 for holes and for failures alike."""
    done = _run(command)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise CouldNotAskError(_last(done.stderr)) from None
    if not isinstance(answer, dict) or expected not in answer:
        told = answer if isinstance(answer, dict) else {}
        why = dict(told.get("error") or {}).get("summary") or told.get("message")
        raise CouldNotAskError(why or _last(done.stderr))
    return answer


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CouldNotAskError(f"{command[0]}: {error}") from None


def _last(text: str) -> str:
    """The last line that says something."""
    said = [line.strip() for line in text.splitlines() if line.strip()]
    return said[-1] if said else "no answer"


if __name__ == "__main__":
    sys.exit(main())
