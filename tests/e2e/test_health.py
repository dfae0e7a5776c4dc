"""A cluster whose agent is gone gets no new Workflows, and gets them again when it is back."""

from __future__ import annotations

from controllers.api import keys
from controllers.api.kinds import MANAGED_CLUSTER, PLACEMENT_DECISION
from controllers.api.placement import PlacementDecision
from controllers.kube.patch import merge_patch
from placement.health.decide import UNREACHABLE
from tests.e2e import workflows
from tests.e2e.conftest import Argosy
from tests.eventually import eventually

COUNT = 6


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


async def placed(argosy: Argosy, prefix: str) -> set[str]:
    """Runs a few Workflows anywhere, and returns where they were."""
    names = [f"{prefix}-{number}" for number in range(COUNT)]
    for name in names:
        await workflows.create(argosy, workflows.hello(name))
    clusters = set()
    for name in names:
        clusters.add(workflows.cluster_of(await workflows.in_phase(argosy, name, "Succeeded")))
    await workflows.delete(argosy, *names)
    return clusters


async def test_new_workflows_avoid_a_cluster_whose_agent_is_gone(argosy: Argosy) -> None:
    lost, other = "cluster2", "cluster1"
    argosy.agents[lost].kill()
    try:
        await lease_seconds(argosy, lost, 1)
        await is_tainted(argosy, lost, True)
        await decided(argosy, other)
        assert await placed(argosy, "without") == {other}
    finally:
        await argosy.agents[lost].start()
        await lease_seconds(argosy, lost, 60)
    await is_tainted(argosy, lost, False)
    await decided(argosy, other, lost)
    assert await placed(argosy, "with") == {lost, other}
