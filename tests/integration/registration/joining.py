"""Clusters that join, in this process."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import functools
import io
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from agent.credentials import FileKeep
from agent.join import Wish, join
from controllers.api.keys import CLUSTER_NAME_LABEL
from controllers.api.kinds import CERTIFICATE_SIGNING_REQUEST, MANAGED_CLUSTER
from controllers.kube.client import Client
from controllers.kube.kubeconfig import cluster_of, parse
from controllers.kube.object import Object
from controllers.runtime.clock import now
from controllers.runtime.manager import Manager
from registration import __main__ as command
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


async def joined(
    kubeconfig: Path, cluster: str, out: Path, *, late: datetime.timedelta = datetime.timedelta()
) -> None:
    """Joins as `python -m agent join` does, with these credentials, for as long as it takes. `late`: by so much is
    its clock ahead."""
    reached = cluster_of(parse(kubeconfig.read_text(), kubeconfig.parent))  # noqa: ASYNC240 - a small file, once
    hub = await Client.connect(kubeconfig)
    try:
        wish = Wish(cluster, reached, lease_seconds=1)
        await join(hub, wish, FileKeep(out), clock=lambda: now() + late)
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


async def as_admin(hub: Path, *arguments: str) -> tuple[int, str]:
    """(exit status, what is printed) of `python -m registration`, in a thread, since it runs a loop of its own."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        status = await asyncio.to_thread(command.main, [*arguments, "--kubeconfig", str(hub)])
    return status, out.getvalue()


async def whoami(client: Client) -> tuple[str, list[str], str]:
    """(user, groups, which of its credentials) as the API server sees it."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = await client.request(
        "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body=msgspec.json.encode(body)
    )
    info = msgspec.json.decode(answer)["status"]["userInfo"]
    credential = (info.get("extra") or {}).get("authentication.kubernetes.io/credential-id", [""])
    return info["username"], info["groups"], credential[0]


async def requests_of(client: Client, cluster: str) -> list[Object]:
    """The cluster's certificate requests, oldest first."""
    label = f"{CLUSTER_NAME_LABEL}={cluster}"
    found, _ = await client.list(CERTIFICATE_SIGNING_REQUEST, label_selector=label)
    return sorted(found, key=lambda item: int(item.metadata.resource_version))


async def is_accepted(client: Client, cluster: str) -> bool:
    found = await client.find(MANAGED_CLUSTER, cluster)
    return found is not None and bool(found.to_dict()["spec"].get("hubAcceptsClient"))
