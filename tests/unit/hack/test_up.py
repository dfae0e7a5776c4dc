"""`up` and `down` on a directory in whatever condition, without clusters: parts are sleeping programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.fleet import lock, process, state, up
from hack.fleet.argo_kinds import Form
from hack.fleet.errors import FleetError
from hack.fleet.layout import Layout
from hack.fleet.progress import Silent
from hack.fleet.state import ClusterState, State
from hack.fleet.supervisor import Supervisor
from hack.fleet.up import Wanted
from tests.unit.hack.parts import SLEEPS, python_part

CLUSTERS = [ClusterState(name, f"/{name}.kubeconfig", "https://127.0.0.1:1") for name in ("hub", "cluster1")]
# Bare: nothing of Argosy, whose clusters `up` would wait for.
WANTED = Wanted(clusters=1, bare=True)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "fleet")


@pytest.fixture
def running(layout: Layout) -> Iterator[Supervisor]:
    """A complete fleet of two parts."""
    supervisor = Supervisor(layout, State(bare=True))
    for name in ("etcd", "agent"):
        supervisor.launch(python_part(layout.logs, SLEEPS, name=name))
    for cluster in CLUSTERS:
        supervisor.add_cluster(cluster)
        layout.kubeconfig(cluster.name).touch()
    supervisor.finish()
    yield supervisor
    supervisor.stop()


def test_up_adds_nothing_to_a_fleet_that_is_up(layout: Layout, running: Supervisor) -> None:
    before = running.state
    fleet = up.up(layout, WANTED, Silent())
    assert fleet.supervisor.state == before == state.load(layout.state)
    assert list(fleet.managed) == ["cluster1"]
    assert fleet.hub.kubeconfig == layout.kubeconfig("hub")


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(2, bare=True),
        Wanted(1),
        Wanted(1, bare=True, argo=False),
        Wanted(1, bare=True, argo_crds=Form.MINIMAL),
    ],
)
def test_up_does_not_turn_one_fleet_into_another(layout: Layout, running: Supervisor, wanted: Wanted) -> None:
    with pytest.raises(FleetError, match="a fleet with cluster1, bare is up here; take it down"):
        up.up(layout, wanted, Silent())
    assert all(map(process.is_alive, running.state.processes))


def test_up_starts_again_what_ended(layout: Layout, running: Supervisor) -> None:
    killed, kept = running.find("c/agent"), running.find("c/etcd")
    process.kill(killed)
    fleet = up.up(layout, WANTED, Silent())
    assert fleet.supervisor.find("c/etcd") == kept
    again = fleet.supervisor.find("c/agent")
    assert again.pid != killed.pid
    assert process.is_alive(again)
    fleet.stop()


def test_down_stops_everything_and_keeps_the_logs(layout: Layout, running: Supervisor) -> None:
    processes = running.state.processes
    assert up.is_up(layout)
    assert up.down(layout, Silent())
    assert not any(map(process.is_alive, processes))
    assert not up.is_up(layout)
    assert sorted(path.name for path in layout.root.iterdir()) == ["lock", "logs"]
    assert not up.down(layout, Silent())


def test_one_command_at_a_time(layout: Layout, running: Supervisor) -> None:
    with lock.exclusive(layout):
        for command in (lambda: up.down(layout, Silent()), lambda: up.up(layout, WANTED, Silent())):
            with pytest.raises(FleetError, match=r"another command \(pid \d+\) is working on the fleet"):
                command()
    assert all(map(process.is_alive, running.state.processes))


def test_down_after_a_reboot_signals_nobody(layout: Layout, running: Supervisor) -> None:
    """The pids of the state file belong to others now: their start times and command lines differ."""
    known = running.state
    alien = [
        state.Process(python_part(layout.logs, "other"), p.pid, p.created - 1000) for p in known.processes
    ]
    state.save(layout.state, State(processes=alien, complete=True))
    assert not up.is_up(layout)
    assert up.down(layout, Silent())
    assert all(map(process.is_alive, known.processes))
