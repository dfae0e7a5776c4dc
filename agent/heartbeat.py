"""Renews the cluster's lease on the hub. As long as it moves, the hub takes the cluster for alive.

Lease `managed-cluster-lease` in the cluster's namespace, renewed every `spec.leaseDurationSeconds` of the
ManagedCluster (OCM's rule: unchanged for five times that, the cluster counts as unreachable).
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import time
from collections.abc import Callable
from typing import Any

import structlog

from agent.history import HubHistory
from agent.line import HubLine
from controllers.api.keys import CLUSTER_LEASE_NAME
from controllers.api.kinds import LEASE
from controllers.kube.client import Client
from controllers.kube.errors import ApiError, Conflict, Forbidden, NotFound
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from controllers.runtime.backoff import RECONNECT

log = structlog.get_logger(__name__)


class Heartbeat:
    """`interval` gives the seconds between renewals, asked anew each time and after a nudge. What a renewal tells of
    the hub goes to `history` and `line`."""

    def __init__(
        self, hub: Client, cluster: str, interval: Callable[[], float], history: HubHistory, line: HubLine
    ) -> None:
        self._hub = hub
        self._cluster = cluster
        self._interval = interval
        self._history = history
        self._line = line
        self._renewing = asyncio.Lock()
        self._nudged = asyncio.Event()
        self._version = ""  # of the lease; "": to be looked up
        self.beating = False
        self._may_patch = True

    async def run(self) -> None:
        """Until cancelled. A renewal that fails is tried again sooner."""
        failures = 0
        while True:
            try:
                await self.renew()
                self.beating, failures = True, 0
                self._line.answers()
                await self._rest()
            except ApiError as error:
                self.beating = False
                delay = min(self._interval(), RECONNECT.delay(failures)) + (error.retry_after or 0.0)
                failures += 1
                log.warning("lease_not_renewed", error=error.message, status=error.status, retry_in=delay)
                await asyncio.sleep(delay)

    async def _rest(self) -> None:
        """Until the next renewal is due. A duration that is made shorter counts at once, since the hub counts by it;
        and a hub that did not answer others is asked at once."""
        begun = time.monotonic()
        while (left := begun + self._interval() - time.monotonic()) > 0 and not self._line.is_silent:
            self._nudged.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._nudged.wait(), left)

    def nudge(self) -> None:
        """The interval may be another, or the hub did not answer somebody else."""
        self._nudged.set()

    async def renew(self) -> None:
        """One renewal. Raises ApiError."""
        async with self._renewing:
            while not await self._renewed():
                pass  # somebody else has written the lease, or the hub went back: looked at, and tried again

    async def _renewed(self) -> bool:
        """Whether the lease was as this process knew it. The guard costs nothing, and tells of a restored hub."""
        if not self._version:
            found = await self._hub.find(LEASE, CLUSTER_LEASE_NAME, namespace=self._cluster)
            if found is not None:
                await self._history.look(found)
                self._version = found.metadata.resource_version
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"leaseDurationSeconds": max(1, round(self._interval())), "renewTime": now}
        try:
            lease = await self._write(spec)
        except Conflict:
            self._version = ""
            return False
        except NotFound:
            body = {"metadata": {"name": CLUSTER_LEASE_NAME, "namespace": self._cluster}, "spec": spec}
            lease = await self._hub.create(LEASE, body, namespace=self._cluster)
        self._version = lease.metadata.resource_version
        await self._history.wrote(lease)
        return True

    async def _write(self, spec: dict[str, Any]) -> Object:
        """OCM's hub lets its agents update a lease, which takes a request more, and not patch it."""
        if not self._may_patch:
            return await self._update(spec)
        patch = merge_patch({"spec": spec}, resource_version=self._version or None)
        try:
            return await self._hub.patch(LEASE, CLUSTER_LEASE_NAME, patch, namespace=self._cluster)
        except Forbidden:
            lease = await self._update(spec)
        self._may_patch = False
        return lease

    async def _update(self, spec: dict[str, Any]) -> Object:
        found = (await self._hub.get(LEASE, CLUSTER_LEASE_NAME, namespace=self._cluster)).to_dict()
        if self._version:
            found["metadata"]["resourceVersion"] = self._version
        body = found | {"spec": (found.get("spec") or {}) | spec}
        return await self._hub.update(LEASE, CLUSTER_LEASE_NAME, body, namespace=self._cluster)
