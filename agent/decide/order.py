"""In which order manifests are applied: what others need goes first. And what was applied is listed and removed.

Owns the rank of kinds. It knows no dependencies between single objects: the API server accepts most objects
in any order, and what it refuses is applied again later.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.decide.manifest import Identity
from controllers.api.work import AppliedResource

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


def listing_order(resources: Iterable[AppliedResource]) -> list[AppliedResource]:
    """As `status.appliedResources` has them: in the order of OCM's agent, so that neither rewrites the other's."""
    return sorted(
        resources, key=lambda item: (item.group, item.version, item.resource, item.namespace, item.name)
    )


def removal_order(resources: Iterable[AppliedResource]) -> list[AppliedResource]:
    """What was applied last is removed first: a namespace after what is in it, a definition after its objects."""
    return sorted(
        listing_order(resources), key=lambda item: _rank_of(item.group, item.resource), reverse=True
    )


def _plural(kind: str) -> str:
    """The resource of a kind, as Kubernetes' own are called."""
    word = kind.lower()
    if word.endswith("s"):
        return f"{word}es"
    return f"{word[:-1]}ies" if word.endswith("cy") else f"{word}s"


# An applied object is listed by its resource.
_KIND_OF = {(group, _plural(kind)): kind for group, kind in (*_FIRST_TO_LAST, *_RUNNABLE)}


def _rank_of(group: str, resource: str) -> int:
    return rank(group, _KIND_OF.get((group, resource), ""))
