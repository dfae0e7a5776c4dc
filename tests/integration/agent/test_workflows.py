"""A Workflow in a work runs exactly once, whatever happens to the agent, the copy or the hub's memory of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agent.work.apply import REPORT_FINALIZER
from controllers.api.keys import HUB_UID_ANNOTATION
from controllers.api.kinds import APPLIED_MANIFEST_WORK, MANIFEST_WORK, WORKFLOW, WORKFLOW_STATUS_RESULT
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from tests.eventually import eventually
from tests.integration.agent import works
from tests.integration.agent.conftest import Agent, Pair, running, started
from tests.integration.agent.mortal import Life, mortal
from tests.integration.agent.works import CLUSTER


async def create(pair: Pair, name: str, **spec: Any) -> None:
    """A work with one Workflow of the same name and namespace, as the manifestwork controller makes them."""
    manifest = works.workflow(name, name, **spec)
    manifest["metadata"]["annotations"] = {HUB_UID_ANNOTATION: f"uid-of-{name}"}
    await works.create(pair, name, manifest, manifestConfigs=[rules(name)])


def rules(name: str) -> works.Json:
    return works.option(
        WORKFLOW,
        name,
        name,
        feedbackRules=works.values(phase=".status.phase", message=".status.message"),
        conditionRules=[works.COMPLETE_WHEN_FINAL],
    )


async def steer(pair: Pair, name: str, **spec: Any) -> None:
    """Changes the Workflow's spec in the work, as stop, suspend and resume on the hub do."""
    manifest = works.workflow(name, name, **spec)
    manifest["metadata"]["annotations"] = {HUB_UID_ANNOTATION: f"uid-of-{name}"}
    await works.change(pair, name, manifest)


async def stop_there(pair: Pair, name: str) -> None:
    """argo stop, on the cluster."""
    patch = merge_patch({"spec": {"shutdown": "Stop"}})
    await pair.managed.patch(WORKFLOW, name, patch, namespace=name)


async def copy_of(pair: Pair, name: str) -> Object:
    return await works.there(pair, WORKFLOW, name, name)


async def result_of(pair: Pair, name: str) -> works.Json:
    """The full status that the hub has; {} for none."""
    found = await pair.hub.find(WORKFLOW_STATUS_RESULT, name, namespace=CLUSTER)
    status: works.Json = found.to_dict()["workflowStatus"] if found else {}
    return status


async def ends(pair: Pair, name: str, phase: str) -> works.Json:
    """Waits until the hub has the end, in both places, and returns the full status."""
    await works.condition(pair, name, "Complete", "True")
    await works.feedback_value(pair, name, "phase", phase)
    status = await result_of(pair, name)
    assert status["phase"] == phase
    return status


# -- killed ----------------------------------------------------------------------------------------------
# All that an agent writes for one Workflow, from the first finalizer to the last, if nothing disturbs it.
WRITES = 14


async def life_of_a_workflow(pair: Pair, name: str, uids: set[str]) -> None:
    """What others do while agents come and go: the hub makes the work, Argo runs and ends the Workflow, its TTL
    deletes it at once, the hub sees the end and deletes the work."""
    await create(pair, name)
    uids.add((await works.there(pair, WORKFLOW, name, name)).metadata.uid)
    await works.play_argo(pair, name, name, "Running", nodes={"n": works.node("n", "Running")})
    await works.play_argo(pair, name, name, "Succeeded", nodes={"n": works.node("n", "Succeeded")})
    await works.remove(pair, WORKFLOW, name, name)

    async def is_gone() -> bool:
        found = await works.find(pair, WORKFLOW, name, name)
        uids.update([found.metadata.uid] if found else [])
        return found is None

    await eventually(is_gone, what="the Workflow is gone")
    assert (await ends(pair, name, "Succeeded"))["nodes"] == {"n": works.node("n", "Succeeded")}
    uids.update(item.metadata.uid for item in (await pair.managed.list(WORKFLOW, namespace=name))[0])
    await works.delete(pair, name)


@pytest.mark.parametrize("writes", range(WRITES + 1))
async def test_killed_between_any_two_writes_it_runs_once_and_ends_right(
    pair: Pair, namespace: str, writes: int
) -> None:
    """The first agent may write `writes` times, the second as often as it likes."""
    life = Life(writes)
    uids: set[str] = set()
    story = asyncio.create_task(life_of_a_workflow(pair, namespace, uids))
    async with started(pair, client=mortal(life)):
        over = asyncio.create_task(life.over.wait())
        await asyncio.wait([over, story], return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
    async with running(pair):
        await story
    assert len(uids) == 1
    assert await works.trace(pair, namespace) is None


async def test_the_number_of_writes_that_kills_are_tried_between_is_right(pair: Pair, namespace: str) -> None:
    life = Life(1000)
    async with running(pair, client=mortal(life)):
        await life_of_a_workflow(pair, namespace, set())
    # Two changes of the status in quick succession may take one write less.
    assert WRITES - 3 <= len(life.wrote) <= WRITES, life.wrote


# -- lost ------------------------------------------------------------------------------------------------
async def test_a_copy_deleted_while_it_runs_ends_as_error_and_is_not_run_again(
    pair: Pair, agent: Agent, namespace: str
) -> None:
    await create(pair, namespace)
    await copy_of(pair, namespace)
    await works.play_argo(pair, namespace, namespace, "Running", progress="1/3")
    await works.feedback_value(pair, namespace, "phase", "Running")
    await works.remove(pair, WORKFLOW, namespace, namespace)
    status = await ends(pair, namespace, "Error")
    assert "deleted on the cluster before it finished" in status["message"]
    assert status["progress"] == "1/3"
    await works.not_there(pair, WORKFLOW, namespace, namespace)
    # Looked at once more, nothing changes.
    await pair.hub.patch(
        MANIFEST_WORK,
        namespace,
        merge_patch({"spec": {"deleteOption": {"propagationPolicy": "Foreground"}}}),
        namespace=CLUSTER,
    )
    await works.condition(pair, namespace, "Complete", "True")
    assert await result_of(pair, namespace) == status
    assert await works.find(pair, WORKFLOW, namespace, namespace) is None


async def test_a_copy_that_lost_its_owner_is_not_lost(pair: Pair, agent: Agent, namespace: str) -> None:
    """The agent's cache holds only what its works own; before it gives a Workflow up, it asks the cluster."""
    await create(pair, namespace)
    before = await copy_of(pair, namespace)
    await works.play_argo(pair, namespace, namespace, "Running")
    await works.feedback_value(pair, namespace, "phase", "Running")
    patch = merge_patch({"metadata": {"ownerReferences": None}})
    await pair.managed.patch(WORKFLOW, namespace, patch, namespace=namespace)

    async def is_owned_again() -> bool:
        found = await copy_of(pair, namespace)
        assert found.metadata.uid == before.metadata.uid
        return bool(found.metadata.owner_references)

    await eventually(is_owned_again, what="owned again")
    assert (await result_of(pair, namespace))["phase"] == "Running"
    await works.play_argo(pair, namespace, namespace, "Succeeded")
    await ends(pair, namespace, "Succeeded")


async def test_an_end_that_the_hub_knows_is_not_turned_into_a_loss(pair: Pair, namespace: str) -> None:
    """Killed after the full status went out and before the work was Complete; then the copy is forced away."""
    life = Life(1000)
    async with started(pair, client=mortal(life)):
        await create(pair, namespace)
        await copy_of(pair, namespace)
        await works.play_argo(pair, namespace, namespace, "Running")
        await works.feedback_value(pair, namespace, "phase", "Running")
    result = {"workflowStatus": {"phase": "Succeeded", "message": "all is well"}}
    await pair.hub.patch(WORKFLOW_STATUS_RESULT, namespace, merge_patch(result), namespace=CLUSTER)
    await works.remove(pair, WORKFLOW, namespace, namespace)
    patch = merge_patch({"metadata": {"finalizers": None}})
    await pair.managed.patch(WORKFLOW, namespace, patch, namespace=namespace)
    async with running(pair):
        assert (await ends(pair, namespace, "Succeeded"))["message"] == "all is well"


@pytest.mark.parametrize("state", ["recorded", "not recorded"])
async def test_a_workflow_gone_while_the_agent_was_down_is_run_again_only_if_it_never_was(
    pair: Pair, namespace: str, state: str
) -> None:
    """Gone by force, its finalizer taken: then the record in the AppliedManifestWork is all there is."""
    async with running(pair):
        await create(pair, namespace)
        copy = await copy_of(pair, namespace)
        await works.recorded(pair, namespace, copy)
    if state == "not recorded":
        name = works.trace_name(pair, namespace)
        patch = merge_patch({"status": {"appliedResources": None}})
        await pair.managed.patch(APPLIED_MANIFEST_WORK, name, patch, subresource="status")
    else:
        await works.remove(pair, WORKFLOW, namespace, namespace)
        patch = merge_patch({"metadata": {"finalizers": None}})
        await pair.managed.patch(WORKFLOW, namespace, patch, namespace=namespace)
    async with running(pair):
        if state == "recorded":
            status = await ends(pair, namespace, "Error")
            assert "not run a second time" in status["message"]
            assert await works.find(pair, WORKFLOW, namespace, namespace) is None
        else:
            await works.recorded(pair, namespace, copy)
            assert (await copy_of(pair, namespace)).metadata.uid == copy.metadata.uid


async def test_the_last_state_is_not_lost_when_the_ttl_strikes_while_the_agent_is_down(
    pair: Pair, namespace: str
) -> None:
    async with running(pair):
        await create(pair, namespace)
        await works.recorded(pair, namespace, await copy_of(pair, namespace))
    await works.play_argo(pair, namespace, namespace, "Failed", message="step 2 failed")
    await works.remove(pair, WORKFLOW, namespace, namespace)
    async with running(pair):
        assert (await ends(pair, namespace, "Failed"))["message"] == "step 2 failed"
        await works.not_there(pair, WORKFLOW, namespace, namespace)


async def test_without_a_rule_for_complete_an_end_that_the_hub_knows_is_enough(
    pair: Pair, agent: Agent, namespace: str
) -> None:
    """A work that somebody wrote by hand; its Workflow ends and is removed by its TTL."""
    await works.create(pair, namespace, works.workflow(namespace, namespace))
    await copy_of(pair, namespace)
    await works.play_argo(pair, namespace, namespace, "Succeeded")

    async def is_known() -> bool:
        return (await result_of(pair, namespace)).get("phase") == "Succeeded"

    await eventually(is_known, what="the end on the hub")
    await works.remove(pair, WORKFLOW, namespace, namespace)
    await works.not_there(pair, WORKFLOW, namespace, namespace)
    await works.change(pair, namespace, works.workflow(namespace, namespace, parallelism=1))
    await works.condition(pair, namespace, "Available", "False", ordinal=0)
    assert await works.condition(pair, namespace, "Applied", "True") != ""
    assert (await result_of(pair, namespace))["phase"] == "Succeeded"
    assert await works.find(pair, WORKFLOW, namespace, namespace) is None


async def test_of_two_workflows_in_a_work_the_first_has_the_result_and_both_run(
    pair: Pair, agent: Agent, namespace: str
) -> None:
    both = [works.workflow("first", namespace), works.workflow("second", namespace)]
    rules = [
        works.option(
            WORKFLOW,
            "*",
            namespace,
            feedbackRules=works.values(phase=".status.phase"),
            conditionRules=[works.COMPLETE_WHEN_FINAL],
        )
    ]
    await works.create(pair, namespace, works.config_map("c", namespace), *both, manifestConfigs=rules)
    for name in ("first", "second"):
        await works.there(pair, WORKFLOW, name, namespace)
    await works.play_argo(pair, "second", namespace, "Running", message="of the second")
    await works.play_argo(pair, "first", namespace, "Succeeded", message="of the first")
    await works.feedback(pair, namespace, {"phase": "Succeeded"}, ordinal=1)
    await works.feedback(pair, namespace, {"phase": "Running"}, ordinal=2)
    assert await result_of(pair, namespace) == {"phase": "Succeeded", "message": "of the first"}
    await works.play_argo(pair, "second", namespace, "Failed")
    await works.feedback(pair, namespace, {"phase": "Failed"}, ordinal=2)
    assert await result_of(pair, namespace) == {"phase": "Succeeded", "message": "of the first"}


# -- names -----------------------------------------------------------------------------------------------
async def test_a_users_own_workflow_of_that_name_is_left_alone(
    pair: Pair, agent: Agent, namespace: str
) -> None:
    theirs = await pair.managed.create(WORKFLOW, works.workflow(namespace, namespace), namespace=namespace)
    await create(pair, namespace)
    failure = await works.condition(pair, namespace, "Applied", "False", ordinal=0)
    assert "another Workflow is called" in failure
    found = await copy_of(pair, namespace)
    assert found.raw == theirs.raw
    await works.remove(pair, WORKFLOW, namespace, namespace)
    await works.condition(pair, namespace, "Applied", "True", ordinal=0)
    assert (await copy_of(pair, namespace)).metadata.uid != theirs.metadata.uid


async def test_a_copy_that_another_agent_made_is_taken_over(pair: Pair, agent: Agent, namespace: str) -> None:
    """Made by OCM's agent, or under another address of the hub: no owner of ours, no finalizer."""
    manifest = works.workflow(namespace, namespace)
    manifest["metadata"]["annotations"] = {HUB_UID_ANNOTATION: f"uid-of-{namespace}"}
    made = await pair.managed.create(WORKFLOW, manifest, namespace=namespace)
    await create(pair, namespace)
    await works.recorded(pair, namespace, made)
    await works.play_argo(pair, namespace, namespace, "Running")
    await works.feedback_value(pair, namespace, "phase", "Running")
    taken = await copy_of(pair, namespace)
    assert taken.metadata.uid == made.metadata.uid
    assert REPORT_FINALIZER in taken.metadata.finalizers
    await works.play_argo(pair, namespace, namespace, "Succeeded")
    await ends(pair, namespace, "Succeeded")


# -- steering --------------------------------------------------------------------------------------------
async def test_what_the_hub_changes_reaches_the_running_copy_and_nothing_else_does(
    pair: Pair, agent: Agent, namespace: str
) -> None:
    await create(pair, namespace)
    await copy_of(pair, namespace)
    await works.play_argo(pair, namespace, namespace, "Running", nodes={"n": works.node("n", "Running")})
    await works.feedback_value(pair, namespace, "phase", "Running")
    await steer(pair, namespace, suspend=True, parallelism=2, entrypoint="other")
    await works.condition(pair, namespace, "Applied", "True", ordinal=0)
    found = (await copy_of(pair, namespace)).to_dict()
    assert found["spec"]["suspend"] is True
    assert found["spec"]["parallelism"] == 2
    assert found["spec"]["entrypoint"] == "t"
    assert found["status"] == {"phase": "Running", "nodes": {"n": works.node("n", "Running")}}
    await steer(pair, namespace)
    await works.condition(pair, namespace, "Applied", "True", ordinal=0)
    assert not {"suspend", "parallelism"} & set((await copy_of(pair, namespace)).to_dict()["spec"])


async def test_a_restart_of_the_agent_undoes_nothing_that_was_done_on_the_cluster(
    pair: Pair, namespace: str
) -> None:
    async with running(pair):
        await create(pair, namespace)
        await copy_of(pair, namespace)
        await works.condition(pair, namespace, "Applied", "True", ordinal=0)
    await works.play_argo(pair, namespace, namespace, "Running")
    await stop_there(pair, namespace)
    async with running(pair):
        await works.feedback_value(pair, namespace, "phase", "Running")
        assert (await copy_of(pair, namespace)).to_dict()["spec"]["shutdown"] == "Stop"


async def test_an_agent_killed_before_its_first_status_does_not_undo_a_stop(
    pair: Pair, namespace: str
) -> None:
    """The first status of a work is held back for a moment: what tells of the delivery is on the copy."""
    async with started(pair):
        await create(pair, namespace)
        await copy_of(pair, namespace)
    assert (await works.read(pair, namespace)).status.conditions == []
    await stop_there(pair, namespace)
    async with running(pair):
        await works.condition(pair, namespace, "Applied", "True", ordinal=0)
        assert (await copy_of(pair, namespace)).to_dict()["spec"]["shutdown"] == "Stop"


async def test_a_change_on_the_hub_leaves_other_fields_as_they_were_changed_on_the_cluster(
    pair: Pair, agent: Agent, namespace: str
) -> None:
    await create(pair, namespace)
    await copy_of(pair, namespace)
    await stop_there(pair, namespace)
    await steer(pair, namespace, parallelism=2)

    async def is_steered() -> bool:
        return bool((await copy_of(pair, namespace)).to_dict()["spec"].get("parallelism") == 2)

    await eventually(is_steered, what="steered")
    assert (await copy_of(pair, namespace)).to_dict()["spec"]["shutdown"] == "Stop"


async def test_a_busy_copy_is_steered_without_a_word_of_conflicts_on_the_hub(
    pair: Pair, agent: Agent, namespace: str
) -> None:
    """Argo writes at the same time: the agent's guarded patches conflict, which is nobody's business."""
    await create(pair, namespace)
    await copy_of(pair, namespace)
    applied: list[str] = []

    async def scribble() -> None:
        for number in range(10_000):
            await works.play_argo(pair, namespace, namespace, "Running", progress=f"{number}/10000")

    async def listen() -> None:
        while True:
            work = await works.read(pair, namespace)
            for item in work.status.resource_status.manifests:
                applied.extend(one.status for one in item.conditions if one.type == "Applied")
            await asyncio.sleep(0.005)

    tasks = [asyncio.create_task(scribble()), asyncio.create_task(listen())]
    for number in range(1, 6):
        await steer(pair, namespace, parallelism=number)

        async def is_steered(wanted: int = number) -> bool:
            return bool((await copy_of(pair, namespace)).to_dict()["spec"].get("parallelism") == wanted)

        await eventually(is_steered, what="steered")
    await eventually(lambda: bool(applied), what="a status of the work")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert set(applied) == {"True"}


# -- results ---------------------------------------------------------------------------------------------
async def test_the_full_status_is_on_the_hub_as_it_changes(pair: Pair, agent: Agent, namespace: str) -> None:
    await create(pair, namespace)
    await copy_of(pair, namespace)
    nodes: works.Json = {}
    for number in range(5):
        outputs = {"parameters": [{"name": "x"}]}
        nodes[f"n{number}"] = {**works.node(f"n{number}", "Running"), "outputs": outputs}
        await works.play_argo(pair, namespace, namespace, "Running", nodes=nodes)

        async def is_there() -> bool:
            return (await result_of(pair, namespace)).get("nodes") == nodes

        await eventually(is_there, what="nodes on the hub")
    result = await pair.hub.get(WORKFLOW_STATUS_RESULT, namespace, namespace=CLUSTER)
    assert [owner.name for owner in result.metadata.owner_references] == [namespace]


async def test_a_result_left_by_an_earlier_work_is_not_taken_for_ones_own(
    pair: Pair, agent: Agent, namespace: str
) -> None:
    """The hub's garbage collector may take its time, or be told to leave things alone."""
    owner = {**works.manifest(MANIFEST_WORK, namespace), "uid": "1-2-3-4-5"}
    stale = works.manifest(WORKFLOW_STATUS_RESULT, namespace, CLUSTER)
    stale["metadata"]["ownerReferences"] = [
        {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": namespace, "uid": owner["uid"]}
    ]
    stale["metadata"]["finalizers"] = ["example.org/slow"]
    stale["workflowStatus"] = {"phase": "Succeeded", "message": "of an earlier life"}
    await pair.hub.create(WORKFLOW_STATUS_RESULT, stale, namespace=CLUSTER)
    await create(pair, namespace)
    await copy_of(pair, namespace)
    await works.play_argo(pair, namespace, namespace, "Running")
    await asyncio.gather(release(pair, namespace), works.feedback_value(pair, namespace, "phase", "Running"))

    async def is_fresh() -> bool:
        return await result_of(pair, namespace) == {"phase": "Running"}

    await eventually(is_fresh, what="the new status alone")


async def release(pair: Pair, name: str) -> None:
    """Takes the finalizer off the stale result once somebody deletes it."""

    async def probe() -> bool:
        found = await pair.hub.get(WORKFLOW_STATUS_RESULT, name, namespace=CLUSTER)
        return found.metadata.deletion_timestamp is not None

    await eventually(probe, what="stale result deleted")
    patch = merge_patch({"metadata": {"finalizers": None}})
    await pair.hub.patch(WORKFLOW_STATUS_RESULT, name, patch, namespace=CLUSTER)


async def test_a_result_without_an_owner_is_taken_over_and_says_nothing_of_this_run(
    pair: Pair, agent: Agent, namespace: str
) -> None:
    """As OCM's status add-on leaves them behind."""
    stale = works.manifest(WORKFLOW_STATUS_RESULT, namespace, CLUSTER)
    stale["workflowStatus"] = {"phase": "Succeeded", "message": "of an earlier life"}
    await pair.hub.create(WORKFLOW_STATUS_RESULT, stale, namespace=CLUSTER)
    await create(pair, namespace)
    await copy_of(pair, namespace)
    await works.play_argo(pair, namespace, namespace, "Running")
    await works.feedback_value(pair, namespace, "phase", "Running")
    result = await pair.hub.get(WORKFLOW_STATUS_RESULT, namespace, namespace=CLUSTER)
    assert result.to_dict()["workflowStatus"] == {"phase": "Running"}
    work = await works.read(pair, namespace)
    assert [owner.uid for owner in result.metadata.owner_references] == [work.metadata.uid]
