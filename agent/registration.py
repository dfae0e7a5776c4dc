"""Keeps the ManagedCluster's status on the hub: version, capacity, allocatable, what is free, claims, conditions.

Runs when a node, a ClusterClaim or what a pod takes changes in the cluster, and when somebody changed the status on
the hub.
"""

from __future__ import annotations

import datetime
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import structlog

from agent.decide.capacity import Room, entries, is_only_free, told
from agent.decide.pace import free_due
from agent.decide.registration import cluster_status, is_for_hub, is_tellable, node_totals
from agent.pods import room_beside
from controllers.api.cluster import ClusterClaim
from controllers.api.kinds import MANAGED_CLUSTER
from controllers.api.meta import timestamp
from controllers.kube.client import Client
from controllers.kube.object import readable
from controllers.kube.patch import merge_diff, merge_patch
from controllers.kube.quantity import total
from controllers.runtime.cache import Reader
from controllers.runtime.informer import Informer
from controllers.runtime.reconcile import Request, Result, Terminal

log = structlog.get_logger(__name__)


class RegistrationReconciler:
    """Request: the ManagedCluster of this agent; there is no other.

    `pods`: those that have not finished, as Claimed, optional; None: what is free is not reported. `clock` counts
    seconds.
    """

    def __init__(
        self,
        hub: Client,
        managed: Client,
        *,
        cluster: Reader,
        nodes: Reader,
        claims: Reader,
        pods: Informer | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hub = hub
        self._managed = managed
        self._cluster = cluster
        self._nodes = nodes
        self._claims = claims
        self._pods = pods
        self._clock = clock
        self._reported_at = -math.inf
        self._has_warned = False

    async def reconcile(self, request: Request, /) -> Result:
        found = self._cluster.get("", request.name)
        if found is None:
            raise Terminal(
                "NotJoined",
                f"the hub has no ManagedCluster {request.name}: python -m agent join --cluster {request.name}",
            )
        before: dict[str, Any] = found.to_dict().get("status") or {}
        nodes = list(readable(self._nodes.all(), dict[str, Any]))
        here = self._room(nodes)
        changed = merge_diff(before, await self._status(before, nodes, here))
        if changed is None:
            return Result.done()
        if here is not None and is_only_free(changed):
            known = told(before.get("allocatable") or {})
            wait = free_due(known, here, since=self._clock() - self._reported_at)
            if wait > 0:
                return Result.recheck(after=wait)
        # The hub's health controller writes the same list of conditions; all the rest is the agent's alone.
        guard = found.metadata.resource_version if "conditions" in changed else None
        patch = merge_patch({"status": changed}, resource_version=guard)
        await self._hub.patch(MANAGED_CLUSTER, request.name, patch, subresource="status")
        self._reported_at = self._clock()
        log.info("cluster_reported", changed=sorted(changed))
        return Result.done()

    async def _status(
        self, before: dict[str, Any], nodes: Sequence[dict[str, Any]], here: Room | None
    ) -> dict[str, Any]:
        shared = (item for item in self._claims.all() if is_for_hub(item.metadata))
        claims = list(readable(shared, ClusterClaim))  # the store may change while something is awaited
        allocatable = node_totals(nodes, "allocatable", total, schedulable_only=True)
        return cluster_status(
            before,
            version=await self._version(),
            capacity=node_totals(nodes, "capacity", total, schedulable_only=False),
            allocatable=allocatable | (entries(here.free) if here is not None else {}),
            claims=[(item.metadata.name, item.spec.value) for item in claims if is_tellable(item.spec.value)],
            now=timestamp(datetime.datetime.now(datetime.UTC)),
        )

    def _room(self, nodes: Sequence[dict[str, Any]]) -> Room | None:
        """Says once when it can't be known."""
        is_denied = self._pods is not None and self._pods.is_denied
        if is_denied and not self._has_warned:
            log.warning(
                "free_not_reported",
                hint="let the agent list and watch pods in all namespaces of the cluster, or run it with --no-free",
            )
        self._has_warned = is_denied
        return room_beside(self._pods, nodes)

    async def _version(self) -> str:
        info = msgspec.json.decode(await self._managed.request("GET", "/version"))
        return str(info.get("gitVersion", ""))
