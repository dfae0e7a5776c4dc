"""Sends a Workflow to its cluster as a ManifestWork, and what changes of it later after it.

The finalizer stands before the ManifestWork exists.
"""

from __future__ import annotations

import structlog

from controllers.api import keys
from controllers.api.echo import echoed
from controllers.api.kinds import MANIFEST_WORK, WORKFLOW
from controllers.api.meta import parsed
from controllers.api.workflow import MUTABLE_SPEC
from controllers.grants import Grants
from controllers.hub import APPLY_FAILED, CLUSTER_LOST, Waiting
from controllers.kube.client import Client
from controllers.kube.errors import AlreadyExists, BadRequest, Forbidden, Invalid, NotFound, TooLarge
from controllers.kube.object import Object
from controllers.kube.patch import JsonObject, finalizer_patch, merge_patch
from controllers.ownership import carries, is_fenced
from controllers.runtime.cache import Reader
from controllers.runtime.clock import now
from controllers.runtime.events import Recorder
from controllers.runtime.own_writes import OwnWrites
from controllers.runtime.reconcile import Result
from manifestwork.build import (
    UndeliverableError,
    carry,
    is_carried,
    manifest_work,
    target_namespace,
    work_name,
)
from manifestwork.liveness import Agents

log = structlog.get_logger(__name__)

# A cluster's namespace is made by its registration; there is no watch on namespaces for the sake of this one error.
_NAMESPACE_RECHECK = 15.0

# Seconds for which the work of an earlier Workflow of the same name is waited for before the user is told.
_PREDECESSOR_PATIENCE = 5.0

# Causes of waiting that are taken back by those who report them.
_SAID_BY_OTHERS = (APPLY_FAILED, CLUSTER_LOST)


class Dispatch:
    """`workflows` and `works` are the hub's. What keeps a Workflow from its cluster is told by `waiting`."""

    def __init__(
        self,
        client: Client,
        *,
        workflows: OwnWrites,
        works: OwnWrites,
        clusters: Reader,
        grants: Grants,
        agents: Agents,
        waiting: Waiting,
        recorder: Recorder,
    ) -> None:
        self._client = client
        self._workflows = workflows
        self._works = works
        self._clusters = clusters
        self._grants = grants
        self._agents = agents
        self._waiting = waiting
        self._recorder = recorder

    async def deliver(self, workflow: Object, cluster: str, works: list[Object]) -> Result:
        """`works`: those of all its attempts, on any cluster. Raises ApiError."""
        try:
            name = work_name(workflow.metadata.name, workflow.metadata.uid)
        except UndeliverableError as error:
            await self._waiting.report(workflow, "NotDispatched", error.reason, str(error))
            return Result.done()
        work = self._works.get(cluster, name)
        if work is not None and carries(work, workflow):
            # One of an earlier attempt has to go first, which triggers this again.
            if not is_fenced(work, workflow):
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
        refusal = self._grants.refusal(
            workflow.metadata.namespace, member, target_namespace(workflow.metadata)
        )
        if refusal is not None:
            await self._waiting.report(workflow, "NotDispatched", refusal.reason, refusal.message)
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
        try:
            body = manifest_work(workflow.to_dict(), workflow.metadata, cluster, claimed=claimed)
        except UndeliverableError as error:
            await self._waiting.report(workflow, "NotDispatched", error.reason, str(error))
            return Result.done()
        try:
            work = await self._client.create(MANIFEST_WORK, body, namespace=cluster)
        except AlreadyExists:
            # Created before a crash, or by the reference implementation; or a stranger's by chance.
            work = await self._client.get(MANIFEST_WORK, body["metadata"]["name"], namespace=cluster)
            if not carries(work, workflow):
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

    async def wait_for(self, workflow: Object, predecessor: Object) -> Result:
        """Until the work of an earlier Workflow of this name, on the same cluster, is gone. Raises ApiError."""
        meta = predecessor.metadata
        began = meta.deletion_timestamp
        waited = (now() - parsed(began)).total_seconds() if began is not None else 0.0
        if waited < _PREDECESSOR_PATIENCE:
            return Result.recheck(after=_PREDECESSOR_PATIENCE - waited + 0.001)
        await self._waiting.report(
            workflow,
            "NotDispatched",
            "PredecessorOnCluster",
            f"cluster {meta.namespace} is still removing an earlier Workflow of this name (ManifestWork "
            f"{meta.namespace}/{meta.name} is held by {', '.join(meta.finalizers) or 'its deletion'}): look there, or "
            "create this one under another name",
        )
        return Result.done()  # its removal triggers this again

    def _no_such_cluster(self, cluster: str) -> str:
        return (
            f"there is no ManagedCluster {echoed(cluster)}: correct annotation {keys.CLUSTER_ANNOTATION}, or let that "
            "cluster join the hub (kubectl get managedclusters shows those that have)"
        )
