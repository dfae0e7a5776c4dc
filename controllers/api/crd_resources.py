"""The custom resources that Argosy installs, with their short names and columns.

Owns the table. Names, columns and subresources of OCM's kinds are those of OCM's own definitions
(open-cluster-management.io/api v1.2.0); Workflow and WorkflowStatusResult are the hub's.
"""

from __future__ import annotations

from typing import Final

from controllers.api import keys, kinds
from controllers.api.cluster import AddOnPlacementScore, ClusterClaim, ManagedCluster
from controllers.api.cluster_set import ManagedClusterSet, ManagedClusterSetBinding
from controllers.api.crd import AGE, Column, Resource
from controllers.api.placement import Placement, PlacementDecision
from controllers.api.work import AppliedManifestWork, ManifestWork
from controllers.api.workflow import Workflow, WorkflowStatusResult


def _condition(condition: str, field: str = "status") -> str:
    return f'.status.conditions[?(@.type=="{condition}")].{field}'


def _annotation(key: str) -> str:
    return ".metadata.annotations." + key.replace(".", r"\.")


RESOURCES: Final = (
    Resource(
        kinds.MANAGED_CLUSTER,
        ManagedCluster,
        short_names=("mcl", "mcls"),
        columns=(
            Column("Hub Accepted", ".spec.hubAcceptsClient", "boolean"),
            Column("Managed Cluster URLs", ".spec.managedClusterClientConfigs[*].url"),
            Column("Joined", _condition("ManagedClusterJoined")),
            Column("Available", _condition("ManagedClusterConditionAvailable")),
            AGE,
        ),
    ),
    Resource(
        kinds.MANAGED_CLUSTER_SET,
        ManagedClusterSet,
        short_names=("mclset", "mclsets"),
        columns=(Column("Empty", _condition("ClusterSetEmpty")), AGE),
    ),
    Resource(
        kinds.MANAGED_CLUSTER_SET_BINDING,
        ManagedClusterSetBinding,
        short_names=("mclsetbinding", "mclsetbindings"),
    ),
    Resource(
        kinds.PLACEMENT,
        Placement,
        columns=(
            Column("Succeeded", _condition("PlacementSatisfied")),
            Column("Reason", _condition("PlacementSatisfied", "reason")),
            Column("SelectedClusters", ".status.numberOfSelectedClusters", "integer"),
        ),
    ),
    Resource(kinds.PLACEMENT_DECISION, PlacementDecision),
    Resource(kinds.ADDON_PLACEMENT_SCORE, AddOnPlacementScore),
    Resource(kinds.CLUSTER_CLAIM, ClusterClaim, status_subresource=False),
    Resource(kinds.MANIFEST_WORK, ManifestWork),
    Resource(kinds.APPLIED_MANIFEST_WORK, AppliedManifestWork),
    Resource(
        kinds.WORKFLOW,
        Workflow,
        short_names=("wf",),
        # Argo writes spec and status in one patch: there is no status subresource.
        status_subresource=False,
        columns=(
            Column("Status", ".status.phase", description="Phase of the run."),
            AGE,
            Column("Cluster", _annotation(keys.CLUSTER_ANNOTATION), description="Where it runs."),
            Column("Message", ".status.message", description="Why it is in this phase."),
            Column("Progress", ".status.progress", priority=1, description="Tasks done, of all tasks."),
            Column(
                "Waiting", _annotation(keys.WAITING_ANNOTATION), priority=1, description="What it waits for."
            ),
            Column(
                "Choice", _annotation(keys.CHOICE_ANNOTATION), priority=1, description="Why it runs there."
            ),
            Column(
                "Attempts",
                _annotation(keys.ATTEMPTS_ANNOTATION),
                priority=1,
                description="Clusters that it was sent to, the present one last; empty for a first attempt.",
            ),
        ),
    ),
    Resource(
        kinds.WORKFLOW_STATUS_RESULT,
        WorkflowStatusResult,
        status_subresource=False,
        columns=(Column("Status", ".workflowStatus.phase"), AGE),
    ),
)
