"""Orphans: objects that stay whatever becomes of their work bear no reference to it, and are looked after all the same.

The managed cluster runs Kubernetes' own garbage collector.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agent.decide.naming import Hub
from agent.work.apply import REPORT_FINALIZER
from agent.work.managed import ManagedObjects
from controllers.api.kinds import APPLIED_MANIFEST_WORK, MANIFEST_WORK, WORKFLOW, Kind
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from controllers.runtime.aside import SetAside
from tests.eventually import eventually
from tests.integration.agent import works
from tests.integration.agent.conftest import Agent, Pair, running
from tests.integration.agent.works import CLUSTER, CONFIG_MAP, Json, config_map, option, strategy, workflow

ORPHAN: Json = {"propagationPolicy": "Orphan"}


def keeping(name: str, namespace: str) -> Json:
    rule = {"group": "", "resource": "configmaps", "namespace": namespace, "name": name}
    return {"propagationPolicy": "SelectivelyOrphan", "selectivelyOrphans": {"orphaningRules": [rule]}}


async def alone(pair: Pair, kind: Kind, name: str, namespace: str) -> Object:
    """The object, once it has no owner."""

    async def probe() -> Object:
        found = await works.there(pair, kind, name, namespace)
        assert found.metadata.owner_references == []
        return found

    return await eventually(probe, what=f"{name} without an owner")


async def forget(pair: Pair, name: str) -> None:
    """Makes the work vanish from the hub as a restored backup does."""
    await works.patch(pair, name, merge_patch({"metadata": {"finalizers": None}}))
    await pair.hub.delete(MANIFEST_WORK, name, namespace=CLUSTER)


async def no_trace(pair: Pair, name: str) -> None:
    async def probe() -> bool:
        return await works.trace(pair, name) is None

    await eventually(probe, what=f"trace of {name} gone")


@pytest.mark.parametrize("kind", ["Update", "CreateOnly", "ServerSideApply"])
async def test_an_orphan_has_no_owner_and_is_repaired_reported_and_left(
    pair: Pair, agent: Agent, namespace: str, kind: str
) -> None:
    config = option(
        CONFIG_MAP, "c", namespace, updateStrategy=strategy(kind), feedbackRules=works.values(a=".data.a")
    )
    work = config_map("c", namespace, a="1")
    await works.create(pair, namespace, work, deleteOption=ORPHAN, manifestConfigs=[config])
    await works.condition(pair, namespace, "Applied", "True")
    first = await alone(pair, CONFIG_MAP, "c", namespace)
    await works.recorded(pair, namespace, first)
    await works.feedback(pair, namespace, {"a": "1"})
    drift: Json = {"data": {"a": "2"}} if kind == "CreateOnly" else {"data": {"a": None, "b": "2"}}
    await pair.managed.patch(CONFIG_MAP, "c", merge_patch(drift), namespace=namespace)
    if kind == "CreateOnly":
        await works.feedback(pair, namespace, {"a": "2"})
    else:
        await works.there(pair, CONFIG_MAP, "c", namespace, data={"a": "1", "b": "2"})
    await pair.managed.delete(CONFIG_MAP, "c", namespace=namespace)

    async def is_made() -> bool:
        found = await works.there(pair, CONFIG_MAP, "c", namespace, data={"a": "1"})
        return found.metadata.uid != first.metadata.uid

    await eventually(is_made, what="the object is made again")
    last = await alone(pair, CONFIG_MAP, "c", namespace)
    await works.recorded(pair, namespace, last)
    await works.delete(pair, namespace)
    assert (await works.there(pair, CONFIG_MAP, "c", namespace)).metadata.uid == last.metadata.uid


async def test_the_garbage_collector_leaves_an_orphan_when_the_trace_is_gone(
    pair: Pair, namespace: str
) -> None:
    """The trace is taken away by force while no agent runs: what it owns is collected, and shows that it would be."""
    objects = [config_map("kept", namespace), config_map("gone", namespace)]
    async with running(pair):
        await works.create(pair, namespace, *objects, deleteOption=keeping("kept", namespace))
        await works.condition(pair, namespace, "Applied", "True")
        kept = await alone(pair, CONFIG_MAP, "kept", namespace)
        owned = await works.there(pair, CONFIG_MAP, "gone", namespace)
        assert len(owned.metadata.owner_references) == 1
        await works.recorded(pair, namespace, kept, owned)
    await forget(pair, namespace)
    name = works.trace_name(pair, namespace)
    await pair.managed.patch(APPLIED_MANIFEST_WORK, name, merge_patch({"metadata": {"finalizers": None}}))
    await pair.managed.delete(APPLIED_MANIFEST_WORK, name)
    await works.not_there(pair, CONFIG_MAP, "gone", namespace)
    assert (await works.there(pair, CONFIG_MAP, "kept", namespace)).metadata.uid == kept.metadata.uid


async def test_an_orphan_stays_when_the_hub_forgets_its_work(pair: Pair, namespace: str) -> None:
    objects = [config_map("kept", namespace), config_map("gone", namespace)]
    async with running(pair):
        await works.create(pair, namespace, *objects, deleteOption=keeping("kept", namespace))
        await works.condition(pair, namespace, "Applied", "True")
        kept = await alone(pair, CONFIG_MAP, "kept", namespace)
        await works.recorded(pair, namespace, kept, await works.there(pair, CONFIG_MAP, "gone", namespace))
    await forget(pair, namespace)
    async with running(pair, eviction_grace=0):
        await no_trace(pair, namespace)
    await works.not_there(pair, CONFIG_MAP, "gone", namespace, within=0)
    assert (await works.there(pair, CONFIG_MAP, "kept", namespace)).metadata.uid == kept.metadata.uid


@pytest.mark.parametrize("kind", ["Update", "CreateOnly", "ServerSideApply"])
async def test_what_becomes_an_orphan_loses_its_owner_and_gets_it_back(
    pair: Pair, agent: Agent, namespace: str, kind: str
) -> None:
    objects = [config_map("a", namespace), config_map("b", namespace)]
    configs = [option(CONFIG_MAP, "*", namespace, updateStrategy=strategy(kind))]
    await works.create(pair, namespace, *objects, manifestConfigs=configs)
    await works.condition(pair, namespace, "Applied", "True")
    await works.change(pair, namespace, *objects, deleteOption=keeping("a", namespace))
    await alone(pair, CONFIG_MAP, "a", namespace)
    await works.change(pair, namespace, *objects, deleteOption=None)

    async def is_owned() -> bool:
        found = await works.there(pair, CONFIG_MAP, "a", namespace)
        return len(found.metadata.owner_references) == 1

    await eventually(is_owned, what="the owner is back")
    await works.delete(pair, namespace)
    for name in "ab":
        await works.not_there(pair, CONFIG_MAP, name, namespace, within=0)


async def test_the_orphan_of_a_complete_work_loses_its_owner_as_well(
    pair: Pair, agent: Agent, namespace: str
) -> None:
    done = {"type": "CEL", "condition": "Complete", "celExpressions": ["object.data.done == 'yes'"]}
    config = option(CONFIG_MAP, "c", namespace, conditionRules=[done])
    body = config_map("c", namespace, done="yes")
    await works.create(pair, namespace, body, manifestConfigs=[config])
    await works.condition(pair, namespace, "Complete", "True")
    await works.change(pair, namespace, body, deleteOption=ORPHAN)
    await alone(pair, CONFIG_MAP, "c", namespace)
    await works.condition(pair, namespace, "Available", "True", ordinal=0)
    await works.delete(pair, namespace)
    await works.there(pair, CONFIG_MAP, "c", namespace)


async def reported(pair: Pair, namespace: str, phase: str, **status: Any) -> None:
    await works.play_argo(pair, "w", namespace, phase, **status)
    await works.feedback(pair, namespace, {"phase": phase})


def watched(namespace: str) -> Json:
    return option(
        WORKFLOW,
        "w",
        namespace,
        feedbackRules=works.values(phase=".status.phase"),
        conditionRules=[works.COMPLETE_WHEN_FINAL],
    )


async def test_an_orphan_workflow_runs_once_is_reported_and_stays(pair: Pair, namespace: str) -> None:
    async with running(pair):
        await works.create(
            pair,
            namespace,
            workflow("w", namespace),
            deleteOption=ORPHAN,
            manifestConfigs=[watched(namespace)],
        )
        await works.there(pair, WORKFLOW, "w", namespace)
        await reported(pair, namespace, "Running")
        before = await alone(pair, WORKFLOW, "w", namespace)
        assert REPORT_FINALIZER in before.metadata.finalizers, "its end is waited for"
        await works.recorded(pair, namespace, before)
    await works.play_argo(pair, "w", namespace, "Running2")
    async with running(pair):
        await works.feedback(pair, namespace, {"phase": "Running2"})
        await reported(pair, namespace, "Succeeded", finishedAt="2026-01-01T00:00:00Z")
        await works.condition(pair, namespace, "Complete", "True")

        async def is_let_go() -> bool:
            copy = await alone(pair, WORKFLOW, "w", namespace)
            return REPORT_FINALIZER not in copy.metadata.finalizers

        await eventually(is_let_go, what="its end is reported")
        await works.delete(pair, namespace)
    after = await works.there(pair, WORKFLOW, "w", namespace)
    assert after.metadata.uid == before.metadata.uid


async def test_an_orphan_workflow_that_still_runs_is_let_go_with_its_work(
    pair: Pair, agent: Agent, namespace: str
) -> None:
    await works.create(
        pair, namespace, workflow("w", namespace), deleteOption=ORPHAN, manifestConfigs=[watched(namespace)]
    )
    await works.there(pair, WORKFLOW, "w", namespace)
    await reported(pair, namespace, "Running")
    await alone(pair, WORKFLOW, "w", namespace)
    await works.delete(pair, namespace)
    left = await works.there(pair, WORKFLOW, "w", namespace)
    assert (left.metadata.deletion_timestamp, left.metadata.finalizers) == (None, [])


async def test_an_orphan_that_went_before_it_was_watched_is_not_taken_for_there(
    pair: Pair, namespace: str
) -> None:
    woken: list[str] = []
    objects = ManagedObjects(pair.managed, Hub(pair.hub.server), woken.append, lambda _: None, SetAside())
    running = asyncio.create_task(objects.run())
    try:
        await asyncio.sleep(0)  # it takes kinds once it runs
        view = await objects.of(CONFIG_MAP)
        body = config_map("c", namespace)
        made = await pair.managed.create(CONFIG_MAP, body, namespace=namespace)
        await pair.managed.delete(CONFIG_MAP, "c", namespace=namespace)
        await objects.keep("w", CONFIG_MAP, made)
        assert view.get(namespace, "c") is None
        assert "w" in woken, "the work makes it again"
        again = await pair.managed.create(CONFIG_MAP, body, namespace=namespace)

        def is_seen() -> bool:
            found = view.get(namespace, "c")
            return found is not None and found.metadata.uid == again.metadata.uid

        await eventually(is_seen, what="it is watched by its name")
        objects.forget("w")
        assert view.get(namespace, "c") is None, "of a work that is gone nothing is kept"
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
