"""One coordination.k8s.io/v1 Lease that at most one process holds at a time. Knows nothing of what it guards.

The rule (that of client-go): a holder renews well within the lease's duration and stops working when it could
not renew for `renew_deadline`; others take over only after they saw the lease unchanged for the whole duration
on their own monotonic clock, so clocks need not agree. Every request is given half of the deadline, and no more than
what is left of it, so that a hanging API server cannot leave two holders, and a slow one costs nobody the lease. A
renewal names the version that the holder has written last: when it is accepted, nobody else can have held the
lease in between.
"""

from __future__ import annotations

import asyncio
import datetime
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from controllers.api.kinds import LEASE
from controllers.kube.client import Client
from controllers.kube.errors import ApiError, Conflict, NotFound
from controllers.kube.object import Object

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


DEFAULT_TIMING = LeaseTiming()

# Seconds in which no API server can be expected to answer.
_TOO_LITTLE = 0.1


@dataclass(frozen=True)
class Observation:
    """What the lease looked like, and when (monotonic seconds) it was first seen like that."""

    holder: str
    version: str
    since: float


def may_acquire(seen: Observation | None, identity: str, duration: float, now: float) -> bool:
    """Whether `identity` may write itself into the lease: it is free, ours, or unchanged for its duration."""
    return seen is None or seen.holder in ("", identity) or now - seen.since >= duration


def holder_of(lease: Object) -> str:
    """spec.holderIdentity; "" when nobody holds it."""
    return str((lease.to_dict().get("spec") or {}).get("holderIdentity") or "")


class LeaseLock:
    """One Lease as this process sees it. `labels` and `annotations` are kept on it while it is ours."""

    def __init__(
        self,
        client: Client,
        *,
        name: str,
        namespace: str,
        identity: str,
        timing: LeaseTiming = DEFAULT_TIMING,
        clock: Callable[[], float] = time.monotonic,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.identity = identity
        self.timing = timing
        self._client = client
        self._namespace = namespace
        self._clock = clock
        self._marks = {"labels": dict(labels or {}), "annotations": dict(annotations or {})}
        self._seen: Observation | None = None
        self._written: Object | None = None  # our last write, as long as it is the newest state that we know
        self._tried = False
        self._renewed = 0.0

    @property
    def holder(self) -> str:
        """Whom the lease belongs to as far as is known; "" when it is free or was not renewed for its duration."""
        seen = self._seen
        if seen is None or self._clock() - seen.since >= self.timing.duration:
            return ""
        return seen.holder

    def observe(self, lease: Object) -> None:
        """Takes notice of what a watch has told: what is older than what is known already does not count."""
        if self._seen is None or int(lease.metadata.resource_version) > int(self._seen.version):
            self._observe(lease)

    async def attempt(self, *, within: float = math.inf) -> bool:
        """One try to take or renew it, for half the renew deadline at most, and `within` seconds. No exception: a
        failure is just False."""
        started = self._clock()
        self._tried = True
        try:
            async with asyncio.timeout(min(self.timing.renew_deadline / 2, within)):
                held = await self._take()
        except Conflict:
            return False
        except (ApiError, TimeoutError) as error:
            log.warning("lease_attempt_failed", lease=self.name, error=str(error) or "no answer in time")
            return False
        if held:
            # Counted from before the request: the server may have renewed at its very start.
            self._renewed = started
        return held

    async def keep(self) -> None:
        """Renews; returns when the lease is lost. The caller then cancels *and awaits* what it guards."""
        while True:
            # Less often when time runs out: what is left is for the answer.
            await asyncio.sleep(min(self.timing.retry, self._left() / 2))
            if await self.attempt(within=self._left()):
                continue
            taken = self._seen is not None and self._seen.holder not in ("", self.identity)
            if taken or self._left() <= _TOO_LITTLE:
                log.error("lease_lost", lease=self.name, holder=self._seen and self._seen.holder)
                return

    def _left(self) -> float:
        """Seconds until the work has to stop if the lease is not renewed."""
        return max(0.0, self.timing.renew_deadline - (self._clock() - self._renewed))

    async def release(self) -> bool:
        """Empties the holder if it is us, so that the next one need not wait. Only after the work has stopped.

        Returns whether it was ours and is free now. Nothing is asked if it was never tried for.
        """
        if not self._tried:
            return False
        try:
            async with asyncio.timeout(self.timing.retry):
                released = await self._let_go()
        except (ApiError, TimeoutError) as error:
            log.warning("lease_release_failed", lease=self.name, error=str(error) or "no answer in time")
            return False
        self._tried = False
        return released

    async def delete(self) -> None:
        """Removes the Lease itself, for one that nobody else will want."""
        self._written = None
        try:
            async with asyncio.timeout(self.timing.retry):
                await self._client.delete(LEASE, self.name, namespace=self._namespace)
        except NotFound:
            return
        except (ApiError, TimeoutError) as error:
            log.warning("lease_release_failed", lease=self.name, error=str(error) or "no answer in time")

    async def _let_go(self) -> bool:
        # Read anew: an attempt that was given up half way may have been carried out all the same, before this
        # read or, which is the conflict, after it.
        self._written = None
        while True:
            try:
                lease = await self._client.get(LEASE, self.name, namespace=self._namespace)
                self._observe(lease)
                if holder_of(lease) != self.identity:
                    return False
                await self._write(lease, holder="", duration=1)
            except NotFound:
                return False
            except Conflict:
                continue
            return True

    async def _take(self) -> bool:
        if self._written is not None:
            try:
                await self._write(self._written, holder=self.identity, duration=self.timing.duration)
            except (Conflict, NotFound):
                self._written = None  # somebody has touched it: what has become of it?
            else:
                return True
        try:
            lease = await self._client.get(LEASE, self.name, namespace=self._namespace)
        except NotFound:
            # Removed by somebody while another held it: the holder makes it anew, or its time runs out.
            if not self._may_acquire():
                return False
            body = self._body(None, holder=self.identity, duration=self.timing.duration)
            self._wrote(await self._client.create(LEASE, body, namespace=self._namespace))
            return True
        self._observe(lease)
        if not self._may_acquire():
            return False
        await self._write(lease, holder=self.identity, duration=self.timing.duration)
        return True

    def _may_acquire(self) -> bool:
        return may_acquire(self._seen, self.identity, self.timing.duration, self._clock())

    async def _write(self, lease: Object, *, holder: str, duration: float) -> None:
        body = self._body(lease, holder=holder, duration=duration)
        self._wrote(await self._client.update(LEASE, self.name, body, namespace=self._namespace))

    def _wrote(self, lease: Object) -> None:
        self._observe(lease)
        self._written = lease if holder_of(lease) == self.identity else None

    def _observe(self, lease: Object) -> None:
        version = lease.metadata.resource_version
        if self._seen is None or self._seen.version != version:
            self._seen = Observation(holder_of(lease), version, self._clock())

    def _body(self, lease: Object | None, *, holder: str, duration: float) -> dict[str, Any]:
        stamp = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        before: dict[str, Any] = (lease.to_dict().get("spec") or {}) if lease else {}
        changed = before.get("holderIdentity") != holder
        metadata: dict[str, Any] = {"name": self.name, "namespace": self._namespace, **self._marks}
        if lease is not None:
            metadata["resourceVersion"] = lease.metadata.resource_version
        return {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": metadata,
            "spec": {
                "holderIdentity": holder,
                "leaseDurationSeconds": max(1, round(duration)),
                "acquireTime": stamp if changed else before.get("acquireTime", stamp),
                "renewTime": stamp,
                "leaseTransitions": int(before.get("leaseTransitions") or 0)
                + (1 if lease and changed else 0),
            },
        }
