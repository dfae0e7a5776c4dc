"""Writes to a ManagedCluster what its lease tells: conditions in its status, taints in its spec."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import msgspec
import structlog

from controllers.api.cluster import AVAILABLE, ManagedCluster
from controllers.api.conditions import find
from controllers.api.kinds import MANAGED_CLUSTER
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from controllers.runtime.cache import Reader
from controllers.runtime.events import Recorder
from controllers.runtime.reconcile import Request, Result
from registration.health.decide import Health, judge
from registration.health.pulses import Pulses

log = structlog.get_logger(__name__)


class HealthReconciler:
    """Request: a ManagedCluster."""

    def __init__(
        self,
        client: Client,
        *,
        clusters: Reader,
        pulses: Pulses,
        recorder: Recorder,
        now: Callable[[], datetime.datetime],
    ) -> None:
        self._client = client
        self._clusters = clusters
        self._pulses = pulses
        self._recorder = recorder
        self._now = now

    async def reconcile(self, request: Request, /) -> Result:
        found = self._clusters.get(*request)
        if found is None:
            self._pulses.forget(request.name)
            return Result.done()
        if found.metadata.deletion_timestamp is not None:
            return Result.done()
        cluster, now = found.decode(ManagedCluster), self._now()
        health = judge(cluster, self._pulses.of(request.name), now)
        if health.conditions != cluster.status.conditions:
            found = await self._write_conditions(found, cluster, health)
        if health.taints != cluster.spec.taints:
            await self._write_taints(found, health)
        if health.due is None:
            return Result.done()
        return Result.recheck(after=max((health.due - now).total_seconds(), 0.0) + 0.001)

    async def _write_conditions(self, found: Object, cluster: ManagedCluster, health: Health) -> Object:
        meta = found.metadata
        body = {"status": {"conditions": msgspec.to_builtins(health.conditions)}}
        patch = merge_patch(body, resource_version=meta.resource_version)
        patched = await self._client.patch(MANAGED_CLUSTER, meta.name, patch, subresource="status")
        before, after = (find(one, AVAILABLE) for one in (cluster.status.conditions, health.conditions))
        if after is not None and after.status == "Unknown" and (before is None or before.status != "Unknown"):
            log.warning("cluster_lost", cluster=meta.name)
            self._recorder.warning(
                found,
                "AvailableUnknown",
                f"The agent of {meta.name} stopped renewing its lease: nothing new is placed there until it is back",
            )
        return patched

    async def _write_taints(self, found: Object, health: Health) -> None:
        meta = found.metadata
        body = {"spec": {"taints": msgspec.to_builtins(health.taints) or None}}
        patch = merge_patch(body, resource_version=meta.resource_version)
        await self._client.patch(MANAGED_CLUSTER, meta.name, patch)
        log.info("cluster_tainted", cluster=meta.name, taints=[item.key for item in health.taints])
