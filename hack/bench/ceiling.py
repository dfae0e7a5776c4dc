"""The ceiling: how many round trips a second these API servers can take from one client that writes the least.

Nobody watches and nobody decides; one process knows everything and sends, for each Workflow one after the other:

    hub      create Workflow, create ManifestWork
    managed  create the copy, patch it Running
    hub      create the status result, patch the Workflow
    managed  patch the copy Succeeded
    hub      patch the status result, patch the Workflow

So 6 writes on the hub and 3 on the managed cluster. Left out is all that makes it safe: finalizers, the record of
what was applied, the placement's annotation, conditions; and the small change between Running and Succeeded.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping

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
from hack.bench.results import Ceiling
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


async def ceiling(clients: Clients, pids: Mapping[str, int], shape: Shape, count: int) -> Ceiling:
    """`count` Workflows at each of two concurrencies; the faster one is the ceiling. Leaves nothing behind."""
    with contextlib.suppress(AlreadyExists):
        await clients.hub.create(NAMESPACE, {"metadata": {"name": _CLUSTER}})
    await _many(clients, pids, shape, _WARM_UP, _WARM_UP)
    measured = [await _many(clients, pids, shape, count, in_flight) for in_flight in _IN_FLIGHT]
    return max(measured, key=lambda one: one.workflows_per_second)


async def _many(
    clients: Clients, pids: Mapping[str, int], shape: Shape, count: int, in_flight: int
) -> Ceiling:
    hub, managed = clients.hub, list(clients.managed.values())
    slots = asyncio.Semaphore(in_flight)

    async def one(number: int) -> None:
        async with slots:
            await _one(hub, managed[number % len(managed)], f"{_RUN}-{number:05}", shape.status_bytes)

    meter = Meter(pids)
    begin = time.monotonic()
    async with meter.running(), asyncio.TaskGroup() as tasks:
        for number in range(count):
            tasks.create_task(one(number))
    seconds = time.monotonic() - begin
    await _clean_up(clients)
    return Ceiling(
        shape=str(shape),
        workflows=count,
        in_flight=in_flight,
        workflows_per_second=round(count / seconds, 2),
        hub_writes=HUB_WRITES,
        managed_writes=MANAGED_WRITES,
        cpu=round(sum(usage.cpu_seconds for usage in meter.usage().values()) / count, 4),
    )


async def _clean_up(clients: Clients) -> None:
    for client in clients.managed.values():
        await _delete_all(client, WORKFLOW, workload.NAMESPACE)
    await _delete_all(clients.hub, WORKFLOW, workload.NAMESPACE)
    await _delete_all(clients.hub, MANIFEST_WORK, _CLUSTER)
    await _delete_all(clients.hub, WORKFLOW_STATUS_RESULT, _CLUSTER)


async def _one(hub: Client, managed: Client, name: str, status_bytes: int) -> None:
    """One round trip."""
    running, changed, finished = workload.stages(name, status_bytes)
    finished = _both(changed, finished)
    body = workload.workflow(name, run=_RUN, status_bytes=status_bytes, run_seconds=0)
    created = await hub.create(WORKFLOW, body, namespace=workload.NAMESPACE)
    work = manifest_work(created.to_dict(), created.metadata, _CLUSTER)
    await hub.create(MANIFEST_WORK, work, namespace=_CLUSTER)
    copy = workflow_copy(created.to_dict(), created.metadata)
    await managed.create(WORKFLOW, copy, namespace=workload.NAMESPACE)
    await _patch(managed, WORKFLOW, workload.NAMESPACE, name, running)
    result = {
        "apiVersion": WORKFLOW_STATUS_RESULT.api_version,
        "kind": WORKFLOW_STATUS_RESULT.kind,
        "metadata": {"name": name, "namespace": _CLUSTER},
        "workflowStatus": running["status"],
    }
    await hub.create(WORKFLOW_STATUS_RESULT, result, namespace=_CLUSTER)
    await _patch(hub, WORKFLOW, workload.NAMESPACE, name, running)
    await _patch(managed, WORKFLOW, workload.NAMESPACE, name, finished)
    await _patch(hub, WORKFLOW_STATUS_RESULT, _CLUSTER, name, {"workflowStatus": finished["status"]})
    await _patch(hub, WORKFLOW, workload.NAMESPACE, name, finished)


def _both(changed: Json, finished: Json) -> Json:
    """The last two stages as one patch."""
    nodes = {**changed["status"]["nodes"], **finished["status"]["nodes"]}
    return {**finished, "status": {**finished["status"], "nodes": nodes}}


async def _patch(client: Client, kind: Kind, namespace: str, name: str, body: Json) -> None:
    await client.patch(kind, name, merge_patch(body), namespace=namespace)


async def _delete_all(client: Client, kind: Kind, namespace: str) -> None:
    options = msgspec.json.encode({"apiVersion": "v1", "kind": "DeleteOptions"})
    await client.request("DELETE", kind.path(namespace), body=options)
