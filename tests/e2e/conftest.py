"""A hub and two managed clusters with the real Argo controller, and Argosy's own processes on them."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from controllers.api.kinds import MANAGED_CLUSTER_SET_BINDING, PLACEMENT
from controllers.kube.client import Client
from controllers.kube.patch import apply_patch
from hack.fleet.provider import Fleet
from tests.clusters import running_fleet
from tests.processes import ROOT, Process, agent, controllers

CLUSTERS = ("cluster1", "cluster2")
EXAMPLES = ROOT / "examples"
# A free port for /metrics; the process logs which (see tests.e2e.metrics).
METRICS = ("--listen", "127.0.0.1:0")


@dataclass
class Argosy:
    """What tests act on: clients of all clusters, and our processes."""

    fleet: Fleet
    hub: Client
    managed: dict[str, Client]
    controllers: Process
    agents: dict[str, Process]

    @property
    def processes(self) -> list[Process]:
        return [self.controllers, *self.agents.values()]


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with running_fleet(tmp_path_factory.mktemp("fleet"), CLUSTERS, argo=True) as started:
        yield started


@pytest.fixture(scope="session")
async def argosy(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Argosy]:
    async with installed(fleet, fleet.hub.kubeconfig, tmp_path_factory.mktemp("argosy")) as world:
        yield world


@contextlib.asynccontextmanager
async def installed(fleet: Fleet, hub: Path, logs: Path) -> AsyncIterator[Argosy]:
    """Argosy on the fleet's managed clusters and on a hub, its own or another one; killed at the end."""
    agents = {}
    for name, cluster in fleet.managed.items():
        credentials = logs / f"{name}.agent.kubeconfig"
        join(name, hub, credentials)
        agents[name] = agent(name, credentials, cluster.kubeconfig, logs, *METRICS)
    world = Argosy(
        fleet=fleet,
        hub=await Client.connect(hub),
        managed={name: await Client.connect(item.kubeconfig) for name, item in fleet.managed.items()},
        controllers=controllers(hub, logs, *METRICS),
        agents=agents,
    )
    for process in world.processes:
        await process.start()
    await apply_placements(world.hub)
    try:
        yield world
    finally:
        for process in world.processes:
            process.kill()
        for client in (world.hub, *world.managed.values()):
            await client.close()


@pytest.fixture(autouse=True)
def no_errors_are_logged(request: pytest.FixtureRequest) -> Iterator[None]:
    """What our processes call an error is a bug, in whichever test it shows."""
    processes = request.getfixturevalue("argosy").processes if "argosy" in request.fixturenames else []
    offsets = {process.log: process.log.stat().st_size for process in processes}
    yield
    for log, offset in offsets.items():
        lines = log.read_bytes()[offset:].decode(errors="replace").splitlines()
        assert [line for line in lines if '"level":"error"' in line or "Traceback" in line] == [], log


def join(name: str, hub: Path, out: Path) -> None:
    """Makes the cluster a member of the hub, again if need be, and writes its agent's kubeconfig of the hub."""
    command = [sys.executable, "-m", "agent", "join", "--cluster", name]
    subprocess.run(
        [*command, "--hub-kubeconfig", str(hub), "--accept", "--out", str(out)], check=True, cwd=ROOT
    )


async def apply_placements(hub: Client) -> None:
    kinds = {"ManagedClusterSetBinding": MANAGED_CLUSTER_SET_BINDING, "Placement": PLACEMENT}
    for name in ("clusterset-binding.yaml", "placement.yaml", "placement-cluster1.yaml"):
        body = yaml.safe_load((EXAMPLES / name).read_text())
        patch = apply_patch(body, field_manager="test", force=True)
        await hub.patch(kinds[body["kind"]], body["metadata"]["name"], patch, namespace="argo")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/e2e" in str(item.path):
            item.add_marker(pytest.mark.e2e)
