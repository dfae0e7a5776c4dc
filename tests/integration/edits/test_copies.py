"""A Workflow that was made from another one is placed afresh: what Argosy wrote on that one counts for nothing."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.api import keys
from controllers.api.kinds import WORKFLOW
from tests.eventually import eventually
from tests.integration.hub_fleet import RUNNING, SUCCEEDED, Fleet


async def copied(fleet: Fleet, body: dict[str, Any], name: str = "copy") -> None:
    """`kubectl get -o yaml | sed | kubectl create`: all but what the server gives an object."""
    for field in ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"):
        body["metadata"].pop(field, None)
    body["metadata"]["name"] = name
    await fleet.client.create(WORKFLOW, body, namespace=fleet.namespace)


def resubmitted(body: dict[str, Any]) -> dict[str, Any]:
    """What `argo resubmit` makes of a Workflow (argo-workflows v4.0.2): labels and annotations, but Argo's own."""
    meta = body["metadata"]
    labels = {
        key: value
        for key, value in meta["labels"].items()
        if key not in (keys.PHASE_LABEL, keys.COMPLETED_LABEL)
    }
    return {
        **body,
        "metadata": {
            "labels": labels | {"workflows.argoproj.io/resubmitted-from-workflow": "a"},
            "annotations": meta["annotations"],
        },
        "status": {"startedAt": None, "finishedAt": None},
    }


@pytest.mark.parametrize("how", ["resubmitted", "copied"])
async def test_a_copy_of_a_finished_workflow_is_placed_afresh_and_runs(fleet: Fleet, how: str) -> None:
    first, second, _ = fleet.clusters
    await fleet.decide(first)
    await fleet.create("a", {})
    work = await fleet.runs_on(first)
    await fleet.agents[first].write_result(work, SUCCEEDED)
    await fleet.shows("Succeeded")
    await fleet.decide(second)
    body = await fleet.body()
    await copied(fleet, resubmitted(body) if how == "resubmitted" else body)
    found = await fleet.is_on(second, "copy")
    assert found["metadata"]["annotations"].get(keys.STATUS_ANNOTATION) is None
    assert keys.COMPLETED_LABEL not in found["metadata"]["labels"]
    assert not found.get("status")
    sent = await fleet.agents[second].work()
    await fleet.agents[second].write_result(sent, RUNNING)
    await fleet.shows("Running", name="copy")
    await fleet.shows("Succeeded", name="a")


async def test_a_copy_made_by_an_earlier_version_is_placed_afresh(fleet: Fleet) -> None:
    """It bears no uid; its cluster was chosen, and the finalizer that comes with the choice is not there."""
    first, second, _ = fleet.clusters
    await fleet.decide(second)
    written = {
        keys.CLUSTER_ANNOTATION: first,
        keys.CHOICE_ANNOTATION: "spread: 0 active there, the fewest of 2 clusters",
        keys.STATUS_ANNOTATION: keys.STATUS_COMPLETE,
    }
    await fleet.create("a", written)
    await fleet.is_on(second)
    await fleet.agents[second].work()
    assert await fleet.agents[first].works() == []


async def test_a_copy_that_finds_no_cluster_waits(fleet: Fleet) -> None:
    first, _, _ = fleet.clusters
    await fleet.decide(first)
    await fleet.create("a", {})
    await fleet.runs_on(first)
    body = await fleet.body()
    await fleet.decide()
    await copied(fleet, body)

    async def waits() -> bool:
        found = await fleet.body("copy")
        annotations = found["metadata"]["annotations"]
        return str(annotations.get(keys.WAITING_ANNOTATION)).startswith("NoDecision: ")

    await eventually(waits)
    found = await fleet.body("copy")
    assert keys.CLUSTER_ANNOTATION not in found["metadata"]["annotations"]
    assert not found.get("status")
