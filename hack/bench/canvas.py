"""What all plots have in common: colours, the size and the plainness of axes."""

from __future__ import annotations

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

mpl.use("Agg")

# Okabe and Ito's colours, which people of all kinds of sight can tell apart.
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#BBBBBB"
PALETTE = (BLUE, "#56B4E9", GREEN, "#F0E442", ORANGE, RED, "#CC79A7", "#000000", "#999933", "#882255")


def figure(width: float, height: float, columns: int, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure of so many inches, and its axes row by row."""
    made = Figure(figsize=(width, height), layout="constrained")
    flat: list[Axes] = list(made.subplots(rows, columns, squeeze=False).flat)
    for item in flat:
        item.spines[["top", "right"]].set_visible(False)
        item.grid(True, color="#E5E5E5", linewidth=0.6)
        item.set_axisbelow(True)
    return made, flat
