"""How often a Workflow has run: every uid that a name ever had on a managed cluster, seen by a watch of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping

from controllers.api.kinds import WORKFLOW
from controllers.kube.client import Client
from controllers.runtime.listing import Listed
from controllers.runtime.scope import Scope
from controllers.runtime.watch import Deleted, watch


class Runs:
    """Fills while `watching`. A watch misses nothing between its first list and its end."""

    def __init__(self) -> None:
        self._seen: dict[str, set[tuple[str, str]]] = defaultdict(set)

    def of(self, name: str) -> set[tuple[str, str]]:
        """(cluster, uid) of each copy that ever had this name."""
        return self._seen.get(name, set())

    async def follow(self, cluster: str, client: Client, ready: asyncio.Event) -> None:
        """Until cancelled."""
        async for event in watch(client, Scope(WORKFLOW)):
            match event:
                case Listed(objects):
                    items = objects
                    ready.set()
                case Deleted():
                    continue
                case _:
                    items = [event.object]
            for item in items:
                self._seen[item.metadata.name].add((cluster, item.metadata.uid))


@contextlib.asynccontextmanager
async def watching(clusters: Mapping[str, Client]) -> AsyncIterator[Runs]:
    """Counts runs on all `clusters` from before the body starts until it ends."""
    runs = Runs()
    ready = {name: asyncio.Event() for name in clusters}
    tasks = [asyncio.create_task(runs.follow(name, client, ready[name])) for name, client in clusters.items()]
    try:
        for event in ready.values():
            await event.wait()
        yield runs
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
