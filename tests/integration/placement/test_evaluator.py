"""The evaluator on a hub without Open Cluster Management: decisions, counts and conditions, kept up to date."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from controllers.api import keys
from controllers.api.kinds import (
    CRD,
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET,
    MANAGED_CLUSTER_SET_BINDING,
    PLACEMENT,
    PLACEMENT_DECISION,
    WORKFLOW,
)
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from placement.evaluator.wiring import add_to, is_wanted
from placement.wiring import add_to as add_placement
from tests.eventually import eventually
from tests.integration.bodies import (
    Body,
    cluster_set,
    decisions,
    managed_cluster,
    of,
    placement,
    set_binding,
    workflow,
)
from tests.integration.running import running


@pytest.fixture
async def bound_set(client: Client, namespace: str) -> AsyncIterator[str]:
    """A set of the clusters with the label `test=<namespace>`, bound to the namespace."""
    await client.create(MANAGED_CLUSTER_SET, cluster_set(namespace, test=namespace))
    await client.create(MANAGED_CLUSTER_SET_BINDING, set_binding(namespace), namespace=namespace)
    yield namespace
    await client.delete(MANAGED_CLUSTER_SET, namespace)


async def pages(client: Client, namespace: str, name: str = "p") -> list[Body]:
    selector = f"{keys.PLACEMENT_LABEL}={name}"
    found, _ = await client.list(PLACEMENT_DECISION, namespace=namespace, label_selector=selector)
    return [item.to_dict() for item in found]


async def decided(client: Client, namespace: str, name: str = "p") -> list[str]:
    found = await pages(client, namespace, name)
    return [item["clusterName"] for page in found for item in page.get("status", {}).get("decisions", [])]


async def decides(client: Client, namespace: str, expected: list[str], name: str = "p") -> None:
    async def so() -> bool:
        assert await decided(client, namespace, name) == expected
        return True

    await eventually(so, what=f"{name} selects {expected}")


async def status(client: Client, namespace: str, reason: str, name: str = "p") -> Body:
    """The Placement's status once PlacementSatisfied has this reason."""

    async def found() -> Body | None:
        body = (await client.get(PLACEMENT, name, namespace=namespace)).to_dict().get("status", {})
        given = {item["type"]: item["reason"] for item in body.get("conditions", [])}
        assert given.get("PlacementSatisfied") == reason
        return dict(body)

    return await eventually(found, what=reason)


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


async def test_the_sets_that_every_hub_has_are_made(client: Client, namespace: str) -> None:
    async with running(client, add_to):
        for name, kind in (("default", "ExclusiveClusterSetLabel"), ("global", "LabelSelector")):

            async def made(name: str = name) -> Body | None:
                found = await client.find(MANAGED_CLUSTER_SET, name)
                return found.to_dict() if found else None

            body = await eventually(made)
            assert body["spec"]["clusterSelector"]["selectorType"] == kind


async def test_an_evaluator_is_wanted_only_where_nobody_else_evaluates(client: Client) -> None:
    assert await is_wanted(client, "auto")
    group = "operator.open-cluster-management.io"
    names = {"plural": "clustermanagers", "kind": "ClusterManager", "singular": "clustermanager"}
    schema = {"openAPIV3Schema": {"type": "object"}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    spec = {"group": group, "scope": "Cluster", "names": names, "versions": [version]}
    await client.create(CRD, of(CRD, f"clustermanagers.{group}", spec=spec))
    try:

        async def unwanted() -> bool:
            return not await is_wanted(client, "auto")

        await eventually(unwanted)
        assert await is_wanted(client, "on")
    finally:
        await client.delete(CRD, f"clustermanagers.{group}")
    assert not await is_wanted(client, "off")

    async def wanted() -> bool:
        return await is_wanted(client, "auto")

    await eventually(wanted)
