"""cluster.open-cluster-management.io: Placement and PlacementDecision, v1beta1.

Field-compatible with OCM's API (open-cluster-management.io/api v1.2.0): same names, enums, defaults and list
types; the descriptions are ours. Owns the shapes only: what a Placement selects is decided in
`placement.evaluator`. What predicates, tolerations and prioritizers say is in `controllers.api.placement_policy`.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from controllers.api.cluster import Conditions
from controllers.api.meta import ObjectMeta
from controllers.api.model import Int32, IntOrString, Model, extra
from controllers.api.placement_policy import (
    ClusterPredicate,
    GroupClusterSelector,
    PrioritizerPolicy,
    SpreadPolicy,
    Toleration,
)

# Most clusters that one PlacementDecision may list.
MAX_DECISIONS = 100


# -- how the decision is divided -------------------------------------------------------------------------
class DecisionGroup(Model):
    """Clusters to be listed together, under a name."""

    group_name: Annotated[
        str,
        Meta(description="Name of the group, a label on its PlacementDecisions."),
        extra(pattern=r"^[a-zA-Z0-9][-A-Za-z0-9_.]{0,61}[a-zA-Z0-9]$"),
    ]
    group_cluster_selector: Annotated[
        GroupClusterSelector,
        Meta(
            description="Which of the selected clusters belong to the group, unless an earlier one took them."
        ),
    ]


class GroupStrategy(Model):
    """How the selected clusters are divided into groups."""

    decision_groups: Annotated[
        list[DecisionGroup], Meta(description="Named groups; the other clusters form groups without name.")
    ] = field(default_factory=list)
    clusters_per_decision_group: Annotated[
        IntOrString,
        Meta(description="Most clusters in one group, as a number or as percentage of all selected ones."),
        extra(default="100%", pattern=r"^((100|[1-9][0-9]{0,1})%|[1-9][0-9]*)$"),
    ] = "100%"


class DecisionStrategy(Model):
    """How the decision is divided."""

    group_strategy: Annotated[
        GroupStrategy, Meta(description="How the selected clusters are divided into groups.")
    ] = field(default_factory=GroupStrategy)


# -- Placement -------------------------------------------------------------------------------------------
class PlacementSpec(Model):
    """Which clusters to select; empty selects every cluster that is bound to the namespace."""

    cluster_sets: Annotated[
        list[str],
        Meta(description="Select from these bound ManagedClusterSets only; empty: from all bound ones."),
    ] = field(default_factory=list)
    number_of_clusters: Annotated[
        Int32 | None, Meta(description="Most clusters to select; unset: all that match.")
    ] = None
    predicates: Annotated[
        list[ClusterPredicate],
        Meta(description="Ways to qualify, one of which is enough; empty: every cluster qualifies."),
    ] = field(default_factory=list)
    prioritizer_policy: Annotated[
        PrioritizerPolicy,
        Meta(description="Which clusters come first when more qualify than numberOfClusters."),
    ] = field(default_factory=PrioritizerPolicy)
    spread_policy: Annotated[SpreadPolicy, Meta(description="How the selected clusters are spread.")] = field(
        default_factory=SpreadPolicy
    )
    tolerations: Annotated[
        list[Toleration], Meta(description="Taints that do not keep this Placement off a cluster.")
    ] = field(default_factory=list)
    decision_strategy: Annotated[
        DecisionStrategy, Meta(description="How the selected clusters are divided into groups.")
    ] = field(default_factory=DecisionStrategy)


class DecisionGroupStatus(Model, omit_defaults=False):
    """One group of the decision. Written with every field, as OCM does."""

    decision_group_index: Annotated[Int32, Meta(description="Number of the group, from 0.")] = 0
    decision_group_name: Annotated[str, Meta(description="Name of the group; empty for an unnamed one.")] = ""
    decisions: Annotated[list[str], Meta(description="Names of its PlacementDecisions.")] = field(
        default_factory=list
    )
    cluster_count: Annotated[
        Int32, Meta(description="Number of clusters in the group."), extra(default=0)
    ] = 0


class PlacementStatus(Model, omit_defaults=False):
    """What was selected. Written with every field, as OCM does: a count of 0 is shown as 0."""

    number_of_selected_clusters: Annotated[Int32, Meta(description="Number of selected clusters.")] = 0
    decision_groups: Annotated[
        list[DecisionGroupStatus], Meta(description="The groups that the decision is divided into.")
    ] = field(default_factory=list)
    conditions: Conditions = field(default_factory=list)


class Placement(Model):
    """Selects clusters for its namespace, from the sets that are bound there. The result is a list of
    PlacementDecisions labelled cluster.open-cluster-management.io/placement, kept up to date as clusters come,
    go and change.
    """

    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta
    spec: Annotated[PlacementSpec, Meta(description="Which clusters to select.")]
    status: Annotated[PlacementStatus, Meta(description="What was selected.")] = field(
        default_factory=PlacementStatus
    )


# -- PlacementDecision -----------------------------------------------------------------------------------
class ClusterDecision(Model):
    """One selected cluster."""

    cluster_name: Annotated[str, Meta(description="Name of the ManagedCluster.")]
    reason: Annotated[str, Meta(description="Why it was selected; may be empty.")]


class PlacementDecisionStatus(Model):
    """The selected clusters of this page."""

    decisions: Annotated[list[ClusterDecision], Meta(description="The selected clusters, at most 100.")]


class PlacementDecision(Model):
    """A page of the clusters that a Placement selected; written by the placement controller only."""

    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta
    status: Annotated[PlacementDecisionStatus, Meta(description="The selected clusters of this page.")] = (
        field(default_factory=lambda: PlacementDecisionStatus(decisions=[]))
    )
