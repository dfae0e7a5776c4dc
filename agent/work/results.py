"""The full status of Workflows on the hub: a WorkflowStatusResult named after the ManifestWork.

Owned by the ManifestWork, so the hub's garbage collector removes it even when the agent is gone. Only what
differs is sent: a status of 100 KB in which one node has changed costs a patch of that node.
"""

from __future__ import annotations

import contextlib
import enum
from typing import Any

from agent.decide.pace import is_phase_change
from agent.work.apply import owner_reference
from controllers.api import keys
from controllers.api.kinds import MANIFEST_WORK, WORKFLOW_STATUS_RESULT
from controllers.api.model import Model
from controllers.kube.client import Client
from controllers.kube.errors import Conflict, NotFound
from controllers.kube.object import Object, readable
from controllers.kube.patch import merge_diff, merge_patch, untracked
from controllers.runtime.own_writes import OwnWrites

_ORIGIN = (
    keys.HUB_NAMESPACE_ANNOTATION,
    keys.HUB_NAME_ANNOTATION,
    keys.HUB_UID_ANNOTATION,
    keys.ATTEMPT_ANNOTATION,
)


class _Result(Model):
    workflow_status: dict[str, Any] | None = None


class Sent(enum.Enum):
    """What has become of a report: the hub had it, has it now, or is to get it later."""

    BEFORE = enum.auto()
    NOW = enum.auto()
    LATER = enum.auto()


class StatusResults:
    """Writes results of one cluster to the hub."""

    def __init__(self, hub: Client, results: OwnWrites) -> None:
        self._hub = hub
        self._results = results

    async def write(self, work: Object, status: dict[str, Any], *, progress: bool = True) -> Sent:
        """Makes the result of `work` carry `status`; nothing is sent when it does already. Raises ApiError.

        Without `progress` only a new phase is sent.
        """
        existing = self._results.get(*work.key)
        if existing is not None and (_is_of_another(existing, work) or _reported(existing) is None):
            await self._delete(existing)
            existing = None
        if existing is None:
            self._results.record(await self._create(work, status))
            return Sent.NOW
        body: dict[str, Any] = {}
        changed = merge_diff(_reported(existing) or {}, status)
        if changed is not None:
            if not progress and not is_phase_change(changed):
                return Sent.LATER
            body["workflowStatus"] = changed
        if not _is_of(existing, work):  # made by OCM's status add-on, which sets no owner
            body["metadata"] = {"ownerReferences": [owner_reference(MANIFEST_WORK, work)]}
        if not body:
            return Sent.BEFORE
        meta = existing.metadata
        if cleared := untracked(meta):
            body["metadata"] = body.get("metadata", {}) | cleared
        patch = merge_patch(body, resource_version=meta.resource_version)
        try:
            self._results.record(
                await self._hub.patch(WORKFLOW_STATUS_RESULT, meta.name, patch, namespace=meta.namespace)
            )
        except NotFound:
            self._results.forget(*work.key)
            self._results.record(await self._create(work, status))
        return Sent.NOW

    async def remove(self, work: Object) -> None:
        """Deletes the result of a work that goes. Garbage collection would do it too, but at 20 objects a second."""
        existing = self._results.get(*work.key)
        if existing is not None and _is_of(existing, work):
            await self._delete(existing)

    def status_of(self, work: Object) -> dict[str, Any]:
        """What the hub was told last; {} for nothing."""
        existing = self._results.get(*work.key)
        if existing is None or not _is_of(existing, work):
            return {}
        return _reported(existing) or {}

    async def _delete(self, stale: Object) -> None:
        meta = stale.metadata
        with contextlib.suppress(NotFound, Conflict):  # the hub's garbage collector was faster
            await self._hub.delete(WORKFLOW_STATUS_RESULT, meta.name, namespace=meta.namespace, uid=meta.uid)
        self._results.removed(stale)

    async def _create(self, work: Object, status: dict[str, Any]) -> Object:
        meta = work.metadata
        body = {
            "apiVersion": WORKFLOW_STATUS_RESULT.api_version,
            "kind": WORKFLOW_STATUS_RESULT.kind,
            "metadata": {
                "name": meta.name,
                "namespace": meta.namespace,
                "annotations": {key: meta.annotations[key] for key in _ORIGIN if key in meta.annotations},
                "ownerReferences": [owner_reference(MANIFEST_WORK, work)],
            },
            "workflowStatus": status,
        }
        return await self._hub.create(WORKFLOW_STATUS_RESULT, body, namespace=meta.namespace)


def _reported(result: Object) -> dict[str, Any] | None:
    """What the result says, {} for nothing; None if it cannot be read, which is no work of an agent."""
    found = next(readable([result], _Result), None)
    return None if found is None else found.workflow_status or {}


def _is_of(result: Object, work: Object) -> bool:
    return any(item.uid == work.metadata.uid for item in result.metadata.owner_references)


def _is_of_another(result: Object, work: Object) -> bool:
    """Whether it is left from an earlier work of the same name."""
    owned = any(item.kind == MANIFEST_WORK.kind for item in result.metadata.owner_references)
    return owned and not _is_of(result, work)
