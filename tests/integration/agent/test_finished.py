"""A Job that its own time to live has removed is done, and is not made again until its manifest changes."""

from __future__ import annotations

from typing import Any

from controllers.api.kinds import Kind
from controllers.api.meta import timestamp
from controllers.kube.patch import merge_patch
from controllers.runtime.clock import now
from tests.eventually import eventually
from tests.integration.agent import works
from tests.integration.agent.conftest import Pair, running
from tests.integration.agent.works import Json, config_map, manifest

JOB = Kind("batch", "v1", "Job", "jobs")


def job(namespace: str, **spec: Any) -> Json:
    """The cluster's Job controller leaves it alone, so that a test may say when it has ended."""
    pod = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "x"}]}}
    return manifest(JOB, "x", namespace, spec={"template": pod, "managedBy": "example.com/test", **spec})


async def end(pair: Pair, namespace: str) -> None:
    moment = timestamp(now())
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": moment}
        for kind in ("SuccessCriteriaMet", "Complete")
    ]
    status = {"conditions": conditions, "startTime": moment, "completionTime": moment, "succeeded": 1}
    await pair.managed.patch(
        JOB, "x", merge_patch({"status": status}), namespace=namespace, subresource="status"
    )


async def is_told(pair: Pair, namespace: str) -> None:
    """The work says why the Job is not there."""

    async def probe() -> bool:
        return "it has finished" in await works.condition(pair, namespace, "Applied", "True", ordinal=0)

    await eventually(probe, what="the end told")


async def stays_away(pair: Pair, namespace: str, body: Json) -> None:
    """After everything that may make an agent look at the work again."""
    await works.change(pair, namespace, body, config_map("other", namespace, again="1"))
    await works.there(pair, works.CONFIG_MAP, "other", namespace)
    await works.condition(pair, namespace, "Applied", "True")
    assert await works.find(pair, JOB, "x", namespace) is None


async def test_a_job_that_has_ended_is_not_made_again_when_its_time_has_come(
    pair: Pair, namespace: str
) -> None:
    body = job(namespace, ttlSecondsAfterFinished=1)
    async with running(pair):
        await works.create(pair, namespace, body)
        made = await works.there(pair, JOB, "x", namespace)
        await works.condition(pair, namespace, "Applied", "True")
        await end(pair, namespace)
        await works.not_there(pair, JOB, "x", namespace)
        await is_told(pair, namespace)
        await stays_away(pair, namespace, body)
    async with running(pair):
        await stays_away(pair, namespace, body)
        changed = job(namespace, ttlSecondsAfterFinished=100)
        await works.change(pair, namespace, changed)
        again = await works.there(pair, JOB, "x", namespace)
        assert again.metadata.uid != made.metadata.uid
        await works.delete(pair, namespace)


async def test_one_that_is_gone_at_once_is_done_too(pair: Pair, namespace: str) -> None:
    body = job(namespace, ttlSecondsAfterFinished=0)
    async with running(pair):
        await works.create(pair, namespace, body)
        await works.there(pair, JOB, "x", namespace)
        await works.condition(pair, namespace, "Applied", "True")
        await end(pair, namespace)
        await is_told(pair, namespace)
        await stays_away(pair, namespace, body)
        await works.delete(pair, namespace)


async def test_one_that_had_not_ended_is_made_again(pair: Pair, namespace: str) -> None:
    body = job(namespace, ttlSecondsAfterFinished=100)
    async with running(pair):
        await works.create(pair, namespace, body)
        made = await works.there(pair, JOB, "x", namespace)
        await works.condition(pair, namespace, "Applied", "True")
        await pair.managed.delete(JOB, "x", namespace=namespace, propagation="Background")

        async def probe() -> bool:
            found = await works.find(pair, JOB, "x", namespace)
            return found is not None and found.metadata.uid != made.metadata.uid

        await eventually(probe, what="the Job made again")
        await works.delete(pair, namespace)
