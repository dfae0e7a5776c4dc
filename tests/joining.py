"""A cluster that an administrator lets in at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from agent.credentials import FileKeep
from agent.join import Wish, join
from controllers.kube.client import Client
from controllers.kube.kubeconfig import cluster_of, parse


async def let_in(
    hub: Client, admin: Path, cluster: str, out: Path, *, labels: Mapping[str, str], lease_seconds: int = 60
) -> None:
    """`python -m agent join --accept`: `admin` is the kubeconfig that `hub` was connected with."""
    reached = cluster_of(parse(admin.read_text(), admin.parent))  # noqa: ASYNC240 - a small file, once
    wish = Wish(cluster, reached, labels=labels, lease_seconds=lease_seconds, accept=True)
    await join(hub, wish, FileKeep(out))
