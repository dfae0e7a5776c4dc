"""A cluster that leaves: what becomes of its works, its rights, its namespace."""

from __future__ import annotations

import asyncio
from pathlib import Path

from controllers.api.keys import CLUSTER_NAME_LABEL, MANIFEST_WORK_FINALIZER
from controllers.api.kinds import LEASE, MANAGED_CLUSTER, MANIFEST_WORK, NAMESPACE
from controllers.api.membership import membership
from controllers.kube.client import Client
from controllers.kube.errors import Forbidden
from controllers.kube.patch import merge_patch
from tests.eventually import eventually
from tests.integration.registration.joining import TRUSTED, connected, joined, registering
from tests.integration.told import event
from tests.joining import say_available

WORK = {
    "apiVersion": MANIFEST_WORK.api_version,
    "kind": MANIFEST_WORK.kind,
    "metadata": {"name": "w", "finalizers": [MANIFEST_WORK_FINALIZER]},
    "spec": {"workload": {"manifests": []}},
}


async def has_left(client: Client, cluster: str, *, but_for_its_namespace: bool = False) -> None:
    """Waits until nothing of it is left; its namespace is at least on its way out, unless it is to stay."""

    async def gone() -> bool:
        assert await client.find(MANAGED_CLUSTER, cluster) is None
        for item in membership(cluster):
            if item.kind == NAMESPACE and but_for_its_namespace:
                continue
            found = await client.find(item.kind, item.name, namespace=item.namespace)
            assert found is None or (item.kind == NAMESPACE and found.metadata.deletion_timestamp), item.name
        return True

    await eventually(gone, what=f"nothing left of {cluster}")


async def test_an_agent_that_lives_cleans_up_first_and_has_the_rights_to(
    client: Client, bootstrap: Path, cluster: str, tmp_path: Path
) -> None:
    async with registering(client, TRUSTED):
        await asyncio.wait_for(joined(bootstrap, cluster, tmp_path / "out"), 30)
        await say_available(client, cluster, "True")
        await client.create(LEASE, {"metadata": {"name": "managed-cluster-lease"}}, namespace=cluster)
        await client.create(MANIFEST_WORK, WORK, namespace=cluster)
        await client.delete(MANAGED_CLUSTER, cluster)

        async with connected(tmp_path / "out") as agent:

            async def told() -> bool:
                work = await agent.get(MANIFEST_WORK, "w", namespace=cluster)
                return work.metadata.deletion_timestamp is not None

            await eventually(told, what="the agent is told to clean up")
            assert await client.find(MANAGED_CLUSTER, cluster) is not None
            free = merge_patch({"metadata": {"finalizers": None}})
            await agent.patch(MANIFEST_WORK, "w", free, namespace=cluster)
        await has_left(client, cluster)
        assert await client.find(LEASE, "managed-cluster-lease", namespace=cluster) is None


async def test_a_dead_agent_is_not_waited_for_and_what_it_left_is_told(
    client: Client, bootstrap: Path, cluster: str, tmp_path: Path
) -> None:
    async with registering(client, TRUSTED):
        await asyncio.wait_for(joined(bootstrap, cluster, tmp_path / "out"), 30)
        await say_available(client, cluster, "Unknown")
        await client.create(MANIFEST_WORK, WORK, namespace=cluster)
        await client.delete(MANAGED_CLUSTER, cluster)
        await has_left(client, cluster)
        text = (await event(client, "default", "LeftBehind", cluster))["message"]
        assert text.endswith("what its 1 ManifestWorks have applied stays on it")


async def test_a_cluster_that_leaves_while_the_controllers_are_down_is_cleaned_up_after(
    client: Client, bootstrap: Path, cluster: str, tmp_path: Path
) -> None:
    async with registering(client, TRUSTED):
        await asyncio.wait_for(joined(bootstrap, cluster, tmp_path / "out"), 30)
    await client.delete(MANAGED_CLUSTER, cluster)
    assert (await client.get(MANAGED_CLUSTER, cluster)).metadata.deletion_timestamp is not None
    async with registering(client):
        await has_left(client, cluster)


async def test_a_namespace_that_was_given_to_the_cluster_stays(
    client: Client, bootstrap: Path, cluster: str, tmp_path: Path
) -> None:
    """It was there before, and an administrator has said whose it is to be."""
    labels = {"whose": "theirs", CLUSTER_NAME_LABEL: cluster}
    await client.create(NAMESPACE, {"metadata": {"name": cluster, "labels": labels}})
    async with registering(client, TRUSTED):
        await asyncio.wait_for(joined(bootstrap, cluster, tmp_path / "out"), 30)
        await client.delete(MANAGED_CLUSTER, cluster)
        await has_left(client, cluster, but_for_its_namespace=True)
    found = await client.get(NAMESPACE, cluster)
    assert found.metadata.deletion_timestamp is None
    assert {key: found.metadata.labels[key] for key in labels} == labels


async def test_a_cluster_that_comes_back_is_let_in_anew(
    client: Client, bootstrap: Path, cluster: str, tmp_path: Path
) -> None:
    async with registering(client, TRUSTED):
        await asyncio.wait_for(joined(bootstrap, cluster, tmp_path / "first"), 30)
        await client.delete(MANAGED_CLUSTER, cluster)
        await has_left(client, cluster)
        await asyncio.wait_for(joined(bootstrap, cluster, tmp_path / "second"), 60)
        async with connected(tmp_path / "second") as agent:

            async def may_again() -> bool:
                try:
                    await agent.list(MANIFEST_WORK, namespace=cluster)
                except Forbidden as error:  # the bindings are being made
                    raise AssertionError(error.message) from error
                return True

            await eventually(may_again, what="rights in the namespace that was made anew")
