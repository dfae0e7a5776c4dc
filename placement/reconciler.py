"""Annotates a Workflow with its cluster as soon as its Placement has a decision. Reads caches only.

The finalizer that delivering needs goes into the same write: a placed Workflow is one that will have something to clean
up. Once written, the annotation is changed only when the cluster is lost (`placement.failover`). What a copy of another
Workflow has brought along counts for nothing, and is removed first.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import structlog

from controllers.api import keys
from controllers.api.kinds import WORKFLOW
from controllers.hub import Waiting, is_finished
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch, untracked
from controllers.ownership import WRITTEN_BY_US, is_copied, placed_cluster
from controllers.runtime.cache import Key
from controllers.runtime.events import Recorder
from controllers.runtime.own_writes import OwnWrites
from controllers.runtime.reconcile import Request, Result
from placement.chooser import Chooser
from placement.decide import NO_ROOM, Place
from placement.dispatched import Dispatched
from placement.failover.reconciler import Failover

log = structlog.get_logger(__name__)

# Seconds after which a Workflow without room is looked at again, should no report of a cluster say that there is some.
_ROOM_RECHECK = 60.0
# Seconds after which a Workflow that was sent before is asked about again: its cluster is written back meanwhile.
_RESTORED_RECHECK = 1.0


class PlacementReconciler:
    """Request: a hub Workflow. `patience` seconds pass before a Workflow without decision is told why it waits,
    so that files applied together do not leave warnings behind."""

    def __init__(
        self,
        client: Client,
        *,
        workflows: OwnWrites,
        chooser: Chooser,
        failover: Failover,
        dispatched: Dispatched,
        waiting: Waiting,
        recorder: Recorder,
        patience: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._workflows = workflows
        self._chooser = chooser
        self._failover = failover
        self._dispatched = dispatched
        self._waiting = waiting
        self._recorder = recorder
        self._patience = patience
        self._clock = clock
        self._since: dict[Key, float] = {}

    async def reconcile(self, request: Request, /) -> Result:
        workflow = self._workflows.get(*request)
        if workflow is None or not needs_cluster(workflow):
            self._since.pop(request, None)
            return Result.done() if workflow is None else await self._failover.watch(workflow)
        if self._dispatched.is_known(workflow):
            return Result.recheck(after=_RESTORED_RECHECK)
        if is_copied(workflow):
            workflow = await self._disown(workflow)
        outcome = self._chooser.choose(workflow)
        if isinstance(outcome, Place):
            if request not in self._since and await self._dispatched.is_there(workflow):
                return Result.recheck(after=_RESTORED_RECHECK)
            await self._place(workflow, outcome)
            self._since.pop(request, None)
            return Result.done()
        waited = self._clock() - self._since.setdefault(request, self._clock())
        if waited < self._patience:
            return Result.recheck(after=self._patience - waited + 0.001)
        await self._waiting.report(workflow, "NotPlaced", outcome.reason, outcome.message)
        return Result.recheck(after=_ROOM_RECHECK) if outcome.reason == NO_ROOM else Result.done()

    async def _disown(self, workflow: Object) -> Object:
        """Removes what Argosy, and the cluster, had written on the Workflow that this one was copied from."""
        meta = workflow.metadata
        annotations = [keys.CLUSTER_ANNOTATION, *WRITTEN_BY_US]
        body: dict[str, Any] = {
            "metadata": {
                "annotations": dict.fromkeys(annotations),
                "labels": dict.fromkeys((keys.PHASE_LABEL, keys.COMPLETED_LABEL)),
            }
        }
        if "status" in workflow.to_dict():
            body["status"] = None
        patch = merge_patch(body, resource_version=meta.resource_version)
        log.info("copied_workflow_reset")
        return self._workflows.record(
            await self._client.patch(WORKFLOW, meta.name, patch, namespace=meta.namespace)
        )

    async def _place(self, workflow: Object, place: Place) -> None:
        meta = workflow.metadata
        annotations: dict[str, str | None] = {
            keys.CLUSTER_ANNOTATION: place.cluster,
            keys.PLACED_UID_ANNOTATION: meta.uid,
            keys.CHOICE_ANNOTATION: place.why,
        }
        if keys.WAITING_ANNOTATION in meta.annotations:
            annotations[keys.WAITING_ANNOTATION] = None
        metadata: dict[str, Any] = {"annotations": annotations} | untracked(meta)
        if keys.CLEANUP_FINALIZER not in meta.finalizers:
            metadata["finalizers"] = [*meta.finalizers, keys.CLEANUP_FINALIZER]
        patch = merge_patch({"metadata": metadata}, resource_version=meta.resource_version)
        # Between choosing and assuming nothing is awaited, so no other Workflow is placed on the same count.
        self._chooser.assume(workflow.key, place)
        try:
            placed = await self._client.patch(WORKFLOW, meta.name, patch, namespace=meta.namespace)
        except BaseException:
            self._chooser.retract(workflow.key)
            raise
        self._workflows.record(placed)
        placement = meta.annotations.get(keys.PLACEMENT_ANNOTATION, "")
        log.info("workflow_placed", cluster=place.cluster, placement=placement, why=place.why)
        self._recorder.normal(
            workflow, "Placed", f"Placement {placement} put it on cluster {place.cluster} ({place.why})"
        )


def needs_cluster(workflow: Object) -> bool:
    """Unplaced, not finished and not on its way out."""
    return is_pending(workflow) and not placed_cluster(workflow)


def is_pending(workflow: Object) -> bool:
    """Not finished and not on its way out."""
    return workflow.metadata.deletion_timestamp is None and not is_finished(workflow)
