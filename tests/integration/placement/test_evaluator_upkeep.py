"""Decisions follow what changes on the hub, and stand against those who spoil them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from controllers.api.kinds import (
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET_BINDING,
    PLACEMENT,
    PLACEMENT_DECISION,
)
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from placement.evaluator.wiring import add_to
from tests.eventually import eventually
from tests.integration.bodies import decisions, managed_cluster, placement, set_binding
from tests.integration.placement.deciding import decided, decides, pages, status
from tests.integration.running import running


async def test_decisions_follow_clusters_that_join_change_and_leave(
    client: Client, namespace: str, clusters: list[str], bound_set: str
) -> None:
    first, second, third = clusters
    joined = f"{namespace}-c0"
    chosen = {"labelSelector": {"matchExpressions": [{"key": "drained", "operator": "DoesNotExist"}]}}
    async with running(client, add_to):
        body = placement("p", predicates=[{"requiredClusterSelector": chosen}])
        await client.create(PLACEMENT, body, namespace=namespace)
        await decides(client, namespace, clusters)
        await client.create(MANAGED_CLUSTER, managed_cluster(joined, test=namespace))
        await decides(client, namespace, [joined, *clusters])
        await client.delete(MANAGED_CLUSTER, joined)
        drained = merge_patch({"metadata": {"labels": {"drained": "yes"}}})
        await client.patch(MANAGED_CLUSTER, second, drained)
        await decides(client, namespace, [first, third])
        elsewhere = merge_patch({"metadata": {"labels": {"test": "another"}}})
        await client.patch(MANAGED_CLUSTER, first, elsewhere)
        await decides(client, namespace, [third])


async def test_decisions_follow_cluster_claims(
    client: Client, namespace: str, clusters: list[str], bound_set: str
) -> None:
    claim = {"matchExpressions": [{"key": "platform", "operator": "In", "values": ["metal"]}]}
    async with running(client, add_to):
        predicate = {"requiredClusterSelector": {"claimSelector": claim}}
        await client.create(PLACEMENT, placement("p", predicates=[predicate]), namespace=namespace)
        await status(client, namespace, "NoManagedClusterMatched")
        claims = {"status": {"clusterClaims": [{"name": "platform", "value": "metal"}]}}
        await client.patch(MANAGED_CLUSTER, clusters[1], merge_patch(claims), subresource="status")
        await decides(client, namespace, [clusters[1]])
        await status(client, namespace, "AllDecisionsScheduled")


async def test_a_binding_that_goes_takes_its_clusters_along(
    client: Client, namespace: str, clusters: list[str], bound_set: str
) -> None:
    async with running(client, add_to):
        await client.create(PLACEMENT, placement("p"), namespace=namespace)
        await decides(client, namespace, clusters)
        await client.delete(MANAGED_CLUSTER_SET_BINDING, bound_set, namespace=namespace)
        found = await status(client, namespace, "NoManagedClusterSetBindings")
        assert await decided(client, namespace) == []
        assert len(await pages(client, namespace)) == 1, "there is always a page"
        assert found.get("numberOfSelectedClusters", 0) == 0
        await client.create(MANAGED_CLUSTER_SET_BINDING, set_binding(bound_set), namespace=namespace)
        await decides(client, namespace, clusters)


async def test_more_than_a_hundred_clusters_take_a_second_page(
    client: Client, namespace: str, bound_set: str
) -> None:
    names = [f"{namespace}-{number:03}" for number in range(103)]
    for name in names:
        await client.create(MANAGED_CLUSTER, managed_cluster(name, test=namespace))
    async with running(client, add_to):
        await client.create(PLACEMENT, placement("p"), namespace=namespace)
        await decides(client, namespace, names)
        assert [len(page["status"]["decisions"]) for page in await pages(client, namespace)] == [100, 3]
        for name in names[3:]:
            await client.delete(MANAGED_CLUSTER, name)
        await decides(client, namespace, names[:3])
        await eventually(lambda: only_page(client, namespace))
    for name in names[:3]:
        await client.delete(MANAGED_CLUSTER, name)


async def only_page(client: Client, namespace: str) -> bool:
    return [page["metadata"]["name"] for page in await pages(client, namespace)] == ["p-decision-1"]


def _emptied(client: Client, namespace: str) -> Any:
    patch = merge_patch(decisions([]))
    return client.patch(PLACEMENT_DECISION, "p-decision-1", patch, namespace=namespace, subresource="status")


def _deleted(client: Client, namespace: str) -> Any:
    return client.delete(PLACEMENT_DECISION, "p-decision-1", namespace=namespace)


@pytest.mark.parametrize("harm", [_emptied, _deleted])
async def test_a_page_that_somebody_spoils_is_repaired(
    client: Client, namespace: str, clusters: list[str], bound_set: str, harm: Callable[[Client, str], Any]
) -> None:
    async with running(client, add_to):
        await client.create(PLACEMENT, placement("p"), namespace=namespace)
        await decides(client, namespace, clusters)
        await harm(client, namespace)
        await decides(client, namespace, clusters)


async def test_a_heartbeat_of_a_cluster_costs_no_write(
    client: Client, namespace: str, clusters: list[str], bound_set: str
) -> None:
    async with running(client, add_to):
        await client.create(PLACEMENT, placement("p"), namespace=namespace)
        await decides(client, namespace, clusters)
        before = await status(client, namespace, "AllDecisionsScheduled")
        (page,) = await pages(client, namespace)
        for cpu in ("1", "2", "3"):
            patch = merge_patch({"status": {"allocatable": {"cpu": cpu}}})
            await client.patch(MANAGED_CLUSTER, clusters[0], patch, subresource="status")
        await client.create(PLACEMENT, placement("q"), namespace=namespace)
        await decides(client, namespace, clusters, "q")
    assert (await pages(client, namespace))[0]["metadata"]["resourceVersion"] == page["metadata"][
        "resourceVersion"
    ]
    assert await status(client, namespace, "AllDecisionsScheduled") == before
