"""Short ways to write down a hub: clusters, sets, bindings, Placements, decisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from controllers.api import keys
from controllers.api.cluster import AddOnPlacementScore, ManagedCluster
from controllers.api.cluster_set import ManagedClusterSet, ManagedClusterSetBinding
from controllers.api.placement import Placement, PlacementDecision
from controllers.expressions.wire import Answer, ExpressionError
from placement.evaluator.answers import Answers
from placement.evaluator.cel import COMPILERS, CelError
from placement.evaluator.decisions import pages
from placement.evaluator.expressions import document
from placement.evaluator.groups import Group

NAMESPACE = "argo"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def cluster(
    name: str,
    labels: Mapping[str, str] | None = None,
    *,
    cluster_set: str | None = None,
    claims: Mapping[str, str] | None = None,
    taints: Iterable[Mapping[str, Any]] = (),
    allocatable: Mapping[str, str] | None = None,
    deleted: bool = False,
) -> ManagedCluster:
    """What is allocatable is all the cluster has."""
    own = {keys.CLUSTER_SET_LABEL: cluster_set} if cluster_set is not None else {}
    metadata: dict[str, Any] = {"name": name, "labels": {**(labels or {}), **own}}
    if deleted:
        metadata["deletionTimestamp"] = "2026-11-21T00:00:00Z"
    reported = [{"name": key, "value": value} for key, value in (claims or {}).items()]
    resources = dict(allocatable or {})
    status = {"clusterClaims": reported, "allocatable": resources, "capacity": resources}
    return msgspec.convert(
        {"metadata": metadata, "spec": {"taints": list(taints)}, "status": status}, ManagedCluster
    )


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
        for page in pages(placement(name), [Group("", tuple(sorted(clusters)))])
    ]


def label_predicate(**labels: str) -> dict[str, Any]:
    return {"requiredClusterSelector": {"labelSelector": {"matchLabels": labels}}}


def claim_predicate(key: str, operator: str, *values: str) -> dict[str, Any]:
    requirement = {"key": key, "operator": operator, "values": list(values)}
    return {"requiredClusterSelector": {"claimSelector": {"matchExpressions": [requirement]}}}


def cel_predicate(*expressions: str) -> dict[str, Any]:
    return {"requiredClusterSelector": {"celSelector": {"celExpressions": list(expressions)}}}


class Evaluated(Answers):
    """Evaluates CEL in this process: for selectors that tests have written."""

    def check(self, text: str) -> None:
        try:
            COMPILERS["selector"](text)
        except CelError as error:
            raise ExpressionError(str(error)) from error

    def of(self, text: str, cluster: ManagedCluster) -> Answer:
        try:
            kind, value = COMPILERS["selector"](text)(
                msgspec.json.decode(document(text, cluster, self.scores))
            )
        except CelError as error:
            return Answer(error=str(error))
        return Answer(kind, value if kind == "bool" else None)


def scores(name: str, cluster: str, *, valid_until: str | None = None, **values: int) -> AddOnPlacementScore:
    """An AddOnPlacementScore of this name in the cluster's namespace."""
    status: dict[str, Any] = {"scores": [{"name": key, "value": value} for key, value in values.items()]}
    if valid_until is not None:
        status["validUntil"] = valid_until
    return msgspec.convert(
        {"metadata": {"name": name, "namespace": cluster}, "status": status}, AddOnPlacementScore
    )


def taint(key: str, effect: str = "NoSelect", *, value: str = "", added: str | None = None) -> dict[str, Any]:
    return {"key": key, "value": value, "effect": effect} | ({"timeAdded": added} if added else {})
