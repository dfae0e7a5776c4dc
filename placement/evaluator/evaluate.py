"""What a Placement selects, and why not more. Pure: the same Placement and snapshot give the same Evaluation.

Order of the steps, reasons and messages are those of OCM's placement controller (v1.2.0), with one difference:
where OCM answers a misconfigured Placement with no clusters at all, which evicts whatever runs on them, the
clusters that it had stay selected as long as they exist and are bound. What only orders or divides clusters and
can't be done is left out, and named by PlacementMisconfigured; what decides which clusters qualify never is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from controllers.api import keys
from controllers.api.cluster import ManagedCluster
from controllers.api.cluster_set import ManagedClusterSet
from controllers.api.placement import GroupStrategy, Placement, PlacementSpec
from placement.evaluator import filters, prioritizers
from placement.evaluator.misconfigured import Misconfigured
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


@dataclass(frozen=True)
class Evaluation:
    """`clusters` are the selected ones, best first; None when no PlacementDecision can be written for this name."""

    clusters: tuple[str, ...] | None
    satisfied: Verdict
    misconfigured: Verdict


def is_left_alone(placement: Placement) -> bool:
    """Whether nothing at all is to be done: it is being deleted, or its annotation gives it to someone else."""
    meta = placement.metadata
    disabled = meta.annotations.get(keys.SCHEDULING_DISABLED_ANNOTATION) == "true"
    return disabled or meta.deletion_timestamp is not None


def evaluate(placement: Placement, snapshot: Snapshot) -> Evaluation:
    """The clusters for `placement`, and its two conditions. Ask `is_left_alone` first."""
    spec = placement.spec
    if len(placement.metadata.name) > LABEL_LIMIT:
        return _stuck(
            None, f"metadata.name: PlacementDecisions can't bear a name of over {LABEL_LIMIT} characters"
        )
    bound = filters.bound_sets(snapshot)
    sets = filters.eligible_sets(bound, spec.cluster_sets)
    candidates = filters.alive(snapshot.clusters)
    try:
        candidates = filters.members(sets, candidates)
        weights, ignored = prioritizers.usable(prioritizers.weights(spec.prioritizer_policy))
        ranked = prioritizers.rank(_names(filters.matching(spec.predicates, candidates)), weights, snapshot)
        chosen = ranked[: _limit(spec)]
    except Misconfigured as error:
        kept = sorted(snapshot.decided.intersection(_names(candidates)))
        return _stuck(tuple(kept), str(error))
    return Evaluation(
        clusters=tuple(chosen),
        satisfied=_none_to_choose_from(spec, bound, sets, candidates) or _satisfied(spec, len(chosen)),
        misconfigured=_configured([*ignored, *_ignored(spec.decision_strategy.group_strategy)]),
    )


def _names(clusters: Iterable[ManagedCluster]) -> list[str]:
    return [cluster.metadata.name for cluster in clusters]


def _limit(spec: PlacementSpec) -> int | None:
    if spec.number_of_clusters is not None and spec.number_of_clusters < 0:
        raise Misconfigured("spec.numberOfClusters", "must not be negative")
    return spec.number_of_clusters


def _ignored(strategy: GroupStrategy) -> list[str]:
    if strategy.decision_groups or strategy.clusters_per_decision_group not in ("", "100%"):
        return ["spec.decisionStrategy.groupStrategy: all clusters form one group in this evaluator yet"]
    return []


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


def _satisfied(spec: PlacementSpec, chosen: int) -> Verdict:
    if not chosen:
        return _unsatisfied(
            "NoManagedClusterMatched", "No ManagedCluster matches any of the cluster predicate"
        )
    missing = (spec.number_of_clusters or chosen) - chosen
    if missing:
        return _unsatisfied("NotAllDecisionsScheduled", f"{missing} cluster decisions unscheduled")
    return Verdict(SATISFIED, "True", "AllDecisionsScheduled", "All cluster decisions scheduled")


def _stuck(clusters: tuple[str, ...] | None, problem: str) -> Evaluation:
    """Nothing can be decided anew: `clusters` is what stays."""
    return Evaluation(
        clusters=clusters,
        satisfied=_unsatisfied("NotAllDecisionsScheduled", problem),
        misconfigured=Verdict(MISCONFIGURED, "True", "Misconfigured", problem),
    )


def _configured(ignored: Sequence[str]) -> Verdict:
    if ignored:
        return Verdict(MISCONFIGURED, "True", "Misconfigured", "; ".join(ignored))
    return Verdict(MISCONFIGURED, "False", "Succeedconfigured", "Placement configurations check pass")


def _unsatisfied(reason: str, message: str) -> Verdict:
    return Verdict(SATISFIED, "False", reason, message)
