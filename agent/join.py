"""Makes a cluster a member of the hub: ManagedCluster, namespace, and an account that may touch only those.

Needs credentials that may create these; the result is a kubeconfig for the agent that may not. Safe to repeat.
The account is a ServiceAccount with a token that does not expire; certificates by CSR replace it later.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog
import yaml

from controllers.api.keys import CLUSTER_LEASE_NAME
from controllers.api.kinds import (
    ARGO_GROUP,
    CLUSTER_GROUP,
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    MANAGED_CLUSTER,
    NAMESPACE,
    ROLE,
    ROLE_BINDING,
    SECRET,
    SERVICE_ACCOUNT,
    WORK_GROUP,
    Kind,
)
from controllers.api.meta import timestamp
from controllers.kube.client import Client
from controllers.kube.errors import Conflict, Forbidden, NotFound
from controllers.kube.patch import apply_patch, merge_patch
from controllers.runtime.watch import Applied, Listed, Scope, watch

log = structlog.get_logger(__name__)

ACCOUNT = "argosy-agent"
_FIELD_MANAGER = "argosy-join"
_TOKEN_DEADLINE = 30.0

Json = dict[str, Any]

_ACCEPTED = {
    "type": "HubAcceptedManagedCluster",
    "status": "True",
    "reason": "HubClusterAdminAccepted",
    "message": "Accepted by hub cluster admin",
}


class JoinError(Exception):
    """The cluster could not be made a member; the text says what to do."""


async def join(
    hub: Client, cluster: str, out: Path, *, labels: Mapping[str, str], lease_seconds: int = 60
) -> None:
    """Registers `cluster` and writes the agent's kubeconfig to `out` (mode 0600). Raises JoinError or ApiError."""
    try:
        for kind, namespace, body in membership(cluster, labels=labels, lease_seconds=lease_seconds):
            patch = apply_patch(body, field_manager=_FIELD_MANAGER, force=True)
            await hub.patch(kind, body["metadata"]["name"], patch, namespace=namespace)
        await _accept(hub, cluster)
    except NotFound as error:
        raise JoinError(
            f"the hub at {hub.host} does not know {error.details.get('kind') or 'a kind that is needed'}: "
            "install the CRDs there first (make install, or kubectl apply -f crds/)"
        ) from error
    except Forbidden as error:
        raise JoinError(
            f"these hub credentials may not register a cluster ({error.message}): use an administrator's"
        ) from error
    token, authority = await _account(hub, cluster)
    write_private(out, yaml.safe_dump(kubeconfig(hub.host, cluster, token, authority), sort_keys=False))
    log.info("joined", cluster=cluster, hub=hub.host, kubeconfig=str(out))


def membership(
    cluster: str, *, labels: Mapping[str, str], lease_seconds: int
) -> list[tuple[Kind, str, Json]]:
    """(kind, namespace, object) of all that a member has on the hub, in the order to apply them.

    The label `name` lets a Placement select one cluster by its name, which clusters have in common use.
    """
    role = f"argosy:agent:{cluster}"
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": cluster}
    registration = _object(MANAGED_CLUSTER, cluster, labels={"name": cluster, **labels})
    registration["spec"] = {"hubAcceptsClient": True, "leaseDurationSeconds": lease_seconds}
    token = _object(SECRET, ACCOUNT, cluster, annotations={"kubernetes.io/service-account.name": ACCOUNT}) | {
        "type": "kubernetes.io/service-account-token"
    }
    return [
        (MANAGED_CLUSTER, "", registration),
        (NAMESPACE, "", _object(NAMESPACE, cluster)),
        (SERVICE_ACCOUNT, cluster, _object(SERVICE_ACCOUNT, ACCOUNT, cluster)),
        (CLUSTER_ROLE, "", _object(CLUSTER_ROLE, role) | {"rules": _cluster_rules(cluster)}),
        (CLUSTER_ROLE_BINDING, "", _binding(CLUSTER_ROLE_BINDING, role, "", "ClusterRole", subject)),
        (ROLE, cluster, _object(ROLE, role, cluster) | {"rules": _namespace_rules()}),
        (ROLE_BINDING, cluster, _binding(ROLE_BINDING, role, cluster, "Role", subject)),
        (SECRET, cluster, token),
    ]


def _cluster_rules(cluster: str) -> list[Json]:
    """Its own ManagedCluster and nothing else that is not in its namespace."""
    resources = ["managedclusters", "managedclusters/status"]
    verbs = ["get", "list", "watch", "patch", "update"]
    return [
        {"apiGroups": [CLUSTER_GROUP], "resources": resources, "resourceNames": [cluster], "verbs": verbs}
    ]


def _namespace_rules() -> list[Json]:
    write = ["get", "list", "watch", "create", "update", "patch", "delete"]
    change = ["get", "list", "watch", "update", "patch"]
    return [
        {"apiGroups": [WORK_GROUP], "resources": ["manifestworks", "manifestworks/status"], "verbs": change},
        {"apiGroups": [ARGO_GROUP], "resources": ["workflowstatusresults"], "verbs": write},
        {
            "apiGroups": [CLUSTER_GROUP],
            "resources": ["addonplacementscores", "addonplacementscores/status"],
            "verbs": ["create", "get", "patch", "update"],
        },
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
        {
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "resourceNames": [CLUSTER_LEASE_NAME],
            "verbs": ["get", "update", "patch"],
        },
        {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch", "get"]},
    ]


def _object(
    kind: Kind,
    name: str,
    namespace: str = "",
    *,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Json:
    metadata: Json = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    if labels:
        metadata["labels"] = dict(labels)
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}


def _binding(kind: Kind, name: str, namespace: str, role_kind: str, subject: Json) -> Json:
    return _object(kind, name, namespace) | {
        "roleRef": {"apiGroup": kind.group, "kind": role_kind, "name": name},
        "subjects": [subject],
    }


async def _accept(hub: Client, cluster: str) -> None:
    """Notes on the ManagedCluster that the hub has accepted it, as OCM's registration controller does.

    The hub's controllers write conditions at this very moment, too: whoever is second looks again.
    """
    while True:
        with contextlib.suppress(Conflict):
            return await _note_accepted(hub, cluster)


async def _note_accepted(hub: Client, cluster: str) -> None:
    """Raises Conflict."""
    found = await hub.get(MANAGED_CLUSTER, cluster)
    conditions = (found.to_dict().get("status") or {}).get("conditions") or []
    if any(item["type"] == _ACCEPTED["type"] and item["status"] == "True" for item in conditions):
        return
    now = timestamp(datetime.datetime.now(datetime.UTC))
    others = [item for item in conditions if item["type"] != _ACCEPTED["type"]]
    patch = merge_patch(
        {"status": {"conditions": [*others, {**_ACCEPTED, "lastTransitionTime": now}]}},
        resource_version=found.metadata.resource_version,
    )
    await hub.patch(MANAGED_CLUSTER, cluster, patch, subresource="status")


async def _account(hub: Client, cluster: str) -> tuple[str, str]:
    """(token, base64 of the hub's CA) once the hub's controller manager has filled the Secret."""
    scope = Scope(SECRET, namespace=cluster, field_selector=f"metadata.name={ACCOUNT}")
    try:
        async with asyncio.timeout(_TOKEN_DEADLINE):
            async for event in watch(hub, scope):
                objects = event.objects if isinstance(event, Listed) else [event.object]
                for secret in objects if isinstance(event, Listed | Applied) else ():
                    data = secret.to_dict().get("data") or {}
                    if data.get("token"):
                        return base64.b64decode(data["token"]).decode(), data.get("ca.crt", "")
    except TimeoutError:
        pass
    raise JoinError(
        f"no token appeared in Secret {cluster}/{ACCOUNT} within {_TOKEN_DEADLINE:.0f} s: is the hub's "
        "kube-controller-manager running?"
    )


def kubeconfig(server: str, cluster: str, token: str, authority: str) -> Json:
    """A kubeconfig with one context, for the agent of `cluster`. `authority`: CA bundle in base64, "" for none."""
    hub: Json = {"server": server}
    if authority:
        hub["certificate-authority-data"] = authority
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "hub", "cluster": hub}],
        "users": [{"name": ACCOUNT, "user": {"token": token}}],
        "contexts": [{"name": "hub", "context": {"cluster": "hub", "user": ACCOUNT, "namespace": cluster}}],
        "current-context": "hub",
    }


def write_private(path: Path, text: str) -> None:
    """Writes `text` so that only its owner can ever read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)
