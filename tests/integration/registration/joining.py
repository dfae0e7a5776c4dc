"""Clusters that join, in this process."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from agent.credentials import FileKeep
from agent.join import Wish, join
from controllers.api.kinds import MANAGED_CLUSTER
from controllers.kube.client import Client
from controllers.kube.kubeconfig import cluster_of, parse
from controllers.runtime.manager import Manager
from registration.health.wiring import add_to as add_health
from registration.wiring import add_to
from tests.integration.running import Wiring, running

TRUSTED = "system:serviceaccount:argosy:agent-bootstrap"


@contextlib.asynccontextmanager
async def registering(client: Client, *trusted: str, health: bool = False) -> AsyncIterator[Manager]:
    """The hub's side, which lets in whoever `trusted` brings."""
    wirings: list[Wiring] = [functools.partial(add_to, trusted=trusted)]
    async with running(client, *wirings, *([add_health] if health else [])) as manager:
        yield manager


async def joined(kubeconfig: Path, cluster: str, out: Path) -> None:
    """Joins as `python -m agent join` does, with these credentials, for as long as it takes."""
    reached = cluster_of(parse(kubeconfig.read_text(), kubeconfig.parent))  # noqa: ASYNC240 - a small file, once
    hub = await Client.connect(kubeconfig)
    try:
        await join(hub, Wish(cluster, reached, lease_seconds=1), FileKeep(out))
    finally:
        await hub.close()


@contextlib.asynccontextmanager
async def asking(kubeconfig: Path, cluster: str, out: Path) -> AsyncIterator[asyncio.Task[None]]:
    """The same, in the background."""
    task = asyncio.create_task(joined(kubeconfig, cluster, out))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def connected(kubeconfig: Path) -> AsyncIterator[Client]:
    client = await Client.connect(kubeconfig)
    try:
        yield client
    finally:
        await client.close()


async def whoami(client: Client) -> tuple[str, list[str], str]:
    """(user, groups, which of its credentials) as the API server sees it."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = await client.request(
        "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body=msgspec.json.encode(body)
    )
    info = msgspec.json.decode(answer)["status"]["userInfo"]
    credential = (info.get("extra") or {}).get("authentication.kubernetes.io/credential-id", [""])
    return info["username"], info["groups"], credential[0]


async def is_accepted(client: Client, cluster: str) -> bool:
    found = await client.find(MANAGED_CLUSTER, cluster)
    return found is not None and bool(found.to_dict()["spec"].get("hubAcceptsClient"))
