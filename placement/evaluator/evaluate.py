"""What a Placement selects, and why not more. Pure: the same Placement and snapshot give the same Evaluation.

Order of the steps, reasons and messages are those of OCM's placement controller (v1.2.0), with two differences.
Where OCM answers a misconfigured Placement with no clusters at all, which evicts whatever runs on them, the
clusters that it had stay selected as long as they exist and are bound. And `spec.spreadPolicy` is acted upon. What
only orders clusters and can't be done is left out, and named by PlacementMisconfigured; what decides which clusters
qualify never is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, NamedTuple

from controllers.api import keys
from controllers.api.cluster import ManagedCluster
from controllers.api.cluster_set import ManagedClusterSet
from controllers.api.placement import Placement, PlacementDecision, PlacementSpec
from controllers.cluster_sets import bound_sets
from controllers.misconfigured import Misconfigured
from placement.evaluator import filters, prioritizers, spread
from placement.evaluator.filters import Filtered
from placement.evaluator.groups import Group, divided
from placement.evaluator.prioritizers import Ranking
from placement.evaluator.snapshot import Snapshot

SATISFIED: Final = "PlacementSatisfied"
MISCONFIGURED: Final = "PlacementMisconfigured"

# The placement label of a PlacementDecision holds the Placement's name.
LABEL_LIMIT: Final = 63


class Verdict(NamedTuple):
    """A condition without what only a clock knows."""

    type: str
    status: Literal["True", "False"]
    reason: str
    message: str


class Step(NamedTuple):
    """A filter, and why, in words, it refused each of the clusters that it took out."""

    name: str
    refused: Mapping[str, str]


@dataclass(frozen=True)
class Evaluation:
    """`groups`: the selected clusters, as they are to be listed; None when no PlacementDecision can be written for
    this name. `until`: when to evaluate again though nothing has changed; None: never.

    `candidates`: the clusters of the Placement's sets; `steps`: what the filters, in this order, left of them;
    `ranking`: of those that passed all. Empty if the Placement could not be evaluated.
    """

    groups: tuple[Group, ...] | None
    satisfied: Verdict
    misconfigured: Verdict
    clusters: tuple[str, ...] = ()
    until: datetime | None = None
    candidates: frozenset[str] = frozenset()
    steps: tuple[Step, ...] = ()
    ranking: Ranking = field(default_factory=Ranking)


def is_left_alone(placement: Placement) -> bool:
    """Whether nothing at all is to be done: it is being deleted, or its annotation gives it to someone else."""
    meta = placement.metadata
    disabled = meta.annotations.get(keys.SCHEDULING_DISABLED_ANNOTATION) == "true"
    return disabled or meta.deletion_timestamp is not None


def evaluate(placement: Placement, snapshot: Snapshot) -> Evaluation:
    """The clusters for `placement`, and its two conditions. Ask `is_left_alone` first. Raises Unanswered."""
    spec = placement.spec
    if len(placement.metadata.name) > LABEL_LIMIT:
        return _stuck(
            None, f"metadata.name: PlacementDecisions can't bear a name of over {LABEL_LIMIT} characters"
        )
    bound = bound_sets(snapshot.bindings, snapshot.cluster_sets)
    sets = filters.eligible_sets(bound, spec.cluster_sets)
    candidates = filters.alive(snapshot.clusters)
    try:
        candidates = filters.members(sets, candidates)
        by_predicate = filters.predicates(spec.predicates, candidates, snapshot.cel)
        snapshot.cel.require()
        passed = filters.tolerated(spec.tolerations, by_predicate.clusters, snapshot.decided, snapshot.now)
        weights, ignored = prioritizers.usable(prioritizers.weights(spec.prioritizer_policy))
        ranking = prioritizers.rank(passed.clusters, weights, snapshot)
        by_name = {cluster.metadata.name: cluster for cluster in passed.clusters}
        chosen, missing = _chosen(spec, ranking.names, by_name)
        groups = divided(spec.decision_strategy.group_strategy, [by_name[name] for name in chosen])
    except Misconfigured as error:
        return _stuck(_kept(snapshot.decisions, _names(candidates)), str(error))
    return Evaluation(
        groups=groups,
        satisfied=_none_to_choose_from(spec, bound, sets, candidates) or _satisfied(len(chosen), missing),
        misconfigured=_configured([*ignored, *by_predicate.problems]),
        clusters=tuple(chosen),
        until=_first(passed, ranking),
        candidates=frozenset(_names(candidates)),
        steps=tuple(Step(item.name, item.refused) for item in (by_predicate, passed)),
        ranking=ranking,
    )


def _names(clusters: Iterable[ManagedCluster]) -> list[str]:
    return [cluster.metadata.name for cluster in clusters]


def _chosen(
    spec: PlacementSpec, ranked: Sequence[str], clusters: Mapping[str, ManagedCluster]
) -> tuple[list[str], str]:
    """The best clusters, and in words what is missing from what was asked for; "" for nothing."""
    limit = spec.number_of_clusters
    if limit is not None and limit < 0:
        raise Misconfigured("spec.numberOfClusters", "must not be negative")
    constraints = spec.spread_policy.spread_constraints
    spread.check(constraints)
    chosen = spread.select(ranked, clusters, constraints, limit)
    missing = (len(ranked) if limit is None else limit) - len(chosen)
    if not missing:
        return chosen, ""
    words = f"{missing} cluster decisions unscheduled"
    if len(chosen) < len(ranked):
        words += ", since spec.spreadPolicy allows no more"
    return chosen, words


def _first(passed: Filtered, ranking: Ranking) -> datetime | None:
    return min((one for one in (passed.until, ranking.until) if one is not None), default=None)


def _kept(decisions: Iterable[PlacementDecision], alive: Iterable[str]) -> tuple[Group, ...]:
    """The groups as they are, without clusters that are not there to be selected any more."""
    there = frozenset(alive)
    found: dict[int, tuple[str, set[str]]] = {}
    for page in decisions:
        labels = page.metadata.labels
        index = labels.get(keys.DECISION_GROUP_INDEX_LABEL, "0")
        name = labels.get(keys.DECISION_GROUP_NAME_LABEL, "")
        _, clusters = found.setdefault(int(index) if index.isdecimal() else 0, (name, set()))
        clusters |= there.intersection(decision.cluster_name for decision in page.status.decisions)
    return tuple(Group(name, tuple(sorted(clusters))) for _, (name, clusters) in sorted(found.items())) or (
        Group("", ()),
    )


# -- conditions ------------------------------------------------------------------------------------------
def _none_to_choose_from(
    spec: PlacementSpec,
    bound: Sequence[ManagedClusterSet],
    sets: Sequence[ManagedClusterSet],
    candidates: Sequence[ManagedCluster],
) -> Verdict | None:
    if not bound:
        return _unsatisfied(
            "NoManagedClusterSetBindings", "No valid ManagedClusterSetBindings found in placement namespace"
        )
    if not sets:
        asked = ",".join(spec.cluster_sets)
        return _unsatisfied(
            "NoIntersection", f"None of ManagedClusterSets [{asked}] is bound to placement namespace"
        )
    if not candidates:
        names = ",".join(item.metadata.name for item in sets)
        return _unsatisfied(
            "AllManagedClusterSetsEmpty", f"All ManagedClusterSets [{names}] have no member ManagedCluster"
        )
    return None


def _satisfied(chosen: int, missing: str) -> Verdict:
    if not chosen:
        return _unsatisfied(
            "NoManagedClusterMatched", "No ManagedCluster matches any of the cluster predicate"
        )
    if missing:
        return _unsatisfied("NotAllDecisionsScheduled", missing)
    return Verdict(SATISFIED, "True", "AllDecisionsScheduled", "All cluster decisions scheduled")


def _stuck(groups: tuple[Group, ...] | None, problem: str) -> Evaluation:
    """Nothing can be decided anew: `groups` is what stays."""
    return Evaluation(
        groups=groups,
        satisfied=_unsatisfied("NotAllDecisionsScheduled", problem),
        misconfigured=Verdict(MISCONFIGURED, "True", "Misconfigured", problem),
        clusters=tuple(name for group in groups or () for name in group.clusters),
    )


def _configured(ignored: Sequence[str]) -> Verdict:
    if ignored:
        return Verdict(MISCONFIGURED, "True", "Misconfigured", "; ".join(ignored))
    return Verdict(MISCONFIGURED, "False", "Succeedconfigured", "Placement configurations check pass")


def _unsatisfied(reason: str, message: str) -> Verdict:
    return Verdict(SATISFIED, "False", reason, message)
