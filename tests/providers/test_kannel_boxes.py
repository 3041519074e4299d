"""The private Kannel of tests and demo: ours alone, without rights, gone when we are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from kannel.boxes import Boxes
from kannel.processes import NotStarted, free_ports, required
from kannel.simulator import Simulator
from tests.support.kannel_lab import Lab
from tests.support.waiting import eventually

pytestmark = pytest.mark.kannel

PARENT = """
import time
from kannel.boxes import Boxes
from kannel.simulator import Simulator
with Simulator() as simulator, Boxes(smsc_port=simulator.port) as boxes:
    print(simulator.pid, boxes.bearerbox_pid, boxes.smsbox_pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """An empty folder that the unprivileged user may pass through."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


async def test_every_door_is_on_the_loopback_interface(lab: Lab) -> None:
    for pid in (lab.simulator.pid, lab.boxes.bearerbox_pid, lab.boxes.smsbox_pid):
        try:
            connections = psutil.Process(pid).net_connections("inet")
        except psutil.AccessDenied:
            pytest.skip("a container without the right to look into other processes")
        listening = [
            connection.laddr.ip
            for connection in connections
            if connection.status == psutil.CONN_LISTEN
        ]
        assert listening
        assert set(listening) == {"127.0.0.1"}


async def test_no_part_runs_as_root(lab: Lab) -> None:
    for pid in (lab.simulator.pid, lab.boxes.bearerbox_pid, lab.boxes.smsbox_pid):
        uids = psutil.Process(pid).uids()
        assert 0 not in (uids.real, uids.effective, uids.saved)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
async def test_no_part_outlives_a_parent_that_was_killed(
    end: signal.Signals, open_folder: Path
) -> None:
    parent = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", PARENT],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(open_folder)},
    )
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(pids) == 3
    parent.send_signal(end)
    parent.wait()
    parent.stdout.close()
    await eventually(lambda: not any(psutil.pid_exists(pid) for pid in pids))


def test_nothing_is_left_in_the_temporary_folder(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(open_folder))
    with Simulator() as simulator, Boxes(smsc_port=simulator.port):
        assert len(os.listdir(open_folder)) == 2
    assert os.listdir(open_folder) == []


def test_a_kannel_that_cannot_start_says_why() -> None:
    port = free_ports(1)[0]
    with (
        pytest.raises(
            NotStarted, match=r"^bearerbox did not start: .*MUST set HTTP admin-password$"
        ),
        Boxes(smsc_port=port, template="group = core\nadmin-port = $admin_port\n"),
    ):
        pass


def test_a_missing_program_names_its_package() -> None:
    with pytest.raises(NotStarted, match="apt-get install kannel"):
        required("bearerbox-of-tomorrow", "kannel")
