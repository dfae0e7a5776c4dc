"""Which clusters a Placement may select: those that its namespace is given, cut down by its predicates.

Rules of OCM's placement controller (v1.2.0). Taints and CEL selectors are not looked at yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from controllers.api import keys
from controllers.api.cluster import ManagedCluster
from controllers.api.cluster_set import DEFAULT_CLUSTER_SET, LABEL_SELECTOR, ManagedClusterSet
from controllers.api.placement_policy import ClusterPredicate
from placement.evaluator.misconfigured import Misconfigured
from placement.evaluator.selectors import compile_requirements, compile_selector
from placement.evaluator.snapshot import Snapshot

Test = Callable[[ManagedCluster], bool]


def bound_sets(snapshot: Snapshot) -> list[ManagedClusterSet]:
    """The sets that the namespace has a valid binding for: one of the name of a set that exists. By name."""
    bound = {binding.metadata.name for binding in snapshot.bindings}
    return sorted(
        (item for item in snapshot.cluster_sets if item.metadata.name in bound),
        key=lambda item: item.metadata.name,
    )


def eligible_sets(bound: Sequence[ManagedClusterSet], asked: Sequence[str]) -> list[ManagedClusterSet]:
    """Those of the bound sets that `spec.clusterSets` asks for; all of them when it asks for none."""
    return [item for item in bound if not asked or item.metadata.name in asked]


def alive(clusters: Iterable[ManagedCluster]) -> list[ManagedCluster]:
    """Clusters that are not on their way out."""
    return [cluster for cluster in clusters if cluster.metadata.deletion_timestamp is None]


def members(sets: Iterable[ManagedClusterSet], clusters: Iterable[ManagedCluster]) -> list[ManagedCluster]:
    """Clusters in at least one of the sets. Raises Misconfigured for a set with a broken selector."""
    tests = [_membership(item) for item in sets]
    return [cluster for cluster in clusters if any(test(cluster) for test in tests)]


def matching(
    predicates: Sequence[ClusterPredicate], clusters: Iterable[ManagedCluster]
) -> list[ManagedCluster]:
    """Clusters that at least one predicate accepts; all of them when there is none.

    Raises Misconfigured for a predicate that cannot be applied, whether there are clusters or not.
    """
    tests = [
        _predicate(predicate, f"spec.predicates[{index}].requiredClusterSelector")
        for index, predicate in enumerate(predicates)
    ]
    return [cluster for cluster in clusters if not tests or any(test(cluster) for test in tests)]


def _membership(item: ManagedClusterSet) -> Test:
    name, selector = item.metadata.name, item.spec.cluster_selector
    if selector.selector_type == LABEL_SELECTOR:
        if selector.label_selector is None:
            return lambda _: False
        matcher = compile_selector(
            selector.label_selector, f"ManagedClusterSet {name}: spec.clusterSelector.labelSelector"
        )
        return lambda cluster: matcher.matches(cluster.metadata.labels)
    if name == DEFAULT_CLUSTER_SET:
        # OCM's registration controller labels the clusters that nobody did; without it they are unlabelled.
        return lambda cluster: (cluster.metadata.labels.get(keys.CLUSTER_SET_LABEL) or name) == name
    return lambda cluster: cluster.metadata.labels.get(keys.CLUSTER_SET_LABEL) == name


def _predicate(predicate: ClusterPredicate, field: str) -> Test:
    selector = predicate.required_cluster_selector
    if selector.cel_selector.cel_expressions:
        raise Misconfigured(f"{field}.celSelector", "CEL is not supported by this evaluator yet")
    labels = compile_selector(selector.label_selector, f"{field}.labelSelector")
    claims = compile_requirements(
        selector.claim_selector.match_expressions, f"{field}.claimSelector.matchExpressions"
    )
    if not claims.requirements:
        return lambda cluster: labels.matches(cluster.metadata.labels)
    return lambda cluster: labels.matches(cluster.metadata.labels) and claims.matches(cluster.claims())
