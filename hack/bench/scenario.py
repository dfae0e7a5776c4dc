"""What is measured: the tables of scenarios. Pure; how one is run is `hack.bench.trip`'s business."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

KILOBYTE = 1024
RUN_SECONDS = 0.4
GROWTH_FINISHED = "growth-finished"
GROWTH_CLUSTERS = "growth-clusters"
REPLICAS = "replicas"


@dataclass(frozen=True)
class Steady:
    """`rate` Workflows per second for `seconds`, whatever becomes of the earlier ones (an open loop)."""

    rate: float
    seconds: float

    @property
    def count(self) -> int:
        return round(self.rate * self.seconds)

    def __str__(self) -> str:
        return f"steady {self.rate:g}/s for {self.seconds:g} s"


@dataclass(frozen=True)
class Burst:
    """`count` Workflows as fast as one client with 32 connections can create them."""

    count: int

    def __str__(self) -> str:
        return f"burst of {self.count:,}"


Load = Steady | Burst


class Shape(NamedTuple):
    """What a fleet is made for. Scenarios of one shape share the fleet, and the ceiling measured on it."""

    clusters: int
    status_bytes: int

    def __str__(self) -> str:
        return f"{self.clusters}c-{self.status_bytes // KILOBYTE}k"


@dataclass(frozen=True)
class Scenario:
    """One load on one shape of fleet."""

    load: Load
    shape: Shape
    # How long the simulated executor works on a Workflow, in seconds.
    run_seconds: float = RUN_SECONDS
    # How often it is measured; the median counts. For the loads that targets are about.
    rounds: int = 1

    @property
    def name(self) -> str:
        """Also the start of the names of its Workflows."""
        load = self.load
        kind = f"burst-{load.count}" if isinstance(load, Burst) else f"steady-{load.rate:g}"
        length = "" if self.run_seconds == RUN_SECONDS else f"-{self.run_seconds:g}s"
        return f"{kind}-{self.shape}{length}"


_SMALL, _LARGE = 2 * KILOBYTE, 100 * KILOBYTE
# Long enough for a p99 that is more than the worst of a few.
_STEADY = (Steady(2, 45), Steady(10, 30), Steady(20, 15))
# With its three objects and all versions of them a Workflow of 100 KB takes 1.4 MB in etcd until it is compacted, and
# etcd's default quota is 2 GB. So the loads are shorter, and 2,000 at once are left out.
_STEADY_LARGE = (Steady(2, 20), Steady(10, 10), Steady(20, 6))

# Changes that follow one another within a second are reported together, and cost fewer writes. Of a run that takes
# longer each change is reported by itself: what a Workflow costs at most, on a slow machine as on a fast one.
_LONG = 4.0
LONG_SUFFIX = f"-{_LONG:g}s"

FULL: tuple[Scenario, ...] = (
    # First, since it is compared with the ceiling, which is measured before all: a machine's speed drifts.
    Scenario(Burst(300), Shape(1, _SMALL), rounds=3),
    Scenario(Steady(2, 45), Shape(1, _SMALL)),
    Scenario(Steady(10, 30), Shape(1, _SMALL), rounds=5),
    Scenario(Steady(20, 15), Shape(1, _SMALL)),
    Scenario(Burst(2000), Shape(1, _SMALL)),
    Scenario(Steady(2, 30), Shape(1, _SMALL), run_seconds=_LONG),
    *(Scenario(load, Shape(4, _SMALL)) for load in (*_STEADY, Burst(300), Burst(2000))),
    *(Scenario(load, Shape(1, _LARGE)) for load in (*_STEADY_LARGE, Burst(300))),
    *(Scenario(load, Shape(4, _LARGE)) for load in (Steady(10, 10), Burst(300))),
)
QUICK: tuple[Scenario, ...] = (
    Scenario(Burst(60), Shape(1, _SMALL)),
    Scenario(Steady(5, 10), Shape(1, _SMALL), run_seconds=_LONG),
)

# Sizes of the growth series; each goes on from the one before.
FINISHED = (0, 1_000, 5_000, 20_000)
CLUSTERS = (1, 10, 100, 1_000)
GROWTH_LOAD = Steady(10, 20)
GROWTH_STATUS_BYTES = _SMALL

# The series of replicas: so many processes of the controllers, one after the other, on one fleet.
PROCESSES = (1, 2, 4)
SHARDS = 4
REPLICAS_NAMESPACES = tuple(f"team-{number:02}" for number in range(1, 17))
REPLICAS_LOAD = Burst(300)
REPLICAS_STATUS_BYTES = _SMALL

SERIES = (GROWTH_FINISHED, GROWTH_CLUSTERS, REPLICAS)


def chosen(scenarios: Iterable[Scenario], patterns: Sequence[str]) -> list[Scenario]:
    """Those whose name matches one of `patterns` (shell wildcards); all without patterns."""
    return [item for item in scenarios if is_chosen(item.name, patterns)]


def is_chosen(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def by_shape(scenarios: Iterable[Scenario]) -> dict[Shape, list[Scenario]]:
    """Scenarios by the fleet that they need, in the order in which the shapes first appear."""
    groups: dict[Shape, list[Scenario]] = {}
    for item in scenarios:
        groups.setdefault(item.shape, []).append(item)
    return groups
