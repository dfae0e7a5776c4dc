"""A hub that has forgotten what ran here, as one restored from a backup, does not have it run again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from agent.decide.ledger import PAGE_ENTRIES
from agent.decide.naming import hub_hash
from agent.work.held import REASON
from agent.work.ledger import LABEL
from controllers.api.keys import ATTEMPT_ANNOTATION, HUB_UID_ANNOTATION
from controllers.api.kinds import (
    APPLIED_MANIFEST_WORK,
    ARGO_GROUP,
    CLUSTER_GROUP,
    CONFIG_MAP,
    EVENT,
    MANIFEST_WORK,
    WORK_GROUP,
    WORKFLOW,
    WORKFLOW_STATUS_RESULT,
)
from controllers.api.meta import parsed
from controllers.kube.patch import merge_patch
from tests.eventually import eventually
from tests.integration.agent import works
from tests.integration.agent.accounts import kubeconfig_of
from tests.integration.agent.conftest import Agent, Pair, running, started
from tests.integration.agent.mortal import Life, gated, mortal
from tests.integration.agent.works import CLUSTER

AGAIN = "ran on this cluster before and is not run again"


async def create(pair: Pair, name: str, *, origin: str = "", attempt: str = "", **spec: Any) -> None:
    """A work with one Workflow of the same name, of the hub's Workflow with uid `origin`."""
    manifest = works.workflow(name, name, **spec)
    annotations = {HUB_UID_ANNOTATION: origin or f"uid-of-{name}", ATTEMPT_ANNOTATION: attempt}
    manifest["metadata"]["annotations"] = {key: value for key, value in annotations.items() if value}
    rules = works.option(
        WORKFLOW,
        name,
        name,
        feedbackRules=works.values(phase=".status.phase", message=".status.message"),
        conditionRules=[works.COMPLETE_WHEN_FINAL],
    )
    await works.create(pair, name, manifest, manifestConfigs=[rules])


async def runs(pair: Pair, name: str, phase: str) -> None:
    """Argo brings the Workflow there, and the hub hears of it."""
    await works.there(pair, WORKFLOW, name, name)
    await works.play_argo(pair, name, name, phase, message=f"it is {phase}")
    await works.feedback_value(pair, name, "phase", phase)


async def told(pair: Pair, name: str, phase: str) -> str:
    """Waits until the hub has this end, in both places, and returns its message. There is no copy then."""
    await works.condition(pair, name, "Complete", "True")
    await works.feedback_value(pair, name, "phase", phase)
    found = (await pair.hub.get(WORKFLOW_STATUS_RESULT, name, namespace=CLUSTER)).to_dict()["workflowStatus"]
    assert found["phase"] == phase
    # Argo's clients show 292 years for a run without a start.
    assert parsed(found["startedAt"]) <= parsed(found["finishedAt"])
    assert await works.find(pair, WORKFLOW, name, name) is None
    return str(found["message"])


@pytest.mark.parametrize("restart", [False, True], ids=["same agent", "new agent"])
@pytest.mark.parametrize(
    ("phase", "end", "words"),
    [
        ("Succeeded", "Succeeded", "it is Succeeded"),
        ("Failed", "Failed", "it is Failed"),
        ("Running", "Error", "removed with its ManifestWork before it ended"),
    ],
)
async def test_a_work_that_comes_back_is_told_how_its_workflow_ended(
    pair: Pair, namespace: str, phase: str, end: str, words: str, *, restart: bool
) -> None:
    async with running(pair):
        await create(pair, namespace)
        await runs(pair, namespace, phase)
        await works.delete(pair, namespace)
        if not restart:
            await create(pair, namespace)
            message = await told(pair, namespace, end)
    if restart:
        async with running(pair):
            await create(pair, namespace)
            message = await told(pair, namespace, end)
    assert message.startswith(words)
    assert AGAIN in message
    async with running(pair):
        await works.delete(pair, namespace)


async def test_a_work_that_never_ran_runs_when_it_comes_back(
    pair: Pair, agent: Agent, namespace: str
) -> None:
    await create(pair, f"{namespace}-no-such-namespace", origin=f"uid-of-{namespace}")
    await works.condition(pair, f"{namespace}-no-such-namespace", "Applied", "False")
    await works.delete(pair, f"{namespace}-no-such-namespace")
    await create(pair, namespace)
    await works.there(pair, WORKFLOW, namespace, namespace)
    await works.delete(pair, namespace)


@pytest.mark.parametrize("other", [{"origin": "another-uid"}, {"attempt": "2"}], ids=["made anew", "attempt"])
async def test_another_run_under_the_same_name_runs(
    pair: Pair, agent: Agent, namespace: str, other: dict[str, str]
) -> None:
    other = {key: f"{value}-{namespace}" if key == "origin" else value for key, value in other.items()}
    await create(pair, namespace)
    await runs(pair, namespace, "Succeeded")
    await works.delete(pair, namespace)
    await create(pair, namespace, **other)
    await runs(pair, namespace, "Running")
    await works.delete(pair, namespace)
    await create(pair, namespace, **other)
    await told(pair, namespace, "Error")
    await works.delete(pair, namespace)


async def test_an_end_that_the_hub_has_forgotten_is_told_again_once_the_copy_is_gone(
    pair: Pair, namespace: str
) -> None:
    """The backup is from while it ran, and its TTL has removed it since: it is not lost."""
    async with running(pair):
        await create(pair, namespace)
        await runs(pair, namespace, "Running")
        running_status = (await pair.hub.get(MANIFEST_WORK, namespace, namespace=CLUSTER)).to_dict()["status"]
        await runs(pair, namespace, "Succeeded")
        await works.condition(pair, namespace, "Complete", "True")
        await works.remove(pair, WORKFLOW, namespace, namespace)
        await works.not_there(pair, WORKFLOW, namespace, namespace)
    status = merge_patch({"status": running_status})
    await pair.hub.patch(MANIFEST_WORK, namespace, status, namespace=CLUSTER, subresource="status")
    old = merge_patch(
        {"workflowStatus": {"phase": "Running", "message": None, "nodes": {"n": {"phase": "Running"}}}}
    )
    await pair.hub.patch(WORKFLOW_STATUS_RESULT, namespace, old, namespace=CLUSTER)
    async with running(pair):
        assert AGAIN in await told(pair, namespace, "Succeeded")
        result = await pair.hub.get(WORKFLOW_STATUS_RESULT, namespace, namespace=CLUSTER)
        assert "nodes" not in result.to_dict()["workflowStatus"]
        await works.condition(pair, namespace, "Applied", "True")
        await works.delete(pair, namespace)


async def test_a_workflow_that_left_the_work_and_comes_back_is_not_run_again(
    pair: Pair, agent: Agent, namespace: str
) -> None:
    both = [works.config_map("c", namespace), works.workflow("w", namespace)]
    await works.create(pair, namespace, *both)
    await works.there(pair, WORKFLOW, "w", namespace)
    await works.play_argo(pair, "w", namespace, "Succeeded")
    await works.change(pair, namespace, both[0])
    await works.not_there(pair, WORKFLOW, "w", namespace)
    await works.change(pair, namespace, *both)

    await works.condition(pair, namespace, "Applied", "True")
    assert await works.find(pair, WORKFLOW, "w", namespace) is None
    # The hub forgets the end, too: then the book has it.
    await pair.hub.delete(WORKFLOW_STATUS_RESULT, namespace, namespace=CLUSTER)
    await works.change(pair, namespace, works.config_map("c", namespace, another="change"), both[1])

    async def is_told() -> bool:
        found = await pair.hub.find(WORKFLOW_STATUS_RESULT, namespace, namespace=CLUSTER)
        return found is not None and AGAIN in found.to_dict()["workflowStatus"].get("message", "")

    await eventually(is_told, what="told that it ran before")
    assert await works.find(pair, WORKFLOW, "w", namespace) is None
    await works.delete(pair, namespace)


# -- killed ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("writes", range(8))
async def test_killed_anywhere_in_the_removal_a_run_is_not_forgotten(
    pair: Pair, namespace: str, writes: int
) -> None:
    async with running(pair):
        await create(pair, namespace)
        await runs(pair, namespace, "Running")
    await pair.hub.delete(MANIFEST_WORK, namespace, namespace=CLUSTER)
    life = Life(writes)

    async def is_gone() -> bool:
        return await pair.hub.find(MANIFEST_WORK, namespace, namespace=CLUSTER) is None

    async def removed() -> None:
        await eventually(is_gone, what="the work is gone")

    async with started(pair, client=mortal(life, "/configmaps")):
        done = asyncio.create_task(removed())
        over = asyncio.create_task(life.over.wait())
        await asyncio.wait([done, over], return_when=asyncio.FIRST_COMPLETED)
        for task in (done, over):
            task.cancel()
    async with running(pair):
        await eventually(is_gone, what="the work is gone")
        await create(pair, namespace)
        assert AGAIN in await told(pair, namespace, "Error")
        await works.delete(pair, namespace)


# -- what it costs, and what it needs --------------------------------------------------------------------
async def pages(pair: Pair) -> dict[str, int]:
    found, _ = await pair.managed.list(CONFIG_MAP, namespace="default", label_selector=LABEL)
    return {item.metadata.name: len(item.to_dict()["data"]) for item in found}


async def test_a_burst_of_deletions_shares_a_few_writes_and_the_oldest_page_goes(
    pair: Pair, namespace: str, record_property: Callable[[str, object], None]
) -> None:
    count = 60
    written: list[str] = []

    async def note(method: str, path: str) -> None:
        if "configmaps" in path and "argosy-hub" not in path:
            written.append(method)

    names = [f"{namespace}-{number}" for number in range(count)]
    async with running(pair, f"--ledger-runs={PAGE_ENTRIES}", client=gated(note)):
        for name in names:
            manifest = works.workflow(name, namespace)
            manifest["metadata"]["annotations"] = {HUB_UID_ANNOTATION: f"uid-of-{name}"}
            await works.create(pair, name, manifest)
        for name in names:
            await works.there(pair, WORKFLOW, name, namespace)
        before = await pages(pair)
        began = time.monotonic()
        await asyncio.gather(*(works.delete(pair, name, within=60) for name in names))
        record_property("seconds", time.monotonic() - began)
        record_property("ledger_writes", len(written))
    assert 1 <= len(written) <= count / 2, written
    left = await pages(pair)
    # Other tests of this hub have filled pages, too, with agents that may keep more.
    assert len(left) <= max(1, len(before))
    assert sum(left.values()) == sum(before.values()) + count or len(set(before) - set(left)) > 0


@pytest.fixture
async def bookless(pair: Pair, tmp_path: Path) -> Path:
    """A kubeconfig of an account on the managed cluster that may do everything but with ConfigMaps."""
    everything = {"resources": ["*"], "verbs": ["*"]}
    rules = [
        {"apiGroups": [CLUSTER_GROUP, WORK_GROUP, ARGO_GROUP], **everything},
        {"apiGroups": [""], "resources": ["nodes", "pods"], "verbs": ["get", "list", "watch"]},
    ]
    return await kubeconfig_of(pair, "bookless", rules, tmp_path)


async def test_an_agent_that_may_keep_no_book_works_all_the_same_and_says_so(
    pair: Pair, namespace: str, bookless: Path
) -> None:
    async with running(pair):  # it may not read what works of other tests have left, and would wait for that
        await works.clear(pair)
    with capture_logs() as said:
        async with running(pair, managed=bookless):
            await create(pair, namespace)
            await runs(pair, namespace, "Succeeded")
            await works.delete(pair, namespace)
    hints = [entry["hint"] for entry in said if entry["event"] == "ledger_not_kept"]
    assert len(hints) == 1
    assert "configmaps in namespace default" in hints[0]


# -- works that the hub has lost -------------------------------------------------------------------------
async def test_works_that_a_restored_hub_has_lost_are_held_and_said_until_somebody_removes_them(
    pair: Pair, namespace: str
) -> None:
    """That the hub went back is played: the agent remembers a later lease than the hub has."""
    name = f"argosy-hub-{hub_hash(pair.hub.host)[:16]}"
    async with running(pair):
        await works.create(pair, namespace, works.config_map("c", namespace))
        await works.recorded(pair, namespace, await works.there(pair, CONFIG_MAP, "c", namespace))
        await eventually(lambda: pair.managed.find(CONFIG_MAP, name, namespace="default"), what="remembered")
    work = await pair.hub.get(MANIFEST_WORK, namespace, namespace=CLUSTER)
    later = str(int(work.metadata.resource_version) + 10_000)
    patch = merge_patch({"data": {"leaseVersion": later}})
    await pair.managed.patch(CONFIG_MAP, name, patch, namespace="default")
    await works.patch(pair, namespace, merge_patch({"metadata": {"finalizers": None}}))
    await pair.hub.delete(MANIFEST_WORK, namespace, namespace=CLUSTER)
    try:
        async with running(pair, eviction_grace=0):
            assert namespace in await said_on_the_hub(pair, namespace)
            await works.there(pair, CONFIG_MAP, "c", namespace)
        # It is remembered over a restart, too.
        async with running(pair, eviction_grace=0):
            await has_eviction(pair, namespace)
            await works.there(pair, CONFIG_MAP, "c", namespace)
            await pair.managed.delete(APPLIED_MANIFEST_WORK, works.trace_name(pair, namespace))
            await works.not_there(pair, CONFIG_MAP, "c", namespace)
    finally:
        await pair.managed.delete(CONFIG_MAP, name, namespace="default")


async def said_on_the_hub(pair: Pair, name: str) -> str:
    async def probe() -> str | None:
        found, _ = await pair.hub.list(EVENT, namespace=CLUSTER, field_selector=f"reason={REASON}")
        messages = [str(item.to_dict()["message"]) for item in found]
        return next((text for text in messages if works.trace_name(pair, name) in text), None)

    return await eventually(probe, what=f"an Event about {name}")


async def has_eviction(pair: Pair, name: str) -> None:
    async def probe() -> bool:
        found = await works.trace(pair, name)
        return found is not None and found.status.eviction_start_time is not None

    await eventually(probe, what=f"eviction of {name} begun")
