"""While an agent has other works to do, what nobody waits for waits: the book-keeping after an end, mere progress."""

from __future__ import annotations

import asyncio

from prometheus_client import REGISTRY

from agent.work.apply import REPORT_FINALIZER
from controllers.api.kinds import MANIFEST_WORK, WORKFLOW, WORKFLOW_STATUS_RESULT
from controllers.kube.client import Client
from tests.eventually import eventually
from tests.integration.agent import works
from tests.integration.agent.conftest import Pair, running, started
from tests.integration.agent.mortal import gated
from tests.integration.agent.works import CLUSTER


class Stuck:
    """Makes the agent busy: from now on until `free` is set, its requests about `name` are not answered."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.free = asyncio.Event()
        self.waits = asyncio.Event()

    def client(self) -> type[Client]:
        async def wait(_: str, path: str) -> None:
            if self.name in path:
                self.waits.set()
                await self.free.wait()

        return gated(wait)


async def busy(pair: Pair, namespace: str) -> None:
    """Asks for a work that the agent can't get done; its name is the namespace's and more."""
    await works.create(pair, f"{namespace}-stuck", works.workflow("stuck", namespace))


def active() -> float | None:
    return REGISTRY.get_sample_value("controller_runtime_active_workers", {"controller": "work"})


async def is_told(pair: Pair, name: str, phase: str) -> None:
    """Waits until the hub has the phase in the full status, and the agent is done with all but what is stuck."""

    async def probe() -> bool:
        found = await pair.hub.find(WORKFLOW_STATUS_RESULT, name, namespace=CLUSTER)
        return found is not None and found.to_dict()["workflowStatus"]["phase"] == phase and active() == 1

    await eventually(probe, what=f"{phase} of {name} on the hub")


async def is_complete(pair: Pair, name: str) -> bool:
    work = await works.read(pair, name)
    return any(one.type == "Complete" and one.status == "True" for one in work.status.conditions)


async def create(pair: Pair, name: str) -> None:
    option = works.option(WORKFLOW, name, name, conditionRules=[works.COMPLETE_WHEN_FINAL])
    await works.create(pair, name, works.workflow(name, name), manifestConfigs=[option])
    await works.there(pair, WORKFLOW, name, name)


async def ended_while_busy(pair: Pair, name: str, stuck: Stuck, *phases: str) -> None:
    """A Workflow goes through the phases while the agent is stuck with another work; the hub has heard of the last."""
    await create(pair, name)
    await busy(pair, name)
    await stuck.waits.wait()
    for phase in phases:
        await works.play_argo(pair, name, name, phase)
    await is_told(pair, name, phases[-1])


async def finalizers(pair: Pair, name: str) -> list[str]:
    return (await works.there(pair, WORKFLOW, name, name)).metadata.finalizers


async def test_an_end_is_told_at_once_and_its_book_is_closed_when_others_are_done(
    pair: Pair, namespace: str
) -> None:
    stuck = Stuck(f"{namespace}-stuck")
    async with running(pair, client=stuck.client()):
        await ended_while_busy(pair, namespace, stuck, "Running", "Succeeded")
        assert not await is_complete(pair, namespace)
        assert REPORT_FINALIZER in await finalizers(pair, namespace)
        stuck.free.set()
        await works.condition(pair, namespace, "Complete", "True")

        async def is_released() -> bool:
            return REPORT_FINALIZER not in await finalizers(pair, namespace)

        await eventually(is_released, what="the copy is let go")


async def test_an_agent_killed_with_a_book_open_closes_it_when_it_is_started_again(
    pair: Pair, namespace: str
) -> None:
    stuck = Stuck(f"{namespace}-stuck")
    async with started(pair, client=stuck.client()):
        await ended_while_busy(pair, namespace, stuck, "Succeeded")
    await works.remove(pair, WORKFLOW, namespace, namespace)  # by its TTL; our finalizer holds it
    async with running(pair):
        await works.condition(pair, namespace, "Complete", "True")
        await eventually(lambda: works_gone(pair, namespace), what="the copy is gone")


async def works_gone(pair: Pair, name: str) -> bool:
    return await works.find(pair, WORKFLOW, name, name) is None


async def test_a_work_deleted_while_its_book_is_open_goes(pair: Pair, namespace: str) -> None:
    stuck = Stuck(f"{namespace}-stuck")
    async with running(pair, client=stuck.client()):
        await ended_while_busy(pair, namespace, stuck, "Succeeded")
        await pair.hub.delete(MANIFEST_WORK, namespace, namespace=CLUSTER)

        async def is_gone() -> bool:
            gone = await pair.hub.find(MANIFEST_WORK, namespace, namespace=CLUSTER) is None
            return gone and await works_gone(pair, namespace)

        await eventually(is_gone, what="work and copy are gone")
        stuck.free.set()
