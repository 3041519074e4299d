"""Starts other people's programs for tests and the demo so that none outlives its parent."""

from __future__ import annotations

import os
import pwd
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

START_S = 15.0
STOP_S = 15.0
PORTS = range(20_000, 30_000)
USERS = ("kannel", "nobody")  # whoever exists is who the programs run as when root starts them


class NotStarted(RuntimeError):
    """A program did not come up; the text says which and shows the end of its log."""


def free_ports(count: int) -> list[int]:
    """TCP ports of the loopback interface that nobody listened on a moment ago, all different.

    Below the range from which the system serves outgoing connections: none of those takes one away
    before its program has started.
    """
    ports: list[int] = []
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.append(port)
        if len(ports) == count:
            return ports
    raise NotStarted("There is no free port on the loopback interface.")


def unprivileged_user() -> pwd.struct_passwd | None:
    """Whom to become; None when we are not root and stay who we are."""
    if os.geteuid() != 0:
        return None
    for name in USERS:
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise NotStarted(f"There is no user {' or '.join(USERS)} to run as instead of root.")


def give_to_user(folder: Path) -> None:
    """Let the unprivileged user, if there is one, own a folder and all in it."""
    user = unprivileged_user()
    if user is None:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


def start(
    command: Sequence[str],
    *,
    folder: Path,
    output: Path,
    stdin: int = subprocess.DEVNULL,
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program in `folder` as the unprivileged user; it ends with the thread that calls.

    Linux ties the signal to that thread, so call it from one that lives long enough.
    """
    wrapper = ["setpriv", "--pdeathsig", "TERM"]
    if (user := unprivileged_user()) is not None:
        wrapper += [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    with output.open("ab") as sink:
        return subprocess.Popen(
            [*wrapper, "--", *command],
            cwd=folder,
            stdin=stdin,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", **(env or {})},
        )


def stop(process: subprocess.Popen[bytes], *, patience_s: float = STOP_S) -> None:
    """Ask it to end, then make it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
    if process.stdin is not None:
        with suppress(BrokenPipeError):
            process.stdin.close()


def wait_until(
    ready: Callable[[], bool], process: subprocess.Popen[bytes], *, name: str, output: Path
) -> None:
    """Wait until `ready()`; NotStarted when the program ends or takes longer than START_S."""
    deadline = time.monotonic() + START_S
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotStarted(f"{name} did not start: {_last_words(output)}")
        time.sleep(0.02)


def _last_words(output: Path) -> str:
    """The end of what a program printed, without the addresses of a stack trace."""
    lines = output.read_text(errors="replace").splitlines() if output.exists() else []
    return " | ".join([line for line in lines if "[0x" not in line][-5:]) or "it printed nothing"


def required(program: str, package: str) -> str:
    """Where a program is, or NotStarted naming the package that brings it."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        raise NotStarted(f"{program} is not installed; run: apt-get install {package}")
    return found
