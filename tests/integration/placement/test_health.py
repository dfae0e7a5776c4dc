"""A cluster's lease, its conditions and its taints, on a real hub with a played agent."""

from __future__ import annotations

import datetime
from collections.abc import Callable

from controllers.api import keys
from controllers.api.cluster import AVAILABLE, UNREACHABLE
from controllers.api.kinds import LEASE, MANAGED_CLUSTER, NAMESPACE, PLACEMENT
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from placement.evaluator.wiring import add_to as add_evaluator
from registration.health.wiring import add_to
from tests.eventually import eventually
from tests.integration.bodies import Body, managed_cluster, placement
from tests.integration.placement.deciding import decides
from tests.integration.running import running
from tests.integration.told import event
from tests.joining import say_available


class PlayedAgent:
    """What an agent does for its cluster's life: renews the lease, and says that the cluster is available."""

    def __init__(self, client: Client, cluster: str) -> None:
        self._client = client
        self.cluster = cluster

    async def join(self, *, lease_seconds: int = 1, **labels: str) -> None:
        body = managed_cluster(self.cluster, **labels)
        body["spec"]["leaseDurationSeconds"] = lease_seconds
        await self._client.create(MANAGED_CLUSTER, body)
        await self._client.create(NAMESPACE, {"metadata": {"name": self.cluster}})
        await self._client.create(
            LEASE, {"metadata": {"name": keys.CLUSTER_LEASE_NAME}}, namespace=self.cluster
        )
        await self.renew()
        await self.say("True")

    async def renew(self, *, clock: datetime.timedelta = datetime.timedelta()) -> None:
        moment = (datetime.datetime.now(datetime.UTC) + clock).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        patch = merge_patch({"spec": {"renewTime": moment}})
        await self._client.patch(LEASE, keys.CLUSTER_LEASE_NAME, patch, namespace=self.cluster)

    async def say(self, status: str) -> None:
        await say_available(self._client, self.cluster, status)

    async def read(self) -> Body:
        return (await self._client.get(MANAGED_CLUSTER, self.cluster)).to_dict()

    async def is_seen(self, available: str, *taints: str) -> None:
        """Waits until the ManagedCluster has this condition and these taints, no others."""

        async def probe() -> bool:
            body = await self.read()
            conditions = body.get("status", {}).get("conditions", [])
            found = {item["type"]: item["status"] for item in conditions}
            assert found.get(AVAILABLE) == available
            assert [item["key"] for item in body["spec"].get("taints", [])] == list(taints)
            return True

        await eventually(probe, what=f"{self.cluster} is {available} {taints}")


async def renewing(agent: PlayedAgent, until: Callable[[], bool], **more: datetime.timedelta) -> None:
    """Renews the lease until then, as often as it takes."""

    async def beat() -> bool:
        await agent.renew(**more)
        return until()

    await eventually(beat, what="so many renewals")


async def test_a_lease_that_stops_makes_the_cluster_unreachable_and_its_agent_brings_it_back(
    client: Client, namespace: str, bound_set: str
) -> None:
    agent = PlayedAgent(client, f"{namespace}-a")
    await agent.join(test=namespace)
    async with running(client, add_to, add_evaluator):
        await client.create(PLACEMENT, placement("p"), namespace=namespace)
        await decides(client, namespace, [agent.cluster])
        await agent.is_seen("Unknown", UNREACHABLE)
        await decides(client, namespace, [])
        said = await event(client, "default", "AvailableUnknown", agent.cluster)
        assert "stopped renewing its lease" in said["message"]
        await agent.renew()
        await agent.say("True")
        await agent.is_seen("True")
        await decides(client, namespace, [agent.cluster])
    await client.delete(MANAGED_CLUSTER, agent.cluster)


async def test_an_agent_whose_clock_is_an_hour_behind_is_alive_as_long_as_its_lease_moves(
    client: Client, namespace: str
) -> None:
    agent = PlayedAgent(client, f"{namespace}-a")
    await agent.join(
        lease_seconds=2
    )  # a machine that stands still for some seconds is not to be taken for its end
    behind = datetime.timedelta(hours=-1)
    async with running(client, add_to):
        end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=8)
        await renewing(agent, lambda: datetime.datetime.now(datetime.UTC) > end, clock=behind)
        await agent.is_seen("True")
        await agent.is_seen("Unknown", UNREACHABLE)
    await client.delete(MANAGED_CLUSTER, agent.cluster)


async def test_an_agent_that_insists_is_not_contradicted_at_once(client: Client, namespace: str) -> None:
    """Its lease does not move, it may not renew it: but who says that it is available is alive."""
    agent = PlayedAgent(client, f"{namespace}-a")
    await agent.join()
    async with running(client, add_to):
        await agent.is_seen("Unknown", UNREACHABLE)
        before = (await agent.read())["metadata"]["generation"]
        await agent.say("True")
        await agent.is_seen("True")
        await agent.is_seen("Unknown", UNREACHABLE)
        assert (await agent.read())["metadata"]["generation"] == before + 2, "off and on once, and no fight"
    await client.delete(MANAGED_CLUSTER, agent.cluster)


async def test_a_cluster_that_is_not_accepted_is_tainted_and_one_that_is_says_so(
    client: Client, namespace: str
) -> None:
    name = f"{namespace}-a"
    body = managed_cluster(name)
    body["spec"] = {"hubAcceptsClient": False, "taints": [{"key": "mine", "effect": "NoSelect"}]}
    await client.create(MANAGED_CLUSTER, body)
    agent = PlayedAgent(client, name)
    async with running(client, add_to):

        async def is_tainted() -> bool:
            spec = (await agent.read())["spec"]
            return [item["key"] for item in spec["taints"]] == ["mine", UNREACHABLE]

        await eventually(is_tainted)
        await client.patch(MANAGED_CLUSTER, name, merge_patch({"spec": {"hubAcceptsClient": True}}))

        async def is_accepted() -> bool:
            conditions = (await agent.read()).get("status", {}).get("conditions", [])
            return [(item["type"], item["status"]) for item in conditions] == [
                ("HubAcceptedManagedCluster", "True")
            ]

        await eventually(is_accepted)
        await agent.say("False")
        await agent.is_seen("False", "mine", "cluster.open-cluster-management.io/unavailable")
    await client.delete(MANAGED_CLUSTER, name)
