"""What the user of a hub namespace reaches: clusters of the sets bound to it, and its own namespace there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controllers.api import keys
from controllers.api.kinds import (
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET,
    MANAGED_CLUSTER_SET_BINDING,
    MANIFEST_WORK,
    NAMESPACE,
    WORKFLOW,
)
from controllers.kube.client import Client
from controllers.kube.errors import Forbidden
from controllers.kube.patch import merge_patch
from manifestwork.wiring import add_to
from tests.integration.bodies import cluster_set, set_binding, workflow
from tests.integration.played_agent import PlayedAgent
from tests.integration.running import running
from tests.integration.told import event, waits_because, waits_no_more
from tests.integration.trust.identities import tenant


@pytest.fixture
async def user(client: Client, kubeconfig: Path, namespace: str, tmp_path: Path) -> AsyncIterator[Client]:
    async with tenant(client, kubeconfig, namespace, tmp_path) as connected:
        yield connected


async def allow(client: Client, namespace: str, allowed: str) -> None:
    patch = merge_patch({"metadata": {"annotations": {keys.ALLOWED_NAMESPACES_ANNOTATION: allowed}}})
    await client.patch(NAMESPACE, namespace, patch)


async def test_a_cluster_of_no_bound_set_is_out_of_reach_until_the_administrator_binds_one(
    client: Client, namespace: str, clusters: list[str], user: Client
) -> None:
    async with running(client, add_to):
        await user.create(WORKFLOW, workflow("a", cluster=clusters[0]), namespace=namespace)
        text = await waits_because(client, namespace, "ClusterNotBound")
        assert f"in no ManagedClusterSet that is bound to namespace {namespace}" in text
        assert (await event(user, namespace, "NotDispatched"))["message"] == text
        assert await PlayedAgent(client, clusters[0]).works() == []
        with pytest.raises(Forbidden):
            await user.create(MANAGED_CLUSTER_SET_BINDING, set_binding(namespace), namespace=namespace)
        # In either order: a binding of a set that is not there opens nothing.
        await client.create(MANAGED_CLUSTER_SET_BINDING, set_binding(namespace), namespace=namespace)
        await client.create(MANAGED_CLUSTER_SET, cluster_set(namespace, test=namespace))
        await PlayedAgent(client, clusters[0]).work()
        await waits_no_more(client, namespace)
    await client.delete(MANAGED_CLUSTER_SET, namespace)


async def test_a_cluster_that_leaves_the_set_keeps_what_it_has_and_gets_no_more(
    client: Client, namespace: str, clusters: list[str], user: Client, bound_set: str
) -> None:
    async with running(client, add_to):
        await user.create(WORKFLOW, workflow("a", cluster=clusters[0]), namespace=namespace)
        work = await PlayedAgent(client, clusters[0]).work()
        await client.delete(MANAGED_CLUSTER_SET_BINDING, bound_set, namespace=namespace)
        await user.create(WORKFLOW, workflow("b", cluster=clusters[0]), namespace=namespace)
        await waits_because(client, namespace, "ClusterNotBound", "b")
        assert [item.key for item in await PlayedAgent(client, clusters[0]).works()] == [work.key]


@pytest.mark.usefixtures("bound_set")
@pytest.mark.parametrize("allowed", ["team-b", "x, team-*", "*"])
async def test_another_namespace_on_the_cluster_takes_the_administrators_leave(
    client: Client, namespace: str, clusters: list[str], user: Client, allowed: str
) -> None:
    async with running(client, add_to):
        body = workflow("a", cluster=clusters[0], namespace="team-b")
        await user.create(WORKFLOW, body, namespace=namespace)
        text = await waits_because(client, namespace, "NamespaceNotAllowed")
        assert f"kubectl annotate namespace {namespace} {keys.ALLOWED_NAMESPACES_ANNOTATION}=team-b" in text
        assert await PlayedAgent(client, clusters[0]).works() == []
        with pytest.raises(Forbidden):
            await allow(user, namespace, allowed)
        await allow(client, namespace, "team-bb,team")
        await allow(client, namespace, allowed)
        work = await PlayedAgent(client, clusters[0]).work()
    (copy,) = work.to_dict()["spec"]["workload"]["manifests"]
    assert copy["metadata"]["namespace"] == "team-b"


@pytest.mark.usefixtures("bound_set")
async def test_its_own_namespace_takes_no_leave(
    client: Client, namespace: str, clusters: list[str], user: Client
) -> None:
    async with running(client, add_to):
        body = workflow("a", cluster=clusters[0], namespace=namespace)
        await user.create(WORKFLOW, body, namespace=namespace)
        await PlayedAgent(client, clusters[0]).work()


@pytest.mark.usefixtures("bound_set")
async def test_a_stamp_of_the_tenants_own_opens_nothing(
    client: Client, namespace: str, clusters: list[str], user: Client
) -> None:
    """That its Placement had chosen the cluster: a tenant may write that of its own Workflow."""
    outside = f"{namespace}-outside"
    await client.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": outside}})
    await client.create(
        MANAGED_CLUSTER_SET, cluster_set(outside, test=outside)
    )  # a set that nobody has bound to the namespace
    relabelled = merge_patch({"metadata": {"labels": {"test": outside}}})
    await client.patch(MANAGED_CLUSTER, clusters[2], relabelled)
    async with running(client, add_to):
        body = workflow("a")
        made = await user.create(WORKFLOW, body, namespace=namespace)
        said = {
            keys.CLUSTER_ANNOTATION: clusters[2],
            keys.PLACED_UID_ANNOTATION: made.metadata.uid,
            keys.CHOICE_ANNOTATION: "spread: the only cluster",
        }
        patch = merge_patch({"metadata": {"annotations": said, "finalizers": [keys.CLEANUP_FINALIZER]}})
        await user.patch(WORKFLOW, "a", patch, namespace=namespace)
        await waits_because(client, namespace, "ClusterNotBound")
    assert await PlayedAgent(client, clusters[2]).works() == []
    await client.delete(MANAGED_CLUSTER_SET, outside)


async def test_a_tenant_can_write_nothing_in_a_clusters_namespace(clusters: list[str], user: Client) -> None:
    with pytest.raises(Forbidden):
        await user.list(MANIFEST_WORK, namespace=clusters[0])
