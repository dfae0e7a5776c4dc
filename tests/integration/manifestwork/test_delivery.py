"""A placed Workflow becomes exactly one ManifestWork, whatever happened before."""

from __future__ import annotations

import asyncio

import pytest

from controllers.api import keys
from controllers.api.kinds import MANIFEST_WORK, WORKFLOW
from controllers.hub import WORKFLOWS
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from controllers.runtime.cache import Change
from controllers.runtime.controller import Controller
from controllers.runtime.events import Recorder
from controllers.runtime.informers import Informers
from controllers.runtime.manager import Manager
from manifestwork.build import manifest_work
from manifestwork.wiring import add_to
from tests.eventually import eventually
from tests.integration.bodies import workflow
from tests.integration.manifestwork.conftest import allow_namespaces
from tests.integration.played_agent import PlayedAgent
from tests.integration.running import running
from tests.integration.told import event, waiting


async def test_a_placed_workflow_is_delivered_once_and_says_so(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    agent = PlayedAgent(client, clusters[0])
    await allow_namespaces(client, namespace, "team")
    async with running(client, add_to):
        body = workflow("a", cluster=clusters[0], namespace="team")
        created = await client.create(WORKFLOW, body, namespace=namespace)
        work = await agent.work()
        told = await event(client, namespace, "Dispatched")
    assert work.metadata.name == f"a-{created.metadata.uid[:5]}"
    assert clusters[0] in told["message"]
    assert work.metadata.name in told["message"]
    (copy,) = work.to_dict()["spec"]["workload"]["manifests"]
    assert (copy["metadata"]["name"], copy["metadata"]["namespace"]) == ("a", "team")
    assert copy["metadata"]["labels"] == {keys.ENABLE_LABEL: "false"}
    assert copy["metadata"]["annotations"][keys.HUB_NAMESPACE_ANNOTATION] == namespace
    assert copy["metadata"]["annotations"][keys.HUB_NAME_ANNOTATION] == "a"
    assert copy["spec"] == body["spec"]
    assert "status" not in copy


async def test_the_finalizer_is_there_before_the_manifestwork(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    guarded: list[int] = []

    def watch_finalizers(
        manager: Manager, client: Client, informers: Informers, recorder: Recorder
    ) -> Controller:
        def look(change: Change) -> None:
            if keys.CLEANUP_FINALIZER in change.object.metadata.finalizers:
                guarded.append(int(change.object.metadata.resource_version))

        informers.of(WORKFLOWS).add_handler(look)
        return add_to(manager, client, informers, recorder)

    async with running(client, watch_finalizers):
        await client.create(WORKFLOW, workflow("a", cluster=clusters[0]), namespace=namespace)
        work = await PlayedAgent(client, clusters[0]).work()
        await eventually(lambda: guarded)
    assert guarded[0] < int(work.metadata.resource_version)


async def test_changes_of_a_workflow_make_no_second_work(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    agent = PlayedAgent(client, clusters[0])
    async with running(client, add_to) as manager:
        await client.create(WORKFLOW, workflow("a", cluster=clusters[0]), namespace=namespace)
        work = await agent.work()
        for number in range(20):
            patch = merge_patch({"metadata": {"labels": {"n": str(number)}}, "status": {"phase": "Running"}})
            await client.patch(WORKFLOW, "a", patch, namespace=namespace)
        manager.stop()
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("b", cluster=clusters[1]), namespace=namespace)
        await PlayedAgent(client, clusters[1]).work()
    assert [item.raw for item in await agent.works()] == [work.raw]


async def test_thirty_workflows_at_once_are_delivered_once_each(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    names = [f"w{number:02}" for number in range(30)]
    async with running(client, add_to):
        bodies = [workflow(name, cluster=clusters[0]) for name in names]
        await asyncio.gather(*(client.create(WORKFLOW, body, namespace=namespace) for body in bodies))

        async def all_there() -> list[str] | None:
            found = [
                item.metadata.name.rpartition("-")[0]
                for item in await PlayedAgent(client, clusters[0]).works()
            ]
            return sorted(found) if len(found) >= len(names) else None

        assert await eventually(all_there) == names


async def test_a_crash_between_finalizer_and_work_is_made_good(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    body = workflow("a", cluster=clusters[0])
    body["metadata"]["finalizers"] = [keys.CLEANUP_FINALIZER]
    await client.create(WORKFLOW, body, namespace=namespace)
    async with running(client, add_to):
        await PlayedAgent(client, clusters[0]).work()


@pytest.mark.parametrize("annotated", [True, False])
async def test_a_work_that_is_there_already_is_taken_for_its_own(
    client: Client, namespace: str, clusters: list[str], *, annotated: bool
) -> None:
    """From before a crash; or from the reference implementation, which knows neither our label nor the uid."""
    created = await client.create(WORKFLOW, workflow("a", cluster=clusters[0]), namespace=namespace)
    body = manifest_work(created.to_dict(), created.metadata, clusters[0])
    if not annotated:
        del body["metadata"]["labels"], body["metadata"]["annotations"]
    await client.create(MANIFEST_WORK, body, namespace=clusters[0])
    agent = PlayedAgent(client, clusters[0])
    async with running(client, add_to):

        async def guarded() -> bool:
            found = await client.get(WORKFLOW, "a", namespace=namespace)
            return annotated or keys.CLEANUP_FINALIZER in found.metadata.finalizers

        await eventually(guarded)
        await client.create(WORKFLOW, workflow("b", cluster=clusters[1]), namespace=namespace)
        await PlayedAgent(client, clusters[1]).work()
        assert await waiting(client, namespace) == ""
    assert len(await agent.works()) == 1


async def test_a_work_that_somebody_deleted_is_made_anew_while_its_workflow_runs(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    agent = PlayedAgent(client, clusters[0])
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("a", cluster=clusters[0]), namespace=namespace)
        first = await agent.work()
        await client.delete(MANIFEST_WORK, first.metadata.name, namespace=clusters[0])

        async def another() -> bool:
            found = await agent.works()
            return bool(found) and found[0].metadata.uid != first.metadata.uid

        await eventually(another)


async def test_a_finished_workflow_is_not_delivered_again(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    agent = PlayedAgent(client, clusters[0])
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("a", cluster=clusters[0]), namespace=namespace)
        work = await agent.work()
        done = merge_patch({"metadata": {"labels": {keys.COMPLETED_LABEL: "true"}}})
        await client.patch(WORKFLOW, "a", done, namespace=namespace)
        await client.delete(MANIFEST_WORK, work.metadata.name, namespace=clusters[0])
        await client.create(WORKFLOW, workflow("b", cluster=clusters[1]), namespace=namespace)
        await PlayedAgent(client, clusters[1]).work()
        assert await agent.works() == []


async def test_what_the_hub_has_said_and_done_does_not_travel(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    body = workflow("a", cluster=clusters[0], placement="p")
    body["metadata"]["labels"] |= {keys.PHASE_LABEL: "Running", keys.COMPLETED_LABEL: "false", "team": "x"}
    body["metadata"]["annotations"][keys.WAITING_ANNOTATION] = "NoDecision: none yet"
    body["status"] = {"phase": "Running"}
    await client.create(WORKFLOW, body, namespace=namespace)
    async with running(client, add_to):
        work = await PlayedAgent(client, clusters[0]).work()
        await eventually(lambda: not_waiting(client, namespace))
    (copy,) = work.to_dict()["spec"]["workload"]["manifests"]
    assert copy["metadata"]["labels"] == {keys.ENABLE_LABEL: "false", "team": "x"}
    assert keys.WAITING_ANNOTATION not in copy["metadata"]["annotations"]
    assert keys.PLACEMENT_ANNOTATION not in copy["metadata"]["annotations"]
    assert "status" not in copy
    assert not copy["metadata"].get("finalizers")


async def not_waiting(client: Client, namespace: str) -> bool:
    return await waiting(client, namespace) == ""


async def test_a_workflow_of_nearly_500_kib_is_delivered(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    body = workflow("a", cluster=clusters[0], spec={"x": "x" * 510_000})
    async with running(client, add_to):
        await client.create(WORKFLOW, body, namespace=namespace)
        work = await PlayedAgent(client, clusters[0]).work()
    assert len(work.to_dict()["spec"]["workload"]["manifests"][0]["spec"]["x"]) == 510_000


async def test_a_work_comes_with_the_agents_finalizer_while_the_agent_is_heard_of(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    """It saves the agent a write. To an agent that may be dead nothing is tied."""
    agent = PlayedAgent(client, clusters[0])
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("a", cluster=clusters[0]), namespace=namespace)
        first = await agent.work()
        assert first.metadata.finalizers == []
        await agent.write_result(first, {"phase": "Running"})

        async def claimed() -> bool:
            for work in await agent.works():
                if work.metadata.finalizers == [keys.MANIFEST_WORK_FINALIZER]:
                    return True
            name = f"later-{len(await agent.works())}"
            await client.create(WORKFLOW, workflow(name, cluster=clusters[0]), namespace=namespace)
            return False

        await eventually(claimed, what="a work that is claimed")
