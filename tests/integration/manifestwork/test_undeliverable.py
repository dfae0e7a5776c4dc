"""A Workflow that cannot be delivered says why, and goes on by itself once the reason is gone."""

from __future__ import annotations

import pytest

import manifestwork.dispatch
from controllers.api import keys
from controllers.api.kinds import MANAGED_CLUSTER, MANIFEST_WORK, NAMESPACE, WORKFLOW
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from manifestwork.build import manifest_work
from manifestwork.wiring import add_to
from tests.eventually import eventually
from tests.integration.bodies import managed_cluster, of, workflow
from tests.integration.played_agent import PlayedAgent
from tests.integration.running import running
from tests.integration.told import event, waits_because, waits_no_more


async def annotate_cluster(client: Client, namespace: str, cluster: str) -> None:
    patch = merge_patch({"metadata": {"annotations": {keys.CLUSTER_ANNOTATION: cluster}}})
    await client.patch(WORKFLOW, "a", patch, namespace=namespace)


async def test_a_cluster_that_is_not_there_is_waited_for(client: Client, namespace: str) -> None:
    """`namespace` is the future cluster's namespace, too."""
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("a", cluster=namespace), namespace=namespace)
        text = await waits_because(client, namespace, "ClusterNotFound")
        told = await event(client, namespace, "NotDispatched")
        assert told["type"] == "Warning"
        assert told["message"] == text
        assert f"no ManagedCluster {namespace}" in text
        found = await client.get(WORKFLOW, "a", namespace=namespace)
        assert found.metadata.finalizers == [], "nothing was sent, so nothing keeps it from being deleted"
        await client.create(MANAGED_CLUSTER, managed_cluster(namespace, test=namespace))
        await PlayedAgent(client, namespace).work()
        await waits_no_more(client, namespace)
    await client.delete(MANAGED_CLUSTER, namespace)


async def test_a_cluster_that_is_not_there_can_be_corrected(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("a", cluster="typo"), namespace=namespace)
        text = await waits_because(client, namespace, "ClusterNotFound")
        assert not any(name in text for name in clusters), "a tenant is not told which there are"
        await annotate_cluster(client, namespace, clusters[0])
        await PlayedAgent(client, clusters[0]).work()
        await waits_no_more(client, namespace)


async def test_a_cluster_without_namespace_on_the_hub_gets_its_work_once_it_has_one(
    client: Client, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifestwork.dispatch, "_NAMESPACE_RECHECK", 0.3)
    cluster = f"{namespace}-late"
    await client.create(MANAGED_CLUSTER, managed_cluster(cluster, test=namespace))
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("a", cluster=cluster), namespace=namespace)
        text = await waits_because(client, namespace, "ClusterNamespaceMissing")
        assert f"namespace {cluster} does not exist on the hub" in text
        await event(client, namespace, "NotDispatched")
        await client.create(NAMESPACE, of(NAMESPACE, cluster))
        await PlayedAgent(client, cluster).work()
        await waits_no_more(client, namespace)
    await client.delete(MANAGED_CLUSTER, cluster)


async def test_a_workflow_that_waits_for_a_namespace_can_be_deleted(client: Client, namespace: str) -> None:
    cluster = f"{namespace}-late"
    await client.create(MANAGED_CLUSTER, managed_cluster(cluster, test=namespace))
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("a", cluster=cluster), namespace=namespace)
        await waits_because(client, namespace, "ClusterNamespaceMissing")
        await client.delete(WORKFLOW, "a", namespace=namespace)
        await gone(client, namespace)
    await client.delete(MANAGED_CLUSTER, cluster)


async def gone(client: Client, namespace: str) -> None:
    async def so() -> bool:
        return await client.find(WORKFLOW, "a", namespace=namespace) is None

    await eventually(so)


@pytest.mark.parametrize("length", [64, 200, 253])
async def test_a_name_that_is_too_long_is_refused_before_anything_is_sent(
    client: Client, namespace: str, clusters: list[str], length: int
) -> None:
    name = "a" * length
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow(name, cluster=clusters[0]), namespace=namespace)
        text = await waits_because(client, namespace, "NameTooLong", name)
        assert f"the name has {length} characters" in text
        await event(client, namespace, "NotDispatched", name)
        await client.delete(WORKFLOW, name, namespace=namespace)
        assert await client.find(WORKFLOW, name, namespace=namespace) is None
    assert await PlayedAgent(client, clusters[0]).works() == []


async def test_a_name_of_63_characters_passes(client: Client, namespace: str, clusters: list[str]) -> None:
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("a" * 63, cluster=clusters[0]), namespace=namespace)
        work = await PlayedAgent(client, clusters[0]).work()
    assert work.metadata.name.startswith("a" * 63 + "-")


async def test_a_workflow_that_is_too_large_for_a_manifestwork_is_told_how_large_it_may_be(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    body = workflow("a", cluster=clusters[0], spec={"x": "x" * 600_000})
    async with running(client, add_to):
        await client.create(WORKFLOW, body, namespace=namespace)
        text = await waits_because(client, namespace, "TooLarge")
        assert "it has 586 KiB without its status, and at most 500 KiB can be sent to a cluster" in text
        told = await event(client, namespace, "NotDispatched")
        assert told["message"] == text
    assert await PlayedAgent(client, clusters[0]).works() == []


async def test_a_workflow_that_was_sent_does_not_move(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("a", cluster=clusters[0]), namespace=namespace)
        work = await PlayedAgent(client, clusters[0]).work()
        await annotate_cluster(client, namespace, clusters[1])
        told = await event(client, namespace, "NotMoved")
        assert told["message"].startswith(
            f"it was sent to cluster {clusters[0]} already and cannot move to {clusters[1]}"
        )
        await is_on(client, namespace, clusters[0])
        assert await PlayedAgent(client, clusters[1]).works() == []
    assert [item.to_dict() for item in await PlayedAgent(client, clusters[0]).works()] == [work.to_dict()]


async def is_on(client: Client, namespace: str, cluster: str) -> None:
    """The annotation names this cluster, again."""

    async def so() -> bool:
        found = await client.get(WORKFLOW, "a", namespace=namespace)
        return found.metadata.annotations.get(keys.CLUSTER_ANNOTATION) == cluster

    await eventually(so, what=f"a is on {cluster}")


async def test_a_work_that_belongs_to_somebody_else_is_not_touched(
    client: Client, namespace: str, clusters: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifestwork.dispatch, "_NAMESPACE_RECHECK", 0.3)
    created = await client.create(WORKFLOW, workflow("a", cluster=clusters[0]), namespace=namespace)
    body = manifest_work(created.to_dict(), created.metadata, clusters[0])
    del body["metadata"]["labels"]
    body["metadata"]["annotations"] = {keys.HUB_UID_ANNOTATION: "another", keys.HUB_NAMESPACE_ANNOTATION: "x"}
    theirs = await client.create(MANIFEST_WORK, body, namespace=clusters[0])
    agent = PlayedAgent(client, clusters[0])
    async with running(client, add_to):
        text = await waits_because(client, namespace, "ManifestWorkExists")
        assert theirs.metadata.name in text
        await event(client, namespace, "NotDispatched")
        assert [item.to_dict() for item in await agent.works()] == [theirs.to_dict()]
        await client.delete(MANIFEST_WORK, theirs.metadata.name, namespace=clusters[0])
        await waits_no_more(client, namespace)
        (ours,) = await agent.works()
        assert ours.metadata.annotations[keys.HUB_UID_ANNOTATION] == created.metadata.uid
