"""Clusters that join: let in by an administrator at once, or with credentials that can only ask. And what their agents
say of them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path

import yaml

from agent.credentials import FileKeep
from agent.join import Wish, join
from controllers.api.cluster import AVAILABLE
from controllers.api.kinds import MANAGED_CLUSTER
from controllers.api.meta import timestamp
from controllers.kube.client import Client
from controllers.kube.kubeconfig import cluster_of, parse
from controllers.kube.patch import merge_patch
from controllers.kube.private_file import write_private
from registration.invite import invite


async def let_in(
    hub: Client, admin: Path, cluster: str, out: Path, *, labels: Mapping[str, str], lease_seconds: int = 60
) -> None:
    """`python -m agent join --accept`: `admin` is the kubeconfig that `hub` was connected with."""
    reached = cluster_of(parse(admin.read_text(), admin.parent))  # noqa: ASYNC240 - a small file, once
    wish = Wish(cluster, reached, labels=labels, lease_seconds=lease_seconds, accept=True)
    await join(hub, wish, FileKeep(out))


async def invited(hub: Client, admin: Path, out: Path, *, seconds: int = 3600) -> str:
    """`python -m registration invite`: writes the kubeconfig, returns whom it makes its bearer."""
    reached = cluster_of(parse(admin.read_text(), admin.parent))  # noqa: ASYNC240 - a small file, once
    made = await invite(hub, reached, namespace="argosy", seconds=seconds)
    write_private(out, yaml.safe_dump(made.kubeconfig).encode())
    return made.identity


async def say_available(hub: Client, cluster: str, status: str) -> None:
    """The condition as the cluster's agent has it, besides the others that there are."""
    condition = {
        "type": AVAILABLE,
        "status": status,
        "reason": "Played",
        "message": "",
        "lastTransitionTime": timestamp(datetime.datetime.now(datetime.UTC)),
    }
    present = (await hub.get(MANAGED_CLUSTER, cluster)).to_dict().get("status", {}).get("conditions", [])
    others = [item for item in present if item["type"] != AVAILABLE]
    patch = merge_patch({"status": {"conditions": [*others, condition]}})
    await hub.patch(MANAGED_CLUSTER, cluster, patch, subresource="status")
