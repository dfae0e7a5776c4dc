"""Runs one load on a fleet, there and back, and puts the figures together."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from controllers.api import keys
from controllers.api.kinds import MANIFEST_WORK, WORKFLOW, WORKFLOW_STATUS_RESULT
from controllers.kube.client import Client
from controllers.kube.object import Object
from hack.bench import apimetrics, load
from hack.bench.apimetrics import OURS, Snapshot
from hack.bench.distribution import distribution
from hack.bench.observe import Observer, Source, Timeline, copies_on
from hack.bench.process_usage import Meter
from hack.bench.results import Trip
from hack.bench.scenario import Load, Scenario, Steady
from hack.bench.testbed import Clients
from hack.bench.workload import NAMESPACE, RUN_LABEL, workflow
from hack.fleet.layout import HUB

# Servers are quiet when nothing was written for this long.
_QUIET = 0.5
_QUIET_WITHIN = 20.0
MANAGED = "managed"


class Order(NamedTuple):
    """What to send. `run` names it, and is the beginning of its Workflows' names."""

    run: str
    load: Load
    status_bytes: int
    run_seconds: float = 0.4

    @classmethod
    def of(cls, scenario: Scenario) -> Order:
        return cls(scenario.name, scenario.load, scenario.shape.status_bytes, scenario.run_seconds)

    @property
    def patience(self) -> float:
        """Seconds after which those that have not finished are given up."""
        sending = self.load.seconds if isinstance(self.load, Steady) else 0.0
        return 60.0 + sending + self.load.count * (0.25 if self.status_bytes < 50_000 else 1.0)

    def bodies(self) -> dict[str, bytes]:
        names = [f"{self.run}-{number:05}" for number in range(self.load.count)]
        return {
            name: msgspec.json.encode(
                workflow(name, run=self.run, status_bytes=self.status_bytes, run_seconds=self.run_seconds)
            )
            for name in names
        }


async def round_trip(
    clients: Clients,
    pids: Mapping[str, int],
    order: Order,
    *,
    copies: Sequence[Source] = (),
    clusters: int | None = None,
) -> Trip:
    """Sends, watches until all are back, cleans up. Everything that was sent is gone afterwards.

    `copies` tells where the other end is seen, if not on the managed clusters; `clusters` how many there are then.
    """
    bodies = order.bodies()
    sources = copies or [copies_on(client, order.run) for client in clients.managed.values()]
    observer = Observer(clients.hub, order.run, bodies, sources)
    meter = Meter(pids)
    async with observer.watching():
        await quiet(clients)
        gc.collect()
        gc.freeze()  # a full collection of what is here already would stop the clock of others
        before = await snapshots(clients)
        async with meter.running():
            await load.submit(clients.hub, bodies, observer.timelines, order.load)
            finished = await observer.until(lambda item: item.finished, order.patience)
            await quiet(clients)
        after = await snapshots(clients)
        usage = meter.usage()
        wrong = 0 if copies else await _wrong(clients, order.run)
        cleanup = await _clean_up(clients, observer, order, sees_copies=not copies)
    spent = {name: after[name].since(before[name]) for name in after}
    timelines = list(observer.timelines.values())
    trip = _figures(order, timelines, spent, clusters or len(clients.managed))
    return msgspec.structs.replace(
        trip,
        finished=finished,
        wrong=wrong,
        processes=usage,
        cleanup_seconds=round(cleanup.seconds, 2),
        cleanup_hub_writes=round(cleanup.hub_writes / len(bodies), 2),
        left=cleanup.left,
        ended=meter.ended(),
    )


def _figures(
    order: Order, timelines: Sequence[Timeline], spent: Mapping[str, Snapshot], clusters: int
) -> Trip:
    """What was seen and counted, as figures. `processes` and the clean-up are not among them."""
    count = len(timelines)
    back = [item for item in timelines if item.finished]
    took = max((item.finished for item in back), default=0.0) - min(item.created for item in timelines)
    hub = apimetrics.by_owner(spent[HUB].requests, hub=True)
    managed = apimetrics.add(
        apimetrics.by_owner(snapshot.requests, hub=False) for name, snapshot in spent.items() if name != HUB
    )
    return Trip(
        name=order.run,
        load=str(order.load),
        clusters=clusters,
        status_bytes=order.status_bytes,
        workflows=count,
        finished=len(back),
        wrong=0,
        dispatch=distribution(item.copied - item.created for item in timelines if item.copied),
        status=distribution(item.finished - item.ended for item in back if item.ended),
        end_to_end=distribution(item.finished - item.created for item in back),
        workflows_per_second=round(len(back) / took, 2) if back else 0.0,
        hub_writes=round(apimetrics.total(hub.get(OURS, {})) / count, 2),
        refused=round(apimetrics.conflicts(spent[HUB].requests) / count, 3),
        requests={
            HUB: apimetrics.per(hub, count),
            MANAGED: apimetrics.per(apimetrics.without_executor(managed, count), count),
        },
        hub_bytes={name: round(sent / count) for name, sent in sorted(spent[HUB].body_bytes.items())},
        processes={},
        cleanup_seconds=0.0,
        cleanup_hub_writes=0.0,
    )


async def snapshots(clients: Clients) -> dict[str, Snapshot]:
    """The counters of all API servers."""
    found = await asyncio.gather(*(apimetrics.read(client) for client in clients.all.values()))
    return dict(zip(clients.all, found, strict=True))


async def quiet(clients: Clients) -> None:
    """Waits until nobody writes any more: the last reports are of no interest to a user, but they count."""
    deadline = time.monotonic() + _QUIET_WITHIN
    last = -1.0
    while time.monotonic() < deadline:
        found = await snapshots(clients)
        now = sum(apimetrics.writes(snapshot.requests) for snapshot in found.values())
        if now == last:
            return
        last = now
        await asyncio.sleep(_QUIET)


async def _wrong(clients: Clients, run: str) -> int:
    """How many Workflows have another status on the hub than on their cluster."""
    selector = f"{RUN_LABEL}={run}"
    found = await asyncio.gather(
        *(client.list(WORKFLOW, label_selector=selector) for client in clients.all.values())
    )
    hub, *managed = (objects for objects, _ in found)
    copies = {item.metadata.name: item for objects in managed for item in objects}
    return sum(1 for item in hub if not _same_status(item, copies.get(item.metadata.name)))


def _same_status(one: Object, other: Object | None) -> bool:
    return other is not None and one.to_dict().get("status") == other.to_dict().get("status")


class _CleanUp(NamedTuple):
    seconds: float
    hub_writes: float
    left: int


async def _clean_up(clients: Clients, observer: Observer, order: Order, *, sees_copies: bool) -> _CleanUp:
    """Deletes all Workflows on the hub; until they, their copies, and what stood for them on the hub are gone."""
    before = await apimetrics.read(clients.hub)
    begin = time.monotonic()
    await load.delete(clients.hub, observer.timelines)
    reached: Callable[[Timeline], float] = _gone if sees_copies else _hub_gone
    gone = await observer.until(reached, order.patience)
    left = len(observer.timelines) - gone + await _until_none(clients.hub, order.run, order.patience)
    seconds = time.monotonic() - begin
    spent = (await apimetrics.read(clients.hub)).since(before)
    writes = apimetrics.total(apimetrics.by_owner(spent.requests, hub=True).get(OURS, {}))
    return _CleanUp(seconds, writes, left)


def _gone(timeline: Timeline) -> float:
    return timeline.gone


def _hub_gone(timeline: Timeline) -> float:
    return timeline.hub_gone


async def _until_none(hub: Client, run: str, within: float) -> int:
    """Waits until no ManifestWork and no status result of the run is left; how many are, if it takes too long."""
    deadline = time.monotonic() + within
    left = 0
    for kind in (MANIFEST_WORK, WORKFLOW_STATUS_RESULT):
        while True:
            objects, _ = await hub.list(kind)
            found = sum(1 for item in objects if _is_of(item, run))
            if not found or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.1)
        left += found
    return left


def _is_of(item: Object, run: str) -> bool:
    name = item.metadata.annotations.get(keys.HUB_NAME_ANNOTATION, "")
    return item.metadata.annotations.get(keys.HUB_NAMESPACE_ANNOTATION) == NAMESPACE and name.startswith(
        f"{run}-"
    )
