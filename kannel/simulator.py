"""An SMPP message centre in a process of its own: kannel/smsc/smsc.js on the npm package smpp."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from kannel import processes

SOURCE = Path(__file__).with_name("smsc")
Mode = Literal[
    "ok", "throttle", "queuefull", "reject", "sysfail", "slow", "hang", "garbage", "drop", "badpass"
]


def install() -> None:
    """Install the pinned npm package beside smsc.js; does nothing when it is there."""
    if (SOURCE / "node_modules" / "smpp").is_dir():
        return
    npm = processes.required("npm", "npm")
    command = [npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise processes.NotStarted(f"npm ci failed in kannel/smsc: {done.stderr.strip()[-300:]}")


class Simulator:
    """The message centre; `records()` is its own account of every PDU it saw."""

    def __init__(
        self,
        *,
        port: int = 0,
        dlr_ms: int | None = 300,
        mode: Mode = "ok",
        password: str = "secret",
        tls: tuple[Path, Path] | None = None,
        **options: int | str,
    ) -> None:
        self.port = port or processes.free_ports(1)[0]
        self.password = password
        self._dlr_ms = dlr_ms
        self._mode = mode
        self._tls = tls  # files of its key and its certificate
        self._options = options  # see smsc.js
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        install()
        # A copy: the unprivileged user may not be able to read the place of this clone.
        self._folder = Path(tempfile.mkdtemp(prefix="smsc-"))
        shutil.copytree(SOURCE, self._folder, dirs_exist_ok=True)
        for name, path in zip(("tls.key", "tls.cert"), self._tls or (), strict=False):
            shutil.copy(path, self._folder / name)
        processes.give_to_user(self._folder)
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        """For fault tests."""
        assert self._process is not None, "the message centre is not running"
        return self._process.pid

    @property
    def log(self) -> Path:
        """One JSON line per PDU."""
        return self._folder / "pdus.jsonl"

    def start(self) -> None:
        """Start, or start again on the same port."""
        output = self._folder / "output"
        output.unlink(missing_ok=True)
        self._process = processes.start(
            [processes.required("node", "nodejs"), "smsc.js"],
            folder=self._folder,
            output=output,
            stdin=subprocess.PIPE,
            env={
                "PORT": str(self.port),
                "DLR_MS": "" if self._dlr_ms is None else str(self._dlr_ms),
                "MODE": self._mode,
                "PASSWORD": self.password,
                "LOG": str(self.log),
                "OPTIONS": json.dumps(self._options),
                **({"TLS_KEY": "tls.key", "TLS_CERT": "tls.cert"} if self._tls else {}),
            },
        )
        processes.wait_until(
            lambda: b"ready" in output.read_bytes(),
            self._process,
            name="The message centre",
            output=output,
        )

    def stop(self) -> None:
        if self._process is not None:
            processes.stop(self._process)
            self._process = None

    def set_mode(self, mode: Mode) -> None:
        """How it answers; returns when it does so."""
        self._mode = mode
        self._change(f"mode {mode}")

    def set_options(self, **options: int | str) -> None:
        """What else it does, see smsc.js; returns when it does so."""
        self._options |= options
        self._change(f"set {json.dumps(options)}")

    def write(self, *, sender: str, to: str, text: str) -> None:
        """Let a subscriber write to our number; it waits until somebody is bound."""
        command = json.dumps({"from": sender, "to": to, "text": text})
        self.command(f"mo {command}")

    def report(self, *, message_id: int, sender: str, to: str, good: bool) -> None:
        """Send a receipt, however many were sent before; it waits until somebody is bound."""
        given = {"id": message_id, "from": sender, "to": to, "good": good}
        self.command(f"report {json.dumps(given)}")

    def command(self, line: str) -> None:
        """A line for its standard input, such as "unbind", "cut" or "enquire"."""
        assert self._process is not None, "the message centre is not running"
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def _change(self, line: str) -> None:
        if self._process is None:
            return
        known = len(self.records("mode"))
        self.command(line)
        processes.wait_until(
            lambda: len(self.records("mode")) > known,
            self._process,
            name="The message centre's new mode",
            output=self.log,
        )

    def records(self, event: str | None = None) -> list[dict[str, Any]]:
        """What it saw so far, oldest first; asked for before the `with` block ends."""
        if not self.log.exists():
            assert self._folder.exists(), "the message centre and its records are gone"
            return []
        lines = self.log.read_text(encoding="utf-8").splitlines()
        records: list[dict[str, Any]] = [json.loads(line) for line in lines]
        return [record for record in records if event in (None, record["event"])]


def whole_texts(records: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """(number, text) of each complete message among submit_sm records, its parts joined."""
    texts: list[tuple[str, str]] = []
    parts: dict[tuple[str, str], dict[int, str]] = {}
    for record in records:
        udh = bytes.fromhex(record["udh"])
        if not udh:
            texts.append((record["to"], record["text"]))
            continue
        reference, total, number = udh[-3], udh[-2], udh[-1]
        message = parts.setdefault((record["to"], f"{reference}/{total}"), {})
        message[number] = record["text"]
        if len(message) == total:
            texts.append((record["to"], _joined(message)))
            message.clear()
    return texts


def whole_octets(records: list[dict[str, Any]]) -> list[tuple[str, bytes]]:
    """(number, octets without headers) of each complete message among the submit_sm taken, in the
    order of their last parts; parts are joined by header or by SAR parameters."""
    messages: list[tuple[str, bytes]] = []
    parts: dict[tuple[str, int, int], dict[int, bytes]] = {}
    for record in records:
        if record["status"]:
            continue
        octets = bytes.fromhex(record["octets"])
        if record["esm_class"] & 0x40:
            octets = octets[1 + octets[0] :]
        if record["part"] is None:
            messages.append((record["to"], octets))
            continue
        reference, total, number = record["part"]
        message = parts.setdefault((record["to"], reference, total), {})
        message[number] = octets
        if len(message) == total:
            messages.append((record["to"], b"".join(message[n] for n in sorted(message))))
            message.clear()
    return messages


def _joined(parts: dict[int, str]) -> str:
    """Parts in order; a surrogate pair cut in two by the sender becomes one character again."""
    text = "".join(parts[number] for number in sorted(parts))
    return text.encode("utf-16-be", "surrogatepass").decode("utf-16-be")
