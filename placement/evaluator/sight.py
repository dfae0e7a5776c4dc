"""Which Placements can see a change of the hub, so that no others are evaluated. Pure.

A Placement sees the clusters of the sets that are bound to its namespace and that it asks for; of such a cluster it
sees its labels and taints, and what else its predicates, prioritizers and groups look at.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Mapping

from controllers.api.cluster import ManagedCluster
from controllers.api.cluster_set import ManagedClusterSet
from controllers.api.placement import Placement, PlacementSpec
from controllers.cluster_sets import membership
from controllers.misconfigured import Misconfigured
from controllers.runtime.cache import Key
from placement.evaluator.prioritizers import RESOURCES


class Aspect(enum.Flag):
    """A part of a ManagedCluster that an evaluation may depend on. CONTENT: any part of it, which CEL can read."""

    PLACE = enum.auto()  # labels, taints, and whether it is there at all
    CLAIMS = enum.auto()
    RESOURCES = enum.auto()  # those that prioritizers compare
    SCORES = enum.auto()
    CONTENT = enum.auto()


def changed(old: ManagedCluster | None, new: ManagedCluster | None) -> Aspect:
    """What of a cluster differs; all of it when it has come or gone."""
    if old is None or new is None or old.metadata.uid != new.metadata.uid:
        return ~Aspect(0)
    found = Aspect(0)
    if _place(old) != _place(new):
        found |= Aspect.PLACE
    if old.status.cluster_claims != new.status.cluster_claims:
        found |= Aspect.CLAIMS
    if _resources(old) != _resources(new):
        found |= Aspect.RESOURCES
    if (old.metadata.annotations, old.spec, old.status) != (new.metadata.annotations, new.spec, new.status):
        found |= Aspect.CONTENT
    return found | (Aspect.CONTENT if found else Aspect(0))


def looked_at(spec: PlacementSpec) -> Aspect:
    """What a Placement looks at in a cluster that it sees."""
    found = Aspect.PLACE
    selectors = [item.required_cluster_selector for item in spec.predicates]
    groups = [item.group_cluster_selector for item in spec.decision_strategy.group_strategy.decision_groups]
    if any(item.claim_selector.match_expressions for item in (*selectors, *groups)) or any(
        item.topology_key_type == "Claim" for item in spec.spread_policy.spread_constraints
    ):
        found |= Aspect.CLAIMS
    if any(item.cel_selector.cel_expressions for item in selectors):
        found |= Aspect.CONTENT | Aspect.SCORES
    for item in spec.prioritizer_policy.configurations:
        coordinate = item.score_coordinate
        if coordinate.type == "AddOn":
            found |= Aspect.SCORES
        elif coordinate.built_in.startswith("Resource"):
            found |= Aspect.RESOURCES
    return found


def sets_of(clusters: Iterable[ManagedCluster | None], sets: Iterable[ManagedClusterSet]) -> set[str]:
    """Names of the sets that hold at least one of the clusters. A set with a broken selector may hold any."""
    there = [cluster for cluster in clusters if cluster is not None]
    return {item.metadata.name for item in sets if any(_holds(item, cluster) for cluster in there)}


def concerned(
    placements: Mapping[Key, Placement], namespaces: Collection[str], sets: set[str], aspect: Aspect
) -> list[Key]:
    """The Placements in these namespaces that may select from one of the sets, and look at `aspect`."""
    return [
        key
        for key, placement in placements.items()
        if key[0] in namespaces
        and looked_at(placement.spec) & aspect
        and (not placement.spec.cluster_sets or not sets.isdisjoint(placement.spec.cluster_sets))
    ]


def _holds(item: ManagedClusterSet, cluster: ManagedCluster) -> bool:
    try:
        return membership(item)(cluster.metadata.labels)
    except Misconfigured:
        return True


def _place(cluster: ManagedCluster) -> tuple[object, ...]:
    meta = cluster.metadata
    return meta.labels, cluster.spec.taints, meta.deletion_timestamp


def _resources(cluster: ManagedCluster) -> list[tuple[object, object]]:
    """Not all that is there: what is free, for one, changes all the time, and no prioritizer reads it."""
    has = cluster.status
    return [(has.allocatable.get(name), has.capacity.get(name)) for name in RESOURCES.values()]
