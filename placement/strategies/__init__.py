"""How to choose among the clusters that a Placement has selected: one pure function each, by the name in the annotation
`workflows.argoproj.io/ocm-strategy`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from placement.strategies.by_scores import by_scores
from placement.strategies.candidate import Strategy
from placement.strategies.pack import pack
from placement.strategies.spread import spread
from placement.strategies.weighted import weighted

DEFAULT: Final = "spread"
SCORES: Final = "scores"

STRATEGIES: Final[Mapping[str, Strategy]] = {
    DEFAULT: spread,
    SCORES: by_scores,
    "random": weighted,
    "pack": pack,
}
