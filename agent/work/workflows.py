"""A Workflow of a ManifestWork: created once, steered while it runs, and given an end if it is lost.

Never makes a Workflow a second time, not even for a hub that has forgotten that it ran, and never writes more of a
running one than the fields that its user may change. Before a Workflow is given up, both clusters are asked anew:
caches may lag behind.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

import structlog

from agent.decide import runonce
from agent.decide.config import disposal
from agent.decide.ledger import End, run_of, status_of, timed
from agent.decide.status import Failure, Observation, applied_generation
from agent.work.apply import Applier
from agent.work.delivery import Delivery
from agent.work.executors import Executors
from agent.work.ledger import Ledger
from agent.work.managed import ManagedObjects
from agent.work.orphans import Orphans
from agent.work.outcome import Json, Outcome, content, failed, is_final
from agent.work.results import StatusResults
from agent.work.targets import Served
from controllers.api.kinds import MANIFEST_WORK
from controllers.api.meta import timestamp
from controllers.api.work import ManifestResourceMeta
from controllers.api.workflow import FINAL_PHASES
from controllers.kube.client import Client
from controllers.kube.errors import AlreadyExists, Conflict
from controllers.kube.object import Object
from controllers.runtime.own_writes import OwnWrites

log = structlog.get_logger(__name__)


class Workflows:
    """`works` are the hub's ManifestWorks; `now` is an aware time."""

    def __init__(
        self,
        hub: Client,
        *,
        works: OwnWrites,
        applier: Applier,
        managed: ManagedObjects,
        orphans: Orphans,
        results: StatusResults,
        executors: Executors,
        ledger: Ledger,
        now: Callable[[], datetime.datetime],
    ) -> None:
        self._hub = hub
        self._works = works
        self._ledger = ledger
        self._applier = applier
        self._managed = managed
        self._orphans = orphans
        self._results = results
        self._executors = executors
        self._now = now

    async def deliver(self, delivery: Delivery, target: Served) -> Outcome:
        """Raises ApiError; Conflict when something has moved on meanwhile."""
        work, entry, kind, meta = delivery.work, target.entry, target.kind, target.meta
        view = await self._managed.of(kind)
        complete = delivery.is_done(meta)

        def decide(live: Object | None) -> runonce.Decision:
            return runonce.decide(
                meta, delivery.recorded, content(live), complete=complete, origin=entry.origin
            )

        orphan = disposal(meta, work.spec.delete_option).orphan
        live = view.get(meta.namespace, meta.name)
        if live is None and orphan:
            live = await self._orphans.find(delivery, target)
        if live is None and not complete:
            known = self._reported(delivery, meta)
            if known.get("phase") in FINAL_PHASES:
                # Its work is not Complete: the agent was killed in between, or the work has no rule for it.
                observation = Observation(meta, _ended(meta, known), attempted=False, gone=True)
                return Outcome(observation, kind)
        decision = decide(live)
        run = run_of(work.spec.workload.manifests[entry.ordinal], work.metadata.uid)
        if isinstance(decision, runonce.Create):
            if (end := await self._ledger.find(run)) is not None:
                return self._told(delivery, target, end)
            manifest = delivery.manifest(target)
            if why := await self._executors.refusal(
                work.spec.executor, kind, meta.namespace, meta.name, manifest, owned=True
            ):
                return failed(meta, why, kind)
            try:
                live = view.record(await self._applier.run_once(kind, manifest, delivery.applied))
                log.info("workflow_created", work=delivery.name, workflow=meta.name)
                return Outcome(Observation(meta, content(live)), kind, live)
            except AlreadyExists:
                # Ours from before a crash, or somebody else's: only the server can say.
                live = await self._applier.read(kind, meta.namespace, meta.name)
                decision = decide(live)
                if isinstance(decision, runonce.Create):
                    raise
        elif isinstance(decision, runonce.ReportLost):
            live = await self._applier.read(kind, meta.namespace, meta.name)
            decision = decide(live)
        if isinstance(decision, runonce.ReportLost):
            if decision.reason == runonce.NAME_TAKEN:
                return failed(meta, decision.message, kind)
            await self._confirm(delivery.found)
            if (end := await self._ledger.find(run)) is not None:
                return self._told(delivery, target, end)
            return self.lost(delivery, target, None, decision)
        if live is not None and not complete:
            if live.metadata.deletion_timestamp is not None and not is_final(live):
                text = f"Workflow {meta.namespace}/{meta.name} was deleted on the cluster before it finished"
                return self.lost(delivery, target, live, runonce.ReportLost(runonce.GONE, text))
            live = view.record(await self._keep(delivery, target, live, orphan=orphan))
        # Until it is recorded that it is ours nothing but the owner reference tells.
        if live is not None and orphan and delivery.has_applied(meta, live):
            live = await self._orphans.let_stand(delivery, target, live)
        return Outcome(Observation(meta, content(live), attempted=not complete), kind, live)

    def lost(
        self, delivery: Delivery, target: Served, live: Object | None, why: runonce.ReportLost
    ) -> Outcome:
        """A Workflow that will never finish gets an end: phase Error, with what is known of its run.

        An end that the hub knows already stays as it is.
        """
        known = self._reported(delivery, target.meta)
        status = known
        if known.get("phase") not in FINAL_PHASES:
            log.warning("workflow_lost", work=delivery.name, reason=why.reason)
            status = timed(
                {
                    **((content(live) or {}).get("status") or known),
                    "phase": "Error",
                    "message": why.message,
                    "finishedAt": timestamp(self._now()),
                }
            )
        failure = Failure(why.message, why.reason)
        ended = _ended(target.meta, status)
        observation = Observation(target.meta, ended, failure=failure, gone=live is None)
        return Outcome(observation, target.kind, live, why)

    def _told(self, delivery: Delivery, target: Served, end: End) -> Outcome:
        """A run that the hub has forgotten, or the end of which it has: it was restored from an older backup."""
        meta = target.meta
        log.warning("workflow_ran_before", work=delivery.name, workflow=meta.name, phase=end.phase)
        asked = delivery.work.metadata.creation_timestamp
        status = status_of(end, self._reported(delivery, meta), asked=asked)
        return Outcome(Observation(meta, _ended(meta, status), gone=True), target.kind)

    def _reported(self, delivery: Delivery, meta: ManifestResourceMeta) -> Json:
        """The whole status of this Workflow that the hub has; {} for none."""
        return self._results.status_of(delivery.found) if meta.ordinal == delivery.in_full else {}

    async def _keep(self, delivery: Delivery, target: Served, live: Object, *, orphan: bool) -> Object:
        """Holds on to a Workflow that was made earlier, and brings it what the hub has changed since."""
        if is_final(live):
            return live
        work = delivery.work
        held = orphan and delivery.has_applied(target.meta, live)
        live = await self._applier.adopt(target.kind, live, None if held else delivery.applied)
        brought = applied_generation(work, target.meta) == work.metadata.generation
        return await self._applier.steer(target.kind, delivery.manifest(target), live, brought=brought)

    async def _confirm(self, found: Object) -> None:
        """Raises Conflict if the hub's work is not what was decided on; it is looked at again then."""
        meta = found.metadata
        fresh = await self._hub.find(MANIFEST_WORK, meta.name, namespace=meta.namespace)
        if fresh is None or fresh.metadata.resource_version != meta.resource_version:
            if fresh is not None:
                self._works.record(fresh)
            raise Conflict(f"ManifestWork {meta.namespace}/{meta.name} has changed")


def _ended(meta: ManifestResourceMeta, status: Json) -> Json:
    """A Workflow of which only the end is known, for feedback and condition rules to read."""
    return {
        "apiVersion": f"{meta.group}/{meta.version}",
        "kind": meta.kind,
        "metadata": {"name": meta.name, "namespace": meta.namespace},
        "status": status,
    }
