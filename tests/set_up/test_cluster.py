"""The private cluster: made once, found again, unprivileged, and alone with its own files."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from outbox import cluster as command
from outbox.cluster import Cluster
from outbox.server_programs import ClusterError, installed, is_free, program
from tests.support.server import MEMORY, is_roomy

pytestmark = pytest.mark.skipif(not installed(), reason="no server programs are installed")
SMALL = {"shared_buffers": "16MB", "fsync": "off"}


@contextmanager
def directory() -> Iterator[Path]:
    """A directory in which any user may look; pytest's own is closed to the server's user."""
    path = Path(tempfile.mkdtemp(dir=MEMORY if is_roomy() else None))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path)


@pytest.fixture
def scratch() -> Iterator[Path]:
    with directory() as path:
        yield path


@pytest.fixture(scope="module")
def made_before() -> Iterator[Path]:
    """The home of a cluster that was started and stopped once; a copy is there in no time."""
    with directory() as path:
        made = Cluster(home=path / "pg", settings=SMALL)
        made.start()
        made.stop()
        yield made.home


@pytest.fixture
def fresh(scratch: Path) -> Iterator[Cluster]:
    """A cluster that does not exist yet."""
    cluster = Cluster(home=scratch / "pg", settings=SMALL)
    yield cluster
    cluster.remove()


@pytest.fixture
def cluster(fresh: Cluster, made_before: Path) -> Cluster:
    """A cluster that exists and is stopped."""
    subprocess.run(["cp", "-a", made_before, fresh.home], check=True)
    return fresh


def postmaster(cluster: Cluster) -> int:
    return int((cluster.data / "postmaster.pid").read_text().split()[0])


def setting(cluster: Cluster, name: str) -> str:
    with psycopg.connect(cluster.url) as conn:
        row = conn.execute("select current_setting(%s)", (name,)).fetchone()
    assert row
    return str(row[0])


def test_first_start_makes_a_cluster_that_only_this_machine_can_reach(fresh: Cluster) -> None:
    cluster = fresh
    url = cluster.start()

    assert cluster.is_running()
    assert url == cluster.url
    assert setting(cluster, "listen_addresses") == "127.0.0.1"
    assert setting(cluster, "max_locks_per_transaction") == "256"
    assert setting(cluster, "server_encoding") == "UTF8"
    assert stat.S_IMODE((cluster.home / "password").stat().st_mode) == 0o600
    assert Path(f"/proc/{postmaster(cluster)}").stat().st_uid != 0


def test_nobody_gets_in_without_the_password(cluster: Cluster) -> None:
    cluster.start()

    for host in ("127.0.0.1", str(cluster.home.resolve())):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host=host, port=cluster.port, user="outbox", dbname="outbox")


def test_start_again_changes_nothing(cluster: Cluster) -> None:
    url = cluster.start()
    pid = postmaster(cluster)

    assert cluster.start() == url
    assert postmaster(cluster) == pid


def test_stop_and_start_keep_port_and_data(cluster: Cluster) -> None:
    url = cluster.start()
    with psycopg.connect(url) as conn:
        conn.execute("create table kept as select 42 as answer")

    assert cluster.stop()
    assert not cluster.is_running()
    assert not cluster.stop()

    assert cluster.start() == url
    with psycopg.connect(url) as conn:
        assert conn.execute("select answer from kept").fetchone() == (42,)


def test_a_port_taken_meanwhile_is_left_to_its_holder(cluster: Cluster) -> None:
    cluster.start()
    before = cluster.port
    cluster.stop()

    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        holder.bind(("127.0.0.1", before))
        holder.listen()
        cluster.start()

        assert cluster.port != before
        assert not is_free(before)
        assert setting(cluster, "port") == str(cluster.port)


def test_a_killed_server_comes_back(cluster: Cluster) -> None:
    cluster.start()
    os.kill(postmaster(cluster), signal.SIGKILL)
    while cluster.is_running():
        time.sleep(0.01)

    cluster.start()

    assert setting(cluster, "port") == str(cluster.port)


def test_a_pid_file_that_names_a_stranger_is_not_believed(cluster: Cluster) -> None:
    cluster.start()
    left_behind = (cluster.data / "postmaster.pid").read_text()
    cluster.stop()
    stranger = left_behind.replace(left_behind.split()[0], str(os.getpid()), 1)
    (cluster.data / "postmaster.pid").write_text(stranger)

    assert not cluster.is_running()
    cluster.start()
    assert cluster.is_running()


def test_initdb_cut_short_is_begun_anew(cluster: Cluster) -> None:
    cluster.data.rename(cluster.data.with_name("data.new"))

    cluster.start()

    assert setting(cluster, "port") == str(cluster.port)


def test_two_starts_at_once_make_one_cluster(fresh: Cluster) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: fresh.start(), range(2))

    assert first == second


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user for the server")
def test_a_clone_out_of_the_servers_reach_keeps_its_data_elsewhere(scratch: Path) -> None:
    scratch.chmod(0o700)
    hidden = Cluster(home=scratch / "pg", settings=SMALL)

    hidden.start()
    elsewhere = hidden.home.resolve()

    assert hidden.home.is_symlink()
    assert elsewhere.parent == Path("/var/tmp")
    assert setting(hidden, "port") == str(hidden.port)
    hidden.remove()
    assert not elsewhere.exists()
    assert not hidden.home.is_symlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user for the server")
def test_a_lost_directory_elsewhere_is_made_anew(scratch: Path) -> None:
    scratch.chmod(0o700)
    hidden = Cluster(home=scratch / "pg", settings=SMALL)
    hidden.home.symlink_to("/var/tmp/gone-with-the-last-reboot")

    hidden.start()

    assert hidden.is_running()
    hidden.remove()


def test_a_server_that_cannot_start_names_its_log(cluster: Cluster) -> None:
    broken = Cluster(home=cluster.home, settings={"shared_buffers": "a lot"})

    with pytest.raises(ClusterError, match=r"does not start; see .*/log$"):
        broken.start()


def test_the_command_tells_its_story(
    scratch: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "ROOT", scratch)

    assert command.main(["url"]) == 1
    assert "make db" in capsys.readouterr().err
    assert command.main(["status"]) == 0
    assert command.main(["start"]) == 0
    assert command.main(["url"]) == 0
    assert command.main(["stop"]) == 0
    assert command.main(["remove"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "not running"
    assert out[1].startswith("running on port 2")
    assert out[2].startswith("postgresql://outbox:")
    assert out[3:] == ["stopped", "removed"]
    assert command.main(["dance"]) == 1
    assert "start|stop|url|status|remove" in capsys.readouterr().err


def test_a_missing_version_is_named_with_its_package() -> None:
    with pytest.raises(
        ClusterError, match="apt-get install -y postgresql-99 postgresql-99-postgis-3"
    ):
        program("initdb", version=99)
