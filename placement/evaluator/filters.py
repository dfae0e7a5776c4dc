"""Which clusters a Placement may select: those that its namespace is given, cut down by its predicates.

Rules of OCM's placement controller (v1.2.0). Each filter says of every cluster that it refuses why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from controllers.api.cluster import ManagedCluster
from controllers.api.cluster_set import ManagedClusterSet
from controllers.api.placement_policy import ClusterPredicate, Toleration
from controllers.cluster_sets import membership
from controllers.misconfigured import Misconfigured
from controllers.selectors import compile_requirements, compile_selector
from placement.evaluator import taints
from placement.evaluator.snapshot import ScoresOf

if TYPE_CHECKING:
    from placement.evaluator.cel import Expression

# Why a cluster does not pass, as the part of the Placement that refuses it; "" when it passes.
_Check = Callable[[ManagedCluster], str]


@dataclass(frozen=True)
class Filtered:
    """What a filter leaves. `refused`: why, in words, by the name of each cluster that it took out. `until`: when it
    may take out one more of the clusters that are left though nothing has changed; None: never."""

    name: str
    clusters: Sequence[ManagedCluster]
    refused: Mapping[str, str]
    until: datetime | None = None


def eligible_sets(bound: Sequence[ManagedClusterSet], asked: Sequence[str]) -> list[ManagedClusterSet]:
    """Those of the bound sets that `spec.clusterSets` asks for; all of them when it asks for none."""
    return [item for item in bound if not asked or item.metadata.name in asked]


def alive(clusters: Iterable[ManagedCluster]) -> list[ManagedCluster]:
    """Clusters that are not on their way out."""
    return [cluster for cluster in clusters if cluster.metadata.deletion_timestamp is None]


def members(sets: Iterable[ManagedClusterSet], clusters: Iterable[ManagedCluster]) -> list[ManagedCluster]:
    """Clusters in at least one of the sets. Raises Misconfigured for a set with a broken selector."""
    tests = [membership(item) for item in sets]
    return [cluster for cluster in clusters if any(test(cluster.metadata.labels) for test in tests)]


def predicates(
    asked: Sequence[ClusterPredicate], clusters: Sequence[ManagedCluster], scores_of: ScoresOf
) -> Filtered:
    """Leaves the clusters that at least one predicate accepts; all of them when there is none.

    Raises Misconfigured for a predicate that cannot be applied, whether there are clusters or not.
    """
    checks = [
        _predicate(predicate, f"spec.predicates[{index}]", scores_of) for index, predicate in enumerate(asked)
    ]
    if not checks:
        return Filtered("Predicate", clusters, {})
    left, refused = [], {}
    for cluster in clusters:
        reasons = []
        for check in checks:
            reason = check(cluster)
            if not reason:
                left.append(cluster)
                break
            reasons.append(reason)
        else:
            refused[cluster.metadata.name] = "does not match " + ", nor ".join(reasons)
    return Filtered("Predicate", left, refused)


def tolerated(
    tolerations: Sequence[Toleration],
    clusters: Sequence[ManagedCluster],
    decided: frozenset[str],
    now: datetime,
) -> Filtered:
    """Leaves the clusters whose taints are tolerated. Raises Misconfigured for a toleration that means nothing."""
    taints.check(tolerations)
    left, refused, ends = [], {}, []
    for cluster in clusters:
        if not cluster.spec.taints:
            left.append(cluster)
            continue
        name = cluster.metadata.name
        found = taints.tolerance(cluster.spec.taints, tolerations, decided=name in decided, now=now)
        if found.refused is not None:
            refused[name] = f"taint {taints.described(found.refused)} is not tolerated"
            continue
        left.append(cluster)
        if found.until is not None:
            ends.append(found.until)
    return Filtered("TaintToleration", left, refused, min(ends, default=None))


def _predicate(predicate: ClusterPredicate, field: str, scores_of: ScoresOf) -> _Check:
    selector = predicate.required_cluster_selector
    where = f"{field}.requiredClusterSelector"
    labels = compile_selector(selector.label_selector, f"{where}.labelSelector")
    claims = compile_requirements(
        selector.claim_selector.match_expressions, f"{where}.claimSelector.matchExpressions"
    )
    expressions = [
        _expression(text, f"{where}.celSelector.celExpressions[{index}]")
        for index, text in enumerate(selector.cel_selector.cel_expressions)
    ]
    by_label, by_claim, by_cel = f"{field} (labels)", f"{field} (claims)", f"{field} (CEL)"

    def check(cluster: ManagedCluster) -> str:
        if not labels.matches(cluster.metadata.labels):
            return by_label
        if claims.requirements and not claims.matches(cluster.claims()):
            return by_claim
        if not all(item.holds(cluster, scores_of) for item in expressions):
            return by_cel
        return ""

    return check


def _expression(text: str, field: str) -> Expression:
    # The CEL library takes 30 MB of memory: for those hubs only that have such a Placement.
    from controllers.cel import CelError
    from placement.evaluator.cel import expression

    try:
        return expression(text)
    except CelError as error:
        raise Misconfigured(field, str(error)) from error
