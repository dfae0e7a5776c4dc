"""Runs one reconciler over a queue of keys: what triggers it, how many at once, and the one error policy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

import structlog

from controllers.kube.errors import ApiError, Conflict, TooManyRequests, Unavailable
from controllers.runtime.cache import Change
from controllers.runtime.events import Recorder
from controllers.runtime.informer import Informer
from controllers.runtime.metrics import ControllerMetrics
from controllers.runtime.reconcile import Reconciler, Request, Terminal
from controllers.runtime.workqueue import WorkQueue

log = structlog.get_logger(__name__)

Mapper = Callable[[Change], Iterable[Request]]


def by_own_key(change: Change) -> Iterable[Request]:
    """The mapper for a controller's own kind."""
    yield Request(*change.object.key)


class Controller:
    """One reconciler, its queue and its triggers.

    `concurrency` reconciliations run at once, never two for one key. Triggers may be wired before the
    informers run; keys gather in the queue until `run`.
    """

    def __init__(
        self, name: str, reconciler: Reconciler, *, recorder: Recorder | None = None, concurrency: int = 16
    ) -> None:
        self.name = name
        self.queue: WorkQueue[Request] = WorkQueue(name)
        self._reconciler = reconciler
        self._recorder = recorder
        self._slots = asyncio.Semaphore(concurrency)
        self._metrics = ControllerMetrics(name, concurrency)
        self._running: set[asyncio.Task[None]] = set()

    def watch(self, informer: Informer, mapper: Mapper = by_own_key) -> None:
        """Every change in `informer` wants the keys that `mapper` makes of it."""

        def enqueue(change: Change) -> None:
            for request in mapper(change):
                self.queue.add(request)

        informer.add_handler(enqueue)

    async def run(self, *, grace: float = 20.0) -> None:
        """Until `stop` is called, then waits up to `grace` seconds for what is in flight, and cancels the rest.

        Cancelling this coroutine cancels what is in flight at once and waits for it.
        """
        try:
            while True:
                await self._slots.acquire()
                request = await self.queue.get()
                if request is None:
                    break
                task = asyncio.create_task(self._handle(request), name=f"{self.name}:{request}")
                self._running.add(task)
                task.add_done_callback(self._running.discard)
                task.add_done_callback(lambda _: self._slots.release())
            if self._running:
                await asyncio.wait(self._running, timeout=grace)
        finally:
            self.queue.close()
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    def stop(self) -> None:
        """Takes no more keys; `run` ends when what is in flight has."""
        self.queue.close()
        self._slots.release()  # with all slots taken, `run` waits for one and would not notice

    async def _handle(self, request: Request) -> None:
        started = time.perf_counter()
        self._metrics.active.inc()
        result = "cancelled"
        with structlog.contextvars.bound_contextvars(
            controller=self.name, namespace=request.namespace, name=request.name
        ):
            try:
                result = await self._reconcile(request)
            finally:
                self._metrics.active.dec()
                self._metrics.finished(result, time.perf_counter() - started)
                self.queue.done(request)

    async def _reconcile(self, request: Request) -> str:
        """The error policy of `controllers.runtime.reconcile`. Returns the result label of the metrics."""
        try:
            result = await self._reconciler.reconcile(request)
        except Conflict as error:
            log.debug("reconcile_conflict", error=error.message, retry_in=self.queue.retry(request))
            return "conflict"
        except TooManyRequests as error:
            delay = error.retry_after or 1.0
            log.info("reconcile_throttled", retry_in=delay)
            self.queue.add_after(request, delay)
            return "error"
        except Terminal as error:
            log.warning("reconcile_terminal", reason=error.reason, error=error.message)
            if self._recorder is not None and error.regarding is not None:
                self._recorder.warning(error.regarding, error.reason, error.message)
            self.queue.forget(request)
            return "terminal"
        except Unavailable as error:
            log.warning("reconcile_unavailable", error=error.message, retry_in=self.queue.retry(request))
            return "error"
        except ApiError as error:
            log.error(  # noqa: TRY400 - the API server's words say more than our stack
                "reconcile_failed",
                error=error.message,
                status=error.status,
                reason=error.reason,
                retry_in=self.queue.retry(request),
            )
            return "error"
        except Exception:
            log.exception("reconcile_failed", retry_in=self.queue.retry(request))
            return "error"
        self.queue.forget(request)
        if result.after is not None:
            self.queue.add_after(request, result.after)
            return "requeue_after"
        return "success"
