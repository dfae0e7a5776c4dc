"""Workflows whose cluster is lost: they wait, or go on elsewhere, and only the last attempt counts."""

from __future__ import annotations

from collections import Counter
from typing import Any

from controllers.api import keys
from controllers.api.kinds import MANAGED_CLUSTER, WORKFLOW
from controllers.kube.patch import merge_patch
from tests.eventually import eventually
from tests.integration.bodies import managed_cluster
from tests.integration.hub_fleet import RUNNING, SUCCEEDED, Fleet
from tests.integration.told import event, waiting, waits_because, waits_no_more

RESCHEDULE = {keys.FAILOVER_ANNOTATION: "reschedule", keys.FAILOVER_AFTER_ANNOTATION: "0s"}
LATER = RESCHEDULE | {keys.FAILOVER_AFTER_ANNOTATION: "1h"}


async def test_only_the_last_attempt_counts(fleet: Fleet) -> None:
    first, second, _ = fleet.clusters
    lost, heir = fleet.agents[first], fleet.agents[second]
    await fleet.decide(first)
    await fleet.create("a", RESCHEDULE)
    await fleet.runs_on(first)
    await fleet.taint(first)
    await fleet.decide(second)
    found = await fleet.is_on(second)
    assert found["metadata"]["annotations"][keys.ATTEMPTS_ANNOTATION] == f"{first},{second}"
    assert found["status"] == {"phase": "Pending"}, "what the lost cluster had reported is taken back"
    assert found["metadata"]["labels"][keys.PHASE_LABEL] == "Pending"
    told = await event(fleet.client, fleet.namespace, "Rescheduled")
    assert f"{first} is unreachable since " in told["message"]
    assert f"attempt 2 goes to cluster {second}" in told["message"]

    new = await heir.claim(await heir.work())
    assert new.metadata.annotations[keys.ATTEMPT_ANNOTATION] == "2"
    (copy,) = new.to_dict()["spec"]["workload"]["manifests"]
    assert copy["metadata"]["annotations"][keys.ATTEMPT_ANNOTATION] == "2"
    assert not {keys.FAILOVER_ANNOTATION, keys.ATTEMPTS_ANNOTATION} & set(copy["metadata"]["annotations"])

    async def is_fenced() -> bool:
        return (await lost.work()).metadata.deletion_timestamp is not None

    await eventually(is_fenced, what="the old ManifestWork is being deleted")
    old = await lost.work()
    await lost.write_result(old, SUCCEEDED)  # it had gone on, and comes back with its end
    await lost.report(old, phase="Succeeded", progress="1/1")
    await heir.write_result(new, RUNNING)
    await fleet.shows("Running", "0/1")
    await lost.write_result(old, {**SUCCEEDED, "message": "again"})
    await heir.write_result(new, {"progress": "1/2"})
    await fleet.shows("Running", "1/2")
    await lost.let_go(old)
    await heir.write_result(new, SUCCEEDED)
    await fleet.shows("Succeeded")


async def test_by_default_it_waits_and_says_so(fleet: Fleet) -> None:
    first, second, _ = fleet.clusters
    await fleet.decide(first)
    await fleet.create("a", {})
    await fleet.runs_on(first)
    await fleet.taint(first)
    await fleet.decide(second)
    text = await waits_because(fleet.client, fleet.namespace, "ClusterLost")
    assert "goes on there when it comes back" in text
    assert (await event(fleet.client, fleet.namespace, "ClusterLost"))["type"] == "Warning"
    await fleet.untaint(first)
    await waits_no_more(fleet.client, fleet.namespace)
    found = await fleet.is_on(first)
    assert found["status"]["phase"] == "Running"
    assert keys.ATTEMPTS_ANNOTATION not in found["metadata"]["annotations"]


async def test_one_that_ends_all_the_same_waits_no_more(fleet: Fleet) -> None:
    """The cluster was cut off and comes back with the end, before the hub has taken the taint away."""
    first, _, _ = fleet.clusters
    await fleet.decide(first)
    await fleet.create("a", LATER)
    await fleet.runs_on(first)
    await fleet.taint(first)
    await waits_because(fleet.client, fleet.namespace, "ClusterLost")
    agent = fleet.agents[first]
    await agent.write_result(await agent.work(), SUCCEEDED)
    await fleet.shows("Succeeded")
    await waits_no_more(fleet.client, fleet.namespace)


async def test_what_keeps_it_from_being_sent_is_not_drowned_out(fleet: Fleet) -> None:
    """A cluster without a namespace was never let in, and is unreachable for that reason."""
    homeless = f"{fleet.namespace}-homeless"
    await fleet.client.create(MANAGED_CLUSTER, managed_cluster(homeless, test=fleet.namespace))
    await fleet.taint(homeless)
    await fleet.create("a", {keys.CLUSTER_ANNOTATION: homeless})
    await waits_because(fleet.client, fleet.namespace, "ClusterNamespaceMissing")
    await fleet.client.patch(
        WORKFLOW, "a", merge_patch({"metadata": {"labels": {"look": "again"}}}), namespace=fleet.namespace
    )
    await fleet.decide(fleet.clusters[0])
    await fleet.create("b", {})
    await fleet.is_on(fleet.clusters[0], "b")
    assert (await waiting(fleet.client, fleet.namespace)).startswith("ClusterNamespaceMissing: ")
    await fleet.client.delete(MANAGED_CLUSTER, homeless)


async def test_one_that_was_sent_elsewhere_is_told_about_that_alone(fleet: Fleet) -> None:
    first, second, _ = fleet.clusters
    await fleet.decide(first)
    await fleet.create("a", {})
    await fleet.runs_on(first)
    await fleet.taint(second)
    patch = merge_patch({"metadata": {"annotations": {keys.CLUSTER_ANNOTATION: second}}})
    await fleet.client.patch(WORKFLOW, "a", patch, namespace=fleet.namespace)
    told = await event(fleet.client, fleet.namespace, "NotMoved")
    assert f"cannot move to {second}" in told["message"]
    await fleet.is_on(first, "a")
    version = (await fleet.body())["metadata"]["resourceVersion"]
    await fleet.decide(first)
    await fleet.create("b", {})
    await fleet.is_on(first, "b")
    assert (await fleet.body())["metadata"]["resourceVersion"] == version, "nobody contradicts"


async def test_one_that_is_sent_to_a_cluster_that_is_lost_already_says_so(fleet: Fleet) -> None:
    first, _, _ = fleet.clusters
    await fleet.taint(first)
    await fleet.create("a", {keys.CLUSTER_ANNOTATION: first})
    await waits_because(fleet.client, fleet.namespace, "ClusterLost")


async def test_a_cluster_that_comes_back_in_time_keeps_it(fleet: Fleet) -> None:
    first, second, _ = fleet.clusters
    await fleet.decide(first)
    await fleet.create("a", LATER)
    await fleet.runs_on(first)
    await fleet.decide(second)
    await fleet.taint(first)
    assert "is rescheduled at 20" in await waits_because(fleet.client, fleet.namespace, "ClusterLost")
    await fleet.untaint(first)
    await waits_no_more(fleet.client, fleet.namespace)
    assert keys.ATTEMPTS_ANNOTATION not in (await fleet.is_on(first))["metadata"]["annotations"]


async def test_without_another_cluster_it_waits_for_one(fleet: Fleet) -> None:
    first, second, _ = fleet.clusters
    await fleet.decide(first)
    await fleet.create("a", RESCHEDULE)
    await fleet.runs_on(first)
    await fleet.taint(first, "upgrade")
    text = await waits_because(fleet.client, fleet.namespace, "ClusterLost", saying="can't go elsewhere yet")
    assert "has the taint upgrade:NoSelect" in text
    await fleet.decide(first, second)
    await fleet.is_on(second)
    await waits_no_more(fleet.client, fleet.namespace)


async def test_it_returns_to_a_cluster_only_once_that_has_cleaned_up(fleet: Fleet) -> None:
    first, second, _ = fleet.clusters
    await fleet.decide(first)
    await fleet.create("a", RESCHEDULE)
    await fleet.runs_on(first)
    await fleet.taint(first)
    await fleet.decide(second)
    await fleet.runs_on(second)
    await fleet.untaint(first)
    await fleet.decide(first)
    await fleet.taint(second)
    await waits_because(fleet.client, fleet.namespace, "ClusterLost")
    await fleet.agents[first].let_go(await fleet.agents[first].work())
    found = await fleet.is_on(first)
    assert found["metadata"]["annotations"][keys.ATTEMPTS_ANNOTATION] == f"{first},{second},{first}"

    async def third() -> bool:
        works = await fleet.agents[first].works()
        return [work.metadata.annotations.get(keys.ATTEMPT_ANNOTATION) for work in works] == ["3"]

    await eventually(third, what="the third attempt is sent")


async def test_all_that_were_on_a_lost_cluster_are_spread_whatever_their_strategy(fleet: Fleet) -> None:
    first, second, third = fleet.clusters
    names = [f"w{number:02}" for number in range(12)]
    await fleet.decide(first)
    for name in names:
        await fleet.create(name, RESCHEDULE | {keys.STRATEGY_ANNOTATION: "pack"})
    for name in names:
        await fleet.is_on(first, name)
    await fleet.decide(second, third)
    await fleet.taint(first)

    async def all_moved() -> list[str]:
        found = [
            (await fleet.body(name))["metadata"]["annotations"][keys.CLUSTER_ANNOTATION] for name in names
        ]
        assert first not in found
        return found

    assert Counter(await eventually(all_moved, within=30)) == {second: 6, third: 6}


async def test_a_workflow_that_was_stopped_is_not_started_elsewhere(fleet: Fleet) -> None:
    first, second, _ = fleet.clusters
    await fleet.decide(first)
    await fleet.create("a", RESCHEDULE)
    await fleet.runs_on(first)
    patch = merge_patch({"spec": {"shutdown": "Terminate"}})
    await fleet.client.patch(WORKFLOW, "a", patch, namespace=fleet.namespace)
    await fleet.decide(second)
    await fleet.taint(first)
    await waits_because(fleet.client, fleet.namespace, "ClusterLost")
    await fleet.is_on(first)


async def test_what_has_ended_stays_where_it_was(fleet: Fleet) -> None:
    first, second, _ = fleet.clusters
    await fleet.decide(first)
    await fleet.create("a", RESCHEDULE)
    await fleet.create("b", RESCHEDULE)
    agent = fleet.agents[first]

    async def both() -> list[Any]:
        found = await agent.works()
        assert len(found) == 2
        return found

    for work in await eventually(both):
        ended = work.metadata.name.startswith("a-")
        await agent.write_result(work, SUCCEEDED if ended else RUNNING)
    await fleet.shows("Succeeded", name="a")
    await fleet.decide(second)
    await fleet.taint(first)
    await fleet.is_on(second, "b")
    found = await fleet.is_on(first, "a")
    assert found["status"]["phase"] == "Succeeded"


async def test_deleting_it_does_not_wait_for_the_lost_cluster(fleet: Fleet) -> None:
    first, second, _ = fleet.clusters
    await fleet.decide(first)
    await fleet.create("a", RESCHEDULE)
    await fleet.runs_on(first)
    await fleet.taint(first)
    await fleet.decide(second)
    await fleet.runs_on(second)
    await fleet.client.delete(WORKFLOW, "a", namespace=fleet.namespace)
    heir = fleet.agents[second]

    async def is_going() -> bool:
        return (await heir.work()).metadata.deletion_timestamp is not None

    await eventually(is_going)
    await heir.let_go(await heir.work())

    async def is_gone() -> bool:
        return await fleet.client.find(WORKFLOW, "a", namespace=fleet.namespace) is None

    await eventually(is_gone, what="the Workflow is gone")
    assert (await fleet.agents[first].work()).metadata.deletion_timestamp is not None
