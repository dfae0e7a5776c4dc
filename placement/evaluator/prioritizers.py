"""Which of the matching clusters come first: scores of -100 to 100 per prioritizer, weighed and added up.

Rules of OCM's placement controller (v1.2.0), for the prioritizers Balance and Steady.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from controllers.api.placement_policy import PrioritizerPolicy, ScoreCoordinate
from placement.evaluator.misconfigured import Misconfigured
from placement.evaluator.snapshot import Snapshot

MAX_SCORE: Final = 100

# What a Placement gets that asks for nothing, or adds to it.
DEFAULT_WEIGHTS: Final[Mapping[str, int]] = {"Balance": 1, "Steady": 1}

# Valid, but not scored yet.
_LATER: Final = frozenset({"ResourceAllocatableCPU", "ResourceAllocatableMemory"})

_FIELD: Final = "spec.prioritizerPolicy"

Scorer = Callable[[str], int]


def rank(names: list[str], weights: Mapping[str, int], snapshot: Snapshot) -> list[str]:
    """Cluster names, best first: by weighed score, then by name. `weights` as `usable` leaves them."""
    scorers = [(_SCORERS[name](snapshot), weight) for name, weight in weights.items()]
    scores = {name: sum(weight * score(name) for score, weight in scorers) for name in names}
    return sorted(names, key=lambda name: (-scores[name], name))


def weights(policy: PrioritizerPolicy) -> dict[str, int]:
    """Weight by prioritizer, without those of weight 0. Raises Misconfigured.

    An add-on's score is named `AddOn/<resource>/<score>`. Of two weights for one score the last counts.
    """
    if policy.mode not in ("Additive", "Exact", ""):
        raise Misconfigured(f"{_FIELD}.mode", f"{policy.mode!r} is not Additive or Exact")
    found = {} if policy.mode == "Exact" else dict(DEFAULT_WEIGHTS)
    for index, item in enumerate(policy.configurations):
        field = f"{_FIELD}.configurations[{index}].scoreCoordinate"
        found[_name(item.score_coordinate, field)] = item.weight
    return {name: weight for name, weight in found.items() if weight}


def usable(weights: Mapping[str, int]) -> tuple[dict[str, int], list[str]]:
    """The weights to rank by, and in words why the others are left out, by name."""
    reasons = {}
    for name, weight in sorted(weights.items()):
        if name not in _SCORERS:
            reasons[name] = f"{_FIELD}: {name} is not scored by this evaluator yet"
        elif name == "Steady" and weight < 0:
            # Every decision would be a reason for the opposite one: OCM's controller changes its mind for ever.
            reasons[name] = f"{_FIELD}: Steady with a negative weight never settles and is left out"
    return {name: weight for name, weight in weights.items() if name not in reasons}, list(reasons.values())


def _name(coordinate: ScoreCoordinate, field: str) -> str:
    if coordinate.type == "AddOn":
        if coordinate.add_on is None:
            raise Misconfigured(f"{field}.addOn", "must be set for type AddOn")
        return f"AddOn/{coordinate.add_on.resource_name}/{coordinate.add_on.score_name}"
    if coordinate.built_in not in _SCORERS and coordinate.built_in not in _LATER:
        known = ", ".join(sorted({*_SCORERS, *_LATER}))
        raise Misconfigured(f"{field}.builtIn", f"{coordinate.built_in!r} is not one of {known}")
    return coordinate.built_in


def _steady(snapshot: Snapshot) -> Scorer:
    """Clusters that are selected already stay ahead."""
    decided = snapshot.decided
    return lambda name: MAX_SCORE if name in decided else 0


def _balance(snapshot: Snapshot) -> Scorer:
    """The less other Placements have selected a cluster, the better."""
    most = max(snapshot.elsewhere.values(), default=0)

    def score(name: str) -> int:
        count = snapshot.elsewhere.get(name, 0)
        # Truncates towards zero before it doubles, as OCM's integer arithmetic does.
        return 2 * int(MAX_SCORE * (0.5 - count / most)) if count else MAX_SCORE

    return score


_SCORERS: Final[Mapping[str, Callable[[Snapshot], Scorer]]] = {"Balance": _balance, "Steady": _steady}
