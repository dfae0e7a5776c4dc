"""The plots of docs/performance.md, drawn from a result; no figure is computed here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from hack.bench import series_plots
from hack.bench.apimetrics import EVENTS, OURS, USER
from hack.bench.canvas import BLUE, GREEN, GREY, PALETTE, RED, figure
from hack.bench.distribution import GRID, Distribution
from hack.bench.results import Result, Trip
from hack.fleet.layout import HUB

_PROMISE = 100.0  # ms, the p99 that is aimed at


def draw(result: Result, folder: Path) -> list[Path]:
    """Writes performance-*.png into `folder`; those that the result has figures for."""
    folder.mkdir(parents=True, exist_ok=True)
    plots: dict[str, Callable[[Result], Figure | None]] = {
        "latency": _latency,
        "throughput": _throughput,
        "requests": _requests,
        "growth": series_plots.growth,
        "storage": series_plots.storage,
        "replicas": series_plots.replicas,
    }
    written = []
    for name, plot in plots.items():
        made = plot(result)
        if made is not None:
            path = folder / f"performance-{name}.png"
            made.savefig(path, dpi=110, metadata={"Software": None})
            written.append(path)
    return written


# -- latency --------------------------------------------------------------------------------------------


def _latency(result: Result) -> Figure | None:
    """Per scenario: a thin line from the fastest to the slowest, a thick one over the middle 90 %, dots."""
    if not result.trips:
        return None
    made, (left, right) = figure(12, 1.2 + 0.36 * len(result.trips), 2)
    _ranges(
        left, result.trips, lambda trip: trip.dispatch, "dispatch: created on the hub to seen on the cluster"
    )
    _ranges(right, result.trips, lambda trip: trip.status, "status: ended on the cluster to seen on the hub")
    right.set_yticklabels([])
    left.legend(loc="upper right", fontsize=8)
    return made


def _ranges(axes: Axes, trips: Sequence[Trip], of: Callable[[Trip], Distribution], title: str) -> None:
    at = {percent: number for number, percent in enumerate(GRID)}
    for row, trip in enumerate(trips):
        found = of(trip)
        if not found.count:
            continue
        curve = found.curve
        axes.plot([curve[at[0]], curve[at[100]]], [row, row], color=GREY, linewidth=1.5, zorder=1)
        axes.plot([curve[at[5]], curve[at[95]]], [row, row], color=BLUE, linewidth=6, alpha=0.35, zorder=2)
        named = {"p50": (found.p50, BLUE, "o"), "p99": (found.p99, RED, "|")}
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
    axes.axvline(_PROMISE, color=GREEN, linewidth=1, linestyle="--")
    axes.set_xscale("log")
    axes.set_yticks(range(len(trips)), [trip.name for trip in trips])
    axes.set_ylim(len(trips) - 0.5, -0.5)
    axes.xaxis.set_major_formatter(FuncFormatter(_duration))
    axes.set_title(title, fontsize=10)


def _duration(milliseconds: float, _: object) -> str:
    return f"{milliseconds:g} ms" if milliseconds < 1000 else f"{milliseconds / 1000:g} s"


# -- throughput -----------------------------------------------------------------------------------------


def _throughput(result: Result) -> Figure | None:
    bursts = [trip for trip in result.trips if trip.of_ceiling is not None]
    if not bursts:
        return None
    made, (axes,) = figure(10, 1.2 + 0.6 * len(bursts), 1)
    rows = range(len(bursts))
    plain = [_limit(trip, trip.of_ceiling) for trip in bursts]
    lean = [_limit(trip, trip.of_lean_ceiling) for trip in bursts]
    axes.barh(rows, lean, height=0.8, color="#F3F3F3", edgecolor=GREY, linestyle=":", label="lean ceiling")
    axes.barh(rows, plain, height=0.65, color="#DDDDDD", edgecolor=GREY, label="ceiling")
    axes.barh(rows, [trip.workflows_per_second for trip in bursts], height=0.4, color=BLUE, label="Argosy")
    for row, trip in zip(rows, bursts, strict=True):
        axes.text(trip.workflows_per_second, row, f" {trip.of_ceiling:.2f}", va="center", fontsize=9)
    axes.set_yticks(rows, [trip.name for trip in bursts])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel("Workflows per second, and the fraction of the ceiling")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=8)
    return made


def _limit(trip: Trip, share: float | None) -> float:
    """Workflows per second of a ceiling, of which the trip has reached this share; 0 if it was not measured."""
    return trip.workflows_per_second / share if share else 0.0


# -- requests -------------------------------------------------------------------------------------------


def _requests(result: Result) -> Figure | None:
    if not result.trips:
        return None
    made, (axes,) = figure(11, 1.6 + 0.36 * len(result.trips), 1)
    keys = sorted({key for trip in result.trips for key in trip.requests[HUB].get(OURS, {})})
    kept = [key for key in keys if max(_ours(trip, key) for trip in result.trips) >= 0.05]
    rows = range(len(result.trips))
    left = [0.0] * len(result.trips)
    for number, key in enumerate(kept):
        values = [_ours(trip, key) for trip in result.trips]
        axes.barh(rows, values, left=left, height=0.7, color=PALETTE[number % len(PALETTE)], label=key)
        left = [before + value for before, value in zip(left, values, strict=True)]
    for owner, color in ((USER, "#DDDDDD"), (EVENTS, "#F3F3F3")):
        values = [sum(trip.requests[HUB].get(owner, {}).values()) for trip in result.trips]
        axes.barh(
            rows, values, left=left, height=0.7, color=color, edgecolor=GREY, linewidth=0.5, label=owner
        )
        left = [before + value for before, value in zip(left, values, strict=True)]
    axes.set_yticks(rows, [trip.name for trip in result.trips])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel("writes on the hub per Workflow")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=8)
    return made


def _ours(trip: Trip, key: str) -> float:
    return trip.requests[HUB].get(OURS, {}).get(key, 0.0)
