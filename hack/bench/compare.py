"""Two results side by side, as ratios. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from hack.bench.results import Growth, Replicas, Result, Trip

Better = Literal["less", "more"]
# On a shared machine times differ by this much from run to run without any cause in the code.
NOISE = 0.15


@dataclass(frozen=True)
class Figure:
    """One number that a change may improve. `exact`: a count, in which no difference is noise."""

    value: float
    better: Better = "less"
    exact: bool = False


@dataclass(frozen=True)
class Row:
    """A figure that both results have. `ratio` is new to old, None if old is 0."""

    name: str
    old: float
    new: float
    ratio: float | None
    verdict: Literal["better", "worse", ""]


def figures(result: Result) -> dict[str, Figure]:
    """The figures that are compared, by name."""
    found = {
        f"{item.variant} ceiling {item.shape}: Workflows/s": Figure(item.workflows_per_second, "more")
        for item in result.ceilings
    }
    for trip in result.trips:
        found |= dict(_of_trip(trip))
    for size in result.growth:
        found |= dict(_of_growth(size))
    for item in result.replicas:
        found |= dict(_of_replicas(item))
    return found


def compare(old: Result, new: Result) -> list[Row]:
    """One row for each figure that both have, in the order of `new`."""
    before = figures(old)
    return [_row(name, before[name], figure) for name, figure in figures(new).items() if name in before]


def _row(name: str, old: Figure, new: Figure) -> Row:
    ratio = new.value / old.value if old.value else None
    margin = 0.02 if new.exact else NOISE
    verdict: Literal["better", "worse", ""] = ""
    if ratio is not None and abs(ratio - 1) > margin:
        verdict = "better" if (ratio < 1) == (new.better == "less") else "worse"
    return Row(name, old.value, new.value, ratio, verdict)


def _of_trip(trip: Trip) -> Iterator[tuple[str, Figure]]:
    name = trip.name
    for what, latency in (("dispatch", trip.dispatch), ("status", trip.status)):
        yield f"{name}: {what} p50 ms", Figure(latency.p50)
        yield f"{name}: {what} p99 ms", Figure(latency.p99)
    yield f"{name}: end to end p99 ms", Figure(trip.end_to_end.p99)
    if trip.of_ceiling is not None:
        yield f"{name}: Workflows/s", Figure(trip.workflows_per_second, "more")
        yield f"{name}: of ceiling", Figure(trip.of_ceiling, "more")
    if trip.of_lean_ceiling is not None:
        yield f"{name}: of lean ceiling", Figure(trip.of_lean_ceiling, "more")
    yield f"{name}: hub writes", Figure(trip.hub_writes, exact=True)
    yield f"{name}: etcd log bytes", Figure(trip.etcd_bytes)
    yield f"{name}: CPU ms", Figure(round(1000 * trip.cpu, 1))
    yield f"{name}: clean-up s", Figure(trip.cleanup_seconds)
    for process, usage in trip.processes.items():
        if process == "controllers" or process.endswith("/agent"):
            yield f"{name}: {process} CPU s", Figure(usage.cpu_seconds)
            yield f"{name}: {process} peak MiB", Figure(usage.peak_rss)


def _of_growth(item: Growth) -> Iterator[tuple[str, Figure]]:
    name = f"{item.axis} {item.size}"
    for process, restart in item.restarts.items():
        yield f"{name}: {process} ready s", Figure(restart.ready_seconds)
        yield f"{name}: {process} settled s", Figure(restart.settled_seconds)
        yield f"{name}: {process} MiB", Figure(restart.rss)
    yield f"{name}: dispatch p99 ms", Figure(item.trip.dispatch.p99)
    yield f"{name}: status p99 ms", Figure(item.trip.status.p99)
    yield f"{name}: hub writes", Figure(item.trip.hub_writes, exact=True)
    if item.decided_seconds is not None:
        yield f"{name}: decided s", Figure(item.decided_seconds)
    if item.storage and item.storage.per_workflow is not None:
        yield f"{name}: etcd bytes per Workflow", Figure(item.storage.per_workflow)


def _of_replicas(item: Replicas) -> Iterator[tuple[str, Figure]]:
    name = f"{item.processes} processes"
    yield f"{name}: Workflows/s", Figure(item.trip.workflows_per_second, "more")
    yield f"{name}: hub writes", Figure(item.trip.hub_writes, exact=True)
    yield f"{name}: balanced s", Figure(item.balanced_seconds)
