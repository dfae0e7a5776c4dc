"""Thousands of finished Workflows without running them: all objects that one real run left, copied under new names.

What a run leaves behind is so never described here, only repeated: the hub's Workflow, its ManifestWork and status
result, the AppliedManifestWork and the copy, byte by byte as the API servers have stored them, and written to the
same store. That is ten times as fast as through the API servers, and leaves no trace that a real run does not leave;
they learn of the objects by their watches of the store. The processes that watch them must be stopped meanwhile,
or they would act on halves.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from controllers.api.kinds import (
    APPLIED_MANIFEST_WORK,
    MANIFEST_WORK,
    WORKFLOW,
    WORKFLOW_STATUS_RESULT,
)
from controllers.api.naming import manifest_work_name
from controllers.kube.client import Client
from controllers.kube.object import Object
from hack.bench.etcd import Etcd, key_of
from hack.bench.workload import NAMESPACE
from hack.fleet.errors import FleetError
from hack.fleet.layout import HUB

HUB_KINDS = (WORKFLOW, MANIFEST_WORK, WORKFLOW_STATUS_RESULT)
MANAGED_KINDS = (APPLIED_MANIFEST_WORK, WORKFLOW)
# Any will do.
_UIDS = uuid.UUID("6d0f8f1e-6f0b-4a52-9d0e-0b8a5f3f2c11")


@dataclass(frozen=True)
class Remains:
    """What one finished Workflow has left: key and value of each object in the store.

    `uids` are those of the objects, the Workflow's first. `owners` are owned by none of the others.
    """

    name: str
    uids: Sequence[str]
    owners: Sequence[tuple[str, bytes]]
    owned: Sequence[tuple[str, bytes]]

    @classmethod
    async def of(cls, hub: Client, cluster: str, managed: Client, etcd: Etcd, name: str) -> Remains:
        """Of the Workflow `name`, which ran on `cluster`. Raises FleetError or NotFound if something is missing."""
        workflow = await hub.get(WORKFLOW, name, namespace=NAMESPACE)
        work = manifest_work_name(name, workflow.metadata.uid)
        applied, _ = await managed.list(APPLIED_MANIFEST_WORK)
        there = [
            (HUB, WORKFLOW, workflow),
            (HUB, MANIFEST_WORK, await hub.get(MANIFEST_WORK, work, namespace=cluster)),
            (cluster, APPLIED_MANIFEST_WORK, _of(work, applied)),
            (HUB, WORKFLOW_STATUS_RESULT, await hub.get(WORKFLOW_STATUS_RESULT, work, namespace=cluster)),
            (cluster, WORKFLOW, await managed.get(WORKFLOW, name, namespace=NAMESPACE)),
        ]
        keys = [key_of(server, kind, *item.key) for server, kind, item in there]
        values = [(key, await etcd.get(key)) for key in keys]
        return cls(name, [item.metadata.uid for _, _, item in there], values[:3], values[3:])


async def repeat(
    etcd: Etcd, remains: Remains, names: Sequence[str], settle: Callable[[], Awaitable[None]]
) -> None:
    """Makes the same objects again for each of `names`; returns when all who watch have taken note, by `settle`."""
    for objects in (remains.owners, remains.owned):
        await etcd.put(copy for name in names for copy in copies(remains, objects, name))
        # A garbage collector that hears of an owned object first looks for its owner, 20 times a second: for an
        # hour with thousands, in which it does nothing else.
        await settle()


def copies(remains: Remains, objects: Iterable[tuple[str, bytes]], name: str) -> Iterator[tuple[str, bytes]]:
    """Objects under a new name, with uids that are theirs alone and the same each time. Pure."""
    fresh = [str(uuid.uuid5(_UIDS, f"{name} {uid}")) for uid in remains.uids]
    # The work's name holds the Workflow's: the longer one has to be found first.
    words = {manifest_work_name(remains.name, remains.uids[0]): manifest_work_name(name, fresh[0])}
    words |= dict(zip(remains.uids, fresh, strict=True))
    words[remains.name] = name
    for key, value in objects:
        yield renamed(key, words), renamed(value.decode(), words).encode()


def renamed(text: str, words: Mapping[str, str]) -> str:
    """`text` with each of `words` replaced wherever it stands; an earlier one wins over one that it contains."""
    return re.sub("|".join(map(re.escape, words)), lambda found: words[found[0]], text)


def _of(work: str, applied: Iterable[Object]) -> Object:
    """The AppliedManifestWork of a ManifestWork: its name begins with a hash of the hub's address."""
    found = next((item for item in applied if item.metadata.name.endswith(f"-{work}")), None)
    if found is None:
        raise FleetError(f"the Workflow to be repeated has left no AppliedManifestWork for {work}")
    return found
