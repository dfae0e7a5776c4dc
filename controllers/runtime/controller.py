"""Runs one reconciler over a queue of keys: what triggers it, how many at once, and the one error policy.

Which keys are this process's to handle is said by who restricts it; it never decides that itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

import structlog

from controllers.api.echo import echoed
from controllers.kube.errors import ApiError, Conflict, TooManyRequests, Unavailable
from controllers.kube.object import TOO_DEEP, Unreadable
from controllers.runtime.aside import SetAside
from controllers.runtime.cache import Change
from controllers.runtime.events import Recorder
from controllers.runtime.informer import Informer
from controllers.runtime.metrics import ControllerMetrics
from controllers.runtime.reconcile import Reconciler, Request, Terminal
from controllers.runtime.workqueue import WorkQueue

log = structlog.get_logger(__name__)

Mapper = Callable[[Change], Iterable[Request]]
Wanted = Callable[[Request], bool]

# Seconds after which a key is tried again that waits for another object to become readable, should no change wake it.
_LOOK_AGAIN = 60.0

# Objects that a resync looks at before it lets others have the loop.
_RESYNC_BATCH = 500


class _Key(NamedTuple):
    """Who has set something aside: a controller, for a key."""

    name: str
    request: Request


def by_own_key(change: Change) -> Iterable[Request]:
    """The mapper for a controller's own kind."""
    yield Request(*change.object.key)


class Controller:
    """One reconciler, its queue and its triggers.

    `concurrency` reconciliations run at once, never two for one key; namespaces take turns. Triggers may be wired
    before the informers run; keys gather in the queue until `run`.
    """

    def __init__(
        self, name: str, reconciler: Reconciler, *, recorder: Recorder | None = None, concurrency: int = 16
    ) -> None:
        self.name = name
        self.queue: WorkQueue[Request] = WorkQueue(name, lane=_namespace)
        self._reconciler = reconciler
        self._recorder = recorder
        self._slots = asyncio.Semaphore(concurrency)
        self._metrics = ControllerMetrics(name, concurrency)
        self._running: dict[asyncio.Task[None], Request] = {}
        self._triggers: list[tuple[Informer, Mapper]] = []
        self._owns: Wanted = _everything
        self._aside = SetAside(recorder)
        self._reported: dict[
            Request, str
        ] = {}  # keys that failed for a reason that is no API server's, and which

    def watch(
        self,
        informer: Informer,
        mapper: Mapper = by_own_key,
        *,
        gather: float = 0.0,
        longest: float | None = None,
    ) -> None:
        """Every change in `informer` wants the keys that `mapper` makes of it.

        Changes that come within `gather` seconds of the first one cost one reconcile; 0: at once. With `longest`, each
        within `gather` seconds of the one before, up to so many seconds after the first. What the reconciler cannot
        read is set aside where the first of these informers does it.
        """

        def enqueue(change: Change) -> None:
            for request in mapper(change):
                if not self._owns(request):
                    continue
                if gather:
                    self.queue.add_gathered(request, gather, gather if longest is None else longest)
                else:
                    self.queue.add(request)

        if not self._triggers:
            self._aside = informer.aside
        self._triggers.append((informer, mapper))
        informer.add_handler(enqueue)

    # -- a part of the keys -----------------------------------------------------------------------------

    def restrict(self, owns: Wanted) -> None:
        """From now on only keys that `owns` admits are queued and handled; it is asked for each key anew.

        After it has begun to admit keys, call `resync` for them; after it has ceased to, `drain`.
        """
        self._owns = owns

    async def resync(self, gained: Wanted) -> None:
        """Wants the keys that the caches now give, and that `gained` names, as if all objects had just appeared."""
        for informer, mapper in self._triggers:
            for number, item in enumerate(list(informer.store.all()), start=1):
                # What the mapper cannot take is set aside by its informer already.
                with contextlib.suppress(Exception):
                    for request in mapper(Change(None, item)):
                        if gained(request) and self._owns(request):
                            self.queue.add(request)
                if number % _RESYNC_BATCH == 0:
                    await asyncio.sleep(0)

    async def drain(self, lost: Wanted, *, grace: float) -> None:
        """Returns once nothing that `lost` names is queued, delayed or in flight.

        What is in flight may end within `grace` seconds and is cancelled then.
        """
        self.queue.drop(lost)
        in_flight = [task for task, request in self._running.items() if lost(request)]
        if in_flight:
            _, late = await asyncio.wait(in_flight, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*in_flight, return_exceptions=True)
            self.queue.drop(lost)  # what did not end well wants to be repeated
        self._aside.forget(lambda who: isinstance(who, _Key) and who.name == self.name and lost(who.request))

    # -- running ----------------------------------------------------------------------------------------

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
                self._running[task] = request
                task.add_done_callback(self._handled)
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

    def _handled(self, task: asyncio.Task[None]) -> None:
        """Also of a task that was cancelled before its first step."""
        self.queue.done(self._running.pop(task))
        self._slots.release()

    async def _handle(self, request: Request) -> None:
        if not self._owns(request):
            self.queue.forget(request)
            return
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

    async def _reconcile(self, request: Request) -> str:
        """The error policy of `controllers.runtime.reconcile`. Returns the result label of the metrics."""
        try:
            result = await self._reconciler.reconcile(request)
        except Conflict as error:
            log.debug("reconcile_conflict", error=error.message, retry_in=self.queue.retry(request))
            return "conflict"
        except TooManyRequests as error:
            delay = self.queue.retry(request, not_before=error.retry_after or 1.0)
            log.info("reconcile_throttled", retry_in=delay)
            return "error"
        except Terminal as error:
            log.warning("reconcile_terminal", reason=error.reason, error=error.message)
            if self._recorder is not None and error.regarding is not None:
                self._recorder.warning(error.regarding, error.reason, error.message)
            self.queue.forget(request)
            return "terminal"
        except (Unreadable, RecursionError) as error:
            return self._unreadable(request, error)
        except Unavailable as error:
            delay = self.queue.retry(request, not_before=error.retry_after or 0.0)
            log.warning("reconcile_unavailable", error=error.message, retry_in=delay)
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
        except Exception as error:
            self._report(request, error, self.queue.retry(request))
            return "error"
        self.queue.forget(request)
        self._reported.pop(request, None)
        self._aside.clear(_Key(self.name, request))
        if result.after is not None:
            later = self.queue.add_when_idle if result.idle else self.queue.add_after
            later(request, result.after)
            return "requeue_after"
        return "success"

    def _report(self, request: Request, error: Exception, delay: float) -> None:
        """With the place where it happened, but not as often as it is tried again."""
        text = f"{type(error).__name__}: {error}"
        if self._reported.get(request) == text:
            log.warning("reconcile_failed_again", error=echoed(text), retry_in=delay)
            return
        self._reported[request] = text
        log.error("reconcile_failed", retry_in=delay, exc_info=error)

    def _unreadable(self, request: Request, error: Unreadable | RecursionError) -> str:
        """Nothing helps but another state of the object, which comes as a change if it is one that is watched here."""
        own = [item for informer, _ in self._triggers if (item := informer.store.get(*request)) is not None]
        item = error.item if isinstance(error, Unreadable) else next(iter(own), None)
        if item is None:
            log.exception("reconcile_failed", retry_in=self.queue.retry(request))
            return "error"
        why = error if isinstance(error, Unreadable) else Unreadable(item, TOO_DEEP)
        self._aside.put(_Key(self.name, request), item.type_meta().kind or "object", item, why)
        self.queue.forget(request)
        if all(item.metadata.uid != one.metadata.uid for one in own):
            self.queue.add_after(request, _LOOK_AGAIN)
        return "terminal"


def _namespace(request: Request) -> str:
    return request.namespace


def _everything(request: Request) -> bool:
    return True
