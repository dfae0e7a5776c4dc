"""What a ManagedClusterSet and a ManagedClusterSetBinding say of themselves. Pure.

Conditions, reasons and messages are those of OCM's registration controllers (v1.2.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from controllers.api.cluster_set import DEFAULT_CLUSTER_SET, EXCLUSIVE_LABEL, LABEL_SELECTOR
from controllers.api.conditions import condition
from controllers.api.meta import Condition

# The sets that every hub has: one for clusters without a set, one for all.
STANDARD: Final[Mapping[str, dict[str, Any]]] = {
    DEFAULT_CLUSTER_SET: {"clusterSelector": {"selectorType": EXCLUSIVE_LABEL}},
    "global": {"clusterSelector": {"selectorType": LABEL_SELECTOR, "labelSelector": {}}},
}


def emptiness(members: int, now: datetime) -> Condition:
    """Of a set with so many clusters."""
    if members:
        return condition(
            "ClusterSetEmpty", False, "ClustersSelected", f"{members} ManagedClusters selected", now
        )
    return condition("ClusterSetEmpty", True, "NoClusterMatched", "No ManagedCluster selected", now)


def broken(problem: str, now: datetime) -> Condition:
    """Of a set whose selector means nothing. OCM says nothing then."""
    return condition("ClusterSetEmpty", None, "InvalidSelector", problem, now)


def boundness(exists: bool, now: datetime) -> Condition:
    """Of a binding whose set is there or not."""
    return condition("Bound", exists, "ClusterSetBound" if exists else "ClusterSetNotFound", "", now)
