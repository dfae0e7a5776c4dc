"""Thousands of finished Workflows without running them: all objects that one real run left, copied under new names.

What a run leaves behind is so never described here, only repeated: the hub's Workflow, its ManifestWork and status
result, the AppliedManifestWork and the copy. The processes that watch them must be stopped meanwhile, or they would
act on halves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from controllers.api.keys import HUB_NAME_ANNOTATION
from controllers.api.kinds import (
    APPLIED_MANIFEST_WORK,
    MANIFEST_WORK,
    WORKFLOW,
    WORKFLOW_STATUS_RESULT,
    Kind,
)
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from hack.bench.workload import NAMESPACE
from hack.fleet.errors import FleetError

Json = dict[str, Any]

_IN_FLIGHT = 24
_SET_BY_SERVER = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink")


@dataclass(frozen=True)
class Remains:
    """What one finished Workflow has left on the hub and on its cluster."""

    workflow: Object
    work: Object
    result: Object
    applied: Object
    copy: Object

    @classmethod
    async def of(cls, hub: Client, managed: Client, name: str) -> Remains:
        """Of the Workflow `name`. FleetError if something is missing."""
        workflow = await hub.get(WORKFLOW, name, namespace=NAMESPACE)
        works, _ = await hub.list(MANIFEST_WORK)
        results, _ = await hub.list(WORKFLOW_STATUS_RESULT)
        work = _one(MANIFEST_WORK, (item for item in works if _origin(item) == name))
        applied, _ = await managed.list(APPLIED_MANIFEST_WORK)
        return cls(
            workflow,
            work,
            _one(WORKFLOW_STATUS_RESULT, (item for item in results if item.key == work.key)),
            _one(
                APPLIED_MANIFEST_WORK,
                (item for item in applied if item.metadata.name.endswith(f"-{work.metadata.name}")),
            ),
            await managed.get(WORKFLOW, name, namespace=NAMESPACE),
        )


async def repeat(hub: Client, managed: Client, remains: Remains, names: Iterable[str]) -> None:
    """Makes the same objects again for each of `names`. Raises ApiError."""
    slots = asyncio.Semaphore(_IN_FLIGHT)

    async def one(name: str) -> None:
        async with slots:
            await _repeat(hub, managed, remains, name)

    async with asyncio.TaskGroup() as tasks:
        for name in names:
            tasks.create_task(one(name))


async def _repeat(hub: Client, managed: Client, remains: Remains, name: str) -> None:
    """In the order in which each object's uid is known to those that name it."""
    old = remains.workflow.metadata
    workflow = await hub.create(
        WORKFLOW, renamed(remains.workflow, {old.name: name}), namespace=old.namespace
    )
    uid = workflow.metadata.uid
    work_name = remains.work.metadata.name
    # The work's name holds the Workflow's: it has to be replaced first.
    words = {work_name: f"{name}-{uid[:5]}", old.uid: uid, old.name: name}
    cluster = remains.work.metadata.namespace
    work = await _with_status(hub, MANIFEST_WORK, renamed(remains.work, words), cluster)
    words[remains.work.metadata.uid] = work.metadata.uid
    await hub.create(WORKFLOW_STATUS_RESULT, renamed(remains.result, words), namespace=cluster)
    applied_body = renamed(remains.applied, words)
    applied = await managed.create(APPLIED_MANIFEST_WORK, applied_body)
    words[remains.applied.metadata.uid] = applied.metadata.uid
    copy = await managed.create(WORKFLOW, renamed(remains.copy, words), namespace=old.namespace)
    words[remains.copy.metadata.uid] = copy.metadata.uid
    status = merge_patch({"status": renamed(remains.applied, words)["status"]})
    await managed.patch(APPLIED_MANIFEST_WORK, applied.metadata.name, status, subresource="status")


async def _with_status(client: Client, kind: Kind, body: Json, namespace: str) -> Object:
    """Creates an object whose status is a subresource."""
    created = await client.create(kind, body, namespace=namespace)
    patch = merge_patch({"status": body["status"]})
    await client.patch(kind, created.metadata.name, patch, namespace=namespace, subresource="status")
    return created


def renamed(item: Object, words: Mapping[str, str]) -> Json:
    """The object with names and uids replaced wherever they stand, in the order of `words`, ready to be created."""
    text = item.raw.decode()
    for old, new in words.items():
        text = text.replace(old, new)
    body: Json = msgspec.json.decode(text)
    for key in _SET_BY_SERVER:
        body["metadata"].pop(key, None)
    return body


def _origin(item: Object) -> str:
    return item.metadata.annotations.get(HUB_NAME_ANNOTATION, "")


def _one(kind: Kind, items: Iterable[Object]) -> Object:
    found = next(iter(items), None)
    if found is None:
        raise FleetError(f"the Workflow to be repeated has left no {kind.kind}")
    return found
