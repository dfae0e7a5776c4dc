"""The AppliedManifestWork of a work: whose it is, what it says, and that nobody's writes are lost."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from agent.decide.naming import Hub
from agent.work.claim import Claims
from controllers.api.keys import APPLIED_MANIFEST_WORK_FINALIZER
from controllers.api.kinds import APPLIED_MANIFEST_WORK, MANIFEST_WORK, NAMESPACE, WORKFLOW
from controllers.api.work import AppliedManifestWork
from controllers.kube.errors import Conflict
from controllers.kube.patch import merge_patch
from controllers.runtime.informer import Informer
from controllers.runtime.own_writes import OwnWrites
from controllers.runtime.scope import Scope
from tests.eventually import eventually
from tests.integration.agent import works
from tests.integration.agent.conftest import Agent, Pair, running
from tests.integration.agent.works import CLUSTER, CONFIG_MAP, Json, config_map, workflow

CENTURY = 100 * 365 * 24 * 3600


async def trace_of(pair: Pair, name: str) -> AppliedManifestWork:
    found = await works.trace(pair, name)
    assert found is not None, f"no trace of {name}"
    return found


async def settled(pair: Pair, name: str) -> None:
    """Waits until a work that comes now is applied: whatever the agent does at its start is done by then."""
    later = f"{name}-later"
    await works.create(pair, later, config_map("later", name))
    await works.condition(pair, later, "Applied", "True")
    await works.delete(pair, later)


# -- what it says ----------------------------------------------------------------------------------------
async def test_labels_of_the_work_are_on_its_trace(pair: Pair, agent: Agent, namespace: str) -> None:
    body = {
        "apiVersion": MANIFEST_WORK.api_version,
        "kind": MANIFEST_WORK.kind,
        "metadata": {"name": namespace, "namespace": CLUSTER, "labels": {"team": "red"}},
        "spec": {"workload": {"manifests": [config_map("c", namespace)]}},
    }
    await pair.hub.create(MANIFEST_WORK, body, namespace=CLUSTER)
    await works.condition(pair, namespace, "Applied", "True")
    assert (await trace_of(pair, namespace)).metadata.labels == {"team": "red"}
    name = works.trace_name(pair, namespace)
    theirs = merge_patch({"metadata": {"labels": {"theirs": "kept"}}})
    await pair.managed.patch(APPLIED_MANIFEST_WORK, name, theirs)
    await works.patch(pair, namespace, merge_patch({"metadata": {"labels": {"team": "blue", "tier": "web"}}}))

    async def is_copied() -> bool:
        labels = (await trace_of(pair, namespace)).metadata.labels
        assert labels == {"team": "blue", "tier": "web", "theirs": "kept"}
        return True

    await eventually(is_copied, what="labels copied")
    await works.delete(pair, namespace)


async def test_applied_objects_are_listed_in_the_order_of_ocms_agent(
    pair: Pair, agent: Agent, namespace: str
) -> None:
    inner = f"{namespace}-inner"
    manifests = [
        works.deployment("d", namespace),
        config_map("z", namespace),
        config_map("a", inner),
        works.manifest(NAMESPACE, inner),
        config_map("a", namespace),
    ]
    await works.create(pair, namespace, *manifests)
    await works.condition(pair, namespace, "Applied", "True")

    async def is_listed() -> bool:
        listed = (await trace_of(pair, namespace)).status.applied_resources
        assert [(item.resource, item.namespace, item.name) for item in listed] == [
            ("configmaps", namespace, "a"),
            ("configmaps", namespace, "z"),
            ("configmaps", inner, "a"),
            ("namespaces", "", inner),
            ("deployments", namespace, "d"),
        ]
        return True

    await eventually(is_listed, what="all are listed")
    await works.delete(pair, namespace, within=60)


# -- whose it is -----------------------------------------------------------------------------------------
async def test_the_agent_id_is_renewed(pair: Pair, namespace: str) -> None:
    async with running(pair, "--agent-id", "before"):
        await works.create(pair, namespace, config_map("c", namespace))
        before = await works.there(pair, CONFIG_MAP, "c", namespace)
        await works.recorded(pair, namespace, before)
        assert (await trace_of(pair, namespace)).spec.agent_id == "before"
    async with running(pair, "--agent-id", "after"):

        async def is_renewed() -> bool:
            return (await trace_of(pair, namespace)).spec.agent_id == "after"

        await eventually(is_renewed, what="the agent's ID is on the trace")
        assert (await works.there(pair, CONFIG_MAP, "c", namespace)).metadata.uid == before.metadata.uid
        await works.delete(pair, namespace)


def trace_body(pair: Pair, agent_id: str, work: str) -> Json:
    hub = Hub(pair.hub.server)
    body = works.manifest(APPLIED_MANIFEST_WORK, hub.applied_name(work))
    body["metadata"]["finalizers"] = [APPLIED_MANIFEST_WORK_FINALIZER]
    return {**body, "spec": {"hubHash": hub.hash, "agentID": agent_id, "manifestWorkName": work}}


@pytest.mark.parametrize(
    ("agent_id", "arguments"),
    [("another", ()), ("", ()), ("another", ("--agent-id", "this")), ("hub's hash", ("--agent-id", "this"))],
)
async def test_a_trace_of_another_agent_of_this_hub_is_left_alone(
    pair: Pair, namespace: str, agent_id: str, arguments: tuple[str, ...]
) -> None:
    """Its work is in the namespace of another cluster of the hub, which this agent does not see."""
    bears = Hub(pair.hub.server).hash if agent_id == "hub's hash" else agent_id
    theirs = f"{namespace}-theirs"
    made = await pair.managed.create(APPLIED_MANIFEST_WORK, trace_body(pair, bears, theirs))
    async with running(pair, *arguments, eviction_grace=0):
        await settled(pair, namespace)
        after = await pair.managed.get(APPLIED_MANIFEST_WORK, made.metadata.name)
        assert after.metadata.resource_version == made.metadata.resource_version
        await pair.managed.delete(APPLIED_MANIFEST_WORK, made.metadata.name)
        await settled(pair, namespace)
        going = await pair.managed.get(APPLIED_MANIFEST_WORK, made.metadata.name)
        assert going.metadata.finalizers == [APPLIED_MANIFEST_WORK_FINALIZER]
    await pair.managed.patch(
        APPLIED_MANIFEST_WORK, made.metadata.name, merge_patch({"metadata": {"finalizers": None}})
    )


async def test_a_trace_of_ocms_agent_that_was_given_no_id_is_continued(pair: Pair, namespace: str) -> None:
    body = trace_body(pair, Hub(pair.hub.server).hash, namespace)
    made = await pair.managed.create(APPLIED_MANIFEST_WORK, body)
    async with running(pair, eviction_grace=0):

        async def is_gone() -> bool:
            return await pair.managed.find(APPLIED_MANIFEST_WORK, made.metadata.name) is None

        await eventually(is_gone, what="the trace of a work that the hub has not got is gone")


# -- the hub's address -----------------------------------------------------------------------------------
@pytest.fixture
def slashed(pair: Pair, tmp_path: Path) -> Path:
    """The agent's kubeconfig of the hub, its server spelled with a slash at the end."""
    text = pair.agent_hub.read_text()
    assert f"server: {pair.hub.host}\n" in text
    out = tmp_path / "slashed.kubeconfig"
    out.write_text(text.replace(f"server: {pair.hub.host}\n", f"server: {pair.hub.host}/\n"))
    return out


async def traces(pair: Pair, name: str) -> list[str]:
    found, _ = await pair.managed.list(APPLIED_MANIFEST_WORK)
    return [item.metadata.name for item in found if item.metadata.name.endswith(f"-{name}")]


async def test_the_trace_is_named_by_the_hub_as_the_kubeconfig_spells_it(
    pair: Pair, namespace: str, slashed: Path
) -> None:
    spelled = hashlib.sha256(f"{pair.hub.host}/".encode()).hexdigest()
    async with running(pair, hub=slashed):
        await works.create(pair, namespace, config_map("c", namespace))
        await works.condition(pair, namespace, "Applied", "True")
        assert await traces(pair, namespace) == [f"{spelled}-{namespace}"]
        await works.delete(pair, namespace)
    assert await traces(pair, namespace) == []


async def test_what_was_applied_under_the_name_without_the_slash_stays_and_is_continued(
    pair: Pair, namespace: str, slashed: Path
) -> None:
    """An earlier agent hashed every address without its last slash. Of the work, one part has ended, which makes the
    work Complete, and one runs for ever."""
    rules = works.option(
        WORKFLOW,
        "w",
        namespace,
        feedbackRules=works.values(phase=".status.phase"),
        conditionRules=[works.COMPLETE_WHEN_FINAL],
    )
    both = [workflow("w", namespace), config_map("c", namespace, a="1")]
    running_still = f"{namespace}-running"
    async with running(pair):
        await works.create(pair, namespace, *both, manifestConfigs=[rules])
        await works.create(pair, running_still, workflow("w2", namespace), config_map("c2", namespace, a="1"))
        before = [await works.there(pair, WORKFLOW, name, namespace) for name in ("w", "w2")]
        await works.play_argo(pair, "w", namespace, "Succeeded", finishedAt="2026-01-01T00:00:00Z")
        await works.play_argo(pair, "w2", namespace, "Running")
        await works.condition(pair, namespace, "Complete", "True")
        await works.condition(pair, running_still, "Applied", "True")
    old = [await traces(pair, name) for name in (namespace, running_still)]
    async with running(pair, hub=slashed, eviction_grace=0):
        await works.change(pair, running_still, workflow("w2", namespace), config_map("c2", namespace, a="2"))
        await works.there(pair, CONFIG_MAP, "c2", namespace, data={"a": "2"})
        await settled(pair, namespace)
        assert [await traces(pair, name) for name in (namespace, running_still)] == old
        after = [await works.there(pair, WORKFLOW, name, namespace) for name in ("w", "w2")]
        assert [item.metadata.uid for item in after] == [item.metadata.uid for item in before]
        assert not any(item.metadata.deletion_timestamp for item in after)
        await works.there(pair, CONFIG_MAP, "c", namespace, data={"a": "1"})
        # What happens on the cluster is still seen: the objects are known by their owner's name.
        await pair.managed.patch(CONFIG_MAP, "c2", merge_patch({"data": {"a": "3"}}), namespace=namespace)
        await works.there(pair, CONFIG_MAP, "c2", namespace, data={"a": "2"})
        await works.delete(pair, namespace)
        await works.delete(pair, running_still)
    assert [await traces(pair, name) for name in (namespace, running_still)] == [[], []]
    for kind, name in ((WORKFLOW, "w"), (WORKFLOW, "w2"), (CONFIG_MAP, "c"), (CONFIG_MAP, "c2")):
        await works.not_there(pair, kind, name, namespace, within=0)


# -- a grace that never ends -----------------------------------------------------------------------------
async def test_after_a_grace_of_a_hundred_years_nothing_is_evicted(pair: Pair, namespace: str) -> None:
    async with running(pair):
        await works.create(pair, namespace, config_map("c", namespace))
        await works.recorded(pair, namespace, await works.there(pair, CONFIG_MAP, "c", namespace))
    await works.patch(pair, namespace, merge_patch({"metadata": {"finalizers": None}}))
    await pair.hub.delete(MANIFEST_WORK, namespace, namespace=CLUSTER)
    async with running(pair):

        async def is_marked() -> bool:
            return (await trace_of(pair, namespace)).status.eviction_start_time is not None

        await eventually(is_marked, what="the grace begins")
    async with running(pair, eviction_grace=CENTURY):

        async def is_unmarked() -> bool:
            return (await trace_of(pair, namespace)).status.eviction_start_time is None

        await eventually(is_unmarked, what="the eviction is called off")
        await settled(pair, namespace)
        assert (await trace_of(pair, namespace)).status.eviction_start_time is None
        await works.there(pair, CONFIG_MAP, "c", namespace)
        # Who deletes the trace of a work that there is not, wants its objects gone all the same.
        await pair.managed.delete(APPLIED_MANIFEST_WORK, works.trace_name(pair, namespace))
        await works.not_there(pair, CONFIG_MAP, "c", namespace)


async def test_what_another_hub_has_brought_stays_for_ever_as_well(pair: Pair, namespace: str) -> None:
    body = trace_body(pair, "default/argosy-agent", namespace)
    body["metadata"]["name"] = f"{'0' * 64}-{namespace}"
    body["spec"]["hubHash"] = "0" * 64
    made = await pair.managed.create(APPLIED_MANIFEST_WORK, body)
    started = merge_patch({"status": {"evictionStartTime": "2026-01-01T00:00:00Z"}})
    await pair.managed.patch(APPLIED_MANIFEST_WORK, made.metadata.name, started, subresource="status")
    async with running(pair, eviction_grace=CENTURY):

        async def is_unmarked() -> bool:
            found = await pair.managed.get(APPLIED_MANIFEST_WORK, made.metadata.name)
            return found.decode(AppliedManifestWork).status.eviction_start_time is None

        await eventually(is_unmarked, what="the eviction is called off")
    async with running(pair, eviction_grace=0):

        async def is_gone() -> bool:
            return await pair.managed.find(APPLIED_MANIFEST_WORK, made.metadata.name) is None

        await eventually(is_gone, what="the trace is gone")


# -- writes ----------------------------------------------------------------------------------------------
async def test_what_somebody_has_written_since_is_not_written_over(pair: Pair, namespace: str) -> None:
    name = Hub(pair.hub.server)
    views = [
        OwnWrites(Informer(client, Scope(kind)))
        for client, kind in ((pair.hub, MANIFEST_WORK), (pair.managed, APPLIED_MANIFEST_WORK))
    ]
    claims = Claims(pair.hub, pair.managed, name, ["this"], works=views[0], applied=views[1])
    await works.create(pair, namespace)
    work = await pair.hub.get(MANIFEST_WORK, namespace, namespace=CLUSTER)
    _, applied = await claims.make(work, [])
    touched = merge_patch({"metadata": {"annotations": {"somebody": "was here"}}})
    await pair.managed.patch(APPLIED_MANIFEST_WORK, applied.metadata.name, touched)
    item = works.resource("configmaps", "c", namespace)
    for write in (
        claims.intend(applied, [item]),
        claims.record(applied, [item]),
        claims.set_eviction(applied, "2026-01-01T00:00:00Z"),
    ):
        with pytest.raises(Conflict):
            await write
    fresh = await pair.managed.get(APPLIED_MANIFEST_WORK, applied.metadata.name)
    fresh = await claims.intend(fresh, [item])
    fresh = await claims.record(fresh, [item])
    fresh = await claims.set_eviction(fresh, "2026-01-01T00:00:00Z")
    found = fresh.decode(AppliedManifestWork)
    assert found.status.applied_resources == [item]
    assert (found.status.eviction_start_time, found.metadata.annotations["somebody"]) == (
        "2026-01-01T00:00:00Z",
        "was here",
    )
    for client, kind, namespaced in (
        (pair.hub, MANIFEST_WORK, CLUSTER),
        (pair.managed, APPLIED_MANIFEST_WORK, ""),
    ):
        target = namespace if namespaced else applied.metadata.name
        await client.patch(
            kind, target, merge_patch({"metadata": {"finalizers": None}}), namespace=namespaced
        )
        await client.delete(kind, target, namespace=namespaced)
