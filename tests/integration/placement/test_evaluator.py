"""The evaluator on a hub without Open Cluster Management: decisions, counts and conditions."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.api import keys
from controllers.api.kinds import (
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET,
    MANAGED_CLUSTER_SET_BINDING,
    PLACEMENT,
    WORKFLOW,
)
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from placement.evaluator.wiring import add_to
from placement.wiring import add_to as add_placement
from tests.eventually import eventually
from tests.integration.bodies import cluster_set, managed_cluster, placement, set_binding, workflow
from tests.integration.placement.deciding import decided, decides, pages, status
from tests.integration.running import running


async def test_a_placement_is_decided_and_says_so(
    client: Client, namespace: str, clusters: list[str], bound_set: str
) -> None:
    async with running(client, add_to):
        created = await client.create(PLACEMENT, placement("p"), namespace=namespace)
        found = await status(client, namespace, "AllDecisionsScheduled")
    (page,) = await pages(client, namespace)
    assert page["metadata"]["name"] == "p-decision-1"
    assert page["metadata"]["labels"] == {
        keys.PLACEMENT_LABEL: "p",
        keys.DECISION_GROUP_NAME_LABEL: "",
        keys.DECISION_GROUP_INDEX_LABEL: "0",
    }
    (owner,) = page["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("Placement", created.metadata.uid, True)
    assert page["status"]["decisions"] == [{"clusterName": name, "reason": ""} for name in clusters]
    assert found["numberOfSelectedClusters"] == 3
    assert [group["decisions"] for group in found["decisionGroups"]] == [["p-decision-1"]]
    misconfigured = next(item for item in found["conditions"] if item["type"] == "PlacementMisconfigured")
    assert (misconfigured["status"], misconfigured["reason"]) == ("False", "Succeedconfigured")


@pytest.mark.parametrize(
    ("reason", "spec", "bind", "labels"),
    [
        ("NoManagedClusterSetBindings", {}, False, True),
        ("NoIntersection", {"clusterSets": ["another"]}, True, True),
        ("AllManagedClusterSetsEmpty", {}, True, False),
        ("NotAllDecisionsScheduled", {"numberOfClusters": 5}, True, True),
    ],
)
async def test_a_placement_that_is_not_satisfied_says_why(
    client: Client,
    namespace: str,
    clusters: list[str],
    reason: str,
    spec: dict[str, Any],
    *,
    bind: bool,
    labels: bool,
) -> None:
    selected = {"test": namespace} if labels else {"test": "nobody"}
    await client.create(MANAGED_CLUSTER_SET, cluster_set(namespace, **selected))
    if bind:
        await client.create(MANAGED_CLUSTER_SET_BINDING, set_binding(namespace), namespace=namespace)
    async with running(client, add_to, add_placement):
        await client.create(PLACEMENT, placement("p", **spec), namespace=namespace)
        found = await status(client, namespace, reason)
        satisfied = next(item for item in found["conditions"] if item["type"] == "PlacementSatisfied")
        if reason != "NotAllDecisionsScheduled":
            await client.create(WORKFLOW, workflow("a", placement="p"), namespace=namespace)
            await eventually(lambda: waits_with(client, namespace, satisfied["message"]))
    await client.delete(MANAGED_CLUSTER_SET, namespace)


async def waits_with(client: Client, namespace: str, words: str) -> bool:
    found = await client.get(WORKFLOW, "a", namespace=namespace)
    return words in found.metadata.annotations.get(keys.WAITING_ANNOTATION, "")


async def test_fewer_clusters_may_be_asked_for_and_the_choice_is_steady(
    client: Client, namespace: str, clusters: list[str], bound_set: str
) -> None:
    async with running(client, add_to):
        await client.create(PLACEMENT, placement("p", numberOfClusters=3), namespace=namespace)
        await decides(client, namespace, clusters)
        fewer = merge_patch({"spec": {"numberOfClusters": 1}})
        await client.patch(PLACEMENT, "p", fewer, namespace=namespace)
        await decides(client, namespace, clusters[:1])
        await client.create(MANAGED_CLUSTER, managed_cluster(f"{namespace}-a", test=namespace))
        await client.create(PLACEMENT, placement("q"), namespace=namespace)
        await decides(client, namespace, [f"{namespace}-a", *clusters], "q")
        assert await decided(client, namespace) == clusters[:1], (
            "a new cluster of an earlier name changes nothing"
        )
    await client.delete(MANAGED_CLUSTER, f"{namespace}-a")
