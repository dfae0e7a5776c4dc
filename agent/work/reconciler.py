"""One ManifestWork: apply what it asks for, and have reported what has come of it.

The same reconcile runs for a change on the hub and for a change of an applied object; whatever triggered it,
it compares what should be with what is, and writes only the difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from agent.decide import allow, runonce
from agent.decide.allow import Allowed
from agent.decide.config import disposal, options_for
from agent.decide.ignore import Ignoring
from agent.decide.kubectl_path import PathError
from agent.decide.manifest import Entry, read_manifests, resource_meta
from agent.decide.naming import MAX_WORK_NAME
from agent.decide.order import apply_order
from agent.decide.pace import Hold, sooner
from agent.decide.status import Observation, completed_manifest, is_complete, known_meta
from agent.work.apply import Applier, drifted, is_owned, is_workflow
from agent.work.claim import Claims
from agent.work.cleanup import RECHECK, Cleanup
from agent.work.discovery import Discovery, UnknownKind
from agent.work.eviction import Eviction
from agent.work.executors import Executors
from agent.work.lacking import Lacking, MissingKind, MissingNamespace
from agent.work.managed import CannotWatchError, ManagedObjects
from agent.work.outcome import Json, Outcome, content, failed, identity, is_final, resource, untouched
from agent.work.refusal import is_refusal, lack_of, words
from agent.work.report import Reporter
from agent.work.workflows import Workflows
from controllers.api.kinds import Kind
from controllers.api.work import AppliedManifestWork, AppliedResource, ManifestResourceMeta, ManifestWork
from controllers.kube.errors import ApiError
from controllers.kube.object import Object
from controllers.runtime.backoff import Backoff
from controllers.runtime.own_writes import OwnWrites
from controllers.runtime.reconcile import Request, Result

# What cannot be applied is tried again, ever more seldom: not all that may help is heard of.
_REAPPLY = Backoff(base=1.0, cap=60.0)


# A manifest, and the kind that serves it; the error says that none does, None that the manifest names none.
_Target = tuple[Entry, Kind | UnknownKind | None]


@dataclass
class _Progress:
    """What this process has done for one work. What it does not know of, it does once more."""

    uid: str
    applied: dict[int, int] = field(default_factory=dict)  # ordinal of a manifest -> generation of the work
    failures: int = 0


class WorkReconciler:
    """Request: a ManifestWork in this cluster's namespace.

    `allowed` bounds what its manifests may be about, `limit` how many bytes they may take.
    """

    def __init__(
        self,
        *,
        works: OwnWrites,
        claims: Claims,
        cleanup: Cleanup,
        eviction: Eviction,
        applier: Applier,
        discovery: Discovery,
        managed: ManagedObjects,
        workflows: Workflows,
        reporter: Reporter,
        executors: Executors,
        lacking: Lacking,
        allowed: Allowed,
        limit: int,
    ) -> None:
        self._works = works
        self._claims = claims
        self._cleanup = cleanup
        self._eviction = eviction
        self._applier = applier
        self._discovery = discovery
        self._managed = managed
        self._workflows = workflows
        self._reporter = reporter
        self._executors = executors
        self._lacking = lacking
        self._allowed = allowed
        self._limit = limit
        self._progress: dict[str, _Progress] = {}

    async def reconcile(self, request: Request, /) -> Result:
        found = self._works.get(*request)
        if found is not None and found.metadata.deletion_timestamp is None:
            return await self._deliver(found)
        self._progress.pop(request.name, None)
        self._managed.forget(request.name)
        self._lacking.settle(request.name, ())
        self._reporter.forget(request.name)
        if found is None:
            return await self._eviction.evict(*request)
        return await self._cleanup.finalize(found)

    async def _deliver(self, found: Object) -> Result:
        if len(found.metadata.name) > MAX_WORK_NAME:
            return await self._refuse(found)
        work, targets = await self._read(found)
        wanted = _to_own(work, targets)
        claimed, applied = await self._claims.make(found, wanted)
        if claimed is not found:
            found = claimed
            work, targets = await self._read(found)
            wanted = _to_own(work, targets)
        await self._eviction.spare(applied)
        if applied.metadata.deletion_timestamp is not None:
            return await self._begin_anew(found, work, applied)
        applied = await self._claims.intend(applied, wanted)
        progress = self._progress_of(work)
        recorded = applied.decode(AppliedManifestWork).status.applied_resources
        manifests = work.spec.workload.manifests
        outcomes = []
        for entry, kind in targets:
            manifest = msgspec.json.decode(manifests[entry.ordinal])
            outcomes.append(await self._one(found, work, entry, kind, manifest, applied, recorded, progress))
        self._lacking.settle(work.metadata.name, {item.lacks for item in outcomes if item.lacks is not None})
        held = await self._reporter.publish(found, work, applied, outcomes)
        return _next(progress, outcomes, held)

    async def _refuse(self, found: Object) -> Result:
        """For a work that can leave no trace on the cluster: its AppliedManifestWork's name would be too long."""
        work = found.decode(ManifestWork)
        why = (
            f"the name of its ManifestWork has {len(found.metadata.name)} characters, and may have {MAX_WORK_NAME}: "
            "make it anew with a shorter one"
        )
        entries = read_manifests(work.spec.workload.manifests)
        await self._reporter.tell(found, work, [failed(resource_meta(entry), why) for entry in entries])
        return Result.done()

    async def _read(self, found: Object) -> tuple[ManifestWork, list[_Target]]:
        """The work, and its manifests in the order to apply them. Raises ApiError."""
        work = found.decode(ManifestWork)
        entries = _in_order(read_manifests(work.spec.workload.manifests, limit=self._limit))
        return work, [(entry, await self._kind_of(work, entry)) for entry in entries]

    async def _kind_of(self, work: ManifestWork, entry: Entry) -> Kind | UnknownKind | None:
        """None: the manifest names none. Raises ApiError."""
        if entry.identity is None:
            return None
        missing = MissingKind(*entry.identity[:3])
        self._lacking.expect(work.metadata.name, missing)
        try:
            return await self._discovery.resolve(*missing)
        except UnknownKind as error:
            return error

    def _progress_of(self, work: ManifestWork) -> _Progress:
        known = self._progress.get(work.metadata.name)
        if known is None or known.uid != work.metadata.uid:
            known = self._progress[work.metadata.name] = _Progress(work.metadata.uid)
        return known

    async def _begin_anew(self, found: Object, work: ManifestWork, applied: Object) -> Result:
        """Somebody has deleted the AppliedManifestWork, and with it all that it owns; the work stands.

        What was applied goes and is applied anew under a new one, which its removal triggers. A Workflow that
        had not ended must not run again: first the hub is told that it is lost.
        """
        recorded = applied.decode(AppliedManifestWork).status.applied_resources
        entries = read_manifests(work.spec.workload.manifests)
        outcomes = [await self._abandon(found, work, entry, recorded) for entry in entries]
        await self._reporter.tell(found, work, outcomes)
        gone = await self._cleanup.remove(applied, work.spec.delete_option, work_uid=work.metadata.uid)
        return Result.done() if gone else Result.recheck(after=RECHECK)

    async def _abandon(
        self, found: Object, work: ManifestWork, entry: Entry, recorded: list[AppliedResource]
    ) -> Outcome:
        """What is to be said of a manifest whose object goes with the AppliedManifestWork."""
        if entry.identity is None:
            return failed(resource_meta(entry), entry.problem)
        try:
            kind = await self._discovery.resolve(*entry.identity[:3])
        except UnknownKind as error:
            return failed(resource_meta(entry), str(error))
        meta = resource_meta(entry, kind.plural, namespaced=kind.namespaced)
        going = Outcome(Observation(meta, attempted=False), kind)
        if not is_workflow(entry.identity) or _is_done(work, meta):
            return going
        if identity(meta) not in {identity(item) for item in recorded}:
            return going  # never made
        live = await self._applier.read(kind, meta.namespace, meta.name)
        if live is not None and is_final(live):
            return Outcome(Observation(meta, content(live)), kind, live)
        text = f"Workflow {meta.namespace}/{meta.name} was removed: its AppliedManifestWork was deleted on the cluster"
        return self._workflows.lost(found, work, meta, kind, live, runonce.ReportLost(runonce.GONE, text))

    # -- one manifest -----------------------------------------------------------------------------------

    async def _one(
        self,
        found: Object,
        work: ManifestWork,
        entry: Entry,
        kind: Kind | UnknownKind | None,
        manifest: Json,
        applied: Object,
        recorded: list[AppliedResource],
        progress: _Progress,
    ) -> Outcome:
        if entry.identity is None or kind is None:
            return failed(resource_meta(entry), entry.problem)
        missing = MissingKind(*entry.identity[:3])
        if isinstance(kind, UnknownKind):
            if is_complete(work):
                return untouched(known_meta(work, resource_meta(entry)), str(kind), complete=True)
            return failed(resource_meta(entry), str(kind), lacks=missing)
        meta = resource_meta(entry, kind.plural, namespaced=kind.namespaced)
        if kind.namespaced and not meta.namespace:
            return failed(meta, f"namespace must be set in the manifest of a {kind.kind}", kind)
        if why := allow.refusal(self._allowed, kind, meta.namespace, meta.name):
            return await self._keep_off(work, meta, kind, why, recorded)
        if entry.problem:
            return untouched(meta, entry.problem, kind, complete=_is_done(work, meta))
        self._lacking.expect(work.metadata.name, MissingNamespace(meta.namespace))
        try:
            if is_workflow(entry.identity):
                return await self._workflows.deliver(
                    found, work, entry, meta, kind, manifest, applied, recorded
                )
            return await self._object(work, entry, meta, kind, manifest, applied, progress)
        except (CannotWatchError, PathError) as error:
            return failed(meta, str(error), kind)
        except ApiError as error:
            if not is_refusal(error):
                raise
            lacks = lack_of(error, missing, meta.namespace)
            if lacks == missing:
                await self._discovery.load(*missing[:2])
                if not self._discovery.serves(*missing):
                    return failed(meta, words(error), kind, lacks=lacks)
            view = await self._managed.of(kind)
            return failed(meta, words(error), kind, view.get(meta.namespace, meta.name), lacks)

    async def _keep_off(
        self,
        work: ManifestWork,
        meta: ManifestResourceMeta,
        kind: Kind,
        why: str,
        recorded: list[AppliedResource],
    ) -> Outcome:
        """For what the hub may not touch.

        A Workflow that an earlier, wider list has let in is not reported any more, so nothing holds it: whoever deletes
        it shall not wait for ever.
        """
        if runonce.runs_once(meta) and identity(meta) in {identity(item) for item in recorded}:
            live = await self._applier.read(kind, meta.namespace, meta.name)
            if live is not None:
                await self._applier.release(kind, live)
        return untouched(meta, why, kind, complete=_is_done(work, meta))

    async def _object(
        self,
        work: ManifestWork,
        entry: Entry,
        meta: ManifestResourceMeta,
        kind: Kind,
        manifest: Json,
        applied: Object,
        progress: _Progress,
    ) -> Outcome:
        options = options_for(meta, work.spec.manifest_configs)
        complete = _is_done(work, meta)
        if options.strategy.type == "ReadOnly":
            live = await self._managed.seen_by(work.metadata.name, kind, meta.namespace, meta.name)
            if live is not None and is_owned(live, applied):
                live = await self._applier.disown(kind, live, applied)
            return Outcome(Observation(meta, content(live), attempted=not complete), kind, live, owned=False)
        view = await self._managed.of(kind)
        live = view.get(meta.namespace, meta.name)
        if complete:
            return Outcome(Observation(meta, content(live), attempted=False), kind, live)
        fresh = progress.applied.get(entry.ordinal) != work.metadata.generation
        config = options.strategy.server_side_apply
        ignoring = Ignoring(manifest, config.ignore_fields if config else ())
        if fresh or live is None or drifted(ignoring.compared, live.to_dict()):
            if entry.identity is None:
                raise TypeError("an applied manifest has an identity")
            owned = not disposal(meta, work.spec.delete_option, options.strategy).orphan
            if why := await self._executors.refusal(
                work.spec.executor, kind, meta.namespace, meta.name, manifest, owned=owned
            ):
                return failed(meta, why, kind, live)
            made = await self._applier.apply(kind, entry.identity, manifest, options, applied, live)
            live = view.record(made)
            progress.applied[entry.ordinal] = work.metadata.generation
        return Outcome(Observation(meta, content(live)), kind, live)


def _to_own(work: ManifestWork, targets: Iterable[_Target]) -> list[AppliedResource]:
    """What the work is going to own, as far as the cluster knows its kinds."""
    metas = [
        resource_meta(entry, kind.plural, namespaced=kind.namespaced)
        for entry, kind in targets
        if isinstance(kind, Kind) and not entry.problem
    ]
    configs = work.spec.manifest_configs
    return [resource(meta) for meta in metas if options_for(meta, configs).strategy.type != "ReadOnly"]


def _next(progress: _Progress, outcomes: list[Outcome], held: Hold | None) -> Result:
    """`held`: when a report is due that was held back."""
    if any(item.observation.failure is not None and item.lost is None for item in outcomes):
        progress.failures += 1
        held = sooner(held, Hold(_REAPPLY.delay(progress.failures - 1)))
    else:
        progress.failures = 0
    if held is None:
        return Result.done()
    return Result.when_idle(within=held.seconds) if held.idle else Result.recheck(after=held.seconds)


def _is_done(work: ManifestWork, meta: ManifestResourceMeta) -> bool:
    """Whether the manifest is not applied any more."""
    return is_complete(work) or completed_manifest(work, meta)


def _in_order(entries: list[Entry]) -> list[Entry]:
    """Readable manifests by kind rank, then the unreadable ones."""
    readable = [entry for entry in entries if entry.identity is not None]
    identities = [entry.identity for entry in readable if entry.identity is not None]
    ordered = [readable[position] for position in apply_order(identities)]
    return ordered + [entry for entry in entries if entry.identity is None]
