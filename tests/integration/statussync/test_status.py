"""Reports of a cluster arrive on the hub's Workflow, in whatever way they come, and never move it backwards."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from controllers.api import keys
from controllers.api.kinds import WORKFLOW, WORKFLOW_STATUS_RESULT
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from statussync.wiring import add_to
from tests.eventually import eventually
from tests.integration.bodies import workflow
from tests.integration.running import running
from tests.integration.statussync.conftest import Delivered
from tests.integration.told import event

PENDING: dict[str, Any] = {"phase": "Pending", "progress": "0/0"}
RUNNING: dict[str, Any] = {
    "phase": "Running",
    "startedAt": "2026-01-01T00:00:00Z",
    "progress": "0/1",
    "nodes": {"a": {"id": "a", "phase": "Running"}},
}
SUCCEEDED: dict[str, Any] = {
    "phase": "Succeeded",
    "startedAt": "2026-01-01T00:00:00Z",
    "finishedAt": "2026-01-01T00:00:09Z",
    "progress": "1/1",
    "nodes": {"a": {"id": "a", "phase": "Succeeded"}},
}


def feedback_of(status: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in status.items() if isinstance(value, str)}


@pytest.mark.usefixtures("syncing")
async def test_feedback_alone_is_enough(delivered: Delivered) -> None:
    """As on a hub whose agents are OCM's own, without any add-on."""
    for status in (PENDING, RUNNING, SUCCEEDED):
        await delivered.agent.report(delivered.work, **feedback_of(status))
        assert await delivered.shows(phase=status["phase"]) == feedback_of(status)
    body = await delivered.body()
    assert body["metadata"]["labels"][keys.PHASE_LABEL] == "Succeeded"
    assert body["metadata"]["labels"][keys.COMPLETED_LABEL] == "true"
    assert body["spec"]["entrypoint"] == "main"


@pytest.mark.usefixtures("syncing")
async def test_a_full_result_is_shown_as_it_is(delivered: Delivered) -> None:
    for status in (RUNNING, SUCCEEDED):
        await delivered.agent.write_result(delivered.work, status)
        assert await delivered.shows(phase=status["phase"]) == status
        labels = (await delivered.body())["metadata"]["labels"]
        assert labels[keys.PHASE_LABEL] == status["phase"]
        assert labels[keys.COMPLETED_LABEL] == ("true" if status is SUCCEEDED else "false")


@pytest.mark.usefixtures("syncing")
async def test_a_result_without_annotations_is_found_by_its_name(delivered: Delivered) -> None:
    """As OCM's status add-on writes it."""
    await delivered.agent.write_result(delivered.work, RUNNING, annotated=False)
    assert await delivered.shows(phase="Running") == RUNNING


STEPS = ("feedback Running", "result Running", "feedback Succeeded", "result Succeeded")


@pytest.mark.parametrize(
    "order",
    [
        order
        for order in itertools.permutations(STEPS)
        # Each channel keeps its own order; how they meet is open.
        if order.index(STEPS[0]) < order.index(STEPS[2]) and order.index(STEPS[1]) < order.index(STEPS[3])
    ],
    ids=lambda order: ", ".join(order),
)
async def test_both_channels_in_any_order_end_at_the_full_final_status(
    client: Client, delivered: Delivered, order: tuple[str, ...]
) -> None:
    phases: list[str] = []
    async with running(client, add_to):
        for step in order:
            channel, phase = step.split()
            status = RUNNING if phase == "Running" else SUCCEEDED
            if channel == "result":
                await delivered.agent.write_result(delivered.work, status)
            else:
                await delivered.agent.report(delivered.work, **feedback_of(status))
            phases.append((await delivered.status()).get("phase", ""))

        async def final() -> bool:
            assert await delivered.status() == SUCCEEDED
            return True

        await eventually(final)
    assert phases == sorted(phases, key=["", "Running", "Succeeded"].index), "it went backwards"
    labels = (await delivered.body())["metadata"]["labels"]
    assert (labels[keys.PHASE_LABEL], labels[keys.COMPLETED_LABEL]) == ("Succeeded", "true")


async def test_reports_made_while_the_controller_was_away_arrive(
    client: Client, delivered: Delivered
) -> None:
    await delivered.agent.report(delivered.work, **feedback_of(SUCCEEDED))
    await delivered.agent.write_result(delivered.work, SUCCEEDED)
    async with running(client, add_to):
        assert await delivered.shows(phase="Succeeded") == SUCCEEDED


async def test_a_report_that_came_before_the_workflow_was_known_arrives(
    client: Client, delivered: Delivered
) -> None:
    """The caches of Workflows and of results are filled by watches of their own: one may lag behind."""
    unknown = merge_patch({"metadata": {"labels": {keys.ENABLE_LABEL: None}}})
    await client.patch(WORKFLOW, "a", unknown, namespace=delivered.namespace)
    async with running(client, add_to) as manager:
        await delivered.agent.write_result(delivered.work, SUCCEEDED)

        async def heard() -> bool:
            found, _ = await client.list(WORKFLOW_STATUS_RESULT, namespace=delivered.agent.cluster)
            return bool(found) and all(manager.readiness().values())

        await eventually(heard)
        known = merge_patch({"metadata": {"labels": {keys.ENABLE_LABEL: "true"}}})
        await client.patch(WORKFLOW, "a", known, namespace=delivered.namespace)
        assert await delivered.shows(phase="Succeeded") == SUCCEEDED


@pytest.mark.usefixtures("syncing")
async def test_what_vanishes_from_the_status_vanishes_on_the_hub(
    client: Client, delivered: Delivered
) -> None:
    """Argo moves nodes into compressedNodes when they grow too large."""
    await delivered.agent.write_result(delivered.work, RUNNING)
    await delivered.shows(phase="Running", nodes=RUNNING["nodes"])
    await delivered.agent.write_result(delivered.work, {"nodes": None, "compressedNodes": "H4sI"})
    shown = await delivered.shows(compressedNodes="H4sI")
    assert "nodes" not in shown


@pytest.mark.usefixtures("syncing")
async def test_what_the_user_changes_meanwhile_is_not_lost(client: Client, delivered: Delivered) -> None:
    for number in range(10):
        await delivered.agent.report(delivered.work, **feedback_of(RUNNING), message=f"step {number}")
        labels = merge_patch(
            {"metadata": {"labels": {f"user-{number}": "yes"}}, "spec": {"priority": number}}
        )
        await client.patch(WORKFLOW, "a", labels, namespace=delivered.namespace)
    await delivered.shows(message="step 9")
    body = await delivered.body()
    assert {f"user-{number}" for number in range(10)} <= set(body["metadata"]["labels"])
    assert body["spec"]["priority"] == 9


@pytest.mark.usefixtures("syncing")
async def test_the_end_is_told_once_and_nothing_before_it(client: Client, delivered: Delivered) -> None:
    for progress in ("0/2", "1/2", "2/2"):
        await delivered.agent.report(delivered.work, **feedback_of(RUNNING | {"progress": progress}))
        await delivered.shows(progress=progress)
    await delivered.agent.report(delivered.work, **feedback_of(SUCCEEDED))
    await delivered.agent.write_result(delivered.work, SUCCEEDED)
    told = await event(client, delivered.namespace, "StatusSynced")
    assert told["message"] == f"Succeeded on cluster {delivered.agent.cluster}"
    assert told["count"] == 1


@pytest.mark.usefixtures("syncing")
async def test_a_report_on_another_workflow_of_that_name_is_ignored(
    client: Client, delivered: Delivered
) -> None:
    """The Workflow was made again; its predecessor's agent still reports."""
    free = merge_patch({"metadata": {"finalizers": None}})
    await client.patch(WORKFLOW, "a", free, namespace=delivered.namespace)
    await client.delete(WORKFLOW, "a", namespace=delivered.namespace)
    anew = workflow("a", cluster=delivered.agent.cluster)
    fresh = await client.create(WORKFLOW, anew, namespace=delivered.namespace)
    await delivered.agent.write_result(delivered.work, SUCCEEDED)
    await delivered.agent.report(delivered.work, **feedback_of(SUCCEEDED))
    async with running(client, add_to):  # another one, from the start: it has seen all that there is
        found = await client.get(WORKFLOW, "a", namespace=delivered.namespace)
        assert found.to_dict() == fresh.to_dict()
