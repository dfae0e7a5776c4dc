"""What becomes of a key after each way in which a reconcile can end."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from prometheus_client import REGISTRY

from controllers.api.kinds import EVENT, WORKFLOW
from controllers.kube.client import Client
from controllers.kube.errors import (
    AlreadyExists,
    ApiError,
    Conflict,
    Forbidden,
    NotFound,
    TooManyRequests,
    Unavailable,
)
from controllers.kube.patch import merge_patch
from controllers.runtime.backoff import Backoff
from controllers.runtime.controller import Controller
from controllers.runtime.events import Recorder
from controllers.runtime.reconcile import Request, Result, Terminal
from controllers.runtime.workqueue import WorkQueue
from tests.eventually import eventually
from tests.integration.bodies import CONFIG_MAP, config_map, workflow

KEY = Request("n", "a")


class Script:
    """A reconciler whose runs end as written; after the last one, all is well."""

    def __init__(self, *endings: BaseException | Result) -> None:
        self._endings = list(endings)
        self.at: list[float] = []

    async def reconcile(self, request: Request, /) -> Result:
        self.at.append(time.monotonic())
        ending = self._endings.pop(0) if self._endings else Result.done()
        if isinstance(ending, BaseException):
            raise ending
        return ending

    @property
    def gaps(self) -> list[float]:
        """Seconds between the runs."""
        return [later - earlier for earlier, later in zip(self.at, self.at[1:], strict=False)]


@contextlib.asynccontextmanager
async def running(controller: Controller) -> AsyncIterator[None]:
    task = asyncio.create_task(controller.run())
    try:
        yield
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def counted(controller: str, result: str) -> float:
    labels = {"controller": controller, "result": result}
    return REGISTRY.get_sample_value("controller_runtime_reconcile_total", labels) or 0.0


def retries(controller: str) -> float:
    return REGISTRY.get_sample_value("workqueue_retries_total", {"name": controller}) or 0.0


@pytest.mark.parametrize(
    ("name", "endings", "result", "backoff"),
    [
        ("conflict", [Conflict("changed", status=409)] * 3, "conflict", True),
        ("exists", [AlreadyExists("taken", status=409)], "conflict", True),
        ("unavailable", [Unavailable("no answer")] * 3, "error", True),
        ("forbidden", [Forbidden("may not", status=403)], "error", True),
        ("not-found", [NotFound("gone", status=404)], "error", True),
        ("other", [ApiError("odd", status=418)], "error", True),
        ("bug", [ZeroDivisionError("ours")] * 3, "error", True),
        ("throttled", [TooManyRequests("slowly", status=429, retry_after=0.2)], "error", True),
        ("overloaded", [Unavailable("later", status=503, retry_after=0.2)], "error", True),
        ("recheck", [Result.recheck(after=0.2)], "requeue_after", False),
    ],
)
async def test_a_run_that_did_not_end_well_is_repeated(
    name: str, endings: Sequence[BaseException | Result], result: str, *, backoff: bool
) -> None:
    script = Script(*endings)
    controller = Controller(f"test-{name}", script)
    async with running(controller):
        controller.queue.add(KEY)
        await eventually(lambda: counted(controller.name, "success") == 1, within=10)
    assert counted(controller.name, result) == len(endings)
    assert retries(controller.name) == (len(endings) if backoff else 0)
    if name in ("throttled", "overloaded", "recheck"):
        assert script.gaps[0] >= 0.19


async def test_what_may_wait_is_repeated_as_soon_as_nothing_else_is_to_be_done() -> None:
    script = Script(Result.when_idle(within=3600))
    controller = Controller("test-idle", script)
    async with running(controller):
        controller.queue.add(KEY)
        await eventually(lambda: counted(controller.name, "success") == 1, within=10)
    assert counted(controller.name, "requeue_after") == 1


async def test_waits_double_from_failure_to_failure_and_start_short_again_after_success() -> None:
    script = Script(*[Unavailable("no answer")] * 4, Result.done(), Unavailable("again"))
    controller = Controller("test-backoff", script)
    controller.queue = WorkQueue("test-backoff", backoff=Backoff(base=0.05, cap=30, jitter=0))
    async with running(controller):
        controller.queue.add(KEY)
        await eventually(lambda: counted(controller.name, "success") == 1)
        controller.queue.add(KEY)
        await eventually(lambda: counted(controller.name, "success") == 2)
    for failures, gap in enumerate(script.gaps[:4]):
        assert gap >= 0.05 * 2**failures
    assert 0.05 <= script.gaps[5] < script.gaps[3]


async def test_a_terminal_error_is_told_on_the_object_and_not_retried(client: Client, namespace: str) -> None:
    found = await client.create(WORKFLOW, workflow("a"), namespace=namespace)
    script = Script(Terminal("Hopeless", "change something", regarding=found))
    recorder = Recorder(client, "argosy")
    controller = Controller("test-terminal", script, recorder=recorder)
    events = asyncio.create_task(recorder.run())
    async with running(controller):
        controller.queue.add(KEY)

        async def told() -> dict[str, Any] | None:
            found, _ = await client.list(EVENT, namespace=namespace)
            return found[0].to_dict() if found else None

        event = await eventually(told)
        assert (event["type"], event["reason"], event["message"]) == (
            "Warning",
            "Hopeless",
            "change something",
        )
        assert counted(controller.name, "terminal") == 1
        assert len(script.at) == 1
        controller.queue.add(KEY)  # something changed
        await eventually(lambda: counted(controller.name, "success") == 1)
    events.cancel()
    await asyncio.gather(events, return_exceptions=True)


async def test_a_real_conflict_is_resolved_by_reading_anew(client: Client, namespace: str) -> None:
    """Two writers count up one number, each guarded by the version it has read: nothing is lost."""
    await client.create(CONFIG_MAP, config_map("a", number="0"), namespace=namespace)

    class Counting:
        def __init__(self) -> None:
            self.left = 20

        async def reconcile(self, request: Request, /) -> Result:
            read = await client.get(CONFIG_MAP, request.name, namespace=request.namespace)
            number = int(read.to_dict()["data"]["number"]) + 1
            patch = merge_patch(
                {"data": {"number": str(number)}}, resource_version=read.metadata.resource_version
            )
            await client.patch(CONFIG_MAP, request.name, patch, namespace=request.namespace)
            self.left -= 1
            return Result.recheck(after=0.001) if self.left else Result.done()

    controllers = [Controller(f"test-counting-{number}", Counting()) for number in range(2)]
    async with running(controllers[0]), running(controllers[1]):
        for controller in controllers:
            controller.queue.add(Request(namespace, "a"))
        await eventually(lambda: all(counted(item.name, "success") for item in controllers))
    read = await client.get(CONFIG_MAP, "a", namespace=namespace)
    assert read.to_dict()["data"]["number"] == "40"


async def test_a_key_that_fails_does_not_hold_up_the_others() -> None:
    done: list[str] = []

    class Reconciler:
        async def reconcile(self, request: Request, /) -> Result:
            if request.name == "bad":
                raise ZeroDivisionError
            done.append(request.name)
            return Result.done()

    controller = Controller("test-others", Reconciler(), concurrency=1)
    async with running(controller):
        controller.queue.add(Request("n", "bad"))
        for number in range(50):
            controller.queue.add(Request("n", f"good-{number}"))
        await eventually(lambda: len(done) == 50)


async def test_cancelling_a_controller_cancels_what_runs_and_counts_it() -> None:
    begun = asyncio.Event()

    class Reconciler:
        async def reconcile(self, request: Request, /) -> Result:
            begun.set()
            await asyncio.Event().wait()
            return Result.done()

    controller = Controller("test-cancelled", Reconciler())
    async with running(controller):
        controller.queue.add(KEY)
        await begun.wait()
    assert counted(controller.name, "cancelled") == 1
    active = REGISTRY.get_sample_value("controller_runtime_active_workers", {"controller": controller.name})
    assert active == 0


async def test_one_key_never_runs_twice_at_once_and_many_keys_do() -> None:
    running_now: set[str] = set()
    most = 0
    runs = 0

    class Reconciler:
        async def reconcile(self, request: Request, /) -> Result:
            nonlocal most, runs
            assert request.name not in running_now
            running_now.add(request.name)
            most = max(most, len(running_now))
            controller.queue.add(request) if runs < 200 else None
            await asyncio.sleep(0)
            running_now.discard(request.name)
            runs += 1
            return Result.done()

    controller = Controller("test-single-flight", Reconciler(), concurrency=4)
    async with running(controller):
        for number in range(10):
            controller.queue.add(Request("n", f"k{number}"))
        await eventually(lambda: runs >= 200 and not running_now)
    assert most == 4
    assert counted(controller.name, "error") == 0
