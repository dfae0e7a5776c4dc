"""Writes back what an edit has taken from a Workflow that was sent: its cluster, its attempts, finalizer and label.

`kubectl replace`, a server-side apply that migrates, or a person may take any of it away. Where a Workflow was sent is
known from its ManifestWork, so the annotations can be made again; without them it would be placed and run once more, or
never be cleaned up. `restoration` decides (pure), `Restore` writes.
"""

from __future__ import annotations

from typing import Any, Final

import structlog

from controllers.api import keys
from controllers.api.attempts import attempt_of, tried
from controllers.api.kinds import WORKFLOW
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.kube.patch import JsonObject, merge_patch
from controllers.ownership import is_copied, placed_cluster
from controllers.runtime.events import Recorder
from controllers.runtime.own_writes import OwnWrites

log = structlog.get_logger(__name__)

# Nobody's Workflow is lost so often; a longer list was not written by us.
_MOST_ATTEMPTS: Final = 50


class Restore:
    """Writes through `workflows`, so that the next reconcile sees it."""

    def __init__(self, client: Client, *, workflows: OwnWrites, recorder: Recorder) -> None:
        self._client = client
        self._workflows = workflows
        self._recorder = recorder

    async def restore(self, workflow: Object, work: Object) -> Object:
        """The Workflow with all that it needs as one that was sent as `work`. Raises ApiError."""
        metadata = restoration(workflow, work)
        if not metadata:
            return workflow
        restored = await self._write(workflow, metadata)
        wanted, cluster = placed_cluster(workflow), work.metadata.namespace
        if wanted and wanted != cluster:
            self._recorder.warning(
                workflow,
                "NotMoved",
                f"it was sent to cluster {cluster} already and cannot move to {wanted}: annotation "
                f"{keys.CLUSTER_ANNOTATION} is set back; to run it elsewhere delete it and create it again",
            )
        else:
            self._recorder.warning(
                workflow,
                "Restored",
                f"it was sent to cluster {cluster}, and an edit took away {_named(metadata)}, which is written back: "
                "to end it, delete it",
            )
        return restored

    async def restore_label(self, workflow: Object) -> None:
        """For a Workflow, read from the server, whose label was taken away after it was sent. Raises ApiError."""
        await self._write(workflow, {"labels": {keys.ENABLE_LABEL: "true"}})
        self._recorder.warning(
            workflow,
            "Restored",
            f'label {keys.ENABLE_LABEL}: "true" cannot be taken off a Workflow that was sent to a cluster, and is '
            "written back: to end it, delete it",
        )

    async def _write(self, workflow: Object, metadata: JsonObject) -> Object:
        meta = workflow.metadata
        patch = merge_patch({"metadata": metadata}, resource_version=meta.resource_version)
        log.warning("workflow_restored", fields=sorted(_fields(metadata)))
        return self._workflows.record(
            await self._client.patch(WORKFLOW, meta.name, patch, namespace=meta.namespace)
        )


def restoration(workflow: Object, work: Object) -> JsonObject:
    """The metadata to merge into `workflow`, which is carried by `work`; {} when nothing is missing."""
    meta, cluster = workflow.metadata, work.metadata.namespace
    metadata: dict[str, Any] = {}
    if placed_cluster(workflow) != cluster or is_copied(workflow):
        attempts = recorded_attempts(work)
        metadata["annotations"] = {
            keys.CLUSTER_ANNOTATION: cluster,
            keys.PLACED_UID_ANNOTATION: meta.uid,
            keys.ATTEMPTS_ANNOTATION: ",".join(attempts) if attempts else None,
        }
    if keys.CLEANUP_FINALIZER not in meta.finalizers:
        metadata["finalizers"] = [*meta.finalizers, keys.CLEANUP_FINALIZER]
    return metadata


def recorded_attempts(work: Object) -> list[str]:
    """The clusters that the Workflow of `work` was sent to, the work's own last; [] when there was no other.

    The agent of that cluster may have changed what the work says: it counts if it could be so. A work that has only
    its number was made by a version that recorded no more.
    """
    meta = work.metadata
    recorded = tried(meta.annotations)
    if 1 < len(recorded) <= _MOST_ATTEMPTS and recorded[-1] == meta.namespace:
        return recorded
    number = min(attempt_of(meta.annotations), _MOST_ATTEMPTS)
    return [*["unknown"] * (number - 1), meta.namespace] if number > 1 else []


def _fields(metadata: JsonObject) -> list[str]:
    return [*metadata.get("annotations", ()), *metadata.get("labels", ())] + (
        [keys.CLEANUP_FINALIZER] if "finalizers" in metadata else []
    )


def _named(metadata: JsonObject) -> str:
    parts = []
    if "annotations" in metadata:
        parts.append(f"annotation {keys.CLUSTER_ANNOTATION}")
    if "finalizers" in metadata:
        parts.append(f"finalizer {keys.CLEANUP_FINALIZER}")
    return " and ".join(parts)
