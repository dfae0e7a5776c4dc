"""Creates the Workflows of a scenario on the hub: at a steady rate, or all at once. Notes when each was sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from controllers.api.kinds import WORKFLOW
from controllers.kube.client import Client
from controllers.kube.errors import NotFound
from hack.bench.observe import Timeline
from hack.bench.scenario import Load, Steady
from hack.bench.workload import NAMESPACE

# As many connections as a busy client has; a burst is as fast as these allow.
_IN_FLIGHT = 32


async def submit(
    hub: Client, bodies: Mapping[str, bytes], timelines: Mapping[str, Timeline], load: Load
) -> None:
    """Creates `bodies` (by name) as `load` says. Raises ApiError."""
    slots = asyncio.Semaphore(_IN_FLIGHT)
    begin = time.monotonic()

    async def create(position: int, name: str, body: bytes) -> None:
        if isinstance(load, Steady):
            await asyncio.sleep(begin + position / load.rate - time.monotonic())
        async with slots:
            timelines[name].created = time.monotonic()
            await hub.create(WORKFLOW, body, namespace=NAMESPACE)

    async with asyncio.TaskGroup() as creates:
        for position, (name, body) in enumerate(bodies.items()):
            creates.create_task(create(position, name, body))


async def delete(hub: Client, names: Mapping[str, object]) -> None:
    """Deletes Workflows one by one, many at a time, as `kubectl delete` of a list does. Raises ApiError."""
    slots = asyncio.Semaphore(_IN_FLIGHT)

    async def one(name: str) -> None:
        async with slots:
            try:
                await hub.delete(WORKFLOW, name, namespace=NAMESPACE)
            except NotFound:
                return

    async with asyncio.TaskGroup() as deletes:
        for name in names:
            deletes.create_task(one(name))
