"""Keeps the ManagedCluster's status on the hub: version, capacity, allocatable, claims, conditions.

Runs when a node or a ClusterClaim of the cluster changes, and when somebody changed the status on the hub.
"""

from __future__ import annotations

import datetime
from typing import Any

import msgspec
import structlog

from agent.decide.registration import cluster_status, node_totals
from controllers.api.cluster import ClusterClaim
from controllers.api.kinds import MANAGED_CLUSTER
from controllers.api.meta import timestamp
from controllers.kube.client import Client
from controllers.kube.patch import merge_diff, merge_patch
from controllers.kube.quantity import total
from controllers.runtime.cache import Reader
from controllers.runtime.reconcile import Request, Result, Terminal

log = structlog.get_logger(__name__)


class RegistrationReconciler:
    """Request: the ManagedCluster of this agent; there is no other."""

    def __init__(
        self, hub: Client, managed: Client, *, cluster: Reader, nodes: Reader, claims: Reader
    ) -> None:
        self._hub = hub
        self._managed = managed
        self._cluster = cluster
        self._nodes = nodes
        self._claims = claims

    async def reconcile(self, request: Request, /) -> Result:
        found = self._cluster.get("", request.name)
        if found is None:
            raise Terminal(
                "NotJoined",
                f"the hub has no ManagedCluster {request.name}: python -m agent join --cluster {request.name}",
            )
        before: dict[str, Any] = found.to_dict().get("status") or {}
        nodes = [node.to_dict() for node in self._nodes.all()]
        claims = [item.decode(ClusterClaim) for item in self._claims.all()]
        status = cluster_status(
            before,
            version=await self._version(),
            capacity=node_totals(nodes, "capacity", total, schedulable_only=False),
            allocatable=node_totals(nodes, "allocatable", total, schedulable_only=True),
            claims=[(item.metadata.name, item.spec.value) for item in claims],
            now=timestamp(datetime.datetime.now(datetime.UTC)),
        )
        changed = merge_diff(before, status)
        if changed is not None:
            await self._hub.patch(
                MANAGED_CLUSTER, request.name, merge_patch({"status": changed}), subresource="status"
            )
            log.info("cluster_reported", changed=sorted(changed))
        return Result.done()

    async def _version(self) -> str:
        info = msgspec.json.decode(await self._managed.request("GET", "/version"))
        return str(info.get("gitVersion", ""))
