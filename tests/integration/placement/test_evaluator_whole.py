"""All that a Placement may ask for, decided from live objects."""

from __future__ import annotations

import datetime
from typing import Any

from controllers.api import keys
from controllers.api.kinds import ADDON_PLACEMENT_SCORE, MANAGED_CLUSTER, PLACEMENT
from controllers.api.meta import timestamp
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from placement.evaluator.wiring import add_to
from tests.integration.bodies import Body, of, placement
from tests.integration.placement.deciding import decides, pages, status
from tests.integration.running import running
from tests.unit.expressions.attacks import doubling


async def taint(client: Client, cluster: str, *taints: Body) -> None:
    await client.patch(MANAGED_CLUSTER, cluster, merge_patch({"spec": {"taints": list(taints)}}))


async def report(client: Client, cluster: str, **fields: Any) -> None:
    await client.patch(MANAGED_CLUSTER, cluster, merge_patch({"status": fields}), subresource="status")


async def test_taints_keep_off_and_tolerations_let_in(
    client: Client, namespace: str, clusters: list[str], bound_set: str
) -> None:
    first, second, third = clusters
    async with running(client, add_to):
        await client.create(PLACEMENT, placement("p"), namespace=namespace)
        tolerant = [{"key": "gpu", "operator": "Exists"}]
        await client.create(PLACEMENT, placement("q", tolerations=tolerant), namespace=namespace)
        await decides(client, namespace, clusters)
        await taint(client, first, {"key": "gpu", "effect": "NoSelect"})
        await taint(client, second, {"key": "drain", "effect": "NoSelectIfNew"})
        await decides(client, namespace, [second, third])
        await decides(client, namespace, clusters, "q")
        await client.create(PLACEMENT, placement("new"), namespace=namespace)
        await decides(client, namespace, [third], "new")
        await taint(client, first)
        await decides(client, namespace, clusters)


async def test_a_toleration_runs_out_by_itself(
    client: Client, namespace: str, clusters: list[str], bound_set: str
) -> None:
    first, *others = clusters
    added = timestamp(datetime.datetime.now(datetime.UTC))
    tolerant = [{"key": "slow", "operator": "Exists", "tolerationSeconds": 8}]
    async with running(client, add_to):
        await taint(client, first, {"key": "slow", "effect": "NoSelect", "timeAdded": added})
        await client.create(PLACEMENT, placement("p", tolerations=tolerant), namespace=namespace)
        await decides(client, namespace, clusters)
        await decides(client, namespace, others)


async def test_resources_and_scores_of_add_ons_order_clusters(
    client: Client, namespace: str, clusters: list[str], bound_set: str
) -> None:
    first, second, third = clusters
    by_cpu = {"scoreCoordinate": {"type": "BuiltIn", "builtIn": "ResourceAllocatableCPU"}}
    by_usage = {"scoreCoordinate": {"type": "AddOn", "addOn": {"resourceName": "usage", "scoreName": "free"}}}
    async with running(client, add_to):
        for name, configuration in (("cpu", by_cpu), ("usage", by_usage)):
            policy = {"mode": "Exact", "configurations": [configuration]}
            body = placement(name, numberOfClusters=1, prioritizerPolicy=policy)
            await client.create(PLACEMENT, body, namespace=namespace)
            await decides(client, namespace, [first], name)
        for cluster, cpu in ((first, "1"), (second, "4"), (third, "2500m")):
            await report(client, cluster, allocatable={"cpu": cpu}, capacity={"cpu": "8"})
        await decides(client, namespace, [second], "cpu")
        await client.create(ADDON_PLACEMENT_SCORE, of(ADDON_PLACEMENT_SCORE, "usage"), namespace=third)
        scores = {"status": {"scores": [{"name": "free", "value": 40}]}}
        await client.patch(
            ADDON_PLACEMENT_SCORE, "usage", merge_patch(scores), namespace=third, subresource="status"
        )
        await decides(client, namespace, [third], "usage")
        soon = timestamp(datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=2))
        expiry = {"status": {"validUntil": soon}}
        await client.patch(
            ADDON_PLACEMENT_SCORE, "usage", merge_patch(expiry), namespace=third, subresource="status"
        )
        await decides(client, namespace, [first], "usage")


async def test_cel_reads_any_part_of_a_cluster(
    client: Client, namespace: str, clusters: list[str], bound_set: str
) -> None:
    text = "semver(managedCluster.status.version.kubernetes, true).isGreaterThan(semver('1.30.0'))"
    predicate = {"requiredClusterSelector": {"celSelector": {"celExpressions": [text]}}}
    async with running(client, add_to):
        await client.create(PLACEMENT, placement("p", predicates=[predicate]), namespace=namespace)
        await status(client, namespace, "NoManagedClusterMatched")
        await report(client, clusters[1], version={"kubernetes": "v1.31.4"})
        await report(client, clusters[2], version={"kubernetes": "v1.29.9"})
        await decides(client, namespace, [clusters[1]])


async def test_bad_cel_is_named_and_the_last_good_decision_stays(
    client: Client, namespace: str, clusters: list[str], bound_set: str
) -> None:
    async with running(client, add_to):
        await client.create(PLACEMENT, placement("p", numberOfClusters=2), namespace=namespace)
        await decides(client, namespace, clusters[:2])
        bad = {"requiredClusterSelector": {"celSelector": {"celExpressions": ["managedCluster."]}}}
        await client.patch(PLACEMENT, "p", merge_patch({"spec": {"predicates": [bad]}}), namespace=namespace)
        found = await status(client, namespace, "NotAllDecisionsScheduled")
        said = next(item for item in found["conditions"] if item["type"] == "PlacementMisconfigured")
        assert (said["status"], said["reason"]) == ("True", "Misconfigured")
        assert said["message"].startswith(
            "spec.predicates[0].requiredClusterSelector.celSelector.celExpressions[0]: "
        )
        await decides(client, namespace, clusters[:2])


async def test_an_attack_by_cel_costs_only_its_own_placement(
    client: Client, namespace: str, clusters: list[str], bound_set: str
) -> None:
    async with running(client, add_to):
        for name, text in (("attack", doubling(28)), ("p", "managedCluster.metadata.name != ''")):
            predicate = {"requiredClusterSelector": {"celSelector": {"celExpressions": [text]}}}
            await client.create(PLACEMENT, placement(name, predicates=[predicate]), namespace=namespace)
        await decides(client, namespace, clusters)
        found = await status(client, namespace, "NotAllDecisionsScheduled", "attack")
        said = next(item for item in found["conditions"] if item["type"] == "PlacementMisconfigured")
        assert said["status"] == "True"
        assert said["message"] == (
            "spec.predicates[0].requiredClusterSelector.celSelector.celExpressions[0]: "
            "took more than 64 MB of memory: make the expression cheaper"
        )
        # A cluster that comes later is seen by the other one as ever.
        await client.delete(MANAGED_CLUSTER, clusters[1])
        await decides(client, namespace, [clusters[0], clusters[2]])


async def test_groups_are_labelled_and_counted(
    client: Client, namespace: str, clusters: list[str], bound_set: str
) -> None:
    first, second, third = clusters
    await client.patch(MANAGED_CLUSTER, second, merge_patch({"metadata": {"labels": {"stage": "canary"}}}))
    selector = {"labelSelector": {"matchLabels": {"stage": "canary"}}}
    groups = [{"groupName": "canary", "groupClusterSelector": selector}]
    strategy = {"groupStrategy": {"decisionGroups": groups, "clustersPerDecisionGroup": 1}}
    async with running(client, add_to):
        await client.create(PLACEMENT, placement("p", decisionStrategy=strategy), namespace=namespace)
        found = await status(client, namespace, "AllDecisionsScheduled")
        made = sorted(await pages(client, namespace), key=lambda page: str(page["metadata"]["name"]))
        assert [
            (
                page["metadata"]["name"],
                page["metadata"]["labels"][keys.DECISION_GROUP_NAME_LABEL],
                page["metadata"]["labels"][keys.DECISION_GROUP_INDEX_LABEL],
                [item["clusterName"] for item in page["status"]["decisions"]],
            )
            for page in made
        ] == [
            ("p-decision-1", "canary", "0", [second]),
            ("p-decision-2", "", "1", [first]),
            ("p-decision-3", "", "2", [third]),
        ]
        assert [
            (item["decisionGroupIndex"], item["decisionGroupName"], item["decisions"], item["clusterCount"])
            for item in found["decisionGroups"]
        ] == [
            (0, "canary", ["p-decision-1"], 1),
            (1, "", ["p-decision-2"], 1),
            (2, "", ["p-decision-3"], 1),
        ]
        assert found["numberOfSelectedClusters"] == 3


async def test_two_groups_swap_their_clusters(
    client: Client, namespace: str, clusters: list[str], bound_set: str
) -> None:
    first, second, third = clusters
    await client.patch(MANAGED_CLUSTER, first, merge_patch({"metadata": {"labels": {"tier": "one"}}}))
    await client.patch(MANAGED_CLUSTER, second, merge_patch({"metadata": {"labels": {"tier": "two"}}}))

    def strategy(tier: str) -> Body:
        selector = {"labelSelector": {"matchLabels": {"tier": tier}}}
        return {
            "groupStrategy": {"decisionGroups": [{"groupName": "first", "groupClusterSelector": selector}]}
        }

    async with running(client, add_to):
        await client.create(PLACEMENT, placement("p", decisionStrategy=strategy("one")), namespace=namespace)
        await decides(client, namespace, [first, second, third])
        swapped = merge_patch({"spec": {"decisionStrategy": strategy("two")}})
        await client.patch(PLACEMENT, "p", swapped, namespace=namespace)
        await decides(client, namespace, [second, first, third])


async def test_clusters_are_spread_over_zones(
    client: Client, namespace: str, clusters: list[str], bound_set: str
) -> None:
    for cluster, zone in zip(clusters, ("north", "north", "south"), strict=True):
        await client.patch(MANAGED_CLUSTER, cluster, merge_patch({"metadata": {"labels": {"zone": zone}}}))
    constraint = {"topologyKey": "zone", "topologyKeyType": "Label"}
    body = placement("p", numberOfClusters=2, spreadPolicy={"spreadConstraints": [constraint]})
    async with running(client, add_to):
        await client.create(PLACEMENT, body, namespace=namespace)
        await decides(client, namespace, [clusters[0], clusters[2]])
