"""How a Workflow gets one of the clusters that its Placement has selected: strategies, room, and what is told of it."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.api import keys
from controllers.api.cluster import UNREACHABLE
from controllers.api.kinds import (
    ADDON_PLACEMENT_SCORE,
    MANAGED_CLUSTER,
    PLACEMENT,
    PLACEMENT_DECISION,
    WORKFLOW,
)
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from placement.evaluator.wiring import add_to as add_evaluator
from placement.wiring import add_to
from tests.eventually import eventually
from tests.integration.bodies import Body, decision_page, decisions, of, placement, workflow
from tests.integration.running import running
from tests.integration.told import event, waits_because, waits_no_more

GI = 2**30


async def report(
    client: Client, cluster: str, *, cpu: float = 8, memory: int = 8 * GI, pods: int = 50
) -> None:
    """What an agent tells of its cluster's room."""
    free = {"cpu": f"{cpu}", "memory": f"{memory}", "pods": f"{pods}"}
    allocatable = {f"{keys.FREE_PREFIX}{name}": value for name, value in free.items()}
    patch = merge_patch({"status": {"allocatable": allocatable}})
    await client.patch(MANAGED_CLUSTER, cluster, patch, subresource="status")


def asking(name: str, *, cpu: str, **annotations: str) -> Body:
    resources = {"requests": {"cpu": cpu, "memory": "1Gi"}}
    container = {"image": "busybox", "command": ["true"], "resources": resources}
    body = workflow(name, placement="p", spec={"templates": [{"name": "main", "container": container}]})
    body["metadata"]["annotations"] |= annotations
    return body


async def placed(client: Client, namespace: str, name: str) -> dict[str, str]:
    """The Workflow's annotations once it has a cluster."""

    async def so() -> dict[str, str] | None:
        found = await client.get(WORKFLOW, name, namespace=namespace)
        return found.metadata.annotations if keys.CLUSTER_ANNOTATION in found.metadata.annotations else None

    return await eventually(so, what=f"{name} has a cluster")


async def test_a_cluster_without_room_is_passed_over_and_waited_for(
    client: Client, namespace: str, clusters: list[str], bound_set: str
) -> None:
    third = clusters[2]
    for name in clusters:
        await report(client, name, cpu=4)
    async with running(client, add_evaluator, add_to):
        await client.create(PLACEMENT, placement("p"), namespace=namespace)
        homes = set()
        for name in "abc":
            await client.create(WORKFLOW, asking(name, cpu="3"), namespace=namespace)
            homes.add((await placed(client, namespace, name))[keys.CLUSTER_ANNOTATION])
        assert homes == set(clusters), "a cluster holds one of them, though no report has come since"
        await client.create(WORKFLOW, asking("d", cpu="3"), namespace=namespace)
        text = await waits_because(client, namespace, "NoRoom", "d")
        assert "needs 3 CPU, 1 GiB, 1 pod" in text
        await client.create(WORKFLOW, asking("e", cpu="500m"), namespace=namespace)
        await placed(client, namespace, "e")
        await report(client, third, cpu=7)
        found = await placed(client, namespace, "d")
        assert found[keys.CLUSTER_ANNOTATION] == third
        await waits_no_more(client, namespace, "d")


async def test_the_user_may_say_what_it_needs(
    client: Client, namespace: str, clusters: list[str], bound_set: str
) -> None:
    for name in clusters:
        await report(client, name, cpu=4)
    async with running(client, add_evaluator, add_to):
        await client.create(PLACEMENT, placement("p"), namespace=namespace)
        await client.create(WORKFLOW, asking("a", cpu="64"), namespace=namespace)
        await waits_because(client, namespace, "NoRoom")
        patch = merge_patch({"metadata": {"annotations": {keys.NEED_ANNOTATION: "cpu=2"}}})
        await client.patch(WORKFLOW, "a", patch, namespace=namespace)
        await placed(client, namespace, "a")


async def test_the_order_by_scores_is_the_placements(
    client: Client, namespace: str, clusters: list[str], bound_set: str
) -> None:
    for name, value in zip(clusters, (10, 90, 50), strict=True):
        score = of(ADDON_PLACEMENT_SCORE, "load")
        await client.create(ADDON_PLACEMENT_SCORE, score, namespace=name)
        status = {"status": {"scores": [{"name": "free", "value": value}]}}
        await client.patch(
            ADDON_PLACEMENT_SCORE, "load", merge_patch(status), namespace=name, subresource="status"
        )
    coordinate = {"type": "AddOn", "addOn": {"resourceName": "load", "scoreName": "free"}}
    policy = {"configurations": [{"scoreCoordinate": coordinate, "weight": 1}]}
    body = placement("p", prioritizerPolicy=policy)
    body["metadata"]["annotations"] = {keys.STRATEGY_ANNOTATION: "scores"}
    async with running(client, add_evaluator, add_to):
        await client.create(PLACEMENT, body, namespace=namespace)
        for name in "ab":
            await client.create(WORKFLOW, workflow(name, placement="p"), namespace=namespace)
            found = await placed(client, namespace, name)
            assert found[keys.CLUSTER_ANNOTATION] == clusters[1]
            assert found[keys.CHOICE_ANNOTATION] == "scores: the best score of 3 clusters with room"
        told = await event(client, namespace, "Placed")
        assert f"on cluster {clusters[1]} (scores: the best score" in told["message"]


async def test_packed_workflows_stay_together_while_there_is_room(
    client: Client, namespace: str, clusters: list[str], bound_set: str
) -> None:
    for name, cpu in zip(clusters, (9, 5, 7), strict=True):
        await report(client, name, cpu=cpu)
    async with running(client, add_evaluator, add_to):
        await client.create(PLACEMENT, placement("p"), namespace=namespace)
        homes = []
        for name in "abc":
            body = asking(name, cpu="2", **{keys.STRATEGY_ANNOTATION: "pack"})
            await client.create(WORKFLOW, body, namespace=namespace)
            homes.append((await placed(client, namespace, name))[keys.CLUSTER_ANNOTATION])
    assert homes == [clusters[1], clusters[1], clusters[2]]


@pytest.mark.parametrize("where", ["Workflow", "Placement"])
async def test_a_setting_that_means_nothing_is_named(
    client: Client, namespace: str, clusters: list[str], bound_set: str, where: str
) -> None:
    bad = {keys.STRATEGY_ANNOTATION: "cleverly"}
    one: dict[str, Any] = workflow("a", placement="p")
    other: dict[str, Any] = placement("p")
    (one if where == "Workflow" else other)["metadata"].setdefault("annotations", {}).update(bad)
    async with running(client, add_evaluator, add_to):
        await client.create(PLACEMENT, other, namespace=namespace)
        await client.create(WORKFLOW, one, namespace=namespace)
        text = await waits_because(client, namespace, "BadSetting")
        assert "ocm-strategy: 'cleverly' is not one of spread, scores, random, pack" in text
        right = merge_patch({"metadata": {"annotations": {keys.STRATEGY_ANNOTATION: "random"}}})
        await client.patch(
            PLACEMENT if where == "Placement" else WORKFLOW,
            other["metadata"]["name"] if where == "Placement" else "a",
            right,
            namespace=namespace,
        )
        found = await placed(client, namespace, "a")
        assert found[keys.CHOICE_ANNOTATION].startswith("random: drawn of 3 clusters")


async def test_a_cluster_that_was_lost_after_it_was_selected_gets_nothing(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    taints = [{"key": UNREACHABLE, "effect": "NoSelect"}]
    for name in clusters[:2]:
        await client.patch(MANAGED_CLUSTER, name, merge_patch({"spec": {"taints": taints}}))
    await client.create(PLACEMENT, placement("p"), namespace=namespace)
    await client.create(PLACEMENT_DECISION, decision_page("p", 1), namespace=namespace)
    patch = merge_patch(decisions(clusters))
    await client.patch(PLACEMENT_DECISION, "p-decision-1", patch, namespace=namespace, subresource="status")
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("a", placement="p"), namespace=namespace)
        found = await placed(client, namespace, "a")
    assert found[keys.CLUSTER_ANNOTATION] == clusters[2]


async def test_without_a_decision_it_says_what_keeps_each_cluster_off(
    client: Client, namespace: str, clusters: list[str], bound_set: str
) -> None:
    taints = [{"key": "upgrade", "effect": "NoSelect"}]
    await client.patch(MANAGED_CLUSTER, clusters[0], merge_patch({"spec": {"taints": taints}}))
    for name in clusters[1:]:
        patch = merge_patch({"metadata": {"labels": {"zone": "b"}}})
        await client.patch(MANAGED_CLUSTER, name, patch)
    zone = {"labelSelector": {"matchExpressions": [{"key": "zone", "operator": "DoesNotExist"}]}}
    async with running(client, add_evaluator, add_to):
        body = placement("p", predicates=[{"requiredClusterSelector": zone}])
        await client.create(PLACEMENT, body, namespace=namespace)
        await client.create(WORKFLOW, workflow("a", placement="p"), namespace=namespace)
        labels = "of 3 clusters in its sets 2: does not match spec.predicates[0] (labels)"
        text = await waits_because(client, namespace, "NoDecision", saying=labels)
    assert "1: taint upgrade:NoSelect is not tolerated" in text
