"""Puts the objects of the benchmark onto an empty hub, and looks up what was decided for them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple, TypeVar

from controllers.api import keys
from controllers.api.kinds import (
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET,
    MANAGED_CLUSTER_SET_BINDING,
    NAMESPACE,
    PLACEMENT,
    PLACEMENT_DECISION,
)
from controllers.api.placement import PlacementDecision
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from hack.bench.scale import objects
from hack.bench.scale.objects import MARKER, Size

T = TypeVar("T")

# As many as the client has connections.
IN_FLIGHT = 64


class PlacementKey(NamedTuple):
    namespace: str
    name: str


Decisions = dict[PlacementKey, list[str]]


async def fill(hub: Client, size: Size) -> None:
    """Everything but the Workflows, and the marker. Raises ApiError."""
    sets = range(size.sets)
    for number in sets:
        await _open(hub, objects.namespace_name(number), objects.set_name(number))
    await _open(hub, MARKER, MARKER)
    members = [(number, objects.cluster_name(number)) for number in range(size.clusters)]
    await each(members, lambda item: _join(hub, *item, objects.set_name(item[0] % size.sets)))
    await _join(hub, size.clusters, MARKER, MARKER)
    wanted = [(number, name) for number in sets for name in size.placements_of(number)]

    async def place(item: tuple[int, str]) -> None:
        number, name = item
        await hub.create(PLACEMENT, objects.placement(name), namespace=objects.namespace_name(number))

    await each(wanted, place)
    await hub.create(PLACEMENT, objects.marker_placement(), namespace=MARKER)


async def _open(hub: Client, namespace: str, set_of: str) -> None:
    """A namespace with a set bound to it."""
    await hub.create(NAMESPACE, objects.namespace(namespace))
    await hub.create(MANAGED_CLUSTER_SET, objects.cluster_set(set_of))
    await hub.create(MANAGED_CLUSTER_SET_BINDING, objects.binding(set_of), namespace=namespace)


async def _join(hub: Client, number: int, name: str, set_of: str) -> None:
    await hub.create(MANAGED_CLUSTER, objects.cluster(name, set_of))
    status = merge_patch(objects.cluster_status(number))
    await hub.patch(MANAGED_CLUSTER, name, status, subresource="status")


async def each(items: Iterable[T], write: Callable[[T], Awaitable[object]]) -> None:
    """`write` of each item in their order, IN_FLIGHT at a time. Raises what the first that failed has raised."""
    left = iter(items)

    async def work() -> None:
        for item in left:
            await write(item)

    async with asyncio.TaskGroup() as workers:
        for _ in range(IN_FLIGHT):
            workers.create_task(work())


async def decisions(hub: Client, namespace: str = "") -> Decisions:
    """The clusters decided for each Placement, in one namespace or in all."""
    found, _ = await hub.list(PLACEMENT_DECISION, namespace=namespace)
    return gathered(found)


def gathered(pages: Iterable[Object]) -> Decisions:
    """The clusters of PlacementDecisions by their Placement. Pure."""
    result: Decisions = defaultdict(list)
    for page in pages:
        meta = page.metadata
        key = PlacementKey(meta.namespace, meta.labels.get(keys.PLACEMENT_LABEL, ""))
        result[key] += [item.cluster_name for item in page.decode(PlacementDecision).status.decisions]
    return dict(result)


def is_complete(found: Decisions, size: Size) -> bool:
    """Whether every Placement, and the marker's, has as many clusters as it asks for. Pure."""
    counts = {key: len(clusters) for key, clusters in found.items()}
    wanted = {
        PlacementKey(objects.namespace_name(number), name): objects.SELECTED
        for number in range(size.sets)
        for name in size.placements_of(number)
    }
    return counts == wanted | {PlacementKey(MARKER, MARKER): 1}
