"""OCM's own programs, started without its operator, and the permissions that the operator would give them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from controllers.api.keys import CLUSTER_NAME_LABEL
from controllers.api.kinds import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    NAMESPACE,
    ROLE_BINDING,
    SERVICE_ACCOUNT,
    Kind,
)
from controllers.kube.client import Client
from controllers.kube.patch import apply_patch
from hack.fleet.ports import Reservation
from hack.fleet.state import Part, Probe

Json = dict[str, Any]

ACCOUNT = "klusterlet-work-sa"
ACCOUNT_NAMESPACE = "open-cluster-management-agent"
# A role that carries this label adds to what the work agent may do on its cluster, through the gathered role.
AGGREGATE = {"open-cluster-management.io/aggregate-to-work": "true"}
GATHERED = "open-cluster-management:klusterlet-work:aggregate"


# -- programs --------------------------------------------------------------------------------------------
def placement(binary: Path, hub: Path, logs: Path, ports: Reservation) -> Part:
    """The placement controller."""
    return _part("ocm-placement", [str(binary), "controller", f"--kubeconfig={hub}"], logs, ports)


def registration(binary: Path, hub: Path, trusted: str, logs: Path, ports: Reservation) -> Part:
    """The hub's side of joining, which lets in whoever `trusted` brings."""
    command = [
        str(binary),
        "controller",
        f"--kubeconfig={hub}",
        f"--auto-approved-csr-users={trusted}",
        "--feature-gates=ManagedClusterAutoApproval=true",
    ]
    return _part("ocm-registration", command, logs, ports)


def work_agent(
    binary: Path, cluster: str, *, hub: Path, host: Path, managed: Path, logs: Path, ports: Reservation
) -> Part:
    """The work agent of one cluster. It applies with the credentials in `managed`; `host` is where it lives."""
    command = [
        str(binary),
        "agent",
        f"--spoke-cluster-name={cluster}",
        f"--workload-source-config={hub}",
        f"--kubeconfig={host}",
        f"--spoke-kubeconfig={managed}",
    ]
    return _part(f"{cluster}-ocm-work", command, logs, ports)


def _part(name: str, command: list[str], logs: Path, ports: Reservation) -> Part:
    alone = ["--disable-leader-election", "--namespace=default", f"--listen=127.0.0.1:{ports.take()}"]
    ready = Probe(log_text="Starting worker of controller")
    return Part("", name, [*command, *alone], str(logs / f"{name}.log"), ready)


# -- permissions -----------------------------------------------------------------------------------------
async def may_take_works(hub: Client, cluster: str, rules: list[Json]) -> None:
    """What a registered cluster's work agent may do on the hub: `rules`, in its own namespace."""
    role = _object(CLUSTER_ROLE, "open-cluster-management:managedcluster:work") | {"rules": rules}
    binding = _binding(ROLE_BINDING, role, ACCOUNT, cluster)
    namespace = _object(NAMESPACE, cluster)
    namespace["metadata"]["labels"] = {CLUSTER_NAME_LABEL: cluster}  # as OCM's registration makes it
    await ensure(hub, NAMESPACE, namespace)
    await ensure(hub, CLUSTER_ROLE, role)
    await ensure(hub, ROLE_BINDING, binding, namespace=cluster)


async def may_apply(managed: Client, rules: list[Json]) -> None:
    """What the work agent may do on its cluster: `rules`, an administrator's, and all roles with the label."""
    own = _object(CLUSTER_ROLE, "open-cluster-management:klusterlet-work:agent") | {"rules": rules}
    gathered = _object(CLUSTER_ROLE, GATHERED) | {
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": AGGREGATE}]}
    }
    await ensure(managed, NAMESPACE, _object(NAMESPACE, ACCOUNT_NAMESPACE))
    for role in (own, gathered):
        await may(managed, role, ACCOUNT, ACCOUNT_NAMESPACE)
    admin = _binding(CLUSTER_ROLE_BINDING, _object(CLUSTER_ROLE, "admin"), ACCOUNT, ACCOUNT_NAMESPACE)
    await ensure(managed, CLUSTER_ROLE_BINDING, admin)


async def may(client: Client, role: Json, account: str, namespace: str) -> None:
    """Has the ClusterRole, and gives it to the account everywhere."""
    await ensure(client, CLUSTER_ROLE, role)
    await ensure(client, CLUSTER_ROLE_BINDING, _binding(CLUSTER_ROLE_BINDING, role, account, namespace))


async def credentials(client: Client, admin: Path, namespace: str, account: str, out: Path) -> Path:
    """Writes a kubeconfig for a service account, made if need be: `admin`'s with another token. Returns `out`."""
    await ensure(client, SERVICE_ACCOUNT, _object(SERVICE_ACCOUNT, account), namespace=namespace)
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    path = f"{SERVICE_ACCOUNT.path(namespace, account)}/token"
    answer = msgspec.json.decode(await client.request("POST", path, body=msgspec.json.encode(request)))
    _write_with_token(admin, answer["status"]["token"], out)
    return out


def _write_with_token(admin: Path, token: str, out: Path) -> None:
    config = yaml.safe_load(admin.read_text())
    for user in config["users"]:
        user["user"] = {"token": token}
    out.write_text(yaml.safe_dump(config))


async def ensure(client: Client, kind: Kind, body: Mapping[str, Any], *, namespace: str = "") -> None:
    """Has the object be as `body` says."""
    patch = apply_patch(dict(body), field_manager="test", force=True)
    await client.patch(kind, body["metadata"]["name"], patch, namespace=namespace)


def _binding(kind: Kind, role: Json, account: str, namespace: str) -> Json:
    name = role["metadata"]["name"]
    return _object(kind, f"{name}:{account}") | {
        "roleRef": {"apiGroup": CLUSTER_ROLE.group, "kind": CLUSTER_ROLE.kind, "name": name},
        "subjects": [{"kind": SERVICE_ACCOUNT.kind, "namespace": namespace, "name": account}],
    }


def _object(kind: Kind, name: str) -> Json:
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name}}
