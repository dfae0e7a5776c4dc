"""The objects that integration tests put on a hub, as plain dictionaries with the fields that matter to the test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from controllers.api import keys
from controllers.api.kinds import (
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET,
    MANAGED_CLUSTER_SET_BINDING,
    PLACEMENT,
    PLACEMENT_DECISION,
    WORKFLOW,
    Kind,
)

Body = dict[str, Any]

CONFIG_MAP = Kind("", "v1", "ConfigMap", "configmaps")


def of(kind: Kind, name: str, **fields: Any) -> Body:
    """An object of `kind` with further top-level fields."""
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name}, **fields}


def config_map(name: str, *, labels: Mapping[str, str] | None = None, **data: str) -> Body:
    body = of(CONFIG_MAP, name, data=data)
    body["metadata"]["labels"] = dict(labels or {})
    return body


def workflow(
    name: str,
    *,
    placement: str | None = None,
    cluster: str | None = None,
    namespace: str | None = None,
    spec: Mapping[str, Any] | None = None,
) -> Body:
    """A Workflow for another cluster: `placement` finds it, or `cluster` (and `namespace` there) says it."""
    said = {
        keys.PLACEMENT_ANNOTATION: placement,
        keys.CLUSTER_ANNOTATION: cluster,
        keys.CLUSTER_NAMESPACE_ANNOTATION: namespace,
    }
    body = of(WORKFLOW, name)
    body["metadata"] |= {
        "labels": {keys.ENABLE_LABEL: "true"},
        "annotations": {key: value for key, value in said.items() if value is not None},
    }
    templates = [{"name": "main", "container": {"image": "busybox", "command": ["true"]}}]
    body["spec"] = {"entrypoint": "main", "templates": templates} | dict(spec or {})
    return body


def managed_cluster(name: str, **labels: str) -> Body:
    body = of(MANAGED_CLUSTER, name, spec={"hubAcceptsClient": True})
    body["metadata"]["labels"] = labels
    return body


def cluster_set(name: str, **match_labels: str) -> Body:
    """A set of the clusters that carry these labels."""
    selector = {"selectorType": "LabelSelector", "labelSelector": {"matchLabels": match_labels}}
    return of(MANAGED_CLUSTER_SET, name, spec={"clusterSelector": selector})


def set_binding(name: str) -> Body:
    return of(MANAGED_CLUSTER_SET_BINDING, name, spec={"clusterSet": name})


def placement(name: str, **spec: Any) -> Body:
    return of(PLACEMENT, name, spec=spec)


def decision_page(placement: str, number: int) -> Body:
    """A page without decisions: those are status, which a create does not take."""
    body = of(PLACEMENT_DECISION, f"{placement}-decision-{number}")
    body["metadata"]["labels"] = {keys.PLACEMENT_LABEL: placement}
    return body


def decisions(clusters: Sequence[str]) -> Body:
    """The status of a decision page."""
    return {"status": {"decisions": [{"clusterName": name, "reason": ""} for name in clusters]}}
