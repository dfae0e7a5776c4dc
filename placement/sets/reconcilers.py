"""Writes the conditions of sets and bindings, and makes the standard sets anew if somebody removes or changes them."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import msgspec
import structlog

from controllers.api.cluster_set import ManagedClusterSet, ManagedClusterSetBinding
from controllers.api.conditions import with_condition
from controllers.api.kinds import MANAGED_CLUSTER_SET, MANAGED_CLUSTER_SET_BINDING, Kind
from controllers.api.meta import Condition
from controllers.cluster_sets import membership
from controllers.kube.client import Client
from controllers.kube.errors import AlreadyExists, Conflict
from controllers.kube.object import Object
from controllers.kube.patch import merge_diff, merge_patch
from controllers.misconfigured import Misconfigured
from controllers.runtime.cache import Reader
from controllers.runtime.reconcile import Request, Result
from placement.sets.decide import STANDARD, boundness, broken, emptiness

log = structlog.get_logger(__name__)


class SetReconciler:
    """Request: a ManagedClusterSet."""

    def __init__(
        self,
        client: Client,
        *,
        sets: Reader,
        clusters: Reader,
        now: Callable[[], datetime.datetime],
    ) -> None:
        self._client = client
        self._sets = sets
        self._clusters = clusters
        self._now = now

    async def reconcile(self, request: Request, /) -> Result:
        found = self._sets.get(*request)
        if found is None:
            if request.name in STANDARD:
                await create_standard(self._client, request.name)
            return Result.done()
        if found.metadata.deletion_timestamp is not None:
            return Result.done()
        spec = STANDARD.get(request.name)
        if spec is not None and found.to_dict()["spec"].get("clusterSelector") != spec["clusterSelector"]:
            found = await self._restore(found, spec)
        item = found.decode(ManagedClusterSet)
        try:
            # As in OCM a cluster that is on its way out is still a member.
            holds = membership(item)
            count = sum(holds(cluster.metadata.labels) for cluster in self._clusters.all())
            verdict = emptiness(count, self._now())
        except Misconfigured as error:
            verdict = broken(str(error), self._now())
        await write_condition(self._client, MANAGED_CLUSTER_SET, found, item.status.conditions, verdict)
        return Result.done()

    async def _restore(self, found: Object, spec: dict[str, object]) -> Object:
        """The selector of a standard set is not for its users to change, as in OCM."""
        meta = found.metadata
        present = {"clusterSelector": found.to_dict()["spec"].get("clusterSelector")}
        body = {"spec": merge_diff(present, spec)}
        patch = merge_patch(body, resource_version=meta.resource_version)
        restored = await self._client.patch(MANAGED_CLUSTER_SET, meta.name, patch)
        log.warning("cluster_set_restored", cluster_set=meta.name)
        return restored


class BindingReconciler:
    """Request: a ManagedClusterSetBinding."""

    def __init__(
        self, client: Client, *, bindings: Reader, sets: Reader, now: Callable[[], datetime.datetime]
    ) -> None:
        self._client = client
        self._bindings = bindings
        self._sets = sets
        self._now = now

    async def reconcile(self, request: Request, /) -> Result:
        found = self._bindings.get(*request)
        if found is None or found.metadata.deletion_timestamp is not None:
            return Result.done()
        item = found.decode(ManagedClusterSetBinding)
        verdict = boundness(self._sets.get("", item.spec.cluster_set) is not None, self._now())
        await write_condition(
            self._client, MANAGED_CLUSTER_SET_BINDING, found, item.status.conditions, verdict
        )
        return Result.done()


async def create_standard(client: Client, name: str) -> None:
    """Makes a standard set. Raises Conflict when it is there already, which the caches have not heard of."""
    body = {
        "apiVersion": MANAGED_CLUSTER_SET.api_version,
        "kind": MANAGED_CLUSTER_SET.kind,
        "metadata": {"name": name},
        "spec": STANDARD[name],
    }
    try:
        await client.create(MANAGED_CLUSTER_SET, body)
    except AlreadyExists as error:
        raise Conflict(error.message, status=error.status, reason=error.reason) from error
    log.info("cluster_set_created", cluster_set=name)


async def write_condition(
    client: Client, kind: Kind, found: Object, present: list[Condition], verdict: Condition
) -> None:
    """Nothing is written when it says the same already."""
    wanted = with_condition(present, verdict)
    if wanted == present:
        return
    meta = found.metadata
    body = {"status": {"conditions": msgspec.to_builtins(wanted)}}
    patch = merge_patch(body, resource_version=meta.resource_version)
    await client.patch(kind, meta.name, patch, namespace=meta.namespace, subresource="status")
