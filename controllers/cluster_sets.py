"""Which clusters a ManagedClusterSet holds, and which sets a namespace may use. Pure.

Rules of OCM (v1.2.0): `pkg/placement` and the API's `GetBoundManagedClusterSetBindings`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from controllers.api import keys
from controllers.api.cluster_set import (
    DEFAULT_CLUSTER_SET,
    LABEL_SELECTOR,
    ManagedClusterSet,
    ManagedClusterSetBinding,
)
from controllers.selectors import compile_selector

# Whether a cluster with these labels is in a set.
Membership = Callable[[Mapping[str, str]], bool]


def membership(item: ManagedClusterSet) -> Membership:
    """Whether a cluster is in the set. Raises Misconfigured for a broken selector."""
    name, selector = item.metadata.name, item.spec.cluster_selector
    if selector.selector_type == LABEL_SELECTOR:
        if selector.label_selector is None:
            return lambda _: False
        matcher = compile_selector(
            selector.label_selector, f"ManagedClusterSet {name}: spec.clusterSelector.labelSelector"
        )
        return matcher.matches
    if name == DEFAULT_CLUSTER_SET:
        # OCM's registration controller labels the clusters that nobody did; without it they are unlabelled.
        return lambda labels: (labels.get(keys.CLUSTER_SET_LABEL) or name) == name
    return lambda labels: labels.get(keys.CLUSTER_SET_LABEL) == name


def bound_sets(
    bindings: Iterable[ManagedClusterSetBinding], cluster_sets: Iterable[ManagedClusterSet]
) -> list[ManagedClusterSet]:
    """The sets that these bindings open: each needs the name of a set that exists. Sorted by name."""
    bound = {binding.metadata.name for binding in bindings}
    return sorted(
        (item for item in cluster_sets if item.metadata.name in bound), key=lambda item: item.metadata.name
    )
