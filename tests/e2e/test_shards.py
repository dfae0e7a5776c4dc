"""Three processes of the controllers share namespaces by shards; each Workflow runs once, whoever comes or goes."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from controllers.api import keys
from controllers.api.kinds import (
    LEASE,
    MANAGED_CLUSTER_SET_BINDING,
    NAMESPACE,
    PLACEMENT,
    WORKFLOW,
)
from controllers.kube.client import Client
from controllers.kube.patch import apply_patch
from controllers.runtime.shards import shard_of
from tests.e2e import workflows
from tests.e2e.conftest import EXAMPLES, Argosy
from tests.e2e.runs import Runs, watching
from tests.eventually import eventually
from tests.processes import Process, controllers

SHARDS = 6
NAMESPACES = ("shards-a", "shards-b", "shards-c", "shards-d")
# The leases' duration, and what it takes to notice and to act.
TAKEOVER = 25.0


@pytest.fixture
async def replicas(argosy: Argosy, tmp_path: Path) -> AsyncIterator[list[Process]]:
    """Three sharded processes instead of the one that does everything; it is back after the test."""
    await _prepare(argosy.hub)
    argosy.controllers.stop()
    made = []
    for number in range(3):
        log_dir = tmp_path / f"replica{number}"
        log_dir.mkdir()
        made.append(controllers(argosy.fleet.hub.kubeconfig, log_dir, "--leader-elect", f"--shards={SHARDS}"))
    try:
        await asyncio.gather(*(process.start() for process in made))
        yield made
    finally:
        for process in made:
            process.stop()
        await argosy.controllers.start()
    for process in made:
        text = process.log.read_text()
        assert [line for line in text.splitlines() if '"level":"error"' in line or "Traceback" in line] == []


async def _prepare(hub: Client) -> None:
    """The namespaces, each with the Placement of the examples."""
    objects = {
        PLACEMENT: yaml.safe_load((EXAMPLES / "placement.yaml").read_text()),
        MANAGED_CLUSTER_SET_BINDING: yaml.safe_load((EXAMPLES / "clusterset-binding.yaml").read_text()),
    }
    for namespace in NAMESPACES:
        body = workflows.of(NAMESPACE, namespace)
        body["metadata"]["annotations"] = {keys.ALLOWED_NAMESPACES_ANNOTATION: "argo"}
        await hub.patch(NAMESPACE, namespace, apply_patch(body, field_manager="test", force=True))
        for kind, example in objects.items():
            body = {**example, "metadata": {"name": example["metadata"]["name"], "namespace": namespace}}
            patch = apply_patch(body, field_manager="test", force=True)
            await hub.patch(kind, body["metadata"]["name"], patch, namespace=namespace)


async def shares(hub: Client) -> Counter[str]:
    """How many shards each process holds, by identity; "" counts those that nobody holds."""
    found, _ = await hub.list(LEASE, label_selector="app.kubernetes.io/component=shard")
    return Counter(str(item.to_dict()["spec"].get("holderIdentity") or "") for item in found)


async def shared_by(hub: Client, processes: int, *, within: float) -> None:
    async def probe() -> bool:
        now = await shares(hub)
        assert len(now) == processes, now
        assert set(now.values()) == {SHARDS // processes}, now
        return True

    await eventually(probe, within=within, what=f"{SHARDS} shards shared by {processes}")


async def submit(hub: Client, prefix: str, chance: random.Random, count: int) -> list[tuple[str, str]]:
    """(namespace, name) of Workflows made one after the other; their copies all run in namespace argo."""
    made = []
    for number in range(count):
        namespace = NAMESPACES[number % len(NAMESPACES)]
        body = workflows.hello(f"{prefix}-{number}", seconds=chance.uniform(0.1, 1.5))
        body["metadata"]["namespace"] = namespace
        body["metadata"]["annotations"][keys.CLUSTER_NAMESPACE_ANNOTATION] = workflows.NAMESPACE
        await hub.create(WORKFLOW, body, namespace=namespace)
        made.append((namespace, body["metadata"]["name"]))
        await asyncio.sleep(chance.uniform(0, 0.6))
    return made


async def each_ran_once(argosy: Argosy, runs: Runs, made: list[tuple[str, str]]) -> None:
    for namespace, name in made:

        async def succeeded(namespace: str = namespace, name: str = name) -> workflows.Json:
            found = await workflows.shown(argosy.hub, name, namespace)
            assert workflows.phase_of(found) == "Succeeded", f"{name}: {found['metadata']}"
            return found

        hub = await eventually(succeeded, within=60, what=f"{name} succeeded")
        cluster = workflows.cluster_of(hub)
        copy = await workflows.shown(argosy.managed[cluster], name)
        assert runs.of(name) == {(cluster, copy["metadata"]["uid"])}


async def clean_up(hub: Client, made: list[tuple[str, str]]) -> None:
    for namespace, name in made:
        await hub.delete(WORKFLOW, name, namespace=namespace)
    for namespace, name in made:

        async def gone(namespace: str = namespace, name: str = name) -> bool:
            return await hub.find(WORKFLOW, name, namespace=namespace) is None

        await eventually(gone, what=f"{name} gone")


async def test_each_workflow_runs_once_whoever_of_the_replicas_comes_or_goes(
    argosy: Argosy, replicas: list[Process]
) -> None:
    assert len({shard_of(name, SHARDS) for name in NAMESPACES}) > 1
    chance = random.Random(1)
    killed, stopped, _ = replicas
    async with watching(argosy.managed) as runs:
        await shared_by(argosy.hub, 3, within=20)
        submitting = asyncio.create_task(submit(argosy.hub, "shards", chance, 48))
        await asyncio.sleep(2)
        assert await asyncio.to_thread(stopped.stop) == 0
        await shared_by(argosy.hub, 2, within=12)
        await stopped.start()
        await shared_by(argosy.hub, 3, within=30)
        killed.kill()
        await shared_by(argosy.hub, 2, within=TAKEOVER)
        await killed.start()
        await shared_by(argosy.hub, 3, within=30)
        made = await submitting
        await each_ran_once(argosy, runs, made)
    await clean_up(argosy.hub, made)


async def test_a_replica_with_another_number_ends_with_the_reason(
    argosy: Argosy, replicas: list[Process], tmp_path: Path
) -> None:
    await shared_by(argosy.hub, 3, within=20)
    odd = controllers(argosy.fleet.hub.kubeconfig, tmp_path, "--leader-elect", "--shards=2")
    await odd.start(ready='"event":"shards_differ"')
    await eventually(lambda: not odd.running, what="the odd one ended")
    assert odd.stop() == 2
    assert "error: --shards 2 does not fit: " in odd.log.read_text()
    assert "Traceback" not in odd.log.read_text()
