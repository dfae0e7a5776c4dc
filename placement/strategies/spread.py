"""Strategy `spread`: the cluster with the fewest active Workflows."""

from __future__ import annotations

from collections.abc import Sequence

from placement.capacity.need import Need
from placement.strategies.candidate import Candidate, Choice, of_all


def spread(candidates: Sequence[Candidate], _need: Need, _seed: str) -> Choice:
    """Among equals the first by name.

    Decisions come sorted by name, so "the first decision" would send every Workflow to the same cluster.
    """
    best = min(candidates, key=lambda item: (item.active, item.name))
    if len(candidates) == 1:
        return Choice(best.name, of_all(candidates))
    return Choice(best.name, f"{best.active} active there, the fewest {of_all(candidates)}")
