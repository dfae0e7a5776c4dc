"""Which of the matching clusters come first: scores of -100 to 100 per prioritizer, weighed and added up.

Rules of OCM's placement controller (v1.2.0).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from controllers.api.cluster import ManagedCluster
from controllers.api.meta import parsed
from controllers.api.placement_policy import PrioritizerPolicy, ScoreCoordinate
from controllers.kube.quantity import amount
from controllers.misconfigured import Misconfigured
from placement.evaluator.snapshot import Snapshot

MAX_SCORE: Final = 100
MAX_WEIGHT: Final = 10

# What a Placement gets that asks for nothing, or adds to it.
DEFAULT_WEIGHTS: Final[Mapping[str, int]] = {"Balance": 1, "Steady": 1}

# The resource that each of these compares.
RESOURCES: Final = {"ResourceAllocatableCPU": "cpu", "ResourceAllocatableMemory": "memory"}
_BUILT_IN: Final = frozenset({*DEFAULT_WEIGHTS, *RESOURCES})
_ADD_ON: Final = "AddOn/"

_FIELD: Final = "spec.prioritizerPolicy"


class Scores(NamedTuple):
    """What one prioritizer says, by cluster; absent: nothing. `until`: when it would say something else though
    nothing has changed; None: never."""

    by_cluster: Mapping[str, int]
    until: datetime | None = None


@dataclass(frozen=True)
class Ranking:
    """`names`, best first: by `total`, then by name. `scores`: what each prioritizer says, by its name; `weights`:
    how much that counts. `until` as in Scores, of all of them."""

    names: Sequence[str] = ()
    total: Mapping[str, int] = field(default_factory=dict)
    scores: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    weights: Mapping[str, int] = field(default_factory=dict)
    until: datetime | None = None


def rank(clusters: Sequence[ManagedCluster], weights: Mapping[str, int], snapshot: Snapshot) -> Ranking:
    """`weights` as `usable` leaves them."""
    found = {name: _scores(name, clusters, snapshot) for name in weights}
    total = dict.fromkeys((cluster.metadata.name for cluster in clusters), 0)
    for prioritizer, scores in found.items():
        weight = weights[prioritizer]
        for name, score in scores.by_cluster.items():
            total[name] += weight * score
    names = sorted(total, key=lambda name: (-total[name], name))
    until = min((item.until for item in found.values() if item.until is not None), default=None)
    by_prioritizer = {name: item.by_cluster for name, item in found.items()}
    return Ranking(names, total, by_prioritizer, dict(weights), until)


def weights(policy: PrioritizerPolicy) -> dict[str, int]:
    """Weight by prioritizer, without those of weight 0. Raises Misconfigured.

    An add-on's score is named `AddOn/<resource>/<score>`. Of two weights for one score the last counts.
    """
    if policy.mode not in ("Additive", "Exact", ""):
        raise Misconfigured(f"{_FIELD}.mode", f"{policy.mode!r} is not Additive or Exact")
    found = {} if policy.mode == "Exact" else dict(DEFAULT_WEIGHTS)
    for index, item in enumerate(policy.configurations):
        where = f"{_FIELD}.configurations[{index}]"
        if not -MAX_WEIGHT <= item.weight <= MAX_WEIGHT:
            raise Misconfigured(f"{where}.weight", f"{item.weight} is not in {-MAX_WEIGHT} to {MAX_WEIGHT}")
        found[_name(item.score_coordinate, f"{where}.scoreCoordinate")] = item.weight
    return {name: weight for name, weight in found.items() if weight}


def usable(weights: Mapping[str, int]) -> tuple[dict[str, int], list[str]]:
    """The weights to rank by, and in words why the others are left out, by name."""
    if weights.get("Steady", 0) >= 0:
        return dict(weights), []
    # Every decision would be a reason for the opposite one: OCM's controller changes its mind for ever.
    reason = f"{_FIELD}: Steady with a negative weight never settles and is left out"
    return {name: weight for name, weight in weights.items() if name != "Steady"}, [reason]


def _name(coordinate: ScoreCoordinate, where: str) -> str:
    if coordinate.type == "AddOn":
        if coordinate.add_on is None:
            raise Misconfigured(f"{where}.addOn", "must be set for type AddOn")
        return f"{_ADD_ON}{coordinate.add_on.resource_name}/{coordinate.add_on.score_name}"
    if coordinate.built_in not in _BUILT_IN:
        raise Misconfigured(
            f"{where}.builtIn", f"{coordinate.built_in!r} is not one of {', '.join(sorted(_BUILT_IN))}"
        )
    return coordinate.built_in


# -- the prioritizers ------------------------------------------------------------------------------------
def _scores(prioritizer: str, clusters: Sequence[ManagedCluster], snapshot: Snapshot) -> Scores:
    if prioritizer.startswith(_ADD_ON):
        resource, score = prioritizer.removeprefix(_ADD_ON).split("/", 1)
        return _add_on(resource, score, clusters, snapshot)
    if prioritizer in RESOURCES:
        return _allocatable(RESOURCES[prioritizer], clusters)
    names = [cluster.metadata.name for cluster in clusters]
    return _balance(names, snapshot) if prioritizer == "Balance" else _steady(names, snapshot)


def _steady(names: Sequence[str], snapshot: Snapshot) -> Scores:
    """Clusters that are selected already stay ahead."""
    decided = snapshot.decided
    return Scores({name: MAX_SCORE if name in decided else 0 for name in names})


def _balance(names: Sequence[str], snapshot: Snapshot) -> Scores:
    """The less other Placements have selected a cluster, the better."""
    elsewhere = snapshot.elsewhere
    most = max(elsewhere.values(), default=0)

    def score(name: str) -> int:
        count = elsewhere.get(name, 0)
        # Truncates towards zero before it doubles, as OCM's integer arithmetic does.
        return 2 * int(MAX_SCORE * (0.5 - count / most)) if count else MAX_SCORE

    return Scores({name: score(name) for name in names})


def _allocatable(resource: str, clusters: Sequence[ManagedCluster]) -> Scores:
    """The more of the resource a cluster has for workloads, the better. One that does not say how much gets nothing."""
    found = {}
    for cluster in clusters:
        status = cluster.status
        if resource in status.allocatable and resource in status.capacity:
            try:
                found[cluster.metadata.name] = max(0.0, amount(status.allocatable[resource]))
            except ValueError:
                continue
    least, most = min(found.values(), default=0.0), max(found.values(), default=0.0)
    if most == least:
        return Scores(dict.fromkeys(found, MAX_SCORE))
    return Scores(
        {name: int(((has - least) / (most - least) - 0.5) * 2.0 * 100.0) for name, has in found.items()}
    )


def _add_on(resource: str, score: str, clusters: Sequence[ManagedCluster], snapshot: Snapshot) -> Scores:
    """What an add-on says of each cluster, for as long as that holds; 0 where it says nothing."""
    found, ends = {}, []
    for cluster in clusters:
        name = cluster.metadata.name
        found[name] = 0
        item = snapshot.scores_of(name, resource)
        if item is None:
            continue
        if item.status.valid_until is not None:
            try:
                end = parsed(item.status.valid_until)
            except ValueError:
                continue  # such as one in the year 0, which an API server takes
            if snapshot.now > end:
                continue
            ends.append(end)
        for one in item.status.scores:
            if one.name == score:
                found[name] = one.value
    return Scores(found, min(ends, default=None))
