"""Clusters that are lost and found: what a test does to that end, and what the hub makes of it."""

from __future__ import annotations

from controllers.api import keys
from controllers.api.cluster import UNREACHABLE
from controllers.api.kinds import MANAGED_CLUSTER, PLACEMENT_DECISION
from controllers.api.placement import PlacementDecision
from controllers.kube.patch import merge_patch
from tests.e2e.conftest import Argosy
from tests.eventually import eventually


async def lose(argosy: Argosy, cluster: str) -> None:
    """Kills the cluster's agent, and waits until the hub has found out."""
    argosy.agents[cluster].kill()
    await lease_seconds(argosy, cluster, 1)
    await is_tainted(argosy, cluster, True)


async def find_again(argosy: Argosy, cluster: str) -> None:
    """Starts the agent, and waits until the hub has heard of it."""
    await argosy.agents[cluster].start()
    await lease_seconds(argosy, cluster, 60)
    await is_tainted(argosy, cluster, False)


async def lease_seconds(argosy: Argosy, cluster: str, seconds: int) -> None:
    patch = merge_patch({"spec": {"leaseDurationSeconds": seconds}})
    await argosy.hub.patch(MANAGED_CLUSTER, cluster, patch)


async def is_tainted(argosy: Argosy, cluster: str, expected: bool) -> None:
    async def probe() -> bool:
        body = (await argosy.hub.get(MANAGED_CLUSTER, cluster)).to_dict()
        return (UNREACHABLE in [item["key"] for item in body["spec"].get("taints", [])]) is expected

    await eventually(probe, within=60, what=f"{cluster} {'is' if expected else 'is not'} tainted")


async def decided(argosy: Argosy, *expected: str) -> None:
    """Waits until the examples' Placement selects these clusters."""

    async def probe() -> bool:
        selector = f"{keys.PLACEMENT_LABEL}=any-cluster"
        found, _ = await argosy.hub.list(PLACEMENT_DECISION, namespace="argo", label_selector=selector)
        pages = [item.decode(PlacementDecision) for item in found]
        return [one.cluster_name for page in pages for one in page.status.decisions] == list(expected)

    await eventually(probe, what=f"any-cluster selects {expected}")
