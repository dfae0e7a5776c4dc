"""Clusters that stop answering, or can't be reached, for a while: Argosy catches up, and nothing runs twice.

Needs clusters that can be hurt one at a time: TEST_CLUSTERS=containers.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial

import pytest
import yaml

from controllers.api.kinds import PLACEMENT
from controllers.kube.patch import apply_patch
from hack.fleet.faults import Faults
from hack.fleet.provider import Fleet
from tests.e2e import workflows
from tests.e2e.conftest import EXAMPLES, Argosy
from tests.e2e.runs import Runs, watching
from tests.eventually import eventually

pytestmark = pytest.mark.faults

WORKFLOWS = 4
# Longer than Argosy waits for the answer to a request, so that it gives up on some and asks again.
LONG = 40.0
SHORT = 6.0


@pytest.fixture(scope="module")
def faults(fleet: Fleet) -> Faults:
    if not isinstance(fleet, Faults):
        pytest.skip("these clusters can't be paused or cut off; TEST_CLUSTERS=containers can")
    return fleet


@pytest.fixture(scope="module", autouse=True)
async def only_cluster2(argosy: Argosy) -> None:
    """A Placement like the example's `only-cluster1`, for the other cluster."""
    text = (EXAMPLES / "placement-cluster1.yaml").read_text().replace("cluster1", "cluster2")
    patch = apply_patch(yaml.safe_load(text), field_manager="test", force=True)
    await argosy.hub.patch(PLACEMENT, "only-cluster2", patch, namespace=workflows.NAMESPACE)


@contextlib.asynccontextmanager
async def hurt(faults: Faults, fault: str, cluster: str) -> AsyncIterator[None]:
    """The cluster is paused, or partitioned, inside the block."""
    begin, end = {
        "pause": (faults.pause, faults.unpause),
        "partition": (faults.partition, faults.heal),
    }[fault]
    await asyncio.to_thread(begin, cluster)
    try:
        yield
    finally:
        await asyncio.to_thread(end, cluster)


async def create(argosy: Argosy, prefix: str, *, placement: str, seconds: float = 1) -> list[str]:
    """Some Workflows of two steps; their names."""
    bodies = [
        workflows.two_steps(f"{prefix}-{number}", placement=placement, seconds=seconds)
        for number in range(WORKFLOWS)
    ]
    return [(await workflows.create(argosy, body))["metadata"]["name"] for body in bodies]


async def each_ran_once(argosy: Argosy, runs: Runs, names: list[str]) -> None:
    for name in names:
        await workflows.in_phase(argosy, name, within=120)
        hub = await workflows.same_as_copy(argosy, name)
        assert workflows.phase_of(hub) == "Succeeded", hub["status"]
        cluster = workflows.cluster_of(hub)
        copy = await workflows.shown(argosy.managed[cluster], name)
        # The test's own watch was cut off, too, and may be back later than the agent's.
        await eventually(partial(runs.of, name), within=30, what=f"{name} seen on its cluster")
        assert runs.of(name) == {(cluster, copy["metadata"]["uid"])}


async def ended_on_their_clusters(argosy: Argosy, names: list[str], clusters: dict[str, str]) -> None:
    """Waits until the copies have ended, without asking the hub."""

    async def probe(name: str) -> bool:
        copy = await workflows.shown(argosy.managed[clusters[name]], name)
        assert workflows.phase_of(copy) in workflows.FINAL, f"{name} is {workflows.phase_of(copy)!r}"
        return True

    for name in names:
        await eventually(partial(probe, name), within=60, what=f"{name} ended on its cluster")


@pytest.mark.parametrize(("fault", "seconds"), [("pause", SHORT), ("partition", SHORT), ("pause", LONG)])
async def test_a_cluster_that_was_away_catches_up(
    argosy: Argosy, faults: Faults, fault: str, seconds: float
) -> None:
    prefix = f"away-{fault}-{seconds:.0f}"
    async with watching(argosy.managed) as runs:
        before = await create(argosy, f"{prefix}-before", placement="only-cluster1", seconds=4)
        await workflows.in_phase(argosy, before[0], "Running")
        async with hurt(faults, fault, "cluster1"):
            during = await create(argosy, f"{prefix}-during", placement="only-cluster1")
            # This long, whatever happens: its length is what the fault consists of.
            await asyncio.sleep(seconds)
            for name in during:
                assert workflows.phase_of(await workflows.shown(argosy.hub, name)) == ""
        after = await create(argosy, f"{prefix}-after", placement="only-cluster1")
        await each_ran_once(argosy, runs, [*before, *during, *after])
    await workflows.delete(argosy, *before, *during, *after)


@pytest.mark.parametrize("fault", ["pause", "partition"])
async def test_the_other_clusters_go_on_meanwhile(argosy: Argosy, faults: Faults, fault: str) -> None:
    async with hurt(faults, fault, "cluster1"):
        names = await create(argosy, f"meanwhile-{fault}", placement="only-cluster2")
        for name in names:
            await workflows.in_phase(argosy, name, "Succeeded", within=30)
    await workflows.delete(argosy, *names)


@pytest.mark.parametrize(("fault", "seconds"), [("pause", SHORT), ("partition", SHORT), ("pause", LONG)])
async def test_a_hub_that_was_away_learns_how_workflows_ended(
    argosy: Argosy, faults: Faults, fault: str, seconds: float
) -> None:
    prefix = f"hub-{fault}-{seconds:.0f}"
    async with watching(argosy.managed) as runs:
        names = await create(argosy, prefix, placement="any-cluster", seconds=4)
        running = [await workflows.in_phase(argosy, name, "Running") for name in names]
        clusters = {body["metadata"]["name"]: workflows.cluster_of(body) for body in running}
        async with hurt(faults, fault, "hub"):
            await ended_on_their_clusters(argosy, names, clusters)
            await asyncio.sleep(seconds)
        await each_ran_once(argosy, runs, names)
        later = await create(argosy, f"{prefix}-later", placement="any-cluster")
        await each_ran_once(argosy, runs, later)
    await workflows.delete(argosy, *names, *later)


@pytest.mark.parametrize("fault", ["pause", "partition"])
async def test_workflows_deleted_while_their_cluster_was_away_are_gone_when_it_is_back(
    argosy: Argosy, faults: Faults, fault: str
) -> None:
    names = await create(argosy, f"deleted-{fault}", placement="only-cluster1", seconds=30)
    for name in names:
        await workflows.in_phase(argosy, name, "Running")
    async with hurt(faults, fault, "cluster1"):
        deleting = asyncio.create_task(workflows.delete(argosy, *names))
        await asyncio.sleep(SHORT)
        for name in names:
            kept = await workflows.shown(argosy.hub, name)
            assert kept["metadata"]["deletionTimestamp"], "let go before its copy was gone"
    await deleting
    for name in names:
        await workflows.gone(argosy.managed["cluster1"], name)
