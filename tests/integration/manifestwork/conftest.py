"""Every namespace here may use the clusters of its test."""

from __future__ import annotations

import pytest

from controllers.api import keys
from controllers.api.kinds import NAMESPACE
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch


@pytest.fixture(autouse=True)
def may_use_its_clusters(bound_set: str) -> str:
    """The namespace, with a set of its clusters bound to it."""
    return bound_set


async def allow_namespaces(client: Client, namespace: str, allowed: str | None) -> None:
    """What the hub's administrator writes on a Namespace, so that its Workflows may run in others on their cluster."""
    patch = merge_patch({"metadata": {"annotations": {keys.ALLOWED_NAMESPACES_ANNOTATION: allowed}}})
    await client.patch(NAMESPACE, namespace, patch)
