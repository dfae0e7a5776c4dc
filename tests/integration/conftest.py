"""One real hub (API server, etcd, controller manager, our CRDs) for all integration tests.

Each test has a namespace of its own, and no controllers run but those that it starts itself.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from controllers.api.kinds import NAMESPACE
from controllers.kube.client import Client
from hack.fleet.provider import Cluster
from tests.clusters import provider


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    fleet = provider().start(tmp_path_factory.mktemp("hub"), [], argo=False)
    try:
        yield fleet.hub
    finally:
        fleet.stop()


@pytest.fixture(scope="session")
def kubeconfig(hub: Cluster) -> Path:
    return hub.kubeconfig


@pytest.fixture(scope="session")
async def client(hub: Cluster) -> AsyncIterator[Client]:
    connected = await Client.connect(hub.kubeconfig)
    yield connected
    await connected.close()


@pytest.fixture
async def namespace(client: Client) -> str:
    """A fresh namespace; its name is also free as a cluster's name."""
    name = f"t-{uuid.uuid4().hex[:10]}"
    await client.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/integration" in str(item.path):
            item.add_marker(pytest.mark.integration)
