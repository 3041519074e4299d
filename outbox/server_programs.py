"""PostgreSQL's own programs: where they are, and how to run them as a user they accept."""

from __future__ import annotations

import hashlib
import os
import pwd
import random
import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

OLDEST = 15
PORTS = range(20000, 30000)


class ClusterError(Exception):
    """One sentence on what is missing or failed, and what to do about it."""


def installed() -> dict[int, Path]:
    """Directories of server programs by major version, the best choice for a new cluster first."""
    places = list(Path("/usr/lib/postgresql").glob("*/bin"))
    if found := shutil.which("pg_config"):
        answer = subprocess.run([found, "--bindir"], capture_output=True, text=True, check=False)
        places.append(Path(answer.stdout.strip() or "/"))
    versions = {_version(place): place for place in places if (place / "postgres").exists()}
    enough = [version for version in versions if version >= OLDEST]
    return {v: versions[v] for v in sorted(enough, key=lambda v: (not _has_postgis(v), v))}


def program(name: str, *, version: int | None = None) -> str:
    """The path of a server program, of exactly this major version where one is given."""
    found = installed()
    wanted = version or next(iter(found), OLDEST)
    if wanted not in found:
        raise ClusterError(
            f"PostgreSQL {wanted} is not installed; install it with: "
            f"apt-get install -y postgresql-{wanted} postgresql-{wanted}-postgis-3"
        )
    return str(found[wanted] / name)


def unprivileged_user(owned: Path) -> pwd.struct_passwd | None:
    """Who runs the server when we are root: the owner of what exists, else postgres or nobody."""
    if os.geteuid() != 0:
        return None
    if owned.exists() and (uid := owned.stat().st_uid) != 0:
        return pwd.getpwuid(uid)
    return _service_user()


def run(
    *command: str, user: pwd.struct_passwd | None, variables: Mapping[str, str] | None = None
) -> str:
    """Run a program as `user` from a directory everyone can stand in, and return what it printed.

    Raises ClusterError with the last line of its complaint.
    """
    answer = subprocess.run(
        command,
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8", **(variables or {})},
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
    )
    if answer.returncode:
        complaint = (answer.stderr or answer.stdout).strip().splitlines() or ["no message"]
        raise ClusterError(f"{Path(command[0]).name} failed: {complaint[-1]}")
    return answer.stdout


def hand_over(path: Path) -> None:
    """Give a file or directory that root made to the user who runs the server."""
    if user := unprivileged_user(path):
        os.chown(path, user.pw_uid, user.pw_gid)


def is_within_reach(home: Path) -> bool:
    """Whether the user who runs the server can get to this directory and write there."""
    try:
        run("test", "-w", str(home), user=unprivileged_user(home))
    except ClusterError:
        return False
    return True


def home_elsewhere(home: Path) -> Path:
    """A directory outside the clone, named after the clone's path; refused if it is another's."""
    name = hashlib.sha256(str(home).encode()).hexdigest()[:16]
    elsewhere = Path("/var/tmp") / f"sms-outbox-{name}"  # noqa: S108 - whose it is, is asked below
    elsewhere.mkdir(mode=0o700, exist_ok=True)
    facts = elsewhere.lstat()
    if facts.st_uid not in {0, _service_user().pw_uid} or facts.st_mode & 0o077:
        raise ClusterError(f"{elsewhere} belongs to somebody else; have it removed.")
    hand_over(elsewhere)
    return elsewhere


def serves(pid: int, data: Path) -> bool:
    """Whether this process is the postmaster of this data directory."""
    try:
        return str(data).encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False


def is_free(port: int) -> bool:
    """Whether a server could listen on this TCP port of the loopback interface now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A free port below those that outgoing connections take, so likely free next time too."""
    return next(port for port in random.sample(PORTS, len(PORTS)) if is_free(port))


def _service_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _version(place: Path) -> int:
    answer = subprocess.run(
        [place / "postgres", "--version"], capture_output=True, text=True, check=False
    )
    # "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", or "16beta1" in place of "15.18"
    number = answer.stdout.partition("(PostgreSQL) ")[2][:2]
    return int(number) if number.isdigit() else 0


def _has_postgis(version: int) -> bool:
    return Path(f"/usr/share/postgresql/{version}/extension/postgis.control").exists()
