"""Annotates a Workflow with its cluster as soon as its Placement has a decision. Reads caches only.

Writes the cluster annotation once and never changes it; never touches a Workflow's status. The finalizer that
delivering needs goes into the same write: a placed Workflow is one that will have something to clean up.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import structlog

from controllers.api import keys
from controllers.api.kinds import WORKFLOW
from controllers.api.placement import Placement, PlacementDecision
from controllers.hub import Waiting, is_finished
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch, untracked
from controllers.runtime.cache import Key, Reader
from controllers.runtime.events import Recorder
from controllers.runtime.own_writes import OwnWrites
from controllers.runtime.reconcile import Request, Result
from placement.decide import Place, PlacementState, choose
from placement.decisions import BY_PLACEMENT
from placement.load import ClusterLoad

log = structlog.get_logger(__name__)


class PlacementReconciler:
    """Request: a hub Workflow. `patience` seconds pass before a Workflow without decision is told why it waits,
    so that files applied together do not leave warnings behind."""

    def __init__(
        self,
        client: Client,
        *,
        workflows: OwnWrites,
        placements: Reader,
        decisions: Reader,
        load: ClusterLoad,
        waiting: Waiting,
        recorder: Recorder,
        patience: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._workflows = workflows
        self._placements = placements
        self._decisions = decisions
        self._load = load
        self._waiting = waiting
        self._recorder = recorder
        self._patience = patience
        self._clock = clock
        self._since: dict[Key, float] = {}

    async def reconcile(self, request: Request, /) -> Result:
        workflow = self._workflows.get(*request)
        if workflow is None or not needs_cluster(workflow):
            self._since.pop(request, None)
            return Result.done()
        name = workflow.metadata.annotations.get(keys.PLACEMENT_ANNOTATION)
        state = self._state(request.namespace, name)
        outcome = choose(request.namespace, name, state, self._load.of(state.clusters))
        if isinstance(outcome, Place):
            await self._place(workflow, outcome.cluster, name or "")
            self._since.pop(request, None)
            return Result.done()
        waited = self._clock() - self._since.setdefault(request, self._clock())
        if waited < self._patience:
            return Result.recheck(after=self._patience - waited + 0.001)
        await self._waiting.report(workflow, "NotPlaced", outcome.reason, outcome.message)
        return Result.done()

    async def _place(self, workflow: Object, cluster: str, placement: str) -> None:
        meta = workflow.metadata
        annotations: dict[str, str | None] = {keys.CLUSTER_ANNOTATION: cluster}
        if keys.WAITING_ANNOTATION in meta.annotations:
            annotations[keys.WAITING_ANNOTATION] = None
        metadata: dict[str, Any] = {"annotations": annotations} | untracked(meta)
        if keys.CLEANUP_FINALIZER not in meta.finalizers:
            metadata["finalizers"] = [*meta.finalizers, keys.CLEANUP_FINALIZER]
        patch = merge_patch({"metadata": metadata}, resource_version=meta.resource_version)
        # Between choosing and assuming nothing is awaited, so no other Workflow is placed on the same count.
        self._load.assume(workflow.key, cluster)
        try:
            placed = await self._client.patch(WORKFLOW, meta.name, patch, namespace=meta.namespace)
        except BaseException:
            self._load.retract(workflow.key)
            raise
        self._workflows.record(placed)
        log.info("workflow_placed", cluster=cluster, placement=placement)
        self._recorder.normal(workflow, "Placed", f"Placement {placement} put it on cluster {cluster}")

    def _state(self, namespace: str, name: str | None) -> PlacementState:
        found = self._placements.get(namespace, name) if name else None
        if found is None:
            return PlacementState(exists=False)
        pages = [
            page.decode(PlacementDecision)
            for page in self._decisions.by_index(BY_PLACEMENT, f"{namespace}/{name}")
            if page.metadata.deletion_timestamp is None
        ]
        pages.sort(key=lambda page: page.metadata.name)
        clusters = tuple(item.cluster_name for page in pages for item in page.status.decisions)
        why = ""
        if not clusters:
            conditions = found.decode(Placement).status.conditions or []
            why = next((item.message for item in conditions if item.type == "PlacementSatisfied"), "")
        return PlacementState(exists=True, clusters=clusters, why=why)


def needs_cluster(workflow: Object) -> bool:
    """Unplaced, not finished and not on its way out."""
    meta = workflow.metadata
    return (
        meta.deletion_timestamp is None
        and not meta.annotations.get(keys.CLUSTER_ANNOTATION)
        and not is_finished(workflow)
    )
