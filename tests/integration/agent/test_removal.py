"""What a work has applied goes with it, unless it says otherwise; and only then."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from agent.work.apply import REPORT_FINALIZER
from controllers.api.keys import APPLIED_MANIFEST_WORK_FINALIZER, MANIFEST_WORK_FINALIZER
from controllers.api.kinds import APPLIED_MANIFEST_WORK, MANIFEST_WORK, NAMESPACE, WORKFLOW
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from tests.eventually import eventually
from tests.integration.agent import works
from tests.integration.agent.conftest import Agent, Pair, running
from tests.integration.agent.works import CLUSTER, CONFIG_MAP, Json, config_map, workflow


async def test_a_deleted_work_takes_its_objects_along(pair: Pair, agent: Agent, namespace: str) -> None:
    inner = f"{namespace}-inner"
    await works.create(
        pair, namespace, works.manifest(NAMESPACE, inner), config_map("c", inner), config_map("c", namespace)
    )
    await works.condition(pair, namespace, "Applied", "True")
    await works.delete(pair, namespace)
    assert await works.trace(pair, namespace) is None
    await works.not_there(pair, CONFIG_MAP, "c", namespace, within=0)
    await works.not_there(pair, NAMESPACE, inner, within=0)


async def test_a_work_waits_for_objects_that_take_their_time(
    pair: Pair, agent: Agent, namespace: str
) -> None:
    slow = config_map("c", namespace)
    slow["metadata"]["finalizers"] = ["example.org/slow"]
    await works.create(pair, namespace, slow)
    await works.condition(pair, namespace, "Applied", "True")
    await pair.hub.delete(MANIFEST_WORK, namespace, namespace=CLUSTER)

    async def is_going() -> bool:
        found = await works.there(pair, CONFIG_MAP, "c", namespace)
        return found.metadata.deletion_timestamp is not None

    await eventually(is_going, what="the object is being deleted")
    work = await works.read(pair, namespace)
    assert MANIFEST_WORK_FINALIZER in work.metadata.finalizers
    patch = merge_patch({"metadata": {"finalizers": None}})
    await pair.managed.patch(CONFIG_MAP, "c", patch, namespace=namespace)

    async def is_gone() -> bool:
        return await pair.hub.find(MANIFEST_WORK, namespace, namespace=CLUSTER) is None

    # By the watch: long before it would be looked at again.
    await eventually(is_gone, within=3, what="the work is gone")


async def test_a_manifest_that_leaves_the_work_leaves_the_cluster(
    pair: Pair, agent: Agent, namespace: str
) -> None:
    await works.create(pair, namespace, config_map("a", namespace), config_map("b", namespace))
    await works.condition(pair, namespace, "Applied", "True")
    await works.change(pair, namespace, config_map("b", namespace))
    await works.not_there(pair, CONFIG_MAP, "a", namespace)
    await works.recorded(pair, namespace, await works.there(pair, CONFIG_MAP, "b", namespace))
    work = await works.read(pair, namespace)
    assert [item.resource_meta.name for item in work.status.resource_status.manifests] == ["b"]


async def test_orphan_leaves_everything_without_an_owner(pair: Pair, agent: Agent, namespace: str) -> None:
    both = [config_map("a", namespace), config_map("b", namespace)]
    await works.create(pair, namespace, *both, deleteOption={"propagationPolicy": "Orphan"})
    await works.condition(pair, namespace, "Applied", "True")
    await works.change(pair, namespace, both[1])
    await works.recorded(pair, namespace, await works.there(pair, CONFIG_MAP, "b", namespace))
    await works.delete(pair, namespace)
    assert await works.trace(pair, namespace) is None
    for name in "ab":
        left = await works.there(pair, CONFIG_MAP, name, namespace)
        assert left.metadata.owner_references == []


async def test_selectively_orphan_leaves_what_it_names(pair: Pair, agent: Agent, namespace: str) -> None:
    rule = {"group": "", "resource": "configmaps", "namespace": namespace, "name": "kept"}
    keep = {
        "propagationPolicy": "SelectivelyOrphan",
        "selectivelyOrphans": {"orphaningRules": [rule]},
    }
    objects = [config_map("kept", namespace), config_map("gone", namespace)]
    await works.create(pair, namespace, *objects, deleteOption=keep)
    await works.condition(pair, namespace, "Applied", "True")
    await works.delete(pair, namespace)
    await works.not_there(pair, CONFIG_MAP, "gone", namespace, within=0)
    await works.there(pair, CONFIG_MAP, "kept", namespace)


async def test_what_somebody_took_away_from_the_work_is_theirs(pair: Pair, namespace: str) -> None:
    async with running(pair):
        await works.create(pair, namespace, config_map("c", namespace))
        await works.recorded(pair, namespace, await works.there(pair, CONFIG_MAP, "c", namespace))
    patch = merge_patch({"metadata": {"ownerReferences": None}})
    await pair.managed.patch(CONFIG_MAP, "c", patch, namespace=namespace)
    await pair.hub.delete(MANIFEST_WORK, namespace, namespace=CLUSTER)
    async with running(pair):

        async def is_gone() -> bool:
            return await pair.hub.find(MANIFEST_WORK, namespace, namespace=CLUSTER) is None

        await eventually(is_gone, what="the work is gone")
    await works.there(pair, CONFIG_MAP, "c", namespace)


@pytest.mark.parametrize("times", [8])
async def test_a_work_made_anew_at_once_under_its_name_starts_from_nothing(
    pair: Pair, agent: Agent, namespace: str, times: int
) -> None:
    """Each time with a Workflow in it: the new work's Workflow has never run, whatever its predecessor's did."""
    uids = set()
    for number in range(times):
        await works.create(
            pair,
            namespace,
            works.workflow("w", namespace),
            config_map("c", namespace, number=str(number)),
            manifestConfigs=[
                works.option(WORKFLOW, "w", namespace, feedbackRules=works.values(p=".status.phase"))
            ],
        )
        copy = await works.there(pair, WORKFLOW, "w", namespace)
        uids.add(copy.metadata.uid)
        await works.there(pair, CONFIG_MAP, "c", namespace, data={"number": str(number)})
        await works.play_argo(pair, "w", namespace, f"Running{number}")
        await works.feedback(pair, namespace, {"p": f"Running{number}"})
        trace = await works.trace(pair, namespace)
        assert trace is not None
        assert [owner.uid for owner in copy.metadata.owner_references] == [trace.metadata.uid]
        await works.delete(pair, namespace)
    assert len(uids) == times


# -- the AppliedManifestWork is deleted by hand ----------------------------------------------------------
@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
async def test_objects_whose_trace_is_deleted_by_hand_are_made_anew(
    pair: Pair, agent: Agent, namespace: str, propagation: str
) -> None:
    await works.create(pair, namespace, config_map("c", namespace))
    before = await works.there(pair, CONFIG_MAP, "c", namespace)
    old = await works.recorded(pair, namespace, before)
    await pair.managed.delete(
        APPLIED_MANIFEST_WORK, old.metadata.name, propagation=propagation, uid=old.metadata.uid
    )

    async def anew() -> bool:
        found = await works.trace(pair, namespace)
        assert found is not None
        assert found.metadata.uid != old.metadata.uid
        after = await works.there(pair, CONFIG_MAP, "c", namespace)
        assert [owner.uid for owner in after.metadata.owner_references] == [found.metadata.uid]
        assert {item.uid for item in found.status.applied_resources} == {after.metadata.uid}
        return True

    await eventually(anew, what="everything anew")
    await works.delete(pair, namespace)
    await works.not_there(pair, CONFIG_MAP, "c", namespace, within=0)


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
async def test_a_workflow_whose_trace_is_deleted_by_hand_ends_and_is_not_run_again(
    pair: Pair, agent: Agent, namespace: str, propagation: str
) -> None:
    rules = works.option(
        WORKFLOW,
        "w",
        namespace,
        feedbackRules=works.values(phase=".status.phase"),
        conditionRules=[works.COMPLETE_WHEN_FINAL],
    )
    await works.create(pair, namespace, works.workflow("w", namespace), manifestConfigs=[rules])
    await works.there(pair, WORKFLOW, "w", namespace)
    await works.play_argo(pair, "w", namespace, "Running")
    await works.feedback(pair, namespace, {"phase": "Running"})
    old = await works.trace(pair, namespace)
    assert old is not None
    await pair.managed.delete(APPLIED_MANIFEST_WORK, old.metadata.name, propagation=propagation)
    await works.feedback(pair, namespace, {"phase": "Error"})

    async def anew() -> bool:
        found = await works.trace(pair, namespace)
        return found is not None and found.metadata.uid != old.metadata.uid

    await eventually(anew, what="a new AppliedManifestWork")
    await works.not_there(pair, WORKFLOW, "w", namespace)
    await works.condition(pair, namespace, "Complete", "True")


# -- the hub forgets -------------------------------------------------------------------------------------
async def forget(pair: Pair, name: str) -> str:
    """Makes the work vanish from the hub as a restored backup does, and returns it as JSON."""
    work = await pair.hub.get(MANIFEST_WORK, name, namespace=CLUSTER)
    patch = merge_patch({"metadata": {"finalizers": None}})
    await pair.hub.patch(MANIFEST_WORK, name, patch, namespace=CLUSTER)
    await pair.hub.delete(MANIFEST_WORK, name, namespace=CLUSTER)
    return work.raw.decode()


async def applied_and_forgotten(pair: Pair, name: str) -> str:
    """A work with a ConfigMap, applied; then, with no agent running, forgotten by the hub."""
    async with running(pair):
        await works.create(pair, name, config_map("c", name))
        await works.recorded(pair, name, await works.there(pair, CONFIG_MAP, "c", name))
        await works.condition(pair, name, "Applied", "True")
    return await forget(pair, name)


async def eviction_of(pair: Pair, name: str) -> str:
    """Since when the work's eviction runs, once it does."""

    async def probe() -> str | None:
        found = await works.trace(pair, name)
        return found.status.eviction_start_time if found else None

    return await eventually(probe, what=f"eviction of {name}")


async def test_what_the_hub_has_forgotten_goes_after_the_grace(pair: Pair, namespace: str) -> None:
    await applied_and_forgotten(pair, namespace)
    async with running(pair, eviction_grace=2):
        since = datetime.datetime.fromisoformat(await eviction_of(pair, namespace))
        await works.there(pair, CONFIG_MAP, "c", namespace)
        await works.not_there(pair, CONFIG_MAP, "c", namespace, within=10)
        stayed = datetime.datetime.now(datetime.UTC) - since
    assert stayed >= datetime.timedelta(seconds=2)
    assert await works.trace(pair, namespace) is None


async def test_the_grace_goes_on_over_a_restart_of_the_agent(pair: Pair, namespace: str) -> None:
    await applied_and_forgotten(pair, namespace)
    async with running(pair):
        since = await eviction_of(pair, namespace)
    async with running(pair):
        assert await eviction_of(pair, namespace) == since
        await works.there(pair, CONFIG_MAP, "c", namespace)
    async with running(pair, eviction_grace=0):
        await works.not_there(pair, CONFIG_MAP, "c", namespace, within=10)


async def test_a_work_that_the_hub_remembers_in_time_is_spared(pair: Pair, namespace: str) -> None:
    work = json.loads(await applied_and_forgotten(pair, namespace))
    async with running(pair):
        before = await works.there(pair, CONFIG_MAP, "c", namespace)
        await eviction_of(pair, namespace)
        for name in ("uid", "resourceVersion", "creationTimestamp"):
            del work["metadata"][name]
        await pair.hub.create(MANIFEST_WORK, work, namespace=CLUSTER)

        async def is_spared() -> bool:
            found = await works.trace(pair, namespace)
            assert found is not None
            return found.status.eviction_start_time is None

        await eventually(is_spared, what="eviction called off")
        await works.condition(pair, namespace, "Applied", "True")
        after = await works.there(pair, CONFIG_MAP, "c", namespace)
    assert after.metadata.uid == before.metadata.uid


# -- another hub -----------------------------------------------------------------------------------------
@pytest.fixture
def moved(pair: Pair, tmp_path: Path) -> Path:
    """The agent's kubeconfig of the same hub at another address, which makes it another hub to the agent."""
    text = pair.agent_hub.read_text()
    assert "https://127.0.0.1:" in text
    out = tmp_path / "moved.kubeconfig"
    out.write_text(text.replace("https://127.0.0.1:", "https://localhost:"))
    return out


async def traces_of(pair: Pair, name: str) -> list[str]:
    found, _ = await pair.managed.list(APPLIED_MANIFEST_WORK)
    return [item.metadata.name for item in found if item.metadata.name.endswith(f"-{name}")]


async def test_a_hub_that_gets_another_address_goes_on_with_what_it_has(
    pair: Pair, namespace: str, moved: Path
) -> None:
    async with running(pair):
        await works.create(pair, namespace, config_map("c", namespace, a="1"), workflow("w", namespace))
        await works.condition(pair, namespace, "Applied", "True")
        before = [
            await works.there(pair, CONFIG_MAP, "c", namespace),
            await works.there(pair, WORKFLOW, "w", namespace),
        ]
        await works.play_argo(pair, "w", namespace, "Running")
        (old,) = await traces_of(pair, namespace)
    async with running(pair, hub=moved, eviction_grace=2):

        async def is_alone() -> bool:
            found = await traces_of(pair, namespace)
            assert len(found) == 1
            assert found != [old]
            return True

        await eventually(is_alone, what="the trace of the old address is gone")
        (new,) = await traces_of(pair, namespace)
        after = [
            await works.there(pair, CONFIG_MAP, "c", namespace),
            await works.there(pair, WORKFLOW, "w", namespace),
        ]
        assert [item.metadata.uid for item in after] == [item.metadata.uid for item in before]
        for item in after:
            assert [owner.name for owner in item.metadata.owner_references] == [new]
        assert REPORT_FINALIZER in after[1].metadata.finalizers, "its end is waited for"
        await works.play_argo(pair, "w", namespace, "Succeeded", finishedAt="2026-01-01T00:00:00Z")

        async def is_let_go() -> bool:
            copy = await works.there(pair, WORKFLOW, "w", namespace)
            return REPORT_FINALIZER not in copy.metadata.finalizers

        await eventually(is_let_go, what="its end is reported")
        await works.delete(pair, namespace)


def left_by(agent: str, namespace: str) -> Json:
    body = {
        **works.manifest(APPLIED_MANIFEST_WORK, f"{'0' * 64}-{namespace}"),
        "spec": {"hubHash": "0" * 64, "agentID": agent, "manifestWorkName": namespace},
    }
    body["metadata"]["finalizers"] = [APPLIED_MANIFEST_WORK_FINALIZER]
    return body


async def applied_for(pair: Pair, trace: Object, namespace: str) -> Object:
    """A ConfigMap that the trace lists and owns."""
    owner = {
        "apiVersion": APPLIED_MANIFEST_WORK.api_version,
        "kind": APPLIED_MANIFEST_WORK.kind,
        "name": trace.metadata.name,
        "uid": trace.metadata.uid,
    }
    body = config_map("old", namespace)
    body["metadata"]["ownerReferences"] = [owner]
    made = await pair.managed.create(CONFIG_MAP, body, namespace=namespace)
    item = {"resource": "configmaps", "version": "v1", "name": "old", "namespace": namespace}
    patch = merge_patch({"status": {"appliedResources": [item | {"uid": made.metadata.uid}]}})
    await pair.managed.patch(APPLIED_MANIFEST_WORK, trace.metadata.name, patch, subresource="status")
    return made


async def test_what_a_hub_of_before_has_brought_goes_after_the_grace(pair: Pair, namespace: str) -> None:
    trace = await pair.managed.create(APPLIED_MANIFEST_WORK, left_by("default/argosy-agent", namespace))
    await applied_for(pair, trace, namespace)
    async with running(pair):

        async def is_marked() -> bool:
            found = (await pair.managed.get(APPLIED_MANIFEST_WORK, trace.metadata.name)).to_dict()
            return bool(found["status"].get("evictionStartTime"))

        await eventually(is_marked, what="the grace begins")
        await works.there(pair, CONFIG_MAP, "old", namespace)
    async with running(pair, eviction_grace=0):
        await works.not_there(pair, CONFIG_MAP, "old", namespace)

        async def is_gone() -> bool:
            return await pair.managed.find(APPLIED_MANIFEST_WORK, trace.metadata.name) is None

        await eventually(is_gone, what="nothing left")


async def test_the_trace_of_an_agent_for_another_hub_is_left_alone(pair: Pair, namespace: str) -> None:
    created = await pair.managed.create(APPLIED_MANIFEST_WORK, left_by("elsewhere/argosy-agent", namespace))
    async with running(pair, eviction_grace=0):
        await works.create(pair, namespace, config_map("c", namespace))
        await works.condition(pair, namespace, "Applied", "True")
    after = await pair.managed.get(APPLIED_MANIFEST_WORK, created.metadata.name)
    assert after.metadata.resource_version == created.metadata.resource_version
