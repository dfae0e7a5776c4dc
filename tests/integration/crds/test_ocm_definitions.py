"""A hub with Open Cluster Management's own CustomResourceDefinitions instead of ours: all of ours works there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

import manifestwork.wiring
import placement.evaluator.wiring
import placement.wiring
import statussync.wiring
from controllers.api import keys
from controllers.api.kinds import (
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET,
    MANAGED_CLUSTER_SET_BINDING,
    NAMESPACE,
    PLACEMENT,
    PLACEMENT_DECISION,
    WORKFLOW,
)
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from tests.clusters import provider
from tests.e2e.ocm import definitions
from tests.eventually import eventually
from tests.integration.bodies import cluster_set, managed_cluster, of, set_binding, workflow
from tests.integration.bodies import placement as placement_body
from tests.integration.played_agent import PlayedAgent
from tests.integration.running import running
from tests.integration.told import event, waits_because


@pytest.fixture(scope="module")
async def ocm_hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    """A hub of its own: definitions are for a whole cluster."""
    source = await asyncio.to_thread(definitions.source)
    fleet = await asyncio.to_thread(provider().start, tmp_path_factory.mktemp("ocm-hub"), [], argo=False)
    try:
        client = await Client.connect(fleet.hub.kubeconfig)
        await definitions.install(client, definitions.for_hub(source))
        yield client
        await client.close()
    finally:
        await asyncio.to_thread(fleet.stop)


@pytest.fixture
async def team(ocm_hub: Client) -> str:
    """A namespace whose Placements may select clusters `c1` and `c2`."""
    await ocm_hub.create(NAMESPACE, of(NAMESPACE, "team"))
    await ocm_hub.create(MANAGED_CLUSTER_SET, cluster_set("set", purpose="test"))
    await ocm_hub.create(MANAGED_CLUSTER_SET_BINDING, set_binding("set"), namespace="team")
    for name in ("c1", "c2"):
        await ocm_hub.create(NAMESPACE, of(NAMESPACE, name))
        await ocm_hub.create(MANAGED_CLUSTER, managed_cluster(name, purpose="test"))
    return "team"


async def test_a_workflow_is_placed_sent_synced_and_cleaned_up(ocm_hub: Client, team: str) -> None:
    wirings = (
        placement.evaluator.wiring.add_to,
        placement.wiring.add_to,
        manifestwork.wiring.add_to,
        statussync.wiring.add_to,
    )
    async with running(ocm_hub, *wirings):
        await ocm_hub.create(WORKFLOW, workflow("a", placement="p"), namespace=team)
        await waits_because(ocm_hub, team, "PlacementNotFound")
        selected = {"labelSelector": {"matchLabels": {"purpose": "test"}}}
        predicates = [{"requiredClusterSelector": selected}]
        body = placement_body("p", clusterSets=["set"], predicates=predicates, numberOfClusters=1)
        await ocm_hub.create(PLACEMENT, body, namespace=team)
        agent = PlayedAgent(ocm_hub, await placed(ocm_hub, team))
        work = await agent.claim(await agent.work())
        await decided(ocm_hub, team)
        await agent.report(work, phase="Running", progress="0/1", startedAt="2026-01-01T00:00:00Z")
        await shows(ocm_hub, team, phase="Running")
        stop = merge_patch({"spec": {"shutdown": "Stop"}})
        await ocm_hub.patch(WORKFLOW, "a", stop, namespace=team)
        await eventually(lambda: carries_stop(agent))
        final: dict[str, Any] = {"phase": "Failed", "message": "Stopped", "nodes": {"a": {"phase": "Failed"}}}
        await agent.write_result(work, final)
        await shows(ocm_hub, team, **final)
        await ocm_hub.delete(WORKFLOW, "a", namespace=team)
        await eventually(lambda: is_deleting(agent))
        await agent.let_go(work)
        await eventually(lambda: gone(ocm_hub, team))
    for reason in ("Placed", "StatusSynced"):
        await event(ocm_hub, team, reason)


async def placed(client: Client, namespace: str) -> str:
    async def cluster() -> str | None:
        found = await client.get(WORKFLOW, "a", namespace=namespace)
        return found.metadata.annotations.get(keys.CLUSTER_ANNOTATION)

    return await eventually(cluster)


async def decided(client: Client, namespace: str) -> None:
    """Nothing of what the evaluator writes is dropped by OCM's schemas."""

    async def satisfied() -> dict[str, Any] | None:
        status: dict[str, Any] = (await client.get(PLACEMENT, "p", namespace=namespace)).to_dict()["status"]
        given = {item["type"]: item["status"] for item in status["conditions"]}
        assert given == {"PlacementSatisfied": "True", "PlacementMisconfigured": "False"}
        return status

    status = await eventually(satisfied)
    assert status["numberOfSelectedClusters"] == 1
    assert status["decisionGroups"][0]["decisions"] == ["p-decision-1"]
    page = await client.get(PLACEMENT_DECISION, "p-decision-1", namespace=namespace)
    assert page.to_dict()["status"]["decisions"] == [{"clusterName": "c1", "reason": ""}]


async def shows(client: Client, namespace: str, **expected: Any) -> None:
    async def so() -> bool:
        status = (await client.get(WORKFLOW, "a", namespace=namespace)).to_dict().get("status") or {}
        assert {name: status.get(name) for name in expected} == expected
        return True

    await eventually(so)


async def carries_stop(agent: PlayedAgent) -> bool:
    manifests = (await agent.work()).to_dict()["spec"]["workload"]["manifests"]
    return bool(manifests[0]["spec"].get("shutdown") == "Stop")


async def is_deleting(agent: PlayedAgent) -> bool:
    return (await agent.work()).metadata.deletion_timestamp is not None


async def gone(client: Client, namespace: str) -> bool:
    return await client.find(WORKFLOW, "a", namespace=namespace) is None
