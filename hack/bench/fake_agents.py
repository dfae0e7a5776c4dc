"""Many agents in one process, for the question of what a fleet of a thousand clusters costs the hub.

They are light: no cluster is behind them. Each cluster has its ManagedCluster, namespace and lease; one watch over all
namespaces sees every ManifestWork, and answers as an agent would whose executor needs the asked time: status result
and feedback, Running and then Succeeded. Of clean-up they do the hub's part: a work that is being deleted is let go.
`python -m hack.bench.fake_agents HUB_KUBECONFIG CLUSTERS`, until it is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import random
import sys
import time

from controllers.api import keys
from controllers.api.kinds import (
    LEASE,
    MANAGED_CLUSTER,
    MANIFEST_WORK,
    NAMESPACE,
    WORKFLOW,
    WORKFLOW_STATUS_RESULT,
    Kind,
)
from controllers.api.meta import timestamp
from controllers.kube.client import Client
from controllers.kube.errors import AlreadyExists, Conflict, NotFound
from controllers.kube.object import Object
from controllers.kube.patch import finalizer_patch, merge_diff, merge_patch
from controllers.runtime.listing import Listed
from controllers.runtime.scope import Scope
from controllers.runtime.watch import Applied, watch
from hack.bench.workload import ENDED_AT, RUN_SECONDS, STATUS_BYTES, Json, stages

READY = "pretending"
_LEASE_SECONDS = 60
_JOINS_IN_FLIGHT = 16
_WORKS = Scope(MANIFEST_WORK, label_selector=f"{keys.ENABLE_LABEL}=true")
_ORIGIN = (keys.HUB_NAMESPACE_ANNOTATION, keys.HUB_NAME_ANNOTATION, keys.HUB_UID_ANNOTATION)


class FakeAgents:
    """The agents of `clusters`."""

    def __init__(self, hub: Client, clusters: list[str]) -> None:
        self._hub = hub
        self._clusters = clusters
        self._seen: set[str] = set()

    async def join(self) -> None:
        """Registers those that are not members yet."""
        slots = asyncio.Semaphore(_JOINS_IN_FLIGHT)

        async def one(cluster: str) -> None:
            async with slots:
                await self._ensure(NAMESPACE, {"metadata": {"name": cluster}})
                await self._ensure(MANAGED_CLUSTER, _registration(cluster))
                await self._ensure(LEASE, _lease(cluster), namespace=cluster)
                patch = merge_patch({"status": _available()})
                await self._hub.patch(MANAGED_CLUSTER, cluster, patch, subresource="status")

        async with asyncio.TaskGroup() as joins:
            for cluster in self._clusters:
                joins.create_task(one(cluster))

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for cluster in self._clusters:
                tasks.create_task(self._beat(cluster))
            async for event in watch(self._hub, _WORKS):
                if isinstance(event, Listed):
                    # What is there already belongs to an earlier round.
                    self._seen |= {item.metadata.uid for item in event.objects}
                    print(READY, flush=True)
                elif isinstance(event, Applied) and event.object.metadata.deletion_timestamp is not None:
                    tasks.create_task(self._let_go(event.object))
                elif isinstance(event, Applied) and event.object.metadata.uid not in self._seen:
                    self._seen.add(event.object.metadata.uid)
                    tasks.create_task(self._execute(event.object))

    async def _beat(self, cluster: str) -> None:
        await asyncio.sleep(random.uniform(0, _LEASE_SECONDS))
        while True:
            patch = merge_patch({"spec": {"renewTime": _now()}})
            await self._hub.patch(LEASE, keys.CLUSTER_LEASE_NAME, patch, namespace=cluster)
            await asyncio.sleep(_LEASE_SECONDS)

    async def _execute(self, work: Object) -> None:
        manifest = work.to_dict()["spec"]["workload"]["manifests"][0]
        asked = manifest["metadata"]["annotations"]
        running, changed, finished = stages(manifest["metadata"]["name"], int(asked[STATUS_BYTES]))
        status: Json = {}
        pause = float(asked[RUN_SECONDS]) / 2
        try:
            for number, stage in enumerate((running, changed, finished)):
                if number:
                    await asyncio.sleep(pause)
                before, status = status, _merged(status, stage["status"])
                await self._report(work, before, status, last=stage is finished)
        except NotFound:
            return  # deleted while it ran

    async def _let_go(self, work: Object) -> None:
        """The controllers put the agent's finalizer on a work for whoever they have heard of lately."""
        meta = work.metadata
        rest = [name for name in meta.finalizers if name != keys.MANIFEST_WORK_FINALIZER]
        if rest == meta.finalizers:
            return
        patch = finalizer_patch(meta.finalizers, rest, uid=meta.uid)
        with contextlib.suppress(NotFound, Conflict):
            await self._hub.patch(MANIFEST_WORK, meta.name, patch, namespace=meta.namespace)

    async def _report(self, work: Object, before: Json, status: Json, *, last: bool) -> None:
        meta = work.metadata
        if not before:
            await self._hub.create(WORKFLOW_STATUS_RESULT, _result(work, status), namespace=meta.namespace)
        else:
            body: Json = {"workflowStatus": merge_diff(before, status)}
            if last:
                body["metadata"] = {"annotations": {ENDED_AT: repr(time.monotonic())}}
            await self._hub.patch(
                WORKFLOW_STATUS_RESULT, meta.name, merge_patch(body), namespace=meta.namespace
            )
        patch = merge_patch({"status": _work_status(work, status)})
        await self._hub.patch(MANIFEST_WORK, meta.name, patch, namespace=meta.namespace, subresource="status")

    async def _ensure(self, kind: Kind, body: Json, namespace: str = "") -> None:
        body = {"apiVersion": kind.api_version, "kind": kind.kind, **body}
        try:
            await self._hub.create(kind, body, namespace=namespace)
        except AlreadyExists:
            return


def _registration(cluster: str) -> Json:
    return {
        "metadata": {"name": cluster, "labels": {"name": cluster}},
        "spec": {"hubAcceptsClient": True, "leaseDurationSeconds": _LEASE_SECONDS},
    }


def _available() -> Json:
    """What an agent says of its cluster; one that says nothing is taken for unreachable."""
    said = {
        "HubAcceptedManagedCluster": "HubClusterAdminAccepted",
        "ManagedClusterConditionAvailable": "ManagedClusterAvailable",
    }
    stamp = timestamp(datetime.datetime.now(datetime.UTC))
    return {
        "conditions": [
            {"type": kind, "status": "True", "reason": reason, "message": "", "lastTransitionTime": stamp}
            for kind, reason in said.items()
        ]
    }


def _lease(cluster: str) -> Json:
    return {
        "metadata": {"name": keys.CLUSTER_LEASE_NAME, "namespace": cluster},
        "spec": {"leaseDurationSeconds": _LEASE_SECONDS, "renewTime": _now()},
    }


def _result(work: Object, status: Json) -> Json:
    meta = work.metadata
    owner = {
        "apiVersion": MANIFEST_WORK.api_version,
        "kind": MANIFEST_WORK.kind,
        "name": meta.name,
        "uid": meta.uid,
    }
    return {
        "apiVersion": WORKFLOW_STATUS_RESULT.api_version,
        "kind": WORKFLOW_STATUS_RESULT.kind,
        "metadata": {
            "name": meta.name,
            "namespace": meta.namespace,
            "annotations": {key: meta.annotations[key] for key in _ORIGIN},
            "ownerReferences": [owner],
        },
        "workflowStatus": status,
    }


def _work_status(work: Object, status: Json) -> Json:
    """Applied, with the feedback values that the work's rules ask for."""
    condition = {
        "type": "Applied",
        "status": "True",
        "reason": "AppliedManifestComplete",
        "message": "Apply manifest complete",
        "lastTransitionTime": work.metadata.creation_timestamp,
    }
    values = [
        {"name": name, "fieldValue": {"type": "String", "string": status[name]}}
        for name in ("phase", "progress", "startedAt", "finishedAt")
        if name in status
    ]
    manifest = {
        "resourceMeta": {
            "ordinal": 0,
            "group": WORKFLOW.group,
            "version": WORKFLOW.version,
            "kind": WORKFLOW.kind,
            "resource": WORKFLOW.plural,
            "namespace": work.metadata.annotations[keys.HUB_NAMESPACE_ANNOTATION],
            "name": work.metadata.annotations[keys.HUB_NAME_ANNOTATION],
        },
        "conditions": [condition],
        "statusFeedback": {"values": values},
    }
    return {"conditions": [condition], "resourceStatus": {"manifests": [manifest]}}


def _merged(old: Json, patch: Json) -> Json:
    """A merge patch without removals, applied to a copy."""
    new = dict(old)
    for key, value in patch.items():
        before = new.get(key)
        new[key] = _merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return new


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def main(kubeconfig: str, clusters: int) -> None:
    hub = await Client.connect(kubeconfig)
    try:
        agents = FakeAgents(hub, [f"fake{number:04}" for number in range(1, clusters + 1)])
        await agents.join()
        await agents.run()
    finally:
        await hub.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
