"""The fleet that is measured: clusters without Argo, Argosy's own processes, simulated executors.

Every process belongs to the fleet's supervisor, so all of them end with it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from controllers.kube.client import Client
from hack.bench import executor, fake_agents
from hack.bench.etcd import Etcd
from hack.bench.process_usage import at_rest
from hack.bench.workload import NAMESPACE
from hack.fleet import ours, plan, process
from hack.fleet.api import Api
from hack.fleet.argo_kinds import Form
from hack.fleet.bootstrap import namespace
from hack.fleet.errors import FleetError
from hack.fleet.layout import EXAMPLES, HUB, REPOSITORY
from hack.fleet.local import LocalFleet, LocalProvider
from hack.fleet.ports import Reservation
from hack.fleet.progress import Progress
from hack.fleet.state import Part, Probe, Process

CONTROLLERS = "controllers"
BENCH = "load and observer"
_FAKE_AGENTS = "fake-agents"
_REST_WITHIN = 300.0


@dataclass(frozen=True)
class Clients:
    """Administrators' clients of all clusters, and of the store that is under them."""

    hub: Client
    managed: Mapping[str, Client]
    etcd: Etcd

    @property
    def all(self) -> dict[str, Client]:
        return {HUB: self.hub, **self.managed}


class Testbed:
    """One fleet. Ours and the executors are started when asked for: the ceiling is measured without them."""

    __test__ = False  # no test class, whatever its name begins with

    def __init__(self, fleet: LocalFleet, progress: Progress) -> None:
        self.fleet = fleet
        self.keep_logs = False
        self._progress = progress

    def start_ours(self, shards: int = 1) -> None:
        """Controllers, agents and executors, and a Placement that selects every cluster."""
        ours.start(self.fleet, self._progress, shards)
        for name, cluster in self.fleet.managed.items():
            self._launch(name, "executor", [executor.__name__, str(cluster.kubeconfig)], executor.READY)
        self.open_namespaces([NAMESPACE])

    def open_namespaces(self, names: Sequence[str]) -> None:
        """Make Workflows in these namespaces run on every cluster: each gets a Placement of the same name."""
        for cluster in (self.fleet.hub, *self.fleet.managed.values()):
            api = Api(cluster.kubeconfig)
            for name in names:
                api.apply(namespace(name))
        hub = Api(self.fleet.hub.kubeconfig)
        for file in ("clusterset-binding.yaml", "placement.yaml"):
            body = yaml.safe_load((EXAMPLES / file).read_text())
            for name in names:
                hub.apply({**body, "metadata": {**body["metadata"], "namespace": name}})

    def start_controllers(self, number: int, shards: int) -> None:
        """One more process of the controllers, titled `controllers-<number>`."""
        ours.start_controllers(self.fleet, self._progress, number, shards)

    def controllers_part(self, only: str) -> Part:
        """One process of the controllers that runs but those in `only`, separated by commas; not started yet."""
        with Reservation() as ports:
            return plan.controllers(self.fleet.layout, self.fleet.hub.kubeconfig, ports, only=only)

    def agent_part(self, cluster: str) -> Part:
        """The agent of a cluster that is the hub itself: registered, not started yet."""
        layout, hub = self.fleet.layout, self.fleet.hub.kubeconfig
        self.fleet.supervisor.run(plan.agent_join(layout, cluster, hub))
        with Reservation() as ports:
            return plan.agent(layout, cluster, hub, ports)

    def start_fake_agents(self, clusters: int) -> None:
        """One process that stands for the agents of `clusters` clusters, in the place of an earlier one."""
        for running in self._running():
            if running.part.name == _FAKE_AGENTS:
                process.stop([running], grace=2)
        arguments = [fake_agents.__name__, str(self.fleet.hub.kubeconfig), str(clusters)]
        self._launch("", _FAKE_AGENTS, arguments, fake_agents.READY)

    def stop_part(self, title: str) -> Part:
        """Ends one of our processes as an operator would, and returns what it takes to start it again."""
        running = self.fleet.supervisor.find(title)
        process.stop([running], grace=20)
        return running.part

    def pids(self) -> dict[str, int]:
        """Of everything that runs, this program included, by title."""
        return {BENCH: os.getpid()} | {running.part.title: running.pid for running in self._running()}

    def ours(self) -> list[str]:
        """Titles of Argosy's own processes."""
        return [CONTROLLERS, *(f"{name}/agent" for name in self.fleet.managed)]

    async def at_rest(self) -> None:
        """Waits until no process of the fleet has anything to do. FleetError if that takes too long."""
        pids = {title: pid for title, pid in self.pids().items() if title != BENCH}
        if not await at_rest(pids, _REST_WITHIN):
            raise FleetError(f"the fleet's processes are still busy after {_REST_WITHIN:.0f} s")

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[Clients]:
        """Clients, for use inside of one event loop."""
        hub = await Client.connect(self.fleet.hub.kubeconfig)
        managed = {name: await Client.connect(item.kubeconfig) for name, item in self.fleet.managed.items()}
        try:
            async with Etcd.connected(self.fleet.supervisor.find("etcd").part.port) as etcd:
                yield Clients(hub, managed, etcd)
        finally:
            for client in (hub, *managed.values()):
                await client.close()

    def _running(self) -> list[Process]:
        return [running for running in self.fleet.supervisor.state.processes if process.is_alive(running)]

    def _launch(self, cluster: str, name: str, arguments: list[str], ready: str) -> None:
        part = Part(
            cluster,
            name,
            [sys.executable, "-m", *arguments],
            str(self.fleet.layout.log(cluster, name)),
            Probe(log_text=ready),
            environment={"PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"},
            deadline=300,
        )
        with self._progress.step(f"starting {part.title}"):
            self.fleet.supervisor.launch(part)


@contextlib.contextmanager
def testbed(clusters: int, progress: Progress, *, profiling: bool = False) -> Iterator[Testbed]:  # noqa: PT028 (no test)
    """A fresh fleet of so many managed clusters, stopped at the end. Its logs stay if something failed.

    `profiling`: its API servers serve CPU profiles of themselves.
    """
    directory = Path(tempfile.mkdtemp(prefix="argosy-bench-"))
    managed = [f"cluster{number}" for number in range(1, clusters + 1)]
    keep_logs = True
    try:
        with LocalProvider(progress, profiling=profiling, argo_crds=Form.MINIMAL).start(
            directory, managed, argo=False
        ) as fleet:
            bed = Testbed(fleet, progress)
            yield bed
            keep_logs = bed.keep_logs
    finally:
        if keep_logs:
            progress.say(f"logs: {directory / 'logs'}")
            shutil.rmtree(directory / "data", ignore_errors=True)
        else:
            shutil.rmtree(directory)
