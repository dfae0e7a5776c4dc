"""The figures as rows of text: for the terminal and for docs/agent-at-scale.md alike. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hack.bench.agent.figures import Figures, Footprint, Late, Reaction, footprint, writes
from hack.bench.agent.steps import EMPTY, FULL, KINDS, OTHERS
from hack.bench.distribution import Distribution
from hack.bench.results import Restart
from hack.bench.tables import Table, count
from hack.bench.targets import Target

# What the agent was asked to reach.
REPAIRED_MS: Final = 1000.0
REPORTED_MS: Final = 100.0
# Of what others have, nothing stays: this is what allocators and lists leave behind, in KiB for each of their objects.
OTHERS_KIB: Final = 1.0


def claims(figures: Figures) -> list[Target]:
    """What the agent is to reach, and whether it does."""
    kinds, others = footprint(figures, KINDS), footprint(figures, OTHERS)
    each = per_object(kinds, others)
    return [
        Target(
            "drift is repaired within a second",
            f"worst at most {REPAIRED_MS:.0f} ms",
            f"{figures.drift.single.worst:.0f} ms",
            figures.drift.single.worst <= REPAIRED_MS,
            "one after the other",
        ),
        Target(
            "drift is repaired within a second",
            f"worst at most {REPAIRED_MS:.0f} ms",
            f"{figures.drift.burst.worst:.0f} ms",
            figures.drift.burst.worst <= REPAIRED_MS,
            f"{figures.drift.burst.count} at once",
        ),
        Target(
            "feedback arrives within tens of milliseconds",
            f"p99 less than {REPORTED_MS:.0f} ms",
            f"{figures.feedback.single.p99:.0f} ms",
            figures.feedback.single.p99 < REPORTED_MS,
            "one after the other",
        ),
        Target(
            "what others have costs no memory",
            f"at most {OTHERS_KIB:g} KiB each",
            f"{each:.2f} KiB",
            each <= OTHERS_KIB,
            f"{count(others.others)} objects of others",
        ),
    ]


def per_object(before: Footprint, after: Footprint) -> float:
    """KiB of memory for each object that has come between the two."""
    more = (after.ours + after.others) - (before.ours + before.others)
    return 1024 * (after.rss - before.rss) / more if more else 0.0


def footprints(found: Sequence[Footprint], restarted: Footprint) -> Table:
    """One row per step."""
    head = ("cluster", "kinds", "objects of works", "of others", "memory", "highest so far", "connections")
    return Table((*head, "took", "CPU"), [_footprint(item) for item in (*found, restarted)])


def _footprint(item: Footprint) -> tuple[str, ...]:
    return (
        item.name,
        count(item.kinds),
        count(item.ours),
        count(item.others),
        f"{item.rss:.0f} MiB",
        f"{item.peak_rss:.0f} MiB",
        count(item.connections),
        f"{item.seconds:.1f} s" if item.seconds else "",
        f"{item.cpu_seconds:.1f} s" if item.cpu_seconds else "",
    )


def costs(figures: Figures) -> Table:
    """Where the memory goes."""
    empty, kinds, others, full = (footprint(figures, name) for name in (EMPTY, KINDS, OTHERS, FULL))
    rows = [
        ("the agent itself", f"{empty.rss:.0f} MiB"),
        (
            "each kind that is watched, with one object of it",
            f"{1024 * (kinds.rss - empty.rss) / kinds.kinds:.0f} KiB",
        ),
        ("each object of others", f"{per_object(kinds, others):.2f} KiB"),
        ("each object of a work", f"{per_object(others, full):.1f} KiB"),
    ]
    return Table(("what", "memory"), rows)


def restart(found: Restart) -> Table:
    """One row."""
    head = ("ready", "all looked at", "CPU", "writes", "memory", "peak")
    row = (
        f"{found.ready_seconds:.1f} s",
        f"{found.settled_seconds:.1f} s",
        f"{found.cpu_seconds:.1f} s",
        count(writes(found.requests)),
        f"{found.rss:.0f} MiB",
        f"{found.peak_rss:.0f} MiB",
    )
    return Table(head, [row])


def reactions(figures: Figures) -> Table:
    """One row for each sort of change, and each way of making them."""
    rows = []
    for name, found in (
        ("drift, until it is repaired", figures.drift),
        ("a status, until the hub has it", figures.feedback),
    ):
        rows += _reactions(name, found)
    bare = figures.written
    rows.append(("the same reports, written by the load", f"{count(bare.count)} at once", *_times(bare)))
    return Table(("change", "how many", "p50", "p95", "p99", "worst"), rows)


def _reactions(name: str, found: Reaction) -> list[tuple[str, ...]]:
    return [
        (name, f"{count(found.single.count)}, one after the other", *_times(found.single)),
        (name, f"{count(found.burst.count)} at once", *_times(found.burst)),
    ]


def _times(found: Distribution) -> tuple[str, ...]:
    return tuple(f"{value:.0f} ms" for value in (found.p50, found.p95, found.p99, found.worst))


def late(found: Late) -> Table:
    """One row."""
    row = (f"{found.waited:.0f} s", f"{found.served:.0f} ms", f"{found.there:.0f} ms")
    return Table(("CRD comes after", "the server serves it after", "the object is there after"), [row])
