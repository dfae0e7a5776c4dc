"""What the Workflows of a hub namespace may reach: clusters of the sets bound to it, and namespaces there.

A tenant names a cluster and a namespace in annotations of its own. Both are checked here against what only the hub's
administrator writes: ManagedClusterSets with their bindings, and an annotation of the hub's Namespace. Writes nothing.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final, NamedTuple

from controllers.api import keys
from controllers.api.cluster_set import ManagedClusterSet, ManagedClusterSetBinding
from controllers.cluster_sets import bound_sets, membership
from controllers.kube.object import Object
from controllers.misconfigured import Misconfigured
from controllers.runtime.cache import Reader

CLUSTER_NOT_BOUND: Final = "ClusterNotBound"
NAMESPACE_NOT_ALLOWED: Final = "NamespaceNotAllowed"

# Index of ManagedClusterSetBindings: their namespace.
BY_NAMESPACE: Final = "namespace"


class Refusal(NamedTuple):
    """`reason` is one CamelCase word; `message` says who may change that, and how."""

    reason: str
    message: str


def index_by_namespace(item: Object) -> tuple[str, ...]:
    """Index function of BY_NAMESPACE."""
    return (item.metadata.namespace,)


class Grants:
    """`bindings` are indexed BY_NAMESPACE; of `namespaces`, the hub's, the metadata suffices."""

    def __init__(self, *, cluster_sets: Reader, bindings: Reader, namespaces: Reader) -> None:
        self._cluster_sets = cluster_sets
        self._bindings = bindings
        self._namespaces = namespaces

    def refusal(self, namespace: str, cluster: Object, target: str) -> Refusal | None:
        """Why Workflows of the hub's `namespace` may not run in namespace `target` of `cluster`; None: they may."""
        if not self._is_bound(namespace, cluster):
            name = cluster.metadata.name
            return Refusal(
                CLUSTER_NOT_BOUND,
                f"cluster {name} is in no ManagedClusterSet that is bound to namespace {namespace}: ask the hub's "
                f"administrator for a ManagedClusterSetBinding, or remove annotation {keys.CLUSTER_ANNOTATION} and "
                "name a Placement",
            )
        if target != namespace and not is_allowed(target, self._allowed(namespace)):
            return Refusal(
                NAMESPACE_NOT_ALLOWED,
                f"Workflows of namespace {namespace} run in namespace {namespace} of a cluster, and not in {target}: "
                f"correct annotation {keys.CLUSTER_NAMESPACE_ANNOTATION}, or ask the hub's administrator to allow it: "
                f"kubectl annotate namespace {namespace} {keys.ALLOWED_NAMESPACES_ANNOTATION}={target}",
            )
        return None

    def _is_bound(self, namespace: str, cluster: Object) -> bool:
        bindings = [
            item.decode(ManagedClusterSetBinding)
            for item in self._bindings.by_index(BY_NAMESPACE, namespace)
            if item.metadata.deletion_timestamp is None
        ]
        names = {item.metadata.name for item in bindings}
        sets = [
            found.decode(ManagedClusterSet)
            for name in names
            if (found := self._cluster_sets.get("", name)) is not None
        ]
        return any(_holds(item, cluster) for item in bound_sets(bindings, sets))

    def _allowed(self, namespace: str) -> str:
        found = self._namespaces.get("", namespace)
        return "" if found is None else found.metadata.annotations.get(keys.ALLOWED_NAMESPACES_ANNOTATION, "")


def is_allowed(target: str, allowed: str) -> bool:
    """Whether `allowed`, names separated by commas with `*` for any characters, has `target`."""
    return any(fnmatchcase(target, pattern.strip()) for pattern in allowed.split(",") if pattern.strip())


def _holds(item: ManagedClusterSet, cluster: Object) -> bool:
    try:
        return membership(item)(cluster.metadata.labels)
    except Misconfigured:  # reported on the set
        return False
