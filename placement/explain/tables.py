"""Reports as text and tables on a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from placement.capacity.need import Need
from placement.decide import Place
from placement.explain.report import PlacementReport, Row, WorkflowReport

_INDENT = (0, 0, 0, 2)


def of_placement(report: PlacementReport, *, is_draft: bool = False) -> RenderableType:
    """The two conditions, and a row per cluster of its sets, best first."""
    evaluation = report.evaluation
    wanted = sum(row.wanted for row in report.rows)
    verb = "would select" if is_draft else "selects"
    head = f"Placement {'/'.join(report.key)} {verb} {_clusters(wanted)} of {len(report.rows)} in its sets"
    lines = [
        f"{item.type}={item.status} {item.reason}: {item.message}"
        for item in (evaluation.satisfied, evaluation.misconfigured)
    ]
    if report.is_left_alone:
        lines.append("it is left alone: it is being deleted, or an annotation turns scheduling off")
    if report.outside:
        lines.append(f"{_clusters(report.outside)} of the hub in none of its sets")
    if evaluation.until is not None:
        lines.append(
            f"changes by itself at {evaluation.until:%Y-%m-%dT%H:%M:%SZ}, when a toleration or score ends"
        )
    return Group(
        Text(head, style="bold"),
        _indented(lines),
        Padding(_clusters_table(report, is_draft), _INDENT, expand=False),
    )


def of_workflow(report: WorkflowReport, *, is_draft: bool = False) -> RenderableType:
    """Where it is and why, what it needs and asks for, and what would become of it now."""
    settings = report.settings
    lines = []
    if report.choice:
        lines.append(f"because: {report.choice}")
    if len(report.attempts) > 1:
        tried = ", ".join(f"{number}: {name}" for number, name in enumerate(report.attempts, start=1))
        lines.append(f"attempts: {tried}")
    if report.waiting:
        lines.append(f"waits: {report.waiting}")
    source = "estimated" if settings.need is None else "as its annotation says"
    lines.append(f"needs at its widest: {report.need} ({source})")
    failover = f"reschedule after {settings.after}" if settings.reschedules else "wait"
    lines.append(f"strategy: {settings.strategy}; if its cluster is lost: {failover}")
    now = report.now
    if isinstance(now, Place):
        lines.append(f"placed now it would go to {now.cluster} ({now.why})")
    elif now is not None:
        lines.append(f"placed now it would wait: {now.reason}: {now.message}")
    parts: list[RenderableType] = [Text(_heading(report, is_draft=is_draft), style="bold"), _indented(lines)]
    if report.placement is not None:
        parts.append(Padding(of_placement(report.placement), _INDENT, expand=False))
    return Group(*parts)


def _heading(report: WorkflowReport, *, is_draft: bool) -> str:
    name = f"Workflow {'/'.join(report.key)}"
    if is_draft:
        return f"{name}, not created yet"
    where = f"is on cluster {report.cluster}" if report.cluster else "has no cluster"
    return f"{name} {where}" + (f", {report.phase}" if report.phase else "")


def _clusters_table(report: PlacementReport, is_draft: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("CLUSTER", no_wrap=True)
    table.add_column("SELECTED", no_wrap=True)
    table.add_column("SCORE", justify="right", no_wrap=True)
    for name, weight in report.weights.items():
        title = Text(name if weight == 1 else f"{name} x{weight}")
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("ACTIVE", justify="right", no_wrap=True)
    table.add_column("FREE", no_wrap=True)
    table.add_column("WHY NOT", overflow="fold")
    asked = sum(row.wanted for row in report.rows)
    for row in report.rows:
        scores = [_number(row.scores.get(name)) for name in report.weights]
        why = row.why_not or (_cut(report, asked) if not row.wanted and row.total is not None else "")
        cells = [
            row.cluster,
            _selected(row, is_draft),
            _number(row.total),
            *scores,
            str(row.active),
            _free(row.room),
            why,
        ]
        # Text, lest a taint's value be taken for markup.
        table.add_row(*map(Text, cells))
    return table


def _selected(row: Row, is_draft: bool) -> str:
    if is_draft or row.wanted == row.decided:
        return "yes" if row.wanted else "no"
    return "not yet" if row.wanted else "still"


def _cut(report: PlacementReport, wanted: int) -> str:
    if report.evaluation.satisfied.reason == "NotAllDecisionsScheduled":
        return "spec.spreadPolicy allows no more"
    return f"{_clusters(wanted)} asked for, of a better score or name"


def _indented(lines: Iterable[str]) -> Padding:
    return Padding(Text("\n".join(lines)), _INDENT, expand=False)


def _clusters(count: int) -> str:
    return "1 cluster" if count == 1 else f"{count:,} clusters"


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _free(room: Need | None) -> str:
    if room is None:
        return "not known"
    return str(Need(*(0.0 if math.isinf(value) else value for value in room)))
