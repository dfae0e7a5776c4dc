"""Strategy `scores`: the cluster that the Placement's prioritizers score highest, until it has no room any more."""

from __future__ import annotations

from collections.abc import Sequence

from placement.capacity.need import Need
from placement.strategies.candidate import Candidate, Choice, of_all


def by_scores(candidates: Sequence[Candidate], _need: Need, _seed: str) -> Choice:
    """Among equals the first by name, as in the Placement's own order."""
    best = min(candidates, key=lambda item: (item.rank, item.name))
    if len(candidates) == 1:
        return Choice(best.name, of_all(candidates))
    return Choice(best.name, f"the best score {of_all(candidates)} with room")
