"""Figures as rows of text: for the terminal and for docs/performance.md alike. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hack.bench.apimetrics import EVENTS, OURS, READS, USER, ByOwner, total
from hack.bench.compare import Row
from hack.bench.distribution import Distribution
from hack.bench.results import Growth, Result, Trip
from hack.fleet.layout import HUB


@dataclass(frozen=True)
class Table:
    """`rows` have as many cells as `head`."""

    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def markdown(table: Table) -> str:
    """The first column to the left, the others, which are numbers, to the right."""
    lines = [table.head, ("---", *("---:" for _ in table.head[1:])), *table.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def trips(found: Sequence[Trip]) -> Table:
    head = (
        "scenario",
        "Workflows",
        "dispatch p50 / p95 / p99",
        "status p50 / p95 / p99",
        "end to end p50 / p95 / p99",
        "Workflows/s",
        "of ceiling",
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
        "" if item.of_ceiling is None else f"{item.of_ceiling:.2f}",
        f"{item.hub_writes:.2f}",
        f"{1000 * item.cpu:.0f} ms",
        f"{item.cleanup_seconds:.1f} s",
    )


def ceilings(result: Result) -> Table:
    head = ("fleet", "Workflows/s", "in flight", "hub writes", "managed writes", "CPU")
    rows = [
        (
            item.shape,
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


def growth(found: Sequence[Growth], unit: str) -> Table:
    head = (
        unit,
        "process",
        "ready",
        "settled",
        "CPU",
        "requests",
        "memory",
        "peak",
        "dispatch p50 / p99",
        "status p50 / p99",
        "Placement decided",
    )
    rows = []
    for item in found:
        for number, (process, restart) in enumerate(item.restarts.items()):
            rows.append(
                (
                    count(item.size) if number == 0 else "",
                    process,
                    f"{restart.ready_seconds:.1f} s",
                    f"{restart.settled_seconds:.1f} s",
                    f"{restart.cpu_seconds:.1f} s",
                    count(sum(total(counts) for counts in restart.requests.values())),
                    f"{restart.rss:.0f} MiB",
                    f"{restart.peak_rss:.0f} MiB",
                    _short(item.trip.dispatch) if number == 0 else "",
                    _short(item.trip.status) if number == 0 else "",
                    f"{item.decided_seconds:.2f} s"
                    if item.decided_seconds is not None and number == 0
                    else "",
                )
            )
    return Table(head, rows)


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


def _short(found: Distribution) -> str:
    return _joined(found, found.p50, found.p99)


def _joined(found: Distribution, *values: float) -> str:
    if not found.count:
        return ""
    if max(values) >= 10_000:
        return " / ".join(f"{value / 1000:.1f}" for value in values) + " s"
    return " / ".join(f"{value:.0f}" for value in values) + " ms"


def count(number: float) -> str:
    return f"{number:,.0f}"
