"""Puts kinds, objects and works onto the cluster, and waits until the agent has served the works."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from contextlib import aclosing

from controllers.api.kinds import CRD, MANIFEST_WORK, NAMESPACE, Kind
from controllers.api.work import ManifestWork
from controllers.kube.client import Client
from controllers.kube.errors import NotFound
from controllers.kube.object import Object
from controllers.runtime.listing import Listed
from controllers.runtime.scope import Scope
from controllers.runtime.watch import Applied, watch
from hack.bench.agent import objects
from hack.bench.agent.objects import CLUSTER, OTHERS, OURS, Size
from hack.bench.scale.fill import each
from hack.fleet.errors import FleetError

_SERVED_WITHIN = 300.0
_INTERVAL = 0.05


async def install(client: Client, kinds: Iterable[Kind]) -> None:
    """Until all are served. FleetError if that takes too long."""
    wanted = list(kinds)
    await each(wanted, lambda kind: client.create(CRD, objects.definition(kind)))
    deadline = time.monotonic() + _SERVED_WITHIN
    for kind in wanted:
        while not await is_served(client, kind):
            if time.monotonic() > deadline:
                raise FleetError(f"{kind} is still not served after {_SERVED_WITHIN:.0f} s")
            await asyncio.sleep(_INTERVAL)


async def is_served(client: Client, kind: Kind) -> bool:
    try:
        await client.request("GET", kind.path(), query=(("limit", "1"),))
    except NotFound:
        return False
    return True


async def open_namespaces(client: Client) -> None:
    for name in (OURS, OTHERS):
        await client.create(NAMESPACE, objects.namespace(name))


async def add_others(client: Client, size: Size) -> None:
    """Everything that is not the works'. Raises ApiError."""

    async def add(item: tuple[Kind, str]) -> None:
        kind, name = item
        await client.create(kind, objects.sample(kind, name, OTHERS), namespace=OTHERS)

    await each(objects.others(size), add)


async def deliver(client: Client, works: range, size: Size) -> float:
    """Creates these works; seconds until the hub was told of each that it is applied. Raises ApiError, FleetError."""
    left = {objects.work_name(number) for number in works}
    begin = time.monotonic()
    waiting = asyncio.create_task(_applied(client, left))

    async def create(number: int) -> None:
        wanted = [(item.kind, item.name) for item in objects.targets(number, size)]
        body = objects.work(objects.work_name(number), wanted)
        await client.create(MANIFEST_WORK, body, namespace=CLUSTER)

    try:
        await each(works, create)
        async with asyncio.timeout(_SERVED_WITHIN):
            await waiting
    except TimeoutError as error:
        raise FleetError(f"{len(left)} works are not applied after {_SERVED_WITHIN:.0f} s") from error
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    return time.monotonic() - begin


async def _applied(client: Client, left: set[str]) -> None:
    """Takes off `left` what is applied, until nothing is left."""
    async with aclosing(watch(client, Scope(MANIFEST_WORK, namespace=CLUSTER))) as events:
        async for event in events:
            found = event.objects if isinstance(event, Listed) else [event.object]
            if isinstance(event, Listed | Applied):
                left.difference_update(item.metadata.name for item in found if is_applied(item))
            if not left:
                return


def is_applied(work: Object) -> bool:
    """Whether the agent says so of the work as it is asked for now."""
    conditions = work.decode(ManifestWork).status.conditions
    generation = work.metadata.generation
    return any(
        (item.type, item.status, item.observed_generation) == ("Applied", "True", generation)
        for item in conditions
    )
