"""The project's own promises about its commands and the versions it runs with."""

import re
import subprocess
from importlib.metadata import distributions, requires

from packaging.requirements import Requirement

from outbox.cluster import ROOT

CONTRACT = ["help", "setup", "db", "demo", "test", "bench", "lint", "audit", "clean"]


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return {normal(name): version for name, _, version in (line.partition("==") for line in lines)}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_help_lists_every_target() -> None:
    answer = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)

    assert re.findall(r"^  make (\w+) +\S", answer.stdout, re.MULTILINE) == CONTRACT


def test_constraints_are_names_and_versions_only() -> None:
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][A-Za-z0-9.+]*", line), line


def needed(name: str, extras: frozenset[str] = frozenset()) -> set[str]:
    """All libraries below one that is installed, itself not included."""
    found: set[str] = set()
    todo = [(name, extras)]
    while todo:
        current, wanted = todo.pop()
        for line in requires(current) or []:
            need = Requirement(line)
            applies = [
                need.marker is None or need.marker.evaluate({"extra": e}) for e in wanted or {""}
            ]
            if any(applies) and (need.extras or normal(need.name) not in found):
                found.add(normal(need.name))
                todo.append((need.name, frozenset(need.extras)))
    return found


def test_every_library_below_ours_is_pinned() -> None:
    below = needed("sms-outbox", frozenset({"dev"})) - {"sms-outbox"}

    assert {"psycopg-binary", "pytest", "pgqueuer", "numpy"} <= below
    assert below <= set(constraints())


def test_what_is_installed_is_what_is_pinned() -> None:
    here = {normal(one.name): one.version for one in distributions()}

    assert {name: here[name] for name in constraints() if name in here} == {
        name: version for name, version in constraints().items() if name in here
    }
