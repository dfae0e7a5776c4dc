"""A work asks for a kind that is not installed yet: how long after its CRD has come is the object there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from controllers.api.kinds import CRD, MANIFEST_WORK
from controllers.api.work import ManifestWork
from controllers.kube.client import Client
from controllers.kube.errors import NotFound
from hack.bench.agent import fill, objects
from hack.bench.agent.figures import Late
from hack.bench.agent.objects import CLUSTER, LATE, LATE_WORK, OURS
from hack.fleet.errors import FleetError

_WITHIN = 120.0
_INTERVAL = 0.01
_NAME = "ours-late"


async def late(client: Client, waited: float) -> Late:
    """The CRD comes `waited` seconds after the hub was told that it is missing. Raises ApiError, FleetError."""
    body = objects.work(LATE_WORK, [(LATE, _NAME)])
    await client.create(MANIFEST_WORK, body, namespace=CLUSTER)
    await _until(lambda: _is_refused(client), "told that a kind is missing")
    await asyncio.sleep(waited)
    begin = time.monotonic()
    await client.create(CRD, objects.definition(LATE))
    await _until(lambda: fill.is_served(client, LATE), "a kind that was installed is served")
    served = time.monotonic() - begin
    await _until(lambda: _is_there(client), "the object of a kind that was installed late is there")
    return Late(waited, round(1000 * served, 1), round(1000 * (time.monotonic() - begin), 1))


async def _is_refused(client: Client) -> bool:
    found = await client.get(MANIFEST_WORK, LATE_WORK, namespace=CLUSTER)
    conditions = found.decode(ManifestWork).status.conditions
    return any((item.type, item.status) == ("Applied", "False") for item in conditions)


async def _is_there(client: Client) -> bool:
    try:
        return await client.find(LATE, _NAME, namespace=OURS) is not None
    except NotFound:
        return False


async def _until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    deadline = time.monotonic() + _WITHIN
    while not await holds():
        if time.monotonic() > deadline:
            raise FleetError(f"not within {_WITHIN:.0f} s: {what}")
        await asyncio.sleep(_INTERVAL)
