"""A hub with the three controllers, whose Placement, decisions and agents are played by the test."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import manifestwork.wiring
import placement.wiring
import statussync.wiring
from controllers.api import keys
from controllers.api.cluster import UNREACHABLE
from controllers.api.kinds import MANAGED_CLUSTER, PLACEMENT_DECISION, WORKFLOW
from controllers.api.meta import timestamp
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from tests.eventually import eventually
from tests.integration.bodies import Body, decisions, workflow
from tests.integration.played_agent import PlayedAgent
from tests.integration.running import running

RUNNING = {"phase": "Running", "progress": "0/1", "nodes": {"a": {"phase": "Running"}}}
SUCCEEDED = {"phase": "Succeeded", "progress": "1/1", "nodes": {"a": {"phase": "Succeeded"}}}


class Fleet:
    """`clusters` are selected by Placement `p` of `namespace` once the test says so with `decide`."""

    def __init__(self, client: Client, namespace: str, clusters: Sequence[str]) -> None:
        self.client = client
        self.namespace = namespace
        self.clusters = clusters
        self.agents = {name: PlayedAgent(client, name) for name in clusters}
        self._controllers = contextlib.AsyncExitStack()

    async def start(self) -> None:
        """Starts the three controllers."""
        wirings = (placement.wiring.add_to, manifestwork.wiring.add_to, statussync.wiring.add_to)
        await self._controllers.enter_async_context(running(self.client, *wirings))

    async def stop(self) -> None:
        """Stops them, gracefully."""
        await self._controllers.aclose()

    async def decide(self, *clusters: str) -> None:
        patch = merge_patch(decisions(clusters))
        await self.client.patch(
            PLACEMENT_DECISION, "p-decision-1", patch, namespace=self.namespace, subresource="status"
        )

    async def taint(self, cluster: str, key: str = UNREACHABLE) -> None:
        taint = {"key": key, "effect": "NoSelect", "timeAdded": timestamp(datetime.now(UTC))}
        await self.client.patch(MANAGED_CLUSTER, cluster, merge_patch({"spec": {"taints": [taint]}}))

    async def untaint(self, cluster: str) -> None:
        await self.client.patch(MANAGED_CLUSTER, cluster, merge_patch({"spec": {"taints": None}}))

    async def create(self, name: str, annotations: dict[str, str], **spec: Any) -> None:
        body = workflow(name, placement="p", spec=spec)
        body["metadata"]["annotations"] |= annotations
        await self.client.create(WORKFLOW, body, namespace=self.namespace)

    async def body(self, name: str = "a") -> Body:
        return (await self.client.get(WORKFLOW, name, namespace=self.namespace)).to_dict()

    async def is_on(self, cluster: str, name: str = "a") -> Body:
        async def there() -> Body:
            found = await self.body(name)
            assert found["metadata"]["annotations"].get(keys.CLUSTER_ANNOTATION) == cluster
            return found

        return await eventually(there, what=f"{name} is on {cluster}")

    async def shows(self, phase: str, progress: str | None = None, name: str = "a") -> Body:
        async def so() -> Body:
            status = (await self.body(name)).get("status", {})
            assert (status.get("phase"), status.get("progress")) == (
                phase,
                progress or status.get("progress"),
            )
            return dict(status)

        return await eventually(so, what=f"{name} shows {phase} {progress}")

    async def runs_on(self, cluster: str) -> Object:
        """Sends Workflow `a` to the cluster, where it begins to run. Returns its ManifestWork."""
        await self.is_on(cluster)
        agent = self.agents[cluster]
        work = await agent.claim(await agent.work())
        await agent.write_result(work, RUNNING)
        await self.shows("Running")
        return work
