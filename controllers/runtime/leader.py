"""Leader election: of several replicas one works, the others stand by. The rules are those of the Lease."""

from __future__ import annotations

import asyncio

import structlog

from controllers.runtime import metrics
from controllers.runtime.lease import LeaseLock

log = structlog.get_logger(__name__)


class LeaderElector:
    """Competes for `lock`. `acquire()` waits until it is held, `hold()` returns when it was lost."""

    def __init__(self, lock: LeaseLock) -> None:
        self._lock = lock
        self._gauge = metrics.leader.labels(lock.name)
        self._gauge.set(0)

    async def acquire(self) -> None:
        """Returns once this process holds the lease."""
        lock = self._lock
        waiting_for = ""
        while not await lock.attempt():
            if lock.holder != waiting_for:
                waiting_for = lock.holder
                log.info("leader_waiting", lease=lock.name, holder=waiting_for)
            await asyncio.sleep(lock.timing.retry)
        self._gauge.set(1)
        log.info("leader_acquired", lease=lock.name, identity=lock.identity)

    async def hold(self) -> None:
        """Renews; returns when the lease is lost. The caller then cancels *and awaits* its work."""
        try:
            await self._lock.keep()
        finally:
            self._gauge.set(0)

    async def release(self) -> None:
        """Lets the next one in at once, if the lease is ours. Only after the work has stopped."""
        if await self._lock.release():
            log.info("leader_released", lease=self._lock.name)
