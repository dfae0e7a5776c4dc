"""One real hub (API server, etcd, controller manager, our CRDs) for all integration tests.

Each test has a namespace of its own, and no controllers run but those that it starts itself.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from controllers.api.kinds import (
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET,
    MANAGED_CLUSTER_SET_BINDING,
    MANIFEST_WORK,
    NAMESPACE,
    PLACEMENT,
    PLACEMENT_DECISION,
    WORKFLOW,
    WORKFLOW_STATUS_RESULT,
    Kind,
)
from controllers.kube.client import Client
from controllers.kube.errors import NotFound
from controllers.kube.patch import merge_patch
from hack.fleet.provider import Cluster
from tests.clusters import running_fleet
from tests.integration.bodies import cluster_set, decision_page, managed_cluster, of, set_binding
from tests.integration.hub_fleet import Fleet


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_fleet(tmp_path_factory.mktemp("hub"), [], argo=False) as fleet:
        yield fleet.hub


@pytest.fixture(scope="session")
def kubeconfig(hub: Cluster) -> Path:
    return hub.kubeconfig


@pytest.fixture(scope="session")
async def client(hub: Cluster) -> AsyncIterator[Client]:
    connected = await Client.connect(hub.kubeconfig)
    yield connected
    await connected.close()


@pytest.fixture
async def namespace(client: Client) -> AsyncIterator[str]:
    """A fresh namespace; its name is also free as a cluster's name. What the test leaves of our kinds is removed:
    controllers that a later test starts would find it."""
    name = f"t-{uuid.uuid4().hex[:10]}"
    await client.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    for kind in _NAMESPACED:
        await _clear(client, kind, name)


@pytest.fixture
async def bound_set(client: Client, namespace: str) -> AsyncIterator[str]:
    """A set of the clusters with the label `test=<namespace>`, bound to the namespace."""
    await client.create(MANAGED_CLUSTER_SET, cluster_set(namespace, test=namespace))
    await client.create(MANAGED_CLUSTER_SET_BINDING, set_binding(namespace), namespace=namespace)
    yield namespace
    await client.delete(MANAGED_CLUSTER_SET, namespace)


@pytest.fixture
async def clusters(client: Client, namespace: str) -> AsyncIterator[list[str]]:
    """Three ManagedClusters with the label `test=<namespace>`, each with its namespace on the hub."""
    names = [f"{namespace}-c{number}" for number in (1, 2, 3)]
    for name in names:
        await client.create(NAMESPACE, of(NAMESPACE, name))
        await client.create(MANAGED_CLUSTER, managed_cluster(name, test=namespace))
    yield names
    for name in names:
        if await client.find(MANAGED_CLUSTER, name) is not None:
            await client.delete(MANAGED_CLUSTER, name)
        for kind in _NAMESPACED:
            await _clear(client, kind, name)


@pytest.fixture
async def fleet(client: Client, namespace: str, clusters: list[str], bound_set: str) -> AsyncIterator[Fleet]:
    """The three controllers, running, and three clusters that the test plays."""
    made = Fleet(client, namespace, clusters)
    await client.create(PLACEMENT, of(PLACEMENT, "p", spec={}), namespace=namespace)
    await client.create(PLACEMENT_DECISION, decision_page("p", 1), namespace=namespace)
    await made.start()
    yield made
    await made.stop()


_NAMESPACED = (
    WORKFLOW,
    MANIFEST_WORK,
    WORKFLOW_STATUS_RESULT,
    PLACEMENT,
    PLACEMENT_DECISION,
    MANAGED_CLUSTER_SET_BINDING,
)


async def _clear(client: Client, kind: Kind, namespace: str) -> None:
    found, _ = await client.list(kind, namespace=namespace)
    for item in found:
        name = item.metadata.name
        with contextlib.suppress(NotFound):
            if item.metadata.finalizers:
                free = merge_patch({"metadata": {"finalizers": None}})
                await client.patch(kind, name, free, namespace=namespace)
            await client.delete(kind, name, namespace=namespace)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/integration" in str(item.path):
            item.add_marker(pytest.mark.integration)
