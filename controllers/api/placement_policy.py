"""cluster.open-cluster-management.io: the terms of a Placement: which clusters match, which of them come first.

Field-compatible with OCM's API (open-cluster-management.io/api v1.2.0); the descriptions are ours. Owns the
shapes only: how a term is applied is decided in `placement.evaluator`.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from controllers.api.cluster import TaintEffect
from controllers.api.meta import QUALIFIED_NAME, LabelSelector, LabelSelectorRequirement, Selector
from controllers.api.model import Int32, Int64, Model, extra


# -- which clusters match --------------------------------------------------------------------------------
class ClusterClaimSelector(Model):
    """Selects clusters by their claims; without requirements it selects all."""

    match_expressions: Annotated[
        list[LabelSelectorRequirement], Meta(description="Requirements on claims, all of which must hold.")
    ] = field(default_factory=list)


class ClusterCelSelector(Model):
    """Selects clusters by CEL; without expressions it selects all."""

    cel_expressions: Annotated[
        list[str],
        Meta(description="CEL over the variable `managedCluster`, all of which must be true."),
    ] = field(default_factory=list)


class GroupClusterSelector(Model):
    """Selects clusters for a decision group: by labels and by claims."""

    label_selector: Annotated[Selector, Meta(description="By the labels of the ManagedCluster.")] = field(
        default_factory=LabelSelector
    )
    claim_selector: Annotated[
        ClusterClaimSelector, Meta(description="By the claims in the status of the ManagedCluster.")
    ] = field(default_factory=ClusterClaimSelector)


class ClusterSelector(GroupClusterSelector):
    """Selects clusters: by labels, by claims and by CEL, all of which must agree."""

    cel_selector: Annotated[ClusterCelSelector, Meta(description="By CEL over the ManagedCluster.")] = field(
        default_factory=ClusterCelSelector
    )


class ClusterPredicate(Model):
    """One way for a cluster to qualify."""

    required_cluster_selector: Annotated[
        ClusterSelector, Meta(description="What a cluster must be like; empty: any cluster qualifies.")
    ] = field(default_factory=ClusterSelector)


class Toleration(Model):
    """Lets a Placement select clusters in spite of a taint."""

    key: Annotated[
        str,
        Meta(description="Key of the taint; empty, with operator Exists, means every taint."),
        extra(maxLength=316, pattern=QUALIFIED_NAME),
    ] = ""
    operator: Annotated[
        str,
        Meta(description="Equal compares the value too, Exists takes any value."),
        extra(default="Equal"),
    ] = "Equal"
    value: Annotated[str, Meta(description="Value of the taint, under Equal."), extra(maxLength=1024)] = ""
    effect: Annotated[TaintEffect | None, Meta(description="Effect of the taint; unset: any effect.")] = None
    toleration_seconds: Annotated[
        Int64 | None,
        Meta(description="For how long after the taint's timeAdded it is tolerated; unset: for good."),
    ] = None


# -- which of them are better ----------------------------------------------------------------------------
class AddOnScore(Model):
    """A score that an add-on provides."""

    resource_name: Annotated[
        str, Meta(description="Name of the AddOnPlacementScore in every cluster's namespace.")
    ]
    score_name: Annotated[str, Meta(description="Name of the score in it.")]


class ScoreCoordinate(Model):
    """Where a score comes from."""

    type: Annotated[
        str,
        Meta(description="Whether builtIn or addOn names the score."),
        extra(enum=["BuiltIn", "AddOn"], default="BuiltIn"),
    ]
    built_in: Annotated[
        str,
        Meta(description="Balance, Steady, ResourceAllocatableCPU or ResourceAllocatableMemory."),
    ] = ""
    add_on: Annotated[AddOnScore | None, Meta(description="The add-on's score, under AddOn.")] = None


class PrioritizerConfig(Model):
    """How much one score counts."""

    score_coordinate: Annotated[ScoreCoordinate, Meta(description="Where the score comes from.")]
    weight: Annotated[
        Int32,
        Meta(
            description=(
                "Factor of the score, which lies in -100 to 100, in the cluster's sum: 0 leaves the score out, "
                "a negative weight prefers low scores."
            )
        ),
        extra(default=1, minimum=-10, maximum=10),
    ] = 1


class PrioritizerPolicy(Model):
    """Which of the matching clusters are taken first."""

    mode: Annotated[
        str,
        Meta(
            description=(
                "Additive adds configurations to the defaults, Balance 1 and Steady 1; Exact uses only what "
                "configurations list."
            )
        ),
        extra(default="Additive"),
    ] = "Additive"
    configurations: Annotated[list[PrioritizerConfig], Meta(description="Scores and their weights.")] = field(
        default_factory=list
    )


class SpreadConstraint(Model):
    """Limits how unevenly the selected clusters fall on the values of one label or claim."""

    topology_key: Annotated[
        str,
        Meta(description="The label key or the claim name."),
        extra(
            maxLength=316,
            pattern=(
                r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
                r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$"
            ),
        ),
    ]
    topology_key_type: Annotated[
        str, Meta(description="Whether topologyKey is a label or a claim."), extra(enum=["Label", "Claim"])
    ]
    max_skew: Annotated[
        Int32,
        Meta(description="Most that any value may have more clusters than the value with the fewest."),
        extra(default=1, minimum=1),
    ] = 1
    when_unsatisfiable: Annotated[
        str,
        Meta(description="Whether to select fewer clusters, or to go over maxSkew."),
        extra(enum=["DoNotSchedule", "ScheduleAnyway"], default="ScheduleAnyway"),
    ] = "ScheduleAnyway"


class SpreadPolicy(Model):
    """How the selected clusters are spread."""

    spread_constraints: Annotated[
        list[SpreadConstraint],
        Meta(description="Constraints, the most important one first."),
        extra(maxItems=8),
    ] = field(default_factory=list)
