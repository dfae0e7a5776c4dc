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
from controllers.runtime.cache import Reader
from controllers.runtime.own_writes import OwnWrites
from controllers.runtime.reconcile import Request, Result
from manifestwork.belonging import belongs, is_fenced
from manifestwork.build import NAME_LIMIT, work_name
from manifestwork.dispatch import ALREADY_DISPATCHED

log = structlog.get_logger(__name__)


class Cleanup:
    """`works` and `known_works` are the same: with what this process has written, and with what caches have let go."""

    def __init__(
        self, client: Client, *, works: OwnWrites, known_works: Reader, clusters: Reader, waiting: Waiting
    ) -> None:
        self._client = client
        self._works = works
        self._known = known_works
        self._clusters = clusters
        self._waiting = waiting

    async def finalize(self, workflow: Object, works: list[Object]) -> Result:
        """Deletes the ManifestWork, and lets the Workflow go once it is gone."""
        meta = workflow.metadata
        if keys.CLEANUP_FINALIZER not in meta.finalizers:
            return Result.done()
        if all(is_fenced(work, workflow) for work in works):
            works = [*works, *await self._unseen_works(workflow)]
        waits = False
        for work in works:
            await self.delete(work, "its Workflow is being deleted")
            # A cluster that has left the fleet will never confirm; its works need not be waited for. Nor need those of
            # an earlier attempt: their cluster was lost, and removes the copy if it ever comes back.
            waits = waits or (
                not is_fenced(work, workflow) and self._clusters.get("", work.metadata.namespace) is not None
            )
        if waits:
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

    async def _unseen_works(self, workflow: Object) -> list[Object]:
        """The ManifestWork by its name: one that the cache has let go of since its Workflow had finished, or that
        this process created and the cache has not heard of."""
        meta = workflow.metadata
        if len(meta.name) > NAME_LIMIT:
            return []
        name = work_name(meta.name, meta.uid)
        clusters = {meta.annotations.get(keys.CLUSTER_ANNOTATION)}
        if self._waiting.cause(workflow) == ALREADY_DISPATCHED:
            clusters |= {cluster for cluster, settled in self._known.settled() if settled == name}
        found = []
        for cluster in sorted(filter(None, clusters)):
            work = await self._client.find(MANIFEST_WORK, name, namespace=cluster)
            if work is None:
                self._works.forget(cluster, name)
            elif belongs(work, workflow):
                found.append(work)
        return found

    async def remove_orphans(self, request: Request, works: list[Object]) -> Result:
        """Deletes works whose Workflow does not exist: the hub was restored, or a finalizer was taken by force."""
        if not works:
            return Result.done()
        # Asked of the server: a cache may lag, and a wrong answer would kill a running Workflow.
        live = await self._client.find(WORKFLOW, request.name, namespace=request.namespace)
        for work in works:
            if live is None or not belongs(work, live):
                await self.delete(work, "its Workflow does not exist on the hub")
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
