"""Gives accepted clusters what they need on the hub, and takes it from those that leave."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import structlog

from controllers.acceptance import NotAccepted, make
from controllers.api.cluster import AVAILABLE, ManagedCluster
from controllers.api.conditions import is_true
from controllers.api.keys import CLUSTER_LEASE_NAME, MANAGED_CLUSTER_FINALIZER, MANIFEST_WORK_FINALIZER
from controllers.api.kinds import LEASE, MANAGED_CLUSTER, MANIFEST_WORK, NAMESPACE, Kind
from controllers.api.membership import membership, name_fault
from controllers.kube.client import Client
from controllers.kube.errors import Conflict, Forbidden, NotFound
from controllers.kube.object import Object
from controllers.kube.patch import finalizer_patch
from controllers.runtime.cache import Reader
from controllers.runtime.events import Recorder
from controllers.runtime.reconcile import Request, Result, Terminal
from registration.decide import plan

log = structlog.get_logger(__name__)

# Seconds after which is looked again whether a leaving cluster's agent has cleaned up.
_CLEANING = 2.0


class ClusterReconciler:
    """Request: a ManagedCluster. `owned`: what there is of each kind of `membership` that Argosy made."""

    def __init__(
        self,
        client: Client,
        *,
        clusters: Reader,
        owned: Mapping[Kind, Reader],
        recorder: Recorder,
    ) -> None:
        self._client = client
        self._clusters = clusters
        self._owned = owned
        self._recorder = recorder

    async def reconcile(self, request: Request, /) -> Result:
        found = self._clusters.get(*request)
        try:
            return await self._reconcile(request, found)
        except NotAccepted as error:
            raise Terminal("NotAccepted", str(error), regarding=found) from error
        except Forbidden as error:
            text = f"the hub's controllers lack rights to give this cluster its own: {error.message}"
            raise Terminal("RightsMissing", text, regarding=found) from error

    async def _reconcile(self, request: Request, found: Object | None) -> Result:
        if found is None:
            await self._arrange(request.name, accepted=False, gone=True)
            return Result.done()
        cluster = found.decode(ManagedCluster)
        if found.metadata.deletion_timestamp is not None:
            return await self._leave(found, cluster)
        if cluster.spec.hub_accepts_client:
            if fault := name_fault(request.name):
                raise NotAccepted(fault)
            await self._claim(request.name)
            await self._hold(found)
        await self._arrange(
            request.name, uid=found.metadata.uid, accepted=cluster.spec.hub_accepts_client, gone=False
        )
        return Result.done()

    async def _claim(self, name: str) -> None:
        """Its namespace, or nothing else: in somebody else's it gets no rights, and nothing is cleaned up there."""
        if self._owned[NAMESPACE].get("", name) is None:
            await make(self._client, membership(name)[0])

    async def _hold(self, found: Object) -> None:
        """The finalizer, before there is anything to clean up."""
        meta = found.metadata
        if MANAGED_CLUSTER_FINALIZER not in meta.finalizers:
            desired = [*meta.finalizers, MANAGED_CLUSTER_FINALIZER]
            patch = finalizer_patch(meta.finalizers, desired, uid=meta.uid)
            await self._client.patch(MANAGED_CLUSTER, meta.name, patch)

    async def _arrange(self, name: str, *, uid: str = "", accepted: bool, gone: bool) -> None:
        present = [
            (item, body.to_dict())
            for item in membership(name, uid)
            if (body := self._owned[item.kind].get(item.namespace, item.name)) is not None
            and body.metadata.deletion_timestamp is None  # a namespace takes its time
        ]
        todo = plan(name, present, uid=uid, accepted=accepted, gone=gone)
        for item in todo.make:
            await make(self._client, item)
        for item in todo.remove:
            with contextlib.suppress(NotFound):
                await self._client.delete(item.kind, item.name, namespace=item.namespace)
        if todo.make:
            log.info("cluster_arranged", cluster=name, made=[str(item.kind) for item in todo.make])

    # -- leaving ----------------------------------------------------------------------------------------

    async def _leave(self, found: Object, cluster: ManagedCluster) -> Result:
        """The agent cleans up first, for which it keeps its rights; what one that is dead has left stays there."""
        meta = found.metadata
        if MANAGED_CLUSTER_FINALIZER not in meta.finalizers:  # it never was accepted, or has left
            await self._arrange(meta.name, accepted=False, gone=True)
            return Result.done()
        works, _ = await self._client.list(MANIFEST_WORK, namespace=meta.name)
        for work in works:
            if work.metadata.deletion_timestamp is None:
                with contextlib.suppress(NotFound, Conflict):
                    await self._client.delete(
                        MANIFEST_WORK, work.metadata.name, namespace=meta.name, uid=work.metadata.uid
                    )
        if works and not is_true(cluster.status.conditions, AVAILABLE):
            self._recorder.warning(
                found,
                "LeftBehind",
                f"{meta.name} has no agent that lives: what its {len(works)} ManifestWorks have applied stays on it",
            )
            for work in works:
                await self._let_go(work)
        if works:
            return Result.recheck(after=_CLEANING)
        with contextlib.suppress(NotFound):
            await self._client.delete(LEASE, CLUSTER_LEASE_NAME, namespace=meta.name)
        await self._arrange(meta.name, accepted=False, gone=True)
        rest = [item for item in meta.finalizers if item != MANAGED_CLUSTER_FINALIZER]
        patch = finalizer_patch(meta.finalizers, rest, uid=meta.uid)
        with contextlib.suppress(NotFound):
            await self._client.patch(MANAGED_CLUSTER, meta.name, patch)
        log.info("cluster_left", cluster=meta.name)
        return Result.done()

    async def _let_go(self, work: Object) -> None:
        meta = work.metadata
        rest = [item for item in meta.finalizers if item != MANIFEST_WORK_FINALIZER]
        if rest != meta.finalizers:
            patch = finalizer_patch(meta.finalizers, rest, uid=meta.uid)
            with contextlib.suppress(NotFound, Conflict):
                await self._client.patch(MANIFEST_WORK, meta.name, patch, namespace=meta.namespace)
