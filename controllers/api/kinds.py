"""The kinds that Argosy reads and writes: what a REST path and an `apiVersion` are made of."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote


class Kind(NamedTuple):
    """One served kind. `group` is "" for the core group; `plural` is the resource name in the path."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "") -> str:
        """REST path of the collection or, with a name, of one object.

        A namespaced kind without namespace gives the collection over all namespaces. Names may hold anything: what
        means something in a URL is escaped.
        """
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        scope = f"/namespaces/{quote(namespace, safe='')}" if self.namespaced and namespace else ""
        return f"{root}{scope}/{self.plural}" + (f"/{quote(name, safe=':')}" if name else "")

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


CLUSTER_GROUP = "cluster.open-cluster-management.io"
WORK_GROUP = "work.open-cluster-management.io"
ARGO_GROUP = "argoproj.io"

NAMESPACE = Kind("", "v1", "Namespace", "namespaces", namespaced=False)
NODE = Kind("", "v1", "Node", "nodes", namespaced=False)
POD = Kind("", "v1", "Pod", "pods")
EVENT = Kind("", "v1", "Event", "events")
CONFIG_MAP = Kind("", "v1", "ConfigMap", "configmaps")
SECRET = Kind("", "v1", "Secret", "secrets")
SERVICE_ACCOUNT = Kind("", "v1", "ServiceAccount", "serviceaccounts")
RESOURCE_QUOTA = Kind("", "v1", "ResourceQuota", "resourcequotas")
LEASE = Kind("coordination.k8s.io", "v1", "Lease", "leases")
DEPLOYMENT = Kind("apps", "v1", "Deployment", "deployments")
CLUSTER_ROLE = Kind("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", namespaced=False)
CLUSTER_ROLE_BINDING = Kind(
    "rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", namespaced=False
)
ROLE = Kind("rbac.authorization.k8s.io", "v1", "Role", "roles")
ROLE_BINDING = Kind("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings")
CERTIFICATE_SIGNING_REQUEST = Kind(
    "certificates.k8s.io",
    "v1",
    "CertificateSigningRequest",
    "certificatesigningrequests",
    namespaced=False,
)
CRD = Kind(
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False
)
ADMISSION_POLICY = Kind(
    "admissionregistration.k8s.io",
    "v1",
    "ValidatingAdmissionPolicy",
    "validatingadmissionpolicies",
    namespaced=False,
)
ADMISSION_POLICY_BINDING = Kind(
    "admissionregistration.k8s.io",
    "v1",
    "ValidatingAdmissionPolicyBinding",
    "validatingadmissionpolicybindings",
    namespaced=False,
)

MANAGED_CLUSTER = Kind(CLUSTER_GROUP, "v1", "ManagedCluster", "managedclusters", namespaced=False)
MANAGED_CLUSTER_SET = Kind(
    CLUSTER_GROUP, "v1beta2", "ManagedClusterSet", "managedclustersets", namespaced=False
)
MANAGED_CLUSTER_SET_BINDING = Kind(
    CLUSTER_GROUP, "v1beta2", "ManagedClusterSetBinding", "managedclustersetbindings"
)
PLACEMENT = Kind(CLUSTER_GROUP, "v1beta1", "Placement", "placements")
PLACEMENT_DECISION = Kind(CLUSTER_GROUP, "v1beta1", "PlacementDecision", "placementdecisions")
ADDON_PLACEMENT_SCORE = Kind(CLUSTER_GROUP, "v1alpha1", "AddOnPlacementScore", "addonplacementscores")
CLUSTER_CLAIM = Kind(CLUSTER_GROUP, "v1alpha1", "ClusterClaim", "clusterclaims", namespaced=False)

MANIFEST_WORK = Kind(WORK_GROUP, "v1", "ManifestWork", "manifestworks")
APPLIED_MANIFEST_WORK = Kind(
    WORK_GROUP, "v1", "AppliedManifestWork", "appliedmanifestworks", namespaced=False
)

WORKFLOW = Kind(ARGO_GROUP, "v1alpha1", "Workflow", "workflows")
WORKFLOW_STATUS_RESULT = Kind(ARGO_GROUP, "v1alpha1", "WorkflowStatusResult", "workflowstatusresults")
