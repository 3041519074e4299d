"""Kannel's bearerbox and smsbox on private ports, configured by kannel.conf.template."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from string import Template
from types import TracebackType
from typing import Self

from kannel import processes

NOBODY = "http://127.0.0.1:1/nobody-hears-subscribers"
TEMPLATE = Path(__file__).with_name("kannel.conf.template")


class Boxes:
    """Both boxes; `restart` and the separate starts and stops are for fault tests."""

    def __init__(
        self,
        *,
        smsc_port: int,
        smsc_password: str = "secret",
        smsc_id: str = "simulator",
        username: str = "outbox",
        password: str = "kannel-secret",
        status_password: str = "kannel-status",
        throughput: float | None = None,
        queue_limit: int = 1000,
        resend_freq: int = 1,
        http_queue_delay: int = 1,
        log_level: int = 2,
        inbound_url: str = NOBODY,
        template: str | None = None,
        values: Mapping[str, object] | None = None,
    ) -> None:
        self._template = TEMPLATE.read_text(encoding="utf-8") if template is None else template
        self.smsc_id = smsc_id
        self.username = username
        self.password = password
        self.status_password = status_password
        self.admin_port, self.sendsms_port, smsbox_port = processes.free_ports(3)
        self._values = {
            "admin_port": self.admin_port,
            "admin_password": f"{status_password}-admin",
            "status_password": status_password,
            "smsbox_port": smsbox_port,
            "sendsms_port": self.sendsms_port,
            "smsc_id": smsc_id,
            "smsc_port": smsc_port,
            "smsc_username": "outbox",
            "smsc_password": smsc_password,
            "username": username,
            "password": password,
            "throughput": f"throughput = {throughput}" if throughput else "",
            "queue_limit": queue_limit,
            "resend_freq": resend_freq,
            "http_queue_delay": http_queue_delay,
            "log_level": log_level,
            "inbound_url": inbound_url,
            **(values or {}),  # of a template with more in it
        }
        self._bearerbox: subprocess.Popen[bytes] | None = None
        self._smsbox: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="kannel-"))
        (self._folder / "dlr").mkdir()
        values = {**self._values, "folder": self._folder}
        config = Template(self._template).substitute(values)
        (self._folder / "kannel.conf").write_text(config, encoding="utf-8")
        (self._folder / "kannel.conf").chmod(0o600)  # it holds the passwords
        processes.give_to_user(self._folder)
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Nothing is kept, so nothing has to be put away: smsbox would wait for receipts that nobody
        # hears any more.
        self.stop(patience_s=0.5)
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def folder(self) -> Path:
        """Where its configuration, logs and store are while the `with` block lasts."""
        return self._folder

    @property
    def sendsms_url(self) -> str:
        return f"http://127.0.0.1:{self.sendsms_port}/cgi-bin/sendsms"

    @property
    def admin_url(self) -> str:
        return f"http://127.0.0.1:{self.admin_port}"

    def start(self) -> None:
        """bearerbox first: a smsbox that finds none gives up."""
        self.start_bearerbox()
        self.start_smsbox()

    def stop(self, *, patience_s: float = processes.STOP_S) -> None:
        self.stop_smsbox(patience_s=patience_s)
        self.stop_bearerbox(patience_s=patience_s)

    def start_bearerbox(self) -> None:
        self._bearerbox = self._start("bearerbox", lambda: self.status() is not None)

    def start_smsbox(self) -> None:
        self._smsbox = self._start("smsbox", self._answers)

    def stop_bearerbox(self, *, patience_s: float = processes.STOP_S) -> None:
        if self._bearerbox is not None:
            processes.stop(self._bearerbox, patience_s=patience_s)
            self._bearerbox = None

    def stop_smsbox(self, *, patience_s: float = processes.STOP_S) -> None:
        if self._smsbox is not None:
            processes.stop(self._smsbox, patience_s=patience_s)
            self._smsbox = None

    @property
    def bearerbox_pid(self) -> int:
        """For fault tests."""
        assert self._bearerbox is not None, "bearerbox is not running"
        return self._bearerbox.pid

    @property
    def smsbox_pid(self) -> int:
        """For fault tests."""
        assert self._smsbox is not None, "smsbox is not running"
        return self._smsbox.pid

    def status(self) -> str | None:
        """The body of status.xml, or None while nobody answers."""
        return _get(f"{self.admin_url}/status.xml?password={self.status_password}")

    def command(self, name: str, **arguments: str) -> str | None:
        """An administrator's command such as start-smsc; its answer in words."""
        query = "".join(f"&{key}={value}" for key, value in arguments.items())
        return _get(f"{self.admin_url}/{name}?password={self.status_password}-admin{query}")

    def link_is_online(self) -> bool:
        return "<status>online" in (self.status() or "")

    def wait_for_link(self, count: int = 1) -> None:
        """Wait until the message centre (or so many of them) has let us in."""
        assert self._bearerbox is not None, "bearerbox is not running"
        processes.wait_until(
            lambda: (self.status() or "").count("<status>online") >= count,
            self._bearerbox,
            name="Kannel's link to the message centre",
            output=self._folder / "bearerbox.log",
        )

    def _start(self, box: str, ready: Callable[[], bool]) -> subprocess.Popen[bytes]:
        output = self._folder / f"{box}.output"
        program = processes.required(box, "kannel")
        process = processes.start(
            [program, "-v", "4", "kannel.conf"], folder=self._folder, output=output
        )
        try:
            processes.wait_until(ready, process, name=box, output=output)
        except BaseException:
            processes.stop(process)
            raise
        return process

    def _answers(self) -> bool:
        return _get(f"http://127.0.0.1:{self.sendsms_port}/") is not None


def _get(url: str) -> str | None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as reply:
            body: bytes = reply.read()
    except urllib.error.HTTPError as error:
        body = error.read()
    except OSError:
        return None
    return body.decode("utf-8", "replace")
