"""One ManifestWork: apply what it asks for, report what has come of it.

The same reconcile runs for a change on the hub and for a change of an applied object; whatever triggered it,
it compares what should be with what is, and writes only the difference. The full status of a Workflow goes out
before the work's own status, since it is what the user waits for.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import structlog

from agent.decide import runonce
from agent.decide.config import options_for
from agent.decide.manifest import Entry, read_manifests, resource_meta
from agent.decide.order import apply_order
from agent.decide.status import (
    Failure,
    Observation,
    completed_manifest,
    desired_status,
    is_complete,
    status_patch,
)
from agent.work.apply import Applier, drifted, is_workflow
from agent.work.claim import Claims
from agent.work.cleanup import Cleanup
from agent.work.discovery import Discovery, UnknownKind
from agent.work.managed import ManagedObjects
from agent.work.results import StatusResults
from controllers.api.kinds import MANIFEST_WORK, Kind
from controllers.api.work import (
    AppliedManifestWork,
    AppliedResource,
    ManifestResourceMeta,
    ManifestWork,
)
from controllers.kube.client import Client
from controllers.kube.errors import AlreadyExists, ApiError, Unavailable
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from controllers.runtime.backoff import Backoff
from controllers.runtime.own_writes import OwnWrites
from controllers.runtime.reconcile import Request, Result

log = structlog.get_logger(__name__)

# What cannot be applied is tried again, ever more seldom: a namespace or a CRD may come.
_REAPPLY = Backoff(base=1.0, cap=60.0)
_FINAL_PHASES = ("Succeeded", "Failed", "Error")

Json = dict[str, Any]


class Outcome(NamedTuple):
    """What came of one manifest."""

    observation: Observation
    kind: Kind | None = None
    live: Object | None = None
    lost: runonce.ReportLost | None = None


class WorkReconciler:
    """Request: a ManifestWork in this cluster's namespace."""

    def __init__(
        self,
        hub: Client,
        *,
        works: OwnWrites,
        claims: Claims,
        cleanup: Cleanup,
        applier: Applier,
        discovery: Discovery,
        managed: ManagedObjects,
        results: StatusResults,
        now: Callable[[], datetime.datetime],
    ) -> None:
        self._hub = hub
        self._works = works
        self._claims = claims
        self._cleanup = cleanup
        self._applier = applier
        self._discovery = discovery
        self._managed = managed
        self._results = results
        self._now = now
        # (work uid, ordinal) -> generation that this process has applied; what it has not, it applies once.
        self._done: dict[tuple[str, int], int] = {}
        self._failures: dict[str, int] = {}

    async def reconcile(self, request: Request, /) -> Result:
        found = self._works.get(*request)
        if found is None:
            return await self._cleanup.evict(request.name)
        if found.metadata.deletion_timestamp is not None:
            return await self._cleanup.finalize(found)
        return await self._deliver(found)

    async def _deliver(self, found: Object) -> Result:
        found, applied = await self._claims.make(found)
        await self._cleanup.spare(applied)
        work = found.decode(ManifestWork)
        recorded = applied.decode(AppliedManifestWork).status.applied_resources
        manifests = work.spec.workload.manifests
        entries = read_manifests(manifests)
        outcomes = []
        for entry in _in_order(entries):
            manifest = msgspec.json.decode(manifests[entry.ordinal])
            outcomes.append(await self._one(work, entry, manifest, applied, recorded))
        outcomes = [self._told_lost(found, outcome) for outcome in outcomes]
        await asyncio.gather(
            self._record(applied, recorded, outcomes, work), self._report(found, work, outcomes)
        )
        await self._release(outcomes)
        return self._next(work, outcomes)

    # -- one manifest -----------------------------------------------------------------------------------

    async def _one(
        self,
        work: ManifestWork,
        entry: Entry,
        manifest: Json,
        applied: Object,
        recorded: list[AppliedResource],
    ) -> Outcome:
        if entry.identity is None or entry.problem:
            return Outcome(Observation(resource_meta(entry), failure=Failure(entry.problem)))
        identity = entry.identity
        try:
            kind = await self._discovery.resolve(identity.group, identity.version, identity.kind)
        except UnknownKind as error:
            return Outcome(Observation(resource_meta(entry), failure=Failure(str(error))))
        meta = resource_meta(entry, kind.plural, namespaced=kind.namespaced)
        try:
            if is_workflow(identity):
                return await self._workflow(work, entry, meta, kind, manifest, applied, recorded)
            return await self._object(work, entry, meta, kind, manifest, applied)
        except Unavailable:
            raise
        except ApiError as error:
            view = await self._managed.of(kind)
            live = view.get(meta.namespace, meta.name)
            observation = Observation(meta, _dict(live), failure=Failure(error.message))
            return Outcome(observation, kind, live)

    async def _object(
        self,
        work: ManifestWork,
        entry: Entry,
        meta: ManifestResourceMeta,
        kind: Kind,
        manifest: Json,
        applied: Object,
    ) -> Outcome:
        view = await self._managed.of(kind)
        live = view.get(meta.namespace, meta.name)
        if is_complete(work) or completed_manifest(work, meta):
            return Outcome(Observation(meta, _dict(live), attempted=False), kind, live)
        mark = (work.metadata.uid, entry.ordinal)
        fresh = self._done.get(mark) != work.metadata.generation
        if fresh or live is None or drifted(manifest, live.to_dict()):
            options = options_for(meta, work.spec.manifest_configs)
            if entry.identity is None:
                raise TypeError("an applied manifest has an identity")
            live = await self._applier.apply(kind, entry.identity, manifest, options, applied)
            if live is not None:
                view.record(live)
            self._done[mark] = work.metadata.generation
        return Outcome(Observation(meta, _dict(live)), kind, live)

    async def _workflow(
        self,
        work: ManifestWork,
        entry: Entry,
        meta: ManifestResourceMeta,
        kind: Kind,
        manifest: Json,
        applied: Object,
        recorded: list[AppliedResource],
    ) -> Outcome:
        view = await self._managed.of(kind)
        live = view.get(meta.namespace, meta.name)
        complete = is_complete(work) or completed_manifest(work, meta)
        decision = runonce.decide(meta, recorded, _dict(live), complete=complete, origin=entry.origin)
        if isinstance(decision, runonce.Create):
            try:
                live = view.record(await self._applier.run_once(kind, manifest, applied))
                log.info("workflow_created", work=work.metadata.name, workflow=meta.name)
                self._done[work.metadata.uid, entry.ordinal] = work.metadata.generation
                return Outcome(Observation(meta, _dict(live)), kind, live)
            except AlreadyExists:
                # Ours from before a crash, or somebody else's: only the server can say.
                live = await self._applier.read(kind, meta.namespace, meta.name)
                decision = runonce.decide(meta, recorded, _dict(live), complete=complete, origin=entry.origin)
        if isinstance(decision, runonce.ReportLost):
            if decision.reason == runonce.NAME_TAKEN:
                return Outcome(Observation(meta, failure=Failure(decision.message)), kind)
            return Outcome(
                Observation(meta, failure=Failure(decision.message, decision.reason)), kind, lost=decision
            )
        if live is not None and _deleted_early(live):
            text = f"Workflow {meta.namespace}/{meta.name} was deleted on the cluster before it finished"
            lost = runonce.ReportLost(runonce.GONE, text)
            return Outcome(Observation(meta, _dict(live)), kind, live, lost)
        if isinstance(decision, runonce.Apply) and live is not None and not _is_final(live):
            mark = (work.metadata.uid, entry.ordinal)
            if self._done.get(mark) != work.metadata.generation:
                live = view.record(await self._applier.steer(kind, manifest, live))
                self._done[mark] = work.metadata.generation
        return Outcome(Observation(meta, _dict(live), attempted=not complete), kind, live)

    def _told_lost(self, work: Object, outcome: Outcome) -> Outcome:
        """A Workflow that will never finish gets an end: phase Error, with what is known of its run."""
        if outcome.lost is None:
            return outcome
        known = outcome.observation.live or {}
        status = {
            **(known.get("status") or self._results.status_of(work)),
            "phase": "Error",
            "message": outcome.lost.message,
            "finishedAt": self._now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        log.warning("workflow_lost", work=work.metadata.name, reason=outcome.lost.reason)
        meta = outcome.observation.meta
        live = {
            "apiVersion": f"{meta.group}/{meta.version}",
            "kind": meta.kind,
            "metadata": {"name": meta.name, "namespace": meta.namespace},
            "status": status,
        }
        failure = Failure(outcome.lost.message, outcome.lost.reason)
        return outcome._replace(observation=Observation(meta, live, failure=failure))

    # -- reporting --------------------------------------------------------------------------------------

    async def _record(
        self, applied: Object, recorded: list[AppliedResource], outcomes: list[Outcome], work: ManifestWork
    ) -> None:
        """Keeps status.appliedResources, and removes what has left the work."""
        present = [_resource(item) for item in outcomes if item.live is not None and item.lost is None]
        names = {_identity(item) for item in present}
        wanted = {_meta_identity(item.observation.meta) for item in outcomes}
        kept = [item for item in recorded if _identity(item) not in names and _identity(item) in wanted]
        gone = [item for item in recorded if _identity(item) not in wanted]
        left = await self._cleanup.drop(applied, gone, work.spec.delete_option) if gone else []
        order = {_identity(item): number for number, item in enumerate(recorded)}
        resources = sorted([*present, *kept, *left], key=lambda item: order.get(_identity(item), len(order)))
        await self._claims.record(applied, resources)

    async def _report(self, found: Object, work: ManifestWork, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            observation = outcome.observation
            status = (observation.live or {}).get("status")
            if status and runonce.runs_once(observation.meta):
                await self._results.write(found, status)
        desired = desired_status(work, [item.observation for item in outcomes], self._now())
        patch = status_patch(work.status, desired)
        if patch is None:
            return
        meta = found.metadata
        self._works.record(
            await self._hub.patch(
                MANIFEST_WORK,
                meta.name,
                merge_patch(patch, resource_version=meta.resource_version),
                namespace=meta.namespace,
                subresource="status",
            )
        )

    async def _release(self, outcomes: list[Outcome]) -> None:
        """The hub knows the end: the copy may be deleted by whoever wants to."""
        for outcome in outcomes:
            live, kind = outcome.live, outcome.kind
            if live is None or kind is None or not runonce.runs_once(outcome.observation.meta):
                continue
            if _is_final(live) or outcome.lost is not None:
                view = await self._managed.of(kind)
                view.record(await self._applier.release(kind, live))

    def _next(self, work: ManifestWork, outcomes: list[Outcome]) -> Result:
        name = work.metadata.name
        if any(item.observation.failure is not None and item.lost is None for item in outcomes):
            failures = self._failures.get(name, 0)
            self._failures[name] = failures + 1
            return Result.recheck(after=_REAPPLY.delay(failures))
        self._failures.pop(name, None)
        return Result.done()


def _in_order(entries: list[Entry]) -> list[Entry]:
    """Readable manifests by kind rank, then the unreadable ones."""
    readable = [entry for entry in entries if entry.identity is not None]
    identities = [entry.identity for entry in readable if entry.identity is not None]
    ordered = [readable[position] for position in apply_order(identities)]
    return ordered + [entry for entry in entries if entry.identity is None]


def _dict(live: Object | None) -> Json | None:
    return None if live is None else live.to_dict()


def _phase(live: Object) -> str:
    status = live.to_dict().get("status") or {}
    return str(status.get("phase") or "")


def _is_final(live: Object) -> bool:
    return _phase(live) in _FINAL_PHASES


def _deleted_early(live: Object) -> bool:
    return live.metadata.deletion_timestamp is not None and not _is_final(live)


def _resource(outcome: Outcome) -> AppliedResource:
    meta = outcome.observation.meta
    return AppliedResource(
        group=meta.group,
        version=meta.version,
        resource=meta.resource,
        namespace=meta.namespace,
        name=meta.name,
        uid=outcome.live.metadata.uid if outcome.live else "",
    )


def _identity(item: AppliedResource) -> tuple[str, str, str, str]:
    return (item.group, item.resource, item.namespace, item.name)


def _meta_identity(item: ManifestResourceMeta) -> tuple[str, str, str, str]:
    return (item.group, item.resource, item.namespace, item.name)
