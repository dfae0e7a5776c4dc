"""The supervisor: what it says of parts that don't start, what it remembers, how it is interrupted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.fleet import process, state
from hack.fleet.errors import Cancelled, FleetError, PartFailed
from hack.fleet.layout import Layout
from hack.fleet.state import ClusterState, State
from hack.fleet.supervisor import Supervisor, log_size
from tests.unit.hack.parts import SLEEPS, python_part


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    made = Supervisor(Layout(tmp_path), State())
    yield made
    made.stop()


def recorded(tmp_path: Path) -> State:
    found = state.load(Layout(tmp_path).state)
    assert found is not None
    return found


def test_a_ready_part_is_remembered_at_once(supervisor: Supervisor, tmp_path: Path) -> None:
    running = supervisor.launch(python_part(tmp_path, SLEEPS))
    supervisor.add_cluster(ClusterState("c", "/c.kubeconfig", "https://127.0.0.1:1"))
    assert recorded(tmp_path).processes == [running]
    assert not recorded(tmp_path).complete
    supervisor.finish()
    assert recorded(tmp_path).complete
    assert supervisor.find("c/part") == running


def test_a_part_that_dies_is_explained_by_its_log(supervisor: Supervisor, tmp_path: Path) -> None:
    code = "import sys; print('line one'); sys.exit('flag --bogus unknown')"
    with pytest.raises(PartFailed) as caught:
        supervisor.launch(python_part(tmp_path, code))
    assert "c/part ended while it started" in str(caught.value)
    assert "flag --bogus unknown" in str(caught.value)
    assert str(tmp_path / "c-part.log") in str(caught.value)


def test_a_part_that_is_never_ready_is_given_up_at_its_deadline(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    code = "import time; print('waiting for nothing'); time.sleep(600)"
    with pytest.raises(PartFailed, match="is not ready after 1 s"):
        supervisor.launch(python_part(tmp_path, code, deadline=1))


def test_a_restart_is_not_ready_because_of_the_old_log(supervisor: Supervisor, tmp_path: Path) -> None:
    first = supervisor.launch(python_part(tmp_path, SLEEPS))
    process.kill(first)
    mute = python_part(tmp_path, "import time; time.sleep(600)", deadline=1)
    assert log_size(mute) > 0
    with pytest.raises(PartFailed, match="is not ready"):
        supervisor.launch(mute)
    assert [p.pid == first.pid for p in recorded(tmp_path).processes] == [False]


def test_stop_leaves_nothing_running_and_no_state(tmp_path: Path) -> None:
    supervisor = Supervisor(Layout(tmp_path), State())
    parts = [python_part(tmp_path, SLEEPS, name=name) for name in ("etcd", "apiserver", "agent")]
    running = [supervisor.launch(part) for part in parts]
    supervisor.stop()
    assert [process.is_alive(p) for p in running] == [False] * 3
    assert state.load(Layout(tmp_path).state) is None
    supervisor.stop()  # twice is fine


def test_after_stop_nothing_can_be_started(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.stop()
    with pytest.raises(Cancelled):
        supervisor.start(python_part(tmp_path, SLEEPS))


def test_cancelling_ends_a_wait_in_another_thread(supervisor: Supervisor, tmp_path: Path) -> None:
    caught: list[BaseException] = []

    def wait() -> None:
        try:
            supervisor.launch(python_part(tmp_path, "import time; time.sleep(600)", deadline=600))
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    supervisor.cancel()
    thread.join(20)
    assert [type(error) for error in caught] == [Cancelled]


def test_run_reports_how_a_command_failed(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.run(python_part(tmp_path, "print('fine')"))
    with pytest.raises(PartFailed, match="ended with status 3") as caught:
        supervisor.run(python_part(tmp_path, "import sys; print('no hub'); sys.exit(3)"))
    assert "no hub" in str(caught.value)


def test_an_unknown_part_is_an_error(supervisor: Supervisor) -> None:
    with pytest.raises(FleetError, match="no part c/nothing"):
        supervisor.find("c/nothing")
