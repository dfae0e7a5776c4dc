"""The figures as rows of text: for the terminal and for docs/placement-at-scale.md alike. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hack.bench.distribution import percentile
from hack.bench.process_usage import Usage
from hack.bench.scale.events import BURST, LABEL, RACK, UNSEEN
from hack.bench.scale.figures import (
    Change,
    Evenness,
    Figures,
    Placed,
    Start,
    decision_writes,
    other_writes,
    status_writes,
)
from hack.bench.scale.objects import Size
from hack.bench.tables import Table, count, latency
from hack.bench.targets import Target
from placement.evaluator.wiring import GATHER, GATHER_LONGEST

# Ten requests may take longer than changes gather, and then a second evaluation begins.
GATHER_MS = 1000 * GATHER
LONGEST_MS = 1000 * GATHER_LONGEST
_BURST_EVALUATIONS = 2


def claims(figures: Figures) -> list[Target]:
    """What the evaluator is to save, and whether it does."""
    by_name = {item.name: item for item in figures.changes}
    label, unseen = by_name[LABEL], by_name[UNSEEN]
    written = decision_writes(figures.restarted.writes), decision_writes(label.writes)
    return [
        Target(
            "only the Placements that can see a cluster look at its change",
            f"{count(label.seen_by)} evaluations",
            count(label.evaluations.all),
            label.evaluations.all == label.seen_by,
            label.name,
        ),
        Target(
            "a change that nobody looks at costs no evaluation",
            "0 evaluations",
            count(unseen.evaluations.all),
            unseen.evaluations.all == 0,
            unseen.name,
        ),
        *(_together(by_name[name]) for name in (BURST, RACK)),
        Target(
            "a decision that stays the same is not written",
            f"{count(figures.restarted.changed)} and 0 writes",
            f"{count(written[0])} and {count(written[1])}",
            written[0] <= figures.restarted.changed and not written[1],
            f"started again, and {label.name}",
        ),
    ]


def _together(burst: Change) -> Target:
    limit = 1 if burst.sent <= LONGEST_MS else _BURST_EVALUATIONS
    return Target(
        "changes that come together cost one evaluation",
        f"at most {limit} per Placement",
        f"{_ratio(burst.evaluations.all, burst.seen_by)} (sent in {burst.sent:.0f} ms)",
        burst.evaluations.all <= limit * burst.seen_by,
        burst.name,
    )


def starts(found: Mapping[str, Start], size: Size) -> Table:
    """One row for each start of the controllers."""
    head = ("start", "ready", "idle", "CPU", "evaluations", "per Placement", "of them repeated")
    writes = (
        "changed decisions",
        "decision writes",
        "Placement status writes",
        "other writes",
        "memory",
        "peak",
    )
    return Table((*head, *writes), [_start(name, item, size) for name, item in found.items()])


def _start(name: str, item: Start, size: Size) -> tuple[str, ...]:
    return (
        name,
        f"{item.ready_seconds:.1f} s",
        f"{item.idle_seconds:.1f} s",
        f"{item.cpu_seconds:.1f} s",
        count(item.evaluations.all),
        # The marker has a Placement too.
        _ratio(item.evaluations.all, size.placements + 1),
        count(item.evaluations.repeated),
        count(item.changed),
        count(decision_writes(item.writes)),
        count(status_writes(item.writes)),
        count(other_writes(item.writes)),
        f"{item.rss:.0f} MiB",
        f"{item.peak_rss:.0f} MiB",
    )


def changes(found: Sequence[Change]) -> Table:
    """One row for each change of a cluster."""
    head = ("what changes", "Placements that see it", "evaluations", "decision writes", "status writes")
    times = ("sent after", "all evaluated after", "off all decisions after", "controllers' CPU")
    return Table((*head, *times), [_change(item) for item in found])


def _change(item: Change) -> tuple[str, ...]:
    return (
        item.name if not item.listed_by else f"{item.name} ({item.listed_by} Placements had selected it)",
        count(item.seen_by),
        count(item.evaluations.all),
        count(decision_writes(item.writes)),
        count(status_writes(item.writes)),
        _milliseconds(item.sent),
        _milliseconds(item.evaluated),
        _milliseconds(item.gone),
        f"{item.controllers.cpu_seconds:.2f} s",
    )


def placed(found: Placed) -> Table:
    """One row."""
    head = ("Workflows", "seconds", "Workflows/s", "from create to cluster p50 / p95 / p99", "Events")
    row = (
        count(found.placed) if found.placed == found.workflows else f"{found.placed} of {found.workflows}",
        f"{found.seconds:.1f}",
        f"{found.per_second:.0f}",
        latency(found.latency),
        count(found.events),
    )
    return Table(head, [row])


def evenness(found: Evenness) -> Table:
    """How many Workflows more the busiest cluster of a Placement has than its idlest, over all Placements."""
    rows = []
    for name, spans in (("the Placement's own", found.own), ("those of all Placements", found.all)):
        ordered = [span for span, number in spans.items() for _ in range(number)]
        figures = (percentile(ordered, percent) for percent in (50, 95, 100)) if ordered else ()
        rows.append((name, *(f"{figure:.0f}" for figure in figures)))
    return Table(("Workflows that are counted", "median", "p95", "worst"), rows)


def processes(found: Mapping[str, Usage], workflows: int) -> Table:
    """What placing the Workflows has cost each process."""
    rows = [
        (
            name,
            f"{usage.cpu_seconds:.1f} s",
            f"{1000 * usage.cpu_seconds / workflows:.2f} ms",
            f"{usage.peak_rss:.0f} MiB",
        )
        for name, usage in sorted(found.items(), key=lambda item: -item[1].cpu_seconds)
    ]
    return Table(("process", "CPU", "CPU per Workflow", "peak memory"), rows)


def requests(figures: Figures) -> Table:
    """The writes of each part, by resource and verb."""
    parts = {
        "all decided from nothing": figures.decided.writes,
        "started again": figures.restarted.writes,
        **{item.name: item.writes for item in figures.changes},
        "Workflows placed": figures.placed.writes,
    }
    rows = [(part, key, count(number)) for part, writes in parts.items() for key, number in writes.items()]
    return Table(("part", "request", "number"), rows)


def _milliseconds(found: float | None) -> str:
    return "" if found is None else f"{found:.0f} ms"


def _ratio(number: int, placements: int) -> str:
    return f"{number / placements:.2f}"
