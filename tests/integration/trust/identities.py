"""Genuine identities on the hub: ServiceAccounts with the rights that a tenant or an agent has, and no others."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import yaml

from controllers.acceptance import make
from controllers.api.kinds import NAMESPACE, ROLE, ROLE_BINDING, SERVICE_ACCOUNT
from controllers.api.membership import AGENT, membership
from controllers.kube.client import Client
from tests.integration.bodies import of

_TOKEN = b'{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{}}'

# What the user of a namespace may do there: all with Workflows and Placements, and read what those bring about.
TENANT_RULES = [
    {"apiGroups": ["argoproj.io"], "resources": ["workflows"], "verbs": ["*"]},
    {"apiGroups": ["cluster.open-cluster-management.io"], "resources": ["placements"], "verbs": ["*"]},
    {
        "apiGroups": ["cluster.open-cluster-management.io"],
        "resources": ["placementdecisions", "managedclustersetbindings"],
        "verbs": ["get", "list", "watch"],
    },
    {"apiGroups": [""], "resources": ["events"], "verbs": ["get", "list", "watch"]},
]


@contextlib.asynccontextmanager
async def tenant(admin: Client, kubeconfig: Path, namespace: str, out: Path) -> AsyncIterator[Client]:
    """The user of `namespace`."""
    name = "tenant"
    subject = {"kind": SERVICE_ACCOUNT.kind, "name": name, "namespace": namespace}
    role = {"apiGroup": ROLE.group, "kind": ROLE.kind, "name": name}
    await admin.create(SERVICE_ACCOUNT, of(SERVICE_ACCOUNT, name), namespace=namespace)
    await admin.create(ROLE, of(ROLE, name, rules=TENANT_RULES), namespace=namespace)
    bound = of(ROLE_BINDING, name, roleRef=role, subjects=[subject])
    await admin.create(ROLE_BINDING, bound, namespace=namespace)
    async with _account(admin, kubeconfig, namespace, name, out) as client:
        yield client


@contextlib.asynccontextmanager
async def agent(admin: Client, kubeconfig: Path, cluster: str, out: Path) -> AsyncIterator[Client]:
    """The agent of `cluster`, whose namespace is there, with what an accepted cluster's agent may do."""
    await admin.create(SERVICE_ACCOUNT, of(SERVICE_ACCOUNT, AGENT), namespace=cluster)
    owned = [item for item in membership(cluster) if item.kind != NAMESPACE]
    for item in owned:
        await make(admin, item)
    async with _account(admin, kubeconfig, cluster, AGENT, out) as client:
        yield client
    for item in owned:
        if not item.namespace:
            await admin.delete(item.kind, item.name)


@contextlib.asynccontextmanager
async def _account(
    admin: Client, kubeconfig: Path, namespace: str, name: str, out: Path
) -> AsyncIterator[Client]:
    path = f"{SERVICE_ACCOUNT.path(namespace, name)}/token"
    token = msgspec.json.decode(await admin.request("POST", path, body=_TOKEN))["status"]["token"]
    config: dict[str, Any] = yaml.safe_load(kubeconfig.read_text())  # noqa: ASYNC240 - a small file, once
    for user in config["users"]:
        user["user"] = {"token": token}
    file = out / f"{namespace}-{name}.kubeconfig"
    file.write_text(yaml.safe_dump(config))
    client = await Client.connect(file)
    try:
        yield client
    finally:
        await client.close()
