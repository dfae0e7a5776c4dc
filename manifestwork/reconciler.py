"""Keeps exactly one ManifestWork for each placed Workflow, from the finalizer on to the last clean-up.

Order is what makes it safe: the finalizer stands before the ManifestWork exists, and goes only after the
ManifestWork (and with it the copy on the cluster) is gone. A name that is used again can so never meet the
copy of its predecessor.
"""

from __future__ import annotations

from controllers.api import keys
from controllers.hub import BY_WORKFLOW, is_finished
from controllers.runtime.cache import Reader
from controllers.runtime.own_writes import OwnWrites
from controllers.runtime.reconcile import Request, Result
from manifestwork.belonging import belongs, is_fenced
from manifestwork.cleanup import Cleanup
from manifestwork.dispatch import Dispatch


class ManifestWorkReconciler:
    """Request: a hub Workflow, whether it exists or only a ManifestWork that claims to be its own."""

    def __init__(
        self, *, workflows: OwnWrites, known_works: Reader, dispatch: Dispatch, cleanup: Cleanup
    ) -> None:
        self._workflows = workflows
        self._known = known_works
        self._dispatch = dispatch
        self._cleanup = cleanup

    async def reconcile(self, request: Request, /) -> Result:
        workflow = self._workflows.get(*request)
        works = self._known.by_index(BY_WORKFLOW, "/".join(request))
        if workflow is None:
            return await self._cleanup.remove_orphans(request, works)
        if workflow.metadata.deletion_timestamp is not None:
            return await self._cleanup.finalize(workflow, works)
        strangers = [work for work in works if not belongs(work, workflow)]
        for work in strangers:
            await self._cleanup.delete(work, "its Workflow was made anew under the same name")
        for work in works:
            if is_fenced(work, workflow):
                await self._cleanup.delete(work, "its Workflow has gone on to another cluster")
        cluster = workflow.metadata.annotations.get(keys.CLUSTER_ANNOTATION)
        if not cluster or is_finished(workflow):
            return Result.done()
        if strangers:
            return Result.done()  # their removal triggers this again; two copies of one name must not meet
        return await self._dispatch.deliver(workflow, cluster, works)
