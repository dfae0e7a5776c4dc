"""What an evaluator needs before it can select anything."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from controllers.api.kinds import MANAGED_CLUSTER_SET, MANAGED_CLUSTER_SET_BINDING
from controllers.kube.client import Client
from tests.integration.bodies import cluster_set, set_binding


@pytest.fixture
async def bound_set(client: Client, namespace: str) -> AsyncIterator[str]:
    """A set of the clusters with the label `test=<namespace>`, bound to the namespace."""
    await client.create(MANAGED_CLUSTER_SET, cluster_set(namespace, test=namespace))
    await client.create(MANAGED_CLUSTER_SET_BINDING, set_binding(namespace), namespace=namespace)
    yield namespace
    await client.delete(MANAGED_CLUSTER_SET, namespace)
