"""Short ways to write down a hub: clusters, sets, bindings, Placements, decisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from controllers.api import keys
from controllers.api.cluster import ManagedCluster
from controllers.api.cluster_set import ManagedClusterSet, ManagedClusterSetBinding
from controllers.api.placement import Placement, PlacementDecision
from placement.evaluator.decisions import pages

NAMESPACE = "argo"


def cluster(
    name: str,
    labels: Mapping[str, str] | None = None,
    *,
    cluster_set: str | None = None,
    claims: Mapping[str, str] | None = None,
    deleted: bool = False,
) -> ManagedCluster:
    own = {keys.CLUSTER_SET_LABEL: cluster_set} if cluster_set is not None else {}
    metadata: dict[str, Any] = {"name": name, "labels": {**(labels or {}), **own}}
    if deleted:
        metadata["deletionTimestamp"] = "2026-11-21T00:00:00Z"
    reported = [{"name": key, "value": value} for key, value in (claims or {}).items()]
    return msgspec.convert({"metadata": metadata, "status": {"clusterClaims": reported}}, ManagedCluster)


def exclusive_set(name: str) -> ManagedClusterSet:
    return msgspec.convert({"metadata": {"name": name}, "spec": {}}, ManagedClusterSet)


def selector_set(name: str, selector: Mapping[str, Any] | None) -> ManagedClusterSet:
    how = {"selectorType": "LabelSelector", "labelSelector": selector}
    return msgspec.convert({"metadata": {"name": name}, "spec": {"clusterSelector": how}}, ManagedClusterSet)


def binding(name: str) -> ManagedClusterSetBinding:
    metadata = {"name": name, "namespace": NAMESPACE}
    return msgspec.convert({"metadata": metadata, "spec": {"clusterSet": name}}, ManagedClusterSetBinding)


def placement(name: str = "any", *, annotations: Mapping[str, str] | None = None, **spec: Any) -> Placement:
    """`spec` has the names of the wire: `numberOfClusters=1`."""
    metadata = {
        "name": name,
        "namespace": NAMESPACE,
        "uid": f"uid-of-{name}",
        "generation": 3,
        "annotations": dict(annotations or {}),
    }
    return msgspec.convert({"metadata": metadata, "spec": spec}, Placement)


def decided(clusters: Iterable[str], name: str = "any") -> list[PlacementDecision]:
    """The pages of Placement `name`, as the server would give them back."""
    return [
        msgspec.structs.replace(
            page,
            metadata=msgspec.structs.replace(
                page.metadata, uid=f"uid-of-{page.metadata.name}", resource_version="7"
            ),
        )
        for page in pages(placement(name), list(clusters))
    ]


def label_predicate(**labels: str) -> dict[str, Any]:
    return {"requiredClusterSelector": {"labelSelector": {"matchLabels": labels}}}


def claim_predicate(key: str, operator: str, *values: str) -> dict[str, Any]:
    requirement = {"key": key, "operator": operator, "values": list(values)}
    return {"requiredClusterSelector": {"claimSelector": {"matchExpressions": [requirement]}}}
