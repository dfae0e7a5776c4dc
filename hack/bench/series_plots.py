"""The plots of the series: growth, and several processes of the controllers. No figure is computed here."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from hack.bench.canvas import BLUE, GREEN, GREY, ORANGE, PALETTE, RED, figure
from hack.bench.results import Growth, Replicas, Result
from hack.bench.scenario import GROWTH_CLUSTERS, GROWTH_FINISHED
from hack.bench.series_tables import is_controllers
from hack.bench.testbed import CONTROLLERS

_WHOLE = FuncFormatter(lambda value, _: f"{value:,.0f}")
_UNITS = {GROWTH_FINISHED: "finished Workflows on the hub", GROWTH_CLUSTERS: "managed clusters"}


def growth(result: Result) -> Figure | None:
    """A row for each axis: memory, restart, latency."""
    series = {axis: [item for item in result.growth if item.axis == axis] for axis in _UNITS}
    series = {axis: items for axis, items in series.items() if items}
    if not series:
        return None
    made, axes = figure(12, 3.3 * len(series), 3, len(series))
    for row, (axis, items) in enumerate(series.items()):
        _growth_row(axes[3 * row : 3 * row + 3], axis, items)
    return made


def _growth_row(axes: Sequence[Axes], axis: str, items: Sequence[Growth]) -> None:
    memory, ready, latency = axes
    sizes = [item.size for item in items]
    processes = sorted(items[0].restarts, key=lambda name: name != CONTROLLERS)
    for color, process in zip((BLUE, ORANGE), processes, strict=False):  # one agent at most
        found = [item.restarts[process] for item in items]
        memory.plot(sizes, [one.rss for one in found], "o-", color=color, label=process)
        ready.plot(sizes, [one.ready_seconds for one in found], "o-", color=color, label=f"{process}: ready")
        settled = [one.settled_seconds for one in found]
        ready.plot(sizes, settled, "o--", color=color, alpha=0.5, label=f"{process}: all looked at")
    latency.plot(sizes, [item.trip.dispatch.p99 for item in items], "o-", color=BLUE, label="dispatch p99")
    latency.plot(sizes, [item.trip.status.p99 for item in items], "o-", color=RED, label="status p99")
    titles = {memory: ("memory after a restart", "MiB"), ready: ("restart", "s")}
    titles[latency] = ("latency at 10 Workflows/s", "ms")
    for one, (title, unit) in titles.items():
        one.set_title(title, fontsize=10)
        one.set_ylabel(unit)
        # Room above the lines for the legend, which would cover one of them otherwise.
        one.set_ylim(0, one.get_ylim()[1] * 1.45)
        one.legend(fontsize=8, loc="upper left")
        if axis == GROWTH_CLUSTERS:
            one.set_xscale("log")
            one.xaxis.set_minor_formatter(NullFormatter())
        one.set_xticks(_ticks(axis, sizes))
        one.xaxis.set_major_formatter(_WHOLE)
        one.set_xlabel(_UNITS[axis])


def _ticks(axis: str, sizes: Sequence[int]) -> Sequence[int]:
    """The sizes that were measured; on a linear axis without those that would stand in one another."""
    if axis == GROWTH_CLUSTERS:
        return sizes
    return [size for size in sizes if size == 0 or size >= max(sizes) / 5]


def replicas(result: Result) -> Figure | None:
    """Side by side for one, two and more processes: speed, latency, what each process takes of CPU and memory."""
    if not result.replicas:
        return None
    made, (speed, latency, cpu, memory) = figure(12, 3.6, 4)
    found = result.replicas
    at = range(len(found))
    speed.bar(at, [item.trip.workflows_per_second for item in found], width=0.6, color=BLUE)
    _bars(latency, "dispatch", [item.trip.dispatch.p99 / 1000 for item in found], -0.2, BLUE)
    _bars(latency, "status", [item.trip.status.p99 / 1000 for item in found], 0.2, RED)
    latency.set_ylim(0, latency.get_ylim()[1] * 1.25)
    latency.legend(fontsize=8, loc="upper left", ncols=2)
    _stacked(cpu, memory, found)
    titles = {
        speed: ("speed of a burst", "Workflows/s"),
        latency: ("p99 in the burst", "s"),
        cpu: ("CPU of the controllers", "ms per Workflow"),
        memory: ("memory of the controllers, peak", "MiB"),
    }
    for one, (title, unit) in titles.items():
        one.set_title(title, fontsize=10)
        one.set_ylabel(unit)
        one.set_xticks(at, [str(item.processes) for item in found])
        one.set_xlabel("processes")
        one.grid(False, axis="x")
    return made


def _bars(axes: Axes, label: str, values: Sequence[float], offset: float, color: str) -> None:
    axes.bar([number + offset for number in range(len(values))], values, width=0.36, color=color, label=label)


def _stacked(cpu: Axes, memory: Axes, found: Sequence[Replicas]) -> None:
    """Each process is a piece of its bar."""
    for number, item in enumerate(found):
        usages = [usage for name, usage in sorted(item.trip.processes.items()) if is_controllers(name)]
        spent = held = 0.0
        for place, usage in enumerate(usages):
            color = PALETTE[place % len(PALETTE)]
            share = 1000 * usage.cpu_seconds / item.trip.workflows
            cpu.bar(number, share, bottom=spent, width=0.6, color=color, edgecolor="white")
            memory.bar(number, usage.peak_rss, bottom=held, width=0.6, color=color, edgecolor="white")
            spent, held = spent + share, held + usage.peak_rss


def storage(result: Result) -> Figure | None:
    """What etcd keeps of one finished Workflow, object by object."""
    stored = [item.storage for item in result.growth if item.storage and item.size]
    if not stored:
        return None
    kinds = stored[-1].kinds
    made, (axes,) = figure(9, 1.0 + 0.36 * len(kinds), 1)
    rows = range(len(kinds))
    colors = [GREEN if item.cluster == "hub" else GREY for item in kinds]
    axes.barh(rows, [item.bytes / 1000 for item in kinds], height=0.65, color=colors)
    for row, item in zip(rows, kinds, strict=True):
        axes.text(item.bytes / 1000, row, f" {item.bytes / 1000:.1f}", va="center", fontsize=9)
    axes.set_yticks(rows, [f"{item.cluster}: {item.resource}" for item in kinds])
    axes.invert_yaxis()
    axes.set_xlabel("KB in etcd per finished Workflow (green: hub, grey: managed cluster)")
    return made
