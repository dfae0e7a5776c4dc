"""The placement controller: Workflows get a cluster from decisions, whoever wrote them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

from controllers.api import keys
from controllers.api.kinds import EVENT, PLACEMENT, PLACEMENT_DECISION, WORKFLOW
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from placement.wiring import add_to
from tests.eventually import eventually
from tests.integration.bodies import decision_page, decisions, placement, workflow
from tests.integration.running import running


async def decide(client: Client, namespace: str, name: str, *pages: Sequence[str]) -> None:
    """What an evaluator does: makes the Placement's pages, and then fills them."""
    for number, clusters in enumerate(pages, start=1):
        page = await client.create(PLACEMENT_DECISION, decision_page(name, number), namespace=namespace)
        patch = merge_patch(decisions(clusters))
        await client.patch(
            PLACEMENT_DECISION, page.metadata.name, patch, namespace=namespace, subresource="status"
        )


async def cluster_of(client: Client, namespace: str, name: str) -> str | None:
    found = await client.get(WORKFLOW, name, namespace=namespace)
    return found.metadata.annotations.get(keys.CLUSTER_ANNOTATION)


async def waiting(client: Client, namespace: str, name: str) -> str:
    found = await client.get(WORKFLOW, name, namespace=namespace)
    return found.metadata.annotations.get(keys.WAITING_ANNOTATION, "")


async def events(client: Client, namespace: str, reason: str) -> list[dict[str, Any]]:
    found, _ = await client.list(EVENT, namespace=namespace, field_selector=f"reason={reason}")
    return [item.to_dict() for item in found]


async def test_a_workflow_is_placed_as_soon_as_there_is_a_decision(client: Client, namespace: str) -> None:
    async with running(client, add_to):
        await client.create(PLACEMENT, placement("p"), namespace=namespace)
        before = await client.create(WORKFLOW, workflow("a", placement="p"), namespace=namespace)
        await decide(client, namespace, "p", ["c1"])
        await eventually(lambda: placed(client, namespace, "a"))

        async def told() -> list[dict[str, Any]]:
            return await events(client, namespace, "Placed")

        (event,) = await eventually(told)
        assert "c1" in event["message"]
        after = await client.get(WORKFLOW, "a", namespace=namespace)
        assert after.metadata.labels == before.metadata.labels
        assert after.to_dict()["spec"] == before.to_dict()["spec"]
        assert "status" not in after.to_dict()
        assert keys.WAITING_ANNOTATION not in after.metadata.annotations


async def placed(client: Client, namespace: str, name: str) -> bool:
    return await cluster_of(client, namespace, name) is not None


async def test_every_page_of_decisions_is_read(client: Client, namespace: str) -> None:
    """130 clusters on two pages, of which one gets each of the 130 Workflows."""
    names = [f"c{number:03}" for number in range(130)]
    await client.create(PLACEMENT, placement("p"), namespace=namespace)
    await decide(client, namespace, "p", names[:100], names[100:])
    async with running(client, add_to):
        await create_all(client, namespace, [f"w{number:03}" for number in range(130)])
        chosen = await eventually(lambda: all_placed(client, namespace, 130), within=60)
    assert sorted(chosen) == names


async def create_all(client: Client, namespace: str, names: Sequence[str]) -> None:
    slots = asyncio.Semaphore(16)

    async def create(name: str) -> None:
        async with slots:
            await client.create(WORKFLOW, workflow(name, placement="p"), namespace=namespace)

    await asyncio.gather(*map(create, names))


async def all_placed(client: Client, namespace: str, count: int) -> list[str] | None:
    found, _ = await client.list(WORKFLOW, namespace=namespace)
    chosen = [item.metadata.annotations.get(keys.CLUSTER_ANNOTATION) for item in found]
    return [name for name in chosen if name] if len(chosen) == count and all(chosen) else None


async def test_a_burst_is_spread_evenly(client: Client, namespace: str) -> None:
    await client.create(PLACEMENT, placement("p"), namespace=namespace)
    await decide(client, namespace, "p", ["c1", "c2", "c3"])
    async with running(client, add_to):
        await create_all(client, namespace, [f"w{number}" for number in range(30)])
        chosen = await eventually(lambda: all_placed(client, namespace, 30))
    assert Counter(chosen) == {"c1": 10, "c2": 10, "c3": 10}


async def test_finished_workflows_weigh_nothing(client: Client, namespace: str) -> None:
    await client.create(PLACEMENT, placement("p"), namespace=namespace)
    await decide(client, namespace, "p", ["c1", "c2"])
    for number in range(4):
        body = workflow(f"on-c1-{number}", cluster="c1")
        body["metadata"]["labels"][keys.COMPLETED_LABEL] = "true"
        await client.create(WORKFLOW, body, namespace=namespace)
    await client.create(WORKFLOW, workflow("on-c2", cluster="c2"), namespace=namespace)
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("new", placement="p"), namespace=namespace)
        await eventually(lambda: placed(client, namespace, "new"))
    assert await cluster_of(client, namespace, "new") == "c1"


async def test_without_its_placement_a_workflow_waits_says_why_and_goes_on_when_it_comes(
    client: Client, namespace: str
) -> None:
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("a", placement="p"), namespace=namespace)
        text = await eventually(lambda: waiting(client, namespace, "a"))
        assert text.startswith(f"PlacementNotFound: there is no Placement p in namespace {namespace}")

        async def told() -> list[dict[str, Any]]:
            return await events(client, namespace, "NotPlaced")

        (event,) = await eventually(told)
        assert event["type"] == "Warning"
        assert event["involvedObject"]["name"] == "a"
        assert event["message"] == text

        await client.create(PLACEMENT, placement("p"), namespace=namespace)

        async def no_decision() -> bool:
            return (await waiting(client, namespace, "a")).startswith("NoDecision: Placement p")

        await eventually(no_decision)
        await decide(client, namespace, "p", ["c1"])
        await eventually(lambda: placed(client, namespace, "a"))
        assert await waiting(client, namespace, "a") == ""
        found = await client.get(WORKFLOW, "a", namespace=namespace)
        assert "status" not in found.to_dict(), "waiting is no failure"


async def test_the_placements_own_words_are_passed_on(client: Client, namespace: str) -> None:
    await client.create(PLACEMENT, placement("p"), namespace=namespace)
    condition = {
        "type": "PlacementSatisfied",
        "status": "False",
        "reason": "NoManagedClusterMatched",
        "message": "No ManagedCluster matches any of the cluster predicate",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    status = {"status": {"conditions": [condition], "numberOfSelectedClusters": 0, "decisionGroups": []}}
    await client.patch(PLACEMENT, "p", merge_patch(status), namespace=namespace, subresource="status")
    await decide(client, namespace, "p", [])
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("a", placement="p"), namespace=namespace)
        text = await eventually(lambda: waiting(client, namespace, "a"))
    assert "(No ManagedCluster matches any of the cluster predicate)" in text


async def test_a_workflow_without_the_annotation_is_told_to_have_one(client: Client, namespace: str) -> None:
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("a"), namespace=namespace)
        text = await eventually(lambda: waiting(client, namespace, "a"))
        assert keys.PLACEMENT_ANNOTATION in text
        await client.create(PLACEMENT, placement("p"), namespace=namespace)
        await decide(client, namespace, "p", ["c1"])
        corrected = merge_patch({"metadata": {"annotations": {keys.PLACEMENT_ANNOTATION: "p"}}})
        await client.patch(WORKFLOW, "a", corrected, namespace=namespace)
        await eventually(lambda: placed(client, namespace, "a"))


async def test_a_cluster_that_was_chosen_stays_chosen(client: Client, namespace: str) -> None:
    """By the user, or by an earlier decision that does not hold any more."""
    await client.create(PLACEMENT, placement("p"), namespace=namespace)
    await decide(client, namespace, "p", ["c1"])
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("mine", placement="p", cluster="mine"), namespace=namespace)
        await client.create(WORKFLOW, workflow("a", placement="p"), namespace=namespace)
        await eventually(lambda: placed(client, namespace, "a"))
        patch = merge_patch(decisions(["c2"]))
        await client.patch(
            PLACEMENT_DECISION, "p-decision-1", patch, namespace=namespace, subresource="status"
        )
        await client.create(WORKFLOW, workflow("b", placement="p"), namespace=namespace)
        await eventually(lambda: placed(client, namespace, "b"))
    found = [await cluster_of(client, namespace, name) for name in ("mine", "a", "b")]
    assert found == ["mine", "c1", "c2"]


async def test_a_workflow_for_the_hub_is_left_alone(client: Client, namespace: str) -> None:
    await client.create(PLACEMENT, placement("p"), namespace=namespace)
    await decide(client, namespace, "p", ["c1"])
    local = workflow("local", placement="p")
    local["metadata"]["labels"][keys.ENABLE_LABEL] = "false"
    async with running(client, add_to):
        created: Object = await client.create(WORKFLOW, local, namespace=namespace)
        await client.create(WORKFLOW, workflow("a", placement="p"), namespace=namespace)
        await eventually(lambda: placed(client, namespace, "a"))
    found = await client.get(WORKFLOW, "local", namespace=namespace)
    assert found.raw == created.raw
