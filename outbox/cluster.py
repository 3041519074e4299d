"""A private PostgreSQL cluster in `.local/pg`, made on first use, for this machine only.

    python -m outbox.cluster start|stop|url|status|remove

Started by root it runs as an unprivileged user, in a directory which that user can reach: where
the clone itself is out of reach, `.local/pg` becomes a link to a directory in /var/tmp.
Standard library only, so that it can be stopped and removed without the virtual environment.
"""

from __future__ import annotations

import fcntl
import secrets
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from outbox.server_programs import (
    ClusterError,
    free_port,
    hand_over,
    home_elsewhere,
    is_free,
    is_within_reach,
    program,
    run,
    serves,
    unprivileged_user,
)
from outbox.terminal import echo

ROOT = Path(__file__).resolve().parents[1]
OWNER = "outbox"
# The kernel takes no longer path for a socket; TCP is there in any case.
LONGEST_SOCKET_PATH = 107 - len("/.s.PGSQL.12345.lock")
WAIT_S = "60"
SETTINGS: Mapping[str, str] = {
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "max_connections": "100",
    "max_locks_per_transaction": "256",  # one statement may meet every monthly partition
    "jit": "off",  # compiling costs more than the short statements here take
    "random_page_cost": "1.1",
    "autovacuum_naptime": "5s",  # the hot tables turn over in seconds
    "timezone": "UTC",
    "log_line_prefix": "%m [%p] %a ",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One cluster: `home` keeps data, port, password and log; `settings` go before SETTINGS."""

    home: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.home.resolve() / "data"

    @property
    def port(self) -> int:
        return int(self._kept("port"))

    @property
    def url(self) -> str:
        """The DSN of the cluster's database for its owner; the cluster need not be running."""
        return self._address(OWNER, "password")

    def url_of(self, login: str) -> str:
        """The DSN of a small login; the owner's while nobody has made that login yet."""
        kept = f"password.{login}"
        return self._address(login, kept) if (self.home / kept).exists() else self.url

    def password_of(self, login: str) -> str:
        """The password that a small login has or shall get, kept beside the owner's."""
        if not (self.home / f"password.{login}").exists():
            self._keep(f"password.{login}", secrets.token_urlsafe(24))
        return self._kept(f"password.{login}")

    def is_running(self) -> bool:
        pid = self._postmaster()
        return pid is not None and serves(pid, self.data)

    def start(self) -> str:
        """Make the cluster where there is none, start it where it is down; return its DSN."""
        with self._locked():
            if not self.is_running():
                self._make_home()
                self._make_data()
                self._forget_stale_postmaster()
                self._launch()
            self._make_database()
            return self.url

    def stop(self, mode: str = "fast") -> bool:
        """Stop the cluster (`fast` or `immediate`); false when it was not running."""
        if not self.home.parent.exists():
            return False
        with self._locked():
            if not self.is_running():
                return False
            self._run("pg_ctl", "stop", "-D", str(self.data), "-m", mode, "-w", "-t", WAIT_S)
            return True

    def remove(self) -> None:
        """Stop the cluster and delete all that it wrote, also where `home` is a link."""
        self.stop()
        target = self.home.resolve()
        if self.home.is_symlink():
            self.home.unlink()
        if target.exists():
            shutil.rmtree(target)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.home.parent.mkdir(parents=True, exist_ok=True)
        with self.home.with_name(f"{self.home.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _address(self, login: str, kept: str) -> str:
        return f"postgresql://{login}:{self._kept(kept)}@127.0.0.1:{self.port}/outbox"

    def _kept(self, name: str) -> str:
        try:
            return (self.home / name).read_text().strip()
        except FileNotFoundError:
            raise ClusterError("There is no private cluster yet; make it with: make db") from None

    def _keep(self, name: str, text: str) -> None:
        path = self.home.resolve() / name
        path.touch(mode=0o600)
        path.write_text(text)
        hand_over(path)

    def _make_home(self) -> None:
        if self.home.exists():
            return
        self.home.unlink(missing_ok=True)  # a link whose target was cleaned away
        self.home.mkdir(mode=0o700)
        hand_over(self.home)
        if not is_within_reach(self.home):
            self.home.rmdir()
            self.home.symlink_to(home_elsewhere(self.home))

    def _make_data(self) -> None:
        if self.data.exists():
            return
        half_made = self.home.resolve() / "data.new"
        shutil.rmtree(half_made, ignore_errors=True)
        self._keep("password", secrets.token_urlsafe(24))
        self._run(
            "initdb", "-D", str(half_made), "-U", OWNER, "-A", "scram-sha-256", "-E", "UTF8",
            "--locale=C.UTF-8", f"--pwfile={self.home.resolve() / 'password'}",
        )  # fmt: skip
        with (half_made / "postgresql.conf").open("a") as conf:
            conf.write("include = 'outbox.conf'\n")
        half_made.rename(self.data)

    def _postmaster(self) -> int | None:
        try:
            return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None

    def _forget_stale_postmaster(self) -> None:
        """Drop a pid file left by a crash whose number some other program carries by now."""
        pid = self._postmaster()
        if pid and Path(f"/proc/{pid}").exists() and not serves(pid, self.data):
            (self.data / "postmaster.pid").unlink()

    def _launch(self) -> None:
        """Try a few times: a port may be snatched, a crashed server's last process still leave."""
        log = str(self.home.resolve() / "log")
        for last in (False, False, False, True):
            port = self._choose_port()
            self._keep("port", f"{port}\n")
            self._keep("data/outbox.conf", self._conf(port))
            try:
                self._run("pg_ctl", "start", "-D", str(self.data), "-l", log, "-w", "-t", WAIT_S)
            except ClusterError:
                if last:
                    raise ClusterError(f"PostgreSQL does not start; see {log}") from None
                time.sleep(0.5)
            else:
                return

    def _choose_port(self) -> int:
        kept = self.home / "port"
        if kept.exists() and is_free(port := self.port):
            return port
        return free_port()

    def _conf(self, port: int) -> str:
        sockets = str(self.home.resolve())
        fixed = {
            "port": str(port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": sockets if len(sockets) <= LONGEST_SOCKET_PATH else "",
        }
        lines = (f"{k} = '{v}'\n" for k, v in {**SETTINGS, **self.settings, **fixed}.items())
        return "# Written anew at every start.\n" + "".join(lines)

    def _make_database(self) -> None:
        if not self._sql("select 1 from pg_database where datname = 'outbox'"):
            self._sql("create database outbox")

    def _sql(self, statement: str) -> str:
        address = f"host=127.0.0.1 port={self.port} user={OWNER} dbname=postgres"
        password = {"PGPASSWORD": self._kept("password")}
        return self._run("psql", "-XAtq", "-d", address, "-c", statement, variables=password)

    def _run(self, name: str, *arguments: str, variables: Mapping[str, str] | None = None) -> str:
        made_by = self.data / "PG_VERSION"
        path = program(name, version=int(made_by.read_text()) if made_by.exists() else None)
        return run(path, *arguments, user=unprivileged_user(self.home), variables=variables)


def private() -> Cluster:
    """The cluster of this clone."""
    return Cluster(home=ROOT / ".local" / "pg")


def url() -> str:
    """The DSN of this clone's cluster, running or not; ClusterError where there is none yet."""
    return private().url


def _answer(command: str) -> str:
    cluster = private()
    match command:
        case "start":
            cluster.start()
            return f"running on port {cluster.port}"
        case "stop":
            return "stopped" if cluster.stop() else "was not running"
        case "url":
            return cluster.url
        case "status":
            return f"running on port {cluster.port}" if cluster.is_running() else "not running"
        case "remove":
            cluster.remove()
            return "removed"
    raise ClusterError("Usage: python -m outbox.cluster start|stop|url|status|remove")


def main(arguments: list[str]) -> int:
    try:
        echo(_answer(arguments[0] if len(arguments) == 1 else ""))
    except ClusterError as error:
        echo(str(error), err=True)
        return 1
    except PermissionError as error:
        echo(f"{error.filename} belongs to another user; work as that user.", err=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
