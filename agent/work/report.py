"""Writes down what came of a work: its status on the hub, the results of its Workflows, the list of what it owns.

Order is what makes it safe. The full status of a Workflow goes out before the work's own, which may make it
Complete; and only when the hub has both, the copy is let go.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

from agent.decide import runonce
from agent.decide.status import desired_status, status_patch
from agent.work.apply import Applier
from agent.work.claim import Claims
from agent.work.cleanup import Cleanup
from agent.work.managed import ManagedObjects
from agent.work.outcome import Outcome, identity, is_final
from agent.work.results import StatusResults
from agent.work.together import together
from controllers.api.kinds import MANIFEST_WORK
from controllers.api.work import AppliedManifestWork, AppliedResource, ManifestResourceMeta, ManifestWork
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from controllers.runtime.own_writes import OwnWrites


class Reporter:
    """`works` are the hub's ManifestWorks; `now` is an aware time."""

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
        now: Callable[[], datetime.datetime],
    ) -> None:
        self._hub = hub
        self._works = works
        self._claims = claims
        self._cleanup = cleanup
        self._applier = applier
        self._managed = managed
        self._results = results
        self._now = now

    async def publish(
        self, found: Object, work: ManifestWork, applied: Object, outcomes: Sequence[Outcome]
    ) -> None:
        """Everything, after a pass over all manifests. `found` is `work` as it was read. Raises ApiError."""
        await together(self._record(applied, outcomes, work), self.tell(found, work, outcomes))
        await self._release(outcomes)

    async def tell(self, found: Object, work: ManifestWork, outcomes: Sequence[Outcome]) -> None:
        """The hub's part: results of Workflows, then the work's status. Raises ApiError."""
        in_full = runonce.reported_in_full(item.meta for item in outcomes)
        for outcome in outcomes:
            status = (outcome.observation.live or {}).get("status")
            if status and outcome.meta.ordinal == in_full:
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

    async def _record(self, applied: Object, outcomes: Sequence[Outcome], work: ManifestWork) -> None:
        """Keeps status.appliedResources, and removes what has left the work."""
        recorded = applied.decode(AppliedManifestWork).status.applied_resources
        owned = [item for item in outcomes if item.owned]
        present = [_resource(item.meta, item.live) for item in owned if item.live and item.lost is None]
        names = {identity(item) for item in present}
        wanted = {identity(item.meta) for item in owned}
        kept = [item for item in recorded if identity(item) not in names and identity(item) in wanted]
        gone = [item for item in recorded if identity(item) not in wanted]
        left = await self._cleanup.drop(applied, gone, work.spec.delete_option) if gone else []
        order = {identity(item): number for number, item in enumerate(recorded)}
        resources = sorted([*present, *kept, *left], key=lambda item: order.get(identity(item), len(order)))
        await self._claims.record(applied, resources)

    async def _release(self, outcomes: Sequence[Outcome]) -> None:
        """The hub knows the end: the copy may be deleted by whoever wants to."""
        for outcome in outcomes:
            live, kind = outcome.live, outcome.kind
            if live is None or kind is None or not runonce.runs_once(outcome.meta):
                continue
            if is_final(live) or outcome.lost is not None:
                view = await self._managed.of(kind)
                view.record(await self._applier.release(kind, live))


def _resource(meta: ManifestResourceMeta, live: Object) -> AppliedResource:
    return AppliedResource(
        group=meta.group,
        version=meta.version,
        resource=meta.resource,
        namespace=meta.namespace,
        name=meta.name,
        uid=live.metadata.uid,
    )
