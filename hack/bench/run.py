"""A whole run: a fresh fleet for each shape, the ceiling on it first, then Argosy; and the growth series."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from hack.bench import growth, machine
from hack.bench.ceiling import ceiling
from hack.bench.results import Ceiling, Growth, Result, Trip
from hack.bench.scenario import (
    CLUSTERS,
    FINISHED,
    FULL,
    GROWTH_CLUSTERS,
    GROWTH_FINISHED,
    KILOBYTE,
    QUICK,
    Burst,
    Scenario,
    Shape,
    by_shape,
    chosen,
    is_chosen,
)
from hack.bench.testbed import Testbed, testbed
from hack.bench.trip import Order, round_trip
from hack.fleet.progress import Progress

_CEILING_COUNT, _CEILING_COUNT_LARGE, _CEILING_COUNT_QUICK = 400, 100, 60
_LARGE = 50 * KILOBYTE
# The first Workflows meet cold caches and connections that are not there yet; users' first ones do, the others don't.
_WARM_UP = Burst(10)


def full(date: str, only: Sequence[str], progress: Progress) -> Result:
    """Everything, or what `only` names. Raises FleetError, or ApiError in a group."""
    ceilings: list[Ceiling] = []
    trips: list[Trip] = []
    for shape, scenarios in by_shape(chosen(FULL, only)).items():
        count = _CEILING_COUNT_LARGE if shape.status_bytes > _LARGE else _CEILING_COUNT
        limit, measured = _shape(shape, scenarios, count, progress)
        ceilings.append(limit)
        trips += measured
    series: list[Growth] = []
    if is_chosen(GROWTH_FINISHED, only):
        series += _growth_finished(progress)
    if is_chosen(GROWTH_CLUSTERS, only):
        series += _growth_clusters(progress)
    return _result(date, ceilings, trips, series)


def quick(date: str, progress: Progress) -> Result:
    """The one-minute version: one cluster, a small burst, a steady load."""
    ceilings: list[Ceiling] = []
    trips: list[Trip] = []
    for shape, scenarios in by_shape(QUICK).items():
        limit, measured = _shape(shape, scenarios, _CEILING_COUNT_QUICK, progress)
        ceilings.append(limit)
        trips += measured
    return _result(date, ceilings, trips, [])


def _result(date: str, ceilings: list[Ceiling], trips: list[Trip], series: list[Growth]) -> Result:
    return Result(
        date=date,
        revision=machine.revision(),
        machine=machine.describe(),
        versions=machine.versions(),
        ceilings=ceilings,
        trips=trips,
        growth=series,
    )


def _shape(
    shape: Shape, scenarios: Sequence[Scenario], ceiling_count: int, progress: Progress
) -> tuple[Ceiling, list[Trip]]:
    with testbed(shape.clusters, progress) as bed:
        with progress.step(f"ceiling of {shape}"):
            limit = asyncio.run(_ceiling(bed, shape, ceiling_count))
        bed.start_ours()
        trips = asyncio.run(_trips(bed, shape, scenarios, limit, progress))
    return limit, trips


async def _ceiling(bed: Testbed, shape: Shape, count: int) -> Ceiling:
    async with bed.connected() as clients:
        return await ceiling(clients, bed.pids(), shape, count)


async def _trips(
    bed: Testbed, shape: Shape, scenarios: Sequence[Scenario], limit: Ceiling, progress: Progress
) -> list[Trip]:
    async with bed.connected() as clients:
        pids = bed.pids()
        await round_trip(clients, pids, Order("warm-up", _WARM_UP, shape.status_bytes))
        trips = []
        for scenario in scenarios:
            with progress.step(f"{scenario.name}: {scenario.load}"):
                trip = await round_trip(clients, pids, Order.of(scenario))
            if isinstance(scenario.load, Burst):
                share = round(trip.workflows_per_second / limit.workflows_per_second, 3)
                trip = msgspec.structs.replace(trip, of_ceiling=share)
            for problem in trip.problems:
                progress.say(problem)
                bed.keep_logs = True
            trips.append(trip)
        return trips


def _growth_finished(progress: Progress) -> list[Growth]:
    async def measure(bed: Testbed) -> list[Growth]:
        async with bed.connected() as clients:
            with progress.step(f"{GROWTH_FINISHED}: up to {FINISHED[-1]:,} finished Workflows", 900):
                return await growth.finished(bed, clients, FINISHED)

    with testbed(1, progress) as bed:
        bed.start_ours()
        return asyncio.run(measure(bed))


def _growth_clusters(progress: Progress) -> list[Growth]:
    async def measure(bed: Testbed) -> list[Growth]:
        async with bed.connected() as clients:
            with progress.step(f"{GROWTH_CLUSTERS}: up to {CLUSTERS[-1]:,} clusters", 300):
                return await growth.clusters(bed, clients, CLUSTERS)

    with testbed(0, progress) as bed:
        bed.start_ours()
        return asyncio.run(measure(bed))
