"""What the hub-side packages share: which Workflows are ours, where they are in caches, and how to say that
one waits. Decides nothing about placing, delivering or syncing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import structlog

from controllers.api import keys
from controllers.api.echo import echoed
from controllers.api.kinds import MANIFEST_WORK, WORKFLOW, WORKFLOW_STATUS_RESULT
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from controllers.ownership import carries, is_copied, work_name_of
from controllers.runtime.cache import Reader
from controllers.runtime.events import MESSAGE_LIMIT, Recorder
from controllers.runtime.own_writes import OwnWrites
from controllers.runtime.scope import Scope

log = structlog.get_logger(__name__)

# Selected by the server: Workflows that run on the hub itself cost us nothing.
WORKFLOWS: Final = Scope(WORKFLOW, label_selector=f"{keys.ENABLE_LABEL}=true")
WORKS: Final = Scope(MANIFEST_WORK, label_selector=f"{keys.ENABLE_LABEL}=true")
RESULTS: Final = Scope(WORKFLOW_STATUS_RESULT)

# Cause of waiting: the work was delivered, and the cluster refuses the copy. Said and taken back by statussync.
APPLY_FAILED: Final = "ApplyFailed"

# Cause of waiting: the cluster is not heard of. Said and taken back by placement.
CLUSTER_LOST: Final = "ClusterLost"

# Index of WORKS and RESULTS: "<namespace>/<name>" of the hub Workflow they say they are about; agents may write that.
BY_WORKFLOW: Final = "workflow"

# Index of WORKS: their name, which nobody can change.
BY_NAME: Final = "name"


def workflow_key(work: Object) -> tuple[str, str] | None:
    """(namespace, name) of the hub Workflow that a ManifestWork or a status result is about, if it says so."""
    annotations = work.metadata.annotations
    namespace = annotations.get(keys.HUB_NAMESPACE_ANNOTATION)
    name = annotations.get(keys.HUB_NAME_ANNOTATION)
    return (namespace, name) if namespace and name else None


def index_by_workflow(work: Object) -> Iterable[str]:
    """Index function of BY_WORKFLOW."""
    key = workflow_key(work)
    if key is not None:
        yield "/".join(key)


def index_by_name(work: Object) -> Iterable[str]:
    """Index function of BY_NAME."""
    yield work.metadata.name


def works_of(works: Reader, workflow: Object) -> list[Object]:
    """The ManifestWorks that were made for this very Workflow, in all clusters' namespaces, the latest first."""
    found = works.by_index(BY_NAME, work_name_of(workflow))
    mine = (work for work in found if carries(work, workflow))
    return sorted(mine, key=lambda work: work.metadata.creation_timestamp, reverse=True)


def is_finished(workflow: Object) -> bool:
    """Whether the hub shows a final phase; by Argo's label, which statussync keeps, so nothing is decoded."""
    return workflow.metadata.labels.get(keys.COMPLETED_LABEL) == "true" and not is_copied(workflow)


class Waiting:
    """Tells the user why a Workflow does not move: an annotation that reads like a condition, an Event, a log line.

    The annotation is the memory: nothing is said twice, also after a restart.
    """

    def __init__(self, client: Client, workflows: OwnWrites, recorder: Recorder) -> None:
        self._client = client
        self._workflows = workflows
        self._recorder = recorder

    async def report(self, workflow: Object, event: str, reason: str, message: str) -> None:
        """`event` is the Event's reason (NotPlaced, NotDispatched), `reason` one CamelCase word for the cause."""
        text = echoed(f"{reason}: {message}", MESSAGE_LIMIT)
        if workflow.metadata.annotations.get(keys.WAITING_ANNOTATION) == text:
            return
        log.warning("workflow_waiting", event_reason=event, cause=reason, message=message)
        await self._annotate(workflow, text)
        self._recorder.warning(workflow, event, text)

    @staticmethod
    def cause(workflow: Object) -> str:
        """The `reason` that was reported last; "" when the Workflow does not wait."""
        return workflow.metadata.annotations.get(keys.WAITING_ANNOTATION, "").partition(":")[0]

    async def clear(self, workflow: Object) -> None:
        """Takes the annotation away once the Workflow moves again."""
        if keys.WAITING_ANNOTATION in workflow.metadata.annotations:
            await self._annotate(workflow, None)

    async def _annotate(self, workflow: Object, text: str | None) -> None:
        meta = workflow.metadata
        patch = merge_patch(
            {"metadata": {"annotations": {keys.WAITING_ANNOTATION: text}}},
            resource_version=meta.resource_version,
        )
        self._workflows.record(await self._client.patch(WORKFLOW, meta.name, patch, namespace=meta.namespace))
