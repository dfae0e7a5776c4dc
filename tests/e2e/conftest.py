"""A hub and two managed clusters with the real Argo controller, and Argosy's own processes on them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from controllers.kube.client import Client
from hack.fleet.provider import Fleet
from tests.clusters import provider
from tests.processes import ROOT, Process, agent, controllers

CLUSTERS = ("cluster1", "cluster2")


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
    started = provider().start(tmp_path_factory.mktemp("fleet"), CLUSTERS, argo=True)
    try:
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="session")
async def argosy(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Argosy]:
    logs = tmp_path_factory.mktemp("argosy")
    hub = fleet.hub.kubeconfig
    agents = {}
    for name, cluster in fleet.managed.items():
        credentials = logs / f"{name}.agent.kubeconfig"
        _join(name, hub, credentials)
        agents[name] = agent(name, credentials, cluster.kubeconfig, logs)
    world = Argosy(
        fleet=fleet,
        hub=await Client.connect(hub),
        managed={name: await Client.connect(item.kubeconfig) for name, item in fleet.managed.items()},
        controllers=controllers(hub, logs),
        agents=agents,
    )
    for process in world.processes:
        await process.start()
    try:
        yield world
    finally:
        for process in world.processes:
            process.kill()
        for client in (world.hub, *world.managed.values()):
            await client.close()


def _join(name: str, hub: Path, out: Path) -> None:
    command = [sys.executable, "-m", "agent", "join", "--cluster", name]
    subprocess.run([*command, "--hub-kubeconfig", str(hub), "--out", str(out)], check=True, cwd=ROOT)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/e2e" in str(item.path):
            item.add_marker(pytest.mark.e2e)
