"""Removes ManifestWorks, and lets a Workflow go once nothing of it is left on a cluster."""

from __future__ import annotations

import structlog

from controllers.api import keys
from controllers.api.kinds import MANIFEST_WORK, WORKFLOW
from controllers.hub import Waiting
from controllers.kube.client import Client
from controllers.kube.errors import NotFound
from controllers.kube.object import Object
from controllers.kube.patch import finalizer_patch
from controllers.ownership import carries, is_fenced, placed_cluster, work_name_of
from controllers.runtime.cache import Reader
from controllers.runtime.own_writes import OwnWrites
from controllers.runtime.reconcile import Request, Result
from manifestwork import held
from manifestwork.restore import Restore

log = structlog.get_logger(__name__)


class Cleanup:
    """`works` and `known_works` are the same: with what this process has written, and with what caches have let go of;
    `workflows` is what caches have of the hub's Workflows."""

    def __init__(
        self,
        client: Client,
        *,
        workflows: Reader,
        works: OwnWrites,
        known_works: Reader,
        clusters: Reader,
        restore: Restore,
        waiting: Waiting,
    ) -> None:
        self._client = client
        self._workflows = workflows
        self._works = works
        self._known = known_works
        self._clusters = clusters
        self._restore = restore
        self._waiting = waiting

    async def finalize(self, workflow: Object, works: list[Object]) -> Result:
        """Deletes the ManifestWorks, and lets the Workflow go once they are gone. `works`: those that caches have."""
        meta = workflow.metadata
        if keys.CLEANUP_FINALIZER not in meta.finalizers:
            return Result.done()
        works = [*works, *await self._unseen_works(workflow, works)]
        waits = False
        for work in works:
            await self.delete(work, "its Workflow is being deleted")
            # A cluster that has left the fleet will never confirm; its works need not be waited for. Nor need those of
            # an earlier attempt: their cluster was lost, and removes the copy if it ever comes back.
            waits = waits or (
                not is_fenced(work, workflow) and self._clusters.get("", work.metadata.namespace) is not None
            )
        if waits:
            await held.tell(
                self._waiting, workflow, [work for work in works if not is_fenced(work, workflow)]
            )
            return Result.done()  # the ManifestWork's removal triggers this again
        rest = [item for item in meta.finalizers if item != keys.CLEANUP_FINALIZER]
        try:
            await self._client.patch(
                WORKFLOW,
                meta.name,
                finalizer_patch(meta.finalizers, rest, uid=meta.uid),
                namespace=meta.namespace,
            )
        except NotFound:
            return Result.done()
        log.info("workflow_cleaned_up")
        return Result.done()

    async def _unseen_works(self, workflow: Object, seen: list[Object]) -> list[Object]:
        """The ManifestWorks by their name: those that caches have let go of since the Workflow had finished, or that
        this process created and the cache has not heard of."""
        name = work_name_of(workflow)
        clusters = {cluster for cluster, _ in self._known.settled_named(name)}
        if all(is_fenced(work, workflow) for work in seen):
            clusters.add(placed_cluster(workflow))
        found = []
        for cluster in sorted(filter(None, clusters)):
            work = await self._client.find(MANIFEST_WORK, name, namespace=cluster)
            if work is None:
                self._works.forget(cluster, name)
            elif carries(work, workflow):
                found.append(work)
        return found

    async def without_workflow(self, request: Request, works: list[Object]) -> Result:
        """For a Workflow that caches do not have: it has ended, or its label was taken away, or it does not exist,
        since the hub was restored or a finalizer was taken by force. `works`: those that say they are about it."""
        if self._workflows.settled_uid(*request) is not None and not works:
            return Result.done()
        # Asked of the server: a cache may lag, and a wrong answer would kill a running Workflow.
        live = await self._client.find(WORKFLOW, request.name, namespace=request.namespace)
        mine = [] if live is None else [work for work in works if carries(work, live)]
        for work in works:
            if work not in mine:
                await self.delete(work, "its Workflow does not exist on the hub")
        if live is not None and live.metadata.labels.get(keys.ENABLE_LABEL) != "true":
            was_sent = mine or keys.CLEANUP_FINALIZER in live.metadata.finalizers
            if was_sent:
                await self._restore.restore_label(live)
        return Result.done()

    async def delete(self, work: Object, why: str) -> None:
        """`why` is for the log. Raises ApiError."""
        meta = work.metadata
        if meta.deletion_timestamp is not None:
            return
        try:
            await self._client.delete(MANIFEST_WORK, meta.name, namespace=meta.namespace, uid=meta.uid)
        except NotFound:
            return
        log.info("work_deleted", cluster=meta.namespace, work=meta.name, why=why)
