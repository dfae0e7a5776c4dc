"""Starts and stops everything of a process in order.

Start: health server -> informers -> wait until their caches are full -> leadership, or a place among those that
share the shards -> startup steps -> background work and controllers. All replicas hold full caches, so a change of
the leader, or of a shard's holder, costs no list.
Stop (SIGTERM, SIGINT): no new keys, no new shards -> what is in flight finishes -> events are written -> the leases
are released -> informers end -> the health server closes. Losing a lease, or a part that dies, ends the process
with an error: the supervisor starts it anew with clean caches.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from controllers.kube.errors import ApiError
from controllers.runtime.controller import Controller
from controllers.runtime.events import Recorder
from controllers.runtime.health import HealthServer
from controllers.runtime.informer import Informer
from controllers.runtime.leader import LeaderElector
from controllers.runtime.sharding import Sharding

log = structlog.get_logger(__name__)

Work = Callable[[], Coroutine[Any, Any, None]]


class PartFailed(Exception):
    """A part that should run for ever has ended; the message names it."""


class Manager:
    """Owns the tasks of a process. Add parts, then `await run()`.

    With an `elector` one replica works and the others stand by; with `sharding` all work, each on its shards;
    with neither this is the only one. Never both.
    """

    def __init__(
        self,
        *,
        listen: tuple[str, int] | None = None,
        elector: LeaderElector | None = None,
        sharding: Sharding | None = None,
        recorder: Recorder | None = None,
        grace: float = 20.0,
    ) -> None:
        if elector is not None and sharding is not None:
            raise ValueError("a manager takes an elector or sharding, not both")
        self._lease = elector or sharding
        self._sharding = sharding
        self._recorder = recorder
        self._grace = grace
        self._informers: list[Informer] = [sharding.leases] if sharding else []
        self._controllers: list[Controller] = []
        self._background: list[tuple[str, Work]] = []
        self._startup: list[tuple[str, Work]] = []
        self._checks: dict[str, Callable[[], bool]] = {}
        self._stopping = asyncio.Event()
        self.health = HealthServer(*listen, readiness=self.readiness) if listen else None

    def add_informer(self, informer: Informer) -> Informer:
        self._informers.append(informer)
        return informer

    def add_controller(self, controller: Controller) -> Controller:
        if self._sharding is not None:
            self._sharding.add_controller(controller)
        self._controllers.append(controller)
        return controller

    def add_background(self, name: str, work: Work) -> None:
        """`work` runs while leading, until cancelled; with sharding, in every replica."""
        self._background.append((name, work))

    def add_startup(self, name: str, work: Work) -> None:
        """`work` runs once, after leadership was won and before the first controller; it may raise ApiError.

        With sharding it runs in every replica, also at the same time: it must be safe to repeat.
        """
        self._startup.append((name, work))

    def add_check(self, name: str, ready: Callable[[], bool]) -> None:
        """One more line of /readyz."""
        self._checks[name] = ready

    def readiness(self) -> dict[str, bool]:
        """The lines of /readyz. A standby is ready: it is well and waits for its turn."""
        caches = {f"cache:{item.scope.kind}": item.has_synced for item in self._informers}
        return caches | {name: check() for name, check in self._checks.items()}

    def stop(self) -> None:
        """Begins a graceful stop; `run` returns when it is complete."""
        self._stopping.set()

    def stop_on_signals(self) -> None:
        """SIGTERM and SIGINT call `stop`; a second one kills, as usual."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal, number)

    def _on_signal(self, number: signal.Signals) -> None:
        log.info("stopping", signal=signal.Signals(number).name)
        self.stop()
        asyncio.get_running_loop().remove_signal_handler(number)

    async def run(self) -> None:
        """Until `stop`. Raises PartFailed or AddressError when it cannot go on."""
        async with contextlib.AsyncExitStack() as cleanup:
            if self.health is not None:
                await self.health.start()
                cleanup.push_async_callback(self.health.stop)
            informers = [_spawn(f"informer:{item.scope.kind}", item.run()) for item in self._informers]
            cleanup.push_async_callback(_cancel, informers)
            if not await self._unless_stopped(self._wait_synced(), informers):
                return
            # What the first lists have left behind lives as long as the process: keep it out of the
            # collector's sight, or each full collection stops the loop for it.
            gc.collect()
            gc.freeze()
            lease: list[asyncio.Task[None]] = []
            if self._lease is not None:
                cleanup.push_async_callback(self._lease.release)
                if not await self._unless_stopped(self._lease.acquire(), informers):
                    return
                # Held from here on: a startup step may take longer than the lease lasts.
                lease = [_spawn("lease", self._lease.hold())]
                cleanup.push_async_callback(_cancel, lease)
            for name, work in self._startup:
                if not await self._unless_stopped(self._prepare(name, work), [*informers, *lease]):
                    return
            await self._lead(informers, lease)

    async def _prepare(self, name: str, work: Work) -> None:
        """A hub that refuses is worth a warning, not an end: the controllers say what is missing, object by object."""
        try:
            await work()
        except ApiError as error:
            log.warning("startup_failed", step=name, error=error.message, status=error.status)

    async def _wait_synced(self) -> None:
        for informer in self._informers:
            await informer.wait_synced()
        log.info("caches_synced", objects=sum(len(item.store) for item in self._informers))

    async def _unless_stopped(self, step: Coroutine[Any, Any, None], parts: list[asyncio.Task[None]]) -> bool:
        """Runs `step` to its end (True) or until a stop (False); a part that dies raises."""
        task = _spawn("step", step)
        stop = _spawn("stop", _ignore(self._stopping.wait()))
        try:
            await asyncio.wait([task, stop, *parts], return_when=asyncio.FIRST_COMPLETED)
            _raise_dead(parts)
            if task.done():
                task.result()
            return task.done() and not self._stopping.is_set()
        finally:
            await _cancel([task, stop])

    async def _lead(self, informers: list[asyncio.Task[None]], lease: list[asyncio.Task[None]]) -> None:
        controllers = [
            _spawn(f"controller:{item.name}", item.run(grace=self._grace)) for item in self._controllers
        ]
        parts = [_spawn(name, work()) for name, work in self._background]
        events = [_spawn("events", self._recorder.run())] if self._recorder else []
        stop = _spawn("stop", _ignore(self._stopping.wait()))
        log.info("started", controllers=[item.name for item in self._controllers])
        everything = [*informers, *controllers, *parts, *events, *lease]
        try:
            await asyncio.wait([stop, *everything], return_when=asyncio.FIRST_COMPLETED)
            if not stop.done():
                _raise_dead(everything)
            if self._sharding is not None:
                self._sharding.retire()
            for item in self._controllers:
                item.stop()
            finished: asyncio.Future[Any] = asyncio.gather(*controllers)
            await asyncio.wait([finished, *lease], return_when=asyncio.FIRST_COMPLETED)
            _raise_dead(lease)
            await finished
            if self._recorder is not None:
                await self._recorder.flush(timeout=5.0)
        finally:
            # The lease is renewed until the work has really ended, and only then released by `run`.
            await _cancel([*controllers, *parts, *events, stop])
            log.info("stopped")


def _spawn(name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.create_task(work, name=name)


async def _ignore(waiting: Coroutine[Any, Any, Any]) -> None:
    await waiting


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _raise_dead(parts: list[asyncio.Task[None]]) -> None:
    for part in parts:
        if part.done() and not part.cancelled():
            error = part.exception()
            raise PartFailed(f"{part.get_name()} ended: {error or 'it should run for ever'}") from error
