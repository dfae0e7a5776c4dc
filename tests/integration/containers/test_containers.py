"""Clusters in containers: what they can do, how they are hurt, and that nothing of them stays behind."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker.errors
import pytest

from controllers.api.kinds import NAMESPACE, NODE
from hack.fleet import argv, bootstrap, containers_engine
from hack.fleet.api import Api
from hack.fleet.containers import ContainersFleet, ContainersProvider
from hack.fleet.containers_engine import OWNER_LABEL, Engine
from hack.fleet.errors import ApiFailed, FleetError, PartFailed
from hack.fleet.faults import Faults
from hack.fleet.provider import Provider
from tests.eventually import eventually

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def fleet(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainersFleet]:
    running = ContainersProvider().start(tmp_path_factory.mktemp("fleet"), ["cluster1"], argo=False)
    yield running
    running.stop()


@pytest.fixture
def hub(fleet: ContainersFleet) -> Api:
    return Api(fleet.hub.kubeconfig)


@pytest.fixture
def cluster(fleet: ContainersFleet) -> Api:
    return Api(fleet.managed["cluster1"].kubeconfig)


def own_containers(engine: Engine) -> set[str]:
    label = f"{OWNER_LABEL}={containers_engine.owner()}"
    return {found.id for found in engine.client.containers.list(all=True, filters={"label": label})}


def answers(api: Api) -> bool:
    try:
        return api.get(NAMESPACE, "argo") is not None
    except ApiFailed as error:
        if error.status:
            raise
        return False


def test_it_is_a_provider_with_faults(fleet: ContainersFleet) -> None:
    provider: Provider = ContainersProvider()
    assert provider
    assert isinstance(fleet, Faults)
    assert list(fleet.managed) == ["cluster1"]


def test_clusters_share_nothing(hub: Api, cluster: Api) -> None:
    hub.apply(bootstrap.namespace("only-on-the-hub"))
    assert cluster.get(NAMESPACE, "only-on-the-hub") is None
    assert hub.list(NODE)["items"] == []
    assert len(cluster.list(NODE)["items"]) == bootstrap.NODES


def test_ports_are_published_on_this_machine_only(engine: Engine, fleet: ContainersFleet) -> None:
    names = own_containers(engine)
    assert len(names) >= 2, "the hub's and cluster1's"
    for name in names:
        published = engine.client.containers.get(name).attrs["NetworkSettings"]["Ports"]
        assert {binding["HostIp"] for port in published.values() for binding in port} == {"127.0.0.1"}


def test_logs_are_followed_with_each_programs_name_in_front(fleet: ContainersFleet) -> None:
    lines = (fleet.hub.log_dir / "hub.log").read_text().splitlines()
    assert "supervisor | apiserver is ready" in lines
    assert {line.split(" | ")[0] for line in lines if " | " in line} >= {"apiserver", "supervisor"}


async def test_a_cut_off_cluster_refuses_others_and_goes_on(
    fleet: ContainersFleet, hub: Api, cluster: Api
) -> None:
    for _ in range(2):
        fleet.partition("cluster1")
        assert not answers(cluster)
        assert answers(hub)
    for _ in range(2):
        fleet.heal("cluster1")
        assert await eventually(lambda: answers(cluster))


async def test_a_frozen_cluster_is_silent_until_it_goes_on(fleet: ContainersFleet, cluster: Api) -> None:
    for _ in range(2):
        fleet.pause("cluster1")
    asked = asyncio.create_task(asyncio.to_thread(answers, cluster))
    done, _ = await asyncio.wait([asked], timeout=2)
    for _ in range(2):
        fleet.unpause("cluster1")
    assert not done, "a frozen cluster answered"
    assert await asked, "what was asked before is answered after"


def test_an_unknown_cluster_is_told(fleet: ContainersFleet) -> None:
    with pytest.raises(FleetError, match="no cluster cluster9"):
        fleet.pause("cluster9")


def test_a_stopped_fleet_leaves_nothing(engine: Engine, fleet: ContainersFleet, tmp_path: Path) -> None:
    before = own_containers(engine)
    other = ContainersProvider().start(tmp_path, [], argo=False)
    assert len(own_containers(engine)) == len(before) + 1
    other.partition("hub")
    other.pause("hub")
    other.stop()
    other.stop()
    assert own_containers(engine) == before


def test_a_start_that_fails_says_why_and_leaves_nothing(
    engine: Engine, fleet: ContainersFleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = own_containers(engine)
    good = argv.apiserver
    monkeypatch.setattr(argv, "apiserver", lambda *a, **k: [*good(*a, **k), "--no-such-flag"])
    with pytest.raises(PartFailed, match=r"hub ended while it started(.|\n)*no-such-flag"):
        ContainersProvider().start(tmp_path, [], argo=False)
    assert own_containers(engine) == before


def test_what_a_killed_run_left_is_removed_by_the_next(engine: Engine, tmp_path: Path) -> None:
    left = start_and_be_killed(tmp_path)
    assert engine.client.containers.get(left).status == "running"
    removed = containers_engine.remove_abandoned(engine)
    assert left in removed
    with pytest.raises(docker.errors.NotFound):
        engine.client.containers.get(left)


def start_and_be_killed(directory: Path) -> str:
    """The name of the container that a process, killed in the middle of its work, has left."""
    child = subprocess.run(
        [sys.executable, "-c", KILLED, directory], cwd=Path(__file__).parents[3],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert child.returncode == -9, child.stderr
    return child.stdout.strip()


KILLED = """
import os, sys
from pathlib import Path
from hack.fleet import containers
from hack.fleet.containers_cluster import ClusterContainer

start = ClusterContainer.start

def killed(self):
    start(self)
    print(self._container.get_wrapped_container().name, flush=True)
    os.kill(os.getpid(), 9)

ClusterContainer.start = killed
containers.ContainersProvider().start(Path(sys.argv[1]), [], argo=False)
"""
