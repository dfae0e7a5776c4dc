"""Keeps the cluster's AddOnPlacementScore on the hub, by which Placements can prefer clusters that have room.

It is named `argosy` and lives in the cluster's namespace: a Placement asks for it as `resourceName: argosy`,
`scoreName: cpuFree`.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any, Final

import structlog

from agent.decide.scores import Counts, counted, due, scores, status
from agent.pods import room_beside
from controllers.api.keys import COMPLETED_LABEL, PHASE_LABEL
from controllers.api.kinds import ADDON_PLACEMENT_SCORE, WORKFLOW
from controllers.kube.client import Client
from controllers.kube.errors import Forbidden, NotFound
from controllers.kube.object import Object, readable
from controllers.kube.patch import merge_patch
from controllers.runtime.cache import Change, Reader
from controllers.runtime.informer import Informer
from controllers.runtime.reconcile import Request, Result
from controllers.runtime.scope import Scope

log = structlog.get_logger(__name__)

NAME: Final = "argosy"

# Nothing but metadata is sent of them: Argo's labels say how far each is.
UNFINISHED: Final = Scope(WORKFLOW, label_selector=f"{COMPLETED_LABEL}!=true", metadata_only=True)

# Seconds after which a hub that has refused the scores, or does not know their kind, is asked again.
_REFUSED = 300.0


class ScoresReconciler:
    """Request: the AddOnPlacementScore of this agent. `pods` as Claimed, None: what is free is not told. Informers that
    may not read are no reason to fail: their scores are left out."""

    def __init__(
        self,
        hub: Client,
        *,
        nodes: Reader,
        pods: Informer | None,
        workflows: Informer,
        now: Callable[[], datetime.datetime],
    ) -> None:
        self._hub = hub
        self._nodes = nodes
        self._pods = pods
        self._workflows = workflows
        self._now = now
        self._told: dict[str, Any] | None = None
        self._has_warned = False

    async def reconcile(self, request: Request, /) -> Result:
        here = room_beside(self._pods, list(readable(self._nodes.all(), dict[str, Any])))
        found = scores(here, self._counts())
        now = self._now()
        wait = due(self._told, found, now)
        if wait > 0:
            return Result.recheck(after=wait)
        body = status(found, now)
        try:
            await self._tell(request, body)
        except (Forbidden, NotFound) as error:
            if not self._has_warned:
                log.warning(
                    "scores_not_reported",
                    error=error.message,
                    hint="join the cluster again: python -m agent join gives the agent the right to",
                )
            self._has_warned = True
            return Result.recheck(after=_REFUSED)
        self._told = body
        return Result.recheck(after=due(body, found, now))

    async def _tell(self, request: Request, body: dict[str, Any]) -> None:
        patch = merge_patch({"status": body})
        try:
            await self._hub.patch(
                ADDON_PLACEMENT_SCORE, request.name, patch, namespace=request.namespace, subresource="status"
            )
        except NotFound:
            created = {
                "apiVersion": ADDON_PLACEMENT_SCORE.api_version,
                "kind": ADDON_PLACEMENT_SCORE.kind,
                "metadata": {"name": request.name, "namespace": request.namespace},
            }
            await self._hub.create(ADDON_PLACEMENT_SCORE, created, namespace=request.namespace)
            await self._hub.patch(
                ADDON_PLACEMENT_SCORE, request.name, patch, namespace=request.namespace, subresource="status"
            )

    def _counts(self) -> Counts | None:
        if self._workflows.is_denied:
            return None
        return counted(item.metadata.labels.get(PHASE_LABEL, "") for item in self._workflows.store.all())


def only_phase(workflow: Object) -> Object:
    """The Workflow with nothing in it but what tells it from others, and its phase."""
    phase = workflow.metadata.labels.get(PHASE_LABEL)
    return workflow.reduced(metadata={"labels": {} if phase is None else {PHASE_LABEL: phase}})


def counts_otherwise(change: Change) -> bool:
    """Whether a Workflow, as `only_phase` leaves it, is in another phase than before, or has come or gone."""
    old, new = change
    return old is None or new is None or old.metadata.labels != new.metadata.labels
