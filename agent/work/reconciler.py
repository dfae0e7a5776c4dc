"""One ManifestWork: apply what it asks for, and have reported what has come of it.

The same reconcile runs for a change on the hub and for a change of an applied object; whatever triggered it,
it compares what should be with what is, and writes only the difference.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.decide.manifest import read_manifests, resource_meta
from agent.decide.naming import MAX_WORK_NAME
from agent.decide.pace import Hold, sooner
from agent.work.claim import Claims
from agent.work.cleanup import Cleanup
from agent.work.delivery import Delivery, Progress
from agent.work.eviction import Eviction
from agent.work.lacking import Lacking
from agent.work.managed import ManagedObjects
from agent.work.manifests import Manifests
from agent.work.outcome import Outcome, failed
from agent.work.removal import RECHECK
from agent.work.report import Reporter
from agent.work.targets import Target, Targets, to_own
from controllers.api.work import ManifestWork
from controllers.kube.object import Object
from controllers.runtime.backoff import Backoff
from controllers.runtime.own_writes import OwnWrites
from controllers.runtime.reconcile import Request, Result

# What cannot be applied is tried again, ever more seldom: not all that may help is heard of.
_REAPPLY = Backoff(base=1.0, cap=60.0)


class WorkReconciler:
    """Request: a ManifestWork in this cluster's namespace. `works` are those of the hub."""

    def __init__(
        self,
        *,
        works: OwnWrites,
        targets: Targets,
        claims: Claims,
        cleanup: Cleanup,
        eviction: Eviction,
        manifests: Manifests,
        managed: ManagedObjects,
        reporter: Reporter,
        lacking: Lacking,
    ) -> None:
        self._works = works
        self._targets = targets
        self._claims = claims
        self._cleanup = cleanup
        self._eviction = eviction
        self._manifests = manifests
        self._managed = managed
        self._reporter = reporter
        self._lacking = lacking
        self._progress: dict[str, Progress] = {}

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
        wanted = to_own(work, targets)
        claimed, applied = await self._claims.make(found, wanted)
        if claimed is not found:
            found = claimed
            work, targets = await self._read(found)
            wanted = to_own(work, targets)
        applied = await self._eviction.spare(applied)
        progress = self._progress_of(work)
        if applied.metadata.deletion_timestamp is not None:
            return await self._begin_anew(Delivery(found, work, targets, applied, progress))
        applied = await self._claims.intend(applied, wanted)
        delivery = Delivery(found, work, targets, applied, progress)
        outcomes = [await self._manifests.deliver(delivery, target) for target in targets]
        self._lacking.settle(delivery.name, {item.lacks for item in outcomes if item.lacks is not None})
        held = await self._reporter.publish(found, work, applied, outcomes)
        return _next(progress, outcomes, held)

    async def _read(self, found: Object) -> tuple[ManifestWork, Sequence[Target]]:
        """Raises ApiError."""
        work = found.decode(ManifestWork)
        return work, await self._targets.of(work)

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

    def _progress_of(self, work: ManifestWork) -> Progress:
        known = self._progress.get(work.metadata.name)
        if known is None or known.uid != work.metadata.uid:
            known = self._progress[work.metadata.name] = Progress(work.metadata.uid)
        return known

    async def _begin_anew(self, delivery: Delivery) -> Result:
        """Somebody has deleted the AppliedManifestWork, and with it all that it owns; the work stands.

        What was applied goes and is applied anew under a new one, which its removal triggers. A Workflow that
        had not ended must not run again: first the hub is told that it is lost.
        """
        work, applied = delivery.work, delivery.applied
        outcomes = [await self._manifests.abandon(delivery, target) for target in delivery.targets]
        await self._reporter.tell(delivery.found, work, outcomes)
        left = await self._cleanup.remove(applied, work.spec.delete_option, work_uid=work.metadata.uid)
        return Result.recheck(after=RECHECK) if left else Result.done()


def _next(progress: Progress, outcomes: Sequence[Outcome], held: Hold | None) -> Result:
    """`held`: when a report is due that was held back."""
    for item in outcomes:
        if item.again is not None:
            held = sooner(held, Hold(item.again))
    if any(_is_refused(item) for item in outcomes):
        progress.failures += 1
        held = sooner(held, Hold(_REAPPLY.delay(progress.failures - 1)))
    else:
        progress.failures = 0
    if held is None:
        return Result.done()
    return Result.when_idle(within=held.seconds) if held.idle else Result.recheck(after=held.seconds)


def _is_refused(outcome: Outcome) -> bool:
    """Whether another attempt may help: the object is neither lost, nor written by somebody else each time."""
    return outcome.observation.failure is not None and outcome.lost is None and outcome.again is None
