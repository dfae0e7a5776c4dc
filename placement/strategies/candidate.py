"""What strategies choose from."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from placement.capacity.need import Need
from placement.capacity.room import fits


@dataclass(frozen=True)
class Candidate:
    """A cluster that the Placement has selected, and that can hold the Workflow as far as is known.

    `active`: its unfinished Workflows of this hub. `rank`: its place by the Placement's scores, 0 for the best; only
    known to the strategy that asks for it. `room`: what is free, less what was promised to others; None: not known.
    """

    name: str
    active: int = 0
    rank: int = 0
    room: Need | None = None

    def fits(self, need: Need) -> float | None:
        """How many Workflows of this need have room; None: not known, or no limit."""
        found = math.inf if self.room is None else fits(self.room, need)
        return None if math.isinf(found) else found


class Choice(NamedTuple):
    """`why`: in a few words, for the user."""

    cluster: str
    why: str


# (the candidates, at least one, in any order; what the Workflow needs; its uid) -> the one that it gets.
Strategy = Callable[[Sequence[Candidate], Need, str], Choice]


def of_all(candidates: Sequence[Candidate]) -> str:
    """`of 3 clusters`, for the end of a reason."""
    return f"of {len(candidates)} clusters" if len(candidates) > 1 else "the only cluster"
