"""Objects that an API server accepts though they make no sense: they stop neither a Placement nor a Workflow."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.api import keys
from controllers.api.kinds import ADDON_PLACEMENT_SCORE, MANAGED_CLUSTER, PLACEMENT, WORKFLOW
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from placement.evaluator.wiring import add_to as add_evaluator
from placement.wiring import add_to
from tests.eventually import eventually
from tests.integration.bodies import of, placement, workflow
from tests.integration.placement.deciding import decides
from tests.integration.running import running
from tests.integration.told import waits_because

YEAR_0 = "0000-01-01T00:00:00Z"


async def report(client: Client, cluster: str, **allocatable: str) -> None:
    status = {"allocatable": allocatable, "capacity": allocatable}
    await client.patch(MANAGED_CLUSTER, cluster, merge_patch({"status": status}), subresource="status")


async def test_odd_reports_of_a_cluster_leave_the_others_in_their_order(
    client: Client, namespace: str, clusters: list[str], bound_set: str
) -> None:
    first, second, third = clusters
    configurations = [
        {"scoreCoordinate": {"type": "BuiltIn", "builtIn": "ResourceAllocatableCPU"}},
        {"scoreCoordinate": {"type": "AddOn", "addOn": {"resourceName": "usage", "scoreName": "free"}}},
    ]
    await client.create(ADDON_PLACEMENT_SCORE, of(ADDON_PLACEMENT_SCORE, "usage"), namespace=first)
    scores = {"validUntil": YEAR_0, "scores": [{"name": "free", "value": 100}]}
    await client.patch(
        ADDON_PLACEMENT_SCORE,
        "usage",
        merge_patch({"status": scores}),
        namespace=first,
        subresource="status",
    )
    await report(client, first, cpu="1e400", memory="1e400")
    await report(client, second, cpu="2")
    await report(client, third, cpu="4")
    taints = [{"key": "slow", "effect": "NoSelect", "timeAdded": YEAR_0}]
    await client.patch(MANAGED_CLUSTER, second, merge_patch({"spec": {"taints": taints}}))
    tolerations = [{"key": "slow", "operator": "Exists", "tolerationSeconds": 3600}]
    policy = {"mode": "Exact", "configurations": configurations}
    body = placement("p", numberOfClusters=1, prioritizerPolicy=policy, tolerations=tolerations)
    async with running(client, add_evaluator):
        await client.create(PLACEMENT, body, namespace=namespace)
        await decides(client, namespace, [third])


@pytest.mark.parametrize(
    "template",
    [
        {"dag": [{"x": 1}]},
        {"container": {"image": "x", "resources": {"requests": "abc"}}},
        {"steps": "abc", "parallelism": True},
    ],
)
async def test_a_workflow_whose_templates_are_malformed_is_placed(
    client: Client, namespace: str, clusters: list[str], bound_set: str, template: dict[str, Any]
) -> None:
    for cluster in clusters:
        await report(client, cluster, **{f"{keys.FREE_PREFIX}cpu": "2", f"{keys.FREE_PREFIX}pods": "9"})
    await client.create(PLACEMENT, placement("p"), namespace=namespace)
    body = workflow("w", placement="p", spec={"templates": [{"name": "main", **template}]})
    async with running(client, add_evaluator, add_to):
        await client.create(WORKFLOW, body, namespace=namespace)

        async def placed() -> bool:
            found = await client.get(WORKFLOW, "w", namespace=namespace)
            return found.metadata.annotations.get(keys.CLUSTER_ANNOTATION) in clusters

        await eventually(placed, what="the malformed Workflow has a cluster")


@pytest.mark.parametrize("need", ["cpu=NaN", "cpu=1,cpu=2"])
async def test_a_need_that_means_nothing_is_told(
    client: Client, namespace: str, clusters: list[str], bound_set: str, need: str
) -> None:
    await client.create(PLACEMENT, placement("p"), namespace=namespace)
    body = workflow("w", placement="p")
    body["metadata"]["annotations"][keys.NEED_ANNOTATION] = need
    async with running(client, add_evaluator, add_to):
        await client.create(WORKFLOW, body, namespace=namespace)
        words = f"annotation {keys.NEED_ANNOTATION}: {need!r} is not none, or amounts such as"
        await waits_because(client, namespace, "BadSetting", "w", saying=words)
