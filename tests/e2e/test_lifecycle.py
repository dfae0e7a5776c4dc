"""What a user does to a Workflow on the hub happens to the run on its cluster, and the other way round."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.api import keys
from controllers.api.kinds import (
    APPLIED_MANIFEST_WORK,
    MANIFEST_WORK,
    WORKFLOW,
    WORKFLOW_STATUS_RESULT,
    Kind,
)
from controllers.kube.client import Client
from controllers.kube.errors import Conflict
from controllers.kube.patch import merge_patch
from tests.e2e import workflows
from tests.e2e.conftest import Argosy
from tests.e2e.runs import watching
from tests.e2e.workflows import NAMESPACE, Json
from tests.eventually import eventually

PODS = Kind("", "v1", "Pod", "pods")


def traces(argosy: Argosy, hub: Json) -> list[tuple[Client, Kind, str, str]]:
    """(client, kind, namespace, name) of everything that a Workflow has, besides itself."""
    cluster = workflows.cluster_of(hub)
    name, uid = hub["metadata"]["name"], hub["metadata"]["uid"]
    work = f"{name}-{uid[:5]}"
    return [
        (argosy.hub, MANIFEST_WORK, cluster, work),
        (argosy.hub, WORKFLOW_STATUS_RESULT, cluster, work),
        (argosy.managed[cluster], WORKFLOW, NAMESPACE, name),
        (argosy.managed[cluster], APPLIED_MANIFEST_WORK, "", work),
    ]


async def left_of(argosy: Argosy, hub: Json) -> list[str]:
    """Which of `traces` exist. An AppliedManifestWork's name begins with the hub's hash."""
    found = []
    for client, kind, namespace, name in traces(argosy, hub):
        items, _ = await client.list(kind, namespace=namespace)
        found += [f"{kind} {item.metadata.name}" for item in items if item.metadata.name.endswith(name)]
    return found


async def nothing_is_left_of(argosy: Argosy, hub: Json) -> None:
    async def probe() -> bool:
        left = await left_of(argosy, hub)
        assert left == []
        return True

    await workflows.gone(argosy.hub, hub["metadata"]["name"])
    await eventually(probe, within=30, what="no traces")


async def patch(client: Client, name: str, **spec: Any) -> None:
    """Changes the Workflow's spec, as argo stop, terminate, suspend and resume do."""
    await client.patch(WORKFLOW, name, merge_patch({"spec": spec}), namespace=NAMESPACE)


async def pods_of(client: Client, name: str) -> list[Json]:
    items, _ = await client.list(
        PODS, namespace=NAMESPACE, label_selector=f"workflows.argoproj.io/workflow={name}"
    )
    return [item.to_dict() for item in items]


# -- deleting --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("seconds", "phase"), [(30, "Running"), (1, "Succeeded")])
async def test_deleted_on_the_hub_it_leaves_nothing_behind(argosy: Argosy, seconds: int, phase: str) -> None:
    name = f"delete-{phase.lower()}"
    await workflows.create(argosy, workflows.hello(name, seconds=seconds))
    hub = await workflows.in_phase(argosy, name, phase)
    assert len(await left_of(argosy, hub)) == 4
    await argosy.hub.delete(WORKFLOW, name, namespace=NAMESPACE)
    await nothing_is_left_of(argosy, hub)


@pytest.mark.parametrize(("seconds", "phase"), [(90, "Running"), (1, "Succeeded")])
async def test_a_copy_that_somebody_elses_finalizer_holds_is_named_on_the_hub(
    argosy: Argosy, seconds: int, phase: str
) -> None:
    name, finalizer = f"held-{phase.lower()}", "example.com/hold"
    await workflows.create(argosy, workflows.hello(name, seconds=seconds))
    hub = await workflows.in_phase(argosy, name, phase)
    cluster = argosy.managed[workflows.cluster_of(hub)]

    async def is_held() -> bool:
        meta = (await cluster.get(WORKFLOW, name, namespace=NAMESPACE)).metadata
        held = {"metadata": {"finalizers": [*meta.finalizers, finalizer]}}
        try:
            patch = merge_patch(held, resource_version=meta.resource_version)
            await cluster.patch(WORKFLOW, name, patch, namespace=NAMESPACE)
        except Conflict:
            return False
        return True

    await eventually(is_held, what="somebody holds the copy")
    await argosy.hub.delete(WORKFLOW, name, namespace=NAMESPACE)
    told = (await workflows.event(argosy.hub, name, "NotDeleted"))["message"]
    where = workflows.cluster_of(hub)
    assert told.startswith(
        f"DeletionHeld: cluster {where} has not removed it yet: Workflow {NAMESPACE}/{name} is held"
    )
    assert f"by finalizer {finalizer}." in told
    shown = await workflows.shown(argosy.hub, name)
    assert shown["metadata"]["annotations"][keys.WAITING_ANNOTATION] == told
    await cluster.patch(WORKFLOW, name, merge_patch({"metadata": {"finalizers": None}}), namespace=NAMESPACE)
    await nothing_is_left_of(argosy, hub)


async def test_deleted_before_anything_has_happened_it_never_runs(argosy: Argosy) -> None:
    async with watching(argosy.managed) as runs:
        await workflows.create(argosy, workflows.hello("short-lived", placement="not-there-yet"))
        await workflows.delete(argosy, "short-lived")
        await workflows.create(argosy, workflows.hello("witness"))
        await workflows.in_phase(argosy, "witness", "Succeeded")
        assert runs.of("short-lived") == set()
    await workflows.delete(argosy, "witness")


async def test_made_anew_at_once_under_its_name_it_is_a_run_of_its_own(argosy: Argosy) -> None:
    """What kubectl replace --force does, again and again, while the run before it goes on."""
    uids = []
    async with watching(argosy.managed) as runs:
        for seconds in (30, 30, 30, 1):
            await workflows.delete(argosy, "again")
            uids.append(
                (await workflows.create(argosy, workflows.hello("again", seconds=seconds)))["metadata"]["uid"]
            )
            hub = await workflows.in_phase(argosy, "again", "Running" if seconds > 1 else "Succeeded")
            copy = await workflows.shown(argosy.managed[workflows.cluster_of(hub)], "again")
            assert copy["metadata"]["annotations"][keys.HUB_UID_ANNOTATION] == uids[-1]
            assert hub["metadata"]["uid"] == uids[-1]
        assert len(runs.of("again")) == len(set(uids)) == 4
        await workflows.same_as_copy(argosy, "again")
    await workflows.delete(argosy, "again")


async def test_a_copy_deleted_by_hand_while_it_runs_ends_as_error_and_is_not_run_again(
    argosy: Argosy,
) -> None:
    async with watching(argosy.managed) as runs:
        await workflows.create(argosy, workflows.hello("by-hand", seconds=30))
        hub = await workflows.in_phase(argosy, "by-hand", "Running")
        cluster = argosy.managed[workflows.cluster_of(hub)]
        await cluster.delete(WORKFLOW, "by-hand", namespace=NAMESPACE)
        hub = await workflows.in_phase(argosy, "by-hand", "Error", within=20)
        assert "deleted on the cluster before it finished" in hub["status"]["message"]
        assert hub["metadata"]["labels"][keys.COMPLETED_LABEL] == "true"
        await workflows.gone(cluster, "by-hand")
        await workflows.create(argosy, workflows.hello("witness"))
        await workflows.in_phase(argosy, "witness", "Succeeded")
        assert len(runs.of("by-hand")) == 1
    await workflows.delete(argosy, "by-hand", "witness")
    await nothing_is_left_of(argosy, hub)


# -- time to live ----------------------------------------------------------------------------------------
async def test_removed_by_its_ttl_on_the_cluster_its_end_stays_on_the_hub(argosy: Argosy) -> None:
    async with watching(argosy.managed) as runs:
        body = workflows.two_steps("ttl", ttlStrategy={"secondsAfterCompletion": 0})
        await workflows.create(argosy, body)
        hub = await workflows.in_phase(argosy, "ttl", "Succeeded")
        await workflows.gone(argosy.managed[workflows.cluster_of(hub)], "ttl")
        await ended_well(argosy, "ttl")
        assert len(runs.of("ttl")) == 1
    await workflows.delete(argosy, "ttl")
    await nothing_is_left_of(argosy, hub)


async def test_removed_by_its_ttl_while_the_agent_is_down_its_end_still_reaches_the_hub(
    argosy: Argosy,
) -> None:
    async with watching(argosy.managed) as runs:
        body = workflows.two_steps("ttl-down", seconds=2, ttlStrategy={"secondsAfterCompletion": 0})
        await workflows.create(argosy, body)
        hub = await workflows.in_phase(argosy, "ttl-down", "Running")
        cluster = workflows.cluster_of(hub)
        argosy.agents[cluster].kill()
        try:

            async def is_going() -> bool:
                copy = await workflows.shown(argosy.managed[cluster], "ttl-down")
                return "deletionTimestamp" in copy["metadata"]

            await eventually(is_going, within=60, what="deleted by its TTL")
            assert workflows.phase_of(await workflows.shown(argosy.hub, "ttl-down")) == "Running"
        finally:
            await argosy.agents[cluster].start()
        await workflows.in_phase(argosy, "ttl-down", "Succeeded", within=20)
        await workflows.gone(argosy.managed[cluster], "ttl-down")
        await ended_well(argosy, "ttl-down")
        assert len(runs.of("ttl-down")) == 1
    await workflows.delete(argosy, "ttl-down")


async def ended_well(argosy: Argosy, name: str) -> None:
    """The hub has the whole end, every node of it."""

    async def probe() -> bool:
        status = (await workflows.shown(argosy.hub, name))["status"]
        assert status["progress"] == "2/2"
        assert {node["phase"] for node in status["nodes"].values()} == {"Succeeded"}
        return True

    await eventually(probe, within=20, what=f"the whole end of {name}")


# -- steering from the hub -------------------------------------------------------------------------------
@pytest.mark.parametrize("how", ["Stop", "Terminate"])
async def test_stopped_on_the_hub_it_stops_on_its_cluster(argosy: Argosy, how: str) -> None:
    name = f"shutdown-{how.lower()}"
    await workflows.create(argosy, workflows.two_steps(name, seconds=6))
    hub = await workflows.in_phase(argosy, name, "Running")
    await patch(argosy.hub, name, shutdown=how)
    await workflows.in_phase(argosy, name, "Failed", within=60)
    hub = await workflows.same_as_copy(argosy, name)
    assert how in hub["status"]["message"]
    names = {node["displayName"] for node in hub["status"]["nodes"].values()}
    assert "second" not in names
    await workflows.delete(argosy, name)


async def test_suspended_on_the_hub_it_waits_and_resumed_it_goes_on(argosy: Argosy) -> None:
    await workflows.create(argosy, workflows.two_steps("suspend", seconds=2))
    hub = await workflows.in_phase(argosy, "suspend", "Running")
    cluster = argosy.managed[workflows.cluster_of(hub)]
    await patch(argosy.hub, "suspend", suspend=True)

    async def first_has_ended() -> bool:
        nodes = (await workflows.shown(argosy.hub, "suspend"))["status"].get("nodes", {}).values()
        first = [node["phase"] for node in nodes if node["displayName"] == "first"]
        return first == ["Succeeded"]

    await workflows.spec_on(cluster, "suspend", suspend=True)
    # Argo notes the first step's end and would start the second in the same breath.
    await eventually(first_has_ended, within=60, what="the first step has ended")
    assert len(await pods_of(cluster, "suspend")) == 1
    await patch(argosy.hub, "suspend", suspend=None)
    await workflows.in_phase(argosy, "suspend", "Succeeded")
    await workflows.same_as_copy(argosy, "suspend")
    assert len(await pods_of(cluster, "suspend")) == 2
    await workflows.delete(argosy, "suspend")


async def test_what_was_stopped_on_the_cluster_stays_stopped_when_the_agent_starts_again(
    argosy: Argosy,
) -> None:
    await workflows.create(argosy, workflows.two_steps("stop-there", seconds=6))
    hub = await workflows.in_phase(argosy, "stop-there", "Running")
    cluster = workflows.cluster_of(hub)
    argosy.agents[cluster].kill()
    await patch(argosy.managed[cluster], "stop-there", shutdown="Stop")
    await argosy.agents[cluster].start()
    hub = await workflows.in_phase(argosy, "stop-there", "Failed", within=60)
    assert "Stop" in hub["status"]["message"]
    await workflows.delete(argosy, "stop-there")


# -- names -----------------------------------------------------------------------------------------------
async def test_generated_names_are_the_same_on_hub_and_cluster(argosy: Argosy) -> None:
    async with watching(argosy.managed) as runs:
        names = []
        for _ in range(3):
            body = workflows.hello("")
            del body["metadata"]["name"]
            body["metadata"]["generateName"] = "generated-"
            names.append((await workflows.create(argosy, body))["metadata"]["name"])
        for name in names:
            await workflows.in_phase(argosy, name, "Succeeded")
            await workflows.same_as_copy(argosy, name)
            assert len(runs.of(name)) == 1
    assert len(set(names)) == 3
    await workflows.delete(argosy, *names)


async def test_a_name_of_63_characters_works_from_end_to_end(argosy: Argosy) -> None:
    name = "n" * 63
    await workflows.create(argosy, workflows.hello(name))
    await workflows.in_phase(argosy, name, "Succeeded")
    hub = await workflows.same_as_copy(argosy, name)
    await workflows.delete(argosy, name)
    await nothing_is_left_of(argosy, hub)
