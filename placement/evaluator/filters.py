"""Which clusters a Placement may select: those that its namespace is given, cut down by its predicates.

Rules of OCM's placement controller (v1.2.0). Each filter says of every cluster that it refuses why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from controllers.api.cluster import ManagedCluster
from controllers.api.cluster_set import ManagedClusterSet
from controllers.api.placement_policy import ClusterPredicate, Toleration
from controllers.cluster_sets import membership
from controllers.expressions.wire import ExpressionError
from controllers.misconfigured import Misconfigured
from controllers.selectors import compile_requirements, compile_selector
from placement.evaluator import taints
from placement.evaluator.answers import Answers

# Why a cluster does not pass, as the part of the Placement that refuses it; "" when it passes.
_Check = Callable[[ManagedCluster], str]


@dataclass(frozen=True)
class Filtered:
    """What a filter leaves. `refused`: why, in words, by the name of each cluster that it took out. `until`: when it
    may take out one more of the clusters that are left though nothing has changed; None: never. `problems`: what of the
    Placement could not be applied to some clusters, in words."""

    name: str
    clusters: Sequence[ManagedCluster]
    refused: Mapping[str, str]
    until: datetime | None = None
    problems: Sequence[str] = ()


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
    asked: Sequence[ClusterPredicate], clusters: Sequence[ManagedCluster], cel: Answers
) -> Filtered:
    """Leaves the clusters that at least one predicate accepts; all of them when there is none. What of `cel` is missing
    refuses.

    Raises Misconfigured for a predicate that cannot be applied, whether there are clusters or not.
    """
    problems = _Problems()
    checks = [
        _predicate(predicate, f"spec.predicates[{index}]", cel, problems)
        for index, predicate in enumerate(asked)
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
    return Filtered("Predicate", left, refused, problems=problems.told())


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


def _predicate(predicate: ClusterPredicate, field: str, cel: Answers, problems: _Problems) -> _Check:
    selector = predicate.required_cluster_selector
    where = f"{field}.requiredClusterSelector"
    labels = compile_selector(selector.label_selector, f"{where}.labelSelector")
    claims = compile_requirements(
        selector.claim_selector.match_expressions, f"{where}.claimSelector.matchExpressions"
    )
    expressions = [
        (text, f"{where}.celSelector.celExpressions[{index}]")
        for index, text in enumerate(selector.cel_selector.cel_expressions)
    ]
    for text, path in expressions:
        try:
            cel.check(text)
        except ExpressionError as error:
            raise Misconfigured(path, str(error)) from error
    by_label, by_claim, by_cel = f"{field} (labels)", f"{field} (claims)", f"{field} (CEL)"

    def check(cluster: ManagedCluster) -> str:
        if not labels.matches(cluster.metadata.labels):
            return by_label
        if claims.requirements and not claims.matches(cluster.claims()):
            return by_claim
        for text, path in expressions:
            found = cel.of(text, cluster)
            if found is not None and found.exceeded:
                problems.add(f"{path}: {found.error}", cluster)
            if found is None or not found.holds:
                return by_cel
        return ""

    return check


class _Problems:
    """What of the Placement could not be applied to which clusters."""

    def __init__(self) -> None:
        self._clusters: dict[str, list[str]] = {}

    def add(self, problem: str, cluster: ManagedCluster) -> None:
        self._clusters.setdefault(problem, []).append(cluster.metadata.name)

    def told(self) -> list[str]:
        return [
            f"{problem} (cluster {', '.join(sorted(names))})" for problem, names in self._clusters.items()
        ]
