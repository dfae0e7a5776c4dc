"""The wire to the hub is cut, or the hub hangs: the agent serves its cluster, asks with patience, and catches up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from agent.work.apply import REPORT_FINALIZER
from controllers.api.kinds import MANAGED_CLUSTER, MANIFEST_WORK, WORKFLOW, WORKFLOW_STATUS_RESULT
from controllers.kube.patch import merge_patch
from tests.eventually import eventually
from tests.integration.agent import works
from tests.integration.agent.conftest import Pair, running
from tests.integration.agent.works import CLUSTER, CONFIG_MAP
from tests.integration.tcp_proxy import TcpProxy, target_of, through

# More than the agent works on at the same time.
MANY = 24
# How long the hub is away; its length is what the fault consists of.
AWAY = 6.0


@dataclass
class Wire:
    """The agent's way to the hub."""

    proxy: TcpProxy
    kubeconfig: Path


@pytest.fixture
async def wire(pair: Pair, tmp_path: Path) -> AsyncIterator[Wire]:
    proxy = TcpProxy(*target_of(pair.agent_hub))
    port = await proxy.start()
    yield Wire(proxy, through(pair.agent_hub, port, tmp_path / "wire.kubeconfig"))
    await proxy.stop()


def relists() -> dict[str, float]:
    """Lists that informers of the hub have read."""
    return {
        str(kind): REGISTRY.get_sample_value("argosy_informer_relists_total", {"kind": str(kind)}) or 0.0
        for kind in (MANIFEST_WORK, WORKFLOW_STATUS_RESULT, MANAGED_CLUSTER)
    }


async def phase(pair: Pair, name: str, expected: str) -> None:
    """Waits until the hub has this phase in the full status."""

    async def probe() -> bool:
        found = await pair.hub.find(WORKFLOW_STATUS_RESULT, name, namespace=CLUSTER)
        return found is not None and found.to_dict()["workflowStatus"].get("phase") == expected

    await eventually(probe, what=f"{name} is {expected} on the hub")


async def run_many(pair: Pair, namespace: str) -> list[str]:
    """Workflows that run, each of a work of its own, as the hub knows."""
    names = [f"{namespace}-{number}" for number in range(MANY)]
    for name in names:
        rules = works.option(WORKFLOW, name, namespace, conditionRules=[works.COMPLETE_WHEN_FINAL])
        await works.create(pair, name, works.workflow(name, namespace), manifestConfigs=[rules])
    for name in names:
        await works.there(pair, WORKFLOW, name, namespace)
        await works.play_argo(pair, name, namespace, "Running")
    for name in names:
        await phase(pair, name, "Running")
    return names


async def with_drift(pair: Pair, namespace: str) -> None:
    """A work with a ConfigMap, for `drift_is_repaired`."""
    await works.create(pair, namespace, works.config_map("c", namespace, value="right"))
    await works.condition(pair, namespace, "Applied", "True")


async def drift_is_repaired(pair: Pair, namespace: str, *, within: float = 30) -> None:
    wrong = merge_patch({"data": {"value": "wrong"}})
    await pair.managed.patch(CONFIG_MAP, "c", wrong, namespace=namespace)

    async def probe() -> bool:
        found = await works.there(pair, CONFIG_MAP, "c", namespace)
        return bool(found.to_dict()["data"]["value"] == "right")

    await eventually(probe, within=within, what="drift repaired")


async def clear(pair: Pair, names: list[str]) -> None:
    for name in names:
        await works.delete(pair, name)


async def test_a_hub_that_was_away_learns_all_ends_and_is_not_flooded(
    pair: Pair, namespace: str, wire: Wire
) -> None:
    async with running(pair, hub=wire.kubeconfig):
        names = await run_many(pair, namespace)
        await with_drift(pair, namespace)
        listed, seen = relists(), wire.proxy.accepted
        wire.proxy.refuse()
        for name in names:
            await works.play_argo(pair, name, namespace, "Running", progress="1/2")
            await works.play_argo(pair, name, namespace, "Succeeded")
            await works.remove(pair, WORKFLOW, name, namespace)  # by its TTL
        await drift_is_repaired(pair, namespace)
        await asyncio.sleep(AWAY)
        for name in names:
            kept = await works.there(pair, WORKFLOW, name, namespace)
            assert REPORT_FINALIZER in kept.metadata.finalizers
        # Three watches, the heartbeat, and who asked before it was known.
        assert wire.proxy.accepted - seen <= 80
        wire.proxy.welcome()
        for name in names:
            await phase(pair, name, "Succeeded")
            await works.not_there(pair, WORKFLOW, name, namespace)
        assert relists() == listed, "what was missed comes by the watches"
        await clear(pair, [*names, namespace])


async def test_a_hub_that_hangs_keeps_nobody_from_repairing_the_cluster(
    pair: Pair, namespace: str, wire: Wire
) -> None:
    async with running(pair, hub=wire.kubeconfig):
        names = await run_many(pair, namespace)
        await with_drift(pair, namespace)
        wire.proxy.hang()
        for name in names:
            await works.play_argo(pair, name, namespace, "Succeeded")
        await drift_is_repaired(pair, namespace, within=15)
        await drift_is_repaired(pair, namespace, within=5)
        wire.proxy.welcome()
        for name in names:
            await phase(pair, name, "Succeeded")
        await clear(pair, [*names, namespace])
