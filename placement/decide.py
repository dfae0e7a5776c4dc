"""Which cluster a Workflow goes to, from what its Placement has decided. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from controllers.api import keys
from controllers.api.echo import echoed
from placement.capacity.need import NOTHING, Need
from placement.strategies import STRATEGIES
from placement.strategies.candidate import Candidate


@dataclass(frozen=True)
class Place:
    """Run it on `cluster`; `why`: in a few words, for the user. `need` is what was counted with."""

    cluster: str
    why: str = ""
    need: Need = field(default=NOTHING, compare=False)


@dataclass(frozen=True)
class Wait:
    """It cannot be placed yet. `reason` is one CamelCase word; `message` says what is wrong and what to do.
    `need` is what was counted with."""

    reason: str
    message: str
    need: Need = field(default=NOTHING, compare=False)


@dataclass(frozen=True)
class PlacementState:
    """What is known of the Placement that a Workflow names.

    `clusters`: the decided clusters of all PlacementDecision pages, in page order. `why`: where there is none, what
    keeps each of them off.
    """

    exists: bool
    clusters: Sequence[str] = ()
    why: str = ""


# Cause of waiting: every decided cluster is too full.
NO_ROOM = "NoRoom"


def missing(namespace: str, placement: str | None, state: PlacementState) -> Wait | None:
    """Why there is nothing to choose from; None when there is. `placement` is the Workflow's annotation."""
    if not placement:
        return Wait(
            "PlacementNotNamed",
            f"annotation {keys.PLACEMENT_ANNOTATION} is missing: set it to the name of a Placement in "
            f"namespace {namespace}",
        )
    name = echoed(placement)
    if not state.exists:
        return Wait(
            "PlacementNotFound",
            f"there is no Placement {name} in namespace {namespace}: create it, or correct annotation "
            f"{keys.PLACEMENT_ANNOTATION}",
        )
    if not state.clusters:
        why = f" ({state.why})" if state.why else ""
        return Wait(
            "NoDecision",
            f"Placement {name} has selected no cluster yet{why}: see "
            f"kubectl -n {namespace} describe placement {name}",
        )
    return None


def choose(candidates: Sequence[Candidate], strategy: str, need: Need, seed: str) -> Place | Wait:
    """The cluster that the strategy of this name picks among those that can hold `need`; `candidates` is not empty,
    `seed` is the Workflow's uid. A cluster that doesn't report what is free can hold anything."""
    able = [item for item in candidates if (found := item.fits(need)) is None or found >= 1]
    if not able:
        return Wait(NO_ROOM, _no_room(candidates, need), need)
    choice = STRATEGIES[strategy](able, need, seed)
    full = len(candidates) - len(able)
    left_out = f"; {full} more without room" if full else ""
    return Place(choice.cluster, f"{strategy}: {choice.why}{left_out}", need)


def _no_room(candidates: Sequence[Candidate], need: Need) -> str:
    """Without what is free just now: the text is told anew whenever it changes."""
    none = (
        "the one selected cluster has" if len(candidates) == 1 else f"none of {len(candidates)} clusters has"
    )
    not_so = " not" if len(candidates) == 1 else ""
    return (
        f"at its widest it needs {need}, and {none}{not_so} so much free: it goes on when there is room (see python -m "
        f"placement explain); if less will do, say so in annotation {keys.NEED_ANNOTATION}, such as cpu=2,memory=4Gi"
    )
