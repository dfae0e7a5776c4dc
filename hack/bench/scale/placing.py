"""Creates the Workflows, as fast as one client can, and sees which clusters they get."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from typing import NamedTuple

from controllers.api import keys
from controllers.api.kinds import WORKFLOW
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.runtime.listing import Listed
from controllers.runtime.scope import Scope
from controllers.runtime.watch import Applied, watch
from hack.bench import apimetrics
from hack.bench.apimetrics import EVENTS
from hack.bench.distribution import distribution
from hack.bench.process_usage import Meter
from hack.bench.scale import objects
from hack.bench.scale.figures import Evenness, Placed
from hack.bench.scale.fill import IN_FLIGHT, Decisions, PlacementKey, decisions, each
from hack.bench.scale.objects import RUN, Size
from hack.bench.scale.probe import writes
from hack.bench.workload import RUN_LABEL, Draft

_CREATE = "workflows POST"
_SECONDS_EACH, _SECONDS_MORE = 0.05, 60.0


class Seat(NamedTuple):
    """The cluster of a Workflow, and the monotonic time when a watch has shown it."""

    placement: PlacementKey
    cluster: str
    seen: float


class Seats:
    """The clusters of the Workflows, by their names; filled while `watching`."""

    def __init__(self, hub: Client, wanted: int) -> None:
        self.taken: dict[str, Seat] = {}
        self._hub = hub
        self._wanted = wanted
        self._listed = asyncio.Event()
        self._all = asyncio.Event()

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Everything is seen that happens inside of the block."""
        task = asyncio.create_task(self._follow())
        try:
            await self._listed.wait()
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def all(self, within: float) -> None:
        """Returns when every Workflow has one, or after so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._all.wait()

    async def _follow(self) -> None:
        async for event in watch(self._hub, Scope(WORKFLOW, label_selector=f"{RUN_LABEL}={RUN}")):
            if isinstance(event, Listed):
                for item in event.objects:
                    self._note(item)
                self._listed.set()
            elif isinstance(event, Applied):
                self._note(event.object)

    def _note(self, item: Object) -> None:
        meta = item.metadata
        cluster = meta.annotations.get(keys.CLUSTER_ANNOTATION)
        if cluster and meta.name not in self.taken:
            placement = PlacementKey(meta.namespace, meta.annotations[keys.PLACEMENT_ANNOTATION])
            self.taken[meta.name] = Seat(placement, cluster, time.monotonic())
            if len(self.taken) == self._wanted:
                self._all.set()


async def place(hub: Client, pids: Mapping[str, int], size: Size) -> Placed:
    """Creates all of them; until each has a cluster. `pids`: the processes whose usage is of interest."""
    drafts = objects.workflows(size)
    created: dict[str, float] = {}

    async def create(item: tuple[str, Draft]) -> None:
        name, draft = item
        created[name] = time.monotonic()
        await hub.create(WORKFLOW, draft.body, namespace=draft.namespace)

    decided = await decisions(hub)
    seats, meter = Seats(hub, len(drafts)), Meter(pids)
    before = await apimetrics.read(hub)
    async with seats.watching():
        async with meter.running():
            begin = time.monotonic()
            await each(drafts.items(), create)
            await seats.all(_SECONDS_MORE + _SECONDS_EACH * len(drafts))
        spent = (await apimetrics.read(hub)).since(before)
    taken = seats.taken
    owners = apimetrics.by_owner(spent.requests, hub=True)
    return Placed(
        workflows=len(drafts),
        in_flight=IN_FLIGHT,
        placed=len(taken),
        strayed=sum(seat.cluster not in decided.get(seat.placement, ()) for seat in taken.values()),
        seconds=round(max((seat.seen for seat in taken.values()), default=begin) - begin, 2),
        latency=distribution(seat.seen - created[name] for name, seat in taken.items()),
        writes=writes(owners, {_CREATE: len(drafts)}),
        events=round(apimetrics.total(owners.get(EVENTS, {}))),
        processes=meter.usage(),
        evenness=evenness(decided, taken.values()),
    )


def evenness(decided: Decisions, taken: Collection[Seat]) -> Evenness:
    """From the clusters that were decided for each Placement, and those that its Workflows got. Pure."""
    own: dict[PlacementKey, Counter[str]] = defaultdict(Counter)
    for seat in taken:
        own[seat.placement][seat.cluster] += 1
    together = Counter(seat.cluster for seat in taken)
    clusters = {placement: {*found, *decided.get(placement, ())} for placement, found in own.items()}
    return Evenness(
        own=_spans(_span(own[placement], names) for placement, names in clusters.items()),
        all=_spans(_span(together, names) for names in clusters.values()),
    )


def _spans(found: Iterable[int]) -> dict[int, int]:
    return dict(sorted(Counter(found).items()))


def _span(counts: Counter[str], clusters: Iterable[str]) -> int:
    numbers = [counts[cluster] for cluster in clusters]
    return max(numbers) - min(numbers)
