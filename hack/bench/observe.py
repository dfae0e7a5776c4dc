"""Sees, as a user's watch would, when each Workflow of a run has got how far. Writes nothing.

One process watches the hub and the clusters, and creates the Workflows, so all times are of one clock and what the
watching itself costs is in both ends of a latency.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from controllers.api import keys
from controllers.api.kinds import WORKFLOW
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.runtime.listing import Listed
from controllers.runtime.scope import Scope
from controllers.runtime.watch import Applied, Deleted, watch
from hack.bench.workload import ENDED_AT, RUN_LABEL


@dataclass(slots=True)
class Timeline:
    """Seconds of the monotonic clock; 0 is "not yet". `ended` is the executor's own, before it wrote the end.

    `gone` is when the hub's Workflow and its copy have both disappeared.
    """

    created: float = 0.0
    copied: float = 0.0
    ended: float = 0.0
    finished: float = 0.0
    hub_gone: float = 0.0
    copy_gone: float = 0.0

    @property
    def gone(self) -> float:
        return max(self.hub_gone, self.copy_gone) if self.hub_gone and self.copy_gone else 0.0


class Handler(Protocol):
    """Takes what a watch says."""

    def __call__(self, item: Object, *, deleted: bool = False) -> None: ...


@dataclass(frozen=True)
class Source:
    """Where the other end is seen: copies on a managed cluster, or what stands for them."""

    client: Client
    scope: Scope


def copies_on(client: Client, run: str) -> Source:
    """The copies of a run's Workflows on a managed cluster."""
    return Source(client, Scope(WORKFLOW, label_selector=f"{RUN_LABEL}={run}"))


class Observer:
    """Timelines of the Workflows of one run, by name, in whatever namespaces; filled while `watching`."""

    def __init__(self, hub: Client, run: str, names: Iterable[str], copies: Sequence[Source]) -> None:
        self.timelines = {name: Timeline() for name in names}
        self._hub = hub
        self._run = run
        self._copies = copies
        self._changed = asyncio.Event()

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Everything is seen that happens inside of the block."""
        of_run = Scope(WORKFLOW, label_selector=f"{RUN_LABEL}={self._run}")
        watches: list[tuple[Source, Handler]] = [(Source(self._hub, of_run), self.on_hub)]
        watches += [(source, self.on_copy) for source in self._copies]
        listed = [asyncio.Event() for _ in watches]
        tasks = [
            asyncio.create_task(self._follow(source, handle, event))
            for (source, handle), event in zip(watches, listed, strict=True)
        ]
        try:
            await asyncio.gather(*(event.wait() for event in listed))
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def until(self, reached: Callable[[Timeline], float], within: float) -> int:
        """Waits until all Workflows have got that far, at most `within` seconds; returns how many have."""
        deadline = time.monotonic() + within
        while True:
            self._changed.clear()
            there = sum(1 for item in self.timelines.values() if reached(item))
            left = deadline - time.monotonic()
            if there == len(self.timelines) or left <= 0:
                return there
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._changed.wait()
                # Not for each event of a burst: counting takes time from what is measured.
                await asyncio.sleep(min(0.05, left))

    def on_hub(self, item: Object, *, deleted: bool = False) -> None:
        """The hub's Workflow is so now; its label comes with the status, in one patch."""
        timeline = self._timeline(item)
        if timeline is None:
            return
        if deleted:
            timeline.hub_gone = time.monotonic()
        elif not timeline.finished and item.metadata.labels.get(keys.COMPLETED_LABEL) == "true":
            timeline.finished = time.monotonic()

    def on_copy(self, item: Object, *, deleted: bool = False) -> None:
        """The copy, or what stands for it, is so now."""
        timeline = self._timeline(item)
        if timeline is None:
            return
        if deleted:
            timeline.copy_gone = time.monotonic()
            return
        timeline.copied = timeline.copied or time.monotonic()
        stamp = item.metadata.annotations.get(ENDED_AT)
        if stamp and not timeline.ended:
            timeline.ended = float(stamp)

    async def _follow(self, source: Source, handle: Handler, listed: asyncio.Event) -> None:
        async for event in watch(source.client, source.scope):
            match event:
                case Listed(objects):
                    for item in objects:
                        handle(item)
                    listed.set()
                case Applied(item):
                    handle(item)
                case Deleted(item):
                    handle(item, deleted=True)
            self._changed.set()

    def _timeline(self, item: Object) -> Timeline | None:
        meta = item.metadata
        return self.timelines.get(meta.annotations.get(keys.HUB_NAME_ANNOTATION) or meta.name)
