"""How it goes as a hub fills: with thousands of finished Workflows, and with up to a thousand clusters."""

from __future__ import annotations

import asyncio
import time

from controllers.api.kinds import MANIFEST_WORK, PLACEMENT, WORKFLOW_STATUS_RESULT
from controllers.api.placement import Placement
from controllers.kube.client import Client
from controllers.runtime.scope import Scope
from hack.bench.clones import HUB_KINDS, MANAGED_KINDS, Remains, repeat
from hack.bench.load import submit
from hack.bench.observe import Observer, Source, copies_on
from hack.bench.order import Order
from hack.bench.record import Record
from hack.bench.restart import start_again
from hack.bench.results import Growth, Restart, Storage
from hack.bench.scenario import (
    CLUSTERS,
    FINISHED,
    GROWTH_CLUSTERS,
    GROWTH_FINISHED,
    GROWTH_LOAD,
    GROWTH_STATUS_BYTES,
    Burst,
)
from hack.bench.testbed import CONTROLLERS, Clients, Testbed
from hack.bench.trip import quiet, round_trip
from hack.bench.workload import NAMESPACE
from hack.fleet.errors import FleetError
from hack.fleet.layout import HUB

_MODEL = "finished"
_PLACEMENT = "measured"
_DECIDED_WITHIN = 120.0


async def finished(bed: Testbed, clients: Clients, record: Record) -> None:
    """Restarts and a steady load with FINISHED Workflows on the hub and on its cluster, one size after another."""
    remains = await _run_one(clients)
    sizes: list[Growth] = []
    for size in FINISHED:
        there = sizes[-1].size if sizes else 0
        with record.step(f"{GROWTH_FINISHED}: {size:,} of {FINISHED[-1]:,} finished Workflows"):
            parts = [await asyncio.to_thread(bed.stop_part, title) for title in bed.ours()]
            names = [f"{_MODEL}-{number:06}" for number in range(there + 1, size + 1)]
            await repeat(clients.etcd, remains, names, bed.at_rest)
            storage = await _storage(clients, size, sizes[0].storage if sizes else None)
            await bed.at_rest()
            restarts: dict[str, Restart] = {}
            for part in parts:
                restarts[part.title] = await start_again(bed, clients, part)
            await quiet(clients)
            order = Order(f"{GROWTH_FINISHED}-{size}", GROWTH_LOAD, GROWTH_STATUS_BYTES)
            trip = await round_trip(clients, bed.pids(), order)
        sizes.append(Growth(GROWTH_FINISHED, size, restarts, trip, storage=storage))
        record.add(growth=sizes[-1:])


async def _run_one(clients: Clients) -> Remains:
    """Runs the Workflow that all others are made after."""
    order = Order(f"{_MODEL}-{0:06}", Burst(1), GROWTH_STATUS_BYTES)
    drafts = order.drafts()
    name, cluster = next(iter(clients.managed.items()))
    observer = Observer(clients.hub, order.run, drafts, [copies_on(cluster, order.run)])
    async with observer.watching():
        await submit(clients.hub, drafts, observer.timelines, order.load)
        if not await observer.until(lambda item: item.finished, order.patience):
            raise FleetError("the first Workflow has not finished; see the logs")
    await quiet(clients)
    return await Remains.of(clients.hub, name, cluster, clients.etcd, next(iter(drafts)))


async def _storage(clients: Clients, size: int, empty: Storage | None) -> Storage:
    """What etcd needs now, and for each of `size` Workflows since it was `empty`."""
    await clients.etcd.compact()
    await clients.etcd.defragment()
    in_use = await clients.etcd.size_in_use()
    stored = await clients.etcd.stored(HUB, HUB_KINDS)
    stored += await clients.etcd.stored(next(iter(clients.managed)), MANAGED_KINDS)
    return Storage(in_use, round((in_use - empty.in_use) / size) if empty and size else None, stored)


async def clusters(bed: Testbed, clients: Clients, record: Record) -> None:
    """Restarts and a steady load with so many CLUSTERS, whose agents are simulated; the hub is real."""
    works = [Source(clients.hub, Scope(kind)) for kind in (MANIFEST_WORK, WORKFLOW_STATUS_RESULT)]
    for size in CLUSTERS:
        with record.step(f"{GROWTH_CLUSTERS}: {size:,} of {CLUSTERS[-1]:,} clusters"):
            await asyncio.to_thread(bed.start_fake_agents, size)
            decided = await _decide(clients.hub, size)
            part = await asyncio.to_thread(bed.stop_part, CONTROLLERS)
            restarts = {part.title: await start_again(bed, clients, part)}
            await quiet(clients)
            order = Order(f"{GROWTH_CLUSTERS}-{size}", GROWTH_LOAD, GROWTH_STATUS_BYTES)
            trip = await round_trip(clients, bed.pids(), order, copies=works, clusters=size)
        record.add(growth=[Growth(GROWTH_CLUSTERS, size, restarts, trip, round(decided, 2))])


async def _decide(hub: Client, size: int) -> float:
    """Seconds from the creation of a Placement until it has all clusters. Raises FleetError if it takes too long."""
    body = {
        "apiVersion": PLACEMENT.api_version,
        "kind": PLACEMENT.kind,
        "metadata": {"name": _PLACEMENT, "namespace": NAMESPACE},
        "spec": {"clusterSets": ["default"]},
    }
    begin = time.monotonic()
    await hub.create(PLACEMENT, body, namespace=NAMESPACE)
    while time.monotonic() - begin < _DECIDED_WITHIN:
        found = await hub.get(PLACEMENT, _PLACEMENT, namespace=NAMESPACE)
        if found.decode(Placement).status.number_of_selected_clusters == size:
            seconds = time.monotonic() - begin
            await hub.delete(PLACEMENT, _PLACEMENT, namespace=NAMESPACE)
            return seconds
        await asyncio.sleep(0.01)
    raise FleetError(f"a Placement has not selected {size} clusters after {_DECIDED_WITHIN:.0f} s")
