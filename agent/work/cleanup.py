"""Removes what a work has applied: when the work is deleted, and when the hub has forgotten it."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable

import structlog

from agent.decide.config import disposal
from agent.work.apply import REPORT_FINALIZER, Applier
from agent.work.claim import Claims
from controllers.api.keys import APPLIED_MANIFEST_WORK_FINALIZER, MANIFEST_WORK_FINALIZER
from controllers.api.kinds import APPLIED_MANIFEST_WORK, MANIFEST_WORK, Kind
from controllers.api.work import AppliedManifestWork, AppliedResource, DeleteOption, ManifestWork
from controllers.kube.client import Client
from controllers.kube.errors import Conflict, NotFound
from controllers.kube.object import Object
from controllers.kube.patch import finalizer_patch, merge_patch
from controllers.runtime.reconcile import Result

log = structlog.get_logger(__name__)

# OCM's grace for works that vanished from the hub: a hub restored from a backup may bring them back.
EVICTION_GRACE = datetime.timedelta(minutes=60)

# How soon an object that is still terminating is looked at again, should its removal not be seen.
_RECHECK = 5.0


class Cleanup:
    """Acts on one managed cluster; `now` is an aware time."""

    def __init__(
        self,
        hub: Client,
        managed: Client,
        claims: Claims,
        applier: Applier,
        *,
        now: Callable[[], datetime.datetime],
        eviction_grace: datetime.timedelta = EVICTION_GRACE,
    ) -> None:
        self._hub = hub
        self._managed = managed
        self._claims = claims
        self._applier = applier
        self._now = now
        self._grace = eviction_grace

    async def finalize(self, work: Object) -> Result:
        """For a work that is being deleted: lets it go once everything it applied is gone."""
        applied = await self._find(work)
        if applied is not None:
            option = work.decode(ManifestWork).spec.delete_option
            if not await self._remove(applied, option):
                return Result.recheck(after=_RECHECK)
        meta = work.metadata
        if MANIFEST_WORK_FINALIZER in meta.finalizers:
            rest = [item for item in meta.finalizers if item != MANIFEST_WORK_FINALIZER]
            patch = finalizer_patch(meta.finalizers, rest, uid=meta.uid)
            try:
                await self._hub.patch(MANIFEST_WORK, meta.name, patch, namespace=meta.namespace)
            except NotFound:
                return Result.done()
            log.info("work_removed", work=meta.name)
        return Result.done()

    async def evict(self, work_name: str) -> Result:
        """For a work that the hub does not have: removes what it applied, after a grace."""
        applied = self._claims.find(work_name)
        if applied is None:
            return Result.done()
        started = applied.decode(AppliedManifestWork).status.eviction_start_time
        now = self._now()
        if not started:
            patch = merge_patch({"status": {"evictionStartTime": now.strftime("%Y-%m-%dT%H:%M:%SZ")}})
            name = applied.metadata.name
            await self._managed.patch(APPLIED_MANIFEST_WORK, name, patch, subresource="status")
            log.warning("work_forgotten_by_hub", work=work_name, removed_in=str(self._grace))
            return Result.recheck(after=max(1.0, self._grace.total_seconds()))
        left = self._grace - (now - datetime.datetime.fromisoformat(started))
        if left.total_seconds() > 0:
            return Result.recheck(after=max(1.0, left.total_seconds()))
        if not await self._remove(applied, None):
            return Result.recheck(after=_RECHECK)
        log.info("work_evicted", work=work_name)
        return Result.done()

    async def spare(self, applied: Object) -> None:
        """The hub has the work again: the eviction is called off."""
        if applied.decode(AppliedManifestWork).status.eviction_start_time:
            patch = merge_patch({"status": {"evictionStartTime": None}})
            await self._managed.patch(
                APPLIED_MANIFEST_WORK, applied.metadata.name, patch, subresource="status"
            )

    async def drop(
        self, applied: Object, resources: Iterable[AppliedResource], option: DeleteOption | None
    ) -> list[AppliedResource]:
        """Deletes `resources`, or lets them stay without owner where the work says so. Returns those still there."""
        return [resource for resource in resources if not await self._drop(applied, resource, option)]

    async def _find(self, work: Object) -> Object | None:
        cached = self._claims.find(work.metadata.name)
        if cached is None:
            return None
        return await self._managed.find(APPLIED_MANIFEST_WORK, cached.metadata.name)

    async def _remove(self, applied: Object, option: DeleteOption | None) -> bool:
        """Whether the AppliedManifestWork and all that it lists are gone."""
        resources = applied.decode(AppliedManifestWork).status.applied_resources
        if await self.drop(applied, reversed(resources), option):
            return False
        meta = applied.metadata
        try:
            if meta.deletion_timestamp is None:
                await self._managed.delete(APPLIED_MANIFEST_WORK, meta.name, uid=meta.uid)
            rest = [item for item in meta.finalizers if item != APPLIED_MANIFEST_WORK_FINALIZER]
            if rest != meta.finalizers:
                patch = finalizer_patch(meta.finalizers, rest, uid=meta.uid)
                await self._managed.patch(APPLIED_MANIFEST_WORK, meta.name, patch)
        except NotFound:
            return True
        return True

    async def _drop(self, applied: Object, resource: AppliedResource, option: DeleteOption | None) -> bool:
        kind = Kind(resource.group, resource.version, "", resource.resource, bool(resource.namespace))
        live = await self._managed.find(kind, resource.name, namespace=resource.namespace)
        if live is None or (resource.uid and live.metadata.uid != resource.uid):
            return True
        others = [item for item in live.metadata.owner_references if item.uid != applied.metadata.uid]
        shared = any(item.kind == APPLIED_MANIFEST_WORK.kind for item in others)
        what = disposal(resource, option)
        if what.orphan or shared:
            return await self._disown(kind, live, applied)
        if live.metadata.deletion_timestamp is None:
            try:
                await self._managed.delete(
                    kind,
                    resource.name,
                    namespace=resource.namespace,
                    uid=live.metadata.uid,
                    propagation=what.propagation,
                )
            except (NotFound, Conflict):
                return False  # looked at again at once or after the recheck
        if REPORT_FINALIZER in live.metadata.finalizers:
            await self._applier.release(kind, live)
        return await self._managed.find(kind, resource.name, namespace=resource.namespace) is None

    async def _disown(self, kind: Kind, live: Object, applied: Object) -> bool:
        rest = [
            item
            for item in live.to_dict()["metadata"]["ownerReferences"]
            if item["uid"] != applied.metadata.uid
        ]
        meta = live.metadata
        if REPORT_FINALIZER in meta.finalizers:
            live = await self._applier.release(kind, live)
        if len(rest) != len(meta.owner_references):
            patch = merge_patch(
                {"metadata": {"ownerReferences": rest or None}},
                resource_version=live.metadata.resource_version,
            )
            await self._managed.patch(kind, meta.name, patch, namespace=meta.namespace)
        return True
