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
from hack.bench.workload import Draft

# As many connections as a busy client has; a burst is as fast as these allow.
_IN_FLIGHT = 32


async def submit(
    hub: Client, drafts: Mapping[str, Draft], timelines: Mapping[str, Timeline], load: Load
) -> None:
    """Creates `drafts` (by name) as `load` says. Raises ApiError."""
    slots = asyncio.Semaphore(_IN_FLIGHT)
    begin = time.monotonic()

    async def create(position: int, name: str, draft: Draft) -> None:
        if isinstance(load, Steady):
            await asyncio.sleep(begin + position / load.rate - time.monotonic())
        async with slots:
            timelines[name].created = time.monotonic()
            await hub.create(WORKFLOW, draft.body, namespace=draft.namespace)

    async with asyncio.TaskGroup() as creates:
        for position, (name, draft) in enumerate(drafts.items()):
            creates.create_task(create(position, name, draft))


async def delete(hub: Client, drafts: Mapping[str, Draft]) -> None:
    """Deletes Workflows one by one, many at a time, as `kubectl delete` of a list does. Raises ApiError."""
    slots = asyncio.Semaphore(_IN_FLIGHT)

    async def one(name: str, namespace: str) -> None:
        async with slots:
            try:
                await hub.delete(WORKFLOW, name, namespace=namespace)
            except NotFound:
                return

    async with asyncio.TaskGroup() as deletes:
        for name, draft in drafts.items():
            deletes.create_task(one(name, draft.namespace))
