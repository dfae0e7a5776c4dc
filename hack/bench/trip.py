"""Runs one load on a fleet, there and back, and puts the figures together."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Mapping, Sequence

import msgspec

from controllers.api.kinds import WORKFLOW
from controllers.kube.object import Object
from hack.bench import apimetrics, load
from hack.bench.apimetrics import OURS, Snapshot
from hack.bench.cleanup import Before, clean_up, standing
from hack.bench.distribution import distribution
from hack.bench.etcd import Written
from hack.bench.observe import Observer, Source, Timeline, copies_on
from hack.bench.order import Order
from hack.bench.process_usage import Meter
from hack.bench.results import Trip
from hack.bench.testbed import Clients
from hack.bench.workload import RUN_LABEL
from hack.fleet.layout import HUB

# Servers are quiet when nothing was written for this long.
_QUIET = 0.5
_QUIET_WITHIN = 20.0
MANAGED = "managed"


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
    drafts = order.drafts()
    sources = copies or [copies_on(client, order.run) for client in clients.managed.values()]
    observer = Observer(clients.hub, order.run, drafts, sources)
    meter = Meter(pids)
    async with observer.watching():
        await quiet(clients)
        # Versions that earlier loads left would fill etcd's quota in the end, and be compacted during a later load.
        await clients.etcd.compact()
        gc.collect()
        gc.freeze()  # a full collection of what is here already would stop the clock of others
        there = Before(await standing(clients), sees_copies=not copies)
        before, written = await snapshots(clients), await clients.etcd.written()
        async with meter.running():
            await load.submit(clients.hub, drafts, observer.timelines, order.load)
            finished = await observer.until(lambda item: item.finished, order.patience)
            await quiet(clients)
        after, written = await snapshots(clients), (await clients.etcd.written()).since(written)
        usage = meter.usage()
        wrong = 0 if copies else await _wrong(clients, order.run)
        cleanup = await clean_up(clients, observer, drafts, there, order.patience)
    spent = {name: after[name].since(before[name]) for name in after}
    timelines = list(observer.timelines.values())
    trip = _figures(order, timelines, spent, written, clusters or len(clients.managed))
    return msgspec.structs.replace(
        trip,
        finished=finished,
        wrong=wrong,
        processes=usage,
        cleanup_seconds=round(cleanup.seconds, 2),
        cleanup_hub_writes=round(cleanup.hub_writes / len(drafts), 2),
        left=cleanup.left,
        ended=meter.ended(),
    )


def _figures(
    order: Order,
    timelines: Sequence[Timeline],
    spent: Mapping[str, Snapshot],
    written: Written,
    clusters: int,
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
        hub_bytes=_each(spent[HUB].body_bytes, count),
        hub_watch_bytes=_each(spent[HUB].watch_bytes, count),
        etcd_puts=round(written.puts / count, 2),
        etcd_bytes=round(written.log_bytes / count),
        processes={},
        cleanup_seconds=0.0,
        cleanup_hub_writes=0.0,
    )


def _each(sums: Mapping[str, float], count: int) -> dict[str, float]:
    """Bytes per Workflow, without those that are next to nothing."""
    return {name: round(moved / count) for name, moved in sorted(sums.items()) if moved >= count}


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
