"""The programs as they are in production: `outbox run`, `worker`, `dlr` as processes of their own.

Nothing of the test's process is shared with them but the database, the network and files, so they
can be killed, frozen and asked to stop like the real ones.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from outbox.cluster import ROOT
from tests.support.waiting import PATIENCE_S, eventually

READY = {"run": "provider_open", "worker": "provider_open", "dlr": "dlr_listening"}
COMMAND_S = 60.0
KEPT = ("OUTBOX_SECRET_", "OUTBOX_FAKE")  # what the tests themselves set


class Program:
    """One process; `log` holds what it says on stderr, a JSON object a line."""

    def __init__(
        self,
        command: list[str],
        *,
        log: Path,
        variables: dict[str, str],
        descriptors: int | None = None,
    ) -> None:
        self.log = log
        few = [] if descriptors is None else ["prlimit", f"--nofile={descriptors}", "--"]
        self._ready = READY[command[0]]
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(
                # Should the test run itself be killed, nothing of it stays behind.
                ["setpriv", "--pdeathsig", "KILL", "--", *few, *_outbox(command)],
                cwd=ROOT,
                env=_environment(variables),
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Its exit code, None while it runs; minus the signal's number when it was killed."""
        return self._process.poll()

    def events(self, *names: str) -> list[dict[str, Any]]:
        """What it logged so far, of these events or of all."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        events = [json.loads(line) for line in lines if line.startswith("{") and line[-1] == "}"]
        return [event for event in events if not names or event.get("event") in names]

    def is_ready(self) -> bool:
        """Whether it works; an AssertionError with its last words when it has ended instead."""
        if self.events(self._ready):
            return True
        assert self.exit_code is None, f"ended with {self.exit_code}: {self.last_words()}"
        return False

    async def ready(self) -> None:
        """Wait until it works."""
        await eventually(self.is_ready)

    def wait_until_ready(self) -> None:
        """The same without an event loop."""
        wait_until(self.is_ready)

    def terminate(self) -> None:
        """Ask it to end well (SIGTERM)."""
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at this very instant (SIGKILL)."""
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Stop its clockwork (SIGSTOP) until `thaw`."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    async def ended(self, *, within_s: float = PATIENCE_S) -> int:
        """Wait for its end; its exit code."""
        await eventually(lambda: self.exit_code is not None, patience_s=within_s)
        return self._process.wait()

    def last_words(self) -> str:
        return " | ".join(self.log.read_text(encoding="utf-8").splitlines()[-5:])


class Programs:
    """Starts programs with the same variables; ends those that are left when the block ends."""

    def __init__(self, folder: Path, **variables: object) -> None:
        """`variables` are settings without their prefix: dsn="…", lease_s=5."""
        self._folder = folder
        self._variables = variables
        self._started: list[Program] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Well, so that coverage is written; a program that does not end is killed."""
        for program in self._started:
            if program.exit_code is None:
                program.terminate()
                program.thaw()
        for program in self._started:
            try:
                wait_until(lambda it=program: it.exit_code is not None, patience_s=3)  # type: ignore[misc]
            except TimeoutError:
                program.kill()

    def start(self, *command: str, descriptors: int | None = None, **variables: Any) -> Program:
        """Start `outbox` with this command and return at once; with so few descriptors at most."""
        program = Program(
            list(command),
            descriptors=descriptors,
            log=self._folder / f"{command[0]}-{len(self._started) + 1}.log",
            variables=_named({**self._variables, **variables}),
        )
        self._started.append(program)
        return program

    async def running(
        self, *command: str, descriptors: int | None = None, **variables: object
    ) -> Program:
        """Start it and wait until it works."""
        program = self.start(*command, descriptors=descriptors, **variables)
        await program.ready()
        return program


def answer(*command: str, **variables: object) -> Any:
    """What a command with --json answers; it must succeed without a word on stderr."""
    done = subprocess.run(
        [*_outbox(command), "--json"],
        cwd=ROOT,
        env=_environment(_named(variables)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), f"{done.returncode}: {done.stderr}"
    return json.loads(done.stdout)


def with_rights_of(dsn: str, role: str) -> str:
    """The DSN, a URL, for a session that has the rights of `role` and no others."""
    return f"{dsn}?options={quote(f'-c role={role}', safe='')}"


def wait_until(happened: Callable[[], object], *, patience_s: float = PATIENCE_S) -> None:
    """Return as soon as `happened()` is true; TimeoutError when it never is."""
    deadline = time.monotonic() + patience_s
    while not happened():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.02)


def _outbox(command: list[str] | tuple[str, ...]) -> list[str]:
    return [sys.executable, "-m", "cli", *command]


def _named(variables: dict[str, object]) -> dict[str, str]:
    return {f"OUTBOX_{name.upper()}": str(value) for name, value in variables.items()}


def _environment(variables: dict[str, str]) -> dict[str, str]:
    """The caller's environment without his settings; secrets of providers come along."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("OUTBOX_") or name.startswith(KEPT)
    }
    return {**ours, **variables}
