"""Strategy `random`: any cluster, the more likely the more Workflows of this kind it still has room for."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from placement.capacity.need import Need
from placement.chance import chance
from placement.strategies.candidate import Candidate, Choice, of_all


def weighted(candidates: Sequence[Candidate], need: Need, seed: str) -> Choice:
    """The same for the same seed. A cluster that doesn't report what is free weighs as the others do on average."""
    ordered = sorted(candidates, key=lambda item: item.name)
    weights = _weights([item.fits(need) for item in ordered])
    point = chance(seed) * sum(weights)
    bounds = itertools.accumulate(weights)
    drawn, weight = next(
        (
            (item, weight)
            for item, weight, bound in zip(ordered, weights, bounds, strict=True)
            if point < bound
        ),
        (ordered[-1], weights[-1]),
    )
    if len(ordered) == 1:
        return Choice(drawn.name, of_all(ordered))
    return Choice(drawn.name, f"drawn {of_all(ordered)} with a chance of {weight / sum(weights):.0%}")


def _weights(fits: Sequence[float | None]) -> list[float]:
    known = [value for value in fits if value is not None]
    mean = sum(known) / len(known) if known else 1.0
    found = [mean if value is None else value for value in fits]
    return found if sum(found) > 0 else [1.0] * len(found)
