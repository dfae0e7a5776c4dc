"""Labels, annotations and finalizers of the wire contract, spelled once.

The `ocm-*` names are what existing users have in their YAML (the reference implementation's contract);
they must not change. Names under "ours" were added by Argosy and may be ignored by others.
"""

from __future__ import annotations

from typing import Final

# -- the contract, on the hub's Workflow ---------------------------------------------------------------
ENABLE_LABEL: Final = "workflows.argoproj.io/enable-ocm-multicluster"
PLACEMENT_ANNOTATION: Final = "workflows.argoproj.io/ocm-placement"
CLUSTER_ANNOTATION: Final = "workflows.argoproj.io/ocm-managed-cluster"
CLUSTER_NAMESPACE_ANNOTATION: Final = "workflows.argoproj.io/ocm-managed-cluster-namespace"
CLEANUP_FINALIZER: Final = "workflows.argoproj.io/cleanup-ocm-manifestwork"

# -- the contract, on the copy and on the ManifestWork --------------------------------------------------
HUB_NAMESPACE_ANNOTATION: Final = "workflows.argoproj.io/ocm-hub-workflow-namespace"
HUB_NAME_ANNOTATION: Final = "workflows.argoproj.io/ocm-hub-workflow-name"

# -- ours -----------------------------------------------------------------------------------------------
HUB_UID_ANNOTATION: Final = "workflows.argoproj.io/ocm-hub-workflow-uid"
# On the copy, by our agent: JSON of those fields of the spec that the hub may change, as it last brought them.
LAST_APPLIED_ANNOTATION: Final = "workflows.argoproj.io/ocm-last-applied"
# The uid of the Workflow that the cluster and the annotations below were written for: a copy of it bears them as well.
PLACED_UID_ANNOTATION: Final = "workflows.argoproj.io/ocm-placed-uid"
# Condition-like: "<Reason>: <message>" while a Workflow waits for something a person can change.
WAITING_ANNOTATION: Final = "workflows.argoproj.io/ocm-waiting"
# On a hub Workflow whose end is shown as its cluster reported it in full: nothing more is expected of it.
STATUS_ANNOTATION: Final = "workflows.argoproj.io/ocm-status"
STATUS_COMPLETE: Final = "complete"
# "<generation>@<cluster>" of the hub Workflow when that was so. The CRD has no status subresource: each change of spec
# or status is a generation, and at a later one, or with another cluster, somebody has edited what had ended.
OBSERVED_ANNOTATION: Final = "workflows.argoproj.io/ocm-observed"
# What a user may ask for, on the Workflow, or on the Placement for all of its Workflows (`placement.settings`).
STRATEGY_ANNOTATION: Final = "workflows.argoproj.io/ocm-strategy"
NEED_ANNOTATION: Final = "workflows.argoproj.io/ocm-need"
FAILOVER_ANNOTATION: Final = "workflows.argoproj.io/ocm-failover"
FAILOVER_AFTER_ANNOTATION: Final = "workflows.argoproj.io/ocm-failover-after"
# In words, why a Workflow is on its cluster.
CHOICE_ANNOTATION: Final = "workflows.argoproj.io/ocm-choice"
# The clusters that a hub Workflow was sent to, joined by commas, the present one last; only once there were two.
ATTEMPTS_ANNOTATION: Final = "workflows.argoproj.io/ocm-attempts"
# On a ManifestWork, a copy and a status result: the number of the attempt, from 2; absent for the first.
ATTEMPT_ANNOTATION: Final = "workflows.argoproj.io/ocm-attempt"
# On a hub Namespace, by the hub's administrator: other namespaces of managed clusters that its Workflows may run in.
ALLOWED_NAMESPACES_ANNOTATION: Final = "argosy.io/allowed-cluster-namespaces"
# Names of those entries of ManagedCluster.status.allocatable that say what is free: cpu, memory, pods.
FREE_PREFIX: Final = "free.argosy.io/"
# ClusterClaims of our agent about the cluster's Argo Workflows.
ARGO_CLAIM: Final = "argo.argosy.io"
ARGO_VERSION_CLAIM: Final = "version.argo.argosy.io"
# On what our agent keeps on its cluster, and our controllers on the hub, of their own accord; without it an object of
# that name is somebody else's.
MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
HUB_MANAGER: Final = "argosy"
AGENT_MANAGER: Final = "argosy-agent"

# -- Argo's own, which `argo list` and `argo get` read ---------------------------------------------------
PHASE_LABEL: Final = "workflows.argoproj.io/phase"
COMPLETED_LABEL: Final = "workflows.argoproj.io/completed"

# -- OCM's ----------------------------------------------------------------------------------------------
PLACEMENT_LABEL: Final = "cluster.open-cluster-management.io/placement"
DECISION_GROUP_NAME_LABEL: Final = "cluster.open-cluster-management.io/decision-group-name"
DECISION_GROUP_INDEX_LABEL: Final = "cluster.open-cluster-management.io/decision-group-index"
CLUSTER_SET_LABEL: Final = "cluster.open-cluster-management.io/clusterset"
SCHEDULING_DISABLED_ANNOTATION: Final = "cluster.open-cluster-management.io/experimental-scheduling-disable"
MANIFEST_WORK_FINALIZER: Final = "cluster.open-cluster-management.io/manifest-work-cleanup"
APPLIED_MANIFEST_WORK_FINALIZER: Final = "cluster.open-cluster-management.io/applied-manifest-work-cleanup"
# On what a cluster has on the hub: its namespace, its roles and bindings, its requests for certificates.
CLUSTER_NAME_LABEL: Final = "open-cluster-management.io/cluster-name"
MANAGED_CLUSTER_FINALIZER: Final = "cluster.open-cluster-management.io/api-resource-cleanup"
# A ClusterClaim or ClusterProperty with this label, whatever its value, stays on its cluster.
SPOKE_ONLY_LABEL: Final = "open-cluster-management.io/spoke-only"
CLUSTER_LEASE_NAME: Final = "managed-cluster-lease"

ARGO_NAMESPACE: Final = "argo"
