"""What the benchmark is to reach, and whether a result does. Pure; every figure but the limits is the result's.

Latencies and rates are of the smallest fleet and status, as the targets were set; writes are the worst of all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hack.bench.results import Growth, Result, Trip
from hack.bench.scenario import GROWTH_FINISHED, LONG_SUFFIX
from hack.bench.testbed import CONTROLLERS

OF_CEILING: Final = 0.6
P99_MS: Final = 100.0
HUB_WRITES: Final = 9.0
# Each further change that a user is shown: the status result, and the Workflow.
PER_CHANGE: Final = 2.0
MEMORY_MB: Final = 150.0
READY_SECONDS: Final = 10.0
FINISHED: Final = 20_000
# Hub Workflow and status result each get the whole status once. A third one would be an update that moved all.
FULL_STATUSES: Final = 2.5

_BURST, _STEADY, _LARGE = "burst-300-1c-2k", "steady-10-1c-2k", "steady-2-1c-100k"
_MB_OF_MIB: Final = 2**20 / 10**6


@dataclass(frozen=True)
class Target:
    """`wanted` and `measured` in words; `scenario` is where it was measured."""

    what: str
    wanted: str
    measured: str
    reached: bool
    scenario: str


def targets(result: Result) -> list[Target]:
    """Those that the result has figures for."""
    trips = {trip.name: trip for trip in result.trips}
    found = [*_burst(trips.get(_BURST)), *_latencies(trips.get(_STEADY)), *_writes(result.trips)]
    full = next(
        (item for item in result.growth if (item.axis, item.size) == (GROWTH_FINISHED, FINISHED)), None
    )
    return [*found, *_full_hub(full), *_large(trips.get(_LARGE))]


def _burst(trip: Trip | None) -> Iterator[Target]:
    if trip and trip.of_ceiling is not None:
        lean = "" if trip.of_lean_ceiling is None else f" (of the lean one {trip.of_lean_ceiling:.2f})"
        yield Target(
            "a burst of 300, of the ceiling",
            f"at least {OF_CEILING:g}",
            f"{trip.of_ceiling:.2f}{lean}{_rounds(trip, '.1f', 'Workflows/s')}",
            trip.of_ceiling >= OF_CEILING and not trip.problems,
            trip.name,
        )


def _rounds(trip: Trip, form: str, unit: str) -> str:
    """All rounds of which this trip is the median."""
    return (
        f"; the median of {', '.join(format(one, form) for one in trip.rounds)} {unit}" if trip.rounds else ""
    )


def _latencies(trip: Trip | None) -> Iterator[Target]:
    if trip is None:
        return
    rounds = _rounds(trip, ".0f", "ms")
    for what, found, of in (("dispatch", trip.dispatch, rounds), ("status", trip.status, "")):
        yield Target(
            f"p99 of {what} at 10/s",
            f"under {P99_MS:g} ms",
            f"{found.p99:.0f} ms{of}",
            bool(found.count) and found.p99 < P99_MS and not trip.problems,
            trip.name,
        )


def _writes(trips: list[Trip]) -> Iterator[Target]:
    short = [trip for trip in trips if not trip.name.endswith(LONG_SUFFIX)]
    long = [trip for trip in trips if trip.name.endswith(LONG_SUFFIX)]
    for what, found, limit in (
        ("hub writes per Workflow, the most of all scenarios", short, HUB_WRITES),
        (
            "... of a run of 4 s, of which a change in the middle is shown as well",
            long,
            HUB_WRITES + PER_CHANGE,
        ),
    ):
        if found:
            worst = max(found, key=lambda trip: trip.hub_writes)
            measured = f"{worst.hub_writes:.2f}"
            yield Target(what, f"at most {limit:g}", measured, worst.hub_writes <= limit, worst.name)


def _full_hub(full: Growth | None) -> Iterator[Target]:
    """With 20,000 finished Workflows."""
    if full is None:
        return
    restart = full.restarts[CONTROLLERS]
    loaded = full.trip.processes[CONTROLLERS].peak_rss if CONTROLLERS in full.trip.processes else 0.0
    memory = max(restart.peak_rss, loaded) * _MB_OF_MIB
    name = f"{full.axis} {full.size:,}"
    yield Target(
        f"memory of the controllers with {FINISHED:,} finished Workflows, at its highest",
        f"under {MEMORY_MB:g} MB",
        f"{memory:.0f} MB",
        memory < MEMORY_MB,
        name,
    )
    yield Target(
        f"restart to ready with {FINISHED:,} finished Workflows",
        f"under {READY_SECONDS:g} s",
        f"{restart.ready_seconds:.1f} s",
        restart.ready_seconds < READY_SECONDS,
        name,
    )


def _large(trip: Trip | None) -> Iterator[Target]:
    if trip is None:
        return
    sent = sum(trip.hub_bytes.get(name, 0.0) for name in ("workflows", "workflowstatusresults"))
    statuses = sent / trip.status_bytes
    yield Target(
        "bytes sent per Workflow of 100 KB, in statuses: three updates come, two objects of the hub keep it",
        f"at most {FULL_STATUSES:g}",
        f"{statuses:.2f}",
        statuses <= FULL_STATUSES,
        trip.name,
    )
