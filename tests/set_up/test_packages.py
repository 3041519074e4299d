"""`scripts/packages` installs only what is missing, and only where it may."""

import subprocess
from pathlib import Path

import pytest

from outbox.cluster import ROOT


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Programs that go before the real ones: a Python that is too old, and no rights at all."""
    pretend(tmp_path, "python3", "exit 1")
    pretend(tmp_path, "id", "echo 1000")
    pretend(tmp_path, "sudo", "exit 1")
    return tmp_path


def pretend(machine: Path, name: str, script: str) -> None:
    (machine / name).write_text(f"#!/bin/sh\n{script}\n")
    (machine / name).chmod(0o755)


def packages(machine: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "scripts" / "packages", *arguments],
        env={"PATH": f"{machine}:/usr/sbin:/usr/bin:/sbin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_rights_one_sentence_names_the_command(machine: Path) -> None:
    answer = packages(machine, "python")

    assert answer.returncode == 1
    assert answer.stdout == ""
    assert answer.stderr == (
        "Packages are missing; install them with: "
        "sudo apt-get update && sudo apt-get install -y python3 python3-venv\n"
    )


def test_what_is_only_tried_may_fail(machine: Path) -> None:
    answer = packages(machine, "--try", "python")

    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


def test_sudo_installs_quietly_and_tidies_up(machine: Path) -> None:
    record = f'echo "$*" >>{machine}/done; case "$*" in *tee*) cat >/dev/null ;; esac'
    pretend(machine, "sudo", record)

    answer = packages(machine, "python")

    done = (machine / "done").read_text().splitlines()
    assert answer.returncode == 0
    assert answer.stdout == "Installing python3 python3-venv\n"
    install = next(line for line in done if "apt-get install" in line)
    assert install.endswith("python3 python3-venv")
    assert "--no-install-recommends" in install
    switched_off = next(line.split()[-1] for line in done if "createcluster.d" in line)
    assert f"-n rm -f {switched_off}/zz-none-of-its-own.conf" in done


def test_nothing_missing_is_nothing_done(machine: Path) -> None:
    pretend(machine, "python3", "exit 0")

    answer = packages(machine, "python")

    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
