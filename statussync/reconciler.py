"""Writes what a cluster reports into the hub's Workflow: one patch per change that matters.

Touches the status and Argo's two labels. Bursts coalesce by themselves: while one patch is under way, any number
of reports end in one more reconcile, which reads the newest.
"""

from __future__ import annotations

from typing import Any

import structlog

from controllers.api import keys
from controllers.api.attempts import attempt, attempt_of
from controllers.api.kinds import WORKFLOW, WORKFLOW_STATUS_RESULT
from controllers.api.naming import manifest_work_name
from controllers.hub import APPLY_FAILED, BY_WORKFLOW, Waiting
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.kube.patch import JsonObject, merge_patch, untracked
from controllers.runtime.cache import Reader
from controllers.runtime.events import Recorder
from controllers.runtime.own_writes import OwnWrites
from controllers.runtime.reconcile import Request, Result
from statussync.decide import desired_status, is_final, labels_for
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

    async def reconcile(self, request: Request, /) -> Result:
        workflow = self._workflows.get(*request)
        if workflow is None:
            return await self._recall(request)
        work = self._work_of(workflow)
        if work is None:
            return Result.done()
        report = read(work)
        full = self._results.get(*work.key)
        workflow = await self._sync(workflow, report, full, cluster=work.metadata.namespace)
        await self._tell_failure(workflow, report, cluster=work.metadata.namespace)
        return Result.done()

    async def _recall(self, request: Request) -> Result:
        """For a Workflow that had finished and of which a new result has come all the same, as after `argo retry` on
        the cluster: caches have let go of it, so the server is asked."""
        if self._known.settled_uid(*request) is None:
            return Result.done()
        workflow = await self._client.find(WORKFLOW, request.name, namespace=request.namespace)
        if workflow is None:
            return Result.done()
        meta = workflow.metadata
        cluster = meta.annotations.get(keys.CLUSTER_ANNOTATION, "")
        name = manifest_work_name(meta.name, meta.uid)
        full = await self._client.find(WORKFLOW_STATUS_RESULT, name, namespace=cluster)
        if full is not None:
            await self._sync(workflow, Report({}), full, cluster=cluster)
        return Result.done()

    def _work_of(self, workflow: Object) -> Object | None:
        meta = workflow.metadata
        name = manifest_work_name(meta.name, meta.uid)
        works = self._works.by_index(BY_WORKFLOW, f"{meta.namespace}/{meta.name}")
        number = attempt(meta.annotations)
        return next(
            (
                work
                for work in works
                if work.metadata.name == name and attempt_of(work.metadata.annotations) == number
            ),
            None,
        )

    async def _sync(self, workflow: Object, report: Report, full: Object | None, *, cluster: str) -> Object:
        meta = workflow.metadata
        if full is not None and (full.fault or _is_fenced(full, workflow)):
            full = None
        before: JsonObject = workflow.to_dict().get("status") or {}
        reported = full.to_dict().get("workflowStatus") if full is not None else None
        news = desired_status(before, report.feedback, reported)
        shown = before if news is None else news.status
        phase = str(shown.get("phase") or "")
        labels = labels_for(phase, meta.labels, keys.PHASE_LABEL, keys.COMPLETED_LABEL)
        body: dict[str, Any] = {}
        if news is not None:
            body["status"] = news.patch
        if not body and not labels:
            return workflow
        body["metadata"] = {"labels": labels} | untracked(meta)
        if is_final(str((reported or {}).get("phase") or "")):
            annotations: dict[str, str | None] = {keys.STATUS_ANNOTATION: keys.STATUS_COMPLETE}
            if keys.WAITING_ANNOTATION in meta.annotations:
                annotations[keys.WAITING_ANNOTATION] = None  # whatever it waited for has come: it has ended
            body["metadata"]["annotations"] = annotations
        # Guarded by the version that the difference was computed from: on a conflict it is computed anew.
        patch = merge_patch(body, resource_version=meta.resource_version)
        synced = self._workflows.record(
            await self._client.patch(WORKFLOW, meta.name, patch, namespace=meta.namespace)
        )
        if phase != before.get("phase"):
            log.info("workflow_phase", phase=phase, cluster=cluster)
        if phase != before.get("phase") and is_final(phase):  # what it does now is in its status
            message = f": {shown['message']}" if shown.get("message") else ""
            self._recorder.normal(workflow, "StatusSynced", f"{phase} on cluster {cluster}{message}")
        return synced

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
