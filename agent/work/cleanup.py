"""Removes what a work has applied: when the work is deleted, and when the hub has forgotten it."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterable, Sequence

import structlog
from msgspec import Raw

from agent.decide.config import disposal
from agent.decide.manifest import read_manifests
from agent.work.apply import REPORT_FINALIZER, Applier, is_owned, is_workflow
from agent.work.claim import Claims
from agent.work.results import StatusResults
from controllers.api.keys import APPLIED_MANIFEST_WORK_FINALIZER, MANIFEST_WORK_FINALIZER
from controllers.api.kinds import APPLIED_MANIFEST_WORK, MANIFEST_WORK, WORKFLOW, Kind
from controllers.api.meta import timestamp
from controllers.api.work import AppliedManifestWork, AppliedResource, DeleteOption, ManifestWork
from controllers.kube.client import Client
from controllers.kube.errors import Conflict, NotFound
from controllers.kube.object import Object
from controllers.kube.patch import finalizer_patch, merge_patch
from controllers.runtime.own_writes import OwnWrites
from controllers.runtime.reconcile import Result

log = structlog.get_logger(__name__)

# OCM's grace for works that vanished from the hub: a hub restored from a backup may bring them back.
EVICTION_GRACE = datetime.timedelta(minutes=60)

# How soon an object that is still terminating is looked at again, should its removal not be seen.
RECHECK = 5.0


def workflows_of(manifests: Sequence[bytes | Raw]) -> list[AppliedResource]:
    """The Workflows among `manifests`, whether or not they were ever created.

    An agent that was killed between creating a copy and recording it has left nothing but the copy. Garbage
    collection would delete it with its owner, but wait for our finalizer for ever.
    """
    identities = [entry.identity for entry in read_manifests(manifests) if entry.identity is not None]
    return [
        AppliedResource(
            group=item.group,
            version=item.version,
            resource=WORKFLOW.plural,
            namespace=item.namespace,
            name=item.name,
        )
        for item in identities
        if is_workflow(item)
    ]


class Cleanup:
    """Acts on one managed cluster; `works` are the hub's ManifestWorks, `now` is an aware time."""

    def __init__(
        self,
        hub: Client,
        managed: Client,
        claims: Claims,
        applier: Applier,
        results: StatusResults,
        *,
        works: OwnWrites,
        now: Callable[[], datetime.datetime],
        eviction_grace: datetime.timedelta = EVICTION_GRACE,
    ) -> None:
        self._hub = hub
        self._managed = managed
        self._claims = claims
        self._applier = applier
        self._results = results
        self._works = works
        self._now = now
        self._grace = eviction_grace

    async def finalize(self, work: Object) -> Result:
        """For a work that is being deleted: lets it go once everything it applied is gone."""
        applied = await self._claims.find(work.metadata.name)
        if applied is not None:
            spec = work.decode(ManifestWork).spec
            unrecorded = workflows_of(spec.workload.manifests)
            if await self.drop(applied, unrecorded, spec.delete_option) or not await self.remove(
                applied, spec.delete_option
            ):
                return Result.recheck(after=RECHECK)
        meta = work.metadata
        if MANIFEST_WORK_FINALIZER in meta.finalizers:
            await self._results.remove(work)
            rest = [item for item in meta.finalizers if item != MANIFEST_WORK_FINALIZER]
            patch = finalizer_patch(meta.finalizers, rest, uid=meta.uid)
            with contextlib.suppress(NotFound):
                await self._hub.patch(MANIFEST_WORK, meta.name, patch, namespace=meta.namespace)
                log.info("work_removed", work=meta.name)
            if not rest:
                self._works.removed(work)
        return Result.done()

    async def evict(self, namespace: str, work_name: str) -> Result:
        """For a work that the hub does not have: removes what it applied, after a grace."""
        if not self._claims.is_known(work_name):
            return Result.done()
        applied = await self._claims.find(work_name)
        if applied is None:
            return Result.done()
        started = applied.decode(AppliedManifestWork).status.eviction_start_time
        now = self._now()
        if not started:
            await self._mark(applied, timestamp(now))
            log.warning("work_forgotten_by_hub", work=work_name, removed_in=str(self._grace))
            return Result.recheck(after=max(1.0, self._grace.total_seconds()))
        left = self._grace - (now - datetime.datetime.fromisoformat(started))
        if left.total_seconds() > 0:
            return Result.recheck(after=max(1.0, left.total_seconds()))
        # Asked of the hub itself: a cache may lag, and a wrong answer would kill what runs.
        if await self._hub.find(MANIFEST_WORK, work_name, namespace=namespace) is not None:
            return Result.recheck(after=RECHECK)
        if not await self.remove(applied, None):
            return Result.recheck(after=RECHECK)
        log.info("work_evicted", work=work_name)
        return Result.done()

    async def spare(self, applied: Object) -> None:
        """The hub has the work again: the eviction is called off."""
        if applied.decode(AppliedManifestWork).status.eviction_start_time:
            await self._mark(applied, None)
            log.info("work_known_again", applied=applied.metadata.name)

    async def drop(
        self, applied: Object, resources: Iterable[AppliedResource], option: DeleteOption | None
    ) -> list[AppliedResource]:
        """Deletes `resources`, or lets them stay without owner where the work says so. Returns those still there."""
        return [resource for resource in resources if not await self._drop(applied, resource, option)]

    async def _mark(self, applied: Object, since: str | None) -> None:
        patch = merge_patch({"status": {"evictionStartTime": since}})
        name = applied.metadata.name
        await self._managed.patch(APPLIED_MANIFEST_WORK, name, patch, subresource="status")

    async def remove(self, applied: Object, option: DeleteOption | None) -> bool:
        """Whether the AppliedManifestWork and all that it lists are gone now; if not, to be called again."""
        resources = applied.decode(AppliedManifestWork).status.applied_resources
        if await self.drop(applied, reversed(resources), option):
            return False
        meta = applied.metadata
        rest = [item for item in meta.finalizers if item != APPLIED_MANIFEST_WORK_FINALIZER]
        try:
            if meta.deletion_timestamp is None:
                await self._managed.delete(APPLIED_MANIFEST_WORK, meta.name, uid=meta.uid)
            if rest != meta.finalizers:
                patch = finalizer_patch(meta.finalizers, rest, uid=meta.uid)
                await self._managed.patch(APPLIED_MANIFEST_WORK, meta.name, patch)
        except NotFound:
            rest = []
        if not rest:
            self._claims.removed(applied)
        return not rest

    async def _drop(self, applied: Object, resource: AppliedResource, option: DeleteOption | None) -> bool:
        kind = Kind(resource.group, resource.version, "", resource.resource, bool(resource.namespace))
        live = await self._managed.find(kind, resource.name, namespace=resource.namespace)
        if live is None or (resource.uid and live.metadata.uid != resource.uid):
            return True
        if not is_owned(live, applied):
            return True  # somebody has taken our reference off: it is theirs
        others = [item for item in live.metadata.owner_references if item.uid != applied.metadata.uid]
        shared = any(item.kind == APPLIED_MANIFEST_WORK.kind for item in others)
        what = disposal(resource, option)
        if what.orphan or shared:
            live = await self._applier.release(kind, live)
            await self._applier.disown(kind, live, applied)
            return True
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
