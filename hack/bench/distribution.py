"""Latencies as the figures that are reported. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import msgspec

# The percents at which a distribution is kept, for plots: no result file holds single measurements.
GRID = (0, 1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98, 99, 99.5, 100)


class Distribution(msgspec.Struct, frozen=True):
    """Milliseconds; all 0 if `count` is. `curve` holds the values at GRID percent."""

    count: int = 0
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    worst: float = 0.0
    curve: list[float] = []


def distribution(seconds: Iterable[float]) -> Distribution:
    """The distribution of durations given in seconds."""
    ordered = sorted(value * 1000 for value in seconds)
    if not ordered:
        return Distribution()
    return Distribution(
        count=len(ordered),
        p50=round(percentile(ordered, 50), 2),
        p95=round(percentile(ordered, 95), 2),
        p99=round(percentile(ordered, 99), 2),
        worst=round(ordered[-1], 2),
        curve=[round(percentile(ordered, percent), 2) for percent in GRID],
    )


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Linear between the two nearest of the sorted values, as numpy and Excel have it. ValueError if there are none."""
    if not ordered:
        raise ValueError("no values")
    position = (len(ordered) - 1) * percent / 100
    low, high = math.floor(position), math.ceil(position)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)
