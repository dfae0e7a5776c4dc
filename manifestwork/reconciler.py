"""Keeps exactly one ManifestWork for each placed Workflow, from the finalizer on to the last clean-up.

Order is what makes it safe: the finalizer stands before the ManifestWork exists, and goes only after the
ManifestWork (and with it the copy on the cluster) is gone. A name that is used again can so never meet the
copy of its predecessor.
"""

from __future__ import annotations

from typing import Final

from controllers.hub import BY_WORKFLOW, is_finished, works_of
from controllers.kube.object import Object
from controllers.ownership import carries, is_fenced, placed_cluster, work_name_of
from controllers.runtime.cache import Reader
from controllers.runtime.own_writes import OwnWrites
from controllers.runtime.reconcile import Request, Result
from manifestwork.cleanup import Cleanup
from manifestwork.dispatch import Dispatch
from manifestwork.restore import Restore

# Seconds after which a Workflow is asked about again whose work is being read, or whose predecessor's is being removed.
_SOON: Final = 1.0


class ManifestWorkReconciler:
    """Request: a hub Workflow, whether it exists or only a ManifestWork that claims to be its own."""

    def __init__(
        self,
        *,
        workflows: OwnWrites,
        known_works: Reader,
        dispatch: Dispatch,
        cleanup: Cleanup,
        restore: Restore,
    ) -> None:
        self._workflows = workflows
        self._known = known_works
        self._dispatch = dispatch
        self._cleanup = cleanup
        self._restore = restore

    async def reconcile(self, request: Request, /) -> Result:
        workflow = self._workflows.get(*request)
        claiming = self._known.by_index(BY_WORKFLOW, "/".join(request))
        if workflow is None:
            return await self._cleanup.without_workflow(request, claiming)
        works = works_of(self._known, workflow)
        if workflow.metadata.deletion_timestamp is not None:
            return await self._cleanup.finalize(workflow, works)
        strangers = [work for work in claiming if not carries(work, workflow)]
        for work in strangers:
            await self._cleanup.delete(work, "its Workflow was created again under the same name")
        for work in works:
            if is_fenced(work, workflow):
                await self._cleanup.delete(work, "its Workflow was rescheduled to another cluster")
        present = next((work for work in works if not is_fenced(work, workflow)), None)
        if present is not None:
            workflow = await self._restore.restore(workflow, present)
        cluster = placed_cluster(workflow)
        if not cluster or is_finished(workflow):
            return Result.done()
        if present is None and self._is_being_read(workflow):
            return Result.recheck(after=_SOON)
        # Two copies of one name must not meet; a stranger on another cluster is not in the way.
        blocking = next((work for work in strangers if work.metadata.namespace == cluster), None)
        if blocking is not None:
            return await self._dispatch.wait_for(workflow, blocking)
        return await self._dispatch.deliver(workflow, cluster, works)

    def _is_being_read(self, workflow: Object) -> bool:
        """Whether there is a work of its name of which caches remember only the uid: the Workflow had ended."""
        return bool(self._known.settled_named(work_name_of(workflow)))
