"""The same load on one, two and more processes of the controllers, which share the work by shards of namespaces."""

from __future__ import annotations

import asyncio
import datetime
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from controllers.api.kinds import LEASE
from controllers.kube.client import Client
from hack.bench.order import Order
from hack.bench.record import Record
from hack.bench.results import Replicas
from hack.bench.scenario import (
    PROCESSES,
    REPLICAS,
    REPLICAS_LOAD,
    REPLICAS_NAMESPACES,
    REPLICAS_STATUS_BYTES,
    SHARDS,
    Burst,
)
from hack.bench.testbed import Clients, Testbed
from hack.bench.trip import round_trip
from hack.fleet.errors import FleetError

# The Lease of each shard is called so, with the shard's number behind it.
_SHARD_LEASE: Final = "argosy-controllers-shard-"
_BALANCED_WITHIN = 120.0
_INTERVAL = 0.1


async def processes(bed: Testbed, clients: Clients, record: Record) -> None:
    """A burst on each number of PROCESSES, on a fleet that has one with SHARDS, and the namespaces."""
    running = 1
    for wanted in PROCESSES:
        with record.step(f"{REPLICAS}: {REPLICAS_LOAD} on {wanted} of {PROCESSES[-1]} processes"):
            begin = time.monotonic()
            for number in range(running + 1, wanted + 1):
                await asyncio.to_thread(bed.start_controllers, number, SHARDS)
            running = wanted
            balanced = await _balanced(clients.hub, wanted, begin)
            await round_trip(
                clients, bed.pids(), _order(f"warm-up-{wanted}", Burst(len(REPLICAS_NAMESPACES)))
            )
            trip = await round_trip(clients, bed.pids(), _order(f"{REPLICAS}-{wanted}", REPLICAS_LOAD))
        record.add(replicas=[Replicas(wanted, SHARDS, len(REPLICAS_NAMESPACES), round(balanced, 2), trip)])


def _order(run: str, load: Burst) -> Order:
    return Order(run, load, REPLICAS_STATUS_BYTES, namespaces=REPLICAS_NAMESPACES)


async def _balanced(hub: Client, wanted: int, begin: float) -> float:
    """Seconds since `begin` until each of `wanted` processes holds its share. Raises FleetError if that takes long."""
    holders: Mapping[str, str] = {}
    while (spent := time.monotonic() - begin) < _BALANCED_WITHIN:
        leases, _ = await hub.list(LEASE)
        now = datetime.datetime.now(datetime.UTC)
        holders = shard_holders((item.to_dict() for item in leases), now)
        if is_balanced(holders, wanted, SHARDS):
            return spent
        await asyncio.sleep(_INTERVAL)
    raise FleetError(
        f"{wanted} processes have not shared {SHARDS} shards evenly after {_BALANCED_WITHIN:.0f} s: {dict(holders)}"
    )


def shard_holders(leases: Iterable[Mapping[str, Any]], now: datetime.datetime) -> dict[str, str]:
    """Who holds each shard by its Lease; "" for one that nobody has renewed within its duration. Pure."""
    return {
        lease["metadata"]["name"]: lease["spec"].get("holderIdentity") or "" if _is_fresh(lease, now) else ""
        for lease in leases
        if lease["metadata"]["name"].startswith(_SHARD_LEASE)
    }


def is_balanced(holders: Mapping[str, str], wanted: int, shards: int) -> bool:
    """Whether every shard is held, and so many processes hold as many as each other, one more or less. Pure."""
    counts = Counter(holders.values())
    return (
        len(holders) == shards
        and "" not in counts
        and len(counts) == min(wanted, shards)
        and max(counts.values()) - min(counts.values()) <= 1
    )


def _is_fresh(lease: Mapping[str, Any], now: datetime.datetime) -> bool:
    spec = lease["spec"]
    if not spec.get("renewTime"):
        return False
    age = now - datetime.datetime.fromisoformat(spec["renewTime"])
    return age <= datetime.timedelta(seconds=spec.get("leaseDurationSeconds") or 0)
