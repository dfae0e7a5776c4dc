"""Which changes are looked at, how often, and that nothing is written which is there already."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator

import pytest

import placement.evaluator.wiring as wiring
from controllers.api.kinds import (
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET,
    MANAGED_CLUSTER_SET_BINDING,
    NAMESPACE,
    PLACEMENT,
    PLACEMENT_DECISION,
)
from controllers.kube.client import Client
from controllers.kube.errors import NotFound
from controllers.kube.patch import merge_patch
from controllers.runtime.reconcile import Request, Result
from placement.evaluator.reconciler import EvaluatorReconciler
from tests.eventually import eventually
from tests.integration.bodies import Body, cluster_set, managed_cluster, of, placement, set_binding
from tests.integration.placement.deciding import decides, pages
from tests.integration.running import running

# In a row, without an evaluation of anything but the marker: what the evaluator has written itself has come back.
_QUIET_ROUNDS, _MOST_ROUNDS = 3, 50


@pytest.fixture
def evaluated(monkeypatch: pytest.MonkeyPatch) -> Counter[Request]:
    """How many evaluations of each Placement have begun."""
    found: Counter[Request] = Counter()
    reconcile = EvaluatorReconciler.reconcile

    async def counted(self: EvaluatorReconciler, request: Request, /) -> Result:
        found[request] += 1
        return await reconcile(self, request)

    monkeypatch.setattr(EvaluatorReconciler, "reconcile", counted)
    return found


class Marker:
    """A Placement with a set and a cluster of its own. The informer tells of changes of clusters in their order, and
    evaluations begin in that order: when this one's has begun, those that earlier changes cost have."""

    def __init__(self, client: Client, name: str, evaluated: Counter[Request]) -> None:
        self.request = Request(name, "p")
        self._client = client
        self._name = name
        self._evaluated = evaluated
        self._rounds = 0

    async def reach(self) -> Counter[Request]:
        """What was evaluated since the last `forget`, the marker's own apart."""
        self._rounds += 1
        before = self._evaluated[self.request]
        await label(self._client, self._name, str(self._rounds))
        await eventually(lambda: self._evaluated[self.request] > before, what="the marker is evaluated")
        return Counter({key: number for key, number in self._evaluated.items() if key != self.request})

    async def quiet(self) -> None:
        """Returns when nothing is evaluated any more, and forgets what was."""
        rounds = 0
        for _ in range(_MOST_ROUNDS):
            self._evaluated.clear()
            rounds = 0 if await self.reach() else rounds + 1
            if rounds == _QUIET_ROUNDS:
                self._evaluated.clear()
                return
        raise AssertionError(f"still evaluated, though nothing changes but the marker: {self._evaluated}")


@pytest.fixture
async def marker(client: Client, namespace: str, evaluated: Counter[Request]) -> AsyncIterator[Marker]:
    name = f"{namespace}-marker"
    await client.create(NAMESPACE, of(NAMESPACE, name))
    await client.create(MANAGED_CLUSTER_SET, cluster_set(name, test=name))
    await client.create(MANAGED_CLUSTER_SET_BINDING, set_binding(name), namespace=name)
    await client.create(MANAGED_CLUSTER, managed_cluster(name, test=name))
    await client.create(PLACEMENT, placement("p"), namespace=name)
    yield Marker(client, name, evaluated)
    await client.delete(PLACEMENT, "p", namespace=name)
    with contextlib.suppress(NotFound):  # the garbage collector was faster
        await client.delete(PLACEMENT_DECISION, "p-decision-1", namespace=name)
    await client.delete(MANAGED_CLUSTER_SET_BINDING, name, namespace=name)
    await client.delete(MANAGED_CLUSTER_SET, name)
    await client.delete(MANAGED_CLUSTER, name)


async def label(client: Client, cluster: str, value: str) -> None:
    patch = merge_patch({"metadata": {"labels": {"changed": value}}})
    await client.patch(MANAGED_CLUSTER, cluster, patch)


async def versions(client: Client, namespace: str) -> list[Body]:
    """The metadata of the Placement `p` and of its decisions: what is written twice differs in it."""
    found = [page["metadata"] for page in await pages(client, namespace)]
    return [*found, (await client.get(PLACEMENT, "p", namespace=namespace)).to_dict()["metadata"]]


async def test_only_those_who_see_a_cluster_are_evaluated_when_it_changes(
    client: Client,
    namespace: str,
    clusters: list[str],
    bound_set: str,
    marker: Marker,
) -> None:
    async with running(client, wiring.add_to):
        await client.create(PLACEMENT, placement("p"), namespace=namespace)
        await client.create(PLACEMENT, placement("other", clusterSets=["another"]), namespace=namespace)
        await decides(client, namespace, clusters)
        await marker.quiet()
        await label(client, clusters[0], "once")
        assert await marker.reach() == {Request(namespace, "p"): 1}


async def test_what_nobody_looks_at_costs_no_evaluation(
    client: Client,
    namespace: str,
    clusters: list[str],
    bound_set: str,
    marker: Marker,
) -> None:
    condition = {
        "type": "Seen",
        "status": "True",
        "reason": "AsExpected",
        "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    unseen: list[tuple[Body, str]] = [
        ({"metadata": {"annotations": {"note": "read by no Placement"}}}, ""),
        ({"status": {"conditions": [condition]}}, "status"),
        ({"status": {"capacity": {"cpu": "8"}, "allocatable": {"cpu": "4"}}}, "status"),
        ({"status": {"clusterClaims": [{"name": "region", "value": "eu"}]}}, "status"),
    ]
    async with running(client, wiring.add_to):
        await client.create(PLACEMENT, placement("p"), namespace=namespace)
        await decides(client, namespace, clusters)
        await marker.quiet()
        for body, subresource in unseen:
            await client.patch(MANAGED_CLUSTER, clusters[0], merge_patch(body), subresource=subresource)
        assert not await marker.reach()


async def test_ten_changes_that_come_together_cost_one_evaluation(
    client: Client,
    namespace: str,
    clusters: list[str],
    bound_set: str,
    marker: Marker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # However slow this machine is, no request takes longer: with 50 ms it would be the machine that is tested.
    monkeypatch.setattr(wiring, "GATHER", 1.0)
    monkeypatch.setattr(wiring, "GATHER_LONGEST", 30.0)
    async with running(client, wiring.add_to):
        await client.create(PLACEMENT, placement("p"), namespace=namespace)
        await client.create(PLACEMENT, placement("q", numberOfClusters=1), namespace=namespace)
        await decides(client, namespace, clusters)
        await decides(client, namespace, clusters[:1], "q")
        await marker.quiet()
        await asyncio.gather(*(label(client, clusters[n % 3], str(n)) for n in range(10)))
        assert await marker.reach() == {Request(namespace, "p"): 1, Request(namespace, "q"): 1}


async def test_an_evaluation_that_finds_the_same_writes_nothing(
    client: Client,
    namespace: str,
    clusters: list[str],
    bound_set: str,
    marker: Marker,
) -> None:
    async with running(client, wiring.add_to):
        await client.create(PLACEMENT, placement("p"), namespace=namespace)
        await decides(client, namespace, clusters)
        await marker.quiet()
        before = await versions(client, namespace)
        await label(client, clusters[0], "once")
        assert await marker.reach() == {Request(namespace, "p"): 1}
    # The evaluator has ended gracefully: whatever it wanted to write is written.
    assert await versions(client, namespace) == before


async def test_a_restart_writes_nothing(
    client: Client,
    namespace: str,
    clusters: list[str],
    bound_set: str,
    marker: Marker,
    evaluated: Counter[Request],
) -> None:
    async with running(client, wiring.add_to):
        await client.create(PLACEMENT, placement("p"), namespace=namespace)
        await decides(client, namespace, clusters)
        await marker.quiet()
    before = await versions(client, namespace)
    async with running(client, wiring.add_to):
        await eventually(
            lambda: evaluated[Request(namespace, "p")] > 0, what="the Placement is evaluated again"
        )
    assert await versions(client, namespace) == before
