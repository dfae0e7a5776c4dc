"""Evaluates a Placement whenever something it can see has changed, and writes what differs."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import msgspec
import structlog

from controllers.api.kinds import PLACEMENT, PLACEMENT_DECISION
from controllers.api.placement import Placement, PlacementDecision
from controllers.kube.client import Client
from controllers.kube.errors import AlreadyExists, Conflict, NotFound
from controllers.kube.object import Object, readable
from controllers.kube.patch import merge_diff, merge_patch
from controllers.runtime.cache import Reader
from controllers.runtime.clock import now
from controllers.runtime.reconcile import Request, Result
from placement.decisions import BY_PLACEMENT
from placement.evaluator.decisions import Plan, Write, pages, plan
from placement.evaluator.echoes import Echoes
from placement.evaluator.evaluate import evaluate, is_left_alone
from placement.evaluator.hub import Hub
from placement.evaluator.status import placement_status

log = structlog.get_logger(__name__)

# Seconds after which a Placement that waits for something to run out is evaluated again in any case.
_LONGEST = 24 * 3600.0


class EvaluatorReconciler:
    """Request: a Placement."""

    def __init__(
        self,
        client: Client,
        hub: Hub,
        *,
        placements: Reader,
        decisions: Reader,
        echoes: Echoes,
        now: Callable[[], datetime.datetime] = now,
    ) -> None:
        self._client = client
        self._hub = hub
        self._placements = placements
        self._decisions = decisions
        self._echoes = echoes
        self._now = now

    async def reconcile(self, request: Request, /) -> Result:
        found = self._placements.get(*request)
        if found is None:
            self._echoes.forget(request)
            return Result.done()
        placement = found.decode(Placement)
        if is_left_alone(placement):
            return Result.done()
        own = self._decisions.by_index(BY_PLACEMENT, f"{request.namespace}/{request.name}")
        snapshot = self._hub.snapshot(request, list(readable(own, PlacementDecision)), self._now())
        evaluation = await self._hub.expressions.answered(snapshot.cel, lambda: evaluate(placement, snapshot))
        desired: list[PlacementDecision] = []
        if evaluation.groups is not None:
            desired = pages(placement, evaluation.groups)
            todo = plan(desired, snapshot.decisions)
            self._echoes.begin(request, desired, todo)
            await self._carry_out(todo)
            self._echoes.end(request)
        status = placement_status(placement, evaluation, desired, snapshot.now)
        self._echoes.tell(request, status)
        if status != placement.status:
            await self._write_status(found, msgspec.to_builtins(status))
            log.info(
                "placement_evaluated",
                clusters=len(evaluation.clusters),
                reason=evaluation.satisfied.reason,
            )
        if evaluation.until is None:
            return Result.done()
        # A toleration or a score runs out then; a moment later, since it holds up to that time.
        left = (evaluation.until - snapshot.now).total_seconds()
        return Result.recheck(after=min(max(left, 0.0) + 0.001, _LONGEST))

    async def _carry_out(self, todo: Plan) -> None:
        written: dict[str, str] = {}  # the resourceVersion of each page after its last write
        for write in todo.writes:
            name = write.page.metadata.name
            written[name] = await self._write_page(write, written.get(name, write.resource_version))
        for page in todo.deletes:
            meta = page.metadata
            try:
                await self._client.delete(
                    PLACEMENT_DECISION, meta.name, namespace=meta.namespace, uid=meta.uid
                )
            except NotFound:
                continue

    async def _write_page(self, write: Write, version: str) -> str:
        meta = write.page.metadata
        if write.create is not None:
            try:
                created = await self._client.create(
                    PLACEMENT_DECISION, write.create, namespace=meta.namespace
                )
            except AlreadyExists as error:  # not in the cache yet, or without our label
                raise Conflict(error.message, status=error.status, reason=error.reason) from error
            version = created.metadata.resource_version
        if write.metadata is not None:
            patch = merge_patch(write.metadata, resource_version=version)
            patched = await self._client.patch(PLACEMENT_DECISION, meta.name, patch, namespace=meta.namespace)
            version = patched.metadata.resource_version
        if write.status is not None:
            patch = merge_patch(write.status, resource_version=version)
            patched = await self._client.patch(
                PLACEMENT_DECISION, meta.name, patch, namespace=meta.namespace, subresource="status"
            )
            version = patched.metadata.resource_version
        return version

    async def _write_status(self, placement: Object, status: dict[str, object]) -> None:
        changed = merge_diff(placement.to_dict().get("status") or {}, status)
        if changed is None:
            return
        meta = placement.metadata
        patch = merge_patch({"status": changed}, resource_version=meta.resource_version)
        await self._client.patch(PLACEMENT, meta.name, patch, namespace=meta.namespace, subresource="status")
