"""Whether the agent of a cluster lives, by its lease on the hub."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from controllers.api.cluster import DEFAULT_LEASE_SECONDS, ManagedCluster
from controllers.api.keys import CLUSTER_LEASE_NAME
from controllers.api.kinds import LEASE
from controllers.api.meta import parsed
from controllers.api.model import Model
from controllers.kube.client import Client
from registration.health.decide import MISSES


class _Spec(Model):
    renew_time: str | None = None


class _Lease(Model):
    spec: _Spec = _Spec()


async def lives(hub: Client, cluster: ManagedCluster, now: datetime) -> bool:
    """Whether its lease was renewed not long ago; also if that can't be read. Raises ApiError."""
    found = await hub.find(LEASE, CLUSTER_LEASE_NAME, namespace=cluster.metadata.name)
    if found is None:
        return False
    duration = timedelta(seconds=cluster.spec.lease_duration_seconds or DEFAULT_LEASE_SECONDS)
    try:
        renewed = found.decode(_Lease).spec.renew_time
        return renewed is not None and now - parsed(renewed) < MISSES * duration
    except (msgspec.ValidationError, ValueError, OverflowError):
        return True
