"""The ceiling: how many round trips a second these API servers can take from one client that writes the least.

Nobody watches and nobody decides; one process knows everything and sends, for each Workflow one after the other:

    hub      create Workflow, create ManifestWork
    managed  create the copy, patch it Running
    hub      create the status result, patch the Workflow
    managed  patch the copy Succeeded
    hub      patch the status result, patch the Workflow

So 6 writes on the hub and 3 on the managed cluster. Left out is all that makes it safe: finalizers, the record of
what was applied, the placement's annotation, conditions; and the small change between Running and Succeeded.

There are two of it. The plain one writes as above. The lean one sends the same requests, but the first patch of each
object also clears its `managedFields`: API servers don't track the fields of such an object any more, which is a
large part of what a patch of a large object costs them. Argosy does so with some of its objects, so a fair
fraction is between that of the plain and that of the lean ceiling.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from controllers.api.kinds import (
    MANIFEST_WORK,
    NAMESPACE,
    WORKFLOW,
    WORKFLOW_STATUS_RESULT,
    Kind,
)
from controllers.kube.client import Client
from controllers.kube.errors import AlreadyExists
from controllers.kube.patch import merge_patch
from hack.bench import workload
from hack.bench.process_usage import Meter
from hack.bench.results import LEAN, PLAIN, Ceiling
from hack.bench.scenario import Shape
from hack.bench.testbed import Clients
from hack.bench.workload import Json
from manifestwork.build import manifest_work, workflow_copy

HUB_WRITES = 6
MANAGED_WRITES = 3
# The namespace of a cluster that has no agent: nobody acts on these ManifestWorks.
_CLUSTER = "bench-ceiling"
_RUN = "ceiling"
_IN_FLIGHT = (16, 64)
_WARM_UP = 16


async def ceilings(clients: Clients, pids: Mapping[str, int], shape: Shape, count: int) -> list[Ceiling]:
    """The plain and the lean one: of `count` Workflows at each of two concurrencies, the faster. Leaves nothing."""
    with contextlib.suppress(AlreadyExists):
        await clients.hub.create(NAMESPACE, {"metadata": {"name": _CLUSTER}})
    await _many(clients, pids, _Trial(shape, _WARM_UP, _WARM_UP, PLAIN))
    # Turn by turn, so that a machine that slows down meanwhile slows both.
    trials = [_Trial(shape, count, number, variant) for number in _IN_FLIGHT for variant in (PLAIN, LEAN)]
    measured = [await _many(clients, pids, trial) for trial in trials]
    return [_fastest(measured, variant) for variant in (PLAIN, LEAN)]


def _fastest(measured: list[Ceiling], variant: str) -> Ceiling:
    return max((one for one in measured if one.variant == variant), key=lambda one: one.workflows_per_second)


@dataclass(frozen=True)
class _Trial:
    """`count` Workflows, so many `in_flight` at a time."""

    shape: Shape
    count: int
    in_flight: int
    variant: str


async def _many(clients: Clients, pids: Mapping[str, int], trial: _Trial) -> Ceiling:
    hub, managed, count = clients.hub, list(clients.managed.values()), trial.count
    slots = asyncio.Semaphore(trial.in_flight)

    async def one(number: int) -> None:
        async with slots:
            cluster = managed[number % len(managed)]
            await _one(hub, cluster, f"{_RUN}-{number:05}", trial)

    await clients.etcd.compact()
    meter = Meter(pids)
    begin = time.monotonic()
    async with meter.running(), asyncio.TaskGroup() as tasks:
        for number in range(count):
            tasks.create_task(one(number))
    seconds = time.monotonic() - begin
    await _clean_up(clients)
    return Ceiling(
        shape=str(trial.shape),
        workflows=count,
        in_flight=trial.in_flight,
        workflows_per_second=round(count / seconds, 2),
        hub_writes=HUB_WRITES,
        managed_writes=MANAGED_WRITES,
        cpu=round(sum(usage.cpu_seconds for usage in meter.usage().values()) / count, 4),
        variant=trial.variant,
    )


async def _clean_up(clients: Clients) -> None:
    for client in clients.managed.values():
        await _delete_all(client, WORKFLOW, workload.NAMESPACE)
    await _delete_all(clients.hub, WORKFLOW, workload.NAMESPACE)
    await _delete_all(clients.hub, MANIFEST_WORK, _CLUSTER)
    await _delete_all(clients.hub, WORKFLOW_STATUS_RESULT, _CLUSTER)


async def _one(hub: Client, managed: Client, name: str, trial: _Trial) -> None:
    """One round trip."""
    status_bytes = trial.shape.status_bytes
    running, changed, finished = workload.stages(name, status_bytes)
    finished = _both(changed, finished)
    body = workload.workflow(name, run=_RUN, status_bytes=status_bytes, run_seconds=0)
    created = await hub.create(WORKFLOW, body, namespace=workload.NAMESPACE)
    work = manifest_work(created.to_dict(), created.metadata, _CLUSTER)
    await hub.create(MANIFEST_WORK, work, namespace=_CLUSTER)
    copy = workflow_copy(created.to_dict(), created.metadata)
    await managed.create(WORKFLOW, copy, namespace=workload.NAMESPACE)
    first = untracked(running) if trial.variant == LEAN else running
    await _patch(managed, WORKFLOW, workload.NAMESPACE, name, first)
    result = {
        "apiVersion": WORKFLOW_STATUS_RESULT.api_version,
        "kind": WORKFLOW_STATUS_RESULT.kind,
        "metadata": {"name": name, "namespace": _CLUSTER},
        "workflowStatus": running["status"],
    }
    await hub.create(WORKFLOW_STATUS_RESULT, result, namespace=_CLUSTER)
    await _patch(hub, WORKFLOW, workload.NAMESPACE, name, first)
    await _patch(managed, WORKFLOW, workload.NAMESPACE, name, finished)
    last: Json = {"workflowStatus": finished["status"]}
    await _patch(
        hub, WORKFLOW_STATUS_RESULT, _CLUSTER, name, untracked(last) if trial.variant == LEAN else last
    )
    await _patch(hub, WORKFLOW, workload.NAMESPACE, name, finished)


def untracked(patch: Json) -> Json:
    """A merge patch that also ends the API server's tracking of the object's fields.

    An empty list would be ignored: a list with one empty entry is how the API asks for it.
    """
    metadata: Json = {**patch.get("metadata", {}), "managedFields": [{}]}
    return {**patch, "metadata": metadata}


def _both(changed: Json, finished: Json) -> Json:
    """The last two stages as one patch."""
    nodes = {**changed["status"]["nodes"], **finished["status"]["nodes"]}
    return {**finished, "status": {**finished["status"], "nodes": nodes}}


async def _patch(client: Client, kind: Kind, namespace: str, name: str, body: Json) -> None:
    await client.patch(kind, name, merge_patch(body), namespace=namespace)


async def _delete_all(client: Client, kind: Kind, namespace: str) -> None:
    options = msgspec.json.encode({"apiVersion": "v1", "kind": "DeleteOptions"})
    await client.request("DELETE", kind.path(namespace), body=options)
