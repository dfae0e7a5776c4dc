"""A status that is edited on the hub is set back to what the cluster reports, and the user is told what to do there."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.api import keys
from controllers.api.kinds import WORKFLOW
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from tests.eventually import eventually
from tests.integration.hub_fleet import SUCCEEDED, Fleet
from tests.integration.told import event

FAILED = {
    "phase": "Failed",
    "message": "child failed",
    "nodes": {"a": {"phase": "Failed", "type": "Steps"}, "b": {"phase": "Failed", "type": "Pod"}},
}
SUSPENDED = {
    "phase": "Running",
    "nodes": {"a": {"phase": "Running", "type": "Steps"}, "w": {"phase": "Running", "type": "Suspend"}},
}


async def sent(fleet: Fleet, status: dict[str, Any]) -> Object:
    first = fleet.clusters[0]
    await fleet.decide(first)
    await fleet.create("a", {})
    work = await fleet.runs_on(first)
    await fleet.agents[first].write_result(work, {"progress": None} | status)
    await shows_exactly(fleet, status)
    return work


async def shows_exactly(fleet: Fleet, status: dict[str, Any]) -> None:
    async def so() -> bool:
        found = await fleet.body()
        assert found.get("status") == status
        ended = found["metadata"]["labels"].get(keys.COMPLETED_LABEL)
        assert ended == ("true" if status["phase"] in ("Failed", "Succeeded") else "false")
        return True

    await eventually(so, what="the hub shows what the cluster reports")


async def edit(fleet: Fleet, metadata: dict[str, Any], status: Any) -> None:
    """One write, as the argo command makes it."""
    change = merge_patch({"metadata": metadata, "status": status})
    await fleet.client.patch(WORKFLOW, "a", change, namespace=fleet.namespace)


async def test_argo_retry_loses_nothing_and_says_what_to_do(fleet: Fleet) -> None:
    """It removes the failed nodes and the phase, and the label that says the Workflow has ended."""
    await sent(fleet, FAILED)
    emptied = {"phase": "Running", "message": None, "nodes": {"b": None, "a": {"phase": "Running"}}}
    await edit(fleet, {"labels": {keys.COMPLETED_LABEL: "false", keys.PHASE_LABEL: "Running"}}, emptied)
    told = await event(fleet.client, fleet.namespace, "StatusSetBack")
    assert f"argo retry on the hub does not reach cluster {fleet.clusters[0]}" in told["message"]
    assert f"argo retry a -n {fleet.namespace}" in told["message"]
    assert "argo resubmit a here" in told["message"]
    await shows_exactly(fleet, FAILED)


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ({"phase": "Succeeded"}, "argo resume a -n "),
        ({"phase": "Failed", "message": "stopped"}, "argo stop --node-field-selector"),
        ({"message": "by hand"}, "the status was edited on the hub"),
    ],
    ids=["resume", "node set", "by hand"],
)
async def test_what_is_done_to_a_node_on_the_hub_is_set_back(
    fleet: Fleet, node: dict[str, str], words: str
) -> None:
    await sent(fleet, SUSPENDED)
    await edit(fleet, {}, {"nodes": {"w": node}})
    told = await event(fleet.client, fleet.namespace, "StatusSetBack")
    assert words in told["message"]
    await shows_exactly(fleet, SUSPENDED)


@pytest.mark.parametrize("status", [None, {"phase": "Succeeded"}, {"phase": "Error"}, {"phase": "Pending"}])
async def test_a_phase_that_the_cluster_does_not_report_is_set_back(fleet: Fleet, status: Any) -> None:
    work = await sent(fleet, SUSPENDED)
    await edit(fleet, {}, status)
    await event(fleet.client, fleet.namespace, "StatusSetBack")
    await shows_exactly(fleet, SUSPENDED)
    await fleet.agents[work.metadata.namespace].write_result(
        work, SUCCEEDED | {"nodes": {"a": {"phase": "Succeeded"}}}
    )
    await fleet.shows("Succeeded")


async def test_an_edit_made_while_no_controller_runs_is_set_back_too(fleet: Fleet) -> None:
    await sent(fleet, FAILED)
    await fleet.stop()
    await edit(fleet, {"labels": {keys.COMPLETED_LABEL: None}}, None)
    await fleet.start()
    await shows_exactly(fleet, FAILED)


async def test_a_retry_on_the_cluster_is_shown(fleet: Fleet) -> None:
    """There it is the truth: the hub runs again, and ends as the cluster does."""
    work = await sent(fleet, FAILED)
    agent = fleet.agents[work.metadata.namespace]
    again = {"phase": "Running", "message": None, "nodes": {"a": {"phase": "Running"}, "b": None}}
    await agent.write_result(work, again)
    found = await fleet.shows("Running")
    assert found["nodes"] == {"a": {"phase": "Running", "type": "Steps"}}
    ended = {"phase": "Succeeded", "nodes": {"a": {"phase": "Succeeded"}}}
    await agent.write_result(work, ended)
    await fleet.shows("Succeeded")
    annotations = (await fleet.body())["metadata"]["annotations"]
    assert annotations[keys.STATUS_ANNOTATION] == keys.STATUS_COMPLETE
