"""The sets that every hub has, and what sets and bindings say of themselves."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.api.kinds import MANAGED_CLUSTER, MANAGED_CLUSTER_SET, MANAGED_CLUSTER_SET_BINDING, Kind
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from placement.sets.decide import STANDARD
from placement.sets.wiring import add_to
from tests.eventually import eventually
from tests.integration.bodies import Body, cluster_set, managed_cluster, of, set_binding
from tests.integration.running import running


async def says(client: Client, kind: Kind, name: str, expected: tuple[str, ...], namespace: str = "") -> None:
    """Waits until the one condition of the object has this type, status, reason and message."""

    async def probe() -> bool:
        body = (await client.get(kind, name, namespace=namespace)).to_dict()
        found = [
            (item["type"], item["status"], item["reason"], item["message"])
            for item in body.get("status", {}).get("conditions", [])
        ]
        assert found == [expected]
        return True

    await eventually(probe, what=f"{kind} {name} says {expected}")


async def selector(client: Client, name: str) -> Any:
    found = await client.find(MANAGED_CLUSTER_SET, name)
    return found.to_dict()["spec"]["clusterSelector"] if found else None


async def is_standard(client: Client, name: str) -> None:
    async def probe() -> bool:
        return bool(await selector(client, name) == STANDARD[name]["clusterSelector"])

    await eventually(probe, what=f"set {name} as every hub has it")


@pytest.mark.parametrize("name", ["default", "global"])
async def test_the_standard_sets_are_made_and_kept(client: Client, name: str) -> None:
    async with running(client, add_to):
        await is_standard(client, name)
        await client.delete(MANAGED_CLUSTER_SET, name)
        await is_standard(client, name)
        other = {"selectorType": "LabelSelector", "labelSelector": {"matchLabels": {"a": "b"}}}
        await client.patch(MANAGED_CLUSTER_SET, name, merge_patch({"spec": {"clusterSelector": other}}))
        await is_standard(client, name)


async def test_a_set_counts_its_clusters(client: Client, namespace: str) -> None:
    await client.create(MANAGED_CLUSTER_SET, cluster_set(namespace, test=namespace))
    async with running(client, add_to):
        empty = ("ClusterSetEmpty", "True", "NoClusterMatched", "No ManagedCluster selected")
        await says(client, MANAGED_CLUSTER_SET, namespace, empty)
        for number in (1, 2):
            await client.create(MANAGED_CLUSTER, managed_cluster(f"{namespace}-{number}", test=namespace))
        full = ("ClusterSetEmpty", "False", "ClustersSelected", "2 ManagedClusters selected")
        await says(client, MANAGED_CLUSTER_SET, namespace, full)
        for number in (1, 2):
            await client.delete(MANAGED_CLUSTER, f"{namespace}-{number}")
        await says(client, MANAGED_CLUSTER_SET, namespace, empty)
    await client.delete(MANAGED_CLUSTER_SET, namespace)


async def test_a_set_whose_selector_means_nothing_says_so(client: Client, namespace: str) -> None:
    body: Body = of(MANAGED_CLUSTER_SET, namespace)
    expressions = [{"key": "a", "operator": "Near"}]
    body["spec"] = {
        "clusterSelector": {
            "selectorType": "LabelSelector",
            "labelSelector": {"matchExpressions": expressions},
        }
    }
    await client.create(MANAGED_CLUSTER_SET, body)
    words = (
        f"ManagedClusterSet {namespace}: spec.clusterSelector.labelSelector.matchExpressions[0]: "
        "operator 'Near' is not In, NotIn, Exists or DoesNotExist"
    )
    async with running(client, add_to):
        await says(
            client, MANAGED_CLUSTER_SET, namespace, ("ClusterSetEmpty", "Unknown", "InvalidSelector", words)
        )
    await client.delete(MANAGED_CLUSTER_SET, namespace)


async def test_a_binding_says_whether_its_set_is_there(client: Client, namespace: str) -> None:
    await client.create(MANAGED_CLUSTER_SET_BINDING, set_binding(namespace), namespace=namespace)
    async with running(client, add_to):
        lost = ("Bound", "False", "ClusterSetNotFound", "")
        await says(client, MANAGED_CLUSTER_SET_BINDING, namespace, lost, namespace)
        await client.create(MANAGED_CLUSTER_SET, cluster_set(namespace, test=namespace))
        bound = ("Bound", "True", "ClusterSetBound", "")
        await says(client, MANAGED_CLUSTER_SET_BINDING, namespace, bound, namespace)
        await client.delete(MANAGED_CLUSTER_SET, namespace)
        await says(client, MANAGED_CLUSTER_SET_BINDING, namespace, lost, namespace)
