"""Writes down what came of a work: its status on the hub, the results of its Workflows, the list of what it owns.

Order is what makes it safe. The full status of a Workflow goes out before the work's own, which may make it
Complete; and only when the hub has both, the copy is let go. What nobody waits for is held back a little
(`agent.decide.pace`), and asked for again by the recheck that `publish` returns.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.decide import runonce
from agent.decide.ledger import end_of, run_of
from agent.decide.pace import (
    BUSY_PROGRESS,
    BUSY_STATUS,
    FEEDBACK,
    FIRST_STATUS,
    PROGRESS,
    Hold,
    hold,
    is_verdict,
    sooner,
)
from agent.decide.status import desired_status, is_complete, status_patch
from agent.line import HubLine
from agent.work.apply import Applier
from agent.work.claim import Claims, intended
from agent.work.cleanup import Cleanup, Left
from agent.work.judge import Judge
from agent.work.ledger import Ledger
from agent.work.managed import ManagedObjects
from agent.work.outcome import Json, Outcome, identity, is_final, resource
from agent.work.results import Sent, StatusResults
from agent.work.together import together
from controllers.api.kinds import MANIFEST_WORK
from controllers.api.meta import timestamp
from controllers.api.work import AppliedManifestWork, ManifestWork
from controllers.api.workflow import FINAL_PHASES
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.kube.patch import JsonObject, merge_patch
from controllers.runtime.own_writes import OwnWrites

# Seconds after which an object that the server does not let go is tried again.
_REFUSED = 30.0


@dataclass
class _Pace:
    """When the next report of mere progress is due, and the hub was told of the end, in seconds of the monotonic
    clock. None: not yet."""

    uid: str
    result: float = 0.0
    status: float | None = None
    ended: float | None = None


class Reporter:
    """`works` are the hub's ManifestWorks; `now` is an aware time, `clock` monotonic seconds. `is_idle` tells whether
    no other work waits for its turn."""

    def __init__(
        self,
        hub: Client,
        *,
        works: OwnWrites,
        claims: Claims,
        cleanup: Cleanup,
        applier: Applier,
        managed: ManagedObjects,
        results: StatusResults,
        judge: Judge,
        ledger: Ledger,
        line: HubLine,
        now: Callable[[], datetime.datetime],
        is_idle: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hub = hub
        self._works = works
        self._claims = claims
        self._cleanup = cleanup
        self._applier = applier
        self._managed = managed
        self._results = results
        self._judge = judge
        self._ledger = ledger
        self._line = line
        self._now = now
        self._is_idle = is_idle
        self._clock = clock
        self._paces: dict[str, _Pace] = {}

    async def publish(
        self, found: Object, work: ManifestWork, applied: Object, outcomes: Sequence[Outcome]
    ) -> Hold | None:
        """Everything, after a pass over all manifests. `found` is `work` as it was read. Raises ApiError.

        Returns when to ask again, because something is held back; None: nothing is.
        """
        told = self._tell(found, work, outcomes, self._pace_of(found))
        refused, held = await together(self._record(applied, outcomes, work), told)
        if held is None:
            await self._release(work, outcomes)
        return sooner(held, refused)

    async def tell(self, found: Object, work: ManifestWork, outcomes: Sequence[Outcome]) -> None:
        """The hub's part alone, and nothing of it held back. Raises ApiError."""
        await self._tell(found, work, outcomes, None)

    def forget(self, work_name: str) -> None:
        """The work is gone."""
        self._paces.pop(work_name, None)

    def _pace_of(self, found: Object) -> _Pace:
        meta = found.metadata
        known = self._paces.get(meta.name)
        if known is None or known.uid != meta.uid:
            known = self._paces[meta.name] = _Pace(meta.uid)
        return known

    async def _tell(
        self, found: Object, work: ManifestWork, outcomes: Sequence[Outcome], paced: _Pace | None
    ) -> Hold | None:
        """Results of Workflows, then the work's status; as `publish` returns."""
        async with self._line.use(found.metadata.name):
            return await self._tell_all(found, work, outcomes, paced)

    async def _tell_all(
        self, found: Object, work: ManifestWork, outcomes: Sequence[Outcome], paced: _Pace | None
    ) -> Hold | None:
        in_full = runonce.reported_in_full(item.meta for item in outcomes)
        full = next((item for item in outcomes if item.meta.ordinal == in_full), None)
        status: Json = (full.observation.live or {}).get("status") or {} if full is not None else {}
        held = await self._tell_in_full(found, status, paced) if status else None
        if (
            paced is not None
            and status.get("phase") in FINAL_PHASES
            and not is_complete(work)
            and _is_well(outcomes)
        ):
            if paced.ended is None:
                paced.ended = self._clock()
            if later := hold(paced.ended - self._clock(), idle=self._is_idle(), patience=BUSY_STATUS):
                return sooner(held, later)
        seen = await self._judge.observed(work, [item.observation for item in outcomes])
        desired = desired_status(work, seen, self._now())
        patch = status_patch(work.status, desired)
        if patch is None:
            return held
        if paced is not None and full is not None and not is_verdict(work.status, desired):
            if paced.status is None:
                paced.status = self._clock() + FIRST_STATUS
            if later := hold(paced.status - self._clock(), idle=self._is_idle(), patience=BUSY_STATUS):
                return sooner(held, later)
        await self._patch_status(found, patch)
        if paced is not None:
            paced.status = self._clock() + FEEDBACK
        return held

    async def _tell_in_full(self, found: Object, status: Json, paced: _Pace | None) -> Hold | None:
        """The whole status of a Workflow."""
        if paced is None:
            await self._results.write(found, status)
            return None
        wait = hold(paced.result - self._clock(), idle=self._is_idle(), patience=BUSY_PROGRESS)
        sent = await self._results.write(found, status, progress=wait is None)
        if sent is Sent.NOW:
            paced.result = self._clock() + PROGRESS
        return wait if sent is Sent.LATER else None

    async def _patch_status(self, found: Object, patch: JsonObject) -> None:
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

    async def _record(self, applied: Object, outcomes: Sequence[Outcome], work: ManifestWork) -> Hold | None:
        """Keeps status.appliedResources, and removes what has left the work. Returns when to try again what the server
        did not let go."""
        recorded = applied.decode(AppliedManifestWork).status.applied_resources
        owned = [item for item in outcomes if item.owned]
        present = [
            resource(item.meta, item.live.metadata.uid) for item in owned if item.live and item.lost is None
        ]
        names = {identity(item) for item in present}
        wanted = {identity(item.meta) for item in owned}
        # Discovery may err for a moment. That an object's kind is not known is no reason to remove it.
        unresolved = {(item.meta.group, item.meta.name) for item in owned if not item.meta.resource}
        listed = {identity(item) for item in recorded}
        unrecorded = [item for item in intended(applied) if identity(item) not in listed]
        gone = [
            item
            for item in (*recorded, *unrecorded)
            if identity(item) not in wanted and (item.group, item.name) not in unresolved
        ]
        kept = [item for item in recorded if identity(item) not in names and item not in gone]
        dropped: list[Left] = []
        if gone:
            option, uid = work.spec.delete_option, work.metadata.uid
            dropped = await self._cleanup.drop(applied, gone, option, work_uid=uid)
        left = [item.resource for item in dropped]
        applied = await self._claims.record(applied, [*present, *kept, *left])
        if gone:
            await self._claims.forget(applied, [item for item in gone if item not in left])
        return Hold(_REFUSED) if any(item.remaining.refusal for item in dropped) else None

    async def _release(self, work: ManifestWork, outcomes: Sequence[Outcome]) -> None:
        """The hub knows the end: the copy may be deleted by whoever wants to. Should the hub forget, the book knows."""
        for outcome in outcomes:
            live, kind = outcome.live, outcome.kind
            if kind is None or not runonce.runs_once(outcome.meta):
                continue
            if outcome.lost is None and (live is None or not is_final(live)):
                continue
            run = run_of(work.spec.workload.manifests[outcome.meta.ordinal], work.metadata.uid)
            status = (outcome.observation.live or {}).get("status") or {}
            self._ledger.enter(run, end_of(status, otherwise="", now=timestamp(self._now())))
            if live is not None:
                view = await self._managed.of(kind)
                view.record(await self._applier.release(kind, live))


def _is_well(outcomes: Sequence[Outcome]) -> bool:
    return all(item.observation.failure is None for item in outcomes)
