"""A hub and one managed cluster without Argo; the agent runs inside the test process, started by each test."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.command_line import parser
from agent.wiring import build
from controllers.api.kinds import NAMESPACE
from controllers.kube.client import Client
from controllers.runtime.manager import Manager
from hack.fleet.provider import Fleet
from tests.clusters import running_fleet
from tests.eventually import eventually
from tests.integration.agent.works import CLUSTER
from tests.joining import let_in

_numbers = itertools.count(1)


@dataclass
class Pair:
    """Administrators' clients of hub and managed cluster, and the kubeconfigs that the agent uses."""

    fleet: Fleet
    hub: Client
    managed: Client
    agent_hub: Path

    @property
    def agent_managed(self) -> Path:
        return self.fleet.managed[CLUSTER].kubeconfig


@dataclass
class Agent:
    """A running agent, its clients, and how often each of them asked for what since `requests` was cleared."""

    manager: Manager
    hub: Client
    managed: Client
    task: asyncio.Task[None]
    requests: Counter[str] = field(default_factory=Counter)


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with running_fleet(tmp_path_factory.mktemp("pair"), [CLUSTER], argo=False) as started:
        yield started


@contextlib.asynccontextmanager
async def paired(fleet: Fleet, credentials: Path, *, lease_seconds: int) -> AsyncIterator[Pair]:
    """Lets the managed cluster in, and writes its agent's kubeconfig of the hub."""
    hub = await Client.connect(fleet.hub.kubeconfig)
    managed = await Client.connect(fleet.managed[CLUSTER].kubeconfig)
    labels = {"region": "north"}
    await let_in(hub, fleet.hub.kubeconfig, CLUSTER, credentials, labels=labels, lease_seconds=lease_seconds)
    try:
        yield Pair(fleet, hub, managed, credentials)
    finally:
        await hub.close()
        await managed.close()


@pytest.fixture(scope="session")
async def pair(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    credentials = tmp_path_factory.mktemp("agent") / "hub.kubeconfig"
    async with paired(fleet, credentials, lease_seconds=1) as clusters:
        yield clusters
    # TLS connections of watches take a few turns of the loop to close, and the loop ends with this fixture.
    await asyncio.sleep(0.25)


@contextlib.asynccontextmanager
async def running(
    pair: Pair,
    *arguments: str,
    eviction_grace: float = 3600.0,
    hub: Path | None = None,
    free: bool = True,
    managed: Path | None = None,
    client: type[Client] = Client,
) -> AsyncIterator[Agent]:
    """The agent until the end of the block, stopped as by SIGTERM. `arguments` are more of its command line, `client`
    is the class that it talks through, `hub` and `managed` are other kubeconfigs of the clusters."""
    async with started(
        pair,
        *arguments,
        eviction_grace=eviction_grace,
        hub=hub,
        free=free,
        managed=managed,
        client=client,
    ) as agent:
        yield agent
        agent.manager.stop()
        await agent.task


@contextlib.asynccontextmanager
async def started(
    pair: Pair,
    *arguments: str,
    eviction_grace: float = 3600.0,
    hub: Path | None = None,
    free: bool = True,
    managed: Path | None = None,
    client: type[Client] = Client,
) -> AsyncIterator[Agent]:
    """Like `running`, but at the end it is cut off where it stands, as by SIGKILL."""
    at_hub = await client.connect(hub or pair.agent_hub)
    here = await client.connect(managed or pair.agent_managed)
    always = ["run", "--cluster", CLUSTER, "--hub-kubeconfig", "-", "--listen", "none", "--no-leader-elect"]
    more = [f"--eviction-grace={eviction_grace}", *([] if free else ["--no-free"])]
    options = parser().parse_args([*always, *more, *arguments])
    manager = build(at_hub, here, options)
    agent = Agent(manager, at_hub, here, asyncio.create_task(manager.run()))
    for name, each in (("hub", at_hub), ("managed", here)):
        each.on_request = lambda method, _, name=name: agent.requests.update([f"{name} {method}"])
    try:
        await eventually(lambda: agent.task.done() or all(manager.readiness().values()), what="agent ready")
        yield agent
    finally:
        agent.task.cancel()
        await asyncio.gather(agent.task, return_exceptions=True)
        await at_hub.close()
        await here.close()


@pytest.fixture
async def agent(pair: Pair) -> AsyncIterator[Agent]:
    async with running(pair) as item:
        yield item


@pytest.fixture
async def namespace(pair: Pair) -> str:
    """A fresh namespace on the managed cluster. Its name is also free as a work's."""
    name = f"w-{next(_numbers)}"
    await pair.managed.create(NAMESPACE, {"metadata": {"name": name}})
    return name
