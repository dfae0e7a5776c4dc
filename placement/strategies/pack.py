"""Strategy `pack`: the fullest cluster that still has room, so that others stay free, or can be switched off."""

from __future__ import annotations

import math
from collections.abc import Sequence

from placement.capacity.need import Need
from placement.strategies.candidate import Candidate, Choice, of_all


def pack(candidates: Sequence[Candidate], need: Need, _seed: str) -> Choice:
    """Clusters that report what is free come first, the one with the least room for Workflows of this kind ahead; of
    the others, which are never known to be full, the one with the most active Workflows."""

    def order(item: Candidate) -> tuple[float, int, str]:
        fits = item.fits(need)
        return (math.inf if fits is None else fits, -item.active, item.name)

    best = min(candidates, key=order)
    if len(candidates) == 1:
        return Choice(best.name, of_all(candidates))
    fits = best.fits(need)
    if fits is None:
        return Choice(best.name, f"{best.active} active there, the most {of_all(candidates)}")
    return Choice(best.name, f"room for {int(fits)} of its kind, the least {of_all(candidates)}")
