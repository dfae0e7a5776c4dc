"""The plots of docs/performance.md, drawn from a result; no figure is computed here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hack.bench.apimetrics import EVENTS, OURS, USER
from hack.bench.distribution import GRID, Distribution
from hack.bench.results import Growth, Result, Trip
from hack.bench.scenario import GROWTH_CLUSTERS, GROWTH_FINISHED
from hack.bench.testbed import CONTROLLERS
from hack.fleet.layout import HUB

mpl.use("Agg")

# Okabe and Ito's colours, which people of all kinds of sight can tell apart.
_BLUE, _ORANGE, _GREEN, _RED, _GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#BBBBBB"
_PALETTE = (_BLUE, "#56B4E9", _GREEN, "#F0E442", _ORANGE, _RED, "#CC79A7", "#000000")
_PROMISE = 100.0  # ms, the p99 that is aimed at


def draw(result: Result, folder: Path) -> list[Path]:
    """Writes performance-*.png into `folder`; those that the result has figures for."""
    folder.mkdir(parents=True, exist_ok=True)
    plots: dict[str, Callable[[Result], Figure | None]] = {
        "latency": _latency,
        "throughput": _throughput,
        "requests": _requests,
        "growth": _growth,
    }
    written = []
    for name, plot in plots.items():
        figure = plot(result)
        if figure is not None:
            path = folder / f"performance-{name}.png"
            figure.savefig(path, dpi=110, metadata={"Software": None})
            written.append(path)
    return written


def _figure(width: float, height: float, columns: int, rows: int = 1) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    flat: list[Axes] = list(axes.flat)
    for item in flat:
        item.spines[["top", "right"]].set_visible(False)
        item.grid(True, color="#E5E5E5", linewidth=0.6)
        item.set_axisbelow(True)
    return figure, flat


# -- latency --------------------------------------------------------------------------------------------


def _latency(result: Result) -> Figure | None:
    """Per scenario: a thin line from the fastest to the slowest, a thick one over the middle 90 %, dots."""
    if not result.trips:
        return None
    figure, (left, right) = _figure(12, 1.2 + 0.36 * len(result.trips), 2)
    _ranges(
        left, result.trips, lambda trip: trip.dispatch, "dispatch: created on the hub to seen on the cluster"
    )
    _ranges(right, result.trips, lambda trip: trip.status, "status: ended on the cluster to seen on the hub")
    right.set_yticklabels([])
    left.legend(loc="lower right", fontsize=8)
    return figure


def _ranges(axes: Axes, trips: Sequence[Trip], of: Callable[[Trip], Distribution], title: str) -> None:
    at = {percent: number for number, percent in enumerate(GRID)}
    for row, trip in enumerate(trips):
        found = of(trip)
        if not found.count:
            continue
        curve = found.curve
        axes.plot([curve[at[0]], curve[at[100]]], [row, row], color=_GREY, linewidth=1.5, zorder=1)
        axes.plot([curve[at[5]], curve[at[95]]], [row, row], color=_BLUE, linewidth=6, alpha=0.35, zorder=2)
        named = {"p50": (found.p50, _BLUE, "o"), "p99": (found.p99, _RED, "|")}
        for label, (value, color, marker) in named.items():
            axes.plot(
                [value],
                [row],
                marker,
                color=color,
                markersize=6 if marker == "o" else 12,
                markeredgewidth=2 if marker == "|" else 1,
                linestyle="none",
                label=label if row == 0 else None,
                zorder=3,
            )
    axes.axvline(_PROMISE, color=_GREEN, linewidth=1, linestyle="--")
    axes.set_xscale("log")
    axes.set_yticks(range(len(trips)), [trip.name for trip in trips])
    axes.set_ylim(len(trips) - 0.5, -0.5)
    axes.set_xlabel("ms")
    axes.set_title(title, fontsize=10)


# -- throughput -----------------------------------------------------------------------------------------


def _throughput(result: Result) -> Figure | None:
    bursts = [trip for trip in result.trips if trip.of_ceiling is not None]
    if not bursts:
        return None
    figure, (axes,) = _figure(9, 1.2 + 0.6 * len(bursts), 1)
    rows = range(len(bursts))
    limits = [trip.workflows_per_second / (trip.of_ceiling or 1) for trip in bursts]
    axes.barh(rows, limits, height=0.7, color="#EEEEEE", edgecolor=_GREY, label="ceiling")
    axes.barh(rows, [trip.workflows_per_second for trip in bursts], height=0.45, color=_BLUE, label="Argosy")
    for row, trip in zip(rows, bursts, strict=True):
        axes.text(
            trip.workflows_per_second, row, f" {trip.of_ceiling:.2f}", va="center", fontsize=9, color="black"
        )
    axes.set_yticks(rows, [trip.name for trip in bursts])
    axes.invert_yaxis()
    axes.set_xlabel("Workflows per second, and the fraction of the ceiling")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=8)
    return figure


# -- requests -------------------------------------------------------------------------------------------


def _requests(result: Result) -> Figure | None:
    if not result.trips:
        return None
    figure, (axes,) = _figure(11, 1.6 + 0.36 * len(result.trips), 1)
    keys = sorted({key for trip in result.trips for key in trip.requests[HUB].get(OURS, {})})
    kept = [key for key in keys if max(_ours(trip, key) for trip in result.trips) >= 0.05]
    rows = range(len(result.trips))
    left = [0.0] * len(result.trips)
    for number, key in enumerate(kept):
        values = [_ours(trip, key) for trip in result.trips]
        axes.barh(rows, values, left=left, height=0.7, color=_PALETTE[number % len(_PALETTE)], label=key)
        left = [before + value for before, value in zip(left, values, strict=True)]
    for owner, color in ((USER, "#DDDDDD"), (EVENTS, "#F3F3F3")):
        values = [sum(trip.requests[HUB].get(owner, {}).values()) for trip in result.trips]
        axes.barh(
            rows, values, left=left, height=0.7, color=color, edgecolor=_GREY, linewidth=0.5, label=owner
        )
        left = [before + value for before, value in zip(left, values, strict=True)]
    axes.set_yticks(rows, [trip.name for trip in result.trips])
    axes.invert_yaxis()
    axes.set_xlabel("writes on the hub per Workflow")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=8)
    return figure


def _ours(trip: Trip, key: str) -> float:
    return trip.requests[HUB].get(OURS, {}).get(key, 0.0)


# -- growth ---------------------------------------------------------------------------------------------


def _growth(result: Result) -> Figure | None:
    series = {
        axis: [item for item in result.growth if item.axis == axis]
        for axis in (GROWTH_FINISHED, GROWTH_CLUSTERS)
    }
    series = {axis: items for axis, items in series.items() if items}
    if not series:
        return None
    figure, axes = _figure(12, 3.2 * len(series), 3, len(series))
    for row, (axis, items) in enumerate(series.items()):
        _growth_row(axes[3 * row : 3 * row + 3], axis, items)
    return figure


def _growth_row(axes: Sequence[Axes], axis: str, items: Sequence[Growth]) -> None:
    memory, ready, latency = axes
    sizes = [item.size for item in items]
    processes = sorted(items[0].restarts, key=lambda name: name != CONTROLLERS)
    for color, process in zip((_BLUE, _ORANGE), processes, strict=False):  # one agent at most
        found = [item.restarts[process] for item in items]
        memory.plot(sizes, [one.rss for one in found], "o-", color=color, label=process)
        ready.plot(sizes, [one.ready_seconds for one in found], "o-", color=color, label=f"{process}: ready")
        settled = [one.settled_seconds for one in found]
        ready.plot(sizes, settled, "o--", color=color, alpha=0.5, label=f"{process}: all looked at")
    latency.plot(sizes, [item.trip.dispatch.p99 for item in items], "o-", color=_BLUE, label="dispatch p99")
    latency.plot(sizes, [item.trip.status.p99 for item in items], "o-", color=_RED, label="status p99")
    labels = {memory: "memory after a restart, MiB", ready: "restart, s", latency: "latency at 10/s, ms"}
    for one, label in labels.items():
        one.set_title(label, fontsize=10)
        one.set_ylim(0, one.get_ylim()[1] * 1.15)
        one.legend(fontsize=8)
        if axis == GROWTH_CLUSTERS:
            one.set_xscale("log")
        one.set_xlabel("clusters" if axis == GROWTH_CLUSTERS else "finished Workflows on the hub")
