"""What makes a cluster a member of the hub: the identity of its agent, and the objects that give it its rights. Pure.

Identities, labels and the verb `renew` are OCM's (`pkg/registration/hub/user` and `hub/manifests/rbac` of
open-cluster-management.io/ocm v1.2.0), so that a certificate from either hub side serves either agent. The rights are
fewer: OCM lets an agent read all certificate requests and change the spec of its ManagedCluster.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from controllers.api.keys import CLUSTER_LEASE_NAME, CLUSTER_NAME_LABEL, HUB_MANAGER, MANAGED_BY_LABEL
from controllers.api.kinds import (
    ADDON_PLACEMENT_SCORE,
    ARGO_GROUP,
    CERTIFICATE_SIGNING_REQUEST,
    CLUSTER_GROUP,
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    LEASE,
    NAMESPACE,
    RESOURCE_QUOTA,
    ROLE,
    ROLE_BINDING,
    WORK_GROUP,
    WORKFLOW_STATUS_RESULT,
    Kind,
)

Json = dict[str, Any]

# The agent's part of its user name, and the name of its ServiceAccount where it has one instead of a certificate.
AGENT: Final = "argosy-agent"
# The group of all agents of the hub.
MANAGED_CLUSTERS: Final = "system:open-cluster-management:managed-clusters"
SIGNER: Final = "kubernetes.io/kube-apiserver-client"
# Group of the rights that are no REST resources: to renew a certificate, to accept a cluster.
REGISTER_GROUP: Final = "register.open-cluster-management.io"

# Of the ClusterRole of a cluster's agent: the fingerprint of the key that it was last given a certificate for. It is
# there, since neither agents nor who brings clusters in may write it.
KEY_ANNOTATION: Final = "argosy.io/agent-key"
# For how long an agent asks its certificate to hold, and what is approved without a person at most. A membership may
# end earlier, a certificate can't be taken back.
CERTIFICATE_SECONDS: Final = 30 * 24 * 3600
LONGEST_CERTIFICATE_SECONDS: Final = 90 * 24 * 3600

# How much an agent may put into its cluster's namespace: what it needs many times over, so that one agent alone does
# not fill the hub's store. An administrator may change it there, cluster by cluster. As the API server writes numbers.
# Events can't be counted (Kubernetes' quotas leave them out): they last an hour.
QUOTA: Final = "argosy-agent"
QUOTA_HARD: Final[Mapping[str, str]] = {
    f"count/{LEASE.plural}.{LEASE.group}": "10",
    f"count/{WORKFLOW_STATUS_RESULT.plural}.{ARGO_GROUP}": "50k",
    f"count/{ADDON_PLACEMENT_SCORE.plural}.{CLUSTER_GROUP}": "100",
}

# How many requests of one cluster may be there at a time. The hub removes one an hour after it was answered, and a
# day after it was made.
_REQUESTS: Final = 8
# Namespaces of these names are the hub's own, or those of what is commonly installed on one.
_RESERVED: Final = re.compile(
    r"default|kube-.*|openshift|openshift-.*|open-cluster-management|open-cluster-management-.*"
)
_DNS_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class Owned(NamedTuple):
    """An object that `cluster` has on the hub. `content`: its fields beside metadata. `is_free`: an administrator may
    change them, so it is made if it is not there, and left alone else."""

    cluster: str
    kind: Kind
    namespace: str
    name: str
    content: Json
    is_free: bool = False

    @property
    def body(self) -> Json:
        """The whole object."""
        metadata: Json = {"name": self.name, "labels": self.labels}
        if self.namespace:
            metadata["namespace"] = self.namespace
        return {
            "apiVersion": self.kind.api_version,
            "kind": self.kind.kind,
            "metadata": metadata,
            **self.content,
        }

    @property
    def labels(self) -> dict[str, str]:
        """By which the objects of a cluster, and those that Argosy made, are told from others."""
        return {CLUSTER_NAME_LABEL: self.cluster, MANAGED_BY_LABEL: HUB_MANAGER}


def group(cluster: str) -> str:
    """The group of the cluster's agents: what their rights are bound to."""
    return f"system:open-cluster-management:{cluster}"


def user(cluster: str, agent: str = AGENT) -> str:
    """The user name of one agent."""
    return f"{group(cluster)}:{agent}"


def joining_names(cluster: str, fingerprint: str) -> list[str]:
    """The names of certificate requests to join with, by the fingerprint of their key: nobody can take them first."""
    return _request_names("join", cluster, fingerprint)


def renewal_names(cluster: str, uid: str) -> list[str]:
    """The names of certificate requests to renew with: the agent may read these and no others.

    By the uid of the ManagedCluster, which of all agents only this one may read. Where the admission policies are in
    place nobody else can make requests of such names, and an agent none of other names.
    """
    return _request_names("renew", cluster, uid)


def _request_names(what: str, cluster: str, secret: str) -> list[str]:
    part = hashlib.sha256(secret.encode()).hexdigest()[:16]
    return [f"argosy-{what}-{cluster}-{part}-{number}" for number in range(_REQUESTS)]


def name_fault(cluster: str) -> str:
    """Why no cluster may have this name, which is that of its namespace too; "" if it may."""
    if not _DNS_LABEL.fullmatch(cluster):
        return (
            f"{cluster!r} is no name for a cluster: it must be one for a namespace (lower case letters, digits and -, "
            "at most 63 of them)"
        )
    if _RESERVED.fullmatch(cluster):
        return f"no cluster may be called {cluster}: a namespace of that name belongs to the hub itself"
    return ""


def role_name(cluster: str) -> str:
    """Of the Role, the ClusterRole and the two bindings of the cluster's agent."""
    return f"argosy:agent:{cluster}"


def is_of(cluster: str, labels: Mapping[str, str]) -> bool:
    """Whether a namespace is the cluster's: made for it, here or by OCM, or given to it by an administrator."""
    return labels.get(CLUSTER_NAME_LABEL) == cluster


def is_ours(labels: Mapping[str, str]) -> bool:
    """Whether Argosy made the object."""
    return labels.get(MANAGED_BY_LABEL) == HUB_MANAGER


def membership(cluster: str, uid: str = "") -> list[Owned]:
    """What an accepted cluster has beside its ManagedCluster, in the order to make it. `uid`: of the ManagedCluster;
    what is made without it is not complete."""
    role = role_name(cluster)
    subjects = [
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group(cluster)},
        {"kind": "ServiceAccount", "name": AGENT, "namespace": cluster},
    ]
    return [
        Owned(cluster, NAMESPACE, "", cluster, {}),
        Owned(cluster, RESOURCE_QUOTA, cluster, QUOTA, {"spec": {"hard": dict(QUOTA_HARD)}}, is_free=True),
        Owned(cluster, CLUSTER_ROLE, "", role, {"rules": _cluster_rules(cluster, uid)}),
        Owned(cluster, CLUSTER_ROLE_BINDING, "", role, _binding(CLUSTER_ROLE, role, subjects)),
        Owned(cluster, ROLE, cluster, role, {"rules": _namespace_rules()}),
        Owned(cluster, ROLE_BINDING, cluster, role, _binding(ROLE, role, subjects)),
    ]


def bindings(cluster: str) -> list[Owned]:
    """Those of `membership` without which the agent has no rights."""
    return [item for item in membership(cluster) if item.kind in (CLUSTER_ROLE_BINDING, ROLE_BINDING)]


def _cluster_rules(cluster: str, uid: str) -> list[Json]:
    """Its own ManagedCluster, of which it writes the status only, and its own certificate."""
    read = ["get", "list", "watch"]
    requests = CERTIFICATE_SIGNING_REQUEST
    return [
        _rule(CLUSTER_GROUP, "managedclusters", verbs=read, names=[cluster]),
        _rule(CLUSTER_GROUP, "managedclusters/status", verbs=["patch", "update"], names=[cluster]),
        _rule(requests.group, requests.plural, verbs=["create"]),
        _rule(requests.group, requests.plural, verbs=read, names=renewal_names(cluster, uid)),
        _rule(REGISTER_GROUP, "managedclusters/clientcertificates", verbs=["renew"], names=[cluster]),
    ]


def _namespace_rules() -> list[Json]:
    write = ["get", "list", "watch", "create", "update", "patch", "delete"]
    change = ["get", "list", "watch", "update", "patch"]
    scores = ("addonplacementscores", "addonplacementscores/status")
    return [
        _rule(WORK_GROUP, "manifestworks", "manifestworks/status", verbs=change),
        _rule(ARGO_GROUP, "workflowstatusresults", verbs=write),
        _rule(CLUSTER_GROUP, *scores, verbs=["create", "get", "patch", "update"]),
        _rule("coordination.k8s.io", "leases", verbs=["create"]),
        _rule("coordination.k8s.io", "leases", verbs=["get", "update", "patch"], names=[CLUSTER_LEASE_NAME]),
        _rule("", "events", verbs=["create", "patch", "get"]),
    ]


def _rule(group_name: str, *resources: str, verbs: list[str], names: list[str] | None = None) -> Json:
    rule: Json = {"apiGroups": [group_name], "resources": list(resources), "verbs": verbs}
    return rule | ({"resourceNames": names} if names else {})


def _binding(kind: Kind, role: str, subjects: list[Json]) -> Json:
    return {"roleRef": {"apiGroup": kind.group, "kind": kind.kind, "name": role}, "subjects": subjects}
