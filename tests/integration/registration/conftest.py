"""A name for a cluster that has not joined, and what is needed to let it."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controllers.api.kinds import CERTIFICATE_SIGNING_REQUEST, MANAGED_CLUSTER, NAMESPACE
from controllers.api.membership import membership
from controllers.kube.client import Client
from controllers.kube.errors import NotFound
from controllers.kube.patch import merge_patch
from hack.fleet.provider import Cluster
from tests.integration.registration.joining import requests_of
from tests.joining import invited


@pytest.fixture
async def cluster(client: Client) -> AsyncIterator[str]:
    """Whatever becomes of it, nothing of it is left for the next test."""
    name = f"r-{uuid.uuid4().hex[:8]}"
    yield name
    with contextlib.suppress(NotFound):
        free = merge_patch({"metadata": {"finalizers": None}})
        await client.patch(MANAGED_CLUSTER, name, free)
        await client.delete(MANAGED_CLUSTER, name)
    for item in reversed(membership(name)):
        if item.kind != NAMESPACE:
            with contextlib.suppress(NotFound):
                await client.delete(item.kind, item.name, namespace=item.namespace)
    for request in await requests_of(client, name):
        with contextlib.suppress(NotFound):
            await client.delete(CERTIFICATE_SIGNING_REQUEST, request.metadata.name)


@pytest.fixture(scope="session")
async def bootstrap(client: Client, hub: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kubeconfig that may do no more than ask."""
    path = tmp_path_factory.mktemp("bootstrap") / "bootstrap.kubeconfig"
    await invited(client, hub.kubeconfig, path)
    return path
