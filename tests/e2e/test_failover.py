"""A Workflow whose cluster is lost runs on another one, and the lost cluster cleans up when it is back."""

from __future__ import annotations

from controllers.api import keys
from controllers.api.kinds import MANIFEST_WORK
from tests.e2e import workflows
from tests.e2e.conftest import Argosy
from tests.e2e.lost import find_again, lose
from tests.eventually import eventually

NAME = "moves"


async def moved(argosy: Argosy, attempts: str) -> workflows.Json:
    async def probe() -> workflows.Json:
        found = await workflows.shown(argosy.hub, NAME)
        assert found["metadata"]["annotations"].get(keys.ATTEMPTS_ANNOTATION) == attempts, found["metadata"]
        return found

    return await eventually(probe, within=60, what=f"attempts {attempts}")


async def test_rescheduled_and_cleaned_up(argosy: Argosy) -> None:
    lost, other = "cluster2", "cluster1"
    body = workflows.hello(NAME, seconds=20)
    body["metadata"]["annotations"] |= {
        keys.CLUSTER_ANNOTATION: lost,
        keys.FAILOVER_ANNOTATION: "reschedule",
        keys.FAILOVER_AFTER_ANNOTATION: "1s",
    }
    await workflows.create(argosy, body)
    await workflows.in_phase(argosy, NAME, "Running")
    try:
        await lose(argosy, lost)
        hub = await moved(argosy, f"{lost},{other}")
        assert workflows.cluster_of(hub) == other
        told = await workflows.event(argosy.hub, NAME, "Rescheduled")
        assert f"attempt 2 goes to cluster {other}" in told["message"]
        await workflows.in_phase(argosy, NAME, "Running")
        left = await workflows.shown(argosy.managed[lost], NAME)
        assert keys.ATTEMPT_ANNOTATION not in left["metadata"]["annotations"], (
            "it is still there, as sent first"
        )
    finally:
        await find_again(argosy, lost)
    await workflows.gone(argosy.managed[lost], NAME, within=60)
    await workflows.in_phase(argosy, NAME, "Succeeded")
    hub = await workflows.same_as_copy(argosy, NAME)
    copy = await workflows.shown(argosy.managed[other], NAME)
    assert copy["metadata"]["annotations"][keys.ATTEMPT_ANNOTATION] == "2"
    work = f"{NAME}-{hub['metadata']['uid'][:5]}"

    async def is_gone() -> bool:
        return await argosy.hub.find(MANIFEST_WORK, work, namespace=lost) is None

    await eventually(is_gone, within=30, what="the first attempt's ManifestWork is gone")
    await workflows.delete(argosy, NAME)


async def test_what_fits_nowhere_waits_on_the_hub(argosy: Argosy) -> None:
    task = workflows.task("hello", 1)
    task["container"]["resources"] = {"requests": {"cpu": "1000"}}
    body = workflows.body("vast", [task], placement="any-cluster")
    await workflows.create(argosy, body)
    told = await workflows.event(argosy.hub, "vast", "NotPlaced")
    assert "NoRoom: at its widest it needs 1000 CPU, 1 pod" in told["message"]
    await workflows.delete(argosy, "vast")
