"""The cluster's scores on the hub: what is free, how many Workflows run and wait, and until when that holds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from controllers.api import keys
from controllers.api.cluster import AddOnPlacementScore
from controllers.api.kinds import ADDON_PLACEMENT_SCORE, NODE, POD, WORKFLOW
from controllers.api.meta import parsed
from controllers.kube.patch import merge_patch
from tests.eventually import eventually
from tests.integration.agent.conftest import Pair
from tests.integration.agent.works import CLUSTER, manifest, workflow

pytestmark = pytest.mark.usefixtures("agent")


async def told(pair: Pair, **expected: int) -> AddOnPlacementScore:
    """The scores once these are among them."""

    async def probe() -> AddOnPlacementScore:
        found = await pair.hub.find(ADDON_PLACEMENT_SCORE, "argosy", namespace=CLUSTER)
        assert found is not None
        score = found.decode(AddOnPlacementScore)
        values = {item.name: item.value for item in score.status.scores}
        assert "workflowsRunning" in values
        assert {name: values.get(name) for name in expected} == expected, values
        return score

    return await eventually(probe, within=30, what=f"scores {expected}")


async def test_workflows_and_room_are_told_and_hold_for_a_while(pair: Pair, namespace: str) -> None:
    before = await told(pair)
    values = {item.name: item.value for item in before.status.scores}
    running, queued = values["workflowsRunning"], values["workflowsQueued"]
    for number in range(16):
        body = workflow(f"w-{number}", namespace)
        phase = {"labels": {keys.PHASE_LABEL: "Running"}} if number < 8 else {}
        body["metadata"] |= phase
        await pair.managed.create(WORKFLOW, body, namespace=namespace)
    found = await told(pair, workflowsRunning=running - 8, workflowsQueued=queued - 8)
    assert found.status.valid_until is not None
    assert parsed(found.status.valid_until) > datetime.now(UTC)
    for number in range(16):
        done = merge_patch({"metadata": {"labels": {keys.COMPLETED_LABEL: "true"}}})
        await pair.managed.patch(WORKFLOW, f"w-{number}", done, namespace=namespace)
    await told(pair, workflowsRunning=running, workflowsQueued=queued)


async def test_what_pods_take_is_not_free(pair: Pair, namespace: str) -> None:
    """The node is so large that what is on the others does not matter."""
    name = f"node-{namespace}"
    await pair.managed.create(NODE, manifest(NODE, name))
    ready = {"type": "Ready", "status": "True", "reason": "Kubelet", "message": ""}
    has = {"cpu": "100000", "memory": "100Ti", "pods": "100000"}
    patch = merge_patch({"status": {"conditions": [ready], "allocatable": has, "capacity": has}})
    await pair.managed.patch(NODE, name, patch, subresource="status")
    vast = manifest(POD, "vast", namespace)
    requests = {"cpu": "50000", "memory": "50Ti"}
    vast["spec"] = {
        "nodeName": name,
        "containers": [{"name": "c", "image": "x", "resources": {"requests": requests}}],
    }
    await pair.managed.create(POD, vast, namespace=namespace)

    async def half() -> bool:
        values = {item.name: item.value for item in (await told(pair)).status.scores}
        assert all(48 <= values[score] <= 51 for score in ("cpuFree", "memoryFree")), values
        return True

    await eventually(half, within=30, what="half of it is free")
    await pair.managed.delete(POD, "vast", namespace=namespace)
    await pair.managed.delete(NODE, name)
