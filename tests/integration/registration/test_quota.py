"""How much an agent may store on the hub: its own identity, against a real quota."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from controllers.api.kinds import LEASE, RESOURCE_QUOTA, WORKFLOW_STATUS_RESULT
from controllers.api.membership import QUOTA, QUOTA_HARD
from controllers.kube.client import Client
from controllers.kube.errors import Forbidden
from controllers.kube.patch import merge_patch
from tests.eventually import eventually
from tests.integration.bodies import of
from tests.integration.registration.joining import TRUSTED, connected, joined, registering


async def in_force(client: Client, cluster: str, hard: dict[str, str]) -> None:
    """Waits until the quota is counted by these bounds."""

    async def probe() -> bool:
        found = await client.find(RESOURCE_QUOTA, QUOTA, namespace=cluster)
        status = {} if found is None else found.to_dict().get("status", {})  # or not made yet
        assert status.get("hard") == hard
        assert status.get("used", {}).keys() == hard.keys()
        return True

    await eventually(probe, within=60, what="the quota in force")


async def test_an_agent_stores_so_much_and_no_more(
    client: Client, bootstrap: Path, cluster: str, tmp_path: Path
) -> None:
    """M1: one agent could fill the hub's store, and the controllers' memory."""
    async with registering(client, TRUSTED):
        await asyncio.wait_for(joined(bootstrap, cluster, tmp_path / "out"), 30)
        await in_force(client, cluster, dict(QUOTA_HARD))
        results = f"count/{WORKFLOW_STATUS_RESULT}"
        narrow = dict(QUOTA_HARD) | {results: "3"}
        await client.patch(RESOURCE_QUOTA, QUOTA, merge_patch({"spec": {"hard": narrow}}), namespace=cluster)
        await in_force(client, cluster, narrow)
        async with connected(tmp_path / "out") as agent:
            for number in range(3):
                body = of(WORKFLOW_STATUS_RESULT, f"r-{number}", workflowStatus={})
                await agent.create(WORKFLOW_STATUS_RESULT, body, namespace=cluster)
            more = of(WORKFLOW_STATUS_RESULT, "r-3", workflowStatus={})
            with pytest.raises(Forbidden, match=f"exceeded quota: {QUOTA}, requested: {results}=1"):
                await agent.create(WORKFLOW_STATUS_RESULT, more, namespace=cluster)
            for number in range(int(QUOTA_HARD[f"count/{LEASE}"])):
                await agent.create(LEASE, of(LEASE, f"l-{number}"), namespace=cluster)
            with pytest.raises(Forbidden, match="exceeded quota"):
                await agent.create(LEASE, of(LEASE, "l-more"), namespace=cluster)
            for change in (
                agent.patch(RESOURCE_QUOTA, QUOTA, merge_patch({"spec": {"hard": {}}}), namespace=cluster),
                agent.delete(RESOURCE_QUOTA, QUOTA, namespace=cluster),
            ):
                with pytest.raises(Forbidden):
                    await change
        # What the administrator has set stays; what somebody removed is made again.
        assert (await client.get(RESOURCE_QUOTA, QUOTA, namespace=cluster)).to_dict()["spec"][
            "hard"
        ] == narrow
        await client.delete(RESOURCE_QUOTA, QUOTA, namespace=cluster)
        await in_force(client, cluster, dict(QUOTA_HARD))
