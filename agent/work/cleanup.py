"""Removes what a work has applied, all of it or what has left the work; what ran is put down before it goes."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import structlog
from msgspec import Raw

from agent.decide import runonce
from agent.decide.config import disposal
from agent.decide.deleting import Remaining
from agent.decide.ledger import end_of, run_name, run_of
from agent.decide.manifest import read_manifests, resource_meta
from agent.decide.order import removal_order
from agent.work.apply import REPORT_FINALIZER, Applier, is_owned
from agent.work.claim import Claims, intended
from agent.work.ledger import Ledger
from agent.work.outcome import identity, is_final, status_of
from agent.work.refusal import is_refusal
from agent.work.removal import RECHECK, Removal
from agent.work.results import StatusResults
from controllers.api.keys import APPLIED_MANIFEST_WORK_FINALIZER, MANIFEST_WORK_FINALIZER
from controllers.api.kinds import APPLIED_MANIFEST_WORK, MANIFEST_WORK, WORKFLOW, Kind
from controllers.api.meta import timestamp
from controllers.api.work import AppliedManifestWork, AppliedResource, DeleteOption, ManifestWork
from controllers.kube.client import Client
from controllers.kube.errors import ApiError, Conflict, NotFound
from controllers.kube.object import Object
from controllers.kube.patch import finalizer_patch
from controllers.runtime.own_writes import OwnWrites
from controllers.runtime.reconcile import Result

log = structlog.get_logger(__name__)

# What is known of the end of a Workflow that had none.
_REMOVED = "removed with its ManifestWork before it ended"
_VANISHED = "left the cluster before its end was seen"


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
        if runonce.runs_once(item)
    ]


class Left(NamedTuple):
    """An object that is to go, and is still there."""

    resource: AppliedResource
    remaining: Remaining


class Cleanup:
    """Acts on one managed cluster; `works` are the hub's ManifestWorks, `now` is an aware time."""

    def __init__(
        self,
        hub: Client,
        managed: Client,
        claims: Claims,
        applier: Applier,
        results: StatusResults,
        ledger: Ledger,
        *,
        works: OwnWrites,
        removal: Removal,
        now: Callable[[], datetime.datetime],
    ) -> None:
        self._hub = hub
        self._removal = removal
        self._managed = managed
        self._claims = claims
        self._applier = applier
        self._results = results
        self._ledger = ledger
        self._works = works
        self._now = now

    async def finalize(self, work: Object) -> Result:
        """For a work that is being deleted: lets it go once everything it applied is gone."""
        applied = await self._claims.find(work.metadata.name)
        if applied is not None:
            spec = work.decode(ManifestWork).spec
            unrecorded = workflows_of(spec.workload.manifests)
            uid = work.metadata.uid
            dropped = await self.drop(applied, unrecorded, spec.delete_option, work_uid=uid)
            left = [item.remaining for item in dropped]
            if not left:
                self._enter_vanished(work, applied)
                left = await self.remove(applied, spec.delete_option, work_uid=uid)
            if left:
                await self._removal.waits_for(work, left)
                return Result.recheck(after=RECHECK)
        meta = work.metadata
        self._removal.ended(meta.name)
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

    async def drop(
        self,
        applied: Object,
        resources: Iterable[AppliedResource],
        option: DeleteOption | None,
        *,
        work_uid: str = "",
    ) -> list[Left]:
        """Deletes `resources`, or lets them stay without owner where the work says so. Returns those still there.

        That Workflows among them have run stands in the ledger then. `work_uid`: "" if it is not known.
        """
        tried = [
            (item, await self._try_drop(applied, item, option, work_uid)) for item in removal_order(resources)
        ]
        left = [Left(item, remaining) for item, remaining in tried if remaining is not None]
        await self._ledger.flush()
        return left

    def _enter_vanished(self, work: Object, applied: Object) -> None:
        """Enters recorded Workflows of which nothing is left on the cluster, if nothing is known of their end here."""
        recorded = {identity(item) for item in applied.decode(AppliedManifestWork).status.applied_resources}
        manifests = work.decode(ManifestWork).spec.workload.manifests
        workflows = [
            item for item in read_manifests(manifests) if item.identity and runonce.runs_once(item.identity)
        ]
        for position, entry in enumerate(workflows):
            if identity(resource_meta(entry, WORKFLOW.plural)) in recorded:
                # The hub has the whole status of the first one only.
                status = {} if position else self._results.status_of(work)
                self._enter(run_of(manifests[entry.ordinal], work.metadata.uid), status, _VANISHED)

    def _enter(self, run: str, status: Mapping[str, Any], otherwise: str) -> None:
        self._ledger.enter(run, end_of(status, otherwise=otherwise, now=timestamp(self._now())))

    async def remove(
        self, applied: Object, option: DeleteOption | None, *, work_uid: str = ""
    ) -> list[Remaining]:
        """Removes the AppliedManifestWork and all that it lists. Returns what is still there, itself included; if
        anything is, to be called again."""
        recorded = applied.decode(AppliedManifestWork).status.applied_resources
        listed = {identity(item) for item in recorded}
        resources = [*recorded, *(item for item in intended(applied) if identity(item) not in listed)]
        if left := await self.drop(applied, resources, option, work_uid=work_uid):
            names = {identity(item.resource) for item in left}
            await self._claims.record(applied, [item for item in recorded if identity(item) in names])
            return [item.remaining for item in left]
        meta = applied.metadata
        rest = [item for item in meta.finalizers if item != APPLIED_MANIFEST_WORK_FINALIZER]
        try:
            if meta.deletion_timestamp is None:
                await self._managed.delete(APPLIED_MANIFEST_WORK, meta.name, uid=meta.uid)
            if rest != meta.finalizers:
                patch = finalizer_patch(meta.finalizers, rest, uid=meta.uid)
                applied = await self._managed.patch(APPLIED_MANIFEST_WORK, meta.name, patch)
        except NotFound:
            rest = []
        if rest:
            return [Remaining.of(applied.to_dict())]
        self._claims.removed(applied)
        return []

    async def _try_drop(
        self, applied: Object, resource: AppliedResource, option: DeleteOption | None, work_uid: str
    ) -> Remaining | None:
        """The object, if it is still there and is to go. One that the server does not let go is in nobody's way."""
        try:
            live = await self._drop(applied, resource, option, work_uid)
        except NotFound:
            raise  # while it was written: it is asked for again
        except ApiError as error:
            if not is_refusal(error):
                raise
            if not resource.uid and not _is_workflow(resource):
                return None  # it may never have been made, and else goes with its owner
            log.info("removal_refused", resource=resource.resource, name=resource.name, error=error.message)
            return Remaining(resource.resource, resource.namespace, resource.name, refusal=error.message)
        return None if live is None else Remaining.of(live.to_dict())

    async def _drop(
        self, applied: Object, resource: AppliedResource, option: DeleteOption | None, work_uid: str
    ) -> Object | None:
        """The object, if it is still there and is to go."""
        kind = Kind(resource.group, resource.version, "", resource.resource, bool(resource.namespace))
        live = await self._managed.find(kind, resource.name, namespace=resource.namespace)
        if live is None or (resource.uid and live.metadata.uid != resource.uid):
            return None
        if not is_owned(live, applied):
            await self._let_go(kind, live, resource, work_uid)
            return None
        others = [item for item in live.metadata.owner_references if item.uid != applied.metadata.uid]
        shared = any(item.kind == APPLIED_MANIFEST_WORK.kind for item in others)
        what = disposal(resource, option)
        # An orphan that still runs may come back to a work, and its end be seen then.
        if _is_workflow(resource) and not shared and (is_final(live) or not what.orphan):
            meta = live.metadata
            run = run_name(meta.annotations, work_uid, meta.namespace, meta.name)
            self._enter(run, status_of(live), _REMOVED)
        if what.orphan or shared:
            # Where a work of this hub owns it too, that one waits for its end.
            if not any(self._claims.is_made(item.name) for item in others):
                live = await self._applier.release(kind, live)
            await self._applier.disown(kind, live, applied)
            return None
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
                return live  # looked at again at once or after the recheck
        if REPORT_FINALIZER in live.metadata.finalizers:
            await self._applier.release(kind, live)
        return await self._managed.find(kind, resource.name, namespace=resource.namespace)

    async def _let_go(self, kind: Kind, live: Object, resource: AppliedResource, work_uid: str) -> None:
        """For an orphan, or what somebody has taken our reference off: it stays, and if it is a Workflow that was ours,
        nobody waits for its end any more."""
        owners = live.metadata.owner_references
        if not (_is_workflow(resource) and resource.uid) or any(
            self._claims.is_made(one.name) for one in owners
        ):
            return
        if is_final(live):
            meta = live.metadata
            run = run_name(meta.annotations, work_uid, meta.namespace, meta.name)
            self._enter(run, live.to_dict().get("status") or {}, _REMOVED)
        await self._applier.release(kind, live)


def _is_workflow(resource: AppliedResource) -> bool:
    return (resource.group, resource.resource) == (WORKFLOW.group, WORKFLOW.plural)
