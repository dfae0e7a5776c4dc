"""The lease of a cluster: renewed in time, and sooner again when a renewal failed."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import msgspec

from agent.heartbeat import Heartbeat
from controllers.api.keys import CLUSTER_LEASE_NAME
from controllers.kube.client import Client
from controllers.kube.errors import Forbidden, NotFound, Unavailable
from controllers.kube.object import Object
from controllers.kube.patch import Patch
from tests.eventually import eventually


class Hub:
    """Has a lease or none, and may be away."""

    def __init__(self, *errors: Exception, has_lease: bool = True, updates: bool = False) -> None:
        self.errors = list(errors)
        self.updates = updates
        self.lease: dict[str, Any] | None = {} if has_lease else None
        self.renewals: list[float] = []

    async def patch(self, _: object, name: str, patch: Patch, *, namespace: str) -> None:
        assert (name, namespace) == (CLUSTER_LEASE_NAME, "c1")
        if self.errors:
            raise self.errors.pop(0)
        if self.lease is None:
            raise NotFound("no lease", status=404)
        self._renew(msgspec.json.decode(patch.body)["spec"])

    async def get(self, _: object, name: str, *, namespace: str) -> Object:
        assert (name, namespace) == (CLUSTER_LEASE_NAME, "c1")
        if not self.updates:
            raise Forbidden("nor that", status=403)
        metadata = {"name": name, "namespace": namespace, "resourceVersion": "7"}
        return Object(msgspec.json.encode({"metadata": metadata, "spec": {"holderIdentity": "kept"}}))

    async def update(self, _: object, name: str, body: dict[str, Any], *, namespace: str) -> None:
        assert (name, namespace) == (CLUSTER_LEASE_NAME, "c1")
        assert body["metadata"]["resourceVersion"] == "7"
        self._renew(body["spec"])

    async def create(self, _: object, body: dict[str, Any], *, namespace: str) -> None:
        assert (body["metadata"]["name"], namespace) == (CLUSTER_LEASE_NAME, "c1")
        self._renew(body["spec"])

    def _renew(self, spec: dict[str, Any]) -> None:
        self.lease = spec
        self.renewals.append(time.monotonic())


@contextlib.asynccontextmanager
async def beating(hub: Hub, interval: float | Callable[[], float]) -> AsyncIterator[Heartbeat]:
    asked = interval if callable(interval) else lambda: interval
    heartbeat = Heartbeat(cast("Client", hub), "c1", asked)
    task = asyncio.create_task(heartbeat.run())
    try:
        yield heartbeat
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_lease_is_made_and_renewed() -> None:
    hub = Hub(has_lease=False)
    async with beating(hub, 0.05) as heartbeat:
        await eventually(lambda: len(hub.renewals) >= 3)
        assert heartbeat.beating
    assert hub.lease is not None
    assert hub.lease["leaseDurationSeconds"] == 1
    assert hub.lease["renewTime"].endswith("Z")
    assert hub.renewals[1] - hub.renewals[0] >= 0.04


async def test_a_failed_renewal_is_repeated_long_before_the_next_one_is_due() -> None:
    hub = Hub(Unavailable("away"), Forbidden("not yet", status=403))
    async with beating(hub, 3600) as heartbeat:
        await eventually(lambda: len(hub.errors) == 1)
        assert not heartbeat.beating
        await eventually(lambda: heartbeat.beating, within=5)
    assert hub.lease is not None
    assert hub.lease["leaseDurationSeconds"] == 3600


async def test_where_a_lease_may_be_updated_only_it_is_updated() -> None:
    """As OCM's hub has it."""
    hub = Hub(Forbidden("no patch", status=403), updates=True)
    async with beating(hub, 0.05) as heartbeat:
        await eventually(lambda: len(hub.renewals) >= 3)
        assert heartbeat.beating
    assert hub.lease is not None
    assert hub.lease["holderIdentity"] == "kept"
    assert hub.lease["leaseDurationSeconds"] == 1


async def test_a_duration_that_is_made_shorter_counts_at_once() -> None:
    hub, interval = Hub(), [3600.0]
    async with beating(hub, lambda: interval[0]):
        await eventually(lambda: len(hub.renewals) == 1)
        interval[0] = 0.05
        await eventually(lambda: len(hub.renewals) >= 3, within=5)
