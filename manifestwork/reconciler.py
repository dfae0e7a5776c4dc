"""Keeps exactly one ManifestWork for each placed Workflow, from the finalizer on to the last clean-up.

Order is what makes it safe: the finalizer stands before the ManifestWork exists, and goes only after the
ManifestWork (and with it the copy on the cluster) is gone. A name that is used again can so never meet the
copy of its predecessor.
"""

from __future__ import annotations

import structlog

from controllers.api import keys
from controllers.api.attempts import attempt, attempt_of
from controllers.api.kinds import MANIFEST_WORK, WORKFLOW
from controllers.api.naming import manifest_work_name
from controllers.api.workflow import MUTABLE_SPEC
from controllers.hub import APPLY_FAILED, BY_WORKFLOW, CLUSTER_LOST, Waiting, is_finished
from controllers.kube.client import Client
from controllers.kube.errors import AlreadyExists, BadRequest, Forbidden, Invalid, NotFound, TooLarge
from controllers.kube.object import Object
from controllers.kube.patch import JsonObject, finalizer_patch, merge_patch
from controllers.runtime.cache import Reader
from controllers.runtime.events import Recorder
from controllers.runtime.own_writes import OwnWrites
from controllers.runtime.reconcile import Request, Result
from manifestwork.build import NAME_LIMIT, UndeliverableError, carry, is_carried, manifest_work, work_name
from manifestwork.liveness import Agents

log = structlog.get_logger(__name__)

# A cluster's namespace is made by its registration; there is no watch on namespaces for the sake of this one error.
_NAMESPACE_RECHECK = 15.0

_ALREADY_DISPATCHED = "AlreadyDispatched"

# Causes of waiting that are taken back by those who report them.
_SAID_BY_OTHERS = (APPLY_FAILED, CLUSTER_LOST)


class ManifestWorkReconciler:
    """Request: a hub Workflow, whether it exists or only a ManifestWork that claims to be its own."""

    def __init__(
        self,
        client: Client,
        *,
        workflows: OwnWrites,
        works: OwnWrites,
        known_works: Reader,
        clusters: Reader,
        agents: Agents,
        waiting: Waiting,
        recorder: Recorder,
    ) -> None:
        self._client = client
        self._workflows = workflows
        self._works = works
        self._known = known_works
        self._clusters = clusters
        self._agents = agents
        self._waiting = waiting
        self._recorder = recorder

    async def reconcile(self, request: Request, /) -> Result:
        workflow = self._workflows.get(*request)
        works = self._known.by_index(BY_WORKFLOW, "/".join(request))
        if workflow is None:
            return await self._remove_orphans(request, works)
        if workflow.metadata.deletion_timestamp is not None:
            return await self._finalize(workflow, works)
        strangers = [work for work in works if not belongs(work, workflow)]
        for work in strangers:
            await self._delete(work, "its Workflow was made anew under the same name")
        for work in works:
            if is_fenced(work, workflow):
                await self._delete(work, "its Workflow has gone on to another cluster")
        cluster = workflow.metadata.annotations.get(keys.CLUSTER_ANNOTATION)
        if not cluster or is_finished(workflow):
            return Result.done()
        if strangers:
            return Result.done()  # their removal triggers this again; two copies of one name must not meet
        return await self._deliver(workflow, cluster, works)

    # -- delivering -------------------------------------------------------------------------------------

    async def _deliver(self, workflow: Object, cluster: str, works: list[Object]) -> Result:
        try:
            name = work_name(workflow.metadata.name, workflow.metadata.uid)
        except UndeliverableError as error:
            await self._waiting.report(workflow, "NotDispatched", error.reason, str(error))
            return Result.done()
        present = [work for work in works if not is_fenced(work, workflow)]
        elsewhere = next((work for work in present if work.metadata.namespace != cluster), None)
        if elsewhere is not None:
            await self._refuse_move(workflow, elsewhere.metadata.namespace, cluster)
            return Result.done()
        work = self._works.get(cluster, name)
        if work is not None:
            # One of an earlier attempt has to go first, which triggers this again.
            if belongs(work, workflow) and not is_fenced(work, workflow):
                await self._carry(workflow, work)
                if self._waiting.cause(workflow) not in _SAID_BY_OTHERS:  # what it waited for before has come
                    await self._waiting.clear(workflow)
            return Result.done()
        member = self._clusters.get("", cluster)
        if member is None or member.metadata.deletion_timestamp is not None:  # or about to leave
            await self._waiting.report(
                workflow, "NotDispatched", "ClusterNotFound", self._no_such_cluster(cluster)
            )
            return Result.done()
        workflow = await self._ensure_finalizer(workflow)
        return await self._create(workflow, cluster)

    async def _ensure_finalizer(self, workflow: Object) -> Object:
        meta = workflow.metadata
        if keys.CLEANUP_FINALIZER in meta.finalizers:
            return workflow
        patch = finalizer_patch(meta.finalizers, [*meta.finalizers, keys.CLEANUP_FINALIZER], uid=meta.uid)
        return self._workflows.record(
            await self._client.patch(WORKFLOW, meta.name, patch, namespace=meta.namespace)
        )

    async def _create(self, workflow: Object, cluster: str) -> Result:
        # Only for an agent that lives: should the Workflow be deleted before it was seen on its cluster, the finalizer
        # would wait for a dead one.
        claimed = self._agents.heard_lately(cluster)
        body = manifest_work(workflow.to_dict(), workflow.metadata, cluster, claimed=claimed)
        try:
            work = await self._client.create(MANIFEST_WORK, body, namespace=cluster)
        except AlreadyExists:
            # Created before a crash, or by the reference implementation; or a stranger's by chance.
            work = await self._client.get(MANIFEST_WORK, body["metadata"]["name"], namespace=cluster)
            if not belongs(work, workflow):
                await self._waiting.report(
                    workflow,
                    "NotDispatched",
                    "ManifestWorkExists",
                    f"ManifestWork {cluster}/{work.metadata.name} exists and is not this Workflow's: delete it",
                )
                return Result.recheck(after=_NAMESPACE_RECHECK)
            work = await self._adopt(work, body)
        except NotFound:
            await self._waiting.report(
                workflow,
                "NotDispatched",
                "ClusterNamespaceMissing",
                f"namespace {cluster} does not exist on the hub, so cluster {cluster} cannot receive work: "
                "let the cluster join (or accept it), which makes its namespace",
            )
            return Result.recheck(after=_NAMESPACE_RECHECK)
        except (Invalid, BadRequest, TooLarge, Forbidden) as error:
            advice = (
                "; move what is large into artifacts, or into WorkflowTemplates on the cluster"
                if isinstance(error, TooLarge)
                else ""
            )
            await self._waiting.report(
                workflow,
                "NotDispatched",
                "ManifestWorkRefused",
                f"the hub refuses its ManifestWork: {error.message}{advice}",
            )
            return Result.done()
        self._works.record(work)
        waited = self._waiting.cause(workflow)
        await self._waiting.clear(workflow)
        log.info("workflow_dispatched", cluster=cluster, work=work.metadata.name)
        if waited or keys.PLACEMENT_ANNOTATION not in workflow.metadata.annotations:
            # Else the Event of its placement has said as much a moment ago, and each Event is one more object.
            self._recorder.normal(
                workflow, "Dispatched", f"Sent to cluster {cluster} as ManifestWork {work.metadata.name}"
            )
        return Result.done()

    async def _adopt(self, work: Object, body: JsonObject) -> Object:
        """Marks a work of the reference implementation as one of ours, or no cache would ever tell of it."""
        metadata = {field: body["metadata"][field] for field in ("labels", "annotations")}
        patch = merge_patch({"metadata": metadata}, resource_version=work.metadata.resource_version)
        return await self._client.patch(
            MANIFEST_WORK, work.metadata.name, patch, namespace=work.metadata.namespace
        )

    async def _carry(self, workflow: Object, work: Object) -> None:
        """Brings stop, suspend, resume and their like to a copy that was delivered before."""
        if is_carried(work, workflow):
            return
        hub_spec = workflow.to_dict().get("spec") or {}
        changed = carry(work.to_dict()["spec"], hub_spec)
        if changed is None:
            return
        patch = merge_patch({"spec": changed}, resource_version=work.metadata.resource_version)
        meta = work.metadata
        self._works.record(
            await self._client.patch(MANIFEST_WORK, meta.name, patch, namespace=meta.namespace)
        )
        fields = {name: hub_spec[name] for name in MUTABLE_SPEC if name in hub_spec}
        log.info("workflow_changed", cluster=meta.namespace, fields=fields)

    async def _refuse_move(self, workflow: Object, runs_on: str, wanted: str) -> None:
        await self._waiting.report(
            workflow,
            "NotMoved",
            _ALREADY_DISPATCHED,
            f"it was sent to cluster {runs_on} already and cannot move to {wanted}: set annotation "
            f"{keys.CLUSTER_ANNOTATION} back to {runs_on}, or delete it and create it anew",
        )

    def _no_such_cluster(self, cluster: str) -> str:
        known = sorted(item.metadata.name for item in self._clusters.all())
        shown = ", ".join(known[:10]) + (", ..." if len(known) > 10 else "") if known else "none"
        return (
            f"there is no ManagedCluster {cluster} (known: {shown}): let that cluster join, or delete the "
            f"Workflow and create it with another value of annotation {keys.CLUSTER_ANNOTATION}"
        )

    # -- cleaning up ------------------------------------------------------------------------------------

    async def _finalize(self, workflow: Object, works: list[Object]) -> Result:
        """Deletes the ManifestWork, and lets the Workflow go once it is gone."""
        meta = workflow.metadata
        if keys.CLEANUP_FINALIZER not in meta.finalizers:
            return Result.done()
        if all(is_fenced(work, workflow) for work in works):
            works = [*works, *await self._unseen_works(workflow)]
        waits = False
        for work in works:
            await self._delete(work, "its Workflow is being deleted")
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
        if (
            self._waiting.cause(workflow) == _ALREADY_DISPATCHED
        ):  # the annotation names another cluster than its own
            clusters |= {cluster for cluster, settled in self._known.settled() if settled == name}
        found = []
        for cluster in sorted(filter(None, clusters)):
            work = await self._client.find(MANIFEST_WORK, name, namespace=cluster)
            if work is None:
                self._works.forget(cluster, name)
            elif belongs(work, workflow):
                found.append(work)
        return found

    async def _remove_orphans(self, request: Request, works: list[Object]) -> Result:
        """Deletes works whose Workflow does not exist: the hub was restored, or a finalizer was taken by force."""
        if not works:
            return Result.done()
        # Asked of the server: a cache may lag, and a wrong answer would kill a running Workflow.
        live = await self._client.find(WORKFLOW, request.name, namespace=request.namespace)
        for work in works:
            if live is None or not belongs(work, live):
                await self._delete(work, "its Workflow does not exist on the hub")
        return Result.done()

    async def _delete(self, work: Object, why: str) -> None:
        meta = work.metadata
        if meta.deletion_timestamp is not None:
            return
        try:
            await self._client.delete(MANIFEST_WORK, meta.name, namespace=meta.namespace, uid=meta.uid)
        except NotFound:
            return
        log.info("work_deleted", cluster=meta.namespace, work=meta.name, why=why)


def is_fenced(work: Object, workflow: Object) -> bool:
    """Whether `work` is of an earlier attempt of this Workflow: what it says does not count, and it is to go."""
    return belongs(work, workflow) and attempt_of(work.metadata.annotations) < attempt(
        workflow.metadata.annotations
    )


def belongs(work: Object, workflow: Object) -> bool:
    """Whether `work` carries this very Workflow, not an earlier one of the same name.

    Works of the reference implementation have no uid annotation; the five characters in the name decide then.
    """
    uid = work.metadata.annotations.get(keys.HUB_UID_ANNOTATION)
    if uid is not None:
        return uid == workflow.metadata.uid
    return work.metadata.name == manifest_work_name(workflow.metadata.name, workflow.metadata.uid)
