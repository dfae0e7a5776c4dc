"""A whole run: a fresh fleet for each shape, the ceilings on it first, then Argosy; and one for each series."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec

from hack.bench import growth, machine, replicas
from hack.bench.ceiling import ceilings
from hack.bench.order import Order
from hack.bench.record import Record
from hack.bench.results import Result, Trip, with_fractions
from hack.bench.scenario import (
    CLUSTERS,
    FINISHED,
    FULL,
    GROWTH_CLUSTERS,
    GROWTH_FINISHED,
    KILOBYTE,
    PROCESSES,
    QUICK,
    REPLICAS,
    REPLICAS_NAMESPACES,
    SHARDS,
    Burst,
    Load,
    Scenario,
    Shape,
    by_shape,
    chosen,
    is_chosen,
)
from hack.bench.testbed import Clients, Testbed, testbed
from hack.bench.trip import round_trip
from hack.fleet.progress import Progress

_CEILING_COUNT, _CEILING_COUNT_LARGE, _CEILING_COUNT_QUICK = 400, 100, 60
_LARGE = 50 * KILOBYTE
# The first Workflows meet cold caches and connections that are not there yet; users' first ones do, the others don't.
_WARM_UP = Burst(10)
_SIZES = {
    GROWTH_FINISHED: len(FINISHED),
    GROWTH_CLUSTERS: len(CLUSTERS),
    REPLICAS: len(PROCESSES),
}

Measure = Callable[[Testbed, Clients, Record], Awaitable[None]]


def full(date: str, only: Sequence[str], progress: Progress, path: Path) -> Result:
    """Everything, or what `only` names; kept in `path` from the first figure on.

    What could not be measured is in the result's `failures`; the rest is measured all the same.
    """
    shapes = by_shape(chosen(FULL, only))
    series = [name for name in _SIZES if is_chosen(name, only)]
    steps = sum(1 + len(scenarios) for scenarios in shapes.values()) + sum(_SIZES[name] for name in series)
    record = Record(_empty(date), progress, steps, path)
    for shape, scenarios in shapes.items():
        count = _CEILING_COUNT_LARGE if shape.status_bytes > _LARGE else _CEILING_COUNT
        with record.group(str(shape), 1 + len(scenarios)):
            _shape(shape, scenarios, count, record, progress)
    for name in series:
        with record.group(name, _SIZES[name]):
            _series(name, record, progress)
    return record.result


def quick(date: str, progress: Progress) -> Result:
    """The one-minute version: one cluster, a small burst, a steady load."""
    shapes = by_shape(QUICK)
    record = Record(_empty(date), progress, len(QUICK) + len(shapes))
    for shape, scenarios in shapes.items():
        with record.group(str(shape), 1 + len(scenarios)):
            _shape(shape, scenarios, _CEILING_COUNT_QUICK, record, progress)
    return record.result


def _empty(date: str) -> Result:
    return Result(
        date=date, revision=machine.revision(), machine=machine.describe(), versions=machine.versions()
    )


def _shape(
    shape: Shape, scenarios: Sequence[Scenario], ceiling_count: int, record: Record, progress: Progress
) -> None:
    async def limits(bed: Testbed, clients: Clients, record: Record) -> None:
        with record.step(f"ceilings of {shape}"):
            record.add(ceilings=await ceilings(clients, bed.pids(), shape, ceiling_count))

    async def trips(bed: Testbed, clients: Clients, record: Record) -> None:
        pids = bed.pids()
        await round_trip(clients, pids, Order("warm-up", _WARM_UP, shape.status_bytes))
        for scenario in scenarios:
            with record.step(f"{scenario.name}: {scenario.load}"):
                rounds = [await round_trip(clients, pids, Order.of(scenario)) for _ in range(scenario.rounds)]
                trip = median_round(rounds, judged_by(scenario.load))
            if isinstance(scenario.load, Burst):
                trip = with_fractions(trip, str(shape), record.result.ceilings)
            record.add(trips=[trip])

    with testbed(shape.clusters, progress) as bed:
        _measure(bed, limits, record)
        bed.start_ours()
        _measure(bed, trips, record)


def judged_by(load: Load) -> Callable[[Trip], float]:
    """The figure that rounds of `load` are compared by: the rate of a burst, else the p99 of dispatch."""
    if isinstance(load, Burst):
        return lambda trip: trip.workflows_per_second
    return lambda trip: trip.dispatch.p99


def median_round(rounds: Sequence[Trip], figure: Callable[[Trip], float]) -> Trip:
    """The one whose `figure` is in the middle; one with problems goes before all others, so that it is not passed
    over. Pure."""
    if len(rounds) == 1:
        return rounds[0]
    ordered = sorted(rounds, key=figure)
    chosen = next((trip for trip in rounds if trip.problems), ordered[len(ordered) // 2])
    return msgspec.structs.replace(chosen, rounds=[figure(trip) for trip in rounds])


def _series(name: str, record: Record, progress: Progress) -> None:
    clusters, shards, measure = {
        GROWTH_FINISHED: (1, 1, growth.finished),
        GROWTH_CLUSTERS: (0, 1, growth.clusters),
        REPLICAS: (1, SHARDS, replicas.processes),
    }[name]
    with testbed(clusters, progress) as bed:
        bed.start_ours(shards)
        if name == REPLICAS:
            bed.open_namespaces(REPLICAS_NAMESPACES)
        _measure(bed, measure, record)


def _measure(bed: Testbed, measure: Measure, record: Record) -> None:
    async def run() -> None:
        async with bed.connected() as clients:
            await measure(bed, clients, record)

    known = len(record.result.problems)
    asyncio.run(run())
    bed.keep_logs |= len(record.result.problems) > known
