"""Figures as rows of text: for the terminal and for docs/performance.md alike. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hack.bench.apimetrics import EVENTS, OURS, READS, USER, ByOwner, total
from hack.bench.compare import Row
from hack.bench.distribution import Distribution
from hack.bench.profile import Share
from hack.bench.results import Result, Trip
from hack.bench.targets import Target
from hack.fleet.layout import HUB


@dataclass(frozen=True)
class Table:
    """`rows` have as many cells as `head`."""

    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def markdown(table: Table) -> str:
    """A paragraph of a page: the first column to the left, the others, which are numbers, to the right."""
    lines = [table.head, ("---", *("---:" for _ in table.head[1:])), *table.rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def trips(found: Sequence[Trip]) -> Table:
    head = (
        "scenario",
        "Workflows",
        "dispatch p50 / p95 / p99",
        "status p50 / p95 / p99",
        "end to end p50 / p95 / p99",
        "Workflows/s",
        "of ceiling",
        "of lean ceiling",
        "hub writes",
        "CPU",
        "clean-up",
    )
    return Table(head, [_trip(item) for item in found])


def _trip(item: Trip) -> tuple[str, ...]:
    return (
        item.name,
        count(item.workflows) if item.finished == item.workflows else f"{item.finished} of {item.workflows}",
        latency(item.dispatch),
        latency(item.status),
        latency(item.end_to_end),
        "" if item.of_ceiling is None else f"{item.workflows_per_second:.1f}",
        _fraction(item.of_ceiling),
        _fraction(item.of_lean_ceiling),
        f"{item.hub_writes:.2f}",
        f"{1000 * item.cpu:.0f} ms",
        f"{item.cleanup_seconds:.1f} s",
    )


def _fraction(share: float | None) -> str:
    return "" if share is None else f"{share:.2f}"


def ceilings(result: Result) -> Table:
    head = ("fleet", "ceiling", "Workflows/s", "in flight", "hub writes", "managed writes", "CPU")
    rows = [
        (
            item.shape,
            item.variant,
            f"{item.workflows_per_second:.1f}",
            str(item.in_flight),
            str(item.hub_writes),
            str(item.managed_writes),
            f"{1000 * item.cpu:.0f} ms",
        )
        for item in result.ceilings
    ]
    return Table(head, rows)


def requests(trip: Trip) -> Table:
    """Requests per Workflow on the hub, and what is ours on the managed cluster."""
    rows = []
    for server, owners in trip.requests.items():
        for owner in _order(owners):
            if server == HUB or owner == OURS:
                rows += [(f"{server}: {key}", owner, f"{n:.2f}") for key, n in owners[owner].items()]
                rows.append((f"**{server}: {owner}**", owner, f"**{total(owners[owner]):.2f}**"))
    return Table(("request", "whose", "per Workflow"), rows)


def _order(owners: ByOwner) -> list[str]:
    first = (OURS, USER, EVENTS, READS)
    return sorted(owners, key=lambda owner: (first.index(owner) if owner in first else len(first), owner))


def processes(trip: Trip) -> Table:
    rows = [
        (
            name,
            f"{usage.cpu_seconds:.1f}",
            f"{1000 * usage.cpu_seconds / trip.workflows:.1f}",
            f"{usage.peak_rss:.0f}",
        )
        for name, usage in sorted(trip.processes.items(), key=lambda item: -item[1].cpu_seconds)
    ]
    return Table(("process", "CPU s", "CPU ms per Workflow", "peak MiB"), rows)


def targets(found: Sequence[Target]) -> Table:
    rows = [
        (item.what, item.wanted, item.measured, "yes" if item.reached else "**no**", item.scenario)
        for item in found
    ]
    return Table(("target", "wanted", "measured", "reached", "where"), rows)


def shares(found: Sequence[Share]) -> Table:
    """Functions of a profile."""
    rows = [(item.function, f"{item.cumulative:.1%}", f"{item.own:.1%}") for item in found]
    return Table(("function", "cumulative", "own"), rows)


def comparison(rows: Sequence[Row]) -> Table:
    return Table(
        ("figure", "old", "new", "ratio", ""),
        [
            (
                row.name,
                f"{row.old:g}",
                f"{row.new:g}",
                "" if row.ratio is None else f"{row.ratio:.2f}",
                row.verdict,
            )
            for row in rows
        ],
    )


def latency(found: Distribution) -> str:
    """p50 / p95 / p99, in the unit that suits them."""
    return _joined(found, found.p50, found.p95, found.p99)


def short(found: Distribution) -> str:
    """p50 / p99."""
    return _joined(found, found.p50, found.p99)


def _joined(found: Distribution, *values: float) -> str:
    if not found.count:
        return ""
    if max(values) >= 10_000:
        return " / ".join(f"{value / 1000:.1f}" for value in values) + " s"
    return " / ".join(f"{value:.0f}" for value in values) + " ms"


def count(number: float) -> str:
    return f"{number:,.0f}"
