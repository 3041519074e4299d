"""Where the tests find PostgreSQL: a server that is named, one in Docker, or one of their own."""

from __future__ import annotations

import fcntl
import gc
import os
import secrets
import shutil
import tempfile
import time
import warnings
from abc import ABC, abstractmethod
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from outbox.cluster import ROOT, Cluster
from outbox.server_programs import free_port, hand_over, installed

IMAGE = "postgis/postgis:15-3.3"
# Durability against a power cut is not what is tested; a crash of the server itself still is.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "128MB",
    "max_wal_size": "512MB",
    "max_connections": "200",
    "max_locks_per_transaction": "256",
    "jit": "off",
    "random_page_cost": "1.1",
    "autovacuum_naptime": "5s",
    "timezone": "UTC",
}
SCRATCH = ROOT / ".local" / "tests"
# Copying a database makes hundreds of files, which takes a disk half a second and memory a tenth.
MEMORY = Path("/dev/shm")
ROOM = 3 * 2**30


class Server(ABC):
    """A PostgreSQL server and a superuser's DSN to it."""

    origin: str
    dsn: str
    can_restart = True

    def database(self, name: str) -> str:
        """The DSN, as a URL, of another database of this server."""
        part = {
            key: quote(str(value), safe="") for key, value in conninfo_to_dict(self.dsn).items()
        }
        login = part.get("user", "") + (f":{part['password']}" if "password" in part else "")
        at = f"{login}@" if login else ""
        port = f":{part['port']}" if "port" in part else ""
        return f"postgresql://{at}{part.get('host', '')}{port}/{name}"

    @abstractmethod
    def restart(self) -> None:
        """Crash the server (`immediate`: no goodbye to anyone) and bring it back."""

    @abstractmethod
    def close(self) -> None:
        """Leave nothing behind."""


class GivenServer(Server):
    """OUTBOX_TEST_DSN: somebody else's server, so it is neither restarted nor stopped."""

    can_restart = False

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.origin = "OUTBOX_TEST_DSN"

    def restart(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        pass


class DockerServer(Server):
    """A container of the PostGIS image, by testcontainers."""

    def __init__(self) -> None:
        from testcontainers.core.container import DockerContainer

        port, password = free_port(), secrets.token_urlsafe(16)
        options = [word for k, v in SETTINGS.items() for word in ("-c", f"{k}={v}")]
        self._container = (
            DockerContainer(IMAGE)
            .with_env("POSTGRES_USER", "outbox")
            .with_env("POSTGRES_PASSWORD", password)
            .with_command(["postgres", *options])
            .with_kwargs(shm_size="256m")
        )
        # A fixed port, so that the address survives a restart; the loopback interface only.
        self._container.ports["5432/tcp"] = ("127.0.0.1", port)  # type: ignore[assignment]
        self.dsn = f"postgresql://outbox:{password}@127.0.0.1:{port}/postgres"
        self.origin = f"Docker, {IMAGE}"
        try:
            self._container.start()
            wait_until_up(self.dsn)
        except BaseException:
            self._container.stop()
            raise

    def restart(self) -> None:
        container = self._container.get_wrapped_container()
        container.kill(signal="SIGQUIT")
        container.wait()
        container.start()
        wait_until_up(self.dsn)

    def close(self) -> None:
        self._container.stop()


class OwnServer(Server):
    """A throwaway cluster of the programs installed here; never the one in `.local/pg`."""

    def __init__(self) -> None:
        sweep()
        self._scratch = SCRATCH / str(os.getpid())
        self._scratch.mkdir(parents=True)
        if is_roomy():
            (self._scratch / "pg").symlink_to(place := tempfile.mkdtemp(dir=MEMORY))
            hand_over(Path(place))
        self._cluster = Cluster(home=self._scratch / "pg", settings=SETTINGS)
        self.dsn = self._cluster.start()
        self.origin = "a throwaway cluster"

    def restart(self) -> None:
        self._cluster.stop("immediate")
        self._cluster.start()

    def close(self) -> None:
        self._cluster.remove()
        shutil.rmtree(self._scratch)


def find_server() -> Server:
    """The named server, else Docker if it answers and has the image, else our own; a moved
    clock reaches only what we start ourselves."""
    if "FAKETIME" in os.environ:
        return OwnServer()
    if given := os.environ.get("OUTBOX_TEST_DSN"):
        return GivenServer(given)
    if docker_answers():
        try:
            return DockerServer()
        except Exception as error:
            if not installed():
                raise
            own = OwnServer()
            own.origin += f" (Docker answers, but: {type(error).__name__})"
            return own
    return OwnServer()


def docker_answers() -> bool:
    """Whether a Docker engine is there and can be talked to."""
    with warnings.catch_warnings():
        # The library does not close a connection that was refused.
        warnings.simplefilter("ignore", ResourceWarning)
        answers = _ping_docker()
        gc.collect()
    return answers


def _ping_docker() -> bool:
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=5)
    except DockerException:
        return False
    try:
        return bool(client.ping())
    except (DockerException, OSError):
        return False
    finally:
        client.close()


def wait_until_up(dsn: str, *, limit_s: float = 60) -> None:
    """Return once the server answers a query; raise its last complaint after `limit_s`."""
    deadline = time.monotonic() + limit_s
    while True:
        try:
            with psycopg.connect(dsn, connect_timeout=5):
                return
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def is_roomy() -> bool:
    """Whether a cluster for tests fits into memory."""
    return MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM


def sweep() -> None:
    """Remove the clusters of test runs that were killed before they could, one of us at a time."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    with (SCRATCH / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for scratch in SCRATCH.glob("[0-9]*"):
            if not Path(f"/proc/{scratch.name}").exists():
                Cluster(home=scratch / "pg").remove()
                shutil.rmtree(scratch, ignore_errors=True)
