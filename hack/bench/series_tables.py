"""The figures of the series as rows of text: growth, what etcd keeps, several processes. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from hack.bench.apimetrics import LEASES, READS, total
from hack.bench.results import Growth, Replicas, Restart, Trip
from hack.bench.tables import Table, count, short
from hack.bench.testbed import CONTROLLERS
from hack.fleet.layout import HUB


def growth(found: Sequence[Growth], unit: str) -> Table:
    """One row per size and process that was started anew."""
    head = [unit, "process", "ready", "settled", "CPU", "requests", "memory", "peak"]
    head += ["dispatch p50 / p99", "status p50 / p99"]
    decided = any(item.decided_seconds is not None for item in found)
    rows = [
        (*_restart(item, process, restart, first=number == 0), *([_decided(item)] if decided else []))
        for item in found
        for number, (process, restart) in enumerate(item.restarts.items())
    ]
    return Table((*head, *(["Placement decided"] if decided else [])), rows)


def _restart(item: Growth, process: str, restart: Restart, *, first: bool) -> tuple[str, ...]:
    return (
        count(item.size) if first else "",
        process,
        f"{restart.ready_seconds:.1f} s",
        f"{restart.settled_seconds:.1f} s",
        f"{restart.cpu_seconds:.1f} s",
        count(sum(total(counts) for counts in restart.requests.values())),
        f"{restart.rss:.0f} MiB",
        f"{restart.peak_rss:.0f} MiB",
        short(item.trip.dispatch) if first else "",
        short(item.trip.status) if first else "",
    )


def _decided(item: Growth) -> str:
    return "" if item.decided_seconds is None else f"{item.decided_seconds:.2f} s"


def storage(found: Sequence[Growth]) -> Table:
    """What etcd needs at each size, and what a Workflow's round trip writes into it."""
    rows = [
        (
            count(item.size),
            f"{item.storage.in_use / 1e6:.1f} MB",
            "" if item.storage.per_workflow is None else f"{item.storage.per_workflow / 1e3:.1f} KB",
            f"{item.trip.etcd_puts:.1f}",
            f"{item.trip.etcd_bytes / 1e3:.1f} KB",
        )
        for item in found
        if item.storage
    ]
    head = (
        "finished",
        "database",
        "of it per finished Workflow",
        "changes per round trip",
        "log per round trip",
    )
    return Table(head, rows)


def objects(found: Sequence[Growth]) -> Table:
    """What the objects of the largest size are in etcd, by kind."""
    largest = max((item for item in found if item.storage), key=lambda item: item.size)
    kinds = largest.storage.kinds if largest.storage else []
    rows = [
        (f"{item.cluster}: {item.resource}", count(item.objects), f"{item.bytes:,} bytes") for item in kinds
    ]
    return Table(("kind", "objects", "each"), rows)


def replicas(found: Sequence[Replicas]) -> Table:
    """One row per number of processes; per Workflow but for latencies and memory.

    CPU and memory are of the controllers' processes alone; `watched` is what the hub's watches carry to all of them,
    agents and the observer included.
    """
    load = ("processes", "Workflows/s", "dispatch p50 / p99", "status p50 / p99", "hub writes")
    cost = (
        "hub reads",
        "lease requests",
        "watched",
        "controllers' CPU per Workflow",
        "peak of each",
        "balanced after",
    )
    return Table((*load, *cost), [_replicas(item) for item in found])


def _replicas(item: Replicas) -> tuple[str, ...]:
    trip = item.trip
    usages = [usage for name, usage in sorted(trip.processes.items()) if is_controllers(name)]
    cpu = sum(usage.cpu_seconds for usage in usages) / trip.workflows
    return (
        str(item.processes),
        f"{trip.workflows_per_second:.1f}",
        short(trip.dispatch),
        short(trip.status),
        f"{trip.hub_writes:.2f}",
        f"{_of_hub(trip, READS):.2f}",
        f"{_of_hub(trip, LEASES):.2f}",
        f"{sum(trip.hub_watch_bytes.values()) / 1e3:.0f} KB",
        f"{1000 * cpu:.1f} ms",
        " / ".join(f"{usage.peak_rss:.0f}" for usage in usages) + " MiB",
        f"{item.balanced_seconds:.1f} s",
    )


def is_controllers(process: str) -> bool:
    """Whether it is a process of the controllers: `controllers`, `controllers-2`, ..."""
    return process == CONTROLLERS or process.startswith(f"{CONTROLLERS}-")


def _of_hub(trip: Trip, owner: str) -> float:
    return total(trip.requests[HUB].get(owner, {}))
