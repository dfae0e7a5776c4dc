"""In which order manifests are applied: what others need goes first.

Owns the rank of kinds. It knows no dependencies between single objects: the API server accepts most objects
in any order, and what it refuses is applied again later.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.decide.manifest import Identity

_CORE = ""
_RBAC = "rbac.authorization.k8s.io"
_ARGO = "argoproj.io"

# What starts something the moment it exists: it goes after everything it may refer to.
_RUNNABLE = {(_ARGO, "Workflow"), (_ARGO, "CronWorkflow")}

_FIRST_TO_LAST = (
    (_CORE, "Namespace"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("scheduling.k8s.io", "PriorityClass"),
    ("storage.k8s.io", "StorageClass"),
    (_CORE, "ResourceQuota"),
    (_CORE, "LimitRange"),
    (_CORE, "ServiceAccount"),
    (_CORE, "Secret"),
    (_CORE, "ConfigMap"),
    (_RBAC, "ClusterRole"),
    (_RBAC, "ClusterRoleBinding"),
    (_RBAC, "Role"),
    (_RBAC, "RoleBinding"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("policy", "PodDisruptionBudget"),
    (_CORE, "PersistentVolume"),
    (_CORE, "PersistentVolumeClaim"),
    (_CORE, "Service"),
    ("apps", "DaemonSet"),
    (_CORE, "Pod"),
    (_CORE, "ReplicationController"),
    ("apps", "ReplicaSet"),
    ("apps", "Deployment"),
    ("autoscaling", "HorizontalPodAutoscaler"),
    ("apps", "StatefulSet"),
    ("batch", "Job"),
    ("batch", "CronJob"),
    ("networking.k8s.io", "IngressClass"),
    ("networking.k8s.io", "Ingress"),
    ("apiregistration.k8s.io", "APIService"),
    (_ARGO, "ClusterWorkflowTemplate"),
    (_ARGO, "WorkflowTemplate"),
)
_RANK = {kind: rank for rank, kind in enumerate(_FIRST_TO_LAST)}
_UNKNOWN = len(_RANK)


def rank(group: str, kind: str) -> int:
    """Lower is applied earlier. Unknown kinds come after all known ones, Workflows after everything."""
    if (group, kind) in _RUNNABLE:
        return _UNKNOWN + 1
    return _RANK.get((group, kind), _UNKNOWN)


def apply_order(identities: Sequence[Identity]) -> list[int]:
    """The indices of `identities` in the order to apply them; equal ranks keep their order."""
    return sorted(
        range(len(identities)), key=lambda index: rank(identities[index].group, identities[index].kind)
    )
