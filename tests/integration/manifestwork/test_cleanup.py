"""What a deleted Workflow leaves behind: nothing, and it stays until that is so."""

from __future__ import annotations

import pytest

from controllers.api import keys
from controllers.api.kinds import MANAGED_CLUSTER, MANIFEST_WORK, WORKFLOW
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from manifestwork.build import manifest_work
from manifestwork.wiring import add_to
from tests.eventually import eventually
from tests.integration.bodies import of, workflow
from tests.integration.played_agent import PlayedAgent
from tests.integration.running import running
from tests.integration.told import event, waits_because


async def gone(client: Client, namespace: str, name: str = "a") -> None:
    async def so() -> bool:
        return await client.find(WORKFLOW, name, namespace=namespace) is None

    await eventually(so, within=15, what=f"Workflow {name} gone")


async def deleting(client: Client, work: Object) -> None:
    async def so() -> bool:
        found = await client.get(MANIFEST_WORK, work.metadata.name, namespace=work.metadata.namespace)
        return found.metadata.deletion_timestamp is not None

    await eventually(so, what="ManifestWork being deleted")


async def take_by_force(client: Client, namespace: str, name: str = "a") -> None:
    """Deletes a Workflow although it has a finalizer, as a person in a hurry does."""
    await client.delete(WORKFLOW, name, namespace=namespace)
    free = merge_patch({"metadata": {"finalizers": None}})
    await client.patch(WORKFLOW, name, free, namespace=namespace)


async def test_a_workflow_stays_until_its_copy_is_gone(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    agent = PlayedAgent(client, clusters[0])
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("a", cluster=clusters[0]), namespace=namespace)
        work = await agent.claim(await agent.work())
        await client.delete(WORKFLOW, "a", namespace=namespace)
        await deleting(client, work)
        found = await client.get(WORKFLOW, "a", namespace=namespace)
        assert keys.CLEANUP_FINALIZER in found.metadata.finalizers
        await agent.let_go(work)
        await gone(client, namespace)
        assert await agent.works() == []


async def test_what_holds_the_deletion_up_on_the_cluster_is_told(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    agent = PlayedAgent(client, clusters[0])

    async def says(work: Object, text: str) -> None:
        condition = {
            "type": "Deleting",
            "status": "True",
            "reason": "WorkDeleting",
            "message": f"ManifestWork is being deleted{text}",
            "lastTransitionTime": "2026-11-28T09:00:00Z",
        }
        await client.patch(
            MANIFEST_WORK,
            work.metadata.name,
            merge_patch({"status": {"conditions": [condition]}}),
            namespace=clusters[0],
            subresource="status",
        )

    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("a", cluster=clusters[0]), namespace=namespace)
        work = await agent.claim(await agent.work())
        await client.delete(WORKFLOW, "a", namespace=namespace)
        await deleting(client, work)
        await says(work, "")
        for holder in ("example.com/hold", "example.com/another"):
            text = f"Workflow {namespace}/a is held by finalizer {holder}"
            await says(work, f": {text}")
            told = await waits_because(client, namespace, "DeletionHeld", saying=holder)
            assert told == f"DeletionHeld: cluster {clusters[0]} has not removed it yet: {text}"
            if holder == "example.com/hold":
                assert (await event(client, namespace, "NotDeleted"))["message"] == told
        await agent.let_go(work)
        await gone(client, namespace)


async def test_a_workflow_with_other_finalizers_keeps_those(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    body = workflow("a", cluster=clusters[0])
    body["metadata"]["finalizers"] = ["example.com/other"]
    async with running(client, add_to):
        await client.create(WORKFLOW, body, namespace=namespace)
        await PlayedAgent(client, clusters[0]).work()
        await client.delete(WORKFLOW, "a", namespace=namespace)

        async def only_the_other() -> bool:
            found = await client.get(WORKFLOW, "a", namespace=namespace)
            return found.metadata.finalizers == ["example.com/other"]

        await eventually(only_the_other)
        assert await PlayedAgent(client, clusters[0]).works() == []


async def test_a_finished_workflow_is_cleaned_up_too(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    agent = PlayedAgent(client, clusters[0])
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("a", cluster=clusters[0]), namespace=namespace)
        work = await agent.claim(await agent.work())
        done = merge_patch({"metadata": {"labels": {keys.COMPLETED_LABEL: "true"}}})
        await client.patch(WORKFLOW, "a", done, namespace=namespace)
        await client.delete(WORKFLOW, "a", namespace=namespace)
        await deleting(client, work)
        await agent.let_go(work)
        await gone(client, namespace)


async def test_a_workflow_deleted_while_the_controllers_were_away_is_cleaned_up(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    agent = PlayedAgent(client, clusters[0])
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("a", cluster=clusters[0]), namespace=namespace)
        work = await agent.claim(await agent.work())
    await client.delete(WORKFLOW, "a", namespace=namespace)
    async with running(client, add_to):
        await deleting(client, work)
        await agent.let_go(work)
        await gone(client, namespace)


async def test_a_cluster_that_left_is_not_waited_for(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    agent = PlayedAgent(client, clusters[0])
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("a", cluster=clusters[0]), namespace=namespace)
        work = await agent.claim(await agent.work())
        await client.delete(WORKFLOW, "a", namespace=namespace)
        await deleting(client, work)
        await client.delete(MANAGED_CLUSTER, clusters[0])
        await gone(client, namespace)


async def test_a_workflow_made_anew_under_its_name_waits_for_its_predecessors_copy(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    """Also when a person took the finalizer away: two copies of one name must not meet on the cluster."""
    agent = PlayedAgent(client, clusters[0])
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("a", cluster=clusters[0]), namespace=namespace)
        first = await agent.claim(await agent.work())
        await take_by_force(client, namespace)
        second = await client.create(WORKFLOW, workflow("a", cluster=clusters[0]), namespace=namespace)
        await deleting(client, first)
        assert [work.metadata.uid for work in await agent.works()] == [first.metadata.uid]
        await agent.let_go(first)

        async def delivered() -> bool:
            found = await agent.works()
            return [work.metadata.name for work in found] == [f"a-{second.metadata.uid[:5]}"]

        await eventually(delivered)


async def test_works_of_workflows_that_a_restored_hub_does_not_have_are_removed(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    agent, other = PlayedAgent(client, clusters[0]), PlayedAgent(client, clusters[1])
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("lost", cluster=clusters[0]), namespace=namespace)
        await client.create(WORKFLOW, workflow("kept", cluster=clusters[1]), namespace=namespace)
        work = await agent.claim(await agent.work())
        kept = await other.work()
    await take_by_force(client, namespace, "lost")
    async with running(client, add_to):
        await deleting(client, work)
        assert [item.to_dict() for item in await other.works()] == [kept.to_dict()]
    await agent.let_go(work)


async def test_a_work_of_an_earlier_workflow_is_replaced(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    """It was left by a Workflow of the same name and another uid while no controller ran."""
    earlier = await client.create(WORKFLOW, workflow("a", cluster=clusters[0]), namespace=namespace)
    body = manifest_work(earlier.to_dict(), earlier.metadata, clusters[0])
    left = await client.create(MANIFEST_WORK, body, namespace=clusters[0])
    await client.delete(WORKFLOW, "a", namespace=namespace)
    later = await client.create(WORKFLOW, workflow("a", cluster=clusters[0]), namespace=namespace)
    agent = PlayedAgent(client, clusters[0])
    async with running(client, add_to):

        async def replaced() -> bool:
            (found,) = await agent.works() or [left]
            return found.metadata.annotations[keys.HUB_UID_ANNOTATION] == later.metadata.uid

        await eventually(replaced)


async def test_a_stranger_that_bears_the_works_name_is_left_alone(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    async with running(client, add_to):
        stranger = of(MANIFEST_WORK, "a-12345", spec={"workload": {"manifests": []}})
        made = await client.create(MANIFEST_WORK, stranger, namespace=clusters[0])
        await client.create(WORKFLOW, workflow("a", cluster=clusters[1]), namespace=namespace)
        await PlayedAgent(client, clusters[1]).work()
        await client.delete(WORKFLOW, "a", namespace=namespace)
        await gone(client, namespace)
    (found,) = await PlayedAgent(client, clusters[0]).works()
    assert found.to_dict() == made.to_dict()


@pytest.mark.parametrize("stripped", [["labels"], ["labels", "annotations"]])
async def test_a_work_of_the_reference_implementation_is_adopted_and_cleaned_up(
    client: Client, namespace: str, clusters: list[str], stripped: list[str]
) -> None:
    created = await client.create(WORKFLOW, workflow("a", cluster=clusters[0]), namespace=namespace)
    body = manifest_work(created.to_dict(), created.metadata, clusters[0])
    for field in stripped:
        del body["metadata"][field]
    agent = PlayedAgent(client, clusters[0])
    work = await agent.claim(await client.create(MANIFEST_WORK, body, namespace=clusters[0]))
    async with running(client, add_to):

        async def adopted() -> bool:
            (found,) = await agent.works()
            return found.metadata.labels.get(keys.ENABLE_LABEL) == "true"

        await eventually(adopted)
        await client.delete(WORKFLOW, "a", namespace=namespace)
        await deleting(client, work)
        await agent.let_go(work)
        await gone(client, namespace)
