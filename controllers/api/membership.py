"""What makes a cluster a member of the hub: the identity of its agent, and the objects that give it its rights. Pure.

Identities, labels and the verb `renew` are OCM's (`pkg/registration/hub/user` and `hub/manifests/rbac` of
open-cluster-management.io/ocm v1.2.0), so that a certificate from either hub side serves either agent. The rights are
fewer: OCM lets an agent read all certificate requests and change the spec of its ManagedCluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from controllers.api.keys import CLUSTER_LEASE_NAME, CLUSTER_NAME_LABEL, HUB_MANAGER, MANAGED_BY_LABEL
from controllers.api.kinds import (
    ARGO_GROUP,
    CERTIFICATE_SIGNING_REQUEST,
    CLUSTER_GROUP,
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    NAMESPACE,
    ROLE,
    ROLE_BINDING,
    WORK_GROUP,
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

# How many requests of one cluster may be there at a time. The hub removes one an hour after it was answered, and a
# day after it was made.
_REQUESTS: Final = 8


class Owned(NamedTuple):
    """An object that `cluster` has on the hub. `content`: its fields beside metadata."""

    cluster: str
    kind: Kind
    namespace: str
    name: str
    content: Json

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


def request_names(cluster: str) -> list[str]:
    """The names that certificate requests of the cluster's agent may have: it may read these and no others."""
    return [f"argosy-{cluster}-{number}" for number in range(_REQUESTS)]


def is_ours(labels: Mapping[str, str]) -> bool:
    """Whether Argosy made the object."""
    return labels.get(MANAGED_BY_LABEL) == HUB_MANAGER


def membership(cluster: str) -> list[Owned]:
    """What an accepted cluster has beside its ManagedCluster, in the order to make it."""
    role = f"argosy:agent:{cluster}"
    subjects = [
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group(cluster)},
        {"kind": "ServiceAccount", "name": AGENT, "namespace": cluster},
    ]
    return [
        Owned(cluster, NAMESPACE, "", cluster, {}),
        Owned(cluster, CLUSTER_ROLE, "", role, {"rules": _cluster_rules(cluster)}),
        Owned(cluster, CLUSTER_ROLE_BINDING, "", role, _binding(CLUSTER_ROLE, role, subjects)),
        Owned(cluster, ROLE, cluster, role, {"rules": _namespace_rules()}),
        Owned(cluster, ROLE_BINDING, cluster, role, _binding(ROLE, role, subjects)),
    ]


def bindings(cluster: str) -> list[Owned]:
    """Those of `membership` without which the agent has no rights."""
    return [item for item in membership(cluster) if item.kind in (CLUSTER_ROLE_BINDING, ROLE_BINDING)]


def _cluster_rules(cluster: str) -> list[Json]:
    """Its own ManagedCluster, of which it writes the status only, and its own certificate."""
    read = ["get", "list", "watch"]
    requests = CERTIFICATE_SIGNING_REQUEST
    return [
        _rule(CLUSTER_GROUP, "managedclusters", verbs=read, names=[cluster]),
        _rule(CLUSTER_GROUP, "managedclusters/status", verbs=["patch", "update"], names=[cluster]),
        _rule(requests.group, requests.plural, verbs=["create"]),
        _rule(requests.group, requests.plural, verbs=read, names=request_names(cluster)),
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
