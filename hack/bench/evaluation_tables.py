"""The evaluator's costs as a table and as a plot. Measures nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hack.bench.canvas import PALETTE, figure
from hack.bench.evaluation import Cost
from hack.bench.tables import Table

# CPU milliseconds that one evaluation over 1,000 clusters with three prioritizers may take.
TARGET_CLUSTERS, TARGET_MS = 1_000, 10.0


def costs(found: Sequence[Cost]) -> Table:
    """CPU milliseconds by Placement and number of clusters."""
    sizes = sorted({item.clusters for item in found})
    by_key = {(item.placement, item.clusters): item.milliseconds for item in found}
    names = list(dict.fromkeys(item.placement for item in found))
    head = ("CPU of one evaluation, ms", *(f"{size:,}" for size in sizes))
    return Table(head, [(name, *(f"{by_key[name, size]:.2f}" for size in sizes)) for name in names])


def plot(found: Sequence[Cost], path: Path) -> None:
    """Both axes logarithmic: a straight line of slope one is what grows with the fleet and no faster."""
    made, (axes,) = figure(7, 4, 1, 1)
    for color, name in zip(PALETTE, dict.fromkeys(item.placement for item in found), strict=False):
        line = [item for item in found if item.placement == name]
        axes.plot(
            [item.clusters for item in line],
            [item.milliseconds for item in line],
            "o-",
            color=color,
            label=name,
        )
    axes.plot(
        [TARGET_CLUSTERS], [TARGET_MS], "kx", label="target: 10 ms for 1,000 clusters, three prioritizers"
    )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("clusters")
    axes.set_ylabel("CPU of one evaluation, ms")
    axes.legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    made.savefig(path, dpi=110)
