"""An agent reports on its own cluster; nothing that it may write moves, stops or fakes the work of another one."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controllers.api import keys
from controllers.api.kinds import MANIFEST_WORK, PLACEMENT_DECISION, WORKFLOW, WORKFLOW_STATUS_RESULT
from controllers.kube.client import Client
from controllers.kube.errors import Forbidden
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from tests.eventually import eventually
from tests.integration.bodies import of, workflow
from tests.integration.hub_fleet import RUNNING, SUCCEEDED, Fleet
from tests.integration.told import event
from tests.integration.trust.identities import agent

FORGED = {"phase": "Succeeded", "message": "forged", "nodes": {"forged": {"phase": "Succeeded"}}}
RESCHEDULE = {keys.FAILOVER_ANNOTATION: "reschedule", keys.FAILOVER_AFTER_ANNOTATION: "0s"}


@pytest.fixture
async def hostile(fleet: Fleet, kubeconfig: Path, tmp_path: Path) -> AsyncIterator[Client]:
    """The agent of the second cluster."""
    async with agent(fleet.client, kubeconfig, fleet.clusters[1], tmp_path) as connected:
        yield connected


async def claims(hostile: Client, work: Object, of_workflow: Object) -> None:
    """The agent makes one of its works say that it is another Workflow's, and holds on to it."""
    meta = of_workflow.metadata
    said = {
        keys.HUB_NAMESPACE_ANNOTATION: meta.namespace,
        keys.HUB_NAME_ANNOTATION: meta.name,
        keys.HUB_UID_ANNOTATION: meta.uid,
    }
    patch = merge_patch(
        {"metadata": {"annotations": said, "finalizers": [*work.metadata.finalizers, "example.com/held"]}}
    )
    await hostile.patch(MANIFEST_WORK, work.metadata.name, patch, namespace=work.metadata.namespace)


async def gone(fleet: Fleet, name: str) -> None:
    async def so() -> bool:
        return await fleet.client.find(WORKFLOW, name, namespace=fleet.namespace) is None

    await eventually(so, what=f"{name} gone")


async def test_a_work_that_claims_anothers_workflow_neither_moves_nor_holds_it(
    fleet: Fleet, hostile: Client
) -> None:
    first, second, _ = fleet.clusters
    await fleet.decide(second)
    await fleet.create("own", {})
    await fleet.is_on(second, "own")
    bait = await fleet.agents[second].work()
    # Not placed yet: it is not drawn to the cluster that claims it.
    await fleet.decide()
    await fleet.create("a", {})
    victim = await fleet.client.get(WORKFLOW, "a", namespace=fleet.namespace)
    await claims(hostile, bait, victim)
    await fleet.decide(first)
    await fleet.is_on(first)
    work = await fleet.agents[first].work()
    # Sent: only its cluster's reports count, and only its cluster is waited for at its deletion.
    await hostile.create(
        WORKFLOW_STATUS_RESULT,
        forged_result(bait.metadata.name, victim),
        namespace=second,
    )
    await fleet.agents[first].write_result(work, RUNNING)
    await fleet.shows("Running")
    await fleet.client.delete(WORKFLOW, "a", namespace=fleet.namespace)
    await gone(fleet, "a")
    assert await fleet.agents[first].works() == []


def forged_result(name: str, victim: Object, **annotations: str) -> dict[str, object]:
    body = of(WORKFLOW_STATUS_RESULT, name, workflowStatus=FORGED)
    body["metadata"]["annotations"] = {
        keys.HUB_NAMESPACE_ANNOTATION: victim.metadata.namespace,
        keys.HUB_NAME_ANNOTATION: victim.metadata.name,
        keys.HUB_UID_ANNOTATION: victim.metadata.uid,
        **annotations,
    }
    return body


async def test_a_lost_clusters_agent_cannot_report_for_the_next_one(
    fleet: Fleet, kubeconfig: Path, tmp_path: Path
) -> None:
    """It says that its ManifestWork, and a result, are of the present attempt."""
    first, second, _ = fleet.clusters
    async with agent(fleet.client, kubeconfig, first, tmp_path) as lost:
        await fleet.decide(first)
        await fleet.create("a", RESCHEDULE)
        work = await fleet.runs_on(first)
        await fleet.taint(first)
        await fleet.decide(second)
        await fleet.is_on(second)
        victim = await fleet.client.get(WORKFLOW, "a", namespace=fleet.namespace)
        number = {keys.ATTEMPT_ANNOTATION: "2"}
        for kind in (MANIFEST_WORK, WORKFLOW_STATUS_RESULT):
            await lost.patch(
                kind, work.metadata.name, merge_patch({"metadata": {"annotations": number}}), namespace=first
            )
        await lost.patch(
            WORKFLOW_STATUS_RESULT,
            work.metadata.name,
            merge_patch({"workflowStatus": FORGED}),
            namespace=first,
        )
        heir = await fleet.agents[second].work()
        await fleet.agents[second].write_result(heir, RUNNING)
        status = await fleet.shows("Running")
        assert status["nodes"] == RUNNING["nodes"]
        await fleet.agents[second].write_result(heir, SUCCEEDED)
        status = await fleet.shows("Succeeded")
        assert status["nodes"] == SUCCEEDED["nodes"]
        assert victim.metadata.annotations[keys.CLUSTER_ANNOTATION] == second
        # Nor does it hold the deletion up, with whatever finalizer.
        with contextlib.suppress(Exception):
            held = merge_patch({"metadata": {"finalizers": ["example.com/held"]}})
            await lost.patch(MANIFEST_WORK, work.metadata.name, held, namespace=first)
        await fleet.client.delete(WORKFLOW, "a", namespace=fleet.namespace)
        await gone(fleet, "a")


async def test_an_agent_writes_in_no_other_namespace(fleet: Fleet, hostile: Client) -> None:
    first, second, _ = fleet.clusters
    await fleet.decide(first)
    await fleet.create("a", {})
    await fleet.is_on(first)
    work = await fleet.agents[first].work()
    forged = of(WORKFLOW_STATUS_RESULT, work.metadata.name, workflowStatus=FORGED)
    with pytest.raises(Forbidden):
        await hostile.create(WORKFLOW_STATUS_RESULT, forged, namespace=first)
    with pytest.raises(Forbidden):
        await hostile.create(MANIFEST_WORK, of(MANIFEST_WORK, work.metadata.name, spec={}), namespace=second)
    with pytest.raises(Forbidden):
        await hostile.create(WORKFLOW, workflow("b"), namespace=fleet.namespace)
    with pytest.raises(Forbidden):
        await hostile.list(PLACEMENT_DECISION, namespace=fleet.namespace)


async def test_who_holds_a_predecessors_work_is_named(fleet: Fleet, hostile: Client) -> None:
    """A Workflow is made again under its name, on a cluster whose agent does not let go of the earlier one."""
    _, second, _ = fleet.clusters
    await fleet.decide(second)
    await fleet.create("a", {})
    await fleet.is_on(second)
    work = await fleet.agents[second].work()
    held = merge_patch({"metadata": {"finalizers": ["example.com/held"]}})
    await hostile.patch(MANIFEST_WORK, work.metadata.name, held, namespace=second)
    await fleet.client.delete(WORKFLOW, "a", namespace=fleet.namespace)
    free = merge_patch({"metadata": {"finalizers": None}})
    await fleet.client.patch(WORKFLOW, "a", free, namespace=fleet.namespace)
    await fleet.create("a", {})
    told = await event(fleet.client, fleet.namespace, "NotDispatched")
    assert told["message"].startswith(f"PredecessorOnCluster: cluster {second} is still removing")
    assert f"ManifestWork {second}/{work.metadata.name} is held by example.com/held" in told["message"]
