"""Renews the cluster's lease on the hub. As long as it moves, the hub takes the cluster for alive.

Lease `managed-cluster-lease` in the cluster's namespace, renewed every `spec.leaseDurationSeconds` of the
ManagedCluster (OCM's rule: unchanged for five times that, the cluster counts as unreachable).
"""

from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import Callable
from typing import Any

import structlog

from controllers.api.keys import CLUSTER_LEASE_NAME
from controllers.api.kinds import LEASE
from controllers.kube.client import Client
from controllers.kube.errors import ApiError, Forbidden, NotFound
from controllers.kube.patch import merge_patch
from controllers.runtime.backoff import RECONNECT

log = structlog.get_logger(__name__)

# Seconds between two looks at how long the lease lasts.
_GLANCE = 0.5


class Heartbeat:
    """`interval` gives the seconds between renewals, asked anew each time."""

    def __init__(self, hub: Client, cluster: str, interval: Callable[[], float]) -> None:
        self._hub = hub
        self._cluster = cluster
        self._interval = interval
        self.beating = False
        self._may_patch = True

    async def run(self) -> None:
        """Until cancelled. A renewal that fails is tried again sooner."""
        failures = 0
        while True:
            try:
                await self.renew()
                self.beating, failures = True, 0
                await self._rest()
            except ApiError as error:
                self.beating = False
                delay = min(self._interval(), RECONNECT.delay(failures))
                failures += 1
                log.warning("lease_not_renewed", error=error.message, status=error.status, retry_in=delay)
                await asyncio.sleep(delay)

    async def _rest(self) -> None:
        """Until the next renewal is due. A duration that is made shorter counts at once, since the hub counts by it."""
        begun = time.monotonic()
        left = self._interval()
        while left > 0:
            await asyncio.sleep(min(left, _GLANCE))
            left = begun + self._interval() - time.monotonic()

    async def renew(self) -> None:
        """One renewal. Raises ApiError."""
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"leaseDurationSeconds": max(1, round(self._interval())), "renewTime": now}
        try:
            await self._write(spec)
        except NotFound:
            body = {"metadata": {"name": CLUSTER_LEASE_NAME, "namespace": self._cluster}, "spec": spec}
            await self._hub.create(LEASE, body, namespace=self._cluster)

    async def _write(self, spec: dict[str, Any]) -> None:
        """OCM's hub lets its agents update a lease, which takes a request more, and not patch it."""
        if self._may_patch:
            patch = merge_patch({"spec": spec})
            try:
                await self._hub.patch(LEASE, CLUSTER_LEASE_NAME, patch, namespace=self._cluster)
            except Forbidden:
                await self._update(spec)
                self._may_patch = False
        else:
            await self._update(spec)

    async def _update(self, spec: dict[str, Any]) -> None:
        found = (await self._hub.get(LEASE, CLUSTER_LEASE_NAME, namespace=self._cluster)).to_dict()
        body = found | {"spec": (found.get("spec") or {}) | spec}
        await self._hub.update(LEASE, CLUSTER_LEASE_NAME, body, namespace=self._cluster)
