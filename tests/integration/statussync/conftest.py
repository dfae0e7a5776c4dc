"""A Workflow that was delivered, and the agent that reports on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from controllers.api import keys
from controllers.api.kinds import MANIFEST_WORK, WORKFLOW
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.runtime.manager import Manager
from manifestwork.build import manifest_work
from statussync.wiring import add_to
from tests.eventually import eventually
from tests.integration.bodies import workflow
from tests.integration.played_agent import PlayedAgent
from tests.integration.running import running


@dataclass
class Delivered:
    """Workflow `a` of `namespace`, its ManifestWork, and its cluster's agent."""

    client: Client
    namespace: str
    agent: PlayedAgent
    work: Object

    async def body(self) -> dict[str, Any]:
        return (await self.client.get(WORKFLOW, "a", namespace=self.namespace)).to_dict()

    async def status(self) -> dict[str, Any]:
        status: dict[str, Any] = (await self.body()).get("status") or {}
        return status

    async def shows(self, **expected: Any) -> dict[str, Any]:
        """The hub's status, once these fields have these values."""

        async def so() -> dict[str, Any]:
            status = await self.status()
            assert {name: status.get(name) for name in expected} == expected
            return status

        return await eventually(so, what=f"the hub shows {expected}")


@pytest.fixture
async def delivered(client: Client, namespace: str, clusters: list[str]) -> Delivered:
    body = workflow("a", cluster=clusters[0])
    body["metadata"]["finalizers"] = [keys.CLEANUP_FINALIZER]
    created = await client.create(WORKFLOW, body, namespace=namespace)
    carried = manifest_work(created.to_dict(), created.metadata, clusters[0])
    work = await client.create(MANIFEST_WORK, carried, namespace=clusters[0])
    return Delivered(client, namespace, PlayedAgent(client, clusters[0]), work)


@pytest.fixture
async def syncing(client: Client, delivered: Delivered) -> AsyncIterator[Manager]:
    """The statussync controller, running."""
    async with running(client, add_to) as manager:
        yield manager
