"""Writes what a cluster reports into the hub's Workflow: one patch per change that matters.

Touches the status and Argo's two labels. What somebody else writes there is set back, and they are told what to do on
the cluster. Bursts coalesce by themselves: while one patch is under way, any number
of reports end in one more reconcile, which reads the newest.
"""

from __future__ import annotations

from typing import Any

import structlog

from controllers.api import keys
from controllers.api.attempts import attempt, attempt_of
from controllers.api.kinds import MANIFEST_WORK, WORKFLOW, WORKFLOW_STATUS_RESULT
from controllers.api.meta import ObjectMeta
from controllers.hub import APPLY_FAILED, Waiting
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.kube.patch import JsonObject, merge_patch, untracked
from controllers.ownership import is_current, placed_cluster, work_name_of
from controllers.runtime.cache import Key, Reader
from controllers.runtime.events import Recorder
from controllers.runtime.own_writes import OwnWrites
from controllers.runtime.reconcile import Request, Result
from statussync.decide import desired_status, is_contradicted, is_final, labels_for
from statussync.edits import advice
from statussync.report import Report, read

log = structlog.get_logger(__name__)


class StatusSyncReconciler:
    """Request: a hub Workflow."""

    def __init__(
        self,
        client: Client,
        *,
        workflows: OwnWrites,
        known: Reader,
        works: Reader,
        results: Reader,
        waiting: Waiting,
        recorder: Recorder,
    ) -> None:
        self._client = client
        self._workflows = workflows
        self._known = known
        self._works = works
        self._results = results
        self._waiting = waiting
        self._recorder = recorder
        # What each unfinished Workflow was last brought in line with: a difference that comes later is an edit.
        self._synced: dict[Key, tuple[str, ...]] = {}

    async def reconcile(self, request: Request, /) -> Result:
        workflow = self._workflows.get(*request)
        if workflow is None:
            self._synced.pop(request, None)
            return await self._recall(request)
        work = self._work_of(workflow)
        if work is None or self._results.settled_uid(*work.key) is not None:
            return Result.done()  # or not read again yet, which triggers this
        workflow = await self._sync(workflow, work, self._results.get(*work.key))
        await self._tell_failure(workflow, read(work), cluster=work.metadata.namespace)
        return Result.done()

    async def _recall(self, request: Request) -> Result:
        """For a Workflow that had finished and of which a new result has come all the same, as after `argo retry` on
        the cluster: caches have let go of it, so the server is asked."""
        if self._known.settled_uid(*request) is None:
            return Result.done()
        workflow = await self._client.find(WORKFLOW, request.name, namespace=request.namespace)
        if workflow is None:
            return Result.done()
        work, full = await self._read(workflow)
        if work is not None:
            await self._sync(workflow, work, full, is_latest=True)
        return Result.done()

    async def _read(self, workflow: Object) -> tuple[Object | None, Object | None]:
        """Its ManifestWork and its result as they are on the server. Raises ApiError."""
        name, cluster = work_name_of(workflow), placed_cluster(workflow)
        if not cluster:
            return None, None
        work = await self._client.find(MANIFEST_WORK, name, namespace=cluster)
        if work is None or not is_current(work, workflow):
            return None, None
        return work, await self._client.find(WORKFLOW_STATUS_RESULT, name, namespace=cluster)

    def _work_of(self, workflow: Object) -> Object | None:
        """The ManifestWork on the Workflow's present cluster: no other cluster is asked about it."""
        work = self._works.get(placed_cluster(workflow), work_name_of(workflow))
        return work if work is not None and is_current(work, workflow) else None

    async def _sync(
        self, workflow: Object, work: Object, full: Object | None, *, is_latest: bool = False
    ) -> Object:
        meta, cluster = workflow.metadata, work.metadata.namespace
        if full is not None and (full.fault or _is_fenced(full, workflow)):
            full = None
        before: JsonObject = workflow.to_dict().get("status") or {}
        feedback = read(work).feedback
        reported = full.to_dict().get("workflowStatus") if full is not None else None
        if not is_latest and is_contradicted(before, feedback, reported):
            live, result = await self._read(workflow)
            return workflow if live is None else await self._sync(workflow, live, result, is_latest=True)
        news = desired_status(before, feedback, reported, is_latest=is_latest)
        shown = before if news is None else news.status
        phase = str(shown.get("phase") or "")
        labels = labels_for(phase, meta.labels, keys.PHASE_LABEL, keys.COMPLETED_LABEL)
        generation = meta.generation + (0 if news is None else 1)
        annotations = _annotations(meta, reported, observed=f"{generation}@{cluster}")
        versions = (work.metadata.uid, *(item.metadata.resource_version for item in (work, full) if item))
        if news is None and not labels and not annotations:
            self._remember(workflow, versions, is_complete=_is_complete(reported))
            return workflow
        body: dict[str, Any] = {"metadata": {"labels": labels, "annotations": annotations} | untracked(meta)}
        if news is not None:
            body["status"] = news.patch
        # Guarded by the version that the difference was computed from: on a conflict it is computed again.
        patch = merge_patch(body, resource_version=meta.resource_version)
        synced = self._workflows.record(
            await self._client.patch(WORKFLOW, meta.name, patch, namespace=meta.namespace)
        )
        is_same = self._synced.get(workflow.key) == versions
        self._remember(workflow, versions, is_complete=_is_complete(reported))
        has_ended = meta.annotations.get(keys.STATUS_ANNOTATION) == keys.STATUS_COMPLETE
        if news is not None and (is_same or (has_ended and not is_final(str(before.get("phase") or "")))):
            self._undone(workflow, before, news.status, cluster)
        elif phase != before.get("phase"):
            self._moved(workflow, shown, cluster)
        return synced

    def _remember(self, workflow: Object, versions: tuple[str, ...], *, is_complete: bool) -> None:
        if is_complete:  # the annotation says so from now on
            self._synced.pop(workflow.key, None)
        else:
            self._synced[workflow.key] = versions

    def _undone(self, workflow: Object, edited: JsonObject, status: JsonObject, cluster: str) -> None:
        """The reports are those of before: what differed was edited on the hub."""
        log.warning("status_set_back", cluster=cluster, phase=status.get("phase"), edited=edited.get("phase"))
        meta = workflow.metadata
        namespace = meta.annotations.get(keys.CLUSTER_NAMESPACE_ANNOTATION) or meta.namespace
        words = advice(edited, status, name=meta.name, namespace=namespace, cluster=cluster)
        self._recorder.warning(workflow, "StatusSetBack", words)

    def _moved(self, workflow: Object, status: JsonObject, cluster: str) -> None:
        phase = str(status.get("phase") or "")
        log.info("workflow_phase", phase=phase, cluster=cluster)
        if is_final(phase):  # what it does now is in its status
            message = f": {status['message']}" if status.get("message") else ""
            self._recorder.normal(workflow, "StatusSynced", f"{phase} on cluster {cluster}{message}")

    async def _tell_failure(self, workflow: Object, report: Report, *, cluster: str) -> None:
        if report.failure:
            await self._waiting.report(
                workflow,
                "NotApplied",
                APPLY_FAILED,
                f"cluster {cluster} could not apply it: {report.failure}",
            )
        elif self._waiting.cause(workflow) == APPLY_FAILED:
            await self._waiting.clear(workflow)


def _is_fenced(result: Object, workflow: Object) -> bool:
    """Whether a status result is of an earlier attempt. Those of OCM's status add-on bear no origin and no number."""
    annotations = result.metadata.annotations
    if keys.HUB_UID_ANNOTATION not in annotations:
        return False
    return attempt_of(annotations) != attempt(workflow.metadata.annotations)


def _is_complete(reported: JsonObject | None) -> bool:
    return is_final(str((reported or {}).get("phase") or ""))


def _annotations(meta: ObjectMeta, reported: JsonObject | None, *, observed: str) -> dict[str, str | None]:
    """Those of ours that have to change: the end is there in full or, after a retry on the cluster, no longer is.
    `observed` is what the Workflow is once this is written."""
    if reported is None:
        return {}
    wanted: dict[str, str | None] = {keys.STATUS_ANNOTATION: None, keys.OBSERVED_ANNOTATION: None}
    if _is_complete(reported):
        wanted = {keys.STATUS_ANNOTATION: keys.STATUS_COMPLETE, keys.OBSERVED_ANNOTATION: observed}
        if meta.deletion_timestamp is None:  # else it may say what holds its deletion
            wanted[keys.WAITING_ANNOTATION] = None  # whatever it waited for has come: it has ended
    return {name: value for name, value in wanted.items() if meta.annotations.get(name) != value}
