"""Whatever is done to a Workflow that was sent, it runs once, shows what its cluster reports, and can be deleted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controllers.api import keys
from controllers.api.kinds import MANIFEST_WORK, WORKFLOW
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from tests.eventually import eventually
from tests.integration.bodies import Body, workflow
from tests.integration.edits.kubectl import kubectl
from tests.integration.hub_fleet import RUNNING, SUCCEEDED, Fleet
from tests.integration.told import event


def written(fleet: Fleet) -> Body:
    """The file of Workflow `a`, as its user has it."""
    body = workflow("a", placement="p")
    body["metadata"]["namespace"] = fleet.namespace
    return body


async def patch(fleet: Fleet, metadata: dict[str, Any], **fields: Any) -> None:
    change = merge_patch({"metadata": metadata, **fields})
    await fleet.client.patch(WORKFLOW, "a", change, namespace=fleet.namespace)


async def finish(fleet: Fleet, work: Object) -> None:
    """The run ends on its cluster, and its end is shown in full."""
    await fleet.agents[work.metadata.namespace].write_result(work, SUCCEEDED)
    await is_whole(fleet, work, SUCCEEDED)


async def is_whole(fleet: Fleet, work: Object, status: dict[str, Any]) -> Body:
    """The Workflow has all that it needs as one that was sent as `work`, and shows this status."""

    async def so() -> Body:
        body = await fleet.body()
        meta = {"annotations": {}, "labels": {}, **body["metadata"]}
        assert meta["annotations"].get(keys.CLUSTER_ANNOTATION) == work.metadata.namespace
        assert keys.CLEANUP_FINALIZER in meta.get("finalizers", [])
        assert meta["labels"].get(keys.ENABLE_LABEL) == "true"
        assert body.get("status") == status
        ended = status["phase"] == "Succeeded"
        assert meta["labels"].get(keys.COMPLETED_LABEL) == str(ended).lower()
        assert (meta["annotations"].get(keys.STATUS_ANNOTATION) == keys.STATUS_COMPLETE) is ended
        return body

    return await eventually(so, what="the Workflow is whole")


async def runs_once(fleet: Fleet, work: Object) -> None:
    """Nothing was sent anywhere but `work`, to its one cluster."""
    found = [item.metadata.uid for agent in fleet.agents.values() for item in await agent.works()]
    assert found == [work.metadata.uid]


async def can_be_deleted(fleet: Fleet, work: Object) -> None:
    await fleet.client.delete(WORKFLOW, "a", namespace=fleet.namespace)

    async def work_goes() -> bool:
        found = await fleet.client.find(MANIFEST_WORK, work.metadata.name, namespace=work.metadata.namespace)
        return found is not None and found.metadata.deletion_timestamp is not None

    await eventually(work_goes, what="ManifestWork being deleted")
    assert await fleet.client.find(WORKFLOW, "a", namespace=fleet.namespace) is not None
    await fleet.agents[work.metadata.namespace].let_go(work)

    async def gone() -> bool:
        return await fleet.client.find(WORKFLOW, "a", namespace=fleet.namespace) is None

    await eventually(gone, what="the Workflow gone")
    assert await fleet.agents[work.metadata.namespace].works() == []


async def send(fleet: Fleet, kubeconfig: Path, *how: str) -> Object:
    """The Workflow runs on the first cluster, and from now on only the second would be chosen."""
    first, second, _ = fleet.clusters
    await fleet.decide(first)
    await kubectl(kubeconfig, *how, body=written(fleet))
    work = await fleet.runs_on(first)
    await fleet.decide(second)
    return work


@pytest.mark.parametrize("ended", [False, True], ids=["running", "finished"])
async def test_a_replaced_workflow_is_not_run_again(fleet: Fleet, kubeconfig: Path, ended: bool) -> None:
    """As Argo CD does with Replace=true: cluster, finalizer, status and Argo's labels are taken away at once."""
    work = await send(fleet, kubeconfig, "create", "-f", "-")
    if ended:
        await finish(fleet, work)
    await kubectl(kubeconfig, "replace", "-f", "-", body=written(fleet))
    await is_whole(fleet, work, SUCCEEDED if ended else RUNNING)
    told = await event(fleet.client, fleet.namespace, "Restored")
    assert told["message"] == (
        f"it was sent to cluster {fleet.clusters[0]}, and an edit took away annotation {keys.CLUSTER_ANNOTATION} and "
        f"finalizer {keys.CLEANUP_FINALIZER}, which is written back: to end it, delete it"
    )
    await runs_once(fleet, work)
    if not ended:
        await finish(fleet, work)
    await can_be_deleted(fleet, work)


@pytest.mark.parametrize("ended", [False, True], ids=["running", "finished"])
@pytest.mark.parametrize("first", ["create", "apply"])
async def test_changing_to_server_side_apply_takes_nothing_away(
    fleet: Fleet, kubeconfig: Path, first: str, ended: bool
) -> None:
    work = await send(fleet, kubeconfig, first, "-f", "-")
    if ended:
        await finish(fleet, work)
    if first == "create":
        await kubectl(kubeconfig, "apply", "-f", "-", body=written(fleet))
    await kubectl(kubeconfig, "apply", "--server-side", "--force-conflicts", "-f", "-", body=written(fleet))
    await is_whole(fleet, work, SUCCEEDED if ended else RUNNING)
    await kubectl(kubeconfig, "apply", "--server-side", "--force-conflicts", "-f", "-", body=written(fleet))
    await is_whole(fleet, work, SUCCEEDED if ended else RUNNING)
    await runs_once(fleet, work)
    await can_be_deleted(fleet, work)


async def test_field_tracking_stays_on_what_a_user_applies(fleet: Fleet, kubeconfig: Path) -> None:
    """Without it kubectl's change to server-side apply would prune what Argosy wrote."""
    await send(fleet, kubeconfig, "apply", "-f", "-")
    body = await fleet.body()
    assert {entry["manager"] for entry in body["metadata"]["managedFields"]} >= {"argosy"}


@pytest.mark.parametrize("ended", [False, True], ids=["running", "finished"])
async def test_the_label_cannot_be_taken_off(fleet: Fleet, kubeconfig: Path, ended: bool) -> None:
    work = await send(fleet, kubeconfig, "create", "-f", "-")
    if ended:
        await finish(fleet, work)
    await patch(fleet, {"labels": {keys.ENABLE_LABEL: None}})
    await is_whole(fleet, work, SUCCEEDED if ended else RUNNING)
    told = await event(fleet.client, fleet.namespace, "Restored")
    assert "cannot be taken off a Workflow that was sent to a cluster" in told["message"]
    await runs_once(fleet, work)
    await can_be_deleted(fleet, work)


async def test_a_deletion_ends_though_the_label_was_taken_off_first(fleet: Fleet, kubeconfig: Path) -> None:
    work = await send(fleet, kubeconfig, "create", "-f", "-")
    await patch(fleet, {"labels": {keys.ENABLE_LABEL: None}})
    await can_be_deleted(fleet, work)


@pytest.mark.parametrize("ended", [False, True], ids=["running", "finished"])
async def test_the_finalizer_is_put_back(fleet: Fleet, kubeconfig: Path, ended: bool) -> None:
    work = await send(fleet, kubeconfig, "create", "-f", "-")
    if ended:
        await finish(fleet, work)
    await patch(fleet, {"finalizers": None})
    await is_whole(fleet, work, SUCCEEDED if ended else RUNNING)
    await can_be_deleted(fleet, work)


async def test_a_finished_workflow_cannot_be_moved(fleet: Fleet, kubeconfig: Path) -> None:
    work = await send(fleet, kubeconfig, "create", "-f", "-")
    await finish(fleet, work)
    await patch(fleet, {"annotations": {keys.CLUSTER_ANNOTATION: fleet.clusters[1]}})
    told = await event(fleet.client, fleet.namespace, "NotMoved")
    assert f"cannot move to {fleet.clusters[1]}" in told["message"]
    await is_whole(fleet, work, SUCCEEDED)
    await can_be_deleted(fleet, work)


async def test_of_a_finished_workflow_taken_by_force_nothing_stays(fleet: Fleet, kubeconfig: Path) -> None:
    work = await send(fleet, kubeconfig, "create", "-f", "-")
    await finish(fleet, work)
    await fleet.client.delete(WORKFLOW, "a", namespace=fleet.namespace)
    await patch(fleet, {"finalizers": None})
    agent = fleet.agents[fleet.clusters[0]]

    async def goes() -> bool:
        (found,) = await agent.works()
        return found.metadata.deletion_timestamp is not None

    await eventually(goes, what="ManifestWork being deleted")
    await agent.let_go(work)


async def test_a_finished_workflow_that_is_edited_does_not_count_as_active(
    fleet: Fleet, kubeconfig: Path
) -> None:
    """argo retry takes the label away; until the end is shown again the cluster has no more to do than before."""
    first, second, _ = fleet.clusters
    work = await send(fleet, kubeconfig, "create", "-f", "-")
    await finish(fleet, work)
    await fleet.decide(first, second)
    await patch(fleet, {"labels": {keys.COMPLETED_LABEL: None}}, status=None)
    await fleet.create("b", {})

    async def placed() -> str | None:
        found = await fleet.body("b")
        choice: str | None = found["metadata"]["annotations"].get(keys.CHOICE_ANNOTATION)
        return choice

    assert await eventually(placed) == "spread: 0 active there, the fewest of 2 clusters"
    await is_whole(fleet, work, SUCCEEDED)
