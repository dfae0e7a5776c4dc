"""Two who write the same list: what one of them has not seen yet is not undone by what it writes."""

from __future__ import annotations

import asyncio

import pytest

from agent.registration import RegistrationReconciler
from controllers.api.cluster import AVAILABLE
from controllers.api.kinds import MANAGED_CLUSTER, MANAGED_CLUSTER_SET
from controllers.api.meta import timestamp
from controllers.kube.client import Client
from controllers.kube.errors import Conflict
from controllers.kube.patch import merge_patch
from controllers.runtime.cache import Store
from controllers.runtime.clock import now
from controllers.runtime.reconcile import Request
from placement.sets.decide import STANDARD
from placement.sets.reconcilers import SetReconciler
from tests.integration.bodies import managed_cluster


async def statuses(client: Client, cluster: str) -> dict[str, str]:
    """The conditions on the hub: type -> status."""
    body = (await client.get(MANAGED_CLUSTER, cluster)).to_dict()
    return {item["type"]: item["status"] for item in body["status"]["conditions"]}


async def test_the_agents_report_does_not_undo_a_condition_that_it_has_not_seen(
    client: Client, cluster: str
) -> None:
    """The hub's health controller writes the same list, and the agent's cache is always a little behind."""
    seen = Store()
    seen.apply(await client.create(MANAGED_CLUSTER, managed_cluster(cluster)))
    reconciler = RegistrationReconciler(
        client, client, cluster=seen, nodes=Store(), claims=Store(), pods=None
    )
    of_health = {
        "type": "HubAcceptedManagedCluster",
        "status": "True",
        "reason": "HubClusterAdminAccepted",
        "message": "",
        "lastTransitionTime": timestamp(now()),
    }
    patch = merge_patch({"status": {"conditions": [of_health]}})
    fresh = await client.patch(MANAGED_CLUSTER, cluster, patch, subresource="status")
    with pytest.raises(Conflict):
        await reconciler.reconcile(Request("", cluster))
    assert await statuses(client, cluster) == {"HubAcceptedManagedCluster": "True"}
    seen.apply(fresh)
    await reconciler.reconcile(Request("", cluster))
    found = await statuses(client, cluster)
    assert (found["HubAcceptedManagedCluster"], found[AVAILABLE]) == ("True", "True")


async def test_what_is_no_list_of_several_writers_is_reported_whatever_else_has_changed(
    client: Client, cluster: str
) -> None:
    """A busy hub does not keep an agent from saying how much room there is."""
    seen, nodes = Store(), Store()
    seen.apply(await client.create(MANAGED_CLUSTER, managed_cluster(cluster)))
    reconciler = RegistrationReconciler(client, client, cluster=seen, nodes=nodes, claims=Store(), pods=None)
    await reconciler.reconcile(Request("", cluster))
    seen.apply(await client.get(MANAGED_CLUSTER, cluster))
    lacking = merge_patch({"status": {"version": None}})
    seen.apply(await client.patch(MANAGED_CLUSTER, cluster, lacking, subresource="status"))
    await client.patch(MANAGED_CLUSTER, cluster, merge_patch({"metadata": {"labels": {"a": "b"}}}))
    await reconciler.reconcile(Request("", cluster))
    body = (await client.get(MANAGED_CLUSTER, cluster)).to_dict()
    assert body["status"]["version"]["kubernetes"].startswith("v1.")


async def test_a_standard_set_that_somebody_changes_meanwhile_is_not_half_restored(client: Client) -> None:
    """Its selector is put back in one step, onto what was seen of it."""
    name = "global"
    if await client.find(MANAGED_CLUSTER_SET, name) is None:
        body = {"metadata": {"name": name}, "spec": STANDARD[name]}
        await client.create(MANAGED_CLUSTER_SET, {"apiVersion": MANAGED_CLUSTER_SET.api_version,
                                                  "kind": MANAGED_CLUSTER_SET.kind, **body})  # fmt: skip
    seen = Store()
    by_label = {"selectorType": "LabelSelector", "labelSelector": {"matchLabels": {"a": "b"}}}
    changed = merge_patch({"spec": {"clusterSelector": by_label}})
    seen.apply(await client.patch(MANAGED_CLUSTER_SET, name, changed))
    exclusive = {"selectorType": "ExclusiveClusterSetLabel", "labelSelector": None}
    fresh = await client.patch(
        MANAGED_CLUSTER_SET, name, merge_patch({"spec": {"clusterSelector": exclusive}})
    )
    reconciler = SetReconciler(client, sets=seen, clusters=Store(), now=now)
    with pytest.raises(Conflict):
        await reconciler.reconcile(Request("", name))
    unchanged = (await client.get(MANAGED_CLUSTER_SET, name)).to_dict()["spec"]["clusterSelector"]
    assert unchanged == {"selectorType": "ExclusiveClusterSetLabel"}
    seen.apply(fresh)
    await asyncio.wait_for(reconciler.reconcile(Request("", name)), 30)
    restored = (await client.get(MANAGED_CLUSTER_SET, name)).to_dict()["spec"]["clusterSelector"]
    assert restored == STANDARD[name]["clusterSelector"]
