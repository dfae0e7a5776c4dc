"""The examples run as their comments say, and the hub shows what the cluster has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
import yaml

from controllers.api import keys
from controllers.api.kinds import WORKFLOW
from controllers.api.workflow import Workflow
from controllers.runtime.scope import Scope
from controllers.runtime.watch import Applied, watch
from statussync.decide import rank
from tests.e2e.conftest import EXAMPLES, Argosy
from tests.eventually import eventually

FINAL = ("Succeeded", "Failed", "Error")


def load(name: str) -> dict[str, Any]:
    body: dict[str, Any] = yaml.safe_load((EXAMPLES / name).read_text())
    return body


@pytest.fixture(scope="module")
async def phases(argosy: Argosy) -> AsyncIterator[dict[str, list[str]]]:
    """Every phase that the hub has shown, by Workflow, in order."""
    seen: dict[str, list[str]] = {}

    async def record() -> None:
        async with aclosing(watch(argosy.hub, Scope(WORKFLOW, namespace="argo"))) as events:
            async for event in events:
                if isinstance(event, Applied):
                    workflow = event.object.decode(Workflow)
                    seen.setdefault(workflow.metadata.name, []).append(workflow.status.phase)

    task = asyncio.create_task(record())
    yield seen
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(
    ("example", "phase", "cluster"),
    [
        ("hello-world.yaml", "Succeeded", None),
        ("hello-world-generate-name.yaml", "Succeeded", None),
        ("dag-diamond.yaml", "Succeeded", None),
        ("steps-with-failing-branch.yaml", "Failed", None),
        ("pinned-to-cluster1.yaml", "Succeeded", "cluster1"),
    ],
)
async def test_an_example_ends_on_the_hub_as_on_its_cluster(
    argosy: Argosy, phases: dict[str, list[str]], example: str, phase: str, cluster: str | None
) -> None:
    created = await argosy.hub.create(WORKFLOW, load(example), namespace="argo")
    name = created.metadata.name

    async def finished() -> dict[str, Any] | None:
        body = (await argosy.hub.get(WORKFLOW, name, namespace="argo")).to_dict()
        return body if body.get("status", {}).get("phase") in FINAL else None

    hub = await eventually(finished, within=90, what=f"{name} finished on the hub")
    assert hub["status"]["phase"] == phase
    placed_on = hub["metadata"]["annotations"][keys.CLUSTER_ANNOTATION]
    assert cluster in (None, placed_on)

    async def same_status() -> bool:
        copy = (await argosy.managed[placed_on].get(WORKFLOW, name, namespace="argo")).to_dict()
        shown = (await argosy.hub.get(WORKFLOW, name, namespace="argo")).to_dict()
        assert shown["status"] == copy["status"]
        return True

    # Argo may still note resource durations after the end.
    await eventually(same_status, within=20, what="hub status equal to the copy's")
    assert hub["metadata"]["labels"][keys.COMPLETED_LABEL] == "true"
    assert hub["metadata"]["labels"][keys.PHASE_LABEL] == phase
    ranks = [rank(shown) for shown in phases[name]]
    assert ranks == sorted(ranks), f"the hub went backwards: {phases[name]}"
    elsewhere = [item for key, item in argosy.managed.items() if key != placed_on]
    for client in elsewhere:
        assert await client.find(WORKFLOW, name, namespace="argo") is None
