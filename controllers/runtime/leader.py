"""Leader election on a coordination.k8s.io/v1 Lease: at most one process of a group works at a time.

The rule (that of client-go): a holder renews well within the lease's duration and stops working when it could
not renew for `renew_deadline`; others take over only after they saw the lease unchanged for the whole duration
on their own monotonic clock, so clocks need not agree. Every request is given less time than the deadline,
so that a hanging API server cannot leave two leaders.
"""

from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from controllers.api.kinds import LEASE
from controllers.kube.client import Client
from controllers.kube.errors import ApiError, Conflict, NotFound
from controllers.kube.object import Object
from controllers.runtime import metrics

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class LeaseTiming:
    """Seconds, client-go's defaults. duration > renew_deadline > retry > 0."""

    duration: float = 15.0
    renew_deadline: float = 10.0
    retry: float = 2.0

    def __post_init__(self) -> None:
        if not self.duration > self.renew_deadline > self.retry > 0:
            raise ValueError("lease timing needs duration > renew_deadline > retry > 0")


@dataclass(frozen=True)
class Observation:
    """What the lease looked like, and when (monotonic seconds) it was first seen like that."""

    holder: str
    version: str
    since: float


def may_acquire(seen: Observation | None, identity: str, duration: float, now: float) -> bool:
    """Whether `identity` may write itself into the lease: it is free, ours, or unchanged for its duration."""
    return seen is None or seen.holder in ("", identity) or now - seen.since >= duration


class LeaderElector:
    """Competes for one Lease. `acquire()` waits until it is held, `hold()` returns when it was lost."""

    def __init__(
        self,
        client: Client,
        *,
        name: str,
        namespace: str,
        identity: str,
        timing: LeaseTiming = LeaseTiming(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._name = name
        self._namespace = namespace
        self._identity = identity
        self._timing = timing
        self._clock = clock
        self._seen: Observation | None = None
        self._renewed = 0.0
        self._gauge = metrics.leader.labels(name)
        self._gauge.set(0)

    async def acquire(self) -> None:
        """Returns once this process holds the lease."""
        waiting_for = ""
        while not await self._attempt():
            if self._seen is not None and self._seen.holder != waiting_for:
                waiting_for = self._seen.holder
                log.info("leader_waiting", lease=self._name, holder=waiting_for)
            await asyncio.sleep(self._timing.retry)
        self._gauge.set(1)
        log.info("leader_acquired", lease=self._name, identity=self._identity)

    async def hold(self) -> None:
        """Renews; returns when the lease is lost. The caller then cancels *and awaits* its work."""
        try:
            while True:
                await asyncio.sleep(self._timing.retry)
                if await self._attempt():
                    continue
                lost = self._seen is not None and self._seen.holder not in ("", self._identity)
                if lost or self._clock() - self._renewed >= self._timing.renew_deadline - self._timing.retry:
                    log.error("leader_lost", lease=self._name, holder=self._seen and self._seen.holder)
                    return
        finally:
            self._gauge.set(0)

    async def release(self) -> None:
        """Empties the holder if it is us, so that the next one need not wait. Only after the work has stopped."""
        try:
            async with asyncio.timeout(self._timing.retry):
                # Read anew: an attempt that was given up half way may have been carried out all the same.
                lease = await self._client.get(LEASE, self._name, namespace=self._namespace)
                self._observe(lease)
                if self._seen is None or self._seen.holder != self._identity:
                    return
                await self._write(lease, holder="", duration=1)
            log.info("leader_released", lease=self._name)
        except (ApiError, TimeoutError) as error:
            log.warning("leader_release_failed", error=str(error))

    async def _attempt(self) -> bool:
        """One try to take or renew the lease. No exception: a failure is just False."""
        started = self._clock()
        try:
            async with asyncio.timeout(self._timing.retry):
                held = await self._take()
        except Conflict:
            return False
        except (ApiError, TimeoutError) as error:
            log.warning("leader_attempt_failed", lease=self._name, error=str(error) or "no answer in time")
            return False
        if held:
            # Counted from before the request: the server may have renewed at its very start.
            self._renewed = started
        return held

    async def _take(self) -> bool:
        try:
            lease = await self._client.get(LEASE, self._name, namespace=self._namespace)
        except NotFound:
            self._observe(await self._client.create(LEASE, self._body(None), namespace=self._namespace))
            return True
        self._observe(lease)
        if not may_acquire(self._seen, self._identity, self._timing.duration, self._clock()):
            return False
        self._observe(await self._write(lease, holder=self._identity, duration=self._timing.duration))
        return True

    async def _write(self, lease: Object, *, holder: str, duration: float) -> Object:
        body = self._body(lease, holder=holder, duration=duration)
        return await self._client.update(LEASE, self._name, body, namespace=self._namespace)

    def _observe(self, lease: Object) -> None:
        holder = str(lease.to_dict().get("spec", {}).get("holderIdentity") or "")
        version = lease.metadata.resource_version
        if self._seen is None or self._seen.version != version:
            self._seen = Observation(holder, version, self._clock())

    def _body(
        self, lease: Object | None, *, holder: str | None = None, duration: float | None = None
    ) -> dict[str, Any]:
        holder = self._identity if holder is None else holder
        stamp = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        before: dict[str, Any] = lease.to_dict().get("spec", {}) if lease else {}
        changed = before.get("holderIdentity") != holder
        metadata: dict[str, Any] = {"name": self._name, "namespace": self._namespace}
        if lease is not None:
            metadata["resourceVersion"] = lease.metadata.resource_version
        return {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": metadata,
            "spec": {
                "holderIdentity": holder,
                "leaseDurationSeconds": max(1, round(duration or self._timing.duration)),
                "acquireTime": stamp if changed else before.get("acquireTime", stamp),
                "renewTime": stamp,
                "leaseTransitions": int(before.get("leaseTransitions") or 0)
                + (1 if lease and changed else 0),
            },
        }
