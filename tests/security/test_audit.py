"""`make audit`: holes found, nothing known and "could not ask" are three different ends."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from outbox.cluster import ROOT

CLEAN_PYTHON = {"dependencies": [{"name": "rich", "version": "1", "vulns": []}], "fixes": []}
HOLE = {"id": "PYSEC-1", "fix_versions": ["2"], "aliases": [], "description": "x"}
BAD_PYTHON = {"dependencies": [{"name": "rich", "version": "1", "vulns": [HOLE]}], "fixes": []}
CLEAN_NODE = {"vulnerabilities": {}, "metadata": {"vulnerabilities": {"total": 0}}}
BAD_NODE = {
    "vulnerabilities": {"smpp\x1b[2J": {"range": "<1", "severity": "high", "fixAvailable": True}}
}
AWAY = {"error": {"code": "ENOTFOUND", "summary": "request to the registry failed", "detail": ""}}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with the real script; its tools are stand-ins."""
    for name in ("scripts/audit.py", "constraints.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def stand_in(path: Path, said: object, code: int) -> None:
    """A program that prints this and ends so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = said if isinstance(said, str) else json.dumps(said)
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\necho 'no network' >&2\nexit {code}\n")
    path.chmod(0o755)


def audit(clone: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    path = f"{clone / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, str(clone / "scripts" / "audit.py")],
        env={**os.environ, "PATH": path, **environment}, capture_output=True, text=True,
        timeout=100, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("python", "node", "code", "words"),
    [
        (CLEAN_PYTHON, CLEAN_NODE, 0, "no hole is known"),
        (BAD_PYTHON, CLEAN_NODE, 1, "rich 1: PYSEC-1, mended in 2"),
        (CLEAN_PYTHON, BAD_NODE, 1, r"smpp\x1b[2J <1: high"),
        ("", CLEAN_NODE, 3, "Python: could not ask, so nothing is known: no network"),
        (CLEAN_PYTHON, AWAY, 3, "npm: could not ask, so nothing is known: request to the registry"),
        (CLEAN_PYTHON, "[]", 3, "npm: could not ask"),
        (BAD_PYTHON, AWAY, 1, "could not ask"),
        ({"dependencies": [{"name": "x", "skip_reason": "unknown"}]}, CLEAN_NODE, 3, "x: unknown"),
    ],
)
def test_the_end_tells_what_is_known(
    clone: Path, python: object, node: object, code: int, words: str
) -> None:
    failed = int(code != 0)
    stand_in(clone / ".local" / "audit" / "bin" / "pip-audit", python, failed)
    stand_in(clone / "bin" / "npm", node, failed)
    done = audit(clone)
    assert done.returncode == code, done
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_without_network_nothing_hangs_or_breaks(clone: Path) -> None:
    """The tool cannot be installed, and npm finds nobody."""
    stand_in(clone / "bin" / "npm", AWAY, 1)
    done = audit(clone, PIP_INDEX_URL="http://127.0.0.1:1/", PIP_NO_INDEX="0", PIP_FIND_LINKS="")
    assert done.returncode == 3, done
    assert len(done.stderr.splitlines()) == 2
    assert "cannot be installed" in done.stderr
