"""What a controller does with a key whose object, or another object, cannot be read."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from controllers.kube.object import TOO_DEEP, Object
from controllers.runtime.cache import Change
from controllers.runtime.controller import Controller
from controllers.runtime.informer import Informer
from controllers.runtime.reconcile import Request, Result
from tests.eventually import eventually
from tests.unit.runtime.test_restricted import Told

KEY = Request("n", "a")


def cluster(uid: str, kind: str, **spec: Any) -> Object:
    metadata = {"name": "a", "namespace": "n", "uid": uid, "resourceVersion": "1"}
    return Object(json.dumps({"kind": kind, "metadata": metadata, "spec": spec}).encode())


def recurse(levels: int) -> int:
    return recurse(levels + 1)


class Reading:
    """A reconciler that reads one object, as `read` says."""

    def __init__(self, read: Callable[[], object]) -> None:
        self.read = read
        self.runs = 0

    async def reconcile(self, request: Request, /) -> Result:
        self.runs += 1
        self.read()
        return Result.done()


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def ended(controller: Controller, result: str) -> float:
    return sample("controller_runtime_reconcile_total", controller=controller.name, result=result)


def has_ended(controller: Controller, runs: int) -> bool:
    return ended(controller, "terminal") == runs


@contextlib.asynccontextmanager
async def running(name: str, reconciler: Reading, own: Object | None) -> AsyncIterator[Controller]:
    """A controller whose trigger holds `own`."""
    controller, informer = Controller(name, reconciler), Told()
    if own is not None:
        informer.store.apply(own)
    controller.watch(cast("Informer", informer))
    task = asyncio.create_task(controller.run())
    yield controller
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def broken(item: Object) -> Callable[[], object]:
    return lambda: item.decode(int)


@pytest.mark.parametrize("read", ["broken", "deep"])
async def test_the_own_object_is_set_aside_and_waited_for(read: str) -> None:
    kind = f"Own-{read}"
    own = cluster("u", kind)
    reconciler = Reading(broken(own) if read == "broken" else lambda: recurse(0))
    with capture_logs() as logs:
        async with running(kind, reconciler, own) as controller:
            for runs in (1, 2):
                controller.queue.add(KEY)
                await eventually(functools.partial(has_ended, controller, runs))
            assert controller.queue.is_idle()
            assert controller.queue._schedule.next_due() is None, "not tried again by itself"
            assert sample("argosy_objects_set_aside", kind=kind) == 1
            reconciler.read = lambda: None
            controller.queue.add(KEY)
            await eventually(lambda: ended(controller, "success") == 1)
            assert sample("argosy_objects_set_aside", kind=kind) == 0
    (line,) = [line for line in logs if line["event"] == "object_set_aside"]
    assert (TOO_DEEP if read == "deep" else "Expected `int`, got `object`") in line["why"]


async def test_for_another_object_the_key_is_tried_again_by_the_minute() -> None:
    own, other = cluster("u", "Own"), cluster("v", "Other")
    async with running("other", Reading(broken(other)), own) as controller:
        controller.queue.add(KEY)
        await eventually(lambda: ended(controller, "terminal") == 1)
        assert sample("argosy_objects_set_aside", kind="Other") == 1
        due = controller.queue._schedule.next_due()
        assert due is not None
        assert 50 < due - asyncio.get_running_loop().time() <= 60


async def test_content_too_deep_of_nobody_is_a_failure_like_others() -> None:
    async with running("nobody", Reading(lambda: recurse(0)), None) as controller:
        controller.queue.add(KEY)
        await eventually(lambda: ended(controller, "error") >= 1)


async def test_the_place_of_a_failure_is_said_once_and_again_when_it_is_another() -> None:
    failures = [ZeroDivisionError("a")] * 3 + [ValueError("b")]

    def fail() -> None:
        if failures:
            raise failures.pop(0)

    with capture_logs() as logs:
        async with running("once", Reading(fail), None) as controller:
            controller.queue.add(KEY)
            await eventually(lambda: ended(controller, "success") == 1)
    told = [
        (line["event"], "exc_info" in line) for line in logs if line["event"].startswith("reconcile_failed")
    ]
    again = ("reconcile_failed_again", False)
    assert told == [("reconcile_failed", True), again, again, ("reconcile_failed", True)]


async def test_what_it_has_set_aside_of_a_shard_is_another_process_matter() -> None:
    own = cluster("u", "Shard")
    async with running("shard", Reading(broken(own)), own) as controller:
        controller.queue.add(KEY)
        await eventually(lambda: sample("argosy_objects_set_aside", kind="Shard") == 1)
        await controller.drain(lambda request: request.namespace != "n", grace=1)
        assert sample("argosy_objects_set_aside", kind="Shard") == 1
        await controller.drain(lambda request: request.namespace == "n", grace=1)
        assert sample("argosy_objects_set_aside", kind="Shard") == 0


async def test_a_resync_passes_over_what_its_mapper_cannot_take() -> None:
    controller, informer = Controller("resync", Reading(lambda: None)), Told()
    informer.tell(("n", "bad"), ("n", "good"))

    def mapper(change: Change) -> list[Request]:
        if change.object.metadata.name == "bad":
            raise ValueError("bad")
        return [Request(*change.object.key)]

    controller.watch(cast("Informer", informer), mapper)
    await controller.resync(lambda request: True)
    assert await controller.queue.get() == Request("n", "good")
    assert len(controller.queue) == 0
