"""The reference implementation's figures beside ours. They were measured elsewhere and are written down here. Pure."""

from __future__ import annotations

from hack.bench.distribution import Distribution
from hack.bench.results import Result, Trip
from hack.bench.tables import Table

_BURST, _STEADY = "burst-300-1c-2k", "steady-2-1c-2k"
_HEAD = (
    "",
    "burst of 300: Workflows/s",
    "dispatch p99",
    "status p99",
    "at 2/s: status p50",
    "hub writes per Workflow",
)
# Measured with the agents of Open Cluster Management on a machine of the same kind and the same loads.
_REFERENCE = ("reference implementation", "2.0", "31 s", "115 s", "3.8 s", "about 11")


def comparison(result: Result) -> Table | None:
    """Ours and the reference implementation's; None if the result lacks the loads that both have seen."""
    trips = {trip.name: trip for trip in result.trips}
    burst, steady = trips.get(_BURST), trips.get(_STEADY)
    return Table(_HEAD, [_ours(burst, steady), _REFERENCE]) if burst and steady else None


def _ours(burst: Trip, steady: Trip) -> tuple[str, ...]:
    return (
        "Argosy",
        f"{burst.workflows_per_second:.1f}",
        _shown(burst.dispatch, burst.dispatch.p99),
        _shown(burst.status, burst.status.p99),
        _shown(steady.status, steady.status.p50),
        f"{steady.hub_writes:.1f}",
    )


def _shown(found: Distribution, milliseconds: float) -> str:
    if not found.count:
        return ""
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"
