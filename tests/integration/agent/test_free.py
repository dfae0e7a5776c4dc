"""What a cluster tells its hub of its room."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

from controllers.api.cluster import ManagedCluster
from controllers.api.keys import FREE_PREFIX
from controllers.api.kinds import (
    CLUSTER_GROUP,
    MANAGED_CLUSTER,
    NODE,
    POD,
    SERVICE_ACCOUNT,
    WORK_GROUP,
)
from controllers.kube.errors import NotFound
from controllers.kube.patch import merge_patch
from tests.eventually import eventually
from tests.integration.agent.accounts import kubeconfig_of, rule
from tests.integration.agent.conftest import Pair, running, started
from tests.integration.agent.works import CLUSTER, manifest

GI = 2**30


class Free(NamedTuple):
    """In cores, in bytes, and as a number."""

    cpu: Decimal
    memory: int
    pods: int


async def allocatable(pair: Pair) -> dict[str, str]:
    found = (await pair.hub.get(MANAGED_CLUSTER, CLUSTER)).decode(ManagedCluster).status.allocatable
    return {name: str(quantity) for name, quantity in found.items()}


async def reported(pair: Pair) -> Free | None:
    found = await allocatable(pair)
    told = {name.removeprefix(FREE_PREFIX): text for name, text in found.items() if FREE_PREFIX in name}
    if not told:
        return None
    assert told.keys() == {"cpu", "memory", "pods"}
    return Free(Decimal(told["cpu"]), int(told["memory"]), int(told["pods"]))


@pytest.fixture
async def roomy(pair: Pair) -> AsyncIterator[str]:
    """The name of a node of 64 cores, which only what is bound to it by name can use."""
    name = "roomy"
    has = {"cpu": "64", "memory": "256Gi", "pods": "110"}
    taint = {"key": "example.org/reserved", "effect": "NoSchedule"}
    body = manifest(NODE, name, spec={"taints": [taint]}, status={"capacity": has, "allocatable": has})
    await pair.managed.create(NODE, body)
    yield name
    with suppress(NotFound):
        await pair.managed.delete(NODE, name)


async def start(pair: Pair, name: str, namespace: str, node: str, **requests: str) -> None:
    """A pod on `node` that has no more to do than to run."""

    async def can_start() -> bool:
        return await pair.managed.find(SERVICE_ACCOUNT, "default", namespace=namespace) is not None

    await eventually(can_start, what="the namespace's account")
    container = {"name": "c", "image": "busybox:1.37", "resources": {"requests": requests}}
    body = manifest(POD, name, namespace, spec={"nodeName": node, "containers": [container]})
    await pair.managed.create(POD, body, namespace=namespace)

    async def runs() -> bool:
        found = await pair.managed.get(POD, name, namespace=namespace)
        return bool(found.to_dict()["status"]["phase"] == "Running")

    await eventually(runs, what="the pod runs")


async def test_what_is_free_follows_nodes_and_pods(pair: Pair, namespace: str, roomy: str) -> None:
    """Other tests leave pods behind, but none that asks for cpu or memory."""
    async with running(pair):
        nodes = [item.to_dict() for item in (await pair.managed.list(NODE))[0]]
        cores = sum(int(item["status"]["allocatable"]["cpu"]) for item in nodes)

        async def cores_free(expected: int | str) -> Free | None:
            found = await reported(pair)
            return found if found is not None and found.cpu == Decimal(expected) else None

        empty = await eventually(lambda: cores_free(cores), what="all that the nodes have")
        await start(pair, "p", namespace, roomy, cpu="40500m", memory="100Gi")
        taken = await eventually(lambda: cores_free(f"{cores - 41}.5"), what="less by what the pod asks for")
        assert taken.memory == empty.memory - 100 * GI
        ended = merge_patch({"status": {"phase": "Succeeded"}})
        await pair.managed.patch(POD, "p", ended, namespace=namespace, subresource="status")
        freed = await eventually(lambda: cores_free(cores), what="freed by the pod's end")
        assert freed.memory == empty.memory
        await pair.managed.patch(NODE, roomy, merge_patch({"spec": {"unschedulable": True}}))
        left = await eventually(lambda: cores_free(cores - 64), what="without the cordoned node")
        assert left.memory == empty.memory - 256 * GI
        assert 0 < left.pods <= freed.pods - 100


async def test_a_cluster_may_keep_it_to_itself(pair: Pair) -> None:
    async with running(pair):
        await eventually(lambda: reported(pair), what="what is free")
    async with running(pair, free=False):

        async def gone() -> bool:
            return await reported(pair) is None

        await eventually(gone, what="what an earlier run has reported is gone")
        assert "cpu" in await allocatable(pair)


@pytest.fixture
async def podless(pair: Pair, tmp_path: Path) -> Path:
    """A kubeconfig of an account on the managed cluster that may not read pods, but all else that an agent needs."""
    rules = [
        rule("", "nodes", "get", "list", "watch"),
        rule(CLUSTER_GROUP, "*", "*"),
        rule(WORK_GROUP, "*", "*"),
    ]
    return await kubeconfig_of(pair, "podless", rules, tmp_path)


async def test_an_agent_that_may_not_read_pods_works_and_reports_nothing_of_them(
    pair: Pair, podless: Path
) -> None:
    stale = {f"{FREE_PREFIX}cpu": "5", f"{FREE_PREFIX}memory": "5", f"{FREE_PREFIX}pods": "5"}
    patch = merge_patch({"status": {"allocatable": stale, "version": {"kubernetes": "v0"}}})
    await pair.hub.patch(MANAGED_CLUSTER, CLUSTER, patch, subresource="status")
    # Cut off in the end: it may not read either what works of other tests have left, and would wait for that.
    async with started(pair, managed=podless) as agent:
        assert all(agent.manager.readiness().values())

        async def at_work() -> bool:
            status = (await pair.hub.get(MANAGED_CLUSTER, CLUSTER)).decode(ManagedCluster).status
            return status.version.kubernetes != "v0" and await reported(pair) is None

        await eventually(at_work, what="all but what is free")
