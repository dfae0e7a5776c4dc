"""The limits that the one-minute version holds a change to: counts of writes, never times."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from hack.bench.results import Trip
from hack.fleet.errors import FleetError


class Limits(msgspec.Struct, frozen=True):
    """benchmarks/quick.json: the most hub writes per Workflow from our side, by scenario."""

    hub_writes: dict[str, float]


def load(path: Path) -> Limits:
    """Raises FleetError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Limits)
    except (OSError, msgspec.MsgspecError) as error:
        raise FleetError(f"cannot read {path}: {error}") from error


def exceeded(trips: Iterable[Trip], limits: Limits) -> list[str]:
    """What is wrong, in words; nothing if all is as it should be."""
    problems = []
    for trip in trips:
        problems += trip.problems
        allowed = limits.hub_writes.get(trip.name)
        if allowed is None:
            problems.append(f"{trip.name}: no limit is known")
        elif trip.hub_writes > allowed:
            problems.append(f"{trip.name}: {trip.hub_writes:g} hub writes per Workflow, {allowed:g} allowed")
    return problems
