"""cluster.open-cluster-management.io: ManagedClusterSet and ManagedClusterSetBinding, v1beta2.

Field-compatible with OCM's API (open-cluster-management.io/api v1.2.0); the descriptions are ours. Owns the
shapes only: which clusters a set holds and which bindings count is decided in `placement.evaluator`.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from controllers.api.cluster import ManagedNamespace
from controllers.api.meta import Condition, ObjectMeta, Selector
from controllers.api.model import Model, extra

EXCLUSIVE_LABEL = "ExclusiveClusterSetLabel"
LABEL_SELECTOR = "LabelSelector"

# The set that takes the clusters which no set claims.
DEFAULT_CLUSTER_SET = "default"


class ClusterSetSelector(Model):
    """How a set finds its members."""

    selector_type: Annotated[
        str,
        Meta(
            description=(
                "ExclusiveClusterSetLabel takes the clusters whose label "
                "cluster.open-cluster-management.io/clusterset is the set's name; LabelSelector takes those "
                "that labelSelector matches."
            )
        ),
        extra(enum=[EXCLUSIVE_LABEL, LABEL_SELECTOR], default=EXCLUSIVE_LABEL),
    ]
    label_selector: Annotated[
        Selector | None,
        Meta(description="Members under LabelSelector: empty selects every cluster, unset none."),
    ] = None


class ManagedClusterSetSpec(Model):
    """Which clusters form the set."""

    cluster_selector: Annotated[
        ClusterSetSelector,
        Meta(description="How the set finds its members."),
        extra(default={"selectorType": EXCLUSIVE_LABEL}),
    ] = ClusterSetSelector(selector_type=EXCLUSIVE_LABEL)
    managed_namespaces: Annotated[
        list[ManagedNamespace],
        Meta(description="Namespaces to manage on every member."),
        extra(x_kubernetes_list_type="map", x_kubernetes_list_map_keys=["name"]),
    ] = field(default_factory=list)


class ManagedClusterSetStatus(Model):
    """What the hub reports of the set."""

    conditions: Annotated[list[Condition], Meta(description="Conditions, such as ClusterSetEmpty.")] = field(
        default_factory=list
    )


class ManagedClusterSet(Model):
    """A group of clusters that can be opened to namespaces as a whole, by ManagedClusterSetBindings."""

    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta
    spec: Annotated[
        ManagedClusterSetSpec,
        Meta(description="Which clusters form the set."),
        extra(default={"clusterSelector": {"selectorType": EXCLUSIVE_LABEL}}),
    ] = field(default_factory=ManagedClusterSetSpec)
    status: Annotated[ManagedClusterSetStatus, Meta(description="What the hub reports of the set.")] = field(
        default_factory=ManagedClusterSetStatus
    )


# -- ManagedClusterSetBinding ----------------------------------------------------------------------------
class ManagedClusterSetBindingSpec(Model):
    """Which set is bound."""

    cluster_set: Annotated[
        str,
        Meta(description="Name of the ManagedClusterSet; must be the name of the binding."),
        extra(minLength=1),
    ] = ""


class ManagedClusterSetBindingStatus(Model):
    """What the hub reports of the binding."""

    conditions: Annotated[list[Condition], Meta(description="Conditions, such as Bound.")] = field(
        default_factory=list
    )


class ManagedClusterSetBinding(Model):
    """Opens the clusters of a set to the Placements of one namespace."""

    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta
    spec: Annotated[ManagedClusterSetBindingSpec, Meta(description="Which set is bound.")] = field(
        default_factory=ManagedClusterSetBindingSpec
    )
    status: Annotated[
        ManagedClusterSetBindingStatus, Meta(description="What the hub reports of the binding.")
    ] = field(default_factory=ManagedClusterSetBindingStatus)
